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

/* What the feed thread tells the query thread and the figures thread, as it changes; and the live thread the latter (of teams: no consumer,
 * no place). */
typedef struct FeedStatusItem {
        char team[33], consumer[33];
        uint64_t seq;
        uint32_t index;
        bool open;
        int64_t acked_at;
        uint64_t delivered; /* since the start of serve */
        uint64_t begin_seq; /* behind this place it still has to acknowledge what its team may see */
        uint32_t begin_index;
        uint64_t level_seq; /* of records: all that changed up to this entry is acknowledged; 0: something is left */
} FeedStatusItem;
typedef struct FeedStatus {
        size_t n_items;
        FeedStatusItem items[];
} FeedStatus;
