#pragma once
/*
 * carebus.yaml as the tables read it, before anything is looked up: names of teams are still names, users still users.
 */
#include "config/schema.h"

typedef struct DraftContact {
        SchemaElement element;
        ConfigContact contact;
} DraftContact;

typedef struct DraftTeam {
        SchemaElement element;
        ConfigTeam team;       /* what needs no look-up */
        ConfigContact contact; /* the short form */
        DraftContact *contacts;
        size_t n_contacts;
        char *user, *key;
        char **may_read;
        size_t n_may_read;
} DraftTeam;

typedef struct DraftSource {
        SchemaElement element;
        ConfigSource source;
        char *team, *profile, *user, *key;
} DraftSource;

typedef struct DraftDestination {
        SchemaElement element;
        char *team, *adapter, *endpoint, *folder, *profile, *user, *key;
} DraftDestination;

typedef struct DraftOwnership {
        SchemaElement element;
        char *path;
        char **sources;
        size_t n_sources;
} DraftOwnership;

typedef struct Draft {
        Config config;
        char *environment;
        char **operators;
        size_t n_operators;
        DraftTeam *teams;
        size_t n_teams;
        DraftSource *sources;
        size_t n_sources;
        DraftDestination *destinations;
        size_t n_destinations;
        DraftOwnership *ownership;
        size_t n_ownership;
        char *nicknames_file;             /* where `nicknames` names one */
        const YamlNode *nicknames_groups; /* where they stand here */
} Draft;

/* Table of the whole file; target is a Draft. */
extern const SchemaItem config_items[];
/* Its parts that have files of their own: config/tables-matching.c. */
extern const SchemaItem matching_items[], ownership_items[];
