/*
 * May_read, until there are rules: for each team the names of the sources it sees, in order.
 */
#include "daemon/sharing/sharing.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include "base/text.h"

typedef struct SharingTeam {
        const char **sources; /* of the configuration, ordered by name */
        size_t n_sources;
} SharingTeam;

struct Sharing {
        atomic_uint references;
        Config *config;
        size_t n_teams;
        SharingTeam teams[];
};

static const Carebus__V1__TeamSettings *find_team(const Carebus__V1__Settings *folded, const char *name) {
        for (size_t i = 0; folded && i < folded->n_teams; i++)
                if (text_equal(folded->teams[i]->name, name))
                        return folded->teams[i];
        return NULL;
}

static bool is_granted(const Carebus__V1__TeamSettings *team, const char *source) {
        for (size_t i = 0; team && i < team->n_may_read; i++)
                if (text_equal(team->may_read[i], source))
                        return true;
        return false;
}

static int compare_names(const void *a, const void *b) {
        return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int team_fill(SharingTeam *team, const Config *config, size_t index, const Carebus__V1__TeamSettings *folded) {
        const ConfigTeam *configured = &config->teams[index];

        team->sources = calloc(configured->n_may_read + 1, sizeof(*team->sources));
        if (!team->sources)
                return -ENOMEM;
        for (size_t i = 0; i < configured->n_may_read; i++) {
                const char *name = config->sources[configured->may_read[i]].name;
                if (is_granted(folded, name))
                        team->sources[team->n_sources++] = name;
        }
        qsort(team->sources, team->n_sources, sizeof(*team->sources), compare_names);
        return 0;
}

int sharing_new(const Config *config, const Carebus__V1__Settings *folded, Sharing **ret) {
        _cleanup_(sharing_unrefp)
                Sharing *sharing = calloc(1, sizeof(*sharing) + config->n_teams * sizeof(SharingTeam));

        if (!sharing)
                return -ENOMEM;
        atomic_init(&sharing->references, 1);
        sharing->config = config_ref(config);
        sharing->n_teams = config->n_teams;
        for (size_t i = 0; i < config->n_teams; i++) {
                int r = team_fill(&sharing->teams[i], config, i, find_team(folded, config->teams[i].name));
                if (r < 0)
                        return r;
        }
        *ret = TAKE_PTR(sharing);
        return 0;
}

Sharing *sharing_ref(Sharing *sharing) {
        if (sharing)
                atomic_fetch_add_explicit(&sharing->references, 1, memory_order_relaxed);
        return sharing;
}

Sharing *sharing_unref(Sharing *sharing) {
        if (!sharing || atomic_fetch_sub_explicit(&sharing->references, 1, memory_order_acq_rel) != 1)
                return NULL;
        for (size_t i = 0; i < sharing->n_teams; i++)
                free(sharing->teams[i].sources);
        config_unref(sharing->config);
        free(sharing);
        return NULL;
}

const Config *sharing_config(const Sharing *sharing) {
        return sharing->config;
}

static int compare_bytes(Bytes key, const char *name) {
        size_t size = strlen(name);
        int r = memcmp(key.data, name, MIN(key.size, size));

        return r ? r : key.size == size ? 0 : key.size < size ? -1 : 1;
}

bool sharing_may_read(const Sharing *sharing, size_t team, Bytes source) {
        size_t low = 0, high;

        if (team >= sharing->n_teams || source.size == 0)
                return false;
        high = sharing->teams[team].n_sources;
        while (low < high) {
                size_t middle = low + (high - low) / 2;
                int order = compare_bytes(source, sharing->teams[team].sources[middle]);

                if (order == 0)
                        return true;
                if (order < 0)
                        high = middle;
                else
                        low = middle + 1;
        }
        return false;
}

const char *sharing_source_at(const Sharing *sharing, size_t team, size_t n) {
        return team < sharing->n_teams && n < sharing->teams[team].n_sources ? sharing->teams[team].sources[n] : NULL;
}
