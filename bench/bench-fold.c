/*
 * How quick the fold is, by itself: entries out of a journal into a state, as a rebuild does it. Beside it, in the same run, what
 * only reading the journal and unpacking its entries costs, and what a bare LMDB takes to put one small value an entry; and the same
 * fold where the first event of each person says a name, a birth date and a postcode, so that people are told apart by them.
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
#include "canon/matching.h"
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

/* Names as common as names are: some families are large. Of no place. */
static int people_name(Carebus__V1__Event *event, uint64_t person, Arena *arena) {
        static const char *const sounds[] = { "bar", "cal", "den", "fer", "gor", "han", "jor", "kel",
                                              "lom", "mar", "nor", "pel", "ros", "sal", "tor", "wil" };
        const uint64_t drawn = (person + 1) * 0x9e3779b97f4a7c15ULL, family = (drawn >> 8) % ((drawn & 3) ? 4096 : 64);
        Carebus__V1__Demographics *said = message_new(&carebus__v1__demographics__descriptor, arena);
        Carebus__V1__HumanName *name = message_new(&carebus__v1__human_name__descriptor, arena);
        Carebus__V1__Address *home = message_new(&carebus__v1__address__descriptor, arena);

        if (!event->patient || !said || !name || !home)
                return -ENOMEM;
        said->birth_date = message_new(&carebus__v1__date__descriptor, arena);
        name->family = arena_format(arena, "%s%s%s", sounds[family & 15], sounds[(family >> 4) & 15],
                                    sounds[family >> 8]);
        home->postal_code = arena_format(arena, "ZZ%d %dAA", (int)(drawn >> 40 & 63) + 1, (int)(drawn >> 46 & 7) + 1);
        if (!said->birth_date || !name->family || !home->postal_code)
                return -ENOMEM;
        said->birth_date->has_year = said->birth_date->has_month = said->birth_date->has_day = true;
        said->birth_date->year = 1930 + (uint32_t)((drawn >> 20) % 80);
        said->birth_date->month = 1 + (drawn >> 28) % 12;
        said->birth_date->day = 1 + (drawn >> 33) % 28;
        event->patient->demographics = said;
        if (list_append((void ***)&name->given, &name->n_given, (void *)sounds[drawn >> 60], arena) < 0 ||
            list_append((void ***)&said->names, &said->n_names, name, arena) < 0)
                return -ENOMEM;
        return list_append((void ***)&said->addresses, &said->n_addresses, home, arena);
}

/* As intake does, beside the event. */
static int matching_fill(Carebus__V1__StoredSubmission *submission, Arena *arena) {
        Carebus__V1__EventMatching *matching = message_new(&carebus__v1__event_matching__descriptor, arena);
        int r = matching ? matching_of_event(submission->events[0], arena, &matching->matching) : -ENOMEM;

        if (r < 0 || !matching->matching)
                return r;
        matching->has_index = true;
        return list_append((void ***)&submission->matching, &submission->n_matching, matching, arena);
}

/* One submission with one event, as intake would have written it. */
static int entry_write(Journal *journal, const EventMessages *messages, uint64_t number, bool named, Arena *arena) {
        Carebus__V1__StoredSubmission submission = CAREBUS__V1__STORED_SUBMISSION__INIT;
        Carebus__V1__Original original = CAREBUS__V1__ORIGINAL__INIT;
        Carebus__V1__Entry entry = CAREBUS__V1__ENTRY__INIT;
        Carebus__V1__When sent = CAREBUS__V1__WHEN__INIT;
        uint8_t *rendered;
        size_t n_original, n_event;
        Carebus__V1__Event *event;
        uint8_t hash[SHA256_SIZE];
        uint64_t seq;
        Bytes packed;
        int r;

        arena_reset(arena);
        rendered = arena_alloc(arena, messages->max_size + 4096);
        if (!rendered)
                return -ENOMEM;
        n_event = events_render(messages, number, rendered, &n_original);
        r = message_unpack(&carebus__v1__event__descriptor, bytes_of(rendered, n_event), arena,
                           (ProtobufCMessage **)&event);
        if (r == 0 && named && number < arg_persons)
                r = people_name(event, number, arena);
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
        r = matching_fill(&submission, arena);
        if (r < 0)
                return r;
        entry.kind_case = CAREBUS__V1__ENTRY__KIND_SUBMISSION;
        entry.submission = &submission;
        packed = message_pack(&entry.base, arena);
        return packed.data ? journal_append(journal, sent.utc_at, packed, &seq) : -ENOMEM;
}

static int journal_make(const char *folder, bool named, uint64_t *ret_bytes) {
        _cleanup_(journal_freep) Journal *journal = NULL;
        _cleanup_(arena_freep) Arena *arena = NULL;
        JournalOptions options = {};
        EventMessages messages;
        JournalFault fault;
        int r;

        events_init(&messages, 1000, arg_persons);
        r = mkdir(folder, 0700) < 0 ? -errno : arena_new(&arena, 16 * 1024 * 1024);
        if (r == 0)
                r = journal_open(folder, &options, &journal, &fault);
        for (uint64_t i = 0; r == 0 && i < arg_entries; i++) {
                r = entry_write(journal, &messages, i, named, arena);
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
        char journal[256], state[256], bare[256], named[256], named_state[256];
        Taken reading, lmdb, folding, telling;
        struct rusage usage;
        uint64_t bytes = 0, named_bytes = 0;
        int r;

        snprintf(journal, sizeof(journal), "%s/journal", folder);
        snprintf(state, sizeof(state), "%s/state", folder);
        snprintf(bare, sizeof(bare), "%s/bare", folder);
        snprintf(named, sizeof(named), "%s/named", folder);
        snprintf(named_state, sizeof(named_state), "%s/named-state", folder);
        r = journal_make(journal, false, &bytes);
        if (r == 0)
                r = journal_make(named, true, &named_bytes);
        if (r == 0)
                r = bench_reading(journal, &reading);
        if (r == 0)
                r = bench_lmdb(bare, &lmdb);
        if (r == 0)
                r = bench_fold(journal, state, &folding);
        if (r == 0)
                r = bench_fold(named, named_state, &telling);
        if (r)
                return r;
        getrusage(RUSAGE_SELF, &usage);
        printf("%" PRIu64 " entries of %" PRIu64 " persons, %.1f MB of journal\n", arg_entries, arg_persons,
               (double)bytes / 1e6);
        row("read the journal and unpack", reading);
        row("bare LMDB, one put an entry", lmdb);
        row("fold (a rebuild, digest included)", folding);
        row("fold, people told apart by names", telling);
        printf("fold to reading %.2f, to a bare put %.2f; by names to without %.2f; peak memory %ld MB\n",
               folding.processor / reading.processor, folding.processor / lmdb.processor,
               telling.processor / folding.processor, usage.ru_maxrss / 1024);
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
