/*
 * Reads by windows of a megabyte. Beside a writer the end of the newest segment may be a record that is half there: whoever needs to know
 * whether it stays so asks again.
 */
#include "daemon/audit/walk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"

#define WINDOW_BYTES (1U << 20)

struct AuditWalk {
        int folder_fd, fd;
        uint64_t *firsts;
        size_t n, at; /* segments; the one that is open */
        AuditHeader header;
        uint64_t offset, number;
        uint8_t chain[SHA256_SIZE];
        Sha256 *sha;
        uint8_t *window;
        size_t room;
        uint64_t window_offset, window_size;
        uint64_t bytes, done; /* of all segments; of those before this one */
        AuditBeginning beginning;
        AuditFault fault;
        bool opened, has_bad_beginning;
};

static int walk_fault(AuditWalk *walk, const char *reason) {
        walk->fault = (AuditFault){
                .segment = walk->n > 0 ? walk->firsts[walk->at] : 0,
                .offset = walk->offset,
                .number = walk->number,
                .reason = reason,
        };
        return AUDIT_E_DAMAGED;
}

static int walk_count_bytes(AuditWalk *walk) {
        walk->bytes = 0;
        for (size_t i = 0; i < walk->n; i++) {
                char name[AUDIT_NAME_BYTES];
                struct stat st;

                audit_segment_name(walk->firsts[i], name);
                if (fstatat(walk->folder_fd, name, &st, 0) < 0)
                        return -errno;
                walk->bytes += (uint64_t)st.st_size;
        }
        return 0;
}

/* Whoever removes a segment says first where the chain begins then: so the files are looked at first, and the beginning behind them. What
 * stands before it is as good as removed. */
static int walk_list(AuditWalk *walk, bool begin) {
        size_t n, gone = 0;
        uint64_t *firsts;
        int r = audit_segments_list(walk->folder_fd, &firsts, &n);

        if (r < 0)
                return r;
        if (begin)
                r = audit_beginning_read(walk->folder_fd, &walk->beginning);
        walk->has_bad_beginning = walk->has_bad_beginning || r == AUDIT_E_DAMAGED;
        while (gone < n && firsts[gone] <= walk->beginning.number)
                gone++;
        if (gone < n)
                memmove(firsts, firsts + gone, (n - gone) * sizeof(*firsts));
        free(walk->firsts);
        walk->firsts = firsts;
        walk->n = n - gone;
        return r == AUDIT_E_DAMAGED ? 0 : r;
}

int audit_walk_new(const char *folder, AuditWalk **ret) {
        _cleanup_(audit_walk_freep) AuditWalk *walk = calloc(1, sizeof(*walk));
        int r;

        if (!walk)
                return -ENOMEM;
        walk->fd = -1;
        walk->number = 1;
        walk->folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (walk->folder_fd < 0)
                return errno == ENOENT ? AUDIT_E_NONE : -errno;
        r = sha256_new(&walk->sha);
        if (r == 0)
                r = walk_list(walk, /* begin= */ true);
        if (r == 0)
                r = walk_count_bytes(walk);
        if (r != 0)
                return r;
        if (walk->n == 0)
                return AUDIT_E_NONE;
        *ret = TAKE_PTR(walk);
        return 0;
}

AuditWalk *audit_walk_free(AuditWalk *walk) {
        if (!walk)
                return NULL;
        closep(&walk->fd);
        closep(&walk->folder_fd);
        sha256_free(walk->sha);
        free(walk->firsts);
        free(walk->window);
        free(walk);
        return NULL;
}

/* Opens segment `at` and checks what its header says of itself. */
static int walk_open_segment(AuditWalk *walk, size_t at, AuditHeader *ret) {
        uint8_t encoded[AUDIT_HEADER_BYTES];
        char name[AUDIT_NAME_BYTES];
        ssize_t n;
        int r;

        closep(&walk->fd);
        walk->at = at;
        walk->offset = 0;
        walk->window_size = 0;
        audit_segment_name(walk->firsts[at], name);
        walk->fd = openat(walk->folder_fd, name, O_RDONLY | O_CLOEXEC);
        if (walk->fd < 0)
                return -errno;
        n = pread_all(walk->fd, encoded, sizeof(encoded), 0);
        if (n < 0)
                return (int)n;
        if (n != (ssize_t)sizeof(encoded))
                return walk_fault(walk, at + 1 == walk->n ? "torn" : "header");
        r = audit_header_decode(encoded, ret);
        if (r == AUDIT_E_DAMAGED || (r == 0 && ret->first != walk->firsts[at]))
                return walk_fault(walk, "header");
        return r;
}

static void walk_stand_at(AuditWalk *walk, const AuditHeader *header) {
        walk->header = *header;
        walk->offset = AUDIT_HEADER_BYTES;
        walk->number = header->first;
        memcpy(walk->chain, header->chain, sizeof(walk->chain));
        walk->opened = true;
}

int audit_walk_seek(AuditWalk *walk, uint64_t number) {
        size_t at = walk->n - 1;
        AuditHeader header = { .first = 0 };
        int r;

        if (walk->has_bad_beginning)
                return walk_fault(walk, "beginning");
        while (at > 0 && walk->firsts[at] > number)
                at--;
        walk->number = walk->firsts[at];
        r = walk_open_segment(walk, at, &header);
        if (r != 0)
                return r;
        walk->done = 0;
        walk_stand_at(walk, &header);
        if (at > 0)
                return 0;
        /* Nothing stands before the first one: its chain begins with the uuid, or where it was said that it does. */
        if (walk->beginning.number > 0)
                memcpy(walk->chain, walk->beginning.chain, SHA256_SIZE);
        else
                audit_chain_begin(header.uuid, walk->chain);
        if (header.first != walk->beginning.number + 1 || (header.first == 1) != (header.previous == 0))
                return walk_fault(walk, "missing");
        return memcmp(walk->chain, header.chain, SHA256_SIZE) == 0 ? 0 : walk_fault(walk, "chain");
}

/* The next segment has to go on where this one ends. */
static int walk_next_segment(AuditWalk *walk) {
        const uint64_t before = walk->header.first;
        const uint64_t done = walk->done + walk->offset;
        AuditHeader header = { .first = 0 };
        int r = walk_open_segment(walk, walk->at + 1, &header);

        if (r != 0)
                return r;
        walk->done = done;
        if (header.first != walk->number || header.previous != before)
                return walk_fault(walk, "missing");
        if (memcmp(header.uuid, walk->header.uuid, AUDIT_UUID_BYTES) != 0 ||
            memcmp(header.chain, walk->chain, SHA256_SIZE) != 0)
                return walk_fault(walk, "chain");
        walk_stand_at(walk, &header);
        return 0;
}

/* `size` bytes at the walk's offset, or fewer at the end of the file. */
static int walk_look(AuditWalk *walk, size_t size, Bytes *ret) {
        const uint64_t end = walk->window_offset + walk->window_size;
        ssize_t n;

        if (walk->offset < walk->window_offset || walk->offset + size > end) {
                const size_t wanted = MAX(size, (size_t)WINDOW_BYTES);

                if (wanted > walk->room) {
                        uint8_t *window = realloc(walk->window, wanted);
                        if (!window)
                                return -ENOMEM;
                        walk->window = window;
                        walk->room = wanted;
                }
                n = pread_all(walk->fd, walk->window, wanted, (off_t)walk->offset);
                if (n < 0)
                        return (int)n;
                walk->window_offset = walk->offset;
                walk->window_size = (uint64_t)n;
        }
        *ret = bytes_of(walk->window + (walk->offset - walk->window_offset),
                        (size_t)MIN((uint64_t)size, walk->window_offset + walk->window_size - walk->offset));
        return 0;
}

/* Segments that came since; the newest may have been closed by one. */
static int walk_list_again(AuditWalk *walk) {
        int r = walk_list(walk, /* begin= */ false);

        if (r < 0)
                return r;
        for (walk->at = 0; walk->at < walk->n && walk->firsts[walk->at] != walk->header.first;)
                walk->at++;
        return walk->at < walk->n ? 0 : -ENOENT;
}

static int walk_frame(AuditWalk *walk, Bytes head, AuditFrame *ret) {
        const uint32_t length = load_le32(head.data);
        const uint32_t crc = load_le32(head.data + 4);
        const uint64_t number = load_le64(head.data + 8);
        const bool newest = walk->at + 1 == walk->n;
        Bytes whole;
        int r;

        if (length == 0 || length > AUDIT_RECORD_MAX)
                return walk_fault(walk, "length");
        r = walk_look(walk, AUDIT_FRAME_BYTES + length, &whole);
        if (r < 0)
                return r;
        if (whole.size < AUDIT_FRAME_BYTES + length)
                return walk_fault(walk, newest ? "torn" : "length");
        ret->packed = bytes_of(whole.data + AUDIT_FRAME_BYTES, length);
        if (audit_frame_crc(length, number, ret->packed) != crc)
                return walk_fault(walk, "checksum");
        if (number != walk->number)
                return walk_fault(walk, "number");
        ret->number = number;
        ret->segment = walk->header.first;
        ret->offset = walk->offset;
        audit_chain_add(walk->sha, walk->chain, ret->packed);
        walk->offset += AUDIT_FRAME_BYTES + length;
        walk->number++;
        return 0;
}

int audit_walk_next(AuditWalk *walk, AuditFrame *ret) {
        Bytes head;
        int r = walk->opened ? 0 : audit_walk_seek(walk, 1);

        for (;;) {
                if (r == 0)
                        r = walk_look(walk, AUDIT_FRAME_BYTES, &head);
                if (r != 0)
                        return r;
                if (head.size == AUDIT_FRAME_BYTES)
                        return walk_frame(walk, head, ret);
                if (head.size > 0)
                        return walk_fault(walk, walk->at + 1 == walk->n ? "torn" : "length");
                if (walk->at + 1 == walk->n) {
                        r = walk_list_again(walk);
                        if (r < 0)
                                return r;
                        if (walk->at + 1 == walk->n)
                                return AUDIT_E_END;
                        continue; /* what was written before it was closed, first */
                }
                r = walk_next_segment(walk);
        }
}

const AuditFault *audit_walk_fault(const AuditWalk *walk) {
        return &walk->fault;
}
uint64_t audit_walk_number(const AuditWalk *walk) {
        return walk->number;
}
const uint8_t *audit_walk_chain(const AuditWalk *walk) {
        return walk->chain;
}
const AuditHeader *audit_walk_header(const AuditWalk *walk) {
        return &walk->header;
}
uint64_t audit_walk_offset(const AuditWalk *walk) {
        return walk->offset;
}
uint64_t audit_walk_bytes(const AuditWalk *walk) {
        return walk->bytes;
}
uint64_t audit_walk_done(const AuditWalk *walk) {
        return walk->done + walk->offset;
}
bool audit_walk_is_newest(const AuditWalk *walk) {
        return walk->at + 1 == walk->n;
}
const AuditBeginning *audit_walk_beginning(const AuditWalk *walk) {
        return &walk->beginning;
}
