#pragma once
/*
 * The fold: dedupe, identify, project. A pure function of the journal: no clock, no randomness, no environment, no
 * floating point. The fold thread, `rebuild` and the scenario tests all call this.
 *
 *     fold_load(fold, txn);                     after opening, and after every transaction that was aborted
 *     while (...) fold_apply(fold, txn, &record);
 *     fold_flush(fold, txn);                    what the fold still holds in memory
 *     state_commit(txn);
 *
 * What stands in the state after a commit does not depend on how many entries a transaction took in.
 */
#include <stdint.h>

#include "base/cleanup.h"
#include "daemon/store/journal.h"
#include "daemon/store/state.h"

/* Another version rebuilds the state at start: STATE_META "fold_version", 4 bytes, little-endian. */
/* From a sealed base that a version since this one made it goes on. */
#define FOLD_VERSION_GOES_ON_FROM 5
#define FOLD_VERSION 7

typedef struct Fold Fold; /* one thread */

int fold_new(Fold **ret);
Fold *fold_free(Fold *fold);
DEFINE_CLEANUP(Fold *, fold_free)
/* Settings and what else the fold holds in memory, from the state; what it held before is forgotten. Call once before the first
 * fold_apply(), and again whenever a transaction did not end in a commit. */
int fold_load(Fold *fold, StateTxn *txn);
/* An earlier entry, for what was set aside of somebody who is followed now (daemon/stage/scope.h): its payload, borrowed until the next
 * call. 0, JOURNAL_E_EXPIRED, or negative. Without it nothing that was set aside can be used. */
typedef int (*FoldEarlier)(void *owner, uint64_t seq, const JournalPlace *hint, Bytes *ret);
void fold_set_earlier(Fold *fold, FoldEarlier earlier, void *owner);
/* The same out of a journal's folder, by a reader that is made when it is needed first. */
int fold_earlier(JournalReader **reader, const char *journal_folder, uint64_t seq, const JournalPlace *hint,
                 Bytes *ret);
/* One entry into the transaction: record.seq must be folded_seq + 1 (-EINVAL otherwise). Negative is final (not a content
 * problem: content that cannot be used ends in the quarantine), STATE_E_NO_SPACE is the transaction's: abort, and try again. */
int fold_apply(Fold *fold, StateTxn *txn, const JournalRecord *record);
/* Writes what is gathered in memory, and the number that the state stands at. Call before every state_commit(): without it the
 * commit holds part of an entry. Returns as fold_apply(). */
int fold_flush(Fold *fold, StateTxn *txn);
/* The first time at which something falls due, as the transaction stands (after fold_flush()); 0: nothing waits. */
int fold_next_due(StateTxn *txn, int64_t *ret);
/* Urgent reviews that fell due since this was asked last, for a line in the log. */
uint32_t fold_take_overdue(Fold *fold);
/* Silences of sources that were told of since this was asked last, for lines in the log; the oldest first, at most so many: of what
 * nobody asks for in time the rest is forgotten. */
#define FOLD_SILENCES_MAX 16
typedef struct FoldSilenceTold {
        char source[64], team[64];
        int64_t since_at; /* the last word before it */
        int64_t until_at; /* the first word behind it; 0: it has just begun */
        int64_t told_at;  /* of the entry */
        int64_t usual;    /* microseconds */
} FoldSilenceTold;
size_t fold_take_silences(Fold *fold, FoldSilenceTold ret[FOLD_SILENCES_MAX]);
/* Number of the newest entry applied, in this transaction or before. */
uint64_t fold_seq(const Fold *fold);
/* The version that the state was folded by; 0 where it is empty. */
uint32_t fold_version_of(StateTxn *txn);

/* Folds a journal into a state up to `limit`, a committed seq, from where the state stands, and gives the digest. 0: all, which
 * takes a proof of the whole journal first; not beside a running daemon. Commits as it goes:
 * what was broken off goes on from there. `progress` may be NULL.
 * 0, JOURNAL_E_CORRUPT with the fault, FOLD_E_NO_SPACE, or negative. */
typedef void (*FoldProgress)(uint64_t seq, uint64_t limit, void *owner);
enum { FOLD_E_NO_SPACE = 64 }; /* no room for the state: all that was committed stands */
int fold_rebuild(const char *journal_folder, State *state, uint64_t limit, FoldProgress progress, void *owner,
                 uint8_t ret_digest[32], JournalFault *ret_fault);
