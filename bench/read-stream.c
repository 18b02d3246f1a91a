/*
 * Teams that read, and how much reaches them: `live` by bare SUB sockets as any program may open them, or `feed` by
 * libcarebus with acknowledgements. All teams of a run are read by this one process.
 *
 * Prints "ready" once every team is connected, then counts until each team has --count deliveries or nothing came for
 * --idle-ms, and says how many came, how fast, and how many a team missed (live may drop; the feed may not: that is 1).
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "bench/histogram.h"
#include "bench/tool.h"
#include "proto/check.h"
#include "proto/zsock.h"
#include "sdk/carebus.h"

#define TEAMS_MAX 64 /* as many as zpoll() takes */
#define READY_MAX UINT64_C(20000000000)
#define DRAIN_MAX 256 /* deliveries of a team before it is the next one's turn */

static uint64_t arg_teams = 1, arg_count, arg_idle_ms = 3000, arg_ack_every = 64, arg_credit = 1024,
                arg_core = UINT64_MAX;
static const char *arg_run, *arg_mode = "live", *arg_team = "team", *arg_consumer = "bench";

static const ToolOption options[] = {
        { "run", NULL, &arg_run, "the bus's folder of sockets" },
        { "mode", NULL, &arg_mode, "live, feed, or both: live and feed as one stream (live)" },
        { "team", NULL, &arg_team, "with several NAME-1, NAME-2, ... (team)" },
        { "teams", &arg_teams, NULL, "how many (1)" },
        { "consumer", NULL, &arg_consumer, "of the feeds (bench)" },
        { "count", &arg_count, NULL, "deliveries to each team after which it ends (0: when idle)" },
        { "idle-ms", &arg_idle_ms, NULL, "silence after which it ends (3000)" },
        { "ack-every", &arg_ack_every, NULL, "feed: deliveries between two acknowledgements (64)" },
        { "credit", &arg_credit, NULL, "feed: deliveries on the way (1024)" },
        { "core", &arg_core, NULL, "to stay on (any)" },
        { NULL, NULL, NULL, NULL },
};

typedef struct Team {
        char name[64];
        ZSocket *live;
        carebus_stream *stream;
        bool heard; /* its place, or a delivery */
        uint64_t last_seq;
        uint32_t last_index;
        uint64_t n, n_missed, n_live, unacked;
} Team;

typedef struct Readers {
        Team teams[TEAMS_MAX];
        Histogram latency; /* live: from the bus's receiving to us */
        uint64_t first, last, n, bytes;
} Readers;

static void count(Readers *readers, Team *team, size_t size) {
        readers->last = tool_now();
        if (readers->n++ == 0)
                readers->first = readers->last;
        readers->bytes += size;
        team->n++;
}

/* ---- live ---- */

typedef struct Delivered {
        uint64_t seq, prev_seq;
        uint32_t index, prev_index;
        bool place_only;
        uint64_t received_at;
} Delivered;

static void read_event(Bytes event, Delivered *ret) {
        WireField field;
        size_t offset = 0;

        while (wire_field_next(event, &offset, &field) == 0)
                if (field.number == 6 && field.wire_type == 0) { /* Event.received_at */
                        ret->received_at = field.value;
                        return;
                }
}

static void read_delivery(Bytes message, Delivered *ret) {
        WireField field;
        size_t offset = 0;
        int r;

        *ret = (Delivered){ 0 };
        while ((r = wire_field_next(message, &offset, &field)) == 0) {
                if (field.number == 1)
                        ret->seq = field.value;
                else if (field.number == 2)
                        ret->index = (uint32_t)field.value;
                else if (field.number == 3)
                        ret->prev_seq = field.value;
                else if (field.number == 4)
                        ret->prev_index = (uint32_t)field.value;
                else if (field.number == 5)
                        ret->place_only = field.value != 0;
                else if (field.number == 10 && field.wire_type == 2)
                        read_event(field.bytes, ret);
        }
        if (r != -ENODATA)
                tool_die("live sent what is not a Delivery");
}

static void take_live(Readers *readers, Team *team, Bytes payload) {
        Delivered delivered;
        int64_t late;

        read_delivery(payload, &delivered);
        if (team->heard && (delivered.prev_seq != team->last_seq || delivered.prev_index != team->last_index) &&
            !delivered.place_only)
                team->n_missed++;
        team->heard = true;
        team->last_seq = delivered.seq;
        team->last_index = delivered.index;
        if (delivered.place_only)
                return;
        count(readers, team, payload.size);
        team->n_live++;
        late = clock_now_at(&clock_system) - (int64_t)delivered.received_at;
        histogram_add(&readers->latency, late > 0 ? (uint64_t)late * 1000 : 0);
}

static void drain_live(Readers *readers, Team *team) {
        for (unsigned i = 0; i < DRAIN_MAX; i++) {
                ZFrame topic = ZFRAME_NULL, payload = ZFRAME_NULL;
                int r = zsocket_recv_topic(team->live, &topic, &payload);

                if (r == 0)
                        take_live(readers, team, zframe_bytes(&payload));
                zframe_deinit(&topic);
                zframe_deinit(&payload);
                if (r > 0)
                        return;
                if (r < 0)
                        tool_die("cannot receive: %s", strerror(-r));
        }
}

static void open_live(ZContext *context, Team *team) {
        const ZSocketOptions socket = { .high_water = 100000 };
        char endpoint[256];
        int r = zsocket_new(context, ZSOCKET_SUB, &socket, &team->live);

        snprintf(endpoint, sizeof(endpoint), "ipc://%s/live/%s", arg_run, team->name);
        if (r == 0)
                r = zsocket_subscribe(team->live, "");
        if (r == 0)
                r = zsocket_connect(team->live, endpoint);
        if (r != 0)
                tool_die("cannot listen at %s", endpoint);
}

static void turn_live(Readers *readers) {
        ZPoll items[TEAMS_MAX] = { 0 };

        for (uint64_t i = 0; i < arg_teams; i++)
                items[i].socket = readers->teams[i].live;
        if (zpoll(items, arg_teams, 100) < 0)
                tool_die("cannot wait");
        for (uint64_t i = 0; i < arg_teams; i++)
                if (items[i].ready)
                        drain_live(readers, &readers->teams[i]);
}

/* ---- feeds ---- */

static void open_stream(Team *team) {
        char feed[256], live[256];
        carebus_stream_options stream = { .feed = { .endpoint = feed },
                                          .team = team->name,
                                          .consumer = arg_consumer,
                                          .from = CAREBUS_FROM_RESUME,
                                          .credit = (uint32_t)arg_credit };
        int r;

        snprintf(feed, sizeof(feed), "ipc://%s/feed", arg_run);
        snprintf(live, sizeof(live), "ipc://%s/live/%s", arg_run, team->name);
        if (text_equal(arg_mode, "both"))
                stream.live.endpoint = live;
        r = carebus_stream_new(&team->stream, &stream);
        if (r < 0)
                tool_die("cannot read %s as %s: %s", feed, team->name, strerror(-r));
}

static void take_feed(Readers *readers, Team *team, const carebus_delivery *delivery) {
        bool behind = delivery->seq > team->last_seq ||
                      (delivery->seq == team->last_seq && delivery->index > team->last_index) || !team->heard;

        if (!behind)
                tool_die("%s got %" PRIu64 ".%u twice or out of order", team->name, delivery->seq, delivery->index);
        team->heard = true;
        team->last_seq = delivery->seq;
        team->last_index = delivery->index;
        team->n_live += delivery->came_live ? 1 : 0;
        count(readers, team, delivery->event_size);
        if (++team->unacked >= arg_ack_every) {
                carebus_stream_ack(team->stream, delivery->seq, delivery->index);
                team->unacked = 0;
        }
}

static bool drain_feed(Readers *readers, Team *team) {
        carebus_delivery delivery;
        unsigned i = 0;
        int r = 1;

        for (; i < DRAIN_MAX && r == 1; i++) {
                r = carebus_stream_next(team->stream, &delivery, 0);
                if (r == -EACCES)
                        tool_die("%s is refused: %s", team->name, carebus_stream_reason(team->stream));
                if (r < 0)
                        tool_die("the library gave up: %s", strerror(-r));
                if (r == 1)
                        take_feed(readers, team, &delivery);
        }
        return i > 1;
}

static void turn_feed(Readers *readers) {
        struct pollfd items[TEAMS_MAX];
        bool any = false;

        for (uint64_t i = 0; i < arg_teams; i++) {
                any |= drain_feed(readers, &readers->teams[i]);
                items[i] = (struct pollfd){ .fd = carebus_stream_fd(readers->teams[i].stream), .events = POLLIN };
        }
        if (!any && poll(items, arg_teams, 10) < 0 && errno != EINTR)
                tool_die("cannot wait: %m");
}

/* ---- the run ---- */

static bool all_teams_have(const Readers *readers, uint64_t n) {
        for (uint64_t i = 0; i < arg_teams; i++)
                if (readers->teams[i].n < n)
                        return false;
        return true;
}

static bool all_teams_heard(const Readers *readers) {
        for (uint64_t i = 0; i < arg_teams; i++)
                if (!readers->teams[i].heard)
                        return false;
        return true;
}

static void run(Readers *readers, void (*turn)(Readers *readers)) {
        uint64_t began = tool_now();
        bool said = false;

        for (;;) {
                uint64_t now;

                turn(readers);
                now = tool_now();
                /* Live says its place once a second, so every team is heard; a feed that is empty says nothing. */
                if (!said && (all_teams_heard(readers) || turn == turn_feed)) {
                        puts("ready");
                        fflush(stdout);
                        said = true;
                }
                if (!said && now > began + READY_MAX)
                        tool_die("not every team's live stream was heard within 20 s");
                if (arg_count > 0 && all_teams_have(readers, arg_count))
                        return;
                if (readers->n > 0 && now > readers->last + arg_idle_ms * 1000000)
                        return;
                if (said && readers->n == 0 && now > began + 3 * READY_MAX)
                        tool_die("nothing came within a minute");
        }
}

static int print_result(const Readers *readers) {
        uint64_t missed = 0, live = 0, least = UINT64_MAX, took = readers->last - readers->first;

        for (uint64_t i = 0; i < arg_teams; i++) {
                missed += readers->teams[i].n_missed;
                live += readers->teams[i].n_live;
                least = MIN(least, readers->teams[i].n);
        }
        printf("{\"deliveries\":%" PRIu64 ",\"teams\":%" PRIu64 ",\"least\":%" PRIu64 ",\"came_live\":%" PRIu64
               ",\"gaps\":%" PRIu64 ",\"seconds\":%.3f,\"per_second\":%.1f,\"bytes_each\":%.1f,\"latency\":",
               readers->n, arg_teams, least, live, missed, (double)took / 1e9, tool_per_second(readers->n, took),
               readers->n > 0 ? (double)readers->bytes / (double)readers->n : 0);
        histogram_print_json(&readers->latency, stdout);
        puts("}");
        return text_equal(arg_mode, "live") || least >= arg_count ? EXIT_DONE : EXIT_NO;
}

int main(int argc, char **argv) {
        static Readers readers;
        ZContext *context = NULL;
        bool live;

        tool_parse_options(argc, argv, "what reaches teams, by live or by feeds", options);
        live = text_equal(arg_mode, "live");
        if (!arg_run)
                tool_die("say --run: the bus's folder of sockets");
        if (!live && !text_equal(arg_mode, "feed") && !text_equal(arg_mode, "both"))
                tool_die("--mode is live, feed or both");
        if (arg_teams == 0 || arg_teams > TEAMS_MAX || arg_ack_every == 0)
                tool_die("between 1 and %d teams, that acknowledge every --ack-every deliveries", TEAMS_MAX);
        tool_pin(arg_core);
        histogram_init(&readers.latency);
        if (live && zcontext_new(&context) != 0)
                tool_die("no ZeroMQ");
        for (uint64_t i = 0; i < arg_teams; i++) {
                Team *team = &readers.teams[i];

                snprintf(team->name, sizeof(team->name), arg_teams > 1 ? "%.32s-%" PRIu64 : "%.32s", arg_team, i + 1);
                if (live)
                        open_live(context, team);
                else
                        open_stream(team);
        }
        run(&readers, live ? turn_live : turn_feed);
        for (uint64_t i = 0; i < arg_teams; i++) {
                zsocket_free(readers.teams[i].live);
                carebus_stream_free(readers.teams[i].stream);
        }
        zcontext_free(context);
        return print_result(&readers);
}
