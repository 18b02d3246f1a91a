/*
 * What a shared record costs: persons with a history of their own are folded, then each record is read as a feed of records and a query
 * read it: put together, with its overview, its canonical bytes and its digest. Beside it, in the same run, what only reading and unpacking
 * the same stored bytes costs.
 *
 *     bench-record [--persons N] [--facts N] [--rounds N] [--folder DIR]
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "carebus/v1/journal.pb-c.h"
#include "daemon/record/body.h"
#include "daemon/record/canonical.h"
#include "daemon/record/read.h"
#include "daemon/stage/fold.h"
#include "daemon/store/state-keys.h"

#define PROGRAM "bench-record"
#define MAP_BYTES (16UL * 1024UL * 1024UL * 1024UL)
#define RECEIVED_AT 1709625600000000 /* 2024-03-05T08:00:00Z */
#define SOURCES 3

static uint64_t arg_persons = 2000;
static uint64_t arg_facts = 60; /* of each person, of all sources */
static uint64_t arg_rounds = 5;
static const char *arg_folder = "/tmp";

static const char *const sources[SOURCES] = { "hospital", "hospice", "practice" };

static double processor_seconds(void) {
        struct timespec now;

        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
        return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* ---- people ---------------------------------------------------------------------------------------------------------------------- */

static Carebus__V1__When *when(int64_t at, Arena *arena) {
        Carebus__V1__When *made = message_new(&carebus__v1__when__descriptor, arena);

        if (made) {
                made->has_utc_at = made->has_precision = true;
                made->utc_at = at;
                made->precision = CAREBUS__V1__WHEN__PRECISION__PRECISION_MINUTE;
        }
        return made;
}

static Carebus__V1__Coded *coded(const char *text, Arena *arena) {
        Carebus__V1__Coded *made = message_new(&carebus__v1__coded__descriptor, arena);

        if (made)
                made->text = (char *)text;
        return made;
}

/* What one source says of one person: who it is, then facts of the kinds that records are full of, in turn. */
static void body_fill(Carebus__V1__Event *event, uint64_t number, int64_t at, Arena *arena) {
        /* Decisions are few. */
        switch (number % 20 == 3 ? 3 : number % 3) {
        case 0:
                event->type = (char *)"condition.recorded";
                event->body_case = CAREBUS__V1__EVENT__BODY_CONDITION;
                event->condition = message_new(&carebus__v1__condition__descriptor, arena);
                event->condition->code = coded(arena_format(arena, "condition %" PRIu64, number), arena);
                break;
        case 1:
                event->type = (char *)"medication.started";
                event->body_case = CAREBUS__V1__EVENT__BODY_MEDICATION;
                event->medication = message_new(&carebus__v1__medication__descriptor, arena);
                event->medication->drug = coded(arena_format(arena, "drug %" PRIu64, number), arena);
                event->medication->dose_text = (char *)"one tablet twice a day";
                break;
        case 2:
                event->type = (char *)"outcome.measured";
                event->body_case = CAREBUS__V1__EVENT__BODY_MEASURE;
                event->measure = message_new(&carebus__v1__measure__descriptor, arena);
                event->measure->scale = coded("AKPS", arena);
                event->measure->measured_at = when(at, arena);
                event->measure->total = message_new(&carebus__v1__quantity__descriptor, arena);
                event->measure->total->value = (char *)"60";
                break;
        default:
                event->type = (char *)"cpr_decision.recorded";
                event->body_case = CAREBUS__V1__EVENT__BODY_DECISION;
                event->decision = message_new(&carebus__v1__decision__descriptor, arena);
                event->decision->decision = coded("not for attempted CPR", arena);
                event->decision->decided_at = when(at, arena);
                event->decision->original_location = (char *)"folder in the kitchen";
        }
}

static Carebus__V1__Event *event_make(uint64_t person, const char *source, uint64_t number, int64_t at, Arena *arena) {
        Carebus__V1__Event *event = message_new(&carebus__v1__event__descriptor, arena);
        Carebus__V1__Identifier *own = message_new(&carebus__v1__identifier__descriptor, arena);

        event->patient = message_new(&carebus__v1__subject__descriptor, arena);
        own->system = arena_format(arena, "carebus:%s", source);
        own->value = arena_format(arena, "%" PRIu64, person);
        event->has_action = true;
        event->action = CAREBUS__V1__ACTION__ACTION_NEW;
        event->occurred_at = event->recorded_at = when(at, arena);
        list_append((void ***)&event->patient->identifiers, &event->patient->n_identifiers, own, arena);
        body_fill(event, number, at, arena);
        return event;
}

static Bytes entry_make(uint64_t person, size_t source, int64_t at, Arena *arena) {
        Carebus__V1__StoredSubmission submission = CAREBUS__V1__STORED_SUBMISSION__INIT;
        Carebus__V1__Entry entry = CAREBUS__V1__ENTRY__INIT;

        submission.source = (char *)sources[source];
        submission.message_id = arena_format(arena, "M%" PRIu64, person);
        submission.message_time = when(at, arena);
        /* Every source speaks of a person of its own: that they are one is identity's matter, and another bench's. */
        for (uint64_t i = 0; i < arg_facts; i++)
                list_append((void ***)&submission.events, &submission.n_events,
                            event_make(person, sources[source], i, at + (int64_t)i * 60 * USEC_PER_SEC, arena), arena);
        entry.kind_case = CAREBUS__V1__ENTRY__KIND_SUBMISSION;
        entry.submission = &submission;
        return message_pack(&entry.base, arena);
}

static int people_fold(State *state, Arena *arena) {
        _cleanup_(fold_freep) Fold *fold = NULL;
        StateTxn *txn = NULL;
        int r;

        r = fold_new(&fold);
        if (r == 0)
                r = state_begin(state, STATE_WRITE, &txn);
        for (uint64_t i = 0; r == 0 && i < arg_persons; i++) {
                JournalRecord record = { .seq = i + 1, .received_at = RECEIVED_AT + (int64_t)i * USEC_PER_SEC };

                arena_reset(arena);
                record.place.segment = 1;
                record.payload = entry_make(i, i % SOURCES, record.received_at, arena);
                r = record.payload.data ? fold_apply(fold, txn, &record) : -ENOMEM;
        }
        if (r == 0)
                r = fold_flush(fold, txn);
        if (r == 0)
                return state_commit(txn);
        state_abort(txn);
        return r;
}

/* ---- reading ----------------------------------------------------------------------------------------------------------------------- */

typedef struct Reading {
        StateTxn *txn;
        Arena *arena;
        bool whole; /* else only what is stored is unpacked */
        uint64_t n_records, canonical_bytes, stored_bytes, facts;
} Reading;

static int section_unpacked(Bytes key, Bytes value, void *owner) {
        Reading *reading = owner;
        ProtobufCMessage *section;

        (void)key;
        reading->stored_bytes += value.size;
        /* Not all of them are sections of facts: what is not, costs its look only. */
        (void)message_unpack(&carebus__v1__stored_section__descriptor, value, reading->arena, &section);
        return 0;
}

static int person_seen(Bytes key, Bytes value, void *owner) {
        Reading *reading = owner;
        char *id = (char *)key.data;
        Carebus__V1__Record *record;
        StateKey prefix;
        int r;

        (void)value;
        arena_reset(reading->arena);
        reading->n_records++;
        if (!reading->whole) {
                prefix = state_key_section(id, NULL);
                return state_walk(reading->txn, STATE_SECTION, state_key_all(&prefix), state_key_all(&prefix),
                                  section_unpacked, reading);
        }
        r = record_read(reading->txn, id, reading->arena, &record);
        for (size_t i = 0; r == 0 && i < record->n_sections; i++)
                reading->facts += record->sections[i]->n_facts;
        if (r == 0)
                reading->canonical_bytes += record_canonical(record, reading->arena).size;
        return r;
}

static int people_read(State *state, Reading *reading, double *ret_seconds) {
        double began = processor_seconds();
        int r;

        r = state_begin(state, STATE_READ, &reading->txn);
        for (uint64_t i = 0; r == 0 && i < arg_rounds; i++)
                r = state_walk(reading->txn, STATE_PERSON, BYTES_NULL, BYTES_NULL, person_seen, reading);
        *ret_seconds = processor_seconds() - began;
        state_abort(reading->txn);
        return r;
}

static int run(const char *folder) {
        _cleanup_(arena_freep) Arena *arena = NULL;
        _cleanup_(state_freep) State *state = NULL;
        Reading bare = { .whole = false }, whole = { .whole = true };
        double bare_seconds, whole_seconds, n;
        int r;

        r = arena_new(&arena, 64UL * 1024UL * 1024UL);
        if (r == 0)
                r = state_open(folder, STATE_WRITE, MAP_BYTES, &state);
        if (r == 0)
                r = people_fold(state, arena);
        bare.arena = whole.arena = arena;
        if (r == 0)
                r = people_read(state, &bare, &bare_seconds);
        if (r == 0)
                r = people_read(state, &whole, &whole_seconds);
        if (r)
                return r;
        n = (double)whole.n_records;
        printf("%" PRIu64 " persons, %.0f facts each\n", arg_persons, (double)whole.facts / n);
        printf("%-36s %10.0f /s %8.1f us of processor each\n", "unpack what is stored", n / bare_seconds,
               bare_seconds * 1e6 / n);
        printf("%-36s %10.0f /s %8.1f us of processor each\n", "read a record, with its digest", n / whole_seconds,
               whole_seconds * 1e6 / n);
        printf("reading to unpacking %.2f; %.0f bytes stored, %.0f bytes canonical a record\n",
               whole_seconds / bare_seconds, (double)bare.stored_bytes / n, (double)whole.canonical_bytes / n);
        return 0;
}

static int folder_remove(const char *folder) {
        char command[200];

        snprintf(command, sizeof(command), "rm -rf '%s'", folder);
        return system(command);
}

int main(int argc, char **argv) {
        static const struct option options[] = { { "persons", required_argument, NULL, 'p' },
                                                 { "facts", required_argument, NULL, 'n' },
                                                 { "rounds", required_argument, NULL, 'r' },
                                                 { "folder", required_argument, NULL, 'f' },
                                                 {} };
        char folder[160];
        int option, r;

        while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
                if (option == 'p')
                        arg_persons = strtoull(optarg, NULL, 10);
                else if (option == 'n')
                        arg_facts = strtoull(optarg, NULL, 10);
                else if (option == 'r')
                        arg_rounds = strtoull(optarg, NULL, 10);
                else if (option == 'f')
                        arg_folder = optarg;
                else
                        return EXIT_WRONG_USE;
        }
        if (arg_persons == 0 || arg_rounds == 0 || arg_facts > 10000) {
                error_print(PROGRAM, "give at least one person and one round, and at most 10000 facts");
                return EXIT_WRONG_USE;
        }
        snprintf(folder, sizeof(folder), "%s/carebus-bench-record-XXXXXX", arg_folder);
        if (!mkdtemp(folder)) {
                error_print(PROGRAM, "cannot make a folder in %s: %s", arg_folder, strerror(errno));
                return EXIT_STORAGE;
        }
        r = run(folder);
        if (folder_remove(folder) != 0)
                error_print(PROGRAM, "%s is left over: remove it", folder);
        if (r) {
                error_print(PROGRAM, "failed: %s", strerror(r < 0 ? -r : EIO));
                return EXIT_STORAGE;
        }
        return EXIT_DONE;
}
