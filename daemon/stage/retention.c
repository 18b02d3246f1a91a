/* Look, seal, decide, wait for the fold, take out. */
#include "daemon/stage/retention.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/doorbell.h"
#include "base/error.h"
#include "base/log.h"
#include "daemon/record/read.h"
#include "daemon/stage/fold.h"
#include "daemon/stage/scope.h"
#include "daemon/store/journal.h"
#include "daemon/store/sealed-base.h"
#include "proto/check.h"

#define LOOK_EVERY (24 * 60 * 60 * USEC_PER_SEC)
#define AGAIN_AFTER (60 * USEC_PER_SEC) /* something did not go: no room, for instance */
#define SEQS_A_DECISION 5000
#define BASES_KEPT 2
#define ARENA_BYTES (64U << 20)
#define WAKE_MS 500
#define WAKE_BUSY_MS 20
#define NICER_BY 15

struct Retention {
        RetentionOptions options;
        pthread_t thread;
        bool started;
        int bell;
        Ring *decisions;
        Arena *arena;
        int64_t look_at;       /* monotonic */
        uint64_t looked_until; /* entries up to here are decided for good */
        uint64_t waits_for;    /* the decision that the fold is to carry out; 0: none */
        bool handed_over;      /* intake has a decision, and has not told its number yet */
};

static void release_buffer(void *item) {
        buffer_deinit(item);
        free(item);
}

int retention_new(const RetentionOptions *options, Retention **ret) {
        _cleanup_(retention_freep) Retention *retention = calloc(1, sizeof(*retention));
        int r;

        if (!retention)
                return -ENOMEM;
        retention->options = *options;
        retention->bell = doorbell_new();
        r = retention->bell < 0 ? retention->bell : ring_new(&retention->decisions, 1);
        if (r == 0)
                r = arena_new(&retention->arena, ARENA_BYTES);
        if (r < 0)
                return r;
        ring_set_free(retention->decisions, release_buffer);
        *ret = TAKE_PTR(retention);
        return 0;
}

Ring *retention_decisions(Retention *retention) {
        return retention->decisions;
}

/* Held while something is let go of: a backup that is being made must find what it set out to copy. -1: one is being made. */
static int lock_out_backups(const Retention *retention) {
        _cleanup_(closep) int fd = open(retention->options.lock_path, O_RDONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
                                        0644);

        if (fd < 0)
                return -errno;
        return flock(fd, LOCK_EX | LOCK_NB) < 0 ? -errno : TAKE_FD(fd);
}

/* ---- looking -------------------------------------------------------------------------------------------------------------- */

typedef struct Look {
        StateTxn *txn;
        int64_t older_than;
        uint64_t seqs[SEQS_A_DECISION];
        size_t n;
        bool undecided; /* somebody may need an entry that was passed over, or not, later */
} Look;

/* What the settings say; 0: everything is kept. */
static int originals_of(StateTxn *txn, Arena *arena, int64_t *ret) {
        Carebus__V1__Settings *settings;
        int r = settings_read(txn, arena, &settings);

        *ret = 0;
        if (r)
                return r == RECORD_E_NOT_FOUND ? 0 : error_fold(r);
        if (settings->sharing && !settings->sharing->people_all && settings->sharing->has_originals_seconds)
                *ret = (int64_t)settings->sharing->originals_seconds * USEC_PER_SEC;
        return 0;
}

/* From where the last look ended, up to what is too young. */
static int look_through(Retention *retention, Look *look) {
        const uint64_t head = state_folded_seq(look->txn);
        int r = 0;

        for (uint64_t seq = retention->looked_until + 1; r >= 0 && seq <= head && look->n < SEQS_A_DECISION; seq++) {
                Carebus__V1__Outcome *outcome;

                arena_reset(retention->arena);
                r = outcome_read(look->txn, seq, retention->arena, &outcome);
                if (r)
                        return error_fold(r);
                if (outcome->received_at >= look->older_than)
                        return 0;
                r = scope_may_expire(look->txn, seq, retention->arena);
                if (r > 0)
                        look->seqs[look->n++] = seq;
                /* Who is followed stays so; what waits in the quarantine or in a review will not for ever. */
                look->undecided = look->undecided || r > 0 || (outcome->quarantined && !outcome->resolution);
                if (!look->undecided)
                        retention->looked_until = seq;
        }
        return r < 0 ? r : 0;
}

/* ---- deciding ------------------------------------------------------------------------------------------------------------- */

static int decision_pack(const Look *look, const SealedBase *base, Buffer *ret) {
        Carebus__V1__Expired expired = CAREBUS__V1__EXPIRED__INIT;
        Carebus__V1__JournalDecision decision = CAREBUS__V1__JOURNAL_DECISION__INIT;
        Carebus__V1__Entry entry = CAREBUS__V1__ENTRY__INIT;
        uint8_t *room;

        expired.n_seqs = look->n;
        expired.seqs = (uint64_t *)look->seqs;
        expired.has_base_seq = expired.has_base_digest = true;
        expired.base_seq = base->seq;
        expired.base_digest = (ProtobufCBinaryData){ .len = sizeof(base->digest), .data = (uint8_t *)base->digest };
        expired.rule = (char *)"not-followed";
        decision.has_kind = true;
        decision.kind = CAREBUS__V1__JOURNAL_DECISION__KIND__KIND_EXPIRE;
        decision.who = (char *)"bus";
        decision.why = (char *)"originals";
        decision.expired = &expired;
        entry.kind_case = CAREBUS__V1__ENTRY__KIND_DECISION;
        entry.decision = &decision;
        room = buffer_reserve(ret, carebus__v1__entry__get_packed_size(&entry));
        if (!room)
                return -ENOMEM;
        buffer_advance(ret, carebus__v1__entry__pack(&entry, room));
        return 0;
}

/* A base that holds all that is going to be let go of. */
static int base_for(Retention *retention, SealedBase *ret) {
        _cleanup_(sign_key_freep) SignKey *key = NULL;
        _cleanup_(closep) int lock = lock_out_backups(retention);
        int r = MIN(lock, 0);

        r = r ?: sealed_base_key(retention->options.base_folder, &key);
        r = r ?: sealed_base_make(retention->options.state, retention->options.base_folder, FOLD_VERSION, key, ret);
        return r ?: sealed_base_prune(retention->options.base_folder, BASES_KEPT);
}

static int decide(Retention *retention, const Look *look) {
        _cleanup_(sealed_base_deinit) SealedBase base = SEALED_BASE_NULL;
        Buffer *packed;
        int r = base_for(retention, &base);

        if (r != 0)
                return r;
        packed = calloc(1, sizeof(*packed));
        r = packed ? decision_pack(look, &base, packed) : -ENOMEM;
        if (r == 0 && !ring_push(retention->decisions, packed))
                r = -EAGAIN;
        if (r < 0) {
                if (packed)
                        release_buffer(packed);
                return r;
        }
        retention->handed_over = true;
        log_event(LOG_BASE_SEALED, log_number("SEQ", (int64_t)base.seq), log_number("ENTRIES", (int64_t)look->n));
        return 0;
}

static int look_round(Retention *retention, int64_t now) {
        _cleanup_(state_abortp) StateTxn *txn = NULL;
        _cleanup_(freep) Look *look = calloc(1, sizeof(*look));
        int64_t originals = 0;
        int r = look ? 0 : -ENOMEM;

        r = r ?: error_fold(state_begin(retention->options.state, STATE_READ, &txn));
        arena_reset(retention->arena);
        r = r ?: originals_of(txn, retention->arena, &originals);
        if (r < 0)
                return r;
        retention->look_at = now + (originals > 0 ? MIN(originals, (int64_t)LOOK_EVERY) : AGAIN_AFTER);
        if (originals == 0)
                return 0;
        look->txn = txn;
        look->older_than = clock_now_at(retention->options.clock) - originals;
        r = look_through(retention, look);
        txn = state_abort(txn);
        return r == 0 && look->n > 0 ? decide(retention, look) : r;
}

/* ---- taking out ----------------------------------------------------------------------------------------------------------- */

/* Those of a decision that the fold agreed to, ascending. */
static int agreed(StateTxn *txn, const Carebus__V1__Expired *expired, uint64_t decided_by, Arena *arena, Buffer *ret) {
        for (size_t i = 0; i < expired->n_seqs; i++) {
                Carebus__V1__Outcome *outcome;
                int r = outcome_read(txn, expired->seqs[i], arena, &outcome);

                if (r)
                        return error_fold(r);
                if (outcome->has_expired_by && outcome->expired_by == decided_by)
                        buffer_append(ret, &expired->seqs[i], sizeof(expired->seqs[i]));
        }
        return ret->error;
}

static int decision_read(Retention *retention, uint64_t seq, Carebus__V1__Expired **ret) {
        _cleanup_(journal_reader_freep) JournalReader *reader = NULL;
        Carebus__V1__Entry *entry;
        JournalRecord record;
        int r;

        r = journal_reader_open(retention->options.journal_folder, &reader);
        r = r ?: journal_reader_get(reader, seq, /* hint= */ NULL, &record);
        if (r != 0)
                return r < 0 ? r : -EBADMSG;
        r = message_unpack(&carebus__v1__entry__descriptor, record.payload, retention->arena,
                           (ProtobufCMessage **)&entry);
        if (r < 0)
                return r;
        if (entry->kind_case != CAREBUS__V1__ENTRY__KIND_DECISION || !entry->decision->expired)
                return -EBADMSG;
        *ret = entry->decision->expired;
        return 0;
}

/* What the decision `seq` lets go of. Done again it changes nothing. */
static int take_out(Retention *retention, uint64_t seq) {
        _cleanup_(state_abortp) StateTxn *txn = NULL;
        _cleanup_(buffer_deinit) Buffer seqs = BUFFER_NULL;
        _cleanup_(closep) int lock = lock_out_backups(retention);
        Carebus__V1__Expired *expired = NULL;
        size_t n, n_gone = 0;
        int r = MIN(lock, 0);

        arena_reset(retention->arena);
        r = r ?: decision_read(retention, seq, &expired);
        r = r ?: error_fold(state_begin(retention->options.state, STATE_READ, &txn));
        r = r ?: agreed(txn, expired, seq, retention->arena, &seqs);
        txn = state_abort(txn);
        n = seqs.size / sizeof(uint64_t);
        if (r == 0 && n > 0)
                r = journal_expire(retention->options.journal_folder, (const uint64_t *)(const void *)seqs.data, n,
                                   &n_gone);
        if (r == 0 && n > 0)
                log_event(LOG_ORIGINALS_EXPIRED, log_number("SEQ", (int64_t)seq),
                          log_number("ENTRIES", (int64_t)n_gone));
        return r != 0 || n_gone == n ? r : -EAGAIN; /* some lie in the segment that is written to */
}

/* A decision that was broken off by the end of the process. */
static int unfinished(Retention *retention, uint64_t *ret) {
        _cleanup_(state_abortp) StateTxn *txn = NULL;
        int r = state_begin(retention->options.state, STATE_READ, &txn);

        if (r == 0)
                *ret = scope_expired_by(txn);
        return error_fold(r);
}

/* ---- the thread ----------------------------------------------------------------------------------------------------------- */

static int wait_round(Retention *retention, int64_t now) {
        CoreFacts *facts = retention->options.facts;
        int r;

        if (retention->handed_over) {
                retention->waits_for = atomic_exchange(&facts->expiry_seq, 0);
                retention->handed_over = retention->waits_for == 0;
        }
        if (retention->waits_for == 0 || atomic_load(&facts->folded_seq) < retention->waits_for)
                return 0;
        r = take_out(retention, retention->waits_for);
        if (r == -EAGAIN)
                return 0;
        if (r == 0) {
                retention->waits_for = 0;
                retention->look_at = now; /* there may be more than one decision holds */
        }
        return r;
}

static void retention_round(Retention *retention) {
        const int64_t now = clock_monotonic(retention->options.clock);
        int r = 0;

        if (now < retention->look_at && retention->waits_for == 0 && !retention->handed_over)
                return;
        if (retention->handed_over || retention->waits_for > 0)
                r = wait_round(retention, now);
        else
                r = look_round(retention, now);
        if (r == 0)
                return;
        /* While a backup is being made there is nothing to tell: it ends. */
        if (r != -EWOULDBLOCK)
                log_event(LOG_RETENTION_FAILED, log_errno(r < 0 ? r : -ENOSPC));
        retention->look_at = now + AGAIN_AFTER;
}

static void *retention_run(void *owner) {
        Retention *retention = owner;
        const id_t tid = (id_t)syscall(SYS_gettid);
        int r;

        (void)setpriority(PRIO_PROCESS, tid, getpriority(PRIO_PROCESS, tid) + NICER_BY);
        r = unfinished(retention, &retention->waits_for);
        if (r < 0)
                log_event(LOG_RETENTION_FAILED, log_errno(r));
        while (!atomic_load(&retention->options.facts->stop_helper)) {
                const bool busy = retention->handed_over || retention->waits_for > 0;
                struct pollfd polls[] = { { .fd = retention->bell, .events = POLLIN } };

                (void)poll(polls, ELEMENTSOF(polls), busy ? WAKE_BUSY_MS : WAKE_MS);
                if (!atomic_load(&retention->options.facts->stop_helper))
                        retention_round(retention);
        }
        return NULL;
}

int retention_start(Retention *retention) {
        int r = pthread_create(&retention->thread, NULL, retention_run, retention);

        if (r != 0)
                return -r;
        pthread_setname_np(retention->thread, "retention");
        retention->started = true;
        return 0;
}

void retention_stop(Retention *retention) {
        if (!retention || !retention->started)
                return;
        doorbell_ring(retention->bell);
        pthread_join(retention->thread, NULL);
        retention->started = false;
}

Retention *retention_free(Retention *retention) {
        if (!retention)
                return NULL;
        ring_free(retention->decisions);
        arena_free(retention->arena);
        closep(&retention->bell);
        free(retention);
        return NULL;
}
