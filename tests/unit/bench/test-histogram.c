/* A figure read back is what went in, to less than one part in a hundred, and never flatters. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "bench/histogram.h"

#define N_VALUES 20000

static uint64_t next_random(uint64_t *state) {
        *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        return *state >> 20;
}

static int by_value(const void *a, const void *b) {
        uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

        return x < y ? -1 : x > y;
}

static void test_empty_histogram_has_no_quantile(void **state) {
        static Histogram histogram;

        histogram_init(&histogram);
        assert_int_equal(histogram_quantile(&histogram, 500), 0);
        assert_int_equal(histogram_quantile(&histogram, 1000), 0);
        assert_int_equal(histogram_mean(&histogram), 0);
}

static void test_small_values_are_exact(void **state) {
        static Histogram histogram;

        histogram_init(&histogram);
        for (uint64_t i = 1; i <= 100; i++)
                histogram_add(&histogram, i);
        assert_int_equal(histogram_quantile(&histogram, 500), 50);
        assert_int_equal(histogram_quantile(&histogram, 990), 99);
        assert_int_equal(histogram_quantile(&histogram, 1000), 100);
        assert_int_equal(histogram_quantile(&histogram, 0), 1);
        assert_int_equal(histogram.min, 1);
        assert_int_equal(histogram.max, 100);
}

static void test_single_value_is_every_quantile(void **state) {
        for (unsigned bits = 0; bits < HISTOGRAM_MAX_BITS; bits++)
                for (uint64_t add = 0; add < 3; add++) {
                        static Histogram histogram;
                        uint64_t value = (UINT64_C(1) << bits) + add - 1;

                        histogram_init(&histogram);
                        histogram_add(&histogram, value);
                        assert_int_equal(histogram_quantile(&histogram, 1), value);
                        assert_int_equal(histogram_quantile(&histogram, 1000), value);
                }
}

/* Against the sorted values themselves: never below the true one, at most 1/128 above. */
static void test_quantiles_are_never_below_and_hardly_above_the_truth(void **state) {
        static const unsigned wanted[] = { 1, 100, 500, 900, 990, 999, 1000 };
        static uint64_t values[N_VALUES];
        static Histogram histogram;
        uint64_t seed = 20240229;

        print_message("# seed %llu\n", (unsigned long long)seed);
        for (unsigned round = 0; round < 20; round++) {
                histogram_init(&histogram);
                for (size_t i = 0; i < N_VALUES; i++) {
                        values[i] = next_random(&seed) >> (next_random(&seed) % 40);
                        values[i] &= (UINT64_C(1) << HISTOGRAM_MAX_BITS) - 1;
                        histogram_add(&histogram, values[i]);
                }
                qsort(values, N_VALUES, sizeof(values[0]), by_value);
                for (size_t i = 0; i < ELEMENTSOF(wanted); i++) {
                        uint64_t truth = values[(N_VALUES * wanted[i] + 999) / 1000 - 1];
                        uint64_t said = histogram_quantile(&histogram, wanted[i]);

                        assert_true(said >= truth);
                        assert_true(said - truth <= truth / 128);
                }
        }
}

static void test_what_is_longer_than_all_buckets_counts_in_the_last(void **state) {
        static Histogram histogram;

        histogram_init(&histogram);
        histogram_add(&histogram, UINT64_MAX);
        histogram_add(&histogram, UINT64_C(1) << 60);
        assert_int_equal(histogram.count, 2);
        assert_true(histogram.max == UINT64_MAX);
        assert_true(histogram_quantile(&histogram, 500) >= (UINT64_C(1) << HISTOGRAM_MAX_BITS) - 1);
}

static void test_merged_is_as_if_all_went_into_one(void **state) {
        static Histogram one, parts[3], merged;
        uint64_t seed = 7;

        histogram_init(&one);
        histogram_init(&merged);
        for (size_t i = 0; i < ELEMENTSOF(parts); i++)
                histogram_init(&parts[i]);
        for (size_t i = 0; i < N_VALUES; i++) {
                uint64_t value = next_random(&seed) >> 20;

                histogram_add(&one, value);
                histogram_add(&parts[i % 3], value);
        }
        for (size_t i = 0; i < ELEMENTSOF(parts); i++)
                histogram_merge(&merged, &parts[i]);
        assert_memory_equal(&one, &merged, sizeof(one));
        histogram_init(&parts[0]);
        histogram_merge(&merged, &parts[0]);
        assert_memory_equal(&one, &merged, sizeof(one));
}

static void test_json_says_microseconds(void **state) {
        static Histogram histogram;
        char *text = NULL;
        size_t size;
        FILE *stream = open_memstream(&text, &size);

        assert_non_null(stream);
        histogram_init(&histogram);
        histogram_add(&histogram, 1007);
        histogram_print_json(&histogram, stream);
        fclose(stream);
        assert_string_equal(text, "{\"count\":1,\"mean_us\":1.007,\"min_us\":1.007,\"p50_us\":1.007,\"p90_us\":1.007,"
                                  "\"p99_us\":1.007,\"p999_us\":1.007,\"max_us\":1.007}");
        free(text);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_empty_histogram_has_no_quantile),
                cmocka_unit_test(test_small_values_are_exact),
                cmocka_unit_test(test_single_value_is_every_quantile),
                cmocka_unit_test(test_quantiles_are_never_below_and_hardly_above_the_truth),
                cmocka_unit_test(test_what_is_longer_than_all_buckets_counts_in_the_last),
                cmocka_unit_test(test_merged_is_as_if_all_went_into_one),
                cmocka_unit_test(test_json_says_microseconds),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
