/* The bytes of a segment: its name, its header, the frame of a record, the chain. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/crc32c.h"
#include "base/text.h"
#include "daemon/audit/walk.h"

#define MAGIC "carebus-audit\n\0\0"
#define MAGIC_BYTES 16
#define VERSION 1u
#define CHAIN_BEGINS "carebus audit 1\n"

/* Offsets in the header; what lies between `chain` and the checksum is zero. */
enum {
        AT_VERSION = 16,
        AT_SIZE = 20,
        AT_UUID = 24,
        AT_FIRST = 40,
        AT_PREVIOUS = 48,
        AT_MADE = 56,
        AT_CHAIN = 64,
        AT_CRC = 124
};

void audit_segment_name(uint64_t first, char ret[AUDIT_NAME_BYTES]) {
        snprintf(ret, AUDIT_NAME_BYTES, "%020" PRIu64 AUDIT_SUFFIX, first);
}

bool audit_segment_name_read(const char *name, uint64_t *ret) {
        char digits[21], again[AUDIT_NAME_BYTES];

        if (strlen(name) != 20 + sizeof(AUDIT_SUFFIX) - 1)
                return false;
        memcpy(digits, name, 20);
        digits[20] = '\0';
        if (text_to_u64(digits, ret) != 0 || *ret == 0)
                return false;
        audit_segment_name(*ret, again);
        return strcmp(again, name) == 0;
}

void audit_header_encode(const AuditHeader *header, uint8_t ret[AUDIT_HEADER_BYTES]) {
        memset(ret, 0, AUDIT_HEADER_BYTES);
        memcpy(ret, MAGIC, MAGIC_BYTES);
        store_le32(ret + AT_VERSION, VERSION);
        store_le32(ret + AT_SIZE, AUDIT_HEADER_BYTES);
        memcpy(ret + AT_UUID, header->uuid, AUDIT_UUID_BYTES);
        store_le64(ret + AT_FIRST, header->first);
        store_le64(ret + AT_PREVIOUS, header->previous);
        store_le64(ret + AT_MADE, (uint64_t)header->made_at);
        memcpy(ret + AT_CHAIN, header->chain, SHA256_SIZE);
        store_le32(ret + AT_CRC, crc32c(0, ret, AT_CRC));
}

int audit_header_decode(const uint8_t data[AUDIT_HEADER_BYTES], AuditHeader *ret) {
        if (memcmp(data, MAGIC, MAGIC_BYTES) != 0 || load_le32(data + AT_CRC) != crc32c(0, data, AT_CRC))
                return AUDIT_E_DAMAGED;
        if (load_le32(data + AT_VERSION) > VERSION)
                return AUDIT_E_NEWER;
        if (load_le32(data + AT_VERSION) != VERSION || load_le32(data + AT_SIZE) != AUDIT_HEADER_BYTES)
                return AUDIT_E_DAMAGED;
        memcpy(ret->uuid, data + AT_UUID, AUDIT_UUID_BYTES);
        ret->first = load_le64(data + AT_FIRST);
        ret->previous = load_le64(data + AT_PREVIOUS);
        ret->made_at = (int64_t)load_le64(data + AT_MADE);
        memcpy(ret->chain, data + AT_CHAIN, SHA256_SIZE);
        return 0;
}

static int by_number(const void *a, const void *b) {
        const uint64_t *first = a, *second = b;

        return *first < *second ? -1 : *first > *second;
}

int audit_segments_list(int folder_fd, uint64_t **ret, size_t *ret_n) {
        _cleanup_(closedirp) DIR *folder = NULL;
        _cleanup_(freep) uint64_t *firsts = NULL;
        const struct dirent *entry;
        size_t n = 0, room = 0;
        int fd = openat(folder_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        folder = fd < 0 ? NULL : fdopendir(fd);
        if (!folder) {
                int error = errno;
                closep(&fd);
                return -error;
        }
        for (errno = 0; (entry = readdir(folder)); errno = 0) {
                uint64_t first, *more;

                if (!audit_segment_name_read(entry->d_name, &first))
                        continue;
                if (n == room) {
                        room = room ? 2 * room : 16;
                        more = reallocarray(firsts, room, sizeof(*firsts));
                        if (!more)
                                return -ENOMEM;
                        firsts = more;
                }
                firsts[n++] = first;
        }
        if (errno != 0)
                return -errno;
        if (n > 1)
                qsort(firsts, n, sizeof(*firsts), by_number);
        *ret = TAKE_PTR(firsts);
        *ret_n = n;
        return 0;
}

uint32_t audit_frame_crc(uint32_t length, uint64_t number, Bytes packed) {
        uint8_t head[sizeof(length) + sizeof(number)];

        store_le32(head, length);
        store_le64(head + sizeof(length), number);
        return crc32c(crc32c(0, head, sizeof(head)), packed.data, packed.size);
}

void audit_chain_begin(const uint8_t uuid[AUDIT_UUID_BYTES], uint8_t ret[SHA256_SIZE]) {
        uint8_t begin[sizeof(CHAIN_BEGINS) - 1 + AUDIT_UUID_BYTES];

        memcpy(begin, CHAIN_BEGINS, sizeof(CHAIN_BEGINS) - 1);
        memcpy(begin + sizeof(CHAIN_BEGINS) - 1, uuid, AUDIT_UUID_BYTES);
        sha256(begin, sizeof(begin), ret);
}

void audit_chain_add(Sha256 *sha, uint8_t chain[SHA256_SIZE], Bytes packed) {
        sha256_add(sha, chain, SHA256_SIZE);
        sha256_add(sha, packed.data, packed.size);
        sha256_end(sha, chain);
}
