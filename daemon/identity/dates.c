/* Two birth dates: see fields.h. */
#include <string.h>

#include "daemon/identity/fields.h"

#define DIGITS 8 /* YYYYMMDD */

static void date_digits(WordDate date, unsigned char ret[static DIGITS]) {
        uint32_t number = date.year % 10000 * 10000 + date.month % 100 * 100 + date.day % 100;

        for (int i = DIGITS - 1; i >= 0; i--, number /= 10)
                ret[i] = (unsigned char)(number % 10);
}

/* One digit is another, or two beside each other changed places; else AGREEMENT_DIFFERS. */
static MatchAgreement compare_digits(WordDate a, WordDate b) {
        unsigned char x[DIGITS], y[DIGITS];
        size_t first = 0, n = 0;

        date_digits(a, x);
        date_digits(b, y);
        for (size_t i = DIGITS; i-- > 0;) {
                if (x[i] == y[i])
                        continue;
                first = i;
                n++;
        }
        if (n == 1)
                return AGREEMENT_DIGIT;
        if (n == 2 && first + 1 < DIGITS && x[first] == y[first + 1] && x[first + 1] == y[first])
                return AGREEMENT_TRANSPOSED;
        return AGREEMENT_DIFFERS;
}

static bool is_new_years_day(WordDate date) {
        return date.month == 1 && date.day == 1;
}

/* What one does not know is no difference; what both know has to be the same. */
static MatchAgreement compare_partial(WordDate a, WordDate b) {
        if (a.year != b.year)
                return AGREEMENT_DIFFERS;
        if (!a.month || !b.month)
                return AGREEMENT_YEAR;
        return a.month == b.month ? AGREEMENT_PARTIAL : AGREEMENT_DIFFERS;
}

MatchAgreement dates_compare(WordDate a, WordDate b) {
        MatchAgreement agreement;

        if (!a.month || !a.day || !b.month || !b.day)
                return compare_partial(a, b);
        if (a.year == b.year && a.month == b.month && a.day == b.day)
                return is_new_years_day(a) ? AGREEMENT_JANUARY : AGREEMENT_EXACT;
        if (a.year == b.year && a.month == b.day && a.day == b.month)
                return AGREEMENT_SWAPPED;
        agreement = compare_digits(a, b);
        if (agreement != AGREEMENT_DIFFERS)
                return agreement;
        /* Who knew only the year wrote the first of January. */
        if (a.year == b.year && (is_new_years_day(a) || is_new_years_day(b)))
                return AGREEMENT_YEAR;
        return (a.year == b.year) + (a.month == b.month) + (a.day == b.day) == 2 ? AGREEMENT_TWO_PARTS
                                                                                 : AGREEMENT_DIFFERS;
}
