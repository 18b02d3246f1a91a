#include "daemon/store/reserve.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"

#define SHARE_OF_FREE 8
#define ALIGN 4096U

struct Reserve {
        int fd;
        uint64_t bytes;
};

int reserve_new(const char *folder, Reserve **ret) {
        _cleanup_(reserve_freep) Reserve *reserve = calloc(1, sizeof(*reserve));
        _cleanup_(freep) char *path = NULL;
        struct stat st;

        if (!reserve || text_format(&path, "%s/" RESERVE_FILE, folder) < 0)
                return -ENOMEM;
        reserve->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (reserve->fd < 0 || fstat(reserve->fd, &st) < 0)
                return -errno;
        reserve->bytes = (uint64_t)st.st_size;
        *ret = TAKE_PTR(reserve);
        return 0;
}

Reserve *reserve_free(Reserve *reserve) {
        if (!reserve)
                return NULL;
        closep(&reserve->fd);
        free(reserve);
        return NULL;
}

uint64_t reserve_bytes(const Reserve *reserve) {
        return reserve->bytes;
}

bool reserve_fill(Reserve *reserve, uint64_t bytes, uint64_t free_bytes, uint64_t keep) {
        const uint64_t most = MIN(bytes, (free_bytes + reserve->bytes) / SHARE_OF_FREE) & ~(uint64_t)(ALIGN - 1);

        if (most <= reserve->bytes || free_bytes < keep + (most - reserve->bytes))
                return false;
        if (posix_fallocate(reserve->fd, 0, (off_t)most) != 0) {
                /* Half of it is none: what was there before is. */
                (void)!ftruncate(reserve->fd, (off_t)reserve->bytes);
                return false;
        }
        reserve->bytes = most;
        return true;
}

bool reserve_give(Reserve *reserve, uint64_t bytes) {
        const uint64_t left = reserve->bytes > bytes ? reserve->bytes - bytes : 0;

        if (reserve->bytes == 0 || ftruncate(reserve->fd, (off_t)left) < 0)
                return false;
        reserve->bytes = left;
        return true;
}
