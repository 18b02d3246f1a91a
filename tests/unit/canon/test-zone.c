/* The clock on the wall, the two hours a year that are special, and agreement with the C library. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "canon/zone.h"

static int64_t at(int year, int month, int day, int hour, int minute) {
        CivilTime civil = { .year = year, .month = month, .day = day, .hour = hour, .minute = minute };
        return civil_to_utc(&civil);
}

static int64_t local(const Zone *zone, int year, int month, int day, int hour, int minute) {
        CivilTime civil = { .year = year, .month = month, .day = day, .hour = hour, .minute = minute };
        return zone_to_utc(zone, &civil);
}

static void test_summer_and_winter_in_london(void **state) {
        _cleanup_(zone_freep) Zone *zone = NULL;
        assert_int_equal(zone_new("Europe/London", &zone), 0);
        assert_string_equal(zone_name(zone), "Europe/London");
        assert_true(local(zone, 2024, 1, 15, 12, 0) == at(2024, 1, 15, 12, 0));
        assert_true(local(zone, 2024, 7, 15, 12, 0) == at(2024, 7, 15, 11, 0));
        /* British Standard Time: summer all year */
        assert_true(local(zone, 1970, 1, 15, 12, 0) == at(1970, 1, 15, 11, 0));
        assert_int_equal(zone_offset(zone, at(2024, 7, 1, 0, 0)), 3600);
        assert_int_equal(zone_offset(zone, at(2024, 12, 1, 0, 0)), 0);
}

static void test_an_hour_that_does_not_exist_is_read_with_the_offset_before(void **state) {
        _cleanup_(zone_freep) Zone *zone = NULL;
        assert_int_equal(zone_new("Europe/London", &zone), 0);
        assert_true(local(zone, 2024, 3, 31, 0, 59) == at(2024, 3, 31, 0, 59));
        assert_true(local(zone, 2024, 3, 31, 1, 0) == at(2024, 3, 31, 1, 0));
        assert_true(local(zone, 2024, 3, 31, 1, 30) == at(2024, 3, 31, 1, 30));
        assert_true(local(zone, 2024, 3, 31, 2, 0) == at(2024, 3, 31, 1, 0));
        _cleanup_(zone_freep) Zone *york = NULL;
        assert_int_equal(zone_new("America/New_York", &york), 0);
        assert_true(local(york, 2024, 3, 10, 2, 30) == at(2024, 3, 10, 7, 30));
}

static void test_an_hour_that_exists_twice_is_its_first(void **state) {
        _cleanup_(zone_freep) Zone *zone = NULL;
        assert_int_equal(zone_new("Europe/London", &zone), 0);
        assert_true(local(zone, 2024, 10, 27, 0, 59) == at(2024, 10, 26, 23, 59));
        assert_true(local(zone, 2024, 10, 27, 1, 0) == at(2024, 10, 27, 0, 0));
        assert_true(local(zone, 2024, 10, 27, 1, 59) == at(2024, 10, 27, 0, 59));
        assert_true(local(zone, 2024, 10, 27, 2, 0) == at(2024, 10, 27, 2, 0));
        _cleanup_(zone_freep) Zone *york = NULL;
        assert_int_equal(zone_new("America/New_York", &york), 0);
        assert_true(local(york, 2024, 11, 3, 1, 30) == at(2024, 11, 3, 5, 30));
}

static void test_zones_that_are_none_are_refused(void **state) {
        static const char *const names[] = {
                "", "Europe/Londn", "+01:00", "../etc/passwd", "/etc/passwd", "Mars/Olympus", " UTC"
        };
        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
                Zone *zone = NULL;
                assert_int_equal(zone_new(names[i], &zone), ZONE_E_UNKNOWN);
                assert_null(zone);
        }
}

static void test_no_zone_is_utc(void **state) {
        assert_true(local(NULL, 2024, 7, 15, 12, 0) == at(2024, 7, 15, 12, 0));
        assert_int_equal(zone_offset(NULL, 0), 0);
        assert_string_equal(zone_name(NULL), "UTC");
        assert_null(zone_free(NULL));
}

/* The table against localtime_r(): random moments of two centuries, in zones with whole, half and quarter hours. */
static void test_the_table_agrees_with_the_c_library(void **state) {
        static const char *const names[] = { "Europe/London",
                                             "Europe/Dublin",
                                             "America/New_York",
                                             "Asia/Kathmandu",
                                             "Australia/Lord_Howe",
                                             "Africa/Casablanca",
                                             "UTC" };
        unsigned seed = getenv("CAREBUS_SEED") ? (unsigned)strtoul(getenv("CAREBUS_SEED"), NULL, 10)
                                               : (unsigned)time(NULL);
        print_message("# seed %u (CAREBUS_SEED)\n", seed);
        srandom(seed);
        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
                _cleanup_(zone_freep) Zone *zone = NULL;
                assert_int_equal(zone_new(names[i], &zone), 0);
                setenv("TZ", names[i], 1);
                tzset();
                for (int k = 0; k < 20000; k++) {
                        /* 1902 to 2037: where both have explicit transitions */
                        time_t moment = (time_t)(((int64_t)random() << 1) - 2145916800LL + random() % 2);
                        struct tm parts;
                        localtime_r(&moment, &parts);
                        if (zone_offset(zone, (int64_t)moment * USEC_PER_SEC) != parts.tm_gmtoff)
                                fail_msg("%s at %lld: %d, the C library says %ld", names[i], (long long)moment,
                                         zone_offset(zone, (int64_t)moment * USEC_PER_SEC), parts.tm_gmtoff);
                        /* to the wall and back: the same moment, or the first of two that the wall shows alike */
                        CivilTime civil = civil_from_utc(((int64_t)moment + parts.tm_gmtoff) * USEC_PER_SEC);
                        int64_t back = zone_to_utc(zone, &civil) / USEC_PER_SEC;
                        assert_true(back <= (int64_t)moment);
                        if (back != (int64_t)moment)
                                assert_int_equal(back + zone_offset(zone, back * USEC_PER_SEC),
                                                 (int64_t)moment + parts.tm_gmtoff);
                }
        }
        unsetenv("TZ");
        tzset();
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_summer_and_winter_in_london),
                cmocka_unit_test(test_an_hour_that_does_not_exist_is_read_with_the_offset_before),
                cmocka_unit_test(test_an_hour_that_exists_twice_is_its_first),
                cmocka_unit_test(test_zones_that_are_none_are_refused),
                cmocka_unit_test(test_no_zone_is_utc),
                cmocka_unit_test(test_the_table_agrees_with_the_c_library),
        };
        return cmocka_run_group_tests_name("canon zone", tests, NULL, NULL);
}
