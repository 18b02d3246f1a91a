/*
 * The writer. One pwrite and one fdatasync a batch. Its errors fall in two: no space before the sync drops the batch and
 * leaves everything as it was; any other failure is final, since the kernel tells of a lost write once and then pretends.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "daemon/store/journal-internal.h"
#include "daemon/store/mark.h"

static int journal_fail(Journal *journal, int error) {
        journal->error = error;
        return error;
}

int journal_append(Journal *journal, int64_t received_at, Bytes payload, uint64_t *ret_seq) {
        uint64_t seq = journal->last_seq + journal->batch.count + 1;
        int r;

        if (journal->error < 0)
                return journal->error;
        /* Time in the journal never goes backwards, whatever the clock does. */
        r = batch_builder_add(&journal->batch, journal->sha, seq, MAX(received_at, journal->batch.last_at), payload);
        if (r < 0)
                return r;
        *ret_seq = seq;
        return 0;
}

size_t journal_pending(const Journal *journal) {
        return journal->batch.count;
}

void journal_abort(Journal *journal) {
        batch_builder_clear(&journal->batch, journal->last_at);
}

/* A new file that holds at least `bytes`, zero-filled and synced; small, since somebody waits for it. */
static int segment_make_hasty(const Journal *journal, uint64_t need, int *ret_fd, uint64_t *ret_bytes) {
        uint64_t least = (need + 4095) & ~4095ull, sizes[2], filled = 0;
        _cleanup_(closep) int fd = -1;
        int r = -ENOSPC;

        sizes[0] = MAX(least, MIN(journal->segment_bytes, SEGMENT_BYTES_HASTY));
        sizes[1] = least;
        for (size_t i = 0; i < ELEMENTSOF(sizes) && segment_is_no_space(r); i++) {
                closep(&fd);
                fd = openat(journal->folder_fd, SEGMENT_NEW, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
                if (fd < 0)
                        return -errno;
                filled = 0;
                r = segment_reserve(fd, sizes[i]);
                if (r == 0)
                        r = segment_fill(fd, &filled, sizes[i], sizes[i]);
        }
        if (r < 0)
                return r;
        *ret_bytes = filled;
        *ret_fd = TAKE_FD(fd);
        return 0;
}

/* Header on disk, then the name. */
static int segment_begin(Journal *journal, uint64_t previous, JournalSegment *segment) {
        _cleanup_(freep) uint8_t *data = NULL;
        SegmentHeader header = {
                .first_seq = journal->last_seq + 1,
                .previous = previous,
                .file_bytes = segment->bytes,
                .last_at = journal->last_at,
        };
        char name[SEGMENT_NAME_BYTES];
        int r;

        memcpy(header.uuid, journal->uuid, sizeof(header.uuid));
        memcpy(header.chain, journal->chain, sizeof(header.chain));
        data = malloc(SEGMENT_HEADER_BYTES);
        if (!data)
                return -ENOMEM;
        segment_header_encode(&header, data);
        r = pwrite_all(segment->fd, data, SEGMENT_HEADER_BYTES, 0);
        if (r < 0)
                return r;
        if (fsync(segment->fd) < 0)
                return -errno;
        segment_name(header.first_seq, name);
        if (renameat(journal->folder_fd, SEGMENT_NEW, journal->folder_fd, name) < 0)
                return -errno;
        segment->first_seq = header.first_seq;
        segment->previous = previous;
        segment->offset = SEGMENT_HEADER_BYTES;
        return 0;
}

int journal_segment_make(Journal *journal, uint64_t previous, uint64_t need, JournalSegment *ret) {
        uint64_t least = SEGMENT_HEADER_BYTES + need + BATCH_CLOSE_BYTES;
        JournalSegment segment = JOURNAL_SEGMENT_NULL;
        int r = 0;

        segment.fd = journal_prepare_take(journal, least, &segment.bytes);
        if (segment.fd < 0)
                r = segment_make_hasty(journal, least, &segment.fd, &segment.bytes);
        if (r == 0)
                r = segment_begin(journal, previous, &segment);
        if (r < 0) {
                closep(&segment.fd);
                (void)unlinkat(journal->folder_fd, SEGMENT_NEW, 0);
                return segment_is_no_space(r) ? JOURNAL_E_NO_SPACE : r;
        }
        if (fsync(journal->folder_fd) < 0) {
                r = -errno;
                closep(&segment.fd);
                return r;
        }
        atomic_fetch_add_explicit(&journal->bytes, segment.bytes, memory_order_relaxed);
        *ret = segment;
        return 0;
}

int journal_segment_close(Journal *journal, const JournalSegment *segment) {
        uint8_t data[BATCH_CLOSE_BYTES];
        int r;

        batch_close_encode(journal->key, journal->last_seq + 1, journal->last_at, journal->chain, data);
        r = pwrite_all(segment->fd, data, sizeof(data), (off_t)segment->offset);
        if (r < 0)
                return segment_is_no_space(r) ? JOURNAL_E_NO_SPACE : r;
        if (fdatasync(segment->fd) < 0)
                return -errno;
        return 0;
}

static bool segment_has_room(const JournalSegment *segment, uint64_t need) {
        return segment->offset + need + BATCH_CLOSE_BYTES <= segment->bytes;
}

static void segment_drop(Journal *journal, JournalSegment *segment) {
        closep(&segment->fd);
        atomic_fetch_sub_explicit(&journal->bytes, segment->bytes, memory_order_relaxed);
        *segment = JOURNAL_SEGMENT_NULL;
}

/* On to a segment with room for `need`. What was done stays done when space runs out between: a segment that has its
 * name is written to, and nothing more goes into the one before. */
static int journal_roll(Journal *journal, uint64_t need) {
        JournalSegment made;
        int r;

        if (journal->current.offset == SEGMENT_HEADER_BYTES) {
                /* Empty and too small: a larger one takes its name. */
                r = journal_segment_make(journal, journal->current.previous, need, &made);
                if (r != 0)
                        return r;
                segment_drop(journal, &journal->current);
                journal->current = made;
                return 0;
        }
        if (journal->next.fd < 0 || !segment_has_room(&journal->next, need)) {
                r = journal_segment_make(journal, journal->current.first_seq, need, &made);
                if (r != 0)
                        return r;
                if (journal->next.fd >= 0)
                        segment_drop(journal, &journal->next);
                journal->next = made;
        }
        r = journal_segment_close(journal, &journal->current);
        if (r != 0)
                return r;
        closep(&journal->current.fd);
        journal->current = journal->next;
        journal->next = JOURNAL_SEGMENT_NULL;
        return 0;
}

static int journal_write(Journal *journal, uint64_t bytes) {
        int64_t began;
        int r;

        if (journal->sealed) {
                r = mark_remove(journal->folder_fd, MARK_SEAL);
                if (r < 0)
                        return segment_is_no_space(r) ? JOURNAL_E_NO_SPACE : r;
                journal->sealed = false;
        }
        if (journal->next.fd >= 0 || !segment_has_room(&journal->current, bytes)) {
                r = journal_roll(journal, bytes);
                if (r != 0)
                        return r;
        }
        r = pwrite_all(journal->current.fd, journal->batch.data, (size_t)bytes, (off_t)journal->current.offset);
        if (r < 0)
                return segment_is_no_space(r) ? JOURNAL_E_NO_SPACE : r;
        began = clock_monotonic(&clock_system);
        if (fdatasync(journal->current.fd) < 0)
                return -errno;
        journal->sync_time = clock_monotonic(&clock_system) - began;
        return 0;
}

int64_t journal_sync_time(const Journal *journal) {
        return journal->sync_time;
}

int journal_commit(Journal *journal) {
        uint8_t chain[SEGMENT_CHAIN_BYTES];
        size_t bytes;
        int r;

        if (journal->error < 0)
                return journal->error;
        if (journal->batch.count == 0)
                return 0;
        memcpy(chain, journal->chain, sizeof(chain));
        batch_builder_end(&journal->batch, journal->key, journal->last_seq + 1, journal->sha, chain, &bytes);
        r = journal_write(journal, bytes);
        if (r < 0)
                return journal_fail(journal, r);
        if (r > 0) {
                journal_abort(journal);
                return r;
        }
        journal->current.offset += bytes;
        journal->last_seq += journal->batch.count;
        journal->last_at = journal->batch.last_at;
        memcpy(journal->chain, chain, sizeof(chain));
        journal_abort(journal);
        atomic_store_explicit(&journal->committed, journal->last_seq, memory_order_release);
        return 0;
}

uint64_t journal_committed(const Journal *journal) {
        return atomic_load_explicit(&journal->committed, memory_order_acquire);
}

int64_t journal_last_at(const Journal *journal) {
        return journal->batch.last_at;
}

uint64_t journal_bytes(const Journal *journal) {
        return atomic_load_explicit(&journal->bytes, memory_order_relaxed);
}

int journal_seal(Journal *journal) {
        Mark mark = {
                .segment = journal->current.first_seq,
                .offset = journal->current.offset,
                .seq = journal->last_seq,
        };
        int r;

        if (journal->error < 0)
                return journal->error;
        if (journal->batch.count > 0)
                return -EBUSY;
        if (journal->next.fd >= 0) {
                /* No space came between a segment's name and the closing mark of the one before. */
                r = journal_roll(journal, 0);
                if (r != 0)
                        return r < 0 ? journal_fail(journal, r) : r;
                mark.segment = journal->current.first_seq;
                mark.offset = journal->current.offset;
        }
        memcpy(mark.uuid, journal->uuid, sizeof(mark.uuid));
        memcpy(mark.chain, journal->chain, sizeof(mark.chain));
        r = mark_write(journal->folder_fd, MARK_SEAL, &mark);
        if (segment_is_no_space(r))
                return JOURNAL_E_NO_SPACE;
        if (r < 0)
                return journal_fail(journal, r);
        journal->sealed = true;
        return 0;
}

int journal_turn(Journal *journal) {
        int r;

        if (journal->error < 0)
                return journal->error;
        if (journal->batch.count > 0)
                return -EBUSY;
        if (journal->current.offset == SEGMENT_HEADER_BYTES)
                return 0;
        if (journal->sealed) {
                r = mark_remove(journal->folder_fd, MARK_SEAL);
                if (r < 0)
                        return segment_is_no_space(r) ? JOURNAL_E_NO_SPACE : journal_fail(journal, r);
                journal->sealed = false;
        }
        r = journal_roll(journal, 0);
        return r < 0 ? journal_fail(journal, r) : r;
}

static int trim_mark(Journal *journal, uint64_t first_seq) {
        const char *reason;
        SegmentHeader header;
        _cleanup_(closep) int fd = -1;
        Mark mark;
        int r;

        r = segment_open(journal->folder_fd, first_seq, O_RDONLY, &fd, &header, &reason);
        if (r != 0)
                return r;
        mark = (Mark){ .segment = first_seq, .seq = first_seq - 1 };
        memcpy(mark.uuid, header.uuid, sizeof(mark.uuid));
        memcpy(mark.chain, header.chain, sizeof(mark.chain));
        r = mark_write(journal->folder_fd, MARK_TRIM, &mark);
        return segment_is_no_space(r) ? JOURNAL_E_NO_SPACE : r;
}

int journal_trim(Journal *journal, uint64_t seq) {
        _cleanup_(segment_list_deinit) SegmentList list = SEGMENT_LIST_NULL;
        size_t keep = 0;
        int r;

        if (journal->error < 0)
                return journal->error;
        r = segment_list_read(journal->folder_fd, &list);
        if (r < 0)
                return r;
        /* Never the one that is written to, nor one that is not closed yet. */
        while (keep + 1 < list.n && list.first_seqs[keep + 1] <= seq &&
               list.first_seqs[keep + 1] <= journal->current.first_seq)
                keep++;
        if (keep == 0)
                return 0;
        r = trim_mark(journal, list.first_seqs[keep]);
        if (r != 0)
                return r;
        for (size_t i = 0; i < keep; i++) {
                char name[SEGMENT_NAME_BYTES];
                struct stat st;

                segment_name(list.first_seqs[i], name);
                if (fstatat(journal->folder_fd, name, &st, 0) == 0)
                        atomic_fetch_sub_explicit(&journal->bytes, (uint64_t)st.st_size, memory_order_relaxed);
                if (unlinkat(journal->folder_fd, name, 0) < 0 && errno != ENOENT)
                        return -errno;
        }
        return fsync(journal->folder_fd) < 0 ? -errno : 0;
}

Journal *journal_free(Journal *journal) {
        if (!journal)
                return NULL;
        closep(&journal->current.fd);
        closep(&journal->next.fd);
        closep(&journal->folder_fd);
        journal_prepare_deinit(journal);
        batch_builder_deinit(&journal->batch);
        sha256_free(journal->sha);
        free(journal);
        return NULL;
}
