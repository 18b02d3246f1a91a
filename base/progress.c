#include "base/progress.h"

#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"

#define SHOW_EVERY (USEC_PER_SEC / 5)

void progress_show(Progress *progress, uint64_t done, uint64_t all) {
        int64_t at = clock_monotonic(&clock_system);

        if (!isatty(STDERR_FILENO) || (progress->shown_at != 0 && at < progress->shown_at + SHOW_EVERY))
                return;
        progress->shown_at = at;
        fprintf(stderr, "\r%s %3u %%", progress->what, all > 0 ? (unsigned)(100 * done / all) : 0);
        fflush(stderr);
}

void progress_end(Progress *progress) {
        if (progress->shown_at != 0)
                fputs("\r\033[K", stderr);
}
