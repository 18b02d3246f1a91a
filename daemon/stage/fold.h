#pragma once
/*
 * The fold: dedupe, identify, project. A pure function of the journal: no clock, no randomness, no environment, no
 * floating point. The fold thread, `rebuild` and the scenario tests all call this.
 */
#include <stdint.h>

#include "base/cleanup.h"
#include "daemon/store/journal.h"
#include "daemon/store/state.h"

/* Another version rebuilds the state at start. */
#define FOLD_VERSION 1

typedef struct Fold Fold;

int fold_new(Fold **ret);
Fold *fold_free(Fold *fold);
DEFINE_CLEANUP(Fold *, fold_free)
/* Settings and what else the fold holds in memory, from the state. Call once before the first fold_apply(). */
int fold_load(Fold *fold, StateTxn *txn);
/* One entry into the transaction: record.seq must be folded_seq + 1. Negative is final (not a content problem: content
 * that cannot be used ends in the quarantine). */
int fold_apply(Fold *fold, StateTxn *txn, const JournalRecord *record);

/* Folds a journal into an empty state up to `limit` (0: all) and gives the digest. */
typedef void (*FoldProgress)(uint64_t seq, uint64_t limit, void *owner);
int fold_rebuild(const char *journal_folder, State *state, uint64_t limit, FoldProgress progress, void *owner,
                 uint8_t ret_digest[32], JournalFault *ret_fault);
