#pragma once
/*
 * Whom to ring at a moment: hours as people keep them (days of the week, from, until, the zone of the bus), and the one of a record's
 * contact points that answers then. Pure; any thread.
 */
#include <stdbool.h>
#include <stdint.h>

#include "canon/zone.h"
#include "carebus/v1/record.pb-c.h"

typedef enum ReachState {
        REACH_CLOSED,
        REACH_NOT_SAID,              /* no hours that a machine can read: nobody knows whether somebody answers */
        REACH_NOT_SAID_OUT_OF_HOURS, /* the same, and it is said to be for out of hours */
        REACH_OPEN,
} ReachState;

/* Does somebody answer at this moment? `zone` NULL: UTC. Hours end where `until` is reached; not later than `from`, they end on the next
 * day, so that 00:00 to 00:00 is all day. Which days are bank holidays is not known here: hours for those days alone are not said. */
ReachState reach_at(const Carebus__V1__ReachTime *reach, int64_t at, const Zone *zone);

typedef struct ContactAt {
        const Carebus__V1__ContactPoint *point;
        const Carebus__V1__ContactOrigin *origin; /* whose word it is, and how fresh; NULL: not told */
        const Carebus__V1__ReachTime *reach;
        const Carebus__V1__Telecom *telecom; /* the one number */
        ReachState state;                    /* never closed */
} ContactAt;

/* Who answers at this moment: the first in the order of the overview whose hours say so; else the first that is for out of hours; else
 * the first whose hours nobody said. Only what has a number. false: nobody. */
bool contact_at(const Carebus__V1__Overview *overview, int64_t at, const Zone *zone, ContactAt *ret);
