#pragma once
/*
 * How long things took, kept as counts in buckets that grow with the value: 128 buckets for every doubling, so that a
 * value read back is at most 1/128 (0.8 %) above what went in. Nanoseconds; up to 2^42 (73 minutes), all above counts as
 * that. No memory of its own, so it may lie in memory that processes share; one writer at a time.
 */
#include <stdint.h>
#include <stdio.h>

#define HISTOGRAM_SUB_BITS 7
#define HISTOGRAM_MAX_BITS 42
#define HISTOGRAM_BUCKETS ((HISTOGRAM_MAX_BITS - HISTOGRAM_SUB_BITS + 1) << HISTOGRAM_SUB_BITS)

typedef struct Histogram {
        uint64_t count;
        uint64_t sum;
        uint64_t min, max; /* exact */
        uint64_t buckets[HISTOGRAM_BUCKETS];
} Histogram;

#define HISTOGRAM_NULL ((Histogram){ .min = UINT64_MAX })

void histogram_init(Histogram *histogram);
void histogram_add(Histogram *histogram, uint64_t nanoseconds);
void histogram_merge(Histogram *into, const Histogram *from);
/* The smallest value that at least `thousandths` of 1000 of all values do not exceed: 500 is the median, 1000 the
 * greatest. Never above the greatest value that went in; 0 when there is none. */
uint64_t histogram_quantile(const Histogram *histogram, unsigned thousandths);
uint64_t histogram_mean(const Histogram *histogram);
/* {"count":N,"mean_us":..,"min_us":..,"p50_us":..,"p90_us":..,"p99_us":..,"p999_us":..,"max_us":..} */
void histogram_print_json(const Histogram *histogram, FILE *stream);
