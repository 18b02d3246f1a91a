/*
 * One history, told in random orders, is one record: what counts is when something was said, never when it came. Up to three sources speak
 * of up to three persons: registrations with and without a number, stays, decisions, measures, allergies, documents, consent, deaths and
 * signs of life, what was entered in error or cancelled, merges and their undoing in chains, numbers and stays that move; what waited and
 * was read again, and people who decide that two are one or two. A rebuild in transactions of other sizes makes the same state of it.
 * CAREBUS_SEED repeats a run, CAREBUS_HISTORIES says how many.
 *
 * Left out of the comparison (world_record_text_any) is what is the order of arrival itself:
 * - numbers of entries, times of receipt, ids of persons, reviews and conflicts: they are given as things come. Which of several ids of
 *   one person answers for the others, where nothing but the first to come decides that.
 * - conflicts that are closed, and the event that last said the same: one order may never see the two that contradict each other
 *   side by side, or the repetition.
 * - the ids in the history of demographics, deaths and merges, and the order of what demographics list in part: of demographics no claims
 *   are kept, since they come with every message; what nothing came of when it came is not remembered, and a list is laid under what
 *   later messages said of it.
 *
 * Left out of the histories is what the rules decide by what was known at that moment, and must:
 * - joins by a score: test-score-orders.c looks at what holds of those in every order.
 * - a number alone, without one of the source's own: who it stands for is settled when it is used.
 * - two messages of one number with different bytes: the first is taken, the second waits for a person.
 * - people decide about what they have seen: a decision comes behind what it is about, and one after the other.
 * - moves between two human beings: whose each fact is comes out alike (test-merges.c), but which contradictions stand
 *   open there, and whose word on who they are is shown, still depends on the order.
 * - more claims on one fact, or more signs of life of one source, than are kept apart: the older ones are laid together or let go of.
 */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/sha256.h"
#include "daemon/record/body.h"
#include "tests/scenario/story-event.h"
#include "tests/scenario/world.h"

#define HISTORIES 60
#define ORDERS 8
#define MESSAGES_MAX 40
#define WORDS_MAX 24
#define IDS_MAX 24
#define MAKE(type, arena) ((void *)message_new(&carebus__v1__##type##__descriptor, arena))

static uint64_t seed;

static size_t draw(size_t n) {
        return (size_t)(world_random(&seed) % n);
}

typedef enum Kind {
        SAID,   /* by a source */
        RETRY,  /* of a message that waits for a person: who looked lets it be read again */
        LINK,   /* somebody decides that two are one */
        UNLINK, /* or that they are two */
} Kind;

typedef struct Message {
        const char *source;
        char *line; /* of a story: TYPE key=value ... */
        Kind kind;
        bool waits;    /* something in it could not be read */
        size_t about;  /* RETRY: the message */
        size_t person; /* LINK, UNLINK */
} Message;

typedef struct History {
        Arena *arena;
        Message messages[MESSAGES_MAX];
        size_t n_messages;
        const char *ids[IDS_MAX][2]; /* source and local id that somebody was told of under */
        size_t n_ids;
} History;

/* So that nobody trusts histories in which nothing happens. */
static struct { size_t held, doubtful, conflicts, decided, retried; } seen;

static const char *const sources[] = { "hospital", "community", "hospice" };
static const char *const numbers[] = { "9434765919", "4505577104", "9912003888" };
static const char *const births[] = { "1950-02-03", "1961-12-24", "1938-07-09" };

/* Every message has a minute of its own. */
__attribute__((format(printf, 4, 5))) static void tell(History *history, const char *source, const char *id,
                                                       const char *format, ...) {
        char words[400];
        size_t n = history->n_messages++;
        bool is_there = false;
        va_list args;

        assert_in_range(n, 0, MESSAGES_MAX - 1);
        va_start(args, format);
        vsnprintf(words, sizeof(words), format, args);
        va_end(args);
        history->messages[n] = (Message){ .source = source, .waits = draw(10) == 0 };
        history->messages[n].line = arena_format(history->arena, "%s said=%02zu:%02zu", words, 8 + n / 60, n % 60);
        for (size_t i = 0; i < history->n_ids; i++)
                is_there = is_there || (strcmp(history->ids[i][0], source) == 0 && strcmp(history->ids[i][1], id) == 0);
        if (is_there)
                return;
        assert_in_range(history->n_ids, 0, IDS_MAX - 1);
        history->ids[history->n_ids][0] = source;
        history->ids[history->n_ids++][1] = id;
}

/* An id that a source has for a person: A is the ordinary one, B and C are duplicates that may be merged. */
static const char *local_id(History *history, size_t person, const char *kind) {
        return arena_format(history->arena, "%s%zu", kind, person);
}

static void tell_person(History *history, size_t source, size_t person) {
        const char *id = local_id(history, person, "A");

        /* Names come with the number alone, so that nobody is compared by score. */
        if (draw(3))
                tell(history, sources[source], id,
                     "patient.%s mrn=%s nhs=%s/verified born=%s sex=female family=F%zu phone=%zu",
                     draw(2) ? "registered" : "updated", id, numbers[person], births[person], person,
                     history->n_messages);
        else
                tell(history, sources[source], id, "patient.updated mrn=%s phone=%zu kin=K%zu", id, history->n_messages,
                     draw(3));
}

static void tell_stay(History *history, size_t source, size_t person) {
        static const char *const kinds[] = { "A", "A", "B", "C" };
        static const char *const types[] = { "admitted",    "transferred", "transferred",         "leave_started",
                                             "leave_ended", "discharged",  "discharge_cancelled", "transfer_cancelled",
                                             "updated",     "admitted",    "admission_cancelled" };
        const char *id = local_id(history, person, kinds[draw(4)]);

        tell(history, sources[source], id, "encounter.%s mrn=%s visit=V%zu%zu ward=W%zu%s",
             types[draw(ELEMENTSOF(types))], id, person, draw(2), draw(4), draw(12) ? "" : " action=error");
}

static void tell_decision(History *history, size_t source, size_t person) {
        const char *id = local_id(history, person, draw(3) ? "A" : "B");

        if (draw(4))
                tell(history, sources[source], id,
                     "cpr_decision.recorded mrn=%s order=O%zu%zu decision.decision=%s decision.scope=%s "
                     "decision.decided_at=%02zu:00",
                     id, person, draw(3), draw(2) ? "450476008" : "450475007", draw(2) ? "everywhere" : "this_stay",
                     1 + draw(6));
        else
                tell(history, sources[source], id, "cpr_decision.ended mrn=%s order=O%zu%zu%s", id, person, draw(3),
                     draw(3) ? "" : " action=error");
}

static void tell_fact(History *history, size_t source, size_t person) {
        const char *id = local_id(history, person, draw(4) ? "A" : "B"), *from = sources[source];
        const char *error = draw(5) ? "" : " action=error";

        switch (draw(6)) {
        case 0:
                tell(history, from, id,
                     "outcome.measured mrn=%s measure.scale=901671000000100 measure.measured_at=%02zu:30 "
                     "measure.total=%zu%s",
                     id, draw(8), 10 * draw(9), error);
                return;
        case 1:
                tell(history, from, id, "allergy.recorded mrn=%s allergy.substance=3726870%02zu%s", id, draw(3), error);
                return;
        case 2:
                tell(history, from, id, "document.available mrn=%s document=D%zu document.title=T%zu%s", id, draw(3),
                     draw(3), error);
                return;
        case 3:
                tell(history, from, id, "document.replaced mrn=%s document=D%zu document.replaces=D%zu", id,
                     3 + draw(2), draw(3));
                return;
        case 4:
                tell(history, from, id, "consent.recorded mrn=%s consent.kind=share consent.state=%s%s", id,
                     draw(2) ? "given" : "refused", error);
                return;
        default:
                tell(history, from, id, "referral.%s mrn=%s referral=R%zu", draw(2) ? "requested" : "accepted", id,
                     draw(2));
        }
}

static void tell_death(History *history, size_t source, size_t person) {
        const char *id = local_id(history, person, "A");

        if (draw(3))
                tell(history, sources[source], id, "death.notified mrn=%s death=%s dead_at=07:%02zu", id,
                     draw(2) ? "formal" : "informal", draw(60));
        else
                tell(history, sources[source], id, "death.retracted mrn=%s", id);
}

/* B into A, C into B: chains and repetitions. */
static void tell_merge(History *history, size_t source, size_t person) {
        bool chain = draw(2);
        const char *survivor = local_id(history, person, chain ? "B" : "A"),
                   *retired = local_id(history, person, chain ? "C" : "B");

        tell(history, sources[source], survivor, "patient.%s survivor=%s retired=%s", draw(3) ? "merged" : "unmerged",
             survivor, retired);
}

/* A number, or a stay, goes to another number of the same person. */
static void tell_move(History *history, size_t source, size_t person) {
        const char *from = local_id(history, person, draw(2) ? "A" : "B"), *to = local_id(history, person, "C");
        size_t visit = draw(2);

        if (draw(2))
                tell(history, sources[source], to, "patient.moved survivor=%s retired=%s scope=identifiers", to, from);
        else
                tell(history, sources[source], to,
                     "patient.moved survivor=%s retired=%s scope=visit moves=V%zu%zu former=V%zu%zu", to, from, person,
                     visit, person, visit);
}

static Message *message_add(History *history, Kind kind) {
        assert_in_range(history->n_messages, 0, MESSAGES_MAX - 1);
        history->messages[history->n_messages] = (Message){ .kind = kind, .source = "", .line = (char *)"" };
        return &history->messages[history->n_messages++];
}

/* Two sources speak of a D each, and somebody decides about the two. */
static void tell_decided(History *history, size_t source, size_t person) {
        const char *id = local_id(history, person, "D");

        if (history->n_messages + 6 >= MESSAGES_MAX)
                return;
        for (size_t i = 0; i < 2; i++)
                tell(history, sources[i], id, "document.available mrn=%s document=D%zu document.title=T%zu", id,
                     7 + draw(2), draw(3));
        message_add(history, LINK)->person = person;
        if (draw(2))
                message_add(history, UNLINK)->person = person;
        seen.decided++;
}

static void retries_draw(History *history, size_t n) {
        for (size_t i = 0; i < n && history->n_messages < MESSAGES_MAX; i++)
                if (history->messages[i].waits && draw(2)) {
                        message_add(history, RETRY)->about = i;
                        seen.retried++;
                }
}

static History *history_draw(Arena *arena) {
        static void (*const tellers[])(History *, size_t,
                                       size_t) = { tell_person, tell_person,   tell_stay, tell_stay,    tell_decision,
                                                   tell_fact,   tell_fact,     tell_fact, tell_merge,   tell_merge,
                                                   tell_merge,  tell_decision, tell_move, tell_decided, tell_death };
        History *history = arena_alloc(arena, sizeof(*history));
        size_t n_sources = 1 + draw(3), n_persons = 1 + draw(3); /* the fewer, the more is said of each */
        size_t n = 6 + draw(MESSAGES_MAX - 10);

        *history = (History){ .arena = arena };
        while (history->n_messages < n)
                tellers[draw(ELEMENTSOF(tellers) - (draw(3) > 0))](history, draw(n_sources), draw(n_persons));
        retries_draw(history, history->n_messages);
        return history;
}

/* NULL: nobody has spoken of it yet. */
static char *person_find(World *world, StateTxn *txn, const char *source, const char *id) {
        char **ids, *system = arena_format(world->arena, "carebus:%s", source);
        size_t n_ids;
        int r;

        r = identity_find(txn, system, id, world->arena, &ids, &n_ids);
        assert_in_range(r, 0, INT_MAX);
        return r == 0 && n_ids == 1 ? ids[0] : NULL;
}

/* Nobody can decide about whom nobody has spoken of, or read again what has not come: false, it has to wait. */
static bool decision_push(World *world, const History *history, const Message *message, const uint64_t *seqs) {
        Carebus__V1__Entry entry = CAREBUS__V1__ENTRY__INIT;
        Carebus__V1__JournalDecision *decision = MAKE(journal_decision, world->arena);

        entry.kind_case = CAREBUS__V1__ENTRY__KIND_DECISION;
        entry.decision = decision;
        decision->has_kind = 1;
        decision->who = (char *)"unix:0";
        decision->why = (char *)"looked";
        if (message->kind == RETRY) {
                decision->kind = CAREBUS__V1__JOURNAL_DECISION__KIND__KIND_RETRY;
                decision->has_seq = 1;
                decision->seq = seqs[message->about];
                if (decision->seq == 0)
                        return false;
        } else {
                StateTxn *txn = world_look(world);
                size_t n_known = 0;

                decision->kind = message->kind == LINK ? CAREBUS__V1__JOURNAL_DECISION__KIND__KIND_LINK
                                                       : CAREBUS__V1__JOURNAL_DECISION__KIND__KIND_UNLINK;
                decision->n_patient_ids = 2;
                decision->patient_ids = arena_alloc(world->arena, 2 * sizeof(char *));
                for (size_t i = 0; i < 2; i++) {
                        decision->patient_ids[i] = person_find(world, txn, sources[i],
                                                               arena_format(world->arena, "D%zu", message->person));
                        n_known += decision->patient_ids[i] != NULL;
                }
                state_abort(txn);
                if (n_known < 2)
                        return false;
        }
        world_push(world, &entry, story_time("23:00") + (int64_t)(message - history->messages));
        return true;
}

static bool message_push(World *world, const History *history, size_t index, uint64_t *seqs) {
        const Message *message = &history->messages[index];
        Carebus__V1__Entry entry = CAREBUS__V1__ENTRY__INIT;
        Carebus__V1__StoredSubmission *submission = MAKE(stored_submission, world->arena);
        char *words[WORDS_MAX], *line = arena_text(world->arena, message->line, strlen(message->line)), *word;
        size_t n = 0;

        if (message->kind != SAID)
                return decision_push(world, history, message, seqs);
        while ((word = strsep(&line, " "))) {
                assert_in_range(n, 0, WORDS_MAX - 1);
                words[n++] = word;
        }
        submission->source = (char *)message->source;
        submission->message_id = arena_format(world->arena, "M%zu", index);
        submission->n_events = 1;
        submission->events = arena_alloc(world->arena, sizeof(void *));
        submission->events[0] = story_event(message->source, story_time("23:00"), words, n, world->arena);
        if (message->waits) {
                submission->problem = MAKE(problem, world->arena);
                submission->problem->code = (char *)"parse-broken";
        }
        entry.kind_case = CAREBUS__V1__ENTRY__KIND_SUBMISSION;
        entry.submission = submission;
        seqs[index] = world_push(world, &entry, story_time("23:00"));
        return true;
}

/* What has to wait for another comes behind it; who decides does so one after the other. */
static void messages_push(World *world, const History *history, const size_t *order) {
        bool done[MESSAGES_MAX] = {}, later = true;
        uint64_t seqs[MESSAGES_MAX] = {};

        for (size_t round = 0; later; round++) {
                size_t decided = 0; /* the first that has not been decided */

                assert_in_range(round, 0, MESSAGES_MAX);
                later = false;
                for (size_t i = 0; i < history->n_messages; i++) {
                        Kind kind = history->messages[order[i]].kind;

                        if (done[order[i]])
                                continue;
                        for (decided = 0; decided < order[i]; decided++)
                                if (!done[decided] && (kind == LINK || kind == UNLINK) &&
                                    (history->messages[decided].kind == LINK ||
                                     history->messages[decided].kind == UNLINK))
                                        break;
                        done[order[i]] = decided == order[i] && message_push(world, history, order[i], seqs);
                        later = later || !done[order[i]];
                }
        }
}

static void seen_note(const char *text) {
        seen.held += strstr(text, "held:") != NULL;
        seen.doubtful += strstr(text, "which_person:") != NULL;
        seen.conflicts += strstr(text, "conflicts:") != NULL;
}

/* The records of all ids, one after the other, as this order makes them. `refold`: and a rebuild makes the same of it. */
static void told(const History *history, const size_t *order, bool refold, char *texts[IDS_MAX], Arena *arena) {
        World world;
        StateTxn *txn;

        world_begin(&world);
        world_push_settings(&world, sources, ELEMENTSOF(sources));
        messages_push(&world, history, order);
        txn = world_look(&world);
        for (size_t i = 0; i < history->n_ids; i++) {
                char *id = person_find(&world, txn, history->ids[i][0], history->ids[i][1]), *text;

                assert_non_null(id);
                text = world_record_text_any(&world, txn, id);
                seen_note(text);
                texts[i] = arena_text(arena, text, strlen(text));
        }
        state_abort(txn);
        if (refold) {
                uint8_t digest[32], again[32];

                world_digest(&world, digest);
                world_refold(&world, 1 + history->n_messages / 3, &seed, again);
                assert_memory_equal(digest, again, sizeof(digest));
        }
        world_end(&world);
}

static void order_print(const History *history, const size_t *order) {
        static const char *const kinds[] = { "", "retry", "link", "unlink" };

        for (size_t i = 0; i < history->n_messages; i++)
                printf("# M%zu %s %s%s%s of M%zu, D%zu\n", order[i], history->messages[order[i]].source,
                       history->messages[order[i]].line, kinds[history->messages[order[i]].kind],
                       history->messages[order[i]].waits ? " (waits)" : "", history->messages[order[i]].about,
                       history->messages[order[i]].person);
}

static void order_shuffle(size_t *order, size_t n) {
        for (size_t i = n - 1; i > 0; i--) {
                size_t j = draw(i + 1), swap = order[i];

                order[i] = order[j];
                order[j] = swap;
        }
}

static void test_one_history_in_any_order_is_one_record(void **state) {
        const char *given = getenv("CAREBUS_HISTORIES");
        size_t n_histories = given ? (size_t)atoi(given) : HISTORIES;

        for (size_t h = 0; h < n_histories; h++) {
                _cleanup_(arena_freep) Arena *arena = NULL;
                size_t order[MESSAGES_MAX];
                char *first[IDS_MAX], *again[IDS_MAX];
                History *history;

                assert_int_equal(arena_new(&arena, 1UL << 28), 0);
                history = history_draw(arena);
                for (size_t i = 0; i < history->n_messages; i++)
                        order[i] = i;
                told(history, order, /* refold= */ true, first, arena);
                for (size_t o = 0; o < ORDERS; o++) {
                        ArenaMark mark = arena_mark(arena);

                        order_shuffle(order, history->n_messages);
                        told(history, order, /* refold= */ o == 0, again, arena);
                        for (size_t i = 0; i < history->n_ids; i++) {
                                if (strcmp(first[i], again[i]) == 0)
                                        continue;
                                order_print(history, order);
                                printf("--- as said\n%s--- in the order above\n%s---\n", first[i], again[i]);
                                fail_msg("%s:%s differs by the order of arrival", history->ids[i][0],
                                         history->ids[i][1]);
                        }
                        arena_rewind(arena, mark);
                }
        }
        printf("# %zu histories, each in %d orders: of the records %zu had something held, %zu something doubtful, %zu "
               "a "
               "conflict; %zu decisions, %zu readings again\n",
               n_histories, 1 + ORDERS, seen.held, seen.doubtful, seen.conflicts, seen.decided, seen.retried);
        assert_true(n_histories < 40 || (seen.conflicts > 0 && seen.decided > 0 && seen.retried > 0));
        assert_true(n_histories < 400 || (seen.held > 0 && seen.doubtful > 0));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_one_history_in_any_order_is_one_record),
        };
        const char *given = getenv("CAREBUS_SEED");

        seed = given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL) * 2654435761u + (uint64_t)getpid();
        seed = seed ? seed : 1;
        printf("# CAREBUS_SEED=%llu\n", (unsigned long long)seed);
        fflush(stdout);
        return cmocka_run_group_tests_name("permutations", tests, NULL, NULL);
}
