#pragma once
/*
 * Under which numbers a team knows the person that a notice is of. The bus's own id tells nothing to a system that the bus delivers to, so
 * a notice has in `patient.identifiers` the numbers that the team may see; one that takes something back has those too that the team was
 * given, since who has no relationship any more has to find the copy that it holds.
 */
#include "carebus/v1/event.pb-c.h"
#include "daemon/serve/sight.h"

/* Is this a notice that needs them? Not what comes with a record, which has them. */
bool notice_numbers_needed(const PublishedEvent *event);
/* Puts them into the event, in the arena. 0 or negative. */
int notice_numbers_add(Sight *sight, size_t team, const SharingPerson *person, Carebus__V1__Event *event, Arena *arena);
