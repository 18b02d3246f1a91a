#pragma once
/*
 * Places in the one order. Which events a team sees is asked one by one (sight.h); here is what can be said without: where the bus stands,
 * and which entries need not be looked at.
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

static inline int place_compare(Place a, Place b) {
        if (a.seq != b.seq)
                return a.seq < b.seq ? -1 : 1;
        return a.index == b.index ? 0 : a.index < b.index ? -1 : 1;
}

/* The last place of the entry `head`, whoever sees it: everything up to it has been, and nothing behind it. It is the same for
 * every team, so that it tells nobody anything. 0.0 where there is no entry. 0 or negative errno. */
int place_of_bus(StateTxn *txn, uint64_t head, Place *ret);
/* The first entry from `seq` on, and not behind `head`, that may hold an event for the team: of a source that it may read, or where the bus
 * itself says something, or takes back what somebody may have been given. At most `look` entries are looked at: the one behind them is
 * given then. head + 1: there is none. 0 or negative errno. */
int place_next_seq(StateTxn *txn, const Sharing *sharing, size_t team, uint64_t seq, uint64_t head, unsigned look,
                   uint64_t *ret);
