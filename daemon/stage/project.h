#pragma once
/* project: an event into the facts of the person whom it is of. */
#include "daemon/stage/fold-parts.h"

/* Identifies and projects one event; `ret_patient_id` is who answers for its person, "" where it speaks of nobody. The event has
 * passed identify_check(). */
int project_event(FoldWork *work, const Said *said, const char **ret_patient_id);
/* What was left out of the record when this event came, for its person was not followed. */
int project_set_aside(FoldWork *work, const Said *said, Carebus__V1__Person *person);
/* When all events of an entry are projected: who was too often spoken of to be looked at each time. 0 or as work_get(). */
int project_end(FoldWork *work);
