#pragma once
/* What sight.h answered, as an item of the audit: see audit-say.h for the way that each giving goes. */
#include <sys/types.h>

#include "carebus/v1/record.pb-c.h"
#include "daemon/serve/audit-say.h"
#include "daemon/serve/sight.h"

void disclose_event(AuditSay *say, const Sight *sight, const PublishedEvent *event, Place place, PublishedBytes *bytes,
                    const SightAnswer *answer);
/* Somebody was found: that they are known, with name and birth date. */
void disclose_found(AuditSay *say, const Sight *sight, const char *patient_id);
/* A record as record_for_team() made it for this team (-1: the whole). 0 or negative. */
int disclose_record(AuditSay *say, Sight *sight, ssize_t team, const Carebus__V1__Record *record);
/* By which kind of relationship a team is given a record, whose facts go by several rules: an ordinary one where there is one, thus
 * break-glass where nothing else is. NULL: by none. Lives as long as what the sight says of the person. 0 or negative. */
int disclose_relationship(Sight *sight, ssize_t team, const char *patient_id, const char **ret);
