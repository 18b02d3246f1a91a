/* Who may come in, by which doors; and the proof that a stranger may not. */
#include <stdio.h>

#include "base/error.h"
#include "base/log.h"
#include "base/service.h"
#include "base/text.h"
#include "daemon/daemon-parts.h"
#include "daemon/peer/self-test.h"

#define FRAME_AT_LEAST (4u << 20)
#define FRAME_AT_MOST (48u << 20) /* a batch of the journal holds 64 MiB */
#define HIGH_WATER 4096           /* more than a window, so that receipts never wait for a peer that keeps to it */

int daemon_zap_table(const Config *config, ZapTable **ret) {
        _cleanup_(zap_table_freep) ZapTable *table = NULL;
        int r = zap_table_new(&table);

        for (size_t i = 0; r == 0 && i < config->n_sources; i++)
                r = zap_table_allow_peer(table, "intake", &config->sources[i].peer);
        for (size_t i = 0; r == 0 && i < config->n_operators; i++)
                r = zap_table_allow_peer(table, "control", &(ConfigPeer){ .uid = config->operators[i] });
        /* Serve, which asks for teams' programs. */
        if (r == 0)
                r = zap_table_allow_peer(table, "control", &(ConfigPeer){ .uid = geteuid() });
        if (r < 0)
                return r;
        *ret = TAKE_PTR(table);
        return 0;
}

/* An original, its events, and what is around them. */
size_t daemon_frame_limit(const Config *config) {
        size_t most = 0;

        for (size_t i = 0; i < config->n_sources; i++)
                most = MAX(most, config->sources[i].max_message_bytes);
        return MIN(MAX(2 * most + (1u << 20), (size_t)FRAME_AT_LEAST), (size_t)FRAME_AT_MOST);
}

static int cannot_bind(const char *endpoint, int r) {
        if (r == ZSOCK_E_IN_USE) {
                log_event(LOG_ADDRESS_TAKEN, log_name("ENDPOINT", endpoint));
                error_print("carebusd", "%s is taken by another program: stop it, or choose another address", endpoint);
                return EXIT_LATER;
        }
        if (r == -EAFNOSUPPORT || r == -EPERM) {
                log_event(LOG_NO_NETWORK, log_name("ENDPOINT", endpoint));
                error_print("carebusd",
                            "%s: carebusd may not open a socket of its own; start carebusd-intake.socket, which hands "
                            "it over, "
                            "and then carebusd",
                            endpoint);
                return EXIT_CONFIGURATION;
        }
        log_event(LOG_FATAL, log_name("ENDPOINT", endpoint), log_errno(r > 0 ? -EINVAL : r));
        error_print("carebusd", "cannot listen on %s", endpoint);
        return EXIT_CONFIGURATION;
}

static int open_ipc(Daemon *daemon, const char *name, ZSocket **ret) {
        _cleanup_(freep) char *endpoint = config_endpoint(daemon->config, name);
        int r;

        if (!endpoint)
                return EXIT_SOFTWARE;
        r = zsocket_new(daemon->zmq, ZSOCKET_ROUTER,
                        &(ZSocketOptions){
                                .zap_domain = name,
                                .max_message_bytes = text_equal(name, "intake") ? (int64_t)daemon->max_frame : 1 << 20,
                                .high_water = HIGH_WATER,
                                .linger_ms = 500,
                        },
                        ret);
        if (r == 0)
                r = zsocket_bind(*ret, endpoint);
        return r == 0 ? 0 : cannot_bind(endpoint, r);
}

static int open_tcp(Daemon *daemon, bool *ret_inherited) {
        const char *endpoint = daemon->config->listen_intake;
        const int inherited = service_listener("intake");
        int r;

        *ret_inherited = inherited >= 0;
        if (!endpoint && inherited < 0)
                return 0;
        if (!endpoint)
                endpoint =
                        "tcp://0.0.0.0:7401"; /* says what kind of listener it is; the address is the descriptor's own */
        if (!daemon->config->bus_secret_key) {
                log_event(LOG_NO_BUS_KEY);
                error_print("carebusd", "%s needs the bus's own keys: run `carebusctl key new bus`", endpoint);
                return EXIT_CONFIGURATION;
        }
        r = zsocket_new(daemon->zmq, ZSOCKET_ROUTER,
                        &(ZSocketOptions){
                                .zap_domain = "intake",
                                .curve_server_secret = daemon->config->bus_secret_key,
                                .max_message_bytes = (int64_t)daemon->max_frame,
                                .high_water = HIGH_WATER,
                                .linger_ms = 500,
                        },
                        &daemon->doors[1]);
        if (r == 0)
                r = inherited >= 0 ? zsocket_bind_fd(daemon->doors[1], endpoint, inherited)
                                   : zsocket_bind(daemon->doors[1], endpoint);
        return r == 0 ? 0 : cannot_bind(endpoint, r);
}

/* Where a listener on all addresses is reached from here: 0.0.0.0 and [::] are no places to go to. */
static int reachable(ZSocket *door, char ret[128]) {
        char bound[128];
        const char *port;
        int r = zsocket_last_endpoint(door, bound, sizeof(bound));

        if (r < 0)
                return r;
        port = strrchr(bound, ':');
        if (port && text_starts_with(bound, "tcp://0.0.0.0:"))
                snprintf(ret, 128, "tcp://127.0.0.1%s", port);
        else if (port && text_starts_with(bound, "tcp://[::]:"))
                snprintf(ret, 128, "tcp://[::1]%s", port);
        else
                snprintf(ret, 128, "%s", bound);
        return 0;
}

static int test_strangers(Daemon *daemon, bool inherited) {
        int r;

        if (daemon->doors[1] && !inherited) {
                char endpoint[128];
                r = reachable(daemon->doors[1], endpoint);
                if (r == 0)
                        r = self_test_refuses(daemon->zmq, endpoint, daemon->config->bus_public_key);
        } else {
                _cleanup_(freep) char *endpoint = NULL;
                if (text_format(&endpoint, "ipc://%s/.test", daemon->config->run) < 0)
                        return EXIT_SOFTWARE;
                r = self_test_private(daemon->zmq, endpoint, "intake");
                if (r == SELF_TEST_E_NO_CURVE && !daemon->doors[1])
                        r = 0; /* nothing here that a key could open */
        }
        if (r == 0)
                return 0;
        log_event(LOG_STRANGER_LET_IN, log_name("RESULT", r == SELF_TEST_E_LET_IN     ? "let-in"
                                                          : r == SELF_TEST_E_NO_CURVE ? "no-curve"
                                                          : r > 0                     ? "no-answer"
                                                                                      : "failed"));
        error_print("carebusd", "a random key was not seen to be refused at the intake: not starting");
        return EXIT_SOFTWARE;
}

int daemon_open_sockets(Daemon *daemon) {
        ZapTable *table = NULL;
        bool inherited = false;
        int r;

        daemon->max_frame = daemon_frame_limit(daemon->config);
        r = zcontext_new(&daemon->zmq);
        if (r == 0)
                r = daemon_zap_table(daemon->config, &table);
        if (r == 0)
                r = zap_start(daemon->zmq, table, &daemon->zap);
        if (r == 0)
                zap_tell_refusals(daemon->zap, daemon->refusals[1]);
        if (r != 0) {
                log_event(LOG_FATAL, log_name("WHAT", "zap"), log_errno(error_fold(r)));
                return EXIT_SOFTWARE;
        }
        r = open_ipc(daemon, "intake", &daemon->doors[0]);
        if (r == 0)
                r = open_ipc(daemon, "control", &daemon->control);
        if (r == 0)
                r = open_tcp(daemon, &inherited);
        if (r != 0)
                return r;
        zap_set_quiet(daemon->zap, true);
        r = test_strangers(daemon, inherited);
        zap_set_quiet(daemon->zap, false);
        return r;
}
