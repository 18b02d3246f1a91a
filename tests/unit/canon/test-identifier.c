/* Numbers that can be true, numbers that cannot, and what was said of them. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "canon/identifier.h"

#define VERIFIED CAREBUS__V1__IDENTIFIER__STATUS__STATUS_VERIFIED
#define UNVERIFIED CAREBUS__V1__IDENTIFIER__STATUS__STATUS_UNVERIFIED
#define UNKNOWN CAREBUS__V1__IDENTIFIER__STATUS__STATUS_UNKNOWN

static int read_nhs(const char *text, char digits[NATIONAL_NUMBER_SIZE + 1]) {
        return national_number_read(NATIONAL_NUMBER_NHS, text, digits);
}

static void test_known_numbers_are_valid(void **state) {
        static const char *const valid[] = { "9434765919", "9000000009", "9000000025", "9000000033",
                                             "9111231130", "9912003888", "9730676240", "4010232137",
                                             "4505577104", "9990079196", "9990237573", "9990316767",
                                             "9990395950", "9990475148", "9990554331", "0101011237" };
        char digits[NATIONAL_NUMBER_SIZE + 1];
        for (size_t i = 0; i < sizeof(valid) / sizeof(valid[0]); i++) {
                assert_int_equal(read_nhs(valid[i], digits), 0);
                assert_string_equal(digits, valid[i]);
        }
}

static void test_known_wrong_numbers_are_refused(void **state) {
        static const char *const wrong[] = { "9000000000", "9876544321", "9999999998", "2278322867", "9991234560" };
        char digits[NATIONAL_NUMBER_SIZE + 1];
        for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
                assert_int_equal(read_nhs(wrong[i], digits), IDENTIFIER_E_CHECK_DIGIT);
}

static void test_ten_digits_alike_mean_none_or_several(void **state) {
        for (char digit = '0'; digit <= '9'; digit++) {
                char text[NATIONAL_NUMBER_SIZE + 1] = { 0 }, digits[NATIONAL_NUMBER_SIZE + 1];
                memset(text, digit, NATIONAL_NUMBER_SIZE);
                assert_true(modulus11_is_valid(text)); /* that is the trap */
                assert_int_equal(read_nhs(text, digits), IDENTIFIER_E_PLACEHOLDER);
        }
}

static void test_spaces_and_hyphens_are_taken_out(void **state) {
        static const char *const texts[] = { "943 476 5919", "943-476-5919", " 9434765919 ",
                                             "943\xc2\xa0"
                                             "476\xc2\xa0"
                                             "5919",
                                             "943\xe2\x80\x93"
                                             "476\xe2\x80\x91"
                                             "5919" };
        char digits[NATIONAL_NUMBER_SIZE + 1];
        for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
                assert_int_equal(read_nhs(texts[i], digits), 0);
                assert_string_equal(digits, "9434765919");
        }
}

static void test_what_is_not_ten_digits_is_refused_and_nothing_written(void **state) {
        static const char *const texts[] = { "",
                                             " ",
                                             "943476591",
                                             "94347659190",
                                             "943476591X",
                                             "9.43E+09",
                                             "943/476/5919",
                                             "+9434765919",
                                             "94347659\xef\xbc\x91\xef\xbc\x99" };
        char digits[NATIONAL_NUMBER_SIZE + 1] = "unchanged";
        for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
                assert_int_equal(read_nhs(texts[i], digits), IDENTIFIER_E_FORM);
        assert_string_equal(digits, "unchanged");
}

static void test_a_chi_number_begins_with_a_day(void **state) {
        char digits[NATIONAL_NUMBER_SIZE + 1];
        assert_int_equal(national_number_read(NATIONAL_NUMBER_CHI, "0101011237", digits), 0);
        assert_int_equal(national_number_read(NATIONAL_NUMBER_CHI, "9434765919", digits), IDENTIFIER_E_BIRTH_DATE);
        assert_int_equal(national_number_read(NATIONAL_NUMBER_HC, "9434765919", digits), 0);
}

static void test_numbers_of_scotland_and_northern_ireland_are_checked_alike(void **state) {
        char digits[NATIONAL_NUMBER_SIZE + 1];

        assert_int_equal(national_number_read(NATIONAL_NUMBER_CHI, "010101 1237", digits), 0);
        assert_string_equal(digits, "0101011237");
        assert_int_equal(national_number_read(NATIONAL_NUMBER_CHI, "0101011238", digits), IDENTIFIER_E_CHECK_DIGIT);
        assert_int_equal(national_number_read(NATIONAL_NUMBER_HC, "320 000 0007", digits), 0);
        assert_string_equal(digits, "3200000007");
        assert_int_equal(national_number_read(NATIONAL_NUMBER_HC, "3200000008", digits), IDENTIFIER_E_CHECK_DIGIT);
        for (char digit = '0'; digit <= '9'; digit++) {
                char alike[NATIONAL_NUMBER_SIZE + 1] = { 0 };

                memset(alike, digit, NATIONAL_NUMBER_SIZE);
                assert_int_equal(national_number_read(NATIONAL_NUMBER_CHI, alike, digits), IDENTIFIER_E_PLACEHOLDER);
                assert_int_equal(national_number_read(NATIONAL_NUMBER_HC, alike, digits), IDENTIFIER_E_PLACEHOLDER);
        }
}

static void test_the_test_range_is_known(void **state) {
        assert_true(national_number_is_test("9990079196"));
        assert_false(national_number_is_test("9912003888"));
        assert_false(national_number_is_test("4505577104"));
}

static void test_only_01_is_verified(void **state) {
        static const struct {
                const char *code;
                int status;
        } codes[] = { { "01", VERIFIED },    { "NSTS01", VERIFIED },   { "02", UNVERIFIED }, { "NSTS08", UNVERIFIED },
                      { "08", UNVERIFIED },  { "09", UNKNOWN },        { "00", UNKNOWN },    { "1", UNKNOWN },
                      { "NSTS", UNKNOWN },   { "NSTS010", UNKNOWN },   { "", UNKNOWN },      { "UD", UNKNOWN },
                      { "nsts01", UNKNOWN }, { "NSTSNSTS01", UNKNOWN } };
        for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
                assert_int_equal(nhs_number_status(codes[i].code), codes[i].status);
        assert_int_equal(nhs_number_status(NULL), UNKNOWN);
}

static void test_a_system_says_which_number_it_is(void **state) {
        assert_int_equal(national_number_of_system(SYSTEM_NHS_NUMBER), NATIONAL_NUMBER_NHS);
        assert_int_equal(national_number_of_system(SYSTEM_CHI_NUMBER), NATIONAL_NUMBER_CHI);
        assert_int_equal(national_number_of_system(SYSTEM_HC_NUMBER), NATIONAL_NUMBER_HC);
        assert_int_equal(national_number_of_system("carebus:pas"), NATIONAL_NUMBER_NONE);
        assert_int_equal(national_number_of_system(NULL), NATIONAL_NUMBER_NONE);
}

/* Weights and remainder, written down once more in another way: every wrong digit and every swap of neighbours is found. */
static void test_one_wrong_digit_or_a_swap_is_always_found(void **state) {
        unsigned seed = getenv("CAREBUS_SEED") ? (unsigned)strtoul(getenv("CAREBUS_SEED"), NULL, 10)
                                               : (unsigned)time(NULL);
        print_message("# seed %u (CAREBUS_SEED)\n", seed);
        srandom(seed);
        int n_valid = 0;
        while (n_valid < 2000) {
                char digits[NATIONAL_NUMBER_SIZE + 1] = { 0 };
                int sum = 0;
                for (int i = 0; i < NATIONAL_NUMBER_SIZE; i++) {
                        digits[i] = (char)('0' + random() % 10);
                        sum += (digits[i] - '0') * (NATIONAL_NUMBER_SIZE - i);
                }
                /* with weight 1 on the check digit the whole sum is a multiple of 11 */
                assert_int_equal(modulus11_is_valid(digits), sum % 11 == 0);
                if (sum % 11 != 0)
                        continue;
                n_valid++;
                for (int i = 0; i < NATIONAL_NUMBER_SIZE; i++) {
                        char kept = digits[i];
                        digits[i] = (char)('0' + (kept - '0' + 1 + random() % 9) % 10);
                        assert_false(modulus11_is_valid(digits));
                        digits[i] = kept;
                }
                for (int i = 0; i + 1 < NATIONAL_NUMBER_SIZE; i++) {
                        if (digits[i] == digits[i + 1])
                                continue;
                        char kept = digits[i];
                        digits[i] = digits[i + 1];
                        digits[i + 1] = kept;
                        assert_false(modulus11_is_valid(digits));
                        digits[i + 1] = digits[i];
                        digits[i] = kept;
                }
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_known_numbers_are_valid),
                cmocka_unit_test(test_known_wrong_numbers_are_refused),
                cmocka_unit_test(test_ten_digits_alike_mean_none_or_several),
                cmocka_unit_test(test_spaces_and_hyphens_are_taken_out),
                cmocka_unit_test(test_what_is_not_ten_digits_is_refused_and_nothing_written),
                cmocka_unit_test(test_a_chi_number_begins_with_a_day),
                cmocka_unit_test(test_numbers_of_scotland_and_northern_ireland_are_checked_alike),
                cmocka_unit_test(test_the_test_range_is_known),
                cmocka_unit_test(test_only_01_is_verified),
                cmocka_unit_test(test_a_system_says_which_number_it_is),
                cmocka_unit_test(test_one_wrong_digit_or_a_swap_is_always_found),
        };
        return cmocka_run_group_tests_name("canon identifier", tests, NULL, NULL);
}
