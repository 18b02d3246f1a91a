/* How mistakes are shown: to people with a caret, to programs as JSON, to terminals without surprises. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
/* clang-format on */

#include "config/problem.h"

typedef struct Shown {
        ConfigText text;
        ConfigProblems problems;
        Report report;
} Shown;

static void show_begin(Shown *shown, const char *content) {
        *shown = (Shown){ 0 };
        shown->report = (Report){ .text = &shown->text, .problems = &shown->problems };
        assert_int_equal(config_text_add(&shown->text, "a.yaml"), 0);
        buffer_append_text(&shown->text.files[0].content, content);
}

/* Not inlined: gcc 12 at -O3 takes what open_memstream() gives for the address of the local variable. */
__attribute__((noinline)) static char *show_end(Shown *shown, void (*print)(const ConfigProblems *, FILE *)) {
        char *out = NULL;
        size_t size = 0;
        FILE *stream = open_memstream(&out, &size);
        assert_non_null(stream);
        print(&shown->problems, stream);
        fclose(stream);
        config_problems_deinit(&shown->problems);
        buffer_deinit(&shown->text.files[0].content);
        free(shown->text.files[0].path);
        free(shown->text.files);
        return out;
}

static void test_the_caret_stands_under_the_place(void **state) {
        Shown shown;
        show_begin(&shown, "a: 1\n  b: wrong\n");
        report_error(&shown.report, (Place){ 0, 2, 6 }, "b: expected %s", "right");
        report_hint(&shown.report, "did you mean '%s'?", "right");
        report_warning(&shown.report, (Place){ .file = PLACE_NO_FILE }, "by the way");
        _cleanup_(freep) char *out = show_end(&shown, config_problems_print);
        assert_string_equal(out, "a.yaml:2:6: error: b: expected right\n"
                                 "    b: wrong\n"
                                 "       ^\n"
                                 "  hint: did you mean 'right'?\n"
                                 "warning: by the way\n");
}

static void test_columns_are_characters_and_tabs_are_one(void **state) {
        Shown shown;
        show_begin(&shown, "\xc3\xa4\xe2\x82\xac\tx\r\n");
        report_error(&shown.report, (Place){ 0, 1, 4 }, "here");
        _cleanup_(freep) char *out = show_end(&shown, config_problems_print);
        assert_string_equal(out, "a.yaml:1:4: error: here\n  \xc3\xa4\xe2\x82\xac x\n     ^\n");
}

static void test_terminals_get_no_escape_sequences(void **state) {
        Shown shown;
        show_begin(&shown, "a: \x1b]0;x\x07\n");
        report_error(&shown.report, (Place){ 0, 1, 4 }, "not '%s'", "\x1b[31m");
        report_hint(&shown.report, "%s", "\x1b[2J");
        _cleanup_(freep) char *out = show_end(&shown, config_problems_print);
        assert_null(strchr(out, '\x1b'));
        assert_null(strchr(out, '\x07'));
}

/* How far from the start of its line the first of these stands. */
static size_t column_of(const char *text, const char *what) {
        const char *found = strstr(text, what);
        size_t column = 0;
        assert_non_null(found);
        while (found > text && found[-1] != '\n') {
                found--;
                column++;
        }
        return column;
}

static void test_long_lines_are_cut_around_the_place(void **state) {
        char line[2001] = { 0 };
        Shown shown;
        memset(line, 'x', 2000);
        memcpy(line + 1500, "HERE", 4);
        show_begin(&shown, line);
        report_error(&shown.report, (Place){ 0, 1, 1501 }, "long");
        _cleanup_(freep) char *out = show_end(&shown, config_problems_print);
        assert_true(strlen(out) < 500);
        assert_int_equal(column_of(out, "HERE"), column_of(out, "^"));
}

static void test_json_is_whole_whatever_the_text_holds(void **state) {
        Shown shown;
        show_begin(&shown, "a\n");
        report_error(&shown.report, (Place){ 0, 1, 1 },
                     "quote \" backslash \\ newline \n bell \x07 umlaut \xc3\xa4 wrong \xff end");
        report_warning(&shown.report, (Place){ .file = PLACE_NO_FILE }, "w");
        report_hint(&shown.report, "h");
        _cleanup_(freep) char *out = show_end(&shown, config_problems_json);
        assert_string_equal(out, "{\"errors\":1,\"warnings\":1,\"problems\":["
                                 "{\"file\":\"a.yaml\",\"line\":1,\"column\":1,\"severity\":\"error\",\"message\":"
                                 "\"quote \\\" backslash \\\\ newline \\u000a bell \\u0007 umlaut \xc3\xa4 wrong "
                                 "\\ufffd end\",\"hint\":null},"
                                 "{\"file\":null,\"line\":0,\"column\":0,\"severity\":\"warning\",\"message\":\"w\","
                                 "\"hint\":\"h\"}]}\n");
}

static void test_a_thousand_mistakes_are_counted_and_200_kept(void **state) {
        Shown shown;
        show_begin(&shown, "a\n");
        for (int i = 0; i < 1000; i++) {
                report_error(&shown.report, (Place){ 0, 1, 1 }, "number %d", i);
                report_hint(&shown.report, "of %d", i);
        }
        assert_int_equal(shown.problems.n_errors, 1000);
        assert_int_equal(shown.problems.n_items, PROBLEMS_MAX);
        /* a hint for one that was not kept does not land on another */
        assert_string_equal(shown.problems.items[PROBLEMS_MAX - 2].hint, "of 198");
        _cleanup_(freep) char *out = show_end(&shown, config_problems_print);
        assert_non_null(strstr(out, "and 800 errors more"));
}

static void test_places_outside_of_the_text_do_no_harm(void **state) {
        Shown shown;
        show_begin(&shown, "one line");
        report_error(&shown.report, (Place){ 0, 7, 3 }, "below");
        report_error(&shown.report, (Place){ 0, 1, 999 }, "right of it");
        report_error(&shown.report, (Place){ 9, 1, 1 }, "another file");
        _cleanup_(freep) char *out = show_end(&shown, config_problems_print);
        assert_non_null(strstr(out, "a.yaml:7:3: error: below\n"));
        assert_non_null(strstr(out, "right of it"));
        assert_non_null(strstr(out, "another file"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_the_caret_stands_under_the_place),
                cmocka_unit_test(test_columns_are_characters_and_tabs_are_one),
                cmocka_unit_test(test_terminals_get_no_escape_sequences),
                cmocka_unit_test(test_long_lines_are_cut_around_the_place),
                cmocka_unit_test(test_json_is_whole_whatever_the_text_holds),
                cmocka_unit_test(test_a_thousand_mistakes_are_counted_and_200_kept),
                cmocka_unit_test(test_places_outside_of_the_text_do_no_harm),
        };
        return cmocka_run_group_tests_name("config problem", tests, NULL, NULL);
}
