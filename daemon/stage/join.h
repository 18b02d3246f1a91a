#pragma once
/*
 * join: persons become one, or are taken apart again. Facts stay where they are; what changes is who answers for them.
 */
#include "daemon/stage/fold-parts.h"

/* Is it a merge, a link, or the undoing of one, that the fold carries out? */
bool join_is_said(const Carebus__V1__Event *event);
/* What a source says about two persons: carried out, or disputed; either way an event of the bus says what came of it, unless
 * nothing did. *ret: the surviving person, or who the event is of. */
int join_apply(FoldWork *work, const Said *said, Carebus__V1__Person **ret);

/* Ties of the bus's own: a verified number, a score, what somebody decided. Whether it may be was asked before. A derived
 * `patient.linked` or `patient.unlinked` with this reason says what came of it, unless nothing did. */
int join_tie(FoldWork *work, const Said *said, Carebus__V1__Person *a, Carebus__V1__Person *b,
             Carebus__V1__Tie__Kind kind, const char *reason);
/* They are two: ties of every kind between them are undone, and none but what a source says makes them one again. */
int join_apart(FoldWork *work, const Said *said, Carebus__V1__Person *a, Carebus__V1__Person *b, const char *reason);
/* That they are two was decided, and is no longer so: nothing is said of it. */
int join_together(FoldWork *work, const Said *said, Carebus__V1__Person *a, Carebus__V1__Person *b);
/* What ties this person to others by number, score, decision or link holds no longer, or again; merges stay. */
int join_suspend(FoldWork *work, const Said *said, Carebus__V1__Person *person, bool suspended, const char *reason);
/* Numbers of somebody who is tied to others are new: merges that the rules refused may hold now, and others no longer. Reason
 * "numbers-changed". */
int join_again(FoldWork *work, const Said *said, Carebus__V1__Person *person);

/* Somebody decided whose it is what these events say, of all that stands under the candidates: the facts that they last said, or took part
 * in, go to `to`, or stay there. A derived `patient.moved` says what changed hands. *ret_n_assigned: facts that were found. */
int join_assign(FoldWork *work, const Said *said, char *const *event_ids, size_t n_event_ids,
                Carebus__V1__Person *const *candidates, size_t n_candidates, Carebus__V1__Person *to,
                size_t *ret_n_assigned);
/* Something was said under a number of somebody with doubts (Person.doubts): where it is of the time in doubt it joins those that wait. */
int join_doubts_again(FoldWork *work, const Said *said, const Carebus__V1__Person *person);
/* An encounter of somebody from whom an account was moved: where it is of that account, it and all that names it go with it. */
int join_account_again(FoldWork *work, const Said *said, Carebus__V1__Person *home);
