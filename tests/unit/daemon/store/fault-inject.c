/* Interposed system calls: the executable's definitions are found before libc's, by shared libraries as well. */
/* Both names of a call are defined here, with and without 64: the headers must not turn one into the other. */
#undef _FILE_OFFSET_BITS
#include "fault-inject.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

typedef struct Fault {
        unsigned count;
        unsigned nth; /* 0: none */
        int error;
        bool lasting;
        unsigned part;
} Fault;

static Fault faults[_FAULT_CALL_MAX];

void fault_set(FaultCall call, unsigned nth, int error, bool lasting, unsigned part) {
        faults[call] = (Fault){ .nth = nth, .error = error, .lasting = lasting, .part = part };
}

void fault_clear(void) {
        memset(faults, 0, sizeof(faults));
}

unsigned fault_count(FaultCall call) {
        return faults[call].count;
}

static bool fault_now(FaultCall call) {
        Fault *fault = &faults[call];

        fault->count++;
        return fault->nth != 0 && (fault->count == fault->nth || (fault->lasting && fault->count > fault->nth));
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t offset) {
        Fault *fault = &faults[FAULT_WRITE];

        if (fault_now(FAULT_WRITE)) {
                if (fault->part > 0 && fault->part < size) {
                        size = fault->part;
                        fault->part = 0;
                        fault->nth++;
                        return syscall(SYS_pwrite64, fd, data, size, offset);
                }
                errno = fault->error;
                return -1;
        }
        return syscall(SYS_pwrite64, fd, data, size, offset);
}

ssize_t pwrite64(int fd, const void *data, size_t size, off_t offset) {
        return pwrite(fd, data, size, offset);
}

ssize_t writev(int fd, const struct iovec *parts, int n) {
        if (fault_now(FAULT_WRITE)) {
                errno = faults[FAULT_WRITE].error;
                return -1;
        }
        return syscall(SYS_writev, fd, parts, n);
}

int fdatasync(int fd) {
        if (fault_now(FAULT_SYNC)) {
                errno = faults[FAULT_SYNC].error;
                return -1;
        }
        return (int)syscall(SYS_fdatasync, fd);
}

int fsync(int fd) {
        if (fault_now(FAULT_SYNC)) {
                errno = faults[FAULT_SYNC].error;
                return -1;
        }
        return (int)syscall(SYS_fsync, fd);
}

int renameat(int from_folder, const char *from, int to_folder, const char *to) {
        if (fault_now(FAULT_RENAME)) {
                errno = faults[FAULT_RENAME].error;
                return -1;
        }
        return (int)syscall(SYS_renameat2, from_folder, from, to_folder, to, 0);
}

int fallocate(int fd, int mode, off_t offset, off_t size) {
        if (fault_now(FAULT_ALLOCATE)) {
                errno = faults[FAULT_ALLOCATE].error;
                return -1;
        }
        return (int)syscall(SYS_fallocate, fd, mode, offset, size);
}

int fallocate64(int fd, int mode, off_t offset, off_t size) {
        return fallocate(fd, mode, offset, size);
}
