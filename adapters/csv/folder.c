/* See folder.h. */
#include "adapters/csv/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"

#define READ_SIZE (1UL << 16)
#define PARTNER_FORGOTTEN (3600 * USEC_PER_SEC)
#define TRIES 1000
#define RECEIPT_END ".receipt.csv"

struct Folder {
        int fd;
        int places[_FOLDER_PLACE_MAX];
};

static const char *const place_names[_FOLDER_PLACE_MAX] = { [FOLDER_DONE] = "done", [FOLDER_PROBLEM] = "problem" };

Folder *folder_free(Folder *folder) {
        if (!folder)
                return NULL;
        closep(&folder->fd);
        for (size_t i = 0; i < _FOLDER_PLACE_MAX; i++)
                closep(&folder->places[i]);
        free(folder);
        return NULL;
}

static int open_place(int parent, const char *name, mode_t mode, int *ret) {
        if (mkdirat(parent, name, mode & 0777) < 0 && errno != EEXIST)
                return -errno;
        *ret = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        return *ret < 0 ? -errno : 0;
}

int folder_open(const char *path, Folder **ret) {
        _cleanup_(folder_freep) Folder *folder = calloc(1, sizeof(*folder));
        struct stat st;
        int r = 0;

        if (!folder)
                return -ENOMEM;
        folder->places[FOLDER_DONE] = folder->places[FOLDER_PROBLEM] = -1;
        folder->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (folder->fd < 0 || fstat(folder->fd, &st) < 0)
                return -errno;
        for (size_t i = 0; r == 0 && i < _FOLDER_PLACE_MAX; i++)
                r = open_place(folder->fd, place_names[i], st.st_mode, &folder->places[i]);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(folder);
        return 0;
}

int folder_fd(const Folder *folder) {
        return folder->fd;
}

/* ---- names ---- */

static bool ends_with(const char *name, const char *end) {
        size_t n = strlen(name), size = strlen(end);

        return n >= size && strcasecmp(name + n - size, end) == 0;
}

FolderName folder_name_kind(const char *name) {
        static const char *const ends[] = { ".part",     ".tmp", ".temp", ".partial", ".filepart", ".crdownload",
                                            ".download", ".swp", ".lock", "~",        "#" };

        if (name[0] == '.' || name[0] == '~')
                return FOLDER_NAME_TEMPORARY;
        if (ends_with(name, RECEIPT_END) || strstr(name, ".receipt."))
                return FOLDER_NAME_OURS;
        for (size_t i = 0; i < ELEMENTSOF(ends); i++)
                if (ends_with(name, ends[i]))
                        return FOLDER_NAME_TEMPORARY;
        return strlen(name) > FOLDER_NAME_MAX ? FOLDER_NAME_TOO_LONG : FOLDER_NAME_DATA;
}

void folder_receipt_name(const char *name, char ret[FOLDER_NAME_SIZE]) {
        size_t size = strlen(name) - (ends_with(name, ".csv") ? strlen(".csv") : 0);

        snprintf(ret, FOLDER_NAME_SIZE, "%.*s" RECEIPT_END, (int)MIN(size, (size_t)FOLDER_NAME_MAX), name);
}

/* ---- looking ---- */

static int describe(const struct stat *st, FolderFile *ret) {
        *ret = (FolderFile){
                .device = st->st_dev,
                .inode = st->st_ino,
                .size = st->st_size,
                .modified_at = (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec,
                .mode = st->st_mode & 0777,
                .group = st->st_gid,
        };
        if (S_ISREG(st->st_mode))
                return 0;
        if (S_ISLNK(st->st_mode))
                return -ELOOP;
        return S_ISDIR(st->st_mode) ? -EISDIR : -EINVAL;
}

int folder_look(const Folder *folder, const char *name, FolderFile *ret) {
        struct stat st;

        if (fstatat(folder->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return -errno;
        return describe(&st, ret);
}

bool folder_file_is_same(const FolderFile *a, const FolderFile *b) {
        return a->device == b->device && a->inode == b->inode && a->size == b->size && a->modified_at == b->modified_at;
}

static bool partner_is_there(const Folder *folder, const char *format, const char *name, int64_t now_at) {
        const char *at = strstr(format, "%s");
        char partner[FOLDER_NAME_SIZE + 16];
        FolderFile file;

        snprintf(partner, sizeof(partner), "%.*s%s%s", (int)(at - format), format, name, at + strlen("%s"));
        return folder_look(folder, partner, &file) == 0 && file.modified_at / 1000 > now_at - PARTNER_FORGOTTEN;
}

/* A network folder may know no locks: then nobody holds one. */
static bool is_locked(const Folder *folder, const char *name) {
        struct flock lock = { .l_type = F_RDLCK, .l_whence = SEEK_SET };
        _cleanup_(closep) int fd = openat(folder->fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

        if (fd < 0)
                return false;
        if (flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK)
                return true;
        return fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

bool folder_is_busy(const Folder *folder, const char *name, int64_t now_at) {
        static const char *const partners[] = { "%s.part",       "%s.tmp",  "%s.filepart", "%s.partial",
                                                "%s.crdownload", "%s.lock", "~$%s",        ".~lock.%s#" };

        for (size_t i = 0; i < ELEMENTSOF(partners); i++)
                if (partner_is_there(folder, partners[i], name, now_at))
                        return true;
        return is_locked(folder, name);
}

/* ---- reading ---- */

static int read_all(int fd, size_t limit, Buffer *ret) {
        for (;;) {
                uint8_t *room = buffer_reserve(ret, READ_SIZE);
                ssize_t n;

                if (!room)
                        return -ENOMEM;
                n = read(fd, room, READ_SIZE);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return n < 0 ? -errno : 0;
                buffer_advance(ret, (size_t)n);
                if (ret->size > limit)
                        return -EFBIG;
        }
}

int folder_read(const Folder *folder, const char *name, size_t limit, Buffer *ret, FolderFile *ret_file) {
        _cleanup_(closep) int fd = openat(folder->fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        struct stat before, after;
        FolderFile file;
        int r;

        if (fd < 0 || fstat(fd, &before) < 0)
                return -errno;
        r = describe(&before, ret_file);
        if (r < 0)
                return r;
        if ((uint64_t)before.st_size > limit)
                return -EFBIG;
        buffer_clear(ret);
        r = read_all(fd, limit, ret);
        if (r < 0)
                return r;
        if (fstat(fd, &after) < 0)
                return -errno;
        (void)describe(&after, &file);
        return folder_file_is_same(&file, ret_file) && ret->size == (size_t)after.st_size ? 0 : -EBUSY;
}

/* ---- moving ---- */

/* Where RENAME_NOREPLACE is not known, a look before has to do: nobody but us puts files there. */
static int rename_new(int from, const char *name, int to, const char *new_name) {
        struct stat st;

        if (renameat2(from, name, to, new_name, RENAME_NOREPLACE) == 0)
                return 0;
        if (errno != EINVAL && errno != ENOSYS && errno != ENOTSUP)
                return -errno;
        if (fstatat(to, new_name, &st, AT_SYMLINK_NOFOLLOW) == 0)
                return -EEXIST;
        return renameat(from, name, to, new_name) < 0 ? -errno : 0;
}

/* people.csv -> people.20261122T013000Z.csv, people.20261122T013000Z-2.csv */
static void name_with_time(const char *name, int64_t at, unsigned try, char ret[FOLDER_NAME_SIZE]) {
        const char *end = strrchr(name, '.');
        size_t stem = end && end != name ? (size_t)(end - name) : strlen(name);
        CivilTime time = civil_from_utc(at);
        char more[16] = "";

        if (try > 1)
                snprintf(more, sizeof(more), "-%u", try);
        snprintf(ret, FOLDER_NAME_SIZE, "%.*s.%04d%02d%02dT%02d%02d%02dZ%s%s", (int)stem, name, time.year, time.month,
                 time.day, time.hour, time.minute, time.second, more, name + stem);
}

static int move_new(int from, const char *name, int to, int64_t at, bool with_time, char ret[FOLDER_NAME_SIZE]) {
        int r = -EEXIST;

        snprintf(ret, FOLDER_NAME_SIZE, "%s", name);
        if (!with_time)
                r = rename_new(from, name, to, name);
        for (unsigned try = 1; r == -EEXIST && try < TRIES; try++) {
                name_with_time(name, at, try, ret);
                r = rename_new(from, name, to, ret);
        }
        return r;
}

static int sync_both(const Folder *folder, int place) {
        /* A network folder may not know how to sync a folder. */
        if ((fsync(place) < 0 && errno != EINVAL) || (fsync(folder->fd) < 0 && errno != EINVAL))
                return -errno;
        return 0;
}

int folder_move(const Folder *folder, const char *name, const FolderFile *file, FolderPlace place, int64_t now_at) {
        int to = folder->places[place], r;
        char new_name[FOLDER_NAME_SIZE];
        FolderFile now;
        struct stat st;

        r = folder_look(folder, name, &now);
        if (r < 0)
                return r == -ENOENT ? r : -ESTALE;
        if (!folder_file_is_same(file, &now))
                return -ESTALE;
        r = move_new(folder->fd, name, to, now_at, /* with_time= */ false, new_name);
        if (r < 0)
                return r;
        /* Somebody may have put another one in its place in between: that one was not read, and goes back. */
        if (fstatat(to, new_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
            (describe(&st, &now) < 0 || !folder_file_is_same(file, &now))) {
                r = rename_new(to, new_name, folder->fd, name);
                return r < 0 ? r : -ESTALE;
        }
        return sync_both(folder, to);
}

/* ---- our own files ---- */

static void unfinished_name(const char *name, char ret[FOLDER_NAME_SIZE + 8]) {
        snprintf(ret, FOLDER_NAME_SIZE + 8, ".%s.part", name);
}

int folder_new_file(const Folder *folder, const char *name, const FolderFile *like, int *ret_fd) {
        char unfinished[FOLDER_NAME_SIZE + 8];
        int fd;

        unfinished_name(name, unfinished);
        (void)unlinkat(folder->fd, unfinished, 0);
        fd = openat(folder->fd, unfinished, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd < 0)
                return -errno;
        /* Whoever can read the file can read what became of it. Where that is not allowed here, it is only ours. */
        if (fchown(fd, (uid_t)-1, like->group) == 0)
                (void)fchmod(fd, (like->mode & 0666) | 0600);
        else
                (void)fchmod(fd, (like->mode & 0606) | 0600);
        *ret_fd = fd;
        return 0;
}

int folder_put_file(const Folder *folder, const char *name, int fd) {
        char unfinished[FOLDER_NAME_SIZE + 8], old_name[FOLDER_NAME_SIZE];
        FolderFile old;
        int r = 0;

        unfinished_name(name, unfinished);
        if (fsync(fd) < 0)
                return -errno;
        if (folder_look(folder, name, &old) == 0)
                r = move_new(folder->fd, name, folder->places[FOLDER_DONE], old.modified_at / 1000,
                             /* with_time= */ true, old_name);
        if (r < 0 && r != -ENOENT)
                return r;
        r = rename_new(folder->fd, unfinished, folder->fd, name);
        if (r < 0)
                return r;
        return sync_both(folder, folder->places[FOLDER_DONE]);
}
