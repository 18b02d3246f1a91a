/*
 * The wire, walked by the schema.
 *
 * What unpacking will take is not guessed but added up as protobuf_c_message_unpack() of 1.4.1 spends it: the structure
 * of each message, an array for each repeated field, text with its NUL, unknown fields with their bytes, and the tables
 * in which it notes the fields of a message that has more than sixteen. A field that comes twice would be merged, which
 * costs again each time: no encoder of ours writes that, so it is refused.
 */
#include "proto/check.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "proto/reflect.h"

/* Of protobuf-c, private there: sizeof(ScannedMember), and how many of them lie on the stack. */
#define SCANNED_MEMBER_SIZE 32
#define SCANNED_MEMBERS_FIRST 16

/* Where the walk is: one a level, linked to the one around it, on the stack. */
typedef struct Level {
        const struct Level *outer;
        const ProtobufCMessageDescriptor *descriptor;
        const ProtobufCFieldDescriptor *field; /* that is looked at */
        unsigned depth;
        uint32_t counts[CHECK_FIELDS_MAX];
        size_t n_fields;
        size_t n_unknown;
} Level;

typedef struct Walk {
        const uint8_t *data;
        const CheckLimits *limits;
        CheckError *error;
        size_t n_elements;
        size_t n_unknown_bytes;
        uint64_t memory;
} Walk;

size_t check_memory_limit(size_t size) {
        size_t beyond = size > SIZE_MAX / 16 ? SIZE_MAX : size * 15;

        return 64 * 1024 + size + MIN(beyond, (size_t)4 * 1024 * 1024);
}

static uint64_t allocation(uint64_t size) {
        return (size + 15) & ~(uint64_t)15;
}

/* ---- fields as they lie */

static int varint_read_long(Bytes message, size_t *offset, uint64_t *ret) {
        uint64_t value = 0;

        for (unsigned shift = 0; shift < 70; shift += 7) {
                uint8_t byte;

                if (*offset >= message.size)
                        return CHECK_E_TRUNCATED;
                byte = message.data[(*offset)++];
                if (shift == 63 && byte > 1)
                        return CHECK_E_MALFORMED;
                value |= (uint64_t)(byte & 0x7f) << shift;
                if (!(byte & 0x80)) {
                        *ret = value;
                        return 0;
                }
        }
        return CHECK_E_MALFORMED;
}

/* Most are of one byte. */
static inline int varint_read(Bytes message, size_t *offset, uint64_t *ret) {
        if (*offset >= message.size || message.data[*offset] & 0x80)
                return varint_read_long(message, offset, ret);
        *ret = message.data[(*offset)++];
        return 0;
}

static int fixed_read(Bytes message, size_t *offset, size_t size, uint64_t *ret) {
        if (message.size - *offset < size)
                return CHECK_E_TRUNCATED;
        *ret = size == 8 ? load_le64(message.data + *offset) : load_le32(message.data + *offset);
        *offset += size;
        return 0;
}

/* A number or less than 128 bytes, in a field whose number is below 16: most are. */
static bool short_field_next(Bytes message, size_t *offset, WireField *ret) {
        const uint8_t *at = message.data + *offset;
        const size_t left = message.size - *offset;
        unsigned type;

        if (left < 2 || (at[0] | at[1]) & 0x80 || at[0] < 8)
                return false;
        type = at[0] & 7;
        if (type != PROTOBUF_C_WIRE_TYPE_VARINT && (type != PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED || at[1] > left - 2))
                return false;
        ret->number = at[0] >> 3;
        ret->wire_type = type;
        if (type == PROTOBUF_C_WIRE_TYPE_VARINT) {
                ret->value = at[1];
                ret->bytes = BYTES_NULL;
                *offset += 2;
        } else {
                ret->value = 0;
                ret->bytes = bytes_of(at + 2, at[1]);
                *offset += 2 + (size_t)at[1];
        }
        return true;
}

int wire_field_next(Bytes message, size_t *offset, WireField *ret) {
        WireField field = { .bytes = BYTES_NULL };
        size_t at = *offset, begin;
        uint64_t tag, length;
        int r;

        if (at >= message.size)
                return -ENODATA;
        if (short_field_next(message, offset, ret))
                return 0;
        r = varint_read(message, &at, &tag);
        if (r)
                return r;
        if (tag > UINT32_MAX || tag >> 3 == 0 || at - *offset > 5)
                return CHECK_E_MALFORMED;
        field.number = (uint32_t)(tag >> 3);
        field.wire_type = tag & 7;
        switch (field.wire_type) {
        case PROTOBUF_C_WIRE_TYPE_VARINT:
                r = varint_read(message, &at, &field.value);
                break;
        case PROTOBUF_C_WIRE_TYPE_64BIT:
                r = fixed_read(message, &at, 8, &field.value);
                break;
        case PROTOBUF_C_WIRE_TYPE_32BIT:
                r = fixed_read(message, &at, 4, &field.value);
                break;
        case PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED:
                begin = at;
                r = varint_read(message, &at, &length);
                if (r == 0 && at - begin > 5) /* protobuf-c reads no longer ones */
                        r = CHECK_E_MALFORMED;
                if (r)
                        break;
                if (length > message.size - at) {
                        r = CHECK_E_TRUNCATED;
                        break;
                }
                field.bytes = bytes_of(message.data + at, (size_t)length);
                at += (size_t)length;
                break;
        default: /* groups, and what does not exist */
                r = CHECK_E_MALFORMED;
        }
        if (r)
                return r;
        *ret = field;
        *offset = at;
        return 0;
}

/* ---- saying where */

static size_t path_write(const Level *level, char *path, size_t size) {
        size_t n = level->outer ? path_write(level->outer, path, size) : 0;
        int r;

        if (!level->field || n >= size)
                return n;
        if (level->field->label == PROTOBUF_C_LABEL_REPEATED)
                r = snprintf(path + n, size - n, "%s%s[%u]", n ? "." : "", level->field->name,
                             level->counts[level->field - level->descriptor->fields]);
        else
                r = snprintf(path + n, size - n, "%s%s", n ? "." : "", level->field->name);
        return r < 0 ? n : MIN(n + (size_t)r, size);
}

static int walk_fail(Walk *walk, const Level *level, int code, const uint8_t *at) {
        walk->error->code = code;
        walk->error->offset = (size_t)(at - walk->data);
        walk->error->path[0] = 0;
        path_write(level, walk->error->path, sizeof(walk->error->path));
        return code;
}

/* ---- the rules of one field */

static int number_check(ProtobufCType type, uint64_t value) {
        int64_t number = (int64_t)value;

        switch (type) {
        case PROTOBUF_C_TYPE_INT32:
        case PROTOBUF_C_TYPE_ENUM:
                return number < INT32_MIN || number > INT32_MAX ? CHECK_E_RANGE : 0;
        case PROTOBUF_C_TYPE_UINT32:
        case PROTOBUF_C_TYPE_SINT32:
                return value > UINT32_MAX ? CHECK_E_RANGE : 0;
        default:
                return 0;
        }
}

static unsigned wire_type_of(ProtobufCType type) {
        switch (type) {
        case PROTOBUF_C_TYPE_STRING:
        case PROTOBUF_C_TYPE_BYTES:
        case PROTOBUF_C_TYPE_MESSAGE:
                return PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED;
        case PROTOBUF_C_TYPE_SFIXED32:
        case PROTOBUF_C_TYPE_FIXED32:
        case PROTOBUF_C_TYPE_FLOAT:
                return PROTOBUF_C_WIRE_TYPE_32BIT;
        case PROTOBUF_C_TYPE_SFIXED64:
        case PROTOBUF_C_TYPE_FIXED64:
        case PROTOBUF_C_TYPE_DOUBLE:
                return PROTOBUF_C_WIRE_TYPE_64BIT;
        default:
                return PROTOBUF_C_WIRE_TYPE_VARINT;
        }
}

static int text_check(const Walk *walk, Bytes text, size_t *ret_at) {
        const uint8_t *nul;

        *ret_at = 0;
        if (text.size > walk->limits->max_text)
                return CHECK_E_TEXT_TOO_LONG;
        if (text.size == 0)
                return 0;
        nul = memchr(text.data, 0, text.size);
        if (nul) {
                *ret_at = (size_t)(nul - text.data);
                return CHECK_E_NUL;
        }
        *ret_at = utf8_valid_prefix(text.data, text.size);
        return *ret_at == text.size ? 0 : CHECK_E_NOT_UTF8;
}

/* `counts` only as far as the message has fields: most have few, and there are many. */
static void level_init(Level *level, const Level *outer, const ProtobufCMessageDescriptor *descriptor) {
        level->outer = outer;
        level->descriptor = descriptor;
        level->field = NULL;
        level->depth = outer ? outer->depth + 1 : 0;
        level->n_fields = level->n_unknown = 0;
        memset(level->counts, 0, MIN(descriptor->n_fields, CHECK_FIELDS_MAX) * sizeof(level->counts[0]));
}

static int message_walk(Walk *walk, Level *level, Bytes message);

static int value_check(Walk *walk, Level *level, const WireField *wire, const uint8_t *at) {
        const ProtobufCFieldDescriptor *field = level->field;
        size_t place;
        int r;

        switch (field->type) {
        case PROTOBUF_C_TYPE_STRING:
                r = text_check(walk, wire->bytes, &place);
                if (r)
                        return walk_fail(walk, level, r, wire->bytes.data + place);
                walk->memory += allocation(wire->bytes.size + 1);
                return 0;
        case PROTOBUF_C_TYPE_BYTES:
                if (wire->bytes.size > walk->limits->max_bytes)
                        return walk_fail(walk, level, CHECK_E_BYTES_TOO_LONG, at);
                walk->memory += allocation(wire->bytes.size);
                return 0;
        case PROTOBUF_C_TYPE_MESSAGE: {
                Level inner;

                if (level->depth >= CHECK_DEPTH_MAX)
                        return walk_fail(walk, level, CHECK_E_TOO_DEEP, at);
                level_init(&inner, level, field->descriptor);
                return message_walk(walk, &inner, wire->bytes);
        }
        default:
                r = number_check(field->type, wire->value);
                return r ? walk_fail(walk, level, r, at) : 0;
        }
}

/* One more element of the field at hand: how often it may come, and what the whole may hold. */
static int element_count(Walk *walk, Level *level, const uint8_t *at) {
        uint32_t *count = &level->counts[level->field - level->descriptor->fields];

        if (level->field->label == PROTOBUF_C_LABEL_REPEATED && *count >= walk->limits->max_repeated)
                return walk_fail(walk, level, CHECK_E_TOO_MANY, at);
        if (walk->n_elements >= walk->limits->max_elements)
                return walk_fail(walk, level, CHECK_E_TOO_MANY, at);
        walk->n_elements++;
        return 0;
}

static int packed_check(Walk *walk, Level *level, Bytes packed) {
        unsigned wire_type = wire_type_of(level->field->type);
        uint32_t *count = &level->counts[level->field - level->descriptor->fields];
        size_t offset = 0;
        int r;

        while (offset < packed.size) {
                const uint8_t *at = packed.data + offset;
                uint64_t value;

                r = element_count(walk, level, at);
                if (r)
                        return r;
                if (wire_type == PROTOBUF_C_WIRE_TYPE_VARINT)
                        r = varint_read(packed, &offset, &value);
                else
                        r = fixed_read(packed, &offset, wire_type == PROTOBUF_C_WIRE_TYPE_64BIT ? 8 : 4, &value);
                if (r == 0)
                        r = number_check(level->field->type, value);
                if (r)
                        return walk_fail(walk, level, r, at);
                (*count)++;
        }
        return 0;
}

/* Has this field, or another member of its oneof, been there before? */
static bool field_is_taken(const Level *level) {
        const ProtobufCMessageDescriptor *descriptor = level->descriptor;

        if (!(level->field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF))
                return level->counts[level->field - descriptor->fields] > 0;
        for (unsigned i = 0; i < descriptor->n_fields; i++)
                if (level->counts[i] > 0 && descriptor->fields[i].flags & PROTOBUF_C_FIELD_FLAG_ONEOF &&
                    descriptor->fields[i].quantifier_offset == level->field->quantifier_offset)
                        return true;
        return false;
}

static int known_field_check(Walk *walk, Level *level, const WireField *wire, const uint8_t *at) {
        const ProtobufCFieldDescriptor *field = level->field;
        bool repeated = field->label == PROTOBUF_C_LABEL_REPEATED;
        unsigned wire_type = wire_type_of(field->type);
        int r;

        if (wire->wire_type != wire_type) {
                if (repeated && wire->wire_type == PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED)
                        return packed_check(walk, level, wire->bytes);
                return walk_fail(walk, level, CHECK_E_WIRE_TYPE, at);
        }
        if (!repeated && field_is_taken(level))
                return walk_fail(walk, level, CHECK_E_DUPLICATE, at);
        r = element_count(walk, level, at);
        if (r)
                return r;
        r = value_check(walk, level, wire, at);
        if (r)
                return r;
        level->counts[field - level->descriptor->fields]++;
        return 0;
}

static int unknown_field_check(Walk *walk, Level *level, const uint8_t *at, size_t size) {
        walk->n_unknown_bytes += size;
        if (walk->n_unknown_bytes > walk->limits->max_unknown || walk->n_elements >= walk->limits->max_elements)
                return walk_fail(walk, level, CHECK_E_TOO_MANY, at);
        walk->n_elements++;
        level->n_unknown++;
        walk->memory += allocation(size);
        return 0;
}

static void message_add_memory(Walk *walk, const Level *level) {
        size_t room = SCANNED_MEMBERS_FIRST;

        walk->memory += allocation(level->descriptor->sizeof_message);
        walk->memory += allocation(level->n_unknown * sizeof(ProtobufCMessageUnknownField));
        for (unsigned i = 0; i < level->descriptor->n_fields; i++)
                if (level->descriptor->fields[i].label == PROTOBUF_C_LABEL_REPEATED)
                        walk->memory += allocation(level->counts[i] *
                                                   reflect_element_size(level->descriptor->fields[i].type));
        for (size_t slab = 2 * SCANNED_MEMBERS_FIRST; room < level->n_fields; slab *= 2) {
                walk->memory += allocation(slab * SCANNED_MEMBER_SIZE);
                room += slab;
        }
}

static int message_walk(Walk *walk, Level *level, Bytes message) {
        size_t memory = walk->limits->max_memory, offset = 0;
        int r;

        if (level->descriptor->n_fields > CHECK_FIELDS_MAX)
                return -EINVAL;
        while (offset < message.size) {
                const uint8_t *at = message.data + offset;
                WireField wire;

                level->field = NULL;
                r = wire_field_next(message, &offset, &wire);
                if (r)
                        return walk_fail(walk, level, r, at);
                level->n_fields++;
                level->field = protobuf_c_message_descriptor_get_field(level->descriptor, wire.number);
                if (level->field)
                        r = known_field_check(walk, level, &wire, at);
                else
                        r = unknown_field_check(walk, level, at, (size_t)(message.data + offset - at));
                if (r)
                        return r;
        }
        level->field = NULL;
        message_add_memory(walk, level);
        if (walk->memory > memory)
                return walk_fail(walk, level, CHECK_E_MEMORY, message.data);
        return 0;
}

int check_wire(const ProtobufCMessageDescriptor *descriptor, Bytes message, const CheckLimits *limits,
               size_t *ret_memory, CheckError *ret_error) {
        CheckError ignored, *error = ret_error ? ret_error : &ignored;
        CheckLimits bounds = *limits;
        Walk walk = { .data = message.data, .limits = &bounds, .error = error };
        Level level;
        int r;

        level_init(&level, NULL, descriptor);
        *error = CHECK_ERROR_NULL;
        if (message.size > limits->max_size)
                return walk_fail(&walk, &level, CHECK_E_TOO_LARGE, message.data);
        if (bounds.max_memory == 0)
                bounds.max_memory = check_memory_limit(message.size);
        r = message_walk(&walk, &level, message);
        if (r)
                return r;
        if (ret_memory)
                *ret_memory = (size_t)walk.memory;
        return 0;
}

/* ---- unpacking */

static void *arena_alloc_for_protobuf(void *arena, size_t size) {
        return arena_alloc(arena, size);
}

static void arena_free_for_protobuf(void *arena, void *pointer) {
        (void)arena;
        (void)pointer;
}

ProtobufCAllocator check_allocator(Arena *arena) {
        return (ProtobufCAllocator){
                .alloc = arena_alloc_for_protobuf,
                .free = arena_free_for_protobuf,
                .allocator_data = arena,
        };
}

int check_unpack(const ProtobufCMessageDescriptor *descriptor, Bytes message, const CheckLimits *limits, Arena *arena,
                 ProtobufCMessage **ret, CheckError *ret_error) {
        ProtobufCAllocator allocator = check_allocator(arena);
        ProtobufCMessage *unpacked;
        int r;

        r = check_wire(descriptor, message, limits, /* ret_memory= */ NULL, ret_error);
        if (r)
                return r;
        unpacked = protobuf_c_message_unpack(descriptor, &allocator, message.size, message.data);
        if (!unpacked) {
                if (ret_error)
                        ret_error->code = CHECK_E_MEMORY;
                return CHECK_E_MEMORY;
        }
        *ret = unpacked;
        return 0;
}

const char *check_reason(int code) {
        /* clang-format off */
        static const char *const reasons[_CHECK_E_MAX] = {
                [CHECK_E_TOO_LARGE] = "too-large",
                [CHECK_E_MALFORMED] = "not-protobuf",
                [CHECK_E_TRUNCATED] = "truncated",
                [CHECK_E_WIRE_TYPE] = "wrong-wire-type",
                [CHECK_E_DUPLICATE] = "duplicate-field",
                [CHECK_E_RANGE] = "number-out-of-range",
                [CHECK_E_NOT_UTF8] = "not-utf8",
                [CHECK_E_NUL] = "nul-in-text",
                [CHECK_E_TEXT_TOO_LONG] = "text-too-long",
                [CHECK_E_BYTES_TOO_LONG] = "bytes-too-long",
                [CHECK_E_TOO_MANY] = "too-many-elements",
                [CHECK_E_TOO_DEEP] = "too-deep",
                [CHECK_E_MEMORY] = "too-much-memory",
        };
        /* clang-format on */

        return code > 0 && code < _CHECK_E_MAX ? reasons[code] : "ok";
}
