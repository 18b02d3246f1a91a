/*
 * What goes out: one item a person at a time, tries with growing pauses, and what an outcome means.
 */
#include <errno.h>
#include <stdio.h>

#include "adapters/common/destination-parts.h"
#include "base/log.h"
#include "base/text.h"
#include "proto/check.h"

#define ARENA_MAX (64U << 20)
#define AWAY_MAX 60 /* seconds between looks at a receiver that is away, at most */

static int64_t now(const Destination *destination) {
        return clock_monotonic(destination->clock);
}

/* ---- one item is made ready */

static int unpack(const ProtobufCMessageDescriptor *descriptor, Bytes packed, Arena *arena, const void *ret) {
        ProtobufCAllocator allocator = check_allocator(arena);
        ProtobufCMessage *message = protobuf_c_message_unpack(descriptor, &allocator, packed.size, packed.data);

        if (!message)
                return -EBADMSG;
        memcpy((void *)(uintptr_t)ret, &message, sizeof(message));
        return 0;
}

static int open_entry(Entry *entry) {
        Bytes event = bytes_of(entry->packed.data, entry->event_size);
        Bytes so_far = bytes_of(entry->packed.data + entry->event_size, entry->packed.size - entry->event_size);
        int r;

        if (entry->arena)
                return 0;
        r = arena_new(&entry->arena, ARENA_MAX);
        if (r == 0)
                r = unpack(&carebus__v1__event__descriptor, event, entry->arena, &entry->item.event);
        if (r == 0 && so_far.size > 0)
                r = unpack(&carebus__v1__record__descriptor, so_far, entry->arena, &entry->item.so_far);
        return r;
}

/* Without it nothing is lost: it comes again with what waits, or tells of what waits. */
static bool may_be_left(const Entry *entry) {
        return (entry->overtakes && entry->lane->state != LANE_FREE) ||
               (entry->item.event && destination_never_waits(entry->item.event->type));
}

/* Of what is hidden from the receiver's team, or of a language that has no word for it, something may be missing. */
static int take_unrendered(Destination *destination, Entry *entry, int r) {
        Lane *lane = entry->lane;

        if (r == DESTINATION_E_NOT_WHOLE && !may_be_left(entry)) {
                lane_park(destination, lane, entry, "not-renderable", NULL);
                return 0;
        }
        entry_done(destination, entry);
        lane_settle(destination, lane);
        lane_drop(destination, lane);
        return 0;
}

static int start_event(Destination *destination, Entry *entry) {
        int r = open_entry(entry);

        if (r < 0)
                return r == -EBADMSG ? take_unrendered(destination, entry, DESTINATION_E_NOT_WHOLE) : r;
        if (!entry->is_rendered) {
                r = destination->language.render(destination->language.owner, &entry->item, &entry->bytes);
                if (r == 0)
                        r = entry->bytes.error;
                if (r != 0)
                        return r < 0 ? r : take_unrendered(destination, entry, r);
                entry->is_rendered = true;
                entry->delivered_before = destination->delivered;
        }
        entry->item.bytes = buffer_bytes(&entry->bytes);
        entry->is_sent = true;
        entry->answer_by = now(destination) + (int64_t)destination->is->timeout * USEC_PER_SEC;
        lane_settle(destination, entry->lane);
        /* It may be settled, and gone, when this returns. */
        return destination->language.send(destination->language.owner, &entry->item);
}

static int start_end(Destination *destination, Entry *entry) {
        Lane *lane = entry->lane;
        int r = carebus_stream_resumed(destination->stream, lane->of_nobody ? NULL : lane->key, entry->parked_item);

        /* Without a feed all of it comes again when there is one. */
        if (r < 0 && r != -EAGAIN)
                return r;
        if (r == 0)
                log_event(LOG_DELIVERY_RESUMED, log_name("DESTINATION", destination->is->name),
                          log_number("ITEM", (int64_t)entry->parked_item));
        entry_done(destination, entry);
        lane_settle(destination, lane);
        lane_drop(destination, lane);
        return 0;
}

static int start_lane(Destination *destination, Lane *lane) {
        Entry *entry = lane_first(lane);

        switch (entry->kind) {
        case ENTRY_STOP:
                lane_park(destination, lane, entry, "joined-to-parked", NULL);
                return 0;
        case ENTRY_END:
                return start_end(destination, entry);
        case ENTRY_EVENT:
                break;
        }
        return start_event(destination, entry);
}

static bool may_start(const Destination *destination) {
        if (destination->is_away && (now(destination) < destination->away_until || destination->n_under_way > 0))
                return false; /* one at a time finds out whether it is back */
        if (destination->language.at_once > 0 && destination->n_under_way >= destination->language.at_once)
                return false;
        return destination->n_under_way < MAX(destination->is->window, UINT64_C(1));
}

static void end_pauses(Destination *destination) {
        const int64_t at = now(destination);
        Lane *next;

        for (Lane *lane = TAILQ_FIRST(&destination->paused); lane; lane = next) {
                next = TAILQ_NEXT(lane, in_list);
                if (lane->pause_until > at)
                        continue;
                lane->pause_until = 0;
                lane_settle(destination, lane);
        }
}

int destination_send(Destination *destination) {
        int r = 0;

        end_pauses(destination);
        while (r >= 0 && !TAILQ_EMPTY(&destination->ready) && may_start(destination))
                r = start_lane(destination, TAILQ_FIRST(&destination->ready));
        return r < 0 ? r : 0;
}

/* ---- what came of it */

static void receiver_is_there(Destination *destination) {
        if (destination->is_away)
                log_event(LOG_RECEIVER_ANSWERS, log_name("DESTINATION", destination->is->name));
        destination->is_away = false;
        destination->away_times = 0;
}

static void receiver_is_away(Destination *destination, const char *code) {
        if (!destination->is_away)
                log_event(LOG_RECEIVER_AWAY, log_name("DESTINATION", destination->is->name),
                          log_name("CODE", code ? code : "not-connected"));
        destination->is_away = true;
        destination->away_times++;
        destination->away_until = now(destination) +
                                  destination_pause(destination->away_times,
                                                    MIN(destination->is->pause_max, (uint64_t)AWAY_MAX));
}

static int settle_delivered(Destination *destination, Entry *entry) {
        Lane *lane = entry->lane;

        receiver_is_there(destination);
        destination->delivered++;
        if (entry->overtakes && lane->state != LANE_FREE) {
                entry->is_reported = true;
                lane->n_reported++;
        } else
                entry_done(destination, entry);
        lane_settle(destination, lane);
        lane_drop(destination, lane);
        return 0;
}

static void leave_it(Destination *destination, Entry *entry) {
        Lane *lane = entry->lane;

        entry_done(destination, entry);
        lane_settle(destination, lane);
        lane_drop(destination, lane);
}

static int settle_rejected(Destination *destination, Entry *entry, const char *code) {
        receiver_is_there(destination);
        if (may_be_left(entry))
                leave_it(destination, entry);
        else
                lane_park(destination, entry->lane, entry, "rejected", code);
        return 0;
}

/* What speaks of the receiver as a whole is nobody's poison, unless it took others' meanwhile. */
static bool is_spent(const Destination *destination, const Entry *entry, const char *code) {
        if (entry->item.tries < destination->is->tries)
                return false;
        return !destination_code_is_general(code) || destination->delivered > entry->delivered_before;
}

static int settle_failed(Destination *destination, Entry *entry, const char *code) {
        Lane *lane = entry->lane;

        if (!destination_code_is_general(code))
                receiver_is_there(destination);
        entry->item.tries++;
        if (is_spent(destination, entry, code)) {
                if (may_be_left(entry))
                        leave_it(destination, entry);
                else
                        lane_park(destination, lane, entry, "tries-spent", code);
                return 0;
        }
        lane->pause_until = now(destination) + destination_pause(entry->item.tries, destination->is->pause_max);
        lane_settle(destination, lane);
        return 0;
}

static int settle_not_connected(Destination *destination, Entry *entry, const char *code) {
        receiver_is_away(destination, code);
        lane_settle(destination, entry->lane);
        return 0;
}

int destination_settle(Destination *destination, DestinationItem *item, DestinationOutcome outcome, const char *code) {
        static int (*const settles[])(Destination *, Entry *, const char *) = {
                [DESTINATION_REJECTED] = settle_rejected,
                [DESTINATION_FAILED] = settle_failed,
                [DESTINATION_NOT_CONNECTED] = settle_not_connected,
        };
        Entry *entry = (Entry *)item;

        if (!entry->is_sent)
                return -EINVAL;
        entry->is_sent = false;
        if (outcome == DESTINATION_DELIVERED)
                return settle_delivered(destination, entry);
        if ((size_t)outcome >= ELEMENTSOF(settles))
                return -EINVAL;
        return settles[outcome](destination, entry, code);
}

DestinationItem *destination_find(Destination *destination, const char *message_id) {
        Lane *lane;

        TAILQ_FOREACH(lane, &destination->under_way, in_list) {
                Entry *entry = lane_first(lane);

                if (text_equal(entry->message_id, message_id))
                        return &entry->item;
        }
        return NULL;
}

int destination_expire(Destination *destination) {
        const int64_t at = now(destination);
        Lane *next;

        for (Lane *lane = TAILQ_FIRST(&destination->under_way); lane; lane = next) {
                Entry *entry = lane_first(lane);
                int r;

                next = TAILQ_NEXT(lane, in_list);
                if (entry->answer_by > at)
                        continue;
                if (destination->language.cancel)
                        destination->language.cancel(destination->language.owner, &entry->item);
                r = destination_settle(destination, &entry->item, DESTINATION_FAILED, "timeout");
                if (r < 0)
                        return r;
                /* A cancelled connection may have settled others. */
                next = TAILQ_FIRST(&destination->under_way);
        }
        return 0;
}

int64_t destination_due(const Destination *destination, int64_t at) {
        int64_t due = INT64_MAX;
        Lane *lane;

        TAILQ_FOREACH(lane, &destination->under_way, in_list)
        due = MIN(due, lane_first(lane)->answer_by);
        TAILQ_FOREACH(lane, &destination->paused, in_list)
        due = MIN(due, lane->pause_until);
        if (destination->is_away && !TAILQ_EMPTY(&destination->ready))
                due = MIN(due, destination->away_until);
        return due == INT64_MAX ? INT64_MAX : MAX(due - at, INT64_C(0));
}
