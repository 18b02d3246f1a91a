/*
 * Every key of the configuration, of a file of sharing rules and of a profile with values that it cannot have: another kind, another
 * type, out of range, twice, behind a tab, in quotes that nothing closes. Each is refused where it stands, and it is said which key it is.
 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
/* clang-format on */

#include <inttypes.h>

#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "tries.h"

#define VALUES_MAX 8
#define LONG_NAME "a23456789-123456789-123456789-123"

typedef struct Count {
        size_t keys, values;
} Count;

/* As they stand in the file. What is too small or too large by the key's own range comes besides. */
static const char *const wrong_values[_SCHEMA_TYPE_MAX][VALUES_MAX] = {
        [SCHEMA_TEXT] = { "\"\"" },
        [SCHEMA_NAME] = { "Upper", "a_b", "a.b", "\"\"", LONG_NAME },
        [SCHEMA_WORD] = { "no-such-word", "\"\"", "1" },
        [SCHEMA_NUMBER] = { "many", "-1", "1.5", "0x10", "99999999999999999999", "\"\"" },
        [SCHEMA_SIZE] = { "64 MB", "-1", "1.5 GiB", "MiB", "99999999999999999999 GiB", "\"\"" },
        [SCHEMA_BOOL] = { "yes", "1", "True", "off", "\"\"" },
        [SCHEMA_PATH] = { "relative/x", "x", "\"\"" },
        [SCHEMA_FILENAME] = { "a/b", "..", "\"\"" },
        [SCHEMA_ENDPOINT] = { "tcp://bus.example.org:1", "tcp://192.0.2.7", "tcp://192.0.2.7:0", "192.0.2.7:1",
                              "ipc:///run/x", "\"\"" },
        [SCHEMA_ADDRESS] = { "localhost:80", "192.0.2.7", "\"192.0.2.7:65536\"", "\"192.0.2.256:80\"", "\"\"" },
        [SCHEMA_NETWORK] = { "192.0.2.1/24", "192.0.2.0/33", "somewhere", "\"\"" },
        [SCHEMA_ZONE] = { "../etc/passwd", "Europe London", "\"\"" },
        [SCHEMA_USER] = { "two words", "\"\"" },
        [SCHEMA_ODS] = { "ra 9", "\"\"" },
        [SCHEMA_FIELD] = { "encounter..class", ".class", "Encounter.Class", "\"\"" },
        [SCHEMA_TARGET] = { "encounter..class", "names[0].family", "names[x]", "\"\"" },
        [SCHEMA_SOURCE] = { "PID-0", "\"PID-3[\"", "\"\"" },
        [SCHEMA_URL] = { "ftp://fhir.example.org", "\"https://\"", "fhir.example.org", "https://fhir.example.org/?x=1",
                         "\"\"" },
        [SCHEMA_RESOURCE] = { "encounter", "Two Words", "\"\"" },
        [SCHEMA_DAY] = { "2026-02-30", "01/03/2026", "2026-3-1", "\"\"" },
        [SCHEMA_TIME] = { "\"24:00\"", "\"7:30\"", "0730", "\"\"" },
        [SCHEMA_SYSTEM] = { "no-colon", "\"https://with space\"", "\"\"" },
        [SCHEMA_DURATION] = { "15", "15 minutes", "-1h", "1.5h", "soon", "\"\"" },
        [SCHEMA_PERCENT] = { "80", "0.8", "80 %", "-1%", "eighty%", "8O%", "\"\"" },
        [SCHEMA_BITS] = { "many", "1.2345", "1001", "1,5", "\"\"" },
        [SCHEMA_GROUP] = { "x", "[a]" },
        [SCHEMA_TABLE] = { "x", "[a]" },
        [SCHEMA_LIST] = { "x", "{a: b}" },
};

/* The line of a key, and where its value begins. */
static void refuse(const TriesPlace *place, const SchemaItem *item, const char *value, unsigned skipped, Count *count) {
        _cleanup_(config_problems_deinit) ConfigProblems problems = {};
        _cleanup_(buffer_deinit) Buffer content = BUFFER_NULL;
        const ConfigProblem *problem;
        unsigned line, column;
        char path[200];

        tries_append_head(&content, place, &line, &column);
        column += (unsigned)strlen(item->name) + 2 + skipped;
        buffer_append_format(&content, "%s: %s\n", item->name, value);
        tries_read(place->home, &content, &problems);
        problem = tries_problem_at(&problems, line, column);
        tries_path(place, item->name, path, sizeof(path));
        if (!problem)
                fail_msg("%s: '%.40s' is taken, or not found at %u:%u", path, value, line, column);
        if (!strstr(problem->message, item->name))
                fail_msg("%s: '%.40s': the key is not named: %s", path, value, problem->message);
        count->values++;
}

static void refuse_beyond(const TriesPlace *place, const SchemaItem *item, Count *count) {
        const char *unit = item->type == SCHEMA_DURATION ? "s" : item->type == SCHEMA_PERCENT ? "%" : "";
        char value[32];

        if (item->max == 0)
                return;
        snprintf(value, sizeof(value), "%" PRIu64 "%s", item->max + 1, unit);
        refuse(place, item, value, 0, count);
        if (item->min == 0)
                return;
        snprintf(value, sizeof(value), "%" PRIu64 "%s", item->min - 1, unit);
        refuse(place, item, value, 0, count);
}

/* In bytes. */
static void refuse_lengths(const TriesPlace *place, const SchemaItem *item, Count *count) {
        char value[2048];

        assert_true(item->max > 0 && item->max + 2 < sizeof(value));
        memset(value, 'x', sizeof(value));
        value[item->max + 1] = '\0';
        refuse(place, item, value, 0, count);
        if (item->min < 2)
                return;
        value[item->min - 1] = '\0';
        refuse(place, item, value, 0, count);
}

static void refuse_values(const TriesPlace *place, const SchemaItem *items, const SchemaItem *item, void *data) {
        const bool is_one = item->type != SCHEMA_GROUP && item->type != SCHEMA_TABLE && item->type != SCHEMA_LIST;
        Count *count = data;

        if (item->type == SCHEMA_OTHER)
                return;
        count->keys++;
        assert_non_null(wrong_values[item->type][0]);
        for (size_t i = 0; i < VALUES_MAX && wrong_values[item->type][i]; i++)
                refuse(place, item, wrong_values[item->type][i], 0, count);
        if (item->type == SCHEMA_NUMBER || item->type == SCHEMA_SIZE || item->type == SCHEMA_DURATION ||
            item->type == SCHEMA_PERCENT)
                refuse_beyond(place, item, count);
        if (item->type == SCHEMA_TEXT)
                refuse_lengths(place, item, count);
        if (is_one)
                refuse(place, item, "{a: b}", 0, count);
        if (is_one)
                refuse(place, item, item->is_list ? "[[a]]" : "[a]", item->is_list ? 1 : 0, count);
        /* the second of two: the first may be right */
        if (item->is_list)
                refuse(place, item, "[{a: b}, {c: d}]", 9, count);
}

static void test_every_key_refuses_what_it_cannot_be_where_it_stands(void **state) {
        Count count = {};

        tries_visit_all(refuse_values, &count);
        print_message("# %zu keys, %zu values refused\n", count.keys, count.values);
        assert_true(count.keys > 200 && count.values > 1000);
}

static void refuse_other(const TriesPlace *place, const SchemaItem *items, const SchemaItem *item, void *data) {
        _cleanup_(config_problems_deinit) ConfigProblems problems = {};
        _cleanup_(buffer_deinit) Buffer content = BUFFER_NULL;
        unsigned line, column;
        Count *count = data;

        if (item->type != SCHEMA_OTHER)
                return;
        tries_append_head(&content, place, &line, &column);
        buffer_append_format(&content, "%s: [[[a]]]\n", item->name);
        tries_read(place->home, &content, &problems);
        for (unsigned i = 0; i < 4; i++)
                count->values += tries_problem_at(&problems, line, column + (unsigned)strlen(item->name) + 2 + i) !=
                                 NULL;
        count->keys++;
        if (count->values < count->keys)
                fail_msg("%s: a list of lists of lists is taken, or not located", item->name);
        count->values = count->keys;
}

static void test_what_is_read_in_its_own_way_refuses_what_is_nothing_of_it(void **state) {
        Count count = {};

        tries_visit_all(refuse_other, &count);
        assert_true(count.keys > 8);
}

/* ---- form -------------------------------------------------------------------------------------------------------------- */

/* What somebody's editor or hurry makes of two lines with the same key, of which the second begins at a column of its own. */
typedef struct Form {
        const char *first, *second; /* behind the key */
        bool is_tab;                /* before the second, instead of its spaces */
        const char *says, *hint;
} Form;
static const Form forms[] = {
        { "~", "~", false, "is here twice", "keep one" },
        { "1", "1", true, "not YAML", "tab" },
        { "\"1", "1", false, "never closed", "close it" },
        { "'1", "'1'", false, "indented deeper", "quotation mark" },
        { "\"1", "\"1\"", false, "indented deeper", "quotation mark" },
        { "[1", "1", false, "not YAML", NULL },
};

static bool says(const ConfigProblem *problem, const Form *form) {
        return strstr(problem->message, form->says) &&
               (!form->hint || (problem->hint && strstr(problem->hint, form->hint)));
}

/* In the second line, or at the end of the file, which is behind it; never elsewhere. */
static bool is_said_near(const ConfigProblems *problems, const Form *form, unsigned line) {
        for (size_t i = 0; i < problems->n_items; i++)
                if (says(&problems->items[i], form) && problems->items[i].line >= line &&
                    problems->items[i].line <= line + 2)
                        return true;
        return false;
}

static void try_form(const TriesPlace *place, const SchemaItem *item, const Form *form) {
        _cleanup_(config_problems_deinit) ConfigProblems problems = {};
        _cleanup_(buffer_deinit) Buffer content = BUFFER_NULL;
        unsigned line, column;

        tries_append_head(&content, place, &line, &column);
        buffer_append_format(&content, "%s: %s\n", item->name, form->first);
        if (form->is_tab)
                buffer_append_text(&content, "\t");
        else
                tries_append_indent(&content, column);
        buffer_append_format(&content, "%s: %s\n", item->name, form->second);
        tries_read(place->home, &content, &problems);
        if (is_said_near(&problems, form, line))
                return;
        config_problems_print(&problems, stderr);
        fail_msg("not located near line %u: %s: %s twice", line, item->name, form->first);
}

static void try_forms(const TriesPlace *place, const SchemaItem *items, const SchemaItem *item, void *data) {
        size_t *n = data;

        for (size_t i = 0; i < ELEMENTSOF(forms); i++, ++*n)
                try_form(place, item, &forms[i]);
}

static void test_a_key_twice_a_tab_and_quotes_left_open_are_found_at_every_key(void **state) {
        size_t n = 0;

        tries_visit_all(try_forms, &n);
        assert_true(n > 1000);
}

/* ---- half a file ------------------------------------------------------------------------------------------------------- */

static void cut_everywhere(TriesHome home, const char *name, size_t stride) {
        const char *source = getenv("CAREBUS_SOURCE");
        _cleanup_(buffer_deinit) Buffer whole = BUFFER_NULL;
        size_t n_refused = 0;
        char path[512];

        snprintf(path, sizeof(path), "%s/%s", source ? source : ".", name);
        assert_int_equal(file_read(path, 1 << 20, &whole), 0);
        for (size_t size = 0; size < whole.size; size += stride) {
                _cleanup_(config_problems_deinit) ConfigProblems problems = {};
                _cleanup_(buffer_deinit) Buffer half = BUFFER_NULL;
                unsigned n_lines = 1;

                buffer_append(&half, whole.data, size);
                for (size_t i = 0; i < size; i++)
                        n_lines += whole.data[i] == '\n';
                tries_read(home, &half, &problems);
                n_refused += problems.n_errors > 0;
                for (size_t i = 0; i < problems.n_items; i++)
                        if (problems.items[i].file && problems.items[i].line > n_lines)
                                fail_msg("%s cut at %zu: line %u of %u", name, size, problems.items[i].line, n_lines);
        }
        assert_true(n_refused > 10);
}

static void test_half_a_file_is_read_or_refused_with_a_place_inside_of_it(void **state) {
        cut_everywhere(TRIES_CONFIG, "etc/carebus.yaml", 13);
        cut_everywhere(TRIES_SHARING, "etc/sharing.yaml", 61);
        cut_everywhere(TRIES_PROFILE, "etc/profiles/epic-uk.yaml", 61);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_every_key_refuses_what_it_cannot_be_where_it_stands),
                cmocka_unit_test(test_what_is_read_in_its_own_way_refuses_what_is_nothing_of_it),
                cmocka_unit_test(test_a_key_twice_a_tab_and_quotes_left_open_are_found_at_every_key),
                cmocka_unit_test(test_half_a_file_is_read_or_refused_with_a_place_inside_of_it),
        };
        return cmocka_run_group_tests_name("config wrong values", tests, NULL, NULL);
}
