/* The file: magic, version, the run that is going on, those that were left; CRC-32C of all before it. Little-endian. */
#include "daemon/store/lineage.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "base/cursor.h"
#include "base/file.h"

#define MAGIC "carebus-lineage\n"
#define VERSION 1U
#define FILE_BYTES_MAX (64U << 10)

static int lineage_unpack(Bytes packed, Lineage *ret) {
        Cursor cursor = CURSOR_INIT(packed);
        uint32_t version, n;
        Bytes magic;

        if (packed.size < sizeof(uint32_t) || load_le32(packed.data + packed.size - sizeof(uint32_t)) !=
                                                      crc32c(0, packed.data, packed.size - sizeof(uint32_t)))
                return -EBADMSG;
        magic = cursor_bytes(&cursor, sizeof(MAGIC) - 1);
        if (cursor.error < 0 || !bytes_equal(magic, BYTES_LITERAL(MAGIC)))
                return -EBADMSG;
        version = cursor_le32(&cursor);
        if (version != VERSION)
                return version > VERSION ? -EPROTO : -EBADMSG;
        ret->id = cursor_le64(&cursor);
        n = cursor_le32(&cursor);
        if (cursor.error < 0 || ret->id == 0 || n > LINEAGE_FORKS_MAX)
                return -EBADMSG;
        for (ret->n_forks = 0; ret->n_forks < n; ret->n_forks++) {
                LineageFork *fork = &ret->forks[ret->n_forks];

                fork->id = cursor_le64(&cursor);
                fork->seq = cursor_le64(&cursor);
                fork->at = (int64_t)cursor_le64(&cursor);
        }
        return cursor.error < 0 || cursor_left(&cursor) != sizeof(uint32_t) ? -EBADMSG : 0;
}

int lineage_read(const char *path, const uint8_t journal[16], Lineage *ret) {
        _cleanup_(buffer_deinit) Buffer content = BUFFER_NULL;
        int r = file_read(path, FILE_BYTES_MAX, &content);

        *ret = (Lineage){ .id = load_le64(journal) ?: 1 };
        if (r == -ENOENT)
                return 0;
        return r == -EFBIG ? -EBADMSG : r ?: lineage_unpack(buffer_bytes(&content), ret);
}

int lineage_fork(Lineage *lineage, uint64_t seq, int64_t at) {
        uint64_t id = 0;

        while (id == 0)
                if (getentropy(&id, sizeof(id)) < 0)
                        return -errno;
        if (lineage->n_forks == LINEAGE_FORKS_MAX) {
                memmove(&lineage->forks[0], &lineage->forks[1], sizeof(lineage->forks) - sizeof(lineage->forks[0]));
                lineage->n_forks--;
        }
        lineage->forks[lineage->n_forks++] = (LineageFork){ .id = lineage->id, .seq = seq, .at = at };
        lineage->id = id;
        return 0;
}

int lineage_write(const char *path, const Lineage *lineage) {
        _cleanup_(buffer_deinit) Buffer packed = BUFFER_NULL;

        buffer_append_text(&packed, MAGIC);
        buffer_append_le32(&packed, VERSION);
        buffer_append_le64(&packed, lineage->id);
        buffer_append_le32(&packed, (uint32_t)lineage->n_forks);
        for (size_t i = 0; i < lineage->n_forks; i++) {
                buffer_append_le64(&packed, lineage->forks[i].id);
                buffer_append_le64(&packed, lineage->forks[i].seq);
                buffer_append_le64(&packed, (uint64_t)lineage->forks[i].at);
        }
        if (packed.error == 0)
                buffer_append_le32(&packed, crc32c(0, packed.data, packed.size));
        return packed.error ? packed.error : file_replace(path, packed.data, packed.size, 0640);
}

uint64_t lineage_holds_until(const Lineage *lineage, uint64_t id) {
        uint64_t until = UINT64_MAX;

        if (id == lineage->id)
                return until;
        /* A run that was left is good up to where it was left, or where a later one was left before that. */
        for (size_t i = lineage->n_forks; i > 0; i--) {
                if (lineage->forks[i - 1].seq < until)
                        until = lineage->forks[i - 1].seq;
                if (lineage->forks[i - 1].id == id)
                        return until;
        }
        return 0;
}
