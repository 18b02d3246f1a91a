/*
 * libcrypto looks an algorithm up by name each time it is asked, which costs as much as hashing a message: it is looked up
 * once a process. An algorithm that is missing, or no memory for a context, ends the process: a digest that was not
 * computed must never be stored as one.
 */
#include "base/sha256.h"

#include <errno.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/cleanup.h"

struct Sha256 {
        EVP_MD_CTX *context;
};

static EVP_MD *algorithm;
static pthread_once_t algorithm_once = PTHREAD_ONCE_INIT;

static void algorithm_fetch(void) {
        algorithm = EVP_MD_fetch(NULL, "SHA256", NULL);
        if (!algorithm)
                abort();
}

static void must(int ok) {
        if (ok != 1)
                abort();
}

int sha256_new(Sha256 **ret) {
        Sha256 *sha;

        (void)pthread_once(&algorithm_once, algorithm_fetch);
        sha = calloc(1, sizeof(*sha));
        if (!sha)
                return -ENOMEM;
        sha->context = EVP_MD_CTX_new();
        if (!sha->context) {
                free(sha);
                return -ENOMEM;
        }
        must(EVP_DigestInit_ex2(sha->context, algorithm, NULL));
        *ret = sha;
        return 0;
}

Sha256 *sha256_free(Sha256 *sha) {
        if (!sha)
                return NULL;
        EVP_MD_CTX_free(sha->context);
        free(sha);
        return NULL;
}

void sha256_add(Sha256 *sha, const void *data, size_t size) {
        if (size > 0)
                must(EVP_DigestUpdate(sha->context, data, size));
}

void sha256_end(Sha256 *sha, uint8_t ret[SHA256_SIZE]) {
        must(EVP_DigestFinal_ex(sha->context, ret, NULL));
        must(EVP_DigestInit_ex2(sha->context, algorithm, NULL));
}

void sha256(const void *data, size_t size, uint8_t ret[SHA256_SIZE]) {
        EVP_MD_CTX *context;

        (void)pthread_once(&algorithm_once, algorithm_fetch);
        context = EVP_MD_CTX_new();
        must(context && EVP_DigestInit_ex2(context, algorithm, NULL));
        if (size > 0)
                must(EVP_DigestUpdate(context, data, size));
        must(EVP_DigestFinal_ex(context, ret, NULL));
        EVP_MD_CTX_free(context);
}
