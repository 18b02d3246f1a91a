/* Handshakes, answered from a table; and the real thing over ipc. */
#include "daemon/peer/zap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/clock.h"
#include "daemon/peer/self-test.h"

typedef struct Request {
        Bytes frames[ZAP_FRAMES_MAX];
        size_t n;
} Request;

static Request request_ipc(const char *domain, const char *address) {
        return (Request){
                .frames = { BYTES_LITERAL("1.0"), BYTES_LITERAL("77"), bytes_of_text(domain), bytes_of_text(address),
                            BYTES_NULL, BYTES_LITERAL("NULL") },
                .n = 6,
        };
}

static ZapTable *table_with(const char *domain, const char *identity) {
        ZapTable *table = NULL;

        assert_int_equal(zap_table_new(&table), 0);
        if (domain)
                assert_int_equal(zap_table_allow(table, domain, identity), 0);
        return table;
}

static ZapAnswer decide(const ZapTable *table, Request request) {
        ZapAnswer answer;

        zap_decide(table, request.frames, request.n, &answer);
        return answer;
}

static void test_who_stands_in_the_table_comes_in(void **state) {
        _cleanup_(zap_table_freep) ZapTable *table = table_with("intake", "unix:1000");
        ZapAnswer answer = decide(table, request_ipc("intake", "localhost:1000:1000:5"));

        assert_string_equal(answer.status, "200");
        assert_string_equal(answer.identity, "unix:1000");
        assert_null(answer.reason);
        assert_true(bytes_equal_text(answer.request_id, "77"));
}

static void test_who_does_not_is_refused(void **state) {
        _cleanup_(zap_table_freep) ZapTable *table = table_with("intake", "unix:1000");

        assert_string_equal(decide(table, request_ipc("intake", "localhost:1001:1000:5")).status, "400");
        assert_string_equal(decide(table, request_ipc("control", "localhost:1000:1000:5")).status, "400");
        assert_string_equal(decide(table, request_ipc("", "localhost:1000:1000:5")).status, "400");
        assert_string_equal(decide(table, request_ipc("intake", "127.0.0.1")).status, "400");
        assert_string_equal(decide(table, request_ipc("intake", "localhost:65534:65534:5")).status, "400");
}

static void test_empty_table_lets_nobody_in(void **state) {
        _cleanup_(zap_table_freep) ZapTable *table = table_with(NULL, NULL);

        assert_string_equal(decide(table, request_ipc("intake", "localhost:0:0:5")).status, "400");
}

static void test_request_that_is_none_is_answered_500(void **state) {
        _cleanup_(zap_table_freep) ZapTable *table = table_with("intake", "unix:1000");
        Request request = request_ipc("intake", "localhost:1000:1000:5");

        request.n = 5;
        assert_string_equal(decide(table, request).status, "500");
        request.n = 0;
        assert_string_equal(decide(table, request).status, "500");
        request.n = 6;
        request.frames[0] = BYTES_LITERAL("2.0");
        assert_string_equal(decide(table, request).status, "500");
}

static void test_domain_cut_short_by_a_nul_is_not_that_domain(void **state) {
        _cleanup_(zap_table_freep) ZapTable *table = table_with("intake", "unix:1000");
        Request request = request_ipc("intake", "localhost:1000:1000:5");

        request.frames[2] = bytes_of("intake\0x", 8);
        assert_string_equal(decide(table, request).status, "400");
}

static void test_table_finds_all_of_many(void **state) {
        _cleanup_(zap_table_freep) ZapTable *table = table_with(NULL, NULL);
        char identity[IDENTITY_SIZE];

        for (unsigned i = 0; i < 500; i++) {
                identity_of_uid((i * 7919) % 5000 * 2, identity);
                assert_int_equal(zap_table_allow(table, i % 2 ? "intake" : "control", identity), 0);
                assert_int_equal(zap_table_allow(table, i % 2 ? "intake" : "control", identity), 0);
        }
        for (unsigned i = 0; i < 500; i++) {
                identity_of_uid((i * 7919) % 5000 * 2, identity);
                assert_true(zap_table_allows(table, i % 2 ? "intake" : "control", identity));
                identity_of_uid((i * 7919) % 5000 * 2 + 1, identity);
                assert_false(zap_table_allows(table, i % 2 ? "intake" : "control", identity));
        }
}

/* ---- over real sockets */

typedef struct Fixture {
        char folder[32];
        char endpoint[64], private[64];
        ZContext *context;
        Zap *zap;
        ZSocket *door;
} Fixture;

static int fixture_up(void **state) {
        Fixture *f = calloc(1, sizeof(*f));

        snprintf(f->folder, sizeof(f->folder), "/tmp/zap-test-XXXXXX");
        if (!mkdtemp(f->folder) || zcontext_new(&f->context) != 0)
                return -1;
        snprintf(f->endpoint, sizeof(f->endpoint), "ipc://%s/door", f->folder);
        snprintf(f->private, sizeof(f->private), "ipc://%s/test", f->folder);
        *state = f;
        return 0;
}

static int fixture_down(void **state) {
        Fixture *f = *state;

        zsocket_free(f->door);
        zap_stop(f->zap);
        zcontext_free(f->context);
        unlink(f->endpoint + 6);
        rmdir(f->folder);
        free(f);
        return 0;
}

static void fixture_open(Fixture *f, const char *domain, uid_t uid) {
        char identity[IDENTITY_SIZE];

        identity_of_uid(uid, identity);
        assert_int_equal(zap_start(f->context, table_with(domain, identity), &f->zap), 0);
        assert_int_equal(zsocket_new(f->context, ZSOCKET_ROUTER, &(ZSocketOptions){ .zap_domain = "intake" }, &f->door),
                         0);
        assert_int_equal(zsocket_bind(f->door, f->endpoint), 0);
}

/* What becomes of a handshake with the door. */
static ZSocketEvent knock(Fixture *f) {
        _cleanup_(zsocket_freep) ZSocket *monitor = NULL, *client = NULL;
        ZSocketEvent event = ZSOCKET_EVENT_NONE;

        assert_int_equal(zsocket_new(f->context, ZSOCKET_DEALER, NULL, &client), 0);
        assert_int_equal(zsocket_monitor(f->context, client, &monitor), 0);
        assert_int_equal(zsocket_connect(client, f->endpoint), 0);
        for (int i = 0; i < 50 && event == ZSOCKET_EVENT_NONE; i++) {
                ZPoll poll = { .socket = monitor };
                assert_true(zpoll(&poll, 1, 100) >= 0);
                if (zsocket_monitor_next(monitor, &event) != 0)
                        event = ZSOCKET_EVENT_NONE;
        }
        return event;
}

static void test_own_user_comes_in_over_ipc(void **state) {
        Fixture *f = *state;

        fixture_open(f, "intake", getuid());
        assert_int_equal(knock(f), ZSOCKET_EVENT_CONNECTED);
}

static void test_user_who_is_not_named_is_refused_over_ipc(void **state) {
        Fixture *f = *state;

        fixture_open(f, "intake", getuid() + 1);
        assert_int_equal(knock(f), ZSOCKET_EVENT_AUTH_FAILED);
}

static void test_new_table_holds_from_the_next_handshake_on(void **state) {
        Fixture *f = *state;
        char identity[IDENTITY_SIZE];

        fixture_open(f, "intake", getuid() + 1);
        assert_int_equal(knock(f), ZSOCKET_EVENT_AUTH_FAILED);
        identity_of_uid(getuid(), identity);
        assert_int_equal(zap_update(f->zap, table_with("intake", identity)), 0);
        assert_int_equal(knock(f), ZSOCKET_EVENT_CONNECTED);
        assert_int_equal(zap_update(f->zap, table_with(NULL, NULL)), 0);
        assert_int_equal(knock(f), ZSOCKET_EVENT_AUTH_FAILED);
}

static void test_random_key_is_refused(void **state) {
        Fixture *f = *state;

        fixture_open(f, "intake", getuid());
        assert_int_equal(self_test_private(f->context, f->private, "intake"), 0);
        assert_int_not_equal(access(f->private + 6, F_OK), 0);
}

/* The self-test has to be able to fail: with a key that is let in it does. */
static void test_self_test_notices_a_key_that_is_let_in(void **state) {
        Fixture *f = *state;
        char public[ZKEY_TEXT_SIZE], secret[ZKEY_TEXT_SIZE];

        /* No domain: libzmq asks nobody, and lets every key in. */
        assert_int_equal(zkey_new(public, secret), 0);
        assert_int_equal(zsocket_new(f->context, ZSOCKET_ROUTER, &(ZSocketOptions){ .curve_server_secret = secret },
                                     &f->door),
                         0);
        assert_int_equal(zsocket_bind(f->door, f->endpoint), 0);
        assert_int_equal(self_test_refuses(f->context, f->endpoint, public), SELF_TEST_E_LET_IN);
}

static void test_thread_moves_while_nobody_knocks(void **state) {
        Fixture *f = *state;
        uint64_t before;

        fixture_open(f, "intake", getuid());
        before = zap_progress(f->zap);
        for (int i = 0; i < 300 && zap_progress(f->zap) < before + 2; i++)
                usleep(10000);
        assert_true(zap_progress(f->zap) >= before + 2);
        assert_int_equal(zap_error(f->zap), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_who_stands_in_the_table_comes_in),
                cmocka_unit_test(test_who_does_not_is_refused),
                cmocka_unit_test(test_empty_table_lets_nobody_in),
                cmocka_unit_test(test_request_that_is_none_is_answered_500),
                cmocka_unit_test(test_domain_cut_short_by_a_nul_is_not_that_domain),
                cmocka_unit_test(test_table_finds_all_of_many),
                cmocka_unit_test_setup_teardown(test_own_user_comes_in_over_ipc, fixture_up, fixture_down),
                cmocka_unit_test_setup_teardown(test_user_who_is_not_named_is_refused_over_ipc, fixture_up,
                                                fixture_down),
                cmocka_unit_test_setup_teardown(test_new_table_holds_from_the_next_handshake_on, fixture_up,
                                                fixture_down),
                cmocka_unit_test_setup_teardown(test_random_key_is_refused, fixture_up, fixture_down),
                cmocka_unit_test_setup_teardown(test_self_test_notices_a_key_that_is_let_in, fixture_up, fixture_down),
                cmocka_unit_test_setup_teardown(test_thread_moves_while_nobody_knocks, fixture_up, fixture_down),
        };

        return cmocka_run_group_tests_name("peer zap", tests, NULL, NULL);
}
