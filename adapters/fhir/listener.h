#pragma once
/*
 * The HTTP server: libmicrohttpd and GnuTLS, and nobody else includes them. It has no thread: the loop watches one descriptor.
 * A request that waits for the bus is suspended; the requests of one connection are answered in their order.
 */
#include "adapters/fhir/http.h"
#include "config/config.h"

typedef struct Listener Listener;
typedef struct HttpExchange HttpExchange; /* one request that waits for its answer */

typedef struct ListenerHost {
        void *owner;
        /* The headers are there. 0: go on; 1: `refusal` is the answer, and the body is not kept. */
        int (*begin)(void *owner, const HttpHead *head, Answer *refusal);
        /* All of it is there. Answered now or later, exactly once, by listener_answer(). Head and body live until then. */
        void (*message)(void *owner, HttpExchange *exchange, const HttpHead *head, Bytes body);
        /* The connection ended before the answer: it must not be given any more. */
        void (*gone)(void *owner, HttpExchange *exchange);
        /* For the log and the counts; `peer` is an address. */
        void (*refused)(void *owner, const char *peer);
        void (*tls_failed)(void *owner, const char *peer);
        void (*timed_out)(void *owner, const char *peer);
        void (*too_large)(void *owner);
} ListenerHost;

/* Positive returns. */
enum {
        _LISTENER_E_SUCCESS,
        LISTENER_E_TLS, /* certificate, key or CA cannot be used */
};

/* The socket stays the caller's. The host and `source` outlive the listener. */
int listener_new(int fd, const ConfigSource *source, const ListenerHost *host, Listener **ret);
/* Takes no more connections; those that are there go on. */
void listener_retire(Listener *listener);
size_t listener_connections(const Listener *listener);
/* Ends what is still there without an answer. */
Listener *listener_free(Listener *listener);
DEFINE_CLEANUP(Listener *, listener_free)

int listener_fd(const Listener *listener);
/* Serves what has something; then returns after how many milliseconds to call it again (-1: no limit). */
int listener_work(Listener *listener);
/* Ends connections that have not brought a whole request since `before` (monotonic). */
void listener_end_the_slow(Listener *listener, int64_t before);

/* Takes over what is in `answer`. */
void listener_answer(HttpExchange *exchange, Answer *answer);
/* What the host keeps with an exchange. */
void listener_set_work(HttpExchange *exchange, void *work);
void *listener_work_of(const HttpExchange *exchange);
