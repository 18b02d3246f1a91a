/* See the header. One reader for both families: they differ in what stands between the parts. */
#include "canon/when.h"

#include <string.h>

/* Zones are at most 14 hours east and 12 west. */
#define ZONE_MINUTES_EAST (14 * 60)
#define ZONE_MINUTES_WEST (12 * 60)

typedef struct Reading {
        const char *at;
        bool is_iso;
        CivilTime civil;
        Carebus__V1__When__Precision precision;
        bool zone_said;
        int zone_minutes;
} Reading;

static bool is_digit(char c) {
        return c >= '0' && c <= '9';
}

/* Exactly `n` digits; -1 when they are not there. */
static int read_digits(Reading *reading, int n) {
        int value = 0;
        for (int i = 0; i < n; i++) {
                if (!is_digit(reading->at[i]))
                        return -1;
                value = value * 10 + (reading->at[i] - '0');
        }
        reading->at += n;
        return value;
}

/* The part after a separator (ISO), or the next two digits (HL7). 1 read, 0 nothing more of this kind, -1 malformed. */
static int read_part(Reading *reading, const char *separators, int *ret) {
        if (reading->is_iso) {
                if (*reading->at == '\0' || !strchr(separators, *reading->at))
                        return 0;
                if (*reading->at == ' ' && !is_digit(reading->at[1]))
                        return 0; /* spaces at the end */
                reading->at++;
        } else if (!is_digit(*reading->at))
                return 0;
        *ret = read_digits(reading, 2);
        return *ret < 0 ? -1 : 1;
}

/* Microseconds; digits behind the sixth are cut. */
static int read_fraction(Reading *reading) {
        int digits = 0, scale = 100000;
        reading->at++;
        for (; is_digit(*reading->at); reading->at++, digits++, scale /= 10)
                reading->civil.microsecond += (*reading->at - '0') * scale;
        if (digits == 0)
                return WHEN_E_MALFORMED;
        reading->precision = CAREBUS__V1__WHEN__PRECISION__PRECISION_FRACTION;
        return 0;
}

static int read_zone(Reading *reading) {
        char sign = *reading->at;
        if (sign == 'Z' && reading->is_iso) {
                reading->at++;
                reading->zone_said = true;
                return 0;
        }
        if (sign != '+' && sign != '-')
                return 0;
        reading->at++;
        int hours = read_digits(reading, 2);
        if (hours >= 0 && *reading->at == ':')
                reading->at++;
        int minutes = hours < 0 ? -1 : read_digits(reading, 2);
        if (minutes < 0)
                return WHEN_E_MALFORMED;
        int all = hours * 60 + minutes;
        if (minutes > 59 || all > (sign == '+' ? ZONE_MINUTES_EAST : ZONE_MINUTES_WEST))
                return WHEN_E_IMPOSSIBLE;
        reading->zone_said = true;
        reading->zone_minutes = sign == '-' ? -all : all;
        return 0;
}

static int read_time(Reading *reading) {
        CivilTime *civil = &reading->civil;
        int r = read_part(reading, "T ", &civil->hour);
        if (r <= 0)
                return r;
        reading->precision = CAREBUS__V1__WHEN__PRECISION__PRECISION_HOUR;
        r = read_part(reading, ":", &civil->minute);
        if (r < 0 || (r == 0 && reading->is_iso))
                return WHEN_E_MALFORMED;
        if (r == 0)
                return 0;
        reading->precision = CAREBUS__V1__WHEN__PRECISION__PRECISION_MINUTE;
        r = read_part(reading, ":", &civil->second);
        if (r <= 0)
                return r < 0 ? WHEN_E_MALFORMED : 0;
        reading->precision = CAREBUS__V1__WHEN__PRECISION__PRECISION_SECOND;
        return *reading->at == '.' ? read_fraction(reading) : 0;
}

static int read_date(Reading *reading) {
        CivilTime *civil = &reading->civil;
        civil->month = civil->day = 1;
        civil->year = read_digits(reading, 4);
        if (civil->year < 0)
                return WHEN_E_MALFORMED;
        reading->is_iso = *reading->at == '-' && is_digit(reading->at[1]) && is_digit(reading->at[2]) &&
                          !(is_digit(reading->at[3]) && is_digit(reading->at[4]));
        reading->precision = CAREBUS__V1__WHEN__PRECISION__PRECISION_YEAR;
        int r = read_part(reading, "-", &civil->month);
        if (r <= 0)
                return r < 0 ? WHEN_E_MALFORMED : 0;
        reading->precision = CAREBUS__V1__WHEN__PRECISION__PRECISION_MONTH;
        r = read_part(reading, "-", &civil->day);
        if (r <= 0)
                return r < 0 ? WHEN_E_MALFORMED : 0;
        reading->precision = CAREBUS__V1__WHEN__PRECISION__PRECISION_DAY;
        r = read_time(reading);
        return r < 0 ? WHEN_E_MALFORMED : r;
}

static const char *skip_spaces(const char *text) {
        while (*text == ' ')
                text++;
        return text;
}

static int read_text(const char *text, Reading *ret) {
        Reading reading = { .at = skip_spaces(text) };
        if (*reading.at == '\0')
                return WHEN_E_EMPTY;
        int r = read_date(&reading);
        if (r == 0)
                r = read_zone(&reading);
        if (r == 0 && *skip_spaces(reading.at) != '\0')
                r = WHEN_E_MALFORMED;
        if (r != 0)
                return r;
        if (reading.civil.year < 1 || !civil_is_valid(&reading.civil))
                return WHEN_E_IMPOSSIBLE;
        *ret = reading;
        return 0;
}

int moment_read(const char *text, const Zone *zone, Moment *ret) {
        Reading reading;
        int r = read_text(text, &reading);
        if (r != 0)
                return r;
        int64_t at = reading.zone_said ? civil_to_utc(&reading.civil) - reading.zone_minutes * 60 * USEC_PER_SEC
                                       : zone_to_utc(zone, &reading.civil);
        *ret = (Moment){ .utc_at = at, .precision = reading.precision, .zone_assumed = !reading.zone_said };
        return 0;
}

int when_fill(Carebus__V1__When *when, const Zone *zone) {
        if (when->has_utc_at || !when->text)
                return 0;
        Moment moment;
        int r = moment_read(when->text, zone, &moment);
        if (r != 0)
                return r;
        when->has_utc_at = when->has_precision = when->has_zone_assumed = true;
        when->utc_at = moment.utc_at;
        when->precision = moment.precision;
        when->zone_assumed = moment.zone_assumed;
        return 0;
}

int date_read(const char *text, CalendarDate *ret) {
        Reading reading;
        int r = read_text(text, &reading);
        if (r != 0)
                return r;
        CalendarDate date = { .year = (uint32_t)reading.civil.year };
        if (reading.precision >= CAREBUS__V1__WHEN__PRECISION__PRECISION_MONTH)
                date.month = (uint32_t)reading.civil.month;
        if (reading.precision >= CAREBUS__V1__WHEN__PRECISION__PRECISION_DAY)
                date.day = (uint32_t)reading.civil.day;
        *ret = date;
        return 0;
}

int date_fill(Carebus__V1__Date *date) {
        if (date->has_year || !date->text)
                return 0;
        CalendarDate read;
        int r = date_read(date->text, &read);
        if (r != 0)
                return r;
        date->has_year = true;
        date->year = read.year;
        date->has_month = read.month > 0;
        date->month = read.month;
        date->has_day = read.day > 0;
        date->day = read.day;
        return 0;
}
