#pragma once
/* Profiles by file index, for who loads a whole configuration. */
#include "config/files.h"
#include "config/schema.h"

/* Reads a profile from file `file` of the report's text. 0, CONFIG_E_INVALID with problems, or -ENOMEM. Its own time zone is
 * looked up where `files` is on disk (NULL: not looked up). */
int profile_read(Report *report, const Files *files, size_t file, const char *name, Profile **ret);

/* Where the team of a row of `teams` stands, for who looks it up in the configuration. */
Place profile_team_place(const Profile *profile, size_t index);

/* Tables of a profile and of what its tables hold, for the reference. */
extern const SchemaItem profile_items[], profile_trigger_items[], profile_field_items[], profile_entry_items[],
        profile_signed_items[], profile_team_items[], profile_out_items[];
typedef struct ProfileReference {
        const char *prefix; /* NULL: the end */
        const SchemaItem *items;
} ProfileReference;
extern const ProfileReference profile_reference[];
