/* See the header. What no message of ours has (packed numbers, floating point, unknown fields) is left to protobuf-c. */
#include "proto/pack.h"

#include <errno.h>
#include <string.h>

#include "proto/reflect.h"

enum { WIRE_VARINT = 0, WIRE_LENGTH = 2 };

/* Writes downwards from `at` to `start`; `failed` is for good. */
typedef struct Packer {
        Arena *arena;
        uint8_t *start, *at, *end;
        bool failed;
} Packer;

static size_t packed_size(const Packer *packer) {
        return (size_t)(packer->end - packer->at);
}

/* What is packed moves to the end of a larger place. */
static void grow(Packer *packer, size_t size) {
        const size_t used = packed_size(packer), room = MAX(2 * (size_t)(packer->end - packer->start), used + size);
        uint8_t *start = packer->failed || size > SIZE_MAX / 4 ? NULL : arena_alloc(packer->arena, room);

        if (!start) {
                packer->failed = true;
                return;
        }
        if (used)
                memcpy(start + room - used, packer->at, used);
        packer->start = start;
        packer->end = start + room;
        packer->at = packer->end - used;
}

static void put(Packer *packer, const void *data, size_t size) {
        if ((size_t)(packer->at - packer->start) < size)
                grow(packer, size);
        if (packer->failed)
                return;
        packer->at -= size;
        if (size)
                memcpy(packer->at, data, size);
}

static void put_varint(Packer *packer, uint64_t value) {
        uint8_t bytes[10];
        size_t n = 0;

        if (value < 0x80 && packer->at > packer->start) { /* most are */
                *--packer->at = (uint8_t)value;
                return;
        }

        do
                bytes[n++] = (uint8_t)((value & 0x7F) | 0x80);
        while (value >>= 7);
        bytes[n - 1] &= 0x7F;
        put(packer, bytes, n);
}

static void put_tag(Packer *packer, uint32_t number, unsigned wire_type) {
        put_varint(packer, (uint64_t)number << 3 | wire_type);
}

static void put_length_prefixed(Packer *packer, uint32_t number, const void *data, size_t size) {
        put(packer, data, size);
        put_varint(packer, size);
        put_tag(packer, number, WIRE_LENGTH);
}

static void put_message(Packer *packer, const ProtobufCMessage *message);

static void put_number(Packer *packer, uint32_t number, uint64_t value) {
        put_varint(packer, value);
        put_tag(packer, number, WIRE_VARINT);
}

/* Small numbers of either sign are short. */
static uint64_t zigzag(int64_t value) {
        return (uint64_t)value << 1 ^ (value < 0 ? UINT64_MAX : 0);
}

static void put_value(Packer *packer, const ProtobufCFieldDescriptor *field, const void *value) {
        const ProtobufCBinaryData *binary = value;
        const size_t before = packed_size(packer);
        const char *text;

        switch (field->type) {
        case PROTOBUF_C_TYPE_STRING:
                text = *(const char *const *)value;
                put_length_prefixed(packer, field->id, text, strlen(text));
                return;
        case PROTOBUF_C_TYPE_BYTES:
                put_length_prefixed(packer, field->id, binary->data, binary->len);
                return;
        case PROTOBUF_C_TYPE_MESSAGE:
                put_message(packer, *(const ProtobufCMessage *const *)value);
                put_varint(packer, packed_size(packer) - before);
                put_tag(packer, field->id, WIRE_LENGTH);
                return;
        case PROTOBUF_C_TYPE_BOOL:
                put_number(packer, field->id, *(const protobuf_c_boolean *)value != 0);
                return;
        case PROTOBUF_C_TYPE_UINT32:
                put_number(packer, field->id, *(const uint32_t *)value);
                return;
        case PROTOBUF_C_TYPE_ENUM:
        case PROTOBUF_C_TYPE_INT32:
                put_number(packer, field->id, (uint64_t)(int64_t) * (const int32_t *)value);
                return;
        case PROTOBUF_C_TYPE_INT64:
        case PROTOBUF_C_TYPE_UINT64:
                put_number(packer, field->id, *(const uint64_t *)value);
                return;
        case PROTOBUF_C_TYPE_SINT32:
                put_number(packer, field->id, zigzag(*(const int32_t *)value));
                return;
        case PROTOBUF_C_TYPE_SINT64:
                put_number(packer, field->id, zigzag(*(const int64_t *)value));
                return;
        default:
                packer->failed = true;
        }
}

/* The commonest of all: a text or a message that is not there. Said again here because it is asked a hundred times an event. */
static bool is_absent_pointer(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field) {
        return (field->type == PROTOBUF_C_TYPE_STRING || field->type == PROTOBUF_C_TYPE_MESSAGE) &&
               field->label == PROTOBUF_C_LABEL_OPTIONAL &&
               !*(const void *const *)((const uint8_t *)message + field->offset);
}

static void put_message(Packer *packer, const ProtobufCMessage *message) {
        const ProtobufCMessageDescriptor *descriptor = message->descriptor;

        packer->failed = packer->failed || message->n_unknown_fields > 0;
        for (unsigned i = descriptor->n_fields; i-- > 0 && !packer->failed;) {
                const ProtobufCFieldDescriptor *field = &descriptor->fields[i];
                size_t n;

                if (is_absent_pointer(message, field))
                        continue;
                n = reflect_count(message, field);
                if (field->flags & PROTOBUF_C_FIELD_FLAG_PACKED && n > 0)
                        packer->failed = true;
                while (n-- > 0 && !packer->failed)
                        put_value(packer, field, reflect_value(message, field, n));
        }
}

static int pack_slowly(const ProtobufCMessage *message, Arena *arena, Bytes *ret) {
        size_t size = protobuf_c_message_get_packed_size(message);
        uint8_t *data = arena_alloc(arena, size);

        if (!data)
                return -ENOMEM;
        *ret = bytes_of(data, protobuf_c_message_pack(message, data));
        return 0;
}

int pack_message(const ProtobufCMessage *message, size_t guess, Arena *arena, Bytes *ret) {
        ArenaMark mark = arena_mark(arena);
        uint8_t *first = arena_alloc(arena, guess);
        Packer packer = { .arena = arena, .start = first };
        size_t size;

        if (!first)
                return pack_slowly(message, arena, ret);
        packer.at = packer.end = first + guess;
        put_message(&packer, message);
        size = packed_size(&packer);
        arena_rewind(arena, mark);
        if (packer.failed)
                return pack_slowly(message, arena, ret);
        /* The same place again, in one piece: nothing else was handed out meanwhile. */
        first = arena_alloc(arena, (size_t)(packer.end - first));
        memmove(first, packer.at, size);
        arena_rewind(arena, mark);
        first = arena_alloc(arena, size);
        *ret = bytes_of(first, size);
        return first ? 0 : -ENOMEM;
}
