#include "daemon/record/held.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "daemon/record/belongs.h"
#include "daemon/record/body.h"
#include "daemon/record/keys.h"
#include "daemon/record/ring.h"
#include "daemon/store/state-keys.h"

typedef Carebus__V1__Person Person;
typedef Carebus__V1__Review Review;
typedef Carebus__V1__Held Held;

static const struct {
        const char *section, *kind;
} held_sections[] = {
        { "care-plans", "plan" },
        { "death", "death" },
        { "decisions", "decision" },
};

const char *held_kind_of_section(const char *section) {
        for (size_t i = 0; section && i < ELEMENTSOF(held_sections); i++)
                if (strcmp(held_sections[i].section, section) == 0)
                        return held_sections[i].kind;
        return NULL;
}

typedef struct Holding {
        StateTxn *txn;
        Arena *arena;
        Person *const *members;
        size_t n_members;
        const Carebus__V1__Settings *settings; /* NULL before the first */
        const Review *review;
        const char *section; /* being read */
        const char *kind;
        const Person *home; /* whose sections are read, where `both` */
        bool both;          /* of either side, and only what may be of either */
        Held **held;
        size_t n_held;
} Holding;

static int review_in(StateTxn *txn, StateTable table, const StateKey *key, Arena *arena, Review **ret) {
        Bytes value;
        int r = state_get(txn, table, state_key_all(key), &value);

        if (r == STATE_E_NOT_FOUND)
                return RECORD_E_NOT_FOUND;
        return r ?: message_unpack(&carebus__v1__review__descriptor, value, arena, (ProtobufCMessage **)ret);
}

int review_read(StateTxn *txn, const char *review_id, Arena *arena, Review **ret) {
        StateKey key = state_key_review(review_id);
        int r;

        if (key.error < 0)
                return RECORD_E_NOT_FOUND;
        r = review_in(txn, STATE_REVIEW, &key, arena, ret);
        return r == RECORD_E_NOT_FOUND ? review_in(txn, STATE_REVIEWED, &key, arena, ret) : r;
}

/* Whom the team of a source wants to be rung. */
static void whom_to_ring(const Holding *holding, Held *held) {
        const char *source = held->source ?: "";

        ring_of_team(holding->settings, ring_team_of_source(holding->settings, bytes_of_text(source)),
                     &held->whom_to_ring, &held->n_whom_to_ring);
}

/* May it be of either of the two whom the review names? By what was said, not by what the review has heard of. */
static bool is_of_either(const Holding *holding, const char *stored, const Carebus__V1__StoredFact *fact) {
        const Review *review = holding->review;

        for (size_t i = 0; i < review->n_patient_ids; i++)
                if (fact_doubt(holding->home, stored, fact, review->patient_ids[i]))
                        return true;
        return false;
}

static int held_add(Holding *holding, const Carebus__V1__Fact *fact) {
        Held *held;

        for (size_t i = 0; i < holding->n_held; i++)
                if (text_equal(holding->held[i]->event_id, fact->event_id))
                        return 0;
        held = message_new(&carebus__v1__held__descriptor, holding->arena);
        if (!held)
                return -ENOMEM;
        held->review_id = holding->review->id;
        held->source = fact->source;
        held->kind = (char *)(holding->both ? "which-person" : holding->kind);
        held->said_at = fact->recorded_at ?: fact->occurred_at;
        held->event_id = fact->event_id;
        held->section = (char *)holding->section;
        whom_to_ring(holding, held);
        return list_append((void ***)&holding->held, &holding->n_held, held, holding->arena);
}

static int section_seen(Bytes key, Bytes value, void *owner) {
        Holding *holding = owner;
        Carebus__V1__StoredSection *section;
        char *stored = NULL;
        int r;

        if (holding->both) {
                size_t n_id = strlen(holding->home->patient_id) + 1;

                stored = arena_text(holding->arena, key.data + n_id,
                                    strnlen((const char *)key.data + n_id, key.size - n_id));
                if (!stored)
                        return -ENOMEM;
        }
        r = message_unpack(&carebus__v1__stored_section__descriptor, value, holding->arena,
                           (ProtobufCMessage **)&section);
        for (size_t i = 0; r == 0 && i < section->n_facts; i++) {
                const Carebus__V1__Fact *fact = section->facts[i]->fact;

                if (!fact || !fact->event_id || text_equal(fact->status, "entered-in-error"))
                        continue;
                if (!holding->both || is_of_either(holding, stored, section->facts[i]))
                        r = held_add(holding, fact);
        }
        return r;
}

/* All of one person that is held. */
static int person_hold(Holding *holding, const char *patient_id) {
        if (holding->both) {
                Person *home;
                int r = person_read(holding->txn, patient_id, holding->arena, &home);

                if (r || home->n_doubts == 0)
                        return r > 0 ? -EBADMSG : r;
                holding->home = home;
        }
        for (size_t i = 0; i < ELEMENTSOF(held_sections); i++) {
                StateKey prefix = state_key_section(patient_id, NULL);
                int r;

                holding->section = held_sections[i].section;
                holding->kind = held_sections[i].kind;
                state_key_bytes(&prefix, bytes_of(holding->section, strlen(holding->section)));
                if (prefix.error < 0)
                        return prefix.error;
                r = state_walk(holding->txn, STATE_SECTION, state_key_all(&prefix), state_key_all(&prefix),
                               section_seen, holding);
                if (r)
                        return r;
        }
        return 0;
}

static bool is_member(const Holding *holding, const char *patient_id) {
        for (size_t i = 0; i < holding->n_members; i++)
                if (strcmp(holding->members[i]->patient_id, patient_id) == 0)
                        return true;
        return false;
}

/* All who are one with somebody whom a review names. */
static int side_hold(Holding *holding, const char *patient_id) {
        size_t n_ids;
        char **ids;
        int r;

        r = identity_members(holding->txn, patient_id, holding->arena, &ids, &n_ids);
        for (size_t i = 0; r == 0 && i < n_ids; i++)
                if (holding->both || !is_member(holding, ids[i]))
                        r = person_hold(holding, ids[i]);
        return r == RECORD_E_NOT_FOUND ? -EBADMSG : r;
}

/* A join waits for who waits and for each candidate: what the candidates hold is of no concern to each other. */
static int review_hold(Holding *holding, const char *review_id) {
        Review *review;
        bool waits;
        int r;

        r = review_read(holding->txn, review_id, holding->arena, &review);
        if (r)
                return r == RECORD_E_NOT_FOUND ? -EBADMSG : r;
        if (review->n_patient_ids == 0)
                return 0;
        holding->review = review;
        holding->both = review->kind == CAREBUS__V1__REVIEW__KIND__KIND_AFTER_UNMERGE;
        waits = is_member(holding, review->patient_ids[0]);
        for (size_t i = 0; r == 0 && i < review->n_patient_ids; i++)
                if (holding->both || waits || i == 0)
                        r = side_hold(holding, review->patient_ids[i]);
        return r;
}

static int held_order(const void *a, const void *b) {
        const Held *x = *(Held *const *)a, *y = *(Held *const *)b;

        return strcmp(x->source ?: "", y->source ?: "") ?: id_compare(x->event_id, y->event_id);
}

int held_read(StateTxn *txn, const Carebus__V1__Settings *settings, Person *const *members, size_t n_members,
              Arena *arena, Held ***ret, size_t *ret_n) {
        Holding holding = {
                .txn = txn, .arena = arena, .settings = settings, .members = members, .n_members = n_members
        };
        int r = 0;

        for (size_t i = 0; r == 0 && i < n_members; i++)
                for (size_t j = 0; r == 0 && j < members[i]->n_review_ids; j++)
                        r = review_hold(&holding, members[i]->review_ids[j]);
        if (r)
                return r;
        if (holding.n_held > 1)
                qsort(holding.held, holding.n_held, sizeof(Held *), held_order);
        *ret = holding.held;
        *ret_n = holding.n_held;
        return 0;
}
