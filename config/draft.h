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
        ConfigDestination destination; /* what needs no look-up */
        char *team, *profile, *user, *key;
        char **sources;
        size_t n_sources;
} DraftDestination;

typedef struct DraftRule {
        SchemaElement element;
        ConfigSharingRule rule;
} DraftRule;

/* Codes of one system. */
typedef struct DraftCodes {
        SchemaElement element;
        char *system;
        char **codes;
        size_t n_codes;
} DraftCodes;

typedef struct DraftSensitive {
        SchemaElement element;
        ConfigSensitive sensitive; /* without its codes */
        DraftCodes *codes;
        size_t n_codes;
        char *list; /* file */
} DraftSensitive;

typedef struct DraftSharing {
        ConfigSharing sharing; /* without rules and sensitive classes */
        DraftRule *rules;
        size_t n_rules;
        DraftSensitive *sensitive;
        size_t n_sensitive;
} DraftSharing;

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
        char *people;                     /* scope */
        const YamlNode *sharing;          /* a mapping, or the name of a file */
        char *nicknames_file;             /* where `nicknames` names one */
        const YamlNode *nicknames_groups; /* where they stand here */
} Draft;

/* Table of the whole file; target is a Draft. */
extern const SchemaItem config_items[];
/* Its parts that have files of their own: config/tables-matching.c, tables-destinations.c, tables-sharing.c. */
extern const SchemaItem matching_items[], ownership_items[], destination_items[], tls_items[];
extern const SchemaItem scope_items[];
/* Target is a DraftSharing. */
extern const SchemaItem sharing_items[];
/* Keeps the node. */
int sharing_keep(SchemaWalk *walk, const YamlNode *node, void *target);
