/*
 * LD_PRELOAD: records what a process does to the files below a folder, for replay (power cuts without cutting power).
 *
 *   CAREBUS_RECORD=FILE         where the recording goes (appended)
 *   CAREBUS_RECORD_UNDER=FOLDER only files below it; an absolute path without links
 *
 * Lines that the process writes to its standard output are recorded among them: what it said, it said then. Writes to
 * memory maps are not seen: nothing recorded may use them (LMDB's lock file does, and is left out).
 */
#undef _FILE_OFFSET_BITS
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tests/faults/recording.h"

static int record_fd = -1;
static const char *under;
static size_t n_under;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void begin(void) {
        const char *path = getenv("CAREBUS_RECORD");

        under = getenv("CAREBUS_RECORD_UNDER");
        if (!path || !under)
                return;
        n_under = strlen(under);
        record_fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        if (record_fd < 0) {
                dprintf(2, "recshim: cannot write %s\n", path);
                _exit(74);
        }
}

/* The part of a path below the folder, or NULL: not ours. */
static const char *below(const char *path) {
        const char *name;

        if (record_fd < 0 || strncmp(path, under, n_under) != 0 || path[n_under] != '/')
                return NULL;
        name = path + n_under + 1;
        return strstr(name, "lock.mdb") || strstr(name, ".new-lock") || strstr(name, " (deleted)") ? NULL : name;
}

static const char *below_fd(int fd, char path[PATH_MAX]) {
        char link[64];
        ssize_t n;

        pthread_once(&once, begin);
        if (record_fd < 0)
                return NULL;
        snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
        n = readlink(link, path, PATH_MAX - 1);
        if (n < 0)
                return NULL;
        path[n] = '\0';
        return below(path);
}

static const char *below_at(int folder, const char *name, char path[PATH_MAX]) {
        char link[64];
        ssize_t n = 0;

        pthread_once(&once, begin);
        if (record_fd < 0)
                return NULL;
        if (name[0] != '/') {
                if (folder == AT_FDCWD)
                        return NULL; /* what is recorded names its files absolutely, or by a folder it holds open */
                snprintf(link, sizeof(link), "/proc/self/fd/%d", folder);
                n = readlink(link, path, PATH_MAX - 2);
                if (n < 0)
                        return NULL;
                path[n++] = '/';
        }
        snprintf(path + n, (size_t)(PATH_MAX - n), "%s", name);
        return below(path);
}

static void put(OpKind kind, const char *path, uint64_t offset, const void *data, size_t size) {
        OpHead head = {
                .magic = OP_MAGIC,
                .kind = kind,
                .offset = offset,
                .path_bytes = (uint32_t)strlen(path),
                .data_bytes = (uint32_t)size,
        };
        struct iovec parts[] = {
                { &head, sizeof(head) },
                { (void *)(uintptr_t)path, head.path_bytes },
                { (void *)(uintptr_t)data, size },
        };
        size_t all = sizeof(head) + head.path_bytes + size;

        if (syscall(SYS_writev, record_fd, parts, 3L) != (ssize_t)all) {
                dprintf(2, "recshim: the recording is not whole\n");
                _exit(74);
        }
}

/* What was really done is recorded, and under the lock: the order of the recording is the order of the calls. */
static ssize_t record_write(int fd, const void *data, ssize_t n, off_t offset) {
        char path[PATH_MAX];
        const char *name;
        int saved = errno;

        name = n > 0 ? below_fd(fd, path) : NULL;
        if (name) {
                put(OP_WRITE, name, (uint64_t)offset, data, (size_t)n);
                /* LMDB writes its meta page through a descriptor of this kind. */
                if (fcntl(fd, F_GETFL) & O_DSYNC)
                        put(OP_SYNC, name, 0, NULL, 0);
        }
        errno = saved;
        return n;
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t offset) {
        ssize_t n;

        pthread_mutex_lock(&lock);
        n = record_write(fd, data, syscall(SYS_pwrite64, fd, data, size, offset), offset);
        pthread_mutex_unlock(&lock);
        return n;
}

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t offset) {
        return pwrite(fd, data, size, offset);
}

ssize_t write(int fd, const void *data, size_t size) {
        ssize_t n;

        pthread_once(&once, begin);
        pthread_mutex_lock(&lock);
        if (fd == STDOUT_FILENO && record_fd >= 0)
                put(OP_ACK, "", 0, data, size);
        n = syscall(SYS_write, fd, data, size);
        if (n > 0 && fd != STDOUT_FILENO)
                (void)record_write(fd, data, n, lseek(fd, 0, SEEK_CUR) - n);
        pthread_mutex_unlock(&lock);
        return n;
}

static void record_parts(int fd, const struct iovec *parts, int n_parts, ssize_t written, off_t offset) {
        for (int i = 0; i < n_parts && written > 0; i++) {
                ssize_t piece = written < (ssize_t)parts[i].iov_len ? written : (ssize_t)parts[i].iov_len;

                (void)record_write(fd, parts[i].iov_base, piece, offset);
                offset += piece;
                written -= piece;
        }
}

ssize_t writev(int fd, const struct iovec *parts, int n_parts) {
        ssize_t n;

        pthread_mutex_lock(&lock);
        n = syscall(SYS_writev, fd, parts, (long)n_parts);
        if (n > 0)
                record_parts(fd, parts, n_parts, n, lseek(fd, 0, SEEK_CUR) - n);
        pthread_mutex_unlock(&lock);
        return n;
}

ssize_t pwritev(int fd, const struct iovec *parts, int n_parts, off_t offset) {
        ssize_t n;

        pthread_mutex_lock(&lock);
        n = syscall(SYS_pwritev, fd, parts, (long)n_parts, offset, 0L);
        record_parts(fd, parts, n_parts, n, offset);
        pthread_mutex_unlock(&lock);
        return n;
}

ssize_t pwritev64(int fd, const struct iovec *parts, int n_parts, off64_t offset) {
        return pwritev(fd, parts, n_parts, offset);
}

static int record_sync(int fd, int result) {
        char path[PATH_MAX];
        const char *name;
        struct stat st;

        if (result < 0)
                return result;
        pthread_once(&once, begin);
        if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
                name = below_fd(fd, path);
                if (name)
                        put(OP_SYNC_FOLDER, name, 0, NULL, 0);
        } else {
                name = below_fd(fd, path);
                if (name)
                        put(OP_SYNC, name, 0, NULL, 0);
        }
        return result;
}

int fdatasync(int fd) {
        int r;

        pthread_mutex_lock(&lock);
        r = record_sync(fd, (int)syscall(SYS_fdatasync, fd));
        pthread_mutex_unlock(&lock);
        return r;
}

int fsync(int fd) {
        int r;

        pthread_mutex_lock(&lock);
        r = record_sync(fd, (int)syscall(SYS_fsync, fd));
        pthread_mutex_unlock(&lock);
        return r;
}

int renameat(int from_folder, const char *from, int to_folder, const char *to) {
        char from_path[PATH_MAX], to_path[PATH_MAX];
        const char *from_name, *to_name;
        int r;

        pthread_mutex_lock(&lock);
        from_name = below_at(from_folder, from, from_path);
        to_name = below_at(to_folder, to, to_path);
        r = (int)syscall(SYS_renameat2, from_folder, from, to_folder, to, 0L);
        if (r == 0 && from_name && to_name)
                put(OP_RENAME, from_name, 0, to_name, strlen(to_name));
        pthread_mutex_unlock(&lock);
        return r;
}

int rename(const char *from, const char *to) {
        return renameat(AT_FDCWD, from, AT_FDCWD, to);
}

int unlinkat(int folder, const char *name, int flags) {
        char path[PATH_MAX];
        const char *known;
        int r;

        pthread_mutex_lock(&lock);
        known = below_at(folder, name, path);
        r = (int)syscall(SYS_unlinkat, folder, name, (long)flags);
        if (r == 0 && known && !(flags & AT_REMOVEDIR))
                put(OP_UNLINK, known, 0, NULL, 0);
        pthread_mutex_unlock(&lock);
        return r;
}

int unlink(const char *name) {
        return unlinkat(AT_FDCWD, name, 0);
}

static void record_size(int fd) {
        char path[PATH_MAX];
        const char *name = below_fd(fd, path);
        struct stat st;

        if (name && fstat(fd, &st) == 0)
                put(OP_SIZE, name, (uint64_t)st.st_size, NULL, 0);
}

int ftruncate(int fd, off_t size) {
        int r;

        pthread_mutex_lock(&lock);
        r = (int)syscall(SYS_ftruncate, fd, size);
        if (r == 0)
                record_size(fd);
        pthread_mutex_unlock(&lock);
        return r;
}

int ftruncate64(int fd, off64_t size) {
        return ftruncate(fd, size);
}

int fallocate(int fd, int mode, off_t offset, off_t size) {
        int r;

        pthread_mutex_lock(&lock);
        r = (int)syscall(SYS_fallocate, fd, (long)mode, offset, size);
        if (r == 0)
                record_size(fd);
        pthread_mutex_unlock(&lock);
        return r;
}

int fallocate64(int fd, int mode, off64_t offset, off64_t size) {
        return fallocate(fd, mode, offset, size);
}

static int open_recorded(int folder, const char *name, int flags, mode_t mode) {
        char path[PATH_MAX];
        const char *known;
        bool there;
        int fd, saved;

        pthread_mutex_lock(&lock);
        known = flags & (O_CREAT | O_TRUNC) ? below_at(folder, name, path) : NULL;
        there = known && syscall(SYS_faccessat, folder, name, (long)F_OK) == 0;
        fd = (int)syscall(SYS_openat, folder, name, (long)flags, (long)mode);
        saved = errno;
        if (fd >= 0 && known && !there)
                put(OP_CREATE, known, 0, NULL, 0);
        else if (fd >= 0 && known && (flags & O_TRUNC))
                put(OP_SIZE, known, 0, NULL, 0);
        pthread_mutex_unlock(&lock);
        errno = saved;
        return fd;
}

#define MODE_OF(flags, last)                           \
        ({                                             \
                mode_t _mode = 0;                      \
                if ((flags) & (O_CREAT | O_TMPFILE)) { \
                        va_list _args;                 \
                        va_start(_args, last);         \
                        _mode = va_arg(_args, mode_t); \
                        va_end(_args);                 \
                }                                      \
                _mode;                                 \
        })

int open(const char *name, int flags, ...) {
        return open_recorded(AT_FDCWD, name, flags, MODE_OF(flags, flags));
}

int open64(const char *name, int flags, ...) {
        return open_recorded(AT_FDCWD, name, flags, MODE_OF(flags, flags));
}

int openat(int folder, const char *name, int flags, ...) {
        return open_recorded(folder, name, flags, MODE_OF(flags, flags));
}

int openat64(int folder, const char *name, int flags, ...) {
        return open_recorded(folder, name, flags, MODE_OF(flags, flags));
}
