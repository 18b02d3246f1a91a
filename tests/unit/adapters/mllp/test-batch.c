/*
 * Cutting files and batches into messages.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "adapters/mllp/batch.h"

static void assert_messages(const char *text, size_t n, const char *const *expected) {
        BatchReader reader = BATCH_READER_INIT(bytes_of_text(text));
        Bytes message;

        for (size_t i = 0; i < n; i++) {
                assert_true(batch_next(&reader, &message));
                while (message.size && strchr("\r\n\x1C\x0B", message.data[message.size - 1]))
                        message.size--;
                assert_int_equal(message.size, strlen(expected[i]));
                assert_memory_equal(message.data, expected[i], message.size);
        }
        assert_false(batch_next(&reader, &message));
        assert_false(batch_next(&reader, &message));
}
#define ASSERT_MESSAGES(text, ...)                                                        \
        do {                                                                              \
                static const char *const expected_[] = { __VA_ARGS__ };                   \
                assert_messages(text, sizeof(expected_) / sizeof(*expected_), expected_); \
        } while (0)

static void test_one_message_is_one(void **state) {
        ASSERT_MESSAGES("MSH|^~\\&|A\rPID|1\r", "MSH|^~\\&|A\rPID|1");
        ASSERT_MESSAGES("\xEF\xBB\xBFMSH|^~\\&|A\nPID|1", "MSH|^~\\&|A\nPID|1");
}

static void test_messages_stand_one_below_the_other(void **state) {
        ASSERT_MESSAGES("MSH|1\rPID|1\r\rMSH|2\r\n\r\nMSH|3", "MSH|1\rPID|1", "MSH|2", "MSH|3");
}

static void test_msh_inside_a_field_is_no_begin(void **state) {
        ASSERT_MESSAGES("MSH|1\rNTE|1||the MSH|was wrong\rPID|MSH|\r", "MSH|1\rNTE|1||the MSH|was wrong\rPID|MSH|");
}

static void test_envelopes_are_passed_over(void **state) {
        ASSERT_MESSAGES("FHS|^~\\&|x\rBHS|^~\\&|y\rMSH|1\rPID|1\rMSH|2\rBTS|2\rBHS|y\rMSH|3\rBTS|1\rFTS|2\r",
                        "MSH|1\rPID|1", "MSH|2", "MSH|3");
}

static void test_frames_that_were_left_in_are_passed_over(void **state) {
        ASSERT_MESSAGES("\x0BMSH|1\rPID|1\r\x1C\r\x0BMSH|2\r\x1C\r", "MSH|1\rPID|1", "MSH|2");
}

static void test_the_end_of_a_frame_is_no_part_of_the_last_field(void **state) {
        BatchReader reader = BATCH_READER_INIT(BYTES_LITERAL("\x0BMSH|1|A01\x1C\r\x0BMSH|2\r\x1C\r"));
        Bytes message;

        assert_true(batch_next(&reader, &message));
        assert_true(bytes_equal_text(message, "MSH|1|A01"));
        assert_true(batch_next(&reader, &message));
        assert_true(bytes_equal_text(message, "MSH|2\r"));
        assert_false(batch_next(&reader, &message));
}

static void test_a_frame_with_no_message_in_it_does_not_run_into_the_one_before(void **state) {
        ASSERT_MESSAGES("\x0BMSH|1\rPID|1\r\x1C\r\x0BHELLO\r\x1C\r\x0BMSH|3\r\x1C\r", "MSH|1\rPID|1", "HELLO", "MSH|3");
        ASSERT_MESSAGES("MSH|1\rNTE|1||one line\r\rthe next\r\x1C\r", "MSH|1\rNTE|1||one line\r\rthe next");
}

static void test_text_that_is_no_message_is_not_lost(void **state) {
        ASSERT_MESSAGES("hello\rMSH|1\r", "hello", "MSH|1");
        ASSERT_MESSAGES("EVN|A01\rPID|1\r", "EVN|A01\rPID|1");
}

static void test_an_empty_file_has_none(void **state) {
        BatchReader reader = BATCH_READER_INIT(BYTES_LITERAL(" \r\n\r\n\xEF\xBB\xBF"));
        Bytes message;

        assert_false(batch_next(&reader, &message));
        reader = BATCH_READER_INIT(BYTES_LITERAL("FHS|^~\\&|x\rFTS|0\r"));
        assert_false(batch_next(&reader, &message));
}

static void test_a_batch_is_told_from_a_message(void **state) {
        assert_false(batch_is_batch(BYTES_LITERAL("MSH|1\rPID|1\r")));
        assert_true(batch_is_batch(BYTES_LITERAL("MSH|1\rMSH|2\r")));
        assert_true(batch_is_batch(BYTES_LITERAL("BHS|x\rMSH|2\r")));
        assert_true(batch_is_batch(BYTES_LITERAL("FHS|x\r")));
}

/* B and F for what does not fit, in order. */
static void assert_counts(const char *text, const char *expected) {
        BatchReader reader = BATCH_READER_INIT(bytes_of_text(text));
        char found[8] = "";
        bool is_more;
        Bytes message;

        do {
                is_more = batch_next(&reader, &message);
                if (reader.wrong_batch.data)
                        strcat(found, "B");
                if (reader.wrong_file.data)
                        strcat(found, "F");
                reader.wrong_batch = reader.wrong_file = BYTES_NULL;
        } while (is_more);
        assert_string_equal(found, expected);
}

static void test_a_trailer_that_counts_others_than_came_is_told(void **state) {
        assert_counts("FHS|^\rBHS|^\rMSH|1\rMSH|2\rBTS|2\rFTS|1\r", "");
        assert_counts("BHS|^\rMSH|1\rBTS|1\rBHS|^\rMSH|2\rMSH|3\rBTS|2\rFTS|2\r", "");
        assert_counts("FHS|^\rMSH|1\rMSH|2\rFTS|2\r", "");
        assert_counts("FHS|^\rBHS|^\rMSH|1\rBTS\rFTS||x\r", "");
        assert_counts("FHS|^\rBHS|^\rMSH|1\rBTS|2\rFTS|1\r", "B");
        assert_counts("FHS|^\rBHS|^\rMSH|1\rBTS|1\rFTS|3\r", "F");
        assert_counts("BHS|^\rMSH|1\rBTS|2\rBHS|^\rMSH|2\rBTS|0\rFTS|2\r", "BB");
        assert_counts("BHS|^\rMSH|1\rBTS|one\rFTS|99999999999999999999999\r", "BF");
        assert_counts("FHS|^\rBHS|^\rBTS|0\rFTS|1\r", "");
        assert_counts("MSH|1\rMSH|2\r", "");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_one_message_is_one),
                cmocka_unit_test(test_a_trailer_that_counts_others_than_came_is_told),
                cmocka_unit_test(test_messages_stand_one_below_the_other),
                cmocka_unit_test(test_msh_inside_a_field_is_no_begin),
                cmocka_unit_test(test_envelopes_are_passed_over),
                cmocka_unit_test(test_frames_that_were_left_in_are_passed_over),
                cmocka_unit_test(test_the_end_of_a_frame_is_no_part_of_the_last_field),
                cmocka_unit_test(test_a_frame_with_no_message_in_it_does_not_run_into_the_one_before),
                cmocka_unit_test(test_text_that_is_no_message_is_not_lost),
                cmocka_unit_test(test_an_empty_file_has_none),
                cmocka_unit_test(test_a_batch_is_told_from_a_message),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
