/* What core counts and how it is shown: the balance, the block, how long the disk lasts, the text. */
#include "daemon/figures/figures.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "daemon/figures/room.h"
#include "daemon/figures/text.h"

#define MINUTE (INT64_C(60) * USEC_PER_SEC)
#define GIB (UINT64_C(1) << 30)

static SourceCounts balanced(void) {
        SourceCounts counts = { .name = "hospital-pas" };

        counts.values[SOURCE_RECEIVED] = 100;
        counts.values[SOURCE_STORED] = 60;
        counts.values[SOURCE_DUPLICATE] = 20;
        counts.values[SOURCE_REFUSED] = 5;
        counts.values[SOURCE_LATER] = 4;
        counts.values[SOURCE_UNANSWERED] = 1;
        counts.values[SOURCE_IN_FLIGHT] = 10;
        return counts;
}

static void test_what_balances_leaves_nothing_and_each_wrong_count_shows(void **state) {
        static const SourceFigure parts[] = { SOURCE_STORED, SOURCE_DUPLICATE,  SOURCE_REFUSED,
                                              SOURCE_LATER,  SOURCE_UNANSWERED, SOURCE_IN_FLIGHT };
        SourceCounts counts = balanced();

        assert_int_equal(source_counts_unaccounted(&counts), 0);
        for (size_t i = 0; i < ELEMENTSOF(parts); i++) {
                counts = balanced();
                counts.values[parts[i]]++; /* answered twice */
                assert_int_equal(source_counts_unaccounted(&counts), -1);
                counts = balanced();
                counts.values[parts[i]]--; /* lost without an answer */
                assert_int_equal(source_counts_unaccounted(&counts), 1);
        }
        counts = balanced();
        counts.values[SOURCE_RECEIVED] = 0;
        assert_int_equal(source_counts_unaccounted(&counts), -100);
}

static void test_a_block_can_be_read_by_another_and_written_by_nobody_else(void **state) {
        _cleanup_(figures_freep) CoreFigures *core = NULL, *seen = NULL;
        _cleanup_(closep) int fd = -1, other = -1;
        const SourceCounts counts = balanced();
        SourceCounts read;

        assert_int_equal(figures_new(&core, &fd), 0);
        source_figures_write(&core->sources[3], &counts);
        assert_int_equal(figures_map(fd, &seen), 0);
        assert_true(source_figures_read(&seen->sources[3], &read));
        assert_string_equal(read.name, counts.name);
        assert_memory_equal(read.values, counts.values, sizeof(read.values));
        assert_ptr_equal(mmap(NULL, sizeof(*core), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), MAP_FAILED);
        assert_int_equal(ftruncate(fd, 0), -1);
        assert_int_equal(pwrite(fd, "x", 1, 0), -1);
        assert_true(figure_get(&seen->seconds_left) == FIGURES_UNKNOWN);
        other = memfd_create("other", MFD_CLOEXEC);
        assert_true(other >= 0);
        assert_int_equal(figures_map(other, &seen), -EBADMSG);
}

typedef struct Race {
        SourceFigures *figures;
        atomic_bool stop;
} Race;

static void *write_for_long(void *owner) {
        Race *race = owner;
        SourceCounts counts = { .name = "s" };

        while (!atomic_load(&race->stop)) {
                counts.values[SOURCE_RECEIVED] += 3;
                counts.values[SOURCE_STORED] += 2;
                counts.values[SOURCE_LATER] += 1;
                source_figures_write(race->figures, &counts);
        }
        return NULL;
}

static void test_a_reading_never_sees_half_a_batch(void **state) {
        _cleanup_(figures_freep) CoreFigures *core = NULL;
        _cleanup_(closep) int fd = -1;
        pthread_t writer;
        Race race = { .stop = false };
        unsigned whole = 0, torn = 0;

        assert_int_equal(figures_new(&core, &fd), 0);
        race.figures = &core->sources[0];
        assert_int_equal(pthread_create(&writer, NULL, write_for_long, &race), 0);
        for (unsigned i = 0; i < 200000; i++) {
                SourceCounts read;

                if (!source_figures_read(race.figures, &read))
                        continue;
                whole++;
                torn += source_counts_unaccounted(&read) != 0;
        }
        atomic_store(&race.stop, true);
        pthread_join(writer, NULL);
        assert_true(whole > 0);
        assert_int_equal(torn, 0);
}

static void test_a_disk_that_fills_says_when_it_is_full(void **state) {
        Room room = { .n = 0 };
        uint64_t left = 0;
        int64_t now = MINUTE;

        assert_int_equal(room_seconds_left(&room, now, GIB, 0, &left), ROOM_E_UNKNOWN);
        /* A gibibyte an hour, seen for eight hours: the ring has gone round. */
        for (int minute = 0; minute <= 480; minute++, now += MINUTE)
                room_note(&room, now, 20 * GIB - GIB * (uint64_t)minute / 60);
        assert_int_equal(room_seconds_left(&room, now - MINUTE, 12 * GIB, 2 * GIB, &left), 0);
        assert_in_range(left, 10 * 3600 - 120, 10 * 3600 + 120);
        assert_int_equal(room_seconds_left(&room, now, 2 * GIB, 2 * GIB, &left), 0);
        assert_int_equal(left, 0);
        assert_int_equal(room_seconds_left(&room, now, 30 * GIB, 2 * GIB, &left), ROOM_E_STEADY);
}

static void test_nothing_is_said_of_a_disk_that_was_watched_for_minutes(void **state) {
        Room room = { .n = 0 };
        uint64_t left;

        room_note(&room, MINUTE, 10 * GIB);
        room_note(&room, 7 * MINUTE, 9 * GIB);
        assert_int_equal(room_seconds_left(&room, 8 * MINUTE, 9 * GIB, 0, &left), ROOM_E_UNKNOWN);
}

static void write_some(FiguresText *text) {
        Histogram histogram = { .sum = 0 };

        histogram_observe(&histogram, &figures_sync_bounds, 60);
        histogram_observe(&histogram, &figures_sync_bounds, 20000000);
        figures_text_begin(text, FIGURE_REFUSED);
        figures_text_number(text, FIGURE_REFUSED, 7, FIGURE_LABELS("a\"b\\c\nd", "later"));
        figures_text_begin(text, FIGURE_SYNC);
        figures_text_histogram(text, FIGURE_SYNC, &histogram, &figures_sync_bounds, true);
        figures_text_begin(text, FIGURE_FOLD_LAG_TIME);
        figures_text_time(text, FIGURE_FOLD_LAG_TIME, -1500000, NULL);
        figures_text_end(text);
}

static void test_text_is_openmetrics_with_its_labels_escaped(void **state) {
        _cleanup_(buffer_deinit) Buffer out = BUFFER_NULL;
        FiguresText text = { .out = &out };

        write_some(&text);
        buffer_append(&out, "", 1);
        assert_non_null(strstr((char *)out.data, "# TYPE carebus_refused counter\n# HELP carebus_refused "));
        assert_non_null(
                strstr((char *)out.data, "carebus_refused_total{source=\"a\\\"b\\\\c\\nd\",kind=\"later\"} 7\n"));
        assert_non_null(strstr((char *)out.data, "# UNIT carebus_fdatasync_seconds seconds\n"));
        assert_non_null(strstr((char *)out.data, "carebus_fdatasync_seconds_bucket{le=\"5e-05\"} 0\n"));
        assert_non_null(strstr((char *)out.data, "carebus_fdatasync_seconds_bucket{le=\"10.0\"} 1\n"));
        assert_non_null(strstr((char *)out.data, "_bucket{le=\"+Inf\"} 2\ncarebus_fdatasync_seconds_count 2\n"
                                                 "carebus_fdatasync_seconds_sum 20.000060\n"));
        assert_non_null(strstr((char *)out.data, "carebus_fold_lag_seconds -1.500000\n# EOF\n"));
}

static void test_the_older_format_calls_families_as_their_samples(void **state) {
        _cleanup_(buffer_deinit) Buffer out = BUFFER_NULL;
        FiguresText text = { .out = &out, .is_old = true };

        write_some(&text);
        buffer_append(&out, "", 1);
        assert_non_null(strstr((char *)out.data, "# TYPE carebus_refused_total counter\n"));
        assert_null(strstr((char *)out.data, "# UNIT"));
        assert_null(strstr((char *)out.data, "# EOF"));
        assert_true(figures_text_wants_old("text/plain;version=0.0.4;q=0.5,*/*;q=0.1"));
        assert_false(
                figures_text_wants_old("application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"));
        assert_false(figures_text_wants_old("*/*"));
        assert_false(figures_text_wants_old(NULL));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_what_balances_leaves_nothing_and_each_wrong_count_shows),
                cmocka_unit_test(test_a_block_can_be_read_by_another_and_written_by_nobody_else),
                cmocka_unit_test(test_a_reading_never_sees_half_a_batch),
                cmocka_unit_test(test_a_disk_that_fills_says_when_it_is_full),
                cmocka_unit_test(test_nothing_is_said_of_a_disk_that_was_watched_for_minutes),
                cmocka_unit_test(test_text_is_openmetrics_with_its_labels_escaped),
                cmocka_unit_test(test_the_older_format_calls_families_as_their_samples),
        };

        return cmocka_run_group_tests_name("figures", tests, NULL, NULL);
}
