/*
 * Lanes: what waits, person by person, and how far all of it is done.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "adapters/common/destination-parts.h"
#include "base/text.h"

/* ---- lanes ---- */

static size_t bucket_of(const char *key) {
        uint32_t hash = 2166136261U;

        for (; *key; key++)
                hash = (hash ^ (uint8_t)*key) * 16777619U;
        return hash % DESTINATION_BUCKETS;
}

Lane *lane_find(const Destination *destination, const char *key) {
        Lane *lane = destination->buckets[bucket_of(key)];

        while (lane && strcmp(lane->key, key) != 0)
                lane = lane->next_in_bucket;
        return lane;
}

Lane *lane_get(Destination *destination, const char *key, bool of_nobody) {
        Lane **bucket = &destination->buckets[bucket_of(key)];
        Lane *lane = lane_find(destination, key);

        if (lane)
                return lane;
        lane = calloc(1, sizeof(*lane));
        if (!lane)
                return NULL;
        snprintf(lane->key, sizeof(lane->key), "%s", key);
        lane->of_nobody = of_nobody;
        TAILQ_INIT(&lane->entries);
        lane->next_in_bucket = *bucket;
        *bucket = lane;
        TAILQ_INSERT_TAIL(&destination->lanes, lane, all);
        return lane;
}

static struct LaneHead *list_of(Destination *destination, LaneList list) {
        switch (list) {
        case LANE_IS_READY:
                return &destination->ready;
        case LANE_PAUSES:
                return &destination->paused;
        case LANE_IS_UNDER_WAY:
                return &destination->under_way;
        case LANE_RESTS:
                break;
        }
        return NULL;
}

void lane_put(Destination *destination, Lane *lane, LaneList list) {
        struct LaneHead *from = list_of(destination, lane->list), *to = list_of(destination, list);

        if (lane->list == list)
                return;
        if (from)
                TAILQ_REMOVE(from, lane, in_list);
        if (to)
                TAILQ_INSERT_TAIL(to, lane, in_list);
        destination->n_under_way -= lane->list == LANE_IS_UNDER_WAY;
        destination->n_under_way += list == LANE_IS_UNDER_WAY;
        lane->list = list;
}

Entry *lane_first(const Lane *lane) {
        Entry *entry = TAILQ_FIRST(&lane->entries);

        while (entry && entry->is_reported)
                entry = TAILQ_NEXT(entry, next);
        return entry;
}

void lane_settle(Destination *destination, Lane *lane) {
        const Entry *first = lane_first(lane);
        bool may_go = first && lane->state != LANE_PARKING && (lane->state != LANE_PARKED || first->overtakes);

        if (first && first->is_sent)
                lane_put(destination, lane, LANE_IS_UNDER_WAY);
        else if (!may_go)
                lane_put(destination, lane, LANE_RESTS);
        else
                lane_put(destination, lane, lane->pause_until > 0 ? LANE_PAUSES : LANE_IS_READY);
}

void lane_forget_parked(Lane *lane) {
        for (size_t i = 0; i < lane->n_overtaken; i++)
                free(lane->overtaken[i]);
        free(lane->overtaken);
        lane->overtaken = NULL;
        lane->n_overtaken = 0;
        lane->from = (DestinationPlace){ 0 };
        lane->park_id = 0;
}

static void lane_free(Destination *destination, Lane *lane) {
        Lane **link = &destination->buckets[bucket_of(lane->key)];

        while (*link != lane)
                link = &(*link)->next_in_bucket;
        *link = lane->next_in_bucket;
        lane_put(destination, lane, LANE_RESTS);
        TAILQ_REMOVE(&destination->lanes, lane, all);
        lane_forget_parked(lane);
        free(lane);
}

void lane_drop(Destination *destination, Lane *lane) {
        if (lane->state == LANE_FREE && TAILQ_EMPTY(&lane->entries) && lane->n_reported == 0)
                lane_free(destination, lane);
}

bool lane_has_overtaken(const Lane *lane, const char *event_id) {
        for (size_t i = 0; i < lane->n_overtaken; i++)
                if (text_equal(lane->overtaken[i], event_id))
                        return true;
        return false;
}

int lane_remember_overtaken(Lane *lane, const char *event_id) {
        char **grown;

        if (lane_has_overtaken(lane, event_id))
                return 0;
        grown = reallocarray(lane->overtaken, lane->n_overtaken + 1, sizeof(*grown));
        if (!grown)
                return -ENOMEM;
        lane->overtaken = grown;
        grown[lane->n_overtaken] = strdup(event_id);
        if (!grown[lane->n_overtaken])
                return -ENOMEM;
        lane->n_overtaken++;
        return 0;
}

/* ---- marks ---- */

int mark_new(Destination *destination, DestinationPlace place, Mark **ret) {
        Mark *mark = calloc(1, sizeof(*mark));

        if (!mark)
                return -ENOMEM;
        mark->place = place;
        STAILQ_INSERT_TAIL(&destination->marks, mark, next);
        destination->n_marks++;
        *ret = mark;
        return 0;
}

void marks_pass(Destination *destination) {
        for (Mark *mark = STAILQ_FIRST(&destination->marks); mark && mark->is_done;
             mark = STAILQ_FIRST(&destination->marks)) {
                destination->passed = mark->place;
                STAILQ_REMOVE_HEAD(&destination->marks, next);
                destination->n_marks--;
                free(mark);
        }
}

/* ---- entries ---- */

Entry *entry_new(Destination *destination, Lane *lane, EntryKind kind, DestinationPlace place) {
        Entry *entry = calloc(1, sizeof(*entry));

        if (!entry)
                return NULL;
        entry->kind = kind;
        entry->lane = lane;
        snprintf(entry->person, sizeof(entry->person), "%s", lane->of_nobody ? "" : lane->key);
        destination_message_id(destination->config->bus, place, entry->message_id);
        destination_uuid(destination->config->bus, place, entry->uuid);
        entry->item = (DestinationItem){
                .seq = place.seq,
                .index = place.index,
                .patient_id = entry->person,
                .message_id = entry->message_id,
                .uuid = entry->uuid,
        };
        TAILQ_INSERT_TAIL(&lane->entries, entry, next);
        destination->n_entries++;
        return entry;
}

void entry_done(Destination *destination, Entry *entry) {
        Lane *lane = entry->lane;

        if (entry->is_sent && destination->language.cancel)
                destination->language.cancel(destination->language.owner, &entry->item);
        if (entry->mark)
                entry->mark->is_done = true;
        lane->n_reported -= entry->is_reported;
        TAILQ_REMOVE(&lane->entries, entry, next);
        destination->n_entries--;
        destination->n_bytes -= entry->packed.size;
        buffer_deinit(&entry->packed);
        buffer_deinit(&entry->bytes);
        arena_free(entry->arena);
        free(entry);
}

void destination_clear(Destination *destination) {
        for (Lane *lane = TAILQ_FIRST(&destination->lanes); lane; lane = TAILQ_FIRST(&destination->lanes)) {
                while (!TAILQ_EMPTY(&lane->entries))
                        entry_done(destination, TAILQ_FIRST(&lane->entries));
                lane_free(destination, lane);
        }
        for (Mark *mark = STAILQ_FIRST(&destination->marks); mark; mark = STAILQ_FIRST(&destination->marks)) {
                STAILQ_REMOVE_HEAD(&destination->marks, next);
                free(mark);
        }
        destination->n_marks = 0;
}
