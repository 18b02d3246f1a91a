/* A file as a whole: its letters, its separators, its columns, and what is refused before a row goes out. */
#include "adapters/csv/table.h"
#include "config/templates.h"
#include "csv-fixture.h"

#define TWO "local_id,family_name\n"

static void expect_file_problem(Bytes file, const char *code, size_t line, const char *says) {
        read_bytes("people.csv", file);
        assert_non_null(csv_file.problem);
        assert_string_equal(csv_file.problem_code, code);
        assert_int_equal(csv_file.problem_line, line);
        assert_has(csv_file.problem, says);
        assert_int_equal(n_rows, 0);
}
#define REFUSED_TEXT(text, code, line, says) expect_file_problem(bytes_of(text, sizeof(text) - 1), code, line, says)

static void test_what_is_no_table_is_refused_with_what_to_do(void **state) {
        REFUSED_TEXT("", "empty-file", 0, "empty");
        REFUSED_TEXT("\r\n\r\n", "empty-file", 0, "nothing in the file");
        REFUSED_TEXT("\xef\xbb\xbf", "empty-file", 0, "empty");
        REFUSED_TEXT("PK\3\4xl/workbook.xml", "not-csv", 0, "CSV UTF-8");
        REFUSED_TEXT("\xd0\xcf\x11\xe0\xa1\xb1", "not-csv", 0, "CSV UTF-8");
        REFUSED_TEXT("%PDF-1.4\n", "not-csv", 0, "not a CSV");
        REFUSED_TEXT("local_id,family_name\nH1,A\0B\n", "not-csv", 0, "not a CSV");
        REFUSED_TEXT("Dear Anna,\nhow are you?\n", "missing-column", 1, "none of the columns");
        REFUSED_TEXT("family_name,given_name\nA,B\n", "missing-column", 1, "local_id is missing");
        REFUSED_TEXT("local_id,family_name,FAMILY_NAME \nH1,A,B\n", "duplicate-column", 1, "there twice");
        REFUSED_TEXT(TWO "H1,A\nH2,\"B\nH3,C\n", "open-quote", 3, "never closed");
        REFUSED_TEXT("\xff\xfe"
                     "a",
                     "bad-charset", 0, "UTF-16");
}

static void test_a_million_rows_are_the_most(void **state) {
        _cleanup_(buffer_deinit) Buffer file = BUFFER_NULL;

        buffer_append_text(&file, TWO);
        for (size_t i = 0; i <= CSV_ROWS_MAX; i++)
                buffer_append(&file, "H1,A\n", 5);
        assert_int_equal(file.error, 0);
        expect_file_problem(buffer_bytes(&file), "too-many-rows", 0, "million");
}

static void expect_family(const char *family) {
        char part[128];

        assert_null(csv_file.problem);
        assert_int_equal(n_rows, 1);
        snprintf(part, sizeof(part), "\"family\":\"%s\"", family);
        assert_has(rows[0].json, part);
}

static void test_letters_are_read_in_what_they_are_written_in_and_the_receipt_says_what_was_decided(void **state) {
        static const char utf16[] =
                "\xff\xfel\0o\0c\0a\0l\0_\0i\0d\0,\0f\0a\0m\0i\0l\0y\0_\0n\0a\0m\0e\0\n\0H\0\x31\0,\0Z\0o\0\xeb\0\n";

        read_text("people.csv", TWO "H1,Zo\xc3\xab\n");
        expect_family("Zo\xc3\xab");
        assert_int_equal(csv_file.n_notes, 0);
        read_text("people.csv", "\xef\xbb\xbf" TWO "H1,Zo\xc3\xab\n");
        expect_family("Zo\xc3\xab");
        assert_int_equal(csv_file.n_notes, 0);
        read_text("people.csv", TWO "H1,Zo\xeb \x80\n");
        expect_family("Zo\xc3\xab \xe2\x82\xac");
        assert_true(has_file_note("Windows-1252"));
        read_bytes("people.csv", bytes_of(utf16, sizeof(utf16)));
        expect_family("Zo\xc3\xab");
        assert_true(has_file_note("UTF-16"));
}

static void test_the_profiles_charset_counts_where_the_bytes_are_not_utf_8(void **state) {
        use_profile("charset: ISO-8859-15\n");
        read_text("people.csv", TWO "H1,\xa4\n");
        expect_family("\xe2\x82\xac");
        assert_true(has_file_note("profile"));
        read_text("people.csv", TWO "H1,Zo\xc3\xab\n");
        expect_family("Zo\xc3\xab");
}

static void test_a_letter_that_is_none_costs_its_row_alone(void **state) {
        read_text("people.csv", TWO "H1,\x81\nH2,Zo\xeb\n");
        assert_refused(0, "letter cannot be read");
        assert_taken(1, "patient.updated");
}

static void test_separators_are_found_or_said(void **state) {
        read_text("people.csv", "local_id;family_name\nH1;A,B\n");
        expect_family("A,B");
        assert_true(has_file_note("semicolons"));
        read_text("people.csv", "local_id\tfamily_name\nH1\tA;B\n");
        expect_family("A;B");
        assert_true(has_file_note("tabs"));
        read_text("people.csv", "sep=|\r\nlocal_id|family_name\r\nH1|A,B;C\r\n");
        expect_family("A,B;C");
        assert_int_equal(rows[0].line, 3);
        read_text("people.csv", "\"local_id\",\"family;name;x;y\",family_name\nH1,,A\n");
        expect_family("A");
        use_profile("tables:\n  people: {delimiter: semicolon}\n");
        read_text("people.csv", "local_id;family_name;a,b,c,d,e\nH1;A;\n");
        expect_family("A");
}

static void test_columns_in_any_order_and_any_case(void **state) {
        read_text("people.csv", " Family_Name , LOCAL_ID \nA,H1\n");
        expect_family("A");
}

static void test_unknown_columns_are_named_once_and_seen_by_coverage(void **state) {
        const ReadingOptions options = {
                .source = "hospice", .profile = profile, .timezone = "UTC", .want_fields = true
        };
        CsvReader *own;
        CsvFile file;
        CsvRow row;

        read_text("people.csv", "local_id,Shoe size,family_name\nH1,9,A\nH2,10,B\n");
        assert_true(has_file_note("Shoe size"));
        assert_taken(0, "patient.updated");
        assert_int_equal(csv_reader_new(&options, &own), 0);
        assert_int_equal(csv_reader_open(own, "people.csv", bytes_of_text("local_id,Shoe size,family_name\nH1,9,\n"),
                                         false, &file),
                         0);
        assert_int_equal(csv_reader_next(own, &row), 1);
        assert_int_equal(row.reading.n_fields, 2); /* what was empty was not seen */
        assert_string_equal(row.reading.fields[0].path, "people.csv: local_id");
        assert_int_equal(row.reading.fields[0].use, FIELD_MAPPED);
        assert_string_equal(row.reading.fields[1].path, "people.csv: Shoe size");
        assert_int_equal(row.reading.fields[1].use, FIELD_UNKNOWN);
        csv_reader_free(own);
}

static void test_rows_of_another_length_than_the_first_line_come_back(void **state) {
        read_text("people.csv",
                  "local_id,family_name,sex\nH1,A\nH2,B,F,extra\nH3,C,F,,\n\"H4\"x,D,F\n\"H5,\"x,F\nH6,E,F\n");
        assert_int_equal(n_rows, 6);
        assert_refused(0, "fewer cells");
        assert_refused(1, "more cells");
        assert_taken(2, "patient.updated");
        assert_refused(3, "quotation marks");
        assert_refused(4, "quotation marks");
        assert_taken(5, "patient.updated");
}

static void test_totals_blank_rows_and_forgotten_examples_are_left_out(void **state) {
        read_text("people.csv", TWO "H1,A\n\n,\n  ,\t\nTotal,1\nEXAMPLE-1,EXAMPLE\nTotalia,B\n");
        assert_taken(0, "patient.updated");
        for (size_t i = 1; i <= 2; i++) {
                assert_int_equal(rows[i].verdict, CSV_LEFT_OUT);
                assert_string_equal(rows[i].message, "");
        }
        assert_int_equal(rows[3].verdict, CSV_LEFT_OUT);
        assert_has(rows[3].message, "totals");
        assert_int_equal(rows[4].verdict, CSV_LEFT_OUT);
        assert_has(rows[4].message, "example");
        assert_taken(5, "patient.updated");
}

static void test_each_row_can_be_read_again_alone(void **state) {
        static const char file[] = "\xef\xbb\xbfsep=;\r\nlocal_id;item;value;date\r\nH1;cpr;attempt CPR;2026-03-04\r\n"
                                   "H2;ppd1;\"home\r\nsweet home\";2026-03-04\r\nH3;cpr;red;2026-03-04";
        const ReadingOptions options = { .source = "hospice", .profile = profile, .timezone = "Europe/London" };
        CsvReader *again;
        CsvFile csv;
        CsvRow row;

        read_text("plan.csv", file);
        assert_int_equal(n_rows, 3);
        assert_int_equal(csv_reader_new(&options, &again), 0);
        for (size_t i = 0; i < n_rows; i++) {
                KeptRow kept = { 0 };

                assert_int_equal(
                        csv_reader_open_table(again, i == 1 ? NULL : "plan", bytes_of_text(rows[i].original), &csv), 0);
                assert_null(csv.problem);
                assert_string_equal(csv.table, "plan");
                assert_int_equal(csv_reader_next(again, &row), 1);
                keep_events(&row.reading, &kept);
                assert_string_equal(kept.json, rows[i].json);
                assert_int_equal(csv_reader_next(again, &row), 0);
                free(kept.json);
        }
        csv_reader_free(again);
}

static void test_the_name_picks_the_table(void **state) {
        static const struct {
                const char *name, *table;
        } names[] = {
                { "people.csv", "people" },     { "People-2026-03.CSV", "people" },
                { "services.csv", "services" }, { "contacts march.csv", "contacts" },
                { "photo.jpg", NULL },          { "people.xlsx", NULL },
                { ".people.csv", NULL },        { "old-people.csv", NULL },
        };
        const char *table;

        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                assert_int_equal(csv_name_is_known(profile, names[i].name, &table), names[i].table != NULL);
                if (names[i].table)
                        assert_string_equal(table, names[i].table);
        }
        use_profile("tables:\n  people: {files: \"patients*.csv\"}\n");
        assert_true(csv_name_is_known(profile, "patients-1.csv", &table));
        assert_string_equal(table, "people");
        assert_false(csv_name_is_known(profile, "people.csv", &table));
        assert_true(csv_name_is_known(profile, "plan.csv", &table));
        /* What programs exchange is nothing that a folder of people's lists is searched for. */
        assert_false(csv_name_is_known(profile, "documents.csv", &table));
        use_profile("tables:\n  documents: {exact: true}\n");
        assert_true(csv_name_is_known(profile, "documents-12.0.csv", &table));
        assert_false(csv_name_is_known(profile, "merges.csv", &table));
}

/* The page, the profile's check and the reader speak of the same columns. */
static void test_the_tables_are_the_templates(void **state) {
        size_t n_tables = 0;

        for (const Table *table; (table = table_at(n_tables)); n_tables++) {
                const Template *template = template_find(table->name);
                size_t n_template = 0, n_exact = 0;

                assert_non_null(template);
                assert_int_equal(template_is_shipped(template), !table->is_further);
                for (size_t i = 0; i < table->n_columns; i++) {
                        bool is_exact = table->columns[i].flags & TABLE_EXACT; /* no map may lead there */

                        n_exact += is_exact;
                        assert_int_equal(template_has_column(template, table->columns[i].name), !is_exact);
                }
                while (template->columns[n_template])
                        n_template++;
                assert_int_equal(table->n_columns, n_template + n_exact);
        }
        assert_null(template_at(n_tables));
}

static void test_the_shipped_files_have_the_columns_of_their_templates(void **state) {
        const char *source = getenv("CAREBUS_SOURCE");

        for (size_t i = 0; table_at(i) && !table_at(i)->is_further; i++) {
                const Table *table = table_at(i);
                _cleanup_(buffer_deinit) Buffer file = BUFFER_NULL, expected = BUFFER_NULL;
                char path[4096];

                snprintf(path, sizeof(path), "%s/etc/templates/%s.csv", source ? source : ".", table->name);
                assert_int_equal(file_read(path, 1 << 20, &file), 0);
                for (size_t j = 0; j < table->n_columns; j++)
                        if (!(table->columns[j].flags & TABLE_NOT_SHIPPED))
                                buffer_append_format(&expected, "%s%s", expected.size ? "," : "",
                                                     table->columns[j].name);
                buffer_append_byte(&expected, '\n');
                assert_true(file.size > expected.size && memcmp(file.data, expected.data, expected.size) == 0);
        }
}

int main(void) {
#define T(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)
        const struct CMUnitTest tests[] = {
                T(test_what_is_no_table_is_refused_with_what_to_do),
                T(test_a_million_rows_are_the_most),
                T(test_letters_are_read_in_what_they_are_written_in_and_the_receipt_says_what_was_decided),
                T(test_the_profiles_charset_counts_where_the_bytes_are_not_utf_8),
                T(test_a_letter_that_is_none_costs_its_row_alone),
                T(test_separators_are_found_or_said),
                T(test_columns_in_any_order_and_any_case),
                T(test_unknown_columns_are_named_once_and_seen_by_coverage),
                T(test_rows_of_another_length_than_the_first_line_come_back),
                T(test_totals_blank_rows_and_forgotten_examples_are_left_out),
                T(test_each_row_can_be_read_again_alone),
                T(test_the_name_picks_the_table),
                T(test_the_tables_are_the_templates),
                T(test_the_shipped_files_have_the_columns_of_their_templates),
        };

        return cmocka_run_group_tests_name("csv file", tests, NULL, NULL);
}
