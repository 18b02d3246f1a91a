/* Segment files. What matters here is the order of syncs: a segment has its name only once its header is on disk. */
#include "daemon/store/segment.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "base/file.h"
#include "base/sha256.h"
#include "daemon/store/journal.h"

#define SEGMENT_SUFFIX ".seg"
#define SEGMENT_DIGITS 20

static const uint8_t segment_magic[8] = { 'c', 'a', 'r', 'e', 'b', 'u', 's', 'J' };

enum {
        HEADER_MAGIC = 0,
        HEADER_VERSION = 8,
        HEADER_SIZE = 12,
        HEADER_UUID = 16,
        HEADER_FIRST_SEQ = 32,
        HEADER_PREVIOUS = 40,
        HEADER_FILE_BYTES = 48,
        HEADER_LAST_AT = 56,
        HEADER_CHAIN = 64,
        HEADER_CRC = SEGMENT_HEADER_BYTES - 4,
};

void segment_name(uint64_t first_seq, char ret[SEGMENT_NAME_BYTES]) {
        snprintf(ret, SEGMENT_NAME_BYTES, "%020llu" SEGMENT_SUFFIX, (unsigned long long)first_seq);
}

bool segment_name_read(const char *name, uint64_t *ret) {
        uint64_t number = 0;

        for (size_t i = 0; i < SEGMENT_DIGITS; i++) {
                if (name[i] < '0' || name[i] > '9')
                        return false;
                if (__builtin_mul_overflow(number, 10u, &number) ||
                    __builtin_add_overflow(number, (uint64_t)(name[i] - '0'), &number))
                        return false;
        }
        if (strcmp(name + SEGMENT_DIGITS, SEGMENT_SUFFIX) != 0 || number == 0)
                return false;
        *ret = number;
        return true;
}

void segment_header_encode(const SegmentHeader *header, uint8_t ret[SEGMENT_HEADER_BYTES]) {
        memset(ret, 0, SEGMENT_HEADER_BYTES);
        memcpy(ret + HEADER_MAGIC, segment_magic, sizeof(segment_magic));
        store_le32(ret + HEADER_VERSION, SEGMENT_VERSION);
        store_le32(ret + HEADER_SIZE, SEGMENT_HEADER_BYTES);
        memcpy(ret + HEADER_UUID, header->uuid, sizeof(header->uuid));
        store_le64(ret + HEADER_FIRST_SEQ, header->first_seq);
        store_le64(ret + HEADER_PREVIOUS, header->previous);
        store_le64(ret + HEADER_FILE_BYTES, header->file_bytes);
        store_le64(ret + HEADER_LAST_AT, (uint64_t)header->last_at);
        memcpy(ret + HEADER_CHAIN, header->chain, sizeof(header->chain));
        store_le32(ret + HEADER_CRC, crc32c(0, ret, HEADER_CRC));
}

int segment_header_decode(const uint8_t data[SEGMENT_HEADER_BYTES], SegmentHeader *ret) {
        uint32_t version;

        /* The checksum comes before the version: a flipped bit in the version is a fault, not the future. Every
         * version keeps these 4096 bytes and their checksum. */
        if (load_le32(data + HEADER_CRC) != crc32c(0, data, HEADER_CRC))
                return JOURNAL_E_CORRUPT;
        if (memcmp(data + HEADER_MAGIC, segment_magic, sizeof(segment_magic)) != 0)
                return JOURNAL_E_CORRUPT;
        version = load_le32(data + HEADER_VERSION);
        if (version > SEGMENT_VERSION_REDUCED)
                return JOURNAL_E_NEWER;
        if (version == 0 || load_le32(data + HEADER_SIZE) != SEGMENT_HEADER_BYTES)
                return JOURNAL_E_CORRUPT;
        memcpy(ret->uuid, data + HEADER_UUID, sizeof(ret->uuid));
        ret->first_seq = load_le64(data + HEADER_FIRST_SEQ);
        ret->previous = load_le64(data + HEADER_PREVIOUS);
        ret->file_bytes = load_le64(data + HEADER_FILE_BYTES);
        ret->last_at = (int64_t)load_le64(data + HEADER_LAST_AT);
        memcpy(ret->chain, data + HEADER_CHAIN, sizeof(ret->chain));
        return 0;
}

void segment_header_reduce(uint8_t data[SEGMENT_HEADER_BYTES]) {
        store_le32(data + HEADER_VERSION, SEGMENT_VERSION_REDUCED);
        store_le32(data + HEADER_CRC, crc32c(0, data, HEADER_CRC));
}

void segment_chain_begin(const uint8_t uuid[SEGMENT_UUID_BYTES], uint8_t ret[SEGMENT_CHAIN_BYTES]) {
        sha256(uuid, SEGMENT_UUID_BYTES, ret);
}

static int compare_u64(const void *a, const void *b) {
        uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

        return x < y ? -1 : x > y;
}

int segment_list_read(int folder_fd, SegmentList *ret) {
        _cleanup_(closedirp) DIR *dir = NULL;
        _cleanup_(segment_list_deinit) SegmentList list = SEGMENT_LIST_NULL;
        size_t capacity = 0;
        int fd;

        fd = openat(folder_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        dir = fdopendir(fd);
        if (!dir) {
                close(fd);
                return -errno;
        }
        for (;;) {
                const struct dirent *entry;
                uint64_t first_seq;

                errno = 0;
                entry = readdir(dir);
                if (!entry) {
                        if (errno != 0)
                                return -errno;
                        break;
                }
                if (!segment_name_read(entry->d_name, &first_seq))
                        continue;
                if (list.n == capacity) {
                        uint64_t *grown;

                        capacity = capacity ? 2 * capacity : 64;
                        grown = reallocarray(list.first_seqs, capacity, sizeof(*grown));
                        if (!grown)
                                return -ENOMEM;
                        list.first_seqs = grown;
                }
                list.first_seqs[list.n++] = first_seq;
        }
        if (list.n > 0)
                qsort(list.first_seqs, list.n, sizeof(*list.first_seqs), compare_u64);
        *ret = list;
        list = SEGMENT_LIST_NULL;
        return 0;
}

void segment_list_deinit(SegmentList *list) {
        free(list->first_seqs);
        *list = SEGMENT_LIST_NULL;
}

ssize_t segment_list_find(const SegmentList *list, uint64_t seq) {
        size_t low = 0, high = list->n;

        while (low < high) {
                size_t middle = low + (high - low) / 2;

                if (list->first_seqs[middle] <= seq)
                        low = middle + 1;
                else
                        high = middle;
        }
        return (ssize_t)low - 1;
}

int segment_open(int folder_fd, uint64_t first_seq, int flags, int *ret_fd, SegmentHeader *ret,
                 const char **ret_reason) {
        _cleanup_(freep) uint8_t *data = NULL;
        _cleanup_(closep) int fd = -1;
        char name[SEGMENT_NAME_BYTES];
        SegmentHeader header;
        struct stat st;
        ssize_t n;
        int r;

        segment_name(first_seq, name);
        fd = openat(folder_fd, name, flags | O_CLOEXEC | O_NOFOLLOW);
        if (fd < 0)
                return -errno;
        data = malloc(SEGMENT_HEADER_BYTES);
        if (!data)
                return -ENOMEM;
        n = pread_all(fd, data, SEGMENT_HEADER_BYTES, 0);
        if (n < 0)
                return (int)n;
        if ((size_t)n < SEGMENT_HEADER_BYTES) {
                *ret_reason = "truncated";
                return JOURNAL_E_CORRUPT;
        }
        r = segment_header_decode(data, &header);
        if (r) {
                *ret_reason = "header";
                return r;
        }
        if (header.first_seq != first_seq) {
                *ret_reason = "header";
                return JOURNAL_E_CORRUPT;
        }
        if (fstat(fd, &st) < 0)
                return -errno;
        if ((uint64_t)st.st_size < header.file_bytes) {
                *ret_reason = "truncated";
                return JOURNAL_E_CORRUPT;
        }
        *ret = header;
        *ret_fd = TAKE_FD(fd);
        return 0;
}

int segment_reserve(int fd, uint64_t bytes) {
        if (fallocate(fd, 0, 0, (off_t)bytes) < 0) {
                /* Not every file system can: then the zeros themselves find out whether there is room. */
                if (errno != EOPNOTSUPP && errno != ENOSYS)
                        return -errno;
        }
        return 0;
}

int segment_fill(int fd, uint64_t *filled, uint64_t step, uint64_t bytes) {
        static const uint8_t zeros[64 * 1024];
        uint64_t end = MIN(*filled + step, bytes), at = *filled;

        while (at < end) {
                size_t size = (size_t)MIN(end - at, (uint64_t)sizeof(zeros));
                int r;

                r = pwrite_all(fd, zeros, size, (off_t)at);
                if (r < 0)
                        return r;
                at += size;
        }
        if (fdatasync(fd) < 0)
                return -errno;
        *filled = at;
        return 0;
}

bool segment_is_no_space(int error) {
        return error == -ENOSPC || error == -EDQUOT;
}
