/*
 * The reader. It believes what it has in its buffer only as far as the journal was committed when it was read: behind
 * that lie bytes that were being written, or that a batch without space left there, and that changed since.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/error.h"
#include "daemon/store/batch.h"
#include "daemon/store/journal.h"
#include "daemon/store/mark.h"
#include "daemon/store/segment.h"
#include "daemon/store/window.h"

struct JournalReader {
        int folder_fd;
        SegmentList segments; /* as last looked up */
        bool have_uuid;
        uint8_t uuid[SEGMENT_UUID_BYTES];
        uint32_t key;

        uint64_t next_seq;
        JournalPlace hint; /* segment 0: none */
        uint64_t fresh;    /* what the window holds was read when the journal was committed up to here */

        int fd; /* -1: the place of next_seq has to be found */
        uint64_t segment;
        uint64_t offset;    /* of the batch that holds next_seq, or comes next */
        uint64_t first_seq; /* of that batch */
        BatchHeader batch;  /* count 0: not read yet */
        uint64_t record;    /* offset of the record next_seq in the file, within that batch */
        Window window;
        JournalFault fault;
};

int journal_reader_open(const char *folder, JournalReader **ret) {
        _cleanup_(journal_reader_freep) JournalReader *reader = NULL;

        reader = calloc(1, sizeof(*reader));
        if (!reader)
                return -ENOMEM;
        reader->fd = -1;
        reader->window = WINDOW_NULL;
        reader->next_seq = 1;
        reader->folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (reader->folder_fd < 0)
                return -errno;
        *ret = TAKE_PTR(reader);
        return 0;
}

JournalReader *journal_reader_free(JournalReader *reader) {
        if (!reader)
                return NULL;
        closep(&reader->fd);
        closep(&reader->folder_fd);
        window_deinit(&reader->window);
        segment_list_deinit(&reader->segments);
        free(reader);
        return NULL;
}

static int reader_fault(JournalReader *reader, uint64_t seq, const char *reason) {
        reader->fault = (JournalFault){
                .place = { .segment = reader->segment, .offset = reader->offset },
                .seq = seq,
                .reason = reason,
        };
        return JOURNAL_E_CORRUPT;
}

static void reader_forget_place(JournalReader *reader) {
        closep(&reader->fd);
        reader->fd = -1;
        reader->batch.count = 0;
}

int journal_reader_seek(JournalReader *reader, uint64_t seq, const JournalPlace *hint) {
        if (seq == 0)
                return -EINVAL;
        reader->hint = hint ? *hint : (JournalPlace){ 0 };
        if (reader->fd >= 0 && reader->batch.count > 0 && seq == reader->next_seq)
                return 0;
        reader->next_seq = seq;
        reader_forget_place(reader);
        return 0;
}

/* Goes to the beginning of a segment. -ENOENT: there is none. */
static int reader_enter(JournalReader *reader, uint64_t first_seq) {
        const char *reason = NULL;
        SegmentHeader header;
        int fd, r;

        r = segment_open(reader->folder_fd, first_seq, O_RDONLY, &fd, &header, &reason);
        if (r < 0 || r == JOURNAL_E_NEWER)
                return r;
        reader_forget_place(reader);
        reader->segment = first_seq;
        reader->offset = 0;
        if (r != 0)
                return reader_fault(reader, first_seq, reason);
        if (reader->have_uuid && memcmp(reader->uuid, header.uuid, sizeof(header.uuid)) != 0) {
                close(fd);
                return reader_fault(reader, first_seq, "header");
        }
        reader->have_uuid = true;
        memcpy(reader->uuid, header.uuid, sizeof(reader->uuid));
        reader->key = batch_key(header.uuid);
        reader->fd = fd;
        reader->offset = SEGMENT_HEADER_BYTES;
        reader->first_seq = first_seq;
        window_attach(&reader->window, fd);
        return 0;
}

static int reader_read_batch_header(JournalReader *reader, BatchHeader *ret) {
        const uint8_t *data;
        int r;

        r = window_get(&reader->window, reader->offset, BATCH_HEADER_BYTES, &data);
        if (r < 0)
                return r;
        if (r == JOURNAL_E_END)
                return reader_fault(reader, reader->first_seq, "truncated");
        if (batch_header_decode(data, reader->key, ret) != 0)
                return reader_fault(reader, reader->first_seq, load_le64(data) == 0 ? "gap" : "batch-checksum");
        return 0;
}

/* Was the number removed by rule? */
static int reader_is_trimmed(JournalReader *reader, uint64_t seq) {
        Mark mark;
        int r;

        r = mark_read(reader->folder_fd, MARK_TRIM, &mark);
        if (r == 0)
                return seq < mark.segment ? 1 : 0;
        return r < 0 && r != -ENOENT ? r : 0;
}

/* To the segment that must hold next_seq. */
static int reader_find_segment(JournalReader *reader) {
        ssize_t i;
        int r;

        i = segment_list_find(&reader->segments, reader->next_seq);
        if (i < 0 || (size_t)i + 1 == reader->segments.n) {
                /* The newest we know of may not be the newest any more. */
                SegmentList list;

                r = segment_list_read(reader->folder_fd, &list);
                if (r < 0)
                        return r;
                segment_list_deinit(&reader->segments);
                reader->segments = list;
                i = segment_list_find(&reader->segments, reader->next_seq);
        }
        r = i < 0 ? -ENOENT : reader_enter(reader, reader->segments.first_seqs[i]);
        if (r != -ENOENT)
                return r;
        r = reader_is_trimmed(reader, reader->next_seq);
        if (r < 0)
                return r;
        if (r > 0)
                return JOURNAL_E_EXPIRED;
        reader->segment = reader->next_seq;
        reader->offset = 0;
        return reader_fault(reader, reader->next_seq, "missing-segment");
}

/* A hint is taken when a batch begins there that is not behind next_seq; else it is as if there were none. */
static bool reader_take_hint(JournalReader *reader) {
        JournalPlace hint = reader->hint;
        BatchHeader header;

        reader->hint = (JournalPlace){ 0 };
        if (hint.segment == 0 || hint.segment > reader->next_seq || hint.offset < SEGMENT_HEADER_BYTES ||
            hint.offset % BATCH_ALIGN != 0 || hint.offset > INT64_MAX)
                return false;
        if (reader_enter(reader, hint.segment) != 0)
                return false;
        reader->offset = hint.offset;
        if (reader_read_batch_header(reader, &header) != 0 || header.kind != BATCH_RECORDS ||
            header.first_seq > reader->next_seq) {
                reader_forget_place(reader);
                return false;
        }
        reader->first_seq = header.first_seq;
        return true;
}

/* Hops from header to header until the batch that holds next_seq, and from its records to next_seq. */
static int reader_hop(JournalReader *reader) {
        for (;;) {
                BatchHeader header;
                int r;

                r = reader_read_batch_header(reader, &header);
                if (r != 0)
                        return r;
                if (header.first_seq != reader->first_seq)
                        return reader_fault(reader, reader->first_seq, "gap");
                if (header.kind == BATCH_CLOSE) {
                        r = reader_enter(reader, header.first_seq);
                        if (r == -ENOENT) {
                                reader->segment = header.first_seq;
                                reader->offset = 0;
                                return reader_fault(reader, header.first_seq, "missing-segment");
                        }
                        if (r != 0)
                                return r;
                        continue;
                }
                if (reader->next_seq - header.first_seq < header.count) {
                        reader->batch = header;
                        reader->record = reader->offset + BATCH_HEADER_BYTES;
                        return 0;
                }
                reader->offset += header.bytes;
                reader->first_seq += header.count;
        }
}

/* The record at reader->record, whole and checked. */
static int reader_read_record(JournalReader *reader, uint64_t seq, BatchRecord *ret) {
        uint64_t end = reader->offset + reader->batch.bytes, size = 0;
        const uint8_t *data;
        int r;

        if (reader->record + RECORD_HEADER_BYTES > end)
                return reader_fault(reader, seq, "record-checksum");
        r = window_get(&reader->window, reader->record, RECORD_HEADER_BYTES, &data);
        if (r == 0) {
                size = batch_record_bytes(data);
                if (size > end - reader->record)
                        return reader_fault(reader, seq, "record-checksum");
                r = window_get(&reader->window, reader->record, (size_t)size, &data);
        }
        if (r < 0)
                return r;
        if (r == JOURNAL_E_END)
                return reader_fault(reader, seq, "truncated");
        if (batch_record_decode(data, (size_t)size, ret) != 0)
                return reader_fault(reader, seq, "record-checksum");
        return ret->seq == seq ? 0 : reader_fault(reader, seq, "gap");
}

/* Makes reader->batch the one that holds next_seq and reader->record its record. */
static int reader_find(JournalReader *reader) {
        uint64_t seq;
        int r = 0;

        if (reader->fd < 0 && !reader_take_hint(reader))
                r = reader_find_segment(reader);
        if (r == 0)
                r = reader_hop(reader);
        if (r != 0)
                return r;
        for (seq = reader->batch.first_seq; seq < reader->next_seq; seq++) {
                BatchRecord record;

                r = reader_read_record(reader, seq, &record);
                if (r != 0)
                        return r;
                reader->record += record.bytes;
        }
        return 0;
}

/* Past the record that was just read. */
static void reader_move_on(JournalReader *reader, size_t bytes) {
        reader->record += bytes;
        reader->next_seq++;
        if (reader->next_seq - reader->batch.first_seq < reader->batch.count)
                return;
        reader->offset += reader->batch.bytes;
        reader->first_seq = reader->next_seq;
        reader->batch.count = 0;
}

static int reader_next(JournalReader *reader, uint64_t limit, JournalRecord *ret) {
        JournalPlace place;
        BatchRecord record;
        int r;

        if (reader->batch.count == 0) {
                if (reader->next_seq > reader->fresh) {
                        window_drop(&reader->window);
                        reader->fresh = limit;
                }
                r = reader_find(reader);
                if (r == JOURNAL_E_EXPIRED) {
                        *ret = (JournalRecord){ .seq = reader->next_seq++ };
                        return r;
                }
                if (r != 0) {
                        reader->batch.count = 0;
                        return r;
                }
        }
        place = (JournalPlace){ .segment = reader->segment, .offset = reader->offset };
        r = reader_read_record(reader, reader->next_seq, &record);
        if (r != 0)
                return r;
        *ret = (JournalRecord){
                .seq = record.seq,
                .received_at = record.received_at,
                .payload = record.payload,
                .place = place,
                .reduced = (record.flags & RECORD_REDUCED) != 0,
        };
        reader_move_on(reader, record.bytes);
        return (record.flags & RECORD_EXPIRED) ? JOURNAL_E_EXPIRED : 0;
}

int journal_reader_next(JournalReader *reader, uint64_t limit, JournalRecord *ret, JournalFault *ret_fault) {
        int r;

        if (reader->next_seq > limit)
                return JOURNAL_E_END;
        r = reader_next(reader, limit, ret);
        if (r == JOURNAL_E_CORRUPT) {
                /* Look again from the segment's beginning next time. */
                reader_forget_place(reader);
                if (ret_fault)
                        *ret_fault = reader->fault;
        }
        return r;
}

int journal_reader_get(JournalReader *reader, uint64_t seq, const JournalPlace *hint, JournalRecord *ret) {
        int r;

        r = journal_reader_seek(reader, seq, hint);
        if (r < 0)
                return r;
        return journal_reader_next(reader, seq, ret, NULL);
}
