#pragma once
/*
 * Bytes: a borrowed range, and a buffer that grows. A sticky error instead of an if after each append.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

/* Borrowed: never freed through this. */
typedef struct Bytes {
        const uint8_t *data;
        size_t size;
} Bytes;

#define BYTES_NULL ((Bytes){ .data = NULL, .size = 0 })
#define BYTES_LITERAL(text) ((Bytes){ .data = (const uint8_t *)(text), .size = sizeof(text) - 1 })

static inline Bytes bytes_of(const void *data, size_t size) {
        return (Bytes){ .data = data, .size = size };
}
static inline Bytes bytes_of_text(const char *text) {
        return bytes_of(text, text ? strlen(text) : 0);
}
static inline bool bytes_equal(Bytes a, Bytes b) {
        return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}
bool bytes_equal_text(Bytes a, const char *text);
/* A NUL-terminated copy on the heap, or NULL when memory is out. Embedded NULs are copied as they are. */
char *bytes_to_text(Bytes bytes);

/* Owned. Append after a failure does nothing: look at `error` (0 or -ENOMEM) once at the end. */
typedef struct Buffer {
        uint8_t *data;
        size_t size;
        size_t capacity;
        int error;
} Buffer;

#define BUFFER_NULL ((Buffer){ 0 })

void buffer_deinit(Buffer *buffer);
void buffer_clear(Buffer *buffer); /* empties, keeps the memory, forgets the error */
/* Room for `size` more bytes behind the end; NULL when memory is out. `size` counts only after buffer_advance(). */
uint8_t *buffer_reserve(Buffer *buffer, size_t size);
void buffer_advance(Buffer *buffer, size_t size);
void buffer_append(Buffer *buffer, const void *data, size_t size);
void buffer_append_bytes(Buffer *buffer, Bytes bytes);
void buffer_append_text(Buffer *buffer, const char *text);
void buffer_append_byte(Buffer *buffer, uint8_t byte);
void buffer_append_le32(Buffer *buffer, uint32_t number); /* little-endian */
void buffer_append_le64(Buffer *buffer, uint64_t number);
void buffer_append_format(Buffer *buffer, const char *format, ...) _printf_(2, 3);
/* Drops `size` bytes at the front (moves the rest). */
void buffer_consume(Buffer *buffer, size_t size);
static inline Bytes buffer_bytes(const Buffer *buffer) {
        return bytes_of(buffer->data, buffer->size);
}
/* Hands the memory over, NUL-terminated behind its size; NULL when memory was out. The buffer is empty again. */
char *buffer_steal_text(Buffer *buffer);

/* Little-endian and big-endian numbers at unaligned places. */
static inline uint32_t load_le32(const void *p) {
        uint32_t v;
        memcpy(&v, p, sizeof(v));
        return v;
}
static inline uint64_t load_le64(const void *p) {
        uint64_t v;
        memcpy(&v, p, sizeof(v));
        return v;
}
static inline void store_le32(void *p, uint32_t v) {
        memcpy(p, &v, sizeof(v));
}
static inline void store_le64(void *p, uint64_t v) {
        memcpy(p, &v, sizeof(v));
}
static inline uint64_t load_be64(const void *p) {
        return __builtin_bswap64(load_le64(p));
}
static inline void store_be64(void *p, uint64_t v) {
        store_le64(p, __builtin_bswap64(v));
}
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "the journal is written in the order of the machine: little-endian");
