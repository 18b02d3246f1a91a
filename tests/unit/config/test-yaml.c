/* What the reader takes, what it refuses, and where it says that the mistake is. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
/* clang-format on */

#include <dirent.h>
#include <time.h>

#include "base/file.h"
#include "config/yaml.h"

#define CASE_SECONDS_MAX 2.0

typedef struct Reading {
        ConfigText text;
        ConfigProblems problems;
        Arena *arena;
        YamlNode *root;
        int result;
        double seconds;
} Reading;

static void read_bytes(Reading *reading, const void *data, size_t size) {
        *reading = (Reading){ .result = -1 };
        assert_int_equal(config_text_add(&reading->text, "test.yaml"), 0);
        buffer_append(&reading->text.files[0].content, data, size);
        assert_int_equal(arena_new(&reading->arena, 256 << 20), 0);
        Report report = { .text = &reading->text, .problems = &reading->problems };
        struct timespec before, after;
        clock_gettime(CLOCK_MONOTONIC, &before);
        reading->result = yaml_read(&report, 0, reading->arena, &reading->root);
        clock_gettime(CLOCK_MONOTONIC, &after);
        reading->seconds = (double)(after.tv_sec - before.tv_sec) + (double)(after.tv_nsec - before.tv_nsec) / 1e9;
}

static void read_done(Reading *reading) {
        config_problems_deinit(&reading->problems);
        buffer_deinit(&reading->text.files[0].content);
        free(reading->text.files[0].path);
        free(reading->text.files);
        arena_free(reading->arena);
}

static void read_text(Reading *reading, const char *text) {
        read_bytes(reading, text, strlen(text));
}

static void assert_refused(const char *text, unsigned line, unsigned column, const char *part) {
        Reading reading;
        read_text(&reading, text);
        assert_int_equal(reading.result, CONFIG_E_INVALID);
        assert_int_equal(reading.problems.n_errors, 1);
        if (!strstr(reading.problems.items[0].message, part) || reading.problems.items[0].line != line ||
            reading.problems.items[0].column != column)
                fail_msg("%u:%u %s, not %u:%u %s", reading.problems.items[0].line, reading.problems.items[0].column,
                         reading.problems.items[0].message, line, column, part);
        read_done(&reading);
}

static void test_every_node_knows_where_it_stands(void **state) {
        Reading reading;
        read_text(&reading, "# head\na: 1\nb:\n  - x\n  - {c: \"\xc3\xa4 y\", d: [e]}\n");
        assert_int_equal(reading.result, 0);
        const YamlNode *b = yaml_get(reading.root, "b");
        assert_int_equal(yaml_get(reading.root, "a")->place.line, 2);
        assert_int_equal(yaml_get(reading.root, "a")->place.column, 4);
        assert_int_equal(b->kind, YAML_KIND_SEQUENCE);
        assert_int_equal(b->n, 2);
        assert_int_equal(b->items[1]->place.line, 5);
        assert_int_equal(b->items[1]->place.column, 5);
        assert_string_equal(yaml_get(b->items[1], "c")->text, "\xc3\xa4 y");
        /* columns are characters, not bytes */
        assert_int_equal(yaml_get(b->items[1], "d")->place.column, 19);
        read_done(&reading);
}

static void test_no_scalar_has_a_type(void **state) {
        Reading reading;
        read_text(&reading, "a: 010\nb: NO\nc: 1e3\nd: 2024-01-01\ne: ~\nf:\ng: \"\"\nh: null\n");
        assert_int_equal(reading.result, 0);
        assert_string_equal(yaml_get(reading.root, "a")->text, "010");
        assert_string_equal(yaml_get(reading.root, "b")->text, "NO");
        assert_string_equal(yaml_get(reading.root, "c")->text, "1e3");
        assert_string_equal(yaml_get(reading.root, "d")->text, "2024-01-01");
        assert_true(yaml_is_null(yaml_get(reading.root, "e")));
        assert_true(yaml_is_null(yaml_get(reading.root, "f")));
        assert_false(yaml_is_null(yaml_get(reading.root, "g")));
        assert_true(yaml_is_null(yaml_get(reading.root, "h")));
        read_done(&reading);
}

static void test_empty_files_are_empty_mappings(void **state) {
        static const char *const texts[] = { "", "\n\n", "# only a comment", "---\n", "\xef\xbb\xbf# with a mark\n" };
        for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
                Reading reading;
                read_text(&reading, texts[i]);
                assert_int_equal(reading.result, 0);
                assert_true(reading.root->kind == YAML_KIND_MAPPING ? reading.root->n == 0
                                                                    : yaml_is_null(reading.root));
                read_done(&reading);
        }
}

static void test_every_duplicate_key_is_named_and_the_tree_still_returned(void **state) {
        Reading reading;
        read_text(&reading, "a: 1\nb: {x: 1, y: 2, x: 3}\na: 2\na: 3\n");
        assert_int_equal(reading.result, 0);
        assert_int_equal(reading.problems.n_errors, 3);
        assert_int_equal(reading.problems.items[0].line, 2);
        assert_int_equal(reading.problems.items[0].column, 17);
        assert_int_equal(reading.problems.items[1].line, 3);
        assert_non_null(strstr(reading.problems.items[1].message, "said in line 1"));
        assert_int_equal(reading.problems.items[2].line, 4);
        assert_string_equal(yaml_get(reading.root, "a")->text, "1");
        read_done(&reading);
}

static void test_what_a_configuration_does_not_need_is_refused_with_its_place(void **state) {
        assert_refused("a: &x 1\n", 1, 4, "anchors");
        assert_refused("a: 1\nb: *x\n", 2, 4, "aliases");
        assert_refused("a: !!str 1\n", 1, 4, "tags");
        assert_refused("a: !local {b: 1}\n", 1, 4, "tags");
        assert_refused("%TAG ! tag:x,2000:\n---\na: 1\n", 1, 1, "%TAG");
        assert_refused("a: 1\n---\nb: 1\n", 2, 1, "second document");
        assert_refused("? [a]\n: 1\n", 1, 3, "a key must be plain text");
        assert_refused("{{a: 1}: 1}\n", 1, 2, "a key must be plain text");
        assert_refused("a: \"x\\0y\"\n", 1, 4, "NUL");
}

static void test_mistakes_of_form_are_refused_with_their_place(void **state) {
        assert_refused("a: 1\n\tb: 2\n", 2, 1, "not YAML");
        assert_refused("a: [1, 2\nb: 3\n", 2, 2, "not YAML");
        assert_refused("a: \"x\n", 1, 4, "never closed");
        assert_refused("a: 1\nb\nc: 2\n", 2, 1, "without its colon");
        assert_refused("a: 1\nb: 2\nc", 3, 1, "without its colon");
        assert_refused("a: [1, 2", 1, 9, "not YAML");
        assert_refused("a: 1\xff\n", 1, 5, "not UTF-8");
        assert_refused("\xc3\xa4: 1\n\xc3\xa4\x07: 1\n", 2, 2, "character");
        assert_refused("a: \"b\"# c\n", 1, 7, "comment begins here without a space");
        assert_refused("a: [b]# c\n", 1, 7, "comment begins here without a space");
        assert_refused("a: [b,\nc]\n", 2, 1, "indented deeper");
        assert_refused("a: \"b\nc\"\n", 2, 1, "indented deeper");
        assert_refused("a: [-]\n", 1, 5, "hyphen");
        assert_refused("a: {?b: c}\n", 1, 5, "question mark");
        assert_refused("a: |\n  b\n   ", 3, 1, "line of spaces");
}

static void test_a_tab_is_named_as_the_cause(void **state) {
        Reading reading;
        read_text(&reading, "a:\n\tb: 1\n");
        assert_int_equal(reading.result, CONFIG_E_INVALID);
        assert_non_null(reading.problems.items[0].hint);
        assert_non_null(strstr(reading.problems.items[0].hint, "tab"));
        read_done(&reading);
}

static void test_what_people_write_is_taken(void **state) {
        static const char *const texts[] = {
                "a: {\n  b: 1, # why\n  c: [1,\n    2]\n}\n",
                "a: b#c\n",
                "a: 'it''s' # c\n",
                "[\n a\n]\n",
                "a:\n- b\n- [c,\n  d]\n",
                "a: >\n  x\n  y\n",
                "a: | # why\n  x\n",
                "a: \"x\n  y\"\n",
        };
        for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
                Reading reading;
                read_text(&reading, texts[i]);
                if (reading.result != 0)
                        fail_msg("%s: %s", texts[i], reading.problems.items[0].message);
                read_done(&reading);
        }
}

static void assert_refused_fast(const char *unit, size_t n, const char *part) {
        Buffer text = BUFFER_NULL;
        for (size_t i = 0; i < n; i++)
                buffer_append_text(&text, unit);
        assert_int_equal(text.error, 0);
        Reading reading;
        read_bytes(&reading, text.data, text.size);
        assert_int_equal(reading.result, CONFIG_E_INVALID);
        assert_non_null(strstr(reading.problems.items[0].message, part));
        if (reading.seconds > CASE_SECONDS_MAX)
                fail_msg("%zu times '%s' took %.1f s", n, unit, reading.seconds);
        read_done(&reading);
        buffer_deinit(&text);
}

static void test_hostile_depth_and_size_are_refused_fast(void **state) {
        assert_refused_fast("[", 200000, "nested too deeply");
        assert_refused_fast("[\n", 200000, "nested too deeply");
        assert_refused_fast("- ", 200000, "nested too deeply");
        assert_refused_fast("{a: ", 200000, "nested too deeply");
        assert_refused_fast("? ", 200000, "key must be plain text");
        assert_refused_fast("#", 1 << 21, "larger than 1 MB");
        assert_refused_fast("- a\n", 200000, "too many values");
}

static void test_a_wide_mapping_does_not_take_quadratic_time(void **state) {
        Buffer text = BUFFER_NULL;
        for (int i = 0; i < 45000; i++)
                buffer_append_format(&text, "k%d: 1\n", i);
        Reading reading;
        read_bytes(&reading, text.data, text.size);
        assert_int_equal(reading.result, 0);
        assert_int_equal(reading.root->n, 45000);
        assert_true(reading.seconds < CASE_SECONDS_MAX);
        read_done(&reading);
        buffer_deinit(&text);
}

static void test_32_levels_are_allowed_and_33_not(void **state) {
        char text[256] = { 0 };
        Reading reading;
        memset(text, '[', 32);
        memset(text + 32, ']', 32);
        read_text(&reading, text);
        assert_int_equal(reading.result, 0);
        read_done(&reading);
        memset(text, '[', 33);
        memset(text + 33, ']', 33);
        assert_refused(text, 1, 33, "nested too deeply");
}

static void test_merging_goes_key_by_key_and_the_later_wins(void **state) {
        Reading under, over;
        read_text(&under, "a: {x: 1, y: 2}\nb: [1, 2]\nc: 1\n");
        read_text(&over, "a: {y: 3, z: 4}\nb: [9]\nd: 5\n");
        YamlNode *merged = yaml_merge(under.root, over.root, under.arena);
        assert_non_null(merged);
        assert_int_equal(merged->n, 4);
        assert_string_equal(yaml_get(yaml_get(merged, "a"), "x")->text, "1");
        assert_string_equal(yaml_get(yaml_get(merged, "a"), "y")->text, "3");
        assert_string_equal(yaml_get(yaml_get(merged, "a"), "z")->text, "4");
        assert_int_equal(yaml_get(merged, "b")->n, 1);
        /* neither of the two was changed */
        assert_string_equal(yaml_get(yaml_get(under.root, "a"), "y")->text, "2");
        assert_int_equal(yaml_get(over.root, "a")->n, 2);
        read_done(&under);
        read_done(&over);
}

/*
 * The test suite of YAML: what it calls an error is refused, the rest is taken or refused with a place, and nothing hangs.
 */

typedef struct Tally {
        size_t n_cases, n_taken, n_refused, n_errors, n_compared;
} Tally;

/* What the suite says that a case means, walked beside our tree. Numbers, truths and nulls are plain text here, however they are
 * written there. */
typedef struct Json {
        const char *at;
} Json;

static char json_peek_char(Json *json) {
        json->at += strspn(json->at, " \t\r\n");
        return *json->at;
}

static unsigned json_hex(const char *text) {
        char digits[5] = { text[0], text[1], text[2], text[3], 0 };
        return (unsigned)strtoul(digits, NULL, 16);
}

/* On the heap. Escapes beyond the first plane do not stand in the suite. */
static char *json_string(Json *json) {
        static const char escapes[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
        Buffer text = BUFFER_NULL;
        assert_int_equal(json_peek_char(json), '"');
        for (json->at++; *json->at != '"'; json->at++) {
                char utf8[4] = { *json->at };
                size_t size = 1;
                assert_true(*json->at != '\0');
                bool is_escaped = *json->at == '\\';
                json->at += is_escaped;
                if (is_escaped && *json->at == 'u') {
                        unsigned c = json_hex(json->at + 1);
                        json->at += 4;
                        size = c < 0x80 ? 1 : c < 0x800 ? 2 : 3;
                        utf8[0] = (char)(size == 1 ? c : size == 2 ? 0xc0 | c >> 6 : 0xe0 | c >> 12);
                        utf8[1] = (char)(0x80 | (size == 2 ? c : c >> 6) % 64);
                        utf8[2] = (char)(0x80 | c % 64);
                } else if (is_escaped)
                        utf8[0] = meant[strchr(escapes, *json->at) - escapes];
                buffer_append(&text, utf8, size);
        }
        json->at++;
        return buffer_steal_text(&text) ?: strdup("");
}

static bool json_equal(Json *json, const YamlNode *node);

static bool json_object_equal(Json *json, const YamlNode *node) {
        size_t n = 0;
        bool is_equal = node->kind == YAML_KIND_MAPPING;
        for (json->at++; is_equal && json_peek_char(json) != '}'; n++) {
                _cleanup_(freep) char *key = json_string(json);
                assert_int_equal(json_peek_char(json), ':');
                json->at++;
                const YamlNode *value = yaml_get(node, key);
                is_equal = value && json_equal(json, value);
                json->at += json_peek_char(json) == ',';
        }
        json->at += is_equal;
        return is_equal && n == node->n;
}

static bool json_array_equal(Json *json, const YamlNode *node) {
        size_t n = 0;
        bool is_equal = node->kind == YAML_KIND_SEQUENCE;
        for (json->at++; is_equal && json_peek_char(json) != ']'; n++) {
                is_equal = n < node->n && json_equal(json, node->items[n]);
                json->at += json_peek_char(json) == ',';
        }
        json->at += is_equal;
        return is_equal && n == node->n;
}

static bool json_equal(Json *json, const YamlNode *node) {
        char first = json_peek_char(json);
        if (first == '{')
                return json_object_equal(json, node);
        if (first == '[')
                return json_array_equal(json, node);
        if (node->kind != YAML_KIND_SCALAR)
                return false;
        if (first == '"') {
                _cleanup_(freep) char *text = json_string(json);
                return strcmp(text, node->text) == 0;
        }
        json->at += strcspn(json->at, ",]} \t\r\n");
        return node->plain;
}

static void compare_case(const char *folder, const YamlNode *root, Tally *tally) {
        char path[512];
        Buffer content = BUFFER_NULL;
        snprintf(path, sizeof(path), "%s/in.json", folder);
        if (file_read(path, 1 << 20, &content) < 0)
                return;
        _cleanup_(freep) char *text = buffer_steal_text(&content) ?: strdup("");
        Json json = { .at = text };
        if (json_peek_char(&json) == '\0' || (root->kind == YAML_KIND_MAPPING && root->n == 0))
                return; /* a file that says nothing is an empty mapping here */
        if (!json_equal(&json, root) || json_peek_char(&json) != '\0')
                fail_msg("%s was read as something else", folder);
        tally->n_compared++;
}

static void try_case(const char *folder, Tally *tally) {
        char path[512];
        Buffer content = BUFFER_NULL;
        Reading reading;
        snprintf(path, sizeof(path), "%s/in.yaml", folder);
        if (file_read(path, 1 << 20, &content) < 0)
                return;
        read_bytes(&reading, content.data, content.size);
        buffer_deinit(&content);
        tally->n_cases++;
        assert_true(reading.result == 0 || reading.result == CONFIG_E_INVALID);
        if (reading.seconds > CASE_SECONDS_MAX)
                fail_msg("%s took %.1f s", folder, reading.seconds);
        snprintf(path, sizeof(path), "%s/error", folder);
        bool must_fail = access(path, F_OK) == 0;
        if (must_fail && reading.result == 0 && reading.problems.n_errors == 0)
                fail_msg("%s is an error and was taken", folder);
        if (reading.problems.n_errors > 0 &&
            (reading.problems.items[0].line == 0 || reading.problems.items[0].column == 0))
                fail_msg("%s was refused without a place", folder);
        tally->n_errors += must_fail;
        if (reading.problems.n_errors > 0)
                tally->n_refused++;
        else {
                tally->n_taken++;
                compare_case(folder, reading.root, tally);
        }
        read_done(&reading);
}

/* Cases are folders, some with numbered cases inside. */
static void try_folder(const char *folder, Tally *tally, int depth) {
        _cleanup_(closedirp) DIR *dir = opendir(folder);
        struct dirent *entry;
        assert_non_null(dir);
        try_case(folder, tally);
        while (depth > 0 && (entry = readdir(dir))) {
                char path[512];
                if (entry->d_name[0] == '.' || entry->d_type == DT_REG)
                        continue;
                snprintf(path, sizeof(path), "%.220s/%s", folder, entry->d_name);
                try_folder(path, tally, depth - 1);
        }
}

static void test_the_yaml_test_suite(void **state) {
        const char *corpus = getenv("CAREBUS_CORPUS"), *source = getenv("CAREBUS_SOURCE");
        char folder[512];
        if (corpus)
                snprintf(folder, sizeof(folder), "%s/hostile-yaml/yaml-test-suite", corpus);
        else
                snprintf(folder, sizeof(folder), "%s/../shared/corpus/hostile-yaml/yaml-test-suite",
                         source ? source : ".");
        if (access(folder, R_OK) != 0) {
                print_message("# skipped: no corpus at %s (set CAREBUS_CORPUS)\n", folder);
                return;
        }
        Tally tally = { 0 };
        try_folder(folder, &tally, 2);
        print_message("# %zu cases: %zu taken, %zu of those compared with what they mean, %zu refused, %zu errors by "
                      "the suite\n",
                      tally.n_cases, tally.n_taken, tally.n_compared, tally.n_refused, tally.n_errors);
        assert_true(tally.n_cases > 200);
        /* a reader that refused everything would pass what is above */
        assert_true(tally.n_taken > 80);
        assert_true(tally.n_errors > 40);
        assert_true(tally.n_compared > 60);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_every_node_knows_where_it_stands),
                cmocka_unit_test(test_no_scalar_has_a_type),
                cmocka_unit_test(test_empty_files_are_empty_mappings),
                cmocka_unit_test(test_every_duplicate_key_is_named_and_the_tree_still_returned),
                cmocka_unit_test(test_what_a_configuration_does_not_need_is_refused_with_its_place),
                cmocka_unit_test(test_mistakes_of_form_are_refused_with_their_place),
                cmocka_unit_test(test_a_tab_is_named_as_the_cause),
                cmocka_unit_test(test_what_people_write_is_taken),
                cmocka_unit_test(test_hostile_depth_and_size_are_refused_fast),
                cmocka_unit_test(test_a_wide_mapping_does_not_take_quadratic_time),
                cmocka_unit_test(test_32_levels_are_allowed_and_33_not),
                cmocka_unit_test(test_merging_goes_key_by_key_and_the_later_wins),
                cmocka_unit_test(test_the_yaml_test_suite),
        };
        return cmocka_run_group_tests_name("config yaml", tests, NULL, NULL);
}
