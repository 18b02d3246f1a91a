/*
 * How quick the fold is, by itself: entries out of a journal into a state, as a rebuild does it. Beside it, in the same run, what
 * only reading the journal and unpacking its entries costs, and what a bare LMDB takes to put one small value an entry.
 *
 *     bench-fold [--entries N] [--persons N] [--folder DIR]
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/sha256.h"
#include "bench/messages.h"
#include "carebus/v1/journal.pb-c.h"
#include "daemon/record/body.h"
#include "daemon/stage/fold.h"
#include "daemon/store/state-keys.h"

#define BATCH 256
#define MAP_BYTES (16UL * 1024UL * 1024UL * 1024UL)
#define RECEIVED_AT 1709625600000000 /* 2024-03-05T08:00:00Z */

static uint64_t arg_entries = 200000;
static uint64_t arg_persons = 10000;
static const char *arg_folder = "/tmp";

/* On the wall, and of this process's processor time: on a machine that does other things too, the second tells more. */
typedef struct Taken {
        double wall, processor;
} Taken;

static double clock_seconds(clockid_t id) {
        struct timespec now;

        clock_gettime(id, &now);
        return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static Taken taken_now(void) {
        return (Taken){ clock_seconds(CLOCK_MONOTONIC), clock_seconds(CLOCK_PROCESS_CPUTIME_ID) };
}

static Taken taken_since(Taken began) {
        Taken now = taken_now();

        return (Taken){ now.wall - began.wall, now.processor - began.processor };
}

/* One submission with one event, as intake would have written it. */
static int entry_write(Journal *journal, const EventMessages *messages, uint64_t number, uint8_t *rendered,
                       Arena *arena) {
        Carebus__V1__StoredSubmission submission = CAREBUS__V1__STORED_SUBMISSION__INIT;
        Carebus__V1__Original original = CAREBUS__V1__ORIGINAL__INIT;
        Carebus__V1__Entry entry = CAREBUS__V1__ENTRY__INIT;
        Carebus__V1__When sent = CAREBUS__V1__WHEN__INIT;
        size_t n_original, n_event = events_render(messages, number, rendered, &n_original);
        Carebus__V1__Event *event;
        uint8_t hash[SHA256_SIZE];
        uint64_t seq;
        Bytes packed;
        int r;

        arena_reset(arena);
        r = message_unpack(&carebus__v1__event__descriptor, bytes_of(rendered, n_event), arena,
                           (ProtobufCMessage **)&event);
        if (r < 0)
                return r;
        sha256(rendered + n_event, n_original, hash);
        original.has_data = original.has_size = original.has_sha256 = 1;
        original.data = (ProtobufCBinaryData){ .len = n_original, .data = rendered + n_event };
        original.size = (uint32_t)n_original;
        original.sha256 = (ProtobufCBinaryData){ .len = sizeof(hash), .data = hash };
        sent.has_utc_at = 1;
        sent.utc_at = RECEIVED_AT + (int64_t)number * 1000;
        submission.source = (char *)"hospital-pas";
        submission.message_id = arena_format(arena, "BENCH%010" PRIu64, number);
        submission.message_time = &sent;
        submission.original = &original;
        submission.events = &event;
        submission.n_events = 1;
        entry.kind_case = CAREBUS__V1__ENTRY__KIND_SUBMISSION;
        entry.submission = &submission;
        packed = message_pack(&entry.base, arena);
        return packed.data ? journal_append(journal, sent.utc_at, packed, &seq) : -ENOMEM;
}

static int journal_make(const char *folder, uint64_t *ret_bytes) {
        _cleanup_(journal_freep) Journal *journal = NULL;
        _cleanup_(arena_freep) Arena *arena = NULL;
        _cleanup_(freep) uint8_t *rendered = NULL;
        JournalOptions options = {};
        EventMessages messages;
        JournalFault fault;
        int r;

        events_init(&messages, 1000, arg_persons);
        rendered = malloc(messages.max_size + 4096);
        r = rendered ? arena_new(&arena, 16 * 1024 * 1024) : -ENOMEM;
        if (r == 0)
                r = journal_open(folder, &options, &journal, &fault);
        for (uint64_t i = 0; r == 0 && i < arg_entries; i++) {
                r = entry_write(journal, &messages, i, rendered, arena);
                if (r == 0 && (i % BATCH == BATCH - 1 || i == arg_entries - 1))
                        r = journal_commit(journal);
        }
        if (r == 0)
                *ret_bytes = journal_bytes(journal);
        events_deinit(&messages);
        return r;
}

static int bench_reading(const char *folder, Taken *ret) {
        _cleanup_(journal_reader_freep) JournalReader *reader = NULL;
        _cleanup_(arena_freep) Arena *arena = NULL;
        Taken began = taken_now();
        int r;

        r = journal_reader_open(folder, &reader);
        if (r == 0)
                r = journal_reader_seek(reader, 1, NULL);
        if (r == 0)
                r = arena_new(&arena, 16 * 1024 * 1024);
        for (uint64_t i = 0; r == 0 && i < arg_entries; i++) {
                ProtobufCMessage *entry;
                JournalRecord record;

                r = journal_reader_next(reader, arg_entries, &record, NULL);
                arena_reset(arena);
                if (r == 0)
                        r = message_unpack(&carebus__v1__entry__descriptor, record.payload, arena, &entry);
        }
        *ret = taken_since(began);
        return r;
}

static int bench_lmdb(const char *folder, Taken *ret) {
        _cleanup_(state_freep) State *state = NULL;
        Taken began = taken_now();
        StateTxn *txn = NULL;
        int r;

        r = state_open(folder, STATE_WRITE, MAP_BYTES, &state);
        for (uint64_t i = 1; r == 0 && i <= arg_entries; i++) {
                StateKey key = state_key_seq(i);

                if (!txn)
                        r = state_begin(state, STATE_WRITE, &txn);
                if (r == 0)
                        r = state_put(txn, STATE_OUTCOME, state_key_all(&key),
                                      BYTES_LITERAL("a value of thirty-two bytes, about"));
                if (r == 0 && (i % 20000 == 0 || i == arg_entries))
                        r = state_commit(TAKE_PTR(txn));
        }
        *ret = taken_since(began);
        state_abort(txn);
        return r;
}

static int bench_fold(const char *journal, const char *folder, Taken *ret) {
        _cleanup_(state_freep) State *state = NULL;
        uint8_t digest[32];
        JournalFault fault;
        Taken began;
        int r;

        r = state_open(folder, STATE_WRITE, MAP_BYTES, &state);
        began = taken_now();
        if (r == 0)
                r = fold_rebuild(journal, state, arg_entries, NULL, NULL, digest, &fault);
        *ret = taken_since(began);
        return r;
}

static void row(const char *what, Taken taken) {
        double n = (double)arg_entries;

        printf("%-36s %10.0f /s %8.2f us each, %8.2f us of processor\n", what, n / taken.wall, taken.wall * 1e6 / n,
               taken.processor * 1e6 / n);
}

static int run(const char *folder) {
        char journal[256], state[256], bare[256];
        Taken reading, lmdb, folding;
        struct rusage usage;
        uint64_t bytes = 0;
        int r;

        snprintf(journal, sizeof(journal), "%s/journal", folder);
        snprintf(state, sizeof(state), "%s/state", folder);
        snprintf(bare, sizeof(bare), "%s/bare", folder);
        if (mkdir(journal, 0700) < 0)
                return -errno;
        r = journal_make(journal, &bytes);
        if (r == 0)
                r = bench_reading(journal, &reading);
        if (r == 0)
                r = bench_lmdb(bare, &lmdb);
        if (r == 0)
                r = bench_fold(journal, state, &folding);
        if (r)
                return r;
        getrusage(RUSAGE_SELF, &usage);
        printf("%" PRIu64 " entries of %" PRIu64 " persons, %.1f MB of journal\n", arg_entries, arg_persons,
               (double)bytes / 1e6);
        row("read the journal and unpack", reading);
        row("bare LMDB, one put an entry", lmdb);
        row("fold (a rebuild, digest included)", folding);
        printf("fold to reading %.2f, to a bare put %.2f; peak memory %ld MB\n", folding.processor / reading.processor,
               folding.processor / lmdb.processor, usage.ru_maxrss / 1024);
        return 0;
}

int main(int argc, char **argv) {
        static const struct option options[] = { { "entries", required_argument, NULL, 'n' },
                                                 { "persons", required_argument, NULL, 'p' },
                                                 { "folder", required_argument, NULL, 'f' },
                                                 {} };
        char folder[160], command[200];
        int option, r;

        while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
                if (option == 'n')
                        arg_entries = strtoull(optarg, NULL, 10);
                else if (option == 'p')
                        arg_persons = strtoull(optarg, NULL, 10);
                else if (option == 'f')
                        arg_folder = optarg;
                else
                        return EXIT_WRONG_USE;
        }
        if (arg_entries == 0 || arg_persons == 0 || arg_persons > TEMPLATE_PERSONS_MAX) {
                error_print("bench-fold", "give at least one entry, and 1 to %d persons", TEMPLATE_PERSONS_MAX);
                return EXIT_WRONG_USE;
        }
        snprintf(folder, sizeof(folder), "%s/carebus-bench-fold-XXXXXX", arg_folder);
        if (!mkdtemp(folder)) {
                error_print("bench-fold", "cannot make a folder in %s: %s", arg_folder, strerror(errno));
                return EXIT_STORAGE;
        }
        r = run(folder);
        snprintf(command, sizeof(command), "rm -rf '%s'", folder);
        if (system(command) != 0)
                error_print("bench-fold", "%s is left over: remove it", folder);
        if (r) {
                error_print("bench-fold", "failed: %s", strerror(r < 0 ? -r : EIO));
                return EXIT_STORAGE;
        }
        return EXIT_DONE;
}
