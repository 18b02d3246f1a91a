#pragma once
/*
 * The oldest segments of an audit: which may go by their age, and what keeps them. Only whole ones go, the oldest first, since the chain
 * begins at one place. Changes nothing, and may run beside the writer. One thread a walk.
 */
#include "daemon/audit/carried.h"
#include "daemon/audit/holds.h"
#include "daemon/audit/walk.h"

typedef enum AuditOldVerdict {
        AUDIT_OLD_GOES,
        AUDIT_OLD_YOUNG,  /* something in it is */
        AUDIT_OLD_NEWEST, /* it is still written to */
        AUDIT_OLD_HELD,   /* by what waits for somebody */
} AuditOldVerdict;

typedef struct AuditOld {
        AuditOldVerdict verdict;
        uint64_t first, next; /* its records: from this one, before that one; `next` as far as it was read */
        int64_t first_at, last_at;
        uint64_t bytes;
        uint8_t chain[SHA256_SIZE]; /* behind its last record, where it goes */
        uint64_t held_record;       /* the first that is, */
        unsigned why;               /* as audit_holds_add_*() was told */
} AuditOld;

/* Looks through the segment that begins at `first`, its place in the chain proved. `carrying`, where not NULL, takes what it says. 0,
 * AUDIT_E_DAMAGED, AUDIT_E_NEWER, negative. */
int audit_old_look(AuditWalk *walk, uint64_t first, int64_t older_than, const AuditHolds *holds, Carrying *carrying,
                   AuditOld *ret);

/* All that would go now. */
typedef struct AuditOldAll {
        uint64_t segments, records, bytes;
        uint64_t until; /* the newest record that would go; 0: none would */
        int64_t until_at;
        AuditOld end; /* the segment at which it ends: why */
} AuditOldAll;
/* 0, AUDIT_E_NONE, AUDIT_E_DAMAGED, AUDIT_E_NEWER, negative. */
int audit_old_look_all(const char *folder, int64_t older_than, const AuditHolds *holds, AuditOldAll *ret);
