/* What meets on one machine: paths of sockets, ports, folders, TLS files. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
/* clang-format on */

#include <sys/stat.h>

#include "base/error.h"
#include "fixture.h"

#define REST "teams: {t: {class: clinical}}\nsources: {s: {team: t, adapter: x-y}}\n"

/* `run` so long that FOLDER/control has `length` bytes. */
static char *config_with_run(size_t length, const char *rest) {
        char run[256] = { 0 };
        char *text = NULL;
        memset(run, 'r', length - strlen("/control"));
        run[0] = '/';
        assert_int_equal(text_format(&text, "bus: b\nrun: %s\n%s", run, rest), 0);
        return text;
}

static void test_a_socket_path_may_have_107_bytes_and_not_108(void **state) {
        Fixture *fixture = *state;
        _cleanup_(freep) char *good = config_with_run(107, REST), *bad = config_with_run(108, REST);
        fixture_try(fixture, good);
        fixture_assert_good(fixture);
        fixture_try(fixture, bad);
        fixture_assert_only(fixture, 2, 6, "has a path of 108 bytes; the kernel takes 107", "shorter `run`");
        assert_non_null(strstr(fixture->problems.items[0].message, "/control"));
}

static void test_a_long_team_name_can_be_what_is_too_much(void **state) {
        Fixture *fixture = *state;
        _cleanup_(freep) char *text =
                config_with_run(90, "teams: {t: {class: clinical}, a-team-with-a-name-of-32-letters: {class: clinical, "
                                    "may_read: [s]}}\nsources: {s: {team: t, adapter: x-y}}\n");
        fixture_try(fixture, text);
        fixture_assert_only(fixture, 3, 31, "live/a-team-with-a-name-of-32-letters has a path of 120 bytes", NULL);
}

static void test_every_pair_of_listeners_is_looked_at(void **state) {
        Fixture *fixture = *state;
        fixture_try(fixture, "bus: b\n"
                             "listen: {intake: \"tcp://0.0.0.0:7401\", feed: \"tcp://127.0.0.1:7401\"}\n"
                             "metrics: \"[::]:9464\"\n"
                             "teams:\n"
                             "  t: {class: clinical, live: \"tcp://127.0.0.1:9464\"}\n"
                             "sources:\n"
                             "  a: {team: t, adapter: mllp, listen: \"127.0.0.1:2575\"}\n"
                             "  b: {team: t, adapter: fhir, listen: \"127.0.0.1:2575\"}\n"
                             "  c: {team: t, adapter: mllp, listen: \"127.0.0.2:2575\"}\n"
                             "  d: {team: t, adapter: mllp, listen: \"192.0.2.1:7401\"}\n");
        fixture_problem(fixture, "listen.feed: tcp://127.0.0.1:7401 is taken by listen.intake (line 2)");
        fixture_problem(fixture, "teams.t.live: tcp://127.0.0.1:9464 is taken by metrics (line 3)");
        assert_int_equal(fixture_problem(fixture,
                                         "sources.b.listen: 127.0.0.1:2575 is taken by sources.a.listen (line 7)")
                                 ->line,
                         8);
        fixture_problem(fixture, "sources.d.listen: 192.0.2.1:7401 is taken by listen.intake");
        /* those four, and the two missing keys */
        assert_int_equal(fixture->problems.n_errors, 6);
}

static void test_adapters_complain_of_what_they_do_not_look_at(void **state) {
        Fixture *fixture = *state;
        fixture_try(fixture, "bus: b\nteams: {t: {class: clinical}}\nsources:\n"
                             "  a: {team: t, adapter: mllp, listen: \"127.0.0.1:1\", folder: /srv/x}\n"
                             "  b: {team: t, adapter: csv, listen: \"127.0.0.1:2\", folder: /tmp}\n");
        fixture_assert_good(fixture);
        assert_int_equal(fixture_count(fixture, /* is_warning= */ true), 2);
        fixture_problem(fixture, "sources.a.folder: adapter mllp does not look at it");
        fixture_problem(fixture, "sources.b.listen: adapter csv does not look at it");
}

static void try_tls(Fixture *fixture, const char *tls) {
        _cleanup_(freep) char *text = NULL;
        assert_int_equal(text_format(&text,
                                     "bus: b\nteams: {t: {class: clinical}}\nsources:\n"
                                     "  a: {team: t, adapter: mllp, listen: \"127.0.0.1:1\", tls: {%s}}\n",
                                     tls),
                         0);
        fixture_try(fixture, text);
}

static void test_tls_files_come_together_and_exist(void **state) {
        Fixture *fixture = *state;
        char path[256];
        fixture_write(fixture, "c.pem", "x");
        fixture_write(fixture, "k.pem", "x");
        fixture_path(fixture, "k.pem", path);
        assert_int_equal(chmod(path, 0640), 0);
        try_tls(fixture, "certificate: %s/c.pem, key: %s/k.pem");
        fixture_assert_good(fixture);
        assert_non_null(fixture->config->sources[0].tls.key);
        try_tls(fixture, "certificate: %s/c.pem");
        fixture_assert_only(fixture, 4, 59, "'key' is missing", NULL);
        try_tls(fixture, "key: %s/k.pem");
        fixture_assert_only(fixture, 4, 59, "'certificate' is missing", NULL);
        try_tls(fixture, "client_ca: %s/c.pem");
        fixture_assert_only(fixture, 4, 59, "client_ca asks for TLS", NULL);
        try_tls(fixture, "certificate: %s/none.pem, key: %s/k.pem");
        fixture_assert_only(fixture, 4, 73, "none.pem: No such file", NULL);
        try_tls(fixture, "certificate: %s, key: %s/k.pem");
        fixture_assert_only(fixture, 4, 73, "is not a file", NULL);
        assert_int_equal(chmod(path, 0644), 0);
        try_tls(fixture, "certificate: %s/c.pem, key: %s/k.pem");
        assert_non_null(strstr(fixture_problem(fixture, "everybody can read the private key")->hint, "chmod"));
        try_tls(fixture, "certficate: x");
        fixture_assert_only(fixture, 4, 60, "sources.a.tls: unknown key", "did you mean 'certificate'?");
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
        const struct CMUnitTest tests[] = {
                TEST(test_a_socket_path_may_have_107_bytes_and_not_108),
                TEST(test_a_long_team_name_can_be_what_is_too_much),
                TEST(test_every_pair_of_listeners_is_looked_at),
                TEST(test_adapters_complain_of_what_they_do_not_look_at),
                TEST(test_tls_files_come_together_and_exist),
        };
        return cmocka_run_group_tests_name("config sockets", tests, NULL, NULL);
}
