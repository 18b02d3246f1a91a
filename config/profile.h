#pragma once
/*
 * A profile: what is special about one system. /etc/carebus/profiles/NAME.yaml.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"

/* Whose identifiers are whose: CX.4 (any of its parts) or CX.5 as said -> system. */
typedef struct ProfileAuthority {
        char *authority; /* as said in CX.4.1 or CX.4.2; NULL: any */
        char *type;      /* as said in CX.5; NULL: any */
        char *system;    /* URI, or carebus:NAME */
        bool is_nhs_number;
        bool traced;     /* numbers of this source are verified though no status says so */
} ProfileAuthority;

/* Local codes to shared codes, by canonical path: encounter.class, demographics.sex. */
typedef struct ProfileMapEntry {
        char *code;       /* as said */
        char *to_system, *to_code, *to_display;
} ProfileMapEntry;
typedef struct ProfileMap {
        char *path;
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
        char *timezone;        /* NULL: the bus's */
        char *charset;         /* where MSH-18 is empty; iconv name; NULL: UTF-8, then ISO-8859-1 is NOT guessed */
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

Profile *profile_free(Profile *profile);
DEFINE_CLEANUP(Profile *, profile_free)
/* What holds where no profile is named: UK authorities (NHS, NH, CHI, H&C), no maps. */
int profile_new_default(Profile **ret);
/* One profile file by path, for --translate; problems as for the configuration. */
struct ConfigProblems;
int profile_load(const char *path, Profile **ret, struct ConfigProblems *ret_problems);
ProfileTriggerRule profile_trigger_rule(const Profile *profile, const char *code, const char *event);
const ProfileMap *profile_find_map(const Profile *profile, const char *path);
const ProfileMapEntry *profile_map_find(const ProfileMap *map, const char *code);
