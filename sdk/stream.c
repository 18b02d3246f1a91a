/*
 * The reader's side: live and feed as one ordered stream. Live is quick and may drop; every delivery names the place of
 * the one before it, so a gap shows, and the feed fills it.
 *
 * `queued` is the newest place in our hands. A delivery that lies at or before it is a repeat; one whose `prev` lies
 * behind it leaves a gap. While live is in step the feed is left without credit; after a gap the feed is opened anew
 * behind `queued`.
 */
#include "sdk/stream.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/clock.h"
#include "base/text.h"
#include "proto/validate.h"

#define CREDIT_DEFAULT 256
#define CREDIT_MAX 65536
#define AHEAD_MAX 4096                 /* live deliveries kept while the feed fills the gap before them */
#define LIVE_SILENT (5 * USEC_PER_SEC) /* live says its place once a second when idle */
#define OPENING_TIMEOUT (5 * USEC_PER_SEC)

static int64_t now(void) {
        return clock_monotonic(&clock_system);
}

/* ---- to the feed ---- */

static void send_open(carebus_stream *stream) {
        static const Carebus__V1__Open__From froms[] = {
                [CAREBUS_FROM_RESUME] = CAREBUS__V1__OPEN__FROM__FROM_RESUME,
                [CAREBUS_FROM_PLACE] = CAREBUS__V1__OPEN__FROM__FROM_PLACE,
                [CAREBUS_FROM_NOW] = CAREBUS__V1__OPEN__FROM__FROM_NOW,
        };
        Carebus__V1__StreamPlace after = CAREBUS__V1__STREAM_PLACE__INIT;
        Carebus__V1__Open open = CAREBUS__V1__OPEN__INIT;
        Carebus__V1__FromReader from = CAREBUS__V1__FROM_READER__INIT;
        Place place = stream->has_place ? stream->queued : stream->after;

        stream->credit_out = stream->ready.n < stream->credit ? stream->credit - (uint32_t)stream->ready.n : 0;
        after.has_seq = after.has_index = true;
        after.seq = place.seq;
        after.index = place.index;
        after.has_lineage = stream->lineage != 0;
        after.lineage = stream->lineage;
        open.has_protocol = open.has_what = open.has_from = open.has_credit = true;
        open.protocol = PROTOCOL_VERSION;
        open.team = stream->team;
        open.consumer = stream->consumer;
        open.what = CAREBUS__V1__OPEN__WHAT__WHAT_EVENTS;
        open.from = stream->has_place ? CAREBUS__V1__OPEN__FROM__FROM_PLACE : froms[stream->from];
        if (open.from == CAREBUS__V1__OPEN__FROM__FROM_PLACE)
                open.after = &after;
        open.credit = stream->credit_out;
        from.message_case = CAREBUS__V1__FROM_READER__MESSAGE_OPEN;
        from.open = &open;
        stream->feed_state = FEED_OPENING;
        stream->opening_at = now();
        if (stream_send(stream, &from) < 0)
                connection_restart(stream->feed, 0);
}

/* Live lost something, fell silent or went away: the feed goes on behind what we have. */
static void back_to_feed(carebus_stream *stream) {
        stream->in_step = false;
        if (stream->feed_state == FEED_OPEN)
                send_open(stream);
}

static void grant_credit(carebus_stream *stream) {
        Carebus__V1__Credit credit = CAREBUS__V1__CREDIT__INIT;
        Carebus__V1__FromReader from = CAREBUS__V1__FROM_READER__INIT;
        size_t held = stream->credit_out + stream->ready.n;

        if (stream->in_step || stream->feed_state != FEED_OPEN || held > stream->credit / 2)
                return;
        credit.has_more = true;
        credit.more = stream->credit - (uint32_t)held;
        from.message_case = CAREBUS__V1__FROM_READER__MESSAGE_CREDIT;
        from.credit = &credit;
        if (stream_send(stream, &from) == 0)
                stream->credit_out += credit.more;
}

static void send_ack(carebus_stream *stream) {
        Carebus__V1__Ack ack = CAREBUS__V1__ACK__INIT;
        Carebus__V1__FromReader from = CAREBUS__V1__FROM_READER__INIT;

        if (!stream->ack_waits || stream->feed_state != FEED_OPEN)
                return;
        ack.has_seq = ack.has_index = true;
        ack.seq = stream->acked.seq;
        ack.index = stream->acked.index;
        from.message_case = CAREBUS__V1__FROM_READER__MESSAGE_ACK;
        from.ack = &ack;
        if (stream_send(stream, &from) == 0)
                stream->ack_waits = false;
}

/* ---- what arrives ---- */

static void take(carebus_stream *stream, Item *item) {
        stream->queued = item->place;
        stream_push(&stream->ready, item);
}

/* What live said before its time: as far as it now joins on, it is next. */
static void join_ahead(carebus_stream *stream) {
        while (stream->ahead.first && place_compare(stream->ahead.first->prev, stream->queued) <= 0) {
                Item *item = stream_pop(&stream->ahead);

                if (place_compare(item->place, stream->queued) <= 0) {
                        free(item);
                        continue;
                }
                take(stream, item);
                stream->in_step = true;
        }
}

/* What was parked comes again, at its own place: it stands behind what came meanwhile. */
static int take_again(carebus_stream *stream, const Delivered *delivered) {
        Item *item;

        if (!stream->handed)
                return 0; /* nobody here parked anything */
        item = stream_item_new(delivered, false);
        if (!item)
                return -ENOMEM;
        stream_push(&stream->ready, item);
        return 0;
}

static int on_feed_delivery(carebus_stream *stream, Bytes message) {
        Delivered delivered;
        Item *item;
        int r = stream_read_delivery(message, &delivered);

        if (r < 0)
                return r;
        /* What was on the way before the last Open belongs to the place that we left. */
        if (stream->feed_state != FEED_OPEN)
                return 0;
        if (delivered.place_only)
                return 0; /* takes no credit */
        if (stream->credit_out > 0)
                stream->credit_out--;
        if (delivered.redelivered)
                return take_again(stream, &delivered);
        if (place_compare(delivered.place, stream->queued) <= 0)
                return 0;
        if (place_compare(delivered.prev, stream->queued) > 0) {
                send_open(stream);
                return 0;
        }
        item = stream_item_new(&delivered, false);
        if (!item)
                return -ENOMEM;
        take(stream, item);
        join_ahead(stream);
        return 0;
}

static void on_live_place(carebus_stream *stream, Place place) {
        int compared = place_compare(place, stream->queued);

        if (compared == 0 && stream->feed_state == FEED_OPEN)
                stream->in_step = true;
        else if (compared > 0 && stream->in_step) {
                stream->gaps_repaired++;
                back_to_feed(stream);
        }
}

static int on_live_message(void *owner, Bytes payload) {
        carebus_stream *stream = owner;
        Delivered delivered;
        Item *item;

        stream->live_heard_at = now();
        connection_settled(stream->live);
        if (stream_read_delivery(payload, &delivered) < 0 || !stream->has_place)
                return 0;
        if (delivered.place_only) {
                on_live_place(stream, delivered.place);
                return 0;
        }
        if (place_compare(delivered.place, stream->queued) <= 0)
                return 0;
        item = stream_item_new(&delivered, true);
        if (!item)
                return -ENOMEM;
        if (place_compare(delivered.prev, stream->queued) <= 0 && !stream->ahead.first) {
                take(stream, item);
                stream->in_step = true;
                return 0;
        }
        if (stream->in_step) {
                stream->gaps_repaired++;
                back_to_feed(stream);
        }
        if (stream->ahead.n >= AHEAD_MAX)
                free(stream_pop(&stream->ahead)); /* the feed will bring it */
        stream_push(&stream->ahead, item);
        return 0;
}

static int on_opened(carebus_stream *stream, const Carebus__V1__Opened *opened) {
        stream->feed_state = FEED_OPEN;
        if (opened->place && opened->place->has_lineage)
                stream->lineage = opened->place->lineage;
        if (!stream->has_place && opened->place) {
                stream->queued = (Place){ .seq = opened->place->seq, .index = opened->place->index };
                stream->has_place = true;
        }
        connection_settled(stream->feed);
        send_ack(stream);
        return 0;
}

static int on_feed_refused(carebus_stream *stream, const Carebus__V1__FeedRefused *refused) {
        const char *reason = refused->reason ? refused->reason : "refused";

        /* The bus was started anew and does not know us: say it again. */
        if (text_equal(reason, "not-open")) {
                connection_restart(stream->feed, 0);
                return 0;
        }
        free(stream->reason);
        stream->reason = strdup(reason);
        stream->refused = true;
        return 0;
}

static const ValidateLimits limits = { .max_frame = 64u << 20, .max_original = 64u << 20 };

static int on_feed_message(void *owner, Bytes payload) {
        carebus_stream *stream = owner;
        const Carebus__V1__ToReader *to;
        WireField field;
        size_t offset = 0;
        int r;

        if (wire_field_next(payload, &offset, &field) == 0 && field.number == 2 && field.wire_type == 2)
                return on_feed_delivery(stream, field.bytes);
        arena_reset(stream->arena);
        r = validate_to_reader(payload, &limits, stream->arena, &to, NULL);
        if (r == VALIDATE_E_EMPTY)
                return 0; /* a later bus says more: what we do not know we need not */
        if (r != 0) {
                connection_restart(stream->feed, 0);
                return 0;
        }
        r = stream_take_parking(stream, to, payload);
        if (r < 0)
                return r;
        if (to->message_case == CAREBUS__V1__TO_READER__MESSAGE_OPENED)
                return on_opened(stream, to->opened);
        if (to->message_case == CAREBUS__V1__TO_READER__MESSAGE_REFUSED)
                return on_feed_refused(stream, to->refused);
        return 0;
}

static void on_feed_up(void *owner) {
        send_open(owner);
}

static void on_feed_down(void *owner, int not_allowed) {
        carebus_stream *stream = owner;

        stream->feed_state = FEED_DOWN;
        if (not_allowed) {
                free(stream->reason);
                stream->reason = strdup("not-allowed");
                stream->refused = true;
        }
}

static void on_live_up(void *owner) {
        carebus_stream *stream = owner;
        stream->live_heard_at = now();
}

static void on_live_down(void *owner, int not_allowed) {
        carebus_stream *stream = owner;

        (void)not_allowed; /* the feed says why, and carries everything meanwhile */
        if (stream->in_step)
                back_to_feed(stream);
}

/* ---- the public side ---- */

carebus_stream *carebus_stream_free(carebus_stream *stream) {
        if (!stream)
                return NULL;
        connection_free(stream->feed);
        connection_free(stream->live);
        if (stream->epoll >= 0)
                close(stream->epoll);
        stream_clear(&stream->ready);
        stream_clear(&stream->ahead);
        free(stream->current);
        arena_free(stream->arena);
        arena_free(stream->handed);
        buffer_deinit(&stream->scratch);
        free(stream->team);
        free(stream->consumer);
        free(stream->reason);
        free(stream);
        return NULL;
}

DEFINE_CLEANUP(carebus_stream *, carebus_stream_free)

static int add_connection(carebus_stream *stream, Connection *connection) {
        struct epoll_event event = { .events = EPOLLIN };
        return epoll_ctl(stream->epoll, EPOLL_CTL_ADD, connection_fd(connection), &event) < 0 ? -errno : 0;
}

static int connect_both(carebus_stream *stream, const carebus_stream_options *options) {
        static const ConnectionCallbacks feed = { .up = on_feed_up, .down = on_feed_down, .message = on_feed_message };
        static const ConnectionCallbacks live = { .up = on_live_up, .down = on_live_down, .message = on_live_message };
        int r = connection_new(CONNECTION_DEALER, &options->feed, &feed, stream, &stream->feed);

        if (r == 0)
                r = add_connection(stream, stream->feed);
        if (r < 0 || !options->live.endpoint)
                return r;
        r = connection_new(CONNECTION_SUB, &options->live, &live, stream, &stream->live);
        return r == 0 ? add_connection(stream, stream->live) : r;
}

int carebus_stream_new(carebus_stream **ret, const carebus_stream_options *options) {
        _cleanup_(carebus_stream_freep) carebus_stream *stream = calloc(1, sizeof(*stream));
        int r;

        if (!stream)
                return -ENOMEM;
        stream->epoll = -1;
        if (!options->team || !options->consumer || !name_is_valid(options->team) || !name_is_valid(options->consumer))
                return -EINVAL;
        if (options->credit > CREDIT_MAX)
                return -EINVAL;
        stream->team = strdup(options->team);
        stream->consumer = strdup(options->consumer);
        if (!stream->team || !stream->consumer)
                return -ENOMEM;
        stream->from = options->from;
        stream->after = (Place){ .seq = options->after_seq, .index = options->after_index };
        stream->lineage = options->from == CAREBUS_FROM_PLACE ? options->after_lineage : 0;
        stream->credit = options->credit > 0 ? options->credit : CREDIT_DEFAULT;
        stream->epoll = epoll_create1(EPOLL_CLOEXEC);
        if (stream->epoll < 0)
                return -errno;
        r = arena_new(&stream->arena, 64u << 20);
        if (r == 0 && options->parks)
                r = arena_new(&stream->handed, 64u << 20);
        if (r == 0)
                r = connect_both(stream, options);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(stream);
        return 0;
}

static int dispatch(carebus_stream *stream) {
        int r;

        if (stream->feed_state == FEED_OPENING && now() >= stream->opening_at + OPENING_TIMEOUT)
                connection_restart(stream->feed, 0);
        if (stream->in_step && now() >= stream->live_heard_at + LIVE_SILENT)
                back_to_feed(stream);
        send_ack(stream);
        grant_credit(stream);
        r = connection_dispatch(stream->feed);
        if (r == 0 && stream->live)
                r = connection_dispatch(stream->live);
        return r;
}

static int hand_out(carebus_stream *stream, carebus_delivery *ret) {
        free(stream->current);
        stream->current = stream_pop(&stream->ready);
        if (!stream->current)
                return 0;
        if (stream->current->kind != CAREBUS_DELIVERY_EVENT) {
                int r = stream_hand_out_parking(stream, stream->current, ret);
                return r < 0 ? r : 1;
        }
        *ret = (carebus_delivery){
                .seq = stream->current->place.seq,
                .index = stream->current->place.index,
                .sent_before = stream->current->sent_before,
                .event = stream->current->data,
                .event_size = stream->current->size,
                .came_live = stream->current->came_live,
                .redelivered = stream->current->redelivered,
                .so_far = stream->current->so_far_size > 0 ? stream->current->data + stream->current->size : NULL,
                .so_far_size = stream->current->so_far_size,
        };
        return 1;
}

static int shorter(int a, int b) {
        return a < 0 ? b : b < 0 ? a : MIN(a, b);
}

int carebus_stream_timeout(const carebus_stream *stream) {
        /* A second at most: the checks of dispatch() go by the clock. */
        int timeout = shorter(connection_timeout(stream->feed), 1000);

        return stream->live ? shorter(timeout, connection_timeout(stream->live)) : timeout;
}

static int wait_for_more(carebus_stream *stream, int64_t until) {
        struct pollfd item = { .fd = stream->epoll, .events = POLLIN };
        int64_t left = until == INT64_MAX ? INT_MAX : MAX((until - now() + 999) / USEC_PER_MSEC, (int64_t)0);
        int timeout = (int)MIN((int64_t)carebus_stream_timeout(stream), left);

        return poll(&item, 1, timeout) < 0 && errno != EINTR ? -errno : 0;
}

int carebus_stream_next(carebus_stream *stream, carebus_delivery *ret, int timeout_ms) {
        int64_t until = timeout_ms < 0 ? INT64_MAX : now() + timeout_ms * USEC_PER_MSEC;

        for (;;) {
                int r;

                if (stream->ready.first) {
                        r = hand_out(stream, ret);
                        grant_credit(stream);
                        return r;
                }
                r = dispatch(stream);
                if (r < 0)
                        return r;
                if (stream->ready.first)
                        continue;
                if (stream->refused) {
                        /* Said once; whoever calls again waits for another answer. */
                        stream->refused = false;
                        return -EACCES;
                }
                if (timeout_ms >= 0 && now() >= until)
                        return 0;
                r = wait_for_more(stream, until);
                if (r < 0)
                        return r;
        }
}

int carebus_stream_ack(carebus_stream *stream, uint64_t seq, uint32_t index) {
        Place place = { .seq = seq, .index = index };

        if (!stream->has_place || place_compare(place, stream->queued) > 0)
                return -EINVAL;
        if (place_compare(place, stream->acked) > 0) {
                stream->acked = place;
                stream->ack_waits = true;
        }
        send_ack(stream);
        return 0;
}

uint64_t carebus_stream_lineage(const carebus_stream *stream) {
        return stream->lineage;
}

const char *carebus_stream_reason(const carebus_stream *stream) {
        return stream->reason;
}

int carebus_stream_fd(const carebus_stream *stream) {
        return stream->epoll;
}

uint64_t carebus_stream_gaps_repaired(const carebus_stream *stream) {
        return stream->gaps_repaired;
}
