#include "adapters/fhir/listener.h"

#include <errno.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <microhttpd.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "adapters/common/listen.h"
#include "base/clock.h"
#include "base/file.h"

#define MEMORY_A_CONNECTION \
        (32 * 1024) /* request line and headers together, and the window through which a body comes */
#define IDLE_SECONDS 60u
#define DRAIN_MAX (1u << 20) /* of a body that is refused: read and forgotten, so that the answer is read */
#define ROUNDS_MAX 16
#define PEM_MAX (1 << 20)
#define TLS_PRIORITIES "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:%SERVER_PRECEDENCE"
/* Bodies of all requests together: beyond it who comes is told to come later. */
#define HELD_BYTES_MAX (256ul << 20)

typedef struct Peer Peer;
struct Peer {
        Peer *previous, *next;
        struct MHD_Connection *connection;
        int64_t since;   /* no whole request has come since then; 0: one is at work */
        bool is_ending;  /* its socket is shut, MHD has yet to see it */
        bool has_spoken; /* a request line was read: the handshake, if any, went well */
};

struct Listener {
        struct MHD_Daemon *daemon;
        const ConfigSource *source;
        ListenerHost host;
        Peer *peers;
        HttpExchange *exchanges;
        size_t held_bytes;
        bool is_ending;
};

struct HttpExchange {
        Listener *listener;
        HttpExchange *previous, *next;
        struct MHD_Connection *connection;
        Peer *peer;
        HttpHead head;
        Buffer body;
        size_t n_drained;
        Answer answer;
        void *work;
        bool is_answered, is_suspended, is_with_host;
};

static int64_t now(void) {
        return clock_monotonic(&clock_system);
}

static void peer_text(struct MHD_Connection *connection, char text[NI_MAXHOST]) {
        const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
        const struct sockaddr *address = info ? info->client_addr : NULL;

        text[0] = '\0';
        if (address)
                (void)getnameinfo(address,
                                  address->sa_family == AF_INET ? sizeof(struct sockaddr_in)
                                                                : sizeof(struct sockaddr_in6),
                                  text, NI_MAXHOST, NULL, 0, NI_NUMERICHOST);
}

/* ---- answers ---- */

static void add_header(struct MHD_Response *response, const char *name, const char *value) {
        (void)MHD_add_response_header(response, name, value);
}

/* Tue, 01 Nov 2026 10:11:12 GMT: RFC 9110, whatever the locale. */
static void http_date(int64_t at, char text[64]) {
        static const char *const days[] = { "Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed" };
        static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                              "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
        CivilTime civil = civil_from_utc(at);

        snprintf(text, 64, "%s, %02d %s %04d %02d:%02d:%02d GMT", days[at / (86400 * USEC_PER_SEC) % 7], civil.day,
                 months[(civil.month - 1) % 12], civil.year, civil.hour, civil.minute, civil.second);
}

static void add_headers(struct MHD_Response *response, const Answer *answer, bool has_body) {
        char text[ANSWER_LOCATION_SIZE + 8];

        if (has_body)
                add_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
                           answer->is_plain_json ? "application/json; charset=utf-8"
                                                 : FHIR_MEDIA_TYPE "; charset=utf-8");
        add_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
        if (answer->location[0]) {
                snprintf(text, sizeof(text), "/%s", answer->location);
                add_header(response, MHD_HTTP_HEADER_LOCATION, text);
        }
        if (answer->version[0]) {
                snprintf(text, sizeof(text), "W/\"%s\"", answer->version);
                add_header(response, MHD_HTTP_HEADER_ETAG, text);
        }
        if (answer->last_modified > 0) {
                http_date(answer->last_modified, text);
                add_header(response, MHD_HTTP_HEADER_LAST_MODIFIED, text);
        }
        if (answer->retry_after > 0) {
                snprintf(text, sizeof(text), "%u", answer->retry_after);
                add_header(response, MHD_HTTP_HEADER_RETRY_AFTER, text);
        }
        if (answer->allow)
                add_header(response, MHD_HTTP_HEADER_ALLOW, answer->allow);
        if (answer->wants_bearer)
                add_header(response, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Bearer realm=\"carebus\"");
}

static enum MHD_Result queue_answer(HttpExchange *exchange) {
        Answer *answer = &exchange->answer;
        size_t size = answer->body.size;
        char *body = buffer_steal_text(&answer->body);
        struct MHD_Response *response;
        enum MHD_Result result;

        if (!body)
                return MHD_NO;
        response = MHD_create_response_from_buffer(size, body, MHD_RESPMEM_MUST_FREE);
        if (!response) {
                free(body);
                return MHD_NO;
        }
        add_headers(response, answer, size > 0);
        result = MHD_queue_response(exchange->connection, answer->status, response);
        MHD_destroy_response(response);
        return result;
}

void listener_answer(HttpExchange *exchange, Answer *answer) {
        answer_deinit(&exchange->answer);
        exchange->answer = *answer;
        *answer = (Answer){ 0 };
        exchange->is_answered = true;
        exchange->is_with_host = false;
        if (exchange->is_suspended) {
                exchange->is_suspended = false;
                MHD_resume_connection(exchange->connection);
        }
}

void listener_set_work(HttpExchange *exchange, void *work) {
        exchange->work = work;
}

void *listener_work_of(const HttpExchange *exchange) {
        return exchange->work;
}

/* ---- one request ---- */

static const char *header_of(struct MHD_Connection *connection, const char *name) {
        return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

static enum MHD_Result on_argument(void *owner, enum MHD_ValueKind kind, const char *name, const char *value) {
        HttpHead *head = owner;
        const struct {
                const char *name, **value;
        } searches[] = { { "identifier", &head->identifier },
                         { "_count", &head->count },
                         { "_page", &head->page },
                         { "_since", &head->since } };

        for (size_t i = 0; i < ELEMENTSOF(searches); i++)
                if (strcmp(name, searches[i].name) == 0) {
                        *searches[i].value = value;
                        head->has_search = true;
                        return MHD_YES;
                }
        if (strcmp(name, "_format") == 0)
                head->format = value;
        else if (strcmp(name, "_pretty") != 0 && strcmp(name, "_summary") != 0 && strcmp(name, "async") != 0)
                head->has_search = head->has_other_search = true;
        return MHD_YES;
}

static void head_fill(HttpHead *head, struct MHD_Connection *connection, const char *method, const char *path) {
        const char *length = header_of(connection, MHD_HTTP_HEADER_CONTENT_LENGTH);

        *head = (HttpHead){
                .method = method,
                .path = path,
                .has_body = length || header_of(connection, MHD_HTTP_HEADER_TRANSFER_ENCODING),
                .content_type = header_of(connection, MHD_HTTP_HEADER_CONTENT_TYPE),
                .content_encoding = header_of(connection, MHD_HTTP_HEADER_CONTENT_ENCODING),
                .accept = header_of(connection, MHD_HTTP_HEADER_ACCEPT),
                .prefer = header_of(connection, MHD_HTTP_HEADER_PREFER),
                .if_none_exist = header_of(connection, "If-None-Exist"),
                .if_match = header_of(connection, MHD_HTTP_HEADER_IF_MATCH),
                .if_none_match = header_of(connection, MHD_HTTP_HEADER_IF_NONE_MATCH),
                .authorization = header_of(connection, MHD_HTTP_HEADER_AUTHORIZATION),
                .who = header_of(connection, "X-Carebus-Who"),
        };
        (void)MHD_get_connection_values(connection, MHD_GET_ARGUMENT_KIND, on_argument, head);
}

static int64_t announced_size(struct MHD_Connection *connection) {
        const char *length = header_of(connection, MHD_HTTP_HEADER_CONTENT_LENGTH);
        uint64_t size = 0;

        /* Chunked: nobody knows. MHD has refused lengths that are none. */
        if (!length)
                return header_of(connection, MHD_HTTP_HEADER_TRANSFER_ENCODING) ? INT64_MAX : 0;
        for (; *length >= '0' && *length <= '9' && size < INT64_MAX / 16; length++)
                size = size * 10 + (uint64_t)(*length - '0');
        return (int64_t)size;
}

static Peer *peer_of(struct MHD_Connection *connection) {
        const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
        return info ? info->socket_context : NULL;
}

static HttpExchange *exchange_new(Listener *listener, struct MHD_Connection *connection) {
        HttpExchange *exchange = calloc(1, sizeof(*exchange));

        if (!exchange)
                return NULL;
        exchange->listener = listener;
        exchange->connection = connection;
        exchange->peer = peer_of(connection);
        exchange->next = listener->exchanges;
        if (exchange->next)
                exchange->next->previous = exchange;
        listener->exchanges = exchange;
        return exchange;
}

static void body_forget(HttpExchange *exchange) {
        exchange->listener->held_bytes -= exchange->body.size;
        buffer_deinit(&exchange->body);
}

static void exchange_free(HttpExchange *exchange) {
        Listener *listener = exchange->listener;

        if (exchange->is_with_host)
                listener->host.gone(listener->host.owner, exchange);
        if (exchange->previous)
                exchange->previous->next = exchange->next;
        else
                listener->exchanges = exchange->next;
        if (exchange->next)
                exchange->next->previous = exchange->previous;
        body_forget(exchange);
        answer_deinit(&exchange->answer);
        free(exchange);
}

static void refuse(HttpExchange *exchange, unsigned status, const char *code, const char *text) {
        answer_refuse(&exchange->answer, status, code, text);
        exchange->is_answered = true;
        body_forget(exchange);
}

static void refuse_large(HttpExchange *exchange) {
        refuse(exchange, 413, "too-long",
               "The body is larger than max_message_bytes of this source: nothing of it was kept.");
        exchange->listener->host.too_large(exchange->listener->host.owner);
}

static void refuse_held(HttpExchange *exchange) {
        refuse(exchange, 503, "throttled", "Too much is on its way: send it again later.");
        exchange->answer.retry_after = 5;
}

/* The handshake has seen to it; this says so again, since it decides who may speak. */
static bool has_good_certificate(const Listener *listener, struct MHD_Connection *connection) {
        const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
        unsigned status = 0, n = 0;

        if (!listener->source->tls.client_ca)
                return true;
        return info && info->tls_session && gnutls_certificate_get_peers(info->tls_session, &n) && n > 0 &&
               gnutls_certificate_verify_peers2(info->tls_session, &status) == GNUTLS_E_SUCCESS && status == 0;
}

/* The first call: headers only. */
static enum MHD_Result request_begin(HttpExchange *exchange, const char *method, const char *path) {
        Listener *listener = exchange->listener;
        int64_t announced = announced_size(exchange->connection);

        head_fill(&exchange->head, exchange->connection, method, path);
        if (!has_good_certificate(listener, exchange->connection))
                refuse(exchange, 403, "security", "A client certificate of this source's CA is needed.");
        else if (listener->host.begin(listener->host.owner, &exchange->head, &exchange->answer) != 0)
                exchange->is_answered = true;
        else if (announced != INT64_MAX && (uint64_t)announced > listener->source->max_message_bytes)
                refuse_large(exchange);
        else if (listener->held_bytes > HELD_BYTES_MAX)
                refuse_held(exchange);
        /* A small body is read and forgotten, so that the connection can go on; MHD ends it where the answer comes before the body. */
        if (exchange->is_answered && announced > DRAIN_MAX)
                return queue_answer(exchange);
        return MHD_YES;
}

static enum MHD_Result request_body(HttpExchange *exchange, const char *data, size_t size) {
        Listener *listener = exchange->listener;

        if (!exchange->is_answered && exchange->body.size + size > listener->source->max_message_bytes)
                refuse_large(exchange);
        if (exchange->is_answered) {
                exchange->n_drained += size;
                return exchange->n_drained > DRAIN_MAX ? MHD_NO : MHD_YES;
        }
        buffer_append(&exchange->body, data, size);
        if (exchange->body.error)
                return MHD_NO;
        listener->held_bytes += size;
        return MHD_YES;
}

/* The last call, and again after the answer came. */
static enum MHD_Result request_end(HttpExchange *exchange) {
        Listener *listener = exchange->listener;

        if (!exchange->is_answered) {
                exchange->peer->since = 0;
                exchange->is_with_host = true;
                listener->host.message(listener->host.owner, exchange, &exchange->head, buffer_bytes(&exchange->body));
        }
        if (exchange->is_answered)
                return queue_answer(exchange);
        exchange->is_suspended = true;
        MHD_suspend_connection(exchange->connection);
        return MHD_YES;
}

static enum MHD_Result on_request(void *owner, struct MHD_Connection *connection, const char *url, const char *method,
                                  const char *version, const char *upload_data, size_t *upload_data_size,
                                  void **request) {
        HttpExchange *exchange = *request;
        size_t size = *upload_data_size;

        (void)version;
        if (!exchange) {
                exchange = *request = exchange_new(owner, connection);
                return exchange && exchange->peer ? request_begin(exchange, method, url) : MHD_NO;
        }
        if (size == 0)
                return request_end(exchange);
        *upload_data_size = 0;
        return request_body(exchange, upload_data, size);
}

static void on_completed(void *owner, struct MHD_Connection *connection, void **request,
                         enum MHD_RequestTerminationCode why) {
        Peer *peer = peer_of(connection);

        (void)owner;
        (void)why;
        if (*request)
                exchange_free(*request);
        *request = NULL;
        if (peer)
                peer->since = now();
}

/* ---- connections ---- */

static void *on_request_line(void *owner, const char *uri, struct MHD_Connection *connection) {
        Peer *peer = peer_of(connection);

        (void)owner;
        (void)uri;
        if (peer) {
                peer->since = now();
                peer->has_spoken = true;
        }
        return NULL;
}

static enum MHD_Result on_connect(void *owner, const struct sockaddr *address, socklen_t size) {
        Listener *listener = owner;
        char text[NI_MAXHOST] = "";

        if (listen_may_connect(listener->source, address))
                return MHD_YES;
        (void)getnameinfo(address, size, text, sizeof(text), NULL, 0, NI_NUMERICHOST);
        listener->host.refused(listener->host.owner, text);
        return MHD_NO;
}

/* In the handshake: who has no certificate of the CA never gets as far as HTTP. */
static int on_client_certificate(gnutls_session_t session) {
        unsigned status = 0;

        return gnutls_certificate_verify_peers2(session, &status) == GNUTLS_E_SUCCESS && status == 0
                       ? 0
                       : GNUTLS_E_CERTIFICATE_ERROR;
}

static void peer_begin(Listener *listener, struct MHD_Connection *connection, void **context) {
        const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
        Peer *peer = calloc(1, sizeof(*peer));

        *context = peer;
        if (!peer)
                return;
        peer->connection = connection;
        peer->since = now();
        peer->next = listener->peers;
        if (peer->next)
                peer->next->previous = peer;
        listener->peers = peer;
        if (listener->source->tls.client_ca && info && info->tls_session) {
                gnutls_certificate_server_set_request(info->tls_session, GNUTLS_CERT_REQUIRE);
                gnutls_session_set_verify_function(info->tls_session, on_client_certificate);
        }
}

static void peer_end(Listener *listener, Peer *peer) {
        if (listener->source->tls.certificate && !peer->has_spoken && !listener->is_ending) {
                char text[NI_MAXHOST];
                peer_text(peer->connection, text);
                listener->host.tls_failed(listener->host.owner, text);
        }
        if (peer->previous)
                peer->previous->next = peer->next;
        else
                listener->peers = peer->next;
        if (peer->next)
                peer->next->previous = peer->previous;
        free(peer);
}

static void on_connection(void *owner, struct MHD_Connection *connection, void **context,
                          enum MHD_ConnectionNotificationCode what) {
        if (what == MHD_CONNECTION_NOTIFY_STARTED)
                peer_begin(owner, connection, context);
        else if (*context)
                peer_end(owner, *context);
}

void listener_end_the_slow(Listener *listener, int64_t before) {
        for (Peer *peer = listener->peers; peer; peer = peer->next) {
                const union MHD_ConnectionInfo *info;
                char text[NI_MAXHOST];

                if (peer->is_ending || peer->since == 0 || peer->since >= before)
                        continue;
                info = MHD_get_connection_info(peer->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
                if (!info)
                        continue;
                peer_text(peer->connection, text);
                listener->host.timed_out(listener->host.owner, text);
                peer->is_ending = peer->has_spoken = true;
                (void)shutdown(info->connect_fd, SHUT_RDWR);
        }
}

/* ---- the daemon ---- */

typedef struct TlsFiles {
        Buffer certificate, key, client_ca;
} TlsFiles;

static void tls_files_deinit(TlsFiles *files) {
        buffer_deinit(&files->certificate);
        if (files->key.data)
                explicit_bzero(files->key.data, files->key.size);
        buffer_deinit(&files->key);
        buffer_deinit(&files->client_ca);
}

static int read_pem(const char *path, Buffer *ret) {
        int r = file_read(path, PEM_MAX, ret);

        buffer_append_byte(ret, '\0'); /* MHD takes texts */
        return r < 0 ? r : ret->error;
}

/* MHD says of a key that is not the certificate's no more than that it could not start. */
static int check_tls(const TlsFiles *files, bool has_ca) {
        gnutls_certificate_credentials_t credentials;
        gnutls_datum_t certificate = { files->certificate.data, (unsigned)files->certificate.size - 1 };
        gnutls_datum_t key = { files->key.data, (unsigned)files->key.size - 1 };
        gnutls_datum_t ca = { files->client_ca.data, has_ca ? (unsigned)files->client_ca.size - 1 : 0 };
        bool is_good;

        if (gnutls_certificate_allocate_credentials(&credentials) != GNUTLS_E_SUCCESS)
                return -ENOMEM;
        is_good = gnutls_certificate_set_x509_key_mem(credentials, &certificate, &key, GNUTLS_X509_FMT_PEM) ==
                  GNUTLS_E_SUCCESS;
        if (is_good && has_ca)
                is_good = gnutls_certificate_set_x509_trust_mem(credentials, &ca, GNUTLS_X509_FMT_PEM) > 0;
        gnutls_certificate_free_credentials(credentials);
        return is_good ? 0 : LISTENER_E_TLS;
}

static int read_tls(const ConfigTls *settings, TlsFiles *ret) {
        int r = read_pem(settings->certificate, &ret->certificate);

        if (r == 0)
                r = read_pem(settings->key, &ret->key);
        if (r == 0 && settings->client_ca)
                r = read_pem(settings->client_ca, &ret->client_ca);
        if (r == 0)
                r = check_tls(ret, settings->client_ca != NULL);
        return r == -ENOMEM ? r : r != 0 ? LISTENER_E_TLS : 0;
}

/* One address may not take all of the room. */
static unsigned limit_per_address(size_t connections) {
        return (unsigned)(connections < 4 ? connections : connections - connections / 4);
}

static int start_daemon(Listener *listener, int fd, const TlsFiles *tls) {
        const ConfigSource *source = listener->source;
        unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | (source->tls.certificate ? MHD_USE_TLS : 0);
        struct MHD_OptionItem tls_options[] = {
                { MHD_OPTION_HTTPS_MEM_CERT, 0, tls->certificate.data },
                { MHD_OPTION_HTTPS_MEM_KEY, 0, tls->key.data },
                { MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)TLS_PRIORITIES },
                { source->tls.client_ca ? MHD_OPTION_HTTPS_MEM_TRUST : MHD_OPTION_END, 0, tls->client_ca.data },
                { MHD_OPTION_END, 0, NULL },
        };

        if (!source->tls.certificate)
                tls_options[0].option = MHD_OPTION_END;
        listener->daemon = MHD_start_daemon(flags, 0, on_connect, listener, on_request, listener,
                                            MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
                                            (size_t)MEMORY_A_CONNECTION, MHD_OPTION_CONNECTION_LIMIT,
                                            (unsigned)source->max_connections, MHD_OPTION_PER_IP_CONNECTION_LIMIT,
                                            limit_per_address(source->max_connections), MHD_OPTION_CONNECTION_TIMEOUT,
                                            IDLE_SECONDS, MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_NOTIFY_COMPLETED,
                                            on_completed, listener, MHD_OPTION_NOTIFY_CONNECTION, on_connection,
                                            listener, MHD_OPTION_URI_LOG_CALLBACK, on_request_line, listener,
                                            MHD_OPTION_ARRAY, tls_options, MHD_OPTION_END);
        return listener->daemon ? 0 : -EIO;
}

int listener_new(int fd, const ConfigSource *source, const ListenerHost *host, Listener **ret) {
        _cleanup_(listener_freep) Listener *listener = calloc(1, sizeof(*listener));
        _cleanup_(tls_files_deinit) TlsFiles tls = { 0 };
        int r = 0;

        if (!listener)
                return -ENOMEM;
        listener->source = source;
        listener->host = *host;
        if (source->tls.certificate)
                r = read_tls(&source->tls, &tls);
        if (r == 0)
                r = start_daemon(listener, fd, &tls);
        if (r != 0)
                return r;
        *ret = TAKE_PTR(listener);
        return 0;
}

void listener_retire(Listener *listener) {
        /* The socket is the caller's: MHD gives it back instead of closing it. */
        (void)MHD_quiesce_daemon(listener->daemon);
}

size_t listener_connections(const Listener *listener) {
        const union MHD_DaemonInfo *info = MHD_get_daemon_info(listener->daemon, MHD_DAEMON_INFO_CURRENT_CONNECTIONS);
        return info ? info->num_connections : 0;
}

Listener *listener_free(Listener *listener) {
        if (!listener)
                return NULL;
        listener->is_ending = true;
        if (listener->daemon) {
                (void)MHD_quiesce_daemon(listener->daemon);
                for (HttpExchange *exchange = listener->exchanges; exchange; exchange = exchange->next)
                        if (exchange->is_suspended) {
                                exchange->is_suspended = false;
                                MHD_resume_connection(exchange->connection);
                        }
                MHD_stop_daemon(listener->daemon);
        }
        free(listener);
        return NULL;
}

int listener_fd(const Listener *listener) {
        const union MHD_DaemonInfo *info = MHD_get_daemon_info(listener->daemon, MHD_DAEMON_INFO_EPOLL_FD);
        return info ? info->epoll_fd : -1;
}

int listener_work(Listener *listener) {
        MHD_UNSIGNED_LONG_LONG timeout = 0;

        for (unsigned i = 0; i < ROUNDS_MAX; i++) {
                (void)MHD_run(listener->daemon);
                if (MHD_get_timeout(listener->daemon, &timeout) != MHD_YES)
                        return -1;
                if (timeout > 0)
                        return timeout > INT32_MAX ? INT32_MAX : (int)timeout;
        }
        return 0;
}
