/* Journal in, state out. */
#include "daemon/stage/fold-thread.h"

#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/doorbell.h"
#include "base/error.h"
#include "base/log.h"

#define WAKE_MS 500
/* A backlog is folded three times as quickly in large transactions, since pages are written once for many entries. What it
 * costs is memory: LMDB keeps what it took for dirty pages. */
#define TRANSACTION_ENTRIES_MAX 50000
#define TRIM_AFTER 10000 /* entries; then what the heap can spare is given back when there is nothing to do */
#define TRANSACTION_TIME_MAX USEC_PER_SEC /* then what is folded becomes visible */
#define NO_SPACE_WAIT_MS 1000
#define SILENCE_IS_NEWS (10 * 60 * USEC_PER_SEC)
#define STOP_AT_MOST (10 * USEC_PER_SEC)
#define NICER_BY 5
/* Between two commits while entries keep coming. Each costs two syncs, on the disk that the next receipts wait for: what comes
 * in one by one is folded by the handful. Nobody waits longer than this for what is new; a lone entry does not wait at all. */
#define PACE (10 * USEC_PER_MSEC)

struct FoldThread {
        FoldThreadOptions options;
        pthread_t thread;
        bool started;
        Fold *fold;
        JournalReader *reader;
        JournalReader *earlier; /* made when something that was set aside is used */
        bool placed;            /* fold and reader stand where the state does */
        JournalFault fault;
};

/* For what was set aside: another reader, since the one that folds goes on in order. */
static int earlier_entry(void *owner, uint64_t seq, const JournalPlace *hint, Bytes *ret) {
        FoldThread *thread = owner;

        return fold_earlier(&thread->earlier, thread->options.journal_folder, seq, hint, ret);
}

int fold_thread_new(const FoldThreadOptions *options, FoldThread **ret) {
        _cleanup_(fold_thread_freep) FoldThread *thread = calloc(1, sizeof(*thread));
        int r;

        if (!thread)
                return -ENOMEM;
        thread->options = *options;
        r = fold_new(&thread->fold);
        if (r == 0)
                r = journal_reader_open(options->journal_folder, &thread->reader);
        if (r != 0)
                return error_fold(r);
        fold_set_earlier(thread->fold, earlier_entry, thread);
        *ret = TAKE_PTR(thread);
        return 0;
}

/* Fold and reader as of the transaction: at the start, and after one that did not end in a commit. */
static int fold_place(FoldThread *thread, StateTxn *txn) {
        int r;

        if (thread->placed)
                return 0;
        r = fold_load(thread->fold, txn);
        if (r == 0)
                r = journal_reader_seek(thread->reader, fold_seq(thread->fold) + 1, NULL);
        thread->placed = r == 0;
        return r;
}

/* For whoever watches: the oldest entry that is not visible yet, and how far it is visible. */
static void fold_count_begin(FoldThread *thread, int64_t received_at) {
        CoreFigures *figures = thread->options.facts->figures;

        if (figures)
                figure_set(&figures->folding_at, (uint64_t)received_at);
}

static void fold_count(FoldThread *thread) {
        CoreFigures *figures = thread->options.facts->figures;

        if (!figures)
                return;
        figure_set(&figures->folded_seq, fold_seq(thread->fold));
        figure_set(&figures->folding_at, 0);
}

/* Applies up to `limit`, or as much as one transaction should hold. */
static int fold_entries(FoldThread *thread, StateTxn *txn, uint64_t limit) {
        const int64_t began = clock_monotonic(&clock_system);
        JournalRecord record;
        int r;

        for (size_t n = 0; n < TRANSACTION_ENTRIES_MAX && fold_seq(thread->fold) < limit; n++) {
                r = journal_reader_next(thread->reader, limit, &record, &thread->fault);
                if (r == JOURNAL_E_END)
                        break;
                if (r > 0)
                        return -EBADMSG; /* what is committed is there and is whole, or the disk lies */
                if (r == 0 && n == 0)
                        fold_count_begin(thread, record.received_at);
                if (r == 0)
                        r = fold_apply(thread->fold, txn, &record);
                if (r != 0)
                        return r;
                if ((n & 0xff) == 0xff) {
                        atomic_fetch_add(&thread->options.facts->fold_rounds, 1);
                        figures_moved(thread->options.facts->figures, FIGURES_FOLD);
                        if (clock_monotonic(&clock_system) - began > TRANSACTION_TIME_MAX)
                                break;
                }
        }
        return 0;
}

/* What a restart folds again was told of when it happened. */
static void log_silence(const FoldSilenceTold *told, int64_t now) {
        const int64_t end = told->until_at ? told->until_at : told->told_at;
        const LogField source = log_name("SOURCE", told->source), team = log_name("TEAM", told->team),
                       quiet = log_number("QUIET_SECONDS", (end - told->since_at) / USEC_PER_SEC),
                       usual = log_number("USUAL_SECONDS", told->usual / USEC_PER_SEC);
        char since[CIVIL_TEXT_SIZE];

        if (now - told->told_at > SILENCE_IS_NEWS)
                return;
        civil_format(told->since_at, since);
        if (told->until_at)
                log_event(LOG_SOURCE_SPEAKS_AGAIN, source, team, log_name("SINCE", since), quiet);
        else
                log_event(LOG_SOURCE_SILENT, source, team, log_name("SINCE", since), quiet, usual);
}

static void log_what_fell_due(FoldThread *thread) {
        const uint32_t n_overdue = fold_take_overdue(thread->fold);
        FoldSilenceTold silences[FOLD_SILENCES_MAX];
        const size_t n_silences = fold_take_silences(thread->fold, silences);

        if (n_overdue > 0)
                log_event(LOG_REVIEW_OVERDUE, log_number("REVIEWS", n_overdue));
        for (size_t i = 0; i < n_silences; i++)
                log_silence(&silences[i], clock_now_at(&clock_system));
}

/* One transaction: 0, STATE_E_NO_SPACE (nothing of it counts), or negative: final. */
static int fold_transaction(FoldThread *thread, uint64_t limit) {
        _cleanup_(state_abortp) StateTxn *txn = NULL;
        int64_t next_due = 0;
        int r = state_begin(thread->options.state, STATE_WRITE, &txn);

        if (r == 0)
                r = fold_place(thread, txn);
        if (r == 0)
                r = fold_entries(thread, txn, limit);
        if (r == 0)
                r = fold_flush(thread->fold, txn);
        if (r == 0)
                r = fold_next_due(txn, &next_due);
        if (r == 0)
                r = state_commit(TAKE_PTR(txn));
        if (r != 0) {
                thread->placed = false;
                return r == STATE_E_NO_SPACE ? r : error_fold(r);
        }
        /* In this order: who sees the number may go by the time. */
        atomic_store(&thread->options.facts->next_due, next_due);
        atomic_store(&thread->options.facts->folded_seq, fold_seq(thread->fold));
        fold_count(thread);
        doorbell_ring(thread->options.serve_bell);
        log_what_fell_due(thread);
        return 0;
}

int fold_thread_catch_up(FoldThread *thread, FoldCaughtUp progress, void *owner, JournalFault *ret_fault) {
        const uint64_t limit = journal_committed(thread->options.journal);

        for (;;) {
                int r = fold_transaction(thread, limit);

                if (r != 0) {
                        *ret_fault = thread->fault;
                        return r;
                }
                r = progress ? progress(fold_seq(thread->fold), limit, owner) : 0;
                if (r < 0 || fold_seq(thread->fold) >= limit)
                        return r;
        }
}

static void fold_wait(FoldThread *thread, int timeout_ms) {
        struct pollfd poll_bell = { .fd = thread->options.bell, .events = POLLIN };

        (void)poll(&poll_bell, 1, timeout_ms);
        doorbell_clear(thread->options.bell);
}

/* No room is not the end: the fold waits, intake refuses when it has waited too long, and both go on when there is room. */
static void fold_no_space(FoldThread *thread) {
        CoreFacts *facts = thread->options.facts;

        if (facts->figures)
                figure_set(&facts->figures->fold_waits, 1);
        if (!atomic_exchange(&facts->fold_waits, true))
                log_event(LOG_FOLD_NO_SPACE, log_number("SEQ", (int64_t)atomic_load(&facts->folded_seq)));
        for (int waited = 0; waited < NO_SPACE_WAIT_MS && !atomic_load(&facts->stop_fold); waited += 50) {
                nanosleep(&(struct timespec){ .tv_nsec = 50 * 1000000L }, NULL);
                atomic_fetch_add(&facts->fold_rounds, 1);
                figures_moved(facts->figures, FIGURES_FOLD);
        }
}

static void fold_moves(FoldThread *thread) {
        CoreFacts *facts = thread->options.facts;

        if (facts->figures)
                figure_set(&facts->figures->fold_waits, 0);
        if (atomic_exchange(&facts->fold_waits, false))
                log_event(LOG_FOLD_RESUMED, log_number("SEQ", (int64_t)atomic_load(&facts->folded_seq)));
}

/* Not long enough to miss a stop. */
static void fold_pace(const FoldThread *thread, int64_t committed_at) {
        const int64_t left = committed_at + PACE - clock_monotonic(&clock_system);

        if (left > 0 && !atomic_load(&thread->options.facts->stop_fold))
                nanosleep(&(struct timespec){ .tv_nsec = left * 1000 }, NULL);
}

static bool fold_goes_on(const FoldThread *thread, int64_t *stopping_at) {
        const CoreFacts *facts = thread->options.facts;
        const int64_t now = clock_monotonic(&clock_system);

        if (!atomic_load(&facts->stop_fold))
                return true;
        if (*stopping_at == 0)
                *stopping_at = now;
        return !atomic_load(&facts->fold_waits) && now - *stopping_at < STOP_AT_MOST &&
               atomic_load(&facts->folded_seq) < journal_committed(thread->options.journal);
}

static void *fold_run(void *owner) {
        FoldThread *thread = owner;
        CoreFacts *facts = thread->options.facts;
        const id_t tid = (id_t)syscall(SYS_gettid);
        int64_t stopping_at = 0, committed_at = 0;
        uint64_t trimmed_at = atomic_load(&facts->folded_seq);

        /* Of this thread only, on Linux: where there is not enough for all, who waits for a receipt goes first. */
        (void)setpriority(PRIO_PROCESS, tid, getpriority(PRIO_PROCESS, tid) + NICER_BY);
        while (fold_goes_on(thread, &stopping_at)) {
                uint64_t limit = journal_committed(thread->options.journal);
                int r = 0;

                if (atomic_load(&facts->folded_seq) < limit) {
                        fold_pace(thread, committed_at);
                        limit = journal_committed(thread->options.journal);
                        r = fold_transaction(thread, limit);
                        committed_at = clock_monotonic(&clock_system);
                } else if (limit - trimmed_at >= TRIM_AFTER) {
                        (void)malloc_trim(0);
                        trimmed_at = limit;
                } else
                        fold_wait(thread, WAKE_MS);
                atomic_fetch_add(&facts->fold_rounds, 1);
                figures_moved(facts->figures, FIGURES_FOLD);
                if (r == STATE_E_NO_SPACE)
                        fold_no_space(thread);
                else if (r < 0) {
                        log_event(LOG_FOLD_FAULT, log_number("SEQ", (int64_t)atomic_load(&facts->folded_seq)),
                                  log_errno(r));
                        facts_fault(facts, EXIT_STORAGE);
                        break;
                } else
                        fold_moves(thread);
        }
        return NULL;
}

int fold_thread_start(FoldThread *thread) {
        int r = pthread_create(&thread->thread, NULL, fold_run, thread);

        if (r != 0)
                return -r;
        pthread_setname_np(thread->thread, "fold");
        thread->started = true;
        return 0;
}

int fold_thread_stop(FoldThread *thread, int seconds) {
        struct timespec until;
        int r;

        if (!thread->started)
                return 0;
        doorbell_ring(thread->options.bell);
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += seconds;
        r = pthread_timedjoin_np(thread->thread, NULL, &until);
        if (r == 0)
                thread->started = false;
        return -r;
}

FoldThread *fold_thread_free(FoldThread *thread) {
        if (!thread)
                return NULL;
        journal_reader_free(thread->reader);
        journal_reader_free(thread->earlier);
        fold_free(thread->fold);
        free(thread);
        return NULL;
}
