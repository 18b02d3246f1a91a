/*
 * LD_PRELOAD: memory runs out. CAREBUS_ALLOC=N (or N+) makes the N-th allocation (and every later one) fail that malloc, calloc or realloc
 * is asked for while the file CAREBUS_ALLOC_ARMED exists; it is looked for at every 64th allocation, so that nothing is slowed down
 * much. Without that file nothing fails: a test says when the fault begins.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LOOK_EVERY 64

/* glibc's own, under the names it gives to who takes its place. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *memory, size_t size);

static atomic_ulong n_calls, n_armed;
static atomic_bool armed;

static bool is_armed(void) {
        const char *path;

        if (atomic_load(&armed) || atomic_fetch_add(&n_calls, 1) % LOOK_EVERY != 0)
                return atomic_load(&armed);
        path = getenv("CAREBUS_ALLOC_ARMED");
        if (path && syscall(SYS_access, path, 0) == 0)
                atomic_store(&armed, true);
        return atomic_load(&armed);
}

static bool fails(void) {
        const int saved = errno;
        bool result = false;

        if (is_armed()) {
                const char *n = getenv("CAREBUS_ALLOC");
                const unsigned long now = atomic_fetch_add(&n_armed, 1) + 1, wanted = n ? strtoul(n, NULL, 10) : 0;

                result = wanted != 0 && (now == wanted || (now > wanted && strchr(n, '+')));
        }
        errno = result ? ENOMEM : saved;
        return result;
}

void *malloc(size_t size) {
        return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t n, size_t size) {
        return fails() ? NULL : __libc_calloc(n, size);
}

void *realloc(void *memory, size_t size) {
        return fails() ? NULL : __libc_realloc(memory, size);
}
