#pragma once
/* What the programs of bench/ have in common: options from a table, a clock, a core of one's own, a line of JSON. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* `--name VALUE`. One of `number` and `text` is set. */
typedef struct ToolOption {
        const char *name;
        uint64_t *number;
        const char **text;
        const char *help;
} ToolOption;

/* Fills in what argv says; the variables hold their defaults before. Ends the process: 0 after --help, 64 with a sentence
 * for what it does not know. The table ends with a row without a name. */
void tool_parse_options(int argc, char **argv, const char *does, const ToolOption *options);

/* Monotonic, nanoseconds. */
uint64_t tool_now(void);
/* This process and what it starts stay on that core. UINT64_MAX: anywhere. Ends the process where there is no such core. */
void tool_pin(uint64_t core);
/* Says the sentence and ends the process with 1: a benchmark that went wrong has no result. */
void tool_die(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
/* Of `count` things in `nanoseconds`. */
double tool_per_second(uint64_t count, uint64_t nanoseconds);
