#pragma once
/*
 * How many messages a second a source may hand in: a bucket that fills at the rate and holds one second's worth. Charged
 * to the source, whatever number of connections it comes on. A source over its quota waits; nobody else notices.
 */
#include <stdint.h>

typedef struct Quota {
        uint64_t rate;     /* messages a second; 0: no limit */
        int64_t level;     /* millionths of a message that may still come now */
        int64_t filled_at; /* monotonic */
} Quota;

#define QUOTA_NULL ((Quota){ .rate = 0 })

/* Starts full; a new rate keeps what was left, at most its own second's worth. */
void quota_set_rate(Quota *quota, uint64_t rate, int64_t now);
/* 0 when one message may pass (it is charged), else the milliseconds (1 or more) until one may. */
uint32_t quota_take(Quota *quota, int64_t now);
