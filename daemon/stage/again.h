#pragma once
/*
 * again: a source repeats the same demographics with every message. Said again, a hash and a stamp are written instead of the
 * person; what that means for the fact is made good before anybody looks at it.
 */
#include "daemon/stage/fold-parts.h"

/* What the source said last of the person; made where there is none. */
int again_get(FoldWork *work, const char *patient_id, const char *source, Carebus__V1__SaidAgain **ret);
int again_put(FoldWork *work, const char *patient_id, const char *source, const Carebus__V1__SaidAgain *again);
/* Is it the same, said later than anything before? Then it is noted, and nothing else is to be done. */
int again_note(FoldWork *work, const Said *said, const char *patient_id, bool *ret_noted);
/* The demographics of a person with all that was said again in them. */
int again_section(FoldWork *work, const char *patient_id, Carebus__V1__StoredSection **ret);
