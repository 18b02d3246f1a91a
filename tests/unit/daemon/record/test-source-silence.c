/*
 * What is learned of a source's habit, by sources that are drawn: how soon a real failure is found, and how often nothing was wrong. The
 * bounds are what docs/logs.md promises, with room for chance; CAREBUS_SEED draws others.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "daemon/record/source-silence.h"

#define MINUTE (INT64_C(60) * USEC_PER_SEC)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define WEEK (7 * DAY)
#define MONDAY (INT64_C(1767571200) * USEC_PER_SEC)
#define WEEKS 30

typedef double (*Rate)(int hour); /* words an hour, by the hour of the week */

typedef struct Life {
        SourceSilence silence;
        SilenceHabit habit;
        uint64_t seed;
        size_t n_alarms;
        int64_t alarmed_at, silent_since;
} Life;

static double unit(uint64_t *seed) {
        *seed ^= *seed >> 12;
        *seed ^= *seed << 25;
        *seed ^= *seed >> 27;
        return (double)((*seed * UINT64_C(0x2545f4914f6cdd1d)) >> 11) / 9007199254740992.0;
}

/* As the fold does it: the look that is due comes first. */
static void look_until(Life *life, int64_t at) {
        SourceSilence *silence = &life->silence;
        int64_t usual;

        while (silence->due_at && silence->due_at <= at) {
                const int64_t now = silence->due_at, due_at = source_silence_due(silence, &life->habit, 0, &usual);

                silence->due_at = due_at > now ? due_at : 0;
                if (due_at == 0 || due_at > now)
                        continue;
                silence->n_told = now - silence->told_at < DAY ? silence->n_told + 1 : 1;
                silence->told_at = life->alarmed_at = now;
                life->silent_since = silence->silent_since_at = silence->last_at;
                life->n_alarms++;
        }
}

static void hear(Life *life, int64_t at) {
        SourceSilence *silence = &life->silence;
        bool learned;
        int64_t usual;

        look_until(life, at);
        learned = source_silence_heard(silence, &life->habit, at);
        if (silence->silent_since_at || (learned && !silence->due_at))
                silence->due_at = source_silence_due(silence, &life->habit, 0, &usual);
        silence->silent_since_at = 0;
}

/* Words come by chance at the rate of the hour, from `at` until `until`. */
static void live(Life *life, Rate rate, double most, int64_t at, int64_t until) {
        for (;;) {
                at += (int64_t)(-log(1 - unit(&life->seed)) / most * (double)HOUR) + 1;
                if (at >= until)
                        break;
                if (unit(&life->seed) * most < rate((int)((at - MONDAY) / HOUR % SILENCE_HOURS)))
                        hear(life, at);
        }
        look_until(life, until);
}

static uint64_t seed_of_run(void) {
        const char *said = getenv("CAREBUS_SEED");
        uint64_t seed = said ? strtoull(said, NULL, 10) : UINT64_C(20261122);

        print_message("CAREBUS_SEED=%llu\n", (unsigned long long)seed);
        return seed * UINT64_C(0x9e3779b97f4a7c15) | 1;
}

/* Of the next life. */
static uint64_t next_seed(uint64_t *seed) {
        *seed += 2;
        return *seed;
}

static double flat_60(int hour) {
        return 60 + 0 * hour;
}
static double flat_12(int hour) {
        return 12 + 0 * hour;
}
static double flat_1(int hour) {
        return 1 + 0 * hour;
}
static bool is_day(int hour) {
        return hour % 24 >= 8 && hour % 24 < 18;
}
static double office_20(int hour) {
        return hour / 24 < 5 && is_day(hour) ? 20 : 0;
}
static double ward(int hour) {
        return (is_day(hour) ? 30 : 2) * (hour / 24 < 5 ? 1 : 0.5);
}
static double tuesdays(int hour) {
        return hour / 24 == 1 && is_day(hour) ? 12 : 0;
}

/* Per source and year, of sources that are well; and hours until a failure on a Wednesday at ten is found. */
static const struct {
        const char *name;
        Rate rate;
        double most, false_a_year, found_in_hours;
} habits[] = {
        { "a laboratory, sixty an hour", flat_60, 60, 6, 2 },
        { "a ward system, twelve an hour", flat_12, 12, 6, 4 },
        { "one an hour by chance", flat_1, 1, 12, 40 },
        { "an office on weekdays", office_20, 20, 6, 3 },
        { "a hospital by day, night and weekend", ward, 30, 12, 3 },
        { "a clinic on Tuesdays", tuesdays, 12, 6, 8 * 24 },
};

static void test_sources_that_are_well_are_seldom_told_of(void **state) {
        uint64_t seed = seed_of_run();

        for (size_t i = 0; i < ELEMENTSOF(habits); i++) {
                size_t n = 0;
                const int lives = 12;
                double a_year;

                for (int k = 0; k < lives; k++) {
                        Life life = { .seed = next_seed(&seed) };

                        live(&life, habits[i].rate, habits[i].most, MONDAY, MONDAY + WEEKS * WEEK);
                        n += life.n_alarms;
                }
                a_year = (double)n * 52 / ((WEEKS - 3) * lives);
                print_message("%s: %.1f a year without cause\n", habits[i].name, a_year);
                if (a_year > habits[i].false_a_year)
                        fail_msg("%s: %.1f a year", habits[i].name, a_year);
        }
}

static void test_failure_is_found_in_the_hours_in_which_the_source_would_have_spoken(void **state) {
        const int64_t failure = MONDAY + 20 * WEEK + 2 * DAY + 10 * HOUR;
        uint64_t seed = seed_of_run();

        for (size_t i = 0; i < ELEMENTSOF(habits); i++)
                for (int k = 0; k < 20; k++) {
                        Life life = { .seed = next_seed(&seed) };
                        double hours;

                        live(&life, habits[i].rate, habits[i].most, MONDAY, failure);
                        life.n_alarms = 0;
                        look_until(&life, failure + 3 * WEEK);
                        if (life.n_alarms == 0 && life.silence.silent_since_at)
                                continue; /* by chance it was told of just before */
                        assert_int_equal(life.n_alarms, 1);
                        hours = (double)(life.alarmed_at - failure) / (double)HOUR;
                        if (hours > habits[i].found_in_hours)
                                fail_msg("%s: found after %.1f hours", habits[i].name, hours);
                }
}

/* One file a day, at six, give or take ten minutes; at last one does not come. */
static void test_daily_file_that_does_not_come_is_missed_the_same_morning(void **state) {
        uint64_t seed = seed_of_run();
        Life life = { .seed = seed };
        int64_t at = MONDAY + 6 * HOUR, missing = MONDAY + 10 * WEEK + 3 * DAY + 6 * HOUR;

        for (; at < missing; at += DAY)
                hear(&life, at + (int64_t)((unit(&life.seed) - 0.5) * 20 * (double)MINUTE));
        assert_int_equal(life.n_alarms, 0);
        look_until(&life, missing + 6 * HOUR);
        assert_int_equal(life.n_alarms, 1);
        assert_in_range(life.alarmed_at, missing, missing + 4 * HOUR);
}

/* Summer time: the same hours of the day on the wall are an hour earlier in UTC. */
static void test_clocks_that_go_forward_and_back_surprise_nobody(void **state) {
        uint64_t seed = seed_of_run();
        Life life = { .seed = seed };
        const int64_t forward = MONDAY + 12 * WEEK, back = forward + 12 * WEEK;

        for (int64_t at = MONDAY; at < back + 12 * WEEK; at += 3 * MINUTE) {
                const int64_t wall = at >= forward && at < back ? at + HOUR : at;

                if (office_20((int)((wall - MONDAY) / HOUR % SILENCE_HOURS)) > 0)
                        hear(&life, at + (int64_t)(unit(&life.seed) * (double)MINUTE));
        }
        assert_int_equal(life.n_alarms, 0);
}

static void test_habit_of_nobody_says_nothing(void **state) {
        SourceSilence silence = {};
        SilenceHabit habit = {};
        int64_t usual = 7;

        assert_int_equal(source_silence_due(&silence, &habit, 0, &usual), 0);
        assert_int_equal(source_silence_due(&silence, &habit, HOUR, &usual), 0);
        assert_int_equal(source_silence_usual(&habit, 12345), 0);
        assert_int_equal(usual, 7);
}

/* Far apart, at the ends of what a length can be, and backwards. */
static void test_times_that_make_no_sense_do_no_harm(void **state) {
        static const int64_t times[] = { 1,      MONDAY,           MONDAY - 5 * WEEK, MONDAY + 400 * WEEK,
                                         MONDAY, INT64_C(1) << 60, INT64_MAX - DAY };
        SourceSilence silence = {};
        SilenceHabit habit = {};
        int64_t usual;

        for (size_t i = 0; i < ELEMENTSOF(times); i++) {
                (void)source_silence_heard(&silence, &habit, times[i]);
                assert_true(i == 0 || silence.last_at >= times[i]);
        }
        (void)source_silence_was_away(&silence, &habit, MONDAY);
        assert_int_equal(silence.last_at, times[ELEMENTSOF(times) - 1]);
        (void)source_silence_due(&(SourceSilence){ .last_at = MONDAY }, &habit, 0, &usual);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_sources_that_are_well_are_seldom_told_of),
                cmocka_unit_test(test_failure_is_found_in_the_hours_in_which_the_source_would_have_spoken),
                cmocka_unit_test(test_daily_file_that_does_not_come_is_missed_the_same_morning),
                cmocka_unit_test(test_clocks_that_go_forward_and_back_surprise_nobody),
                cmocka_unit_test(test_habit_of_nobody_says_nothing),
                cmocka_unit_test(test_times_that_make_no_sense_do_no_harm),
        };

        return cmocka_run_group_tests_name("source-silence", tests, NULL, NULL);
}
