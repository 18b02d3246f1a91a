#pragma once
/*
 * TLS under MLLP, by OpenSSL: 1.2 or later, a client certificate when the configuration names the CA that it must be of. Towards a
 * receiver its certificate is always looked at.
 */
#include <stddef.h>
#include <sys/types.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "config/config.h"

typedef struct TlsContext TlsContext;
typedef struct Tls Tls;

/* Positive returns. */
enum {
        _TLS_E_SUCCESS,
        TLS_E_WANT_READ, /* again when the descriptor can be read */
        TLS_E_WANT_WRITE,
        TLS_E_CLOSED,   /* the other side ended it properly */
        TLS_E_FAILED,   /* the handshake or the stream is broken: tls_reason() */
        TLS_E_UNUSABLE, /* certificate, key or CA cannot be used */
};

/* Reads the files. `ret_reason` is OpenSSL's short text, on the heap, when it fails. */
int tls_context_new(const ConfigTls *settings, TlsContext **ret, char **ret_reason);
/* Towards a receiver. `authority`: whom its certificate must come from, or that certificate itself, which is then taken whatever it
 * names; NULL: whom the system trusts. `own` shows ours, where it names one. */
int tls_context_new_client(const char *authority, const ConfigTls *own, TlsContext **ret, char **ret_reason);
TlsContext *tls_context_free(TlsContext *context);
DEFINE_CLEANUP(TlsContext *, tls_context_free)

/* The descriptor stays the caller's. The context may go before its connections do. */
int tls_new(TlsContext *context, int fd, Tls **ret);
/* The side that calls. tls_handshake() fails where the certificate does not name `address` (an IP), nor is the one that is trusted. */
int tls_new_client(TlsContext *context, int fd, const char *address, Tls **ret);
Tls *tls_free(Tls *tls);
DEFINE_CLEANUP(Tls *, tls_free)
int tls_handshake(Tls *tls);
/* 0 with `ret_n` > 0, or a TLS_E_*. */
int tls_read(Tls *tls, void *data, size_t size, size_t *ret_n);
int tls_write(Tls *tls, const void *data, size_t size, size_t *ret_n);
/* Says goodbye, as far as that goes without waiting. */
void tls_close(Tls *tls);
const char *tls_reason(const Tls *tls);
