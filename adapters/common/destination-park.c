/*
 * What waits for a person to look at it: the bus knows it, nothing here is kept.
 */
#include <errno.h>
#include <stdio.h>

#include "adapters/common/destination-parts.h"
#include "base/log.h"
#include "base/text.h"

#define ASK_AGAIN (2 * USEC_PER_SEC)
#define OVERTAKEN_A_TIME 50 /* in one Park: the bus takes 64 */

void lane_park(Destination *destination, Lane *lane, const Entry *entry, const char *code, const char *answer) {
        lane->state = LANE_PARKING;
        lane->from = (DestinationPlace){ .seq = entry->item.seq, .index = entry->item.index };
        lane->tries = entry->item.tries;
        lane->park_id = 0;
        lane->pause_until = 0;
        snprintf(lane->code, sizeof(lane->code), "%s", code);
        snprintf(lane->answer, sizeof(lane->answer), "%s", answer ? answer : "");
        lane_settle(destination, lane);
        log_event(LOG_DELIVERY_PARKED, log_name("DESTINATION", destination->is->name),
                  log_number("SEQ", (int64_t)lane->from.seq), log_number("INDEX", (int64_t)lane->from.index),
                  log_name("CODE", code), log_name("ANSWER", lane->answer));
}

/* ---- asking the bus */

static int ask_park(Destination *destination, Lane *lane, const char *const *overtaken, size_t n, uint32_t *ret_id) {
        const carebus_parked parked = {
                .patient_id = lane->of_nobody ? NULL : lane->key,
                .seq = lane->from.seq,
                .index = lane->from.index,
                .code = lane->code[0] ? lane->code : "parked",
                .answer = lane->answer[0] ? lane->answer : NULL,
                .tries = lane->tries,
                .overtaken = overtaken,
                .n_overtaken = n,
        };

        return carebus_stream_park(destination->stream, &parked, ret_id);
}

static int report_overtaken(Destination *destination, Lane *lane) {
        const char *ids[OVERTAKEN_A_TIME];
        char texts[OVERTAKEN_A_TIME][DESTINATION_EVENT_ID_SIZE];
        Entry *entry;
        size_t n = 0;
        uint32_t id = 0;
        int r;

        TAILQ_FOREACH(entry, &lane->entries, next)
        if (entry->is_reported && entry->report == 0 && n < OVERTAKEN_A_TIME) {
                destination_event_id(entry_place(entry), texts[n]);
                ids[n] = texts[n];
                n++;
        }
        if (n == 0)
                return 0;
        r = ask_park(destination, lane, ids, n, &id);
        if (r < 0)
                return r;
        TAILQ_FOREACH(entry, &lane->entries, next)
        if (entry->is_reported && entry->report == 0 && n > 0) {
                entry->report = id;
                n--;
        }
        return 0;
}

int destination_ask_parks(Destination *destination) {
        Lane *lane;

        if (!destination->feed_is_open || clock_monotonic(destination->clock) < destination->park_at)
                return 0;
        TAILQ_FOREACH(lane, &destination->lanes, all) {
                int r = 0;

                if (lane->state == LANE_PARKING && lane->park_id == 0)
                        r = ask_park(destination, lane, NULL, 0, &lane->park_id);
                else if (lane->n_reported > 0 && lane->state != LANE_PARKING)
                        r = report_overtaken(destination, lane);
                if (r == -EAGAIN)
                        return 0; /* the feed opens again, and says so */
                if (r < 0)
                        return r;
        }
        return 0;
}

/* ---- what the bus says */

/* Of a lane that waits: what overtakes goes on, all else comes again. */
static void empty_lane(Destination *destination, Lane *lane) {
        Entry *next;

        for (Entry *entry = TAILQ_FIRST(&lane->entries); entry; entry = next) {
                next = TAILQ_NEXT(entry, next);
                if (!entry->overtakes || entry->mark == NULL)
                        entry_done(destination, entry);
        }
}

static void lane_is_parked(Destination *destination, Lane *lane) {
        Entry *first = lane_first(lane);

        /* What could not be delivered may be a death or an admission: it does not overtake itself. */
        if (first && first->item.seq == lane->from.seq && first->item.index == lane->from.index)
                entry_done(destination, first);
        lane->state = LANE_PARKED;
        lane->park_id = 0;
        lane->pause_until = 0;
        empty_lane(destination, lane);
        lane_settle(destination, lane);
}

static int take_report_answer(Destination *destination, Lane *lane, uint32_t id, bool is_taken) {
        char id_text[DESTINATION_EVENT_ID_SIZE];
        Entry *next;

        for (Entry *entry = TAILQ_FIRST(&lane->entries); entry; entry = next) {
                int r;

                next = TAILQ_NEXT(entry, next);
                if (!entry->is_reported || entry->report != id)
                        continue;
                entry->report = 0;
                if (!is_taken)
                        continue;
                destination_event_id(entry_place(entry), id_text);
                r = lane_remember_overtaken(lane, id_text);
                if (r < 0)
                        return r;
                entry_done(destination, entry);
        }
        lane_settle(destination, lane);
        return 0;
}

int destination_take_park_answer(Destination *destination, const carebus_delivery *delivery) {
        const bool is_taken = !delivery->reason;
        Lane *lane, *next;

        if (!is_taken) {
                destination->park_at = clock_monotonic(destination->clock) + ASK_AGAIN;
                log_event(LOG_PARK_NOT_TAKEN, log_name("DESTINATION", destination->is->name),
                          log_name("REASON", delivery->reason));
        }
        for (lane = TAILQ_FIRST(&destination->lanes); lane; lane = next) {
                int r;

                next = TAILQ_NEXT(lane, all);
                if (lane->state == LANE_PARKING && lane->park_id == delivery->park_id && lane->park_id != 0) {
                        if (is_taken)
                                lane_is_parked(destination, lane);
                        lane->park_id = 0;
                        return 0;
                }
                r = lane->n_reported > 0 ? take_report_answer(destination, lane, delivery->park_id, is_taken) : 0;
                if (r < 0)
                        return r;
                lane_drop(destination, lane);
        }
        return 0;
}

/* Somebody waits: known from the bus alone, or from before the feed went. */
static int take_listed(Destination *destination, const carebus_parked *parked) {
        char nobody[DESTINATION_EVENT_ID_SIZE];
        Lane *lane;
        int r = 0;

        destination_event_id((DestinationPlace){ .seq = parked->seq, .index = parked->index }, nobody);
        lane = lane_get(destination, parked->patient_id ? parked->patient_id : nobody, !parked->patient_id);
        if (!lane)
                return -ENOMEM;
        if (lane->state == LANE_PARKING)
                return 0; /* asked for anew, from a later place */
        lane_forget_parked(lane);
        lane->from = (DestinationPlace){ .seq = parked->seq, .index = parked->index };
        lane->tries = parked->tries;
        snprintf(lane->code, sizeof(lane->code), "%s", parked->code ? parked->code : "");
        snprintf(lane->answer, sizeof(lane->answer), "%s", parked->answer ? parked->answer : "");
        for (size_t i = 0; r == 0 && i < parked->n_overtaken; i++)
                r = lane_remember_overtaken(lane, parked->overtaken[i]);
        lane_is_parked(destination, lane);
        return r;
}

static bool is_listed(const carebus_delivery *delivery, const Lane *lane) {
        for (size_t i = 0; i < delivery->n_parked; i++) {
                const carebus_parked *parked = &delivery->parked[i];

                if (lane->of_nobody
                            ? !parked->patient_id && parked->seq == lane->from.seq && parked->index == lane->from.index
                            : text_equal(parked->patient_id, lane->key))
                        return true;
        }
        return false;
}

/* The bus does not have it any more: all that it held back has been here. */
static void release(Destination *destination, Lane *lane) {
        Entry *next;

        lane->state = LANE_FREE;
        for (Entry *entry = TAILQ_FIRST(&lane->entries); entry; entry = next) {
                next = TAILQ_NEXT(entry, next);
                if (entry->is_reported)
                        entry_done(destination, entry);
        }
        lane_forget_parked(lane);
        lane_settle(destination, lane);
        lane_drop(destination, lane);
}

int destination_take_opened(Destination *destination, const carebus_delivery *delivery) {
        Lane *lane, *next;

        destination->feed_is_open = true;
        destination->refusal_is_told = false;
        destination->park_at = 0;
        for (lane = TAILQ_FIRST(&destination->lanes); lane; lane = next) {
                Entry *entry;

                next = TAILQ_NEXT(lane, all);
                lane->park_id = 0;
                for (entry = TAILQ_FIRST(&lane->entries); entry; entry = TAILQ_NEXT(entry, next))
                        entry->report = 0;
                if ((lane->state == LANE_PARKED || lane->state == LANE_AGAIN) && !is_listed(delivery, lane))
                        release(destination, lane);
        }
        for (size_t i = 0; i < delivery->n_parked; i++) {
                int r = take_listed(destination, &delivery->parked[i]);

                if (r < 0)
                        return r;
        }
        return 0;
}

static Lane *find_by_item(Destination *destination, const carebus_delivery *delivery) {
        Lane *lane;

        if (delivery->patient_id)
                return lane_find(destination, delivery->patient_id);
        /* Of nobody: the one that comes again now. */
        TAILQ_FOREACH(lane, &destination->lanes, all)
        if (lane->of_nobody && (lane->state == LANE_AGAIN || lane->state == LANE_PARKED))
                return lane;
        return NULL;
}

int destination_take_redelivered(Destination *destination, const carebus_delivery *delivery) {
        Lane *lane = find_by_item(destination, delivery);
        Entry *entry;

        /* It was parked anew meanwhile: what came again was for nothing. */
        if (!lane || lane->state == LANE_PARKING || lane->state == LANE_FREE)
                return 0;
        entry = entry_new(destination, lane, ENTRY_END, (DestinationPlace){ 0 });
        if (!entry)
                return -ENOMEM;
        entry->parked_item = delivery->item;
        lane->state = LANE_FREE;
        lane_settle(destination, lane);
        return 0;
}
