/*
 * What the receiver's own sources own is not told to it: who is master of a field is not overwritten by what others said of it.
 * A copy is made along the path alone; whatever else there is stays the event's.
 */
#include <string.h>

#include "adapters/mllp/writer-rules.h"
#include "base/text.h"

static bool is_before(const WriterOwned *owned, const char *source) {
        for (size_t i = 0; i < owned->n_before; i++)
                if (text_equal(owned->before[i], source))
                        return true;
        return false;
}

static bool path_is_in(const char *path, const char *whole) {
        size_t n = strlen(whole);

        return strncmp(path, whole, n) == 0 && (!path[n] || path[n] == '.' || path[n] == '[');
}

/* A message of protobuf-c of which everything below is shared. */
static ProtobufCMessage *shallow_copy(Out *out, const ProtobufCMessage *message) {
        void *copy = out_alloc(out, message->descriptor->sizeof_message);

        return copy ? memcpy(copy, message, message->descriptor->sizeof_message) : NULL;
}

static void field_clear(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field) {
        uint8_t *base = (uint8_t *)message;

        if (field->label == PROTOBUF_C_LABEL_REPEATED) {
                *(size_t *)(base + field->quantifier_offset) = 0;
                return;
        }
        if (field->type == PROTOBUF_C_TYPE_MESSAGE || field->type == PROTOBUF_C_TYPE_STRING)
                *(void **)(base + field->offset) = NULL;
        else
                *(protobuf_c_boolean *)(base + field->quantifier_offset) = false;
}

static void list_clear_below(Out *out, ProtobufCMessage *message, const ProtobufCFieldDescriptor *field,
                             const char *path);

/* Takes what `path` names out of a message that may be changed. */
static void path_clear(Out *out, ProtobufCMessage *message, const char *path) {
        size_t n = strcspn(path, ".");
        char name[64];
        const ProtobufCFieldDescriptor *field;
        ProtobufCMessage **below;

        if (n >= sizeof(name))
                return;
        memcpy(name, path, n);
        name[n] = 0;
        field = protobuf_c_message_descriptor_get_field_by_name(message->descriptor, name);
        if (!field || (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF))
                return;
        if (!path[n]) {
                field_clear(message, field);
                return;
        }
        if (field->type != PROTOBUF_C_TYPE_MESSAGE)
                return;
        if (field->label == PROTOBUF_C_LABEL_REPEATED) {
                list_clear_below(out, message, field, path + n + 1);
                return;
        }
        below = (ProtobufCMessage **)((uint8_t *)message + field->offset);
        if (!*below)
                return;
        *below = shallow_copy(out, *below);
        if (*below)
                path_clear(out, *below, path + n + 1);
}

static void list_clear_below(Out *out, ProtobufCMessage *message, const ProtobufCFieldDescriptor *field,
                             const char *path) {
        size_t n = *(size_t *)((uint8_t *)message + field->quantifier_offset);
        ProtobufCMessage ***list = (ProtobufCMessage ***)((uint8_t *)message + field->offset);
        ProtobufCMessage **copy = out_alloc(out, (n + 1) * sizeof(*copy));

        for (size_t i = 0; copy && i < n; i++) {
                copy[i] = shallow_copy(out, (*list)[i]);
                if (!copy[i])
                        return;
                path_clear(out, copy[i], path);
        }
        if (copy)
                *list = copy;
}

/* The body that a path begins with: demographics.telecom is about every event's demographics. */
static void owned_clear(Out *out, Carebus__V1__Event *event, const char *path) {
        const char *rest = strchr(path, '.');
        size_t n = rest ? (size_t)(rest - path) : strlen(path);
        const ProtobufCFieldDescriptor *body;
        ProtobufCMessage **slot;
        char name[64];

        if (n >= sizeof(name))
                return;
        memcpy(name, path, n);
        name[n] = 0;
        if (strcmp(name, "demographics") == 0 && event->patient && event->patient->demographics) {
                event->patient = (Carebus__V1__Subject *)shallow_copy(out, &event->patient->base);
                if (!event->patient)
                        return;
                event->patient->demographics =
                        (Carebus__V1__Demographics *)shallow_copy(out, &event->patient->demographics->base);
                if (event->patient->demographics && rest)
                        path_clear(out, &event->patient->demographics->base, rest + 1);
                else
                        event->patient->demographics = NULL;
        }
        body = protobuf_c_message_descriptor_get_field_by_name(&carebus__v1__event__descriptor, name);
        if (!body || !(body->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) || body->id != (uint32_t)event->body_case || !rest)
                return;
        slot = (ProtobufCMessage **)((uint8_t *)event + body->offset);
        *slot = *slot ? shallow_copy(out, *slot) : NULL;
        if (*slot)
                path_clear(out, *slot, rest + 1);
}

static bool is_owned(const Out *out, const char *path, const char *source) {
        for (size_t i = 0; i < out->options->n_owned; i++)
                if (path_is_in(path, out->options->owned[i].path))
                        return !is_before(&out->options->owned[i], source); /* the first row that fits counts */
        return false;
}

static void cleared_without_owned(Out *out, Carebus__V1__Event *event) {
        char **kept = out_alloc(out, (event->n_cleared + 1) * sizeof(*kept));
        size_t n = 0;

        for (size_t i = 0; kept && i < event->n_cleared; i++)
                if (!is_owned(out, event->cleared[i], event->source))
                        kept[n++] = event->cleared[i];
        event->n_cleared = kept ? n : 0;
        event->cleared = kept;
}

const Carebus__V1__Event *event_without_owned(Out *out, const Carebus__V1__Event *event) {
        Carebus__V1__Event *copy;

        if (out->options->n_owned == 0)
                return event;
        copy = (Carebus__V1__Event *)shallow_copy(out, &event->base);
        if (!copy)
                return event;
        for (size_t i = 0; i < out->options->n_owned; i++)
                if (!is_before(&out->options->owned[i], event->source))
                        owned_clear(out, copy, out->options->owned[i].path);
        cleared_without_owned(out, copy);
        return copy;
}

static bool is_own_source(const Out *out, const char *source) {
        for (size_t i = 0; source && i < out->options->n_own_sources; i++)
                if (strcmp(out->options->own_sources[i], source) == 0)
                        return true;
        return false;
}

Carebus__V1__Demographics *demographics_without_own(Out *out, const Carebus__V1__Overview *overview) {
        static const char prefix[] = "demographics.";
        ProtobufCMessage *copy;

        if (!overview || !overview->demographics)
                return NULL;
        copy = shallow_copy(out, &overview->demographics->base);
        for (size_t i = 0; copy && i < overview->n_fields; i++) {
                const Carebus__V1__FieldSource *field = overview->fields[i];
                const char *path = field->path && text_starts_with(field->path, prefix) ? field->path + strlen(prefix)
                                                                                        : NULL;

                if (path && (is_own_source(out, field->source) || is_owned(out, field->path, field->source)))
                        path_clear(out, copy, path);
        }
        return (Carebus__V1__Demographics *)copy;
}
