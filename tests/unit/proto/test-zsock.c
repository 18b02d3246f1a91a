/* A socket outlives peers that vanish while it does not read. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
/* clang-format on */

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "proto/zsock.h"

#define HEARTBEAT_MS 50
#define PEERS 6
#define PREFIXES 3000

/* Asks for more than the other side takes at once, and is gone without a word. */
static _Noreturn void vanish(const char *endpoint, int after_ms) {
        static const ZSocketOptions options = { .high_water = 2 * PREFIXES };
        ZContext *context;
        ZSocket *socket;

        alarm(20);
        if (zcontext_new(&context) < 0 || zsocket_new(context, ZSOCKET_SUB, &options, &socket) != 0 ||
            zsocket_connect(socket, endpoint) != 0)
                _exit(1);
        for (int i = 0; i < PREFIXES; i++) {
                char prefix[32];

                snprintf(prefix, sizeof(prefix), "prefix-%d", i);
                if (zsocket_subscribe(socket, prefix) != 0)
                        _exit(1);
        }
        (void)poll(NULL, 0, after_ms);
        _exit(0);
}

/* In a process of its own: libzmq would end it, and in no way that a test can catch. */
static _Noreturn void publish(const char *endpoint) {
        static const ZSocketOptions options = { .receive_high_water = 2,
                                                .receive_buffer = 4096,
                                                .heartbeat_ms = HEARTBEAT_MS };
        pid_t peers[PEERS];
        ZContext *context;
        ZSocket *socket;

        alarm(60);
        for (int i = 0; i < PEERS; i++) {
                peers[i] = fork();
                if (peers[i] == 0)
                        vanish(endpoint, 200 + 50 * i);
        }
        if (zcontext_new(&context) < 0 || zsocket_new(context, ZSOCKET_XPUB, &options, &socket) != 0 ||
            zsocket_bind(socket, endpoint) != 0)
                _exit(1);
        for (int i = 0; i < PEERS; i++) {
                ZSubscription heard;

                while (waitpid(peers[i], NULL, 0) < 0)
                        ;
                (void)poll(NULL, 0, 4 * HEARTBEAT_MS);
                for (int n = 0; n < PREFIXES && zsocket_recv_subscription(socket, &heard) == 0; n++)
                        ;
        }
        _exit(0);
}

static void test_subscribers_that_vanish_while_nobody_hears_them_end_no_process(void **state) {
        char folder[] = "/tmp/carebus-zsock-XXXXXX", endpoint[128], path[64];
        int status;
        pid_t pid;

        (void)state;
        assert_non_null(mkdtemp(folder));
        snprintf(path, sizeof(path), "%s/live", folder);
        snprintf(endpoint, sizeof(endpoint), "ipc://%s", path);
        pid = fork();
        if (pid == 0)
                publish(endpoint);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        (void)unlink(path);
        (void)rmdir(folder);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_subscribers_that_vanish_while_nobody_hears_them_end_no_process),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
