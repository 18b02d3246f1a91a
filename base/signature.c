/*
 * What libcrypto refuses leaves its reasons in a queue of the thread: it is emptied, so that nobody else reads them as their own.
 */
#include "base/signature.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdlib.h>

#include "base/sha256.h"

#define PEM_MAX (64U << 10)

struct SignKey {
        EVP_PKEY *pkey;
        bool secret;
};

static void biop(BIO **bio) {
        BIO_free(*bio);
}
static void contextp(EVP_MD_CTX **context) {
        EVP_MD_CTX_free(*context);
}

/* A file with a passphrase is not asked for one: nobody sits there. */
static int no_passphrase(char *buffer, int size, int writes, void *owner) {
        return -1;
}

SignKey *sign_key_free(SignKey *key) {
        if (!key)
                return NULL;
        EVP_PKEY_free(key->pkey);
        free(key);
        return NULL;
}

int sign_key_new(SignKey **ret) {
        _cleanup_(sign_key_freep) SignKey *key = calloc(1, sizeof(*key));

        if (!key)
                return -ENOMEM;
        key->pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
        key->secret = true;
        if (!key->pkey) {
                ERR_clear_error();
                return -ENOMEM;
        }
        *ret = TAKE_PTR(key);
        return 0;
}

int sign_key_from_pem(Bytes pem, SignKey **ret) {
        _cleanup_(sign_key_freep) SignKey *key = calloc(1, sizeof(*key));
        _cleanup_(biop) BIO *bio = NULL;

        if (pem.size == 0 || pem.size > PEM_MAX)
                return key ? -EBADMSG : -ENOMEM;
        bio = BIO_new_mem_buf(pem.data, (int)pem.size);
        if (!key || !bio)
                return -ENOMEM;
        key->pkey = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
        key->secret = key->pkey != NULL;
        if (!key->pkey && BIO_reset(bio) == 1)
                key->pkey = PEM_read_bio_PUBKEY(bio, NULL, no_passphrase, NULL);
        ERR_clear_error();
        if (!key->pkey || !EVP_PKEY_is_a(key->pkey, "ED25519"))
                return -EBADMSG;
        *ret = TAKE_PTR(key);
        return 0;
}

bool sign_key_is_secret(const SignKey *key) {
        return key->secret;
}

int sign_key_to_pem(const SignKey *key, bool secret, Buffer *ret) {
        _cleanup_(biop) BIO *bio = BIO_new(BIO_s_secmem());
        char *data;
        long size;
        int ok;

        if (!bio)
                return -ENOMEM;
        if (secret && !key->secret)
                return -EINVAL;
        ok = secret ? PEM_write_bio_PrivateKey(bio, key->pkey, NULL, NULL, 0, NULL, NULL)
                    : PEM_write_bio_PUBKEY(bio, key->pkey);
        size = BIO_get_mem_data(bio, &data);
        ERR_clear_error();
        if (ok != 1 || size <= 0)
                return -ENOMEM;
        buffer_append(ret, data, (size_t)size);
        return ret->error;
}

int sign_key_id(const SignKey *key, uint8_t ret[SIGN_KEY_ID_SIZE]) {
        unsigned char *der = NULL;
        int size = i2d_PUBKEY(key->pkey, &der);

        if (size <= 0)
                return -ENOMEM;
        sha256(der, (size_t)size, ret);
        OPENSSL_free(der);
        return 0;
}

int signature_make(const SignKey *key, Bytes message, uint8_t ret[SIGNATURE_SIZE]) {
        _cleanup_(contextp) EVP_MD_CTX *context = EVP_MD_CTX_new();
        size_t size = SIGNATURE_SIZE;

        if (!key->secret)
                return -EINVAL;
        if (!context || EVP_DigestSignInit(context, NULL, NULL, NULL, key->pkey) != 1 ||
            EVP_DigestSign(context, ret, &size, message.data, message.size) != 1 || size != SIGNATURE_SIZE) {
                ERR_clear_error();
                return -ENOMEM;
        }
        return 0;
}

bool signature_holds(const SignKey *key, Bytes message, const uint8_t signature[SIGNATURE_SIZE]) {
        _cleanup_(contextp) EVP_MD_CTX *context = EVP_MD_CTX_new();
        bool holds = context && EVP_DigestVerifyInit(context, NULL, NULL, NULL, key->pkey) == 1 &&
                     EVP_DigestVerify(context, signature, SIGNATURE_SIZE, message.data, message.size) == 1;

        ERR_clear_error();
        return holds;
}
