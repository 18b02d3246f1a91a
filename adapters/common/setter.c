/*
 * One walk along a path through the descriptors, making what is not there yet, and one table of what text means for the
 * messages that stand for values.
 */
#include "adapters/common/setter.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "carebus/v1/bodies.pb-c.h"
#include "carebus/v1/common.pb-c.h"

#define INDEX_MAX 64
#define NAME_SIZE 64

/* A message that stands for a value: the field of it that the text goes to. */
static const struct {
        const ProtobufCMessageDescriptor *descriptor;
        const char *field;
} value_fields[] = {
        { &carebus__v1__coded__descriptor, "original" },    { &carebus__v1__original_code__descriptor, "code" },
        { &carebus__v1__when__descriptor, "text" },         { &carebus__v1__date__descriptor, "text" },
        { &carebus__v1__identifier__descriptor, "value" },  { &carebus__v1__human_name__descriptor, "text" },
        { &carebus__v1__address__descriptor, "text" },      { &carebus__v1__telecom__descriptor, "value" },
        { &carebus__v1__quantity__descriptor, "value" },    { &carebus__v1__organisation__descriptor, "name" },
        { &carebus__v1__practitioner__descriptor, "name" }, { &carebus__v1__place__descriptor, "text" },
        { &carebus__v1__text__descriptor, "text" },         { &carebus__v1__service_ref__descriptor, "name" },
};

static const char *value_field_of(const ProtobufCMessageDescriptor *descriptor) {
        for (size_t i = 0; i < ELEMENTSOF(value_fields); i++)
                if (value_fields[i].descriptor == descriptor)
                        return value_fields[i].field;
        return NULL;
}

/* ---- one step of a path: name, name[3] */

typedef struct Step {
        char name[NAME_SIZE];
        unsigned index; /* from 1; 0: not said */
} Step;

static const char *step_read(const char *path, Step *ret) {
        size_t n = strspn(path, "abcdefghijklmnopqrstuvwxyz0123456789_");

        if (n == 0 || n >= NAME_SIZE)
                return NULL;
        memcpy(ret->name, path, n);
        ret->name[n] = 0;
        ret->index = 0;
        path += n;
        if (*path == '[') {
                for (path++; *path >= '0' && *path <= '9' && ret->index <= INDEX_MAX; path++)
                        ret->index = ret->index * 10 + (unsigned)(*path - '0');
                if (*path++ != ']' || ret->index < 1 || ret->index > INDEX_MAX)
                        return NULL;
        }
        if (*path == '.')
                return path[1] ? path + 1 : NULL;
        return *path ? NULL : path;
}

/* ---- places in a message */

static void *place_of(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field) {
        return (uint8_t *)message + field->offset;
}

static void *quantifier_of(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field) {
        return (uint8_t *)message + field->quantifier_offset;
}

static size_t element_size(const ProtobufCFieldDescriptor *field) {
        switch (field->type) {
        case PROTOBUF_C_TYPE_STRING:
        case PROTOBUF_C_TYPE_MESSAGE:
                return sizeof(void *);
        case PROTOBUF_C_TYPE_BOOL:
                return sizeof(protobuf_c_boolean);
        case PROTOBUF_C_TYPE_INT64:
        case PROTOBUF_C_TYPE_UINT64:
                return sizeof(uint64_t);
        case PROTOBUF_C_TYPE_UINT32:
        case PROTOBUF_C_TYPE_INT32:
        case PROTOBUF_C_TYPE_SINT32:
        case PROTOBUF_C_TYPE_ENUM:
                return sizeof(uint32_t);
        default: /* bytes, fixed and floating numbers: nothing that a text of HL7 could be */
                return 0;
        }
}

static ProtobufCMessage *message_new(const ProtobufCMessageDescriptor *descriptor, Arena *arena) {
        ProtobufCMessage *message = arena_alloc(arena, descriptor->sizeof_message);

        if (message)
                protobuf_c_message_init(descriptor, message);
        return message;
}

/* Room for the element that a step names; a list gets one more, or is filled up to the index. */
static int element_of(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field, unsigned index, Arena *arena,
                      void **ret) {
        size_t size = element_size(field), *n = quantifier_of(message, field), wanted = index ? index : *n + 1;
        uint8_t **list = place_of(message, field), *grown;

        if (wanted > *n) {
                grown = arena_alloc(arena, wanted * size);
                if (!grown)
                        return -ENOMEM;
                memset(grown, 0, wanted * size);
                if (*n)
                        memcpy(grown, *list, *n * size);
                for (size_t i = *n; field->type == PROTOBUF_C_TYPE_MESSAGE && i < wanted; i++) {
                        ((ProtobufCMessage **)grown)[i] = message_new(field->descriptor, arena);
                        if (!((ProtobufCMessage **)grown)[i])
                                return -ENOMEM;
                }
                for (size_t i = *n; field->type == PROTOBUF_C_TYPE_STRING && i < wanted; i++)
                        ((const char **)grown)[i] = protobuf_c_empty_string;
                *list = grown;
                *n = wanted;
        }
        *ret = *list + (wanted - 1) * size;
        return 0;
}

/* The place of a field, with its presence noted. */
static int open_field(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field, unsigned index, Arena *arena,
                      void **ret) {
        if (field->label == PROTOBUF_C_LABEL_REPEATED)
                return element_of(message, field, index, arena, ret);
        if (index > 0)
                return SETTER_E_NO_FIELD;
        if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) {
                uint32_t *member = quantifier_of(message, field);

                if (*member != 0 && *member != field->id)
                        return SETTER_E_BODY;
                if (*member == 0 && field->type == PROTOBUF_C_TYPE_MESSAGE)
                        *(ProtobufCMessage **)place_of(message, field) = NULL;
                *member = field->id;
        } else if (field->label == PROTOBUF_C_LABEL_OPTIONAL && field->type != PROTOBUF_C_TYPE_STRING &&
                   field->type != PROTOBUF_C_TYPE_MESSAGE)
                *(protobuf_c_boolean *)quantifier_of(message, field) = 1;
        *ret = place_of(message, field);
        return 0;
}

/* ---- what text means */

static int truth_read(const char *text, protobuf_c_boolean *ret) {
        static const char *const yes[] = { "1", "y", "yes", "true" }, *const no[] = { "0", "n", "no", "false" };

        for (size_t i = 0; i < ELEMENTSOF(yes); i++) {
                if (strcasecmp(text, yes[i]) == 0)
                        return *ret = 1, 0;
                if (strcasecmp(text, no[i]) == 0)
                        return *ret = 0, 0;
        }
        return SETTER_E_VALUE;
}

/* KIND_CPR or cpr: the schema's own name, or what follows the name of the enum. */
static int enum_read(const ProtobufCEnumDescriptor *descriptor, const char *text, uint32_t *ret) {
        for (unsigned i = 0; i < descriptor->n_values; i++) {
                const char *name = descriptor->values[i].name;
                size_t n_name = strlen(name), n_text = strlen(text);

                if (n_text == 0 || n_text > n_name || (n_text < n_name && name[n_name - n_text - 1] != '_'))
                        continue;
                if (strcasecmp(name + n_name - n_text, text) == 0) {
                        *ret = (uint32_t)descriptor->values[i].value;
                        return 0;
                }
        }
        return SETTER_E_VALUE;
}

static int number_read(const char *text, uint64_t max, uint64_t *ret) {
        uint64_t value;

        if (text_to_u64(text, &value) < 0 || value > max)
                return SETTER_E_VALUE;
        *ret = value;
        return 0;
}

static int scalar_read(const ProtobufCFieldDescriptor *field, const char *text, void *place) {
        uint64_t value = 0;
        int r;

        switch (field->type) {
        case PROTOBUF_C_TYPE_BOOL:
                return truth_read(text, place);
        case PROTOBUF_C_TYPE_ENUM:
                return enum_read(field->descriptor, text, place);
        case PROTOBUF_C_TYPE_UINT32:
        case PROTOBUF_C_TYPE_INT32:
        case PROTOBUF_C_TYPE_SINT32:
                r = number_read(text, field->type == PROTOBUF_C_TYPE_UINT32 ? UINT32_MAX : INT32_MAX, &value);
                if (r == 0)
                        *(uint32_t *)place = (uint32_t)value;
                return r;
        case PROTOBUF_C_TYPE_UINT64:
        case PROTOBUF_C_TYPE_INT64:
                r = number_read(text, field->type == PROTOBUF_C_TYPE_UINT64 ? UINT64_MAX : INT64_MAX, &value);
                if (r == 0)
                        *(uint64_t *)place = value;
                return r;
        default:
                return SETTER_E_NO_FIELD;
        }
}

/* Whether a text can be read for a field, before anything is made for it. */
static int value_check(const ProtobufCFieldDescriptor *field, const char *text) {
        uint64_t scratch;

        if (field->type == PROTOBUF_C_TYPE_STRING)
                return 0;
        if (field->type == PROTOBUF_C_TYPE_MESSAGE)
                return value_field_of(field->descriptor) ? 0 : SETTER_E_NO_FIELD;
        return scalar_read(field, text, &scratch);
}

int setter_check_path(const ProtobufCMessageDescriptor *descriptor, const char *path) {
        while (descriptor) {
                const ProtobufCFieldDescriptor *field;
                Step step;

                path = step_read(path, &step);
                field = path ? protobuf_c_message_descriptor_get_field_by_name(descriptor, step.name) : NULL;
                if (!field || element_size(field) == 0 || (step.index && field->label != PROTOBUF_C_LABEL_REPEATED))
                        return SETTER_E_NO_FIELD;
                descriptor = field->type == PROTOBUF_C_TYPE_MESSAGE ? field->descriptor : NULL;
                if (!*path)
                        return descriptor && !value_field_of(descriptor) ? SETTER_E_NO_FIELD : 0;
        }
        return SETTER_E_NO_FIELD;
}

/* The last field of a path, for value_check(). */
static const ProtobufCFieldDescriptor *last_field(const ProtobufCMessageDescriptor *descriptor, const char *path) {
        const ProtobufCFieldDescriptor *field = NULL;
        Step step;

        while (*path) {
                path = step_read(path, &step);
                field = protobuf_c_message_descriptor_get_field_by_name(descriptor, step.name);
                descriptor = field->type == PROTOBUF_C_TYPE_MESSAGE ? field->descriptor : NULL;
        }
        return field;
}

int setter_set(ProtobufCMessage *message, const char *path, const char *text, Arena *arena) {
        int r;

        r = setter_check_path(message->descriptor, path);
        if (r == 0)
                r = value_check(last_field(message->descriptor, path), text);
        if (r)
                return r;
        for (;;) {
                const ProtobufCFieldDescriptor *field;
                void *place = NULL;
                Step step;

                path = step_read(path, &step);
                field = protobuf_c_message_descriptor_get_field_by_name(message->descriptor, step.name);
                r = open_field(message, field, step.index, arena, &place);
                if (r)
                        return r;
                if (field->type == PROTOBUF_C_TYPE_STRING) {
                        char *copy = arena_text(arena, text, strlen(text));

                        if (!copy)
                                return -ENOMEM;
                        *(char **)place = copy;
                        return 0;
                }
                if (field->type != PROTOBUF_C_TYPE_MESSAGE)
                        return scalar_read(field, text, place);
                if (!*(ProtobufCMessage **)place)
                        *(ProtobufCMessage **)place = message_new(field->descriptor, arena);
                message = *(ProtobufCMessage **)place;
                if (!message)
                        return -ENOMEM;
                if (!*path)
                        path = value_field_of(field->descriptor);
        }
}
