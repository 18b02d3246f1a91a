#pragma once
/* What a person hands to a run without a bus: a file, or lines of JSON as --translate prints them. One thread; what is wrong is said to
 * standard error, by line and never by content. */
#include "base/bytes.h"
#include "carebus/v1/event.pb-c.h"

/* All of a file, - for standard input, of `max` bytes at most, into `ret`. An exit code: 65 where it cannot be read. */
int input_read(const char *program, const char *file, size_t max, Buffer *ret);

/* One event of line `line` (from 1, blank ones too), and which of that line (from 1). The event lives until the call returns. 0, or a
 * negative errno, which ends the line. */
typedef int (*InputEvent)(void *owner, Carebus__V1__Event *event, size_t line, size_t place);

/* Each event of each line of such a file, in order. An exit code: 65 where a line is none, and the others are used all the same. */
int input_events(const char *program, const char *file, InputEvent use, void *owner);
