#pragma once
/*
 * Which file comes next. inotify says that something moved, a look says what; where nothing says anything (network folders), a slow look
 * finds it. A file is taken when it has been still for a while and nobody says that they are at it. One thread.
 */
#include "adapters/csv/folder.h"
#include "config/profile.h"

/* Still for so long after it was closed; for so long where nobody heard it close; empty for so long. */
#define WATCH_STILL (2 * USEC_PER_SEC)
#define WATCH_STILL_UNHEARD (10 * USEC_PER_SEC)
#define WATCH_STILL_EMPTY (60 * USEC_PER_SEC)

typedef struct Watch Watch;

/* Why a file is left where it is. */
typedef enum WatchLeft {
        WATCH_LEFT_NAME,     /* its name fits no table */
        WATCH_LEFT_WORKBOOK, /* a workbook of a spreadsheet program */
        WATCH_LEFT_NO_FILE,  /* a link, a device */
        WATCH_LEFT_LONG,     /* its name is too long */
} WatchLeft;

typedef struct WatchHost {
        void *owner;
        /* Once a file, when it is still. `file` is NULL where it is none. */
        void (*left_alone)(void *owner, const char *name, const FolderFile *file, WatchLeft why);
} WatchHost;

/* `folder` and `profile` are borrowed. inotify may be missing: then only watch_scan() finds anything. */
int watch_new(const char *path, const Folder *folder, const Profile *profile, const WatchHost *host, Watch **ret);
Watch *watch_free(Watch *watch);
DEFINE_CLEANUP(Watch *, watch_free)
/* -1: there is none. */
int watch_fd(const Watch *watch);
/* Takes what inotify has to say. True: scan soon. */
bool watch_heed(Watch *watch);
/* Looks through the folder. 0 or a negative errno. `now` is monotonic, `now_at` since 1970 UTC; microseconds. */
int watch_scan(Watch *watch, int64_t now, int64_t now_at);
/* The name of the whole file that was written first; NULL: none. Valid until the next scan. */
const char *watch_next(const Watch *watch);
/* Whether something waits to become still: then scan every second. */
bool watch_is_waiting(const Watch *watch);
/* It could not be taken: not before a while. */
void watch_put_off(Watch *watch, const char *name, int64_t until);
