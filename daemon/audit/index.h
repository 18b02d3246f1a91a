#pragma once
/*
 * What the segments say, to be found again: for each team which events and whose records it was given (places.h), and for each 64 KiB of a
 * segment a filter of the events and persons in it. Everything in it is made out of the segments, and made anew when it is missing, behind
 * or of another audit. Used inside daemon/audit only; whoever calls holds the audit's lock where the header does not say otherwise.
 */
#include "base/clock.h"
#include "daemon/audit/carried.h"
#include "daemon/audit/walk.h"

#define AUDIT_BLOCK_BYTES (64U << 10)
#define AUDIT_FILTER_BYTES 2048u

/* The frames that begin within one 64 KiB of a segment. */
typedef struct AuditBlock {
        uint32_t crc; /* of all behind it */
        uint32_t n_records;
        uint64_t offset; /* of the first frame */
        uint64_t first_number;
        int64_t first_at, last_at;
        uint8_t filter[AUDIT_FILTER_BYTES];
} AuditBlock;

typedef struct AuditIndex AuditIndex;

/* How far it is known to be whole: what stood on the disk when it was written. */
typedef struct AuditIndexMark {
        uint8_t uuid[AUDIT_UUID_BYTES];
        uint64_t number;  /* records up to here are in it */
        uint64_t decided; /* newest entry of the journal that is audited as a decision or as settings */
        uint8_t chain[SHA256_SIZE];
} AuditIndexMark;

/* The folder is made. 0 or negative. */
int audit_index_open(const char *folder, AuditIndex **ret);
AuditIndex *audit_index_free(AuditIndex *index);
DEFINE_CLEANUP(AuditIndex *, audit_index_free)
/* 0, or -ENOENT where there is none that can be used. */
int audit_index_mark_read(AuditIndex *index, AuditIndexMark *ret);
int audit_index_mark_write(const AuditIndex *index, const AuditIndexMark *mark);
/* Begins anew. */
int audit_index_wipe(AuditIndex *index);

/* Looks at a record and makes room for it; then it may be written, and audit_index_add() puts it in, or the next prepare forgets it. 0 or
 * negative: -ENOSPC, -EBADMSG (no AuditRecord). */
int audit_index_prepare(AuditIndex *index, Bytes packed);
/* `places` false: into the filters alone, as it is in the places already. */
int audit_index_add(AuditIndex *index, const AuditFrame *frame, bool places);
/* The segment is closed: its filters go to the disk. */
int audit_index_close_segment(AuditIndex *index, uint64_t first);
/* Takes a lock of its own: any thread. */
int audit_index_sync(AuditIndex *index);
uint64_t audit_index_decided(const AuditIndex *index);

/* What a removed segment said. 0 or negative: -ENOSPC. */
int audit_index_carry(AuditIndex *index, const Carebus__V1__AuditCarried *carried);
/* The filters of a segment that is gone. */
void audit_index_forget_segment(const AuditIndex *index, uint64_t first);

bool audit_index_was_given(AuditIndex *index, const char *team, uint64_t seq, uint32_t event);
bool audit_index_was_told_of(AuditIndex *index, const char *team, const char *patient_id);
/* The newest number as of which a record of this person was given to the team; 0: none was. */
uint64_t audit_index_record(AuditIndex *index, const char *team, const char *patient_id);

/* ---- filters */

uint64_t audit_key_event(uint64_t seq);
uint64_t audit_key_person(Bytes patient_id);
void audit_block_begin(AuditBlock *block, const AuditFrame *frame, int64_t at);
void audit_block_add_key(AuditBlock *block, uint64_t key);
bool audit_block_may_have(const AuditBlock *block, uint64_t key);
/* Blocks of the open segment, for a copy. */
const AuditBlock *audit_index_blocks(const AuditIndex *index, size_t *ret_n);
/* Those of a closed one, off the disk; made anew where they are not whole. On the heap. Any thread, without the lock. */
int audit_index_read_blocks(const AuditIndex *index, const char *audit_folder, uint64_t first, AuditBlock **ret,
                            size_t *ret_n);
