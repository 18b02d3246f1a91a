#pragma once
/*
 * Entries as they are given out, kept for a while: sixteen teams that read near the head cost one reading of the journal,
 * and a consumer that is behind reads ahead a little. Bounded in memory. One thread.
 */
#include "daemon/serve/publish.h"

typedef struct Recent Recent;

int recent_new(View *view, Recent **ret); /* the view outlives it */
Recent *recent_free(Recent *recent);
DEFINE_CLEANUP(Recent *, recent_free)
/* The entry, which must not lie beyond the view's head. Borrowed until the next call. 0 or negative. */
int recent_get(Recent *recent, uint64_t seq, PublishedEntry **ret);
/* All of them: they were classified by rules that are no more. */
void recent_forget(Recent *recent);
/* Entries made out of the journal so far. */
uint64_t recent_made(const Recent *recent);
