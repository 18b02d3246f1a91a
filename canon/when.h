#pragma once
/*
 * Moments and dates as sources write them. Two families of text:
 *   HL7 v2 (DTM, TS)  YYYY[MM[DD[HH[MM[SS[.S[S...]]]]]]][+/-ZZZZ]
 *   ISO 8601, FHIR    YYYY[-MM[-DD[Thh:mm[:ss[.s...]][Z|+/-hh:mm]]]]   (a space may stand for the T)
 * What a text leaves out is its first moment: 201003 is the first of March, 00:00 local time. Days that no calendar has, hour
 * 24 and second 60 are refused, not guessed. Fractions beyond microseconds are cut. Spaces around are let go.
 *
 * All functions work on what they are given and nothing else: any thread.
 */
#include <stdbool.h>
#include <stdint.h>

#include "canon/zone.h"
#include "carebus/v1/common.pb-c.h"

/* Positive returns. */
enum {
        _WHEN_E_SUCCESS,
        WHEN_E_EMPTY,
        WHEN_E_MALFORMED,  /* of neither family */
        WHEN_E_IMPOSSIBLE, /* well-formed, but no such day, time or zone */
};

typedef struct Moment {
        int64_t utc_at; /* microseconds since 1970 UTC */
        Carebus__V1__When__Precision precision;
        bool zone_assumed; /* the text said none: `zone` was used */
} Moment;

/* `zone`: of who wrote it; NULL: UTC. 0 or WHEN_E_*. */
int moment_read(const char *text, const Zone *zone, Moment *ret);
/* Fills utc_at, precision and zone_assumed from `text` where utc_at is not there; the text stays. A text that cannot be read
 * leaves precision UNKNOWN and no utc_at. 0 (also when nothing was to do) or WHEN_E_*. */
int when_fill(Carebus__V1__When *when, const Zone *zone);

typedef struct CalendarDate {
        uint32_t year, month, day; /* month and day 0: not said */
} CalendarDate;

/* The date part of either family; a time behind it is checked and let go, a zone is not applied: a birthday has none. */
int date_read(const char *text, CalendarDate *ret);
/* As when_fill(), for a date: fills year, month, day where the year is not there. */
int date_fill(Carebus__V1__Date *date);
