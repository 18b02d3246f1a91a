#pragma once
/*
 * What is known of a person's decisions, allergies and consents without reading all: where each stands, so that those that contradict
 * each other are found, and when time alone changes something about them.
 */
#include "daemon/stage/fold-parts.h"

/* Of one person's own home; empty where there are none. */
int standings_get(FoldWork *work, const char *patient_id, Carebus__V1__StoredStandings **ret);
/* Notes a fact as it stands now; `name` is its section in the state. *ret_changed is set where others may contradict it in another way
 * than before, and left alone else. Facts of other sections change nothing. */
int standing_keep(FoldWork *work, const char *patient_id, const char *name, const Carebus__V1__StoredFact *stored,
                  bool *ret_changed);
bool standing_is_decision(const Carebus__V1__Standing *standing);

/* One thing of a person, put together of all that was said of it under any number. */
typedef struct Stood {
        Carebus__V1__Standing *standing;
        const char *home;                     /* patient id */
        Carebus__V1__StoredStandings *stored; /* of that home */
        Carebus__V1__Fact *fact;              /* a copy: what is written into it stays here */
} Stood;

/* All decisions of all who are one with a person, moved ones where they belong, as they stand to each other at `as_at`: the newest
 * first, within each kind. `members` are all of them. */
int standings_decisions(FoldWork *work, Carebus__V1__Person *const *members, size_t n_members, int64_t as_at,
                        Stood ***ret, size_t *ret_n);
/* The same of the facts whose topic begins with `topic`, in no order of theirs. */
int standings_facts(FoldWork *work, Carebus__V1__Person *const *members, size_t n_members, const char *topic,
                    Stood ***ret, size_t *ret_n);
/* Has anybody of these a decision? */
int standings_any_decision(FoldWork *work, Carebus__V1__Person *const *members, size_t n_members, bool *ret);
/* Up to which time dates count in the record of these: the newest of all homes. */
int standings_as_at(FoldWork *work, Carebus__V1__Person *const *members, size_t n_members, int64_t *ret);
/* Has a date passed of which nobody was told, because it did not count then (the person was said to have died, another decision stood)?
 * Then it falls due at once. `members` answer for who has the decisions; these are as standings_decisions() gave them. 0 or as
 * due_add(). */
int decision_remind(FoldWork *work, Carebus__V1__Person *const *members, Stood *const *stood, size_t n_stood);
