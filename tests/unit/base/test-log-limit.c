/* How many lines are written of what, in fixed memory, with every line that is left out counted. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log-limit.h"

#define BEGAN (INT64_C(1000) * USEC_PER_SEC)

static LogLimits limits;

static int limits_empty(void **state) {
        memset(&limits, 0, sizeof(limits));
        return 0;
}

static size_t take(LogEvent event, const char *who, size_t n, int64_t now) {
        size_t taken = 0;

        for (size_t i = 0; i < n; i++)
                taken += log_limits_take(&limits, event, who, now);
        return taken;
}

static int64_t untold(int64_t now, bool at_end) {
        LogBucket bucket;
        int64_t n = 0;

        while (log_limits_untold(&limits, now, at_end, &bucket)) {
                assert_true(bucket.n_left_out > 0);
                n += bucket.n_left_out;
        }
        return n;
}

static void test_peer_that_floods_leaves_the_lines_of_others_alone(void **state) {
        LogBucket bucket;

        assert_int_equal(take(LOG_PEER_REFUSED, "noisy", 5000, BEGAN), LOG_PEER_BURST);
        assert_int_equal(take(LOG_PEER_REFUSED, "quiet", 5, BEGAN), 5);
        assert_int_equal(take(LOG_FRAME_UNUSABLE, "noisy", 5, BEGAN), 5);
        assert_true(log_limits_untold(&limits, BEGAN, true, &bucket));
        assert_string_equal(bucket.text, "noisy");
        assert_int_equal(bucket.event, LOG_PEER_REFUSED);
        assert_int_equal(bucket.n_left_out, 5000 - LOG_PEER_BURST);
        assert_false(log_limits_untold(&limits, BEGAN, true, &bucket));
}

static void test_flood_that_lasts_has_ten_lines_a_minute(void **state) {
        size_t n = take(LOG_PEER_REFUSED, "noisy", 100, BEGAN);

        for (int64_t second = 1; second <= 600; second++)
                n += take(LOG_PEER_REFUSED, "noisy", 10, BEGAN + second * USEC_PER_SEC);
        assert_in_range(n, LOG_PEER_BURST + 99, LOG_PEER_BURST + 101);
}

static void test_peers_under_ever_new_names_have_no_more_together_than_an_event_may(void **state) {
        size_t n = 0;
        int64_t told;
        char who[32];

        for (int i = 0; i < 100000; i++) {
                (void)snprintf(who, sizeof(who), "forged-%d", i);
                n += take(LOG_PEER_REFUSED, who, 1, BEGAN + i);
        }
        assert_int_equal(n, LOG_EVENT_BURST);
        /* All of them are counted, though most were forgotten. */
        told = untold(BEGAN + 200000, true);
        assert_int_equal(n + (size_t)told, 100000);
}

static void test_what_was_left_out_is_told_at_rest_or_after_a_minute(void **state) {
        int64_t now = BEGAN;

        (void)take(LOG_PEER_REFUSED, "noisy", 100, now);
        assert_int_equal(untold(now + USEC_PER_SEC, false), 0);
        assert_int_equal(untold(now + LOG_TELL_EVERY, false), 100 - LOG_PEER_BURST);
        assert_int_equal(untold(now + LOG_TELL_EVERY, false), 0);
}

/* Whoever says what, in whatever order: each line is written, or is counted and told. */
static void test_every_line_is_written_or_counted(void **state) {
        uint64_t seed = 0x9e3779b97f4a7c15;
        size_t n = 0, written = 0;
        int64_t told = 0, now = BEGAN;
        char who[32];

        for (; n < 200000; n++) {
                seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
                (void)snprintf(who, sizeof(who), "peer-%u", (unsigned)(seed >> 33) % 300);
                now += (int64_t)(seed >> 50);
                written += take((LogEvent)((seed >> 20) % 7), who, 1, now);
                if (n % 100 == 0)
                        told += untold(now, false);
        }
        told += untold(now, true);
        assert_int_equal(written + (size_t)told, n);
        assert_true(told > 0);
}

#define EMPTY(test) cmocka_unit_test_setup(test, limits_empty)

int main(void) {
        const struct CMUnitTest tests[] = {
                EMPTY(test_peer_that_floods_leaves_the_lines_of_others_alone),
                EMPTY(test_flood_that_lasts_has_ten_lines_a_minute),
                EMPTY(test_peers_under_ever_new_names_have_no_more_together_than_an_event_may),
                EMPTY(test_what_was_left_out_is_told_at_rest_or_after_a_minute),
                EMPTY(test_every_line_is_written_or_counted),
        };

        return cmocka_run_group_tests_name("log-limit", tests, NULL, NULL);
}
