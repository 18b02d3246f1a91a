#pragma once
/*
 * echo: what comes back from a system to which the bus delivers. Its event carries the id under which it was given out (an
 * identifier of the system "carebus:BUS", the bus's name), or the number that the original has, or says the same decision, author,
 * date and value as an older fact of another source. It is kept as a copy: no claim, no agreement, no freshness, given to nobody.
 * What says anything else is no echo.
 *
 * Of the person (demographics, beside whatever event) and of a death a source has one fact, which has no copy beside it: what says no
 * more than another source has of them is not kept at all, as long as the source has said nothing of its own of them. Whom it knows by
 * which number and traits is kept. That an address is restricted is never a copy: whoever says so says so.
 */
#include "daemon/stage/fold-parts.h"

/* Does the event at hand come from a source of a destination? */
bool echo_is_possible(const FoldWork *work);
/* Does it name the person by an id of ours? Then it was told by us, and the number that it knows them by beside that is no news. */
bool echo_names_person(FoldWork *work, const Carebus__V1__Event *event);
/* Are these demographics what another source says already? */
int echo_says_person(FoldWork *work, const Said *said, const char *patient_id, bool *ret);
/* *ret_of: the event id of the original; NULL: it is no echo. Of sources of destinations alone. */
int echo_look(FoldWork *work, const Said *said, const char *patient_id, char **ret_of);
/* Outcome.echoes. */
int echo_note(FoldWork *work, uint32_t index, char *of);
