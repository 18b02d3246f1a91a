/*
 * What a reader cannot deliver waits, person by person, as items of the quarantine that the fold keeps
 * (daemon/stage/park.h). Here it is told who waits, and given again what somebody released: every event of that
 * person from the place on, up to wherever the stream stands when it has caught up, so that nothing lies between what
 * comes again and what comes next.
 */
#include <errno.h>
#include <inttypes.h>

#include "base/error.h"
#include "base/text.h"
#include "daemon/record/read.h"
#include "daemon/serve/disclose.h"
#include "daemon/serve/feed-core.h"
#include "daemon/store/state-keys.h"
#include "proto/wire.h"

#define SHARE_AGAIN 64 /* deliveries of one session in one round */
#define PERSON_SIZE 64

/* Fields of ToReader and Delivery. */
enum { TO_READER_DELIVERY = 2 };
enum {
        DELIVERY_SEQ = 1,
        DELIVERY_INDEX = 2,
        DELIVERY_PREV_SEQ = 3,
        DELIVERY_PREV_INDEX = 4,
        DELIVERY_EVENT = 10,
        DELIVERY_REDELIVERED = 14,
};

/* One item that goes out again. */
struct FeedAgain {
        FeedAgain *next;
        uint64_t item, released_by;
        char patient_id[PERSON_SIZE]; /* "": of nobody, that event alone */
        Place from, at;               /* where it began, and what is looked at next */
        bool discards, is_done, is_there;
        Place *overtaken; /* delivered already */
        size_t n_overtaken;
};

static void again_free(FeedAgain *again) {
        free(again->overtaken);
        free(again);
}

void feed_park_end(FeedSession *session) {
        while (session->again) {
                FeedAgain *again = session->again;

                session->again = again->next;
                again_free(again);
        }
}

/* ---- what waits ---- */

typedef struct Waiting {
        Feed *feed;
        Carebus__V1__Parked **items;
        size_t n;
} Waiting;

static int waiting_add(Bytes key, Bytes value, void *owner) {
        Waiting *waiting = owner;
        Carebus__V1__QuarantineItem *item;
        Carebus__V1__Parked **grown;
        int r;

        (void)key;
        if (value.size != sizeof(uint64_t))
                return -EBADMSG;
        r = quarantine_read(view_txn(waiting->feed->view), load_le64(value.data), waiting->feed->arena, &item);
        if (r != 0)
                return error_fold(r);
        if (!item->parked)
                return -EBADMSG;
        grown = arena_alloc(waiting->feed->arena, (waiting->n + 1) * sizeof(*grown));
        if (!grown)
                return -ENOMEM;
        if (waiting->n > 0)
                memcpy(grown, waiting->items, waiting->n * sizeof(*grown));
        grown[waiting->n++] = item->parked;
        waiting->items = grown;
        item->parked->has_item = true;
        item->parked->item = item->id;
        return 0;
}

int feed_park_list(Feed *feed, const FeedSession *session, Carebus__V1__Parked ***ret, size_t *ret_n) {
        const StateKey prefix = state_key_parked(session->consumer->team, session->consumer->name, NULL);
        Waiting waiting = { .feed = feed };
        int r = prefix.error < 0 ? prefix.error
                                 : state_walk(view_txn(feed->view), STATE_PARKED, state_key_all(&prefix), BYTES_NULL,
                                              waiting_add, &waiting);

        if (r != 0)
                return error_fold(r);
        *ret = waiting.items;
        *ret_n = waiting.n;
        return 0;
}

/* ---- what a reader says ---- */

int feed_park_take(Feed *feed, FeedSession *session, const Carebus__V1__Park *park) {
        const FeedCoreFor asker = {
                .kind = FEED_CORE_PARK, .socket = session->socket, .route = &session->route, .id = park->id
        };
        Carebus__V1__Request asked = CAREBUS__V1__REQUEST__INIT;
        Carebus__V1__ParkRequest request = CAREBUS__V1__PARK_REQUEST__INIT;
        Carebus__V1__Parked parked = *park->parked;

        parked.team = session->consumer->team;
        parked.consumer = session->consumer->name;
        parked.has_released_by = parked.has_discarded = parked.has_delivered = parked.has_item = false;
        parked.delivered = false;
        /* What comes again of this person stops at once: it comes anew when somebody releases it anew. */
        for (FeedAgain *again = session->again; again && parked.n_overtaken == 0; again = again->next)
                if (parked.patient_id ? text_equal(again->patient_id, parked.patient_id)
                                      : again->from.seq == parked.from_seq && again->from.index == parked.from_index)
                        again->is_done = true;
        request.parked = &parked;
        request.peer = session->user;
        asked.command_case = CAREBUS__V1__REQUEST__COMMAND_PARK;
        asked.park = &request;
        return feed_core_ask(feed, &asker, &asked);
}

int feed_park_resumed(Feed *feed, FeedSession *session, const Carebus__V1__Resumed *resumed) {
        const FeedCoreFor asker = { .kind = FEED_CORE_DONE, .socket = session->socket, .route = &session->route };
        Carebus__V1__Request asked = CAREBUS__V1__REQUEST__INIT;
        Carebus__V1__ParkRequest request = CAREBUS__V1__PARK_REQUEST__INIT;
        Carebus__V1__Parked parked = CAREBUS__V1__PARKED__INIT;

        parked.team = session->consumer->team;
        parked.consumer = session->consumer->name;
        parked.patient_id = resumed->patient_id;
        parked.has_delivered = parked.delivered = parked.has_item = true;
        parked.item = resumed->seq;
        request.parked = &parked;
        request.peer = session->user;
        asked.command_case = CAREBUS__V1__REQUEST__COMMAND_PARK;
        asked.park = &request;
        return feed_core_ask(feed, &asker, &asked);
}

/* ---- what was released ---- */

static int take_overtaken(FeedAgain *again, const Carebus__V1__Parked *parked) {
        free(again->overtaken);
        again->n_overtaken = 0;
        again->overtaken = calloc(parked->n_overtaken + 1, sizeof(*again->overtaken));
        if (!again->overtaken)
                return -ENOMEM;
        for (size_t i = 0; i < parked->n_overtaken; i++) {
                Place *place = &again->overtaken[again->n_overtaken];

                if (sscanf(parked->overtaken[i], "%" SCNu64 ".%" SCNu32, &place->seq, &place->index) == 2)
                        again->n_overtaken++;
        }
        return 0;
}

static FeedAgain *again_find(FeedSession *session, const Carebus__V1__Parked *parked) {
        FeedAgain *again = session->again;

        while (again && (again->item != parked->item || again->released_by != parked->released_by))
                again = again->next;
        return again;
}

/* In order of places. */
static int again_add(FeedSession *session, const Carebus__V1__Parked *parked) {
        FeedAgain **link = &session->again, *again = calloc(1, sizeof(*again));

        if (!again)
                return -ENOMEM;
        again->item = parked->item;
        again->released_by = parked->released_by;
        snprintf(again->patient_id, sizeof(again->patient_id), "%s", parked->patient_id ? parked->patient_id : "");
        again->from = again->at = (Place){ .seq = parked->from_seq, .index = parked->from_index };
        again->discards = parked->discarded;
        again->is_there = true;
        while (*link && place_compare((*link)->from, again->from) < 0)
                link = &(*link)->next;
        again->next = *link;
        *link = again;
        return take_overtaken(again, parked);
}

static void drop_gone(FeedSession *session) {
        for (FeedAgain **link = &session->again; *link;) {
                FeedAgain *again = *link;

                if (again->is_there) {
                        link = &again->next;
                        continue;
                }
                *link = again->next;
                again_free(again);
        }
}

/* The state moved: who is released now? */
static int look_anew(Feed *feed, FeedSession *session) {
        Carebus__V1__Parked **items;
        size_t n;
        int r;

        if (session->parked_seen == view_head(feed->view))
                return 0;
        arena_reset(feed->arena);
        r = feed_park_list(feed, session, &items, &n);
        if (r < 0)
                return r;
        for (FeedAgain *again = session->again; again; again = again->next)
                again->is_there = false;
        for (size_t i = 0; r == 0 && i < n; i++) {
                FeedAgain *known = again_find(session, items[i]);

                if (!items[i]->has_released_by)
                        continue;
                if (known)
                        known->is_there = true;
                r = known ? take_overtaken(known, items[i]) : again_add(session, items[i]);
        }
        if (r < 0)
                return r;
        drop_gone(session);
        session->parked_seen = view_head(feed->view);
        return 0;
}

/* ---- again ---- */

static bool is_left_out(const FeedAgain *again, Place place) {
        if (again->discards && place_compare(place, again->from) == 0)
                return true;
        for (size_t i = 0; i < again->n_overtaken; i++)
                if (place_compare(place, again->overtaken[i]) == 0)
                        return true;
        return false;
}

static int send_again(Feed *feed, FeedSession *session, Place place, const PublishedBytes *event) {
        _cleanup_(buffer_deinit) Buffer delivery = BUFFER_NULL, frame = BUFFER_NULL;

        wire_number(&delivery, DELIVERY_SEQ, place.seq);
        wire_number(&delivery, DELIVERY_INDEX, place.index);
        wire_number(&delivery, DELIVERY_PREV_SEQ, 0);
        wire_number(&delivery, DELIVERY_PREV_INDEX, 0);
        wire_bytes(&delivery, DELIVERY_EVENT, bytes_of(event->data, event->size));
        wire_number(&delivery, DELIVERY_REDELIVERED, 1);
        wire_bytes(&frame, TO_READER_DELIVERY, buffer_bytes(&delivery));
        if (delivery.error < 0 || frame.error < 0)
                return -ENOMEM;
        return zsocket_send_routed(feed->sockets[session->socket].socket, &session->route, buffer_bytes(&frame));
}

/* Of this person, and not only about them. */
static bool is_of(const PublishedEvent *event, const FeedAgain *again) {
        const char *slash = strchr(event->topic, '/');

        return slash && text_equal(slash + 1, again->patient_id);
}

/* What could not be sent is said again when it is: each of these is one delivery. */
static int say_again(Feed *feed, FeedSession *session, const PublishedEvent *event, Place place, PublishedBytes *bytes,
                     const SightAnswer *answer) {
        int r;

        feed_say_begin(feed, session, CAREBUS__V1__AUDIT_WAY__AUDIT_WAY_REDELIVERY);
        disclose_event(feed->say, feed->sight, event, place, bytes, answer);
        r = audit_say_end(feed->say);
        return r == AUDIT_SAY_E_WAIT ? ZSOCK_E_AGAIN : r;
}

/* One event again, as the team may see it now. 0 also where it is not to be given. */
static int deliver_place(Feed *feed, FeedSession *session, const FeedAgain *again, Place place) {
        PublishedEntry *entry;
        PublishedBytes *bytes;
        SightAnswer answer;
        int r;

        if (is_left_out(again, place))
                return 0;
        r = recent_get(feed->recent, place.seq, &entry);
        if (r != 0)
                return error_fold(r);
        if (place.index >= entry->n_events || !is_of(&entry->events[place.index], again))
                return 0;
        r = sight_of(feed->sight, entry, place.index, session->team, &answer);
        if (r < 0 || answer.gives == SIGHT_NOTHING)
                return r;
        r = sight_bytes(feed->sight, entry, place.index, session->team, &answer, &bytes);
        if (r == 0)
                r = say_again(feed, session, &entry->events[place.index], place, bytes, &answer);
        if (r == 0)
                r = send_again(feed, session, place, bytes);
        if (r == 0)
                feed_session_delivered(feed, session);
        return r;
}

typedef struct NextPlaces {
        Place places[SHARE_AGAIN];
        size_t n;
        Place until;
} NextPlaces;

static int next_place(Bytes key, Bytes value, void *owner) {
        NextPlaces *next = owner;
        Place place;

        (void)value;
        if (key.size < 12)
                return -EBADMSG;
        place.seq = load_be64(key.data + key.size - 12);
        place.index = __builtin_bswap32(load_le32(key.data + key.size - 4));
        if (place_compare(place, next->until) > 0 || next->n == SHARE_AGAIN)
                return 1;
        next->places[next->n++] = place;
        return 0;
}

static int next_places(Feed *feed, const FeedSession *session, const FeedAgain *again, NextPlaces *ret) {
        StateKey prefix = STATE_KEY_NULL, from;
        int r;

        ret->n = 0;
        ret->until = session->sent;
        if (!again->patient_id[0]) {
                if (place_compare(again->at, again->from) == 0)
                        ret->places[ret->n++] = again->from;
                return 0;
        }
        state_key_text(&prefix, again->patient_id);
        from = state_key_patient_seq(again->patient_id, again->at.seq, again->at.index);
        if (prefix.error < 0 || from.error < 0)
                return -EBADMSG;
        r = state_walk(view_txn(feed->view), STATE_PATIENT_SEQ, state_key_all(&prefix), state_key_all(&from),
                       next_place, ret);
        return MIN(r, 0);
}

static int say_redelivered(Feed *feed, FeedSession *session, FeedAgain *again) {
        Carebus__V1__Redelivered said = CAREBUS__V1__REDELIVERED__INIT;
        Carebus__V1__ToReader to = CAREBUS__V1__TO_READER__INIT;
        int r;

        said.patient_id = again->patient_id[0] ? again->patient_id : NULL;
        said.has_seq = true;
        said.seq = again->item;
        said.has_discarded = said.discarded = again->discards;
        to.message_case = CAREBUS__V1__TO_READER__MESSAGE_REDELIVERED;
        to.redelivered = &said;
        r = feed_send(feed, session, &to);
        again->is_done = r == 0;
        return r;
}

/* A share of one item. 0, ZSOCK_E_AGAIN, ZSOCK_E_UNREACHABLE or negative. */
static int deliver_one(Feed *feed, FeedSession *session, FeedAgain *again) {
        NextPlaces next;
        int r = next_places(feed, session, again, &next);

        if (r < 0)
                return r;
        if (next.n == 0)
                return say_redelivered(feed, session, again);
        for (size_t i = 0; i < next.n; i++) {
                if (session->credit == 0)
                        return 0;
                r = deliver_place(feed, session, again, next.places[i]);
                if (r != 0)
                        return r;
                again->at = (Place){ .seq = next.places[i].seq, .index = next.places[i].index + 1 };
        }
        return 0;
}

int feed_park_deliver(Feed *feed, FeedSession *session, bool *ret_more) {
        FeedAgain *again;
        int r = look_anew(feed, session);

        *ret_more = false;
        if (r < 0)
                return r;
        again = session->again;
        while (again && again->is_done)
                again = again->next;
        if (!again || session->credit == 0)
                return 0;
        r = deliver_one(feed, session, again);
        *ret_more = r == 0 && session->credit > 0;
        return r;
}
