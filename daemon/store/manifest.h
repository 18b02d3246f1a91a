#pragma once
/*
 * What a backup holds: a text of lines, one for each file with its hash, that ends with a hash over itself and, where there was a key, an
 * Ed25519 signature. docs/recovery.md gives the lines. It is read strictly: what would be printed otherwise is no manifest.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/sha256.h"
#include "base/signature.h"

#define MANIFEST_FILE "manifest"
#define MANIFEST_VERSION 1u
#define MANIFEST_BYTES_MAX (256U << 20)
#define MANIFEST_PATH_MAX 256 /* of a file in it */

/* Positive returns. */
enum {
        _MANIFEST_E_SUCCESS,
        MANIFEST_E_NEWER, /* written by a later version of carebus */
};

typedef struct ManifestFile {
        char *path; /* below the backup's folder: letters, digits, `.`, `-`, `_` and `/` */
        uint64_t size;
        uint8_t sha256[SHA256_SIZE];
} ManifestFile;

typedef struct Manifest {
        char *bus, *version;          /* its name; of the carebus that made it */
        uint8_t journal[16];          /* the journal's id */
        uint64_t first_seq, seq;      /* entries that are in it */
        int64_t at, made_at;          /* when the last of them was received; when the backup was made */
        uint8_t chain[SHA256_SIZE];   /* hash of the journal's last batch */
        uint64_t audit;               /* newest record of the audit; 0: none */
        bool has_keys;                /* secret keys are in it */
        uint8_t earlier[SHA256_SIZE]; /* hash of the manifest that unchanged files were linked from; zeros: none */
        ManifestFile *files;          /* as they were added */
        size_t n_files;
        bool is_signed;
        uint8_t key[SIGN_KEY_ID_SIZE];
} Manifest;
#define MANIFEST_NULL ((Manifest){ 0 })
void manifest_deinit(Manifest *manifest);

/* 0, -EINVAL for a path that may not be in one, -ENOMEM. */
int manifest_add(Manifest *manifest, const char *path, uint64_t size, const uint8_t sha256[SHA256_SIZE]);
/* NULL: it has no file of this path. */
const ManifestFile *manifest_find(const Manifest *manifest, const char *path);
/* Appends the text; `key` may be NULL. */
int manifest_print(Manifest *manifest, const SignKey *key, Buffer *ret);
/* 0, MANIFEST_E_NEWER, -EBADMSG (no manifest, or not as it was written), -ENOMEM. Says nothing of the signature. */
int manifest_parse(Bytes text, Manifest *ret);
bool manifest_signature_holds(Bytes text, const SignKey *key);
