#pragma once
/*
 * Time as a thing that is handed in, so that a scenario can hold it still. Microseconds.
 */
#include <stdint.h>

#define USEC_PER_MSEC 1000LL
#define USEC_PER_SEC 1000000LL

typedef struct Clock Clock;
struct Clock {
        int64_t (*now_at)(const Clock *clock);    /* since 1970 UTC: an annotation, never used for order or timeouts */
        int64_t (*monotonic)(const Clock *clock); /* for timeouts */
};

extern const Clock clock_system;

static inline int64_t clock_now_at(const Clock *clock) {
        return clock->now_at(clock);
}
static inline int64_t clock_monotonic(const Clock *clock) {
        return clock->monotonic(clock);
}

/* Stands where it is put. */
typedef struct ClockFake {
        Clock clock;
        int64_t now_at;
        int64_t monotonic;
} ClockFake;
void clock_fake_init(ClockFake *fake, int64_t now_at);
void clock_fake_advance(ClockFake *fake, int64_t microseconds);

/* Civil time in UTC, proleptic Gregorian. */
typedef struct CivilTime {
        int year, month, day, hour, minute, second;
        int microsecond;
} CivilTime;
CivilTime civil_from_utc(int64_t at);
int64_t civil_to_utc(const CivilTime *civil); /* fields in their ranges: civil_is_valid() */
int civil_is_valid(const CivilTime *civil);   /* 1 or 0; second 60 is not valid */
/* RFC 3339 in UTC with Z; microseconds only when they are not zero. At least CIVIL_TEXT_SIZE bytes. */
#define CIVIL_TEXT_SIZE 32
void civil_format(int64_t at, char text[CIVIL_TEXT_SIZE]);
