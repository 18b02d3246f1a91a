/*
 * Every key of the configuration, of a file of sharing rules and of a profile, and every word that a key takes, with each single letter
 * left out, too many, another, and each two neighbours that changed places: each is found where it stands, and nearly always it is said
 * what was meant.
 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
/* clang-format on */

#include "base/error.h"
#include "base/text.h"
#include "tries.h"

#define SUGGESTED_AT_LEAST 95 /* of a hundred */
#define MISSES_SHOWN 20
#define LETTERS "abcdefghijklmnopqrstuvwxyz_"
#define BATCH_MAX 100 /* of the problems that are kept, so that each has its own */
#define WORD_SIZE 80

typedef struct Count {
        size_t keys, mistakes, suggested;
} Count;

/* Words that stand for one key or value, to be tried in one file. */
typedef struct Batch {
        const TriesPlace *place;
        const SchemaItem *items, *item;
        const char *meant; /* the key, or the word of it that it takes */
        bool is_value;
        char words[BATCH_MAX][WORD_SIZE];
        size_t n;
        Count *count;
} Batch;

/* Some that are keys or words themselves are no mistakes. */
static bool is_right(const Batch *batch, const char *word) {
        if (batch->is_value) {
                for (const char *const *known = batch->item->words; *known; known++)
                        if (text_equal(*known, word))
                                return true;
                return false;
        }
        for (const SchemaItem *item = batch->items; item->name; item++)
                if (text_equal(item->name, word))
                        return true;
        return false;
}

static void check_word(Batch *batch, const ConfigProblems *problems, size_t index, unsigned line, unsigned column) {
        const ConfigProblem *problem = tries_problem_at(problems, line, column);
        const char *word = batch->words[index];
        char path[200], meant[WORD_SIZE + 20];

        tries_path(batch->place, batch->item->name, path, sizeof(path));
        if (!problem)
                fail_msg("%s: '%s' instead of '%s' is not found at %u:%u", path, word, batch->meant, line, column);
        assert_non_null(problem->source_line);
        snprintf(meant, sizeof(meant), "did you mean '%s'?", batch->meant);
        batch->count->mistakes++;
        if (text_equal(problem->hint, meant))
                batch->count->suggested++;
        else if (batch->count->mistakes - batch->count->suggested <= MISSES_SHOWN)
                print_message("# %s: '%s' instead of '%s': %s\n", path, word, batch->meant,
                              problem->hint ? problem->hint : "no hint");
}

/* Keys one below the other, or one value: a key stands but once. */
static void try_batch(Batch *batch) {
        _cleanup_(config_problems_deinit) ConfigProblems problems = {};
        _cleanup_(buffer_deinit) Buffer content = BUFFER_NULL;
        unsigned line, column, behind = 1;

        if (batch->n == 0)
                return;
        tries_append_head(&content, batch->place, &line, &column);
        if (batch->is_value)
                behind = column + (unsigned)strlen(batch->item->name) + 2;
        for (size_t i = 0; i < batch->n; i++) {
                if (i > 0)
                        tries_append_indent(&content, column);
                if (batch->is_value)
                        buffer_append_format(&content, "%s: %s\n", batch->item->name, batch->words[i]);
                else
                        buffer_append_format(&content, "%s: 1\n", batch->words[i]);
        }
        assert_int_equal(content.error, 0);
        tries_read(batch->place->home, &content, &problems);
        assert_true(problems.n_errors == problems.n_items || problems.n_items < 200);
        for (size_t i = 0; i < batch->n; i++)
                check_word(batch, &problems, i, line + (unsigned)i, batch->is_value ? behind : column);
        batch->n = 0;
}

static void add_word(Batch *batch, const char *word) {
        if (word[0] == '\0' || is_right(batch, word))
                return;
        snprintf(batch->words[batch->n++], WORD_SIZE, "%s", word);
        if (batch->is_value || batch->n == BATCH_MAX)
                try_batch(batch);
}

/* Another letter there, and one more before it; the letter itself twice is the same behind it as before. */
static void add_letters(Batch *batch, size_t at, const char *letters) {
        const char *meant = batch->meant;
        char word[WORD_SIZE];

        for (const char *letter = letters; *letter; letter++) {
                if (*letter == meant[at])
                        continue;
                snprintf(word, sizeof(word), "%.*s%c%s", (int)at, meant, *letter, meant + at);
                add_word(batch, word);
                if (meant[at] == '\0')
                        continue;
                snprintf(word, sizeof(word), "%.*s%c%s", (int)at, meant, *letter, meant + at + 1);
                add_word(batch, word);
        }
}

static void add_edits(Batch *batch, const char *letters) {
        const char *meant = batch->meant;
        const size_t size = strlen(meant);
        char word[WORD_SIZE];

        assert_true(size < sizeof(word) - 2);
        for (size_t i = 0; i <= size; i++)
                add_letters(batch, i, letters);
        for (size_t i = 0; i < size; i++) {
                if (meant[i] == meant[i + 1])
                        continue;
                snprintf(word, sizeof(word), "%.*s%s", (int)i, meant, meant + i + 1);
                add_word(batch, word);
                if (i + 1 == size)
                        continue;
                snprintf(word, sizeof(word), "%.*s%c%c%s", (int)i, meant, meant[i + 1], meant[i], meant + i + 2);
                add_word(batch, word);
        }
        try_batch(batch);
        batch->count->keys++;
}

static void try_key(const TriesPlace *place, const SchemaItem *items, const SchemaItem *item, void *data) {
        Batch batch = { .place = place, .items = items, .item = item, .meant = item->name, .count = data };

        add_edits(&batch, LETTERS);
}

static void try_words(const TriesPlace *place, const SchemaItem *items, const SchemaItem *item, void *data) {
        if (item->type != SCHEMA_WORD)
                return;
        for (const char *const *word = item->words; *word; word++) {
                Batch batch = { .place = place, .item = item, .meant = *word, .is_value = true, .count = data };

                add_edits(&batch, "xe");
        }
}

static void assert_nearly_all(const Count *count, const char *of) {
        print_message("# %zu %s, %zu mistakes, all located, %zu (%.2f %%) with what was meant\n", count->keys, of,
                      count->mistakes, count->suggested, 100.0 * (double)count->suggested / (double)count->mistakes);
        assert_true(count->suggested * 100 >= count->mistakes * SUGGESTED_AT_LEAST);
}

static void test_every_key_with_a_letter_wrong_is_located_and_nearly_always_understood(void **state) {
        Count count = {};

        tries_visit_all(try_key, &count);
        assert_nearly_all(&count, "keys");
        assert_true(count.keys > 200);
}

static void test_every_word_with_a_letter_wrong_is_located_and_nearly_always_understood(void **state) {
        Count count = {};

        tries_visit_all(try_words, &count);
        assert_nearly_all(&count, "words");
        assert_true(count.keys > 40);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_every_key_with_a_letter_wrong_is_located_and_nearly_always_understood),
                cmocka_unit_test(test_every_word_with_a_letter_wrong_is_located_and_nearly_always_understood),
        };
        return cmocka_run_group_tests_name("config mistakes", tests, NULL, NULL);
}
