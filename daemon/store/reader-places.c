#include "daemon/store/reader-places.h"

#include <errno.h>
#include <string.h>

#include "base/crc32c.h"
#include "base/cursor.h"
#include "base/file.h"
#include "base/text.h"

static int unpack_name(Cursor *cursor, char ret[READER_NAME_SIZE]) {
        size_t size = cursor_u8(cursor);
        Bytes bytes = cursor_bytes(cursor, size);

        if (cursor->error < 0 || size >= READER_NAME_SIZE)
                return -EBADMSG;
        memcpy(ret, bytes.data, size);
        ret[size] = '\0';
        return name_is_valid(ret) ? 0 : -EBADMSG;
}

static int unpack_place(Cursor *cursor, uint32_t version, ReaderPlace *ret) {
        int r = unpack_name(cursor, ret->team);

        r = r ?: unpack_name(cursor, ret->name);
        if (r < 0)
                return r;
        ret->seq = cursor_le64(cursor);
        ret->index = cursor_le32(cursor);
        ret->received_at = (int64_t)cursor_le64(cursor);
        ret->acked_at = (int64_t)cursor_le64(cursor);
        if (version > 1) {
                uint8_t records = cursor_u8(cursor);
                ret->records = records == 1;
                ret->lineage = cursor_le64(cursor);
                if (records > 1)
                        return -EBADMSG;
        }
        return cursor->error;
}

int reader_places_walk(Bytes packed, ReaderPlaceSeen seen, void *owner) {
        Cursor cursor = CURSOR_INIT(packed);
        Bytes magic;
        uint32_t n, version;
        int r = 0;

        if (packed.size < sizeof(uint32_t) || load_le32(packed.data + packed.size - sizeof(uint32_t)) !=
                                                      crc32c(0, packed.data, packed.size - sizeof(uint32_t)))
                return -EBADMSG;
        magic = cursor_bytes(&cursor, sizeof(READER_PLACES_MAGIC) - 1);
        if (cursor.error < 0 || !bytes_equal(magic, BYTES_LITERAL(READER_PLACES_MAGIC)))
                return -EBADMSG;
        version = cursor_le32(&cursor);
        if (version < 1 || version > READER_PLACES_VERSION)
                return -EBADMSG;
        n = cursor_le32(&cursor);
        for (uint32_t i = 0; r == 0 && i < n; i++) {
                ReaderPlace place = { 0 };

                r = unpack_place(&cursor, version, &place);
                r = r ?: seen(&place, owner);
        }
        if (r == 0 && (cursor.error < 0 || cursor_left(&cursor) != sizeof(uint32_t)))
                r = -EBADMSG;
        return r;
}

int reader_places_read(const char *path, ReaderPlaceSeen seen, void *owner) {
        _cleanup_(buffer_deinit) Buffer content = BUFFER_NULL;
        int r = file_read(path, READER_PLACES_MAX, &content);

        if (r == -ENOENT)
                return 0;
        return r < 0 ? r : reader_places_walk(buffer_bytes(&content), seen, owner);
}
