/*
 * Who shows a token of the file may speak, and nobody else; a file that is open to all is no secret.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "adapters/fhir/token.h"
#include "base/file.h"

static char path[64];
static Tokens *tokens;

static int setup(void **state) {
        int fd;

        snprintf(path, sizeof(path), "/tmp/carebus-token-XXXXXX");
        fd = mkstemp(path);
        return fd < 0 ? -1 : close(fd);
}

static int teardown(void **state) {
        tokens = tokens_free(tokens);
        return unlink(path);
}

static int read_file(const char *text, mode_t mode) {
        assert_int_equal(file_replace(path, text, strlen(text), mode), 0);
        assert_int_equal(chmod(path, mode), 0);
        tokens = tokens_free(tokens);
        return tokens_read(path, &tokens);
}

static void test_each_line_is_a_token_and_nothing_else_is(void **state) {
        assert_int_equal(read_file("# two clients\nabc-1\n\n  d.e_f~/+==  \r\n", 0600), 0);
        assert_true(tokens_match(tokens, "Bearer abc-1"));
        assert_true(tokens_match(tokens, "bearer   abc-1 "));
        assert_true(tokens_match(tokens, "Bearer d.e_f~/+=="));
        static const char *const wrong[] = { "",
                                             "Bearer",
                                             "Bearer ",
                                             "Bearer abc",
                                             "Bearer abc-12",
                                             "abc-1",
                                             "Basic abc-1",
                                             "Bearer ABC-1",
                                             "Bearer # two clients",
                                             "Bearerabc-1",
                                             "Bearer abc-1\nd.e_f~/+==" };
        for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
                if (tokens_match(tokens, wrong[i]))
                        fail_msg("case %zu was let in", i);
        assert_false(tokens_match(tokens, NULL));
}

static void test_a_file_that_everybody_can_read_is_refused(void **state) {
        static const mode_t open_modes[] = { 0644, 0604, 0602, 0777 }, closed_modes[] = { 0600, 0640, 0400, 0660 };

        for (size_t i = 0; i < 4; i++) {
                assert_int_equal(read_file("abc\n", open_modes[i]), TOKENS_E_OPEN);
                assert_int_equal(read_file("abc\n", closed_modes[i]), 0);
        }
        assert_non_null(strstr(tokens_text(TOKENS_E_OPEN), "chmod"));
}

static void test_a_file_that_lets_nobody_in_is_refused(void **state) {
        assert_int_equal(read_file("", 0600), TOKENS_E_EMPTY);
        assert_int_equal(read_file("\n# nothing\n \t\n", 0600), TOKENS_E_EMPTY);
        assert_int_equal(tokens_read("/nowhere/at/all", &tokens), -ENOENT);
}

static void test_a_line_that_no_header_could_say_is_refused(void **state) {
        static const char *const lines[] = { "two words\n",    "=\n",          "a=b\n",
                                             "sch\xc3\xb6n\n", "tab\tin it\n", "ok\n\x01\n" };

        for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
                assert_int_equal(read_file(lines[i], 0600), TOKENS_E_MALFORMED);
}

static void test_our_own_token_is_the_first_line(void **state) {
        char *token = NULL;

        assert_int_equal(file_replace(path, "# ours\nabc\ndef\n", 15, 0600), 0);
        assert_int_equal(token_read_first(path, &token), 0);
        assert_string_equal(token, "abc");
        token_erase(token);
        assert_int_equal(file_replace(path, "\n", 1, 0600), 0);
        assert_int_equal(token_read_first(path, &token), TOKENS_E_EMPTY);
}

int main(void) {
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        const struct CMUnitTest tests[] = {
                CASE(test_each_line_is_a_token_and_nothing_else_is),
                CASE(test_a_file_that_everybody_can_read_is_refused),
                CASE(test_a_file_that_lets_nobody_in_is_refused),
                CASE(test_a_line_that_no_header_could_say_is_refused),
                CASE(test_our_own_token_is_the_first_line),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
