/*
 * Who is joined by names, birth dates and postcodes, in whatever order sources speak. CAREBUS_SEED repeats a run, CAREBUS_HISTORIES says
 * how many.
 *
 * Where nobody else is near, every order ends with the same persons. Where somebody is (twins, or a parent of the same name), it is a
 * matter of order whether the bus joins two before it hears of the rival or asks afterwards: what holds in every order is that nobody
 * is ever joined with the rival, and that two ids of one human being are one or before a person, never overlooked.
 */
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
#include "base/text.h"
#include "daemon/record/body.h"
#include "daemon/record/held.h"
#include "tests/scenario/story-event.h"
#include "tests/scenario/world.h"

#define HISTORIES 20
#define ORDERS 5
#define HUMANS_MAX 6
#define SOURCES 3
#define LINES_MAX 48
#define WORDS_MAX 16
#define MAKE(type, arena) ((void *)message_new(&carebus__v1__##type##__descriptor, arena))

static uint64_t seed;
static struct { size_t joined, reviewed; } seen;

static size_t draw(size_t n) {
        return (size_t)(world_random(&seed) % n);
}

static const char *const sources[SOURCES] = { "hospital", "community", "hospice" };

typedef struct Human {
        const char *family, *given, *born, *postcode, *sex;
} Human;

/* Nobody is like another. */
static const Human humans[] = {
        { "McAllister", "Jean", "1950-02-03", "KY11AA", "female" },
        { "Okonkwo", "Chidi", "1961-12-24", "G128QQ", "male" },
        { "Szymanski", "Beata", "1938-07-09", "EH165AB", "female" },
        { "Fairweather", "Tobias", "1944-10-30", "AB101XG", "male" },
        { "Pugh", "Rhiannon", "1972-05-17", "CF101EP", "female" },
        { "Dalziel", "Morag", "1929-03-21", "PA344AB", "female" },
};

/* Each is another human being than the one at the same place above: a twin, a child of the same name, a sister. */
static const Human rivals[] = {
        { "McAllister", "Janet", "1950-02-03", "KY11AA", "female" },
        { "Okonkwo", "Chuka", "1961-12-24", "G128QQ", "male" },
        { "Szymanski", "Renata", "1938-07-09", "EH165AB", "female" },
        { "Fairweather", "Tobias", "1971-01-12", "AB101XG", "male" },
        { "Pugh", "Rhona", "1972-05-17", "CF101EP", "female" },
        { "Dalziel", "Moira", "1929-03-21", "PA344AB", "female" },
};

typedef struct Line {
        const char *source;
        char *text;
} Line;

typedef struct History {
        Arena *arena;
        Line lines[LINES_MAX];
        size_t n_lines;
        bool is_known[2][HUMANS_MAX][SOURCES]; /* has the source told of the human, or of the rival */
} History;

__attribute__((format(printf, 3, 4))) static void tell(History *history, const char *source, const char *format, ...) {
        char words[400];
        size_t n = history->n_lines++;
        va_list args;

        assert_in_range(n, 0, LINES_MAX - 1);
        va_start(args, format);
        vsnprintf(words, sizeof(words), format, args);
        va_end(args);
        history->lines[n] = (Line){ source,
                                    arena_format(history->arena, "%s said=%02zu:%02zu", words, 8 + n / 60, n % 60) };
}

static char *id_of(Arena *arena, bool rival, size_t human) {
        return arena_format(arena, "%s%zu", rival ? "R" : "H", human);
}

/* What a source says of somebody: who they are, once or again, and now and then what is decided, in messages without a name. */
static void human_tell(History *history, bool rival, size_t human, size_t source) {
        const Human *who = rival ? &rivals[human] : &humans[human];
        const char *id = id_of(history->arena, rival, human);

        for (size_t again = 0; again < 1 + (draw(3) == 0); again++)
                tell(history, sources[source],
                     "patient.%s mrn=%s born=%s sex=%s family=%s given=%s postcode=%s phone=01592%zu",
                     again ? "updated" : "registered", id, who->born, who->sex, who->family, who->given, who->postcode,
                     100000 + draw(900000));
        if (draw(3) == 0)
                tell(history, sources[source], "document.available mrn=%s document=D%zu document.title=T", id, draw(9));
        if (draw(5) == 0)
                tell(history, sources[source], "cpr_decision.recorded mrn=%s order=O1 decision.decision=450476008", id);
        history->is_known[rival][human][source] = true;
}

static History *history_draw(Arena *arena, bool with_rivals) {
        History *history = arena_alloc(arena, sizeof(*history));
        size_t n_humans = 1 + draw(4), first = draw(HUMANS_MAX);

        *history = (History){ .arena = arena };
        for (size_t i = 0; i < n_humans; i++)
                for (size_t j = 0; j < SOURCES; j++) {
                        if (draw(4) > 0)
                                human_tell(history, /* rival= */ false, (first + i) % HUMANS_MAX, j);
                        if (with_rivals && i < 2 && draw(2))
                                human_tell(history, /* rival= */ true, (first + i) % HUMANS_MAX, j);
                }
        return history;
}

static void line_push(World *world, const Line *line, size_t index) {
        Carebus__V1__Entry entry = CAREBUS__V1__ENTRY__INIT;
        Carebus__V1__StoredSubmission *submission = MAKE(stored_submission, world->arena);
        char *words[WORDS_MAX], *text = arena_text(world->arena, line->text, strlen(line->text)), *word;
        size_t n = 0;

        while ((word = strsep(&text, " "))) {
                assert_in_range(n, 0, WORDS_MAX - 1);
                words[n++] = word;
        }
        submission->source = (char *)line->source;
        submission->message_id = arena_format(world->arena, "M%zu", index);
        submission->n_events = 1;
        submission->events = arena_alloc(world->arena, sizeof(void *));
        submission->events[0] = story_event(line->source, story_time("23:00"), words, n, world->arena);
        entry.kind_case = CAREBUS__V1__ENTRY__KIND_SUBMISSION;
        entry.submission = submission;
        world_push(world, &entry, story_time("23:00"));
}

/* ---- what came of it ------------------------------------------------------------------------------------------------------- */

/* Who answers for what a source knows of somebody. */
static char *answering(World *world, StateTxn *txn, bool rival, size_t human, size_t source) {
        char **ids, *answers;
        size_t n;

        assert_int_equal(identity_find(txn, arena_format(world->arena, "carebus:%s", sources[source]),
                                       id_of(world->arena, rival, human), world->arena, &ids, &n),
                         0);
        assert_int_equal(n, 1);
        assert_int_equal(identity_resolve(txn, ids[0], world->arena, &answers), 0);
        return answers;
}

/* Does an open review name both? */
static bool is_reviewed(World *world, StateTxn *txn, const char *a, const char *b) {
        char **members;
        size_t n_members;

        assert_int_equal(identity_members(txn, a, world->arena, &members, &n_members), 0);
        for (size_t i = 0; i < n_members; i++) {
                Carebus__V1__Person *person;

                assert_int_equal(person_read(txn, members[i], world->arena, &person), 0);
                for (size_t j = 0; j < person->n_review_ids; j++) {
                        Carebus__V1__Review *review;

                        assert_int_equal(review_read(txn, person->review_ids[j], world->arena, &review), 0);
                        for (size_t k = 0; k < review->n_patient_ids; k++) {
                                char *answers;

                                assert_int_equal(identity_resolve(txn, review->patient_ids[k], world->arena, &answers),
                                                 0);
                                if (strcmp(answers, b) == 0)
                                        return true;
                        }
                }
        }
        return false;
}

static void order_fail(const History *history, const size_t *order, const char *what) {
        for (size_t i = 0; i < history->n_lines; i++)
                printf("# M%zu %s %s\n", order[i], history->lines[order[i]].source, history->lines[order[i]].text);
        fail_msg("%s", what);
}

/* The same human being as two sources know them. */
static void pair_check(World *world, StateTxn *txn, const History *history, const size_t *order, bool with_rivals,
                       const char *a, const char *b) {
        bool reviewed = strcmp(a, b) != 0 && is_reviewed(world, txn, a, b);

        seen.joined += strcmp(a, b) == 0;
        seen.reviewed += reviewed;
        if (strcmp(a, b) != 0 && !(with_rivals && reviewed))
                order_fail(history, order,
                           with_rivals ? "two ids of one human being are neither one nor before a person"
                                       : "two ids of one human being are not one, and nobody else is near");
}

/* Who is somebody else is somebody else. */
static void others_check(const History *history, const size_t *order, char *const answers[2 * HUMANS_MAX][SOURCES]) {
        for (size_t a = 0; a < 2 * HUMANS_MAX * SOURCES; a++)
                for (size_t b = 0; b < a; b++) {
                        const char *x = answers[a / SOURCES][a % SOURCES], *y = answers[b / SOURCES][b % SOURCES];

                        if (x && y && a / SOURCES != b / SOURCES && strcmp(x, y) == 0)
                                order_fail(history, order, "two human beings were made one");
                }
}

static void order_check(const History *history, const size_t *order, bool with_rivals) {
        char *answers[2 * HUMANS_MAX][SOURCES] = {};
        uint8_t digest[32], again[32];
        StateTxn *txn;
        World world;

        world_begin(&world);
        world_push_settings(&world, sources, SOURCES);
        for (size_t i = 0; i < history->n_lines; i++)
                line_push(&world, &history->lines[order[i]], order[i]);
        txn = world_look(&world);
        for (size_t who = 0; who < 2 * HUMANS_MAX; who++)
                for (size_t i = 0; i < SOURCES; i++) {
                        bool rival = who >= HUMANS_MAX;

                        if (!history->is_known[rival][who % HUMANS_MAX][i])
                                continue;
                        answers[who][i] = answering(&world, txn, rival, who % HUMANS_MAX, i);
                        for (size_t j = 0; j < i; j++)
                                if (answers[who][j])
                                        pair_check(&world, txn, history, order, with_rivals, answers[who][j],
                                                   answers[who][i]);
                }
        others_check(history, order, answers);
        state_abort(txn);
        world_digest(&world, digest);
        world_refold(&world, 1 + draw(9), &seed, again);
        assert_memory_equal(digest, again, sizeof(digest));
        world_end(&world);
}

static void order_shuffle(size_t *order, size_t n) {
        for (size_t i = n; i > 1; i--) {
                size_t j = draw(i), swap = order[i - 1];

                order[i - 1] = order[j];
                order[j] = swap;
        }
}

static void histories_check(bool with_rivals) {
        const char *given = getenv("CAREBUS_HISTORIES");
        size_t n = given ? (size_t)atoi(given) : HISTORIES;

        for (size_t h = 0; h < n; h++) {
                _cleanup_(arena_freep) Arena *arena = NULL;
                size_t order[LINES_MAX];
                History *history;

                assert_int_equal(arena_new(&arena, 1UL << 22), 0);
                history = history_draw(arena, with_rivals);
                for (size_t i = 0; i < history->n_lines; i++)
                        order[i] = i;
                for (size_t o = 0; o < ORDERS; o++) {
                        order_check(history, order, with_rivals);
                        order_shuffle(order, history->n_lines);
                }
        }
        printf("# %zu histories, each in %d orders: %zu pairs were joined, %zu are before a person\n", n, ORDERS,
               seen.joined, seen.reviewed);
        assert_true(n < 20 || seen.joined > 50);
}

static void test_whom_nobody_is_like_is_joined_in_any_order(void **state) {
        histories_check(/* with_rivals= */ false);
}

static void test_nobody_is_joined_with_a_rival_nor_overlooked_in_any_order(void **state) {
        histories_check(/* with_rivals= */ true);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_whom_nobody_is_like_is_joined_in_any_order),
                cmocka_unit_test(test_nobody_is_joined_with_a_rival_nor_overlooked_in_any_order),
        };
        const char *given = getenv("CAREBUS_SEED");

        seed = given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL) * 2654435761u + (uint64_t)getpid();
        seed = seed ? seed : 1;
        printf("# CAREBUS_SEED=%llu\n", (unsigned long long)seed);
        fflush(stdout);
        return cmocka_run_group_tests_name("score orders", tests, NULL, NULL);
}
