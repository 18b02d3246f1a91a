/*
 * Every key of the configuration with one letter left out, one too many, and two that changed places: each is found where it stands, and
 * nearly always it is said which key was meant.
 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
/* clang-format on */

#include "base/error.h"
#include "base/text.h"
#include "config/draft.h"
#include "config/profile-read.h"

#define SUGGESTED_AT_LEAST 99 /* of a hundred */
#define DEPTH_MAX 8
#define MISSES_SHOWN 20

typedef struct Level {
        const char *name; /* of the key that the next level is below */
        SchemaType type;
} Level;

typedef struct Trying {
        Level levels[DEPTH_MAX];
        size_t depth;
        size_t keys, mistakes, suggested;
} Trying;

static bool is_key(const SchemaItem *items, const char *word) {
        for (const SchemaItem *item = items; item->name; item++)
                if (text_equal(item->name, word))
                        return true;
        return false;
}

/* The file with that word as a key, below all that it stands in; line and column of the word. */
static Buffer file_with(const Trying *trying, const char *word, unsigned *ret_line, unsigned *ret_column) {
        Buffer buffer = BUFFER_NULL;
        int indent = 0;

        *ret_line = 1;
        for (size_t i = 0; i < trying->depth; i++) {
                const Level *level = &trying->levels[i];

                buffer_append_format(&buffer, "%s:\n%*s", level->name, indent + 2, "");
                indent += 2;
                ++*ret_line;
                if (level->type == SCHEMA_TABLE) {
                        buffer_append_format(&buffer, "one:\n%*s", indent + 2, "");
                        indent += 2;
                        ++*ret_line;
                } else if (level->type == SCHEMA_LIST) {
                        buffer_append_text(&buffer, "- ");
                        indent += 2;
                }
        }
        *ret_column = (unsigned)indent + 1;
        buffer_append_format(&buffer, "%s: 1\n", word);
        return buffer;
}

static const ConfigProblem *problem_at(const ConfigProblems *problems, unsigned line, unsigned column) {
        for (size_t i = 0; i < problems->n_items; i++)
                if (problems->items[i].line == line && problems->items[i].column == column &&
                    !problems->items[i].is_warning)
                        return &problems->items[i];
        return NULL;
}

static void try_word(Trying *trying, const char *key, const char *word) {
        _cleanup_(config_text_freep) ConfigText *text = calloc(1, sizeof(*text));
        _cleanup_(config_problems_deinit) ConfigProblems problems = {};
        _cleanup_(config_unrefp) Config *config = NULL;
        const ConfigProblem *problem;
        unsigned line, column;
        char meant[80];

        assert_non_null(text);
        assert_int_equal(config_text_add(text, "carebus.yaml"), 0);
        text->files[0].content = file_with(trying, word, &line, &column);
        (void)config_parse(text, &config, &problems);
        problem = problem_at(&problems, line, column);
        if (!problem)
                fail_msg("%s instead of %s is not found at %u:%u of\n%.*s", word, key, line, column,
                         (int)text->files[0].content.size, text->files[0].content.data);
        snprintf(meant, sizeof(meant), "'%s'", key);
        trying->mistakes++;
        if (problem->hint && strstr(problem->hint, meant))
                trying->suggested++;
        else if (trying->mistakes - trying->suggested <= MISSES_SHOWN)
                print_message("# %s instead of %s: %s\n", word, key, problem->hint ? problem->hint : "no hint");
}

/* Some that are keys themselves are no mistakes. */
static void try_key(Trying *trying, const SchemaItem *items, const char *key) {
        const size_t size = strlen(key);
        char word[80];

        assert_true(size < sizeof(word) - 2);
        for (size_t i = 0; i < size; i++) {
                snprintf(word, sizeof(word), "%.*s%s", (int)i, key, key + i + 1);
                if (word[0] && !is_key(items, word))
                        try_word(trying, key, word);
                snprintf(word, sizeof(word), "%.*s%c%s", (int)i, key, "xqe"[i % 3], key + i);
                if (!is_key(items, word))
                        try_word(trying, key, word);
                if (i + 1 < size && key[i] != key[i + 1]) {
                        snprintf(word, sizeof(word), "%.*s%c%c%s", (int)i, key, key[i + 1], key[i], key + i + 2);
                        if (!is_key(items, word))
                                try_word(trying, key, word);
                }
        }
        trying->keys++;
}

static void try_items(Trying *trying, const SchemaItem *items) {
        assert_true(trying->depth < DEPTH_MAX);
        for (const SchemaItem *item = items; item->name; item++) {
                try_key(trying, items, item->name);
                if (!item->items || item->type == SCHEMA_OTHER)
                        continue;
                trying->levels[trying->depth++] = (Level){ .name = item->name, .type = item->type };
                try_items(trying, item->items);
                trying->depth--;
        }
}

static void test_every_key_with_a_letter_wrong_is_located_and_nearly_always_understood(void **state) {
        Trying trying = {};

        try_items(&trying, config_items);
        print_message("# %zu keys, %zu mistakes, %zu with the key that was meant\n", trying.keys, trying.mistakes,
                      trying.suggested);
        assert_true(trying.keys > 100);
        assert_true(trying.suggested * 100 >= trying.mistakes * SUGGESTED_AT_LEAST);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_every_key_with_a_letter_wrong_is_located_and_nearly_always_understood),
        };
        return cmocka_run_group_tests_name("config mistakes", tests, NULL, NULL);
}
