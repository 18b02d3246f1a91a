/* Literal addresses, who clashes with whom, who may connect. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "base/cleanup.h"
#include "config/address.h"

static void test_addresses_are_literal_and_ports_are_real(void **state) {
        static const char *const good[] = { "127.0.0.1:1", "0.0.0.0:65535",     "[::1]:2575",
                                            "[::]:80",     "[2001:db8::1]:443", "[::ffff:1.2.3.4]:5" };
        static const char *const bad[] = { "",
                                           ":",
                                           "127.0.0.1",
                                           "127.0.0.1:",
                                           "127.0.0.1:0",
                                           "127.0.0.1:65536",
                                           "127.0.0.1:1x",
                                           "127.0.0.1:-1",
                                           "127.0.0.1: 1",
                                           "localhost:1",
                                           "::1:1",
                                           "[::1]",
                                           "[::1:1",
                                           "::1]:1",
                                           "[127.0.0.1]:1",
                                           "[]:1",
                                           "127.1:1",
                                           "0127.0.0.1:1",
                                           "1.2.3.4.5:1",
                                           "[fe80::1%eth0]:1",
                                           "]:1",
                                           "*:1",
                                           "1111111111111111111111111111111111111111111111111111111:1" };
        Address address;
        for (size_t i = 0; i < ELEMENTSOF(good); i++)
                if (address_parse(good[i], false, &address) != 0)
                        fail_msg("%s was refused", good[i]);
        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                if (address_parse(bad[i], false, &address) == 0)
                        fail_msg("%s was taken", bad[i]);
        assert_int_equal(address_parse("tcp://127.0.0.1:7401", true, &address), 0);
        assert_int_equal(address.port, 7401);
        assert_int_equal(address_parse("127.0.0.1:7401", true, &address), -EINVAL);
        assert_int_equal(address_parse("tcp://127.0.0.1:7401", false, &address), -EINVAL);
        assert_int_equal(address_parse("ipc:///run/x", true, &address), -EINVAL);
}

static void test_the_system_gets_the_address_that_was_read(void **state) {
        struct sockaddr_storage storage;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
        char text[INET6_ADDRSTRLEN];
        Address address;

        (void)state;
        assert_int_equal(address_parse("192.0.2.7:2575", false, &address), 0);
        assert_int_equal(address_socket(&address, &storage), sizeof(v4));
        memcpy(&v4, &storage, sizeof(v4));
        assert_int_equal(v4.sin_family, AF_INET);
        assert_int_equal(ntohs(v4.sin_port), 2575);
        assert_string_equal(inet_ntop(AF_INET, &v4.sin_addr, text, sizeof(text)), "192.0.2.7");
        assert_int_equal(address_parse("[2001:db8::1]:443", false, &address), 0);
        assert_int_equal(address_socket(&address, &storage), sizeof(v6));
        memcpy(&v6, &storage, sizeof(v6));
        assert_int_equal(v6.sin6_family, AF_INET6);
        assert_int_equal(ntohs(v6.sin6_port), 443);
        assert_string_equal(inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof(text)), "2001:db8::1");
}

static bool clash(const char *a, const char *b) {
        Address one, other;
        assert_int_equal(address_parse(a, false, &one), 0);
        assert_int_equal(address_parse(b, false, &other), 0);
        assert_int_equal(address_clashes(&one, &other), address_clashes(&other, &one));
        return address_clashes(&one, &other);
}

static void test_wildcards_clash_with_all_of_their_port(void **state) {
        assert_true(clash("127.0.0.1:1", "127.0.0.1:1"));
        assert_false(clash("127.0.0.1:1", "127.0.0.1:2"));
        assert_false(clash("127.0.0.1:1", "127.0.0.2:1"));
        assert_true(clash("0.0.0.0:1", "127.0.0.2:1"));
        assert_true(clash("[::]:1", "127.0.0.2:1"));
        assert_true(clash("[::]:1", "[::1]:1"));
        assert_false(clash("0.0.0.0:1", "[::1]:1"));
        assert_false(clash("127.0.0.1:1", "[::1]:1"));
}

static bool contains(const char *text, const char *peer) {
        Network network;
        assert_int_equal(network_parse(text, &network), 0);
        struct sockaddr_in in = { .sin_family = AF_INET };
        struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
        if (inet_pton(AF_INET, peer, &in.sin_addr) == 1)
                return network_contains(&network, (const struct sockaddr *)&in);
        assert_int_equal(inet_pton(AF_INET6, peer, &in6.sin6_addr), 1);
        return network_contains(&network, (const struct sockaddr *)&in6);
}

static void test_networks_hold_who_is_in_them(void **state) {
        assert_true(contains("192.0.2.0/24", "192.0.2.255"));
        assert_false(contains("192.0.2.0/24", "192.0.3.0"));
        assert_true(contains("192.0.2.128/25", "192.0.2.129"));
        assert_false(contains("192.0.2.128/25", "192.0.2.127"));
        assert_true(contains("192.0.2.7", "192.0.2.7"));
        assert_false(contains("192.0.2.7", "192.0.2.6"));
        assert_true(contains("0.0.0.0/0", "8.8.8.8"));
        assert_false(contains("0.0.0.0/0", "::1"));
        assert_true(contains("2001:db8::/33", "2001:db8:7fff::1"));
        assert_false(contains("2001:db8::/33", "2001:db8:8000::1"));
        assert_true(contains("192.0.2.0/24", "::ffff:192.0.2.9"));
        assert_false(contains("192.0.2.0/24", "::ffff:192.0.3.9"));
        assert_false(contains("::1", "127.0.0.1"));
}

static void test_networks_with_bits_behind_the_prefix_are_refused(void **state) {
        static const char *const bad[] = { "",           "192.0.2.1/24",           "192.0.2.0/33",
                                           "192.0.2.0/", "192.0.2.0/-1",           "192.0.2.0/24x",
                                           "host/24",    "2001:db8::1/64",         "::/129",
                                           "/8",         "192.0.2.0/255.255.255.0" };
        Network network;
        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                if (network_parse(bad[i], &network) == 0)
                        fail_msg("%s was taken", bad[i]);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_addresses_are_literal_and_ports_are_real),
                cmocka_unit_test(test_the_system_gets_the_address_that_was_read),
                cmocka_unit_test(test_wildcards_clash_with_all_of_their_port),
                cmocka_unit_test(test_networks_hold_who_is_in_them),
                cmocka_unit_test(test_networks_with_bits_behind_the_prefix_are_refused),
        };
        return cmocka_run_group_tests_name("config address", tests, NULL, NULL);
}
