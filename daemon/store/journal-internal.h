#pragma once
/* The writer's own structure, shared by the files that make it up: journal-write, -prepare, -recover. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/sha256.h"
#include "daemon/store/batch.h"
#include "daemon/store/journal.h"
#include "daemon/store/segment.h"

/* A segment that is written to, or about to be. */
typedef struct JournalSegment {
        int fd;
        uint64_t first_seq;
        uint64_t previous;
        uint64_t bytes;  /* of the file */
        uint64_t offset; /* where the next batch goes */
} JournalSegment;
#define JOURNAL_SEGMENT_NULL ((JournalSegment){ .fd = -1 })

typedef enum PreparedState {
        PREPARED_NONE,
        PREPARED_FILLING, /* fd and filled belong to the background thread */
        PREPARED_READY,   /* whoever holds the lock may take it */
} PreparedState;

struct Journal {
        int folder_fd;
        uint64_t segment_bytes;
        uint8_t uuid[SEGMENT_UUID_BYTES];
        uint32_t key;
        int error;         /* sticky: a negative return was given */
        int64_t sync_time; /* of the newest batch */
        bool sealed;       /* the mark lies in the folder: to be removed before anything is written */

        JournalSegment current;
        JournalSegment next; /* has its name already; the current one is not closed yet */
        uint64_t last_seq;
        int64_t last_at;
        uint8_t chain[SEGMENT_CHAIN_BYTES];
        BatchBuilder batch;
        Sha256 *sha;
        _Atomic uint64_t committed;
        _Atomic uint64_t bytes;

        pthread_mutex_t prepared_lock; /* over prepared_state, and over the rest of it as the state says */
        PreparedState prepared_state;
        int prepared_fd;
        uint64_t prepared_filled, prepared_bytes;
};

/* Makes the segment that begins with journal.last_seq + 1, with room for `need` bytes of batches: header on disk, then
 * the name, then the folder. It replaces an empty one of the same name. 0, JOURNAL_E_NO_SPACE, negative: final. */
int journal_segment_make(Journal *journal, uint64_t previous, uint64_t need, JournalSegment *ret);
/* Writes and syncs the closing mark at segment->offset. Returns as journal_segment_make(). */
int journal_segment_close(Journal *journal, const JournalSegment *segment);
/* Takes over what an earlier run prepared; removes what it left half-done. */
int journal_prepare_adopt(Journal *journal);
/* The prepared file's descriptor when it is complete and has room; it is called SEGMENT_NEW from then on. -1: none. */
int journal_prepare_take(Journal *journal, uint64_t bytes, uint64_t *ret_bytes);
void journal_prepare_deinit(Journal *journal);
