#pragma once
/*
 * A death as its source tells it. Formal outweighs informal, whichever was said later; only a retraction takes either back, and
 * what was said before the retraction goes with it. A source that says nothing of it takes nothing back.
 */
#include "daemon/record/fact.h"

/* Is there a death in this event: in its body, or in what it says of the person? */
bool death_is_said(const Carebus__V1__Event *event);
/* *ret_changed: the fact is no longer what it was. 0 or -ENOMEM. */
int death_add(Carebus__V1__StoredFact *stored, const Said *said, Arena *arena, bool *ret_changed);
/* Does the fact stand: dead, and not retracted? */
bool death_stands(const Carebus__V1__StoredFact *stored);
/* The first moment that is certainly after it; INT64_MAX where it has no time. */
int64_t death_over_at(const Carebus__V1__StoredFact *stored);
