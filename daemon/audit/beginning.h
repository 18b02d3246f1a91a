#pragma once
/*
 * Where the chain begins: at its first record, or, once retention removed the oldest segments, behind the record that the file `beginning`
 * names. The file is signed, and replaced whole before any segment goes: what stands before it is as good as gone, whether its files are
 * still there or not. Any thread.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/sha256.h"
#include "base/signature.h"

#define AUDIT_BEGINNING "beginning"
#define AUDIT_BEGINNING_MAGIC "carebus-audit-begins "
#define AUDIT_BEGINNING_VERSION 1

typedef struct AuditBeginning {
        uint64_t number; /* newest record that was removed; 0: none was, and all else is zero */
        int64_t at;      /* its time */
        uint8_t chain[SHA256_SIZE];
        uint8_t carried[SHA256_SIZE]; /* carried.h */
        int64_t removed_at;
        uint8_t key[SIGN_KEY_ID_SIZE];
        uint8_t signature[SIGNATURE_SIZE];
} AuditBeginning;

/* Fills in key and signature. 0 or negative. */
int audit_beginning_sign(AuditBeginning *beginning, const SignKey *key);
/* Is it signed by this key? */
bool audit_beginning_holds(const AuditBeginning *beginning, const SignKey *key);
/* The content of the file, appended. */
void audit_beginning_print(const AuditBeginning *beginning, Buffer *ret);
/* Only what audit_beginning_print() writes. 0, AUDIT_E_NEWER, AUDIT_E_DAMAGED. */
int audit_beginning_parse(Bytes content, AuditBeginning *ret);
/* Of the audit in this folder; none is a `number` of 0. Says nothing of the signature. 0, AUDIT_E_NEWER, AUDIT_E_DAMAGED, negative. */
int audit_beginning_read(int folder_fd, AuditBeginning *ret);
