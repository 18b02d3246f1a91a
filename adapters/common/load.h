#pragma once
/*
 * --load: takes files in as history (caseloads, open referrals, stays, decisions), so that teams see something on the first day. Goes
 * to the bus like any message, and every event of it is marked `loaded`: nobody is alarmed by it.
 */
#include "adapters/common/reading.h"
#include "config/config.h"

typedef struct Load {
        const ReaderClass *reader;
        const Config *config;
        size_t source; /* index */
        char **files;  /* "-": standard input */
        size_t n_files;
} Load;

/* Shows how far it is on a terminal, and ends with a line of counts. An exit code: 65 where something waits for a person, 69 where
 * the bus cannot be reached, 77 where it does not let us speak for the source. */
int load_run(const Load *load);
