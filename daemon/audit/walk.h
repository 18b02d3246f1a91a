#pragma once
/*
 * One walk through the segments of an audit, for the start, the index, questions, verify and export, so that all hold the same rules
 * about what is whole. Changes nothing, and may run beside the writer. docs/audit.md says how the bytes lie. One thread.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/sha256.h"
#include "daemon/audit/beginning.h"

#define AUDIT_HEADER_BYTES 128u
#define AUDIT_FRAME_BYTES 16u       /* before each record: length, crc32c, number */
#define AUDIT_RECORD_MAX (4U << 20) /* bytes of a packed record */
#define AUDIT_UUID_BYTES 16
#define AUDIT_NAME_BYTES 32
#define AUDIT_SUFFIX ".audit"

/* Positive returns. */
enum {
        _AUDIT_E_SUCCESS,
        AUDIT_E_END = 1, /* nothing behind it */
        AUDIT_E_DAMAGED, /* audit_walk_fault() says where */
        AUDIT_E_NONE,    /* no audit in this folder */
        AUDIT_E_NEWER,   /* written by a later version */
};

typedef struct AuditHeader {
        uint8_t uuid[AUDIT_UUID_BYTES]; /* of the audit: where its chain begins */
        uint64_t first;                 /* number of the first record */
        uint64_t previous;              /* first of the segment before; 0: this is the first */
        int64_t made_at;
        uint8_t chain[SHA256_SIZE]; /* so far */
} AuditHeader;

/* The first fault that was found. */
typedef struct AuditFault {
        uint64_t segment; /* first number in its name */
        uint64_t offset;  /* in its file */
        uint64_t number;  /* of the record that should stand there */
        const char *
                reason; /* beginning, header, missing, length, checksum, number, chain, record; torn: the newest ends within a record */
} AuditFault;

typedef struct AuditFrame {
        uint64_t number;
        uint64_t segment;
        uint64_t offset; /* of the frame */
        Bytes packed;    /* AuditRecord; borrowed until the next call */
} AuditFrame;

typedef struct AuditWalk AuditWalk;

/* 0, AUDIT_E_NONE, AUDIT_E_NEWER, negative errno. */
int audit_walk_new(const char *folder, AuditWalk **ret);
AuditWalk *audit_walk_free(AuditWalk *walk);
DEFINE_CLEANUP(AuditWalk *, audit_walk_free)
/* Begins at the segment in which `number` lies (or the newest, or the oldest where it was removed); without it a walk begins at the first.
 * 0, AUDIT_E_DAMAGED, AUDIT_E_NEWER, negative: -ENOENT, a segment was removed meanwhile, by retention. */
int audit_walk_seek(AuditWalk *walk, uint64_t number);
/* The next record, its place in the chain proved. 0, AUDIT_E_END, AUDIT_E_DAMAGED, AUDIT_E_NEWER, negative. At the end it may be called
 * again: what was written since is found. */
int audit_walk_next(AuditWalk *walk, AuditFrame *ret);

const AuditFault *audit_walk_fault(const AuditWalk *walk);
/* Where the walk stands: number of the next record, the chain up to it, the segment's header and the offset in it. */
uint64_t audit_walk_number(const AuditWalk *walk);
const uint8_t *audit_walk_chain(const AuditWalk *walk);
const AuditHeader *audit_walk_header(const AuditWalk *walk);
uint64_t audit_walk_offset(const AuditWalk *walk);
/* Is the segment in which it stands the one that is written to, as far as was known when the walk began? */
bool audit_walk_is_newest(const AuditWalk *walk);
/* Where the chain begins: a `number` of 0 where nothing was removed. Nothing is said of its signature. */
const AuditBeginning *audit_walk_beginning(const AuditWalk *walk);
/* Of all segments, for progress. */
uint64_t audit_walk_bytes(const AuditWalk *walk);
uint64_t audit_walk_done(const AuditWalk *walk);

/* ---- what the writer needs too */

void audit_segment_name(uint64_t first, char ret[AUDIT_NAME_BYTES]);
bool audit_segment_name_read(const char *name, uint64_t *ret);
void audit_header_encode(const AuditHeader *header, uint8_t ret[AUDIT_HEADER_BYTES]);
/* 0, AUDIT_E_DAMAGED, AUDIT_E_NEWER. */
int audit_header_decode(const uint8_t data[AUDIT_HEADER_BYTES], AuditHeader *ret);
/* First numbers of the segments, ascending, on the heap; those too that stand before the beginning and are not removed yet. 0 or negative.
 * */
int audit_segments_list(int folder_fd, uint64_t **ret, size_t *ret_n);
/* CRC-32C over length, number and record. */
uint32_t audit_frame_crc(uint32_t length, uint64_t number, Bytes packed);
/* What a chain begins with. */
void audit_chain_begin(const uint8_t uuid[AUDIT_UUID_BYTES], uint8_t ret[SHA256_SIZE]);
/* chain = SHA-256(chain, packed). */
void audit_chain_add(Sha256 *sha, uint8_t chain[SHA256_SIZE], Bytes packed);
