/* Both names of a call are defined here, with and without 64: the headers must not turn one into the other. */
#undef _FILE_OFFSET_BITS
#include "tests/unit/daemon/audit/steps.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

static _Thread_local void (*watch)(void *owner);
static _Thread_local void *watch_owner;
static _Thread_local bool within;

void steps_watch(void (*before)(void *owner), void *owner) {
        watch = before;
        watch_owner = owner;
}

static void step(void) {
        if (!watch || within)
                return;
        within = true;
        watch(watch_owner);
        within = false;
}

ssize_t write(int fd, const void *data, size_t size) {
        step();
        return syscall(SYS_write, fd, data, size);
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t offset) {
        step();
        return syscall(SYS_pwrite64, fd, data, size, offset);
}

ssize_t pwrite64(int fd, const void *data, size_t size, off_t offset) {
        return pwrite(fd, data, size, offset);
}

int fsync(int fd) {
        step();
        return (int)syscall(SYS_fsync, fd);
}

int rename(const char *from, const char *to) {
        step();
        return (int)syscall(SYS_rename, from, to);
}

int renameat(int from_folder, const char *from, int to_folder, const char *to) {
        step();
        return (int)syscall(SYS_renameat2, from_folder, from, to_folder, to, 0);
}

int unlinkat(int folder, const char *name, int flags) {
        step();
        return (int)syscall(SYS_unlinkat, folder, name, flags);
}
