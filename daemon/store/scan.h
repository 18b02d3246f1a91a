#pragma once
/*
 * One walk through a journal, for the start and for verify, so that both hold the same rules about what is whole, what
 * was torn and what is a fault. Changes nothing. Used inside daemon/store only.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/sha256.h"
#include "daemon/store/batch.h"
#include "daemon/store/journal.h"
#include "daemon/store/mark.h"
#include "daemon/store/segment.h"
#include "daemon/store/window.h"

typedef struct Scan Scan;
/* A batch that was found whole. Return 0 to go on, negative to fail. */
typedef int (*ScanBatch)(const BatchHeader *header, JournalPlace place, const uint8_t *data, void *owner);

struct Scan {
        int folder_fd;   /* in, borrowed */
        uint64_t limit;  /* in: stop behind the batch that holds it; 0: all */
        ScanBatch batch; /* in; may be NULL */
        void *owner;

        uint8_t uuid[SEGMENT_UUID_BYTES];
        uint32_t key;
        SegmentList segments;
        Mark seal, trim;
        bool sealed, trimmed;

        /* Where the walk stands. */
        size_t index; /* in segments */
        int fd;
        SegmentHeader header; /* of the segment */
        uint64_t offset;
        uint64_t next_seq;
        int64_t last_at;
        uint8_t chain[SEGMENT_CHAIN_BYTES];
        uint64_t batches, bytes;

        /* What it ended in. */
        bool stopped;             /* at the limit */
        bool torn;                /* something that is no batch lies behind the last one */
        uint64_t torn_end;        /* behind the last byte of it that is not zero */
        bool unclosed;            /* the segment before the newest lacks its closing mark: the newest is empty then */
        uint64_t unclosed_offset; /* where that mark belongs */
        JournalFault unclosed_fault;
        JournalFault fault; /* on JOURNAL_E_CORRUPT; where it is torn, why */

        Window window;
        Sha256 *sha, *deep;
};

/* Reads the folder's list and marks. `deep`: prove the payloads' hashes too. */
int scan_init(Scan *scan, int folder_fd, bool deep);
void scan_deinit(Scan *scan);
/* Checks headers and links of the segments before `index`; scan.segments.n is at least 1. */
int scan_skip(Scan *scan, size_t index);
/* Walks from the beginning of segment `index` to the end, or the limit. 0, JOURNAL_E_CORRUPT, JOURNAL_E_NEWER. */
int scan_run(Scan *scan, size_t index);
