#pragma once
/* What the command line of carebusd says. */

typedef enum ArgumentsMode {
        MODE_RUN,
        MODE_CHECK,
        MODE_SERVE, /* the second process; not for people */
        MODE_HELP,
        MODE_VERSION,
} ArgumentsMode;

typedef struct Arguments {
        ArgumentsMode mode;
        const char *config; /* borrowed from argv or static */
        int serve_fd;
} Arguments;

/* 0, or EXIT_WRONG_USE after a line on stderr. */
int arguments_parse(int argc, char **argv, Arguments *ret);
void arguments_help(void);
