#include "daemon/stage/moves.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "daemon/identity/evidence.h"
#include "daemon/identity/ties.h"
#include "daemon/record/belongs.h"
#include "daemon/record/body.h"
#include "daemon/record/stamp.h"

#define NOBODY ((size_t)-1)

typedef Carebus__V1__Person Person;
typedef Carebus__V1__FactMove FactMove;
typedef Carebus__V1__Identifier Identifier;

/* ---- what was said --------------------------------------------------------------------------------------------------------- */

static bool numbers_equal(const Identifier *a, const Identifier *b) {
        return a == b || (a && b && identifier_same(a, b));
}

bool moves_are_of_same(const FactMove *a, const FactMove *b) {
        return text_equal(a->source, b->source) && numbers_equal(a->encounter_id, b->encounter_id) &&
               numbers_equal(a->identifier, b->identifier) && text_equal(a->fact, b->fact) && !a->now == !b->now;
}

static int side_add(Person *person, const Person *other, bool away, const FactMove *what, Arena *arena,
                    bool *ret_changed) {
        FactMove *move;
        size_t i = 0;

        for (; i < person->n_said_moves; i++) {
                const FactMove *known = person->said_moves[i];
                int order = stamp_compare(known->stamp, what->stamp);

                if (order == 0 && moves_are_of_same(known, what) && known->away == away &&
                    strcmp(known->patient_id, other->patient_id) == 0)
                        return 0;
                if (order > 0)
                        break;
        }
        move = message_shallow_copy(&what->base, arena);
        if (!move || list_append((void ***)&person->said_moves, &person->n_said_moves, move, arena) < 0)
                return -ENOMEM;
        move->patient_id = other->patient_id;
        move->has_away = 1;
        move->away = away;
        memmove(&person->said_moves[i + 1], &person->said_moves[i],
                (person->n_said_moves - i - 1) * sizeof(*person->said_moves));
        person->said_moves[i] = move;
        *ret_changed = true;
        return 0;
}

int moves_say(Person *from, Person *to, const FactMove *what, Arena *arena, bool *ret_changed) {
        int r;

        *ret_changed = false;
        r = side_add(from, to, /* away= */ true, what, arena, ret_changed);
        if (r == 0 && from != to)
                r = side_add(to, from, /* away= */ false, what, arena, ret_changed);
        return r;
}

/* ---- what it comes to ------------------------------------------------------------------------------------------------------ */

/* One statement, once. */
typedef struct Step {
        size_t from;
        size_t to;
        const FactMove *move;
        bool void_; /* taken back, or a later merge of the number says otherwise */
        bool done;  /* its kind has been settled */
} Step;

typedef struct Settling {
        Person *const *persons;
        size_t n_persons;
        const size_t *answers;
        Step *steps; /* in the order in which they were said */
        size_t n_steps;
        Arena *arena;
} Settling;

static size_t person_index(const Settling *s, const char *patient_id) {
        for (size_t i = 0; i < s->n_persons; i++)
                if (strcmp(s->persons[i]->patient_id, patient_id) == 0)
                        return i;
        return NOBODY;
}

static int step_order(const void *a, const void *b) {
        const Step *x = a, *y = b;
        int order = stamp_compare(x->move->stamp, y->move->stamp);

        order = order ?: (x->from > y->from) - (x->from < y->from);
        return order ?: (x->to > y->to) - (x->to < y->to);
}

/* A merge of the number, said later than that it was moved, says whose it is now. */
static bool is_merged_later(const Person *person, const FactMove *move) {
        for (size_t i = 0; move->identifier && i < person->n_ties; i++) {
                const Carebus__V1__Tie *tie = person->ties[i];

                if (tie->kind == CAREBUS__V1__TIE__KIND__KIND_MERGE && tie->retires && tie_counts(tie) &&
                    stamp_compare(tie->stamp, move->stamp) > 0)
                        return true;
        }
        return false;
}

static bool is_taken_back(const Settling *s, const Step *step) {
        for (const Step *later = step + 1; later < s->steps + s->n_steps; later++)
                if (later->move->undone && later->from == step->from && later->to == step->to &&
                    moves_are_of_same(later->move, step->move))
                        return true;
        return false;
}

static int steps_gather(Settling *s) {
        size_t n = 0;

        for (size_t i = 0; i < s->n_persons; i++)
                n += s->persons[i]->n_said_moves;
        s->steps = arena_alloc(s->arena, (n + 1) * sizeof(*s->steps));
        if (!s->steps)
                return -ENOMEM;
        for (size_t i = 0; i < s->n_persons; i++)
                for (size_t j = 0; j < s->persons[i]->n_said_moves; j++) {
                        const FactMove *move = s->persons[i]->said_moves[j];
                        size_t to = person_index(s, move->patient_id);

                        if (move->away && !move->now && to != NOBODY)
                                s->steps[s->n_steps++] = (Step){ .from = i, .to = to, .move = move };
                }
        if (s->n_steps > 0)
                qsort(s->steps, s->n_steps, sizeof(*s->steps), step_order);
        for (size_t i = 0; i < s->n_steps; i++) {
                Step *step = &s->steps[i];

                step->void_ = step->move->undone || is_merged_later(s->persons[step->from], step->move) ||
                              is_taken_back(s, step);
        }
        return 0;
}

static int side_emit(const Settling *s, size_t person, size_t other, bool away, const FactMove *template) {
        FactMove *move = message_shallow_copy(&template->base, s->arena);

        if (!move)
                return -ENOMEM;
        move->patient_id = s->persons[other]->patient_id;
        move->has_away = 1;
        move->away = away;
        return list_append((void ***)&s->persons[person]->moves, &s->persons[person]->n_moves, move, s->arena);
}

/* What comes back to where it was said is told too: it counts against older moves of more. */
static int emit(const Settling *s, size_t home, size_t to, const FactMove *template) {
        int r = side_emit(s, home, to, /* away= */ true, template);

        return r || home == to ? r : side_emit(s, to, home, /* away= */ false, template);
}

static const Identifier *stay_now(const Settling *s, const FactMove *move) {
        return stay_number(s->persons, s->n_persons, move->source, move->encounter_id);
}

static bool is_of_stay(const Settling *s, const FactMove *move, const FactMove *of) {
        return move->encounter_id && text_equal(move->source, of->source) &&
               identifier_same(stay_now(s, move), stay_now(s, of));
}

/* Has everything that was said at this home gone with its only number? */
static bool takes_all(const Settling *s, const Step *step) {
        const Person *home = s->persons[step->from];
        size_t n_local = 0;

        if (!step->move->identifier)
                return false;
        for (size_t i = 0; i < home->n_identifiers; i++)
                n_local += identifier_use(home->identifiers[i]->identifier) == IDENTIFIER_LOCAL;
        return n_local == 1;
}

/* Where the facts of one home about a stay have come to; *ret_last: the statement that took them there, NULL: none. */
static size_t stay_follow(const Settling *s, size_t home, const FactMove *stay, const FactMove **ret_last) {
        size_t now = home;

        *ret_last = NULL;
        for (size_t i = 0; i < s->n_steps; i++) {
                const Step *step = &s->steps[i];

                if (step->void_)
                        continue;
                if (step->from == home && (!*ret_last || now == home) && takes_all(s, step))
                        now = step->to;
                else if (is_of_stay(s, step->move, stay) && s->answers[now] == s->answers[step->from]) {
                        now = step->to;
                        *ret_last = step->move;
                }
        }
        return now;
}

/* Every number under which the stay is known, once. */
static int stay_numbers(const Settling *s, const FactMove *stay, Identifier ***ret, size_t *ret_n) {
        *ret = NULL;
        *ret_n = 0;
        for (size_t i = 0; i < s->n_persons; i++)
                for (size_t j = 0; j < s->persons[i]->n_said_moves; j++) {
                        const FactMove *move = s->persons[i]->said_moves[j];
                        Identifier *const both[] = { move->encounter_id, move->now };

                        if (!is_of_stay(s, move, stay))
                                continue;
                        for (size_t k = 0; k < ELEMENTSOF(both); k++) {
                                bool known = !both[k];

                                for (size_t l = 0; l < *ret_n && !known; l++)
                                        known = identifier_same((*ret)[l], both[k]);
                                if (!known && list_append((void ***)ret, ret_n, both[k], s->arena) < 0)
                                        return -ENOMEM;
                        }
                }
        return 0;
}

static int stay_settle(const Settling *s, const FactMove *stay) {
        Identifier **numbers;
        size_t n_numbers;
        int r;

        r = stay_numbers(s, stay, &numbers, &n_numbers);
        for (size_t home = 0; r == 0 && home < s->n_persons; home++) {
                const FactMove *last;
                size_t to = stay_follow(s, home, stay, &last);

                for (size_t i = 0; r == 0 && last && i < n_numbers; i++) {
                        FactMove template = *last;

                        template.encounter_id = numbers[i];
                        r = emit(s, home, to, &template);
                }
        }
        return r;
}

/* Of a number, or of one fact, which stand in one place: the last word counts. */
static int place_settle(const Settling *s, const Step *first) {
        const Step *last = NULL;

        for (const Step *step = first; step < s->steps + s->n_steps; step++)
                if (!step->void_ && step->from == first->from && moves_are_of_same(step->move, first->move))
                        last = step;
        return last ? emit(s, last->from, last->to, last->move) : 0;
}

static int steps_settle(Settling *s) {
        for (size_t i = 0; i < s->n_steps; i++) {
                const Step *first = &s->steps[i];
                int r;

                if (first->done)
                        continue;
                for (size_t j = i; j < s->n_steps; j++) {
                        Step *same = &s->steps[j];

                        same->done = same->done ||
                                     (first->move->encounter_id ? is_of_stay(s, same->move, first->move)
                                                                : same->from == first->from &&
                                                                          moves_are_of_same(same->move, first->move));
                }
                r = first->move->encounter_id ? stay_settle(s, first->move) : place_settle(s, first);
                if (r)
                        return r;
        }
        return 0;
}

/* ---- what is of either ----------------------------------------------------------------------------------------------------- */

static int doubt_add(const Settling *s, Person *person, const Carebus__V1__Doubt *like) {
        Carebus__V1__Doubt *doubt = message_shallow_copy(&like->base, s->arena);

        return doubt ? list_append((void ***)&person->doubts, &person->n_doubts, doubt, s->arena) : -ENOMEM;
}

/* One step on: into whom this one was merged before the doubt ended. NOBODY where the tie leads nowhere; *ret is since when there. */
static size_t doubt_step(const Settling *s, const Carebus__V1__Tie *tie, const Carebus__V1__Doubt *like,
                         Carebus__V1__Stamp *since, Carebus__V1__Stamp **ret) {
        if (tie->kind != CAREBUS__V1__TIE__KIND__KIND_MERGE || !tie->retires || !tie_counts(tie) ||
            strcmp(tie->patient_id, like->patient_id) == 0 || stamp_compare(tie->stamp, like->until) >= 0)
                return NOBODY;
        *ret = stamp_compare(since, tie->stamp) < 0 ? tie->stamp : since;
        return person_index(s, tie->patient_id);
}

/* Who survived may have been merged into another since, under whose number the source went on. Merges may go in circles and meet again by
 * many ways: of each person the earliest moment counts, and it is looked for until none is earlier. */
static int doubt_carry(const Settling *s, const Person *survivor, const Carebus__V1__Doubt *like) {
        Carebus__V1__Stamp **since = arena_alloc(s->arena, s->n_persons * sizeof(*since));
        bool more = true;
        int r = 0;

        if (!since)
                return -ENOMEM;
        memset(since, 0, s->n_persons * sizeof(*since));
        since[person_index(s, survivor->patient_id)] = like->since;
        while (more) {
                more = false;
                for (size_t i = 0; i < s->n_persons; i++)
                        for (size_t j = 0; since[i] && j < s->persons[i]->n_ties; j++) {
                                Carebus__V1__Stamp *there;
                                size_t into = doubt_step(s, s->persons[i]->ties[j], like, since[i], &there);

                                if (into == NOBODY || (since[into] && stamp_compare(there, since[into]) >= 0))
                                        continue;
                                since[into] = there;
                                more = true;
                        }
        }
        for (size_t i = 0; r == 0 && i < s->n_persons; i++)
                if (since[i]) {
                        Carebus__V1__Doubt doubt = *like;

                        doubt.since = since[i];
                        r = doubt_add(s, s->persons[i], &doubt);
                }
        return r;
}

/* Between each merge and its undoing; a merge that holds again leaves no doubt, nor do two who are one by something else. */
static int tie_doubts(const Settling *s, size_t index, const Carebus__V1__Tie *tie) {
        const Carebus__V1__TieSaid *since = NULL;
        size_t other = person_index(s, tie->patient_id);
        Person *survivor = s->persons[index];
        int r = 0;

        if (other != NOBODY && s->answers[other] == s->answers[index])
                return 0;
        if (tie->kind != CAREBUS__V1__TIE__KIND__KIND_MERGE || !tie->undone)
                return 0;
        for (size_t i = 0; r == 0 && i < tie->n_said; i++) {
                const Carebus__V1__TieSaid *said = tie->said[i];
                Carebus__V1__Doubt doubt = CAREBUS__V1__DOUBT__INIT;

                if (!said->undone) {
                        since = said->retires ? NULL : since ?: said;
                        continue;
                }
                doubt.patient_id = tie->patient_id;
                doubt.until = said->stamp;
                if (since) {
                        doubt.source = since->source;
                        doubt.since = since->stamp;
                        r = doubt_carry(s, survivor, &doubt);
                }
                since = NULL;
        }
        return r;
}

int moves_settle(Person *const *persons, size_t n_persons, const size_t *answers, Arena *arena) {
        Settling s = { .persons = persons, .n_persons = n_persons, .answers = answers, .arena = arena };
        int r;

        for (size_t i = 0; i < n_persons; i++) {
                persons[i]->moves = NULL;
                persons[i]->doubts = NULL;
                persons[i]->n_moves = persons[i]->n_doubts = 0;
        }
        r = steps_gather(&s);
        if (r == 0 && s.n_steps > 0)
                r = steps_settle(&s);
        for (size_t i = 0; r == 0 && i < n_persons; i++)
                for (size_t j = 0; r == 0 && j < persons[i]->n_ties; j++)
                        r = tie_doubts(&s, i, persons[i]->ties[j]);
        return r;
}
