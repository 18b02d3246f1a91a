#pragma once
/* How much of each source waits in the quarantine, and since when: records say it, so it is counted, not looked for. */
#include "daemon/stage/fold-parts.h"

/* A new item that is open: of this entry. */
int not_understood_add(FoldWork *work, const char *source);
/* It has been resolved, and is no longer in STATE_QUARANTINE. */
int not_understood_remove(FoldWork *work, const Carebus__V1__QuarantineItem *item);
