#pragma once
/*
 * What people and their spreadsheet programs make of a cell. Nothing is guessed: what can be read in two ways is not read, and each
 * function says with a sentence what to write instead. Sentences are static, never hold what stood in the cell, and go behind the name
 * of the column. Any thread.
 */
#include <stdbool.h>
#include <stddef.h>

#include "config/profile.h"

#define EXCEL_DATE_SIZE 40

/* Positive returns. `*ret_sentence` is set for both. */
enum {
        EXCEL_E_NOTE = 1, /* read, and something was done about it that a person should hear of */
        EXCEL_E_REFUSED,  /* not read */
};

/* A day, or a day with a time, in the order that the profile names: ISO 8601 into `ret`, with as much of it as was said. 0 or EXCEL_E_*. */
int excel_date(const char *text, ProfileDates order, char ret[EXCEL_DATE_SIZE], const char **ret_sentence);
/* A time of the day: "09:00" into `ret`. */
int excel_time(const char *text, char ret[EXCEL_DATE_SIZE], const char **ret_sentence);
/* 9.43E+09: what Excel leaves of a long number. */
bool excel_is_scientific(const char *text);
/* A local number or other name of something: *ret points into `text`, or to where it was unwrapped in place ("=""0123""" is a way to keep
 * zeros). 0 or EXCEL_E_*. */
int excel_identifier(char *text, char **ret, const char **ret_sentence);
/* Ten digits of a CHI number, of which Excel took the first when it was a zero: given back only where the check digit then is right.
 * `ret` has room for 11. Where it is no such thing, `ret` is empty: take the text as it stands. */
int excel_chi(const char *text, char ret[11], const char **ret_sentence);
/* A telephone number with its lost zero. `ret` has room for `size` bytes. */
int excel_phone(const char *text, char *ret, size_t size, const char **ret_sentence);
/* yes, no, y, n, true, false, 1, 0. "unknown" and "not known" say nothing: 0 with *ret_said false. */
int excel_truth(const char *text, bool *ret, bool *ret_said, const char **ret_sentence);
/* Digits, with a point and digits behind it: "60", "4.5". */
bool excel_is_decimal(const char *text);
/* The row under the table: "Total", "Count: 12", "End of report". */
bool excel_is_total(const char *text);
