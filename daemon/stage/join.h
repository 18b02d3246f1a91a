#pragma once
/*
 * join: persons become one, or are taken apart again. Facts stay where they are; what changes is who answers for them.
 */
#include "daemon/stage/fold-parts.h"

/* Is it a merge, a link, or the undoing of one, that the fold carries out? */
bool join_is_said(const Carebus__V1__Event *event);
/* What a source says about two persons: carried out, or disputed; either way an event of the bus says what came of it, unless
 * nothing did. *ret: the surviving person, or who the event is of. */
int join_apply(FoldWork *work, const Said *said, Carebus__V1__Person **ret);
/* Somebody's numbers or birth date are new: is it somebody we know under another number? */
int join_by_number(FoldWork *work, const Said *said, Carebus__V1__Person *person);
