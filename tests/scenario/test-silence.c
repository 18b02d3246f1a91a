/*
 * A source that is silent against its own habit is told of once, and when it speaks again once; by day, by night, over weekends and public
 * holidays, and whatever a clock does. Time is what the journal says: weeks pass in a moment, ticks come when they are due, as intake
 * would append them.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "daemon/record/source-silence.h"
#include "daemon/stage/silence.h"
#include "tests/scenario/world.h"

#define MINUTE (INT64_C(60) * USEC_PER_SEC)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define WEEK (7 * DAY)
/* A Monday at midnight UTC, in winter. */
#define BEGAN (INT64_C(1767571200) * USEC_PER_SEC)
#define TOLD_MAX 512
#define FOLD_EVERY 64 /* entries a transaction */

typedef struct Told {
        bool ended;
        int64_t at, since_at, until_at;
        char source[40];
} Told;

/* One world with sources that speak when they are told to. */
typedef struct Days {
        World world;
        int64_t now;
        uint64_t n_said, n_ticks;
        int64_t due_at, folded_at;
        size_t unfolded, n_silent;
        Told told[TOLD_MAX];
        size_t n_told;
        uint64_t seed;
} Days;

static void days_take(Days *days) {
        StateTxn *txn = world_look(&days->world);
        Arena *arena;
        Carebus__V1__Outcome *outcome;

        assert_int_equal(arena_new(&arena, 1 << 20), 0);
        assert_int_equal(outcome_read(txn, days->world.n_entries, arena, &outcome), 0);
        for (size_t i = 0; i < outcome->n_derived; i++) {
                const Carebus__V1__Event *event = outcome->derived[i];
                Told *told = &days->told[days->n_told++];

                assert_true(days->n_told <= TOLD_MAX);
                assert_string_equal(event->type, "partner.silent");
                assert_null(event->patient);
                told->ended = text_equal(event->notice->code, SILENCE_ENDED);
                days->n_silent += told->ended ? SIZE_MAX : 1;
                assert_true(told->ended || text_equal(event->notice->code, SILENCE_BEGAN));
                told->at = days->now;
                told->since_at = event->notice->since_at;
                told->until_at = event->notice->until_at;
                assert_int_equal(event->notice->has_until_at, told->ended);
                (void)snprintf(told->source, sizeof(told->source), "%s", event->notice->source);
        }
        arena_free(arena);
        state_abort(txn);
}

static void days_fold(Days *days) {
        StateTxn *txn = world_look(&days->world);

        days->unfolded = 0;
        days->folded_at = days->now;
        assert_int_equal(fold_next_due(txn, &days->due_at), 0);
        state_abort(txn);
}

/* A word puts off what is due; it brings nothing forward but behind a silence, and where nothing is due when an hour ends. */
static int64_t days_next_due(Days *days) {
        const bool first = days->due_at == 0 && days->now / HOUR != days->folded_at / HOUR;

        if (days->unfolded && (first || days->n_silent > 0 || days->unfolded >= FOLD_EVERY))
                days_fold(days);
        return days->due_at;
}

static void days_tick(Days *days, int64_t due_at) {
        Carebus__V1__Entry entry = CAREBUS__V1__ENTRY__INIT;
        Carebus__V1__Tick tick = CAREBUS__V1__TICK__INIT;

        tick.due = (char *)"due";
        tick.has_due_at = true;
        tick.due_at = MAX(due_at, days->now);
        entry.kind_case = CAREBUS__V1__ENTRY__KIND_TICK;
        entry.tick = &tick;
        world_push(&days->world, &entry, days->now);
        days->n_ticks++;
        days_fold(days);
        days_take(days);
}

/* Time goes on to `at`; what falls due meanwhile is met when it is due. */
static void days_until(Days *days, int64_t at) {
        int64_t due_at;

        while ((due_at = days_next_due(days)) > 0 && due_at <= at) {
                if (days->unfolded) { /* the look may be further off by what was said since */
                        days_fold(days);
                        continue;
                }
                days->now = MAX(days->now, due_at);
                days_tick(days, due_at);
        }
        days->now = MAX(days->now, at);
}

static void days_say(Days *days, const char *source, int64_t at, bool history) {
        Carebus__V1__Entry entry = CAREBUS__V1__ENTRY__INIT;
        Carebus__V1__StoredSubmission submission = CAREBUS__V1__STORED_SUBMISSION__INIT;

        days_until(days, at);
        submission.source = (char *)source;
        submission.message_id = (char *)"the same"; /* sent again is heard as well, and costs the fold little */
        submission.has_history = submission.history = history;
        entry.kind_case = CAREBUS__V1__ENTRY__KIND_SUBMISSION;
        entry.submission = &submission;
        world_push(&days->world, &entry, days->now);
        days->n_said++;
        days->unfolded++;
}

/* ---- habits --------------------------------------------------------------------------------------------------------------------- */

/* Words an hour, by the hour of the week. */
typedef double (*Habit)(int hour);

static double always(int hour) {
        (void)hour;
        return 12;
}

static double office(int hour) {
        return hour / 24 < 5 && hour % 24 >= 8 && hour % 24 < 18 ? 20 : 0;
}

static double random_unit(Days *days) {
        return (double)(world_random(&days->seed) >> 11) / 9007199254740992.0;
}

/* Speaks by its habit from now until `until`. */
static void days_live(Days *days, const char *source, Habit habit, int64_t until) {
        for (int64_t minute = days->now / MINUTE + 1; minute * MINUTE < until; minute++) {
                const double rate = habit((int)((minute * MINUTE - BEGAN) / HOUR % SILENCE_HOURS));

                if (random_unit(days) < rate / 60)
                        days_say(days, source, minute * MINUTE, false);
        }
        days_until(days, until);
}

static size_t told_of(const Days *days, bool ended) {
        size_t n = 0;

        for (size_t i = 0; i < days->n_told; i++)
                n += days->told[i].ended == ended;
        return n;
}

/* ---- the tests ------------------------------------------------------------------------------------------------------------------ */

static int days_begin(void **state) {
        static const char *const sources[] = { "ward", "clinic" };
        Days *days = calloc(1, sizeof(*days));

        assert_non_null(days);
        world_begin(&days->world);
        world_push_settings(&days->world, sources, ELEMENTSOF(sources));
        days->now = BEGAN;
        days->seed = 20261122;
        *state = days;
        return 0;
}

static int days_end(void **state) {
        Days *days = *state;

        world_end(&days->world);
        free(days);
        return 0;
}

static void test_source_that_falls_silent_by_day_is_told_of_once_and_once_when_it_is_back(void **state) {
        Days *days = *state;
        const int64_t gone = BEGAN + 5 * WEEK + 2 * DAY + 10 * HOUR;
        int64_t last;

        days_live(days, "clinic", office, gone);
        assert_int_equal(days->n_told, 0);
        last = days->now;
        days_until(days, gone + 4 * HOUR);
        assert_int_equal(days->n_told, 1);
        assert_string_equal(days->told[0].source, "clinic");
        assert_false(days->told[0].ended);
        assert_in_range(days->told[0].since_at, last - HOUR, last);
        /* Within two hours, of a source that says twenty things an hour. */
        assert_in_range(days->told[0].at, gone, gone + 2 * HOUR);
        days_say(days, "clinic", gone + 5 * HOUR, false);
        days_until(days, gone + 5 * HOUR + MINUTE);
        assert_int_equal(days->n_told, 2);
        assert_true(days->told[1].ended);
        assert_int_equal(days->told[1].since_at, days->told[0].since_at);
        assert_int_equal(days->told[1].until_at, gone + 5 * HOUR);
}

static void test_nights_and_weekends_of_a_source_that_never_speaks_then_are_no_silence(void **state) {
        Days *days = *state;

        days_live(days, "clinic", office, BEGAN + 10 * WEEK);
        assert_int_equal(days->n_told, 0);
        /* Looked at now and then, and not at every word. */
        assert_in_range(days->n_ticks, 1, days->n_said);
}

static void test_public_holiday_is_told_of_once_and_hides_nothing_in_the_weeks_behind_it(void **state) {
        Days *days = *state;
        const int64_t holiday = BEGAN + 7 * WEEK, failure = holiday + WEEK + 10 * HOUR;

        days_live(days, "clinic", office, holiday);
        assert_int_equal(days->n_told, 0);
        days_until(days, holiday + DAY);
        assert_int_equal(told_of(days, false), 1);
        days_live(days, "clinic", office, failure);
        assert_int_equal(days->n_told, 2);
        /* The same Monday a week later: a real failure is found as if there had been no holiday. */
        days_until(days, failure + 3 * HOUR);
        assert_int_equal(told_of(days, false), 2);
}

static void test_nobody_is_told_before_there_is_history(void **state) {
        Days *days = *state;

        days_live(days, "ward", always, BEGAN + 2 * WEEK);
        days_until(days, BEGAN + 3 * WEEK);
        assert_int_equal(days->n_told, 0);
        assert_int_equal(days->n_ticks, 0);
}

static void push_settings(Days *days, const char *source, uint64_t silent_after) {
        Carebus__V1__Entry entry = CAREBUS__V1__ENTRY__INIT;
        Carebus__V1__Settings settings = CAREBUS__V1__SETTINGS__INIT;
        Carebus__V1__SourceSettings one = CAREBUS__V1__SOURCE_SETTINGS__INIT;
        Carebus__V1__SourceSettings *sources[] = { &one };

        one.name = (char *)source;
        one.has_silent_after_seconds = silent_after > 0;
        one.silent_after_seconds = silent_after;
        settings.sources = sources;
        settings.n_sources = 1;
        entry.kind_case = CAREBUS__V1__ENTRY__KIND_SETTINGS;
        entry.settings = &settings;
        world_push(&days->world, &entry, days->now);
        days_fold(days);
}

static void test_configured_patience_goes_before_any_habit(void **state) {
        Days *days = *state;
        const int64_t last = BEGAN + 3 * HOUR;

        push_settings(days, "ward", 3600);
        days_say(days, "ward", last, false);
        days_fold(days);
        days_until(days, last + HOUR - MINUTE);
        assert_int_equal(days->n_told, 0);
        days_until(days, last + HOUR);
        assert_int_equal(days->n_told, 1);
        assert_int_equal(days->told[0].since_at, last);
        /* And once only, however long it lasts. */
        days_until(days, last + 3 * DAY);
        assert_int_equal(days->n_told, 1);
}

static void test_patience_that_is_configured_later_counts_from_then_on(void **state) {
        Days *days = *state;
        const int64_t last = BEGAN + 3 * HOUR;

        days_say(days, "ward", last, false);
        days_until(days, last + 20 * MINUTE);
        push_settings(days, "ward", 3600);
        days_until(days, last + HOUR);
        assert_int_equal(days->n_told, 1);
}

static void test_source_that_is_not_configured_any_more_is_waited_for_by_nobody(void **state) {
        Days *days = *state;

        push_settings(days, "ward", 3600);
        days_say(days, "ward", BEGAN + HOUR, false);
        days_fold(days);
        push_settings(days, "clinic", 3600);
        days_until(days, BEGAN + DAY);
        assert_int_equal(days->n_told, 0);
}

static void test_history_is_no_word_of_its_source(void **state) {
        Days *days = *state;

        push_settings(days, "ward", 3600);
        days_say(days, "ward", BEGAN + HOUR, /* history= */ true);
        days_fold(days);
        days_until(days, BEGAN + DAY);
        assert_int_equal(days->n_told, 0);
        assert_int_equal(days->n_ticks, 0);
}

static void test_bus_that_was_away_blames_no_source(void **state) {
        Days *days = *state;
        const int64_t last = BEGAN + HOUR, back = last + 6 * HOUR;

        push_settings(days, "ward", 3600);
        days_say(days, "ward", last, false);
        days_fold(days);
        assert_int_equal(days->due_at, last + HOUR);
        /* The tick comes as soon as the bus is back, which is five hours late. */
        days->now = back;
        days_tick(days, days->due_at);
        assert_int_equal(days->n_told, 0);
        days_until(days, back + HOUR - MINUTE);
        assert_int_equal(days->n_told, 0);
        days_until(days, back + HOUR);
        assert_int_equal(days->n_told, 1);
        assert_int_equal(days->told[0].since_at, back);
}

static void read_habit(Days *days, const char *source, SilenceHabit *ret) {
        StateTxn *txn = world_look(&days->world);

        assert_int_equal(source_silence_read_habit(txn, source, ret), 0);
        state_abort(txn);
}

static void test_while_the_bus_was_away_no_habit_is_learned(void **state) {
        Days *days = *state;
        const int64_t away = BEGAN + 5 * WEEK + 9 * HOUR, back = away + 30 * HOUR;
        SilenceHabit before, after;
        size_t n_changed = 0;

        days_live(days, "ward", always, away);
        days_fold(days);
        days->n_told = 0;
        read_habit(days, "ward", &before);
        /* The source is quicker than the tick. */
        days->now = back;
        days->due_at = 0;
        days_say(days, "ward", back, false);
        days_fold(days);
        days_until(days, back + MINUTE);
        assert_int_equal(days->n_told, 0);
        read_habit(days, "ward", &after);
        for (size_t i = 0; i < SILENCE_HOURS; i++)
                n_changed += memcmp(before.longest[i], after.longest[i], SILENCE_WEEKS) != 0;
        assert_in_range(n_changed, 0, 1); /* the hour in which it went */
}

static void test_clock_that_was_set_back_hurts_nobody(void **state) {
        Days *days = *state;
        const int64_t last = BEGAN + 10 * HOUR;

        push_settings(days, "ward", 3600);
        days_say(days, "ward", last, false);
        days_fold(days);
        days->now = last - 5 * HOUR;
        days_say(days, "ward", last - 5 * HOUR, false);
        days_fold(days);
        days_until(days, last + HOUR);
        assert_int_equal(told_of(days, false), 1);
        assert_int_equal(days->told[0].since_at, last);
}

static void test_source_that_comes_and_goes_all_day_is_told_of_a_few_times_and_not_each_time(void **state) {
        Days *days = *state;
        const int64_t flaps = BEGAN + 6 * WEEK;
        size_t n_flaps = 0;

        days_live(days, "ward", always, flaps);
        assert_in_range(days->n_told, 0, 2);
        days->n_told = 0;
        /* One word, then nothing for three hours, for three days. */
        for (int64_t at = flaps; at < flaps + 3 * DAY; at += 3 * HOUR, n_flaps++)
                days_say(days, "ward", at, false);
        days_until(days, flaps + 3 * DAY);
        assert_int_equal(n_flaps, 24);
        assert_in_range(told_of(days, false), 1, 12);
}

static void test_habit_that_changed_is_the_habit_after_a_few_weeks(void **state) {
        Days *days = *state;

        days_live(days, "ward", always, BEGAN + 6 * WEEK);
        days_live(days, "ward", office, BEGAN + 10 * WEEK);
        days->n_told = 0;
        days_live(days, "ward", office, BEGAN + 14 * WEEK);
        assert_int_equal(days->n_told, 0);
}

static void test_state_is_the_same_however_many_entries_a_transaction_takes_in(void **state) {
        Days *days = *state;
        uint8_t digest[32], again[32];
        uint64_t seed = 7;

        days_live(days, "clinic", office, BEGAN + 5 * WEEK + 12 * HOUR);
        days_until(days, BEGAN + 5 * WEEK + 2 * DAY);
        assert_int_equal(told_of(days, false), 1);
        world_digest(&days->world, digest);
        world_refold(&days->world, 100, &seed, again);
        assert_memory_equal(digest, again, sizeof(digest));
        world_refold(&days->world, 1000000, NULL, again);
        assert_memory_equal(digest, again, sizeof(digest));
}

#define IN_DAYS(test) cmocka_unit_test_setup_teardown(test, days_begin, days_end)

int main(void) {
        const struct CMUnitTest tests[] = {
                IN_DAYS(test_source_that_falls_silent_by_day_is_told_of_once_and_once_when_it_is_back),
                IN_DAYS(test_nights_and_weekends_of_a_source_that_never_speaks_then_are_no_silence),
                IN_DAYS(test_public_holiday_is_told_of_once_and_hides_nothing_in_the_weeks_behind_it),
                IN_DAYS(test_nobody_is_told_before_there_is_history),
                IN_DAYS(test_configured_patience_goes_before_any_habit),
                IN_DAYS(test_patience_that_is_configured_later_counts_from_then_on),
                IN_DAYS(test_source_that_is_not_configured_any_more_is_waited_for_by_nobody),
                IN_DAYS(test_history_is_no_word_of_its_source),
                IN_DAYS(test_bus_that_was_away_blames_no_source),
                IN_DAYS(test_while_the_bus_was_away_no_habit_is_learned),
                IN_DAYS(test_clock_that_was_set_back_hurts_nobody),
                IN_DAYS(test_source_that_comes_and_goes_all_day_is_told_of_a_few_times_and_not_each_time),
                IN_DAYS(test_habit_that_changed_is_the_habit_after_a_few_weeks),
                IN_DAYS(test_state_is_the_same_however_many_entries_a_transaction_takes_in),
        };

        return cmocka_run_group_tests_name("silence", tests, NULL, NULL);
}
