/* See tls.h. Sockets are non-blocking; OpenSSL says which direction it waits for. */
#include "adapters/mllp/tls.h"

#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <string.h>

struct TlsContext {
        SSL_CTX *ssl;
};

struct Tls {
        SSL *ssl;
        char address[64]; /* that the other side's certificate has to name; "": we are the one that is called */
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

static int trust_and_show(SSL_CTX *ssl, const char *authority, const ConfigTls *own) {
        int r = authority ? SSL_CTX_load_verify_locations(ssl, authority, NULL) : SSL_CTX_set_default_verify_paths(ssl);

        if (r != 1)
                return TLS_E_UNUSABLE;
        /* A certificate that is trusted by itself needs nobody above it. */
        X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(ssl), X509_V_FLAG_PARTIAL_CHAIN);
        SSL_CTX_set_verify(ssl, SSL_VERIFY_PEER, NULL);
        if (!own->certificate)
                return 0;
        if (SSL_CTX_use_certificate_chain_file(ssl, own->certificate) != 1 ||
            SSL_CTX_use_PrivateKey_file(ssl, own->key, SSL_FILETYPE_PEM) != 1 || SSL_CTX_check_private_key(ssl) != 1)
                return TLS_E_UNUSABLE;
        return 0;
}

int tls_context_new_client(const char *authority, const ConfigTls *own, TlsContext **ret, char **ret_reason) {
        _cleanup_(tls_context_freep) TlsContext *context = calloc(1, sizeof(*context));
        char reason[128];
        int r;

        if (!context)
                return -ENOMEM;
        context->ssl = SSL_CTX_new(TLS_client_method());
        if (!context->ssl)
                return -ENOMEM;
        SSL_CTX_set_min_proto_version(context->ssl, TLS1_2_VERSION);
        SSL_CTX_set_options(context->ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
        SSL_CTX_set_mode(context->ssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                               SSL_MODE_RELEASE_BUFFERS);
        r = trust_and_show(context->ssl, authority, own);
        if (r != 0) {
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

int tls_new_client(TlsContext *context, int fd, const char *address, Tls **ret) {
        _cleanup_(tls_freep) Tls *tls = calloc(1, sizeof(*tls));

        if (!tls)
                return -ENOMEM;
        tls->ssl = SSL_new(context->ssl);
        if (!tls->ssl || SSL_set_fd(tls->ssl, fd) != 1)
                return -ENOMEM;
        snprintf(tls->address, sizeof(tls->address), "%s", address);
        SSL_set_connect_state(tls->ssl);
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

static bool is_trusted_itself(const Tls *tls, X509 *certificate) {
        const STACK_OF(X509_OBJECT) *trusted = X509_STORE_get0_objects(
                SSL_CTX_get_cert_store(SSL_get_SSL_CTX(tls->ssl)));

        for (int i = 0; i < sk_X509_OBJECT_num(trusted); i++) {
                X509 *other = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(trusted, i));

                if (other && X509_cmp(other, certificate) == 0)
                        return true;
        }
        return false;
}

/* Any certificate of the same authority would do otherwise, that of another ward's printer too. */
static int check_name(Tls *tls) {
        X509 *certificate = SSL_get0_peer_certificate(tls->ssl);

        if (!tls->address[0] || (certificate && (is_trusted_itself(tls, certificate) ||
                                                 X509_check_ip_asc(certificate, tls->address, 0) == 1)))
                return 0;
        snprintf(tls->reason, sizeof(tls->reason), "the certificate does not name %s", tls->address);
        return TLS_E_FAILED;
}

int tls_handshake(Tls *tls) {
        int r;

        ERR_clear_error();
        r = SSL_do_handshake(tls->ssl);
        return r == 1 ? check_name(tls) : outcome(tls, r);
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
