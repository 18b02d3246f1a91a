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
#include "base/bytes.h"
#include "base/clock.h"
#include "base/cleanup.h"
#include "carebus/v1/audit.pb-c.h"
#include "daemon/audit/oldest.h"

typedef struct Audit Audit;

typedef struct AuditOptions {
        const char *folder; /* state/serve/audit; made where it is not there */
        const char *
                key; /* PEM file of the signing key; made (0600) where it is not there, its public half beside it as audit.pub */
        const char *version; /* for AuditLife; may be NULL */
        const Clock *clock;
        uint64_t segment_bytes; /* 0: 64 MiB */
        uint64_t reserve_bytes; /* kept free for when the disk is full; 0: 16 MiB */
} AuditOptions;

/* Where the start found what it must not go over, and what a person can do: audit_open() returned -EBADMSG. */
typedef struct AuditOpenFault {
        uint64_t segment, offset, number;
        const char *
                reason; /* as of AuditFault; behind-anchor: what was signed is not there; key: the signing key cannot be used */
} AuditOpenFault;

/* Reads the newest segment, cuts a torn end. 0, or negative: -EBADMSG where what stands before the end is not what was written; then
 * `carebusctl audit verify` says where. `ret_fault` may be NULL. */
int audit_open(const AuditOptions *options, Audit **ret, AuditOpenFault *ret_fault);
Audit *audit_free(Audit *audit); /* syncs and signs */
DEFINE_CLEANUP(Audit *, audit_free)

/* Numbers and stamps the record and writes it; *ret_number may be NULL. Negative: it could not be written, and nothing may be given out:
 * -ENOSPC and -EDQUOT may go away, -EIO is final. */
int audit_append(Audit *audit, Carebus__V1__AuditRecord *record, uint64_t *ret_number);
/* The same of a record that is packed, without number and at: one field of `what`. */
int audit_append_packed(Audit *audit, Bytes what, uint64_t *ret_number);

typedef struct AuditStatus {
        uint64_t number, synced, anchored;
        uint64_t decided;         /* newest entry of the journal that stands here as a decision or as settings */
        uint64_t cut;             /* bytes that the start cut off a torn end and laid aside */
        bool full;                /* the newest record found no room */
        int error;                /* 0, or the final failure */
        uint64_t removed;         /* newest record that retention removed; 0: none, */
        int64_t removed_until_at; /* which was written then */
} AuditStatus;
AuditStatus audit_status(Audit *audit);

/* Was this event itself given to the team? Teams by name. 0 or 1. */
int audit_was_given(Audit *audit, const char *team, uint64_t seq, uint32_t index);
/* Was its content given in a record of this person (any id under which a record was given) as of the event's entry, or later? 0 or 1. */
int audit_was_given_record(Audit *audit, const char *team, const char *patient_id, uint64_t seq);
/* Was anything of this person? */
int audit_was_told_of(Audit *audit, const char *team, const char *patient_id);
/* From `from_at` on and before `until_at` (0: no end), behind `after_number`. */
typedef struct AuditWhen {
        int64_t from_at, until_at;
        uint64_t after_number;
} AuditWhen;
/* Was a record of the person given to the team in this time (`when->after_number` is not looked at), as of entry `seq` or later? All ids of
 * the person have to be named. Reads files, those of removed segments too. 1, 0 or negative. */
int audit_gave_record(Audit *audit, const char *team, const char *const *patient_ids, size_t n, const AuditWhen *when,
                      uint64_t seq);

/* Records about events and a team (NULL: any), oldest first, with the items of these events alone: for `why` and receipts; and about a
 * person, with the items of that person: for `audit who`. Those that retention removed are not among them. A record lives in the arena.
 * What `seen` returns, where not 0, ends it. 0, that, or negative. Reads files; any thread. */
typedef int (*AuditSeen)(const Carebus__V1__AuditRecord *record, void *owner);
int audit_of_event(Audit *audit, const char *team, uint64_t seq, uint32_t index, Arena *arena, AuditSeen seen,
                   void *owner);
/* Events of any of these entries; ascending. */
int audit_of_entries(Audit *audit, const uint64_t *seqs, size_t n, Arena *arena, AuditSeen seen, void *owner);
int audit_of_person(Audit *audit, const char *const *patient_ids, size_t n, const AuditWhen *when, Arena *arena,
                    AuditSeen seen, void *owner);

/* Was the oldest segment begun before, and is it closed? Then it is worth asking what holds it. 1, 0, -EBADMSG or negative; one thread. */
int audit_oldest_may_go(Audit *audit, int64_t older_than);
/* Removes the oldest segment, where nothing in it is of `older_than` or later, nothing holds it, and it is signed. What it said of who was
 * given what is carried over, the chain's new beginning is signed, and the audit says so, before a file goes; broken off at any step, it is
 * there as before or gone as a whole, and the next start clears up. Takes as long as reading a segment: one thread, beside those that
 * append and ask. `holds` may be NULL. 0 with what was found (AUDIT_OLD_GOES: it is gone), -EBADMSG: it is not what was written;
 * negative: -ENOSPC and the like may go away. */
int audit_remove_oldest(Audit *audit, int64_t older_than, const AuditHolds *holds, AuditOld *ret);
