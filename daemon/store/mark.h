#pragma once
/*
 * Two small files beside the segments, replaced whole: `seal` (a clean stop: the journal ends here) and `trim` (the
 * journal begins here, by rule). Used inside daemon/store only.
 */
#include <stdint.h>

#include "daemon/store/segment.h"

#define MARK_SEAL "seal"
#define MARK_TRIM "trim"
#define MARK_BYTES 128u

typedef struct Mark {
        uint8_t uuid[SEGMENT_UUID_BYTES];
        uint64_t segment;                   /* seal: the newest; trim: the oldest that is kept */
        uint64_t offset;                    /* seal: behind the last batch; trim: 0 */
        uint64_t seq;                       /* seal: the newest; trim: the last that went */
        uint8_t chain[SEGMENT_CHAIN_BYTES]; /* hash of the batch that ends there */
} Mark;

/* 0, -ENOENT when there is none, JOURNAL_E_CORRUPT, JOURNAL_E_NEWER, negative errno. */
int mark_read(int folder_fd, const char *name, Mark *ret);
/* Durable when it returns. -ENOSPC leaves things as they were. */
int mark_write(int folder_fd, const char *name, const Mark *mark);
/* Durably gone when it returns; absent is success. */
int mark_remove(int folder_fd, const char *name);
