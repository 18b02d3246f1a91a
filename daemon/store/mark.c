/* The seal and the trim mark: written beside, synced, renamed. */
#include "daemon/store/mark.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "base/file.h"
#include "daemon/store/journal.h"

static const uint8_t mark_magic[8] = { 'c', 'a', 'r', 'e', 'b', 'u', 's', 'M' };

enum {
        MARK_AT_MAGIC = 0,
        MARK_AT_VERSION = 8,
        MARK_AT_KIND = 12, /* first letter of its name: one is not taken for the other */
        MARK_AT_UUID = 16,
        MARK_AT_SEGMENT = 32,
        MARK_AT_OFFSET = 40,
        MARK_AT_SEQ = 48,
        MARK_AT_CHAIN = 56,
        MARK_AT_CRC = MARK_BYTES - 4,
};

int mark_read(int folder_fd, const char *name, Mark *ret) {
        _cleanup_(closep) int fd = -1;
        uint8_t data[MARK_BYTES + 1];
        ssize_t n;

        fd = openat(folder_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        if (fd < 0)
                return -errno;
        n = pread_all(fd, data, sizeof(data), 0);
        if (n < 0)
                return (int)n;
        if ((size_t)n != MARK_BYTES || load_le32(data + MARK_AT_CRC) != crc32c(0, data, MARK_AT_CRC))
                return JOURNAL_E_CORRUPT;
        if (memcmp(data + MARK_AT_MAGIC, mark_magic, sizeof(mark_magic)) != 0 ||
            load_le32(data + MARK_AT_KIND) != (uint32_t)(uint8_t)name[0])
                return JOURNAL_E_CORRUPT;
        if (load_le32(data + MARK_AT_VERSION) > SEGMENT_VERSION)
                return JOURNAL_E_NEWER;
        memcpy(ret->uuid, data + MARK_AT_UUID, sizeof(ret->uuid));
        ret->segment = load_le64(data + MARK_AT_SEGMENT);
        ret->offset = load_le64(data + MARK_AT_OFFSET);
        ret->seq = load_le64(data + MARK_AT_SEQ);
        memcpy(ret->chain, data + MARK_AT_CHAIN, sizeof(ret->chain));
        return 0;
}

static int mark_put(int folder_fd, const char *temporary, const char *name, const uint8_t data[MARK_BYTES]) {
        _cleanup_(closep) int fd = -1;
        int r;

        fd = openat(folder_fd, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
        if (fd < 0)
                return -errno;
        r = pwrite_all(fd, data, MARK_BYTES, 0);
        if (r < 0)
                return r;
        if (fsync(fd) < 0)
                return -errno;
        if (renameat(folder_fd, temporary, folder_fd, name) < 0)
                return -errno;
        return 0;
}

int mark_write(int folder_fd, const char *name, const Mark *mark) {
        uint8_t data[MARK_BYTES] = { 0 };
        char temporary[16];
        int r;

        memcpy(data + MARK_AT_MAGIC, mark_magic, sizeof(mark_magic));
        store_le32(data + MARK_AT_VERSION, SEGMENT_VERSION);
        store_le32(data + MARK_AT_KIND, (uint8_t)name[0]);
        memcpy(data + MARK_AT_UUID, mark->uuid, sizeof(mark->uuid));
        store_le64(data + MARK_AT_SEGMENT, mark->segment);
        store_le64(data + MARK_AT_OFFSET, mark->offset);
        store_le64(data + MARK_AT_SEQ, mark->seq);
        memcpy(data + MARK_AT_CHAIN, mark->chain, sizeof(mark->chain));
        store_le32(data + MARK_AT_CRC, crc32c(0, data, MARK_AT_CRC));

        snprintf(temporary, sizeof(temporary), "%s.tmp", name);
        r = mark_put(folder_fd, temporary, name, data);
        if (r < 0) {
                (void)unlinkat(folder_fd, temporary, 0);
                return r;
        }
        if (fsync(folder_fd) < 0)
                return -errno;
        return 0;
}

int mark_remove(int folder_fd, const char *name) {
        if (unlinkat(folder_fd, name, 0) < 0 && errno != ENOENT)
                return -errno;
        /* Also when it was gone already: an earlier try may have ended before the sync. */
        if (fsync(folder_fd) < 0)
                return -errno;
        return 0;
}
