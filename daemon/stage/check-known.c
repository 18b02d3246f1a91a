#include "daemon/stage/check-known.h"

#include <errno.h>
#include <string.h>

#include "base/arena.h"
#include "carebus/v1/event.pb-c.h"
#include "daemon/identity/match.h"
#include "proto/path.h"

/* The shipped settings, nicknames included. */
#define DEFAULTS_BYTES ((size_t)8 << 20)

static bool is_of_demographics(const char *path) {
        return strncmp(path, "demographics", strlen("demographics")) == 0;
}

/* `unit` stands for the units of all quantities; of one it is PATH.unit. */
static bool path_is_known(const char *path, ConfigPathUse use) {
        const ProtobufCFieldDescriptor *field = event_path_field(path);

        if (use == CONFIG_PATH_MAP && strcmp(path, "unit") == 0)
                return true;
        if (!field)
                return false;
        if (use == CONFIG_PATH_MAP)
                return field->descriptor == &carebus__v1__coded__descriptor ||
                       (field->type == PROTOBUF_C_TYPE_STRING && strcmp(field->name, "unit") == 0);
        if (use == CONFIG_PATH_OWNERSHIP)
                return is_of_demographics(path);
        return use != CONFIG_PATH_LIST || field->label == PROTOBUF_C_LABEL_REPEATED;
}

static size_t fields_below(const char *path, const char **ret, size_t size) {
        const ProtobufCFieldDescriptor *field = path[0] ? event_path_field(path) : NULL;
        const ProtobufCMessageDescriptor *message = &carebus__v1__event__descriptor;
        size_t n = 0;

        if (path[0])
                message = field && field->type == PROTOBUF_C_TYPE_MESSAGE ? field->descriptor : NULL;
        for (; message && n < message->n_fields && n < size; n++)
                ret[n] = message->fields[n].name;
        return n;
}

int check_known(const Config *config, const ConfigText *text, ConfigProblems *problems) {
        _cleanup_(arena_freep) Arena *arena = NULL;
        Carebus__V1__MatchingSettings *shipped;
        ConfigKnown known = { .path = path_is_known, .below = fields_below };
        ConfigWeightName *weights;
        int r = arena_new(&arena, DEFAULTS_BYTES);

        if (r == 0)
                r = match_settings_default(arena, &shipped);
        if (r < 0)
                return r;
        weights = arena_alloc(arena, (shipped->n_weights + 1) * sizeof(*weights));
        if (!weights)
                return -ENOMEM;
        for (size_t i = 0; i < shipped->n_weights; i++)
                weights[i] = (ConfigWeightName){ shipped->weights[i]->field, shipped->weights[i]->agreement };
        known.weights = weights;
        known.n_weights = shipped->n_weights;
        known.link_above = shipped->link_above;
        known.review_above = shipped->review_above;
        return config_check_known(config, text, &known, problems);
}
