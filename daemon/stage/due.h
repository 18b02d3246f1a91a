#pragma once
/*
 * What falls due. Whoever in the fold waits for a time puts it here; fold_next_due() tells intake, which appends a tick at that time;
 * the tick carries everything out that is due up to it. So time enters through the journal, and a rebuild meets it at the same place.
 */
#include "daemon/stage/fold-parts.h"

#define DUE_REVIEW "review"     /* an urgent review alarms; id: of the review */
#define DUE_DECISION "decision" /* something about a person's decisions changes by time alone; id: patient */

int due_add(FoldWork *work, int64_t due_at, const char *kind, const char *id);
int due_remove(FoldWork *work, int64_t due_at, const char *kind, const char *id);
/* A tick: hands everything due up to `due_at` to whoever it is for, and forgets it. */
int due_apply(FoldWork *work, int64_t due_at);
