/* The loop calls who is to be called, ends when told, and never swallows a callback's error. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/doorbell.h"
#include "base/loop.h"

typedef struct Counter {
        Loop *loop;
        LoopSource *source;
        int n;
        int until;
        int result;
} Counter;

static int count(Counter *counter) {
        if (++counter->n == counter->until)
                loop_exit(counter->loop, 7);
        return counter->result;
}

static int count_io(LoopSource *source, int fd, uint32_t revents, void *owner) {
        assert_true(revents & EPOLLIN);
        return count(owner);
}

static int count_timer(LoopSource *source, void *owner) {
        Counter *counter = owner;
        int r = count(counter);

        assert_int_equal(loop_timer_set(source, USEC_PER_MSEC), 0);
        return r;
}

static int count_signal(LoopSource *source, int signal, void *owner) {
        assert_int_equal(signal, SIGUSR1);
        return count(owner);
}

static int count_child(LoopSource *source, const siginfo_t *info, void *owner) {
        assert_int_equal(info->si_code, CLD_EXITED);
        assert_int_equal(info->si_status, 3);
        return count(owner);
}

static int count_prepare(LoopSource *source, void *owner) {
        return count(owner);
}

static int free_itself(LoopSource *source, int fd, uint32_t revents, void *owner) {
        Counter *counter = owner;

        counter->source = loop_source_free(counter->source);
        return count(counter);
}

static void test_io_is_told_again_until_it_is_read(void **state) {
        _cleanup_(loop_freep) Loop *loop = NULL;
        _cleanup_(loop_source_freep) LoopSource *source = NULL;
        _cleanup_(closep) int fd = doorbell_new();
        Counter counter = { .until = 3 };

        assert_int_equal(loop_new(&loop), 0);
        counter.loop = loop;
        assert_int_equal(loop_add_io(loop, fd, EPOLLIN, count_io, &counter, &source), 0);
        doorbell_ring(fd);
        assert_int_equal(loop_run(loop), 7);
        assert_int_equal(counter.n, 3);
}

static void test_io_without_events_is_not_told(void **state) {
        _cleanup_(loop_freep) Loop *loop = NULL;
        _cleanup_(loop_source_freep) LoopSource *io = NULL;
        _cleanup_(loop_source_freep) LoopSource *timer = NULL;
        _cleanup_(closep) int fd = doorbell_new();
        Counter never = { .until = 1 }, end = { .until = 2 };

        assert_int_equal(loop_new(&loop), 0);
        never.loop = end.loop = loop;
        assert_int_equal(loop_add_io(loop, fd, EPOLLIN, count_io, &never, &io), 0);
        assert_int_equal(loop_io_set_events(io, 0), 0);
        doorbell_ring(fd);
        assert_int_equal(loop_add_timer(loop, USEC_PER_MSEC, count_timer, &end, &timer), 0);
        assert_int_equal(loop_run(loop), 7);
        assert_int_equal(never.n, 0);
}

static void test_negative_errno_of_a_callback_ends_the_loop_with_it(void **state) {
        _cleanup_(loop_freep) Loop *loop = NULL;
        _cleanup_(loop_source_freep) LoopSource *source = NULL;
        _cleanup_(closep) int fd = doorbell_new();
        Counter counter = { .result = -ENOSPC };

        assert_int_equal(loop_new(&loop), 0);
        counter.loop = loop;
        assert_int_equal(loop_add_io(loop, fd, EPOLLIN, count_io, &counter, &source), 0);
        doorbell_ring(fd);
        assert_int_equal(loop_run(loop), -ENOSPC);
        assert_int_equal(counter.n, 1);
}

static void test_timer_fires_once_each_time_it_is_set_and_soon(void **state) {
        _cleanup_(loop_freep) Loop *loop = NULL;
        _cleanup_(loop_source_freep) LoopSource *source = NULL;
        _cleanup_(loop_source_freep) LoopSource *disarmed = NULL;
        Counter counter = { .until = 5 }, never = { .until = 1 };
        int64_t began = clock_monotonic(&clock_system);

        assert_int_equal(loop_new(&loop), 0);
        counter.loop = never.loop = loop;
        assert_int_equal(loop_add_timer(loop, -1, count_timer, &never, &disarmed), 0);
        assert_int_equal(loop_add_timer(loop, 0, count_timer, &counter, &source), 0);
        assert_int_equal(loop_run(loop), 7);
        assert_int_equal(counter.n, 5);
        assert_int_equal(never.n, 0);
        assert_true(clock_monotonic(&clock_system) - began >= 4 * USEC_PER_MSEC);
}

static void test_signal_comes_as_a_call(void **state) {
        _cleanup_(loop_freep) Loop *loop = NULL;
        _cleanup_(loop_source_freep) LoopSource *source = NULL;
        Counter counter = { .until = 1 };

        assert_int_equal(loop_new(&loop), 0);
        counter.loop = loop;
        assert_int_equal(loop_add_signal(loop, SIGUSR1, count_signal, &counter, &source), 0);
        assert_int_equal(kill(getpid(), SIGUSR1), 0);
        assert_int_equal(loop_run(loop), 7);
}

static void test_end_of_a_child_is_told_and_it_is_reaped(void **state) {
        _cleanup_(loop_freep) Loop *loop = NULL;
        _cleanup_(loop_source_freep) LoopSource *source = NULL;
        Counter counter = { .until = 1 };
        pid_t pid = fork();

        if (pid == 0)
                _exit(3);
        assert_true(pid > 0);
        assert_int_equal(loop_new(&loop), 0);
        counter.loop = loop;
        assert_int_equal(loop_add_child(loop, pid, count_child, &counter, &source), 0);
        assert_int_equal(loop_run(loop), 7);
        assert_int_equal(waitpid(pid, NULL, WNOHANG), -1);
        assert_int_equal(errno, ECHILD);
}

static void test_prepare_is_called_before_each_sleep(void **state) {
        _cleanup_(loop_freep) Loop *loop = NULL;
        _cleanup_(loop_source_freep) LoopSource *prepare = NULL;
        _cleanup_(loop_source_freep) LoopSource *timer = NULL;
        Counter counter = { 0 }, end = { .until = 4 };

        assert_int_equal(loop_new(&loop), 0);
        counter.loop = end.loop = loop;
        assert_int_equal(loop_add_prepare(loop, count_prepare, &counter, &prepare), 0);
        assert_int_equal(loop_add_timer(loop, USEC_PER_MSEC, count_timer, &end, &timer), 0);
        assert_int_equal(loop_run(loop), 7);
        assert_true(counter.n >= 4);
}

static void test_error_of_a_prepare_ends_the_loop(void **state) {
        _cleanup_(loop_freep) Loop *loop = NULL;
        _cleanup_(loop_source_freep) LoopSource *prepare = NULL;
        Counter counter = { .result = -EBADMSG };

        assert_int_equal(loop_new(&loop), 0);
        counter.loop = loop;
        assert_int_equal(loop_add_prepare(loop, count_prepare, &counter, &prepare), 0);
        assert_int_equal(loop_run(loop), -EBADMSG);
}

static void test_source_may_be_freed_by_its_own_callback(void **state) {
        _cleanup_(loop_freep) Loop *loop = NULL;
        _cleanup_(closep) int fd = doorbell_new();
        Counter counter = { .until = 1 };

        assert_int_equal(loop_new(&loop), 0);
        counter.loop = loop;
        assert_int_equal(loop_add_io(loop, fd, EPOLLIN, free_itself, &counter, &counter.source), 0);
        doorbell_ring(fd);
        assert_int_equal(loop_run(loop), 7);
        assert_null(counter.source);
}

static void test_descriptor_that_is_none_is_refused(void **state) {
        _cleanup_(loop_freep) Loop *loop = NULL;
        LoopSource *source = NULL;
        Counter counter = { 0 };

        assert_int_equal(loop_new(&loop), 0);
        assert_int_equal(loop_add_io(loop, -1, EPOLLIN, count_io, &counter, &source), -EBADF);
        assert_null(source);
        assert_null(loop_source_free(NULL));
        assert_null(loop_free(NULL));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_io_is_told_again_until_it_is_read),
                cmocka_unit_test(test_io_without_events_is_not_told),
                cmocka_unit_test(test_negative_errno_of_a_callback_ends_the_loop_with_it),
                cmocka_unit_test(test_timer_fires_once_each_time_it_is_set_and_soon),
                cmocka_unit_test(test_signal_comes_as_a_call),
                cmocka_unit_test(test_end_of_a_child_is_told_and_it_is_reaped),
                cmocka_unit_test(test_prepare_is_called_before_each_sleep),
                cmocka_unit_test(test_error_of_a_prepare_ends_the_loop),
                cmocka_unit_test(test_source_may_be_freed_by_its_own_callback),
                cmocka_unit_test(test_descriptor_that_is_none_is_refused),
        };
        return cmocka_run_group_tests_name("loop", tests, NULL, NULL);
}
