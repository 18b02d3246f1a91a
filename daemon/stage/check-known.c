#include "daemon/stage/check-known.h"

#include <errno.h>
#include <string.h>

#include "base/arena.h"
#include "base/text.h"
#include "carebus/v1/event.pb-c.h"
#include "daemon/identity/match.h"
#include "proto/path.h"
#include "proto/types.h"

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

/* What a record's sections do not have: things of nobody. */
static const char *const further_kinds[] = { "services", "notices" };

static const char *kind_name(size_t index) {
        size_t n = 0;

        while (section_at(n))
                n++;
        if (index < n)
                return section_at(index);
        return index - n < ELEMENTSOF(further_kinds) ? further_kinds[index - n] : NULL;
}

static const char *type_name(size_t index) {
        const EventType *type = event_type_at(index);

        return type ? type->name : NULL;
}

/* The parts that the bodies are made of, and a person's own: what may stand in several places. */
static const ProtobufCMessageDescriptor *const parts[] = {
        &carebus__v1__address__descriptor,        &carebus__v1__telecom__descriptor,
        &carebus__v1__related_person__descriptor, &carebus__v1__human_name__descriptor,
        &carebus__v1__identifier__descriptor,     &carebus__v1__organisation__descriptor,
        &carebus__v1__place__descriptor,          &carebus__v1__practitioner__descriptor,
        &carebus__v1__contact_point__descriptor,  &carebus__v1__reach_time__descriptor,
};

static const char *part_name(size_t index) {
        return index < ELEMENTSOF(parts) ? parts[index]->short_name : NULL;
}

static const char *known_name(ConfigNameUse use, size_t index) {
        static const char *(*const names[])(size_t index) = {
                [CONFIG_NAME_KIND] = kind_name,
                [CONFIG_NAME_TYPE] = type_name,
                [CONFIG_NAME_MESSAGE] = part_name,
        };

        return names[use](index);
}

/* services and notices have no section: their types have the body. */
static bool body_is_of_kind(const EventType *type, const char *kind) {
        if (type->section)
                return text_equal(type->section, kind);
        if (type->body == CAREBUS__V1__EVENT__BODY_SERVICE)
                return text_equal(kind, "services");
        return type->body == CAREBUS__V1__EVENT__BODY_NOTICE && text_equal(kind, "notices");
}

static bool path_is_of_kind(const char *path, const char *kind) {
        const EventType *type;

        for (size_t i = 0; (type = event_type_at(i)); i++) {
                const ProtobufCFieldDescriptor *body =
                        protobuf_c_message_descriptor_get_field(&carebus__v1__event__descriptor, type->body);
                size_t length = strlen(body->name);

                if (body_is_of_kind(type, kind) && strncmp(path, body->name, length) == 0 &&
                    (path[length] == '.' || path[length] == '\0'))
                        return true;
        }
        return false;
}

int check_known(const Config *config, const ConfigText *text, ConfigProblems *problems) {
        _cleanup_(arena_freep) Arena *arena = NULL;
        Carebus__V1__MatchingSettings *shipped;
        ConfigKnown known = {
                .path = path_is_known,
                .below = fields_below,
                .name = known_name,
                .path_of_kind = path_is_of_kind,
        };
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
