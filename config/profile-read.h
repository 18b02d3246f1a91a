#pragma once
/* Profiles by file index, for who loads a whole configuration. */
#include "config/files.h"
#include "config/schema.h"

/* Reads a profile from file `file` of the report's text. 0, CONFIG_E_INVALID with problems, or -ENOMEM. Its own time zone is
 * looked up where `files` is on disk (NULL: not looked up). */
int profile_read(Report *report, const Files *files, size_t file, const char *name, Profile **ret);

/* Tables of a profile and of an entry of one of its maps, for the reference. */
extern const SchemaItem profile_items[], profile_entry_items[];
