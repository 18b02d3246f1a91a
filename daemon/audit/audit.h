#pragma once
/*
 * The audit of serve: append-only segments in state/serve/audit, each record chained to the one before by SHA-256, the newest link signed
 * every minute (Ed25519). docs/audit.md says how the bytes lie. Nothing in it is clinical.
 *
 * audit_append() writes before anything is sent: the process may die behind it and the record is there. A thread of its own syncs within a
 * second and signs. After a power cut a torn end is cut, and a record says so. Beside the segments stands an index of what was delivered
 * (which event to which team), for corrections, `why` and receipts; it is made anew out of the segments when it is missing or behind.
 *
 * Any thread may append: a lock is held for the time of one write.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/cleanup.h"
#include "carebus/v1/audit.pb-c.h"

typedef struct Audit Audit;

typedef struct AuditOptions {
        const char *folder; /* state/serve/audit; made where it is not there */
        const char *
                key; /* PEM file of the signing key; made (0600) where it is not there, its public half beside it as audit.pub */
        const Clock *clock;
        uint64_t segment_bytes; /* 0: 64 MiB */
} AuditOptions;

/* Reads the newest segment, cuts a torn end. 0, or negative: -EBADMSG where what stands before the end is not what was written; then
 * `carebusctl audit verify` says where. */
int audit_open(const AuditOptions *options, Audit **ret);
Audit *audit_free(Audit *audit); /* syncs and signs */
DEFINE_CLEANUP(Audit *, audit_free)

/* Numbers and stamps the record and writes it; *ret_number may be NULL. Negative: it could not be written, and nothing may be given out:
 * -ENOSPC and -EDQUOT may go away, -EIO is final. */
int audit_append(Audit *audit, Carebus__V1__AuditRecord *record, uint64_t *ret_number);

/* Was this event (or its content in a record) given to the team? Teams by name. 0, 1 or negative. */
int audit_was_given(Audit *audit, const char *team, uint64_t seq, uint32_t index);
/* Was anything of this person? */
int audit_was_told_of(Audit *audit, const char *team, const char *patient_id);

/* Records about an event and a team (NULL: any), oldest first: for `why` and receipts; and about a person: for `audit who`. */
typedef int (*AuditSeen)(const Carebus__V1__AuditRecord *record, void *owner);
int audit_of_event(Audit *audit, const char *team, uint64_t seq, uint32_t index, Arena *arena, AuditSeen seen,
                   void *owner);
int audit_of_person(Audit *audit, const char *const *patient_ids, size_t n, int64_t from_at, int64_t until_at,
                    uint64_t after_number, Arena *arena, AuditSeen seen, void *owner);
