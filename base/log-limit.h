#pragma once
/*
 * How many lines of one event, about one peer, are written. A peer that makes the same mistake ten thousand times a second leaves every
 * other peer's lines alone; and of many peers that come under ever new names, together no more are written than an event may have.
 * What is left out is counted, whoever it was about. Fixed memory. The caller locks.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/log.h"

/* At once, and then one each so many microseconds: of one event about one peer, and of one event about all of them. */
#define LOG_PEER_BURST 20
#define LOG_PEER_EVERY (INT64_C(6) * 1000000)
#define LOG_EVENT_BURST 200
#define LOG_EVENT_EVERY (INT64_C(1) * 1000000)
/* While lines go on being left out, that is told no more often. */
#define LOG_TELL_EVERY (INT64_C(60) * 1000000)
#define LOG_PEERS_MAX 128
#define LOG_WHO_SIZE 128

typedef struct LogBucket {
        bool used;
        LogEvent event;
        uint64_t who;            /* a hash of whom the line is about */
        char text[LOG_WHO_SIZE]; /* the same for a person; "" where it is about nobody, or about many */
        int64_t filled_at;       /* when it had all it may have at once, or would have had */
        int64_t used_at;
        int64_t n_left_out;
        int64_t left_since; /* the first that was left out and was not told of */
} LogBucket;

typedef struct LogLimits {
        LogBucket peers[LOG_PEERS_MAX];
        LogBucket events[_LOG_EVENT_MAX];
} LogLimits;

/* May a line be written at `now` (monotonic)? Else it is counted. `text` is whom it is about. */
bool log_limits_take(LogLimits *limits, LogEvent event, const char *text, int64_t now);
/* One who has come to rest since, or of whom nothing was told for long; or, at the end, anybody: *ret is as it was, and is told of now.
 * False: no more. */
bool log_limits_untold(LogLimits *limits, int64_t now, bool at_end, LogBucket *ret);
