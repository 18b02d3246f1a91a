/*
 * What an adapter hands on of a message, and which of its fields were mapped, left or unknown.
 */
#include "translate-fixture.h"

#define PID "PID|1||123456^^^RA9^PI||SMITH^JOHN|||||2106-3|1 HIGH ST^^LEEDS^^^^^X\r"

static void read_with_fields(const char *text) {
        TranslateOptions options = {
                .source = "pas", .profile = profile, .timezone = "Europe/London", .want_fields = true
        };

        if (!translator)
                assert_int_equal(translator_new(&translator, &options), 0);
        assert_int_equal(translate_message(translator, bytes_of_text(text), &result), 0);
        assert_int_equal(translate_reading(translator, &result, bytes_of_text(text), &reading), 0);
        for (size_t i = 0; i < reading.n_fields; i++) /* each path once */
                for (size_t j = 0; j < i; j++)
                        assert_string_not_equal(reading.fields[i].path, reading.fields[j].path);
}

static int use_of(const char *path) {
        for (size_t i = 0; i < reading.n_fields; i++)
                if (strcmp(reading.fields[i].path, path) == 0)
                        return reading.fields[i].use;
        return -1;
}

static void test_a_reading_is_the_result_and_its_bytes(void **state) {
        const char *text = MSH_OF("ADT^A31") PID;

        read_with_fields(text);
        assert_int_equal(reading.n_events, 1);
        assert_ptr_equal(reading.events, result.events);
        assert_null(reading.problem_code);
        assert_string_equal(reading.message_id, "M1");
        assert_int_equal(reading.message_time, result.message_time);
        assert_string_equal(reading.media_type, "x-application/hl7-v2+er7");
        assert_string_equal(reading.trigger, "ADT^A31");
        assert_ptr_equal(reading.original.data, text);
        assert_int_equal(reading.original.size, strlen(text));
}

static void test_fields_are_mapped_left_or_unknown(void **state) {
        read_with_fields(MSH_OF("ADT^A31") PID "ZZZ|1|secret\r");
        assert_int_equal(use_of("PID-3"), FIELD_MAPPED);
        assert_int_equal(use_of("PID-5"), FIELD_MAPPED);
        assert_int_equal(use_of("MSH-7"), FIELD_MAPPED);
        assert_int_equal(use_of("MSH-12"), FIELD_IGNORED);
        assert_int_equal(use_of("PID-1"), FIELD_IGNORED);
        assert_int_equal(use_of("PID-10"), FIELD_UNKNOWN);
        assert_int_equal(use_of("ZZZ-2"), FIELD_UNKNOWN);
        assert_int_equal(use_of("PID-11"), FIELD_MAPPED);
        assert_int_equal(use_of("PID-11.8"), FIELD_UNKNOWN); /* a part of what was read */
        assert_int_equal(use_of("PID-7"), -1);               /* was not there */
        for (size_t i = 0; i < reading.n_fields; i++)
                assert_null(strstr(reading.fields[i].path, "secret"));
}

static void test_a_field_that_was_read_once_counts_as_mapped(void **state) {
        read_with_fields(MSH_OF("ADT^A01") PID "PV1|1|I|W1\rPV1|2|I|W2\r");
        assert_int_equal(use_of("PV1-3"), FIELD_MAPPED);
}

static void test_what_the_profile_leaves_is_not_unknown(void **state) {
        use_profile("ignore: [PID-10, ZZZ, PID-11.8, PID-3]\n");
        read_with_fields(MSH_OF("ADT^A31") PID "ZZZ|1|x\rZZA|1\r");
        assert_int_equal(use_of("PID-10"), FIELD_IGNORED);
        assert_int_equal(use_of("ZZZ-2"), FIELD_IGNORED);
        assert_int_equal(use_of("PID-11.8"), FIELD_IGNORED);
        assert_int_equal(use_of("PID-3"), FIELD_MAPPED); /* it was not left */
        assert_int_equal(use_of("ZZA-1"), FIELD_UNKNOWN);
}

static void test_a_path_says_which_fields_of_the_profile_were_read(void **state) {
        use_profile("fields:\n  'ZPI[1=B]-2': demographics.access_note\n");
        read_with_fields(MSH_OF("ADT^A31") PID "ZPI|A|no\rZPI|B|yes\r");
        assert_string_equal(reading.events[0]->demographics->access_note, "yes");
        assert_int_equal(use_of("ZPI-1"), FIELD_MAPPED);
        assert_int_equal(use_of("ZPI-2"), FIELD_MAPPED);
}

static void test_of_what_was_not_read_no_field_is_counted(void **state) {
        read_with_fields(MSH_OF("ADT^A99") PID);
        assert_string_equal(reading.problem_code, "unhandled-trigger");
        assert_int_equal(reading.n_fields, 0);
        read_with_fields("nothing");
        assert_non_null(reading.problem_code);
        assert_int_equal(reading.n_fields, 0);
}

static void test_names_without_end_cost_no_more_than_their_cap(void **state) {
        size_t size = 1 << 20, at;
        char *text = malloc(size);

        assert_non_null(text);
        at = (size_t)snprintf(text, size, "%s", MSH_OF("ADT^A31") PID);
        for (unsigned i = 0; i < 100; i++) {
                at += (size_t)snprintf(text + at, size - at, "Z%02u", i);
                for (unsigned f = 0; f < 100; f++)
                        at += (size_t)snprintf(text + at, size - at, "|x");
                at += (size_t)snprintf(text + at, size - at, "\r");
        }
        for (unsigned i = 0; i < 3; i++) {
                read_with_fields(text);
                assert_int_equal(reading.n_fields, 4096);
        }
        read_with_fields(MSH_OF("ADT^A31") PID); /* those that were known before still are */
        assert_int_equal(use_of("PID-3"), FIELD_MAPPED);
        free(text);
}

/* ---- files */

typedef struct Seen {
        size_t n, n_events, n_problems;
} Seen;

static int on_seen(void *owner, const Reading *one) {
        Seen *seen = owner;

        seen->n++;
        seen->n_events += one->n_events;
        seen->n_problems += one->problem_code != NULL;
        return seen->n == 5 ? -ECANCELED : 0;
}

static Seen read_file(const char *text, int expected) {
        ReadingOptions options = {
                .source = "pas", .profile = profile, .timezone = "Europe/London", .want_fields = true
        };
        Seen seen = { 0 };
        void *reader;

        assert_int_equal(mllp_reader.open(&options, &reader), 0);
        assert_int_equal(mllp_reader.read(reader, "file.hl7", bytes_of_text(text), on_seen, &seen), expected);
        mllp_reader.close(reader);
        return seen;
}

static void test_each_message_of_a_file_is_seen(void **state) {
        const char *one = MSH_OF("ADT^A31") PID;
        char text[4096];
        Seen seen;

        snprintf(text, sizeof(text), "FHS|^~\\&\rBHS|^~\\&\r%s%sBTS|2\rFTS|1\r", one, one);
        seen = read_file(text, 0);
        assert_true(seen.n == 2 && seen.n_events == 2 && seen.n_problems == 0);
        seen = read_file("", 0); /* never nothing */
        assert_true(seen.n == 1 && seen.n_events == 0 && seen.n_problems == 1);
        snprintf(text, sizeof(text), "%s%s%s%s%s%s%s", one, one, one, one, one, one, one);
        assert_int_equal(read_file(text, -ECANCELED).n, 5); /* who is told may end it */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_a_reading_is_the_result_and_its_bytes),
                TEST(test_fields_are_mapped_left_or_unknown),
                TEST(test_a_field_that_was_read_once_counts_as_mapped),
                TEST(test_what_the_profile_leaves_is_not_unknown),
                TEST(test_a_path_says_which_fields_of_the_profile_were_read),
                TEST(test_of_what_was_not_read_no_field_is_counted),
                TEST(test_names_without_end_cost_no_more_than_their_cap),
                TEST(test_each_message_of_a_file_is_seen),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
