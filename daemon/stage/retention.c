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
#include "base/sha256.h"
#include "daemon/record/read.h"
#include "daemon/stage/fold.h"
#include "daemon/stage/retention-hold.h"
#include "daemon/stage/scope.h"
#include "daemon/store/journal.h"
#include "daemon/store/sealed-base.h"
#include "proto/check.h"

#define LOOK_EVERY (24 * 60 * 60 * USEC_PER_SEC)
#define TURN_AFTER (1 * USEC_PER_SEC)   /* another segment is asked for */
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
        int64_t look_at; /* monotonic */
        /* By class: entries up to here are decided for good; this round has looked so far, and is done with. */
        uint64_t decided_until[_RETENTION_CLASS_MAX], looked_until[_RETENTION_CLASS_MAX];
        bool done[_RETENTION_CLASS_MAX];
        uint64_t waits_for; /* the decision that the fold is to carry out; 0: none */
        int64_t again_at;   /* monotonic: then it is tried again, where it could not be carried out */
        bool handed_over;   /* intake has a decision, and has not told its number yet */
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
        RetentionQuestion question;
        int64_t older_than;
        uint64_t seqs[SEQS_A_DECISION];
        uint8_t left[SEQS_A_DECISION][SHA256_SIZE]; /* of originals: hashes of what is left of each payload */
        size_t n;
        bool undecided; /* somebody may need an entry that was passed over, or not, later */
} Look;

/* One entry: does it go, and is that its last word? *ret: it is too young, and so are all behind it. */
static int look_at(Retention *retention, Look *look, uint64_t seq, bool *ret) {
        RetentionHold hold;
        int64_t received_at;
        int r = retention_hold(&look->question, seq, &hold, &received_at);

        if (r < 0)
                return r;
        *ret = received_at >= look->older_than;
        if (*ret)
                return 0;
        if (hold == RETENTION_MAY_GO)
                look->seqs[look->n++] = seq;
        /* Who is followed stays so; what waits will not for ever. */
        look->undecided = look->undecided || hold != RETENTION_NOTHING;
        if (!look->undecided)
                retention->decided_until[look->question.class] = seq;
        return 0;
}

/* From where this round stands, up to what is too young. */
static int look_through(Retention *retention, Look *look) {
        const RetentionClass class = look->question.class;
        const uint64_t head = state_folded_seq(look->question.txn);
        uint64_t seq = MAX(retention->looked_until[class], retention->decided_until[class]);
        bool young = false;
        int r = 0;

        look->undecided = retention->looked_until[class] > retention->decided_until[class];
        while (r == 0 && seq < head && !young && look->n < SEQS_A_DECISION) {
                r = look_at(retention, look, seq + 1, &young);
                if (!young)
                        seq++;
        }
        retention->looked_until[class] = seq;
        retention->done[class] = r == 0 && (young || seq == head);
        return r;
}

/* ---- originals ------------------------------------------------------------------------------------------------------------ */

/* Of what goes the hash of what will be left stands in the decision, so that the journal can be proved afterwards as well. What has no
 * original is left out. */
static int originals_look(Retention *retention, Look *look) {
        _cleanup_(journal_reader_freep) JournalReader *reader = NULL;
        _cleanup_(buffer_deinit) Buffer payload = BUFFER_NULL;
        size_t n = 0;
        int r = journal_reader_open(retention->options.journal_folder, &reader);

        for (size_t i = 0; r == 0 && i < look->n; i++) {
                JournalRecord record;

                r = journal_reader_get(reader, look->seqs[i], /* hint= */ NULL, &record);
                if (r != 0)
                        return r < 0 ? r : -EBADMSG;
                buffer_clear(&payload);
                buffer_append_bytes(&payload, record.payload);
                r = payload.error ?: retention_take_original(payload.data, payload.size);
                if (r == -ENODATA) {
                        r = 0;
                        continue;
                }
                sha256(payload.data, payload.size, look->left[n]);
                look->seqs[n++] = look->seqs[i];
        }
        look->n = n;
        return r;
}

/* ---- deciding ------------------------------------------------------------------------------------------------------------- */

static int decision_pack(const Look *look, const SealedBase *base, Buffer *ret) {
        const RetentionClass class = look->question.class;
        Carebus__V1__Expired expired = CAREBUS__V1__EXPIRED__INIT;
        Carebus__V1__JournalDecision decision = CAREBUS__V1__JOURNAL_DECISION__INIT;
        Carebus__V1__Entry entry = CAREBUS__V1__ENTRY__INIT;
        _cleanup_(freep) ProtobufCBinaryData *left = calloc(look->n, sizeof(*left));
        uint8_t *room;

        if (!left)
                return -ENOMEM;
        expired.n_seqs = look->n;
        expired.seqs = (uint64_t *)look->seqs;
        expired.has_base_seq = expired.has_base_digest = class != RETENTION_ORIGINALS;
        expired.base_seq = base->seq;
        expired.base_digest = (ProtobufCBinaryData){ .len = sizeof(base->digest), .data = (uint8_t *)base->digest };
        expired.rule = (char *)retention_rule(class);
        for (size_t i = 0; class == RETENTION_ORIGINALS && i < look->n; i++)
                left[expired.n_left++] = (ProtobufCBinaryData){ .len = SHA256_SIZE, .data = (uint8_t *)look->left[i] };
        expired.left = left;
        decision.has_kind = true;
        decision.kind = CAREBUS__V1__JOURNAL_DECISION__KIND__KIND_EXPIRE;
        decision.who = (char *)"bus";
        decision.why = (char *)(class == RETENTION_NOT_FOLLOWED ? "originals" : "age");
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
        const bool whole = look->question.class != RETENTION_ORIGINALS;
        Buffer *packed;
        int r = whole ? base_for(retention, &base) : 0;

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
        if (whole)
                log_event(LOG_BASE_SEALED, log_number("SEQ", (int64_t)base.seq),
                          log_number("ENTRIES", (int64_t)look->n));
        return 0;
}

/* What of one class goes now, and is decided: look->n says how many. */
static int look_class(Retention *retention, Look *look, uint64_t age) {
        const ArenaMark mark = arena_mark(retention->arena);
        char reader[RETENTION_READER_SIZE];
        _cleanup_(retention_waits_freep) RetentionWaits *waits = NULL;
        int r = 0;

        look->n = 0;
        look->older_than = clock_now_at(retention->options.clock) - (int64_t)age * USEC_PER_SEC;
        if (look->question.class == RETENTION_EVENTS)
                r = retention_delivered(look->question.txn, retention->options.cursors_path, &look->question.delivered,
                                        reader);
        r = r ?: retention_waits_read(look->question.txn, retention->arena, &waits);
        look->question.waits = waits;
        r = r ?: look_through(retention, look);
        arena_rewind(retention->arena, mark);
        if (r == 0 && look->n > 0 && look->question.class == RETENTION_ORIGINALS)
                r = originals_look(retention, look);
        return r;
}

/* Every class was looked through: the next round begins behind what is decided for good. */
static void round_end(Retention *retention, int64_t now, int64_t interval) {
        for (RetentionClass class = 0; class < _RETENTION_CLASS_MAX; class ++) {
                retention->looked_until[class] = 0;
                retention->done[class] = false;
        }
        retention->look_at = now + interval;
}

/* What the settings say, and how often that is to be looked at; 0: everything is kept. */
static int ages_of(StateTxn *txn, Arena *arena, uint64_t ages[_RETENTION_CLASS_MAX], int64_t *ret_interval) {
        Carebus__V1__Settings *settings;
        int r = settings_read(txn, arena, &settings);

        *ret_interval = 0;
        memset(ages, 0, _RETENTION_CLASS_MAX * sizeof(*ages));
        if (r)
                return r == RECORD_E_NOT_FOUND ? 0 : error_fold(r);
        for (RetentionClass class = 0; class < _RETENTION_CLASS_MAX; class ++) {
                ages[class] = retention_age(settings, class);
                if (ages[class] > 0)
                        *ret_interval = MIN(*ret_interval ?: (int64_t)LOOK_EVERY, (int64_t)ages[class] * USEC_PER_SEC);
        }
        return 0;
}

static int look_round(Retention *retention, int64_t now) {
        _cleanup_(state_abortp) StateTxn *txn = NULL;
        _cleanup_(freep) Look *look = calloc(1, sizeof(*look));
        uint64_t ages[_RETENTION_CLASS_MAX];
        int64_t interval = 0;
        int r = look ? 0 : -ENOMEM;

        r = r ?: error_fold(state_begin(retention->options.state, STATE_READ, &txn));
        arena_reset(retention->arena);
        r = r ?: ages_of(txn, retention->arena, ages, &interval);
        for (RetentionClass class = 0; r == 0 && look->n == 0 && class < _RETENTION_CLASS_MAX; class ++) {
                look->question = (RetentionQuestion){
                        .txn = txn, .class = class, .delivered = UINT64_MAX, .arena = retention->arena
                };
                /* Of originals a batch may have had none that could go. */
                while (r == 0 && look->n == 0 && ages[class] > 0 && !retention->done[class])
                        r = look_class(retention, look, ages[class]);
        }
        txn = state_abort(txn);
        if (r == 0 && look->n > 0)
                return decide(retention, look);
        if (r == 0)
                round_end(retention, now, interval ?: AGAIN_AFTER);
        return r;
}

/* ---- taking out ----------------------------------------------------------------------------------------------------------- */

/* Those of a decision that the fold agreed to, ascending. */
static int agreed(StateTxn *txn, const Carebus__V1__Expired *expired, uint64_t decided_by, Arena *arena, Buffer *ret) {
        for (size_t i = 0; i < expired->n_seqs; i++) {
                Carebus__V1__Outcome *outcome;
                int r = outcome_read(txn, expired->seqs[i], arena, &outcome);

                if (r)
                        return error_fold(r);
                if ((outcome->has_expired_by && outcome->expired_by == decided_by) ||
                    (outcome->has_original_gone_by && outcome->original_gone_by == decided_by))
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

typedef struct Leaving {
        const Carebus__V1__Expired *expired;
        size_t at;        /* in its seqs */
        size_t n_refused; /* payloads that would be something else than the decision says */
} Leaving;

/* Ascending. What would be left is what the decision says, or the payload stays. */
static int leave_original(uint64_t seq, uint8_t *payload, size_t size, void *owner) {
        _cleanup_(freep) uint8_t *left = malloc(size);
        Leaving *leaving = owner;
        uint8_t digest[SHA256_SIZE] = {};
        int r;

        if (!left)
                return -ENOMEM;
        while (leaving->at < leaving->expired->n_seqs && leaving->expired->seqs[leaving->at] < seq)
                leaving->at++;
        memcpy(left, payload, size);
        r = retention_take_original(left, size);
        if (r == 0)
                sha256(left, size, digest);
        if (r < 0 || leaving->at >= leaving->expired->n_left || leaving->expired->seqs[leaving->at] != seq ||
            leaving->expired->left[leaving->at].len != sizeof(digest) ||
            memcmp(leaving->expired->left[leaving->at].data, digest, sizeof(digest)) != 0) {
                leaving->n_refused++;
                return -EBADMSG;
        }
        memcpy(payload, left, size);
        return 0;
}

/* *ret_n: how many of these are without it now; *ret_refused: how many never will be. */
static int take_from_journal(const Retention *retention, const Carebus__V1__Expired *expired, const Buffer *seqs,
                             size_t *ret_n, size_t *ret_refused) {
        const uint64_t *list = (const uint64_t *)(const void *)seqs->data;
        const size_t n = seqs->size / sizeof(*list);
        Leaving leaving = { .expired = expired };
        int r;

        if (retention_class_of_rule(expired->rule) != RETENTION_ORIGINALS)
                return journal_expire(retention->options.journal_folder, list, n, ret_n);
        r = journal_reduce(retention->options.journal_folder, list, n, leave_original, &leaving, ret_n);
        if (r == 0 && leaving.n_refused > 0)
                log_event(LOG_RETENTION_FAILED, log_errno(-EBADMSG));
        *ret_refused = leaving.n_refused;
        return r;
}

/* What the decision `seq` lets go of. Done again it changes nothing. */
static int take_out(Retention *retention, uint64_t seq) {
        _cleanup_(state_abortp) StateTxn *txn = NULL;
        _cleanup_(buffer_deinit) Buffer seqs = BUFFER_NULL;
        _cleanup_(closep) int lock = lock_out_backups(retention);
        Carebus__V1__Expired *expired = NULL;
        size_t n, n_gone = 0, n_refused = 0;
        int r = MIN(lock, 0);

        arena_reset(retention->arena);
        r = r ?: decision_read(retention, seq, &expired);
        r = r ?: error_fold(state_begin(retention->options.state, STATE_READ, &txn));
        r = r ?: agreed(txn, expired, seq, retention->arena, &seqs);
        txn = state_abort(txn);
        n = seqs.size / sizeof(uint64_t);
        if (r == 0 && n > 0)
                r = take_from_journal(retention, expired, &seqs, &n_gone, &n_refused);
        if (r == 0 && n_gone + n_refused < n)
                return -EAGAIN; /* some lie in the segment that is written to */
        if (r == 0 && n > 0 && retention_class_of_rule(expired->rule) == RETENTION_NOT_FOLLOWED)
                log_event(LOG_ORIGINALS_EXPIRED, log_number("SEQ", (int64_t)seq),
                          log_number("ENTRIES", (int64_t)n_gone));
        else if (r == 0 && n > 0)
                log_event(LOG_RETENTION_PASSED, log_name("REASON", expired->rule), log_number("SEQ", (int64_t)seq),
                          log_number("ENTRIES", (int64_t)n_gone));
        return r;
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
        if (retention->waits_for == 0 || atomic_load(&facts->folded_seq) < retention->waits_for ||
            now < retention->again_at)
                return 0;
        r = take_out(retention, retention->waits_for);
        if (r == -EAGAIN) {
                retention->again_at = now + TURN_AFTER;
                atomic_store(&facts->turn_wanted, true);
                return 0;
        }
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
        round_end(retention, now, AGAIN_AFTER);
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
