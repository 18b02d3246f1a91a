#pragma once
/*
 * What the fold made: LMDB behind transactions whose first error sticks. Always rebuildable from the journal.
 *
 * Keys are plain bytes in an order that makes sense (numbers big-endian). The table's meaning is in state-keys.h.
 * Never MDB_NOSYNC, never MDB_WRITEMAP; one writer thread; readers renew their transactions.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/cleanup.h"

typedef enum StateTable {
        STATE_META,        /* name -> bytes: folded_seq, fold_version, bus, chain */
        STATE_OUTCOME,     /* seq -> Outcome */
        STATE_DEDUPE,      /* source, message id, time -> seq, sha256 */
        STATE_IDENTIFIER,  /* system, value -> patient ids */
        STATE_PERSON,      /* patient id -> Person */
        STATE_SECTION,     /* patient id, section -> Section */
        STATE_PATIENT_SEQ, /* patient id, seq, index -> "" */
        STATE_SOURCE_SEQ,  /* source, seq -> number of events */
        STATE_QUARANTINE,  /* seq -> QuarantineItem, open ones */
        STATE_RESOLVED,    /* seq -> QuarantineItem, resolved ones */
        STATE_COUNT,       /* source, counter -> number */
        STATE_DICTIONARY,  /* seq -> zstd dictionary */
        STATE_BLOCK,       /* kind of block, value, patient id -> "" */
        STATE_REVIEW,      /* review id -> Review, open ones */
        STATE_REVIEWED,    /* review id -> Review, decided ones */
        STATE_DUE,         /* time, kind, id -> "" */
        STATE_ASIDE,       /* patient id, seq, index -> "" */
        STATE_PARKED,      /* team, consumer, patient id or event id -> seq of the quarantine's item */
        STATE_GRANT,       /* seq of the decision -> Grant: broken glasses and opened contacts */
        _STATE_TABLE_MAX,
} StateTable;

typedef struct State State;
typedef struct StateTxn StateTxn;

/* Positive returns. */
enum {
        _STATE_E_SUCCESS,
        STATE_E_NOT_FOUND,
        STATE_E_NO_SPACE, /* ENOSPC, EDQUOT or the map is full: the transaction is aborted, try again when space returns */
        STATE_E_BUSY,     /* too many readers */
};

typedef enum StateMode {
        STATE_WRITE, /* the one writer: core, or rebuild */
        STATE_READ,  /* write access to the lock file only */
} StateMode;

/* `map_bytes` 0: 200 GiB of address space (sparse), less where the process may not have so much. Creates the folder and the
 * tables in STATE_WRITE; -ENOENT in STATE_READ when there is no state yet. Once a process: LMDB's locks do not survive that one
 * process opens the same folder twice. */
int state_open(const char *folder, StateMode mode, uint64_t map_bytes, State **ret);
State *state_free(State *state);
DEFINE_CLEANUP(State *, state_free)
int state_clear_stale_readers(State *state);
/* What was committed last, whole and without what was deleted, synced, as the environment of another folder (which is made): beside readers
 * and the writer. STATE_E_NO_SPACE leaves nothing there. */
int state_copy(State *state, const char *folder);
/* Empties every table, in its own transaction. */
int state_wipe(State *state);

/* A transaction may be used by one thread at a time. The first failure sticks: later calls do nothing and return it. */
int state_begin(State *state, StateMode mode, StateTxn **ret);
StateTxn *state_abort(StateTxn *txn); /* also the destructor */
DEFINE_CLEANUP(StateTxn *, state_abort)
/* Full sync. Negative is final: never write this environment again. The transaction is gone either way. */
int state_commit(StateTxn *txn);
/* Readers: see what was committed since. */
int state_renew(StateTxn *txn);
void state_reset(StateTxn *txn); /* let go of the snapshot until state_renew() */

/* Values are borrowed until the next write or the end of the transaction. */
int state_get(StateTxn *txn, StateTable table, Bytes key, Bytes *ret_value); /* STATE_E_NOT_FOUND */
int state_put(StateTxn *txn, StateTable table, Bytes key, Bytes value);
int state_delete(StateTxn *txn, StateTable table, Bytes key); /* absent is success */
/* Walks keys in order, beginning at the first not below `from`, while the key starts with `prefix`. The callback returns
 * 0 to go on, positive to stop (returned), negative to fail. It must not write the same table. */
typedef int (*StateWalk)(Bytes key, Bytes value, void *owner);
int state_walk(StateTxn *txn, StateTable table, Bytes prefix, Bytes from, StateWalk walk, void *owner);
/* The last key below `before` that starts with `prefix`; STATE_E_NOT_FOUND. */
int state_last_below(StateTxn *txn, StateTable table, Bytes prefix, Bytes before, Bytes *ret_key, Bytes *ret_value);
/* Key and value bounds: a key is at most 511 bytes. */
#define STATE_KEY_MAX 511
/* STATE_META "folded_seq", 8 bytes, little-endian: the number that the state stands at. 0 in an empty state. */
uint64_t state_folded_seq(StateTxn *txn);
int state_set_folded_seq(StateTxn *txn, uint64_t seq);
/* SHA-256 over every key and value of every table, in order; but not over STATE_META's bookkeeping (folded_seq, fold_version,
 * bus, chain), which says how the state came to be and not what it holds. */
int state_digest(StateTxn *txn, uint8_t ret[32]);
