/*
 * The walk. The one hard question is whether bytes that are no batch were torn by a crash or damaged later. They were
 * torn only where the writer can have been writing: behind the last batch of the newest segment, with no batch of this
 * journal anywhere behind them. The writer syncs each batch before it begins the next, so everything else was whole once.
 */
#include "daemon/store/scan.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/file.h"

#define SCAN_STEP (64u * 1024u)

static int scan_fault_at(Scan *scan, uint64_t segment, uint64_t offset, uint64_t seq, const char *reason) {
        scan->fault = (JournalFault){
                .place = { .segment = segment, .offset = offset },
                .seq = seq,
                .reason = reason,
        };
        return JOURNAL_E_CORRUPT;
}

static int scan_fault(Scan *scan, uint64_t seq, const char *reason) {
        return scan_fault_at(scan, scan->header.first_seq, scan->offset, seq, reason);
}

static int scan_mark(Scan *scan, const char *name, Mark *ret, bool *ret_there) {
        int r;

        r = mark_read(scan->folder_fd, name, ret);
        *ret_there = r == 0;
        if (r == JOURNAL_E_CORRUPT)
                return scan_fault_at(scan, 0, 0, 0, name[0] == 's' ? "seal" : "header");
        return r == -ENOENT ? 0 : r;
}

int scan_init(Scan *scan, int folder_fd, bool deep) {
        int r;

        *scan = (Scan){ .folder_fd = folder_fd, .fd = -1, .window = WINDOW_NULL };
        r = sha256_new(&scan->sha);
        if (r == 0 && deep)
                r = sha256_new(&scan->deep);
        if (r == 0)
                r = scan_mark(scan, MARK_SEAL, &scan->seal, &scan->sealed);
        if (r == 0)
                r = scan_mark(scan, MARK_TRIM, &scan->trim, &scan->trimmed);
        if (r == 0)
                r = segment_list_read(folder_fd, &scan->segments);
        if (r != 0)
                return r;
        if (scan->trimmed) {
                /* A trim that was cut short: what it was about to remove does not count. */
                size_t gone = 0;

                while (gone < scan->segments.n && scan->segments.first_seqs[gone] < scan->trim.segment)
                        gone++;
                scan->segments.n -= gone;
                memmove(scan->segments.first_seqs, scan->segments.first_seqs + gone,
                        scan->segments.n * sizeof(*scan->segments.first_seqs));
        }
        if (scan->segments.n == 0 && (scan->sealed || scan->trimmed)) {
                uint64_t first = scan->trimmed ? scan->trim.segment : 1;
                return scan_fault_at(scan, first, 0, first, "missing-segment");
        }
        return 0;
}

void scan_deinit(Scan *scan) {
        closep(&scan->fd);
        scan->fd = -1;
        window_deinit(&scan->window);
        segment_list_deinit(&scan->segments);
        scan->sha = sha256_free(scan->sha);
        scan->deep = sha256_free(scan->deep);
}

/* Opens segments[index] and checks that it follows the one before, whose header is `before`. */
static int scan_open_segment(Scan *scan, size_t index, const SegmentHeader *before) {
        uint64_t first_seq = scan->segments.first_seqs[index];
        const char *reason = "header";
        SegmentHeader header;
        int fd, r;

        closep(&scan->fd);
        scan->fd = -1;
        r = segment_open(scan->folder_fd, first_seq, O_RDONLY, &fd, &header, &reason);
        if (r == JOURNAL_E_CORRUPT)
                return scan_fault_at(scan, first_seq, 0, first_seq, reason);
        if (r != 0)
                return r;
        scan->fd = fd;
        if (before && memcmp(header.uuid, before->uuid, sizeof(header.uuid)) != 0)
                return scan_fault_at(scan, first_seq, 0, first_seq, "header");
        if (before && header.previous != before->first_seq)
                return scan_fault_at(scan, header.previous, 0, header.previous, "missing-segment");
        scan->header = header;
        scan->index = index;
        memcpy(scan->uuid, header.uuid, sizeof(scan->uuid));
        scan->key = batch_key(header.uuid);
        return 0;
}

/* The oldest segment: is it where the journal begins? */
static int scan_check_first(Scan *scan) {
        const SegmentHeader *header = &scan->header;
        uint8_t chain[SEGMENT_CHAIN_BYTES];

        if (scan->trimmed) {
                if (memcmp(scan->trim.uuid, header->uuid, sizeof(header->uuid)) != 0)
                        return scan_fault_at(scan, header->first_seq, 0, header->first_seq, "header");
                if (header->first_seq != scan->trim.segment)
                        return scan_fault_at(scan, scan->trim.segment, 0, scan->trim.segment, "missing-segment");
                memcpy(chain, scan->trim.chain, sizeof(chain));
        } else {
                if (header->first_seq != 1 || header->previous != 0)
                        return scan_fault_at(scan, 1, 0, 1, "missing-segment");
                segment_chain_begin(header->uuid, chain);
        }
        if (memcmp(chain, header->chain, sizeof(chain)) != 0)
                return scan_fault_at(scan, header->first_seq, 0, header->first_seq, "chain");
        return 0;
}

int scan_skip(Scan *scan, size_t index) {
        for (size_t i = 0; i < index; i++) {
                SegmentHeader before = scan->header;
                int r;

                r = scan_open_segment(scan, i, i > 0 ? &before : NULL);
                if (r == 0 && i == 0)
                        r = scan_check_first(scan);
                if (r != 0)
                        return r;
        }
        return 0;
}

/* Is there a batch of this journal at or behind `offset`? 1 or 0; *ret_end is behind the last byte that is not zero. */
static int scan_look_behind(Scan *scan, uint64_t offset, uint64_t *ret_end) {
        uint64_t at = (offset + BATCH_ALIGN - 1) & ~(uint64_t)(BATCH_ALIGN - 1), end = offset;

        for (;;) {
                const uint8_t *data;
                size_t size;
                int r;

                /* One step of the window at a time, the last header of it whole. */
                r = window_get_some(&scan->window, at, SCAN_STEP + BATCH_HEADER_BYTES, &data, &size);
                if (r < 0)
                        return r;
                for (size_t i = 0; i < size && i < SCAN_STEP; i += BATCH_ALIGN) {
                        size_t piece = MIN(size - i, (size_t)BATCH_ALIGN);
                        BatchHeader header;

                        for (size_t k = 0; k < piece; k++)
                                if (data[i + k] != 0)
                                        end = at + i + k + 1;
                        if (size - i >= BATCH_HEADER_BYTES && batch_header_decode(data + i, scan->key, &header) == 0)
                                return 1;
                }
                if (size <= SCAN_STEP)
                        break;
                at += SCAN_STEP;
        }
        *ret_end = end;
        return 0;
}

enum { SCAN_BATCH, SCAN_CLOSED, SCAN_TAIL };

/* Looks at scan.offset. *ret_behind is where batches would go on if this one is damaged. Negative: fatal. */
static int scan_batch(Scan *scan, uint64_t *ret_behind) {
        BatchCheck check = { .sha = scan->sha, .deep = scan->deep, .last_at = scan->last_at };
        uint64_t segment = scan->header.first_seq;
        const uint8_t *data;
        BatchHeader header;
        int r;

        *ret_behind = scan->offset + BATCH_ALIGN;
        r = window_get(&scan->window, scan->offset, BATCH_HEADER_BYTES, &data);
        if (r < 0)
                return r;
        if (r == JOURNAL_E_END) {
                scan_fault(scan, scan->next_seq, "truncated");
                return SCAN_TAIL;
        }
        if (batch_header_decode(data, scan->key, &header) != 0) {
                scan_fault(scan, scan->next_seq, load_le64(data) == 0 ? "gap" : "batch-checksum");
                return SCAN_TAIL;
        }
        *ret_behind = scan->offset + header.bytes;
        if (header.first_seq != scan->next_seq || header.last_at < scan->last_at) {
                scan_fault(scan, scan->next_seq, "gap");
                return SCAN_TAIL;
        }
        if (memcmp(header.chain, scan->chain, sizeof(scan->chain)) != 0) {
                scan_fault(scan, scan->next_seq, "chain");
                return SCAN_TAIL;
        }
        r = window_get(&scan->window, scan->offset, (size_t)header.bytes, &data);
        if (r < 0)
                return r;
        if (r == JOURNAL_E_END) {
                scan_fault(scan, scan->next_seq, "truncated");
                return SCAN_TAIL;
        }
        r = batch_check(data, &header, &check);
        if (r != 0) {
                scan_fault(scan, check.seq, check.reason);
                return SCAN_TAIL;
        }
        if (scan->batch) {
                JournalPlace place = { .segment = segment, .offset = scan->offset };

                r = scan->batch(&header, place, data, scan->owner);
                if (r < 0)
                        return r;
        }
        scan->bytes += header.bytes;
        if (header.kind == BATCH_CLOSE)
                return SCAN_CLOSED;
        scan->offset += header.bytes;
        scan->next_seq += header.count;
        scan->last_at = check.last_at;
        scan->batches++;
        memcpy(scan->chain, check.chain, sizeof(scan->chain));
        return SCAN_BATCH;
}

/* Behind the last byte of [from, to) that is not zero. */
static int scan_nonzero_end(Scan *scan, uint64_t from, uint64_t to, uint64_t *ret) {
        const uint8_t *data;
        size_t size;
        int r;

        r = window_get_some(&scan->window, from, (size_t)(to - from), &data, &size);
        if (r < 0)
                return r;
        *ret = from;
        for (size_t i = 0; i < size; i++)
                if (data[i] != 0)
                        *ret = from + i + 1;
        return 0;
}

/* The rest of a segment is no batch, nor is any batch behind it. Torn, or a fault? */
static int scan_tail(Scan *scan, uint64_t behind, uint64_t end) {
        bool newest = scan->index + 1 == scan->segments.n;
        int r;

        if (!newest && scan->index + 2 != scan->segments.n)
                return JOURNAL_E_CORRUPT;
        if (end <= behind) {
                r = scan_nonzero_end(scan, scan->offset, behind, &end);
                if (r < 0)
                        return r;
        }
        if (!newest) {
                scan->unclosed = true;
                scan->unclosed_offset = scan->offset;
                scan->unclosed_fault = scan->fault;
                return 0;
        }
        scan->torn = end > scan->offset;
        scan->torn_end = end;
        if (scan->torn && scan->unclosed) {
                /* The newest segment is written to only once the one before is closed. */
                scan->fault = scan->unclosed_fault;
                return JOURNAL_E_CORRUPT;
        }
        return 0;
}

/* A batch in the newest segment, and the one before is not closed. A live writer may have closed it since we looked. */
static int scan_check_closed(Scan *scan) {
        uint64_t before = scan->header.previous;
        uint8_t data[BATCH_CLOSE_BYTES], expected[BATCH_CLOSE_BYTES];
        _cleanup_(closep) int fd = -1;
        const char *reason;
        SegmentHeader segment;
        ssize_t n;
        int r;

        r = segment_open(scan->folder_fd, before, O_RDONLY, &fd, &segment, &reason);
        if (r < 0)
                return r;
        n = r == 0 ? pread_all(fd, data, sizeof(data), (off_t)scan->unclosed_offset) : 0;
        if (n < 0)
                return (int)n;
        batch_close_encode(scan->key, scan->header.first_seq, scan->header.last_at, scan->header.chain, expected);
        if ((size_t)n < sizeof(data) || memcmp(data, expected, sizeof(data)) != 0) {
                scan->fault = scan->unclosed_fault;
                return JOURNAL_E_CORRUPT;
        }
        scan->unclosed = false;
        return 0;
}

/* A segment that was closed is the newest of the list: of a live journal the list may be old by now. */
static int scan_next_listed(Scan *scan) {
        SegmentList list;
        ssize_t found;
        int r;

        r = segment_list_read(scan->folder_fd, &list);
        if (r < 0)
                return r;
        found = segment_list_find(&list, scan->next_seq);
        if (found < 1 || list.first_seqs[found] != scan->next_seq) {
                segment_list_deinit(&list);
                return scan_fault_at(scan, scan->next_seq, 0, scan->next_seq, "missing-segment");
        }
        segment_list_deinit(&scan->segments);
        scan->segments = list;
        scan->index = (size_t)found - 1;
        return 0;
}

/* What lies at scan.offset is no batch. -EAGAIN: look again. */
static int scan_no_batch(Scan *scan, uint64_t behind, uint64_t *looked_again_at) {
        JournalFault fault = scan->fault;
        uint64_t end = 0;
        int r;

        r = scan_look_behind(scan, behind, &end);
        if (r < 0)
                return r;
        if (r > 0) {
                /* A batch behind it. A live writer may have written both since we looked: then it is whole now. */
                if (*looked_again_at == scan->offset)
                        return JOURNAL_E_CORRUPT;
                *looked_again_at = scan->offset;
                window_drop(&scan->window);
                return -EAGAIN;
        }
        scan->fault = fault;
        return scan_tail(scan, behind, end);
}

/* The batches of one segment. *ret_more: the walk goes on in the next. */
static int scan_segment(Scan *scan, bool *ret_more) {
        uint64_t looked_again_at = 0, behind;
        int r;

        *ret_more = false;
        for (;;) {
                r = scan_batch(scan, &behind);
                if (r < 0)
                        return r;
                if (r == SCAN_TAIL) {
                        r = scan_no_batch(scan, behind, &looked_again_at);
                        if (r == -EAGAIN)
                                continue;
                        if (r != 0)
                                return r;
                        break;
                }
                if (scan->unclosed) {
                        int closed = scan_check_closed(scan);

                        if (closed != 0)
                                return closed;
                }
                if (r == SCAN_CLOSED) {
                        r = scan->index + 1 == scan->segments.n ? scan_next_listed(scan) : 0;
                        if (r != 0)
                                return r;
                        break;
                }
                if (scan->limit != 0 && scan->next_seq > scan->limit) {
                        scan->stopped = true;
                        return 0;
                }
        }
        *ret_more = scan->index + 1 < scan->segments.n;
        return 0;
}

static int scan_enter(Scan *scan, size_t index, bool first) {
        SegmentHeader before = scan->header;
        const SegmentHeader *header = &scan->header;
        int r;

        r = scan_open_segment(scan, index, index > 0 ? &before : NULL);
        if (r == 0 && index == 0)
                r = scan_check_first(scan);
        if (r != 0)
                return r;
        if (!first) {
                if (header->first_seq != scan->next_seq || header->last_at != scan->last_at)
                        return scan_fault_at(scan, before.first_seq, scan->offset, scan->next_seq, "gap");
                if (memcmp(header->chain, scan->chain, sizeof(scan->chain)) != 0)
                        return scan_fault_at(scan, header->first_seq, 0, header->first_seq, "chain");
        }
        scan->next_seq = header->first_seq;
        scan->last_at = header->last_at;
        memcpy(scan->chain, header->chain, sizeof(scan->chain));
        scan->offset = SEGMENT_HEADER_BYTES;
        scan->bytes += SEGMENT_HEADER_BYTES;
        scan->torn = false;
        window_attach(&scan->window, scan->fd);
        return 0;
}

static int scan_check_seal(Scan *scan) {
        const Mark *seal = &scan->seal;

        if (!scan->sealed || scan->stopped)
                return 0;
        if (memcmp(seal->uuid, scan->uuid, sizeof(scan->uuid)) != 0)
                return scan_fault_at(scan, seal->segment, seal->offset, 0, "seal");
        /* Where something was there once, that is the fault, and not the seal. */
        if (scan->next_seq <= seal->seq) {
                if (scan->header.first_seq < seal->segment)
                        return scan_fault_at(scan, seal->segment, 0, seal->segment, "missing-segment");
                return JOURNAL_E_CORRUPT;
        }
        if (scan->header.first_seq != seal->segment || scan->offset != seal->offset ||
            scan->next_seq != seal->seq + 1 || memcmp(seal->chain, scan->chain, sizeof(scan->chain)) != 0)
                return scan_fault(scan, scan->next_seq, "seal");
        return 0;
}

int scan_run(Scan *scan, size_t index) {
        bool first = true, more = true;
        int r;

        while (more) {
                r = scan_enter(scan, index, first);
                if (r != 0)
                        return r;
                r = scan_segment(scan, &more);
                if (r != 0)
                        return r;
                first = false;
                index = scan->index + 1;
        }
        return scan_check_seal(scan);
}
