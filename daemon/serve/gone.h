#pragma once
/*
 * What is said to a team that holds somebody's record no more: why, since when its copy is not kept up, whom to ring, and what of all that
 * it was given does not stand. The last is told however long ago the team was told of the person: a copy that nobody mends does harm.
 */
#include "carebus/v1/feed.pb-c.h"
#include "daemon/serve/sight.h"

/* A RecordGone in the arena; `at_seq` is the entry since which it is so, as far as is known; `answered_by` NULL, or whose record
 * has it all. 0 or negative. */
int gone_make(Sight *sight, size_t team, const char *patient_id, uint64_t at_seq, const char *answered_by, Arena *arena,
              Carebus__V1__RecordGone **ret);
/* Does this outcome take back anything that the team was given of this person? 1, 0 or negative. */
int gone_is_corrected(Sight *sight, size_t team, const Carebus__V1__Outcome *outcome, const char *patient_id);
