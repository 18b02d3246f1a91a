/*
 * From the feed into the lanes, and the cursor behind them.
 */
#include "adapters/common/destination.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/epoll.h>

#include "adapters/common/destination-parts.h"
#include "adapters/common/wake.h"
#include "base/log.h"
#include "base/text.h"
#include "proto/check.h"

#define ENTRIES_MAX 4096      /* that wait here; further ones wait at the bus */
#define BYTES_MAX (64U << 20) /* likewise */
#define MARKS_MAX 200000      /* that are done behind one that is not */
#define TAKEN_A_TURN 512      /* of the feed, before anything is sent */
#define LEVEL_EVERY (5 * USEC_PER_SEC)
#define LEVEL_AGAIN USEC_PER_SEC
#define TURN_MAX USEC_PER_SEC
#define ARENA_MAX (64U << 20)

/* ---- one delivery */

static int unpack_event(Destination *destination, const carebus_delivery *delivery, Carebus__V1__Event **ret) {
        ProtobufCAllocator allocator = check_allocator(destination->arena);

        arena_reset(destination->arena);
        *ret = carebus__v1__event__unpack(&allocator, delivery->event_size, delivery->event);
        return *ret ? 0 : -EBADMSG;
}

static DestinationPlace place_of(const carebus_delivery *delivery) {
        return (DestinationPlace){ .seq = delivery->seq, .index = delivery->index };
}

static bool is_of_nobody(const Carebus__V1__Event *event) {
        return !event->patient || !event->patient->patient_id || !event->patient->patient_id[0];
}

static const char *key_of(const carebus_delivery *delivery, const Carebus__V1__Event *event,
                          char nobody[DESTINATION_EVENT_ID_SIZE]) {
        if (!is_of_nobody(event))
                return event->patient->patient_id;
        destination_event_id(place_of(delivery), nobody);
        return nobody;
}

static bool is_wanted(const Destination *destination, const Carebus__V1__Event *event) {
        if (destination->language.leaves_out_own && destination_said_it(destination->config, destination->is, event))
                return false;
        return destination_wants(destination->is, event->type ? event->type : "");
}

static Entry *add_event(Destination *destination, Lane *lane, const carebus_delivery *delivery) {
        Entry *entry = entry_new(destination, lane, ENTRY_EVENT, place_of(delivery));

        if (!entry)
                return NULL;
        buffer_append(&entry->packed, delivery->event, delivery->event_size);
        buffer_append(&entry->packed, delivery->so_far, delivery->so_far_size);
        entry->event_size = delivery->event_size;
        entry->item.redelivered = delivery->redelivered;
        destination->n_bytes += entry->packed.size;
        return entry;
}

static int take_again(Destination *destination, const carebus_delivery *delivery, const Carebus__V1__Event *event) {
        char nobody[DESTINATION_EVENT_ID_SIZE], id[DESTINATION_EVENT_ID_SIZE];
        Lane *lane = lane_find(destination, key_of(delivery, event, nobody));
        Entry *entry;

        /* Parked anew, or of a feed that is gone: it comes again. */
        if (!lane || lane->state == LANE_FREE || lane->state == LANE_PARKING)
                return 0;
        lane->state = LANE_AGAIN;
        destination_event_id(place_of(delivery), id);
        if (lane_has_overtaken(lane, id) || !is_wanted(destination, event))
                return 0;
        entry = add_event(destination, lane, delivery);
        if (!entry || entry->packed.error < 0)
                return -ENOMEM;
        lane_settle(destination, lane);
        return 0;
}

/* ---- persons who were joined */

static bool is_held(const Lane *lane) {
        return lane && lane->state != LANE_FREE;
}

static int stop_lane(Destination *destination, const char *patient_id, const carebus_delivery *delivery) {
        Lane *lane = lane_get(destination, patient_id, false);
        Entry *entry;

        if (!lane)
                return -ENOMEM;
        if (is_held(lane))
                return 0;
        entry = entry_new(destination, lane, ENTRY_STOP, place_of(delivery));
        if (!entry)
                return -ENOMEM;
        lane_settle(destination, lane);
        return mark_new(destination, place_of(delivery), &entry->mark);
}

/* Whoever is now one with somebody who is parked waits too: the order is one person's. */
static int take_merge(Destination *destination, const carebus_delivery *delivery, const Carebus__V1__Event *event) {
        const Carebus__V1__Merge *merge;
        bool held;

        if (event->body_case != CAREBUS__V1__EVENT__BODY_MERGE || !event->merge->surviving_patient_id)
                return 0;
        merge = event->merge;
        held = is_held(lane_find(destination, merge->surviving_patient_id));
        for (size_t i = 0; i < merge->n_retired_patient_ids; i++)
                held = held || is_held(lane_find(destination, merge->retired_patient_ids[i]));
        if (!held)
                return 0;
        for (size_t i = 0; i < merge->n_retired_patient_ids; i++) {
                int r = stop_lane(destination, merge->retired_patient_ids[i], delivery);

                if (r < 0)
                        return r;
        }
        return stop_lane(destination, merge->surviving_patient_id, delivery);
}

/* ---- the feed */

static int take_event(Destination *destination, const carebus_delivery *delivery) {
        const DestinationPlace place = { .seq = delivery->seq, .index = delivery->index };
        const char *type;
        Carebus__V1__Event *event;
        char nobody[DESTINATION_EVENT_ID_SIZE];
        Lane *lane;
        Entry *entry;
        Mark *mark;
        int r = unpack_event(destination, delivery, &event);

        if (r < 0)
                return r;
        if (delivery->redelivered)
                return take_again(destination, delivery, event);
        r = take_merge(destination, delivery, event);
        if (r == 0)
                r = mark_new(destination, place, &mark);
        if (r < 0)
                return r;
        mark->is_done = true; /* until something waits for it */
        type = event->type ? event->type : "";
        if (!is_wanted(destination, event))
                return 0;
        lane = lane_get(destination, key_of(delivery, event, nobody), is_of_nobody(event));
        if (!lane)
                return -ENOMEM;
        if ((lane->state == LANE_PARKED || lane->state == LANE_AGAIN) && !destination_overtakes(type))
                return 0;
        entry = add_event(destination, lane, delivery);
        if (!entry || entry->packed.error < 0)
                return -ENOMEM;
        entry->mark = mark;
        mark->is_done = false;
        entry->overtakes = destination_overtakes(type);
        lane_settle(destination, lane);
        return 0;
}

static int take(Destination *destination, const carebus_delivery *delivery) {
        static int (*const takes[])(Destination *, const carebus_delivery *) = {
                [CAREBUS_DELIVERY_EVENT] = take_event,
                [CAREBUS_DELIVERY_OPENED] = destination_take_opened,
                [CAREBUS_DELIVERY_PARKED] = destination_take_park_answer,
                [CAREBUS_DELIVERY_REDELIVERED] = destination_take_redelivered,
        };

        return (size_t)delivery->kind < ELEMENTSOF(takes) ? takes[delivery->kind](destination, delivery) : 0;
}

static bool has_room(const Destination *destination) {
        return destination->n_entries < ENTRIES_MAX && destination->n_bytes < BYTES_MAX &&
               destination->n_marks < MARKS_MAX;
}

/* Where the bus says no: told once, asked again by the library. */
static void take_refusal(Destination *destination) {
        const char *reason = carebus_stream_reason(destination->stream);

        destination->feed_is_open = false;
        if (!destination->refusal_is_told)
                log_event(LOG_DESTINATION_REFUSED, log_name("DESTINATION", destination->is->name),
                          log_name("REASON", reason ? reason : "refused"));
        destination->refusal_is_told = true;
}

/* *ret_more: the feed has more to give. */
static int read_feed(Destination *destination, bool *ret_more) {
        *ret_more = false;
        for (unsigned n = 0; n < TAKEN_A_TURN; n++) {
                carebus_delivery delivery;
                int r;

                if (!has_room(destination))
                        return 0;
                r = carebus_stream_next(destination->stream, &delivery, 0);
                if (r == -EACCES)
                        take_refusal(destination);
                if (r == 0 || r == -EACCES)
                        return 0;
                r = r < 0 ? r : take(destination, &delivery);
                if (r < 0)
                        return r;
        }
        *ret_more = true;
        return 0;
}

/* ---- the cursor */

static bool place_is_before(DestinationPlace a, DestinationPlace b) {
        return a.seq != b.seq ? a.seq < b.seq : a.index < b.index;
}

/* May what is passed be acknowledged? A language that collects is asked when nothing is left, and now and then where there always is. */
static bool is_level(Destination *destination, bool more) {
        const int64_t at = clock_monotonic(destination->clock);

        if (!destination->language.level)
                return true;
        if (at < destination->level_at &&
            (more || destination->n_marks > 0 || destination->level_at > at + LEVEL_AGAIN))
                return false;
        destination->level_at = at + LEVEL_EVERY;
        if (destination->language.level(destination->language.owner, destination->passed.seq,
                                        destination->passed.index))
                return true;
        destination->level_at = at + LEVEL_AGAIN;
        return false;
}

static int acknowledge(Destination *destination, bool more) {
        int r;

        marks_pass(destination);
        if (!place_is_before(destination->acked, destination->passed) || !is_level(destination, more))
                return 0;
        r = carebus_stream_ack(destination->stream, destination->passed.seq, destination->passed.index);
        if (r == 0)
                destination->acked = destination->passed;
        return r;
}

/* ---- the loop */

static int64_t next_due(const Destination *destination) {
        const int64_t at = clock_monotonic(destination->clock);
        int64_t due = destination_due(destination, at);
        int timeout = carebus_stream_timeout(destination->stream);

        if (timeout >= 0)
                due = MIN(due, timeout * USEC_PER_MSEC);
        return MAX(MIN(due, TURN_MAX), INT64_C(1000));
}

static int turn(Destination *destination) {
        bool more = false;
        int r = read_feed(destination, &more);

        if (r == 0)
                r = destination_expire(destination);
        if (r == 0)
                r = destination_send(destination);
        if (r == 0)
                r = destination_ask_parks(destination);
        if (r == 0)
                r = acknowledge(destination, more);
        if (r == 0)
                r = loop_timer_set(destination->timer, more ? 0 : next_due(destination));
        return r;
}

static int on_prepare(LoopSource *source, void *owner) {
        (void)source;
        return turn(owner);
}

static int connect_loop(Destination *destination) {
        int r = loop_add_io(destination->loop, carebus_stream_fd(destination->stream), EPOLLIN, wake_by_io, destination,
                            &destination->io);

        if (r == 0)
                r = loop_add_timer(destination->loop, 0, wake_by_timer, destination, &destination->timer);
        if (r == 0)
                r = loop_add_prepare(destination->loop, on_prepare, destination, &destination->prepare);
        return r;
}

static int connect_feed(Destination *destination) {
        _cleanup_(freep) char *endpoint = config_endpoint(destination->config, "feed");
        const carebus_stream_options options = {
                .feed = { .endpoint = endpoint },
                .team = destination->config->teams[destination->is->team].name,
                .consumer = destination->is->name,
                .from = CAREBUS_FROM_RESUME,
                .parks = 1,
        };

        return endpoint ? carebus_stream_new(&destination->stream, &options) : -ENOMEM;
}

Destination *destination_free(Destination *destination) {
        if (!destination)
                return NULL;
        loop_source_free(destination->io);
        loop_source_free(destination->timer);
        loop_source_free(destination->prepare);
        destination_clear(destination);
        carebus_stream_free(destination->stream);
        arena_free(destination->arena);
        free(destination);
        return NULL;
}

int destination_new(Loop *loop, const Config *config, size_t index, const DestinationLanguage *language,
                    Destination **ret) {
        _cleanup_(destination_freep) Destination *destination = calloc(1, sizeof(*destination));
        int r;

        if (!destination)
                return -ENOMEM;
        destination->loop = loop;
        destination->config = config;
        destination->is = &config->destinations[index];
        destination->language = *language;
        destination->clock = &clock_system;
        TAILQ_INIT(&destination->lanes);
        TAILQ_INIT(&destination->ready);
        TAILQ_INIT(&destination->paused);
        TAILQ_INIT(&destination->under_way);
        STAILQ_INIT(&destination->marks);
        r = arena_new(&destination->arena, ARENA_MAX);
        if (r == 0)
                r = connect_feed(destination);
        if (r == 0)
                r = connect_loop(destination);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(destination);
        return 0;
}
