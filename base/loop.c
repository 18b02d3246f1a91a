/*
 * sd-event, and what a caller of it would get wrong: a callback's error ends the loop instead of silently switching the
 * source off, timers fire within a millisecond instead of a quarter of a second, and signals are blocked before they are
 * waited for.
 */
#include "base/loop.h"

#include <errno.h>
#include <pthread.h>
#include <sys/wait.h>
#include <systemd/sd-event.h>
#include <time.h>

#define TIMER_ACCURACY 1000U /* microseconds */

struct Loop {
        sd_event *event;
};

struct LoopSource {
        sd_event_source *source;
        sd_event *event; /* kept alive by `source` */
        void *owner;
        union {
                LoopIo io;
                LoopTimer timer;
                LoopSignal signal;
                LoopChild child;
                LoopPrepare prepare;
        };
};

int loop_new(Loop **ret) {
        _cleanup_(freep) Loop *loop = calloc(1, sizeof(*loop));
        int r;

        if (!loop)
                return -ENOMEM;
        r = sd_event_new(&loop->event);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(loop);
        return 0;
}

Loop *loop_free(Loop *loop) {
        if (!loop)
                return NULL;
        sd_event_unref(loop->event);
        free(loop);
        return NULL;
}

int loop_run(Loop *loop) {
        return sd_event_loop(loop->event);
}

void loop_exit(Loop *loop, int code) {
        (void)sd_event_exit(loop->event, code);
}

static int source_new(Loop *loop, void *owner, LoopSource **ret) {
        LoopSource *source = calloc(1, sizeof(*source));

        if (!source)
                return -ENOMEM;
        source->event = loop->event;
        source->owner = owner;
        *ret = source;
        return 0;
}

LoopSource *loop_source_free(LoopSource *source) {
        if (!source)
                return NULL;
        sd_event_source_disable_unref(source->source);
        free(source);
        return NULL;
}

/* After a callback its source may be gone: only the event, taken before, is looked at. */
static int after_callback(sd_event *event, int r) {
        if (r < 0)
                (void)sd_event_exit(event, r);
        return 0;
}

static int on_io(sd_event_source *s, int fd, uint32_t revents, void *userdata) {
        LoopSource *source = userdata;
        sd_event *event = source->event;

        return after_callback(event, source->io(source, fd, revents, source->owner));
}

static int on_timer(sd_event_source *s, uint64_t usec, void *userdata) {
        LoopSource *source = userdata;
        sd_event *event = source->event;

        return after_callback(event, source->timer(source, source->owner));
}

static int on_signal(sd_event_source *s, const struct signalfd_siginfo *info, void *userdata) {
        LoopSource *source = userdata;
        sd_event *event = source->event;

        return after_callback(event, source->signal(source, (int)info->ssi_signo, source->owner));
}

static int on_child(sd_event_source *s, const siginfo_t *info, void *userdata) {
        LoopSource *source = userdata;
        sd_event *event = source->event;

        return after_callback(event, source->child(source, info, source->owner));
}

static int on_prepare(sd_event_source *s, void *userdata) {
        LoopSource *source = userdata;
        sd_event *event = source->event;

        return after_callback(event, source->prepare(source, source->owner));
}

/* Never fires: its source is there for its prepare callback. */
static int on_never(sd_event_source *s, uint64_t usec, void *userdata) {
        return 0;
}

int loop_add_io(Loop *loop, int fd, uint32_t events, LoopIo callback, void *owner, LoopSource **ret) {
        _cleanup_(loop_source_freep) LoopSource *source = NULL;
        int r = source_new(loop, owner, &source);

        if (r < 0)
                return r;
        source->io = callback;
        r = sd_event_add_io(loop->event, &source->source, fd, events, on_io, source);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(source);
        return 0;
}

int loop_io_set_events(LoopSource *source, uint32_t events) {
        return sd_event_source_set_io_events(source->source, events);
}

int loop_add_timer(Loop *loop, int64_t delay, LoopTimer callback, void *owner, LoopSource **ret) {
        _cleanup_(loop_source_freep) LoopSource *source = NULL;
        int r = source_new(loop, owner, &source);

        if (r < 0)
                return r;
        source->timer = callback;
        r = sd_event_add_time_relative(loop->event, &source->source, CLOCK_MONOTONIC, delay < 0 ? 0 : (uint64_t)delay,
                                       TIMER_ACCURACY, on_timer, source);
        if (r >= 0)
                r = loop_timer_set(source, delay);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(source);
        return 0;
}

int loop_timer_set(LoopSource *source, int64_t delay) {
        int r;

        if (delay < 0)
                return sd_event_source_set_enabled(source->source, SD_EVENT_OFF);
        r = sd_event_source_set_time_relative(source->source, (uint64_t)delay);
        if (r < 0)
                return r;
        return sd_event_source_set_enabled(source->source, SD_EVENT_ONESHOT);
}

static int block_signal(int signal) {
        sigset_t set;

        sigemptyset(&set);
        if (sigaddset(&set, signal) < 0)
                return -errno;
        return -pthread_sigmask(SIG_BLOCK, &set, NULL);
}

int loop_add_signal(Loop *loop, int signal, LoopSignal callback, void *owner, LoopSource **ret) {
        _cleanup_(loop_source_freep) LoopSource *source = NULL;
        int r = block_signal(signal);

        if (r == 0)
                r = source_new(loop, owner, &source);
        if (r < 0)
                return r;
        source->signal = callback;
        r = sd_event_add_signal(loop->event, &source->source, signal, on_signal, source);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(source);
        return 0;
}

int loop_add_child(Loop *loop, pid_t pid, LoopChild callback, void *owner, LoopSource **ret) {
        _cleanup_(loop_source_freep) LoopSource *source = NULL;
        int r = block_signal(SIGCHLD);

        if (r == 0)
                r = source_new(loop, owner, &source);
        if (r < 0)
                return r;
        source->child = callback;
        r = sd_event_add_child(loop->event, &source->source, pid, WEXITED, on_child, source);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(source);
        return 0;
}

int loop_add_prepare(Loop *loop, LoopPrepare callback, void *owner, LoopSource **ret) {
        _cleanup_(loop_source_freep) LoopSource *source = NULL;
        int r = source_new(loop, owner, &source);

        if (r < 0)
                return r;
        source->prepare = callback;
        r = sd_event_add_time(loop->event, &source->source, CLOCK_MONOTONIC, UINT64_MAX, 0, on_never, source);
        if (r >= 0)
                r = sd_event_source_set_prepare(source->source, on_prepare);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(source);
        return 0;
}
