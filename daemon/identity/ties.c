#include "daemon/identity/ties.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/identity/evidence.h"

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

/* The newest first; of the same message in order of the persons. */
static int retirement_compare(const void *a, const void *b) {
        const Retirement *x = a, *y = b;
        int order = stamp_order(y->stamp, x->stamp);

        if (order)
                return order;
        if (x->retired != y->retired)
                return x->retired < y->retired ? -1 : 1;
        return x->survivor == y->survivor ? 0 : x->survivor < y->survivor ? -1 : 1;
}

static size_t top_of(const size_t *above, size_t i) {
        while (above[i] != NOBODY)
                i = above[i];
        return i;
}

static size_t group_of(size_t *group, size_t i) {
        while (group[i] != i) {
                group[i] = group[group[i]];
                i = group[i];
        }
        return i;
}

int ties_settle(Carebus__V1__Person *const *persons, size_t n_persons, Arena *arena, size_t *ret_answers) {
        size_t n_retirements = 0, n_ties = 0;
        size_t *above = arena_alloc(arena, n_persons * sizeof(*above)), *group = arena_alloc(arena, n_persons * sizeof(*group));
        Retirement *retirements;

        for (size_t i = 0; i < n_persons; i++)
                n_ties += persons[i]->n_ties;
        retirements = arena_alloc(arena, n_ties * sizeof(*retirements));
        if (!above || !group || !retirements)
                return -ENOMEM;
        for (size_t i = 0; i < n_persons; i++) {
                above[i] = NOBODY;
                group[i] = i;
        }
        for (size_t i = 0; i < n_persons; i++)
                for (size_t j = 0; j < persons[i]->n_ties; j++) {
                        const Carebus__V1__Tie *tie = persons[i]->ties[j];
                        size_t other = tie->undone ? NOBODY : person_index(persons, n_persons, tie->patient_id);

                        if (other == NOBODY)
                                continue;
                        group[group_of(group, i)] = group_of(group, other);
                        if (tie->kind == CAREBUS__V1__TIE__KIND__KIND_MERGE && tie->retires)
                                retirements[n_retirements++] = (Retirement){ .retired = i, .survivor = other, .stamp = tie->stamp };
                }
        /* What was said last counts; an older merge that contradicts it, by going round or elsewhere, still makes them one. */
        qsort(retirements, n_retirements, sizeof(*retirements), retirement_compare);
        for (size_t i = 0; i < n_retirements; i++)
                if (above[retirements[i].retired] == NOBODY && top_of(above, retirements[i].survivor) != retirements[i].retired)
                        above[retirements[i].retired] = retirements[i].survivor;
        for (size_t i = 0; i < n_persons; i++) {
                size_t answers = NOBODY;

                for (size_t j = 0; j < n_persons; j++)
                        if (above[j] == NOBODY && group_of(group, j) == group_of(group, i) &&
                            (answers == NOBODY || patient_id_compare(persons[j]->patient_id, persons[answers]->patient_id) < 0))
                                answers = j;
                ret_answers[i] = answers;
        }
        return 0;
}
