/* Inside the fence what is not needed fails, and what is needed goes on. Each case is a process of its own: a fence is for life. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/sandbox.h"
#include "base/text.h"

#define STARTED_AGAIN "--started-again"
#define EXIT_STARTED_AGAIN 42

static char top[64];

static char *at(const char *name) {
        static char paths[8][128];
        static unsigned next;
        char *path = paths[next++ % ELEMENTSOF(paths)];

        snprintf(path, sizeof(paths[0]), "%s/%s", top, name);
        return path;
}

static int make_folders(void **state) {
        snprintf(top, sizeof(top), "%s", "/tmp/carebus-sandbox-XXXXXX");
        if (!mkdtemp(top))
                return -1;
        for (const char *const *name = (const char *const[]){ "read", "write", "write/a", "write/b", "other", NULL };
             *name; name++)
                if (folder_make(at(*name), 0755) < 0)
                        return -1;
        for (const char *const *name = (const char *const[]){ "read/file", "write/a/file", "other/file", NULL }; *name;
             name++)
                if (file_replace(at(*name), "x", 1, 0644) < 0)
                        return -1;
        return 0;
}

static int remove_folders(void **state) {
        char command[96];

        snprintf(command, sizeof(command), "rm -rf %s", top);
        return system(command);
}

/* What the call said: 0, or the errno. */
static int said(long result) {
        int error = errno;

        if (result < 0)
                return error;
        if (result > 2)
                close((int)result);
        return 0;
}

#define MUST_BE(expected, call)                                                                       \
        do {                                                                                          \
                int _got = said(call);                                                                \
                if (_got != (expected)) {                                                             \
                        fprintf(stderr, "line %d: %s: %s, not %s\n", __LINE__, #call, strerror(_got), \
                                strerror(expected));                                                  \
                        _exit(1);                                                                     \
                }                                                                                     \
        } while (0)

/* Runs it in a process of its own; it must come to its end. */
static void in_a_process(void (*run)(void)) {
        pid_t pid = fork();
        int status;

        assert_true(pid >= 0);
        if (pid == 0) {
                run();
                _exit(0);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
}

static void skip_without_landlock(void) {
        _cleanup_(sandbox_freep) Sandbox *sandbox = NULL;
        int r = sandbox_new(&sandbox);

        assert_true(r >= 0);
        if (r > 0) {
                print_message("# no Landlock here: %s\n", sandbox_reason(r));
                skip();
        }
}

static void skip_without_seccomp(void) {
        pid_t pid = fork();
        int status;

        assert_true(pid >= 0);
        if (pid == 0)
                _exit(sandbox_limit_calls(0));
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        if (WEXITSTATUS(status) != 0) {
                print_message("# no seccomp here: %s\n", sandbox_reason(WEXITSTATUS(status)));
                skip();
        }
}

/*
 * Files
 */

static void enter_folders(void) {
        Sandbox *sandbox = NULL;

        if (sandbox_new(&sandbox) != 0 || sandbox_allow_itself(sandbox) < 0 ||
            sandbox_allow(sandbox, at("read"), SANDBOX_READ) < 0 ||
            sandbox_allow(sandbox, at("write"), SANDBOX_WRITE) < 0 ||
            sandbox_allow(sandbox, at("not-there"), SANDBOX_READ) < 0 || sandbox_enter(sandbox) < 0)
                _exit(2);
        sandbox_free(sandbox);
}

static void files_inside(void) {
        enter_folders();
        MUST_BE(0, open(at("read/file"), O_RDONLY));
        MUST_BE(EACCES, open(at("read/file"), O_WRONLY));
        MUST_BE(EACCES, open(at("read/new"), O_WRONLY | O_CREAT, 0600));
        MUST_BE(EACCES, open(at("other/file"), O_RDONLY));
        MUST_BE(EACCES, open(at("other"), O_RDONLY | O_DIRECTORY));
        MUST_BE(EACCES, open("/etc/shadow", O_RDONLY));
        MUST_BE(EACCES, open("/etc/hostname", O_RDONLY));
        MUST_BE(0, open("/etc/passwd", O_RDONLY));
        MUST_BE(0, open(at("write/new"), O_WRONLY | O_CREAT, 0600));
        /* What a sealed base and a file that was taken do. */
        MUST_BE(0, rename(at("write/a/file"), at("write/b/file")));
        MUST_BE(0, unlink(at("write/b/file")));
        MUST_BE(EACCES, rename(at("write/new"), at("other/new")));
        MUST_BE(EACCES, symlink("/etc/shadow", at("write/link")));
        MUST_BE(EACCES, mkfifo(at("write/fifo"), 0600));
        MUST_BE(EACCES, unlink(at("other/file")));
}

static void test_only_the_folders_that_are_needed_can_be_reached(void **state) {
        skip_without_landlock();
        in_a_process(files_inside);
}

static void run_programs(void) {
        char *const true_is[] = { (char *)(uintptr_t) "true", NULL };
        char *const again[] = { (char *)(uintptr_t) "again", (char *)(uintptr_t)STARTED_AGAIN, NULL };
        int status;
        pid_t pid;

        enter_folders();
        MUST_BE(EACCES, execve("/bin/true", true_is, environ));
        pid = fork();
        if (pid == 0) {
                execve("/proc/self/exe", again, environ);
                _exit(errno);
        }
        if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status) != EXIT_STARTED_AGAIN)
                _exit(3);
}

static void test_no_program_can_be_run_but_this_one(void **state) {
        skip_without_landlock();
        in_a_process(run_programs);
}

static int listener = -1;
static struct sockaddr_in listener_at;

static int connect_tcp(void) {
        int fd = socket(AF_INET, SOCK_STREAM, 0), r;

        if (fd < 0)
                return -1;
        r = connect(fd, (struct sockaddr *)&listener_at, sizeof(listener_at));
        close(fd);
        return r;
}

static void connect_not_allowed(void) {
        enter_folders();
        MUST_BE(EACCES, connect_tcp());
}

static void connect_allowed(void) {
        Sandbox *sandbox = NULL;

        if (sandbox_new(&sandbox) != 0)
                _exit(2);
        sandbox_allow_connect(sandbox);
        if (sandbox_enter(sandbox) < 0)
                _exit(2);
        sandbox_free(sandbox);
        MUST_BE(0, connect_tcp());
}

static void test_nobody_is_connected_to_unless_that_is_the_work(void **state) {
        socklen_t size = sizeof(listener_at);

        skip_without_landlock();
        listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        listener_at = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        assert_int_equal(bind(listener, (struct sockaddr *)&listener_at, size), 0);
        assert_int_equal(listen(listener, 8), 0);
        assert_int_equal(getsockname(listener, (struct sockaddr *)&listener_at, &size), 0);
        in_a_process(connect_allowed);
        if (sandbox_can_stop_connections())
                in_a_process(connect_not_allowed);
        else
                print_message("# this kernel's Landlock knows no connections\n");
        close(listener);
}

static void around(void) {
        Sandbox *sandbox = NULL;

        if (sandbox_new(&sandbox) != 0 || sandbox_allow_around(sandbox, at("write/late/folder"), SANDBOX_WRITE) < 0 ||
            sandbox_enter(sandbox) < 0)
                _exit(2);
        sandbox_free(sandbox);
        MUST_BE(0, mkdir(at("write/late"), 0700));
        MUST_BE(0, mkdir(at("write/late/folder"), 0700));
        MUST_BE(0, open(at("write/late/folder/file"), O_WRONLY | O_CREAT, 0600));
        MUST_BE(EACCES, open(at("other/file"), O_RDONLY));
}

static void test_a_folder_that_comes_late_is_reached_and_nothing_beside_it(void **state) {
        skip_without_landlock();
        in_a_process(around);
}

static void around_the_root(void) {
        Sandbox *sandbox = NULL;

        if (sandbox_new(&sandbox) != 0 ||
            sandbox_allow_around(sandbox, "/not-there-at-all/folder", SANDBOX_WRITE) < 0 || sandbox_enter(sandbox) < 0)
                _exit(2);
        sandbox_free(sandbox);
        MUST_BE(EACCES, open(at("other/file"), O_RDONLY));
        MUST_BE(EACCES, open("/", O_RDONLY | O_DIRECTORY));
}

static void test_a_folder_whose_ancestors_are_not_there_opens_nothing(void **state) {
        skip_without_landlock();
        in_a_process(around_the_root);
}

static void test_without_a_sandbox_nothing_is_done_and_nothing_fails(void **state) {
        assert_int_equal(sandbox_allow(NULL, "/", SANDBOX_WRITE), 0);
        assert_int_equal(sandbox_allow_around(NULL, "/tmp/x", SANDBOX_WRITE), 0);
        assert_int_equal(sandbox_allow_itself(NULL), 0);
        assert_int_equal(sandbox_enter(NULL), 0);
        sandbox_allow_connect(NULL);
        assert_null(sandbox_free(NULL));
        assert_null(sandbox_reason(0));
        assert_null(sandbox_reason(-EPERM));
        assert_string_equal(sandbox_reason(SANDBOX_E_KERNEL), "kernel");
        assert_string_equal(sandbox_reason(SANDBOX_E_SANITIZER), "sanitizer");
}

/*
 * System calls
 */

static void *nothing(void *argument) {
        return argument;
}

static void limit(unsigned allowed) {
        if (sandbox_limit_calls(allowed) != 0)
                _exit(2);
}

static void few_calls(void) {
        char *const true_is[] = { (char *)(uintptr_t) "true", NULL };
        void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *writable_code;
        struct sockaddr_un nobody = { .sun_family = AF_UNIX, .sun_path = "/nobody" };
        pthread_t thread;
        int fd;

        limit(0);
        MUST_BE(EPERM, socket(AF_INET, SOCK_STREAM, 0));
        MUST_BE(EPERM, socket(AF_INET6, SOCK_DGRAM, 0));
        MUST_BE(EPERM, socket(AF_PACKET, SOCK_RAW, 0));
        MUST_BE(EPERM, execve("/bin/true", true_is, environ));
        MUST_BE(EPERM, fork());
        MUST_BE(EPERM, ptrace(PTRACE_TRACEME, 0, NULL, NULL));
        MUST_BE(EPERM, chroot("/"));
        MUST_BE(EPERM, mprotect(page, 4096, PROT_READ | PROT_EXEC));
        writable_code = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        MUST_BE(EPERM, writable_code == MAP_FAILED ? -1 : 0);
        /* ... and the work goes on. */
        fd = socket(AF_UNIX, SOCK_STREAM, 0);
        MUST_BE(ENOENT, connect(fd, (struct sockaddr *)&nobody, sizeof(nobody)));
        MUST_BE(0, open("/etc/passwd", O_RDONLY));
        if (pthread_create(&thread, NULL, nothing, NULL) != 0 || pthread_join(thread, NULL) != 0)
                _exit(3);
        free(malloc(64u << 20));
}

static void test_calls_that_no_part_needs_fail(void **state) {
        skip_without_seccomp();
        in_a_process(few_calls);
}

static void more_calls(void) {
        char *const true_is[] = { (char *)(uintptr_t) "true", NULL };
        int status;
        pid_t pid;

        limit(SANDBOX_PROGRAMS | SANDBOX_INTERNET);
        MUST_BE(0, socket(AF_INET, SOCK_STREAM, 0));
        MUST_BE(EPERM, socket(AF_PACKET, SOCK_RAW, 0));
        pid = fork();
        if (pid == 0) {
                execve("/bin/true", true_is, environ);
                _exit(1);
        }
        if (waitpid(pid, &status, 0) != pid || status != 0)
                _exit(3);
        /* Narrower still, as serve does within core. */
        limit(0);
        MUST_BE(EPERM, socket(AF_INET, SOCK_STREAM, 0));
        MUST_BE(EPERM, fork());
}

static void test_what_is_asked_for_is_allowed_and_can_be_given_up_later(void **state) {
        skip_without_seccomp();
        in_a_process(more_calls);
}

static void *make_socket(void *argument) {
        const int *bells = argument;
        eventfd_t value;

        eventfd_write(bells[0], 1);
        eventfd_read(bells[1], &value);
        return (void *)(intptr_t)said(socket(AF_INET, SOCK_STREAM, 0));
}

static void thread_that_was_there(void) {
        int bells[] = { eventfd(0, EFD_CLOEXEC), eventfd(0, EFD_CLOEXEC) };
        eventfd_t value;
        pthread_t thread;
        void *result;

        if (pthread_create(&thread, NULL, make_socket, bells) != 0)
                _exit(2);
        eventfd_read(bells[0], &value);
        limit(0);
        eventfd_write(bells[1], 1);
        pthread_join(thread, &result);
        if ((intptr_t)result != EPERM)
                _exit(3);
}

static void test_threads_that_were_there_are_inside_too(void **state) {
        skip_without_seccomp();
        in_a_process(thread_that_was_there);
}

int main(int argc, char **argv) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_only_the_folders_that_are_needed_can_be_reached),
                cmocka_unit_test(test_no_program_can_be_run_but_this_one),
                cmocka_unit_test(test_nobody_is_connected_to_unless_that_is_the_work),
                cmocka_unit_test(test_a_folder_that_comes_late_is_reached_and_nothing_beside_it),
                cmocka_unit_test(test_a_folder_whose_ancestors_are_not_there_opens_nothing),
                cmocka_unit_test(test_without_a_sandbox_nothing_is_done_and_nothing_fails),
                cmocka_unit_test(test_calls_that_no_part_needs_fail),
                cmocka_unit_test(test_what_is_asked_for_is_allowed_and_can_be_given_up_later),
                cmocka_unit_test(test_threads_that_were_there_are_inside_too),
        };

        if (argc > 1 && strcmp(argv[1], STARTED_AGAIN) == 0)
                return EXIT_STARTED_AGAIN;
        return cmocka_run_group_tests(tests, make_folders, remove_folders);
}
