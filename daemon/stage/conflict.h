#pragma once
/*
 * Contradictions, opened and closed in the open: where sources disagree on what matters, both claims stand, and the record names
 * them until they agree, or until somebody has decided about just these claims.
 */
#include "daemon/stage/fold-parts.h"

/* Looks at a person anew, after something changed that may matter: who they are, whether they live, what is decided, who is one with
 * whom. `deaths_only`: nothing but presence changed, which matters where somebody said that the person died. */
int conflict_settle(FoldWork *work, const Said *said, Carebus__V1__Person *person, bool deaths_only);
/* The same after a stay ended or began anew: what was decided in it may stand or not. */
int conflict_settle_stay(FoldWork *work, const Said *said, Carebus__V1__Person *person);
/* Evidence that points to two persons who are not one: noted with both. Again the same is nothing new. */
int conflict_between(FoldWork *work, const Said *said, Carebus__V1__Person *a, Carebus__V1__Person *b,
                     const char *reason);
/* Together, would they have two verified numbers of one system? */
bool conflict_numbers_differ(Carebus__V1__Person *const *a, size_t n_a, Carebus__V1__Person *const *b, size_t n_b);

/* Positive returns. */
enum {
        _CONFLICT_E_SUCCESS,
        CONFLICT_E_NOT_OPEN = 48, /* this person has no open conflict of that id */
};

/* Somebody has looked at it: it closes, with who and why, and says so (`conflict.closed`, resolution `decided`). Both claims stay in the
 * record; the same claims do not open it again, another one does. `who` is who was authenticated, `who_says` the name given (may be
 * NULL). 0, CONFLICT_E_NOT_OPEN, or as work_get(). */
int conflict_settle_by_decision(FoldWork *work, const char *patient_id, const char *conflict_id, const char *who,
                                const char *who_says, const char *why);
