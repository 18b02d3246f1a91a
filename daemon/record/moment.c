#include "daemon/record/moment.h"

#include "base/cleanup.h"
#include "base/clock.h"

#define MINUTE (60 * USEC_PER_SEC)
#define DAY (24 * 60 * MINUTE)

bool moment_of_when(const Carebus__V1__When *when, Moment *ret) {
        /* Of what has no precision, no more than the day is believed. */
        static const int64_t spans[] = {
                [CAREBUS__V1__WHEN__PRECISION__PRECISION_UNKNOWN] = DAY,
                [CAREBUS__V1__WHEN__PRECISION__PRECISION_YEAR] = 366 * DAY,
                [CAREBUS__V1__WHEN__PRECISION__PRECISION_MONTH] = 31 * DAY,
                [CAREBUS__V1__WHEN__PRECISION__PRECISION_DAY] = DAY,
                [CAREBUS__V1__WHEN__PRECISION__PRECISION_HOUR] = 60 * MINUTE,
                [CAREBUS__V1__WHEN__PRECISION__PRECISION_MINUTE] = MINUTE,
                [CAREBUS__V1__WHEN__PRECISION__PRECISION_SECOND] = MINUTE,
                [CAREBUS__V1__WHEN__PRECISION__PRECISION_FRACTION] = MINUTE,
        };
        size_t precision = when && when->has_precision ? (size_t)when->precision : 0;
        int64_t span = spans[precision < ELEMENTSOF(spans) ? precision : 0];

        /* Further on than anything can be said of is as good as never. */
        if (!when || !when->has_utc_at || when->utc_at > INT64_MAX - span)
                return false;
        *ret = (Moment){ .from = when->utc_at, .until = when->utc_at + span };
        return true;
}
