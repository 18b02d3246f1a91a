#pragma once
/* Whose event it is, where one source serves many teams: the first row of the profile's `teams` of which every condition holds. */
#include "carebus/v1/event.pb-c.h"
#include "config/profile.h"

/* After codes are mapped: a condition may name the shared code as well as the source's own. NULL: no row holds. Borrowed from the
 * profile. */
const char *team_find(const Profile *profile, const Carebus__V1__Event *event);
