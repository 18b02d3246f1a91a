/* A file is there when its folder knows it: what is made or renamed is followed by a sync of the folder. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/cleanup.h"

#define READ_STEP 65536U

int file_read(const char *path, size_t limit, Buffer *ret) {
        _cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        Buffer buffer = BUFFER_NULL;
        int r = 0;

        if (fd < 0)
                return -errno;
        for (;;) {
                /* Not by the size that fstat() says: pipes and /proc have none. */
                uint8_t *place = buffer_reserve(&buffer, READ_STEP);
                ssize_t n;

                if (!place) {
                        r = buffer.error;
                        break;
                }
                n = read(fd, place, READ_STEP);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        r = -errno;
                if (n <= 0)
                        break;
                buffer_advance(&buffer, (size_t)n);
                if (buffer.size > limit) {
                        r = -EFBIG;
                        break;
                }
        }
        if (r < 0) {
                buffer_deinit(&buffer);
                return r;
        }
        *ret = buffer;
        return 0;
}

static int write_and_close(int fd_taken, const void *data, size_t size, mode_t mode) {
        _cleanup_(closep) int fd = fd_taken;
        int r;

        if (fchmod(fd, mode) < 0)
                return -errno;
        r = write_all(fd, data, size);
        if (r < 0)
                return r;
        if (fsync(fd) < 0)
                return -errno;
        if (close(TAKE_FD(fd)) < 0)
                return -errno;
        return 0;
}

static int sync_folder_of(const char *path) {
        char copy[PATH_MAX];
        int n = snprintf(copy, sizeof(copy), "%s", path);

        if (n < 0 || (size_t)n >= sizeof(copy))
                return -ENAMETOOLONG;
        return folder_sync(dirname(copy));
}

int file_replace(const char *path, const void *data, size_t size, mode_t mode) {
        char beside[PATH_MAX];
        int n, fd, r;

        n = snprintf(beside, sizeof(beside), "%s.XXXXXX", path);
        if (n < 0 || (size_t)n >= sizeof(beside))
                return -ENAMETOOLONG;
        fd = mkostemp(beside, O_CLOEXEC);
        if (fd < 0)
                return -errno;
        r = write_and_close(fd, data, size, mode);
        if (r == 0 && rename(beside, path) < 0)
                r = -errno;
        if (r < 0) {
                (void)unlink(beside);
                return r;
        }
        return sync_folder_of(path);
}

int write_all(int fd, const void *data, size_t size) {
        const uint8_t *p = data;

        while (size > 0) {
                ssize_t n = write(fd, p, size);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                if (n == 0)
                        return -EIO;
                p += n;
                size -= (size_t)n;
        }
        return 0;
}

int pwrite_all(int fd, const void *data, size_t size, off_t offset) {
        const uint8_t *p = data;

        while (size > 0) {
                ssize_t n = pwrite(fd, p, size, offset);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                if (n == 0)
                        return -EIO;
                p += n;
                size -= (size_t)n;
                offset += n;
        }
        return 0;
}

ssize_t pread_all(int fd, void *data, size_t size, off_t offset) {
        uint8_t *p = data;
        size_t done = 0;

        while (done < size) {
                ssize_t n = pread(fd, p + done, size - done, offset + (off_t)done);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                if (n == 0)
                        break;
                done += (size_t)n;
        }
        return (ssize_t)done;
}

/* One level; its parent is there. */
static int folder_make_one(const char *path, mode_t mode) {
        struct stat st;

        if (mkdir(path, mode) == 0)
                return sync_folder_of(path);
        /* The root, or a mount point read-only, answers otherwise than EEXIST: look whether it is there. */
        if (stat(path, &st) < 0)
                return -errno;
        return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
}

int folder_make(const char *path, mode_t mode) {
        char part[PATH_MAX];
        size_t size = strlen(path);

        if (size == 0)
                return -ENOENT;
        if (size >= sizeof(part))
                return -ENAMETOOLONG;
        for (size_t i = 1; i <= size; i++) {
                int r;

                if (path[i] != '/' && path[i] != '\0')
                        continue;
                memcpy(part, path, i);
                part[i] = '\0';
                r = folder_make_one(part, mode);
                if (r < 0)
                        return r;
        }
        return 0;
}

int path_sync(const char *path) {
        _cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

        if (fd < 0 || fsync(fd) < 0)
                return -errno;
        return 0;
}

int folder_sync(const char *path) {
        _cleanup_(closep) int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        if (fd < 0 || fsync(fd) < 0)
                return -errno;
        return 0;
}
