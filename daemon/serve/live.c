/*
 * The live thread: what was folded goes out to every team that may see it, at once or not at all.
 */
#include "daemon/serve/live.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/text.h"
#include "daemon/peer/identity.h"
#include "daemon/serve/disclose.h"
#include "daemon/serve/endpoint.h"
#include "daemon/serve/feed.h"
#include "daemon/serve/live-frames.h"
#include "daemon/serve/live-topics.h"
#include "daemon/serve/record-cut.h"

#define BATCH 256 /* entries between two looks at orders and state, */
#define BATCH_MEMORY (1U << 20)
#define SO_FAR_MEMORY (4U << 20) /* records beside what is ready, at which it is sent */
#define ARENA_MAX (256U << 20)   /* one record so far, while it is put together */
#define BEHIND_MAX 65536         /* entries; farther back live leaves a gap and goes on at the head */
#define IDLE_SAYS_PLACE USEC_PER_SEC
#define TELLS_FIGURES (USEC_PER_SEC / 2)
#define HIGH_WATER 4096 /* messages that a slow subscriber may leave lying before it loses some */
/* libzmq takes what a reader asks for as long as there is more of it, and nothing else meanwhile: so there is one at a
 * time. Of two places one is taken for ever by who the reader is. */
#define SUBSCRIPTIONS_WAIT 2
#define SUBSCRIBER_BUFFER (32 << 10) /* bytes of a reader that is not heard at once */
#define PLACE_TOPIC "bus.place"

typedef struct LiveTeam {
        char *name;
        Endpoint ipc, tcp;
        LiveTopics topics; /* what its readers asked for */
        uid_t uid;
        char *key;
        size_t index; /* in the configuration */
        Place last;   /* newest place that was said, or that stood when the socket was made */
        int64_t said_at;
        uint64_t published; /* for whoever watches */
} LiveTeam;

typedef struct Live {
        Worker *worker;
        View *view;
        Publisher *publisher;
        Sight *sight;
        AuditSay *say;
        Arena *arena; /* of the batch at hand */
        Config *config;
        Sharing *sharing;
        uint64_t settings_mark;
        LiveTeam *teams;
        size_t n_teams;
        int64_t told_at; /* monotonic: the figures */
        uint64_t next;   /* entry that is published next; 0: not begun */
        Buffer place, frame;
        Buffer ready, so_far; /* of one team and the batch at hand: Giving[], packed records */
        LiveFrames *frames;   /* of the batch at hand */
        int doorbell;
        int subscribers; /* epoll: one of the sockets has something to say */
        bool more_said;  /* and it was not all heard */
        bool stopping;
} Live;

/* ---- sockets ---------------------------------------------------------------------------------------------------- */

static void live_team_deinit(LiveTeam *team) {
        endpoint_deinit(&team->ipc);
        endpoint_deinit(&team->tcp);
        live_topics_deinit(&team->topics);
        free(team->name);
        free(team->key);
        *team = (LiveTeam){ .ipc = ENDPOINT_NULL, .tcp = ENDPOINT_NULL };
}

/* The same socket a second time is no news; one that is closed is none any more. */
static int live_watch(Live *live, const Endpoint *endpoint) {
        struct epoll_event event = { .events = EPOLLIN };
        int fd = endpoint->socket ? zsocket_fd(endpoint->socket) : -1;

        if (!endpoint->socket)
                return 0;
        if (fd < 0)
                return fd;
        return epoll_ctl(live->subscribers, EPOLL_CTL_ADD, fd, &event) < 0 && errno != EEXIST ? -errno : 0;
}

static int live_team_bind(Live *live, LiveTeam *team, const Config *config, const ConfigTeam *wanted,
                          char **ret_failure) {
        _cleanup_(freep) char *name = NULL, *address = NULL, *inherited = NULL;
        EndpointWish ipc = { .kind = ZSOCKET_XPUB,
                             .max_message_bytes = LIVE_TOPIC_MESSAGE_MOST,
                             .high_water = HIGH_WATER,
                             .receive_high_water = SUBSCRIPTIONS_WAIT,
                             .receive_buffer = SUBSCRIBER_BUFFER },
                     tcp = ipc;
        int r;

        r = text_format(&name, "live/%s", wanted->name);
        if (r >= 0)
                r = text_format(&inherited, "live-%s", wanted->name);
        if (r < 0)
                return r;
        address = config_endpoint(config, name);
        if (!address)
                return -ENOMEM;
        ipc.address = address;
        ipc.domain = tcp.domain = name;
        tcp.address = wanted->live;
        tcp.secret = config->bus_secret_key;
        tcp.inherited = inherited;
        r = endpoint_apply(&team->ipc, live->worker->context, &ipc);
        if (r != 0) {
                *ret_failure = endpoint_failure(address, r);
                return r;
        }
        r = endpoint_apply(&team->tcp, live->worker->context, &tcp);
        if (r != 0)
                *ret_failure = endpoint_failure(wanted->live ? wanted->live : "the inherited listener", r);
        if (r == 0)
                r = live_watch(live, &team->ipc);
        return r == 0 ? live_watch(live, &team->tcp) : r;
}

/* Who may listen is another now: everybody asks again. */
static int live_team_check_peer(LiveTeam *team, const ConfigPeer *peer) {
        const bool same = team->uid == peer->uid && text_equal(team->key, peer->key);
        char *key = peer->key ? strdup(peer->key) : NULL;
        int r = 0;

        if (peer->key && !key)
                return -ENOMEM;
        if (!same) {
                r = endpoint_renew(&team->ipc);
                if (r == 0)
                        r = endpoint_renew(&team->tcp);
        }
        free(team->key);
        team->key = key;
        team->uid = peer->uid;
        return r;
}

static LiveTeam *find_team(LiveTeam *teams, size_t n, const char *name) {
        for (size_t i = 0; i < n; i++)
                if (text_equal(teams[i].name, name))
                        return &teams[i];
        return NULL;
}

/* One team of the new configuration: the sockets it has, or new ones. */
static int live_take_team(Live *live, const Config *config, size_t index, LiveTeam *ret, char **ret_failure) {
        const ConfigTeam *wanted = &config->teams[index];
        LiveTeam *old = find_team(live->teams, live->n_teams, wanted->name);
        int r;

        if (old) {
                *ret = *old;
                *old = (LiveTeam){ .ipc = ENDPOINT_NULL, .tcp = ENDPOINT_NULL };
        } else {
                *ret = (LiveTeam){ .name = strdup(wanted->name),
                                   .ipc = ENDPOINT_NULL,
                                   .tcp = ENDPOINT_NULL,
                                   .uid = wanted->peer.uid };
                ret->key = wanted->peer.key ? strdup(wanted->peer.key) : NULL;
                if (!ret->name || (wanted->peer.key && !ret->key))
                        return -ENOMEM;
        }
        ret->index = index;
        r = live_team_check_peer(ret, &wanted->peer);
        if (r == 0)
                r = live_team_bind(live, ret, config, wanted, ret_failure);
        if (r == 0 && !old && live->next > 0) /* it begins where all stand */
                r = place_of_bus(view_txn(live->view), live->next - 1, &ret->last);
        return r;
}

static int live_make_sharing(Live *live) {
        Sharing *sharing;
        int r = view_sharing(live->view, live->config, &sharing);

        if (r < 0)
                return r;
        sharing_unref(live->sharing);
        live->sharing = sharing;
        live->settings_mark = view_settings_mark(live->view);
        sight_set_sharing(live->sight, sharing, live->settings_mark);
        return 0;
}

/* Sockets of teams that are gone are closed at the end; on a failure the teams so far stay, the caller puts back the
 * configuration before. */
static int live_apply(Live *live, Config *config, char **ret_failure) {
        LiveTeam *teams = calloc(config->n_teams + 1, sizeof(*teams));
        size_t n = 0;
        int r;

        if (!teams)
                return -ENOMEM;
        config_ref(config);
        config_unref(live->config);
        live->config = config;
        r = live_make_sharing(live);
        for (; r == 0 && n < config->n_teams; n++)
                r = live_take_team(live, config, n, &teams[n], ret_failure);
        for (size_t i = 0; i < live->n_teams; i++)
                live_team_deinit(&live->teams[i]);
        free(live->teams);
        live->teams = teams;
        live->n_teams = n;
        return r;
}

static int live_take_config(Live *live, Config *config) {
        _cleanup_(config_unrefp) Config *before = live->config ? config_ref(live->config) : NULL;
        _cleanup_(freep) char *failure = NULL;
        int r;

        r = view_renew(live->view);
        if (r == 0)
                r = live_apply(live, config, &failure);
        if (r == 0)
                return worker_report(live->worker, NULL);
        if (before) {
                _cleanup_(freep) char *ignored = NULL;
                int again = live_apply(live, before, &ignored);
                if (again != 0)
                        return error_fold(again);
        }
        return worker_report(live->worker, failure ? failure : "the live sockets cannot be made");
}

/* ---- publishing ------------------------------------------------------------------------------------------------- */

static void live_team_send(LiveTeam *team, const char *topic, Bytes payload, int64_t now) {
        /* What a subscriber cannot take is lost to it; the gap shows by prev and the feed fills it. */
        (void)zsocket_send_topic(team->ipc.socket, topic, payload);
        if (team->tcp.socket)
                (void)zsocket_send_topic(team->tcp.socket, topic, payload);
        team->said_at = now;
}

/* One delivery of this batch to one team; what it needs is the batch's until its end. */
typedef struct Giving {
        PublishedBytes *bytes;
        const char *topic;
        Place place;
        size_t so_far, so_far_size; /* of live->so_far */
} Giving;

static int live_team_send_event(Live *live, LiveTeam *team, const Giving *giving, int64_t now) {
        const ZFrame *message;
        int r = live_frames_get(live->frames, giving->bytes, giving->place, team->last, &message);

        if (r < 0)
                return r;
        (void)zsocket_send_topic_frame(team->ipc.socket, giving->topic, message);
        if (team->tcp.socket)
                (void)zsocket_send_topic_frame(team->tcp.socket, giving->topic, message);
        team->said_at = now;
        return 0;
}

/* A correction stands in the place of what the team does not see, and nothing of that is told: neither its type. */
static int topic_of(Live *live, const PublishedEvent *event, const SightAnswer *answer, const char **ret) {
        *ret = event->topic;
        if (answer->gives != SIGHT_CORRECTION)
                return 0;
        *ret = arena_format(live->arena, "record.corrected/%s", event->patient_id);
        return *ret ? 0 : -ENOMEM;
}

static int live_so_far(Live *live, const LiveTeam *team, const PublishedEvent *event, Giving *giving) {
        const ArenaMark mark = arena_mark(live->arena);
        Carebus__V1__Record *record;
        Bytes packed;
        int r;

        if (strcmp(event->type, "record.granted") != 0)
                return 0;
        r = record_for_team_packed(live->sight, (ssize_t)team->index, event->patient_id, live->arena, &record, &packed);
        if (r != 0)
                return MIN(r, 0);
        r = disclose_record(live->say, live->sight, (ssize_t)team->index, record);
        if (r < 0)
                return r;
        giving->so_far = live->so_far.size;
        giving->so_far_size = packed.size;
        buffer_append_bytes(&live->so_far, packed);
        arena_rewind(live->arena, mark); /* many are granted at a time: one record at a time is put together */
        return live->so_far.error;
}

static int live_ready_event(Live *live, const LiveTeam *team, PublishedEntry *entry, size_t index) {
        PublishedEvent *event = &entry->events[index];
        Giving giving = { .place = { .seq = entry->seq, .index = (uint32_t)index } };
        SightAnswer answer;
        int r;

        r = sight_of(live->sight, entry, index, team->index, &answer);
        if (r < 0 || answer.gives == SIGHT_NOTHING)
                return r;
        r = sight_bytes(live->sight, entry, index, team->index, &answer, &giving.bytes);
        if (r == 0)
                r = topic_of(live, event, &answer, &giving.topic);
        if (r == 0)
                disclose_event(live->say, live->sight, event, giving.place, giving.bytes, &answer);
        if (r == 0)
                r = live_so_far(live, team, event, &giving);
        if (r < 0)
                return r;
        buffer_append(&live->ready, &giving, sizeof(giving));
        return live->ready.error;
}

static int live_send_ready(Live *live, LiveTeam *team, int64_t now) {
        int r = 0;

        for (size_t offset = 0; r == 0 && offset < live->ready.size; offset += sizeof(Giving)) {
                Giving giving;
                PublishAt at = { .previous = team->last };

                memcpy(&giving, live->ready.data + offset, sizeof(giving));
                at.place = giving.place;
                if (giving.so_far_size == 0)
                        r = live_team_send_event(live, team, &giving, now);
                else {
                        buffer_clear(&live->frame);
                        publish_frame_so_far(PUBLISH_LIVE, giving.bytes, &at,
                                             bytes_of(live->so_far.data + giving.so_far, giving.so_far_size),
                                             &live->frame);
                        if (live->frame.error == 0)
                                live_team_send(team, giving.topic, buffer_bytes(&live->frame), now);
                }
                team->last = giving.place;
                team->published++;
        }
        return r;
}

static void live_ready_begin(Live *live, const LiveTeam *team) {
        const AuditReader reader = { .team = team->name, .way = CAREBUS__V1__AUDIT_WAY__AUDIT_WAY_LIVE };

        buffer_clear(&live->ready);
        buffer_clear(&live->so_far);
        arena_reset(live->arena);
        audit_say_begin(live->say, &reader);
}

/* All that is ready stands in the audit before the first of it is sent. What cannot be audited is not given out: it is a gap in this
 * stream, and the feed fills it. */
static int live_ready_end(Live *live, LiveTeam *team, int64_t now) {
        int r = audit_say_end(live->say);

        if (r == AUDIT_SAY_E_WAIT) {
                if (live->ready.size > 0)
                        team->last = ((const Giving *)(const void *)(live->ready.data + live->ready.size) - 1)->place;
                return 0;
        }
        return r == 0 ? live_send_ready(live, team, now) : r;
}

/* What one team is given of a batch, in as many parts as the records beside it take. */
static int live_give(Live *live, LiveTeam *team, PublishedEntry *const *entries, size_t n, int64_t now) {
        int r = 0;

        live_ready_begin(live, team);
        for (size_t i = 0; r == 0 && i < n; i++)
                for (size_t j = 0; r == 0 && j < entries[i]->n_events; j++) {
                        r = live_ready_event(live, team, entries[i], j);
                        if (r != 0 || live->so_far.size < SO_FAR_MEMORY)
                                continue;
                        r = live_ready_end(live, team, now);
                        live_ready_begin(live, team);
                }
        return r == 0 ? live_ready_end(live, team, now) : r;
}

/* Behind everything that there has been: whoever has less has to look into the feed. */
static int live_begin(Live *live) {
        for (size_t i = 0; i < live->n_teams; i++) {
                int r = place_of_bus(view_txn(live->view), view_head(live->view), &live->teams[i].last);
                if (r < 0)
                        return r;
        }
        live->next = view_head(live->view) + 1;
        return 0;
}

/* Too far back to be news: the stream leaves a gap, and goes on. */
static void live_leave_gap(Live *live) {
        uint64_t head = view_head(live->view);

        if (head < live->next || head - live->next < BEHIND_MAX)
                return;
        log_event(LOG_LIVE_FELL_BEHIND, log_number("FROM", (int64_t)live->next), log_number("TO", (int64_t)head));
        live->next = head - BEHIND_MAX / 16;
}

static int live_publish_batch(Live *live) {
        const int64_t now = clock_monotonic(&clock_system);
        PublishedEntry *entries[BATCH];
        size_t n = 0, memory = 0;
        int r = 0;

        while (r == 0 && n < BATCH && memory < BATCH_MEMORY && live->next <= view_head(live->view)) {
                r = error_fold(publisher_entry(live->publisher, live->view, live->next, &entries[n]));
                if (r < 0)
                        break;
                memory += entries[n++]->memory;
                live->next++;
        }
        for (size_t i = 0; r == 0 && i < live->n_teams; i++)
                r = live_give(live, &live->teams[i], entries, n, now);
        live_frames_forget(live->frames);
        for (size_t i = 0; i < n; i++)
                published_entry_free(entries[i]);
        return r;
}

static void live_say_places(Live *live) {
        const int64_t now = clock_monotonic(&clock_system);

        for (size_t i = 0; i < live->n_teams; i++) {
                if (now - live->teams[i].said_at < IDLE_SAYS_PLACE)
                        continue;
                buffer_clear(&live->place);
                publish_place(live->teams[i].last, &live->place);
                live_team_send(&live->teams[i], PLACE_TOPIC, buffer_bytes(&live->place), now);
        }
}

/* For whoever watches; what is not taken is left out, the next word is newer. */
static void live_tell_figures(Live *live) {
        const int64_t now = clock_monotonic(&clock_system);
        _cleanup_(freep) FeedStatus *status = NULL;

        if (!live->worker->live_figures || now - live->told_at < TELLS_FIGURES)
                return;
        status = calloc(1, sizeof(*status) + live->n_teams * sizeof(status->items[0]));
        if (!status)
                return;
        live->told_at = now;
        status->n_items = live->n_teams;
        for (size_t i = 0; i < live->n_teams; i++) {
                snprintf(status->items[i].team, sizeof(status->items[i].team), "%s", live->teams[i].name);
                status->items[i].delivered = live->teams[i].published;
        }
        if (ring_push(live->worker->live_figures, status))
                status = NULL;
}

static int live_team_hear(Live *live, LiveTeam *team) {
        const AuditRefused refused = { .team = team->name,
                                       .way = CAREBUS__V1__AUDIT_WAY__AUDIT_WAY_LIVE,
                                       .code = "too-many-topics" };
        Endpoint *endpoints[] = { &team->ipc, &team->tcp };
        size_t n_ended = 0;

        for (size_t i = 0; i < ELEMENTSOF(endpoints); i++) {
                int r = endpoints[i]->socket ? live_topics_hear(&team->topics, endpoints[i]->socket, &n_ended) : 0;
                if (r < 0)
                        return r;
                live->more_said |= r == LIVE_TOPICS_E_MORE;
        }
        if (n_ended == 0)
                return 0;
        log_event(LOG_LIVE_ENDED, log_name("TEAM", team->name), log_name("REASON", refused.code));
        return MIN(audit_say_refused(live->say, &refused), 0);
}

/* What readers ask for is with libzmq already: it is heard so that it does not become too much. */
static int live_hear(Live *live) {
        live->more_said = false;
        for (size_t i = 0; i < live->n_teams; i++) {
                int r = live_team_hear(live, &live->teams[i]);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* ---- the thread ------------------------------------------------------------------------------------------------- */

static int live_take_orders(Live *live) {
        ring_clear(live->worker->orders);
        for (;;) {
                _cleanup_(order_freep) Order *order = ring_pop(live->worker->orders);
                int r;

                if (!order)
                        return 0;
                if (order->kind == ORDER_STOP) {
                        live->stopping = true;
                        return 0;
                }
                r = live_take_config(live, order->config);
                if (r < 0)
                        return r;
        }
}

static int live_work(Live *live) {
        int r;

        do {
                worker_tick(live->worker);
                r = view_renew(live->view);
                if (r < 0)
                        return r;
                if (view_settings_mark(live->view) != live->settings_mark) {
                        r = live_make_sharing(live);
                        if (r < 0)
                                return r;
                }
                if (live->next == 0) {
                        r = live_begin(live);
                        if (r < 0)
                                return r;
                }
                live_leave_gap(live);
                r = live_publish_batch(live);
                if (r == 0)
                        r = live_take_orders(live);
                if (r < 0)
                        return r;
        } while (!live->stopping && live->next <= view_head(live->view));
        live_say_places(live);
        live_tell_figures(live);
        view_rest(live->view);
        return MIN(audit_say_turn(live->say), 0);
}

/* Until the next team has been idle for a second. */
static long live_timeout(const Live *live) {
        const int64_t now = clock_monotonic(&clock_system);
        int64_t left = IDLE_SAYS_PLACE;

        if (live->more_said)
                return 0;
        for (size_t i = 0; i < live->n_teams; i++)
                left = MIN(left, live->teams[i].said_at + IDLE_SAYS_PLACE - now);
        return (long)MAX((left + USEC_PER_MSEC - 1) / USEC_PER_MSEC, (int64_t)0);
}

static int live_loop(Live *live) {
        ZPoll items[] = { { .fd = ring_fd(live->worker->orders) },
                          { .fd = live->doorbell },
                          { .fd = live->subscribers } };

        while (!live->stopping) {
                int r = zpoll(items, ELEMENTSOF(items), live_timeout(live));

                if (r < 0)
                        return r;
                worker_clear_doorbell(live->doorbell);
                if (items[0].ready) {
                        r = live_take_orders(live);
                        if (r < 0)
                                return r;
                }
                if (live->config && !live->stopping) {
                        r = live_work(live);
                        if (r == 0)
                                r = live_hear(live);
                        if (r < 0)
                                return r;
                }
                worker_tick(live->worker);
        }
        return 0;
}

static void live_deinit(Live *live) {
        for (size_t i = 0; i < live->n_teams; i++)
                live_team_deinit(&live->teams[i]);
        free(live->teams);
        closep(&live->doorbell);
        closep(&live->subscribers);
        live_frames_free(live->frames);
        buffer_deinit(&live->place);
        buffer_deinit(&live->frame);
        buffer_deinit(&live->ready);
        buffer_deinit(&live->so_far);
        sight_free(live->sight);
        audit_say_free(live->say);
        arena_free(live->arena);
        sharing_unref(live->sharing);
        config_unref(live->config);
        publisher_free(live->publisher);
        view_free(live->view);
}

int live_run(Worker *worker) {
        _cleanup_(live_deinit) Live live = { .worker = worker, .doorbell = -1, .subscribers = -1 };
        int r;

        live.doorbell = worker_watch_doorbell(worker->core_doorbell);
        if (live.doorbell < 0)
                return live.doorbell;
        live.subscribers = epoll_create1(EPOLL_CLOEXEC);
        if (live.subscribers < 0)
                return -errno;
        r = view_new(worker->state, worker->journal_folder, &live.view);
        if (r == 0)
                r = publisher_new(&live.publisher);
        if (r == 0)
                r = sight_new(live.view, &live.sight);
        if (r == 0)
                r = audit_say_new(worker->audit, &clock_system, &live.say);
        if (r == 0)
                r = arena_new(&live.arena, ARENA_MAX);
        if (r == 0)
                r = live_frames_new(&live.frames);
        if (r == 0)
                sight_set_audit(live.sight, worker->audit);
        return r == 0 ? live_loop(&live) : r;
}
