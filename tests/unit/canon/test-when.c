/* What sources write for times and dates, what it means, and what is refused. */
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

#include "canon/when.h"

#define P(name) CAREBUS__V1__WHEN__PRECISION__PRECISION_##name

typedef struct Good {
        const char *text;
        const char *utc; /* RFC 3339, read in London */
        int precision;
        bool zone_assumed;
} Good;

static int make_zone(void **state) {
        return zone_new("Europe/London", (Zone **)state);
}
static int drop_zone(void **state) {
        zone_free(*state);
        return 0;
}

static void test_both_families_are_understood(void **state) {
        static const Good goods[] = {
                { "2024", "2024-01-01T00:00:00Z", P(YEAR), true },
                { "202407", "2024-06-30T23:00:00Z", P(MONTH), true },
                { "20240715", "2024-07-14T23:00:00Z", P(DAY), true },
                { "2024071512", "2024-07-15T11:00:00Z", P(HOUR), true },
                { "202407151230", "2024-07-15T11:30:00Z", P(MINUTE), true },
                { "20240715123045", "2024-07-15T11:30:45Z", P(SECOND), true },
                { "20240715123045.1", "2024-07-15T11:30:45.100000Z", P(FRACTION), true },
                { "20240715123045.1234", "2024-07-15T11:30:45.123400Z", P(FRACTION), true },
                { "20240715123045.123456789", "2024-07-15T11:30:45.123456Z", P(FRACTION), true },
                { "20240715123045+0100", "2024-07-15T11:30:45Z", P(SECOND), false },
                { "20240715123045.5-0530", "2024-07-15T18:00:45.500000Z", P(FRACTION), false },
                { "202407151230+0000", "2024-07-15T12:30:00Z", P(MINUTE), false },
                { "20240715+0100", "2024-07-14T23:00:00Z", P(DAY), false },
                { "2024-0500", "2024-01-01T05:00:00Z", P(YEAR), false },
                { "2024-07", "2024-06-30T23:00:00Z", P(MONTH), true },
                { "2024-07-15", "2024-07-14T23:00:00Z", P(DAY), true },
                { "2024-07-15T12:30:45Z", "2024-07-15T12:30:45Z", P(SECOND), false },
                { "2024-07-15T12:30:45.123+01:00", "2024-07-15T11:30:45.123000Z", P(FRACTION), false },
                { "2024-07-15T12:30", "2024-07-15T11:30:00Z", P(MINUTE), true },
                { "2024-07-15 12:30:45", "2024-07-15T11:30:45Z", P(SECOND), true },
                { "2024-07-15T12:30-05:00", "2024-07-15T17:30:00Z", P(MINUTE), false },
                { "  20240715  ", "2024-07-14T23:00:00Z", P(DAY), true },
                { "2024-07-15 ", "2024-07-14T23:00:00Z", P(DAY), true },
                { "20240229", "2024-02-29T00:00:00Z", P(DAY), true },
                { "18991231", "1899-12-31T00:00:00Z", P(DAY), true },
                { "20240331013000", "2024-03-31T01:30:00Z", P(SECOND), true }, /* does not exist */
                { "20241027013000", "2024-10-27T00:30:00Z", P(SECOND), true }, /* exists twice */
        };
        for (size_t i = 0; i < sizeof(goods) / sizeof(goods[0]); i++) {
                Moment moment;
                char text[CIVIL_TEXT_SIZE];
                int r = moment_read(goods[i].text, *state, &moment);
                if (r != 0)
                        fail_msg("%s: %d", goods[i].text, r);
                civil_format(moment.utc_at, text);
                if (strcmp(text, goods[i].utc) != 0 || (int)moment.precision != goods[i].precision ||
                    moment.zone_assumed != goods[i].zone_assumed)
                        fail_msg("%s: %s %d %d", goods[i].text, text, (int)moment.precision, moment.zone_assumed);
        }
}

static void test_what_no_calendar_has_is_refused(void **state) {
        static const char *const texts[] = { "20230229",
                                             "20240230",
                                             "20241301",
                                             "20240001",
                                             "20240100",
                                             "2024071524",
                                             "202407151260",
                                             "20240715123060",
                                             "0000",
                                             "00000000",
                                             "19000229",
                                             "2024-02-30",
                                             "2024-13",
                                             "20240715123045+1500",
                                             "20240715123045-1300",
                                             "20240715123045+0160",
                                             "2024-07-15T24:00:00Z",
                                             "2024-07-15T12:30+14:01" };
        for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
                Moment moment;
                int r = moment_read(texts[i], *state, &moment);
                if (r != WHEN_E_IMPOSSIBLE)
                        fail_msg("%s: %d", texts[i], r);
        }
}

static void test_what_is_of_neither_family_is_refused(void **state) {
        static const char *const texts[] = { "2",
                                             "202",
                                             "20241",
                                             "2024071",
                                             "15/07/2024",
                                             "15.07.2024",
                                             "yesterday",
                                             "2024-7-1",
                                             "2024-07-15T1",
                                             "2024-07-15T12",
                                             "20240715T12",
                                             "20240715123045.",
                                             "20240715123045+1",
                                             "20240715123045+01",
                                             "2024-07-15T12:30Zx",
                                             "20240715Z",
                                             "20240715 1230",
                                             "-20240715",
                                             "+2024",
                                             "2024-07-15T12:30:",
                                             "2024--07",
                                             "20240715x",
                                             "\xef\xbc\x92"
                                             "024" };
        for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
                Moment moment = { .utc_at = 42 };
                int r = moment_read(texts[i], *state, &moment);
                if (r != WHEN_E_MALFORMED)
                        fail_msg("%s: %d", texts[i], r);
                assert_true(moment.utc_at == 42);
        }
        Moment moment;
        assert_int_equal(moment_read("", *state, &moment), WHEN_E_EMPTY);
        assert_int_equal(moment_read("   ", *state, &moment), WHEN_E_EMPTY);
}

static void test_a_when_is_filled_and_its_text_kept(void **state) {
        Carebus__V1__When when = CAREBUS__V1__WHEN__INIT;
        when.text = (char *)"20240715123045";
        assert_int_equal(when_fill(&when, *state), 0);
        assert_true(when.has_utc_at && when.has_precision && when.has_zone_assumed);
        assert_true(when.zone_assumed);
        assert_string_equal(when.text, "20240715123045");
        int64_t before = when.utc_at;
        when.text = (char *)"19000101";
        assert_int_equal(when_fill(&when, *state), 0); /* what is there is not touched */
        assert_true(when.utc_at == before);

        Carebus__V1__When bad = CAREBUS__V1__WHEN__INIT;
        bad.text = (char *)"20240230";
        assert_int_equal(when_fill(&bad, *state), WHEN_E_IMPOSSIBLE);
        assert_false(bad.has_utc_at);
        Carebus__V1__When empty = CAREBUS__V1__WHEN__INIT;
        assert_int_equal(when_fill(&empty, *state), 0);
}

static void test_birth_dates_may_be_partial_and_have_no_zone(void **state) {
        static const struct {
                const char *text;
                uint32_t year, month, day;
        } dates[] = { { "1950", 1950, 0, 0 },
                      { "195003", 1950, 3, 0 },
                      { "19500331", 1950, 3, 31 },
                      { "1950-03", 1950, 3, 0 },
                      { "1950-03-31", 1950, 3, 31 },
                      { "195003310130", 1950, 3, 31 },
                      { "19500331000000+0100", 1950, 3, 31 },
                      { "1950-03-31T23:30:00+05:00", 1950, 3, 31 } };
        for (size_t i = 0; i < sizeof(dates) / sizeof(dates[0]); i++) {
                Carebus__V1__Date date = CAREBUS__V1__DATE__INIT;
                date.text = (char *)dates[i].text;
                assert_int_equal(date_fill(&date), 0);
                assert_int_equal(date.year, dates[i].year);
                assert_int_equal(date.has_month ? date.month : 0, dates[i].month);
                assert_int_equal(date.has_day ? date.day : 0, dates[i].day);
        }
        CalendarDate date;
        assert_int_equal(date_read("19500230", &date), WHEN_E_IMPOSSIBLE);
        assert_int_equal(date_read("31/03/1950", &date), WHEN_E_MALFORMED);
        assert_int_equal(date_read("195003312500", &date), WHEN_E_IMPOSSIBLE);
}

/* Any moment, written in either family with any zone, is read back as itself. */
static void test_moments_survive_the_round_trip(void **state) {
        unsigned seed = getenv("CAREBUS_SEED") ? (unsigned)strtoul(getenv("CAREBUS_SEED"), NULL, 10)
                                               : (unsigned)time(NULL);
        print_message("# seed %u (CAREBUS_SEED)\n", seed);
        srandom(seed);
        for (int i = 0; i < 50000; i++) {
                int64_t seconds = (((int64_t)random() << 31) | random()) % 250000000000LL -
                                  62000000000LL; /* 0005 to 9892 */
                int64_t at = seconds * USEC_PER_SEC + random() % USEC_PER_SEC;
                int minutes = (int)(random() % (26 * 60)) - 12 * 60, away = abs(minutes);
                char sign = minutes < 0 ? '-' : '+', hl7[64], iso[64];
                CivilTime c = civil_from_utc(at + minutes * 60 * USEC_PER_SEC);
                snprintf(hl7, sizeof(hl7), "%04d%02d%02d%02d%02d%02d.%06d%c%02d%02d", c.year, c.month, c.day, c.hour,
                         c.minute, c.second, c.microsecond, sign, away / 60, away % 60);
                snprintf(iso, sizeof(iso), "%04d-%02d-%02dT%02d:%02d:%02d.%06d%c%02d:%02d", c.year, c.month, c.day,
                         c.hour, c.minute, c.second, c.microsecond, sign, away / 60, away % 60);
                Moment moment;
                assert_int_equal(moment_read(hl7, *state, &moment), 0);
                assert_true(moment.utc_at == at);
                assert_int_equal(moment_read(iso, *state, &moment), 0);
                assert_true(moment.utc_at == at);
                assert_false(moment.zone_assumed);
        }
}

/* Every day of four centuries is taken, and the day behind each month's last is not. */
static void test_every_day_there_is_and_none_more(void **state) {
        for (int year = 1800; year < 2200; year++)
                for (int month = 1; month <= 12; month++) {
                        static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
                        int last = days[month - 1] +
                                   (month == 2 && (year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)));
                        for (int day = 0; day <= 32; day++) {
                                char text[40];
                                CalendarDate date;
                                snprintf(text, sizeof(text), "%04d%02d%02d", year, month, day);
                                int r = date_read(text, &date);
                                assert_int_equal(r, day >= 1 && day <= last ? 0 : WHEN_E_IMPOSSIBLE);
                        }
                }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_both_families_are_understood),
                cmocka_unit_test(test_what_no_calendar_has_is_refused),
                cmocka_unit_test(test_what_is_of_neither_family_is_refused),
                cmocka_unit_test(test_a_when_is_filled_and_its_text_kept),
                cmocka_unit_test(test_birth_dates_may_be_partial_and_have_no_zone),
                cmocka_unit_test(test_moments_survive_the_round_trip),
                cmocka_unit_test(test_every_day_there_is_and_none_more),
        };
        return cmocka_run_group_tests_name("canon when", tests, make_zone, drop_zone);
}
