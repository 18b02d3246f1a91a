#pragma once
/*
 * A reading place in bytes that nobody vouches for. The first read past the end makes the error stick; every later
 * read gives zeros, so that a parser reads on straight and looks once.
 */
#include "base/bytes.h"

typedef struct Cursor {
        const uint8_t *data;
        size_t size;
        size_t offset;
        int error; /* 0 or -EBADMSG */
} Cursor;

#define CURSOR_INIT(bytes) ((Cursor){ .data = (bytes).data, .size = (bytes).size })

uint8_t cursor_u8(Cursor *cursor);
uint32_t cursor_le32(Cursor *cursor);
uint64_t cursor_le64(Cursor *cursor);
Bytes cursor_bytes(Cursor *cursor, size_t size); /* borrowed from the cursor's data */
size_t cursor_left(const Cursor *cursor);
