#pragma once
/*
 * What was said of whose facts are whose (Person.said_moves, Tie.said) comes to who has them now (Person.moves, Person.doubts): a function
 * of what was said alone, in the order in which it was said. Any thread.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "carebus/v1/state.pb-c.h"

/* Statements that one person keeps; who says more moves the same to and fro. */
#define MOVES_SAID_MAX 256

/* Are both about the same: a number, a stay, a fact of one source? */
bool moves_are_of_same(const Carebus__V1__FactMove *a, const Carebus__V1__FactMove *b);
/* Notes a statement with both persons (who may be one and the same), in order of its stamp; `what` tells what moves, who says it, and when.
 * *ret_changed: it was not known. 0 or -ENOMEM. */
int moves_say(Carebus__V1__Person *from, Carebus__V1__Person *to, const Carebus__V1__FactMove *what, Arena *arena,
              bool *ret_changed);
/* Makes the moves and doubts of all of them anew. `persons` are all that a tie or a statement of any of them names; answers[i] the index of
 * who answers for persons[i], as ties_settle() has it. 0 or -ENOMEM. */
int moves_settle(Carebus__V1__Person *const *persons, size_t n_persons, const size_t *answers, Arena *arena);
