/* A buffer's error sticks, and what was in it before an error is never handed out as whole. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "base/bytes.h"

static void test_appends_come_out_in_order_over_many_growths(void **state) {
        _cleanup_(buffer_deinit) Buffer buffer = BUFFER_NULL;

        for (uint32_t i = 0; i < 50000; i++)
                buffer_append(&buffer, &i, sizeof(i));
        assert_int_equal(buffer.error, 0);
        assert_int_equal(buffer.size, 50000 * sizeof(uint32_t));
        for (uint32_t i = 0; i < 50000; i++)
                assert_int_equal(load_le32(buffer.data + i * sizeof(i)), i);
}

static void test_error_sticks_until_cleared(void **state) {
        _cleanup_(buffer_deinit) Buffer buffer = BUFFER_NULL;

        buffer_append_text(&buffer, "before");
        assert_null(buffer_reserve(&buffer, SIZE_MAX / 2));
        assert_int_equal(buffer.error, -ENOMEM);
        buffer_append_text(&buffer, "after");
        buffer_append_format(&buffer, "%d", 1);
        buffer_advance(&buffer, 3);
        assert_int_equal(buffer.size, 6);
        assert_null(buffer_steal_text(&buffer));
        assert_int_equal(buffer.error, 0);
        buffer_append_text(&buffer, "again");
        assert_true(bytes_equal_text(buffer_bytes(&buffer), "again"));
}

static void test_appending_from_nowhere_is_nothing(void **state) {
        _cleanup_(buffer_deinit) Buffer buffer = BUFFER_NULL;

        buffer_append(&buffer, NULL, 0);
        buffer_append_bytes(&buffer, BYTES_NULL);
        buffer_consume(&buffer, 10);
        assert_int_equal(buffer.size, 0);
        assert_int_equal(buffer.error, 0);
}

static void test_format_of_any_length_is_whole(void **state) {
        _cleanup_(buffer_deinit) Buffer buffer = BUFFER_NULL;

        for (int width = 1; width < 3000; width *= 3) {
                size_t before = buffer.size;

                buffer_append_format(&buffer, "%0*d", width, 7);
                assert_int_equal(buffer.size - before, width);
                assert_int_equal(buffer.data[buffer.size - 1], '7');
        }
}

static void test_consume_moves_the_rest_to_the_front(void **state) {
        _cleanup_(buffer_deinit) Buffer buffer = BUFFER_NULL;

        buffer_append_text(&buffer, "abcdef");
        buffer_consume(&buffer, 2);
        assert_true(bytes_equal_text(buffer_bytes(&buffer), "cdef"));
        buffer_consume(&buffer, 100);
        assert_int_equal(buffer.size, 0);
}

static void test_reserved_bytes_count_after_advance_only(void **state) {
        _cleanup_(buffer_deinit) Buffer buffer = BUFFER_NULL;
        uint8_t *place = buffer_reserve(&buffer, 10);

        memcpy(place, "0123456789", 10);
        assert_int_equal(buffer.size, 0);
        buffer_advance(&buffer, 4);
        assert_true(bytes_equal_text(buffer_bytes(&buffer), "0123"));
}

static void test_stolen_text_is_terminated_and_the_buffer_begins_anew(void **state) {
        _cleanup_(buffer_deinit) Buffer buffer = BUFFER_NULL;
        _cleanup_(freep) char *text = NULL;
        _cleanup_(freep) char *empty = NULL;

        for (int i = 0; i < 256; i++)
                buffer_append_byte(&buffer, 'x');
        text = buffer_steal_text(&buffer);
        assert_int_equal(strlen(text), 256);
        assert_null(buffer.data);
        empty = buffer_steal_text(&buffer);
        assert_string_equal(empty, "");
}

static void test_equality_looks_at_every_byte_and_at_the_size(void **state) {
        assert_true(bytes_equal(BYTES_NULL, bytes_of("", 0)));
        assert_true(bytes_equal_text(BYTES_NULL, NULL));
        assert_false(bytes_equal_text(BYTES_LITERAL("ab"), "abc"));
        assert_false(bytes_equal_text(bytes_of("ab\0", 3), "ab"));
        assert_false(bytes_equal(BYTES_LITERAL("abc"), BYTES_LITERAL("abd")));
}

static void test_copy_of_bytes_keeps_embedded_nul(void **state) {
        _cleanup_(freep) char *text = bytes_to_text(bytes_of("a\0b", 3));

        assert_memory_equal(text, "a\0b", 4);
        assert_null(bytes_to_text(bytes_of("", SIZE_MAX)));
}

static void test_numbers_are_read_as_they_were_written_at_odd_places(void **state) {
        uint8_t data[32] = { 0 };

        store_le32(data + 1, 0x01020304);
        assert_memory_equal(data + 1, "\x04\x03\x02\x01", 4);
        store_be64(data + 9, 0x0102030405060708);
        assert_memory_equal(data + 9, "\x01\x02\x03\x04\x05\x06\x07\x08", 8);
        assert_true(load_be64(data + 9) == 0x0102030405060708);
        store_le64(data + 3, UINT64_MAX - 1);
        assert_true(load_le64(data + 3) == UINT64_MAX - 1);
}

static void test_numbers_lie_with_their_lowest_byte_first(void **state) {
        static const uint8_t expected[] = { 4, 3, 2, 1, 0xef, 0xcd, 0xab, 0x89, 0x67, 0x45, 0x23, 1 };
        _cleanup_(buffer_deinit) Buffer buffer = BUFFER_NULL;

        buffer_append_le32(&buffer, 0x01020304);
        buffer_append_le64(&buffer, UINT64_C(0x0123456789abcdef));
        assert_true(bytes_equal(buffer_bytes(&buffer), bytes_of(expected, sizeof(expected))));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_numbers_lie_with_their_lowest_byte_first),
                cmocka_unit_test(test_appends_come_out_in_order_over_many_growths),
                cmocka_unit_test(test_error_sticks_until_cleared),
                cmocka_unit_test(test_appending_from_nowhere_is_nothing),
                cmocka_unit_test(test_format_of_any_length_is_whole),
                cmocka_unit_test(test_consume_moves_the_rest_to_the_front),
                cmocka_unit_test(test_reserved_bytes_count_after_advance_only),
                cmocka_unit_test(test_stolen_text_is_terminated_and_the_buffer_begins_anew),
                cmocka_unit_test(test_equality_looks_at_every_byte_and_at_the_size),
                cmocka_unit_test(test_copy_of_bytes_keeps_embedded_nul),
                cmocka_unit_test(test_numbers_are_read_as_they_were_written_at_odd_places),
        };
        return cmocka_run_group_tests_name("bytes", tests, NULL, NULL);
}
