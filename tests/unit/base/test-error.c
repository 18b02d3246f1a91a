/* What a command line says is one line, whatever is quoted in it. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"

static void test_unhandled_code_becomes_fatal_and_others_stay(void **state) {
        assert_int_equal(error_fold(0), 0);
        assert_int_equal(error_fold(3), -ENOTRECOVERABLE);
        assert_int_equal(error_fold(-ENOSPC), -ENOSPC);
}

static void test_sentence_is_one_line_and_nothing_a_terminal_obeys(void **state) {
        char text[256] = "";
        int ends[2], saved = dup(STDERR_FILENO);
        ssize_t n;

        assert_int_equal(pipe(ends), 0);
        assert_true(dup2(ends[1], STDERR_FILENO) >= 0);
        error_print("carebusctl", "cannot read \"%s\"", "a\nb\x1b[2J");
        assert_true(dup2(saved, STDERR_FILENO) >= 0);
        n = read(ends[0], text, sizeof(text) - 1);
        assert_true(n > 0);
        assert_string_equal(text, "carebusctl: cannot read \"a\\x0ab\\x1b[2J\"\n");
        close(ends[0]);
        close(ends[1]);
        close(saved);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_unhandled_code_becomes_fatal_and_others_stay),
                cmocka_unit_test(test_sentence_is_one_line_and_nothing_a_terminal_obeys),
        };
        return cmocka_run_group_tests_name("error", tests, NULL, NULL);
}
