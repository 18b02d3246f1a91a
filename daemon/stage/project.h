#pragma once
/* project: an event into the facts of the person whom it is of. */
#include "daemon/stage/fold-parts.h"

/* Identifies and projects one event; `ret_patient_id` is who answers for its person, "" where it speaks of nobody. The event has
 * passed identify_check(). */
int project_event(FoldWork *work, const Said *said, const char **ret_patient_id);
