#pragma once
/*
 * Which persons are one human being, and which of them answers for the others: a function of the ties between them alone, so
 * that merges may come in any order, be repeated, make chains and circles, and be taken back. Any thread.
 */
#include <stddef.h>

#include "base/arena.h"
#include "carebus/v1/state.pb-c.h"

/* Beyond this many persons in one, no more are joined: nobody has so many numbers, somebody uses one for all. */
#define TIES_PERSONS_MAX 256

/* The tie of a kind with somebody, or NULL. */
Carebus__V1__Tie *tie_find(const Carebus__V1__Person *person, const char *patient_id, Carebus__V1__Tie__Kind kind);

/* `persons` are all that any tie of any of them names, themselves included, in the order of their making: the oldest
 * first. ret_answers[i] becomes the index of the one that answers for persons[i]: the survivor of the merges, in the order
 * in which they were said; of several whom no merge joins, the oldest. 0 or -ENOMEM. */
int ties_settle(Carebus__V1__Person *const *persons, size_t n_persons, Arena *arena, size_t *ret_answers);
