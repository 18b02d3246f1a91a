/* Rows out of bytes: places, quotes, and what is not well-formed. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "adapters/csv/rows.h"
#include "base/file.h"

static Rows *rows;
static Row row;

static void open_text(const char *text, char delimiter) {
        rows = rows_free(rows);
        assert_int_equal(rows_new(bytes_of_text(text), delimiter, &rows), 0);
}

/* The next row: "a|b" on a line. */
static void expect(size_t line, const char *cells) {
        char joined[512] = "";

        assert_int_equal(rows_next(rows, &row), 1);
        for (size_t i = 0; i < row.n_cells; i++)
                snprintf(joined + strlen(joined), sizeof(joined) - strlen(joined), "%s%s", i ? "|" : "",
                         (const char *)row.cells[i].data);
        assert_int_equal(row.problem, ROW_WHOLE);
        assert_string_equal(joined, cells);
        assert_int_equal(row.line, line);
}

static void expect_problem(size_t line, RowProblem problem) {
        assert_int_equal(rows_next(rows, &row), 1);
        assert_int_equal(row.problem, problem);
        assert_int_equal(row.line, line);
}

static void expect_end(void) {
        assert_int_equal(rows_next(rows, &row), 0);
}

static int teardown(void **state) {
        rows = rows_free(rows);
        return 0;
}

static void test_rows_have_the_line_on_which_they_begin_and_their_own_bytes(void **state) {
        open_text("a,b\r\n\r\n1,\"two\nlines\"\r\n3,4", ',');
        expect(1, "a|b");
        assert_true(bytes_equal_text(row.raw, "a,b\r\n"));
        expect(3, "1|two\nlines");
        assert_int_equal(row.last_line, 4);
        assert_true(bytes_equal_text(row.raw, "1,\"two\nlines\"\r\n"));
        expect(5, "3|4");
        assert_true(bytes_equal_text(row.raw, "3,4"));
        expect_end();
}

static void test_line_ends_of_every_kind_end_a_row(void **state) {
        open_text("a\rb\nc\r\nd", ',');
        expect(1, "a");
        expect(2, "b");
        expect(3, "c");
        expect(4, "d");
        expect_end();
}

static void test_semicolons_and_tabs_separate_where_they_are_asked_to(void **state) {
        open_text("a;b,c;\"d;e\"\n", ';');
        expect(1, "a|b,c|d;e");
        open_text("a\tb c\t\n", '\t');
        expect(1, "a|b c|");
}

static void test_quotes_inside_of_quotes_are_one(void **state) {
        open_text("\"a \"\"b\"\" c\",d\n", ',');
        expect(1, "a \"b\" c|d");
}

static void test_an_inch_sign_in_a_cell_without_quotes_stands_as_it_is(void **state) {
        open_text("1,5'6\" tall,b\n2,x,y\n", ',');
        expect(1, "1|5'6\" tall|b");
        expect(2, "2|x|y");
}

static void test_a_quote_that_runs_into_the_next_row_costs_these_and_no_more(void **state) {
        open_text("1,\"abc,2\n3,\"x\",4\n5,6\n", ',');
        expect_problem(1, ROW_QUOTES_WRONG);
        assert_int_equal(row.last_line, 2);
        expect(3, "5|6");
        expect_end();
}

static void test_a_quote_that_is_never_closed_is_said_with_the_line_where_it_opens(void **state) {
        open_text("1,2\n3,\"x\n4,5\n6,7\n", ',');
        expect(1, "1|2");
        expect_problem(2, ROW_QUOTE_OPEN);
        expect_end();
}

static void test_too_many_cells_are_a_problem_of_their_row(void **state) {
        char text[4096];

        memset(text, ',', 2000);
        strcpy(text + 2000, "\n1,2\n");
        open_text(text, ',');
        expect_problem(1, ROW_TOO_MANY_CELLS);
        expect(2, "1|2");
}

static void test_a_row_without_an_end_is_given_up_at_a_megabyte(void **state) {
        size_t size = 3 << 20;
        char *text = malloc(size + 1);

        assert_non_null(text);
        for (size_t i = 0; i < size; i++)
                text[i] = i % 64 == 63 ? '\n' : 'x';
        text[0] = '"';
        text[size] = 0;
        open_text(text, ',');
        expect_problem(1, ROW_TOO_LONG);
        assert_true(row.raw.size < ROW_BYTES_MAX + 128);
        rows = rows_free(rows);
        free(text);
}

static void test_going_back_to_a_row_gives_the_same_again(void **state) {
        size_t offset, line;

        open_text("a,b\n\n1,2\n3,4\n", ',');
        expect(1, "a|b");
        expect(3, "1|2");
        offset = row.offset;
        line = row.line;
        expect(4, "3|4");
        rows_seek(rows, offset, line);
        expect(3, "1|2");
        expect(4, "3|4");
        expect_end();
}

static void test_an_empty_file_has_no_rows(void **state) {
        open_text("", ',');
        expect_end();
        open_text("\r\n\n\r", ',');
        expect_end();
}

/* ---- csv-spectrum: [{"column": "cell", ...}, ...] */

typedef struct Json {
        const char *at;
} Json;

static bool json_string(Json *json, Buffer *ret) {
        buffer_clear(ret);
        while (*json->at && *json->at != '"' && *json->at != ']')
                json->at++;
        if (*json->at != '"')
                return false;
        for (json->at++; *json->at && *json->at != '"'; json->at++) {
                if (*json->at != '\\') {
                        buffer_append_byte(ret, (uint8_t)*json->at);
                        continue;
                }
                json->at++;
                buffer_append_byte(ret, (uint8_t)(*json->at == 'n' ? '\n' : *json->at == 'r' ? '\r' : *json->at));
        }
        json->at++;
        buffer_append_byte(ret, 0);
        return true;
}

static void check_spectrum(const char *csv_path, const char *json_path) {
        _cleanup_(buffer_deinit) Buffer csv = BUFFER_NULL, expected = BUFFER_NULL, cell = BUFFER_NULL;
        char names[16][64] = { "" };
        size_t n_names;
        Json json;

        assert_int_equal(file_read(csv_path, 1 << 20, &csv), 0);
        assert_int_equal(file_read(json_path, 1 << 20, &expected), 0);
        buffer_append_byte(&expected, 0);
        json.at = (const char *)expected.data;
        rows = rows_free(rows);
        assert_int_equal(rows_new(buffer_bytes(&csv), ',', &rows), 0);
        assert_int_equal(rows_next(rows, &row), 1);
        n_names = row.n_cells;
        for (size_t i = 0; i < n_names; i++)
                snprintf(names[i], sizeof(names[i]), "%s", (const char *)row.cells[i].data);
        while (rows_next(rows, &row) == 1) {
                assert_int_equal(row.problem, ROW_WHOLE);
                assert_int_equal(row.n_cells, n_names);
                for (size_t i = 0; i < n_names; i++) {
                        assert_true(json_string(&json, &cell));
                        assert_string_equal(names[i], (const char *)cell.data);
                        assert_true(json_string(&json, &cell));
                        assert_string_equal((const char *)row.cells[i].data, (const char *)cell.data);
                }
        }
        assert_false(json_string(&json, &cell));
}

static void test_csv_spectrum_is_read_as_it_expects(void **state) {
        const char *corpus = getenv("CAREBUS_CORPUS"), *source = getenv("CAREBUS_SOURCE");
        char folder[4096];
        struct dirent *entry;
        size_t n = 0;
        DIR *dir;

        if (corpus)
                snprintf(folder, sizeof(folder), "%s/csv/csv-spectrum", corpus);
        else
                snprintf(folder, sizeof(folder), "%s/../shared/corpus/csv/csv-spectrum", source ? source : ".");
        dir = opendir(folder);
        if (!dir) {
                print_message("# no corpus: csv-spectrum is not there (CAREBUS_CORPUS names another folder)\n");
                skip();
        }
        while ((entry = readdir(dir))) {
                char csv_path[8192], json_path[8192];
                size_t size = strlen(entry->d_name);

                if (size < 4 || strcmp(entry->d_name + size - 4, ".csv") != 0)
                        continue;
                snprintf(csv_path, sizeof(csv_path), "%s/%s", folder, entry->d_name);
                snprintf(json_path, sizeof(json_path), "%s/expected/%.*s.json", folder, (int)(size - 4), entry->d_name);
                check_spectrum(csv_path, json_path);
                n++;
        }
        closedir(dir);
        assert_true(n >= 7);
}

/* Whatever the bytes: rows cover the file in order, never overlap, and end. Same seed, same bytes. */
static void test_rows_of_random_bytes_follow_one_another_to_the_end(void **state) {
        static const char letters[] = "a,;\"\"\n\r\t =x";
        unsigned seed = getenv("CAREBUS_SEED") ? (unsigned)atoi(getenv("CAREBUS_SEED")) : 20261122;

        print_message("# seed %u\n", seed);
        for (unsigned round = 0; round < 5000; round++) {
                char text[200];
                size_t size = (size_t)(rand_r(&seed) % (int)sizeof(text)), end = 0;

                for (size_t i = 0; i < size; i++)
                        text[i] = letters[(size_t)rand_r(&seed) % (sizeof(letters) - 1)];
                rows = rows_free(rows);
                assert_int_equal(rows_new(bytes_of(text, size), ',', &rows), 0);
                for (int r; (r = rows_next(rows, &row)) != 0;) {
                        assert_int_equal(r, 1);
                        assert_true(row.offset >= end && row.raw.size > 0 && row.last_line >= row.line);
                        for (size_t i = end; i < row.offset; i++)
                                assert_true(text[i] == '\n' || text[i] == '\r');
                        end = row.offset + row.raw.size;
                        assert_true(end <= size);
                }
                for (size_t i = end; i < size; i++)
                        assert_true(text[i] == '\n' || text[i] == '\r');
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_rows_have_the_line_on_which_they_begin_and_their_own_bytes),
                cmocka_unit_test(test_line_ends_of_every_kind_end_a_row),
                cmocka_unit_test(test_semicolons_and_tabs_separate_where_they_are_asked_to),
                cmocka_unit_test(test_quotes_inside_of_quotes_are_one),
                cmocka_unit_test(test_an_inch_sign_in_a_cell_without_quotes_stands_as_it_is),
                cmocka_unit_test(test_a_quote_that_runs_into_the_next_row_costs_these_and_no_more),
                cmocka_unit_test(test_a_quote_that_is_never_closed_is_said_with_the_line_where_it_opens),
                cmocka_unit_test(test_too_many_cells_are_a_problem_of_their_row),
                cmocka_unit_test(test_a_row_without_an_end_is_given_up_at_a_megabyte),
                cmocka_unit_test(test_going_back_to_a_row_gives_the_same_again),
                cmocka_unit_test(test_an_empty_file_has_no_rows),
                cmocka_unit_test(test_csv_spectrum_is_read_as_it_expects),
                cmocka_unit_test(test_rows_of_random_bytes_follow_one_another_to_the_end),
        };

        return cmocka_run_group_tests_name("csv rows", tests, NULL, teardown);
}
