#pragma once
/*
 * Ed25519 (RFC 8032) by libcrypto: keys as PEM files that openssl(1) reads, signatures of 64 bytes. Any thread may use a key.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/cleanup.h"

#define SIGNATURE_SIZE 64
#define SIGN_KEY_ID_SIZE 32

typedef struct SignKey SignKey;

/* A new one, by chance. 0 or -ENOMEM. */
int sign_key_new(SignKey **ret);
/* A secret key (PKCS #8, without a passphrase) or a public one. -EBADMSG for anything else. */
int sign_key_from_pem(Bytes pem, SignKey **ret);
SignKey *sign_key_free(SignKey *key);
DEFINE_CLEANUP(SignKey *, sign_key_free)
bool sign_key_is_secret(const SignKey *key);
/* Appends the PEM text. -EINVAL where a secret one is wanted of a public key. */
int sign_key_to_pem(const SignKey *key, bool secret, Buffer *ret);
/* SHA-256 over the public key as DER: `openssl pkey -pubin -in FILE -outform DER | sha256sum`. */
int sign_key_id(const SignKey *key, uint8_t ret[SIGN_KEY_ID_SIZE]);

/* 0, -EINVAL (a public key), -ENOMEM. */
int signature_make(const SignKey *key, Bytes message, uint8_t ret[SIGNATURE_SIZE]);
bool signature_holds(const SignKey *key, Bytes message, const uint8_t signature[SIGNATURE_SIZE]);
