/* What may tell who somebody is, and what may not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "canon/identifier.h"
#include "daemon/identity/evidence.h"

static Carebus__V1__Identifier identifier(const char *system, const char *value, int status) {
        Carebus__V1__Identifier made = CAREBUS__V1__IDENTIFIER__INIT;

        made.system = (char *)system;
        made.value = (char *)value;
        made.has_status = status >= 0;
        made.status = status >= 0 ? (Carebus__V1__Identifier__Status)status : 0;
        return made;
}

static Carebus__V1__Date date(unsigned year, unsigned month, unsigned day) {
        Carebus__V1__Date made = CAREBUS__V1__DATE__INIT;

        made.has_year = year != 0;
        made.year = year;
        made.has_month = month != 0;
        made.month = month;
        made.has_day = day != 0;
        made.day = day;
        return made;
}

static void test_what_cannot_identify_is_useless(void **state) {
        Carebus__V1__Identifier no_value = identifier("carebus:X", NULL, -1), empty = identifier("carebus:X", "", -1);
        Carebus__V1__Identifier no_system = identifier(NULL, "1", -1), empty_system = identifier("", "1", -1);
        Carebus__V1__Identifier invalid = identifier(SYSTEM_NHS_NUMBER, "9000000000",
                                                     CAREBUS__V1__IDENTIFIER__STATUS__STATUS_INVALID);
        Carebus__V1__Identifier test = identifier(SYSTEM_NHS_NUMBER, "9990000018",
                                                  CAREBUS__V1__IDENTIFIER__STATUS__STATUS_TEST);
        Carebus__V1__Identifier invalid_local = identifier("carebus:X", "1",
                                                           CAREBUS__V1__IDENTIFIER__STATUS__STATUS_INVALID);

        assert_int_equal(identifier_use(NULL), IDENTIFIER_USELESS);
        assert_int_equal(identifier_use(&no_value), IDENTIFIER_USELESS);
        assert_int_equal(identifier_use(&empty), IDENTIFIER_USELESS);
        assert_int_equal(identifier_use(&no_system), IDENTIFIER_USELESS);
        assert_int_equal(identifier_use(&empty_system), IDENTIFIER_USELESS);
        assert_int_equal(identifier_use(&invalid), IDENTIFIER_USELESS);
        assert_int_equal(identifier_use(&test), IDENTIFIER_USELESS);
        assert_int_equal(identifier_use(&invalid_local), IDENTIFIER_USELESS);
}

static void test_national_numbers_are_told_from_a_sources_own_by_their_system(void **state) {
        Carebus__V1__Identifier nhs = identifier(SYSTEM_NHS_NUMBER, "9434765919", -1),
                                chi = identifier(SYSTEM_CHI_NUMBER, "0101011237", -1);
        Carebus__V1__Identifier local = identifier("carebus:HOSPITAL", "9434765919",
                                                   CAREBUS__V1__IDENTIFIER__STATUS__STATUS_VERIFIED);

        assert_int_equal(identifier_use(&nhs), IDENTIFIER_NATIONAL);
        assert_int_equal(identifier_use(&chi), IDENTIFIER_NATIONAL);
        assert_int_equal(identifier_use(&local), IDENTIFIER_LOCAL);
}

static void test_only_a_traced_number_is_verified(void **state) {
        Carebus__V1__Identifier verified = identifier(SYSTEM_NHS_NUMBER, "9434765919",
                                                      CAREBUS__V1__IDENTIFIER__STATUS__STATUS_VERIFIED);
        Carebus__V1__Identifier unverified = identifier(SYSTEM_NHS_NUMBER, "9434765919",
                                                        CAREBUS__V1__IDENTIFIER__STATUS__STATUS_UNVERIFIED);
        Carebus__V1__Identifier unsaid = identifier(SYSTEM_NHS_NUMBER, "9434765919", -1);

        assert_true(identifier_is_verified(&verified));
        assert_false(identifier_is_verified(&unverified));
        assert_false(identifier_is_verified(&unsaid));
        assert_true(identifier_same(&verified, &unsaid));
}

static void test_birth_dates_agree_only_when_both_are_whole(void **state) {
        Carebus__V1__Date whole = date(1950, 2, 3), same = date(1950, 2, 3), swapped = date(1950, 3, 2),
                          month = date(1950, 2, 0);

        assert_true(birth_dates_agree(&whole, &same));
        assert_false(birth_dates_agree(&whole, &swapped));
        assert_false(birth_dates_agree(&whole, &month));
        assert_false(birth_dates_agree(&month, &month));
        assert_false(birth_dates_agree(&whole, NULL));
        assert_false(birth_dates_agree(NULL, NULL));
}

static void test_what_one_date_does_not_know_is_no_difference(void **state) {
        Carebus__V1__Date whole = date(1950, 2, 3), swapped = date(1950, 3, 2), month = date(1950, 2, 0),
                          year = date(1951, 0, 0);

        assert_false(birth_dates_differ(&whole, &month));
        assert_false(birth_dates_differ(&whole, NULL));
        assert_true(birth_dates_differ(&whole, &swapped));
        assert_true(birth_dates_differ(&whole, &year));
        assert_true(birth_dates_differ(&swapped, &month));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_what_cannot_identify_is_useless),
                cmocka_unit_test(test_national_numbers_are_told_from_a_sources_own_by_their_system),
                cmocka_unit_test(test_only_a_traced_number_is_verified),
                cmocka_unit_test(test_birth_dates_agree_only_when_both_are_whole),
                cmocka_unit_test(test_what_one_date_does_not_know_is_no_difference),
        };

        return cmocka_run_group_tests_name("evidence", tests, NULL, NULL);
}
