/*
 * The start. First everything is looked at and nothing changed; a fault ends it there. Then, in an order in which each
 * step may be cut short and done again: what an earlier run left half-made is removed, what may lie in the page cache
 * only is written again in place and synced, the torn end is cut (zeroed), a missing closing mark is set.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "daemon/store/journal-internal.h"
#include "daemon/store/mark.h"
#include "daemon/store/scan.h"

/* What is written again on the second walk. */
typedef struct Rewrite {
        uint64_t segment; /* of which */
        uint64_t beyond;  /* batches that hold a number above this */
        int fd;           /* for writing */
} Rewrite;

static int rewrite_batch(const BatchHeader *header, JournalPlace place, const uint8_t *data, void *owner) {
        Rewrite *rewrite = owner;

        if (place.segment != rewrite->segment || header->first_seq + header->count - 1 <= rewrite->beyond)
                return 0;
        return pwrite_all(rewrite->fd, data, (size_t)header->bytes, (off_t)place.offset);
}

static int zero_range(int fd, uint64_t from, uint64_t to) {
        uint64_t filled = from;

        return from < to ? segment_fill(fd, &filled, to - from, to) : 0;
}

static int open_for_writing(int folder_fd, uint64_t first_seq, int *ret_fd) {
        const char *reason;
        SegmentHeader header;
        int r;

        r = segment_open(folder_fd, first_seq, O_RDWR, ret_fd, &header, &reason);
        return error_fold(r);
}

/* Walks one segment once more, writing what it proves whole: what is written is what was checked, never what the cache
 * or the disk says a second time. */
static int rewrite_segment(int folder_fd, const Scan *found, size_t index, uint64_t beyond) {
        Rewrite rewrite = { .segment = found->segments.first_seqs[index], .beyond = beyond, .fd = -1 };
        _cleanup_(scan_deinit) Scan scan;
        _cleanup_(closep) int fd = -1;
        int r;

        r = scan_init(&scan, folder_fd, /* deep= */ false);
        if (r != 0)
                return error_fold(r);
        r = open_for_writing(folder_fd, rewrite.segment, &fd);
        if (r < 0)
                return r;
        rewrite.fd = fd;
        scan.batch = rewrite_batch;
        scan.owner = &rewrite;
        r = scan_skip(&scan, index);
        if (r == 0)
                r = scan_run(&scan, index);
        if (r != 0)
                return error_fold(r);
        /* Between two looks nothing may have changed: nobody else writes here. */
        if (scan.next_seq != found->next_seq || scan.offset != found->offset)
                return -EIO;
        return fdatasync(fd) < 0 ? -errno : 0;
}

/* The journal as the walk found it, made whole. */
static int journal_repair(Journal *journal, const Scan *scan, uint64_t state_seq) {
        size_t newest = scan->segments.n - 1;
        int r;

        if (scan->unclosed) {
                /* Its last batches were synced before the newest got its name, but the mark's own sync may be what
                 * failed: all of it anew. */
                JournalSegment before = { .fd = -1, .offset = scan->unclosed_offset };
                _cleanup_(closep) int fd = -1;

                r = rewrite_segment(journal->folder_fd, scan, newest - 1, state_seq);
                if (r == 0)
                        r = open_for_writing(journal->folder_fd, scan->segments.first_seqs[newest - 1], &fd);
                if (r < 0)
                        return r;
                before.fd = fd;
                r = journal_segment_close(journal, &before);
                if (r != 0)
                        return r;
        }
        r = rewrite_segment(journal->folder_fd, scan, newest, state_seq);
        if (r == 0 && scan->torn)
                r = zero_range(journal->current.fd, scan->offset, scan->torn_end);
        if (r < 0)
                return segment_is_no_space(r) ? JOURNAL_E_NO_SPACE : r;
        /* The name of the newest, too, may never have reached the disk. */
        if (fsync(journal->current.fd) < 0 || fsync(journal->folder_fd) < 0)
                return -errno;
        return 0;
}

static int journal_finish_trim(Journal *journal, const Scan *scan) {
        _cleanup_(segment_list_deinit) SegmentList list = SEGMENT_LIST_NULL;
        int r;

        if (!scan->trimmed)
                return 0;
        r = segment_list_read(journal->folder_fd, &list);
        if (r < 0)
                return r;
        for (size_t i = 0; i < list.n && list.first_seqs[i] < scan->trim.segment; i++) {
                char name[SEGMENT_NAME_BYTES];

                segment_name(list.first_seqs[i], name);
                if (unlinkat(journal->folder_fd, name, 0) < 0 && errno != ENOENT)
                        return -errno;
        }
        return 0;
}

static int journal_count_bytes(Journal *journal, const SegmentList *list) {
        uint64_t bytes = 0;

        for (size_t i = 0; i < list->n; i++) {
                char name[SEGMENT_NAME_BYTES];
                struct stat st;

                segment_name(list->first_seqs[i], name);
                if (fstatat(journal->folder_fd, name, &st, 0) < 0)
                        return -errno;
                bytes += (uint64_t)st.st_size;
        }
        atomic_store_explicit(&journal->bytes, bytes, memory_order_relaxed);
        return 0;
}

/* Takes over where the walk ended. */
static int journal_adopt(Journal *journal, const Scan *scan) {
        int r;

        memcpy(journal->uuid, scan->uuid, sizeof(journal->uuid));
        journal->key = scan->key;
        journal->sealed = scan->sealed;
        journal->last_seq = scan->next_seq - 1;
        journal->last_at = scan->last_at;
        memcpy(journal->chain, scan->chain, sizeof(journal->chain));
        r = open_for_writing(journal->folder_fd, scan->header.first_seq, &journal->current.fd);
        if (r < 0)
                return r;
        journal->current.first_seq = scan->header.first_seq;
        journal->current.previous = scan->header.previous;
        journal->current.bytes = scan->header.file_bytes;
        journal->current.offset = scan->offset;
        return journal_count_bytes(journal, &scan->segments);
}

static int journal_begin(Journal *journal) {
        if (getrandom(journal->uuid, sizeof(journal->uuid), 0) != (ssize_t)sizeof(journal->uuid))
                return -EIO;
        journal->key = batch_key(journal->uuid);
        segment_chain_begin(journal->uuid, journal->chain);
        return journal_segment_make(journal, /* previous= */ 0, /* need= */ 0, &journal->current);
}

static int journal_resume(Journal *journal, Scan *scan, uint64_t state_seq) {
        ssize_t index = segment_list_find(&scan->segments, MAX(state_seq, (uint64_t)1));
        int r;

        /* From the segment in which the state stands: older ones are read when they are needed, and by verify. */
        r = scan_skip(scan, index > 0 ? (size_t)index : 0);
        if (r == 0)
                r = scan_run(scan, index > 0 ? (size_t)index : 0);
        if (r != 0)
                return r;
        if (scan->next_seq <= state_seq)
                return scan->torn || scan->unclosed ? JOURNAL_E_CORRUPT : JOURNAL_E_BEHIND;
        r = journal_adopt(journal, scan);
        if (r == 0)
                r = journal_finish_trim(journal, scan);
        if (r == 0)
                r = journal_repair(journal, scan, state_seq);
        return r;
}

static int journal_new(const char *folder, const JournalOptions *options, Journal **ret) {
        _cleanup_(journal_freep) Journal *journal = NULL;
        uint64_t bytes = options && options->segment_bytes != 0 ? options->segment_bytes : SEGMENT_BYTES_DEFAULT;
        int r;

        journal = calloc(1, sizeof(*journal));
        if (!journal)
                return -ENOMEM;
        journal->folder_fd = -1;
        journal->prepared_fd = -1;
        journal->current = JOURNAL_SEGMENT_NULL;
        journal->next = JOURNAL_SEGMENT_NULL;
        journal->segment_bytes = (MAX(bytes, SEGMENT_BYTES_LEAST) + 4095) & ~4095ull;
        r = pthread_mutex_init(&journal->prepared_lock, NULL);
        if (r != 0)
                return -r;
        r = sha256_new(&journal->sha);
        if (r == 0)
                r = folder_make(folder, 0750);
        if (r < 0)
                return r;
        journal->folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (journal->folder_fd < 0)
                return -errno;
        *ret = TAKE_PTR(journal);
        return 0;
}

int journal_open(const char *folder, const JournalOptions *options, Journal **ret, JournalFault *ret_fault) {
        _cleanup_(journal_freep) Journal *journal = NULL;
        uint64_t state_seq = options ? options->state_seq : 0;
        _cleanup_(scan_deinit) Scan scan = { .fd = -1, .window = WINDOW_NULL };
        int r;

        r = journal_new(folder, options, &journal);
        if (r < 0)
                return r;
        r = scan_init(&scan, journal->folder_fd, /* deep= */ false);
        if (r == 0 && scan.segments.n == 0 && state_seq > 0)
                r = JOURNAL_E_BEHIND;
        if (r == 0 && scan.segments.n > 0)
                r = journal_resume(journal, &scan, state_seq);
        if (r == 0)
                r = journal_prepare_adopt(journal);
        if (r == 0 && scan.segments.n == 0)
                r = journal_begin(journal);
        if (r != 0) {
                if (r == JOURNAL_E_CORRUPT && ret_fault)
                        *ret_fault = scan.fault;
                return r;
        }
        journal_abort(journal);
        atomic_store_explicit(&journal->committed, journal->last_seq, memory_order_release);
        *ret = TAKE_PTR(journal);
        return 0;
}
