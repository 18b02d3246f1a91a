/*
 * Who crowds the doors does not take the last descriptors: those are for the journal's next segment, for carebusctl, for who is here.
 *
 * ZeroMQ takes every connection, and ends the process when accept4() has no descriptor left for one (its listener of local sockets knows no
 * EMFILE). Whatever this program defines is what its libraries call, so all connections of ZeroMQ come by here. One that would be
 * within the reserve is closed at once, as if it had been given up by who made it: that, ZeroMQ knows.
 */
#include <errno.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"

#define RESERVE_MOST 128U

/* An eighth where there are few in all. */
static rlim_t reserve_begins(void) {
        struct rlimit limit;

        if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
                return RLIM_INFINITY;
        return limit.rlim_cur - MIN(limit.rlim_cur / 8, (rlim_t)RESERVE_MOST);
}

int accept4(int listener, struct sockaddr *restrict address, socklen_t *restrict size, int flags) {
        long fd = syscall(SYS_accept4, listener, address, size, flags);

        if (fd < 0) {
                if (errno == EMFILE)
                        errno = ENFILE; /* which ZeroMQ knows */
                return -1;
        }
        if ((rlim_t)fd < reserve_begins())
                return (int)fd;
        (void)close((int)fd);
        errno = ECONNABORTED;
        return -1;
}
