/*
 * The calendar is counted in eras of 400 years that begin on a first of March, so that the leap day is the last of its
 * year and no table of months is needed (the method is Howard Hinnant's).
 */
#include "base/clock.h"

#include <stdio.h>
#include <time.h>

#include "base/cleanup.h"

#define SECONDS_PER_DAY 86400LL
#define DAYS_PER_ERA 146097LL
#define DAYS_BEFORE_1970 719468LL /* from 0000-03-01 */

static int64_t read_clock(clockid_t id) {
        struct timespec now;

        (void)clock_gettime(id, &now);
        return (int64_t)now.tv_sec * USEC_PER_SEC + now.tv_nsec / 1000;
}

static int64_t system_now_at(const Clock *clock) {
        return read_clock(CLOCK_REALTIME);
}

static int64_t system_monotonic(const Clock *clock) {
        return read_clock(CLOCK_MONOTONIC);
}

const Clock clock_system = { .now_at = system_now_at, .monotonic = system_monotonic };

static int64_t fake_now_at(const Clock *clock) {
        return CONTAINER_OF(clock, const ClockFake, clock)->now_at;
}

static int64_t fake_monotonic(const Clock *clock) {
        return CONTAINER_OF(clock, const ClockFake, clock)->monotonic;
}

void clock_fake_init(ClockFake *fake, int64_t now_at) {
        /* Not zero: what reads "0" as "never" would not be found by a test that begins at 0. */
        *fake = (ClockFake){ .clock = { .now_at = fake_now_at, .monotonic = fake_monotonic },
                             .now_at = now_at,
                             .monotonic = USEC_PER_SEC };
}

void clock_fake_advance(ClockFake *fake, int64_t microseconds) {
        fake->now_at += microseconds;
        fake->monotonic += microseconds;
}

static int64_t floor_divide(int64_t a, int64_t b) {
        return a / b - (a % b < 0);
}

static int64_t days_from_civil(int64_t year, int month, int day) {
        int64_t era, year_of_era, day_of_year;

        year -= month <= 2;
        era = floor_divide(year, 400);
        year_of_era = year - era * 400;
        day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
        return era * DAYS_PER_ERA + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year -
               DAYS_BEFORE_1970;
}

CivilTime civil_from_utc(int64_t at) {
        int64_t seconds = floor_divide(at, USEC_PER_SEC);
        int64_t days = floor_divide(seconds, SECONDS_PER_DAY);
        int64_t of_day = seconds - days * SECONDS_PER_DAY;
        int64_t shifted = days + DAYS_BEFORE_1970;
        int64_t era = floor_divide(shifted, DAYS_PER_ERA);
        int64_t day_of_era = shifted - era * DAYS_PER_ERA;
        int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
        int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        int64_t month = (5 * day_of_year + 2) / 153;

        return (CivilTime){
                .year = (int)(year_of_era + era * 400 + (month >= 10)),
                .month = (int)(month < 10 ? month + 3 : month - 9),
                .day = (int)(day_of_year - (153 * month + 2) / 5 + 1),
                .hour = (int)(of_day / 3600),
                .minute = (int)(of_day / 60 % 60),
                .second = (int)(of_day % 60),
                .microsecond = (int)(at % USEC_PER_SEC + (at % USEC_PER_SEC < 0 ? USEC_PER_SEC : 0)),
        };
}

int64_t civil_to_utc(const CivilTime *civil) {
        int64_t days = days_from_civil(civil->year, civil->month, civil->day);
        int64_t seconds = days * SECONDS_PER_DAY + civil->hour * 3600 + civil->minute * 60 + civil->second;

        return seconds * USEC_PER_SEC + civil->microsecond;
}

static int days_of_month(int year, int month) {
        if (month == 2)
                return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28;
        return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

int civil_is_valid(const CivilTime *civil) {
        return civil->year >= 1 && civil->year <= 9999 && civil->month >= 1 && civil->month <= 12 && civil->day >= 1 &&
               civil->day <= days_of_month(civil->year, civil->month) && civil->hour >= 0 && civil->hour <= 23 &&
               civil->minute >= 0 && civil->minute <= 59 && civil->second >= 0 && civil->second <= 59 &&
               civil->microsecond >= 0 && civil->microsecond < USEC_PER_SEC;
}

void civil_format(int64_t at, char text[CIVIL_TEXT_SIZE]) {
        CivilTime civil = civil_from_utc(at);
        char whole[80], fraction[24] = "";

        if (civil.microsecond)
                (void)snprintf(fraction, sizeof(fraction), ".%06d", civil.microsecond);
        (void)snprintf(whole, sizeof(whole), "%04d-%02d-%02dT%02d:%02d:%02d%.7sZ", civil.year, civil.month, civil.day,
                       civil.hour, civil.minute, civil.second, fraction);
        /* The furthest year of an int64_t has six digits and a sign: 30 bytes. */
        (void)snprintf(text, CIVIL_TEXT_SIZE, "%.31s", whole);
}
