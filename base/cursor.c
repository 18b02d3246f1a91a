/* What is read past the end is zero and says so in `error`. */
#include "base/cursor.h"

#include <errno.h>

Bytes cursor_bytes(Cursor *cursor, size_t size) {
        Bytes bytes;

        if (cursor->error < 0 || size > cursor->size - cursor->offset) {
                cursor->error = -EBADMSG;
                return BYTES_NULL;
        }
        bytes = bytes_of(cursor->data ? cursor->data + cursor->offset : NULL, size);
        cursor->offset += size;
        return bytes;
}

uint8_t cursor_u8(Cursor *cursor) {
        Bytes bytes = cursor_bytes(cursor, 1);
        return bytes.size == 1 ? bytes.data[0] : 0;
}

uint32_t cursor_le32(Cursor *cursor) {
        Bytes bytes = cursor_bytes(cursor, sizeof(uint32_t));
        return bytes.size == sizeof(uint32_t) ? load_le32(bytes.data) : 0;
}

uint64_t cursor_le64(Cursor *cursor) {
        Bytes bytes = cursor_bytes(cursor, sizeof(uint64_t));
        return bytes.size == sizeof(uint64_t) ? load_le64(bytes.data) : 0;
}

size_t cursor_left(const Cursor *cursor) {
        return cursor->error < 0 ? 0 : cursor->size - cursor->offset;
}
