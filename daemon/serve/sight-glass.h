#pragma once
/*
 * Was a sensitive thing shown to a team inside a record under a broken glass? The index of the audit knows of a record only as of when it
 * was given: what is sensitive it may have been given without. Where the glass's rule shows such a thing, the audit itself tells whether a
 * record was given under it. One thread, that of the sight.
 */
#include "daemon/serve/sight.h"

/* A thing of this person that was said at `place`. 1, 0 or negative. */
int sight_glass_gave(Sight *sight, size_t team, const char *patient_id, Place place, const SharingThing *thing);
