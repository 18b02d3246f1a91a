#pragma once
/*
 * --translate: what would these messages become? Reads a file, prints a line of JSON a message, talks to nobody. It prints
 * what is in the messages, since a person asked for that; nothing of it goes into an error.
 */
#include "adapters/common/reading.h"

typedef struct DryRun {
        const ReaderClass *reader;
        const char *file;    /* "-": standard input */
        const char *profile; /* name or path; NULL: the source's, else the default */
        const char *config;  /* carebus.yaml beside which profiles/NAME.yaml lies; NULL: /etc/carebus/carebus.yaml */
        const char *source;  /* NULL: "source" */
} DryRun;

/* An exit code: 65 where a message could not be read. */
int dry_run(const DryRun *run);
