#include "config/hours.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"

/* Rows that one text may come to; nobody keeps more hours. */
#define ROWS_MAX 32

typedef struct Hours {
        Arena *arena;
        ConfigReach rows[ROWS_MAX];
        size_t n_rows;
        const char *wrong;
} Hours;

static const struct {
        const char *name;
        size_t least; /* letters that tell it from the others */
        unsigned day;
} days[] = {
        { "monday", 2, 1 }, { "tuesday", 2, 2 },  { "wednesday", 2, 3 }, { "thursday", 2, 4 },
        { "friday", 2, 5 }, { "saturday", 2, 6 }, { "sunday", 2, 7 },    { "ph", 2, 8 },
};

/* One name of a day at *at, which moves behind it; 0: there is none. */
static unsigned day_take(const char **at) {
        size_t length = 0;
        while (isalpha((unsigned char)(*at)[length]))
                length++;
        for (size_t i = 0; i < ELEMENTSOF(days); i++)
                if (length >= days[i].least && length <= strlen(days[i].name) &&
                    strncasecmp(*at, days[i].name, length) == 0) {
                        *at += length;
                        return days[i].day;
                }
        return 0;
}

/* Mo-Fr, Sa-Mo, PH: bits. */
static int days_take(const char **at, unsigned *ret) {
        unsigned from = day_take(at), until;
        if (from == 0)
                return -EINVAL;
        until = from;
        if (**at == '-') {
                (*at)++;
                until = day_take(at);
                if (until == 0 || until == 8 || from == 8)
                        return -EINVAL;
        }
        for (unsigned day = from;; day = day % 7 + 1) {
                *ret |= 1u << day;
                if (day == until)
                        return 0;
        }
}

/* 9:00 or 09:00 into 09:00; 24:00 is the next day's 00:00. */
static int clock_take(const char **at, char ret[6]) {
        size_t digits = strspn(*at, "0123456789");
        const char *minutes = *at + digits + 1;
        unsigned hour = 0, minute;
        if (digits < 1 || digits > 2 || minutes[-1] != ':' || strspn(minutes, "0123456789") != 2)
                return -EINVAL;
        for (size_t i = 0; i < digits; i++)
                hour = hour * 10 + (unsigned)((*at)[i] - '0');
        minute = (unsigned)((minutes[0] - '0') * 10 + minutes[1] - '0');
        if (minute > 59 || hour > 24 || (hour == 24 && minute > 0))
                return -EINVAL;
        snprintf(ret, 6, "%02u:%02u", hour % 24 % 100, minute % 60);
        *at = minutes + 2;
        return 0;
}

static int row_add(Hours *hours, ConfigReach row, const char *text, size_t size) {
        if (hours->n_rows == ROWS_MAX)
                return -EINVAL;
        row.text = arena_text(hours->arena, text, size);
        if (!row.text)
                return -ENOMEM;
        hours->rows[hours->n_rows++] = row;
        return 0;
}

static void blanks_skip(const char **at) {
        *at += strspn(*at, " \t");
}

/* 09:00-12:00,13:00-17:00 */
static int clocks_take(Hours *hours, const char *text, const char *at, ConfigReach row) {
        for (;;) {
                int r = clock_take(&at, row.from);
                if (r == 0 && *at++ != '-')
                        r = -EINVAL;
                if (r == 0)
                        r = clock_take(&at, row.until);
                if (r == 0)
                        r = row_add(hours, row, text, strlen(text));
                if (r < 0)
                        return r;
                blanks_skip(&at);
                if (*at == '\0')
                        return 0;
                if (*at++ != ',')
                        return -EINVAL;
                blanks_skip(&at);
        }
}

/* What stands between two semicolons, without blanks at its ends. From midnight to midnight is all day. */
static int part_take(Hours *hours, const char *text) {
        ConfigReach row = { .from = "00:00", .until = "00:00" };
        const char *at = text;
        if (strcmp(text, "24/7") == 0)
                return row_add(hours, row, text, strlen(text));
        while (isalpha((unsigned char)*at)) {
                int r = days_take(&at, &row.days);
                if (r < 0)
                        return r;
                if (*at == ',')
                        at++;
                else if (*at != ' ' && *at != '\0')
                        return -EINVAL;
                blanks_skip(&at);
        }
        if (*at == '\0')
                return row.days != 0 ? row_add(hours, row, text, strlen(text)) : -EINVAL;
        return clocks_take(hours, text, at, row);
}

int hours_parse(const char *text, Arena *arena, ConfigReach **ret, size_t *ret_n, const char **ret_wrong) {
        Hours hours = { .arena = arena };
        size_t whole = strlen(text);
        for (const char *at = text; at <= text + whole;) {
                size_t size = strcspn(at, ";");
                const char *next = at + size + 1;
                while (size > 0 && isblank((unsigned char)at[0])) {
                        at++;
                        size--;
                }
                while (size > 0 && isblank((unsigned char)at[size - 1]))
                        size--;
                char *part = arena_text(arena, at, size);
                int r = part ? part_take(&hours, part) : -ENOMEM;
                if (r == -EINVAL)
                        *ret_wrong = part;
                if (r < 0)
                        return r;
                at = next;
        }
        ConfigReach *rows = arena_alloc(arena, hours.n_rows * sizeof(*rows));
        if (!rows)
                return -ENOMEM;
        memcpy(rows, hours.rows, hours.n_rows * sizeof(*rows));
        *ret = rows;
        *ret_n = hours.n_rows;
        return 0;
}
