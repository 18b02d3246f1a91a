/* Text that crosses borders: only what Unicode allows passes, and only what is harmless is shown. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/text.h"

/* Straight from the definition: decodes, then looks at the number. */
static bool is_valid_by_definition(const uint8_t *p, size_t n) {
        for (size_t i = 0; i < n;) {
                size_t length = p[i] < 0x80             ? 1
                                : (p[i] & 0xe0) == 0xc0 ? 2
                                : (p[i] & 0xf0) == 0xe0 ? 3
                                : (p[i] & 0xf8) == 0xf0 ? 4
                                                        : 0;
                const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
                uint32_t c;

                if (length == 0 || i + length > n)
                        return false;
                c = length == 1 ? p[i] : p[i] & (0xffU >> (length + 1));
                for (size_t k = 1; k < length; k++) {
                        if ((p[i + k] & 0xc0) != 0x80)
                                return false;
                        c = c << 6 | (p[i + k] & 0x3f);
                }
                if (c < smallest[length] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
                        return false;
                i += length;
        }
        return true;
}

static void test_utf8_of_up_to_three_bytes_is_judged_as_the_definition_does(void **state) {
        uint8_t p[3];

        for (uint32_t i = 0; i < 1U << 24; i++) {
                p[0] = (uint8_t)(i >> 16);
                p[1] = (uint8_t)(i >> 8);
                p[2] = (uint8_t)i;
                if (utf8_is_valid(p, 3) != is_valid_by_definition(p, 3))
                        fail_msg("%06x", i);
        }
}

static void test_utf8_of_four_bytes_is_judged_as_the_definition_does(void **state) {
        uint8_t p[4];

        /* The last byte only has to be a continuation: its edges are enough. */
        for (uint32_t i = 0; i < 1U << 19; i++) {
                p[0] = (uint8_t)(0xf0 | i >> 16);
                p[1] = (uint8_t)(i >> 8);
                p[2] = (uint8_t)i;
                for (unsigned last = 0x7f; last <= 0xc0; last += 0x41) {
                        p[3] = (uint8_t)last;
                        assert_int_equal(utf8_is_valid(p, 4), is_valid_by_definition(p, 4));
                }
                p[3] = 0x80;
                if (utf8_is_valid(p, 4) != is_valid_by_definition(p, 4))
                        fail_msg("%05x", i);
        }
}

static void test_utf8_prefix_ends_before_the_first_bad_byte_wherever_it_stands(void **state) {
        uint8_t data[100];

        for (size_t place = 0; place < sizeof(data); place++) {
                memset(data, 'a', sizeof(data));
                data[place] = 0xff;
                assert_int_equal(utf8_valid_prefix(data, sizeof(data)), place);
                data[place] = 0xc3; /* begins a character that does not go on, or is cut off at the end */
                assert_int_equal(utf8_valid_prefix(data, sizeof(data)), place);
                if (place + 1 < sizeof(data)) {
                        data[place + 1] = 0xa9;
                        assert_true(utf8_is_valid(data, sizeof(data)));
                }
        }
        assert_int_equal(utf8_valid_prefix(NULL, 0), 0);
}

static void test_names_are_lower_case_digits_and_hyphens_up_to_32(void **state) {
        const char *const good[] = { "a", "0", "-", "hospital-pas", "abcdefghijklmnopqrstuvwxyz012345" };
        const char *const bad[] = { "",    "A",   "a_b",      "a.b",
                                    "a/b", "a b", "\xc3\xa9", "abcdefghijklmnopqrstuvwxyz0123456",
                                    "a\n" };

        for (size_t i = 0; i < ELEMENTSOF(good); i++)
                assert_true(name_is_valid(good[i]));
        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                assert_false(name_is_valid(bad[i]));
}

static void test_numbers_are_digits_alone_and_fit(void **state) {
        const char *const bad[] = { "", "-1", "+1", " 1", "1 ", "0x1", "1e3", "1.0", "99999999999999999999a" };
        uint64_t value = 42;

        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                assert_int_equal(text_to_u64(bad[i], &value), -EINVAL);
        assert_int_equal(text_to_u64("18446744073709551616", &value), -ERANGE);
        assert_int_equal(text_to_u64("99999999999999999999999999", &value), -ERANGE);
        assert_true(value == 42);
        assert_int_equal(text_to_u64("18446744073709551615", &value), 0);
        assert_true(value == UINT64_MAX);
        assert_int_equal(text_to_u64("007", &value), 0);
        assert_true(value == 7);
}

static void check_escaped(Bytes bytes, const char *expected) {
        _cleanup_(freep) char *text = text_escaped(bytes);

        assert_string_equal(text, expected);
}

static void test_what_a_terminal_obeys_is_shown_instead(void **state) {
        check_escaped(BYTES_LITERAL("plain caf\xc3\xa9"), "plain caf\xc3\xa9");
        check_escaped(BYTES_LITERAL("\x1b[31mred\n"), "\\x1b[31mred\\x0a");
        check_escaped(BYTES_LITERAL("a\0b\x7f"), "a\\x00b\\x7f");
        check_escaped(BYTES_LITERAL("\xc2\x9b"), "\\u{009b}"); /* C1: a control sequence too */
        check_escaped(BYTES_LITERAL("\xe2\x80\xae"
                                    "x"),
                      "\\u{202e}x"); /* right-to-left override */
        check_escaped(BYTES_LITERAL("\xe2\x81\xa9"), "\\u{2069}");
        check_escaped(BYTES_LITERAL("\xff\xc3"), "\\xff\\xc3");
        check_escaped(BYTES_LITERAL("\xed\xa0\x80"), "\\xed\\xa0\\x80"); /* a surrogate */
        check_escaped(BYTES_NULL, "");
}

static void test_escaped_text_of_any_bytes_is_harmless(void **state) {
        unsigned seed = (unsigned)time(NULL);
        uint8_t data[64];

        print_message("# seed %u\n", seed);
        srandom(seed);
        for (int round = 0; round < 20000; round++) {
                _cleanup_(freep) char *text = NULL;
                _cleanup_(freep) char *again = NULL;
                size_t size = (size_t)random() % sizeof(data);

                for (size_t i = 0; i < size; i++)
                        data[i] = (uint8_t)(random() & (round & 1 ? 0xff : 0x9f));
                text = text_escaped(bytes_of(data, size));
                assert_true(utf8_is_valid(text, strlen(text)));
                again = text_escaped(bytes_of_text(text));
                assert_string_equal(again, text);
        }
}

static void test_distance_counts_one_for_each_slip(void **state) {
        assert_int_equal(text_distance("sources", "sources", 2), 0);
        assert_int_equal(text_distance("sources", "source", 2), 1);
        assert_int_equal(text_distance("sources", "soruces", 2), 1);
        assert_int_equal(text_distance("sources", "zources", 2), 1);
        assert_int_equal(text_distance("sources", "sourrces", 2), 1);
        assert_int_equal(text_distance("ca", "abc", 5), 3);
        assert_int_equal(text_distance("kitten", "sitting", 5), 3);
        assert_int_equal(text_distance("kitten", "sitting", 2), 3);
        assert_int_equal(text_distance("", "abc", 5), 3);
}

static void test_words_beyond_the_table_are_far_from_all_but_themselves(void **state) {
        char long_word[200], other[200];

        memset(long_word, 'a', sizeof(long_word) - 1);
        long_word[sizeof(long_word) - 1] = '\0';
        memcpy(other, long_word, sizeof(other));
        assert_int_equal(text_distance(long_word, other, 2), 0);
        other[0] = 'b';
        assert_int_equal(text_distance(long_word, other, 2), 3);
}

static void test_a_near_miss_is_named_and_a_far_one_is_not(void **state) {
        const char *const words[] = { "sources", "teams", "state", "run" };

        assert_string_equal(text_did_you_mean("soruces", words, ELEMENTSOF(words)), "sources");
        assert_string_equal(text_did_you_mean("team", words, ELEMENTSOF(words)), "teams");
        assert_null(text_did_you_mean("xyz", words, ELEMENTSOF(words)));
        /* One letter of two may be wrong; of one, anything would be near. */
        assert_string_equal(text_did_you_mean("ru", words, ELEMENTSOF(words)), "run");
        assert_null(text_did_you_mean("r", words, ELEMENTSOF(words)));
        assert_null(text_did_you_mean("", words, ELEMENTSOF(words)));
        assert_null(text_did_you_mean("teams", NULL, 0));
}

static void test_small_helpers_tell_null_from_empty(void **state) {
        _cleanup_(freep) char *text = NULL;
        char hex[7];

        assert_true(text_equal(NULL, NULL));
        assert_false(text_equal(NULL, ""));
        assert_false(text_equal("", NULL));
        assert_true(text_equal("a", "a"));
        assert_true(text_starts_with("abc", "ab"));
        assert_true(text_starts_with("abc", ""));
        assert_false(text_starts_with("ab", "abc"));
        assert_int_equal(text_format(&text, "%s/%d", "x", 3), 0);
        assert_string_equal(text, "x/3");
        hex_encode("\x00\xab\x0f", 3, hex);
        assert_string_equal(hex, "00ab0f");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_utf8_of_up_to_three_bytes_is_judged_as_the_definition_does),
                cmocka_unit_test(test_utf8_of_four_bytes_is_judged_as_the_definition_does),
                cmocka_unit_test(test_utf8_prefix_ends_before_the_first_bad_byte_wherever_it_stands),
                cmocka_unit_test(test_names_are_lower_case_digits_and_hyphens_up_to_32),
                cmocka_unit_test(test_numbers_are_digits_alone_and_fit),
                cmocka_unit_test(test_what_a_terminal_obeys_is_shown_instead),
                cmocka_unit_test(test_escaped_text_of_any_bytes_is_harmless),
                cmocka_unit_test(test_distance_counts_one_for_each_slip),
                cmocka_unit_test(test_words_beyond_the_table_are_far_from_all_but_themselves),
                cmocka_unit_test(test_a_near_miss_is_named_and_a_far_one_is_not),
                cmocka_unit_test(test_small_helpers_tell_null_from_empty),
        };
        return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
