/* What the service manager hears is what was meant, and without one nothing happens. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/service.h"

static int manager = -1;

/* An abstract socket: no file to clean up. */
static int listen_as_manager(void **state) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        char name[64]; /* "@" stands for the NUL that an abstract name begins with */
        int n = snprintf(name, sizeof(name), "@carebus-notify-%d", (int)getpid());

        memcpy(address.sun_path + 1, name + 1, (size_t)n - 1);
        manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (bind(manager, (struct sockaddr *)&address,
                 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)n)) < 0)
                return -1;
        return setenv("NOTIFY_SOCKET", name, 1);
}

static int stop_listening(void **state) {
        close(manager);
        return unsetenv("NOTIFY_SOCKET");
}

static const char *heard(void) {
        static char text[1024];
        ssize_t n = recv(manager, text, sizeof(text) - 1, 0);

        text[n > 0 ? n : 0] = '\0';
        return text;
}

static void test_each_call_says_what_it_means(void **state) {
        service_ready("taking in");
        assert_string_equal(heard(), "READY=1\nSTATUS=taking in");
        service_ready(NULL);
        assert_string_equal(heard(), "READY=1\nSTATUS=");
        service_status("%d waiting", 3);
        assert_string_equal(heard(), "STATUS=3 waiting");
        service_stopping();
        assert_string_equal(heard(), "STOPPING=1");
        service_watchdog();
        assert_string_equal(heard(), "WATCHDOG=1");
        service_extend_timeout(5000000);
        assert_string_equal(heard(), "EXTEND_TIMEOUT_USEC=5000000");
        service_reloading();
        assert_int_equal(strncmp(heard(), "RELOADING=1\nMONOTONIC_USEC=", 27), 0);
}

static void test_status_cannot_smuggle_another_assignment(void **state) {
        service_status("a\nREADY=1\nb");
        assert_string_equal(heard(), "STATUS=a READY=1 b");
}

static void test_without_a_manager_nothing_happens(void **state) {
        service_ready("x");
        service_status("x");
        service_watchdog();
        assert_int_equal(service_watchdog_interval(), 0);
        assert_int_equal(service_listener("intake"), -ENOENT);
}

static void test_watchdog_is_fed_at_half_its_time(void **state) {
        char pid[16];

        (void)snprintf(pid, sizeof(pid), "%d", (int)getpid());
        setenv("WATCHDOG_USEC", "30000000", 1);
        setenv("WATCHDOG_PID", pid, 1);
        assert_int_equal(service_watchdog_interval(), 15000000);
        setenv("WATCHDOG_PID", "1", 1); /* meant for another process */
        assert_int_equal(service_watchdog_interval(), 0);
        unsetenv("WATCHDOG_USEC");
        unsetenv("WATCHDOG_PID");
}

/* In a child: the descriptors have to be 3 and 4. Its exit status says which step was wrong. */
static int inherit_listeners(int a, int b) {
        char pid[16];

        if (dup2(a, 10) < 0 || dup2(b, 11) < 0 || dup2(10, 3) < 0 || dup2(11, 4) < 0)
                return 1;
        (void)snprintf(pid, sizeof(pid), "%d", (int)getpid());
        setenv("LISTEN_PID", pid, 1);
        setenv("LISTEN_FDS", "2", 1);
        setenv("LISTEN_FDNAMES", "intake:live-hospice", 1);
        if (service_listener("live-hospice") != 4 || service_listener("intake") != 3)
                return 2;
        if (service_listener("live") != -ENOENT)
                return 3;
        if (!(fcntl(4, F_GETFD) & FD_CLOEXEC) || !(fcntl(4, F_GETFL) & O_NONBLOCK))
                return 4;
        setenv("LISTEN_PID", "1", 1);
        return service_listener("intake") == -ENOENT ? 0 : 5;
}

static void test_listener_is_found_by_its_name_alone(void **state) {
        int ends[2], status;
        pid_t pid;

        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
        pid = fork();
        if (pid == 0)
                _exit(inherit_listeners(ends[0], ends[1]));
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
        close(ends[0]);
        close(ends[1]);
}

static void test_hardened_process_leaves_no_core(void **state) {
        int status;
        pid_t pid = fork();

        if (pid == 0) {
                struct rlimit limit;

                if (service_harden() < 0 || getrlimit(RLIMIT_CORE, &limit) < 0)
                        _exit(1);
#ifndef __SANITIZE_ADDRESS__
                if (prctl(PR_GET_DUMPABLE) != 0)
                        _exit(2);
#endif
                _exit(limit.rlim_cur == 0 && limit.rlim_max == 0 ? 0 : 3);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
}

#define WITH_MANAGER(test) cmocka_unit_test_setup_teardown(test, listen_as_manager, stop_listening)

int main(void) {
        const struct CMUnitTest tests[] = {
                WITH_MANAGER(test_each_call_says_what_it_means),
                WITH_MANAGER(test_status_cannot_smuggle_another_assignment),
                cmocka_unit_test(test_without_a_manager_nothing_happens),
                cmocka_unit_test(test_watchdog_is_fed_at_half_its_time),
                cmocka_unit_test(test_listener_is_found_by_its_name_alone),
                cmocka_unit_test(test_hardened_process_leaves_no_core),
        };
        /* A service manager of the test's own surroundings is not meant. */
        unsetenv("NOTIFY_SOCKET");
        unsetenv("WATCHDOG_USEC");
        unsetenv("LISTEN_FDS");
        return cmocka_run_group_tests_name("service", tests, NULL, NULL);
}
