#pragma once
/*
 * For who does its work in a turn before each sleep of the loop: all that a readable descriptor or a timer has to bring about is that it
 * does not sleep.
 */
#include "base/loop.h"

static inline int wake_by_io(LoopSource *source, int fd, uint32_t revents, void *owner) {
        (void)source;
        (void)fd;
        (void)revents;
        (void)owner;
        return 0;
}

static inline int wake_by_timer(LoopSource *source, void *owner) {
        (void)source;
        (void)owner;
        return 0;
}
