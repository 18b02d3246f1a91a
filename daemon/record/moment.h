#pragma once
/*
 * Times as people say them. A day is not a minute: what was said with less precision is a span, and of two spans that overlap nobody
 * can say which came first. Any thread.
 */
#include <stdbool.h>
#include <stdint.h>

#include "carebus/v1/common.pb-c.h"

typedef struct Moment {
        int64_t from;  /* the first moment that can be meant */
        int64_t until; /* the first that is certainly after it */
} Moment;

/* False, and nothing written: not said, or nobody could read it. */
bool moment_of_when(const Carebus__V1__When *when, Moment *ret);
static inline bool moment_is_before(Moment a, Moment b) {
        return a.until <= b.from;
}
static inline bool moments_overlap(Moment a, Moment b) {
        return !moment_is_before(a, b) && !moment_is_before(b, a);
}
