/* Proof that nothing was altered, removed or put in: the walk of the start, over everything, with every payload's hash. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon/store/journal.h"
#include "daemon/store/scan.h"

#define PROGRESS_STEP (8ull << 20)

typedef struct Verify {
        JournalProgress progress;
        void *owner;
        uint64_t all, done, told;
} Verify;

static int verify_batch(const BatchHeader *header, JournalPlace place, const uint8_t *data, void *owner) {
        Verify *verify = owner;

        (void)place;
        (void)data;
        verify->done += header->bytes;
        if (verify->progress && verify->done - verify->told >= PROGRESS_STEP) {
                verify->told = verify->done;
                verify->progress(MIN(verify->done, verify->all), verify->all, verify->owner);
        }
        return 0;
}

static uint64_t verify_all_bytes(int folder_fd, const SegmentList *segments) {
        uint64_t bytes = 0;

        for (size_t i = 0; i < segments->n; i++) {
                char name[SEGMENT_NAME_BYTES];
                struct stat st;

                segment_name(segments->first_seqs[i], name);
                if (fstatat(folder_fd, name, &st, 0) == 0)
                        bytes += (uint64_t)st.st_size;
        }
        return bytes;
}

static void verify_result(const Scan *scan, JournalVerified *ret) {
        *ret = (JournalVerified){
                .first_seq = scan->segments.n > 0 ? scan->segments.first_seqs[0] : 0,
                .last_seq = scan->segments.n > 0 ? scan->next_seq - 1 : 0,
                .batches = scan->batches,
                .segments = scan->segments.n > 0 ? scan->index + 1 : 0,
                .bytes = scan->bytes,
                .sealed = scan->sealed && !scan->stopped,
        };
        memcpy(ret->chain, scan->chain, sizeof(ret->chain));
}

int journal_verify(const char *folder, uint64_t limit, JournalProgress progress, void *owner, JournalVerified *ret,
                   JournalFault *ret_fault) {
        Verify verify = { .progress = progress, .owner = owner };
        _cleanup_(scan_deinit) Scan scan = { .fd = -1, .window = WINDOW_NULL };
        _cleanup_(closep) int folder_fd = -1;
        int r;

        folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (folder_fd < 0)
                return -errno;
        r = scan_init(&scan, folder_fd, /* deep= */ true);
        if (r == 0 && scan.segments.n > 0) {
                scan.limit = limit;
                scan.batch = verify_batch;
                scan.owner = &verify;
                verify.all = verify_all_bytes(folder_fd, &scan.segments);
                r = scan_run(&scan, 0);
        }
        if (r == 0 && limit > 0 && !scan.stopped && (scan.segments.n == 0 || scan.next_seq <= limit)) {
                /* It was committed up to `limit` once. */
                if (!scan.torn)
                        scan.fault = (JournalFault){
                                .place = { .segment = scan.header.first_seq, .offset = scan.offset },
                                .seq = scan.segments.n > 0 ? scan.next_seq : 1,
                                .reason = "truncated",
                        };
                r = JOURNAL_E_CORRUPT;
        }
        if (r == JOURNAL_E_CORRUPT && ret_fault)
                *ret_fault = scan.fault;
        if (r != 0)
                return r;
        if (progress)
                progress(verify.all, verify.all, owner);
        verify_result(&scan, ret);
        return 0;
}
