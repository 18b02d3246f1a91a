#pragma once
/*
 * A profile: what is special about one system. /etc/carebus/profiles/NAME.yaml.
 */
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/sha256.h"

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
        ProfileMapEntry *entries; /* ordered by code; letters in either case are the same where the map is of words */
        size_t n_entries;
        /* Who answers for it clinically, and since when: without both no map says what a decision means (decision.decision). */
        char *signed_by, *signed_on;
} ProfileMap;

/* A place in the source's own message to a canonical path: PID-3[4=RA9].1 (HL7), Patient.extension('URL').valueString (FHIR), the
 * name of a column (CSV) -> demographics.access_note. docs/profiles.md has the languages. */
typedef struct ProfileField {
        char *from;
        char *to;
        char *when; /* HL7: trigger, ADT^A01 or ADT; FHIR: type of the resource; CSV: name of the table. NULL: always */
} ProfileField;

typedef enum ProfileTriggerRule {
        PROFILE_TRIGGER_HANDLE,
        PROFILE_TRIGGER_IGNORE, /* acknowledged, counted, not kept */
} ProfileTriggerRule;
typedef struct ProfileTrigger {
        char *trigger; /* ADT^A60, or ORM (all of it) */
        ProfileTriggerRule rule;
        char *as; /* what it means here: ADT^A28. NULL: what it says */
} ProfileTrigger;

/* Whose event it is, where one source serves many teams: the first row of which all conditions hold. */
typedef struct ProfileTeamCondition {
        char *path;    /* canonical: encounter.specialty, encounter.place.point_of_care, referral.to.name */
        char **values; /* codes (shared or as said) or texts; letters in either case are the same */
        size_t n_values;
} ProfileTeamCondition;
typedef struct ProfileTeam {
        char *team; /* of the configuration */
        ProfileTeamCondition *conditions;
        size_t n_conditions;
} ProfileTeam;

/* A table of rows: one of the shipped templates, in the source's own dress. */
typedef struct ProfileColumn {
        char *column; /* as in the file's first line; spaces at the ends and letters' case aside */
        char *to;     /* a column of the template */
} ProfileColumn;
typedef struct ProfileValue { /* what a value of a template's column means */
        char *column;         /* of the template */
        char *said, *meant;
} ProfileValue;
typedef enum ProfileDates {
        PROFILE_DATES_UNSAID, /* year first is read; 03/04/2026 is refused, since nobody knows which it is */
        PROFILE_DATES_DAY_FIRST,
        PROFILE_DATES_MONTH_FIRST,
        PROFILE_DATES_YEAR_FIRST,
} ProfileDates;
typedef struct ProfileTable {
        char *name;     /* of config/templates.h: people, contacts, referrals, ... */
        char *files;    /* pattern of fnmatch(3); NULL: NAME*.csv */
        char delimiter; /* 0: found out: comma, semicolon, tab */
        ProfileDates dates;
        ProfileColumn *columns;
        size_t n_columns;
        ProfileValue *values;
        size_t n_values;
        /* Who answers for `values` of what a decision says (plan: cpr). NULL: nobody, and such values are refused. */
        char *signed_by, *signed_on;
        char **ignore; /* columns that say nothing that anybody needs */
        size_t n_ignore;
        bool is_complete; /* each file has everybody: who is missing is noted, and nothing is removed */
        /* The exact form of a bus: no spreadsheet program was at it, each cell is what it says, and each row is one event. */
        bool is_exact;
} ProfileTable;

/* Messages that go out to such a system: `out:`. NULL: not said. */
typedef struct ProfileOutEvent {
        char *type;    /* encounter.admitted, or what stands before the dot */
        char *message; /* ADT^A01, or none */
} ProfileOutEvent;
typedef struct ProfileOutMapEntry {
        char *code; /* shared */
        char *to;   /* the receiver's own */
} ProfileOutMapEntry;
typedef struct ProfileOutMap {
        char *path;
        ProfileOutMapEntry *entries;
        size_t n_entries;
} ProfileOutMap;
typedef struct ProfileOut {
        char *version, *charset, *separators, *offset, *acknowledgement, *own_id; /* the words of docs/profiles.md */
        char **segments, **requires_, **granted;
        size_t n_segments, n_requires, n_granted;
        ProfileOutEvent *events;
        size_t n_events;
        ProfileOutMap *maps;
        size_t n_maps;
} ProfileOut;

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
        ProfileTeam *teams;
        size_t n_teams;
        ProfileTable *tables;
        size_t n_tables;
        char **ignore; /* fields of the source that say nothing that anybody needs: PID-35, Patient.photo */
        size_t n_ignore;
        bool nhs_numbers_traced;
        ProfileOut out;
        uint8_t digest[SHA256_SIZE]; /* of its text: profiles of one digest read alike */
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
/* The row itself, for what it says besides (`as`); NULL where no row is about it. */
const ProfileTrigger *profile_trigger_find(const Profile *profile, const char *code, const char *event);
/* Whether a list is one that this source always sends whole: a canonical path, or the name of a section (care_team, care-team). */
bool profile_list_is_complete(const Profile *profile, const char *path);
/* What the place of a row of `fields` is written in; a row of `ignore` may also be a whole segment (ZBE), which looks like a column. */
typedef enum ProfileLanguage {
        PROFILE_LANGUAGE_HL7,    /* PID-3[4=RA9].1 */
        PROFILE_LANGUAGE_FHIR,   /* Patient.extension('URL').valueString */
        PROFILE_LANGUAGE_COLUMN, /* Key safe */
} ProfileLanguage;
ProfileLanguage profile_path_language(const char *path);
/* The table of a profile, by the template's name; NULL: nothing special is said of it. */
const ProfileTable *profile_table_find(const Profile *profile, const char *name);

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
/* A word (three letters and more, no digit) is the same in either letters' case; a code is what it is. */
static inline bool profile_code_is_word(const char *code) {
        size_t n = 0;
        for (; code[n]; n++)
                if (code[n] >= '0' && code[n] <= '9')
                        return false;
        return n >= 3;
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
        for (size_t i = 0; profile_code_is_word(code) && i < map->n_entries; i++)
                if (strcasecmp(map->entries[i].code, code) == 0)
                        return &map->entries[i];
        return NULL;
}
/* A map that says what a decision means counts only where somebody answers for it. */
static inline bool profile_map_is_signed(const ProfileMap *map) {
        return map->signed_by && map->signed_on;
}
