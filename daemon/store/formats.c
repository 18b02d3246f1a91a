#include "daemon/store/formats.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/file.h"

#define HEAD_BYTES 32
#define TEXT_VERSION SIZE_MAX /* a number in text behind the words, else a place of 4 bytes, little-endian */

/* In which folder below the state, what a name ends in, and how such a file begins. */
static const struct {
        const char *folder, *suffix, *magic;
        size_t magic_bytes, version_at;
        uint32_t newest;
        const char *what;
} formats[] = {
        { "journal", ".seg", "carebusJ", 8, 8, 2, "a segment of the journal" },
        { "journal", "seal", "carebusM", 8, 8, 1, "the seal of the journal" },
        { "journal", "trim", "carebusM", 8, 8, 1, "the mark where the journal begins" },
        { "serve", "lineage", "carebus-lineage\n", 16, 16, 1, "the runs of numbers" },
        { "serve", "cursors", "carebus-cursors\n", 16, 16, 2, "the places of readers" },
        { "serve/records", "", "carebus-records\n", 16, 16, 1, "a ledger of records" },
        { "serve/audit", ".audit", "carebus-audit\n\0\0", 16, 16, 1, "a segment of the audit" },
        { "serve/audit", ".carried", "carebus-carried\n", 16, 16, 1,
          "what was carried over of a removed segment of the audit" },
        { "serve/audit", "beginning", "carebus-audit-begins ", 21, TEXT_VERSION, 1, "the mark where the audit begins" },
        { "base/*", "seal", "carebus-base ", 13, TEXT_VERSION, 1, "the seal of a base" },
};

static bool ends_in(const char *name, const char *suffix) {
        const size_t n = strlen(name), m = strlen(suffix);

        return n >= m && strcmp(name + n - m, suffix) == 0;
}

/* 0, 1 of a later version, negative. */
static int look_at_file(const char *path, size_t format, FormatFound *ret) {
        _cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
        uint8_t head[HEAD_BYTES + 1] = { 0 };
        ssize_t n;
        uint32_t version;

        if (fd < 0)
                return errno == ENOENT || errno == ELOOP ? 0 : -errno;
        n = pread_all(fd, head, HEAD_BYTES, 0);
        if (n < (ssize_t)(formats[format].magic_bytes + sizeof(version)))
                return n < 0 && n != -EISDIR ? (int)n : 0;
        if (memcmp(head, formats[format].magic, formats[format].magic_bytes) != 0)
                return 0;
        if (formats[format].version_at == TEXT_VERSION)
                version = (uint32_t)MIN(strtoul((const char *)head + formats[format].magic_bytes, NULL, 10),
                                        (unsigned long)UINT32_MAX);
        else
                version = load_le32(head + formats[format].version_at);
        if (version <= formats[format].newest)
                return 0;
        snprintf(ret->path, sizeof(ret->path), "%s", path);
        ret->what = formats[format].what;
        ret->version = version;
        ret->newest = formats[format].newest;
        return 1;
}

static int look_in_folder(const char *folder, size_t format, FormatFound *ret) {
        _cleanup_(closedirp) DIR *dir = opendir(folder);
        const struct dirent *entry;
        int r = 0;

        if (!dir)
                return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
        while (r == 0 && (entry = readdir(dir))) {
                char path[sizeof(ret->path)];

                if (entry->d_name[0] == '.' || !ends_in(entry->d_name, formats[format].suffix))
                        continue;
                if (snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name) >= (int)sizeof(path))
                        return -ENAMETOOLONG;
                r = look_at_file(path, format, ret);
        }
        return r;
}

/* Each folder of `folder` by itself. */
static int look_below(const char *folder, size_t format, FormatFound *ret) {
        _cleanup_(closedirp) DIR *dir = opendir(folder);
        const struct dirent *entry;
        int r = 0;

        if (!dir)
                return errno == ENOENT ? 0 : -errno;
        while (r == 0 && (entry = readdir(dir))) {
                char path[sizeof(ret->path)];

                if (entry->d_name[0] == '.')
                        continue;
                if (snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name) >= (int)sizeof(path))
                        return -ENAMETOOLONG;
                r = look_in_folder(path, format, ret);
        }
        return r;
}

int formats_look(const char *state, FormatFound *ret) {
        int r = 0;

        for (size_t i = 0; r == 0 && i < ELEMENTSOF(formats); i++) {
                const char *star = strchr(formats[i].folder, '*');
                const int n = star ? (int)(star - formats[i].folder) : (int)strlen(formats[i].folder);
                char folder[sizeof(ret->path)];

                if (snprintf(folder, sizeof(folder), "%s/%.*s", state, n, formats[i].folder) >= (int)sizeof(folder))
                        return -ENAMETOOLONG;
                r = star ? look_below(folder, i, ret) : look_in_folder(folder, i, ret);
        }
        return r;
}
