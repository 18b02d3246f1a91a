#pragma once
/*
 * Signs of life: what somebody did with a person that nobody does with the dead. Of each source the latest few are kept with the
 * person, so that a death that is told later meets them.
 */
#include "daemon/stage/fold-parts.h"

/* The event made `stored`, whose section in the state is `name`. *ret_changed is set where a sign of life came, or was none after all. */
int activity_note(FoldWork *work, const Said *said, const char *patient_id, const char *name,
                  const Carebus__V1__StoredFact *stored, bool *ret_changed);
