#pragma once
/*
 * Which persons are one human being, and which of them answers for the others: a function of the ties between them and of their
 * verified numbers alone, so that merges may come in any order, be repeated, make chains and circles, be refused until the
 * numbers agree, and be taken back. Any thread.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "carebus/v1/state.pb-c.h"

/* Beyond this many persons in one, no more are joined: nobody has so many numbers, somebody uses one for all. */
#define TIES_PERSONS_MAX 256

/* Why a tie does not count: Tie.dispute. */
#define TIES_DISPUTE_NUMBERS "two-verified-numbers"
#define TIES_DISPUTE_TOO_MANY "too-many-persons"
#define TIES_DISPUTE_APART "kept-apart" /* a merge or link that a source says counts even so, and is told */

/* The tie of a kind with somebody, or NULL. */
Carebus__V1__Tie *tie_find(const Carebus__V1__Person *person, const char *patient_id, Carebus__V1__Tie__Kind kind);
/* Does it make the two one, as ties_settle() left it? */
bool tie_counts(const Carebus__V1__Tie *tie);

/* `persons` are all that any tie of any of them names, themselves included, in the order of their making: the oldest
 * first. ret_answers[i] becomes the index of the one that answers for persons[i]: the survivor of the merges, in the order
 * in which they were said; of several whom no merge joins, the oldest. Tie.dispute of every tie becomes why it does not count, a
 * constant, or NULL. 0 or -ENOMEM. */
int ties_settle(Carebus__V1__Person *const *persons, size_t n_persons, Arena *arena, size_t *ret_answers);

/* A national number that somebody uses now and that is traced, from place *i on, which is set to it; NULL: no more. */
const Carebus__V1__PersonIdentifier *ties_verified(const Carebus__V1__Person *person, size_t *i);
/* Do verified numbers forbid that two groups are one: both have one of the same system, and none in common? */
bool ties_numbers_forbid(Carebus__V1__Person *const *a, size_t n_a, Carebus__V1__Person *const *b, size_t n_b);
