#pragma once
/* One line on a terminal that says how far long work is; nothing at all when stderr is no terminal. */
#include <stdint.h>

typedef struct Progress {
        const char *what;
        int64_t shown_at; /* monotonic */
} Progress;

void progress_show(Progress *progress, uint64_t done, uint64_t all);
void progress_end(Progress *progress);
