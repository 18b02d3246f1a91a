/* A source's number that has become another person's: typed over, or given away a second time. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "daemon/identity/evidence.h"
#include "daemon/record/keys.h"
#include "daemon/stage/identify.h"
#include "daemon/stage/join.h"
#include "daemon/stage/match.h"
#include "daemon/stage/review.h"
#include "daemon/stage/scope.h"
#include "proto/types.h"

/* Of whom a suspended tie may remind; the review names no more. */
#define FORMER_MAX 7

typedef Carebus__V1__Person Person;

/* What the source said before and says now, side by side. */
static void words_compare(FoldWork *work, const Carebus__V1__Matching *before, const Carebus__V1__Matching *now,
                          MatchResult *ret) {
        Carebus__V1__Trait was = CAREBUS__V1__TRAIT__INIT, is = CAREBUS__V1__TRAIT__INIT, *a = &was, *b = &is;

        was.matching = (Carebus__V1__Matching *)before;
        is.matching = (Carebus__V1__Matching *)now;
        match_compare(work->fold->rules, (MatchPerson){ .traits = &a, .n_traits = 1 },
                      (MatchPerson){ .traits = &b, .n_traits = 1 }, ret);
}

/* Has somebody who is not one with this person the number too? */
static int others_have(FoldWork *work, const Person *person, const Carebus__V1__Identifier *number, bool *ret) {
        Carebus__V1__IdentifierHolders *holders;
        const char *answering = person->merged_into ?: person->patient_id;
        int r;

        *ret = false;
        r = identify_holders(work, number->system, number->value, &holders);
        if (r == STATE_E_NOT_FOUND)
                return 0;
        for (size_t i = 0; r == 0 && i < holders->n_patient_ids && !*ret; i++) {
                Person *holder;

                r = work_person(work, holders->patient_ids[i], &holder);
                *ret = r == 0 && strcmp(holder->merged_into ?: holder->patient_id, answering) != 0;
        }
        return r == STATE_E_NOT_FOUND ? -EBADMSG : r;
}

/* Is the verified number that the source says now another than that of those it was one with, and somebody else's? */
static int number_is_anothers(FoldWork *work, Person *person, bool *ret) {
        const Carebus__V1__PersonIdentifier *kept;
        Person **members, **others;
        size_t n, n_others = 0;
        int r;

        *ret = false;
        r = identify_members(work, person, &members, &n);
        if (r || n < 2)
                return r;
        others = arena_alloc(work->arena, n * sizeof(*others));
        if (!others)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++)
                if (members[i] != person)
                        others[n_others++] = members[i];
        if (!identify_numbers_forbid(&person, 1, others, n_others))
                return 0;
        for (size_t at = 0; r == 0 && !*ret && (kept = identify_verified(person, &at)); at++)
                r = others_have(work, person, kept->identifier, ret);
        return r;
}

/* Those it is tied to now: whoever answers for them once the ties hold no longer is who it may have been. */
static size_t former_list(const Person *person, const char *ret[FORMER_MAX]) {
        size_t n = 0;

        for (size_t i = 0; i < person->n_ties && n < FORMER_MAX; i++)
                if (person->ties[i]->suspended && !person->ties[i]->undone)
                        ret[n++] = person->ties[i]->patient_id;
        return n;
}

static int overwrite_review(FoldWork *work, const Said *said, Person *person, const MatchResult *result,
                            const char *reason) {
        ReviewNew review = { .kind = CAREBUS__V1__REVIEW__KIND__KIND_OVERWRITE,
                             .reason = reason,
                             .patient_ids = { person->patient_id },
                             .n_patient_ids = 1,
                             .result = result,
                             .urgent = true };
        const char *former[FORMER_MAX];
        size_t n = former_list(person, former);
        char *id;

        review.event_ids = (char **)&said->event->event_id;
        review.n_event_ids = 1;
        for (size_t i = 0; i < n; i++) {
                Person *other, *answering;
                bool known = false;
                int r;

                r = work_person(work, former[i], &other);
                r = r ?: identify_answering(work, other, &answering);
                if (r)
                        return r == STATE_E_NOT_FOUND ? -EBADMSG : r;
                for (size_t j = 0; j < review.n_patient_ids && !known; j++)
                        known = strcmp(review.patient_ids[j], answering->patient_id) == 0;
                if (!known)
                        review.patient_ids[review.n_patient_ids++] = answering->patient_id;
        }
        return review_open(work, said, &review, &id);
}

/* Who was one by a number that all of them share was so through this person alone, it may be: the others stay one among themselves. */
static int others_meet(FoldWork *work, const Said *said, const Person *person) {
        for (size_t i = 0; i < person->n_ties; i++) {
                const Carebus__V1__Tie *tie = person->ties[i];
                Person *other;
                int r;

                if (tie->kind != CAREBUS__V1__TIE__KIND__KIND_NUMBER || tie->undone)
                        continue;
                r = work_person(work, tie->patient_id, &other);
                r = r ?: match_by_number(work, said, other);
                if (r)
                        return r == STATE_E_NOT_FOUND ? -EBADMSG : r;
        }
        return 0;
}

int overwrite_look(FoldWork *work, const Said *said, Person *person, const Carebus__V1__Matching *before,
                   bool numbers_changed) {
        bool by_words = before && said->matching && match_is_another(work->fold->rules, before, said->matching);
        bool by_number = false;
        MatchResult result;
        int r = 0;

        if (!by_words && numbers_changed)
                r = number_is_anothers(work, person, &by_number);
        if (r || (!by_words && !by_number))
                return r;
        if (by_words)
                words_compare(work, before, said->matching, &result);
        r = scope_follow(work, person);
        r = r ?: join_suspend(work, said, person, /* suspended= */ true, "overwritten");
        r = r ?: others_meet(work, said, person);
        return r
                       ?: overwrite_review(work, said, person, by_words ? &result : NULL,
                                           by_words ? "another-name-or-birth-date" : "number-of-another");
}

/* Facts that nobody has said anything of since. */
typedef struct Earlier {
        Arena *arena;
        uint64_t seq;
        char **event_ids;
        size_t n_event_ids;
} Earlier;

static int earlier_seen(Bytes key, Bytes value, void *owner) {
        Earlier *earlier = owner;
        Carebus__V1__StoredSection *section;
        size_t n_id = strnlen((const char *)key.data, key.size) + 1;
        char *name;
        int r;

        name = arena_text(earlier->arena, key.data + n_id, strcspn((const char *)key.data + n_id, "/"));
        if (!name)
                return -ENOMEM;
        if (!section_is_known(name))
                return 0;
        r = message_unpack(&carebus__v1__stored_section__descriptor, value, earlier->arena,
                           (ProtobufCMessage **)&section);
        for (size_t i = 0; r == 0 && i < section->n_facts; i++) {
                const Carebus__V1__StoredFact *stored = section->facts[i];

                if (stored->fact->event_id && stored->newest && stored->newest->seq < earlier->seq)
                        r = list_append((void ***)&earlier->event_ids, &earlier->n_event_ids, stored->fact->event_id,
                                        earlier->arena);
        }
        return r;
}

/* Whoever it was one with; where it was with nobody, somebody of their own. */
static int former_person(FoldWork *work, const Carebus__V1__Review *review, Person **ret) {
        char *patient_id;

        if (review->n_patient_ids > 1) {
                int r = work_person(work, review->patient_ids[1], ret);

                return r == STATE_E_NOT_FOUND ? -EBADMSG : r;
        }
        patient_id = id_text("p", work->seq, work->n_events + work->n_persons_made++, work->arena);
        return patient_id ? work_person_make(work, patient_id, ret) : -ENOMEM;
}

/* What was said of who they are goes with the former person. */
static void traits_part(FoldWork *work, Person *person, uint64_t seq) {
        size_t left = 0;

        for (size_t i = 0; i < person->n_traits; i++)
                if (person->traits[i]->stamp->seq >= seq)
                        person->traits[left++] = person->traits[i];
        person->n_traits = left;
        work_person_touch(work, person);
}

int overwrite_part(FoldWork *work, const Said *said, const Carebus__V1__Review *review, Person *person) {
        Earlier earlier = { .arena = work->arena, .seq = strtoull(review->id + 1, NULL, 10) };
        StateKey prefix = state_key_section(person->patient_id, NULL);
        Person *former;
        size_t n;
        int r;

        traits_part(work, person, earlier.seq);
        r = work_store_through(work);
        r = r
                    ?: state_walk(work->txn, STATE_SECTION, state_key_all(&prefix), state_key_all(&prefix),
                                  earlier_seen, &earlier);
        if (r || earlier.n_event_ids == 0)
                return r;
        r = former_person(work, review, &former);
        return r ?: join_assign(work, said, earlier.event_ids, earlier.n_event_ids, &person, 1, former, &n);
}
