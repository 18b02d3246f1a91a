#pragma once
/*
 * What falls due. Whoever in the fold waits for a time puts it here; fold_next_due() tells intake, which appends a tick at that time;
 * the tick carries everything out that is due up to it. So time enters through the journal, and a rebuild meets it at the same place.
 */
#include "daemon/stage/fold-parts.h"

#define DUE_REVIEW "review"     /* an urgent review alarms; id: of the review */
#define DUE_DECISION "decision" /* something about a person's decisions changes by time alone; id: patient */

/* Also for a time that has passed: the next tick comes at once. Adding again changes nothing, removing what is not there neither. */
int due_add(FoldWork *work, int64_t due_at, const char *kind, const char *id);
int due_remove(FoldWork *work, int64_t due_at, const char *kind, const char *id);
/* A tick: hands everything due up to `due_at` to whoever it is for, and forgets it; what they add meanwhile stays. */
int due_apply(FoldWork *work, int64_t due_at);

/* For those whom due_apply() calls, each kind once a tick that has something of it: the ids due up to then, in order of time, without
 * repetition of one after the other. In the arena. */
int due_list(FoldWork *work, int64_t due_at, const char *kind, char ***ret_ids, size_t *ret_n);
/* What there is of DUE_DECISION: the records of these persons say something else from now on, and whoever has not died is told. */
int decision_due(FoldWork *work, int64_t due_at);
