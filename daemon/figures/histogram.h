#pragma once
/* How often a number was how large. One thread observes, any may read: the buckets of a reading may be one observation apart. */
#include <stdalign.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define HISTOGRAM_BUCKETS_MAX 16

/* Upper bounds, ascending; what is larger than the last falls into one more bucket. */
typedef struct HistogramBounds {
        size_t n;
        uint64_t upper[HISTOGRAM_BUCKETS_MAX];
} HistogramBounds;

typedef struct Histogram {
        alignas(64) atomic_uint_fast64_t buckets[HISTOGRAM_BUCKETS_MAX + 1];
        atomic_uint_fast64_t sum;
} Histogram;

static inline void histogram_observe(Histogram *histogram, const HistogramBounds *bounds, uint64_t value) {
        size_t at = 0;

        while (at < bounds->n && value > bounds->upper[at])
                at++;
        atomic_store_explicit(&histogram->buckets[at],
                              atomic_load_explicit(&histogram->buckets[at], memory_order_relaxed) + 1,
                              memory_order_relaxed);
        atomic_store_explicit(&histogram->sum, atomic_load_explicit(&histogram->sum, memory_order_relaxed) + value,
                              memory_order_relaxed);
}
