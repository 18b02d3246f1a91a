/* Who shares a block is compared, group with group; the best of them, if nobody else is near, is the same human being. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "daemon/identity/evidence.h"
#include "daemon/identity/ties.h"
#include "daemon/record/keys.h"
#include "daemon/stage/identify.h"
#include "daemon/stage/join.h"
#include "daemon/stage/match.h"
#include "daemon/stage/review.h"
#include "daemon/store/state-keys.h"

/* One who was found may lead to another: so often in a row. */
#define ROUNDS_MAX 8
/* So much likelier than what somebody saw who decided that they are two: four times. */
#define MATERIAL 2000

typedef Carebus__V1__Person Person;
typedef Carebus__V1__Trait Trait;

typedef struct Group {
        Person **members; /* who answers first */
        size_t n_members;
        MatchResult result;            /* with whom they are candidates for */
        bool of_same_source;           /* a source has numbers on both sides: that is its own business */
        const Carebus__V1__Tie *apart; /* somebody decided that they are two */
} Group;

typedef struct Search {
        FoldWork *work;
        Group self;
        Group *candidates; /* the likeliest first */
        size_t n_candidates, room;
} Search;

/* Who stands in one block. */
typedef struct Block {
        Arena *arena;
        size_t n_prefix, max;
        char **patient_ids;
        size_t n_patient_ids;
} Block;

static int block_seen(Bytes key, Bytes value, void *owner) {
        Block *block = owner;
        char *patient_id;

        (void)value;
        if (block->n_patient_ids >= block->max)
                return 1;
        patient_id = arena_text(block->arena, key.data + block->n_prefix,
                                strnlen((const char *)key.data + block->n_prefix, key.size - block->n_prefix));
        return patient_id ? list_append((void ***)&block->patient_ids, &block->n_patient_ids, patient_id, block->arena)
                          : -ENOMEM;
}

static bool says_anything(const Group *group, const char *source) {
        for (size_t i = 0; i < group->n_members; i++)
                for (size_t j = 0; j < group->members[i]->n_traits; j++)
                        if (text_equal(group->members[i]->traits[j]->source, source))
                                return true;
        return false;
}

static bool share_a_source(const Group *a, const Group *b) {
        for (size_t i = 0; i < a->n_members; i++)
                for (size_t j = 0; j < a->members[i]->n_traits; j++)
                        if (says_anything(b, a->members[i]->traits[j]->source))
                                return true;
        return false;
}

static Group *candidate_room(Search *search) {
        if (search->n_candidates == search->room) {
                size_t room = search->room ? search->room * 2 : 16;
                Group *grown = arena_alloc(search->work->arena, room * sizeof(*grown));

                if (!grown)
                        return NULL;
                if (search->n_candidates > 0)
                        memcpy(grown, search->candidates, search->n_candidates * sizeof(*grown));
                search->candidates = grown;
                search->room = room;
        }
        return &search->candidates[search->n_candidates];
}

static bool is_known(const Search *search, const Person *answering) {
        if (search->self.members[0] == answering)
                return true;
        for (size_t i = 0; i < search->n_candidates; i++)
                if (search->candidates[i].members[0] == answering)
                        return true;
        return false;
}

static int candidate_add(Search *search, const char *patient_id) {
        Person *person, *answering;
        Group *group;
        int r;

        r = work_person(search->work, patient_id, &person);
        if (r)
                return r == STATE_E_NOT_FOUND ? -EBADMSG : r;
        r = identify_answering(search->work, person, &answering);
        if (r || is_known(search, answering))
                return r;
        group = candidate_room(search);
        if (!group)
                return -ENOMEM;
        *group = (Group){};
        r = identify_members(search->work, answering, &group->members, &group->n_members);
        r = r
                    ?: match_groups(search->work, search->self.members, search->self.n_members, group->members,
                                    group->n_members, &group->result);
        if (r)
                return r;
        group->of_same_source = share_a_source(&search->self, group);
        group->apart = match_apart(search->self.members, search->self.n_members, group->members, group->n_members);
        search->n_candidates++;
        return 0;
}

/* Somebody's number became another person's: until that is decided, what it said before speaks for nobody. */
static bool is_overwritten(const Group *group) {
        for (size_t i = 0; i < group->n_members; i++)
                for (size_t j = 0; j < group->members[i]->n_ties; j++)
                        if (group->members[i]->ties[j]->suspended && !group->members[i]->ties[j]->undone)
                                return true;
        return false;
}

/* Everybody of a block, unless it has so many that it tells nothing. */
static int block_search(Search *search, const char *text) {
        StateKey prefix = state_key_block(text, NULL);
        Block block = { .arena = search->work->arena,
                        .n_prefix = prefix.size,
                        .max = match_candidates_max(search->work->fold->rules) };
        int r;

        if (prefix.error < 0)
                return prefix.error;
        r = state_walk(search->work->txn, STATE_BLOCK, state_key_all(&prefix), state_key_all(&prefix), block_seen,
                       &block);
        if (r == 1)
                return 0;
        for (size_t i = 0; r == 0 && i < block.n_patient_ids; i++)
                r = candidate_add(search, block.patient_ids[i]);
        return r;
}

static int by_likelihood(const void *a, const void *b) {
        const Group *x = a, *y = b;

        if (x->result.score != y->result.score)
                return x->result.score > y->result.score ? -1 : 1;
        return id_compare(x->members[0]->patient_id, y->members[0]->patient_id);
}

static int words_search(Search *search, const Person *member) {
        int r = 0;

        for (size_t i = 0; r == 0 && i < member->n_traits; i++) {
                char **blocks;
                size_t n;

                r = match_blocks(search->work->fold->rules, member->traits[i]->matching, search->work->arena, &blocks,
                                 &n);
                for (size_t j = 0; r == 0 && j < n; j++)
                        r = block_search(search, blocks[j]);
        }
        return r;
}

/* Who is said to have the same number, traced or not. */
static int number_search(Search *search, const Carebus__V1__Identifier *number) {
        Carebus__V1__IdentifierHolders *holders;
        int r = identify_holders(search->work, number->system, number->value, &holders);

        if (r)
                return r == STATE_E_NOT_FOUND ? 0 : r;
        for (size_t i = 0; r == 0 && i < holders->n_patient_ids; i++)
                r = candidate_add(search, holders->patient_ids[i]);
        return r;
}

static int numbers_search(Search *search, const Person *member) {
        int r = 0;

        for (size_t i = 0; r == 0 && i < member->n_identifiers; i++)
                if (identifier_use(member->identifiers[i]->identifier) == IDENTIFIER_NATIONAL)
                        r = number_search(search, member->identifiers[i]->identifier);
        return r;
}

/* All who may be one with this person, the likeliest first. */
static int search_begin(Search *search, FoldWork *work, const Person *person) {
        int r;

        *search = (Search){ .work = work };
        r = identify_members(work, person, &search->self.members, &search->self.n_members);
        for (size_t i = 0; r == 0 && i < search->self.n_members; i++) {
                r = words_search(search, search->self.members[i]);
                r = r ?: numbers_search(search, search->self.members[i]);
        }
        if (r == 0 && search->n_candidates > 1)
                qsort(search->candidates, search->n_candidates, sizeof(*search->candidates), by_likelihood);
        return r;
}

/* The score of the likeliest of all others. */
static int32_t rival_of(const Search *search, const Person *best) {
        for (size_t i = 0; i < search->n_candidates; i++)
                if (search->candidates[i].members[0] != best)
                        return search->candidates[i].result.score;
        return INT32_MIN;
}

static int numbers_then(FoldWork *work, const Group *group, uint64_t seq, MatchPerson *ret) {
        Carebus__V1__PersonIdentifier **identifiers = NULL;
        size_t n = 0;
        int r = 0;

        for (size_t i = 0; i < group->n_members; i++)
                for (size_t j = 0; r == 0 && j < group->members[i]->n_identifiers; j++)
                        if (group->members[i]->identifiers[j]->stamp->seq < seq)
                                r = list_append((void ***)&identifiers, &n, group->members[i]->identifiers[j],
                                                work->arena);
        ret->identifiers = identifiers;
        ret->n_identifiers = n;
        return r;
}

/* What had been said of a group by then; all of it as if it still were: a word that was taken back since weighed in full. */
static int words_then(FoldWork *work, const Group *group, uint64_t seq, MatchPerson *ret) {
        Trait **traits = NULL;
        size_t n = 0;

        for (size_t i = 0; i < group->n_members; i++)
                for (size_t j = 0; j < group->members[i]->n_traits; j++) {
                        Trait *then;

                        if (group->members[i]->traits[j]->stamp->seq >= seq)
                                continue;
                        then = message_shallow_copy(&group->members[i]->traits[j]->base, work->arena);
                        if (!then || list_append((void ***)&traits, &n, then, work->arena) < 0)
                                return -ENOMEM;
                        then->has_former = then->former = false;
                }
        *ret = (MatchPerson){ .traits = traits, .n_traits = n };
        return numbers_then(work, group, seq, ret);
}

/* By what was known when somebody decided that they are two. */
static int result_then(FoldWork *work, const Group *self, const Group *group, uint64_t seq, MatchResult *ret) {
        MatchPerson a, b;
        int r;

        r = words_then(work, self, seq, &a);
        r = r ?: words_then(work, group, seq, &b);
        if (r == 0)
                match_compare(work->fold->rules, a, b, ret);
        return r;
}

/* What somebody decided to be two is asked about again only when much more speaks for it. */
static int is_settled(FoldWork *work, const Group *self, const Group *group, bool *ret) {
        MatchResult then;
        int r;

        *ret = false;
        if (!group->apart)
                return 0;
        r = result_then(work, self, group, group->apart->stamp->seq, &then);
        *ret = r == 0 && group->result.score < then.score + MATERIAL;
        return r;
}

static bool has_test_number(const Group *group) {
        for (size_t i = 0; i < group->n_members; i++)
                for (size_t j = 0; j < group->members[i]->n_identifiers; j++)
                        if (group->members[i]->identifiers[j]->identifier->has_status &&
                            group->members[i]->identifiers[j]->identifier->status ==
                                    CAREBUS__V1__IDENTIFIER__STATUS__STATUS_TEST)
                                return true;
        return false;
}

/* The same seen from the other: nobody else may be near to it either. */
static int rival_of_best(FoldWork *work, const Group *self, const Group *best, int32_t *ret) {
        Search search;
        int r;

        r = search_begin(&search, work, best->members[0]);
        if (r == 0)
                *ret = rival_of(&search, self->members[0]);
        return r;
}

/* Whatever the score is, a rule may want a person to look. *ret: NULL, or the reason. */
static int why_not_alone(FoldWork *work, const Said *said, const Group *self, const Group *best, const char **ret) {
        int32_t rival = INT32_MIN;
        int r;

        *ret = NULL;
        if (best->apart)
                *ret = "kept-apart-before";
        else if (is_overwritten(best))
                *ret = "overwritten";
        else if (identify_numbers_forbid(self->members, self->n_members, best->members, best->n_members))
                *ret = "two-verified-numbers";
        else if (has_test_number(self) != has_test_number(best))
                *ret = "test-number";
        else if (self->n_members + best->n_members > TIES_PERSONS_MAX)
                *ret = "too-many-persons";
        else if (review_kind_of(said->event))
                *ret = "event-class";
        if (*ret)
                return 0;
        r = rival_of_best(work, self, best, &rival);
        if (r == 0 && match_decide(work->fold->rules, &best->result, rival, ret) == MATCH_LINK)
                *ret = NULL;
        return r;
}

static MatchPerson words_of(const Person *person) {
        return (MatchPerson){ .traits = person->traits,
                              .n_traits = person->n_traits,
                              .identifiers = person->identifiers,
                              .n_identifiers = person->n_identifiers };
}

/* Which of the group the person is likest to: the tie is with that one, so that undoing another leaves it. */
static Person *likest(FoldWork *work, const Person *person, const Group *group) {
        Person *best = group->members[0];
        int32_t score = INT32_MIN;

        for (size_t i = 0; i < group->n_members; i++) {
                MatchResult result;

                match_compare(work->fold->rules, words_of(person), words_of(group->members[i]), &result);
                if (result.score > score) {
                        score = result.score;
                        best = group->members[i];
                }
        }
        return best;
}

/* A person has to look: at the best, and at all others who may be meant. */
static int search_review(Search *search, const Said *said, const Group *best, const char *reason) {
        ReviewNew review = { .kind = CAREBUS__V1__REVIEW__KIND__KIND_JOIN, .reason = reason, .result = &best->result };
        const char *other;
        char *id;

        review.patient_ids[review.n_patient_ids++] = search->self.members[0]->patient_id;
        review.patient_ids[review.n_patient_ids++] = best->members[0]->patient_id;
        for (size_t i = 0; i < search->n_candidates && review.n_patient_ids < ELEMENTSOF(review.patient_ids); i++) {
                const Group *group = &search->candidates[i];

                if (group == best || group->apart || group->of_same_source != best->of_same_source ||
                    match_decide(search->work->fold->rules, &group->result, INT32_MIN, &other) == MATCH_NONE)
                        continue;
                review.patient_ids[review.n_patient_ids++] = group->members[0]->patient_id;
        }
        return review_open(search->work, said, &review, &id);
}

/* The likeliest of whom nobody decided that they are another, of the source's own or of others. */
static int best_find(Search *search, bool of_same_source, const Group **ret) {
        *ret = NULL;
        for (size_t i = 0; i < search->n_candidates; i++) {
                const Group *group = &search->candidates[i];
                bool settled;
                int r;

                if (group->of_same_source != of_same_source)
                        continue;
                r = is_settled(search->work, &search->self, group, &settled);
                if (r)
                        return r;
                if (!settled) {
                        *ret = group;
                        return 0;
                }
        }
        return 0;
}

/* Two numbers of one source for one person: the source's own business, but somebody should tell it. */
static int same_source_look(Search *search, const Said *said) {
        const Group *best;
        const char *reason;
        int r;

        r = best_find(search, /* of_same_source= */ true, &best);
        if (r || !best || match_decide(search->work->fold->rules, &best->result, INT32_MIN, &reason) != MATCH_LINK)
                return r;
        if (identify_numbers_forbid(search->self.members, search->self.n_members, best->members, best->n_members))
                return 0;
        return search_review(search, said, best, "same-source");
}

/* A source that took them apart again is not overruled by a score. */
static int score_join(FoldWork *work, const Said *said, Person *person, Person *other, bool *ret_joined) {
        const Carebus__V1__Tie *before = tie_find(person, other->patient_id, CAREBUS__V1__TIE__KIND__KIND_MATCH);

        *ret_joined = !before;
        return before ? 0 : join_tie(work, said, person, other, CAREBUS__V1__TIE__KIND__KIND_MATCH, "score");
}

/* *ret_joined: the person is one with somebody more. */
static int look(FoldWork *work, const Said *said, Person *person, bool *ret_joined) {
        const char *reason = NULL, *forbidden = NULL;
        const Group *best;
        MatchVerdict verdict;
        Search search;
        int r;

        *ret_joined = false;
        r = search_begin(&search, work, person);
        if (r || search.n_candidates == 0 || is_overwritten(&search.self))
                return r;
        r = best_find(&search, /* of_same_source= */ false, &best);
        if (r)
                return r;
        verdict = best ? match_decide(work->fold->rules, &best->result, rival_of(&search, best->members[0]), &reason)
                       : MATCH_NONE;
        if (verdict == MATCH_LINK) {
                r = why_not_alone(work, said, &search.self, best, &forbidden);
                if (r == 0 && !forbidden)
                        return score_join(work, said, person, likest(work, person, best), ret_joined);
        }
        if (r == 0 && verdict != MATCH_NONE)
                r = search_review(&search, said, best, forbidden ?: reason);
        return r ?: same_source_look(&search, said);
}

int match_by_score(FoldWork *work, const Said *said, Person *person) {
        bool joined = true;
        int r = 0;

        for (size_t i = 0; r == 0 && joined && i < ROUNDS_MAX; i++)
                r = look(work, said, person, &joined);
        return r ?: review_look_again(work, said, person);
}
