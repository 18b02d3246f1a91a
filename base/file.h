#pragma once
/* Files: whole reads and writes, directories that survive a power cut. All return 0 (or a count) or a negative errno. */
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/bytes.h"

int file_read(const char *path, size_t limit, Buffer *ret); /* -EFBIG beyond limit */
/* Writes beside, syncs, renames over, syncs the folder. */
int file_replace(const char *path, const void *data, size_t size, mode_t mode);
int write_all(int fd, const void *data, size_t size);
int pwrite_all(int fd, const void *data, size_t size, off_t offset);
/* Reads up to `size` bytes; fewer only at the end of the file. Returns the count. */
ssize_t pread_all(int fd, void *data, size_t size, off_t offset);
int folder_make(const char *path, mode_t mode); /* with parents; present is success */
int folder_sync(const char *path);
int path_sync(const char *path); /* what somebody else wrote there */
