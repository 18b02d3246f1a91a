#pragma once
/*
 * Time zones by their IANA names: from the clock on a ward's wall to UTC. The one file with <glib.h> is zone.c; what it
 * learns from GLib is laid out as a table of changes, so that a look-up takes some ten nanoseconds and no lock.
 *
 * A local time that does not exist (the hour that spring takes away) is read with the offset before the change: 01:30 on
 * such a morning in London is 01:30 UTC, which the wall shows as 02:30. A local time that exists twice (the hour that autumn
 * gives back) is its first one: summer time. Both are what `When.utc_at` promises, "the first moment that the text can mean",
 * and both are the same on every machine.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/clock.h"

typedef struct Zone Zone;

/* Positive returns. */
enum {
        _ZONE_E_SUCCESS,
        ZONE_E_UNKNOWN, /* no such zone in the system's database */
};

/* `name`: Europe/London, UTC. 0, ZONE_E_UNKNOWN or -ENOMEM. Costs some milliseconds: make it once and keep it. */
int zone_new(const char *name, Zone **ret);
Zone *zone_free(Zone *zone);
DEFINE_CLEANUP(Zone *, zone_free)

const char *zone_name(const Zone *zone);

/* The rest is for any thread, at the same time. NULL stands for UTC. */

/* Microseconds since 1970 UTC of a civil time that is valid (civil_is_valid()) in this zone. */
int64_t zone_to_utc(const Zone *zone, const CivilTime *local);
/* Seconds east of UTC at that moment. */
int32_t zone_offset(const Zone *zone, int64_t utc_at);
