#pragma once
/* What the files of scope share. */
#include "daemon/stage/scope.h"

/* Is everybody followed by the settings, so that there is nothing to do? */
bool scope_is_everybody(const Fold *fold);

/* scope-outside.c: has a team outside the organisation that sends a relationship with these, by this event or by what stands of them? */
int outside_look(FoldWork *work, const Said *said, Carebus__V1__Person *const *group, size_t n, bool *ret);

/* scope-aside.c: an event of the entry at hand is not used. */
int aside_keep(FoldWork *work, const char *patient_id, uint32_t index);
/* All that was set aside of these who are one, used now, in the order in which it came: what one said may be the copy of what another
 * said. It is set aside no more. What has expired is gone. */
int aside_use(FoldWork *work, Carebus__V1__Person *const *homes, size_t n_homes);
/* Of an entry that expires: nobody can use it any more. */
int aside_forget(FoldWork *work, const char *patient_id, uint64_t seq, uint32_t index);
