#pragma once
/*
 * A configuration made ready for intake: the rules of each source, its zone, the settings that the fold depends on. Made
 * whole in one thread, then handed over and only read.
 */
#include "base/bytes.h"
#include "base/cleanup.h"
#include "canon/normalise.h"
#include "config/config.h"

typedef struct Snapshot {
        Config *config;
        CanonRules *rules;  /* one a source */
        char **authorities; /* one a source: carebus:SOURCE */
        Zone **zones;       /* each zone once */
        size_t n_zones;
        Buffer settings; /* a packed Settings: equal bytes mean equal settings */
        Buffer entry;    /* the same as a packed Entry */
} Snapshot;

/* -ENOENT when a zone of the configuration is not in the system's database (the check has looked, but it may go). */
int snapshot_new(const Config *config, Snapshot **ret);
Snapshot *snapshot_free(Snapshot *snapshot);
DEFINE_CLEANUP(Snapshot *, snapshot_free)
const char *environment_name(ConfigEnvironment environment);
