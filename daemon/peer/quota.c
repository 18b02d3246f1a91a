/* A token bucket without floating point. */
#include "daemon/peer/quota.h"

#include <stdbool.h>

#include "base/cleanup.h"
#include "base/clock.h"

#define ONE 1000000LL          /* one message */
#define RATE_MAX 1000000000ULL /* beyond this a limit is none, and the sums below stay inside 64 bits */

static int64_t quota_most(const Quota *quota) {
        return (int64_t)quota->rate * ONE;
}

void quota_set_rate(Quota *quota, uint64_t rate, int64_t now) {
        const bool fresh = quota->rate == 0;

        if (rate > RATE_MAX)
                rate = 0;
        if (rate == quota->rate)
                return;
        quota->rate = rate;
        if (fresh) {
                quota->level = quota_most(quota);
                quota->filled_at = now;
        }
        quota->level = MIN(quota->level, quota_most(quota));
}

static void quota_fill(Quota *quota, int64_t now) {
        int64_t passed = MAX(now - quota->filled_at, 0);

        quota->filled_at = now;
        if (passed >= USEC_PER_SEC)
                quota->level = quota_most(quota);
        else /* a microsecond brings `rate` millionths */
                quota->level = MIN(quota->level + passed * (int64_t)quota->rate, quota_most(quota));
}

uint32_t quota_take(Quota *quota, int64_t now) {
        int64_t missing;

        if (quota->rate == 0)
                return 0;
        quota_fill(quota, now);
        if (quota->level >= ONE) {
                quota->level -= ONE;
                return 0;
        }
        missing = (ONE - quota->level + (int64_t)quota->rate - 1) / (int64_t)quota->rate; /* microseconds */
        return (uint32_t)(missing / USEC_PER_MSEC + 1);
}
