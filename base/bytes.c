/* A buffer doubles when it is full; its error sticks, so that a writer writes on straight and looks once. */
#include "base/bytes.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#define BUFFER_FIRST 256U

bool bytes_equal_text(Bytes a, const char *text) {
        return bytes_equal(a, bytes_of_text(text));
}

char *bytes_to_text(Bytes bytes) {
        char *text;

        if (bytes.size == SIZE_MAX)
                return NULL;
        text = malloc(bytes.size + 1);
        if (!text)
                return NULL;
        if (bytes.size > 0)
                memcpy(text, bytes.data, bytes.size);
        text[bytes.size] = '\0';
        return text;
}

void buffer_deinit(Buffer *buffer) {
        free(buffer->data);
        *buffer = BUFFER_NULL;
}

void buffer_clear(Buffer *buffer) {
        buffer->size = 0;
        buffer->error = 0;
}

uint8_t *buffer_reserve(Buffer *buffer, size_t size) {
        size_t wanted, capacity;
        uint8_t *data;

        if (buffer->error < 0)
                return NULL;
        if (size <= buffer->capacity - buffer->size && buffer->data)
                return buffer->data + buffer->size;
        if (size > SIZE_MAX / 4 || buffer->size > SIZE_MAX / 4) {
                buffer->error = -ENOMEM;
                return NULL;
        }
        wanted = buffer->size + size;
        capacity = MAX(buffer->capacity * 2, BUFFER_FIRST);
        capacity = MAX(capacity, wanted);
        data = realloc(buffer->data, capacity);
        if (!data) {
                buffer->error = -ENOMEM;
                return NULL;
        }
        buffer->data = data;
        buffer->capacity = capacity;
        return data + buffer->size;
}

void buffer_advance(Buffer *buffer, size_t size) {
        if (buffer->error == 0)
                buffer->size += size;
}

void buffer_append(Buffer *buffer, const void *data, size_t size) {
        uint8_t *place;

        if (size == 0)
                return;
        place = buffer_reserve(buffer, size);
        if (!place)
                return;
        memcpy(place, data, size);
        buffer->size += size;
}

void buffer_append_bytes(Buffer *buffer, Bytes bytes) {
        buffer_append(buffer, bytes.data, bytes.size);
}

void buffer_append_text(Buffer *buffer, const char *text) {
        buffer_append(buffer, text, strlen(text));
}

void buffer_append_byte(Buffer *buffer, uint8_t byte) {
        buffer_append(buffer, &byte, 1);
}

void buffer_append_le32(Buffer *buffer, uint32_t number) {
        uint8_t bytes[sizeof(number)];

        store_le32(bytes, number);
        buffer_append(buffer, bytes, sizeof(bytes));
}

void buffer_append_le64(Buffer *buffer, uint64_t number) {
        uint8_t bytes[sizeof(number)];

        store_le64(bytes, number);
        buffer_append(buffer, bytes, sizeof(bytes));
}

void buffer_append_format(Buffer *buffer, const char *format, ...) {
        va_list arguments;
        uint8_t *place;
        int n;

        va_start(arguments, format);
        n = vsnprintf(NULL, 0, format, arguments);
        va_end(arguments);
        if (n < 0) {
                buffer->error = buffer->error ? buffer->error : -ENOMEM;
                return;
        }
        place = buffer_reserve(buffer, (size_t)n + 1);
        if (!place)
                return;
        va_start(arguments, format);
        (void)vsnprintf((char *)place, (size_t)n + 1, format, arguments);
        va_end(arguments);
        buffer->size += (size_t)n;
}

void buffer_consume(Buffer *buffer, size_t size) {
        if (size == 0)
                return;
        size = MIN(size, buffer->size);
        buffer->size -= size;
        if (buffer->size > 0)
                memmove(buffer->data, buffer->data + size, buffer->size);
}

char *buffer_steal_text(Buffer *buffer) {
        uint8_t *end = buffer_reserve(buffer, 1);
        char *text = NULL;

        if (end) {
                *end = '\0';
                text = (char *)TAKE_PTR(buffer->data);
        }
        buffer_deinit(buffer);
        return text;
}
