/* See the header: GLib reads the database, a table of our own answers. */
#include "canon/zone.h"

#include <errno.h>
#include <glib.h>
#include <string.h>

/* Changes of the offset are looked for between these years; outside of them the nearest offset holds. A step of a week misses
 * no change that lasts: the shortest known (Ramadan in Morocco) are four weeks. */
#define YEAR_FIRST 1900
#define YEAR_LAST 2100
#define STEP (7 * 86400LL)
#define DAY (86400LL)

typedef struct Change {
        int64_t at;     /* seconds since 1970 UTC: from here on */
        int32_t offset; /* seconds east */
} Change;

struct Zone {
        char *name;
        Change *changes; /* the first is at INT64_MIN */
        size_t n_changes, capacity;
};

static int32_t offset_of(GTimeZone *source, int64_t at) {
        gint interval = g_time_zone_find_interval(source, G_TIME_TYPE_UNIVERSAL, at);
        return interval < 0 ? 0 : g_time_zone_get_offset(source, interval);
}

static int change_add(Zone *zone, int64_t at, int32_t offset) {
        if (zone->n_changes == zone->capacity) {
                size_t capacity = MAX(zone->capacity * 2, (size_t)64);
                Change *changes = realloc(zone->changes, capacity * sizeof(*changes));
                if (!changes)
                        return -ENOMEM;
                zone->changes = changes;
                zone->capacity = capacity;
        }
        zone->changes[zone->n_changes++] = (Change){ .at = at, .offset = offset };
        return 0;
}

/* Between two moments with different offsets: the first second of the later one. */
static int64_t change_between(GTimeZone *source, int64_t low, int64_t high) {
        int32_t before = offset_of(source, low);
        while (high - low > 1) {
                int64_t middle = low + (high - low) / 2;
                if (offset_of(source, middle) == before)
                        low = middle;
                else
                        high = middle;
        }
        return high;
}

static int changes_read(Zone *zone, GTimeZone *source) {
        CivilTime first = { .year = YEAR_FIRST, .month = 1, .day = 1 },
                  last = { .year = YEAR_LAST, .month = 1, .day = 1 };
        int64_t at = civil_to_utc(&first) / USEC_PER_SEC, end = civil_to_utc(&last) / USEC_PER_SEC;
        int32_t offset = offset_of(source, at);
        int r = change_add(zone, INT64_MIN, offset);
        while (r == 0 && at < end) {
                int32_t next = offset_of(source, at + STEP);
                if (next == offset) {
                        at += STEP;
                        continue;
                }
                at = change_between(source, at, at + STEP);
                offset = offset_of(source, at);
                r = change_add(zone, at, offset);
        }
        return r;
}

int zone_new(const char *name, Zone **ret) {
        /* GLib takes an empty name for the machine's own zone and +01:00 for a zone: neither is a name. */
        if (!g_ascii_isalpha(name[0]))
                return ZONE_E_UNKNOWN;
        GTimeZone *source = g_time_zone_new_identifier(name);
        if (!source)
                return ZONE_E_UNKNOWN;
        _cleanup_(zone_freep) Zone *zone = calloc(1, sizeof(*zone));
        int r = -ENOMEM;
        if (zone)
                zone->name = strdup(name);
        if (zone && zone->name)
                r = changes_read(zone, source);
        g_time_zone_unref(source);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(zone);
        return 0;
}

Zone *zone_free(Zone *zone) {
        if (!zone)
                return NULL;
        free(zone->changes);
        free(zone->name);
        free(zone);
        return NULL;
}

const char *zone_name(const Zone *zone) {
        return zone ? zone->name : "UTC";
}

static int32_t offset_at(const Zone *zone, int64_t seconds) {
        size_t low = 0, high = zone->n_changes;
        while (high - low > 1) {
                size_t middle = low + (high - low) / 2;
                if (zone->changes[middle].at <= seconds)
                        low = middle;
                else
                        high = middle;
        }
        return zone->changes[low].offset;
}

/* Rounds down: a moment before 1970 with a fraction belongs to the second that it is in. */
static int64_t seconds_of(int64_t at) {
        return at / USEC_PER_SEC - (at % USEC_PER_SEC < 0);
}

int32_t zone_offset(const Zone *zone, int64_t utc_at) {
        return zone ? offset_at(zone, seconds_of(utc_at)) : 0;
}

/*
 * The offsets that can matter are those a day before and a day after. Where each gives a moment at which it holds, the text
 * exists twice, and the first moment is that of the offset before; where none does, it does not exist, and the offset before
 * is taken by rule.
 */
int64_t zone_to_utc(const Zone *zone, const CivilTime *local) {
        int64_t as_utc = civil_to_utc(local);
        if (!zone)
                return as_utc;
        int64_t seconds = seconds_of(as_utc);
        int32_t before = offset_at(zone, seconds - DAY), after = offset_at(zone, seconds + DAY);
        if (before != after && offset_at(zone, seconds - before) != before && offset_at(zone, seconds - after) == after)
                before = after;
        return as_utc - before * USEC_PER_SEC;
}
