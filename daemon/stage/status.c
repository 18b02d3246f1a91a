/* What core knows of itself, for `carebusctl status`. Serve says the rest. */
#include "base/error.h"
#include "daemon/record/read.h"
#include "daemon/record/source-silence.h"
#include "daemon/stage/intake-parts.h"
#include "daemon/store/state-keys.h"

#define QUARANTINE_LOOK_EVERY USEC_PER_SEC
#define QUARANTINE_COUNT_MAX 100000 /* beyond it the count is a lower bound: intake has other things to do */
#define QUARANTINE_COUNT_EASY 5000  /* up to here it is counted anew whenever the state has moved */

static char *lend(const char *text) {
        return (char *)(uintptr_t)text;
}

static int count_quarantined(Bytes key, Bytes value, void *owner) {
        ControlQuarantine *counts = owner;

        control_count_quarantined(counts, value);
        return counts->open >= QUARANTINE_COUNT_MAX;
}

static int count_review(Bytes key, Bytes value, void *owner) {
        ControlReviews *counts = owner;

        control_count_reviews(counts, value);
        return counts->open >= QUARANTINE_COUNT_MAX;
}

/* What waits for a person, counted anew where the state has moved. */
static void status_count(Intake *intake, StateTxn *txn) {
        const int64_t now = clock_monotonic(intake->options.clock);
        const uint64_t folded = state_folded_seq(txn);
        const uint64_t open = intake->quarantine.open + intake->reviews.open;

        if (folded == intake->quarantine_seq ||
            (open >= QUARANTINE_COUNT_EASY && now - intake->quarantine_at <= QUARANTINE_LOOK_EVERY))
                return;
        intake->quarantine = (ControlQuarantine){ .open = 0 };
        intake->reviews = (ControlReviews){ .open = 0 };
        (void)state_walk(txn, STATE_QUARANTINE, BYTES_NULL, BYTES_NULL, count_quarantined, &intake->quarantine);
        (void)state_walk(txn, STATE_REVIEW, BYTES_NULL, BYTES_NULL, count_review, &intake->reviews);
        intake->quarantine_at = now;
        intake->quarantine_seq = folded;
}

static void status_reviews(const Intake *intake, Carebus__V1__ReviewStatus *status) {
        const ControlReviews *counts = &intake->reviews;

        carebus__v1__review_status__init(status);
        status->has_open = status->has_urgent = status->has_overdue = true;
        status->open = counts->open;
        status->urgent = counts->urgent;
        status->overdue = counts->overdue;
        status->has_oldest_opened_at = counts->oldest_opened_at != 0;
        status->oldest_opened_at = counts->oldest_opened_at;
}

static void status_quarantine(const Intake *intake, Carebus__V1__QuarantineStatus *status) {
        const ControlQuarantine *counts = &intake->quarantine;

        carebus__v1__quarantine_status__init(status);
        status->has_open = status->has_urgent = status->has_unhandled = true;
        status->open = counts->open;
        status->urgent = counts->urgent;
        status->unhandled = counts->unhandled;
        status->has_oldest_received_at = counts->oldest_received_at != 0;
        status->oldest_received_at = counts->oldest_received_at;
}

/* What cannot be read is not said: whoever folds it finds out. */
static void status_silence(const Intake *intake, StateTxn *txn, const SourcePeer *peer,
                           Carebus__V1__SourceStatus *status) {
        const uint64_t configured = intake->snapshot->config->sources[peer->index].silent_after;
        SourceSilence silence;
        SilenceHabit habit;
        int64_t usual;

        if (source_silence_read(txn, peer->name, &silence) != 0 ||
            source_silence_read_habit(txn, peer->name, &habit) != 0)
                return;
        usual = source_silence_usual(&habit, clock_now_at(intake->options.clock) / SILENCE_HOUR) / USEC_PER_SEC;
        status->silent_since_at = silence.silent_since_at;
        status->has_silent_since_at = silence.silent_since_at != 0;
        status->usual_silence_seconds = configured ? configured : (uint64_t)usual;
        status->has_usual_silence_seconds = status->usual_silence_seconds != 0;
}

/* What is in the journal is counted by the fold, what was never written by intake. Between a sync and the fold both are needed:
 * `stored` is the larger of what the state says and what was answered since the start on top of what it said then. */
static void status_source(Intake *intake, StateTxn *txn, const SourcePeer *peer, Carebus__V1__SourceStatus *status) {
        const Config *config = intake->snapshot->config;
        const uint64_t stored = state_count_get(txn, peer->name, RECORD_COUNT_STORED);
        const uint64_t duplicate = state_count_get(txn, peer->name, RECORD_COUNT_DUPLICATE);
        int64_t heard_at = (int64_t)state_count_get(txn, peer->name, RECORD_COUNT_LAST_HEARD_AT);

        carebus__v1__source_status__init(status);
        status->name = lend(peer->name);
        status->team = config->teams[config->sources[peer->index].team].name;
        heard_at = MAX(heard_at, peer->heard_at);
        status->has_last_heard_at = heard_at != 0;
        status->last_heard_at = heard_at;
        status->has_stored = status->has_duplicate = status->has_refused = status->has_quarantined = true;
        status->stored = MAX(stored, peer->stored_before + peer->stored);
        status->duplicate = duplicate + peer->duplicate;
        status->refused = peer->refused + peer->refused_there;
        status->has_ignored = true;
        status->ignored = peer->ignored_there;
        status->quarantined = state_count_get(txn, peer->name, RECORD_COUNT_QUARANTINED);
        status->has_loaded = true;
        status->loaded = state_count_get(txn, peer->name, RECORD_COUNT_LOADED);
        status->heard_since_at = (int64_t)state_count_get(txn, peer->name, RECORD_COUNT_HEARD_SINCE_AT);
        status->has_heard_since_at = status->heard_since_at != 0;
        status_silence(intake, txn, peer, status);
        status->has_sessions = status->has_received = status->has_in_flight = true;
        status->sessions = (uint32_t)peer->n_sessions;
        status->received = peer->received;
        status->in_flight = peer->group.count;
}

static const char *status_state(const Intake *intake) {
        const CoreFacts *facts = intake->options.facts;

        if (atomic_load(&facts->stop_intake))
                return "stopping";
        if (intake->storage != STORAGE_GOOD || atomic_load(&facts->fold_waits))
                return "storage-full";
        return atomic_load(&facts->running) ? "running" : "starting";
}

static bool is_open_to_all(const ConfigSharing *sharing) {
        for (size_t i = 0; i < sharing->n_rules; i++)
                if (config_sharing_rule_is_open(&sharing->rules[i]))
                        return true;
        return false;
}

static size_t status_notices(const Intake *intake, char *notices[6]) {
        size_t n = 0;

        if (is_open_to_all(&intake->snapshot->config->sharing))
                notices[n++] = lend(
                        "a rule of sharing shows people's records to teams that have nothing to do with them: "
                        "see `carebusctl sharing show`");
        if (intake->snapshot->config->environment == CONFIG_ENVIRONMENT_ANY)
                notices[n++] = lend("environment is any: live and test messages are taken alike; for development only");
        if (intake->storage != STORAGE_GOOD)
                notices[n++] = lend("storage is full: senders are asked to try later; free space under `state:`");
        else if (intake->storage_low)
                notices[n++] = lend("storage gets less: add room under `state:` before senders are asked to try later");
        if (intake->fold_stuck)
                notices[n++] = lend("the state does not move: senders are asked to try later; look at the log");
        if (intake->reviews.overdue > 0)
                notices[n++] = lend("a plan, a decision or a death waits too long for who it is about: "
                                    "see `carebusctl identity review --urgent`");
        return n;
}

static void status_fill(Intake *intake, StateTxn *txn, Carebus__V1__StatusReply *status) {
        const CoreFacts *facts = intake->options.facts;
        const Config *config = intake->snapshot->config;

        status->bus = config->bus;
        status->has_seq = status->has_folded_seq = true;
        status->seq = journal_committed(intake->options.journal);
        status->folded_seq = state_folded_seq(txn);
        status->environment = lend(environment_name(config->environment));
        status->version = lend(CAREBUS_VERSION);
        status->has_started_at = true;
        status->started_at = facts->started_at;
        status->state = lend(status_state(intake));
        status->has_intake_up = status->has_serve_up = status->has_serve_restarts = status->has_ready = true;
        status->intake_up = !atomic_load(&facts->stop_intake);
        status->serve_up = atomic_load(&facts->serve_up);
        status->serve_restarts = atomic_load(&facts->serve_restarts);
        status->ready = atomic_load(&facts->running) && status->intake_up;
}

int control_status(Intake *intake, uint32_t id) {
        const size_t n_sources = intake->sources.n_items;
        Carebus__V1__StatusReply status = CAREBUS__V1__STATUS_REPLY__INIT;
        Carebus__V1__QuarantineStatus quarantine;
        Carebus__V1__ReviewStatus reviews;
        Carebus__V1__DiskStatus disk = CAREBUS__V1__DISK_STATUS__INIT;
        _cleanup_(freep) Carebus__V1__SourceStatus *sources = calloc(n_sources + 1, sizeof(*sources));
        _cleanup_(freep) Carebus__V1__SourceStatus **pointers = calloc(n_sources + 1, sizeof(*pointers));
        char *notices[6];
        StateTxn *txn;
        int r;

        if (!sources || !pointers)
                return -ENOMEM;
        r = intake_state(intake, &txn);
        if (r < 0)
                return r;
        storage_look(intake, clock_monotonic(intake->options.clock));
        status_fill(intake, txn, &status);
        for (size_t i = 0; i < n_sources; i++) {
                status_source(intake, txn, intake->sources.items[i], &sources[i]);
                pointers[i] = &sources[i];
        }
        status.n_sources = n_sources;
        status.sources = pointers;
        status_count(intake, txn);
        status_quarantine(intake, &quarantine);
        status.quarantine = &quarantine;
        status_reviews(intake, &reviews);
        status.reviews = &reviews;
        disk.has_free_bytes = disk.has_journal_bytes = true;
        disk.free_bytes = intake->free_bytes;
        disk.journal_bytes = journal_bytes(intake->options.journal);
        disk.has_soft_bytes = disk.has_hard_bytes = disk.has_reserve_bytes = true;
        disk.soft_bytes = storage_soft_bytes(intake);
        disk.hard_bytes = storage_hard_bytes(intake);
        disk.reserve_bytes = intake->reserve ? reserve_bytes(intake->reserve) : 0;
        status.disk = &disk;
        status.n_notices = status_notices(intake, notices);
        status.notices = notices;
        return control_pack_status(id, &status, &intake->out);
}
