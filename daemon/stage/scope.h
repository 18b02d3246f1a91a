#pragma once
/*
 * scope: of whom the bus keeps a record. Somebody whom one organisation alone looks after is not followed: the state has their numbers,
 * what they are matched by, and their stays; all else that is said is set aside (STATE_ASIDE says where it stands in the journal). Once a
 * team outside the organisation that sends has a relationship with them they are followed, for good: what was set aside is read again, and
 * is then in the record as if it had always been. What is older than `originals` by then has expired and is not.
 */
#include "daemon/stage/fold-parts.h"
#include "daemon/stage/identify.h"

/* An event of this person comes: is it set aside (*ret_aside), or is everything of it for the record? Who is followed from now on has what
 * was set aside in their record when this returns. */
int scope_enter(FoldWork *work, const Said *said, Home *home, bool *ret_aside);
/* Settings by which everybody is followed: what was set aside is in the records from then on. */
int scope_settings(FoldWork *work);
/* Somebody has to decide, or a source corrected, who this is: they and all who are one with them are followed, for what was said has to be
 * seen. */
int scope_follow(FoldWork *work, const Carebus__V1__Person *person);
/* When an entry is done: who became one with somebody who is followed is followed. */
int scope_end(FoldWork *work);
/* A decision: payloads go. Those of entries that nobody needs are marked (Outcome.expired_by), the others are left alone. */
int scope_expire(FoldWork *work, const Carebus__V1__JournalDecision *decision);
/* The entry at hand is such a decision. */
int scope_expired_note(FoldWork *work);
/* Number of the newest such decision; 0: none. */
uint64_t scope_expired_by(StateTxn *txn);
/* May the payload of this entry go: is there nobody in it who is followed, and does nobody wait for it? For whoever proposes. 1, 0 or
 * negative. */
int scope_may_expire(StateTxn *txn, uint64_t seq, Arena *arena);
