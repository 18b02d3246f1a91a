#pragma once
/*
 * Anchors: what the chain was at a number, signed. One JSON line each in the file `anchors` of the audit, and wherever a copy is kept. Any
 * thread.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/sha256.h"
#include "base/signature.h"

#define AUDIT_ANCHORS "anchors"
#define AUDIT_ANCHORS_MAX (1U << 30) /* bytes of a file of them */
#define AUDIT_KEY_PREFIX "key-"      /* key-<id in hex>.pub: public halves, in the audit's folder */
#define AUDIT_KEY_SUFFIX ".pub"

typedef struct AuditAnchor {
        uint64_t number; /* newest record */
        int64_t at;
        uint8_t chain[SHA256_SIZE];
        uint8_t key[SIGN_KEY_ID_SIZE];
        uint8_t signature[SIGNATURE_SIZE];
} AuditAnchor;

/* Fills in key and signature. 0 or negative. */
int audit_anchor_sign(AuditAnchor *anchor, const SignKey *key);
/* Is it signed by this key? */
bool audit_anchor_holds(const AuditAnchor *anchor, const SignKey *key);
/* Appends the line with its end. */
void audit_anchor_print(const AuditAnchor *anchor, Buffer *ret);
/* One line without its end; only what audit_anchor_print() writes. 0 or -EBADMSG. */
int audit_anchor_parse(Bytes line, AuditAnchor *ret);
/* The next line of `text` from *offset on; a last one without its end is -EBADMSG as well. 0, -ENODATA behind the last, -EBADMSG (the
 * offset moves on). */
int audit_anchor_next(Bytes text, size_t *offset, AuditAnchor *ret);

/* For lines of the same kind: exactly `size` bytes as lower-case hex digits; a time as civil_format() prints it. */
bool audit_hex_read(const char *text, size_t size, uint8_t *ret);
bool audit_time_read(const char *text, int64_t *ret);
