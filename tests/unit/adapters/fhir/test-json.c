/*
 * JSON as its sender wrote it: numbers as text, places of what is refused, nothing twice.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "adapters/fhir/json.h"
#include "tests/unit/adapters/fhir/corpus.h"

static Arena *arena;
static JsonNode *root;
static JsonError error;

static int setup(void **state) {
        return arena_new(&arena, 64 << 20);
}

static int teardown(void **state) {
        arena = arena_free(arena);
        return 0;
}

static int read_with(const char *text, size_t size, JsonLimits limits) {
        arena_reset(arena);
        root = NULL;
        error = (JsonError){ 0 };
        return json_read(bytes_of(text, size), &limits, arena, &root, &error);
}

static int read_text(const char *text) {
        return read_with(text, strlen(text), JSON_LIMITS_DEFAULT);
}

static void assert_refused(const char *text, int code, uint32_t line, uint32_t column) {
        assert_int_equal(read_text(text), code);
        assert_int_equal(error.code, code);
        assert_int_equal(error.line, line);
        assert_int_equal(error.column, column);
        assert_null(root);
}

static void test_numbers_keep_their_text(void **state) {
        static const char *const numbers[] = {
                "1.10", "0.0", "-0", "1e400", "123456789012345678901234567890", "1.000000000000000005", "1E-7"
        };

        for (size_t i = 0; i < ELEMENTSOF(numbers); i++) {
                assert_int_equal(read_text(numbers[i]), 0);
                assert_int_equal(root->kind, JSON_NUMBER);
                assert_string_equal(root->text, numbers[i]);
        }
        assert_int_equal(read_text("{\"value\": 1.10}"), 0);
        assert_string_equal(json_text(root, "value"), "1.10");
}

static void test_each_value_has_its_place(void **state) {
        const JsonNode *node;

        assert_int_equal(read_text("{\n  \"a\": [1,\n   \"\\u00e9\", {\"b\": true}],\n\t\"c\" : null }"), 0);
        node = json_peek(root, "a");
        assert_int_equal(node->line, 2);
        assert_int_equal(node->column, 3);
        assert_int_equal(node->n_children, 3);
        assert_int_equal(node->first->line, 2);
        assert_int_equal(node->first->column, 9);
        assert_int_equal(node->first->next->line, 3);
        assert_int_equal(node->first->next->column, 4);
        assert_string_equal(node->first->next->text, "\xC3\xA9");
        assert_int_equal(json_peek(node->last, "b")->column, 15);
        assert_string_equal(json_path(json_peek(node->last, "b"), "Root", arena), "Root.a[2].b");
        assert_int_equal(json_peek(root, "c")->line, 4);
        assert_int_equal(json_peek(root, "c")->column, 2);
}

static void test_a_refusal_names_line_and_column(void **state) {
        assert_refused("", JSON_E_EMPTY, 1, 1);
        assert_refused(" \n ", JSON_E_EMPTY, 2, 2);
        assert_refused("{\n \"a\": 1,\n \"b\": }", JSON_E_MALFORMED, 3, 7);
        assert_refused("[1,,2]", JSON_E_MALFORMED, 1, 4);
        assert_refused("[1 2]", JSON_E_MALFORMED, 1, 4);
        assert_refused("[1", JSON_E_MALFORMED, 1, 3);
        assert_refused("{\"a\": nul}", JSON_E_MALFORMED, 1, 7);
        assert_refused("{} x", JSON_E_MALFORMED, 1, 4);
        assert_refused("{} {}", JSON_E_MALFORMED, 1, 4);
        assert_refused("[1.]", JSON_E_MALFORMED, 1, 2);
        assert_refused("[\"a\nb\"]", JSON_E_MALFORMED, 1, 2);
        assert_refused("// c\n{}", JSON_E_MALFORMED, 1, 1);
}

static void test_a_member_that_is_there_twice_is_refused(void **state) {
        _cleanup_(buffer_deinit) Buffer many = BUFFER_NULL;

        assert_refused("{\"a\": 1,\n \"b\": {\"a\": 1}, \"a\": 1}", JSON_E_DUPLICATE, 2, 17);
        assert_refused("{\"a\": 1, \"\\u0061\": 2}", JSON_E_DUPLICATE, 1, 10);
        buffer_append_text(&many, "{\"x\": 0");
        for (int i = 0; i < 100; i++)
                buffer_append_format(&many, ",\n\"m%d\": %d", i, i);
        buffer_append_text(&many, ",\n\"m5\": 1}");
        buffer_append_byte(&many, 0);
        assert_refused((const char *)many.data, JSON_E_DUPLICATE, 102, 1);
}

static void test_texts_that_stand_for_no_character_are_refused(void **state) {
        assert_refused("[\"a\\u0000\"]", JSON_E_TEXT, 1, 4);
        assert_refused("[\"\\ud800\"]", JSON_E_TEXT, 1, 3);
        assert_refused("[\"\\udc00\\ud800\"]", JSON_E_TEXT, 1, 3);
        assert_refused("[\"\\ud800\\u0041\"]", JSON_E_TEXT, 1, 3);
        assert_refused("[\n\"\xFF\"]", JSON_E_TEXT, 2, 2);
        assert_refused("[\"\xED\xA0\x80\"]", JSON_E_TEXT, 1, 3);
        assert_int_equal(read_with("[\"a\0b\"]", 7, JSON_LIMITS_DEFAULT), JSON_E_TEXT);
        assert_int_equal(read_text("[\"\\ud83d\\ude00\"]"), 0);
        assert_string_equal(root->first->text, "\xF0\x9F\x98\x80");
        assert_int_equal(read_text("[\"\\\\u0000\"]"), 0); /* a backslash, and letters */
        assert_string_equal(root->first->text, "\\u0000");
}

static void test_limits_hold(void **state) {
        JsonLimits limits = { .max_bytes = 64, .max_depth = 3, .max_nodes = 6, .max_text = 8 };

        assert_int_equal(read_with("[[[1]]]", 7, limits), 0);
        assert_int_equal(read_with("[[[[1]]]]", 9, limits), JSON_E_DEPTH);
        assert_int_equal(error.column, 4);
        assert_int_equal(read_with("[1,2,3,4,5]", 11, limits), 0);
        assert_int_equal(read_with("[1,2,3,4,5,6]", 13, limits), JSON_E_TOO_LARGE);
        assert_int_equal(error.column, 12);
        assert_int_equal(read_with("[\"12345678\"]", 12, limits), 0);
        assert_int_equal(read_with("[\"123456789\"]", 13, limits), JSON_E_TOO_LARGE);
        limits.max_bytes = 8;
        assert_int_equal(read_with("[1,2,3,4]", 9, limits), JSON_E_TOO_LARGE);
}

static void test_a_byte_order_mark_is_let_go(void **state) {
        assert_int_equal(read_text("\xEF\xBB\xBF{\"a\": 1}"), 0);
        assert_int_equal(json_peek(root, "a")->column, 2);
}

static void test_reading_is_noted_and_peeking_is_not(void **state) {
        assert_int_equal(read_text("{\"a\": 1, \"b\": null, \"c\": [1, 2]}"), 0);
        assert_non_null(json_peek(root, "a"));
        assert_false(json_peek(root, "a")->read);
        assert_non_null(json_member(root, "a"));
        assert_true(json_peek(root, "a")->read);
        assert_null(json_member(root, "b")); /* null says nothing */
        assert_null(json_member(root, "d"));
        assert_null(json_member(NULL, "a"));
        assert_null(json_member(json_peek(root, "a"), "x"));
        assert_string_equal(json_element(json_peek(root, "c"), 1)->text, "2");
        assert_null(json_element(json_peek(root, "c"), 2));
}

static void test_what_is_no_array_is_walked_as_one_element(void **state) {
        size_t n = 0;

        assert_int_equal(read_text("{\"a\": {\"x\": 1}, \"b\": [1, 2, 3]}"), 0);
        JSON_EACH(item, json_member(root, "a"))
                n++;
        assert_int_equal(n, 1);
        JSON_EACH(item, json_member(root, "b"))
                n++;
        assert_int_equal(n, 4);
        JSON_EACH(item, json_member(root, "c"))
                n++;
        assert_int_equal(n, 4);
}

/* ---- the hostile set: n_ has to be refused, y_ to be taken, i_ only to be survived */

static size_t n_refused, n_taken;

/* Well-formed, and refused all the same: nobody can say which member counts, and no text of ours has a NUL. */
static bool is_stricter(const char *name) {
        static const char *const names[] = { "y_object_duplicated_key.json", "y_object_duplicated_key_and_value.json",
                                             "y_string_null_escape.json", "y_object_escaped_null_in_key.json" };

        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                if (strcmp(names[i], name) == 0)
                        return true;
        return false;
}

static void hostile_seen(const char *path, const char *name, Bytes bytes) {
        int r = read_with((const char *)bytes.data, bytes.size, JSON_LIMITS_DEFAULT);

        assert_true(r >= 0);
        if (r > 0) {
                n_refused++;
                assert_true(error.code == r && error.line > 0 && error.column > 0 && error.offset <= bytes.size);
        } else
                n_taken++;
        if ((name[0] == 'n' && name[1] == '_' && r == 0) || (name[0] == 'y' && r != 0 && !is_stricter(name)) ||
            (is_stricter(name) && r == 0))
                fail_msg("%s: %d", name, r);
}

static void test_the_hostile_set_is_refused_with_its_place(void **state) {
        char folder[1024];

        corpus_folder("hostile-json", folder, sizeof(folder));
        if (corpus_is_missing(folder))
                skip();
        n_refused = n_taken = 0;
        assert_true(corpus_walk(folder, hostile_seen) > 150);
        print_message("# %zu refused, %zu taken\n", n_refused, n_taken);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_numbers_keep_their_text),
                cmocka_unit_test(test_each_value_has_its_place),
                cmocka_unit_test(test_a_refusal_names_line_and_column),
                cmocka_unit_test(test_a_member_that_is_there_twice_is_refused),
                cmocka_unit_test(test_texts_that_stand_for_no_character_are_refused),
                cmocka_unit_test(test_limits_hold),
                cmocka_unit_test(test_a_byte_order_mark_is_let_go),
                cmocka_unit_test(test_reading_is_noted_and_peeking_is_not),
                cmocka_unit_test(test_what_is_no_array_is_walked_as_one_element),
                cmocka_unit_test(test_the_hostile_set_is_refused_with_its_place),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
