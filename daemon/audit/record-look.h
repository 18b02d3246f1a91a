#pragma once
/* A look at a packed AuditRecord without unpacking it: for the index and for searching. Used inside daemon/audit only. */
#include "base/bytes.h"

/* One item of a disclosure, or what a refusal or a decision names. Ranges are borrowed. */
typedef struct AuditLook {
        Bytes team; /* of the disclosure or refusal; empty: none */
        Bytes patient_id;
        uint64_t seq;
        uint32_t index;
        bool item; /* of a disclosure */
        bool record, correction;
} AuditLook;

typedef struct AuditLookHead {
        uint64_t number;
        int64_t at;
        unsigned what;    /* field of `what` */
        uint64_t decided; /* seq of a decision or of settings; 0 */
} AuditLookHead;

typedef int (*AuditLooked)(const AuditLook *look, void *owner);

/* Calls `looked` with each; what it returns ends the look. `looked` may be NULL. 0, -EBADMSG, or what it returned. */
int audit_record_look(Bytes packed, AuditLookHead *ret, AuditLooked looked, void *owner);
/* p<seq>.<index>; false for anything else. */
bool audit_patient_place(Bytes patient_id, uint64_t *ret_seq, uint32_t *ret_index);
