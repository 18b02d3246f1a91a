#include "ctl/backup-parts.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "ctl/command.h"

#define OPEN_FOLDERS 16 /* at once, by nftw() */

int backup_progress(uint64_t bytes, void *owner) {
        BackupProgress *progress = owner;

        progress->done += bytes;
        progress_show(&progress->progress, progress->done, MAX(progress->all, progress->done));
        return 0;
}

char *path_of(const char *folder, const char *name) {
        char *path = NULL;

        return text_format(&path, "%s/%s", folder, name) < 0 ? NULL : path;
}

mode_t backup_mode_of(const char *path) {
        const char *suffix = strrchr(path, '.');

        return suffix && text_equal(suffix, ".key") ? 0600 : 0640;
}

int backup_make_parents(const char *folder, const char *path, mode_t mode) {
        _cleanup_(freep) char *parent = path_of(folder, path);
        char *slash = parent ? strrchr(parent, '/') : NULL;

        if (!slash)
                return -ENOMEM;
        *slash = '\0';
        return folder_make(parent, mode);
}

int backup_look_plain(const char *folder, const char *path, uint64_t *ret_size) {
        _cleanup_(freep) char *whole = path_of(folder, path);
        char *slash = whole ? whole + strlen(folder) : NULL;
        struct stat st;

        if (!whole)
                return -ENOMEM;
        while ((slash = strchr(slash + 1, '/'))) {
                *slash = '\0';
                if (lstat(whole, &st) < 0)
                        return -errno;
                if (!S_ISDIR(st.st_mode))
                        return -ELOOP;
                *slash = '/';
        }
        if (lstat(whole, &st) < 0)
                return -errno;
        *ret_size = (uint64_t)st.st_size;
        return S_ISREG(st.st_mode) ? 0 : -ELOOP;
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *walk) {
        (void)status;
        (void)kind;
        (void)walk;
        return remove(path) < 0 ? errno : 0;
}

int backup_remove(const char *path) {
        int r = nftw(path, remove_one, OPEN_FOLDERS, FTW_DEPTH | FTW_PHYS);

        if (r > 0)
                return -r;
        return r < 0 && errno != ENOENT ? -errno : 0;
}

static int sync_one(const char *path, const struct stat *status, int kind, struct FTW *walk) {
        int r = kind == FTW_D ? folder_sync(path) : 0;

        (void)status;
        (void)walk;
        return -r;
}

int backup_sync_folders(const char *path) {
        int r = nftw(path, sync_one, OPEN_FOLDERS, FTW_PHYS);

        return r > 0 ? -r : r < 0 ? -errno : 0;
}

int backup_read_manifest(const char *folder, Manifest *ret, Buffer *ret_text) {
        _cleanup_(freep) char *path = path_of(folder, MANIFEST_FILE);
        uint64_t size;
        int r = path ? backup_look_plain(folder, MANIFEST_FILE, &size) : -ENOMEM;

        r = r ?: file_read(path, MANIFEST_BYTES_MAX, ret_text);
        r = r ?: manifest_parse(buffer_bytes(ret_text), ret);
        switch (r) {
        case 0:
                return EXIT_DONE;
        case -ENOENT:
                error_print(
                        PROGRAM,
                        "%s is no backup: it has no manifest; one that was broken off is not complete, make another",
                        folder);
                return EXIT_BAD_INPUT;
        case MANIFEST_E_NEWER:
                error_print(PROGRAM,
                            "the backup in %s was made by a later version of carebus: restore it with that version",
                            folder);
                return EXIT_CONFIGURATION;
        case -EBADMSG:
        case -EFBIG:
        case -ELOOP:
                error_print(PROGRAM, "the manifest in %s is not what was written: take another backup", folder);
                return EXIT_NO;
        default:
                error_print(PROGRAM, "cannot read %s: %s", path ? path : folder, strerror(r < 0 ? -r : EIO));
                return EXIT_STORAGE;
        }
}
