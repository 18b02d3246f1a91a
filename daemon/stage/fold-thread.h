#pragma once
/*
 * The fold thread: reads what the journal has committed and applies it to the state, in transactions that grow by
 * themselves: whatever came while the last commit ran. Its commit is the unit of visibility; after each it rings serve.
 */
#include "base/cleanup.h"
#include "daemon/stage/facts.h"
#include "daemon/stage/fold.h"

typedef struct FoldThread FoldThread;

typedef struct FoldThreadOptions {
        CoreFacts *facts;
        Journal *journal; /* for journal_committed() only */
        const char *journal_folder;
        State *state;
        int bell;       /* rung by intake after each commit of the journal */
        int serve_bell; /* rung after each commit of the state */
} FoldThreadOptions;

/* Everything but the thread; folds nothing yet. What is handed over is borrowed. */
int fold_thread_new(const FoldThreadOptions *options, FoldThread **ret);
/* Called after each commit; 0 to go on, negative to break off with that. */
typedef int (*FoldCaughtUp)(uint64_t seq, uint64_t limit, void *owner);
/* Before the thread: folds up to what the journal holds. 0, STATE_E_NO_SPACE, or negative; a damaged journal is -EBADMSG
 * with the fault. */
int fold_thread_catch_up(FoldThread *thread, FoldCaughtUp progress, void *owner, JournalFault *ret_fault);
int fold_thread_start(FoldThread *thread);
/* facts.stop_fold is set: folds what is committed, for a while at most, and ends. -ETIMEDOUT leaves the thread as it is. */
int fold_thread_stop(FoldThread *thread, int seconds);
FoldThread *fold_thread_free(FoldThread *thread);
DEFINE_CLEANUP(FoldThread *, fold_thread_free)
