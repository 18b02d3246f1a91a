/* How many messages a second. */
#include "daemon/peer/quota.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/clock.h"

static void test_without_a_rate_there_is_no_limit(void **state) {
        Quota quota = QUOTA_NULL;

        for (int i = 0; i < 100000; i++)
                assert_int_equal(quota_take(&quota, 0), 0);
}

static void test_one_seconds_worth_may_come_at_once_and_then_no_more(void **state) {
        Quota quota = QUOTA_NULL;

        quota_set_rate(&quota, 50, 1000);
        for (int i = 0; i < 50; i++)
                assert_int_equal(quota_take(&quota, 1000), 0);
        assert_int_not_equal(quota_take(&quota, 1000), 0);
}

static void test_the_wait_that_is_named_is_enough(void **state) {
        static const uint64_t rates[] = { 1, 3, 7, 100, 999, 1000, 1500, 60000 };

        for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
                Quota quota = QUOTA_NULL;
                int64_t now = 5;
                uint32_t wait;

                quota_set_rate(&quota, rates[i], now);
                while ((wait = quota_take(&quota, now)) == 0)
                        ;
                now += wait * USEC_PER_MSEC;
                assert_int_equal(quota_take(&quota, now), 0);
        }
}

static void test_over_a_long_time_the_rate_holds(void **state) {
        Quota quota = QUOTA_NULL;
        uint64_t passed = 0;

        quota_set_rate(&quota, 100, 0);
        for (int64_t now = 0; now < 10 * USEC_PER_SEC; now += 777)
                passed += quota_take(&quota, now) == 0;
        assert_in_range(passed, 100 * 10, 100 * 11 + 1); /* and the second's worth that it began with */
}

static void test_a_lower_rate_takes_hold_at_once(void **state) {
        Quota quota = QUOTA_NULL;
        int passed = 0;

        quota_set_rate(&quota, 1000, 0);
        quota_set_rate(&quota, 10, 0);
        while (quota_take(&quota, 0) == 0)
                passed++;
        assert_int_equal(passed, 10);
}

static void test_a_clock_that_stands_or_goes_back_gives_nothing(void **state) {
        Quota quota = QUOTA_NULL;

        quota_set_rate(&quota, 1, 10 * USEC_PER_SEC);
        assert_int_equal(quota_take(&quota, 10 * USEC_PER_SEC), 0);
        assert_int_not_equal(quota_take(&quota, 10 * USEC_PER_SEC), 0);
        assert_int_not_equal(quota_take(&quota, 0), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_without_a_rate_there_is_no_limit),
                cmocka_unit_test(test_one_seconds_worth_may_come_at_once_and_then_no_more),
                cmocka_unit_test(test_the_wait_that_is_named_is_enough),
                cmocka_unit_test(test_over_a_long_time_the_rate_holds),
                cmocka_unit_test(test_a_lower_rate_takes_hold_at_once),
                cmocka_unit_test(test_a_clock_that_stands_or_goes_back_gives_nothing),
        };

        return cmocka_run_group_tests_name("peer quota", tests, NULL, NULL);
}
