#include "daemon/record/body.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "proto/pack.h"
#include "proto/unpack.h"

#define PACKED_GUESS 1024 /* of what stands in the state, and of records: most is smaller */
#define MEMBER(message, place) ((void *)((char *)(message) + (place)))
#define MEMBER_OF(type, message, place) (*(type *)MEMBER(message, place))

static size_t scalar_size(ProtobufCType type) {
        switch (type) {
        case PROTOBUF_C_TYPE_INT64:
        case PROTOBUF_C_TYPE_SINT64:
        case PROTOBUF_C_TYPE_SFIXED64:
        case PROTOBUF_C_TYPE_UINT64:
        case PROTOBUF_C_TYPE_FIXED64:
        case PROTOBUF_C_TYPE_DOUBLE:
                return 8;
        case PROTOBUF_C_TYPE_STRING:
        case PROTOBUF_C_TYPE_MESSAGE:
                return sizeof(void *);
        case PROTOBUF_C_TYPE_BYTES:
                return sizeof(ProtobufCBinaryData);
        case PROTOBUF_C_TYPE_BOOL:
                return sizeof(protobuf_c_boolean);
        default:
                return 4;
        }
}

static bool is_pointer(const ProtobufCFieldDescriptor *field) {
        return field->type == PROTOBUF_C_TYPE_STRING || field->type == PROTOBUF_C_TYPE_MESSAGE;
}

bool body_field_is_said(const ProtobufCMessage *body, const ProtobufCFieldDescriptor *field) {
        if (field->label == PROTOBUF_C_LABEL_REPEATED)
                return MEMBER_OF(const size_t, body, field->quantifier_offset) > 0;
        if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF)
                return MEMBER_OF(const uint32_t, body, field->quantifier_offset) == field->id;
        if (is_pointer(field))
                return MEMBER_OF(const void *const, body, field->offset) != NULL;
        return MEMBER_OF(const protobuf_c_boolean, body, field->quantifier_offset);
}

void body_field_take(ProtobufCMessage *to, const ProtobufCMessage *from, const ProtobufCFieldDescriptor *field) {
        if (field->label == PROTOBUF_C_LABEL_REPEATED) {
                MEMBER_OF(size_t, to, field->quantifier_offset) = MEMBER_OF(const size_t, from,
                                                                            field->quantifier_offset);
                MEMBER_OF(void *, to, field->offset) = MEMBER_OF(void *const, from, field->offset);
                return;
        }
        if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF)
                MEMBER_OF(uint32_t, to, field->quantifier_offset) = MEMBER_OF(const uint32_t, from,
                                                                              field->quantifier_offset);
        else if (!is_pointer(field))
                MEMBER_OF(protobuf_c_boolean, to, field->quantifier_offset) = MEMBER_OF(const protobuf_c_boolean, from,
                                                                                        field->quantifier_offset);
        memcpy(MEMBER(to, field->offset), MEMBER(from, field->offset), scalar_size(field->type));
}

void body_field_empty(ProtobufCMessage *body, const ProtobufCFieldDescriptor *field) {
        if (field->label == PROTOBUF_C_LABEL_REPEATED) {
                MEMBER_OF(size_t, body, field->quantifier_offset) = 0;
                MEMBER_OF(void *, body, field->offset) = NULL;
                return;
        }
        if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF)
                MEMBER_OF(uint32_t, body, field->quantifier_offset) = 0;
        else if (!is_pointer(field))
                MEMBER_OF(protobuf_c_boolean, body, field->quantifier_offset) = 0;
        memset(MEMBER(body, field->offset), 0, scalar_size(field->type));
}

FieldMask body_said(const ProtobufCMessage *body) {
        FieldMask mask = 0;

        for (unsigned i = 0; i < body->descriptor->n_fields; i++)
                if (body_field_is_said(body, &body->descriptor->fields[i]))
                        mask |= field_mask_of(body->descriptor->fields[i].id);
        return mask;
}

static bool value_equal(const void *a, const void *b, const ProtobufCFieldDescriptor *field) {
        switch (field->type) {
        case PROTOBUF_C_TYPE_STRING:
                return text_equal(*(const char *const *)a, *(const char *const *)b);
        case PROTOBUF_C_TYPE_MESSAGE:
                return body_equal(*(const ProtobufCMessage *const *)a, *(const ProtobufCMessage *const *)b);
        case PROTOBUF_C_TYPE_BYTES: {
                const ProtobufCBinaryData *x = a, *y = b;

                return bytes_equal(bytes_of(x->data, x->len), bytes_of(y->data, y->len));
        }
        default:
                return memcmp(a, b, scalar_size(field->type)) == 0;
        }
}

bool body_field_equal(const ProtobufCMessage *a, const ProtobufCMessage *b, const ProtobufCFieldDescriptor *field) {
        size_t n_a, size = scalar_size(field->type);
        bool said = body_field_is_said(a, field);

        if (said != body_field_is_said(b, field))
                return false;
        if (!said)
                return true;
        if (field->label != PROTOBUF_C_LABEL_REPEATED)
                return value_equal(MEMBER(a, field->offset), MEMBER(b, field->offset), field);
        n_a = MEMBER_OF(const size_t, a, field->quantifier_offset);
        if (n_a != MEMBER_OF(const size_t, b, field->quantifier_offset))
                return false;
        for (size_t i = 0; i < n_a; i++)
                if (!value_equal(MEMBER_OF(const char *const, a, field->offset) + i * size,
                                 MEMBER_OF(const char *const, b, field->offset) + i * size, field))
                        return false;
        return true;
}

bool body_equal(const ProtobufCMessage *a, const ProtobufCMessage *b) {
        if (a == b)
                return true;
        if (!a || !b || a->descriptor != b->descriptor)
                return false;
        for (unsigned i = 0; i < a->descriptor->n_fields; i++)
                if (!body_field_equal(a, b, &a->descriptor->fields[i]))
                        return false;
        return true;
}

/* What makes two elements of a list the same thing, so that the one said later takes the place of the other. Types that are not
 * here are the same when they say the same. */
static const struct {
        const ProtobufCMessageDescriptor *descriptor;
        const char *fields[4];
} element_keys[] = {
        { &carebus__v1__identifier__descriptor, { "system", "value" } },
        { &carebus__v1__human_name__descriptor, { "use", "original_use" } },
        { &carebus__v1__address__descriptor, { "use", "original_use" } },
        { &carebus__v1__telecom__descriptor, { "system", "use" } },
        { &carebus__v1__related_person__descriptor, { "name", "relationship" } },
        { &carebus__v1__participant__descriptor, { "role" } },
        { &carebus__v1__care_plan_item__descriptor, { "identifier", "item", "problem", "goal" } },
        { &carebus__v1__care_team_member__descriptor, { "identifier", "practitioner", "service", "role" } },
        { &carebus__v1__awareness__descriptor, { "who", "person", "organisation" } },
        { &carebus__v1__discussion__descriptor, { "with_whom", "person", "held_at" } },
};

/* What has a number of its own is told by it, whatever else was said of it meanwhile. */
static bool has_number(const ProtobufCMessage *x, const ProtobufCFieldDescriptor *field) {
        return strcmp(field->name, "identifier") == 0 && field->type == PROTOBUF_C_TYPE_MESSAGE &&
               body_field_is_said(x, field);
}

static bool element_same(const void *a, const void *b, const ProtobufCFieldDescriptor *field) {
        const ProtobufCMessage *x, *y;

        if (field->type != PROTOBUF_C_TYPE_MESSAGE)
                return value_equal(a, b, field);
        x = *(const ProtobufCMessage *const *)a;
        y = *(const ProtobufCMessage *const *)b;
        for (size_t i = 0; i < ELEMENTSOF(element_keys); i++) {
                if (element_keys[i].descriptor != x->descriptor)
                        continue;
                for (size_t j = 0; j < ELEMENTSOF(element_keys[i].fields) && element_keys[i].fields[j]; j++) {
                        const ProtobufCFieldDescriptor *key = protobuf_c_message_descriptor_get_field_by_name(
                                x->descriptor, element_keys[i].fields[j]);

                        if (!key || !body_field_equal(x, y, key))
                                return false;
                        if (has_number(x, key))
                                return true;
                }
                return true;
        }
        return body_equal(x, y);
}

/* A list that is never stated whole may grow with every message; beyond this it keeps what was said last. */
#define LIST_MAX 256

/* `first` whole, then the elements of `second` that `first` has nothing of. */
static int list_unite(ProtobufCMessage *to, const ProtobufCMessage *first, const ProtobufCMessage *second,
                      const ProtobufCFieldDescriptor *field, Arena *arena) {
        size_t n_first = MEMBER_OF(const size_t, first, field->quantifier_offset), size = scalar_size(field->type);
        size_t n_second = MEMBER_OF(const size_t, second, field->quantifier_offset), n_united = n_first;
        const char *in_first = MEMBER_OF(const char *const, first, field->offset);
        const char *in_second = MEMBER_OF(const char *const, second, field->offset);
        char *united;

        united = arena_alloc(arena, (n_first + n_second) * size);
        if (!united)
                return -ENOMEM;
        if (n_first > 0)
                memcpy(united, in_first, n_first * size);
        for (size_t i = 0; i < n_second && n_united < LIST_MAX; i++) {
                bool found = false;

                for (size_t j = 0; j < n_first && !found; j++)
                        found = element_same(in_second + i * size, in_first + j * size, field);
                if (!found)
                        memcpy(united + n_united++ * size, in_second + i * size, size);
        }
        MEMBER_OF(size_t, to, field->quantifier_offset) = n_united;
        MEMBER_OF(void *, to, field->offset) = united;
        return 0;
}

int body_field_lay(ProtobufCMessage *to, const ProtobufCMessage *from, const ProtobufCFieldDescriptor *field,
                   bool complete, Arena *arena) {
        if (body_field_equal(to, from, field))
                return 0;
        if (field->label == PROTOBUF_C_LABEL_REPEATED && !complete && body_field_is_said(to, field))
                return list_unite(to, from, to, field, arena);
        body_field_take(to, from, field);
        return 0;
}

int body_field_lay_under(ProtobufCMessage *to, const ProtobufCMessage *from, const ProtobufCFieldDescriptor *field,
                         Arena *arena) {
        if (!body_field_is_said(to, field)) {
                body_field_take(to, from, field);
                return 0;
        }
        if (field->label != PROTOBUF_C_LABEL_REPEATED || body_field_equal(to, from, field))
                return 0;
        return list_unite(to, to, from, field, arena);
}

int body_lay(ProtobufCMessage *to, const ProtobufCMessage *from, const BodyPaths *paths, Arena *arena) {
        const ProtobufCMessageDescriptor *descriptor = to->descriptor;
        int r;

        for (unsigned i = 0; i < descriptor->n_fields; i++) {
                const ProtobufCFieldDescriptor *field = &descriptor->fields[i];
                FieldMask mask = field_mask_of(field->id);

                if (body_field_is_said(from, field)) {
                        r = body_field_lay(to, from, field, (paths->complete | paths->whole) & mask, arena);
                        if (r < 0)
                                return r;
                } else if ((paths->emptied | paths->complete) & mask)
                        body_field_empty(to, field);
        }
        for (size_t i = 0; i < paths->n_inner; i++) {
                r = body_empty_inner(to, paths->inner[i], arena);
                if (r < 0)
                        return r;
        }
        return 0;
}

static const ProtobufCFieldDescriptor *field_of_path(const ProtobufCMessageDescriptor *descriptor, const char *path,
                                                     const char **ret_rest) {
        const char *dot = strchrnul(path, '.');
        char name[64];

        if ((size_t)(dot - path) >= sizeof(name))
                return NULL;
        memcpy(name, path, (size_t)(dot - path));
        name[dot - path] = '\0';
        *ret_rest = *dot ? dot + 1 : NULL;
        return protobuf_c_message_descriptor_get_field_by_name(descriptor, name);
}

int body_empty_inner(ProtobufCMessage *body, const char *path, Arena *arena) {
        for (;;) {
                const char *rest;
                const ProtobufCFieldDescriptor *field = field_of_path(body->descriptor, path, &rest);
                ProtobufCMessage *inner;

                if (!field || !body_field_is_said(body, field))
                        return 0;
                if (!rest) {
                        body_field_empty(body, field);
                        return 0;
                }
                if (field->type != PROTOBUF_C_TYPE_MESSAGE || field->label == PROTOBUF_C_LABEL_REPEATED)
                        return 0;
                inner = message_shallow_copy(MEMBER_OF(ProtobufCMessage *, body, field->offset), arena);
                if (!inner)
                        return -ENOMEM;
                MEMBER_OF(ProtobufCMessage *, body, field->offset) = inner;
                body = inner;
                path = rest;
        }
}

/* "demographics.telecom" and "patient.demographics.telecom" are "telecom" of demographics; NULL: of another body. */
static const char *path_within(const char *path, const char *name) {
        size_t n_name = strlen(name);

        if (text_starts_with(path, "patient."))
                path += strlen("patient.");
        if (strncmp(path, name, n_name) != 0 || path[n_name] != '.')
                return NULL;
        return path + n_name + 1;
}

int body_paths_read(const Carebus__V1__Event *event, const char *name, const ProtobufCMessageDescriptor *descriptor,
                    Arena *arena, BodyPaths *ret) {
        BodyPaths paths = {};

        for (size_t i = 0; i < event->n_complete; i++) {
                const char *rest, *path = path_within(event->complete[i], name);
                const ProtobufCFieldDescriptor *field = path ? field_of_path(descriptor, path, &rest) : NULL;

                if (field && !rest && field->label == PROTOBUF_C_LABEL_REPEATED)
                        paths.complete |= field_mask_of(field->id);
        }
        for (size_t i = 0; i < event->n_cleared; i++) {
                const char *rest, *path = path_within(event->cleared[i], name);
                const ProtobufCFieldDescriptor *field = path ? field_of_path(descriptor, path, &rest) : NULL;

                if (!field)
                        continue;
                if (!rest) {
                        paths.emptied |= field_mask_of(field->id);
                        continue;
                }
                if (!paths.inner) {
                        paths.inner = arena_alloc(arena, event->n_cleared * sizeof(*paths.inner));
                        if (!paths.inner)
                                return -ENOMEM;
                }
                paths.inner[paths.n_inner++] = path;
        }
        *ret = paths;
        return 0;
}

Bytes message_pack(const ProtobufCMessage *message, Arena *arena) {
        Bytes packed;

        return pack_message(message, PACKED_GUESS, arena, &packed) == 0 ? packed : BYTES_NULL;
}

int message_unpack(const ProtobufCMessageDescriptor *descriptor, Bytes bytes, Arena *arena, ProtobufCMessage **ret) {
        return unpack_message(descriptor, bytes, arena, ret);
}

void *message_new(const ProtobufCMessageDescriptor *descriptor, Arena *arena) {
        void *message = arena_alloc(arena, descriptor->sizeof_message);

        if (message)
                descriptor->message_init(message);
        return message;
}

void *message_shallow_copy(const ProtobufCMessage *message, Arena *arena) {
        void *copy = arena_alloc(arena, message->descriptor->sizeof_message);

        if (copy)
                memcpy(copy, message, message->descriptor->sizeof_message);
        return copy;
}

int list_append_roomy(void ***list, size_t *n_list, size_t *room, void *item, Arena *arena) {
        if (*n_list == *room) {
                size_t wanted = MAX(2 * *room, (size_t)8);
                void **grown = arena_alloc(arena, wanted * sizeof(void *));

                if (!grown)
                        return -ENOMEM;
                if (*n_list > 0)
                        memcpy(grown, *list, *n_list * sizeof(void *));
                *list = grown;
                *room = wanted;
        }
        (*list)[(*n_list)++] = item;
        return 0;
}

int list_append(void ***list, size_t *n_list, void *item, Arena *arena) {
        size_t n = *n_list;
        void **grown = arena_alloc(arena, (n + 1) * sizeof(void *));

        if (!grown)
                return -ENOMEM;
        if (n > 0)
                memcpy(grown, *list, n * sizeof(void *));
        grown[n] = item;
        *list = grown;
        *n_list = n + 1;
        return 0;
}
