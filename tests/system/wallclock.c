/*
 * Preloaded: the wall clock stands off by as many microseconds as the first eight bytes of the file CAREBUS_CLOCK say, which may change at
 * any time. The monotonic clock is left alone, as it is by a real jump, but for what the next eight bytes say: what is to happen after a
 * minute need not be waited for. Timers go by the kernel's clock.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

typedef int (*ClockGettime)(clockid_t id, struct timespec *ret);

static const volatile int64_t *offset;
static ClockGettime real;

__attribute__((constructor)) static void shim_begin(void) {
        const char *path = getenv("CAREBUS_CLOCK");
        int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
        void *map = fd >= 0 ? mmap(NULL, 2 * sizeof(*offset), PROT_READ, MAP_SHARED, fd, 0) : MAP_FAILED;

        *(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
        if (map != MAP_FAILED)
                offset = map;
        if (fd >= 0)
                close(fd);
}

int clock_gettime(clockid_t id, struct timespec *ret) {
        int r = real(id, ret);
        int64_t at;

        if (r != 0 || (id != CLOCK_REALTIME && id != CLOCK_MONOTONIC) || !offset)
                return r;
        at = (int64_t)ret->tv_sec * 1000000 + ret->tv_nsec / 1000 + offset[id == CLOCK_MONOTONIC];
        ret->tv_sec = (time_t)(at / 1000000);
        ret->tv_nsec = (long)(at % 1000000 * 1000);
        return 0;
}
