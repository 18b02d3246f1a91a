/* See tls.h. Sockets are non-blocking; OpenSSL says which direction it waits for. */
#include "adapters/mllp/tls.h"

#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <string.h>

struct TlsContext {
        SSL_CTX *ssl;
};

struct Tls {
        SSL *ssl;
        char reason[128];
};

static void last_reason(char *text, size_t size) {
        unsigned long error = ERR_peek_last_error();
        const char *reason = error ? ERR_reason_error_string(error) : NULL;

        snprintf(text, size, "%s", reason ? reason : "connection lost");
        ERR_clear_error();
}

static int use_files(SSL_CTX *ssl, const ConfigTls *settings) {
        if (SSL_CTX_use_certificate_chain_file(ssl, settings->certificate) != 1)
                return TLS_E_UNUSABLE;
        if (SSL_CTX_use_PrivateKey_file(ssl, settings->key, SSL_FILETYPE_PEM) != 1 ||
            SSL_CTX_check_private_key(ssl) != 1)
                return TLS_E_UNUSABLE;
        if (!settings->client_ca)
                return 0;
        if (SSL_CTX_load_verify_locations(ssl, settings->client_ca, NULL) != 1)
                return TLS_E_UNUSABLE;
        SSL_CTX_set_client_CA_list(ssl, SSL_load_client_CA_file(settings->client_ca));
        SSL_CTX_set_verify(ssl, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
        return 0;
}

int tls_context_new(const ConfigTls *settings, TlsContext **ret, char **ret_reason) {
        _cleanup_(tls_context_freep) TlsContext *context = calloc(1, sizeof(*context));
        int r;

        if (!context)
                return -ENOMEM;
        context->ssl = SSL_CTX_new(TLS_server_method());
        if (!context->ssl)
                return -ENOMEM;
        SSL_CTX_set_min_proto_version(context->ssl, TLS1_2_VERSION);
        SSL_CTX_set_options(context->ssl,
                            SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_NO_COMPRESSION);
        /* A buffer that grows moves between two tries of one write. */
        SSL_CTX_set_mode(context->ssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                               SSL_MODE_RELEASE_BUFFERS);
        r = use_files(context->ssl, settings);
        if (r != 0) {
                char reason[128];
                last_reason(reason, sizeof(reason));
                *ret_reason = strdup(reason);
                return r;
        }
        *ret = TAKE_PTR(context);
        return 0;
}

TlsContext *tls_context_free(TlsContext *context) {
        if (!context)
                return NULL;
        SSL_CTX_free(context->ssl);
        free(context);
        return NULL;
}

int tls_new(TlsContext *context, int fd, Tls **ret) {
        _cleanup_(tls_freep) Tls *tls = calloc(1, sizeof(*tls));

        if (!tls)
                return -ENOMEM;
        tls->ssl = SSL_new(context->ssl);
        if (!tls->ssl || SSL_set_fd(tls->ssl, fd) != 1)
                return -ENOMEM;
        SSL_set_accept_state(tls->ssl);
        *ret = TAKE_PTR(tls);
        return 0;
}

Tls *tls_free(Tls *tls) {
        if (!tls)
                return NULL;
        SSL_free(tls->ssl);
        free(tls);
        return NULL;
}

static int outcome(Tls *tls, int r) {
        switch (SSL_get_error(tls->ssl, r)) {
        case SSL_ERROR_WANT_READ:
                return TLS_E_WANT_READ;
        case SSL_ERROR_WANT_WRITE:
                return TLS_E_WANT_WRITE;
        case SSL_ERROR_ZERO_RETURN:
                return TLS_E_CLOSED;
        default:
                /* Somebody who only looked whether the port is open: no news. */
                if (BIO_number_read(SSL_get_rbio(tls->ssl)) == 0)
                        return TLS_E_CLOSED;
                last_reason(tls->reason, sizeof(tls->reason));
                return TLS_E_FAILED;
        }
}

int tls_handshake(Tls *tls) {
        int r;

        ERR_clear_error();
        r = SSL_do_handshake(tls->ssl);
        return r == 1 ? 0 : outcome(tls, r);
}

int tls_read(Tls *tls, void *data, size_t size, size_t *ret_n) {
        int r;

        ERR_clear_error();
        r = SSL_read_ex(tls->ssl, data, size, ret_n);
        return r == 1 ? 0 : outcome(tls, r);
}

int tls_write(Tls *tls, const void *data, size_t size, size_t *ret_n) {
        int r;

        ERR_clear_error();
        r = SSL_write_ex(tls->ssl, data, size, ret_n);
        return r == 1 ? 0 : outcome(tls, r);
}

void tls_close(Tls *tls) {
        if (SSL_is_init_finished(tls->ssl))
                (void)SSL_shutdown(tls->ssl);
        ERR_clear_error();
}

const char *tls_reason(const Tls *tls) {
        return tls->reason;
}
