#pragma once
/*
 * An event loop for threads that own no ZeroMQ socket: sd-event behind a small door. One loop a thread.
 */
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"

typedef struct Loop Loop;
typedef struct LoopSource LoopSource;

/* A callback returns 0 or a negative errno, which ends the loop with it. */
typedef int (*LoopIo)(LoopSource *source, int fd, uint32_t revents, void *owner);
typedef int (*LoopTimer)(LoopSource *source, void *owner);
typedef int (*LoopSignal)(LoopSource *source, int signal, void *owner);
typedef int (*LoopChild)(LoopSource *source, const siginfo_t *info, void *owner);
typedef int (*LoopPrepare)(LoopSource *source, void *owner);

int loop_new(Loop **ret);
Loop *loop_free(Loop *loop);
DEFINE_CLEANUP(Loop *, loop_free)
/* Runs until loop_exit(); returns its code (0 or more), or a callback's negative errno. */
int loop_run(Loop *loop);
void loop_exit(Loop *loop, int code);

/* Sources belong to the caller: loop_source_free() takes them out of the loop. */
int loop_add_io(Loop *loop, int fd, uint32_t events, LoopIo callback, void *owner, LoopSource **ret);
int loop_io_set_events(LoopSource *source, uint32_t events);
/* One shot, `delay` microseconds from now (monotonic); loop_timer_set() arms it again, negative disarms. */
int loop_add_timer(Loop *loop, int64_t delay, LoopTimer callback, void *owner, LoopSource **ret);
int loop_timer_set(LoopSource *source, int64_t delay);
/* Blocks the signal for the calling thread: to be called before other threads are started, which inherit that. */
int loop_add_signal(Loop *loop, int signal, LoopSignal callback, void *owner, LoopSource **ret);
/* The child is reaped after the callback. Blocks SIGCHLD for the calling thread. */
int loop_add_child(Loop *loop, pid_t pid, LoopChild callback, void *owner, LoopSource **ret);
/* Called each round before the loop sleeps: for descriptors that are edge-triggered, such as ZMQ_FD. */
int loop_add_prepare(Loop *loop, LoopPrepare callback, void *owner, LoopSource **ret);
LoopSource *loop_source_free(LoopSource *source);
DEFINE_CLEANUP(LoopSource *, loop_source_free)
