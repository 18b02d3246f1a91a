#pragma once
/*
 * correction: which events withdraw which (Outcome.corrections), so that who was given the original, and sees nothing of the person
 * any more, is told all the same.
 */
#include "daemon/stage/fold-parts.h"

/* Does an event of this kind take anything back: a cancellation, a retraction, the end of a decision, what was entered in error? */
bool correction_is(const Carebus__V1__Event *event);
/* The event at `index` withdraws that one. Said again it is listed once. */
int correction_note(FoldWork *work, uint32_t index, const char *event_id);
/* It withdraws all that was said of this fact before it; `stored` as it was before the event became part of it. */
int correction_of_fact(FoldWork *work, const Said *said, const Carebus__V1__StoredFact *stored);
/* The same of claims that are not kept with their fact. */
int correction_of_claims(FoldWork *work, const Said *said, Carebus__V1__Claim *const *claims, size_t n_claims);
/* A tie that was said is said to be none: what was said of it, and what the bus said came of that, is withdrawn by the event, and
 * by what the bus says of it next. */
int correction_of_tie(FoldWork *work, const Said *said, const Carebus__V1__Person *a, const Carebus__V1__Tie *tie);
/* A tie holds no longer until somebody has decided: what was said of it, and what the bus said came of that, is withdrawn by what the bus
 * says of it next, and not by the event that brought it about. */
int correction_of_suspended(FoldWork *work, const Carebus__V1__Person *a, const Carebus__V1__Tie *tie);
/* A move that was said is said to be none (`what` is the statement that it is, of what was said of `from`): the same. */
int correction_of_move(FoldWork *work, const Said *said, const Carebus__V1__Person *from, const Carebus__V1__Person *to,
                       const Carebus__V1__FactMove *what);
/* Nothing came of it. */
void correction_forget(FoldWork *work);
/* The bus says at this index what came of that. */
int correction_publish(FoldWork *work, uint32_t index);
