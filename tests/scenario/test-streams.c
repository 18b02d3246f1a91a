/*
 * Streams drawn by a seed: whatever comes in, in whatever transactions it is folded, the state is the same; and what one source
 * said of one encounter comes to the same in every order. CAREBUS_SEED repeats a run.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/sha256.h"
#include "daemon/record/body.h"
#include "daemon/record/encounter.h"
#include "daemon/record/keys.h"
#include "daemon/store/journal.h"
#include "tests/scenario/agreement.h"
#include "tests/scenario/story-event.h"
#include "tests/scenario/world.h"

#define ENTRIES 400
#define STREAMS 6
#define AGREEING 4 /* streams, shorter: behind each entry everybody is read */
#define AGREEING_ENTRIES 150
#define STORIES 150
#define WORDS_MAX 16
#define MAKE(type, arena) ((void *)message_new(&carebus__v1__##type##__descriptor, arena))

static uint64_t seed;

static size_t draw(size_t n) {
        return (size_t)(world_random(&seed) % n);
}

typedef struct Words {
        char *words[WORDS_MAX];
        size_t n;
        Arena *arena;
} Words;

__attribute__((format(printf, 2, 3))) static void word(Words *words, const char *format, ...) {
        char text[128];
        va_list args;

        va_start(args, format);
        vsnprintf(text, sizeof(text), format, args);
        va_end(args);
        assert_in_range(words->n, 0, WORDS_MAX - 1);
        words->words[words->n++] = arena_text(words->arena, text, strlen(text));
}

static const char *const encounter_types[] = {
        "encounter.preadmitted",       "encounter.preadmission_cancelled",
        "encounter.admitted",          "encounter.admission_cancelled",
        "encounter.registered",        "encounter.transferred",
        "encounter.transferred",       "encounter.transfer_cancelled",
        "encounter.leave_started",     "encounter.leave_start_cancelled",
        "encounter.leave_ended",       "encounter.leave_end_cancelled",
        "encounter.discharged",        "encounter.discharge_cancelled",
        "encounter.updated",           "encounter.updated",
        "encounter.discharge_planned", "encounter.discharge_plan_cancelled",
        "encounter.transfer_planned",  "encounter.transfer_plan_cancelled",
};

static void words_of_person(Words *words) {
        static const char *const statuses[] = { "verified", "verified", "unverified", "invalid" };
        static const char *const numbers[] = { "9434765919", "4505577104", "9912003888" };
        size_t person = draw(7);

        if (draw(12) != 0)
                word(words, "mrn=H%zu", person);
        if (draw(12) == 0)
                word(words, "mrn=H%zu", draw(7));
        if (draw(3) == 0)
                word(words, "nhs=%s/%s", numbers[draw(10) == 0 ? draw(3) : person % 3], statuses[draw(4)]);
        if (draw(4) == 0)
                word(words, "born=19%02zu-02-03", 50 + (draw(8) == 0 ? draw(3) : person % 3));
        if (draw(5) == 0)
                word(words, "phone=%zu", draw(4));
        if (draw(6) == 0)
                word(words, "kin=K%zu", draw(3));
        if (draw(12) == 0)
                word(words, "cleared=demographics.%s", draw(2) ? "telecom" : "birth_date");
        if (draw(30) == 0)
                word(words, "deceased=%s", draw(2) ? "yes" : "no");
}

static void words_of_encounter(Words *words) {
        word(words, "visit=V%zu", draw(4));
        if (draw(2))
                word(words, "ward=W%zu", draw(4));
        if (draw(3) == 0)
                word(words, "prior=W%zu", draw(4));
        if (draw(4) == 0)
                word(words, "doctor=D%zu", draw(3));
        if (draw(6) == 0)
                word(words, "discharged=%02zu:00", draw(20));
}

static Carebus__V1__Event *draw_event(const char *source, int64_t received_at, Arena *arena) {
        Words words = { .arena = arena };
        size_t kind = draw(20);

        if (kind < 10) {
                word(&words, "%s", encounter_types[draw(ELEMENTSOF(encounter_types))]);
                words_of_person(&words);
                words_of_encounter(&words);
        } else if (kind < 15) {
                word(&words, "%s", draw(2) ? "patient.updated" : "patient.registered");
                words_of_person(&words);
        } else if (kind < 17) {
                word(&words, "%s", draw(4) ? "death.notified" : "death.retracted");
                words_of_person(&words);
                word(&words, "death=%s", draw(2) ? "formal" : "informal");
        } else {
                static const char *const verbs[] = { "patient.merged", "patient.merged",   "patient.unmerged",
                                                     "patient.linked", "patient.unlinked", "patient.moved" };

                word(&words, "%s", verbs[draw(ELEMENTSOF(verbs))]);
                word(&words, "survivor=H%zu", draw(9));
                word(&words, "retired=H%zu", draw(9));
        }
        if (draw(3))
                word(&words, "said=%02zu:%02zu", draw(24), draw(60));
        return story_event(source, received_at, words.words, words.n, arena);
}

static Carebus__V1__Entry *draw_submission(size_t n_before, int64_t received_at, Arena *arena) {
        static const char *const sources[] = { "hospital", "hospice", "community" };
        Carebus__V1__Entry *entry = MAKE(entry, arena);
        Carebus__V1__StoredSubmission *submission = MAKE(stored_submission, arena);
        Carebus__V1__Original *original = MAKE(original, arena);
        char bytes[64];

        submission->source = (char *)sources[draw(3)];
        submission->message_id = arena_format(arena, "M%zu", draw(10) == 0 ? draw(n_before + 1) : n_before);
        submission->message_time = draw(8) ? story_when("08:00", arena) : NULL;
        snprintf(bytes, sizeof(bytes), "%s%s", submission->message_id, draw(15) == 0 ? "!" : "");
        original->has_sha256 = 1;
        original->sha256 = (ProtobufCBinaryData){ .len = SHA256_SIZE, .data = arena_alloc(arena, SHA256_SIZE) };
        sha256(bytes, strlen(bytes), original->sha256.data);
        submission->original = original;
        if (draw(25) == 0) {
                submission->problem = MAKE(problem, arena);
                submission->problem->code = (char *)"parse-pid";
        }
        if (draw(20) == 0) {
                submission->has_retranslates = 1;
                submission->retranslates = draw(n_before + 1);
        }
        for (size_t n = draw(10) == 0 ? 0 : 1 + draw(3); n > 0; n--)
                assert_int_equal(list_append((void ***)&submission->events, &submission->n_events,
                                             draw_event(submission->source, received_at, arena), arena),
                                 0);
        entry->kind_case = CAREBUS__V1__ENTRY__KIND_SUBMISSION;
        entry->submission = submission;
        return entry;
}

static Carebus__V1__Entry *draw_entry(size_t n_before, int64_t received_at, Arena *arena) {
        Carebus__V1__Entry *entry = MAKE(entry, arena);

        switch (draw(20)) {
        case 0:
        case 1:
                entry->kind_case = CAREBUS__V1__ENTRY__KIND_DECISION;
                entry->decision = MAKE(journal_decision, arena);
                entry->decision->has_kind = entry->decision->has_seq = 1;
                entry->decision->kind = (Carebus__V1__JournalDecision__Kind)(1 + draw(3));
                entry->decision->seq = draw(n_before + 2);
                entry->decision->who = (char *)"unix:0";
                entry->decision->why = (char *)(draw(2) ? "a test" : "");
                return entry;
        case 2:
                entry->kind_case = CAREBUS__V1__ENTRY__KIND_SETTINGS;
                entry->settings = MAKE(settings, arena);
                entry->settings->n_sources = 1;
                entry->settings->sources = arena_alloc(arena, sizeof(void *));
                entry->settings->sources[0] = MAKE(source_settings, arena);
                entry->settings->sources[0]->name = (char *)"hospital";
                entry->settings->sources[0]->has_lists_complete = 1;
                entry->settings->sources[0]->lists_complete = draw(2) != 0;
                return entry;
        default:
                return draw_submission(n_before, received_at, arena);
        }
}

static void test_any_stream_in_any_transactions_gives_one_state(void **state) {
        for (size_t stream = 0; stream < STREAMS; stream++) {
                int64_t clock = story_time("08:00");
                uint8_t live[32], again[32];
                World world;

                world_begin(&world);
                for (size_t i = 0; i < ENTRIES; i++) {
                        world_push(&world, draw_entry(world.n_entries, clock, world.arena), clock);
                        clock += (int64_t)draw(120) * USEC_PER_SEC;
                        if (draw(20) == 0)
                                world_fold(&world);
                }
                world_digest(&world, live);
                world_refold(&world, ENTRIES, NULL, again);
                assert_memory_equal(live, again, sizeof(live));
                world_refold(&world, 1, NULL, again);
                assert_memory_equal(live, again, sizeof(live));
                world_refold(&world, 40, &seed, again);
                assert_memory_equal(live, again, sizeof(live));
                world_end(&world);
        }
}

static void test_ledgers_beside_any_stream_say_what_the_records_say(void **state) {
        for (size_t stream = 0; stream < AGREEING; stream++) {
                int64_t clock = story_time("08:00");
                World world;

                world_begin(&world);
                for (size_t i = 0; i < AGREEING_ENTRIES; i++) {
                        world_push(&world, draw_entry(world.n_entries, clock, world.arena), clock);
                        clock += (int64_t)draw(120) * USEC_PER_SEC;
                }
                agreement_check(&world);
                world_end(&world);
        }
}

typedef struct Counted {
        World *world;
        StateTxn *txn;
        uint64_t n;
} Counted;

/* Old ids answer, and who answers answers for itself: for every person there is. */
static int person_checked(Bytes key, Bytes value, void *owner) {
        Counted *counted = owner;
        Carebus__V1__Record *record;
        Carebus__V1__Person *person;
        char *id = (char *)key.data, *answering, *again;
        bool named = false;

        assert_int_equal(person_read(counted->txn, id, counted->world->arena, &person), 0);
        assert_int_equal(identity_resolve(counted->txn, id, counted->world->arena, &answering), 0);
        assert_int_equal(identity_resolve(counted->txn, answering, counted->world->arena, &again), 0);
        assert_string_equal(answering, again);
        assert_int_equal(record_read(counted->txn, id, counted->world->arena, &record), 0);
        assert_string_equal(record->patient_id, answering);
        for (size_t i = 0; i < record->n_former_patient_ids; i++)
                named = named || strcmp(record->former_patient_ids[i], id) == 0;
        assert_true(named == (strcmp(answering, id) != 0));
        for (size_t i = 0; i < record->n_sections; i++)
                assert_true(i == 0 || strcmp(record->sections[i - 1]->name, record->sections[i]->name) < 0);
        counted->n++;
        return 0;
}

static void test_every_entry_has_an_outcome_and_every_person_a_record(void **state) {
        World world;
        Counted counted = { .world = &world };
        int64_t clock = story_time("08:00");

        world_begin(&world);
        for (size_t i = 0; i < ENTRIES; i++) {
                world_push(&world, draw_entry(world.n_entries, clock, world.arena), clock);
                clock += USEC_PER_SEC;
        }
        counted.txn = world_look(&world);
        for (uint64_t seq = 1; seq <= world.n_entries; seq++) {
                Carebus__V1__Outcome *outcome;
                Carebus__V1__QuarantineItem *item;

                assert_int_equal(outcome_read(counted.txn, seq, world.arena, &outcome), 0);
                assert_int_equal(outcome->seq, seq);
                /* Used, or told why not: one of the two, never neither; both only where a part could be read and a part could not. */
                if (strcmp(outcome->kind, "submission") == 0) {
                        int n = (outcome->event_count > 0) + outcome->has_duplicate_of +
                                (outcome->quarantined || outcome->refused);

                        assert_true(n == 1 || (n == 2 && outcome->quarantined && !outcome->has_duplicate_of));
                }
                if (outcome->quarantined && !outcome->has_about_seq) {
                        assert_int_equal(quarantine_read(counted.txn, seq, world.arena, &item), 0);
                        assert_true(item->partly || outcome->event_count == 0);
                        assert_string_equal(item->resolution, outcome->resolution ?: "open");
                }
        }
        assert_int_equal(state_walk(counted.txn, STATE_PERSON, BYTES_NULL, BYTES_NULL, person_checked, &counted), 0);
        assert_true(counted.n > 5);
        state_abort(counted.txn);
        world_end(&world);
}

/* One message of a story whose order must not matter: each is said at a time of its own. */
static Carebus__V1__Entry *draw_message(size_t i, bool encounters, Arena *arena) {
        Carebus__V1__Entry *entry = MAKE(entry, arena);
        Carebus__V1__StoredSubmission *submission = MAKE(stored_submission, arena);
        Words words = { .arena = arena };

        if (encounters)
                word(&words, "%s", encounter_types[draw(ELEMENTSOF(encounter_types))]);
        else
                word(&words, "%s", draw(3) ? "patient.updated" : draw(3) ? "death.notified" : "death.retracted");
        word(&words, "mrn=H1");
        word(&words, "said=%02zu:00", i + 1);
        if (encounters) {
                word(&words, "visit=V1");
                if (draw(2))
                        word(&words, "ward=W%zu", draw(4));
                if (draw(3) == 0)
                        word(&words, "prior=W%zu", draw(4));
                if (draw(3) == 0)
                        word(&words, "discharged=%02zu:00", draw(20));
                if (draw(6) == 0)
                        word(&words, "cleared=encounter.place");
        } else if (strcmp(words.words[0], "patient.updated") == 0) {
                if (draw(2))
                        word(&words, "born=19%02zu-02-03", 50 + draw(3));
                if (draw(2))
                        word(&words, "sex=%s", draw(2) ? "male" : "female");
                if (draw(4) == 0)
                        word(&words, "cleared=demographics.birth_date");
        } else {
                word(&words, "death=%s", draw(2) ? "formal" : "informal");
                word(&words, "dead_at=%02zu:00", draw(20));
        }
        submission->source = (char *)"hospital";
        submission->message_id = arena_format(arena, "M%zu", i);
        submission->n_events = 1;
        submission->events = arena_alloc(arena, sizeof(void *));
        submission->events[0] = story_event("hospital", story_time("23:00"), words.words, words.n, arena);
        entry->kind_case = CAREBUS__V1__ENTRY__KIND_SUBMISSION;
        entry->submission = submission;
        return entry;
}

/* Values and status; history and the like are told by stories, since a demographics fact remembers its events as they came. */
static char *told(World *world, Carebus__V1__Entry **entries, const size_t *order, size_t n, bool history,
                  Arena *arena) {
        Carebus__V1__Record *record;
        char **ids, *text;
        StateTxn *txn;
        size_t n_ids;

        world_begin(world);
        for (size_t i = 0; i < n; i++)
                world_push(world, entries[order[i]], story_time("23:00"));
        txn = world_look(world);
        assert_int_equal(identity_find(txn, "carebus:hospital", "H1", world->arena, &ids, &n_ids), 0);
        if (history) {
                text = world_record_text(world, txn, ids[0]);
                text = arena_text(arena, text, strlen(text));
        } else {
                Buffer out = BUFFER_NULL;

                assert_int_equal(record_read(txn, ids[0], world->arena, &record), 0);
                for (size_t i = 0; i < record->n_sections; i++)
                        for (size_t j = 0; j < record->sections[i]->n_facts; j++) {
                                Carebus__V1__Fact *fact = record->sections[i]->facts[j];
                                ProtobufCMessage *value = fact->value_case == CAREBUS__V1__FACT__VALUE_DEATH
                                                                  ? &fact->death->base
                                                                  : &fact->demographics->base;
                                Bytes packed = message_pack(value, world->arena);

                                buffer_append_format(&out, "%s %s %s ", record->sections[i]->name, fact->key,
                                                     fact->status);
                                for (size_t k = 0; k < packed.size; k++)
                                        buffer_append_format(&out, "%02x", packed.data[k]);
                        }
                text = arena_text(arena, out.data, out.size);
                buffer_deinit(&out);
        }
        state_abort(txn);
        world_end(world);
        return text;
}

static void stories_in_any_order(bool encounters) {
        for (size_t story = 0; story < STORIES; story++) {
                size_t n = 3 + draw(6), order[9], shuffled[9];
                Carebus__V1__Entry *entries[9];
                Arena *arena;
                World world;

                assert_int_equal(arena_new(&arena, 1UL << 24), 0);
                for (size_t i = 0; i < n; i++) {
                        entries[i] = draw_message(i, encounters, arena);
                        order[i] = shuffled[i] = i;
                }
                for (size_t i = n - 1; i > 0; i--) {
                        size_t j = draw(i + 1), swap = shuffled[i];

                        shuffled[i] = shuffled[j];
                        shuffled[j] = swap;
                }
                assert_string_equal(told(&world, entries, order, n, encounters, arena),
                                    told(&world, entries, shuffled, n, encounters, arena));
                arena_free(arena);
        }
}

static void test_an_encounter_comes_to_the_same_in_any_order(void **state) {
        stories_in_any_order(/* encounters= */ true);
}

static void test_person_and_death_come_to_the_same_in_any_order(void **state) {
        stories_in_any_order(/* encounters= */ false);
}

static int claim_counted(Bytes key, Bytes value, void *owner) {
        ++*(uint64_t *)owner;
        return 0;
}

/* The same stream through a journal on disk: followed live in batches, then rebuilt. */
static void live_follow(const char *folder, State *state, uint64_t limit) {
        JournalReader *reader;
        StateTxn *txn;
        Fold *fold;

        assert_int_equal(journal_reader_open(folder, &reader), 0);
        assert_int_equal(fold_new(&fold), 0);
        assert_int_equal(state_begin(state, STATE_READ, &txn), 0);
        assert_int_equal(fold_load(fold, txn), 0);
        state_abort(txn);
        assert_int_equal(journal_reader_seek(reader, fold_seq(fold) + 1, NULL), 0);
        while (fold_seq(fold) < limit) {
                assert_int_equal(state_begin(state, STATE_WRITE, &txn), 0);
                for (size_t n = 1 + draw(30); n > 0 && fold_seq(fold) < limit; n--) {
                        JournalRecord record;

                        assert_int_equal(journal_reader_next(reader, limit, &record, NULL), 0);
                        assert_int_equal(fold_apply(fold, txn, &record), 0);
                }
                assert_int_equal(fold_flush(fold, txn), 0);
                assert_int_equal(state_commit(txn), 0);
        }
        fold_free(fold);
        journal_reader_free(reader);
}

static void progress_note(uint64_t seq, uint64_t limit, void *owner) {
        assert_true(seq >= *(uint64_t *)owner);
        *(uint64_t *)owner = seq;
}

static void journal_write(Journal *journal, World *world) {
        int64_t clock = story_time("08:00");

        for (size_t i = 0; i < ENTRIES; i++) {
                uint64_t seq = world_push(world, draw_entry(world->n_entries, clock, world->arena), clock), journaled;
                const WorldEntry *entry = &world->entries[seq - 1];

                assert_int_equal(journal_append(journal, clock, bytes_of(entry->data, entry->size), &journaled), 0);
                assert_int_equal(journaled, seq);
                clock += USEC_PER_SEC;
                if (draw(5) == 0 || i == ENTRIES - 1)
                        assert_int_equal(journal_commit(journal), 0);
        }
}

static void test_a_rebuild_gives_what_was_folded_live(void **state) {
        JournalOptions options = { .segment_bytes = 1 << 16 };
        uint8_t live[32], rebuilt[32], half[32];
        char folder[128], live_folder[128], rebuilt_folder[128];
        State *live_state, *rebuilt_state;
        uint64_t seen = 0;
        JournalFault fault;
        Journal *journal;
        StateTxn *txn;
        World world;

        world_begin(&world);
        snprintf(folder, sizeof(folder), "%s/journal", world.folder);
        snprintf(live_folder, sizeof(live_folder), "%s/live", world.folder);
        snprintf(rebuilt_folder, sizeof(rebuilt_folder), "%s/rebuilt", world.folder);
        assert_int_equal(mkdir(folder, 0700), 0);
        assert_int_equal(journal_open(folder, &options, &journal, &fault), 0);
        journal_write(journal, &world);
        assert_int_equal(state_open(live_folder, STATE_WRITE, 1UL << 28, &live_state), 0);
        live_follow(folder, live_state, ENTRIES / 2);
        live_follow(folder, live_state, ENTRIES);
        assert_int_equal(state_begin(live_state, STATE_READ, &txn), 0);
        assert_int_equal(state_digest(txn, live), 0);
        assert_int_equal(fold_version_of(txn), FOLD_VERSION);
        state_abort(txn);
        assert_int_equal(state_open(rebuilt_folder, STATE_WRITE, 1UL << 28, &rebuilt_state), 0);
        /* Broken off half way, and gone on with. */
        assert_int_equal(fold_rebuild(folder, rebuilt_state, ENTRIES / 3, progress_note, &seen, half, &fault), 0);
        assert_int_equal(seen, ENTRIES / 3);
        assert_memory_not_equal(live, half, sizeof(live));
        assert_int_equal(fold_rebuild(folder, rebuilt_state, 0, progress_note, &seen, rebuilt, &fault), 0);
        assert_int_equal(seen, ENTRIES);
        assert_memory_equal(live, rebuilt, sizeof(live));
        state_free(rebuilt_state);
        state_free(live_state);
        journal_free(journal);
        world_end(&world);
}

/* A visit number that is used for ever, told backwards: every message comes late. */
static void test_an_encounter_without_end_stays_bounded(void **state) {
        const size_t n = 1500;
        Carebus__V1__Record *record;
        Carebus__V1__Fact *fact;
        uint64_t n_claims = 0;
        StateKey prefix;
        StateTxn *txn;
        World world;

        world_begin(&world);
        for (size_t i = 0; i < n; i++) {
                Carebus__V1__Entry *entry = MAKE(entry, world.arena);
                Words words = { .arena = world.arena };

                word(&words, "encounter.updated");
                word(&words, "mrn=H1");
                word(&words, "visit=V1");
                word(&words, "ward=W%zu", i);
                word(&words, "said=%02zu:%02zu", (n - i) / 60 % 24, (n - i) % 60);
                entry->kind_case = CAREBUS__V1__ENTRY__KIND_SUBMISSION;
                entry->submission = MAKE(stored_submission, world.arena);
                entry->submission->source = (char *)"hospital";
                entry->submission->message_id = arena_format(world.arena, "M%zu", i);
                entry->submission->n_events = 1;
                entry->submission->events = arena_alloc(world.arena, sizeof(void *));
                entry->submission->events[0] = story_event("hospital", story_time("23:00"), words.words, words.n,
                                                           world.arena);
                world_push(&world, entry, story_time("23:00"));
        }
        txn = world_look(&world);
        prefix = key_of_claims("p1.0", "encounters/hospital/carebus:hospital:visit|V1");
        assert_int_equal(state_walk(txn, STATE_SECTION, state_key_all(&prefix), state_key_all(&prefix), claim_counted,
                                    &n_claims),
                         0);
        assert_in_range(n_claims, 2, ENCOUNTER_CLAIMS_MAX + 1);
        assert_int_equal(record_read(txn, "p1.0", world.arena, &record), 0);
        fact = record->sections[0]->facts[0];
        assert_true(fact->n_history <= FACT_HISTORY_MAX);
        /* The newest of 1,500 minutes, in days of 1,440: the 61st message, said at 23:59. */
        assert_string_equal(fact->encounter->place->point_of_care, "W61");
        state_abort(txn);
        world_end(&world);
}

static void test_a_rebuild_of_a_damaged_journal_says_where(void **state) {
        JournalOptions options = { .segment_bytes = 1 << 16 };
        char folder[128], state_folder[128], command[256];
        uint8_t digest[32];
        State *rebuilt;
        JournalFault fault = {};
        Journal *journal;
        World world;

        world_begin(&world);
        snprintf(folder, sizeof(folder), "%s/journal", world.folder);
        snprintf(state_folder, sizeof(state_folder), "%s/rebuilt", world.folder);
        assert_int_equal(mkdir(folder, 0700), 0);
        assert_int_equal(journal_open(folder, &options, &journal, &fault), 0);
        journal_write(journal, &world);
        assert_int_equal(journal_seal(journal), 0);
        journal_free(journal);
        /* One byte in the middle of the first segment. */
        snprintf(command, sizeof(command),
                 "f=$(ls -d '%s'/* | head -1); printf X | dd of=\"$f\" bs=1 seek=20000 conv=notrunc 2>/dev/null",
                 folder);
        assert_int_equal(system(command), 0);
        assert_int_equal(state_open(state_folder, STATE_WRITE, 1UL << 28, &rebuilt), 0);
        assert_int_equal(fold_rebuild(folder, rebuilt, 0, NULL, NULL, digest, &fault), JOURNAL_E_CORRUPT);
        assert_non_null(fault.reason);
        state_free(rebuilt);
        world_end(&world);
}

static void test_an_entry_out_of_its_turn_is_refused(void **state) {
        JournalRecord record = { .seq = 2 };
        StateTxn *txn;
        World world;

        world_begin(&world);
        assert_int_equal(state_begin(world.state, STATE_WRITE, &txn), 0);
        assert_int_equal(fold_apply(world.fold, txn, &record), -EINVAL);
        /* An entry without a kind, or one whose payload expired, has its number all the same. */
        record.seq = 1;
        assert_int_equal(fold_apply(world.fold, txn, &record), 0);
        record = (JournalRecord){ .seq = 2, .payload = BYTES_LITERAL("\xff\xff\xff") };
        assert_int_equal(fold_apply(world.fold, txn, &record), -EBADMSG);
        state_abort(txn);
        world_end(&world);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_any_stream_in_any_transactions_gives_one_state),
                cmocka_unit_test(test_ledgers_beside_any_stream_say_what_the_records_say),
                cmocka_unit_test(test_every_entry_has_an_outcome_and_every_person_a_record),
                cmocka_unit_test(test_an_encounter_comes_to_the_same_in_any_order),
                cmocka_unit_test(test_person_and_death_come_to_the_same_in_any_order),
                cmocka_unit_test(test_an_encounter_without_end_stays_bounded),
                cmocka_unit_test(test_a_rebuild_gives_what_was_folded_live),
                cmocka_unit_test(test_a_rebuild_of_a_damaged_journal_says_where),
                cmocka_unit_test(test_an_entry_out_of_its_turn_is_refused),
        };
        const char *given = getenv("CAREBUS_SEED");

        seed = given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL) * 2654435761u + (uint64_t)getpid();
        seed = seed ? seed : 1;
        printf("# CAREBUS_SEED=%llu\n", (unsigned long long)seed);
        fflush(stdout);
        return cmocka_run_group_tests_name("streams", tests, NULL, NULL);
}
