#pragma once
/*
 * How config/ says what is wrong: a problem at a place in one of the texts, then a hint for the last one said. What cannot be
 * kept for want of memory, or beyond PROBLEMS_MAX, still counts as an error.
 */
#include "base/error.h"
#include "config/config.h"

/* A file of a thousand mistakes has one cause: what is beyond is counted, not kept. */
#define PROBLEMS_MAX 200

#define PLACE_NO_FILE SIZE_MAX
typedef struct Place {
        size_t file;           /* index in ConfigText.files, or PLACE_NO_FILE */
        unsigned line, column; /* from 1, in characters; 0: the file as a whole */
} Place;

typedef struct Report {
        const ConfigText *text;
        ConfigProblems *problems;
        const char *path; /* named where the place has no file; may be NULL */
} Report;

void report_error(Report *report, Place place, const char *format, ...) _printf_(3, 4);
void report_warning(Report *report, Place place, const char *format, ...) _printf_(3, 4);
/* Belongs to the problem that was reported last. */
void report_hint(Report *report, const char *format, ...) _printf_(2, 3);
/* The problem that was reported last is the business of this source's adapter alone. */
void report_source(Report *report, const char *source);
/* report_hint("did you mean ...") where a candidate is near; whether there was one. */
bool report_did_you_mean(Report *report, const char *word, const char *const *candidates, size_t n_candidates);

/* In the order in which a reader meets them: by file as in the text, line and column; what has no place last. Once, at the end. */
void problems_sort(ConfigProblems *problems, const ConfigText *text);

/* Adds an empty file to the text: its index, or negative errno. */
ssize_t config_text_add(ConfigText *text, const char *path);
