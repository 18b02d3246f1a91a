#pragma once
/*
 * carebus.yaml as the tables read it, before anything is looked up: names of teams are still names, users still users.
 */
#include "config/schema.h"

typedef struct DraftTeam {
        SchemaElement element;
        ConfigTeam team; /* what needs no look-up */
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
} Draft;

/* Table of the whole file; target is a Draft. */
extern const SchemaItem config_items[];
