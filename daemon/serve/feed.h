#pragma once
/*
 * Feeds: one ROUTER (two where there is a tcp endpoint: CURVE is a matter of a whole socket). Each consumer reads the
 * journal at its own place and gets no more than its credit, so that one which stalls costs nobody anything.
 */
#include "daemon/serve/worker.h"

int feed_run(Worker *worker);

/* What the query thread asks of the feed thread. Empty names: all. */
typedef struct ConvergeAsked {
        uint32_t ticket;
        char team[33], consumer[33];
        int64_t timeout; /* microseconds */
} ConvergeAsked;
/* The answer: a packed ConvergeReply. */
typedef struct ConvergeTold {
        uint32_t ticket;
        size_t size;
        uint8_t packed[];
} ConvergeTold;

/* What the feed thread tells the query thread, as it changes. */
typedef struct FeedStatusItem {
        char team[33], consumer[33];
        uint64_t seq;
        uint32_t index;
        bool open;
        int64_t acked_at;
} FeedStatusItem;
typedef struct FeedStatus {
        size_t n_items;
        FeedStatusItem items[];
} FeedStatus;
