/* The calendar agrees with libc's for every day of a thousand years, and with itself to the microsecond. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/clock.h"

static void test_every_day_agrees_with_libc(void **state) {
        for (int64_t day = -365 * 400; day < 365 * 600; day++) {
                int64_t seconds = day * 86400 + (day * 7919) % 86400;
                time_t at = (time_t)seconds;
                CivilTime civil = civil_from_utc(seconds * USEC_PER_SEC);
                struct tm tm;

                assert_non_null(gmtime_r(&at, &tm));
                if (civil.year != tm.tm_year + 1900 || civil.month != tm.tm_mon + 1 || civil.day != tm.tm_mday ||
                    civil.hour != tm.tm_hour || civil.minute != tm.tm_min || civil.second != tm.tm_sec)
                        fail_msg("%lld: %d-%d-%d", (long long)seconds, civil.year, civil.month, civil.day);
                assert_true(civil_to_utc(&civil) == seconds * USEC_PER_SEC);
                assert_true(civil_is_valid(&civil));
        }
}

static void test_any_time_survives_the_way_there_and_back(void **state) {
        const int64_t extremes[] = { 0,         -1,        1,
                                     999999,    -999999,   -1000000,
                                     INT64_MAX, INT64_MIN, -62135596800LL * USEC_PER_SEC };
        unsigned seed = (unsigned)time(NULL);

        print_message("# seed %u\n", seed);
        srandom(seed);
        for (size_t i = 0; i < ELEMENTSOF(extremes); i++) {
                CivilTime civil = civil_from_utc(extremes[i]);

                assert_in_range(civil.microsecond, 0, 999999);
                if (extremes[i] != INT64_MIN && extremes[i] != INT64_MAX)
                        assert_true(civil_to_utc(&civil) == extremes[i]);
        }
        for (int i = 0; i < 100000; i++) {
                int64_t at = ((int64_t)random() << 31 | random()) % (4000LL * 365 * 86400 * USEC_PER_SEC) *
                             (i & 1 ? 1 : -1) / 2;
                CivilTime civil = civil_from_utc(at);

                assert_true(civil_to_utc(&civil) == at);
        }
}

static void test_impossible_times_are_not_valid(void **state) {
        const CivilTime good = { .year = 2024, .month = 2, .day = 29, .hour = 23, .minute = 59, .second = 59 };
        CivilTime bad;

        assert_true(civil_is_valid(&good));
#define REFUSED(field, value)                       \
        do {                                        \
                bad = good;                         \
                bad.field = (value);                \
                assert_false(civil_is_valid(&bad)); \
        } while (0)
        REFUSED(year, 2023); /* has no 29 February */
        REFUSED(year, 1900);
        REFUSED(year, 0);
        REFUSED(year, 10000);
        REFUSED(month, 0);
        REFUSED(month, 13);
        REFUSED(day, 0);
        REFUSED(day, 30);
        REFUSED(hour, 24);
        REFUSED(hour, -1);
        REFUSED(minute, 60);
        REFUSED(second, 60);
        REFUSED(second, -1);
        REFUSED(microsecond, 1000000);
        REFUSED(microsecond, -1);
#undef REFUSED
        bad = good;
        bad.year = 2000;
        assert_true(civil_is_valid(&bad));
        bad.month = 4;
        bad.day = 31;
        assert_false(civil_is_valid(&bad));
}

static void check_format(int64_t at, const char *expected) {
        char text[CIVIL_TEXT_SIZE];

        civil_format(at, text);
        assert_string_equal(text, expected);
}

static void test_text_is_rfc_3339_with_microseconds_when_there_are_any(void **state) {
        check_format(0, "1970-01-01T00:00:00Z");
        check_format(-1, "1969-12-31T23:59:59.999999Z");
        check_format(1709164800LL * USEC_PER_SEC + 1000, "2024-02-29T00:00:00.001000Z");
        check_format(253402300799LL * USEC_PER_SEC, "9999-12-31T23:59:59Z");
        check_format(INT64_MIN, "-290308-12-21T19:59:05.224192Z");
}

static void test_fake_clock_stands_still_until_it_is_moved(void **state) {
        ClockFake fake;
        int64_t monotonic;

        clock_fake_init(&fake, 1000);
        monotonic = clock_monotonic(&fake.clock);
        assert_true(clock_now_at(&fake.clock) == 1000);
        assert_true(clock_now_at(&fake.clock) == 1000);
        clock_fake_advance(&fake, 5);
        assert_true(clock_now_at(&fake.clock) == 1005);
        assert_true(clock_monotonic(&fake.clock) == monotonic + 5);
}

static void test_system_clock_tells_this_century_and_never_goes_back(void **state) {
        int64_t first = clock_monotonic(&clock_system);

        assert_true(civil_from_utc(clock_now_at(&clock_system)).year >= 2020);
        for (int i = 0; i < 1000; i++) {
                int64_t next = clock_monotonic(&clock_system);

                assert_true(next >= first);
                first = next;
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_every_day_agrees_with_libc),
                cmocka_unit_test(test_any_time_survives_the_way_there_and_back),
                cmocka_unit_test(test_impossible_times_are_not_valid),
                cmocka_unit_test(test_text_is_rfc_3339_with_microseconds_when_there_are_any),
                cmocka_unit_test(test_fake_clock_stands_still_until_it_is_moved),
                cmocka_unit_test(test_system_clock_tells_this_century_and_never_goes_back),
        };
        return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
