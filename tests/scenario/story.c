#include "tests/scenario/story.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/sha256.h"
#include "base/text.h"
#include "daemon/record/body.h"
#include "tests/scenario/expect.h"
#include "tests/scenario/story-event.h"
#include "tests/scenario/story-sharing.h"

#define WORDS_MAX 40
#define LINES_MAX 400
#define PERMUTED_MAX 6
#define MAKE(type, arena) ((void *)message_new(&carebus__v1__##type##__descriptor, arena))

typedef struct Line {
        char *text;
        unsigned number;
        bool indented;
} Line;

typedef struct Story {
        const char *path;
        char *text;
        Line lines[LINES_MAX];
        size_t n_lines;
        size_t permuted[PERMUTED_MAX]; /* first lines of the entries that come in every order */
        size_t n_permuted;
} Story;

char *story_promise(const char *path) {
        _cleanup_(fclosep) FILE *file = fopen(path, "re");
        char line[512];

        if (!file || !fgets(line, sizeof(line), file) || strncmp(line, "# ", 2) != 0)
                return NULL;
        line[strcspn(line, "\n")] = '\0';
        return strdup(line + 2);
}

static void story_read(Story *story, const char *path) {
        _cleanup_(fclosep) FILE *file = fopen(path, "re");
        size_t size = 0, n_permute = 0;
        unsigned number = 0;

        *story = (Story){ .path = path };
        assert_non_null(file);
        if (getdelim(&story->text, &size, '\0', file) <= 0)
                fail_msg("%s is empty", path);
        for (char *at = story->text, *line; (line = strsep(&at, "\n"));) {
                number++;
                if (line[0] == '#' || line[strspn(line, " ")] == '\0')
                        continue;
                assert_in_range(story->n_lines, 0, LINES_MAX - 1);
                if (strncmp(line, "permute ", 8) == 0) {
                        n_permute = (size_t)atoi(line + 8);
                        assert_in_range(n_permute, 2, PERMUTED_MAX);
                        continue;
                }
                if (line[0] != ' ' && story->n_permuted < n_permute)
                        story->permuted[story->n_permuted++] = story->n_lines;
                story->lines[story->n_lines++] = (Line){ .text = line, .number = number, .indented = line[0] == ' ' };
        }
}

static size_t words_split(const char *line, char *words[WORDS_MAX], Arena *arena) {
        char *copy = arena_text(arena, line, strlen(line)), *word;
        size_t n = 0;

        while ((word = strsep(&copy, " "))) {
                if (!word[0])
                        continue;
                assert_in_range(n, 0, WORDS_MAX - 1);
                words[n++] = word;
        }
        return n;
}

typedef struct Telling {
        const Story *story;
        World world;
        int64_t clock;
        Expecting expecting;
} Telling;

static char *option(char **words, size_t n_words, const char *key) {
        size_t n_key = strlen(key);

        for (size_t i = 0; i < n_words; i++)
                if (strncmp(words[i], key, n_key) == 0 && words[i][n_key] == '=')
                        return words[i] + n_key + 1;
        return NULL;
}

static void original_set(Carebus__V1__StoredSubmission *submission, const char *bytes, Arena *arena) {
        Carebus__V1__Original *original = submission->original = MAKE(original, arena);
        uint8_t *hash = arena_alloc(arena, SHA256_SIZE);

        sha256(bytes, strlen(bytes), hash);
        original->has_data = original->has_size = original->has_sha256 = 1;
        original->data = (ProtobufCBinaryData){ .len = strlen(bytes), .data = (uint8_t *)bytes };
        original->size = (uint32_t)strlen(bytes);
        original->sha256 = (ProtobufCBinaryData){ .len = SHA256_SIZE, .data = hash };
}

static void tell_send(Telling *telling, size_t line, char **words, size_t n_words) {
        Arena *arena = telling->world.arena;
        Carebus__V1__StoredSubmission *submission = MAKE(stored_submission, arena);
        Carebus__V1__Entry entry = CAREBUS__V1__ENTRY__INIT;
        char *problem, *reads;

        assert_in_range(n_words, 3, WORDS_MAX);
        submission->source = words[1];
        submission->message_id = words[2];
        submission->message_time = option(words, n_words, "time") ? story_when(option(words, n_words, "time"), arena)
                                                                  : NULL;
        submission->trigger = option(words, n_words, "trigger");
        original_set(submission, option(words, n_words, "bytes") ?: arena_format(arena, "bytes of %s", words[2]),
                     arena);
        submission->has_history = submission->history = option(words, n_words, "history") != NULL;
        problem = option(words, n_words, "problem");
        if (problem) {
                submission->problem = MAKE(problem, arena);
                submission->problem->has_urgent = submission->problem->urgent = problem[strlen(problem) - 1] == '!';
                problem[strcspn(problem, "!")] = '\0';
                submission->problem->code = problem;
        }
        reads = option(words, n_words, "reads");
        if (reads) {
                submission->has_retranslates = 1;
                submission->retranslates = expect_seq(&telling->world, reads);
        }
        for (size_t i = line + 1; i < telling->story->n_lines && telling->story->lines[i].indented; i++) {
                char *of_event[WORDS_MAX];
                size_t n = words_split(telling->story->lines[i].text, of_event, arena);

                assert_int_equal(list_append((void ***)&submission->events, &submission->n_events,
                                             story_event(submission->source, telling->clock, of_event, n, arena),
                                             arena),
                                 0);
        }
        entry.kind_case = CAREBUS__V1__ENTRY__KIND_SUBMISSION;
        entry.submission = submission;
        world_push(&telling->world, &entry, telling->clock);
}

static void tell_settings(Telling *telling, char **words, size_t n_words) {
        Arena *arena = telling->world.arena;
        Carebus__V1__Settings *settings = MAKE(settings, arena);
        Carebus__V1__Entry entry = CAREBUS__V1__ENTRY__INIT;

        settings->bus = (char *)"story";
        for (size_t i = 1; i < n_words; i++) {
                Carebus__V1__SourceSettings *source;
                size_t n = strlen(words[i]);
                char *at;

                if (story_sharing_word(settings, words[i], arena))
                        continue;
                source = MAKE(source_settings, arena);
                at = strchr(words[i], '@');
                if (at) {
                        *at++ = '\0';
                        source->team = at;
                        n = strlen(words[i]);
                }

                source->has_lists_complete = source->lists_complete = words[i][n - 1] == '+';
                source->has_numbers_traced = source->numbers_traced = words[i][n - 1] == '*';
                source->name = arena_text(arena, words[i], strcspn(words[i], "+*"));
                assert_int_equal(list_append((void ***)&settings->sources, &settings->n_sources, source, arena), 0);
        }
        entry.kind_case = CAREBUS__V1__ENTRY__KIND_SETTINGS;
        entry.settings = settings;
        world_push(&telling->world, &entry, telling->clock);
}

static void tell_decision(Telling *telling, char **words, size_t n_words) {
        Carebus__V1__JournalDecision *decision = MAKE(journal_decision, telling->world.arena);
        Carebus__V1__Entry entry = CAREBUS__V1__ENTRY__INIT;
        bool other = strcmp(words[0], "decide") == 0;

        assert_in_range(n_words, other ? 3 : 2, WORDS_MAX);
        decision->has_kind = decision->has_seq = 1;
        decision->kind = other                            ? (Carebus__V1__JournalDecision__Kind)atoi(words[1])
                         : strcmp(words[0], "retry") == 0 ? CAREBUS__V1__JOURNAL_DECISION__KIND__KIND_RETRY
                                                          : CAREBUS__V1__JOURNAL_DECISION__KIND__KIND_DISCARD;
        decision->seq = expect_seq(&telling->world, words[other ? 2 : 1]);
        decision->who = option(words, n_words, "who");
        decision->why = option(words, n_words, "why");
        entry.kind_case = CAREBUS__V1__ENTRY__KIND_DECISION;
        entry.decision = decision;
        world_push(&telling->world, &entry, telling->clock);
}

/* link, unlink, assign, settle: [ID] [ID] [review=MESSAGE] [conflict=ID PATH] who=X why=X */
static void tell_identity(Telling *telling, char **words, size_t n_words) {
        static const struct {
                const char *word;
                Carebus__V1__JournalDecision__Kind kind;
        } kinds[] = {
                { "link", CAREBUS__V1__JOURNAL_DECISION__KIND__KIND_LINK },
                { "unlink", CAREBUS__V1__JOURNAL_DECISION__KIND__KIND_UNLINK },
                { "assign", CAREBUS__V1__JOURNAL_DECISION__KIND__KIND_ASSIGN },
                { "settle", CAREBUS__V1__JOURNAL_DECISION__KIND__KIND_SETTLE },
        };
        Arena *arena = telling->world.arena;
        Carebus__V1__JournalDecision *decision = MAKE(journal_decision, arena);
        Carebus__V1__Entry entry = CAREBUS__V1__ENTRY__INIT;
        const char *review = option(words, n_words, "review");

        decision->has_kind = 1;
        for (size_t i = 0; i < ELEMENTSOF(kinds); i++)
                if (strcmp(kinds[i].word, words[0]) == 0)
                        decision->kind = kinds[i].kind;
        for (size_t i = 1; i < n_words && !strchr(words[i], '='); i++)
                assert_int_equal(list_append((void ***)&decision->patient_ids, &decision->n_patient_ids,
                                             expect_person(&telling->world, words[i]), arena),
                                 0);
        decision->review_id = review ? expect_review(&telling->world, review) : NULL;
        decision->conflict_id = option(words, n_words, "conflict");
        decision->who = option(words, n_words, "who");
        decision->why = option(words, n_words, "why");
        entry.kind_case = CAREBUS__V1__ENTRY__KIND_DECISION;
        entry.decision = decision;
        world_push(&telling->world, &entry, telling->clock);
}

static bool is_identity(const char *word) {
        return strcmp(word, "link") == 0 || strcmp(word, "unlink") == 0 || strcmp(word, "assign") == 0 ||
               strcmp(word, "settle") == 0;
}

static void tell_grant(Telling *telling, char **words, size_t n_words) {
        Carebus__V1__Entry entry = CAREBUS__V1__ENTRY__INIT;
        const char *who = strchr(words[1], ':') || words[1][0] == 'p' ? expect_person(&telling->world, words[1]) : NULL;

        entry.kind_case = CAREBUS__V1__ENTRY__KIND_DECISION;
        entry.decision = story_grant(words, n_words, who, telling->world.arena);
        world_push(&telling->world, &entry, telling->clock);
}

static void tell_other(Telling *telling, bool tick, const char *due_at) {
        Carebus__V1__Entry entry = CAREBUS__V1__ENTRY__INIT;

        entry.kind_case = tick ? CAREBUS__V1__ENTRY__KIND_TICK : CAREBUS__V1__ENTRY__KIND_DICTIONARY;
        if (tick) {
                entry.tick = MAKE(tick, telling->world.arena);
                entry.tick->has_due_at = due_at != NULL;
                entry.tick->due_at = due_at ? story_time(due_at) : 0;
        } else {
                entry.dictionary = MAKE(dictionary, telling->world.arena);
                entry.dictionary->has_data = 1;
                entry.dictionary->data = (ProtobufCBinaryData){ .len = 4, .data = (uint8_t *)"dict" };
        }
        world_push(&telling->world, &entry, telling->clock);
}

static void tell_line(Telling *telling, size_t line) {
        char *words[WORDS_MAX];
        size_t n = words_split(telling->story->lines[line].text, words, telling->world.arena);

        telling->expecting.where = arena_format(telling->world.arena, "%s:%u: %s", telling->story->path,
                                                telling->story->lines[line].number, telling->story->lines[line].text);
        if (strcmp(words[0], "clock") == 0) {
                telling->clock = story_time(words[1]);
                return;
        }
        if (strcmp(words[0], "expect") == 0) {
                expect_line(&telling->expecting, &telling->world, words + 1, n - 1);
                return;
        }
        if (strcmp(words[0], "send") == 0)
                tell_send(telling, line, words, n);
        else if (strcmp(words[0], "settings") == 0)
                tell_settings(telling, words, n);
        else if (strcmp(words[0], "retry") == 0 || strcmp(words[0], "discard") == 0 || strcmp(words[0], "decide") == 0)
                tell_decision(telling, words, n);
        else if (strcmp(words[0], "tick") == 0 || strcmp(words[0], "dictionary") == 0)
                tell_other(telling, strcmp(words[0], "tick") == 0, n > 1 ? words[1] : NULL);
        else if (is_identity(words[0]))
                tell_identity(telling, words, n);
        else if (story_is_grant(words[0]))
                tell_grant(telling, words, n);
        else
                fail_msg("%s: no such line", telling->expecting.where);
        telling->clock += 60 * USEC_PER_SEC;
}

/* Live, in one go and in transactions of one: the state must not tell. */
static void tell_again(Telling *telling) {
        uint8_t live[32], again[32];
        uint64_t seed = 4711;

        world_digest(&telling->world, live);
        world_refold(&telling->world, telling->world.n_entries, NULL, again);
        assert_memory_equal(live, again, sizeof(live));
        world_refold(&telling->world, 3, &seed, again);
        assert_memory_equal(live, again, sizeof(live));
}

/* Who wants to see the world behind a story. */
typedef struct Audience {
        void (*told)(const World *world, void *owner);
        void *owner;
} Audience;

static void story_tell(const Story *story, const size_t *order, Expecting *expecting, const Audience *audience) {
        Telling telling = { .story = story, .clock = story_time("08:00"), .expecting = *expecting };
        size_t n_told = 0;

        world_begin(&telling.world);
        for (size_t i = 0; i < story->n_lines; i++) {
                size_t line = i;

                if (story->lines[i].indented)
                        continue;
                if (n_told < story->n_permuted && i == story->permuted[n_told])
                        line = story->permuted[order[n_told++]];
                tell_line(&telling, line);
        }
        if (story->n_permuted <= 3)
                tell_again(&telling);
        if (audience->told)
                audience->told(&telling.world, audience->owner);
        *expecting = telling.expecting;
        world_end(&telling.world);
}

static bool order_next(size_t *order, size_t n) {
        size_t i = n, j = n;

        while (i > 1 && order[i - 2] >= order[i - 1])
                i--;
        if (i <= 1)
                return false;
        while (order[j - 1] <= order[i - 2])
                j--;
        for (size_t swap = order[i - 2], once = 1; once; once = 0)
                order[i - 2] = order[j - 1], order[j - 1] = swap;
        for (size_t a = i - 1, b = n - 1; a < b; a++, b--) {
                size_t swap = order[a];

                order[a] = order[b];
                order[b] = swap;
        }
        return true;
}

/* How many orders n entries have. */
static size_t orders_of(size_t n) {
        size_t count = 1;

        for (size_t i = 2; i <= n; i++)
                count *= i;
        return count;
}

static void story_run_orders(const char *path, bool all, const Audience *audience) {
        size_t order[PERMUTED_MAX] = { 0, 1, 2, 3, 4, 5 }, stride = 1;
        Expecting expecting = {};
        Story story;

        story_read(&story, path);
        /* Odd: or the same entries would always stand at the end. */
        if (!all && orders_of(story.n_permuted) > STORY_SOME_ORDERS)
                stride = orders_of(story.n_permuted) / STORY_SOME_ORDERS | 1;
        for (size_t i = 0; i == 0 || order_next(order, story.n_permuted); i++)
                if (i % stride == 0)
                        story_tell(&story, order, &expecting, audience);
        expect_end(&expecting);
        free(story.text);
}

void story_run(const char *path, bool all) {
        story_run_orders(path, all, &(Audience){});
}

void story_run_to(const char *path, void (*told)(const World *world, void *owner), void *owner) {
        story_run_orders(path, getenv("CAREBUS_NIGHTLY") != NULL, &(Audience){ .told = told, .owner = owner });
}
