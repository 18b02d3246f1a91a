#include "tests/scenario/story-path.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "carebus/v1/event.pb-c.h"
#include "daemon/record/body.h"
#include "tests/scenario/story-event.h"

#define MAKE(type, arena) ((void *)message_new(&carebus__v1__##type##__descriptor, arena))

static ProtobufCMessage *coded_made(const char *text, const char *source, Arena *arena) {
        Carebus__V1__Coded *made = MAKE(coded, arena);

        /* 'so' is text without a code. */
        if (text[0] == '\'')
                made->text = arena_text(arena, text + 1, strlen(text) - 1 - (text[strlen(text) - 1] == '\''));
        else {
                made->system = (char *)"http://snomed.info/sct";
                made->code = (char *)text;
        }
        return &made->base;
}

static ProtobufCMessage *identifier_made(const char *text, const char *source, Arena *arena) {
        Carebus__V1__Identifier *made = MAKE(identifier, arena);

        const char *bar = strchr(text, '|');

        made->system = bar ? arena_format(arena, "carebus:%.*s", (int)(bar - text), text)
                           : arena_format(arena, "carebus:%s", source);
        made->value = (char *)(bar ? bar + 1 : text);
        return &made->base;
}

static ProtobufCMessage *when_made(const char *text, const char *source, Arena *arena) {
        return &story_when(text, arena)->base;
}

static ProtobufCMessage *name_made(const char *text, const char *source, Arena *arena) {
        Carebus__V1__HumanName *made = MAKE(human_name, arena);

        made->family = (char *)text;
        return &made->base;
}

static ProtobufCMessage *practitioner_made(const char *text, const char *source, Arena *arena) {
        Carebus__V1__Practitioner *made = MAKE(practitioner, arena);

        made->name = (Carebus__V1__HumanName *)name_made(text, source, arena);
        return &made->base;
}

static ProtobufCMessage *quantity_made(const char *text, const char *source, Arena *arena) {
        Carebus__V1__Quantity *made = MAKE(quantity, arena);

        made->value = (char *)text;
        return &made->base;
}

static ProtobufCMessage *service_made(const char *text, const char *source, Arena *arena) {
        Carebus__V1__ServiceRef *made = MAKE(service_ref, arena);

        made->name = (char *)text;
        return &made->base;
}

static ProtobufCMessage *member_made(const char *text, const char *source, Arena *arena) {
        Carebus__V1__CareTeamMember *made = MAKE(care_team_member, arena);

        made->practitioner = (Carebus__V1__Practitioner *)practitioner_made(text, source, arena);
        return &made->base;
}

static ProtobufCMessage *item_made(const char *text, const char *source, Arena *arena) {
        Carebus__V1__CarePlanItem *made = MAKE(care_plan_item, arena);
        const char *slash = strchr(text, '/');

        made->item = slash ? arena_text(arena, text, (size_t)(slash - text)) : (char *)text;
        made->text = (char *)(slash ? slash + 1 : NULL);
        return &made->base;
}

/* What one word makes of a message of that type. */
static const struct {
        const ProtobufCMessageDescriptor *descriptor;
        ProtobufCMessage *(*make)(const char *text, const char *source, Arena *arena);
} makers[] = {
        { &carebus__v1__coded__descriptor, coded_made },
        { &carebus__v1__identifier__descriptor, identifier_made },
        { &carebus__v1__when__descriptor, when_made },
        { &carebus__v1__human_name__descriptor, name_made },
        { &carebus__v1__practitioner__descriptor, practitioner_made },
        { &carebus__v1__quantity__descriptor, quantity_made },
        { &carebus__v1__service_ref__descriptor, service_made },
        { &carebus__v1__care_team_member__descriptor, member_made },
        { &carebus__v1__care_plan_item__descriptor, item_made },
};

bool story_path_can(const ProtobufCFieldDescriptor *field) {
        for (size_t i = 0; i < ELEMENTSOF(makers); i++)
                if (makers[i].descriptor == field->descriptor)
                        return true;
        return false;
}

static ProtobufCMessage *message_made(const ProtobufCFieldDescriptor *field, const char *text, const char *source,
                                      Arena *arena) {
        for (size_t i = 0; i < ELEMENTSOF(makers); i++)
                if (makers[i].descriptor == field->descriptor)
                        return makers[i].make(text, source, arena);
        fail_msg("a story cannot write %s with one word", field->name);
        return NULL;
}

/* active is DECISION's STATUS_ACTIVE. */
static int enum_value(const ProtobufCFieldDescriptor *field, const char *text) {
        const ProtobufCEnumDescriptor *all = field->descriptor;
        size_t n_text = strlen(text);

        for (unsigned i = 0; i < all->n_values; i++) {
                const char *name = all->values[i].name;
                size_t n_name = strlen(name);

                if (n_name > n_text && name[n_name - n_text - 1] == '_' &&
                    strcasecmp(name + n_name - n_text, text) == 0)
                        return all->values[i].value;
        }
        fail_msg("no %s of %s", text, field->name);
        return 0;
}

static void list_add(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field, void *item, Arena *arena) {
        char *at = (char *)message;

        assert_true(field->type == PROTOBUF_C_TYPE_MESSAGE || field->type == PROTOBUF_C_TYPE_STRING);
        assert_int_equal(
                list_append((void ***)(at + field->offset), (size_t *)(at + field->quantifier_offset), item, arena), 0);
}

static void value_set(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field, const char *text,
                      const char *source, Arena *arena) {
        char *member = (char *)message + field->offset;
        void *item = field->type == PROTOBUF_C_TYPE_MESSAGE ? message_made(field, text, source, arena)
                                                            : (void *)(uintptr_t)text;

        if (field->label == PROTOBUF_C_LABEL_REPEATED) {
                list_add(message, field, item, arena);
                return;
        }
        switch (field->type) {
        case PROTOBUF_C_TYPE_MESSAGE:
        case PROTOBUF_C_TYPE_STRING:
                *(void **)member = item;
                return;
        case PROTOBUF_C_TYPE_BYTES:
                *(ProtobufCBinaryData *)member = (ProtobufCBinaryData){ strlen(text), (uint8_t *)(uintptr_t)text };
                break;
        case PROTOBUF_C_TYPE_BOOL:
                *(protobuf_c_boolean *)member = strcmp(text, "yes") == 0;
                break;
        case PROTOBUF_C_TYPE_ENUM:
                *(int *)member = enum_value(field, text);
                break;
        case PROTOBUF_C_TYPE_UINT32:
                *(uint32_t *)member = (uint32_t)strtoul(text, NULL, 10);
                break;
        case PROTOBUF_C_TYPE_UINT64:
                *(uint64_t *)member = strtoull(text, NULL, 10);
                break;
        default:
                fail_msg("a story cannot write %s", field->name);
        }
        if (!(field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF))
                *(protobuf_c_boolean *)((char *)message + field->quantifier_offset) = 1;
}

void story_path_set(ProtobufCMessage *message, const char *path, const char *text, const char *source, Arena *arena) {
        char name[64];
        size_t n = strcspn(path, ".");
        const ProtobufCFieldDescriptor *field;
        ProtobufCMessage **inner;

        snprintf(name, sizeof(name), "%.*s", (int)n, path);
        field = protobuf_c_message_descriptor_get_field_by_name(message->descriptor, name);
        if (!field) {
                fail_msg("no field %s", path);
                return;
        }
        if (!path[n]) {
                value_set(message, field, text, source, arena);
                return;
        }
        inner = (ProtobufCMessage **)((char *)message + field->offset);
        assert_int_equal(field->type, PROTOBUF_C_TYPE_MESSAGE);
        if (field->label == PROTOBUF_C_LABEL_REPEATED) {
                const size_t *n_items = (const size_t *)((const char *)message + field->quantifier_offset);

                /* Of a list the last, which is made where there is none. */
                if (*n_items == 0)
                        list_add(message, field, message_new(field->descriptor, arena), arena);
                inner = *(ProtobufCMessage ***)(void *)inner + *n_items - 1;
        } else if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) {
                uint32_t *which = (uint32_t *)((char *)message + field->quantifier_offset);

                assert_true(*which == 0 || *which == field->id);
                if (*which == 0)
                        *inner = message_new(field->descriptor, arena);
                *which = field->id;
        } else if (!*inner)
                *inner = message_new(field->descriptor, arena);
        story_path_set(*inner, path + n + 1, text, source, arena);
}
