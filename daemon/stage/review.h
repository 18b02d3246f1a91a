#pragma once
/*
 * Joins that wait for a person. A review names who waits and the candidates, with the evidence; what people decide comes back as
 * entries of the journal, so that a rebuild repeats it. While it is open every candidate's record says that a plan, a decision or a death
 * may concern that person (daemon/record/held.h), without its content.
 */
#include "daemon/identity/match.h"
#include "daemon/stage/fold-parts.h"

#define REVIEW_OPEN "open"
#define REVIEW_LINKED "linked"
#define REVIEW_KEPT_APART "kept-apart"
#define REVIEW_ASSIGNED "assigned"
#define REVIEW_CLOSED "closed"

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
 * kind and persons it takes in what is new instead. *ret_id: of the review; NULL: there is no room for it (REVIEWS_MAX). 0 or as
 * work_get(). */
int review_open(FoldWork *work, const Said *said, const ReviewNew *review, char **ret_id);
/* It has settled itself (they are one now, or nothing speaks for it any more): `identity.review_closed`, state closed. */
int review_close(FoldWork *work, const Said *said, const char *review_id, const char *state);
/* A plan, a decision or a death came for somebody with an open review: the candidates' records show that it waits, and the review becomes
 * urgent. Other events change nothing. */
int review_note(FoldWork *work, const Said *said, const Carebus__V1__Person *person);
/* link, unlink, assign, settle: carried out, or Outcome.refused. */
int review_decide(FoldWork *work, const Carebus__V1__JournalDecision *decision);
/* What fell due up to a time: `identity.review_overdue`, once a review. */
int review_due(FoldWork *work, int64_t due_at);

/* plan, decision, death: what an event is that never joins anybody by a score; NULL: something else. */
const char *review_kind_of(const Carebus__V1__Event *event);
/* Is anybody of this human being in an open review, so that who they are is not confirmed? */
int review_is_open(FoldWork *work, const Carebus__V1__Person *person, bool *ret);
/* Ties have changed: reviews whose persons are all one now are closed as linked. */
int review_settle(FoldWork *work, const Said *said, const Carebus__V1__Person *person);
/* Who they are is said otherwise: reviews for which nothing speaks any more are closed. */
int review_look_again(FoldWork *work, const Said *said, const Carebus__V1__Person *person);
/* An open review. STATE_E_NOT_FOUND. */
int review_get(FoldWork *work, const char *review_id, Carebus__V1__Review **ret);
int review_put(FoldWork *work, Carebus__V1__Review *review);
/* The entry is done: the records of candidates show what waits of others, so they are touched when that changes (work_touch_waiting()). */
int review_touch_candidates(FoldWork *work);
/* Who decided what of it, and why. */
typedef struct ReviewDecided {
        const char *state; /* linked, kept-apart, assigned, closed */
        const char *who, *who_says, *why;
        uint64_t by; /* seq; 0: nobody, it decided itself */
} ReviewDecided;
int review_end(FoldWork *work, const Said *said, Carebus__V1__Review *review, const ReviewDecided *decided);

/* A source's number may have become another person's: by what it says of them now and said `before` (NULL: nothing else), or by a verified
 * number that others have. Then what ties it to others holds no longer until somebody has looked. */
int overwrite_look(FoldWork *work, const Said *said, Carebus__V1__Person *person, const Carebus__V1__Matching *before,
                   bool numbers_changed);
/* What was said under the number until then belongs to the former person: to the others, or to somebody of their own. */
int overwrite_part(FoldWork *work, const Said *said, const Carebus__V1__Review *review, Carebus__V1__Person *person);

/* Joins of one source that wait for a person, and nothing with them. Beyond so many nobody looks at them any more, and a source that sends
 * anything at all may not fill the state with them: no more are opened until some are done, which is told once, as `identity.reviews_full`.
 * What a plan, a decision or a death waits for is opened all the same. */
#define REVIEWS_MAX 10000
/* *ret: may one more be opened? */
int review_room(FoldWork *work, const Said *said, const Carebus__V1__Review *review, bool *ret);
/* One more is open (1), or one less (-1). */
int review_count(FoldWork *work, const Carebus__V1__Review *review, int more);
