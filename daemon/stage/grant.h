#pragma once
/*
 * grant: what somebody asked for and was given for a time. A broken glass, an opened contact: relationships that follow from a
 * decision, listed in the state (STATE_GRANT) for whoever looks at them afterwards.
 */
#include "daemon/stage/fold-parts.h"

/* KIND_BREAK_GLASS, KIND_OPEN_CONTACT, KIND_END_GRANT, KIND_REVIEWED: carried out, or refused and nothing changes. */
int grant_decide(FoldWork *work, const Carebus__V1__JournalDecision *decision);
/* Grants of this home have ended by time: listed as ended, and told. */
int grant_ends(FoldWork *work, const char *patient_id, int64_t due_at);
