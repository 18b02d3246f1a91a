#pragma once
/*
 * A peer that comes and goes ten times a second must not fill the log: so many lines of a kind in a while, then none, and the
 * next that is let through says how many were not.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

#define LOG_LIMIT_WHILE (10 * USEC_PER_SEC)

typedef struct LogLimit {
        int64_t began; /* monotonic; 0: never */
        uint64_t lines;
        uint64_t suppressed; /* since the last line */
} LogLimit;

/* Whether this line may be written; *ret_suppressed is then how many were not since the last one. */
static inline bool log_limit(LogLimit *limit, uint64_t lines, int64_t now, int64_t *ret_suppressed) {
        if (limit->began == 0 || now - limit->began >= LOG_LIMIT_WHILE) {
                limit->began = now;
                limit->lines = 0;
        }
        if (limit->lines >= lines) {
                limit->suppressed++;
                return false;
        }
        limit->lines++;
        *ret_suppressed = (int64_t)limit->suppressed;
        limit->suppressed = 0;
        return true;
}
