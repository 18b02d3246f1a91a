#pragma once
/*
 * The few bytes of protobuf that are worth writing by hand: a submission is encoded once when it is handed in, and gets
 * its number (which belongs to a session, not to it) when it is sent. Fields may stand in any order on the wire.
 */
#include "base/bytes.h"

enum { WIRE_VARINT = 0, WIRE_BYTES = 2 };

static inline size_t wire_varint_size(uint64_t value) {
        size_t n = 1;
        for (; value >= 0x80; value >>= 7)
                n++;
        return n;
}
static inline void wire_varint(Buffer *buffer, uint64_t value) {
        uint8_t bytes[10];
        size_t n = 0;

        for (; value >= 0x80; value >>= 7)
                bytes[n++] = (uint8_t)(value | 0x80);
        bytes[n++] = (uint8_t)value;
        buffer_append(buffer, bytes, n);
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
static inline void wire_text(Buffer *buffer, unsigned field, const char *text) {
        if (text)
                wire_bytes(buffer, field, bytes_of_text(text));
}
