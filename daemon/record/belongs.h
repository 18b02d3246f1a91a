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

/* The same before there is a fact: whose is what a source says here in an event that names this stay (NULL: none) under the local number
 * with this place among the person's (1 + index; 0: none). */
const char *event_moved_to(const Carebus__V1__Person *home, const char *source, unsigned under,
                           const Carebus__V1__Identifier *encounter_id);
/* Whose a local number of this home is now; NULL: it stays. */
const char *number_moved_to(const Carebus__V1__Person *home, const char *system, const char *value);
/* The number that a stay of this source has now, as these persons (all of one record, and the homes of what was moved there) know it: the
 * identifier itself where nobody gave it another. A stay under two numbers is one stay. */
const Carebus__V1__Identifier *stay_number(Carebus__V1__Person *const *persons, size_t n_persons, const char *source,
                                           const Carebus__V1__Identifier *encounter_id);

/* Was it said here while the number stood for two, and has nobody decided since whose it is? The doubt (`other`
 * NULL: between any two, else with that person), or NULL. */
const Carebus__V1__Doubt *fact_doubt(const Carebus__V1__Person *home, const char *section,
                                     const Carebus__V1__StoredFact *stored, const char *other);
