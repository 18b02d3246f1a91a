#pragma once
/*
 * What operations people read. A line is made from one row of the table in log-events.h and typed fields; there is no way
 * to put text of a message into it. journald gets fields when stderr is its stream, else a plain line goes to stderr.
 * Never waits for its reader; thread-safe. Of one event about one peer more than 20 lines at once, or more than ten a minute for long,
 * are left out and counted (LINES_LEFT_OUT; log-limit.h), but for levels critical and above.
 *
 *     2026-11-21T22:01:07.123456Z carebusd[wester-care] warning: sentence source=hospital-pas count=3 event=NAME
 */
#include <stdbool.h>
#include <stdint.h>

/* Rows of the table: `base/log-events.h` lists LOG_EVENT(NAME, MESSAGE_ID, level, "sentence"). */
typedef enum LogEvent {
#define LOG_EVENT(name, id, level, sentence) LOG_##name,
#include "base/log-events.h"
#undef LOG_EVENT
        _LOG_EVENT_MAX,
} LogEvent;

typedef struct LogField {
        const char *name; /* of log-fields.h, becomes CAREBUS_<name> and name=value in the line */
        const char *text; /* an id, a code, a name out of the configuration, a path: never content */
        int64_t number;
        bool is_number;
} LogField;

/* Names of sources, teams, programs, paths and reason codes. Escaped for terminals, cut at 200 bytes. */
static inline LogField log_name(const char *name, const char *text) {
        return (LogField){ .name = name, .text = text };
}
static inline LogField log_number(const char *name, int64_t number) {
        return (LogField){ .name = name, .number = number, .is_number = true };
}
/* The text of an errno (positive or negative). */
LogField log_errno(int error);

/* log_event(LOG_NAME, fields...): the array's first element is only there for its comma. */
#define log_event(event, ...) \
        log_write((event), (const LogField[]){ { .name = NULL }, ##__VA_ARGS__, { .name = NULL } } + 1)
void log_write(LogEvent event, const LogField *fields);

/* Once at start, before other threads: the program's name, and which one of them this is (bus or source; may be NULL). */
void log_start(const char *program, const char *instance);
/* Says how many lines were left out or lost, where that is due at `now` (monotonic); so does every line before it is written. For a timer
 * that each program has: after a flood there may be no other line for days. Any thread. */
void log_tell(int64_t now);
/* Where the newest lines go that nobody takes: a file of fixed size, mapped, so that nothing waits for a disk. 0 or negative: then there
 * is none, and all else goes on. */
int log_keep_last_words(const char *path);
/* Of this process, since its start: lines written, left out by the limit, and lost since nobody took them. Any thread. */
typedef struct LogCounts {
        uint64_t written, left_out, lost;
} LogCounts;
LogCounts log_line_counts(void);
void log_set_level(int level); /* syslog levels; default LOG_INFO */
