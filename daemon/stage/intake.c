/* The thread: its parts, its rounds, its end. */
#include "daemon/stage/intake.h"

#include <stdio.h>
#include <time.h>

#include "base/doorbell.h"
#include "base/error.h"
#include "base/log.h"
#include "daemon/record/read.h"
#include "daemon/stage/intake-parts.h"
#include "daemon/store/state-keys.h"

#define SNAPSHOTS_WAITING 8
#define WAKE_MS 500
#define SLOW_MS 2 /* between looks at a fold that is behind */
#define TELL_EVERY USEC_PER_SEC
#define STOP_QUIET (200 * USEC_PER_MSEC) /* without a message before the doors close */
#define STOP_AT_MOST (3 * USEC_PER_SEC)

static size_t max_original(const Config *config, size_t max_frame) {
        size_t most = 0;

        for (size_t i = 0; i < config->n_sources; i++)
                most = MAX(most, config->sources[i].max_message_bytes);
        return most == 0 || most > max_frame ? max_frame : most;
}

static void source_gone_session(Session *session, void *owner) {
        void **parts = owner;

        if (session->source == parts[1])
                intake_close(parts[0], session);
}

static void source_gone(SourcePeer *peer, void *owner) {
        Intake *intake = owner;

        sessions_each(intake->sessions, source_gone_session, (void *[]){ intake, peer });
}

/* Another configuration is in force from here on. Takes the snapshot. */
static int intake_apply(Intake *intake, Snapshot *snapshot) {
        const bool first = !intake->snapshot;
        Snapshot *before = intake->snapshot;
        int r = source_peers_update(&intake->sources, snapshot->config, clock_monotonic(intake->options.clock),
                                    source_gone, intake);

        if (r < 0) {
                snapshot_free(snapshot);
                return r;
        }
        intake->snapshot = snapshot;
        intake->generation++;
        intake->limits = (ValidateLimits){
                .max_frame = intake->options.max_frame,
                .max_original = max_original(snapshot->config, intake->options.max_frame),
                .max_submissions = 4096,
                .max_events = 1024,
        };
        if (!first) {
                if (!bytes_equal(buffer_bytes(&before->settings), buffer_bytes(&snapshot->settings)))
                        intake->settings_due = true;
                intake_review_sessions(intake);
        }
        snapshot_free(before);
        sessions_sweep(intake->sessions);
        return 0;
}

static int take_snapshots(Intake *intake) {
        Snapshot *snapshot;
        int r = 0;

        ring_clear(intake->snapshots);
        while (r == 0 && (snapshot = ring_pop(intake->snapshots)))
                r = intake_apply(intake, snapshot);
        return r;
}

/* One at a time is all that is asked for. */
static void take_due(Ring *ring, Buffer **due) {
        Buffer *taken;

        ring_clear(ring);
        while ((taken = ring_pop(ring))) {
                if (*due) {
                        buffer_deinit(taken);
                        free(taken);
                } else
                        *due = taken;
        }
}

/* Sleeps until there is something, and takes over what came from other threads. */
static int intake_sleep(Intake *intake) {
        enum { CONTROL = INTAKE_DOORS_MAX, SNAPSHOTS, BELL, DICTIONARIES, EXPIRIES, POLLS };
        ZPoll polls[POLLS] = {
                [CONTROL] = { .socket = intake->options.control },
                [SNAPSHOTS] = { .fd = ring_fd(intake->snapshots) },
                [BELL] = { .fd = intake->bell },
                [DICTIONARIES] = { .fd = ring_fd(intake->options.dictionaries) },
        };
        int r;

        /* What there is not: the poll needs something to look at. */
        polls[EXPIRIES] = polls[BELL];
        if (intake->options.expiries)
                polls[EXPIRIES] = (ZPoll){ .fd = ring_fd(intake->options.expiries) };
        for (size_t i = 0; i < INTAKE_DOORS_MAX; i++) {
                polls[i] = polls[BELL];
                if (intake->options.doors[i])
                        polls[i] = (ZPoll){ .socket = intake->options.doors[i] };
        }
        r = zpoll(polls, POLLS, intake->turns.count > 0 ? 0 : WAKE_MS);
        if (r > 0 && polls[BELL].ready)
                doorbell_clear(intake->bell);
        if (r > 0 && polls[DICTIONARIES].ready)
                take_due(intake->options.dictionaries, &intake->dictionary_due);
        if (r > 0 && intake->options.expiries && polls[EXPIRIES].ready)
                take_due(intake->options.expiries, &intake->expiry_due);
        if (r > 0 && polls[SNAPSHOTS].ready)
                r = take_snapshots(intake);
        return r < 0 ? r : 0;
}

/* What the service manager is told of, now and then. */
static void tell_main(Intake *intake, int64_t now) {
        CoreFacts *facts = intake->options.facts;
        unsigned connected = 0;

        if (intake->told_at != 0 && now - intake->told_at < TELL_EVERY)
                return;
        intake->told_at = now;
        for (size_t i = 0; i < intake->sources.n_items; i++)
                connected += intake->sources.items[i]->n_sessions > 0;
        atomic_store(&facts->sources_connected, connected);
        atomic_store(&facts->intake_waits, intake->storage != STORAGE_GOOD || intake->fold_stuck);
}

static int intake_round(Intake *intake) {
        const int64_t now = clock_monotonic(intake->options.clock);
        const bool held = fold_is_behind(intake, now) && !atomic_load(&intake->options.facts->stop_intake);
        int r;

        if (held)
                nanosleep(&(struct timespec){ .tv_nsec = SLOW_MS * 1000000L }, NULL);
        r = intake_sleep(intake);
        storage_look(intake, now);
        /* While the fold is behind what waits outside stays there: windows bound it. */
        if (r == 0 && !(held && intake->turns.count > BATCH_SUBMISSIONS_MAX))
                r = intake_receive(intake);
        if (r == 0)
                r = control_receive(intake);
        if (r == 0)
                r = intake_batch(intake);
        if (r == 0)
                intake_probe_sessions(intake, now);
        fields_save(intake, now);
        sessions_sweep(intake->sessions);
        if (intake->state_fresh) {
                state_reset(intake->state); /* let go of the snapshot: an old one makes the state grow */
                intake->state_fresh = false;
        }
        tell_main(intake, now);
        intake_count(intake, now);
        atomic_fetch_add(&intake->options.facts->intake_rounds, 1);
        figures_moved(intake->options.facts->figures, FIGURES_INTAKE);
        return r;
}

/* Everybody who still sends is told to try later, until they are quiet. */
static void intake_wind_down(Intake *intake) {
        const int64_t began = clock_monotonic(intake->options.clock);
        int64_t heard = began;
        uint64_t answered = 0;

        for (;;) {
                const int64_t now = clock_monotonic(intake->options.clock);
                uint64_t received = 0;

                if (now - heard > STOP_QUIET || now - began > STOP_AT_MOST || sessions_count(intake->sessions) == 0)
                        return;
                nanosleep(&(struct timespec){ .tv_nsec = SLOW_MS * 1000000L }, NULL);
                if (intake_receive(intake) < 0 || control_receive(intake) < 0 || intake_batch(intake) < 0 ||
                    intake->failed)
                        return;
                if (intake->state_fresh)
                        state_reset(intake->state);
                intake->state_fresh = false;
                for (size_t i = 0; i < intake->sources.n_items; i++)
                        received += intake->sources.items[i]->received;
                if (received != answered)
                        heard = now;
                answered = received;
                intake_count(intake, now);
                atomic_fetch_add(&intake->options.facts->intake_rounds, 1);
                figures_moved(intake->options.facts->figures, FIGURES_INTAKE);
        }
}

static void *intake_run(void *owner) {
        Intake *intake = owner;
        CoreFacts *facts = intake->options.facts;
        int r = 0;

        while (r == 0 && !intake->failed && !atomic_load(&facts->stop_intake))
                r = intake_round(intake);
        if (r == 0 && !intake->failed)
                intake_wind_down(intake);
        fields_save(intake, INT64_MAX);
        if (r < 0) {
                log_event(LOG_FATAL, log_name("THREAD", "intake"), log_errno(r));
                facts_fault(facts, r == -EIO ? EXIT_STORAGE : EXIT_SOFTWARE);
        }
        return NULL;
}

static void release_snapshot(void *item) {
        snapshot_free(item);
}

static int intake_count_before(Intake *intake) {
        StateTxn *txn;
        int r = intake_state(intake, &txn);

        if (r < 0)
                return r;
        for (size_t i = 0; i < intake->sources.n_items; i++) {
                SourcePeer *peer = intake->sources.items[i];
                peer->stored_before = state_count_get(txn, peer->name, RECORD_COUNT_STORED);
        }
        state_reset(txn);
        intake->state_fresh = false;
        return 0;
}

int intake_new(const IntakeOptions *options, Intake **ret) {
        _cleanup_(intake_freep) Intake *intake = calloc(1, sizeof(*intake));
        Snapshot *snapshot = options->snapshot;
        int r;

        if (!intake)
                return -ENOMEM; /* the process ends: what was to be taken goes with it */
        intake->options = *options;
        intake->options.snapshot = NULL;
        intake->bell = doorbell_new();
        r = intake->bell < 0 ? intake->bell : ring_new(&intake->snapshots, SNAPSHOTS_WAITING);
        if (r == 0) {
                ring_set_free(intake->snapshots, release_snapshot);
                r = sessions_new(&intake->sessions);
        }
        if (r == 0)
                r = known_new(&intake->known);
        if (r == 0)
                r = fields_open(intake);
        if (r == 0)
                r = arena_new(&intake->arena, options->max_frame + check_memory_limit(options->max_frame) + (2u << 20));
        if (r < 0) {
                snapshot_free(snapshot);
                return r;
        }
        r = intake_apply(intake, snapshot);
        if (r == 0)
                r = intake_count_before(intake);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(intake);
        return 0;
}

int intake_start(Intake *intake) {
        int r = pthread_create(&intake->thread, NULL, intake_run, intake);

        if (r != 0)
                return -r;
        pthread_setname_np(intake->thread, "intake");
        intake->started = true;
        return 0;
}

int intake_update(Intake *intake, Snapshot *snapshot) {
        if (ring_push(intake->snapshots, snapshot))
                return 0;
        snapshot_free(snapshot);
        return -EAGAIN;
}

int intake_stop(Intake *intake, int seconds) {
        struct timespec until;
        int r;

        if (!intake->started)
                return 0;
        doorbell_ring(intake->bell);
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += seconds;
        r = pthread_timedjoin_np(intake->thread, NULL, &until);
        if (r == 0)
                intake->started = false;
        return -r;
}

static void drop_waiting(Session *session, void *owner) {
        Intake *intake = owner;
        Turn *turn;

        while ((turn = turns_take_from(&intake->turns, &session->lane)))
                pending_free(CONTAINER_OF(turn, Pending, turn));
}

Intake *intake_free(Intake *intake) {
        if (!intake)
                return NULL;
        if (intake->sessions)
                sessions_each(intake->sessions, drop_waiting, intake);
        answers_deinit(&intake->answers);
        sessions_free(intake->sessions);
        source_peers_deinit(&intake->sources);
        for (size_t i = 0; i < INTAKE_DOORS_MAX; i++)
                zsocket_free(intake->options.doors[i]);
        zsocket_free(intake->options.control);
        reserve_free(intake->reserve);
        control_forget(intake);
        free(intake->controls);
        state_abort(intake->state);
        journal_reader_free(intake->reader);
        original_codec_free(intake->options.codec);
        known_free(intake->known);
        coverage_free(intake->coverage);
        arena_free(intake->arena);
        if (intake->expiry_due) {
                buffer_deinit(intake->expiry_due);
                free(intake->expiry_due);
        }
        if (intake->dictionary_due) {
                buffer_deinit(intake->dictionary_due);
                free(intake->dictionary_due);
        }
        buffer_deinit(&intake->packed);
        buffer_deinit(&intake->compressed);
        buffer_deinit(&intake->out);
        ring_free(intake->snapshots);
        snapshot_free(intake->snapshot);
        closep(&intake->bell);
        free(intake);
        return NULL;
}
