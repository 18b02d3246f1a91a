/* The events of a person: their places by the index of the state, each of them given as the feed would give it now. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "daemon/record/body.h"
#include "daemon/record/read.h"
#include "daemon/serve/ask.h"
#include "daemon/serve/disclose.h"
#include "daemon/store/state-keys.h"

#define LIMIT_DEFAULT 100
#define LIMIT_MAX 1000
#define PLACES_MAX 65536     /* looked at for one answer; `more` where there are further ones */
#define BYTES_MAX (4U << 20) /* of events */

typedef struct Places {
        Place *items;
        size_t n;
        bool more;
} Places;

static int place_seen(Bytes key, Bytes value, void *owner) {
        Places *places = owner;
        const size_t tail = sizeof(uint64_t) + sizeof(uint32_t);

        (void)value;
        if (key.size < tail)
                return -EBADMSG;
        if (places->n == PLACES_MAX) {
                places->more = true;
                return 1;
        }
        places->items[places->n++] = (Place){ .seq = load_be64(key.data + key.size - tail),
                                              .index = (uint32_t)(load_be64(key.data + key.size - sizeof(uint64_t)) &
                                                                  UINT32_MAX) };
        return 0;
}

static int by_place(const void *a, const void *b) {
        return place_compare(*(const Place *)a, *(const Place *)b);
}

/* Behind `after`, of all who are one, in order. */
static int places_read(Ask *ask, const char *patient_id, Place after, Places *ret) {
        StateTxn *txn = view_txn(ask->view);
        size_t n_ids = 0;
        char **ids;
        int r;

        *ret = (Places){ .items = arena_alloc(ask->arena, PLACES_MAX * sizeof(Place)) };
        if (!ret->items)
                return -ENOMEM;
        r = identity_members(txn, patient_id, ask->arena, &ids, &n_ids);
        for (size_t i = 0; r == 0 && i < n_ids; i++) {
                StateKey from = state_key_patient_seq(ids[i], after.seq, after.index), prefix = from;

                if (from.error < 0)
                        return from.error;
                prefix.size -= sizeof(uint64_t) + sizeof(uint32_t);
                r = MIN(state_walk(txn, STATE_PATIENT_SEQ, state_key_all(&prefix), state_key_all(&from), place_seen,
                                   ret),
                        0);
        }
        if (r == 0 && ret->n > 1)
                qsort(ret->items, ret->n, sizeof(*ret->items), by_place);
        return r == RECORD_E_NOT_FOUND ? r : error_fold(r);
}

static int delivery_add(Ask *ask, Place place, Place previous, PublishedEntry *entry, const SightAnswer *answer,
                        Carebus__V1__EventsReply *reply, size_t *bytes) {
        Carebus__V1__Delivery *delivery = message_new(&carebus__v1__delivery__descriptor, ask->arena);
        PublishedBytes *given;
        int r;

        if (!delivery)
                return -ENOMEM;
        r = sight_bytes(ask->sight, entry, place.index, (size_t)ask->team, answer, &given);
        if (r == 0)
                r = message_unpack(&carebus__v1__event__descriptor, bytes_of(given->data, given->size), ask->arena,
                                   (ProtobufCMessage **)&delivery->event);
        if (r < 0)
                return r;
        disclose_event(ask->say, ask->sight, &entry->events[place.index], place, given, answer);
        delivery->what_case = CAREBUS__V1__DELIVERY__WHAT_EVENT;
        delivery->has_seq = delivery->has_index = delivery->has_prev_seq = delivery->has_prev_index = true;
        delivery->seq = place.seq;
        delivery->index = place.index;
        delivery->prev_seq = previous.seq;
        delivery->prev_index = previous.index;
        *bytes += given->size;
        return list_append((void ***)&reply->deliveries, &reply->n_deliveries, delivery, ask->arena);
}

static int deliveries_read(Ask *ask, const Places *places, Place after, size_t limit, Carebus__V1__EventsReply *reply) {
        Place previous = after;
        size_t bytes = 0;

        reply->has_more = true;
        reply->more = places->more;
        for (size_t i = 0; i < places->n; i++) {
                const Place place = places->items[i];
                PublishedEntry *entry;
                SightAnswer answer;
                int r;

                if (place_compare(place, after) <= 0 || (i > 0 && place_compare(place, places->items[i - 1]) == 0))
                        continue;
                r = sight_of_event(ask->sight, place.seq, place.index, (size_t)ask->team, &answer, &entry);
                if (r == 0 && answer.gives != SIGHT_NOTHING) {
                        if (reply->n_deliveries == limit || bytes > BYTES_MAX) {
                                reply->more = true;
                                return 0;
                        }
                        r = delivery_add(ask, place, previous, entry, &answer, reply, &bytes);
                        previous = place;
                }
                if (r < 0)
                        return r;
        }
        return 0;
}

int ask_events(Ask *ask, const Carebus__V1__EventsRequest *asked, Carebus__V1__EventsReply **ret) {
        const size_t limit = asked->limit ? MIN(asked->limit, (uint32_t)LIMIT_MAX) : LIMIT_DEFAULT;
        Carebus__V1__EventsReply *reply = message_new(&carebus__v1__events_reply__descriptor, ask->arena);
        Place after = PLACE_NULL;
        const SharingPerson *person;
        Places places;
        int r;

        if (!reply)
                return -ENOMEM;
        if (asked->after)
                after = (Place){ .seq = asked->after->seq, .index = asked->after->index };
        r = places_read(ask, asked->patient_id, after, &places);
        if (r == 0)
                r = deliveries_read(ask, &places, after, limit, reply);
        if (r == RECORD_E_NOT_FOUND)
                return ask_not_found(ask);
        if (r == 0)
                r = sight_person(ask->sight, asked->patient_id, &person);
        if (r < 0)
                return r;
        /* Who has nothing to do with the person learns as much of them as of nobody. */
        if (reply->n_deliveries == 0 && !sharing_relationship(ask->sharing, (size_t)ask->team, person))
                return ask_not_found(ask);
        *ret = reply;
        return 0;
}
