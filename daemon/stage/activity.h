#pragma once
/*
 * Signs of life: what somebody did with a person that nobody does with the dead. Of each thing that a source speaks of the last is kept
 * with the person, and of each source the latest few things, so that a death that is told later meets them. Whether the thing still
 * stands, and whose it is, is asked when somebody has died: an undoing may come before or after.
 */
#include "daemon/stage/fold-parts.h"

/* The event is about the thing whose section in the state is `name`. *ret_changed is set where that may speak for or against a death. */
int activity_note(FoldWork *work, const Said *said, const char *patient_id, const char *name, bool *ret_changed);
