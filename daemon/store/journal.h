#pragma once
/*
 * The truth: an append-only chain of batches in segment files. docs/journal.md gives the bytes.
 *
 * A batch is the unit of durability: it counts whole or not at all. journal_append() gathers in memory, journal_commit()
 * writes and syncs. One thread writes; any number of readers, in this process or another, read what is committed.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/cleanup.h"

typedef struct Journal Journal;
typedef struct JournalReader JournalReader;

/* Positive returns. */
enum {
        _JOURNAL_E_SUCCESS,
        JOURNAL_E_END,      /* nothing committed behind this place yet */
        JOURNAL_E_CORRUPT,  /* a fault, located in a JournalFault; nothing was changed */
        JOURNAL_E_NO_SPACE, /* ENOSPC or EDQUOT before the sync: the batch is dropped, the numbers are free again */
        JOURNAL_E_NEWER,    /* written by a later version; untouched */
        JOURNAL_E_BEHIND,   /* the state stands beyond the journal's end: not the same journal, or cut */
        JOURNAL_E_EXPIRED,  /* the payload was removed by rule; its hash stands in the chain */
};

/* Where a batch begins. */
typedef struct JournalPlace {
        uint64_t segment; /* first seq of the segment: its file name */
        uint64_t offset;
} JournalPlace;

typedef struct JournalRecord {
        uint64_t seq;
        int64_t received_at;
        Bytes payload;      /* a packed Entry; borrowed until the reader moves on */
        JournalPlace place; /* of its batch */
        bool reduced;       /* a part of the payload was removed by rule: zeros stand in its place */
} JournalRecord;

typedef struct JournalFault {
        JournalPlace place;
        uint64_t seq; /* first that cannot be trusted; 0 when not known */
        const char *
                reason; /* static: batch-checksum, record-checksum, chain, gap, header, truncated, seal, missing-segment;
                              * with segment 0 the file `seal` or `trim` itself */
} JournalFault;

typedef struct JournalOptions {
        uint64_t
                segment_bytes; /* of a prepared segment; 0: 64 MiB. One that the writer has to make itself is 4 MiB at most */
        uint64_t state_seq; /* the state stands here: never cut below it */
} JournalOptions;

/* Opens for writing (the caller holds state/lock); makes the folder and the first segment where there is none. A torn last
 * batch behind options.state_seq is cut, and what lies after state_seq and may be in the page cache only (the newest segment:
 * older ones were closed) is written again in place and synced. `options` may be NULL. The segment in which state_seq lies and
 * all behind it are checked; older ones by their headers only. JOURNAL_E_CORRUPT fills in the fault; JOURNAL_E_NEWER;
 * JOURNAL_E_BEHIND; JOURNAL_E_NO_SPACE. On any of these what was there is as it was. */
int journal_open(const char *folder, const JournalOptions *options, Journal **ret, JournalFault *ret_fault);
Journal *journal_free(Journal *journal); /* without a seal: as after a crash */
DEFINE_CLEANUP(Journal *, journal_free)

/* Gathers one record (copied); its number is *ret_seq once the batch is committed. Where `received_at` lies before the record
 * before, that one's time is taken. -EFBIG beyond 64 MiB a batch, -ENOMEM: the batch is as it was, commit it and try again. */
int journal_append(Journal *journal, int64_t received_at, Bytes payload, uint64_t *ret_seq);
size_t journal_pending(const Journal *journal); /* records gathered */
/* Writes and syncs what was gathered. JOURNAL_E_NO_SPACE drops it; a negative return is final: never write again. */
int journal_commit(Journal *journal);
/* Microseconds that the sync of the newest commit took. The writer's thread. */
int64_t journal_sync_time(const Journal *journal);
void journal_abort(Journal *journal);
uint64_t journal_committed(const Journal *journal); /* newest durable seq; any thread */
int64_t journal_last_at(const Journal *journal);    /* received_at of the newest record; never goes backwards */
uint64_t journal_bytes(const Journal *journal);     /* size of all segment files, zeros ahead included; any thread */
/* A clean stop: after the seal nothing may be cut. -EBUSY while records are gathered. The next commit takes it away again. */
int journal_seal(Journal *journal);
/* Paced work of one background thread: zero-fills the next segment by at most 1 MiB and syncs that. 0 nothing to do now (call
 * again after a second or so), 1 more to do. Negative: the disk failed; the prepared file was given up, the journal is unharmed.
 * Too little space on the disk is 0: the writer then makes do with small segments. */
int journal_prepare_step(Journal *journal);

/* Reads any journal folder, live or not. One thread a reader; it holds a buffer of up to 1 MiB, or of the largest record. */
int journal_reader_open(const char *folder, JournalReader **ret);
JournalReader *journal_reader_free(JournalReader *reader);
DEFINE_CLEANUP(JournalReader *, journal_reader_free)
/* The next record read will be `seq` (from 1; it need not be there yet). `hint` may be NULL: a place at or before it. A hint
 * that does not hold is as none. Reads nothing yet. */
int journal_reader_seek(JournalReader *reader, uint64_t seq, const JournalPlace *hint);
/* Reads on, not beyond `limit` (a committed seq, and synced: this is all that keeps a reader from bytes that are being
 * written). 0; JOURNAL_E_END; JOURNAL_E_CORRUPT (fault may be NULL; the reader stays where it is); JOURNAL_E_EXPIRED: seq is
 * filled in, the payload is empty, the reader went on; JOURNAL_E_NEWER. */
int journal_reader_next(JournalReader *reader, uint64_t limit, JournalRecord *ret, JournalFault *ret_fault);
/* One record by number, which must be committed. Returns as journal_reader_next(); the reader goes on behind it. */
int journal_reader_get(JournalReader *reader, uint64_t seq, const JournalPlace *hint, JournalRecord *ret);

typedef struct JournalVerified {
        uint64_t first_seq, last_seq, batches, segments, bytes;
        uint8_t chain[32]; /* hash of the last batch */
        bool sealed;
} JournalVerified;
typedef void (*JournalProgress)(uint64_t bytes_done, uint64_t bytes_all, void *owner);
/* Proves that nothing up to `limit` (0: all) was altered, removed or put in. Beside a running daemon give a committed seq. What
 * a crash may have torn behind the last batch is no fault. 0, JOURNAL_E_CORRUPT, JOURNAL_E_NEWER. `progress` may be NULL. */
int journal_verify(const char *folder, uint64_t limit, JournalProgress progress, void *owner, JournalVerified *ret,
                   JournalFault *ret_fault);
/* Removes whole segments whose records all lie below `seq`, never the newest. Only behind a sealed base of the state. The file
 * `trim` says so before they go; JOURNAL_E_NO_SPACE when that cannot be written. */
int journal_trim(Journal *journal, uint64_t seq);
/* So that what stands in the segment that is written to can be expired: the next batch begins another. 0, JOURNAL_E_NO_SPACE, or negative:
 * final. Nothing may be gathered (-EBUSY). */
int journal_turn(Journal *journal);
/* Takes the payloads of these records (ascending) out of all segments that are closed; the others keep theirs for another time. A segment
 * is written anew beside the old one, synced and renamed, so that whoever reads it now reads on, and a crash leaves the one or the other.
 * What was expired before stays so. Any thread, one at a time, beside the writer. *ret_n: how many of these have no payload now. 0;
 * JOURNAL_E_NO_SPACE: the old segment stands; JOURNAL_E_CORRUPT: a segment is not what was written, it is left alone; negative. */
int journal_expire(const char *folder, const uint64_t *seqs, size_t n, size_t *ret_n);
/* The same of a part of each payload: `reduce` writes zeros over it, in place, and says with 0 that what is left is to stay so; otherwise
 * (negative) that payload is left as it is, and is not counted. */
typedef int (*JournalReduce)(uint64_t seq, uint8_t *payload, size_t size, void *owner);
int journal_reduce(const char *folder, const uint64_t *seqs, size_t n, JournalReduce reduce, void *owner,
                   size_t *ret_n);
/* The id that its oldest segment says. 0, -ENOENT (no segment), -EBADMSG, negative. */
int journal_id(const char *folder, uint8_t ret[16]);
/* First numbers of all segments, ascending, on the heap. A segment's file is called by it: 20 digits and `.seg`. */
int journal_segments(const char *folder, uint64_t **ret_first_seqs, size_t *ret_n);

/* Where a copy ends: behind a batch. */
typedef struct JournalCut {
        JournalPlace place;     /* the segment in which the last batch lies, and what is behind that batch */
        uint64_t segment_bytes; /* of that segment's file: behind the place it is zeros */
        uint64_t seq;           /* the last that the copy holds */
        int64_t at;             /* when it was received */
        uint8_t uuid[16];       /* of the journal */
        uint8_t chain[32];      /* hash of the last batch */
} JournalCut;
/* Behind the batch that holds `limit`, which has to be committed; 0: behind the last that is whole, where nobody writes. Changes nothing.
 * 0, JOURNAL_E_END (the journal does not hold it), JOURNAL_E_CORRUPT, JOURNAL_E_NEWER, negative. */
int journal_cut_find(const char *folder, uint64_t limit, JournalCut *ret, JournalFault *ret_fault);
/* Says in a copy that it ends there, and that nothing of it may be cut. Synced. */
int journal_cut_seal(const char *folder, const JournalCut *cut);
