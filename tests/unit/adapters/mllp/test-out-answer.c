/* What a receiver's answer says of a message, and of which. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "adapters/mllp/out-answer.h"

#define HEAD "MSH|^~\\&|PAS|RA9|CAREBUS|N|20240305||ACK|A1|P|2.4\r"
#define ID "CB0000000000000001"

static void check(const char *answer, const char *mode, AnswerKind kind, const char *code) {
        char said[ANSWER_CODE_SIZE] = "";

        assert_int_equal(answer_read(bytes_of_text(answer), ID, mode, said), kind);
        if (code)
                assert_string_equal(said, code);
}

static void test_an_answer_that_names_the_message_says_what_became_of_it(void **state) {
        check(HEAD "MSA|AA|" ID "\r", "original", ANSWER_DELIVERED, NULL);
        check(HEAD "MSA|aa| " ID " |thanks\r", "original", ANSWER_DELIVERED, NULL);
        check(HEAD "MSA|AE|" ID "\r", "original", ANSWER_FAILED, "AE");
        check(HEAD "MSA|CE|" ID "\r", "accept", ANSWER_FAILED, "CE");
        check(HEAD "MSA|AR|" ID "\r", "original", ANSWER_REJECTED, "AR");
        check(HEAD "MSA|CR|" ID "\r", "accept", ANSWER_REJECTED, "CR");
}

static void test_an_answer_to_another_message_is_credited_to_none(void **state) {
        check(HEAD "MSA|AA|CB0000000000000002\r", "original", ANSWER_FOREIGN, NULL);
        check(HEAD "MSA|AA|CB000000000000000\r", "original", ANSWER_FOREIGN, NULL);
        check(HEAD "MSA|AA|" ID "1\r", "original", ANSWER_FOREIGN, NULL);
        check(HEAD "MSA|AA|cb0000000000000001\r", "original", ANSWER_FOREIGN, NULL);
        check(HEAD "MSA|AR|CB0000000000000002\r", "original", ANSWER_FOREIGN, NULL);
}

static void test_an_answer_that_names_no_message_or_no_outcome_is_none(void **state) {
        check(HEAD "MSA|AA\r", "original", ANSWER_UNREADABLE, "bad-answer");
        check(HEAD "MSA|AA|\r", "original", ANSWER_UNREADABLE, "bad-answer");
        check(HEAD "MSA||" ID "\r", "original", ANSWER_UNREADABLE, "bad-answer");
        check(HEAD "MSA|AB|" ID "\r", "original", ANSWER_UNREADABLE, "bad-answer");
        check(HEAD "MSA|AAA|" ID "\r", "original", ANSWER_UNREADABLE, "bad-answer");
        check(HEAD "PID|1||4\r", "original", ANSWER_UNREADABLE, "bad-answer");
        check("AA", "original", ANSWER_UNREADABLE, "bad-answer");
        check("", "original", ANSWER_UNREADABLE, "bad-answer");
        check("\x1b\x02\xff", "original", ANSWER_UNREADABLE, "bad-answer");
}

static void test_a_commit_answer_is_the_end_only_where_no_other_is_to_come(void **state) {
        check(HEAD "MSA|CA|" ID "\r", "original", ANSWER_DELIVERED, NULL);
        check(HEAD "MSA|CA|" ID "\r", "accept", ANSWER_DELIVERED, NULL);
        check(HEAD "MSA|CA|" ID "\r", "both", ANSWER_TAKEN, NULL);
        check(HEAD "MSA|CA|" ID "\r", "application", ANSWER_TAKEN, NULL);
        check(HEAD "MSA|AA|" ID "\r", "both", ANSWER_DELIVERED, NULL);
}

static void test_a_code_has_the_number_of_the_error_and_none_of_the_receivers_words(void **state) {
        check(HEAD "MSA|AE|" ID "\rERR||PID^1^5|207^Application error^HL70357|E\r", "original", ANSWER_FAILED,
              "AE/207");
        check(HEAD "MSA|AR|" ID "\rERR|PID^1^5^101&Required field&HL70357\r", "original", ANSWER_REJECTED, "AR/101");
        check(HEAD "MSA|AE|" ID "|Mrs Price is not known|||204^Unknown key\r", "original", ANSWER_FAILED, "AE/204");
        check(HEAD "MSA|AE|" ID "|||| Mrs Price\rERR||PID|Ann Price\r", "original", ANSWER_FAILED, "AE");
        check(HEAD "MSA|AE|" ID "\rERR|||12345678901234567890\r", "original", ANSWER_FAILED, "AE");
}

static void test_a_receivers_own_separators_are_read(void **state) {
        check("MSH#*~\\&#PAS#RA9#CAREBUS#N#20240305##ACK#A1#P#2.4\nMSA#AA#" ID "\n", "original", ANSWER_DELIVERED,
              NULL);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_an_answer_that_names_the_message_says_what_became_of_it),
                cmocka_unit_test(test_an_answer_to_another_message_is_credited_to_none),
                cmocka_unit_test(test_an_answer_that_names_no_message_or_no_outcome_is_none),
                cmocka_unit_test(test_a_commit_answer_is_the_end_only_where_no_other_is_to_come),
                cmocka_unit_test(test_a_code_has_the_number_of_the_error_and_none_of_the_receivers_words),
                cmocka_unit_test(test_a_receivers_own_separators_are_read),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
