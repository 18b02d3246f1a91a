/* See excel.h. */
#include "adapters/csv/excel.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "canon/identifier.h"

#define YEAR_MIN 1850
#define YEAR_MAX 2200
/* Days since 1900 as Excel counts them: 1927 to 2119. */
#define SERIAL_DIGITS 5

static const char both_ways[] =
        "this date can be read in two ways; write it with the year first, like 2026-03-04, or have `dates:` "
        "set in the profile";
static const char only_way[] =
        "this date was read in the only way that is possible; to be safe, write dates with the year first, "
        "like 2026-03-04";
static const char not_this_order[] =
        "there is no such day in the order that the profile gives for dates; check day and month, or "
        "write the year first, like 2026-03-04";
static const char no_date[] =
        "this is no date that can be read; write it with the year first, like 2026-03-04, and leave the cell "
        "empty where it is not known";
static const char two_digits[] =
        "the year has two digits, so its century is not known; write all four, like 2026-03-04";
static const char serial[] =
        "this is Excel's number for a day; select the column, choose Format Cells, Custom, type yyyy-mm-dd, and "
        "save again";
static const char no_such_day[] = "there is no such day or time; check it";
static const char scientific[] =
        "Excel shortened this number and its last digits are lost; select the column, choose Format Cells, "
        "Number with no decimals (or Text), type the numbers again from the original, and save again";
static const char unwrapped[] = "the number was written as a formula; its digits were taken";
static const char zero_lost[] = "a zero at the front was lost and was put back";
static const char chi_short[] =
        "a CHI number has ten digits; a zero may be lost at the front, but the number is not right with it "
        "either; check it against the original";
static const char not_yes_or_no[] = "write yes or no, or leave the cell empty where it is not known";
static const char no_time[] = "this is no time that can be read; write it like 09:00 or 17:30";
static const char needs_day[] = "a time alone does not say when; write the day before it, like 2026-03-04 14:30";

static int say(int code, const char *sentence, const char **ret_sentence) {
        *ret_sentence = sentence;
        return code;
}
#define REFUSE(sentence) say(EXCEL_E_REFUSED, sentence, ret_sentence)

/* ---- dates ---- */

typedef struct Scan {
        const char *at;
} Scan;

static void skip_spaces(Scan *scan) {
        while (*scan->at == ' ')
                scan->at++;
}

/* How many digits; 0: none. At most nine are read. */
static size_t scan_number(Scan *scan, unsigned *ret) {
        size_t n = 0;

        for (*ret = 0; isdigit((unsigned char)*scan->at) && n < 9; n++)
                *ret = *ret * 10 + (unsigned)(*scan->at++ - '0');
        return n;
}

static unsigned scan_month(Scan *scan) {
        static const char *const months[] = { "january", "february", "march",     "april",   "may",      "june",
                                              "july",    "august",   "september", "october", "november", "december" };
        size_t n = strspn(scan->at, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

        for (unsigned i = 0; i < ELEMENTSOF(months); i++) {
                bool is_short = n == 3 || (n == 4 && i == 8); /* Sept */
                if ((n == strlen(months[i]) || is_short) && strncasecmp(scan->at, months[i], n) == 0) {
                        scan->at += n;
                        return i + 1;
                }
        }
        return 0;
}

static bool scan_separator(Scan *scan) {
        skip_spaces(scan);
        if (*scan->at && strchr("/.-,", *scan->at)) {
                scan->at++;
                skip_spaces(scan);
                return true;
        }
        return scan->at[-1] == ' ';
}

static void scan_ordinal(Scan *scan) {
        static const char *const ends[] = { "st", "nd", "rd", "th" };

        for (size_t i = 0; i < ELEMENTSOF(ends); i++)
                if (strncasecmp(scan->at, ends[i], 2) == 0 && !isalpha((unsigned char)scan->at[2])) {
                        scan->at += 2;
                        return;
                }
}

typedef struct Day {
        unsigned year, month, day;
} Day;

static bool day_is_possible(const Day *day) {
        static const unsigned days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
        bool leap = day->year % 4 == 0 && (day->year % 100 != 0 || day->year % 400 == 0);

        if (day->month < 1 || day->month > 12 || day->day < 1)
                return false;
        return day->day <= days[day->month - 1] + (leap && day->month == 2);
}

/* 03/04/2026. */
static int read_numbers(unsigned first, unsigned second, unsigned year, ProfileDates order, Day *ret,
                        const char **ret_sentence) {
        Day day_first = { year, second, first }, month_first = { year, first, second };
        bool by_day = day_is_possible(&day_first), by_month = day_is_possible(&month_first);

        *ret = by_day ? day_first : month_first;
        switch (order) {
        case PROFILE_DATES_DAY_FIRST:
                return by_day ? 0 : REFUSE(by_month ? not_this_order : no_such_day);
        case PROFILE_DATES_MONTH_FIRST:
                *ret = month_first;
                return by_month ? 0 : REFUSE(by_day ? not_this_order : no_such_day);
        case PROFILE_DATES_YEAR_FIRST:
                return REFUSE(not_this_order);
        case PROFILE_DATES_UNSAID:
                break;
        }
        if (!by_day && !by_month)
                return REFUSE(no_such_day);
        if (by_day && by_month && first != second)
                return REFUSE(both_ways);
        return first == second ? 0 : say(EXCEL_E_NOTE, only_way, ret_sentence);
}

/* 4 March 2026, 04-Mar-2026, March 4, 2026: letters say which is the month. */
static int read_words(Scan *scan, unsigned month, unsigned day, Day *ret, const char **ret_sentence) {
        size_t n;

        if (month == 0) { /* the day stood first */
                month = scan_month(scan);
                if (month == 0)
                        return REFUSE(no_date);
        } else if (day == 0) {
                n = scan_number(scan, &day);
                if (n == 0 || n > 2)
                        return REFUSE(no_date);
                scan_ordinal(scan);
        }
        if (!scan_separator(scan))
                return REFUSE(no_date);
        n = scan_number(scan, &ret->year);
        if (n != 4)
                return REFUSE(n == 2 ? two_digits : no_date);
        ret->month = month;
        ret->day = day;
        return day_is_possible(ret) ? 0 : REFUSE(no_such_day);
}

/* ISO 8601 without its time; also 20260304, 2026-03 and 2026. */
static int read_year_first(Scan *scan, unsigned year, size_t n_digits, Day *ret, const char **ret_sentence) {
        if (n_digits == 8) {
                *ret = (Day){ year / 10000, year / 100 % 100, year % 100 };
                return day_is_possible(ret) ? 0 : REFUSE(no_such_day);
        }
        *ret = (Day){ .year = year };
        if (!*scan->at)
                return 0;
        if (!strchr("-/.", *scan->at))
                return REFUSE(no_date);
        scan->at++;
        if (scan_number(scan, &ret->month) == 0 || ret->month < 1 || ret->month > 12)
                return REFUSE(no_such_day);
        if (!*scan->at)
                return 0;
        if (!strchr("-/.", *scan->at))
                return REFUSE(no_date);
        scan->at++;
        if (scan_number(scan, &ret->day) == 0)
                return REFUSE(no_date);
        return day_is_possible(ret) ? 0 : REFUSE(no_such_day);
}

static int read_day(Scan *scan, ProfileDates order, Day *ret, const char **ret_sentence) {
        unsigned first, second, year, month = scan_month(scan);
        size_t n, n_second, n_year;

        if (month > 0)
                return scan_separator(scan) ? read_words(scan, month, 0, ret, ret_sentence) : REFUSE(no_date);
        n = scan_number(scan, &first);
        if (n == 4 || n == 8)
                return read_year_first(scan, first, n, ret, ret_sentence);
        if (n == SERIAL_DIGITS && (!*scan->at || *scan->at == '.'))
                return REFUSE(serial);
        if (n == 0 || n > 2)
                return REFUSE(no_date);
        if (*scan->at == ':')
                return REFUSE(needs_day);
        scan_ordinal(scan);
        if (!scan_separator(scan))
                return REFUSE(no_date);
        n_second = scan_number(scan, &second);
        if (n_second == 0)
                return first > 0 ? read_words(scan, 0, first, ret, ret_sentence) : REFUSE(no_date);
        if (n_second > 2 || !scan_separator(scan))
                return REFUSE(no_date);
        n_year = scan_number(scan, &year);
        if (n_year == 2)
                return REFUSE(two_digits);
        return n_year == 4 ? read_numbers(first, second, year, order, ret, ret_sentence) : REFUSE(no_date);
}

/* hh:mm[:ss[.f]], with AM or PM. `ret` is what ISO says: "14:30", "14:30:05". */
static bool read_clock(Scan *scan, char *ret, size_t size) {
        unsigned hour, minute, second = 0;
        bool has_seconds = false, is_12 = false;
        size_t n = scan_number(scan, &hour);

        if (n == 0 || n > 2 || *scan->at++ != ':' || scan_number(scan, &minute) != 2)
                return false;
        if (*scan->at == ':') {
                scan->at++;
                has_seconds = true;
                if (scan_number(scan, &second) != 2)
                        return false;
                if (*scan->at == '.')
                        for (scan->at++; isdigit((unsigned char)*scan->at);)
                                scan->at++;
        }
        skip_spaces(scan);
        if (strncasecmp(scan->at, "am", 2) == 0 || strncasecmp(scan->at, "pm", 2) == 0) {
                is_12 = true;
                if (hour < 1 || hour > 12)
                        return false;
                hour = hour % 12 + (tolower((unsigned char)*scan->at) == 'p' ? 12 : 0);
                scan->at += 2;
        }
        if (hour > 23 || minute > 59 || second > 59)
                return false;
        if (has_seconds && !(is_12 && second == 0))
                snprintf(ret, size, "%02u:%02u:%02u", hour, minute, second);
        else
                snprintf(ret, size, "%02u:%02u", hour, minute);
        return true;
}

/* Z, or +01:00 as ISO writes it; "" where there is none. */
static bool read_zone(Scan *scan, char *ret, size_t size) {
        unsigned hours, minutes = 0;
        char sign = *scan->at;

        ret[0] = 0;
        if (!sign)
                return true;
        scan->at++;
        if (sign == 'Z' || sign == 'z') {
                snprintf(ret, size, "Z");
                return *scan->at == 0;
        }
        if ((sign != '+' && sign != '-') || scan_number(scan, &hours) != 2)
                return false;
        if (*scan->at == ':')
                scan->at++;
        if (*scan->at && scan_number(scan, &minutes) != 2)
                return false;
        snprintf(ret, size, "%c%02u:%02u", sign, hours % 100, minutes % 100);
        return *scan->at == 0;
}

static void write_day(const Day *day, char ret[EXCEL_DATE_SIZE]) {
        if (day->day > 0)
                snprintf(ret, EXCEL_DATE_SIZE, "%04u-%02u-%02u", day->year % 10000, day->month % 100, day->day % 100);
        else if (day->month > 0)
                snprintf(ret, EXCEL_DATE_SIZE, "%04u-%02u", day->year % 10000, day->month % 100);
        else
                snprintf(ret, EXCEL_DATE_SIZE, "%04u", day->year % 10000);
}

int excel_date(const char *text, ProfileDates order, char ret[EXCEL_DATE_SIZE], const char **ret_sentence) {
        char day_text[EXCEL_DATE_SIZE], clock[16], zone[16];
        Scan scan = { .at = text };
        Day day;
        int r = read_day(&scan, order, &day, ret_sentence);

        if (r == EXCEL_E_REFUSED)
                return r;
        if (day.year < YEAR_MIN || day.year > YEAR_MAX)
                return REFUSE(no_such_day);
        write_day(&day, day_text);
        if (*scan.at == ',')
                scan.at++;
        if (!*scan.at) {
                snprintf(ret, EXCEL_DATE_SIZE, "%s", day_text);
                return r;
        }
        if ((*scan.at != ' ' && *scan.at != 'T' && *scan.at != 't') || day.day == 0)
                return REFUSE(no_date);
        scan.at++;
        skip_spaces(&scan);
        if (!read_clock(&scan, clock, sizeof(clock)) || !read_zone(&scan, zone, sizeof(zone)))
                return REFUSE(no_date);
        snprintf(ret, EXCEL_DATE_SIZE, "%.10sT%.8s%.6s", day_text, clock, zone);
        return r;
}

int excel_time(const char *text, char ret[EXCEL_DATE_SIZE], const char **ret_sentence) {
        Scan scan = { .at = text };

        if (!read_clock(&scan, ret, EXCEL_DATE_SIZE) || *scan.at)
                return REFUSE(no_time);
        ret[5] = 0; /* what is open until a time is not open until a second */
        return 0;
}

/* ---- numbers ---- */

bool excel_is_scientific(const char *text) {
        size_t n = strspn(text, "0123456789");
        const char *at = text + n;

        if (n == 0)
                return false;
        if (*at == '.' || *at == ',') {
                at++;
                at += strspn(at, "0123456789");
        }
        return (*at == 'E' || *at == 'e') && at[1] == '+' && isdigit((unsigned char)at[2]) &&
               at[2 + strspn(at + 2, "0123456789")] == 0;
}

int excel_identifier(char *text, char **ret, const char **ret_sentence) {
        size_t size = strlen(text);

        *ret = text;
        if (excel_is_scientific(text))
                return REFUSE(scientific);
        if (size > 3 && text[0] == '=' && text[1] == '"' && text[size - 1] == '"' && !memchr(text + 2, '"', size - 3)) {
                text[size - 1] = 0;
                *ret = text + 2;
                return say(EXCEL_E_NOTE, unwrapped, ret_sentence);
        }
        return 0;
}

static size_t digits_of(const char *text, char *ret, size_t size) {
        size_t n = 0;

        for (; *text; text++) {
                if (*text == ' ' || *text == '-')
                        continue;
                if (!isdigit((unsigned char)*text) || n + 1 == size)
                        return 0;
                ret[n++] = *text;
        }
        ret[n] = 0;
        return n;
}

int excel_chi(const char *text, char ret[11], const char **ret_sentence) {
        char digits[16], padded[11], checked[NATIONAL_NUMBER_SIZE + 1];
        size_t n = digits_of(text, digits, sizeof(digits));

        ret[0] = 0;
        if (n != NATIONAL_NUMBER_SIZE - 1)
                return 0;
        snprintf(padded, sizeof(padded), "0%.9s", digits);
        if (national_number_read(NATIONAL_NUMBER_CHI, padded, checked) != 0)
                return REFUSE(chi_short);
        memcpy(ret, checked, NATIONAL_NUMBER_SIZE + 1);
        return say(EXCEL_E_NOTE, zero_lost, ret_sentence);
}

/* Ten digits that begin as an area or a mobile does behind its zero. No national number of Britain begins without one. */
int excel_phone(const char *text, char *ret, size_t size, const char **ret_sentence) {
        char digits[16];

        snprintf(ret, size, "%s", text);
        if (excel_is_scientific(text))
                return REFUSE(scientific);
        if (digits_of(text, digits, sizeof(digits)) != 10 || !strchr("12378", digits[0]) || strlen(text) + 2 > size)
                return 0;
        snprintf(ret, size, "0%s", text);
        return say(EXCEL_E_NOTE, zero_lost, ret_sentence);
}

int excel_truth(const char *text, bool *ret, bool *ret_said, const char **ret_sentence) {
        static const struct {
                const char *word;
                bool is_said, is_true;
        } words[] = {
                { "yes", true, true },
                { "y", true, true },
                { "true", true, true },
                { "1", true, true },
                { "no", true, false },
                { "n", true, false },
                { "false", true, false },
                { "0", true, false },
                { "unknown", false, false },
                { "not known", false, false },
                { "not recorded", false, false },
        };

        for (size_t i = 0; i < ELEMENTSOF(words); i++)
                if (strcasecmp(text, words[i].word) == 0) {
                        *ret = words[i].is_true;
                        *ret_said = words[i].is_said;
                        return 0;
                }
        return REFUSE(not_yes_or_no);
}

bool excel_is_decimal(const char *text) {
        size_t n = strspn(text, "0123456789");

        if (n == 0 || n > 12)
                return false;
        if (!text[n])
                return true;
        return text[n] == '.' && text[n + 1] && strspn(text + n + 1, "0123456789") == strlen(text + n + 1);
}

bool excel_is_total(const char *text) {
        static const char *const words[] = { "total", "grand total", "subtotal", "sub-total", "count",
                                             "rows",  "records",     "end of",   "sum",       "number of" };

        for (size_t i = 0; i < ELEMENTSOF(words); i++) {
                size_t size = strlen(words[i]);
                if (strncasecmp(text, words[i], size) == 0 && !isalpha((unsigned char)text[size]))
                        return true;
        }
        return false;
}
