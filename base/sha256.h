#pragma once
/* SHA-256 (FIPS 180-4) by libcrypto; the only file in base/ that needs more than libc and libsystemd. */
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"

#define SHA256_SIZE 32

void sha256(const void *data, size_t size, uint8_t ret[SHA256_SIZE]);

typedef struct Sha256 Sha256; /* for several pieces */
int sha256_new(Sha256 **ret);
Sha256 *sha256_free(Sha256 *sha);
DEFINE_CLEANUP(Sha256 *, sha256_free)
void sha256_add(Sha256 *sha, const void *data, size_t size);
void sha256_end(Sha256 *sha, uint8_t ret[SHA256_SIZE]); /* and begins anew */
