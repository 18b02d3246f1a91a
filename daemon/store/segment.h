#pragma once
/*
 * Segment files: their names, their header, and how one comes to be. docs/journal.md gives the bytes. Used inside
 * daemon/store only.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"

#define SEGMENT_VERSION 1u         /* as one begins */
#define SEGMENT_VERSION_REDUCED 2u /* some of its payloads lack a part: a reader of version 1 could not prove them */
#define SEGMENT_HEADER_BYTES 4096u
#define SEGMENT_NAME_BYTES 32
#define SEGMENT_UUID_BYTES 16
#define SEGMENT_CHAIN_BYTES 32
#define SEGMENT_BYTES_DEFAULT (64ull << 20)
#define SEGMENT_BYTES_LEAST 8192ull
/* What the writer makes by itself when nothing was prepared: small, since a sender waits for it. */
#define SEGMENT_BYTES_HASTY (4ull << 20)
#define SEGMENT_FILL_STEP (1ull << 20)

/* Files of the folder that are no segments. */
#define SEGMENT_FILLING "next.tmp" /* being zero-filled; worthless after a crash */
#define SEGMENT_READY "next.ready" /* zero-filled and synced; the writer's when it needs one */
#define SEGMENT_NEW "segment.tmp"  /* in the writer's hands: gets its header, then its name */
#define SEGMENT_EXPIRED \
        "expire.tmp" /* a segment without some payloads, on its way to the name of the one it was made from */

typedef struct SegmentHeader {
        uint8_t uuid[SEGMENT_UUID_BYTES]; /* of the journal */
        uint64_t first_seq;
        uint64_t previous;                  /* first seq of the segment before; 0: this is the first */
        uint64_t file_bytes;                /* zero-filled to here; a shorter file was cut */
        int64_t last_at;                    /* received_at of the newest record before this segment */
        uint8_t chain[SEGMENT_CHAIN_BYTES]; /* hash of the last batch before */
} SegmentHeader;

void segment_name(uint64_t first_seq, char ret[SEGMENT_NAME_BYTES]);
bool segment_name_read(const char *name, uint64_t *ret);
void segment_header_encode(const SegmentHeader *header, uint8_t ret[SEGMENT_HEADER_BYTES]);
/* 0, JOURNAL_E_CORRUPT, JOURNAL_E_NEWER. */
int segment_header_decode(const uint8_t data[SEGMENT_HEADER_BYTES], SegmentHeader *ret);
/* A header that decodes says from now on that some payloads lack a part. */
void segment_header_reduce(uint8_t data[SEGMENT_HEADER_BYTES]);
/* What the first batch of a journal names as the batch before it. */
void segment_chain_begin(const uint8_t uuid[SEGMENT_UUID_BYTES], uint8_t ret[SEGMENT_CHAIN_BYTES]);

/* First numbers of the segments that lie in the folder, ascending. */
typedef struct SegmentList {
        uint64_t *first_seqs;
        size_t n;
} SegmentList;
#define SEGMENT_LIST_NULL ((SegmentList){ 0 })
int segment_list_read(int folder_fd, SegmentList *ret);
void segment_list_deinit(SegmentList *list);
/* Index of the segment in which `seq` must lie: the last that does not begin behind it. -1: none. */
ssize_t segment_list_find(const SegmentList *list, uint64_t seq);

/* Opens one by number and checks its header, its name and its length. `flags` as open(2). 0, JOURNAL_E_CORRUPT with the
 * reason, JOURNAL_E_NEWER, negative errno (-ENOENT: no such segment). */
int segment_open(int folder_fd, uint64_t first_seq, int flags, int *ret_fd, SegmentHeader *ret,
                 const char **ret_reason);

/* Reserves the room first, so that a full disk shows before anything is written. */
int segment_reserve(int fd, uint64_t bytes);
/* Writes zeros over [*filled, *filled + step) and syncs them; *filled moves on, not beyond `bytes`. */
int segment_fill(int fd, uint64_t *filled, uint64_t step, uint64_t bytes);
/* True for what passes when space returns. */
bool segment_is_no_space(int error);
