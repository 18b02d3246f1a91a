#pragma once
/*
 * echo: what comes back from a system to which the bus delivers. Its event carries the id under which it was given out (an
 * identifier of the system "carebus:BUS", the bus's name), or the number that the original has, or says the same decision, author,
 * date and value as an older fact of another source. It is kept as a copy: no claim, no agreement, no freshness, given to nobody.
 * What says anything else is no echo.
 */
#include "daemon/stage/fold-parts.h"

/* *ret_of: the event id of the original; NULL: it is no echo. Of sources of destinations alone. */
int echo_look(FoldWork *work, const Said *said, const char *patient_id, char **ret_of);
/* Outcome.echoes. */
int echo_note(FoldWork *work, uint32_t index, char *of);
