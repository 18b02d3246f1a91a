/* rebuild: the same fold, from the journal's first entry. */
#include <errno.h>

#include "base/error.h"
#include "daemon/stage/fold.h"

/* Entries in one transaction: what LMDB keeps of it in memory stays small. */
#define REBUILD_BATCH 20000

typedef struct Rebuild {
        Fold *fold;
        JournalReader *reader, *earlier;
        const char *journal_folder;
        State *state;
        uint64_t limit;
        FoldProgress progress;
        void *owner;
        JournalFault *fault;
} Rebuild;

static int expired_apply(Rebuild *rebuild, StateTxn *txn, JournalRecord *record) {
        /* Its payload was removed by rule: an entry of no kind, so that the numbers have no gap. */
        record->payload = BYTES_NULL;
        return fold_apply(rebuild->fold, txn, record);
}

/* One transaction. JOURNAL_E_END when there is nothing further. */
static int rebuild_batch(Rebuild *rebuild) {
        _cleanup_(state_abortp) StateTxn *txn = NULL;
        int r, end = 0;

        r = state_begin(rebuild->state, STATE_WRITE, &txn);
        if (r)
                return r < 0 ? r : FOLD_E_NO_SPACE;
        for (unsigned i = 0; i < REBUILD_BATCH && !end; i++) {
                JournalRecord record;

                end = journal_reader_next(rebuild->reader, rebuild->limit, &record, rebuild->fault);
                if (end == 0)
                        r = fold_apply(rebuild->fold, txn, &record);
                else if (end == JOURNAL_E_EXPIRED) {
                        end = 0;
                        r = expired_apply(rebuild, txn, &record);
                }
                if (r)
                        return r == STATE_E_NO_SPACE ? FOLD_E_NO_SPACE : error_fold(r);
        }
        r = fold_flush(rebuild->fold, txn);
        if (r == 0)
                r = state_commit(TAKE_PTR(txn));
        if (r)
                return r == STATE_E_NO_SPACE ? FOLD_E_NO_SPACE : error_fold(r);
        if (rebuild->progress)
                rebuild->progress(fold_seq(rebuild->fold), rebuild->limit, rebuild->owner);
        return end;
}

static int earlier_entry(void *owner, uint64_t seq, const JournalPlace *hint, Bytes *ret) {
        Rebuild *rebuild = owner;

        return fold_earlier(&rebuild->earlier, rebuild->journal_folder, seq, hint, ret);
}

static void rebuild_deinit(Rebuild *rebuild) {
        fold_free(rebuild->fold);
        journal_reader_free(rebuild->reader);
        journal_reader_free(rebuild->earlier);
}

/* The number of the last whole batch: nothing but proving the journal tells it. */
static int journal_end(const char *folder, uint64_t *ret, JournalFault *ret_fault) {
        JournalVerified verified = {};
        int r;

        r = journal_verify(folder, /* limit= */ 0, /* progress= */ NULL, /* owner= */ NULL, &verified, ret_fault);
        if (r == 0)
                *ret = verified.last_seq;
        return r;
}

static int digest_read(State *state, uint8_t ret_digest[32]) {
        _cleanup_(state_abortp) StateTxn *txn = NULL;
        int r;

        r = state_begin(state, STATE_READ, &txn);
        return error_fold(r ?: state_digest(txn, ret_digest));
}

int fold_rebuild(const char *journal_folder, State *state, uint64_t limit, FoldProgress progress, void *owner,
                 uint8_t ret_digest[32], JournalFault *ret_fault) {
        _cleanup_(state_abortp) StateTxn *txn = NULL;
        _cleanup_(rebuild_deinit) Rebuild rebuild = { .state = state,
                                                      .limit = limit,
                                                      .journal_folder = journal_folder,
                                                      .progress = progress,
                                                      .owner = owner,
                                                      .fault = ret_fault };
        int r;

        r = limit > 0 ? 0 : journal_end(journal_folder, &rebuild.limit, ret_fault);
        if (r == 0)
                r = fold_new(&rebuild.fold);
        if (r == 0)
                r = journal_reader_open(journal_folder, &rebuild.reader);
        if (r)
                return r;
        r = state_begin(state, STATE_READ, &txn);
        if (r == 0)
                r = fold_load(rebuild.fold, txn);
        if (r)
                return error_fold(r);
        txn = state_abort(txn);
        fold_set_earlier(rebuild.fold, earlier_entry, &rebuild);
        if (fold_seq(rebuild.fold) < rebuild.limit) {
                r = journal_reader_seek(rebuild.reader, fold_seq(rebuild.fold) + 1, NULL);
                while (r == 0)
                        r = rebuild_batch(&rebuild);
                if (r != JOURNAL_E_END)
                        return r;
        }
        return digest_read(state, ret_digest);
}
