#pragma once
/*
 * The watched folder: what lies in it, what of it is whole, and where it goes. Everything by descriptor and by plain names, no link is
 * followed, nothing is ever deleted but our own unfinished receipts. Works on network folders, where some calls are missing. One thread.
 */
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/bytes.h"
#include "base/cleanup.h"

/* Longer ones have no room for what receipts are called. */
#define FOLDER_NAME_MAX 200
#define FOLDER_NAME_SIZE 256

typedef enum FolderPlace { FOLDER_DONE, FOLDER_PROBLEM, _FOLDER_PLACE_MAX } FolderPlace;

typedef struct FolderFile { /* a file as it was looked at */
        dev_t device;
        ino_t inode;
        off_t size;
        int64_t modified_at; /* nanoseconds since 1970, by the clock of whoever keeps the folder */
        mode_t mode;
        gid_t group;
} FolderFile;

typedef struct Folder Folder;

/* Makes done/ and problem/ where they are missing. 0 or a negative errno. */
int folder_open(const char *path, Folder **ret);
Folder *folder_free(Folder *folder);
DEFINE_CLEANUP(Folder *, folder_free)
int folder_fd(const Folder *folder);

/* What a name says by itself. */
typedef enum FolderName {
        FOLDER_NAME_DATA,
        FOLDER_NAME_OURS,      /* a receipt */
        FOLDER_NAME_TEMPORARY, /* hidden, of an editor, or not finished: .part, .tmp, ~$people.csv */
        FOLDER_NAME_TOO_LONG,
} FolderName;
FolderName folder_name_kind(const char *name);
/* people.csv -> people.receipt.csv; photo.jpg -> photo.jpg.receipt.csv. */
void folder_receipt_name(const char *name, char ret[FOLDER_NAME_SIZE]);

/* How a file looks now. 0; -ENOENT; -ELOOP a link; -EISDIR a folder; -EINVAL another thing that is no file. */
int folder_look(const Folder *folder, const char *name, FolderFile *ret);
bool folder_file_is_same(const FolderFile *a, const FolderFile *b);
/* Whether another program says that it is still at it: a lock on the file, or a partner beside it. `now_at`: microseconds since 1970;
 * partners older than an hour were forgotten by a crash. */
bool folder_is_busy(const Folder *folder, const char *name, int64_t now_at);
/* All of it. `ret_file` is how it looked before and after; -EBUSY: it changed meanwhile. -EFBIG beyond `limit`, with *ret_file set. */
int folder_read(const Folder *folder, const char *name, size_t limit, Buffer *ret, FolderFile *ret_file);
/* Moves it into done/ or problem/, with the time in its name where one of that name is there, durably. 0; -ENOENT: it is gone; -ESTALE:
 * it is not the file that `file` describes, and was left alone. */
int folder_move(const Folder *folder, const char *name, const FolderFile *file, FolderPlace place, int64_t now_at);

/* A file that is to appear whole: write to the descriptor, then put it. An older file of that name goes into done/. */
int folder_new_file(const Folder *folder, const char *name, const FolderFile *like, int *ret_fd);
int folder_put_file(const Folder *folder, const char *name, int fd);
