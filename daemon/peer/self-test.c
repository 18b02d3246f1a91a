/* Knocking at one's own door as a stranger. */
#include "daemon/peer/self-test.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"

static int self_test_watch(ZSocket *monitor) {
        int64_t until = clock_monotonic(&clock_system) + SELF_TEST_MS * USEC_PER_MSEC;

        for (;;) {
                ZPoll poll = { .socket = monitor };
                ZSocketEvent event = ZSOCKET_EVENT_NONE;
                int64_t left = until - clock_monotonic(&clock_system);
                int r;

                if (left <= 0)
                        return SELF_TEST_E_NO_ANSWER;
                r = zpoll(&poll, 1, (long)(left / USEC_PER_MSEC) + 1);
                if (r < 0)
                        return r;
                r = zsocket_monitor_next(monitor, &event);
                if (r == ZSOCK_E_AGAIN)
                        continue;
                if (r != 0)
                        return r;
                if (event == ZSOCKET_EVENT_CONNECTED)
                        return SELF_TEST_E_LET_IN;
                if (event == ZSOCKET_EVENT_AUTH_FAILED)
                        return 0;
        }
}

int self_test_refuses(ZContext *context, const char *endpoint, const char *server_public) {
        _cleanup_(zsocket_freep) ZSocket *monitor = NULL, *stranger = NULL;
        char public[ZKEY_TEXT_SIZE], secret[ZKEY_TEXT_SIZE];
        int r;

        r = zkey_new(public, secret);
        if (r == ZSOCK_E_NO_KEY)
                return SELF_TEST_E_NO_CURVE;
        if (r != 0)
                return r;
        r = zsocket_new(context, ZSOCKET_DEALER,
                        &(ZSocketOptions){
                                .curve_server_public = server_public,
                                .curve_public = public,
                                .curve_secret = secret,
                        },
                        &stranger);
        if (r == 0)
                r = zsocket_monitor(context, stranger, &monitor);
        if (r == 0)
                r = zsocket_connect(stranger, endpoint);
        if (r != 0)
                return r < 0 ? r : -EINVAL;
        return self_test_watch(monitor);
}

int self_test_private(ZContext *context, const char *endpoint, const char *zap_domain) {
        _cleanup_(zsocket_freep) ZSocket *door = NULL;
        char public[ZKEY_TEXT_SIZE], secret[ZKEY_TEXT_SIZE];
        int r;

        r = zkey_new(public, secret);
        if (r == ZSOCK_E_NO_KEY)
                return SELF_TEST_E_NO_CURVE;
        if (r != 0)
                return r;
        r = zsocket_new(context, ZSOCKET_ROUTER,
                        &(ZSocketOptions){ .zap_domain = zap_domain, .curve_server_secret = secret }, &door);
        if (r == 0)
                r = zsocket_bind(door, endpoint);
        if (r != 0)
                return r < 0 ? r : -EADDRINUSE;
        r = self_test_refuses(context, endpoint, public);
        (void)zsocket_unbind(door, endpoint);
        if (strncmp(endpoint, "ipc://", 6) == 0)
                (void)unlink(endpoint + 6);
        return r;
}
