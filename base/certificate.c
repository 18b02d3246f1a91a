#include "base/certificate.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/clock.h"

int certificate_read_end(const char *path, int64_t *ret) {
        _cleanup_(fclosep) FILE *file = fopen(path, "re");
        struct tm broken_down;
        X509 *certificate;
        int ok;

        if (!file)
                return -errno;
        certificate = PEM_read_X509(file, NULL, NULL, NULL);
        if (!certificate) {
                ERR_clear_error();
                return -EINVAL;
        }
        ok = ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &broken_down);
        X509_free(certificate);
        if (!ok)
                return -EINVAL;
        *ret = (int64_t)timegm(&broken_down) * USEC_PER_SEC;
        return 0;
}

int64_t certificate_end_or_zero(const char *path) {
        int64_t ends_at;

        return path && certificate_read_end(path, &ends_at) == 0 ? MAX(ends_at, INT64_C(0)) : 0;
}
