#include "daemon/identity/ties.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

#define NOBODY ((size_t)-1)

Carebus__V1__Tie *tie_find(const Carebus__V1__Person *person, const char *patient_id, Carebus__V1__Tie__Kind kind) {
        for (size_t i = 0; i < person->n_ties; i++)
                if (person->ties[i]->kind == kind && strcmp(person->ties[i]->patient_id, patient_id) == 0)
                        return person->ties[i];
        return NULL;
}

/* A merge, seen from who it retires. */
typedef struct Retirement {
        size_t retired;
        size_t survivor;
        const Carebus__V1__Stamp *stamp;
} Retirement;

static size_t person_index(Carebus__V1__Person *const *persons, size_t n_persons, const char *patient_id) {
        for (size_t i = 0; i < n_persons; i++)
                if (strcmp(persons[i]->patient_id, patient_id) == 0)
                        return i;
        return NOBODY;
}

static int stamp_order(const Carebus__V1__Stamp *a, const Carebus__V1__Stamp *b) {
        if (a->said_at != b->said_at)
                return a->said_at < b->said_at ? -1 : 1;
        if (a->sent_at != b->sent_at)
                return a->sent_at < b->sent_at ? -1 : 1;
        if (a->seq != b->seq)
                return a->seq < b->seq ? -1 : 1;
        return a->index == b->index ? 0 : a->index < b->index ? -1 : 1;
}

/* In the order in which they were said; of the same message in order of the persons. */
static int retirement_compare(const void *a, const void *b) {
        const Retirement *x = a, *y = b;
        int order = stamp_order(x->stamp, y->stamp);

        if (order)
                return order;
        if (x->retired != y->retired)
                return x->retired < y->retired ? -1 : 1;
        return x->survivor == y->survivor ? 0 : x->survivor < y->survivor ? -1 : 1;
}

/* Groups of persons who are one: a member leads to the next nearer to the head, and the head knows who answers. */
typedef struct Groups {
        size_t *towards;
        size_t *answers; /* of heads */
} Groups;

static size_t head_of(Groups *groups, size_t i) {
        while (groups->towards[i] != i) {
                groups->towards[i] = groups->towards[groups->towards[i]];
                i = groups->towards[i];
        }
        return i;
}

/* Whoever answers for the survivor answers for both. Said of two who are one already, it makes the survivor answer, if it is the one who
 * answered that it retires. */
static void groups_merge(Groups *groups, const Retirement *retirement) {
        size_t into = head_of(groups, retirement->survivor), from = head_of(groups, retirement->retired);

        if (into != from)
                groups->towards[from] = into;
        else if (groups->answers[into] == retirement->retired)
                groups->answers[into] = retirement->survivor;
}

/* Of two who answer, the older goes on. */
static void groups_tie(Groups *groups, size_t a, size_t b) {
        size_t into = head_of(groups, a), from = head_of(groups, b);

        if (into == from)
                return;
        groups->answers[into] = MIN(groups->answers[into], groups->answers[from]);
        groups->towards[from] = into;
}

/* Merges into `ret`, in order; *ret_n of them. */
static size_t retirements_gather(Carebus__V1__Person *const *persons, size_t n_persons, Retirement *ret) {
        size_t n = 0;

        for (size_t i = 0; i < n_persons; i++)
                for (size_t j = 0; j < persons[i]->n_ties; j++) {
                        const Carebus__V1__Tie *tie = persons[i]->ties[j];
                        size_t other = person_index(persons, n_persons, tie->patient_id);

                        if (other != NOBODY && !tie->undone && tie->kind == CAREBUS__V1__TIE__KIND__KIND_MERGE &&
                            tie->retires)
                                ret[n++] = (Retirement){ .retired = i, .survivor = other, .stamp = tie->stamp };
                }
        qsort(ret, n, sizeof(*ret), retirement_compare);
        return n;
}

int ties_settle(Carebus__V1__Person *const *persons, size_t n_persons, Arena *arena, size_t *ret_answers) {
        Groups groups = { .towards = arena_alloc(arena, n_persons * sizeof(size_t)),
                          .answers = arena_alloc(arena, n_persons * sizeof(size_t)) };
        size_t n_retirements, n_ties = 0;
        Retirement *retirements;

        for (size_t i = 0; i < n_persons; i++)
                n_ties += persons[i]->n_ties;
        retirements = arena_alloc(arena, n_ties * sizeof(*retirements));
        if (!groups.towards || !groups.answers || !retirements)
                return -ENOMEM;
        for (size_t i = 0; i < n_persons; i++)
                groups.towards[i] = groups.answers[i] = i;
        n_retirements = retirements_gather(persons, n_persons, retirements);
        for (size_t i = 0; i < n_retirements; i++)
                groups_merge(&groups, &retirements[i]);
        for (size_t i = 0; i < n_persons; i++)
                for (size_t j = 0; j < persons[i]->n_ties; j++) {
                        const Carebus__V1__Tie *tie = persons[i]->ties[j];
                        size_t other = person_index(persons, n_persons, tie->patient_id);

                        if (other != NOBODY && !tie->undone && tie->kind != CAREBUS__V1__TIE__KIND__KIND_MERGE)
                                groups_tie(&groups, i, other);
                }
        for (size_t i = 0; i < n_persons; i++)
                ret_answers[i] = groups.answers[head_of(&groups, i)];
        return 0;
}
