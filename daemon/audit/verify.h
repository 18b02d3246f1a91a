#pragma once
/*
 * Is the audit what was written? Frames, checksums, numbers and the chain of all segments; signatures of its anchors; and, where a file of
 * anchors was kept elsewhere, that the chain runs through each of them: who rewrites the whole chain, or cuts its end, cannot make it do
 * so.
 * Needs no daemon, changes nothing, and may run beside one.
 */
#include <stdint.h>

#include "daemon/audit/walk.h"

typedef struct AuditVerifyOptions {
        const char *folder;
        const char *anchors; /* file of anchors kept elsewhere, or NULL */
        const char
                *key; /* public key kept elsewhere that the anchors must be signed by, or NULL: those in the folder */
        bool still;   /* nobody writes: half a record at the end is not waited for */
        void (*progress)(uint64_t done, uint64_t all, void *owner); /* bytes; may be NULL */
        void *owner;
} AuditVerifyOptions;

typedef struct AuditVerified {
        uint64_t records, bytes;
        uint64_t anchors;       /* of its own, and */
        uint64_t anchors_saved; /* of those kept elsewhere, that the chain runs through */
        uint64_t anchored;      /* newest number that is signed */
        uint64_t begins;        /* number of the first record: 1, or behind what retention removed, */
        int64_t begins_at;      /* the last of which was written then, and */
        int64_t removed_at;     /* which was removed then; both 0 where nothing was */
        uint64_t
                anchors_before; /* anchors, of its own and kept elsewhere, of what was removed: they are signed, and nothing is left to
                                    compare them with */
        int64_t first_at, last_at;
        /* The first fault. Beside those of AuditFault: anchor (a line that is none of ours), anchor-signature, anchor-key (signed by a
         * key that is not there), anchor-order, anchor-differs (another chain), behind-anchor (the end is missing), key (a public key
         * that is not what its name says), beginning-signature, carried (what removed segments said is not what was signed; `segment`
         * is the one that lacks, or 0). `number` is the record's or the anchor's; `saved` says whose anchor. */
        AuditFault fault;
        bool saved;
} AuditVerified;

/* 0, AUDIT_E_DAMAGED with the fault, AUDIT_E_NONE, AUDIT_E_NEWER, negative: it cannot be read. `ret` is filled in as far as it went. */
int audit_verify(const AuditVerifyOptions *options, AuditVerified *ret);
/* The newest anchor of the folder: 0, AUDIT_E_NONE (none yet), AUDIT_E_DAMAGED, negative. Appends its line. */
int audit_newest_anchor(const char *folder, Buffer *ret_line);
/* Where a copy of the audit ends that is made while somebody writes: behind the last whole record. 0, AUDIT_E_NONE, AUDIT_E_DAMAGED,
 * AUDIT_E_NEWER, negative. */
typedef struct AuditEnd {
        uint64_t segment, offset; /* first number of the newest segment; in its file */
        uint64_t number;          /* newest record; 0: none */
} AuditEnd;
int audit_find_end(const char *folder, AuditEnd *ret);
/* For people: what a reason means. */
const char *audit_reason_says(const char *reason);
