/* From the configuration as written to what intake looks things up in. */
#include "daemon/stage/snapshot.h"

#include "base/error.h"
#include "base/text.h"
#include "daemon/stage/settings-pack.h"

const char *environment_name(ConfigEnvironment environment) {
        switch (environment) {
        case CONFIG_ENVIRONMENT_LIVE:
                return "live";
        case CONFIG_ENVIRONMENT_TEST:
                return "test";
        default:
                return "any";
        }
}

static int snapshot_zone(Snapshot *snapshot, const char *name, const Zone **ret) {
        int r;

        *ret = NULL;
        if (!name)
                return 0;
        for (size_t i = 0; i < snapshot->n_zones; i++)
                if (text_equal(zone_name(snapshot->zones[i]), name)) {
                        *ret = snapshot->zones[i];
                        return 0;
                }
        r = zone_new(name, &snapshot->zones[snapshot->n_zones]);
        if (r != 0)
                return r == ZONE_E_UNKNOWN ? -ENOENT : r;
        *ret = snapshot->zones[snapshot->n_zones++];
        return 0;
}

static int snapshot_rules(Snapshot *snapshot) {
        const Config *config = snapshot->config;

        for (size_t i = 0; i < config->n_sources; i++) {
                const ConfigSource *source = &config->sources[i];
                const Zone *zone;
                int r = text_format(&snapshot->authorities[i], "carebus:%s", source->name);

                if (r >= 0)
                        r = snapshot_zone(snapshot, settings_source_timezone(config, source), &zone);
                if (r < 0)
                        return r;
                snapshot->rules[i] = (CanonRules){
                        .profile = source->profile,
                        .zone = zone,
                        .default_authority = snapshot->authorities[i],
                        .team = config->teams[source->team].name,
                        .test_numbers = config->environment != CONFIG_ENVIRONMENT_LIVE,
                };
        }
        return 0;
}

int snapshot_new(const Config *config, Snapshot **ret) {
        _cleanup_(snapshot_freep) Snapshot *snapshot = calloc(1, sizeof(*snapshot));
        int r;

        if (!snapshot)
                return -ENOMEM;
        snapshot->config = config_ref(config);
        snapshot->rules = calloc(config->n_sources + 1, sizeof(*snapshot->rules));
        snapshot->authorities = calloc(config->n_sources + 1, sizeof(*snapshot->authorities));
        snapshot->zones = calloc(config->n_sources + 1, sizeof(*snapshot->zones));
        if (!snapshot->rules || !snapshot->authorities || !snapshot->zones)
                return -ENOMEM;
        r = snapshot_rules(snapshot);
        if (r == 0)
                r = settings_pack(config, &snapshot->settings, &snapshot->entry);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(snapshot);
        return 0;
}

Snapshot *snapshot_free(Snapshot *snapshot) {
        if (!snapshot)
                return NULL;
        for (size_t i = 0; snapshot->authorities && i < snapshot->config->n_sources; i++)
                free(snapshot->authorities[i]);
        for (size_t i = 0; i < snapshot->n_zones; i++)
                zone_free(snapshot->zones[i]);
        free(snapshot->authorities);
        free(snapshot->zones);
        free(snapshot->rules);
        buffer_deinit(&snapshot->settings);
        buffer_deinit(&snapshot->entry);
        config_unref(snapshot->config);
        free(snapshot);
        return NULL;
}
