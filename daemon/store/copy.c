#include "daemon/store/copy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"

#define BLOCK (256U << 10)

typedef struct Copying {
        const Copy *copy;
        int in, out; /* out -1: only hashed */
        uint8_t *block;
        Sha256 *sha;
        uint64_t at;
} Copying;

static void copying_deinit(Copying *copying) {
        closep(&copying->in);
        closep(&copying->out);
        free(copying->block);
        sha256_free(copying->sha);
}

static int copying_open(Copying *copying) {
        const Copy *copy = copying->copy;
        struct stat st;
        int r = sha256_new(&copying->sha);

        if (r < 0)
                return r;
        copying->block = malloc(BLOCK);
        if (!copying->block)
                return -ENOMEM;
        /* A pipe would keep us waiting, a device would never end. */
        copying->in = open(copy->from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
        if (copying->in < 0 || fstat(copying->in, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode))
                return -EINVAL;
        if (!copy->to)
                return 0;
        copying->out = open(copy->to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, copy->mode);
        return copying->out < 0 ? -errno : 0;
}

static bool is_zero(const uint8_t *data, size_t size) {
        return size > 0 && data[0] == 0 && memcmp(data, data + 1, size - 1) == 0;
}

/* One block as it is to stand in the copy. */
static int copying_put(Copying *copying, size_t size) {
        const Copy *copy = copying->copy;
        int r = 0;

        if (copying->out >= 0 && !is_zero(copying->block, size))
                r = pwrite_all(copying->out, copying->block, size, (off_t)copying->at);
        if (r < 0)
                return r;
        sha256_add(copying->sha, copying->block, size);
        copying->at += size;
        return copy->progress ? copy->progress(size, copy->owner) : 0;
}

static int copying_take(Copying *copying) {
        const uint64_t take = copying->copy->take;
        bool ended = false;
        int r = 0;

        while (r == 0 && !ended && copying->at < take) {
                const size_t wanted = (size_t)MIN(take - copying->at, (uint64_t)BLOCK);
                const ssize_t n = pread_all(copying->in, copying->block, wanted, (off_t)copying->at);

                if (n < 0)
                        return (int)n;
                ended = (size_t)n < wanted;
                if (ended && take != UINT64_MAX)
                        return -EIO;
                r = n > 0 ? copying_put(copying, (size_t)n) : 0;
        }
        return r;
}

static int copying_pad(Copying *copying) {
        int r = 0;

        memset(copying->block, 0, BLOCK);
        while (r == 0 && copying->at < copying->copy->size)
                r = copying_put(copying, (size_t)MIN(copying->copy->size - copying->at, (uint64_t)BLOCK));
        return r;
}

int copy_file(const Copy *copy, uint64_t *ret_size, uint8_t ret_sha256[SHA256_SIZE]) {
        _cleanup_(copying_deinit) Copying copying = { .copy = copy, .in = -1, .out = -1 };
        int r = copying_open(&copying);

        r = r ?: copying_take(&copying);
        r = r ?: copying_pad(&copying);
        if (r < 0)
                return r;
        if (copying.out >= 0 && (ftruncate(copying.out, (off_t)copying.at) < 0 || fsync(copying.out) < 0))
                return -errno;
        sha256_end(copying.sha, ret_sha256);
        *ret_size = copying.at;
        return 0;
}
