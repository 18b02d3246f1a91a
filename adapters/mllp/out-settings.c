/* See out-settings.h. */
#include "adapters/mllp/out-settings.h"

#include <errno.h>
#include <stdlib.h>

#define APPLICATION_DEFAULT "CAREBUS"

struct OutSettings {
        WriterOptions writing;
        WriterOwned *owned;
        const char **names; /* of sources, those of all rows behind each other, and at the end the receiver's own */
};

OutSettings *out_settings_free(OutSettings *settings) {
        if (!settings)
                return NULL;
        free(settings->owned);
        free(settings->names);
        free(settings);
        return NULL;
}

const WriterOptions *out_settings_writing(const OutSettings *settings) {
        return &settings->writing;
}

static bool is_own(const ConfigDestination *destination, size_t source) {
        for (size_t i = 0; i < destination->n_sources; i++)
                if (destination->sources[i] == source)
                        return true;
        return false;
}

/* A row in which a source of the receiver stands makes the field its own, but for who stands in front of it. */
static size_t take_row(OutSettings *settings, const Config *config, const ConfigDestination *destination,
                       const ConfigOwnership *row, size_t n_names) {
        WriterOwned owned = { .path = row->path, .before = settings->names + n_names };

        for (size_t i = 0; i < row->n_sources; i++) {
                if (is_own(destination, row->sources[i])) {
                        settings->owned[settings->writing.n_owned++] = owned;
                        return n_names;
                }
                settings->names[n_names++] = config->sources[row->sources[i]].name;
                owned.n_before++;
        }
        return n_names - owned.n_before;
}

static void take_ownership(OutSettings *settings, const Config *config, const ConfigDestination *destination) {
        size_t n_names = 0;

        for (size_t i = 0; i < config->n_ownership; i++)
                n_names = take_row(settings, config, destination, &config->ownership[i], n_names);
        settings->writing.owned = settings->owned;
        settings->writing.own_sources = settings->names + n_names;
        for (size_t i = 0; i < destination->n_sources; i++)
                settings->names[n_names++] = config->sources[destination->sources[i]].name;
        settings->writing.n_own_sources = destination->n_sources;
}

int out_settings_new(const Config *config, size_t index, OutSettings **ret) {
        const ConfigDestination *destination = &config->destinations[index];
        _cleanup_(out_settings_freep) OutSettings *settings = calloc(1, sizeof(*settings));
        size_t n_names = destination->n_sources + 1;

        if (!settings)
                return -ENOMEM;
        for (size_t i = 0; i < config->n_ownership; i++)
                n_names += config->ownership[i].n_sources;
        settings->names = calloc(n_names, sizeof(*settings->names));
        settings->owned = calloc(config->n_ownership + 1, sizeof(*settings->owned));
        if (!settings->names || !settings->owned)
                return -ENOMEM;
        settings->writing = (WriterOptions){
                .bus = config->bus,
                .profile = destination->profile,
                .timezone = destination->timezone,
                .application = destination->application ? destination->application : APPLICATION_DEFAULT,
                .facility = destination->facility,
                .receiving_application = destination->receiving_application,
                .receiving_facility = destination->receiving_facility,
                .processing_id = config->environment == CONFIG_ENVIRONMENT_LIVE ? 'P' : 'T',
        };
        take_ownership(settings, config, destination);
        *ret = TAKE_PTR(settings);
        return 0;
}
