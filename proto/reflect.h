#pragma once
/*
 * Unpacked messages by their descriptors: how many values a field has, and where each lies. Knows how protobuf-c lays
 * out structures, so that nobody else has to.
 */
#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of one element of a repeated field of that type. */
static inline size_t reflect_element_size(ProtobufCType type) {
        switch (type) {
        case PROTOBUF_C_TYPE_STRING:
        case PROTOBUF_C_TYPE_MESSAGE:
                return sizeof(void *);
        case PROTOBUF_C_TYPE_BYTES:
                return sizeof(ProtobufCBinaryData);
        case PROTOBUF_C_TYPE_INT64:
        case PROTOBUF_C_TYPE_UINT64:
        case PROTOBUF_C_TYPE_SINT64:
        case PROTOBUF_C_TYPE_SFIXED64:
        case PROTOBUF_C_TYPE_FIXED64:
        case PROTOBUF_C_TYPE_DOUBLE:
                return 8;
        default: /* numbers of 32 bits, enums; protobuf_c_boolean is an int */
                return 4;
        }
}

/* Values that the field has: 0 or 1, or the length of the list. A member of a oneof that was not chosen has none. */
static inline size_t reflect_count(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field) {
        const uint8_t *base = (const uint8_t *)message;
        bool in_oneof = field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF;

        if (field->label == PROTOBUF_C_LABEL_REPEATED)
                return *(const size_t *)(base + field->quantifier_offset);
        if (in_oneof && *(const uint32_t *)(base + field->quantifier_offset) != field->id)
                return 0;
        if (field->type == PROTOBUF_C_TYPE_STRING || field->type == PROTOBUF_C_TYPE_MESSAGE)
                return *(const void *const *)(base + field->offset) != NULL;
        return in_oneof || *(const protobuf_c_boolean *)(base + field->quantifier_offset);
}

/* Where value number `index` (below reflect_count()) lies: the number itself, a ProtobufCBinaryData, or a pointer to
 * text or to a message. */
static inline const void *reflect_value(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field,
                                        size_t index) {
        const uint8_t *member = (const uint8_t *)message + field->offset;

        if (field->label != PROTOBUF_C_LABEL_REPEATED)
                return member;
        return *(const uint8_t *const *)member + index * reflect_element_size(field->type);
}
