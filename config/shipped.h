#pragma once
/*
 * The profiles of etc/profiles/, kept in the programs too: a configuration that names one holds where nothing is installed yet. A
 * file of that name beside carebus.yaml or in PROFILE_FOLDER comes first.
 */
#include <stddef.h>

typedef struct ShippedProfile {
        const char *name; /* NULL: the end of the table */
        const unsigned char *content;
        size_t size;
} ShippedProfile;

/* In order of their names. `default` is not among them: it is built in (profile_new_default()). */
extern const ShippedProfile shipped_profiles[];

/* etc/sharing.yaml: who may see what where a configuration does not say. */
extern const unsigned char shipped_sharing[];
extern const size_t shipped_sharing_size;
