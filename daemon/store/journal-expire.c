/* Payloads that are removed by rule. A closed segment is written anew without them; nothing else of it changes. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "daemon/store/batch.h"
#include "daemon/store/journal.h"

#define BLOCK 65536u

/* The bytes of one segment: ours to change, the file's unchanged. */
typedef struct Copy {
        uint8_t *data;
        size_t size;
} Copy;
#define COPY_NULL ((Copy){ 0 })

static void copy_deinit(Copy *copy) {
        if (copy->data)
                (void)munmap(copy->data, copy->size);
        *copy = COPY_NULL;
}

static int copy_of(int fd, const SegmentHeader *header, Copy *ret) {
        void *data = mmap(NULL, (size_t)header->file_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);

        if (data == MAP_FAILED)
                return -errno;
        *ret = (Copy){ .data = data, .size = (size_t)header->file_bytes };
        return 0;
}

typedef struct Expiry {
        const uint64_t *seqs;
        size_t n;
        size_t at;            /* the next of them */
        size_t n_there;       /* of these without payload now, */
        size_t n_taken;       /* by this run */
        JournalReduce reduce; /* NULL: the whole payload goes */
        void *owner;
} Expiry;

/* Nothing is left to take of what was taken before. */
static void record_take(Expiry *expiry, uint8_t *data, const BatchRecord *record) {
        const bool gone = record->flags & (expiry->reduce ? RECORD_EXPIRED | RECORD_REDUCED : RECORD_EXPIRED);

        if (!gone && expiry->reduce) {
                if (expiry->reduce(record->seq, data + RECORD_HEADER_BYTES, record->payload.size, expiry->owner) < 0)
                        return;
                batch_record_reduced(data);
        } else if (!gone)
                batch_record_expire(data);
        expiry->n_taken += !gone;
        expiry->n_there++;
}

/* The records of one batch. */
static int batch_expire(Expiry *expiry, uint8_t *data, const BatchHeader *header) {
        size_t offset = BATCH_HEADER_BYTES;

        for (uint32_t i = 0; i < header->count; i++) {
                const uint64_t seq = header->first_seq + i;
                BatchRecord record;

                if (batch_record_decode(data + offset, (size_t)header->bytes - offset, &record) != 0 ||
                    record.seq != seq)
                        return JOURNAL_E_CORRUPT;
                while (expiry->at < expiry->n && expiry->seqs[expiry->at] < seq)
                        expiry->at++;
                if (expiry->at < expiry->n && expiry->seqs[expiry->at] == seq)
                        record_take(expiry, data + offset, &record);
                offset += record.bytes;
        }
        return 0;
}

/* Walks the batches up to the closing mark. A segment without one is still written to: -EBUSY. */
static int copy_expire(Expiry *expiry, const Copy *copy, const SegmentHeader *header) {
        const uint32_t key = batch_key(header->uuid);
        size_t offset = SEGMENT_HEADER_BYTES;

        while (copy->size - offset >= BATCH_HEADER_BYTES) {
                BatchHeader batch;
                int r;

                if (batch_header_decode(copy->data + offset, key, &batch) != 0)
                        return -EBUSY;
                if (batch.kind == BATCH_CLOSE)
                        return 0;
                if (batch.bytes > copy->size - offset)
                        return JOURNAL_E_CORRUPT;
                r = batch_expire(expiry, copy->data + offset, &batch);
                if (r != 0)
                        return r;
                offset += (size_t)batch.bytes;
        }
        return -EBUSY;
}

static bool block_is_zero(const uint8_t *data, size_t size) {
        return data[0] == 0 && memcmp(data, data + 1, size - 1) == 0;
}

/* What is zero takes no room on the disk: nothing is written behind a closing mark any more. */
static int copy_write(const Copy *copy, int fd) {
        if (ftruncate(fd, (off_t)copy->size) < 0)
                return -errno;
        for (size_t offset = 0; offset < copy->size; offset += BLOCK) {
                const size_t size = MIN(copy->size - offset, (size_t)BLOCK);
                int r = block_is_zero(copy->data + offset, size)
                                ? 0
                                : pwrite_all(fd, copy->data + offset, size, (off_t)offset);

                if (r < 0)
                        return r;
        }
        return fsync(fd) < 0 ? -errno : 0;
}

static int copy_replace(int folder_fd, const Copy *copy, uint64_t first_seq) {
        char name[SEGMENT_NAME_BYTES];
        _cleanup_(closep) int fd = -1;
        int r;

        segment_name(first_seq, name);
        fd = openat(folder_fd, SEGMENT_EXPIRED, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
        r = fd < 0 ? -errno : copy_write(copy, fd);
        if (r == 0 && renameat(folder_fd, SEGMENT_EXPIRED, folder_fd, name) < 0)
                r = -errno;
        if (r < 0) {
                (void)unlinkat(folder_fd, SEGMENT_EXPIRED, 0);
                return segment_is_no_space(r) ? JOURNAL_E_NO_SPACE : r;
        }
        return fsync(folder_fd) < 0 ? -errno : 0;
}

/* One segment; 0 also where it is not closed yet. */
static int segment_expire(int folder_fd, uint64_t first_seq, Expiry *expiry) {
        _cleanup_(copy_deinit) Copy copy = COPY_NULL;
        _cleanup_(closep) int fd = -1;
        const Expiry before = *expiry;
        SegmentHeader header;
        const char *reason;
        int r;

        r = segment_open(folder_fd, first_seq, O_RDONLY, &fd, &header, &reason);
        if (r == 0)
                r = copy_of(fd, &header, &copy);
        if (r == 0)
                r = copy_expire(expiry, &copy, &header);
        if (r == 0 && expiry->n_taken > before.n_taken && expiry->reduce)
                segment_header_reduce(copy.data);
        if (r == 0 && expiry->n_taken > before.n_taken)
                r = copy_replace(folder_fd, &copy, first_seq);
        if (r != 0)
                *expiry = before;
        return r == -EBUSY ? 0 : r;
}

static int expire_in(const char *folder, Expiry expiry, size_t *ret_n) {
        _cleanup_(segment_list_deinit) SegmentList list = SEGMENT_LIST_NULL;
        const uint64_t *seqs = expiry.seqs;
        const size_t n = expiry.n;
        _cleanup_(closep) int folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        int r;

        if (folder_fd < 0)
                return -errno;
        r = segment_list_read(folder_fd, &list);
        for (size_t i = 0; r == 0 && i + 1 < list.n; i++) {
                while (expiry.at < n && seqs[expiry.at] < list.first_seqs[i])
                        expiry.at++;
                if (expiry.at < n && seqs[expiry.at] < list.first_seqs[i + 1])
                        r = segment_expire(folder_fd, list.first_seqs[i], &expiry);
        }
        if (r == 0)
                *ret_n = expiry.n_there;
        return r;
}

int journal_expire(const char *folder, const uint64_t *seqs, size_t n, size_t *ret_n) {
        return expire_in(folder, (Expiry){ .seqs = seqs, .n = n }, ret_n);
}

int journal_reduce(const char *folder, const uint64_t *seqs, size_t n, JournalReduce reduce, void *owner,
                   size_t *ret_n) {
        return expire_in(folder, (Expiry){ .seqs = seqs, .n = n, .reduce = reduce, .owner = owner }, ret_n);
}
