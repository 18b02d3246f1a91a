#include "adapters/fhir/server.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "adapters/common/listen.h"
#include "adapters/common/place.h"
#include "adapters/fhir/courier.h"
#include "adapters/fhir/desk.h"
#include "adapters/fhir/listener.h"
#include "adapters/fhir/memory.h"
#include "adapters/fhir/poll.h"
#include "base/certificate.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/service.h"
#include "base/text.h"
#include "config/address.h"

#define PROGRAM "carebus-fhir"
#define ANSWER_WITHIN (10 * USEC_PER_SEC)
#define INSIDE_WITHIN (60 * USEC_PER_SEC) /* from the first byte of a request or handshake to its last */
#define STOP_WITHIN (5 * USEC_PER_SEC)
#define RETIRED_WITHIN (60 * USEC_PER_SEC)
#define ROUNDS_MAX 8
#define STATUS_TICKS 5

/* A listener with the configuration that it was made of. After a reload the one before stays for those who are connected. */
typedef struct Door Door;
struct Door {
        Door *next;
        Config *config;
        Listener *listener;
        LoopSource *watching;
        int64_t retired_at; /* 0: it takes connections */
};

typedef struct Server {
        const ProgramOptions *options;
        Config *config;
        size_t source;
        Memory *memory;
        Courier *courier;
        Desk *desk;
        Poll *poll;
        Door *doors; /* the newest first */
        Loop *loop;
        LoopSource *bus, *polling, *preparing, *ticking, *waking, *signals[PROGRAM_SIGNALS];
        int socket; /* that doors listen on; -1: nobody connects */
        bool stopping;
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

/* ---- doors ---- */

static Door *door_free(Door *door) {
        if (!door)
                return NULL;
        loop_source_free(door->watching);
        listener_free(door->listener);
        config_unref(door->config);
        free(door);
        return NULL;
}
DEFINE_CLEANUP(Door *, door_free)

static int on_door(LoopSource *source, int fd, uint32_t revents, void *owner) {
        return 0; /* on_prepare() does the work, whatever woke the loop */
}

static int door_new(Server *server, const Config *config, size_t source, Door **ret) {
        _cleanup_(door_freep) Door *door = calloc(1, sizeof(*door));
        int r;

        if (!door)
                return -ENOMEM;
        door->config = config_ref(config);
        r = listener_new(server->socket, &config->sources[source], desk_host(server->desk), &door->listener);
        if (r == LISTENER_E_TLS) {
                error_print(PROGRAM,
                            "tls of source %s cannot be used: certificate and key are PEM and belong together, "
                            "client_ca is PEM",
                            config->sources[source].name);
                return -EINVAL;
        }
        if (r < 0)
                return r;
        r = loop_add_io(server->loop, listener_fd(door->listener), EPOLLIN, on_door, server, &door->watching);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(door);
        return 0;
}

static void doors_retire(Server *server) {
        for (Door *door = server->doors; door; door = door->next)
                if (door->retired_at == 0) {
                        listener_retire(door->listener);
                        door->retired_at = now();
                }
}

static void doors_forget(Server *server) {
        for (Door **place = &server->doors; *place;) {
                Door *door = *place;
                bool is_over = door->retired_at != 0 &&
                               (listener_connections(door->listener) == 0 || door->retired_at + RETIRED_WITHIN < now());
                if (is_over && !server->stopping) {
                        *place = door->next;
                        door_free(door);
                } else {
                        place = &door->next;
                }
        }
}

/* Serves all of them; milliseconds until one wants to be served again, or -1. */
static int doors_work(Server *server) {
        int soonest = -1;

        for (Door *door = server->doors; door; door = door->next) {
                int timeout = listener_work(door->listener);
                if (timeout >= 0 && (soonest < 0 || timeout < soonest))
                        soonest = timeout;
        }
        return soonest;
}

/* ---- the loop's callbacks ---- */

static int on_bus(LoopSource *source, int fd, uint32_t revents, void *owner) {
        return 0; /* on_prepare(): the descriptor's edge may also have gone by with a send */
}

static int on_wake(LoopSource *source, void *owner) {
        return 0;
}

/* Requests go to the bus and answers to their clients until neither brings anything more. */
static int on_prepare(LoopSource *source, void *owner) {
        Server *server = owner;
        int timeout = 0, poll_timeout = -1, r = 0;

        for (unsigned i = 0; i < ROUNDS_MAX; i++) {
                uint64_t before = courier_moves(server->courier);

                timeout = doors_work(server);
                r = courier_dispatch(server->courier);
                if (r == 0 && server->poll)
                        r = poll_work(server->poll, &poll_timeout);
                if (r < 0)
                        return r;
                if (courier_moves(server->courier) == before)
                        break;
                timeout = 0;
        }
        if (server->stopping && (desk_waiting(server->desk) == 0 || now() >= server->stop_by)) {
                (void)doors_work(server);
                loop_exit(server->loop, EXIT_DONE);
        }
        if (poll_timeout >= 0 && (timeout < 0 || poll_timeout < timeout))
                timeout = poll_timeout;
        return loop_timer_set(server->waking, timeout < 0 ? -1 : (int64_t)timeout * USEC_PER_MSEC);
}

static void tell_status(Server *server) {
        const CourierCounts *counts = courier_counts(server->courier);

        if (server->ticks++ % STATUS_TICKS == 0)
                service_status("%llu received, %llu stored, %zu wait for the bus", (unsigned long long)counts->received,
                               (unsigned long long)counts->stored, desk_waiting(server->desk));
}

static int on_tick(LoopSource *source, void *owner) {
        Server *server = owner;
        size_t overdue = desk_expire(server->desk, now() - ANSWER_WITHIN);
        size_t connections = 0;
        int r;

        if (overdue > 0)
                log_event(LOG_ANSWER_OVERDUE, log_name("SOURCE", source_of(server)->name),
                          log_number("REQUESTS", (int64_t)overdue));
        for (Door *door = server->doors; door; door = door->next) {
                listener_end_the_slow(door->listener, now() - INSIDE_WITHIN);
                connections += listener_connections(door->listener);
        }
        doors_forget(server);
        program_tick();
        tell_status(server);
        r = courier_report(server->courier, connections, server->certificate_ends_at);
        return r < 0 ? r : loop_timer_set(source, USEC_PER_SEC);
}

/* ---- configuration ---- */

static int read_tokens(const ConfigSource *source, Tokens **ret) {
        int r;

        *ret = NULL;
        if (!source->token)
                return 0;
        r = tokens_read(source->token, ret);
        if (r == 0)
                return 0;
        error_print(PROGRAM, "%s, the tokens of source %s: %s", source->token, source->name,
                    r > 0 ? tokens_text(r) : strerror(-r));
        return -EINVAL;
}

/* Whoever can reach the address could speak for the source. */
static int check_open(const ConfigSource *source) {
        Address address;
        static const uint8_t loopback[16] = { [15] = 1 };
        bool is_local;

        if (!source->listen || source->token || source->tls.client_ca)
                return 0;
        if (address_parse(source->listen, /* is_endpoint= */ false, &address) < 0)
                return -EINVAL;
        is_local = address.family == AF_INET ? address.bytes[0] == 127 : memcmp(address.bytes, loopback, 16) == 0;
        if (is_local)
                return 0;
        error_print(PROGRAM,
                    "source %s listens on %s, and anybody who reaches it could speak: give it `token:`, or `tls:` with "
                    "`client_ca:`, or listen on 127.0.0.1",
                    source->name, source->listen);
        return -EINVAL;
}

static int use_config(void *owner, Config *config, size_t source) {
        Server *server = owner;
        _cleanup_(tokens_freep) Tokens *tokens = NULL;
        _cleanup_(poll_freep) Poll *poll = NULL;
        _cleanup_(door_freep) Door *door = NULL;
        int r = check_open(&config->sources[source]);

        if (r == 0)
                r = read_tokens(&config->sources[source], &tokens);
        if (r == 0 && server->socket >= 0)
                r = door_new(server, config, source, &door);
        if (r == 0 && config->sources[source].poll.url)
                r = poll_new(server->courier, config, source, &poll);
        if (r == 0)
                r = courier_configure(server->courier, config, source);
        if (r == 0)
                r = desk_configure(server->desk, config, source, TAKE_PTR(tokens));
        if (r < 0)
                return r;
        doors_retire(server);
        if (door) {
                door->next = server->doors;
                server->doors = TAKE_PTR(door);
        }
        server->polling = loop_source_free(server->polling);
        poll_free(server->poll);
        server->poll = TAKE_PTR(poll);
        config_unref(server->config);
        server->config = config_ref(config);
        server->source = source;
        server->certificate_ends_at = certificate_end_or_zero(config->sources[source].tls.certificate);
        if (server->poll)
                r = loop_add_io(server->loop, poll_fd(server->poll), EPOLLIN, on_door, server, &server->polling);
        return r;
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
        doors_retire(server);
        server->polling = loop_source_free(server->polling);
        server->poll = poll_free(server->poll);
        return 0;
}

/* ---- start and end ---- */

static int open_socket(Server *server, const ConfigSource *source) {
        return source->listen ? listen_open(PROGRAM, source->name, source->listen, &server->socket) : 0;
}

static int open_memory(Server *server, const Config *config, const ConfigSource *source) {
        _cleanup_(freep) char *folder = NULL;
        bool is_new = false;
        int r = place_open(config, source->name, &folder);

        if (r == 0)
                r = memory_open(folder, &server->memory, &is_new);
        if (r == MEMORY_E_TAKEN) {
                error_print(PROGRAM, "another carebus-fhir runs for source %s (%s/memory.lock): stop it first",
                            source->name, folder);
                return -EADDRINUSE;
        }
        if (r < 0)
                error_print(PROGRAM, "%s cannot be used: %s; it holds what source %s said of its resources",
                            folder ? folder : config->state, strerror(-r), source->name);
        if (r == 0 && is_new)
                log_event(LOG_MEMORY_MADE_ANEW, log_name("SOURCE", source->name));
        return r;
}

static int add_sources(Server *server) {
        Loop *loop = server->loop;
        int r = loop_add_io(loop, courier_fd(server->courier), EPOLLIN, on_bus, server, &server->bus);

        if (r == 0)
                r = loop_add_timer(loop, USEC_PER_SEC, on_wake, server, &server->waking);
        if (r == 0)
                r = loop_add_timer(loop, USEC_PER_SEC, on_tick, server, &server->ticking);
        if (r == 0)
                r = loop_add_prepare(loop, on_prepare, server, &server->preparing);
        return r;
}

static void server_deinit(Server *server) {
        LoopSource **sources[] = { &server->bus,    &server->polling,    &server->preparing,  &server->ticking,
                                   &server->waking, &server->signals[0], &server->signals[1], &server->signals[2] };

        for (Door *door = server->doors, *next; door; door = next) {
                next = door->next;
                door_free(door);
        }
        for (size_t i = 0; i < ELEMENTSOF(sources); i++)
                *sources[i] = loop_source_free(*sources[i]);
        server->poll = poll_free(server->poll);
        server->desk = desk_free(server->desk);
        server->courier = courier_free(server->courier);
        server->memory = memory_free(server->memory);
        server->loop = loop_free(server->loop);
        config_unref(server->config);
        closep(&server->socket);
}

static int server_start(Server *server, Config *config, size_t source) {
        const ConfigSource *own = &config->sources[source];
        int r = check_open(own);

        if (r == 0)
                r = open_socket(server, own);
        if (r == 0)
                r = open_memory(server, config, own);
        if (r == 0)
                r = loop_new(&server->loop);
        if (r == 0)
                r = program_add_signals(server->loop, on_stop, on_reload, server, server->signals);
        if (r == 0)
                r = courier_new(config, source, server->options->program, server->memory, &server->courier);
        if (r == 0)
                r = desk_new(server->courier, config, source, server->options->program, &server->desk);
        if (r == 0)
                r = use_config(server, config, source);
        return r == 0 ? add_sources(server) : r;
}

static void say_counts(const Server *server) {
        const CourierCounts *counts = courier_counts(server->courier);

        log_event(LOG_COUNTS, log_name("SOURCE", source_of(server)->name),
                  log_number("RECEIVED", (int64_t)counts->received), log_number("STORED", (int64_t)counts->stored),
                  log_number("QUARANTINED", (int64_t)counts->quarantined),
                  log_number("DUPLICATE", (int64_t)counts->duplicate), log_number("IGNORED", (int64_t)counts->ignored),
                  log_number("LATER", (int64_t)counts->later),
                  log_number("REFUSED", (int64_t)(counts->refused + counts->not_taken)),
                  log_number("NOT_AUTHENTICATED", (int64_t)counts->not_authenticated));
}

static int exit_code(int r) {
        if (r == -EINVAL || r == -EADDRNOTAVAIL)
                return EXIT_CONFIGURATION;
        return r == -EADDRINUSE || r == -EACCES ? EXIT_LATER : EXIT_SOFTWARE;
}

int server_run(const ProgramOptions *options, Config *config) {
        _cleanup_(server_deinit) Server server = { .options = options, .socket = -1 };
        ssize_t source = config_find_source(config, options->source);
        int r;

        if (source < 0)
                return EXIT_CONFIGURATION;
        r = server_start(&server, config, (size_t)source);
        if (r < 0) {
                log_event(LOG_FATAL, log_name("SOURCE", options->source), log_errno(r));
                return exit_code(r);
        }
        if (source_of(&server)->listen)
                log_event(LOG_LISTENING, log_name("SOURCE", options->source),
                          log_name("ADDRESS", source_of(&server)->listen));
        program_started(options, "listening");
        r = loop_run(server.loop);
        if (r < 0)
                log_event(LOG_FATAL, log_name("SOURCE", options->source), log_errno(r));
        say_counts(&server);
        log_event(LOG_STOPPED, log_name("SOURCE", options->source));
        return r < 0 ? EXIT_SOFTWARE : r;
}
