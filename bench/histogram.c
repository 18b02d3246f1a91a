/*
 * A bucket's number is the value's highest bits: below 128 the value itself; above, which doubling it lies in and the
 * seven bits behind the highest one.
 */
#include "bench/histogram.h"

#include <inttypes.h>

#include "base/cleanup.h"

#define SUB_COUNT (UINT64_C(1) << HISTOGRAM_SUB_BITS)
#define VALUE_MAX ((UINT64_C(1) << HISTOGRAM_MAX_BITS) - 1)

static size_t bucket_of(uint64_t value) {
        unsigned shift;

        if (value < SUB_COUNT)
                return value;
        if (value > VALUE_MAX)
                value = VALUE_MAX;
        shift = 63u - (unsigned)__builtin_clzll(value) - HISTOGRAM_SUB_BITS;
        return ((size_t)(shift + 1) << HISTOGRAM_SUB_BITS) + ((value >> shift) - SUB_COUNT);
}

/* The greatest value that lands in the bucket. */
static uint64_t bucket_top(size_t bucket) {
        size_t doubling = bucket >> HISTOGRAM_SUB_BITS, within = bucket & (SUB_COUNT - 1);

        if (doubling == 0)
                return within;
        return ((SUB_COUNT + within + 1) << (doubling - 1)) - 1;
}

void histogram_init(Histogram *histogram) {
        *histogram = HISTOGRAM_NULL;
}

void histogram_add(Histogram *histogram, uint64_t nanoseconds) {
        histogram->count++;
        histogram->sum += nanoseconds;
        histogram->min = MIN(histogram->min, nanoseconds);
        histogram->max = MAX(histogram->max, nanoseconds);
        histogram->buckets[bucket_of(nanoseconds)]++;
}

void histogram_merge(Histogram *into, const Histogram *from) {
        into->count += from->count;
        into->sum += from->sum;
        into->min = MIN(into->min, from->min);
        into->max = MAX(into->max, from->max);
        for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
                into->buckets[i] += from->buckets[i];
}

uint64_t histogram_quantile(const Histogram *histogram, unsigned thousandths) {
        /* Rounded up: the value that is reached, not the one before it. */
        uint64_t wanted = (histogram->count * thousandths + 999) / 1000, seen = 0;

        if (histogram->count == 0)
                return 0;
        if (wanted == 0)
                return histogram->min;
        for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
                seen += histogram->buckets[i];
                if (seen >= wanted)
                        return MIN(bucket_top(i), histogram->max);
        }
        return histogram->max;
}

uint64_t histogram_mean(const Histogram *histogram) {
        return histogram->count > 0 ? histogram->sum / histogram->count : 0;
}

static void print_micros(FILE *stream, const char *name, uint64_t nanoseconds) {
        fprintf(stream, ",\"%s\":%" PRIu64 ".%03u", name, nanoseconds / 1000, (unsigned)(nanoseconds % 1000));
}

void histogram_print_json(const Histogram *histogram, FILE *stream) {
        fprintf(stream, "{\"count\":%" PRIu64, histogram->count);
        print_micros(stream, "mean_us", histogram_mean(histogram));
        print_micros(stream, "min_us", histogram->count > 0 ? histogram->min : 0);
        print_micros(stream, "p50_us", histogram_quantile(histogram, 500));
        print_micros(stream, "p90_us", histogram_quantile(histogram, 900));
        print_micros(stream, "p99_us", histogram_quantile(histogram, 990));
        print_micros(stream, "p999_us", histogram_quantile(histogram, 999));
        print_micros(stream, "max_us", histogram->max);
        fputc('}', stream);
}
