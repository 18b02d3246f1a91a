#pragma once
/*
 * What keeps records of the audit, whatever their age: what they say of persons, from a time on, and of entries of the journal that
 * somebody still has to decide about. One thread fills it in; then any may ask.
 */
#include <stdint.h>

#include "base/bytes.h"
#include "base/cleanup.h"

typedef struct AuditHolds AuditHolds;

int audit_holds_new(AuditHolds **ret);
AuditHolds *audit_holds_free(AuditHolds *holds);
DEFINE_CLEANUP(AuditHolds *, audit_holds_free)
/* `why` is the caller's, and not 0. The id is copied. 0 or -ENOMEM. */
int audit_holds_add_person(AuditHolds *holds, const char *patient_id, int64_t from_at, unsigned why);
int audit_holds_add_entry(AuditHolds *holds, uint64_t seq, unsigned why);
/* Once all are in, and before the first question. */
void audit_holds_end(AuditHolds *holds);

/* Why this record stays: 0 where nothing holds it, else a `why`. Negative: -EBADMSG, it is no AuditRecord. `holds` may be NULL. */
int audit_holds_find(const AuditHolds *holds, Bytes packed);
