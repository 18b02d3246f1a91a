/* Where a copy of the journal has to end, and the seal that says so. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "daemon/store/journal.h"
#include "daemon/store/mark.h"
#include "daemon/store/scan.h"

static int cut_walk(Scan *scan, uint64_t limit) {
        const ssize_t index = segment_list_find(&scan->segments, limit);
        const size_t from = limit == 0 ? scan->segments.n - 1 : (size_t)(index > 0 ? index : 0);
        int r;

        scan->limit = limit;
        r = scan_skip(scan, from);
        r = r ?: scan_run(scan, from);
        /* Of a limit that lies in no batch there is nothing to copy. */
        return r == 0 && limit > 0 && scan->next_seq <= limit ? JOURNAL_E_END : r;
}

int journal_cut_find(const char *folder, uint64_t limit, JournalCut *ret, JournalFault *ret_fault) {
        _cleanup_(scan_deinit) Scan scan = { .fd = -1, .window = WINDOW_NULL };
        _cleanup_(closep) int folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        int r;

        if (folder_fd < 0)
                return -errno;
        r = scan_init(&scan, folder_fd, /* deep= */ false);
        if (r == 0 && scan.segments.n == 0)
                return JOURNAL_E_END;
        r = r ?: cut_walk(&scan, limit);
        if (r == JOURNAL_E_CORRUPT && ret_fault)
                *ret_fault = scan.fault;
        if (r != 0)
                return r;
        *ret = (JournalCut){
                .place = { .segment = scan.header.first_seq, .offset = scan.offset },
                .segment_bytes = scan.header.file_bytes,
                .seq = scan.next_seq - 1,
                .at = scan.last_at,
        };
        memcpy(ret->uuid, scan.uuid, sizeof(ret->uuid));
        memcpy(ret->chain, scan.chain, sizeof(ret->chain));
        return 0;
}

int journal_cut_seal(const char *folder, const JournalCut *cut) {
        _cleanup_(closep) int folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        Mark mark = { .segment = cut->place.segment, .offset = cut->place.offset, .seq = cut->seq };

        if (folder_fd < 0)
                return -errno;
        memcpy(mark.uuid, cut->uuid, sizeof(mark.uuid));
        memcpy(mark.chain, cut->chain, sizeof(mark.chain));
        return mark_write(folder_fd, MARK_SEAL, &mark);
}

int journal_segments(const char *folder, uint64_t **ret_first_seqs, size_t *ret_n) {
        _cleanup_(closep) int folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        SegmentList list = SEGMENT_LIST_NULL;
        int r;

        if (folder_fd < 0)
                return -errno;
        r = segment_list_read(folder_fd, &list);
        if (r < 0)
                return r;
        *ret_first_seqs = list.first_seqs;
        *ret_n = list.n;
        return 0;
}

int journal_id(const char *folder, uint8_t ret[16]) {
        _cleanup_(segment_list_deinit) SegmentList list = SEGMENT_LIST_NULL;
        _cleanup_(closep) int folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        _cleanup_(closep) int fd = -1;
        SegmentHeader header;
        const char *reason;
        int r;

        if (folder_fd < 0)
                return -errno;
        r = segment_list_read(folder_fd, &list);
        if (r == 0 && list.n == 0)
                r = -ENOENT;
        r = r ?: segment_open(folder_fd, list.first_seqs[0], O_RDONLY, &fd, &header, &reason);
        if (r == 0)
                memcpy(ret, header.uuid, sizeof(header.uuid));
        return r > 0 ? -EBADMSG : r;
}
