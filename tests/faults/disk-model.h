#pragma once
/*
 * A disk as a crash may leave it. The model follows a recording: for every file what is durable, and what was written
 * since its last sync; for names likewise, by the folder's sync.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "tests/faults/recording.h"

#define DISK_BLOCK 4096u
#define DISK_SECTOR 512u

typedef struct Disk Disk;

int disk_new(Disk **ret);
Disk *disk_free(Disk *disk);
DEFINE_CLEANUP(Disk *, disk_free)
/* Everything in a folder's subfolders is there, durably. */
int disk_load(Disk *disk, const char *folder);
/* `path` and `data` must stay where they are as long as the disk. -EBADMSG: the recording does not fit what went before. */
int disk_apply(Disk *disk, const OpHead *op, const char *path, const uint8_t *data);

/* Whether anything is not durable; and in how many blocks of 4 KiB. */
bool disk_is_pending(const Disk *disk);
size_t disk_pending_blocks(const Disk *disk);

typedef enum DiskPolicy {
        DISK_LOST,   /* of what was not synced, nothing is there */
        DISK_KEPT,   /* all of it */
        DISK_TORN,   /* each sector of 512 bytes at some moment since the last sync, by `choice` as a seed */
        DISK_SUBSET, /* blocks of 4 KiB by the bits of `choice`, in order of disk_pending_blocks(); names kept */
} DiskPolicy;
/* Writes the files as they are after a crash now into the folder, whose own files go before. */
int disk_write(const Disk *disk, DiskPolicy policy, uint64_t choice, const char *folder);
