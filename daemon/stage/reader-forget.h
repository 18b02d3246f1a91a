#pragma once
/* KIND_FORGET_READER: the place of a reader that never comes back counts no more. */
#include "daemon/stage/fold-parts.h"

/* Refused without a team, a consumer, who and why; else it stands in the state (daemon/record/forgotten.h). 0 or negative. */
int reader_forget(FoldWork *work, const Carebus__V1__JournalDecision *decision);
