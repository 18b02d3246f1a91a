/*
 * See server.h. Connections stand in an epoll set of their own, which the loop watches as one descriptor: so a turn serves
 * every connection that has something, and what they brought goes to the bus in one frame.
 */
#include "adapters/mllp/server.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "adapters/common/listen.h"
#include "adapters/mllp/intake.h"
#include "adapters/mllp/session.h"
#include "adapters/mllp/tls.h"
#include "base/certificate.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/service.h"

#define EVENTS_A_TURN 128
#define WAITING_MAX 64                    /* messages of one connection without an answer */
#define ANSWER_WITHIN (10 * USEC_PER_SEC) /* engines wait 30 s as a rule, some 15 */
#define INSIDE_WITHIN (60 * USEC_PER_SEC) /* from the first byte of a message or handshake to its last */
#define STOP_WITHIN (5 * USEC_PER_SEC)
#define KEEPALIVE_MS 60000
#define STATUS_TICKS 5

typedef struct Client Client;
struct Client {
        Client *previous, *next;
        Session *session;
        uint32_t armed;
};

typedef struct Server {
        const ProgramOptions *options;
        Config *config;
        size_t source;
        Intake *intake;
        TlsContext *tls;
        Loop *loop;
        LoopSource *accepting, *pooling, *bus, *preparing, *ticking, *signals[PROGRAM_SIGNALS];
        int listener, pool;
        Client *clients;
        size_t n_clients;
        Buffer scratch;
        bool had_no_room, stopping;
        unsigned ticks;
        int64_t stop_by;
        int64_t certificate_ends_at; /* since 1970; 0: none */
} Server;

static int64_t now(void) {
        return clock_monotonic(&clock_system);
}

static const ConfigSource *source_of(const Server *server) {
        return &server->config->sources[server->source];
}

/* ---- clients ---- */

static void client_free(Server *server, Client *client) {
        (void)epoll_ctl(server->pool, EPOLL_CTL_DEL, session_fd(client->session), NULL);
        if (client->previous)
                client->previous->next = client->next;
        else
                server->clients = client->next;
        if (client->next)
                client->next->previous = client->previous;
        server->n_clients--;
        session_free(client->session);
        free(client);
}

static int client_arm(Server *server, Client *client, int operation) {
        uint32_t wanted = session_wants(client->session);
        struct epoll_event event = { .events = wanted, .data.ptr = client };

        if (operation == EPOLL_CTL_MOD && wanted == client->armed)
                return 0;
        client->armed = wanted;
        return epoll_ctl(server->pool, operation, session_fd(client->session), &event) < 0 ? -errno : 0;
}

static int client_work(Server *server, Client *client) {
        int r;

        do
                r = session_work(client->session, &server->scratch);
        while (r == 0 && session_can_go_on(client->session));
        if (r < 0)
                return r;
        if (r > 0) {
                const char *failure = session_tls_failure(client->session);

                if (failure)
                        log_event(LOG_SENDER_TLS_FAILED, log_name("SOURCE", source_of(server)->name),
                                  log_name("PEER", session_peer_text(client->session)), log_name("REASON", failure));
                client_free(server, client);
                return 0;
        }
        return client_arm(server, client, EPOLL_CTL_MOD);
}

static int client_new(Server *server, int fd, const struct sockaddr_storage *peer) {
        const SessionOptions options = {
                .host = intake_host(server->intake),
                .fd = fd,
                .tls = server->tls,
                .max_message_bytes = source_of(server)->max_message_bytes,
                .max_waiting = WAITING_MAX,
                .peer = *peer,
        };
        Client *client = calloc(1, sizeof(*client));
        int r;

        if (!client) {
                close(fd);
                return -ENOMEM;
        }
        r = session_new(&options, &client->session);
        if (r < 0) {
                free(client);
                return r;
        }
        client->next = server->clients;
        if (client->next)
                client->next->previous = client;
        server->clients = client;
        server->n_clients++;
        return client_arm(server, client, EPOLL_CTL_ADD);
}

/* ---- the loop's callbacks ---- */

static int accept_one(Server *server) {
        struct sockaddr_storage peer = { 0 };
        socklen_t size = sizeof(peer);
        const ConfigSource *source = source_of(server);
        int fd = accept4(server->listener, (struct sockaddr *)&peer, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd < 0)
                return -errno;
        if (!listen_may_connect(source, (const struct sockaddr *)&peer) ||
            server->n_clients >= source->max_connections) {
                char text[LISTEN_PEER_MAX];

                listen_peer_text(&peer, /* with_port= */ false, text);
                log_event(LOG_SENDER_REFUSED, log_name("SOURCE", source->name), log_name("PEER", text),
                          log_number("CONNECTIONS", (int64_t)server->n_clients));
                close(fd);
                return 0;
        }
        /* A peer that vanished without a word gives its place back within a minute. */
        listen_keep_alive(fd, KEEPALIVE_MS);
        return client_new(server, fd, &peer);
}

static int on_accept(LoopSource *source, int fd, uint32_t revents, void *owner) {
        for (unsigned i = 0; i < EVENTS_A_TURN; i++) {
                int r = accept_one(owner);
                if (r == -EAGAIN || r == -ENOMEM)
                        return r == -EAGAIN ? 0 : r;
                /* No descriptors left: those who are here go on, the others wait in the backlog until the next tick. */
                if (r == -EMFILE || r == -ENFILE || r == -ENOBUFS)
                        return loop_io_set_events(source, 0);
        }
        return 0;
}

static int on_pool(LoopSource *source, int fd, uint32_t revents, void *owner) {
        Server *server = owner;
        struct epoll_event events[EVENTS_A_TURN];
        int n = epoll_wait(server->pool, events, EVENTS_A_TURN, 0);

        for (int i = 0; i < n; i++) {
                Client *client = events[i].data.ptr;
                int r;

                /* Said even of who is not asked: nobody will read an answer. */
                if (events[i].events & EPOLLERR || (events[i].events & EPOLLHUP && !(events[i].events & EPOLLIN))) {
                        client_free(server, client);
                        continue;
                }
                r = client_work(server, client);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* Answers that came with the last dispatch, and input that waited for room. */
static int work_clients(Server *server) {
        bool room = intake_host(server->intake)->has_room(server->intake);
        bool all = room && server->had_no_room;

        server->had_no_room = !room;
        for (Client *client = server->clients, *next; client; client = next) {
                int r = 0;

                next = client->next;
                if (all || session_is_dirty(client->session) || session_can_go_on(client->session))
                        r = client_work(server, client);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int on_bus(LoopSource *source, int fd, uint32_t revents, void *owner) {
        return 0; /* on_prepare() does it: the descriptor's edge may also have gone by with a send */
}

static int on_prepare(LoopSource *source, void *owner) {
        Server *server = owner;
        int r = intake_dispatch(server->intake);

        if (r == 0)
                r = work_clients(server);
        if (r == 0 && server->stopping && (intake_in_flight(server->intake) == 0 || now() >= server->stop_by)) {
                for (Client *client = server->clients; client; client = client->next)
                        (void)session_work(client->session, &server->scratch);
                loop_exit(server->loop, EXIT_DONE);
        }
        return r;
}

static void expire(Server *server) {
        static const SessionAnswer later = { .outcome = ACK_LATER, .error = ACK_ERROR_INTERNAL, .reason = "try-later" };
        int64_t before = now() - ANSWER_WITHIN;
        size_t overdue = 0;

        for (Client *client = server->clients; client; client = client->next) {
                int64_t oldest = session_oldest_waiting(client->session);
                if (oldest == 0 || oldest >= before)
                        continue;
                overdue++;
                session_expire(client->session, before, &later);
        }
        if (overdue > 0)
                log_event(LOG_ANSWER_OVERDUE, log_name("SOURCE", source_of(server)->name),
                          log_number("CONNECTIONS", (int64_t)overdue));
}

static void end_the_slow(Server *server) {
        int64_t before = now() - INSIDE_WITHIN;

        for (Client *client = server->clients, *next; client; client = next) {
                int64_t since = session_inside_since(client->session);

                next = client->next;
                if (since == 0 || since >= before)
                        continue;
                log_event(LOG_SENDER_TIMED_OUT, log_name("SOURCE", source_of(server)->name),
                          log_name("PEER", session_peer_text(client->session)));
                client_free(server, client);
        }
}

static void tell_status(Server *server) {
        const IntakeCounts *counts = intake_counts(server->intake);

        if (server->ticks++ % STATUS_TICKS == 0)
                service_status("%zu connections, %llu received, %llu stored, %zu wait for the bus", server->n_clients,
                               (unsigned long long)counts->received, (unsigned long long)counts->stored,
                               intake_in_flight(server->intake));
}

static int on_tick(LoopSource *source, void *owner) {
        Server *server = owner;
        int r;

        tell_status(server);
        expire(server);
        end_the_slow(server);
        program_tick();
        r = intake_report(server->intake, server->n_clients, server->certificate_ends_at);
        if (r < 0)
                return r;
        if (server->accepting)
                (void)loop_io_set_events(server->accepting, EPOLLIN);
        return loop_timer_set(source, USEC_PER_SEC);
}

/* ---- start, reload, stop ---- */

static int open_tls(const Config *config, size_t source, TlsContext **ret) {
        const ConfigTls *settings = &config->sources[source].tls;
        _cleanup_(freep) char *reason = NULL;
        int r;

        *ret = NULL;
        if (!settings->certificate)
                return 0;
        r = tls_context_new(settings, ret, &reason);
        if (r > 0)
                error_print("carebus-mllp", "tls of source %s cannot be used: %s; check certificate, key and client_ca",
                            config->sources[source].name, reason ? reason : "?");
        return r > 0 ? -EINVAL : r;
}

static int use_config(void *owner, Config *config, size_t source) {
        Server *server = owner;
        _cleanup_(tls_context_freep) TlsContext *tls = NULL;
        int r = open_tls(config, source, &tls);

        if (r == 0)
                r = intake_configure(server->intake, config, source);
        if (r < 0)
                return r;
        tls_context_free(server->tls);
        server->tls = TAKE_PTR(tls);
        config_unref(server->config);
        server->config = config_ref(config);
        server->source = source;
        server->certificate_ends_at = certificate_end_or_zero(config->sources[source].tls.certificate);
        return 0;
}

static int on_reload(LoopSource *source, int signal, void *owner) {
        const Server *server = owner;

        program_reload(server->options, use_config, owner);
        return 0;
}

static int on_stop(LoopSource *loop_source, int signal, void *owner) {
        Server *server = owner;

        if (server->stopping) {
                loop_exit(server->loop, EXIT_DONE);
                return 0;
        }
        service_stopping();
        server->stopping = true;
        server->stop_by = now() + STOP_WITHIN;
        server->accepting = loop_source_free(server->accepting);
        for (Client *client = server->clients; client; client = client->next) {
                session_stop(client->session);
                (void)client_arm(server, client, EPOLL_CTL_MOD);
        }
        return 0;
}

static int open_listener(Server *server) {
        const ConfigSource *source = source_of(server);

        return listen_open("carebus-mllp", source->name, source->listen, &server->listener);
}

static int add_sources(Server *server) {
        Loop *loop = server->loop;
        int r = loop_add_io(loop, server->listener, EPOLLIN, on_accept, server, &server->accepting);

        if (r == 0)
                r = loop_add_io(loop, server->pool, EPOLLIN, on_pool, server, &server->pooling);
        if (r == 0)
                r = loop_add_io(loop, intake_fd(server->intake), EPOLLIN, on_bus, server, &server->bus);
        if (r == 0)
                r = loop_add_prepare(loop, on_prepare, server, &server->preparing);
        if (r == 0)
                r = loop_add_timer(loop, USEC_PER_SEC, on_tick, server, &server->ticking);
        return r;
}

static void server_deinit(Server *server) {
        LoopSource **sources[] = { &server->accepting, &server->pooling,    &server->bus,        &server->preparing,
                                   &server->ticking,   &server->signals[0], &server->signals[1], &server->signals[2] };

        while (server->clients)
                client_free(server, server->clients);
        for (size_t i = 0; i < ELEMENTSOF(sources); i++)
                *sources[i] = loop_source_free(*sources[i]);
        server->loop = loop_free(server->loop);
        server->intake = intake_free(server->intake);
        server->tls = tls_context_free(server->tls);
        config_unref(server->config);
        buffer_deinit(&server->scratch);
        closep(&server->listener);
        closep(&server->pool);
}

static int server_start(Server *server, Config *config, size_t source) {
        int r;

        server->config = config_ref(config);
        server->source = source;
        server->certificate_ends_at = certificate_end_or_zero(config->sources[source].tls.certificate);
        server->pool = epoll_create1(EPOLL_CLOEXEC);
        if (server->pool < 0)
                return -errno;
        r = open_tls(config, source, &server->tls);
        if (r < 0)
                return r;
        r = open_listener(server);
        if (r < 0)
                return r;
        r = loop_new(&server->loop);
        if (r == 0)
                r = program_add_signals(server->loop, on_stop, on_reload, server, server->signals);
        if (r == 0)
                r = intake_new(config, source, server->options->program, &server->intake);
        return r == 0 ? add_sources(server) : r;
}

static void say_counts(const Server *server) {
        const IntakeCounts *counts = intake_counts(server->intake);

        log_event(LOG_COUNTS, log_name("SOURCE", source_of(server)->name),
                  log_number("RECEIVED", (int64_t)counts->received), log_number("STORED", (int64_t)counts->stored),
                  log_number("QUARANTINED", (int64_t)counts->quarantined),
                  log_number("DUPLICATE", (int64_t)counts->duplicate), log_number("IGNORED", (int64_t)counts->ignored),
                  log_number("LATER", (int64_t)counts->later),
                  log_number("REFUSED", (int64_t)(counts->refused + counts->not_fitting + counts->too_large)));
}

int server_run(const ProgramOptions *options, Config *config) {
        _cleanup_(server_deinit) Server server = { .options = options, .listener = -1, .pool = -1 };
        ssize_t source = config_find_source(config, options->source);
        int r;

        if (source < 0)
                return EXIT_CONFIGURATION;
        r = server_start(&server, config, (size_t)source);
        if (r < 0) {
                log_event(LOG_FATAL, log_name("SOURCE", options->source), log_errno(r));
                if (r == -EADDRNOTAVAIL)
                        return EXIT_CONFIGURATION;
                return r == -EADDRINUSE || r == -EACCES ? EXIT_LATER : EXIT_SOFTWARE;
        }
        log_event(LOG_LISTENING, log_name("SOURCE", options->source), log_name("ADDRESS", source_of(&server)->listen));
        program_started(options, "listening");
        r = loop_run(server.loop);
        if (r < 0)
                log_event(LOG_FATAL, log_name("SOURCE", options->source), log_errno(r));
        say_counts(&server);
        log_event(LOG_STOPPED, log_name("SOURCE", options->source));
        return r < 0 ? EXIT_SOFTWARE : r;
}
