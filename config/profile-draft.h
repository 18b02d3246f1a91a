#pragma once
/* What the files that read a profile share: profile.c (the whole), profile-maps.c, profile-rules.c, profile-tables.c. */
#include "config/profile-read.h"

/* A key or word of the source's own. */
#define PROFILE_WORD_MAX 200

typedef struct DraftAuthority {
        SchemaElement element;
        ProfileAuthority authority;
} DraftAuthority;

typedef struct DraftTable {
        SchemaElement element;
        ProfileTable table;
        char *delimiter, *dates;
} DraftTable;

typedef struct DraftProfile {
        Profile profile;
        DraftAuthority *authorities;
        size_t n_authorities;
        DraftTable *tables;
        size_t n_tables;
        Place *team_places; /* of each of profile.teams: where its team stands */
} DraftProfile;

typedef struct DraftSignature {
        char *by, *on;
} DraftSignature;

/* For SCHEMA_OTHER; the target is a DraftProfile. */
int profile_read_maps(SchemaWalk *walk, const YamlNode *node, void *target);
int profile_read_triggers(SchemaWalk *walk, const YamlNode *node, void *target);
int profile_read_fields(SchemaWalk *walk, const YamlNode *node, void *target);
int profile_read_teams(SchemaWalk *walk, const YamlNode *node, void *target);
/* The rest of `tables:`, once its mappings were read: target.profile.tables of target.tables. 0 or -ENOMEM. */
int profile_take_tables(SchemaWalk *walk, DraftProfile *draft);
/* Lists that must never be whole, and names that are none. */
void profile_check_complete_lists(Report *report, const YamlNode *root);

/* `signed: {by: , on: }`, both of which it needs. 0 or -ENOMEM. */
int profile_read_signature(SchemaWalk *walk, const YamlNode *node, DraftSignature *ret);
/* Reports a key that is empty or too long. */
bool profile_word_is_valid(SchemaWalk *walk, const YamlNode *key);
/* A mapping's value, or each of a list, as texts. 0 or -ENOMEM. */
int profile_read_words(SchemaWalk *walk, const YamlNode *node, char ***ret, size_t *ret_n);
/* Room for `n` elements of a size in the arena, cleared; NULL: it is full. */
void *profile_new_elements(SchemaWalk *walk, size_t n, size_t size);
/* "known here: a, b, c" of n words, or did you mean. */
void profile_hint_words(Report *report, const char *said, const char *const *words, size_t n);

/* What of `out:` cannot be told of one value alone. */
void profile_check_out(Report *report, const YamlNode *root, Profile *profile);

extern const SchemaItem profile_table_items[];
