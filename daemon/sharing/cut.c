#include "daemon/sharing/cut.h"

#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "daemon/sharing/cut-node.h"
#include "proto/path.h"
#include "proto/reflect.h"

const CutNode cut_whole;

bool cut_path_is_known(const char *path) {
        char name[64];
        size_t length = strcspn(path, ".");
        const ProtobufCFieldDescriptor *body;

        if (length >= sizeof(name) || strchr(path, '[') || !event_path_field(path))
                return false;
        memcpy(name, path, length);
        name[length] = '\0';
        body = protobuf_c_message_descriptor_get_field_by_name(&carebus__v1__event__descriptor, name);
        return body && (body->flags & PROTOBUF_C_FIELD_FLAG_ONEOF);
}

/*
 * Applying
 */

static void leave_out(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field) {
        uint8_t *base = (uint8_t *)message;

        if (field->label == PROTOBUF_C_LABEL_REPEATED) {
                *(size_t *)(base + field->quantifier_offset) = 0;
                *(void **)(base + field->offset) = NULL;
                return;
        }
        if (field->type == PROTOBUF_C_TYPE_STRING || field->type == PROTOBUF_C_TYPE_MESSAGE)
                *(void **)(base + field->offset) = NULL;
        if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) {
                if (*(uint32_t *)(base + field->quantifier_offset) == field->id)
                        *(uint32_t *)(base + field->quantifier_offset) = 0;
        } else if (field->type != PROTOBUF_C_TYPE_STRING && field->type != PROTOBUF_C_TYPE_MESSAGE) {
                *(protobuf_c_boolean *)(base + field->quantifier_offset) = false;
                if (field->type == PROTOBUF_C_TYPE_BYTES)
                        *(ProtobufCBinaryData *)(base + field->offset) = (ProtobufCBinaryData){ 0 };
        }
}

/* Elements of which nothing is left go, the others move up. */
static void cut_list_field(const CutNode *a, const CutNode *b, ProtobufCMessage *message,
                           const ProtobufCFieldDescriptor *field) {
        size_t *n = (size_t *)((uint8_t *)message + field->quantifier_offset), kept = 0;
        ProtobufCMessage **elements = *(ProtobufCMessage ***)((uint8_t *)message + field->offset);

        for (size_t i = 0; i < *n; i++)
                if (cut_apply(a, b, elements[i]))
                        elements[kept++] = elements[i];
        *n = kept;
        if (kept == 0)
                leave_out(message, field);
}

static void cut_field(const CutNode *a, const CutNode *b, ProtobufCMessage *message,
                      const ProtobufCFieldDescriptor *field) {
        if (!a || !b)
                leave_out(message, field);
        else if (a == CUT_WHOLE && b == CUT_WHOLE)
                return;
        else if (field->label == PROTOBUF_C_LABEL_REPEATED)
                cut_list_field(a, b, message, field);
        else if (!cut_apply(a, b, *(ProtobufCMessage **)((uint8_t *)message + field->offset)))
                leave_out(message, field);
}

bool cut_is_empty(const ProtobufCMessage *message) {
        for (unsigned i = 0; i < message->descriptor->n_fields; i++)
                if (reflect_count(message, &message->descriptor->fields[i]) > 0)
                        return false;
        return true;
}

/* What is looked at by its values is looked at before anything is left out of it. */
static const CutNode *node_for(const CutNode *node, const ProtobufCMessage *message) {
        bool is_left_out = node && node != CUT_WHOLE && node->place != CUT_PLACE_ANY &&
                           cut_place_is_home(node, message);

        return is_left_out ? node->otherwise : node;
}

bool cut_apply(const CutNode *a, const CutNode *b, ProtobufCMessage *message) {
        a = node_for(a, message);
        b = node_for(b, message);
        if (!a || !b)
                return false;
        if (a == CUT_WHOLE && b == CUT_WHOLE)
                return true;
        message->n_unknown_fields = 0;
        message->unknown_fields = NULL;
        for (unsigned i = 0; i < message->descriptor->n_fields; i++)
                if (reflect_count(message, &message->descriptor->fields[i]) > 0)
                        cut_field(a == CUT_WHOLE ? a : a->of[i], b == CUT_WHOLE ? b : b->of[i], message,
                                  &message->descriptor->fields[i]);
        return !cut_is_empty(message);
}

/*
 * Asking the tree
 */

const CutNode *cut_below(const CutNode *node, const char *field) {
        const ProtobufCFieldDescriptor *found;

        if (!node || node == CUT_WHOLE)
                return node;
        found = protobuf_c_message_descriptor_get_field_by_name(node->descriptor, field);
        return found ? node->of[found - node->descriptor->fields] : NULL;
}

bool cut_shows(const CutNode *node, const char *path) {
        char name[64];

        while (node && node != CUT_WHOLE && *path) {
                size_t length = strcspn(path, ".[");

                if (length == 0 || length >= sizeof(name))
                        return false;
                memcpy(name, path, length);
                name[length] = '\0';
                node = cut_below(node, name);
                path += length;
                path += strcspn(path, ".");
                path += *path == '.';
        }
        return node != NULL;
}

#define PATH_SIZE 256

static int list_at(const CutNode *node, char *path, size_t used, CutTake take, void *owner) {
        int r = 0;

        if (node == CUT_WHOLE)
                return 0;
        if (!node || node->place != CUT_PLACE_ANY)
                return take(owner, path);
        for (unsigned i = 0; r >= 0 && i < node->descriptor->n_fields; i++) {
                int size = snprintf(path + used, PATH_SIZE - used, ".%s", node->descriptor->fields[i].name);

                r = (size_t)size < PATH_SIZE - used ? list_at(node->of[i], path, used + (size_t)size, take, owner)
                                                    : -ENAMETOOLONG;
                path[used] = '\0';
        }
        return r;
}

int cut_list(const CutNode *node, const char *root, CutTake take, void *owner) {
        char path[PATH_SIZE];

        snprintf(path, sizeof(path), "%s", root);
        return list_at(node, path, strlen(path), take, owner);
}
