#pragma once
/*
 * Places in the one order, as one team sees it. Which events a team sees follows from their source (daemon/sharing), so
 * the newest one before a place, and the next entry behind it, are found by STATE_SOURCE_SEQ without reading the journal.
 */
#include <stdbool.h>
#include <stdint.h>

#include "daemon/sharing/sharing.h"
#include "daemon/store/state.h"

/* An event's place; 0.0 is before all. */
typedef struct Place {
        uint64_t seq;
        uint32_t index;
} Place;

#define PLACE_NULL ((Place){ .seq = 0 })
#define PLACE_LAST ((Place){ .seq = UINT64_MAX, .index = UINT32_MAX })

static inline int place_compare(Place a, Place b) {
        if (a.seq != b.seq)
                return a.seq < b.seq ? -1 : 1;
        return a.index == b.index ? 0 : a.index < b.index ? -1 : 1;
}

/* The newest event at or before `bound` that the team sees, 0.0 when there is none. 0 or negative errno. */
int place_newest(StateTxn *txn, const Sharing *sharing, size_t team, Place bound, Place *ret);
/* The first entry from `seq` on that holds an event which the team sees; UINT64_MAX when there is none. */
int place_next_seq(StateTxn *txn, const Sharing *sharing, size_t team, uint64_t seq, uint64_t *ret);
