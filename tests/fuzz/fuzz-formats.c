/*
 * Heads of the files of a state, each of them these bytes: what is said of a later version is of one that is later, and damage is not told
 * as one.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "daemon/store/formats.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const files[] = {
        "journal/00000000000000000001.seg",
        "journal/seal",
        "journal/trim",
        "serve/lineage",
        "serve/cursors",
        "serve/records/ward",
        "serve/audit/1.audit",
        "base/00000001/seal",
};
static const char *const folders[] = {
        "journal", "serve/records", "serve/audit", "serve", "base/00000001", "base", ""
};

static char state[] = "/dev/shm/carebus-fuzz-formats-XXXXXX";

static const char *path_in(const char *name) {
        static char path[PATH_MAX];

        snprintf(path, sizeof(path), "%s/%s", state, name);
        return path;
}

static void state_remove(void) {
        for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
                (void)unlink(path_in(files[i]));
        for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++)
                (void)rmdir(path_in(folders[i]));
}

static void state_make(void) {
        static bool made;

        if (made)
                return;
        made = true;
        if (!mkdtemp(state))
                abort();
        (void)atexit(state_remove);
        for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++)
                if (folder_make(path_in(folders[i]), 0700) < 0)
                        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        FormatFound found = { .version = 0 };
        int r;

        state_make();
        for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
                int fd = open(path_in(files[i]), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

                if (fd < 0 || write_all(fd, data, size) < 0)
                        abort();
                close(fd);
        }
        r = formats_look(state, &found);
        if (r < 0 || r > 1)
                abort();
        if (r == 1 && (found.version <= found.newest || !found.what || strncmp(found.path, state, strlen(state)) != 0))
                abort();
        if (r == 1 && (size < 12 || memcmp(data, "carebus", 7) != 0))
                abort(); /* what does not begin as ours is no version of it */
        return 0;
}
