#pragma once
/* KIND_EXPIRE: payloads, or the originals in them, go by a rule of daemon/stage/retention-hold.h. */
#include "daemon/stage/fold-parts.h"

/* Entries that nothing keeps are marked (Outcome.expired_by, original_gone_by), the others are left alone. Whoever takes the bytes out of
 * the journal takes those alone that are marked. 0 or negative. */
int retention_expire(FoldWork *work, const Carebus__V1__JournalDecision *decision);
