/* See the header: a walk along a path by the descriptors, every element of a list on the way, and what of a value a word is held
 * against at its end. */
#include "canon/team.h"

#include <strings.h>

#include "base/cleanup.h"
#include "carebus/v1/bodies.pb-c.h"
#include "carebus/v1/common.pb-c.h"
#include "proto/reflect.h"

/* What stands for a message as a whole: its texts, and of some a message in turn. Systems, roles and phones name nobody's team. */
static const struct {
        const ProtobufCMessageDescriptor *type;
        const char *fields[6]; /* ends with NULL */
} faces[] = {
        { &carebus__v1__coded__descriptor, { "code", "display", "text", "original" } },
        { &carebus__v1__original_code__descriptor, { "code", "display" } },
        { &carebus__v1__identifier__descriptor, { "value", "text" } },
        { &carebus__v1__organisation__descriptor, { "name", "identifier" } },
        { &carebus__v1__practitioner__descriptor, { "name", "identifier" } },
        { &carebus__v1__human_name__descriptor, { "text", "family" } },
        { &carebus__v1__participant__descriptor, { "practitioner" } },
        { &carebus__v1__care_team_member__descriptor, { "practitioner", "service", "organisation" } },
        { &carebus__v1__service_ref__descriptor, { "name", "identifier", "team", "type" } },
        { &carebus__v1__place__descriptor, { "point_of_care", "facility", "text", "organisation" } },
        { &carebus__v1__address__descriptor, { "postal_code", "text" } },
        { &carebus__v1__telecom__descriptor, { "value" } },
        { &carebus__v1__quantity__descriptor, { "value" } },
        { &carebus__v1__author__descriptor, { "organisation", "organisation_name", "team" } },
};

static bool is_among(const ProfileTeamCondition *condition, const char *text) {
        for (size_t i = 0; text && i < condition->n_values; i++)
                if (strcasecmp(condition->values[i], text) == 0)
                        return true;
        return false;
}

static bool message_fits(const ProfileTeamCondition *condition, const ProtobufCMessage *message);

static bool value_fits(const ProfileTeamCondition *condition, const ProtobufCFieldDescriptor *field,
                       const void *value) {
        const ProtobufCEnumDescriptor *words;
        const ProtobufCEnumValue *word;
        switch (field->type) {
        case PROTOBUF_C_TYPE_STRING:
                return is_among(condition, *(const char *const *)value);
        case PROTOBUF_C_TYPE_MESSAGE:
                return message_fits(condition, *(const ProtobufCMessage *const *)value);
        case PROTOBUF_C_TYPE_BOOL:
                return is_among(condition, *(const protobuf_c_boolean *)value ? "true" : "false");
        case PROTOBUF_C_TYPE_ENUM:
                words = field->descriptor;
                word = protobuf_c_enum_descriptor_get_value(words, *(const int *)value);
                return word && is_among(condition, word->name);
        default: /* numbers and moments: nothing that a team goes by */
                return false;
        }
}

static bool field_fits(const ProfileTeamCondition *condition, const ProtobufCMessage *message,
                       const ProtobufCFieldDescriptor *field) {
        for (size_t i = 0, n = reflect_count(message, field); i < n; i++)
                if (value_fits(condition, field, reflect_value(message, field, i)))
                        return true;
        return false;
}

static bool message_fits(const ProfileTeamCondition *condition, const ProtobufCMessage *message) {
        for (size_t i = 0; i < ELEMENTSOF(faces); i++)
                for (size_t k = 0; faces[i].type == message->descriptor && faces[i].fields[k]; k++) {
                        const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field_by_name(
                                message->descriptor, faces[i].fields[k]);
                        if (field && field_fits(condition, message, field))
                                return true;
                }
        return false;
}

static bool path_fits(const ProfileTeamCondition *condition, const ProtobufCMessage *message, const char *path) {
        char name[64];
        size_t length = strcspn(path, ".");
        if (length >= sizeof(name))
                return false;
        memcpy(name, path, length);
        name[length] = '\0';
        const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field_by_name(message->descriptor,
                                                                                                name);
        if (!field)
                return false;
        if (path[length] == '\0')
                return field_fits(condition, message, field);
        for (size_t i = 0, n = reflect_count(message, field); field->type == PROTOBUF_C_TYPE_MESSAGE && i < n; i++) {
                const ProtobufCMessage *const *item = reflect_value(message, field, i);
                if (path_fits(condition, *item, path + length + 1))
                        return true;
        }
        return false;
}

/* Demographics have one path wherever they stand. */
static bool condition_holds(const ProfileTeamCondition *condition, const Carebus__V1__Event *event) {
        static const char demographics[] = "demographics.";
        if (path_fits(condition, &event->base, condition->path))
                return true;
        return strncmp(condition->path, demographics, strlen(demographics)) == 0 && event->patient &&
               event->patient->demographics &&
               path_fits(condition, &event->patient->demographics->base, condition->path + strlen(demographics));
}

const char *team_find(const Profile *profile, const Carebus__V1__Event *event) {
        for (size_t i = 0; profile && i < profile->n_teams; i++) {
                const ProfileTeam *team = &profile->teams[i];
                bool holds = true;
                for (size_t k = 0; holds && k < team->n_conditions; k++)
                        holds = condition_holds(&team->conditions[k], event);
                if (holds)
                        return team->team;
        }
        return NULL;
}
