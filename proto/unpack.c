/*
 * See the header. What we do not write ourselves (fields that nobody knows, one that is there twice, packed numbers, floating point)
 * is left to protobuf-c: the whole message then goes to it.
 */
#include "proto/unpack.h"

#include <errno.h>
#include <string.h>

#include "proto/check.h"
#include "proto/reflect.h"
#include "proto/wire.h"

#define SCANNED_MAX 48 /* fields of one message that are kept from counting to filling in; what follows is read again */

enum { UNUSUAL = 1 };

typedef struct Scanned {
        const ProtobufCFieldDescriptor *field;
        WireField wire;
} Scanned;

typedef struct Unpacker {
        Arena *arena;
        ProtobufCMessage *message;
        Bytes bytes;
        unsigned hint;    /* of the field that was looked up last: they stand in order */
        uint32_t *counts; /* values of each field */
} Unpacker;

static int message_fill(Arena *arena, ProtobufCMessage *message, Bytes bytes);

/* ---- one value ---- */

static bool is_bytes(const ProtobufCFieldDescriptor *field) {
        return field->type == PROTOBUF_C_TYPE_STRING || field->type == PROTOBUF_C_TYPE_BYTES ||
               field->type == PROTOBUF_C_TYPE_MESSAGE;
}

static int message_make(const ProtobufCMessageDescriptor *descriptor, Bytes bytes, Arena *arena,
                        ProtobufCMessage **ret) {
        ProtobufCMessage *message;

        if (!descriptor->message_init || descriptor->n_fields > CHECK_FIELDS_MAX)
                return UNUSUAL;
        message = arena_alloc(arena, descriptor->sizeof_message);
        if (!message)
                return -ENOMEM;
        descriptor->message_init(message);
        *ret = message;
        return message_fill(arena, message, bytes);
}

static int text_make(Bytes bytes, Arena *arena, char **ret) {
        *ret = arena_text(arena, bytes.data, bytes.size);
        return *ret ? 0 : -ENOMEM;
}

static int binary_make(Bytes bytes, Arena *arena, ProtobufCBinaryData *ret) {
        ret->len = bytes.size;
        ret->data = NULL;
        if (bytes.size == 0)
                return 0;
        ret->data = arena_alloc(arena, bytes.size);
        if (!ret->data)
                return -ENOMEM;
        memcpy(ret->data, bytes.data, bytes.size);
        return 0;
}

static int value_fill(const ProtobufCFieldDescriptor *field, const WireField *wire, Arena *arena, void *place) {
        const uint64_t value = wire->value;

        switch (field->type) {
        case PROTOBUF_C_TYPE_STRING:
                return text_make(wire->bytes, arena, place);
        case PROTOBUF_C_TYPE_BYTES:
                return binary_make(wire->bytes, arena, place);
        case PROTOBUF_C_TYPE_MESSAGE:
                return message_make(field->descriptor, wire->bytes, arena, place);
        case PROTOBUF_C_TYPE_BOOL:
                *(protobuf_c_boolean *)place = value != 0;
                return 0;
        case PROTOBUF_C_TYPE_ENUM:
        case PROTOBUF_C_TYPE_INT32:
        case PROTOBUF_C_TYPE_UINT32:
                *(uint32_t *)place = (uint32_t)value;
                return 0;
        case PROTOBUF_C_TYPE_SINT32:
                *(int32_t *)place = (int32_t)((uint32_t)value >> 1 ^ -((uint32_t)value & 1));
                return 0;
        case PROTOBUF_C_TYPE_INT64:
        case PROTOBUF_C_TYPE_UINT64:
                *(uint64_t *)place = value;
                return 0;
        case PROTOBUF_C_TYPE_SINT64:
                *(int64_t *)place = (int64_t)(value >> 1 ^ -(value & 1));
                return 0;
        default:
                return UNUSUAL;
        }
}

/* ---- one field ---- */

static const ProtobufCFieldDescriptor *field_find(Unpacker *unpacker, uint32_t number) {
        const ProtobufCMessageDescriptor *descriptor = unpacker->message->descriptor;
        const ProtobufCFieldDescriptor *field;

        for (unsigned i = unpacker->hint; i < descriptor->n_fields && i < unpacker->hint + 3; i++)
                if (descriptor->fields[i].id == number) {
                        unpacker->hint = i;
                        return &descriptor->fields[i];
                }
        field = protobuf_c_message_descriptor_get_field(descriptor, number);
        if (field)
                unpacker->hint = (unsigned)(field - descriptor->fields);
        return field;
}

/* The next one that stands there, with what it is. -ENODATA: there is none. */
static int field_next(Unpacker *unpacker, size_t *offset, Scanned *ret) {
        int r = wire_field_next(unpacker->bytes, offset, &ret->wire);

        if (r != 0)
                return r == -ENODATA ? r : UNUSUAL;
        ret->field = field_find(unpacker, ret->wire.number);
        if (!ret->field || ret->field->label == PROTOBUF_C_LABEL_REQUIRED ||
            ret->wire.wire_type != (is_bytes(ret->field) ? WIRE_BYTES : WIRE_VARINT))
                return UNUSUAL;
        return 0;
}

static int repeated_fill(Unpacker *unpacker, const Scanned *scanned) {
        const ProtobufCFieldDescriptor *field = scanned->field;
        const size_t size = reflect_element_size(field->type);
        uint8_t *base = (uint8_t *)unpacker->message, **list = (uint8_t **)(base + field->offset);
        size_t *n = (size_t *)(base + field->quantifier_offset);
        int r;

        if (*n == 0)
                *list = arena_alloc(unpacker->arena,
                                    size * unpacker->counts[field - unpacker->message->descriptor->fields]);
        if (!*list)
                return -ENOMEM;
        r = value_fill(field, &scanned->wire, unpacker->arena, *list + *n * size);
        ++*n;
        return r;
}

static int field_fill(Unpacker *unpacker, const Scanned *scanned) {
        const ProtobufCFieldDescriptor *field = scanned->field;
        uint8_t *base = (uint8_t *)unpacker->message;
        uint32_t *which = (uint32_t *)(base + field->quantifier_offset);

        if (field->label == PROTOBUF_C_LABEL_REPEATED)
                return repeated_fill(unpacker, scanned);
        if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) {
                if (*which != 0)
                        return UNUSUAL;
                *which = field->id;
        } else if (field->quantifier_offset != 0)
                *(protobuf_c_boolean *)which = 1;
        return value_fill(field, &scanned->wire, unpacker->arena, base + field->offset);
}

/* ---- all of them ---- */

static int field_count(Unpacker *unpacker, const ProtobufCFieldDescriptor *field) {
        const bool again = unpacker->counts[field - unpacker->message->descriptor->fields]++ > 0;

        return again && field->label != PROTOBUF_C_LABEL_REPEATED ? UNUSUAL : 0;
}

static int message_fill(Arena *arena, ProtobufCMessage *message, Bytes bytes) {
        uint32_t counts[CHECK_FIELDS_MAX];
        Unpacker unpacker = { .arena = arena, .message = message, .bytes = bytes, .counts = counts };
        Scanned scanned[SCANNED_MAX], again;
        size_t n = 0, offset = 0, rest = bytes.size;
        int r;

        memset(counts, 0, message->descriptor->n_fields * sizeof(*counts));
        while ((r = field_next(&unpacker, &offset, n < SCANNED_MAX ? &scanned[n] : &again)) == 0) {
                r = field_count(&unpacker, n < SCANNED_MAX ? scanned[n].field : again.field);
                if (r != 0)
                        return r;
                if (++n == SCANNED_MAX)
                        rest = offset;
        }
        if (r != -ENODATA)
                return r;
        r = 0;
        for (size_t i = 0; r == 0 && i < MIN(n, (size_t)SCANNED_MAX); i++)
                r = field_fill(&unpacker, &scanned[i]);
        while (r == 0 && field_next(&unpacker, &rest, &again) == 0)
                r = field_fill(&unpacker, &again);
        return r;
}

static int unpack_slowly(const ProtobufCMessageDescriptor *descriptor, Bytes bytes, Arena *arena,
                         ProtobufCMessage **ret) {
        ProtobufCAllocator allocator = check_allocator(arena);
        ProtobufCMessage *message = protobuf_c_message_unpack(descriptor, &allocator, bytes.size, bytes.data);

        if (!message)
                /* Nothing else tells a full arena from bytes that are not of this type. */
                return arena_alloc(arena, bytes.size * 2 + 4096) ? -EBADMSG : -ENOMEM;
        *ret = message;
        return 0;
}

int unpack_message(const ProtobufCMessageDescriptor *descriptor, Bytes bytes, Arena *arena, ProtobufCMessage **ret) {
        const ArenaMark mark = arena_mark(arena);
        ProtobufCMessage *message;
        int r = message_make(descriptor, bytes, arena, &message);

        if (r == UNUSUAL) {
                arena_rewind(arena, mark);
                return unpack_slowly(descriptor, bytes, arena, ret);
        }
        if (r == 0)
                *ret = message;
        return r;
}
