#include "daemon/stage/park.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/text.h"
#include "daemon/record/body.h"
#include "daemon/record/keys.h"
#include "daemon/stage/quarantine.h"

#define OVERTAKEN_MAX 1000

typedef Carebus__V1__Parked Parked;
typedef Carebus__V1__QuarantineItem Item;

bool park_is(const Item *item) {
        return item->parked && text_equal(item->class_, PARK_CLASS);
}

static int refuse(FoldWork *work, const char *reason) {
        work->outcome.refused = (char *)reason;
        return 0;
}

/* ---- the index ---- */

/* A person; what is of nobody waits by itself. */
static const char *whose(FoldWork *work, const Parked *parked) {
        return parked->patient_id && parked->patient_id[0]
                       ? parked->patient_id
                       : id_text("", parked->from_seq, parked->from_index, work->arena);
}

static int index_key(FoldWork *work, const Parked *parked, StateKey *ret) {
        const char *of = whose(work, parked);

        if (!of)
                return -ENOMEM;
        *ret = state_key_parked(parked->team, parked->consumer, of);
        return ret->error;
}

/* The open item of the same person and consumer. STATE_E_NOT_FOUND. */
static int find_open(FoldWork *work, const Parked *parked, Item **ret) {
        StateKey key;
        Bytes value;
        int r = index_key(work, parked, &key);

        r = r ?: state_get(work->txn, STATE_PARKED, state_key_all(&key), &value);
        if (r)
                return r;
        return value.size == 8 ? quarantine_find_open(work, load_le64(value.data), ret) : -EBADMSG;
}

static int item_put(FoldWork *work, const Item *item) {
        StateKey key = state_key_seq(item->id);
        Bytes packed = message_pack(&item->base, work->arena);

        return packed.data ? state_put(work->txn, STATE_QUARANTINE, state_key_all(&key), packed) : -ENOMEM;
}

/* ---- what the team is told ---- */

static int tell(FoldWork *work, const Item *item, const char *type, const char *resolution) {
        const Parked *parked = item->parked;
        Carebus__V1__Event *event = work_event(work, type), *cause = work_event(work, type);
        Carebus__V1__Notice *notice = message_new(&carebus__v1__notice__descriptor, work->arena);
        Carebus__V1__When *now = message_new(&carebus__v1__when__descriptor, work->arena);
        char *event_id = id_text("", parked->from_seq, parked->from_index, work->arena), *ignored;
        Said said = { .event = cause };
        int r;

        if (!event || !cause || !notice || !now || !event_id)
                return -ENOMEM;
        now->has_utc_at = now->has_precision = 1;
        now->utc_at = work->received_at;
        now->precision = CAREBUS__V1__WHEN__PRECISION__PRECISION_FRACTION;
        cause->occurred_at = cause->recorded_at = now;
        event->body_case = CAREBUS__V1__EVENT__BODY_NOTICE;
        event->notice = notice;
        event->team = parked->team;
        notice->team = parked->team;
        notice->consumer = parked->consumer;
        notice->code = parked->code;
        notice->class_ = (char *)PARK_CLASS;
        notice->resolution = (char *)resolution;
        notice->has_about_seq = 1;
        notice->about_seq = item->id;
        r = list_append((void ***)&notice->event_ids, &notice->n_event_ids, event_id, work->arena);
        if (r == 0 && parked->patient_id)
                r = list_append((void ***)&notice->patient_ids, &notice->n_patient_ids, parked->patient_id,
                                work->arena);
        return r ?: work_derive(work, event, parked->patient_id ? parked->patient_id : "", &said, &ignored);
}

/* ---- KIND_PARK ---- */

static Parked *parked_copy(FoldWork *work, const Parked *said) {
        Parked *parked = message_new(&carebus__v1__parked__descriptor, work->arena);

        if (!parked)
                return NULL;
        parked->team = said->team;
        parked->consumer = said->consumer;
        parked->patient_id = said->patient_id && said->patient_id[0] ? said->patient_id : NULL;
        parked->has_from_seq = parked->has_from_index = parked->has_tries = 1;
        parked->from_seq = said->from_seq;
        parked->from_index = said->from_index;
        parked->tries = said->tries;
        parked->code = said->code;
        parked->answer = said->answer;
        return parked;
}

static int park_new(FoldWork *work, const Parked *said) {
        Item item = CAREBUS__V1__QUARANTINE_ITEM__INIT;
        uint8_t seq[8];
        StateKey key;
        int r = index_key(work, said, &key);

        if (r)
                return r;
        item.has_id = item.has_received_at = 1;
        item.id = work->seq;
        item.received_at = work->received_at;
        item.class_ = (char *)PARK_CLASS;
        item.reason = said->code;
        item.resolution = (char *)"open";
        item.parked = parked_copy(work, said);
        if (!item.parked)
                return -ENOMEM;
        store_le64(seq, work->seq);
        work->outcome.has_about_seq = 1;
        work->outcome.about_seq = work->seq;
        r = item_put(work, &item);
        r = r ?: state_put(work->txn, STATE_PARKED, state_key_all(&key), bytes_of(seq, sizeof(seq)));
        return r ?: tell(work, &item, "delivery.stopped", NULL);
}

static bool has_overtaken(const Parked *parked, const char *event_id) {
        for (size_t i = 0; i < parked->n_overtaken; i++)
                if (text_equal(parked->overtaken[i], event_id))
                        return true;
        return false;
}

static int add_overtaken(FoldWork *work, Item *item, const Parked *said) {
        for (size_t i = 0; i < said->n_overtaken && item->parked->n_overtaken < OVERTAKEN_MAX; i++) {
                int r = has_overtaken(item->parked, said->overtaken[i])
                                ? 0
                                : list_append((void ***)&item->parked->overtaken, &item->parked->n_overtaken,
                                              said->overtaken[i], work->arena);
                if (r)
                        return r;
        }
        return item_put(work, item);
}

/* It went out again, and something of it could not be delivered either; or a reader that does not know how it stands asks again. */
static int park_again(FoldWork *work, Item *item, const Parked *said) {
        Parked *before = item->parked;
        const bool is_same = before->from_seq == said->from_seq && before->from_index == said->from_index;

        if (is_same && !before->has_released_by)
                return 0;
        item->parked = parked_copy(work, said);
        if (!item->parked)
                return -ENOMEM;
        item->parked->n_overtaken = before->n_overtaken;
        item->parked->overtaken = before->overtaken;
        item->reason = said->code;
        {
                int r = item_put(work, item);
                return r ?: tell(work, item, "delivery.stopped", NULL);
        }
}

static int resolve(FoldWork *work, const Parked *said) {
        Item *item;
        StateKey key;
        int r = quarantine_find_open(work, said->item, &item);

        if (r == STATE_E_NOT_FOUND)
                return refuse(work, "not-quarantined");
        if (r)
                return r;
        work->outcome.has_about_seq = 1;
        work->outcome.about_seq = item->id;
        if (!park_is(item) || !text_equal(item->parked->team, said->team) ||
            !text_equal(item->parked->consumer, said->consumer))
                return refuse(work, "not-parked");
        if (!item->parked->has_released_by)
                return refuse(work, "not-released");
        r = index_key(work, item->parked, &key);
        r = r ?: state_delete(work->txn, STATE_PARKED, state_key_all(&key));
        r = r ?: quarantine_resolve(work, item, item->parked->discarded ? "discarded" : "retried");
        return r ?: tell(work, item, "delivery.resumed", item->resolution);
}

int park_apply(FoldWork *work, const Carebus__V1__JournalDecision *decision) {
        const Parked *said = decision->parked;
        Item *item;
        int r;

        if (!said || !said->team || !said->consumer)
                return refuse(work, "not-parked");
        if (said->delivered)
                return resolve(work, said);
        if (!said->from_seq || !said->code)
                return refuse(work, "not-parked");
        r = find_open(work, said, &item);
        if (r == STATE_E_NOT_FOUND)
                return said->n_overtaken ? refuse(work, "not-parked") : park_new(work, said);
        if (r)
                return r;
        work->outcome.has_about_seq = 1;
        work->outcome.about_seq = item->id;
        return said->n_overtaken ? add_overtaken(work, item, said) : park_again(work, item, said);
}

/* ---- a retry, a discard ---- */

static bool is_one(FoldWork *work, const char *a, const char *b) {
        const char *ids[] = { a, b };

        for (size_t i = 0; i < ELEMENTSOF(ids); i++) {
                Carebus__V1__Person *person;

                if (ids[i] && work_person(work, ids[i], &person) == 0 && person->merged_into)
                        ids[i] = person->merged_into;
        }
        return ids[0] && text_equal(ids[0], ids[1]);
}

typedef struct Released {
        FoldWork *work;
        uint64_t **seqs;
        size_t n;
} Released;

static int note_item(Bytes key, Bytes value, void *owner) {
        Released *released = owner;
        uint64_t *seq = arena_alloc(released->work->arena, sizeof(*seq));

        (void)key;
        if (!seq)
                return -ENOMEM;
        if (value.size != sizeof(*seq))
                return -EBADMSG;
        *seq = load_le64(value.data);
        return list_append((void ***)&released->seqs, &released->n, seq, released->work->arena);
}

static int release(FoldWork *work, Item *item, bool discards) {
        if (item->parked->has_released_by)
                return 0;
        item->parked->has_released_by = 1;
        item->parked->released_by = work->seq;
        item->parked->has_discarded = item->parked->discarded = discards;
        return item_put(work, item);
}

/* Whoever was joined with the person waits behind a place of their own: one decision is of all of it. */
static int release_joined(FoldWork *work, const Item *first) {
        StateKey prefix = state_key_parked(first->parked->team, first->parked->consumer, NULL);
        Released released = { .work = work };
        int r = first->parked->patient_id
                        ? state_walk(work->txn, STATE_PARKED, state_key_all(&prefix), BYTES_NULL, note_item, &released)
                        : 0;

        for (size_t i = 0; r == 0 && i < released.n; i++) {
                Item *item;

                if (*released.seqs[i] == first->id)
                        continue;
                r = quarantine_find_open(work, *released.seqs[i], &item);
                if (r == 0 && is_one(work, first->parked->patient_id, item->parked->patient_id))
                        r = release(work, item, /* discards= */ false);
        }
        return r == STATE_E_NOT_FOUND ? -EBADMSG : r;
}

int park_release(FoldWork *work, const Carebus__V1__JournalDecision *decision, Item *item) {
        const bool discards = decision->kind == CAREBUS__V1__JOURNAL_DECISION__KIND__KIND_DISCARD;
        int r;

        if (discards && !(decision->why && decision->why[0]))
                return refuse(work, "who-and-why");
        if (item->parked->has_released_by)
                return refuse(work, "already-released");
        r = release(work, item, discards);
        return r ?: release_joined(work, item);
}
