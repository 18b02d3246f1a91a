/*
 * Any bytes as a time, a date and a number. What is taken must hold: a moment written out is read back as itself, a date is
 * one of the calendar, a number passes its own check again.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "canon/identifier.h"
#include "canon/when.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_moment(const char *text, const Zone *zone) {
        Moment moment, again;
        char written[CIVIL_TEXT_SIZE];
        if (moment_read(text, zone, &moment) != 0)
                return;
        CivilTime civil = civil_from_utc(moment.utc_at);
        if (civil.year < 1 || civil.year > 9999)
                return; /* a zone moved it over the edge of what can be written */
        if (!civil_is_valid(&civil))
                __builtin_trap();
        civil_format(moment.utc_at, written);
        if (moment_read(written, zone, &again) != 0 || again.utc_at != moment.utc_at || again.zone_assumed)
                __builtin_trap();
}

static void try_date(const char *text) {
        CalendarDate date;
        if (date_read(text, &date) != 0)
                return;
        CivilTime civil = { .year = (int)date.year,
                            .month = (int)(date.month ? date.month : 1),
                            .day = (int)(date.day ? date.day : 1) };
        if (!civil_is_valid(&civil) || (date.day && !date.month))
                __builtin_trap();
}

static void try_number(const char *text) {
        char digits[NATIONAL_NUMBER_SIZE + 1], again[NATIONAL_NUMBER_SIZE + 1];
        for (NationalNumber number = NATIONAL_NUMBER_NHS; number <= NATIONAL_NUMBER_HC; number++) {
                if (national_number_read(number, text, digits) != 0)
                        continue;
                if (strlen(digits) != NATIONAL_NUMBER_SIZE || national_number_read(number, digits, again) != 0 ||
                    strcmp(digits, again) != 0)
                        __builtin_trap();
        }
        (void)nhs_number_status(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static Zone *london;
        char text[256];
        if (size >= sizeof(text) || (!london && zone_new("Europe/London", &london) != 0))
                return 0;
        if (size > 0)
                memcpy(text, data, size);
        text[size] = '\0';
        try_moment(text, london);
        try_moment(text, NULL);
        try_date(text);
        try_number(text);
        return 0;
}
