#pragma once
/* What sight.h answered, as an item of the audit: see audit-say.h for the way that each giving goes. */
#include "carebus/v1/record.pb-c.h"
#include "daemon/serve/audit-say.h"
#include "daemon/serve/sight.h"

void disclose_event(AuditSay *say, const Sight *sight, const PublishedEvent *event, Place place, PublishedBytes *bytes,
                    const SightAnswer *answer);
/* Somebody was found: that they are known, with name and birth date. */
void disclose_found(AuditSay *say, const Sight *sight, const char *patient_id);
/* A record as record_for_team() made it. */
void disclose_record(AuditSay *say, const Sight *sight, const Carebus__V1__Record *record);
