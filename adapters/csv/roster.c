/* See roster.h. The file is the hashes in order, 8 bytes each, and the SHA-256 of them. */
#include "adapters/csv/roster.h"

#include <errno.h>
#include <string.h>

#include "base/file.h"
#include "base/sha256.h"
#include "base/text.h"

#define FILE_MAX (16UL << 20)

struct Roster {
        char *path;
        Buffer hashes;
};

int roster_new(const char *folder, const char *table, Roster **ret) {
        _cleanup_(roster_freep) Roster *roster = calloc(1, sizeof(*roster));
        int r;

        if (!roster)
                return -ENOMEM;
        r = text_format(&roster->path, "%s/roster-%s", folder, table);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(roster);
        return 0;
}

Roster *roster_free(Roster *roster) {
        if (!roster)
                return NULL;
        free(roster->path);
        buffer_deinit(&roster->hashes);
        free(roster);
        return NULL;
}

int roster_add(Roster *roster, const char *number) {
        uint8_t digest[SHA256_SIZE];

        sha256(number, strlen(number), digest);
        buffer_append(&roster->hashes, digest, sizeof(uint64_t));
        return roster->hashes.error;
}

static int compare(const void *a, const void *b) {
        return memcmp(a, b, sizeof(uint64_t));
}

static void sort_once_each(Buffer *hashes) {
        size_t n = hashes->size / sizeof(uint64_t), kept = 0;

        if (n == 0)
                return;
        qsort(hashes->data, n, sizeof(uint64_t), compare);
        for (size_t i = 1; i < n; i++) {
                const uint8_t *hash = hashes->data + i * sizeof(uint64_t);

                if (compare(hash, hashes->data + kept * sizeof(uint64_t)) != 0)
                        memmove(hashes->data + ++kept * sizeof(uint64_t), hash, sizeof(uint64_t));
        }
        hashes->size = (kept + 1) * sizeof(uint64_t);
}

/* The list before; empty where there is none that can be trusted. */
static int read_before(const Roster *roster, Buffer *ret) {
        uint8_t digest[SHA256_SIZE];
        int r = file_read(roster->path, FILE_MAX, ret);

        if (r < 0 && r != -ENOENT && r != -EFBIG)
                return r;
        if (r == 0 && ret->size >= SHA256_SIZE && (ret->size - SHA256_SIZE) % sizeof(uint64_t) == 0) {
                sha256(ret->data, ret->size - SHA256_SIZE, digest);
                if (memcmp(digest, ret->data + ret->size - SHA256_SIZE, SHA256_SIZE) == 0) {
                        ret->size -= SHA256_SIZE;
                        return 0;
                }
        }
        buffer_clear(ret);
        return 0;
}

int roster_missing(Roster *roster, uint64_t *ret) {
        _cleanup_(buffer_deinit) Buffer before = BUFFER_NULL;
        int r = read_before(roster, &before);

        if (r < 0)
                return r;
        sort_once_each(&roster->hashes);
        *ret = 0;
        for (size_t i = 0; i < before.size; i += sizeof(uint64_t))
                *ret += roster->hashes.size == 0 ||
                        !bsearch(before.data + i, roster->hashes.data, roster->hashes.size / sizeof(uint64_t),
                                 sizeof(uint64_t), compare);
        return 0;
}

int roster_keep(Roster *roster) {
        _cleanup_(buffer_deinit) Buffer file = BUFFER_NULL;
        uint8_t digest[SHA256_SIZE];

        sort_once_each(&roster->hashes);
        sha256(roster->hashes.data, roster->hashes.size, digest);
        buffer_append_bytes(&file, buffer_bytes(&roster->hashes));
        buffer_append(&file, digest, sizeof(digest));
        return file.error < 0 ? file.error : file_replace(roster->path, file.data, file.size, 0600);
}
