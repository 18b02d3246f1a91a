/* Nothing is read past the end, and the first attempt is remembered. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>

#include "base/cursor.h"

static void test_numbers_and_bytes_come_in_order(void **state) {
        Cursor cursor = CURSOR_INIT(BYTES_LITERAL("\x01\x02\x00\x00\x00\x03\x00\x00\x00\x00\x00\x00\x80rest"));

        assert_int_equal(cursor_u8(&cursor), 1);
        assert_int_equal(cursor_le32(&cursor), 2);
        assert_true(cursor_le64(&cursor) == 0x8000000000000003ULL);
        assert_int_equal(cursor_left(&cursor), 4);
        assert_true(bytes_equal_text(cursor_bytes(&cursor, 4), "rest"));
        assert_int_equal(cursor_left(&cursor), 0);
        assert_int_equal(cursor.error, 0);
}

static void test_first_read_past_the_end_sticks_and_gives_zeros(void **state) {
        Cursor cursor = CURSOR_INIT(BYTES_LITERAL("\xff\xff\xff"));

        assert_int_equal(cursor_le32(&cursor), 0);
        assert_int_equal(cursor.error, -EBADMSG);
        /* Three bytes are there; they are not given out after a mistake. */
        assert_int_equal(cursor_u8(&cursor), 0);
        assert_true(cursor_le64(&cursor) == 0);
        assert_null(cursor_bytes(&cursor, 1).data);
        assert_int_equal(cursor_left(&cursor), 0);
}

static void test_a_size_that_wraps_around_is_past_the_end(void **state) {
        Cursor cursor = CURSOR_INIT(BYTES_LITERAL("abc"));

        assert_int_equal(cursor_u8(&cursor), 'a');
        assert_int_equal(cursor_bytes(&cursor, SIZE_MAX).size, 0);
        assert_int_equal(cursor.error, -EBADMSG);
}

static void test_nothing_can_be_read_from_nothing_but_nothing(void **state) {
        Cursor cursor = CURSOR_INIT(BYTES_NULL);

        assert_int_equal(cursor_bytes(&cursor, 0).size, 0);
        assert_int_equal(cursor.error, 0);
        assert_int_equal(cursor_u8(&cursor), 0);
        assert_int_equal(cursor.error, -EBADMSG);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_numbers_and_bytes_come_in_order),
                cmocka_unit_test(test_first_read_past_the_end_sticks_and_gives_zeros),
                cmocka_unit_test(test_a_size_that_wraps_around_is_past_the_end),
                cmocka_unit_test(test_nothing_can_be_read_from_nothing_but_nothing),
        };
        return cmocka_run_group_tests_name("cursor", tests, NULL, NULL);
}
