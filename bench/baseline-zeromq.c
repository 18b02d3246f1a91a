/* ZeroMQ alone: two processes, a core each where so said, nothing but the bytes between them. */
#include "bench/baseline.h"

#include <inttypes.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "bench/histogram.h"
#include "bench/tool.h"
#include "proto/zsock.h"

#define AHEAD_MAX \
        1000 /* what the publisher is ahead of the slowest subscriber: else it would measure how much is lost */

static pid_t start(void (*other)(const BaselineOptions *options, void *shared), const BaselineOptions *options,
                   void *shared) {
        pid_t pid = fork();

        if (pid < 0)
                tool_die("cannot start the other end: %m");
        if (pid == 0) {
                prctl(PR_SET_PDEATHSIG, SIGKILL);
                tool_pin(options->other_core);
                other(options, shared);
                _exit(0);
        }
        tool_pin(options->core);
        return pid;
}

static void stop(pid_t pid) {
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
}

static ZSocket *open_socket(ZContext *context, ZSocketKind kind, const char *name, const BaselineOptions *options) {
        const ZSocketOptions socket = { .high_water = 100000 };
        char endpoint[256];
        ZSocket *opened = NULL;
        int r = zsocket_new(context, kind, &socket, &opened);

        snprintf(endpoint, sizeof(endpoint), "ipc://%s/%s", options->folder, name);
        if (r == 0 && kind == ZSOCKET_SUB)
                r = zsocket_subscribe(opened, "");
        if (r == 0)
                r = kind == ZSOCKET_ROUTER || kind == ZSOCKET_PUB ? zsocket_bind(opened, endpoint)
                                                                  : zsocket_connect(opened, endpoint);
        if (r != 0)
                tool_die("cannot use %s", endpoint);
        return opened;
}

static ZContext *open_context(void) {
        ZContext *context = NULL;

        if (zcontext_new(&context) != 0)
                tool_die("no ZeroMQ");
        return context;
}

static void wait_for(ZSocket *socket) {
        ZPoll item = { .socket = socket };

        if (zpoll(&item, 1, 5000) <= 0)
                tool_die("the other end is silent");
}

/* ---- there and back ---- */

/* Answers every `batch` messages with the last one's first byte, and what it has when nothing more is there. */
static void answer(const BaselineOptions *options, void *shared) {
        ZSocket *socket = open_socket(open_context(), ZSOCKET_ROUTER, "baseline-pong", options);
        uint64_t unanswered = 0;
        ZRoute route = { 0 };

        for (;;) {
                ZFrame frame = ZFRAME_NULL;
                int r = zsocket_recv_routed(socket, &route, &frame);

                zframe_deinit(&frame);
                if (r < 0)
                        return;
                unanswered += r == 0 ? 1 : 0;
                if (unanswered >= options->batch || (r > 0 && unanswered > 0)) {
                        zsocket_send_routed(socket, &route, bytes_of(&unanswered, sizeof(unanswered)));
                        unanswered = 0;
                }
                if (r > 0) {
                        ZPoll item = { .socket = socket };
                        zpoll(&item, 1, -1);
                }
        }
}

static uint64_t receive_answers(ZSocket *socket) {
        uint64_t n = 0;

        for (;;) {
                ZFrame frame = ZFRAME_NULL;
                int r = zsocket_recv(socket, &frame);

                if (r == 0)
                        n += load_le64(zframe_bytes(&frame).data);
                zframe_deinit(&frame);
                if (r != 0)
                        return n;
        }
}

static void send_and_count(const BaselineOptions *options) {
        pid_t other = start(answer, options, NULL);
        ZContext *context = open_context();
        ZSocket *socket = open_socket(context, ZSOCKET_DEALER, "baseline-pong", options);
        _cleanup_(freep) uint8_t *data = calloc(1, options->size);
        uint64_t sent = 0, answered = 0, began = tool_now(), ends, now;
        static Histogram latency;

        if (!data)
                tool_die("no memory");
        histogram_init(&latency);
        /* The first one waits for the connection. */
        zsocket_send(socket, bytes_of(data, options->size));
        wait_for(socket);
        receive_answers(socket);
        began = now = tool_now();
        ends = began + options->seconds * 1000000000u;
        while (now < ends) {
                uint64_t before = tool_now();

                while (sent - answered < options->window && zsocket_send(socket, bytes_of(data, options->size)) == 0)
                        sent++;
                uint64_t n = receive_answers(socket);
                if (n == 0) {
                        wait_for(socket);
                        n = receive_answers(socket);
                }
                answered += n;
                now = tool_now();
                histogram_add(&latency, now - before);
        }
        printf("{\"per_second\":%.1f,\"latency\":", tool_per_second(answered, now - began));
        histogram_print_json(&latency, stdout);
        puts("}");
        zsocket_free(socket);
        zcontext_free(context);
        stop(other);
}

void baseline_ping_pong(const BaselineOptions *options) {
        BaselineOptions one = *options;

        one.window = one.batch = 1;
        send_and_count(&one);
}

void baseline_pipeline(const BaselineOptions *options) {
        send_and_count(options);
}

/* ---- one to many ---- */

typedef struct FanOut {
        _Atomic uint64_t received; /* by the team that has least */
        _Atomic bool ready;
} FanOut;

static void publish(const BaselineOptions *options, void *shared) {
        FanOut *fan_out = shared;
        ZContext *context = open_context();
        ZSocket *sockets[64];
        char name[64];
        uint8_t *data = calloc(1, options->size);

        for (uint64_t i = 0; i < options->teams; i++) {
                snprintf(name, sizeof(name), "baseline-live-%" PRIu64, i);
                sockets[i] = open_socket(context, ZSOCKET_PUB, name, options);
        }
        for (uint64_t sent = 0;; sent++) {
                bool ready = atomic_load(&fan_out->ready);

                /* Until every team is there: a message now and then. */
                if (!ready || sent > atomic_load(&fan_out->received) + AHEAD_MAX)
                        usleep(ready ? 50 : 10000);
                sent = ready ? sent : 0;
                for (uint64_t i = 0; i < options->teams; i++)
                        zsocket_send_topic(sockets[i], "encounter.admitted/p1.0", bytes_of(data, options->size));
        }
}

static uint64_t drain(ZSocket *socket) {
        uint64_t n = 0;

        for (; n < 256; n++) {
                ZFrame topic = ZFRAME_NULL, payload = ZFRAME_NULL;
                int r = zsocket_recv_topic(socket, &topic, &payload);

                zframe_deinit(&topic);
                zframe_deinit(&payload);
                if (r != 0)
                        break;
        }
        return n;
}

static uint64_t receive_all(ZSocket **sockets, uint64_t *received, const BaselineOptions *options) {
        ZPoll items[64] = { 0 };
        uint64_t n = 0;

        for (uint64_t i = 0; i < options->teams; i++)
                items[i].socket = sockets[i];
        if (zpoll(items, options->teams, 5000) <= 0)
                tool_die("the publisher is silent");
        for (uint64_t i = 0; i < options->teams; i++) {
                uint64_t more = items[i].ready ? drain(sockets[i]) : 0;

                received[i] += more;
                n += more;
        }
        return n;
}

static uint64_t least(const uint64_t *received, uint64_t n) {
        uint64_t found = received[0];

        for (uint64_t i = 1; i < n; i++)
                found = MIN(found, received[i]);
        return found;
}

void baseline_fan_out(const BaselineOptions *options) {
        FanOut *fan_out = mmap(NULL, sizeof(*fan_out), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        ZSocket *sockets[64];
        uint64_t received[64] = { 0 }, n = 0, began, now;
        ZContext *context;
        char name[64];
        pid_t other;

        if (fan_out == MAP_FAILED || options->teams > 64)
                tool_die("at most 64 teams");
        other = start(publish, options, fan_out);
        context = open_context();
        for (uint64_t i = 0; i < options->teams; i++) {
                snprintf(name, sizeof(name), "baseline-live-%" PRIu64, i);
                sockets[i] = open_socket(context, ZSOCKET_SUB, name, options);
        }
        while (least(received, options->teams) == 0)
                receive_all(sockets, received, options);
        memset(received, 0, sizeof(received));
        atomic_store(&fan_out->ready, true);
        began = now = tool_now();
        while (now < began + options->seconds * 1000000000u) {
                n += receive_all(sockets, received, options);
                atomic_store(&fan_out->received, least(received, options->teams));
                now = tool_now();
        }
        printf("{\"per_second\":%.1f,\"teams\":%" PRIu64 "}\n", tool_per_second(n, now - began), options->teams);
        for (uint64_t i = 0; i < options->teams; i++)
                zsocket_free(sockets[i]);
        zcontext_free(context);
        stop(other);
}
