#pragma once
/*
 * A profile: what is special about one system. /etc/carebus/profiles/NAME.yaml.
 */
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/cleanup.h"

/* Whose identifiers are whose: CX.4 (any of its parts) or CX.5 as said -> system. */
typedef struct ProfileAuthority {
        char *authority; /* as said in CX.4.1 or CX.4.2; NULL: any */
        char *type;      /* as said in CX.5; NULL: any */
        char *system;    /* URI, or carebus:NAME */
        bool is_nhs_number;
        bool traced; /* numbers of this source are verified though no status says so */
} ProfileAuthority;

/* Local codes to shared codes, by canonical path: encounter.class, demographics.sex. */
typedef struct ProfileMapEntry {
        char *code; /* as said */
        char *to_system, *to_code, *to_display;
} ProfileMapEntry;
typedef struct ProfileMap {
        char *path;               /* a list of maps is ordered by it */
        ProfileMapEntry *entries; /* ordered by code */
        size_t n_entries;
} ProfileMap;

/* A field of a local segment to a canonical path: ZPI-3.1 -> demographics.access_note. */
typedef struct ProfileField {
        char *from;
        char *to;
} ProfileField;

typedef enum ProfileTriggerRule {
        PROFILE_TRIGGER_HANDLE,
        PROFILE_TRIGGER_IGNORE, /* acknowledged, counted, not kept */
} ProfileTriggerRule;
typedef struct ProfileTrigger {
        char *trigger; /* ADT^A60, or ORM (all of it) */
        ProfileTriggerRule rule;
} ProfileTrigger;

typedef struct Profile {
        char *name;
        char *timezone;          /* NULL: the bus's */
        char *charset;           /* where MSH-18 is empty; iconv name; NULL: UTF-8, then ISO-8859-1 is NOT guessed */
        char *default_authority; /* system of an identifier that names none; NULL: carebus:SOURCE */
        ProfileAuthority *authorities;
        size_t n_authorities;
        ProfileMap *maps;
        size_t n_maps;
        ProfileField *fields;
        size_t n_fields;
        ProfileTrigger *triggers;
        size_t n_triggers;
        char **receiving_applications; /* MSH-5 that are meant for us; none: all */
        size_t n_receiving_applications;
        char **complete_lists; /* canonical paths of lists that this source always sends whole */
        size_t n_complete_lists;
        bool nhs_numbers_traced;
} Profile;

/* Everything a profile points to is its own and goes with it. Immutable: any thread may read it. */
Profile *profile_free(Profile *profile);
DEFINE_CLEANUP(Profile *, profile_free)
/* What holds where no profile is named: UK authorities (NHS, NH, CHI, H&C), sex and class of HL7's own tables. */
int profile_new_default(Profile **ret);
/* One profile file by path, for --translate; problems as for the configuration. 0, CONFIG_E_INVALID (*ret is untouched) or
 * a negative errno. `ret_problems` is always set and is the caller's to deinit: a profile that loads may have warnings. */
struct ConfigProblems;
int profile_load(const char *path, Profile **ret, struct ConfigProblems *ret_problems);
/* `code` and `event` as in MSH-9: the rule of CODE^EVENT, else that of CODE alone, else HANDLE. `event` may be NULL. */
ProfileTriggerRule profile_trigger_rule(const Profile *profile, const char *code, const char *event);
/* Whether a list is one that this source always sends whole. */
bool profile_list_is_complete(const Profile *profile, const char *path);

/* Here and not in a library, so that canon/ needs nothing of config/ but this file. */
static inline const ProfileMap *profile_find_map(const Profile *profile, const char *path) {
        size_t low = 0, high = profile->n_maps;
        while (low < high) {
                size_t middle = low + (high - low) / 2;
                int order = strcmp(profile->maps[middle].path, path);
                if (order == 0)
                        return &profile->maps[middle];
                if (order < 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        return NULL;
}
static inline const ProfileMapEntry *profile_map_find(const ProfileMap *map, const char *code) {
        size_t low = 0, high = map->n_entries;
        while (low < high) {
                size_t middle = low + (high - low) / 2;
                int order = strcmp(map->entries[middle].code, code);
                if (order == 0)
                        return &map->entries[middle];
                if (order < 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        return NULL;
}
