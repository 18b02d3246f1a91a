#pragma once
/*
 * What codes and words mean where a profile says nothing of their path: the tables of HL7 and FHIR for sex and class, the words that
 * people write for where somebody came from or went. A profile's own map of a path stands in the place of all of it. Any thread.
 */
#include "config/profile.h"

/* NULL: there is none. */
const ProfileMap *default_map_find(const char *path);
/* The table; NULL behind the last. */
const ProfileMap *default_map_at(size_t index);
