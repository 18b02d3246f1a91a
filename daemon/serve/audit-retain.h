#pragma once
/*
 * Retention of the audit: once a day the oldest segments are looked at; one that is older than `retention.audit` says, and that nobody who
 * still has to decide about something needs, goes as a whole. A segment a turn, so that the audit thread does its other work between.
 */
#include "daemon/serve/worker.h"

typedef struct AuditRetain AuditRetain;

int audit_retain_new(Worker *worker, AuditRetain **ret);
AuditRetain *audit_retain_free(AuditRetain *retain);
DEFINE_CLEANUP(AuditRetain *, audit_retain_free)

/* The age that holds from now on: looks at once. */
void audit_retain_set(AuditRetain *retain, const Config *config);
/* Logs what went, and what hindered it. True: there is more to do at once. */
bool audit_retain_turn(AuditRetain *retain, View *view);
