#pragma once
/* What backup and restore share: a backup's folder is laid out as `state` is. */
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/bytes.h"
#include "base/progress.h"
#include "daemon/store/manifest.h"

#define BACKUP_LOCK "backup.lock"      /* in `state`: while somebody holds it, nothing is let go of */
#define RESTORE_MARK "restoring"       /* in `state` that a restore has not finished: no daemon starts on it */
#define BACKUP_UNFINISHED "unfinished" /* in a backup that is being made */

/* How far the bytes are. */
typedef struct BackupProgress {
        Progress progress;
        uint64_t done, all;
} BackupProgress;
int backup_progress(uint64_t bytes, void *owner); /* CopyProgress */

/* `folder`/`name` on the heap, or NULL. */
char *path_of(const char *folder, const char *name);
/* Only its owner reads a secret key. */
mode_t backup_mode_of(const char *path);
/* Makes the folders above `path` below `folder`. */
int backup_make_parents(const char *folder, const char *path, mode_t mode);
/* Whether what is at `path` below `folder` is a plain file in plain folders, nowhere by a link: 0, -ENOENT, -ELOOP when not. */
int backup_look_plain(const char *folder, const char *path, uint64_t *ret_size);
/* Removes a file, or a folder with all that is in it; absent is success. */
int backup_remove(const char *path);
/* Syncs a folder and all folders in it. */
int backup_sync_folders(const char *path);
/* Reads the manifest of a backup and says on stderr what is wrong with it: EXIT_DONE, or the exit code. `ret_text` is what it was read
 * from. */
int backup_read_manifest(const char *folder, Manifest *ret, Buffer *ret_text);
