#pragma once
/*
 * Batches and records: the bytes inside a segment. docs/journal.md is the reference; this is its code. Everything that
 * reads takes bytes that nobody vouches for. Used inside daemon/store only.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/sha256.h"
#include "daemon/store/segment.h"

#define BATCH_ALIGN 64u
#define BATCH_HEADER_BYTES 80u
#define BATCH_BYTES_MAX (64ull << 20)
#define BATCH_CLOSE_BYTES 128u /* a closing mark, padded */
#define RECORD_ALIGN 8u
#define RECORD_HEADER_BYTES 64u
#define RECORD_EXPIRED 1u
#define RECORD_REDUCED 2u /* a part of the payload is zeros: its hash is of all of it */

typedef enum BatchKind {
        BATCH_RECORDS = 1,
        BATCH_CLOSE = 2, /* this segment is complete: the journal goes on in the next */
} BatchKind;

typedef struct BatchHeader {
        uint32_t kind;
        uint32_t count;                     /* records; 0 in a closing mark */
        uint64_t bytes;                     /* header, records and padding */
        uint64_t first_seq;                 /* in a closing mark: of the next segment */
        int64_t last_at;                    /* received_at of the newest record up to here */
        uint8_t chain[SEGMENT_CHAIN_BYTES]; /* hash of the batch before */
} BatchHeader;

typedef struct BatchRecord {
        uint64_t seq;
        int64_t received_at;
        uint32_t flags;
        Bytes payload;         /* borrowed */
        const uint8_t *sha256; /* of the payload as it came in */
        size_t bytes;          /* with header and padding */
} BatchRecord;

/* What marks a batch as one of this journal: a message that quotes a journal is not taken for one. */
uint32_t batch_key(const uint8_t uuid[SEGMENT_UUID_BYTES]);

/* 0 or JOURNAL_E_CORRUPT: not the header of a batch of this journal. */
int batch_header_decode(const uint8_t data[BATCH_HEADER_BYTES], uint32_t key, BatchHeader *ret);
void batch_header_encode(const BatchHeader *header, uint32_t key, uint8_t ret[BATCH_HEADER_BYTES]);

/* How many bytes the record takes that begins with this header, if its length is to be believed. */
uint64_t batch_record_bytes(const uint8_t data[RECORD_HEADER_BYTES]);
/* One record out of `size` bytes; its checksum holds. 0 or JOURNAL_E_CORRUPT. */
int batch_record_decode(const uint8_t *data, size_t size, BatchRecord *ret);

/* Takes the payload out of a record that decodes: zeros, the flag, the checksum made anew. Its place in the chain stays. */
void batch_record_expire(uint8_t *data);

/* The payload of a record that decodes was changed in place, to as many bytes: the flag, the checksum made anew. */
void batch_record_reduced(uint8_t *data);

/* Everything in a batch whose header was decoded. */
typedef struct BatchCheck {
        Sha256 *sha;                        /* in: for the chain */
        Sha256 *deep;                       /* in: for the payloads; NULL: their checksums will do */
        int64_t last_at;                    /* in: of the record before; out: of the last */
        uint8_t chain[SEGMENT_CHAIN_BYTES]; /* out: hash of this batch */
        const char *reason;                 /* out, on a fault */
        uint64_t seq;                       /* out, on a fault */
} BatchCheck;
int batch_check(const uint8_t *data, const BatchHeader *header, BatchCheck *check);

/* A batch being gathered: one aligned run of memory that goes to disk as it is. */
typedef struct BatchBuilder {
        uint8_t *data;
        size_t size; /* with header, without the padding at the end; 0: nothing gathered */
        size_t capacity;
        uint32_t count;
        int64_t last_at;
} BatchBuilder;
#define BATCH_BUILDER_NULL ((BatchBuilder){ 0 })

void batch_builder_deinit(BatchBuilder *builder);
void batch_builder_clear(BatchBuilder *builder, int64_t last_at);
/* -EFBIG when the batch would grow beyond BATCH_BYTES_MAX, -ENOMEM; the batch is then as it was. */
int batch_builder_add(BatchBuilder *builder, Sha256 *sha, uint64_t seq, int64_t received_at, Bytes payload);
/* Completes header and padding; *ret_bytes is what to write from builder->data, *chain becomes this batch's hash. */
void batch_builder_end(BatchBuilder *builder, uint32_t key, uint64_t first_seq, Sha256 *sha,
                       uint8_t chain[SEGMENT_CHAIN_BYTES], size_t *ret_bytes);
/* The closing mark of a segment. */
void batch_close_encode(uint32_t key, uint64_t next_seq, int64_t last_at, const uint8_t chain[SEGMENT_CHAIN_BYTES],
                        uint8_t ret[BATCH_CLOSE_BYTES]);
