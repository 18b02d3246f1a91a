#pragma once
/*
 * match: who may be one with whom, where no source says so. Sources' words on who somebody is are kept with the person (Person.traits)
 * and under blocks (STATE_BLOCK); whoever shares a block is compared, group with group, and what comes of it is a tie, a review, or
 * nothing.
 * Nothing here is done for an event that says nothing new of who its person is.
 */
#include "daemon/identity/match.h"
#include "daemon/stage/fold-parts.h"

/* Keeps what an event says of who its person is (Said.matching) as this source's word. *ret_changed: nobody said it so before.
 * *ret_before: what the source said until now, where this takes its place; NULL otherwise. */
int match_note(FoldWork *work, const Said *said, Carebus__V1__Person *person, bool *ret_changed,
               const Carebus__V1__Matching **ret_before);

/* Two groups, by all that is known of each of their members. */
int match_groups(FoldWork *work, Carebus__V1__Person *const *a, size_t n_a, Carebus__V1__Person *const *b, size_t n_b,
                 MatchResult *ret);
/* Did somebody decide that a member of one and a member of the other are two? The newest such tie, or NULL. */
const Carebus__V1__Tie *match_apart(Carebus__V1__Person *const *a, size_t n_a, Carebus__V1__Person *const *b,
                                    size_t n_b);

/* Somebody's numbers, birth date or name are new: who else has the same verified number? One with them where birth date and name
 * agree; else the birth dates are a conflict, or a person has to look. */
int match_by_number(FoldWork *work, const Said *said, Carebus__V1__Person *person);
/* Who they are is said anew: by score. */
int match_by_score(FoldWork *work, const Said *said, Carebus__V1__Person *person);
