#pragma once
/*
 * Which facts are whose: a fact stays where it was said; that it belongs to another is told by moves (Person.moves), that several persons
 * are one by who answers for them. The fold and whoever reads a record ask the same functions. Any thread.
 */
#include <stdbool.h>

#include "base/arena.h"
#include "carebus/v1/state.pb-c.h"

/* Where a fact of this home belongs by its moves: the patient id of the other side, or NULL where it stays. `section` is its name in the
 * state (encounters/SOURCE/KEY). Of several moves that fit, the one said last counts. */
const char *fact_moved_to(const Carebus__V1__Person *home, const char *section, const Carebus__V1__StoredFact *stored);
/* Homes, beyond the members' own, that may hold facts of these persons: by their moves from the other side. Patient ids without
 * repetition, in order of their making. 0 or -ENOMEM. */
int homes_of_moves(Carebus__V1__Person *const *members, size_t n_members, Arena *arena, char ***ret, size_t *ret_n);
