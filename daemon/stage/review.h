#pragma once
/*
 * Joins that wait for a person. A review names who waits and the candidates, with the evidence; what people decide comes back as
 * entries of the journal, so that a rebuild repeats it. While it is open every candidate's record says that a plan, a decision or a death
 * may concern that person (section "held"), without its content.
 */
#include "daemon/identity/match.h"
#include "daemon/stage/fold-parts.h"

typedef struct ReviewNew {
        Carebus__V1__Review__Kind kind;
        const char *reason;         /* code */
        const char *patient_ids[8]; /* who waits first; those that answer */
        size_t n_patient_ids;
        const MatchResult *result; /* of the first two; NULL: none was made */
        bool urgent;
        char **event_ids; /* of plans, decisions and deaths that wait, or of what may be either's */
        size_t n_event_ids;
} ReviewNew;

/* Opens it, says so (`identity.review_opened`, derived), notes it with all its persons and lets it fall due. Where an open one has the same
 * kind and persons it takes in what is new instead. *ret_id: of the review. 0 or as work_get(). */
int review_open(FoldWork *work, const Said *said, const ReviewNew *review, char **ret_id);
/* It has settled itself (they are one now, or nothing speaks for it any more): `identity.review_closed`, state closed. */
int review_close(FoldWork *work, const Said *said, const char *review_id, const char *state);
/* A plan, a decision or a death came for somebody with an open review: the candidates' records show that it waits, and the review becomes
 * urgent. Other events change nothing. */
int review_note(FoldWork *work, const Said *said, const Carebus__V1__Person *person);
/* link, unlink, assign: carried out, or Outcome.refused. */
int review_decide(FoldWork *work, const Carebus__V1__JournalDecision *decision);
/* What fell due up to a time: `identity.review_overdue`, once a review. */
int review_due(FoldWork *work, int64_t due_at);
