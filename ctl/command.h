#pragma once
/*
 * A command of carebusctl: a row in the table of main.c, a file of its own.
 */
#include <stdbool.h>

#include "canon/zone.h"
#include "config/config.h"

#define PROGRAM "carebusctl"

/* What stands before the command on the command line. */
typedef struct Context {
        const char *config_path;
        bool json;
        Zone **zone; /* the clock of the bus; *zone is NULL, which is UTC, before the configuration is loaded */
} Context;

/* argv[0] is the command's own name. Returns an exit code of base/error.h. */
typedef int (*CommandRun)(const Context *context, int argc, char **argv);

int command_sharing(const Context *context, int argc, char **argv);
int command_status(const Context *context, int argc, char **argv);
int command_tail(const Context *context, int argc, char **argv);
int command_trace(const Context *context, int argc, char **argv);
int command_record(const Context *context, int argc, char **argv);
int command_find(const Context *context, int argc, char **argv);
int command_quarantine(const Context *context, int argc, char **argv);
int command_check(const Context *context, int argc, char **argv);
int command_key(const Context *context, int argc, char **argv);
int command_journal(const Context *context, int argc, char **argv);
int command_coverage(const Context *context, int argc, char **argv);
int command_identity(const Context *context, int argc, char **argv);
int command_conflict(const Context *context, int argc, char **argv);
int command_break_glass(const Context *context, int argc, char **argv);
int command_contact(const Context *context, int argc, char **argv);
int command_feed(const Context *context, int argc, char **argv);
int command_converge(const Context *context, int argc, char **argv);
int command_matching(const Context *context, int argc, char **argv);
int command_load(const Context *context, int argc, char **argv);
int command_doctor(const Context *context, int argc, char **argv);
int command_top(const Context *context, int argc, char **argv);
int command_audit(const Context *context, int argc, char **argv);
int command_why(const Context *context, int argc, char **argv);
int command_receipts(const Context *context, int argc, char **argv);
int command_backup(const Context *context, int argc, char **argv);
int command_restore(const Context *context, int argc, char **argv);
int command_retention(const Context *context, int argc, char **argv);
int command_reload(const Context *context, int argc, char **argv);
int command_rebuild(const Context *context, int argc, char **argv);

/* A moment as people read it everywhere: on the clock of the bus, with its offset. What scripts read (--json) is in UTC. */
#define MOMENT_TEXT_SIZE 40 /* 2026-03-04 14:05:12 +01:00, with room */
void command_moment(const Context *context, int64_t at, char ret[MOMENT_TEXT_SIZE]);

/* Loads the configuration or says what is wrong with it: EXIT_DONE or EXIT_CONFIGURATION. */
int command_load_config(const Context *context, Config **ret);
/* Says "see carebusctl COMMAND --help" with a sentence; EXIT_WRONG_USE. */
int command_wrong_use(const char *command, const char *sentence);
/* The same of one word of a command: `usage` is what stands behind "carebusctl ". */
int command_wrong_use_of(const char *usage, const char *sentence);
/* How many characters a line may have: those of the terminal, 100 at most and where there is none. */
unsigned command_width(void);
/* Prints and frees a line; EXIT_DONE, or EXIT_SOFTWARE when memory was out (NULL). */
int command_print_line(char *line);
