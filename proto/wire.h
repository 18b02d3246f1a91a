#pragma once
/*
 * Protobuf written by hand, for what is given out often: an event is packed once and goes to every team, only the few
 * bytes before it differ. Field numbers are those of proto/carebus/v1; a test holds the two together.
 */
#include "base/bytes.h"

enum { WIRE_VARINT = 0, WIRE_BYTES = 2 };

#define WIRE_VARINT_MAX 10

static inline size_t wire_varint_size(uint64_t value) {
        size_t n = 1;

        for (; value >= 0x80; value >>= 7)
                n++;
        return n;
}
/* Writes to memory that is large enough; gives the place behind it. */
static inline uint8_t *wire_put_varint(uint8_t *to, uint64_t value) {
        for (; value >= 0x80; value >>= 7)
                *to++ = (uint8_t)(value | 0x80);
        *to++ = (uint8_t)value;
        return to;
}
/* The same in front of `end`: gives the place where it begins. */
static inline uint8_t *wire_put_varint_before(uint8_t *end, uint64_t value) {
        uint8_t *start = end - wire_varint_size(value);

        wire_put_varint(start, value);
        return start;
}

static inline void wire_varint(Buffer *buffer, uint64_t value) {
        uint8_t bytes[WIRE_VARINT_MAX];

        buffer_append(buffer, bytes, (size_t)(wire_put_varint(bytes, value) - bytes));
}
static inline void wire_number(Buffer *buffer, unsigned field, uint64_t value) {
        wire_varint(buffer, field << 3 | WIRE_VARINT);
        wire_varint(buffer, value);
}
/* Key and length of a field whose `size` bytes follow. */
static inline void wire_length(Buffer *buffer, unsigned field, size_t size) {
        wire_varint(buffer, field << 3 | WIRE_BYTES);
        wire_varint(buffer, size);
}
static inline void wire_bytes(Buffer *buffer, unsigned field, Bytes bytes) {
        wire_length(buffer, field, bytes.size);
        buffer_append_bytes(buffer, bytes);
}
/* Absent where the text is NULL or empty. */
static inline void wire_text(Buffer *buffer, unsigned field, const char *text) {
        if (text && text[0])
                wire_bytes(buffer, field, bytes_of_text(text));
}
