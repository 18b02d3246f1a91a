#pragma once
/*
 * Reviews as the fold keeps them, and what they hold back: while nobody has said whether two persons are one, the record of each says
 * that a plan, a decision or a death of the other may concern it, whose word that is and whom to ring; never what it says.
 *
 * Everything lives in the arena. 0, RECORD_E_NOT_FOUND or negative, as read.h. Any thread that may use the transaction.
 */
#include "daemon/record/read.h"

/* A review, open or decided. RECORD_E_NOT_FOUND. */
int review_read(StateTxn *txn, const char *review_id, Arena *arena, Carebus__V1__Review **ret);
/* All that is held from the record of one human being: `members` are all its persons (identity_members(), person_read()). In order of
 * source and event; each event once. `settings` say whom to ring; NULL before the first. Nothing is held: *ret_n 0. */
int held_read(StateTxn *txn, const Carebus__V1__Settings *settings, Carebus__V1__Person *const *members,
              size_t n_members, Arena *arena, Carebus__V1__Held ***ret, size_t *ret_n);
/* What of an event is held while its person is in review: plan, decision, death; NULL: it is none of them. */
const char *held_kind_of_section(const char *section);
