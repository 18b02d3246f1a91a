/* The counter of an eventfd is not looked at: that it is not zero is the message. */
#include "base/doorbell.h"

#include <errno.h>
#include <stdint.h>
#include <sys/eventfd.h>

int doorbell_new(void) {
        int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

void doorbell_ring(int fd) {
        uint64_t one = 1;
        ssize_t n;

        /* EAGAIN: the counter is full, so it is readable, which is all that was wanted. */
        do
                n = write(fd, &one, sizeof(one));
        while (n < 0 && errno == EINTR);
}

void doorbell_clear(int fd) {
        uint64_t count;
        ssize_t n;

        do
                n = read(fd, &count, sizeof(count));
        while (n < 0 && errno == EINTR);
}
