/*
 * Character sets: what is declared is converted or refused with its byte; nothing is guessed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "adapters/mllp/charset.h"

static Charset *charset;

static int setup(void **state) {
        return charset_new(&charset);
}

static int teardown(void **state) {
        charset = charset_free(charset);
        return 0;
}

static int convert(const char *bytes, const char *msh18, const char *fallback, Bytes *ret, size_t *ret_offset) {
        CharsetClaim claim = { .msh18 = bytes_of_text(msh18), .repeat = '~', .fallback = fallback };

        return charset_to_utf8(charset, bytes_of_text(bytes), &claim, ret, ret_offset);
}

static void assert_converts(const char *bytes, const char *msh18, const char *fallback, const char *expected) {
        Bytes text;
        size_t offset;

        assert_int_equal(convert(bytes, msh18, fallback, &text, &offset), 0);
        assert_true(bytes_equal_text(text, expected));
}

static void assert_refused(const char *bytes, const char *msh18, const char *fallback, int code, size_t at) {
        Bytes text;
        size_t offset = 9999;

        assert_int_equal(convert(bytes, msh18, fallback, &text, &offset), code);
        assert_int_equal(offset, at);
}

static void test_declared_sets_become_utf8(void **state) {
        assert_converts("Zo\xEB", "8859/1", NULL, "Zo\xC3\xAB");
        assert_converts("Zo\xEB", "ISO-8859-1", NULL, "Zo\xC3\xAB");
        assert_converts("\xA4", "8859/15", NULL, "\xE2\x82\xAC");
        assert_converts("\xB1", "8859/2", NULL, "\xC4\x85");
        assert_converts("Zo\xC3\xAB", "UNICODE UTF-8", NULL, "Zo\xC3\xAB");
        assert_converts("Zo\xC3\xAB", "utf-8", NULL, "Zo\xC3\xAB");
        assert_converts("Zoe", "ASCII", NULL, "Zoe");
        assert_converts("\xD6\xD0", "GB 18030-2000", NULL, "\xE4\xB8\xAD");
        assert_converts("\xA4\xA4", "BIG-5", NULL, "\xE4\xB8\xAD");
        assert_converts("\x1B$B;3\x1B(B", "ISO IR87", NULL, "\xE5\xB1\xB1");
}

static void test_a_byte_that_the_declared_set_does_not_have_is_refused(void **state) {
        assert_refused("Zo\xEB", "ASCII", NULL, CHARSET_E_INVALID, 2);
        assert_refused("0123456789\xEB", "ASCII", NULL, CHARSET_E_INVALID, 10);
        assert_refused("Zo\xEB", "UTF-8", NULL, CHARSET_E_INVALID, 2);
        assert_refused("ab\x81", "GB18030", NULL, CHARSET_E_INVALID, 2);
}

static void test_a_declaration_beats_the_profile(void **state) {
        assert_refused("Zo\xEB", "UTF-8", "ISO-8859-1", CHARSET_E_INVALID, 2);
        assert_converts("\xA4", "8859/15", "ISO-8859-1", "\xE2\x82\xAC");
}

static void test_a_set_that_nobody_knows_is_refused(void **state) {
        assert_refused("abc", "ISO IR 999", NULL, CHARSET_E_UNKNOWN, 0);
        assert_refused("abc", "8859/1~KLINGON", NULL, CHARSET_E_UNKNOWN, 0);
}

static void test_undeclared_bytes_are_utf8_or_what_the_profile_says(void **state) {
        assert_converts("Zo\xC3\xAB", "", NULL, "Zo\xC3\xAB");
        assert_converts("Zo\xC3\xAB", "", "ISO-8859-1", "Zo\xC3\xAB");
        assert_converts("Zo\xEB", "", "ISO-8859-1", "Zo\xC3\xAB");
        assert_converts("\x80", " ", "CP1252", "\xE2\x82\xAC");
}

static void test_undeclared_bytes_are_never_guessed(void **state) {
        assert_refused("Zo\xEB", "", NULL, CHARSET_E_UNSAID, 2);
}

static void test_of_repeated_sets_the_one_beyond_ascii_counts(void **state) {
        assert_converts("Zo\xC3\xAB", "ASCII~UNICODE UTF-8", NULL, "Zo\xC3\xAB");
        assert_converts("\x1B$B;3\x1B(B", "~ISO IR87", NULL, "\xE5\xB1\xB1");
}

static void test_converters_are_reused_and_forgotten(void **state) {
        static const char *const sets[] = { "8859/1", "8859/2", "8859/3", "8859/4",
                                            "8859/5", "8859/7", "8859/9", "8859/15" };

        for (int round = 0; round < 3; round++)
                for (size_t i = 0; i < ELEMENTSOF(sets); i++)
                        assert_converts("abc", sets[i], NULL, "abc");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_declared_sets_become_utf8, setup, teardown),
                cmocka_unit_test_setup_teardown(test_a_byte_that_the_declared_set_does_not_have_is_refused, setup,
                                                teardown),
                cmocka_unit_test_setup_teardown(test_a_declaration_beats_the_profile, setup, teardown),
                cmocka_unit_test_setup_teardown(test_a_set_that_nobody_knows_is_refused, setup, teardown),
                cmocka_unit_test_setup_teardown(test_undeclared_bytes_are_utf8_or_what_the_profile_says, setup,
                                                teardown),
                cmocka_unit_test_setup_teardown(test_undeclared_bytes_are_never_guessed, setup, teardown),
                cmocka_unit_test_setup_teardown(test_of_repeated_sets_the_one_beyond_ascii_counts, setup, teardown),
                cmocka_unit_test_setup_teardown(test_converters_are_reused_and_forgotten, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
