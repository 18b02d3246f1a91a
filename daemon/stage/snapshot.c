/* From the configuration as written to what intake looks things up in. */
#include "daemon/stage/snapshot.h"

#include "base/error.h"
#include "base/text.h"
#include "carebus/v1/journal.pb-c.h"

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

static const char *source_timezone(const Config *config, const ConfigSource *source) {
        if (source->timezone)
                return source->timezone;
        if (source->profile && source->profile->timezone)
                return source->profile->timezone;
        return config->timezone;
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
                        r = snapshot_zone(snapshot, source_timezone(config, source), &zone);
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

/* Names are borrowed from the configuration; the arrays live until they are packed. */
typedef struct SettingsParts {
        Carebus__V1__SourceSettings *sources;
        Carebus__V1__SourceSettings **source_pointers;
        Carebus__V1__TeamSettings *teams;
        Carebus__V1__TeamSettings **team_pointers;
        char **may_read; /* of all teams, one after the other */
} SettingsParts;

static void settings_parts_deinit(SettingsParts *parts) {
        free(parts->sources);
        free(parts->source_pointers);
        free(parts->teams);
        free(parts->team_pointers);
        free(parts->may_read);
}

static int settings_parts_init(SettingsParts *parts, const Config *config) {
        size_t n_may_read = 0;

        for (size_t i = 0; i < config->n_teams; i++)
                n_may_read += config->teams[i].n_may_read;
        *parts = (SettingsParts){
                .sources = calloc(config->n_sources + 1, sizeof(*parts->sources)),
                .source_pointers = calloc(config->n_sources + 1, sizeof(*parts->source_pointers)),
                .teams = calloc(config->n_teams + 1, sizeof(*parts->teams)),
                .team_pointers = calloc(config->n_teams + 1, sizeof(*parts->team_pointers)),
                .may_read = calloc(n_may_read + 1, sizeof(*parts->may_read)),
        };
        return parts->sources && parts->source_pointers && parts->teams && parts->team_pointers && parts->may_read
                       ? 0
                       : -ENOMEM;
}

static void settings_fill_sources(SettingsParts *parts, const Config *config) {
        for (size_t i = 0; i < config->n_sources; i++) {
                const ConfigSource *source = &config->sources[i];
                const char *zone = source_timezone(config, source);
                Carebus__V1__SourceSettings *settings = &parts->sources[i];

                carebus__v1__source_settings__init(settings);
                settings->name = source->name;
                settings->team = config->teams[source->team].name;
                settings->timezone = (char *)(uintptr_t)zone;
                parts->source_pointers[i] = settings;
        }
}

static void settings_fill_teams(SettingsParts *parts, const Config *config) {
        char **may_read = parts->may_read;

        for (size_t i = 0; i < config->n_teams; i++) {
                const ConfigTeam *team = &config->teams[i];
                Carebus__V1__TeamSettings *settings = &parts->teams[i];

                carebus__v1__team_settings__init(settings);
                settings->name = team->name;
                settings->class_ = team->class;
                settings->organisation = team->organisation;
                settings->may_read = may_read;
                settings->n_may_read = team->n_may_read;
                for (size_t k = 0; k < team->n_may_read; k++)
                        *may_read++ = config->sources[team->may_read[k]].name;
                parts->team_pointers[i] = settings;
        }
}

static int pack_into(Buffer *buffer, const ProtobufCMessage *message) {
        size_t size = protobuf_c_message_get_packed_size(message);
        uint8_t *room = buffer_reserve(buffer, size);

        if (!room)
                return -ENOMEM;
        protobuf_c_message_pack(message, room);
        buffer_advance(buffer, size);
        return 0;
}

static int snapshot_settings(Snapshot *snapshot) {
        _cleanup_(settings_parts_deinit) SettingsParts parts = { 0 };
        Carebus__V1__Settings settings = CAREBUS__V1__SETTINGS__INIT;
        Carebus__V1__Entry entry = CAREBUS__V1__ENTRY__INIT;
        const Config *config = snapshot->config;
        int r = settings_parts_init(&parts, config);

        if (r < 0)
                return r;
        settings_fill_sources(&parts, config);
        settings_fill_teams(&parts, config);
        settings.bus = config->bus;
        settings.environment = (char *)(uintptr_t)environment_name(config->environment);
        settings.timezone = config->timezone;
        settings.n_sources = config->n_sources;
        settings.sources = parts.source_pointers;
        settings.n_teams = config->n_teams;
        settings.teams = parts.team_pointers;
        entry.kind_case = CAREBUS__V1__ENTRY__KIND_SETTINGS;
        entry.settings = &settings;
        r = pack_into(&snapshot->settings, &settings.base);
        return r < 0 ? r : pack_into(&snapshot->entry, &entry.base);
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
                r = snapshot_settings(snapshot);
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
