/* One question, asked of the outcome of an entry, of the persons in it, and of what waits. */
#include "daemon/stage/retention-hold.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "daemon/record/body.h"
#include "daemon/record/forgotten.h"
#include "daemon/record/keys.h"
#include "daemon/record/read.h"
#include "daemon/record/unresolved.h"
#include "daemon/stage/scope.h"
#include "daemon/store/reader-places.h"
#include "daemon/store/state-keys.h"
#include "proto/check.h"

typedef Carebus__V1__Outcome Outcome;
typedef Carebus__V1__Person Person;

static const struct {
        const char *name, *rule;
} classes[_RETENTION_CLASS_MAX] = {
        [RETENTION_NOT_FOLLOWED] = { "not-followed", "not-followed" },
        [RETENTION_ORIGINALS] = { "originals", "originals" },
        [RETENTION_EVENTS] = { "events", "events" },
};

static const struct {
        const char *name, *says;
} holds[_RETENTION_HOLD_MAX] = {
        [RETENTION_MAY_GO] = { "may-go", "may go" },
        [RETENTION_NOTHING] = { "nothing", "have nothing that could go" },
        [RETENTION_QUARANTINE] = { "quarantine", "wait in the quarantine, or are compared with what does" },
        [RETENTION_PARKED] = { "parked", "are of somebody of whom a delivery waits" },
        [RETENTION_REVIEW] = { "review", "are of somebody of whom a review waits" },
        [RETENTION_CONFLICT] = { "conflict", "are named by an open conflict" },
        [RETENTION_GLASS] = { "broken-glass", "are of somebody whose broken glass nobody has looked at" },
        [RETENTION_DECISION] = { "decision", "hold a decision that is in force" },
        [RETENTION_ASIDE] = { "not-followed",
                              "are of somebody who is not followed: `scope.originals` says when they go" },
        [RETENTION_UNDELIVERED] = { "undelivered", "were not acknowledged by every reader yet" },
};

const char *retention_class_name(RetentionClass class) {
        return classes[class].name;
}

const char *retention_rule(RetentionClass class) {
        return classes[class].rule;
}

RetentionClass retention_class_of_rule(const char *rule) {
        RetentionClass class = 0;

        while (class < _RETENTION_CLASS_MAX && !text_equal(classes[class].rule, rule))
                class ++;
        return class;
}

const char *retention_hold_name(RetentionHold hold) {
        return holds[hold].name;
}

const char *retention_hold_says(RetentionHold hold) {
        return holds[hold].says;
}

uint64_t retention_age(const Carebus__V1__Settings *settings, RetentionClass class) {
        const Carebus__V1__SharingSettings *sharing = settings->sharing;
        const Carebus__V1__RetentionSettings *retention = settings->retention;

        if (class == RETENTION_NOT_FOLLOWED)
                return sharing && !sharing->people_all && sharing->has_originals_seconds ? sharing->originals_seconds
                                                                                         : 0;
        if (!retention)
                return 0;
        if (class == RETENTION_ORIGINALS)
                return retention->has_originals_seconds ? retention->originals_seconds : 0;
        return retention->has_events_seconds ? retention->events_seconds : 0;
}

/* ---- what waits ----------------------------------------------------------------------------------------------------------- */

/* A delivery that waits, from a place on; of nobody: that place alone. */
typedef struct WaitsParked {
        const char *whose; /* who answers for the person */
        uint64_t from_seq;
} WaitsParked;

/* An entry that is named by something that is open. Whose number its events were said under may have come apart from who answered for it
 * then, so these are found from what names them, not from the persons in the entry. */
typedef struct WaitsNamed {
        uint64_t seq;
        uint64_t hold;
} WaitsNamed;

struct RetentionWaits {
        StateTxn *txn;
        Arena *arena;
        WaitsParked **parked;
        size_t n_parked;
        char **glasses; /* who answers for those whose glass was broken */
        size_t n_glasses;
        Buffer named; /* WaitsNamed, in order */
};

RetentionWaits *retention_waits_free(RetentionWaits *waits) {
        if (!waits)
                return NULL;
        buffer_deinit(&waits->named);
        free(waits);
        return NULL;
}

/* What a retry published is in the entry that it took it from: whoever decides on the rest of that one later is no word on it. */
static int name(RetentionWaits *waits, uint64_t seq, RetentionHold hold) {
        const ArenaMark mark = arena_mark(waits->arena);
        WaitsNamed named = { .seq = seq, .hold = hold };
        Outcome *outcome;
        int r = outcome_read(waits->txn, seq, waits->arena, &outcome);

        buffer_append(&waits->named, &named, sizeof(named));
        if (r == 0 && outcome->has_republishes) {
                named.seq = outcome->republishes;
                buffer_append(&waits->named, &named, sizeof(named));
        }
        arena_rewind(waits->arena, mark);
        if (r != 0 && r != RECORD_E_NOT_FOUND)
                return error_fold(r);
        return waits->named.error;
}

/* "<seq>.<index>" */
static int name_event(RetentionWaits *waits, const char *event_id, RetentionHold hold) {
        return event_id ? name(waits, strtoull(event_id, NULL, 10), hold) : 0;
}

static int name_events(RetentionWaits *waits, const char *const *event_ids, size_t n, RetentionHold hold) {
        int r = 0;

        for (size_t i = 0; r == 0 && i < n; i++)
                r = name_event(waits, event_ids[i], hold);
        return r;
}

static int named_compare(const void *a, const void *b) {
        const WaitsNamed *first = a, *second = b;

        if (first->seq != second->seq)
                return first->seq < second->seq ? -1 : 1;
        return first->hold < second->hold ? -1 : first->hold > second->hold;
}

/* The first reason to keep it. */
static RetentionHold named_find(const RetentionWaits *waits, uint64_t seq) {
        const WaitsNamed *list = (const WaitsNamed *)(const void *)waits->named.data;
        size_t low = 0, high = waits->named.size / sizeof(*list);

        while (low < high) {
                const size_t middle = low + (high - low) / 2;

                if (list[middle].seq < seq)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low < waits->named.size / sizeof(*list) && list[low].seq == seq ? (RetentionHold)list[low].hold
                                                                               : RETENTION_MAY_GO;
}

/* Somebody who is nobody any more answers for themselves. */
static int who_answers(StateTxn *txn, const char *patient_id, Arena *arena, char **ret) {
        int r = identity_resolve(txn, patient_id, arena, ret);

        if (r != RECORD_E_NOT_FOUND)
                return error_fold(r);
        *ret = arena_text(arena, patient_id, strlen(patient_id));
        return *ret ? 0 : -ENOMEM;
}

/* Places of the index of a person's events, from one on. */
typedef struct WaitsPlaces {
        RetentionWaits *waits;
        uint64_t from;
        RetentionHold hold;
} WaitsPlaces;

static int place_of_person(Bytes key, Bytes value, void *owner) {
        const WaitsPlaces *places = owner;
        uint64_t seq;

        (void)value;
        if (key.size < sizeof(uint64_t) + sizeof(uint32_t))
                return -EBADMSG;
        seq = load_be64(key.data + key.size - sizeof(uint64_t) - sizeof(uint32_t));
        return seq < places->from ? 0 : name(places->waits, seq, places->hold);
}

static int name_places(const WaitsPlaces *places, const char *patient_id) {
        StateKey prefix = state_key_person(patient_id);

        return prefix.error
                       ?: state_walk(places->waits->txn, STATE_PATIENT_SEQ, state_key_all(&prefix),
                                     state_key_all(&prefix), place_of_person, (void *)(uintptr_t)places);
}

/* All that was said of who is one with somebody, so that what a retry took out of an entry that had nobody is found there. */
static int name_person(const WaitsPlaces *places, const char *patient_id) {
        size_t n = 0;
        char **ids;
        int r = identity_members(places->waits->txn, patient_id, places->waits->arena, &ids, &n);

        if (r == RECORD_E_NOT_FOUND)
                return name_places(places, patient_id);
        for (size_t i = 0; r == 0 && i < n; i++)
                r = name_places(places, ids[i]);
        return r;
}

static int parked_note(RetentionWaits *waits, const Unresolved *parked) {
        WaitsParked *one = arena_alloc(waits->arena, sizeof(*one));
        char *whose = NULL;
        int r = 0;

        if (!one)
                return -ENOMEM;
        if (parked->n_patient_ids > 0)
                r = who_answers(waits->txn, parked->patient_ids[0], waits->arena, &whose);
        if (r == 0 && whose)
                r = name_person(&(WaitsPlaces){ .waits = waits, .from = parked->seq, .hold = RETENTION_PARKED }, whose);
        *one = (WaitsParked){ .whose = whose, .from_seq = parked->seq };
        return r ?: list_append((void ***)&waits->parked, &waits->n_parked, one, waits->arena);
}

static int quarantine_note(RetentionWaits *waits, const Unresolved *item) {
        return item->compared_with > 0 ? name(waits, item->compared_with, RETENTION_QUARANTINE) : 0;
}

static int review_note(RetentionWaits *waits, const Unresolved *review) {
        int r = name_events(waits, review->event_ids, review->n_event_ids, RETENTION_REVIEW);

        for (size_t i = 0; r == 0 && i < review->n_patient_ids; i++)
                r = name_places(&(WaitsPlaces){ .waits = waits, .hold = RETENTION_REVIEW }, review->patient_ids[i]);
        return r;
}

static int conflict_note(RetentionWaits *waits, const Unresolved *conflict) {
        int r = name_event(waits, conflict->id, RETENTION_CONFLICT);

        return r ?: name_events(waits, conflict->event_ids, conflict->n_event_ids, RETENTION_CONFLICT);
}

static int glass_note(RetentionWaits *waits, const Unresolved *glass) {
        char *whose;
        int r = 0;

        for (size_t i = 0; r == 0 && i < glass->n_patient_ids; i++) {
                r = who_answers(waits->txn, glass->patient_ids[i], waits->arena, &whose);
                r = r ?: name_person(&(WaitsPlaces){ .waits = waits, .hold = RETENTION_GLASS }, whose);
                r = r ?: list_append((void ***)&waits->glasses, &waits->n_glasses, whose, waits->arena);
        }
        return r;
}

static int unresolved_note(const Unresolved *one, void *owner) {
        static int (*const notes[_UNRESOLVED_KIND_MAX])(RetentionWaits * waits, const Unresolved *one) = {
                [UNRESOLVED_QUARANTINE] = quarantine_note, [UNRESOLVED_PARKED] = parked_note,
                [UNRESOLVED_REVIEW] = review_note,         [UNRESOLVED_CONFLICT] = conflict_note,
                [UNRESOLVED_GLASS] = glass_note,
        };

        return notes[one->kind](owner, one);
}

static int decisions_see(RetentionWaits *waits, Bytes value) {
        Carebus__V1__StoredSection *section;
        int r = message_unpack(&carebus__v1__stored_section__descriptor, value, waits->arena,
                               (ProtobufCMessage **)&section);

        for (size_t i = 0; r == 0 && i < section->n_facts; i++) {
                const Carebus__V1__Fact *fact = section->facts[i]->fact;

                if (!fact || !text_equal(fact->status, "current"))
                        continue;
                r = name_event(waits, fact->event_id, RETENTION_DECISION);
                r = r ?: name_event(waits, fact->confirmed_event_id, RETENTION_DECISION);
                r = r ?: name_events(waits, (const char *const *)fact->history, fact->n_history, RETENTION_DECISION);
        }
        return r;
}

/* Of most sections the name is all that is looked at. Claims of a fact stand under another key, and say no more than the fact. */
static int section_seen(Bytes key, Bytes value, void *owner) {
        RetentionWaits *waits = owner;
        const ArenaMark mark = arena_mark(waits->arena);
        const size_t n_id = strnlen((const char *)key.data, key.size) + 1;
        const Bytes section = n_id < key.size ? bytes_of(key.data + n_id, key.size - n_id) : BYTES_NULL;
        int r = 0;

        if (key.size > 0 && key.data[0] == '~')
                return 0;
        if (section.size > strlen(SECTION_DECISIONS "/") &&
            memcmp(section.data, SECTION_DECISIONS "/", strlen(SECTION_DECISIONS "/")) == 0)
                r = decisions_see(waits, value);
        else
                r = unresolved_in_section(key, value, waits->arena, unresolved_note, waits);
        arena_rewind(waits->arena, mark);
        return r;
}

int retention_waits_read(StateTxn *txn, Arena *arena, RetentionWaits **ret) {
        _cleanup_(retention_waits_freep) RetentionWaits *waits = calloc(1, sizeof(*waits));
        int r;

        if (!waits)
                return -ENOMEM;
        *waits = (RetentionWaits){ .txn = txn, .arena = arena, .named = BUFFER_NULL };
        r = unresolved_walk(txn, unresolved_note, waits);
        r = r ?: state_walk(txn, STATE_SECTION, BYTES_NULL, BYTES_NULL, section_seen, waits);
        if (r)
                return error_fold(r);
        if (waits->named.size > 0)
                qsort(waits->named.data, waits->named.size / sizeof(WaitsNamed), sizeof(WaitsNamed), named_compare);
        *ret = TAKE_PTR(waits);
        return 0;
}

/* ---- one entry ------------------------------------------------------------------------------------------------------------ */

/* What is known of the entry: its own outcome, that of the one it repeats, that of the one in which it was read again. */
typedef struct Asked {
        const RetentionQuestion *question;
        uint64_t seq;
        Outcome *outcomes[3];
        size_t n_outcomes;
        uint64_t last; /* the newest number under which anything of it is published */
        RetentionHold hold;
} Asked;

static int outcome_add(Asked *asked, uint64_t seq) {
        Outcome *outcome;
        int r = outcome_read(asked->question->txn, seq, asked->question->arena, &outcome);

        if (r == RECORD_E_NOT_FOUND)
                return 0;
        if (r)
                return error_fold(r);
        asked->outcomes[asked->n_outcomes++] = outcome;
        asked->last = MAX(asked->last, seq);
        return 0;
}

static bool is_open(const Asked *asked, uint64_t seq) {
        StateKey key = state_key_seq(seq);
        Bytes value;

        return state_get(asked->question->txn, STATE_QUARANTINE, state_key_all(&key), &value) != STATE_E_NOT_FOUND;
}

/* An item may wait although some of its entry is in use, or although it was read again in part. */
static bool is_in_quarantine(const Asked *asked) {
        const Outcome *own = asked->outcomes[0];

        if ((own->quarantined && !own->resolution) || (own->n_held > 0 && !own->resolution))
                return true;
        for (size_t i = 0; i < asked->n_outcomes; i++)
                if (is_open(asked, asked->outcomes[i]->seq) ||
                    (asked->outcomes[i]->has_about_seq && is_open(asked, asked->outcomes[i]->about_seq)))
                        return true;
        return false;
}

static bool is_parked(const Asked *asked, const char *whose) {
        const RetentionWaits *waits = asked->question->waits;

        for (size_t i = 0; i < waits->n_parked; i++) {
                const WaitsParked *parked = waits->parked[i];

                if (parked->whose ? text_equal(parked->whose, whose) && asked->last >= parked->from_seq
                                  : asked->seq == parked->from_seq || asked->last == parked->from_seq)
                        return true;
        }
        return false;
}

static RetentionHold named_by(const Asked *asked) {
        RetentionHold hold = RETENTION_MAY_GO;

        for (size_t i = 0; i < asked->n_outcomes && hold == RETENTION_MAY_GO; i++)
                hold = named_find(asked->question->waits, asked->outcomes[i]->seq);
        return hold;
}

static int aside_seen(Bytes key, Bytes value, void *owner) {
        (void)key;
        (void)value;
        (void)owner;
        return 1;
}

static int look_at_aside(Asked *asked, const char *patient_id) {
        StateKey prefix = state_key_person(patient_id);
        int r = prefix.error;

        r = r
                    ?: state_walk(asked->question->txn, STATE_ASIDE, state_key_all(&prefix), state_key_all(&prefix),
                                  aside_seen, NULL);
        if (r == 1)
                asked->hold = RETENTION_ASIDE;
        return r == 1 ? 0 : error_fold(r);
}

/* One of those who are one. */
static int look_at_member(Asked *asked, const char *patient_id) {
        Person *person;
        int r = person_read(asked->question->txn, patient_id, asked->question->arena, &person);

        if (r)
                return r == RECORD_E_NOT_FOUND ? 0 : error_fold(r);
        if (person->n_review_ids > 0) {
                asked->hold = RETENTION_REVIEW;
                return 0;
        }
        return asked->question->class == RETENTION_EVENTS ? look_at_aside(asked, patient_id) : 0;
}

static int look_at_person(Asked *asked, const char *patient_id) {
        const RetentionWaits *waits = asked->question->waits;
        size_t n = 0;
        char **ids, *whose;
        int r = who_answers(asked->question->txn, patient_id, asked->question->arena, &whose);

        if (r < 0)
                return r;
        if (is_parked(asked, whose)) {
                asked->hold = RETENTION_PARKED;
                return 0;
        }
        for (size_t i = 0; i < waits->n_glasses; i++)
                if (text_equal(waits->glasses[i], whose)) {
                        asked->hold = RETENTION_GLASS;
                        return 0;
                }
        r = identity_members(asked->question->txn, patient_id, asked->question->arena, &ids, &n);
        if (r)
                return r == RECORD_E_NOT_FOUND ? 0 : error_fold(r);
        for (size_t i = 0; r == 0 && i < n && asked->hold == RETENTION_MAY_GO; i++)
                r = look_at_member(asked, ids[i]);
        return r;
}

static int look_at_persons(Asked *asked) {
        int r = 0;

        if (is_parked(asked, NULL))
                asked->hold = RETENTION_PARKED;
        for (size_t i = 0; i < asked->n_outcomes; i++) {
                const Outcome *outcome = asked->outcomes[i];

                for (size_t j = 0; r == 0 && j < outcome->n_patient_ids && asked->hold == RETENTION_MAY_GO; j++)
                        if (outcome->patient_ids[j][0] &&
                            (j == 0 || !text_equal(outcome->patient_ids[j], outcome->patient_ids[j - 1])))
                                r = look_at_person(asked, outcome->patient_ids[j]);
        }
        return r;
}

static bool has_nothing(const Outcome *own, RetentionClass class) {
        return !text_equal(own->kind, "submission") || own->has_expired_by ||
               (class == RETENTION_ORIGINALS && own->has_original_gone_by);
}

static int look(Asked *asked) {
        const RetentionQuestion *question = asked->question;
        const Outcome *own = asked->outcomes[0];
        int r = 0;

        if (has_nothing(own, question->class)) {
                asked->hold = RETENTION_NOTHING;
                return 0;
        }
        if (own->has_duplicate_of)
                r = outcome_add(asked, own->duplicate_of);
        if (r == 0 && own->has_resolved_by)
                r = outcome_add(asked, own->resolved_by);
        if (r < 0)
                return r;
        if (is_in_quarantine(asked)) {
                asked->hold = RETENTION_QUARANTINE;
                return 0;
        }
        asked->hold = named_by(asked);
        if (asked->hold != RETENTION_MAY_GO)
                return 0;
        r = look_at_persons(asked);
        if (r == 0 && asked->hold == RETENTION_MAY_GO && question->class == RETENTION_EVENTS &&
            asked->last > question->delivered)
                asked->hold = RETENTION_UNDELIVERED;
        return r;
}

/* By the rule of who is not followed nothing but this counts. */
static int look_at_scope(Asked *asked) {
        int r = scope_may_expire(asked->question->txn, asked->seq, asked->question->arena);

        if (r < 0)
                return r;
        asked->hold = RETENTION_NOTHING;
        if (r > 0)
                asked->hold = RETENTION_MAY_GO;
        else if (asked->outcomes[0]->quarantined && !asked->outcomes[0]->resolution)
                asked->hold = RETENTION_QUARANTINE;
        return 0;
}

int retention_hold(const RetentionQuestion *question, uint64_t seq, RetentionHold *ret, int64_t *ret_received_at) {
        Asked asked = { .question = question, .seq = seq, .last = seq, .hold = RETENTION_MAY_GO };
        const ArenaMark mark = arena_mark(question->arena);
        int r = outcome_add(&asked, seq);

        if (r == 0 && asked.n_outcomes == 0)
                asked.hold = RETENTION_NOTHING;
        else if (r == 0)
                r = question->class == RETENTION_NOT_FOLLOWED ? look_at_scope(&asked) : look(&asked);
        if (r == 0 && ret_received_at)
                *ret_received_at = asked.n_outcomes > 0 ? asked.outcomes[0]->received_at : 0;
        arena_rewind(question->arena, mark);
        if (r == 0)
                *ret = asked.hold;
        return r;
}

/* ---- who reads ------------------------------------------------------------------------------------------------------------ */

typedef struct Furthest {
        StateTxn *txn;
        uint64_t seq;
        char *name;
} Furthest;

static int place_seen(const ReaderPlace *place, void *owner) {
        Furthest *furthest = owner;
        int r = 0;

        if (!place->records && place->seq < furthest->seq)
                r = forgotten_place(furthest->txn, place);
        if (r != 0 || place->records || place->seq >= furthest->seq)
                return MIN(r, 0);
        furthest->seq = place->seq;
        snprintf(furthest->name, RETENTION_READER_SIZE, "%s/%s", place->team, place->name);
        return 0;
}

int retention_delivered(StateTxn *txn, const char *cursors_path, uint64_t *ret_seq,
                        char ret_name[RETENTION_READER_SIZE]) {
        Furthest furthest = { .txn = txn, .seq = UINT64_MAX, .name = ret_name };
        int r;

        ret_name[0] = '\0';
        r = reader_places_read(cursors_path, place_seen, &furthest);
        if (r == 0)
                *ret_seq = furthest.seq;
        return r;
}

/* ---- the original --------------------------------------------------------------------------------------------------------- */

/* The field of that number and of length-prefixed bytes within [*from, *from + *size): 0 with its inside and where its tag lies. */
static int inside(const uint8_t *data, size_t size, uint32_t number, Bytes *ret, size_t *ret_tag) {
        size_t offset = 0, tag = 0;
        WireField field;
        int r;

        while ((r = wire_field_next(bytes_of(data, size), &offset, &field)) == 0) {
                if (field.number == number && field.wire_type == 2) {
                        *ret = field.bytes;
                        *ret_tag = tag;
                        return 0;
                }
                tag = offset;
        }
        return r == -ENODATA ? r : -EBADMSG;
}

int retention_take_original(uint8_t *payload, size_t size) {
        enum { ENTRY_SUBMISSION = 1, SUBMISSION_ORIGINAL = 6, ORIGINAL_DATA = 1, ORIGINAL_GONE = 15 };
        enum { TAG_DATA = ORIGINAL_DATA << 3 | 2, TAG_GONE = ORIGINAL_GONE << 3 | 2 };
        Bytes submission, original, data;
        size_t tag;
        int r = inside(payload, size, ENTRY_SUBMISSION, &submission, &tag);

        r = r ?: inside(submission.data, submission.size, SUBMISSION_ORIGINAL, &original, &tag);
        r = r ?: inside(original.data, original.size, ORIGINAL_DATA, &data, &tag);
        if (r < 0)
                return r;
        if (original.data[tag] != TAG_DATA)
                return -EBADMSG;
        payload[original.data - payload + (ptrdiff_t)tag] = TAG_GONE;
        memset(payload + (data.data - payload), 0, data.size);
        return 0;
}
