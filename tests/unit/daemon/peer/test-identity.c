/* Who a peer is, as the transport says it. */
#include "daemon/peer/identity.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "proto/zsock.h"

static int uid_of(const char *address, uid_t *ret) {
        return identity_uid_of_address(bytes_of_text(address), ret);
}

static void test_address_is_read_from_the_right(void **state) {
        uid_t uid = 0;

        assert_int_equal(uid_of("localhost:1000:1001:4242", &uid), 0);
        assert_int_equal(uid, 1000);
        assert_int_equal(uid_of("some host/with.dots:0:0:1", &uid), 0);
        assert_int_equal(uid, 0);
        assert_int_equal(uid_of(":7:8:9", &uid), 0);
        assert_int_equal(uid, 7);
}

static void test_address_without_uid_gid_and_pid_is_nobody(void **state) {
        static const char *const bad[] = {
                "",
                "127.0.0.1",
                "localhost",
                "localhost:1:2",
                ":::",
                "1:2:3",
                "localhost:1:2:x",
                "localhost:1:2:",
                "localhost::2:3",
                "localhost:-1:2:3",
                "localhost:+1:2:3",
                "localhost: 1:2:3",
                "localhost:4294967295:1:1",
                "localhost:99999999999999999999:1:1",
                "localhost:1:2:3 ",
        };
        uid_t uid = 4711;

        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                if (uid_of(bad[i], &uid) != IDENTITY_E_ADDRESS)
                        fail_msg("\"%s\" was taken", bad[i]);
                assert_int_equal(uid, 4711);
        }
}

static void test_ipv6_address_that_ends_like_credentials_is_nobody(void **state) {
        uid_t uid;

        assert_int_equal(uid_of("fe80:0:0:0:0:1000:1000:1", &uid), IDENTITY_E_ADDRESS);
        assert_int_equal(uid_of("::1000:1000:1", &uid), IDENTITY_E_ADDRESS);
}

static void test_overflow_uid_is_refused(void **state) {
        uid_t uid;

        assert_int_equal(uid_of("localhost:65534:65534:1", &uid), IDENTITY_E_NOBODY);
        assert_int_equal(uid_of("localhost:65533:65534:1", &uid), 0);
}

static void test_ipc_handshake_gives_the_unix_user(void **state) {
        char identity[IDENTITY_SIZE];

        assert_int_equal(identity_of_handshake(BYTES_LITERAL("NULL"), BYTES_LITERAL("localhost:12:13:14"), BYTES_NULL,
                                               identity),
                         0);
        assert_string_equal(identity, "unix:12");
}

static void test_curve_handshake_gives_the_key_whatever_the_address(void **state) {
        char identity[IDENTITY_SIZE], expected[IDENTITY_SIZE], key[ZKEY_TEXT_SIZE];
        uint8_t raw[32];

        for (size_t i = 0; i < sizeof(raw); i++)
                raw[i] = (uint8_t)(i * 7);
        assert_int_equal(zkey_encode(raw, key), 0);
        identity_of_key(key, expected);
        assert_int_equal(identity_of_handshake(BYTES_LITERAL("CURVE"), BYTES_LITERAL("localhost:12:13:14"),
                                               bytes_of(raw, 32), identity),
                         0);
        assert_string_equal(identity, expected);
        assert_int_equal(strlen(identity), 44);
}

static void test_anything_but_curve_over_tcp_is_refused(void **state) {
        char identity[IDENTITY_SIZE] = "untouched";

        assert_int_equal(identity_of_handshake(BYTES_LITERAL("NULL"), BYTES_LITERAL("10.1.2.3"), BYTES_NULL, identity),
                         IDENTITY_E_ADDRESS);
        assert_int_equal(identity_of_handshake(BYTES_LITERAL("PLAIN"), BYTES_LITERAL("localhost:0:0:1"),
                                               BYTES_LITERAL("root"), identity),
                         IDENTITY_E_MECHANISM);
        assert_int_equal(identity_of_handshake(BYTES_LITERAL("curve"), BYTES_LITERAL("localhost:0:0:1"), BYTES_NULL,
                                               identity),
                         IDENTITY_E_MECHANISM);
        assert_int_equal(identity_of_handshake(BYTES_LITERAL("CURVE"), BYTES_LITERAL("10.1.2.3"),
                                               BYTES_LITERAL("short"), identity),
                         IDENTITY_E_KEY);
        assert_string_equal(identity, "untouched");
}

static void test_identity_fits_its_own_user_and_key_only(void **state) {
        ConfigPeer peer = { .uid = 1000, .key = (char *)(uintptr_t) "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7" };

        assert_true(identity_is("unix:1000", &peer));
        assert_false(identity_is("unix:100", &peer));
        assert_false(identity_is("unix:10000", &peer));
        assert_true(identity_is("key:rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7", &peer));
        assert_false(identity_is("key:rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf8", &peer));
        assert_false(identity_is("key:", &peer));
        assert_false(identity_is("", &peer));
        assert_false(identity_is(NULL, &peer));
        peer.key = NULL;
        assert_false(identity_is("key:", &peer));
}

static void test_only_operators_are_operators(void **state) {
        uid_t operators[] = { 0, 7 };
        Config config = { .operators = operators, .n_operators = 2 };

        assert_true(identity_is_operator("unix:7", &config));
        assert_true(identity_is_operator("unix:0", &config));
        assert_false(identity_is_operator("unix:8", &config));
        assert_false(identity_is_operator("key:rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7", &config));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_address_is_read_from_the_right),
                cmocka_unit_test(test_address_without_uid_gid_and_pid_is_nobody),
                cmocka_unit_test(test_ipv6_address_that_ends_like_credentials_is_nobody),
                cmocka_unit_test(test_overflow_uid_is_refused),
                cmocka_unit_test(test_ipc_handshake_gives_the_unix_user),
                cmocka_unit_test(test_curve_handshake_gives_the_key_whatever_the_address),
                cmocka_unit_test(test_anything_but_curve_over_tcp_is_refused),
                cmocka_unit_test(test_identity_fits_its_own_user_and_key_only),
                cmocka_unit_test(test_only_operators_are_operators),
        };

        return cmocka_run_group_tests_name("peer identity", tests, NULL, NULL);
}
