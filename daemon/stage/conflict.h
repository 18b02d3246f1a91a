#pragma once
/*
 * Contradictions, opened and closed in the open: where sources disagree on what matters, both claims stand, and the record names
 * them until they agree.
 */
#include "daemon/stage/fold-parts.h"

/* Looks at a person anew, after something changed that may matter: birth date, sex, death, presence, numbers, who is one with whom.
 * `deaths_only`: nothing but presence changed, which matters where somebody said that the person died. */
int conflict_settle(FoldWork *work, const Said *said, Carebus__V1__Person *person, bool deaths_only);
/* Evidence that points to two persons who are not one: noted with both. Again the same is nothing new. */
int conflict_between(FoldWork *work, const Said *said, Carebus__V1__Person *a, Carebus__V1__Person *b,
                     const char *reason);
/* Together, would they have two verified numbers of one system? */
bool conflict_numbers_differ(Carebus__V1__Person *const *a, size_t n_a, Carebus__V1__Person *const *b, size_t n_b);
