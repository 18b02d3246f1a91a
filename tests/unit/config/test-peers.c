/* Users and keys: who may speak, what a key file must be, and that its content is never shown. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
/* clang-format on */

#include <sys/stat.h>

#include "base/error.h"
#include "fixture.h"

#define PUBLIC "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"
#define SECRET "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6"
#define TCP "bus: b\nlisten: {intake: \"tcp://127.0.0.1:7401\"}\n"
#define REST "teams: {t: {class: clinical}}\nsources: {s: {team: t, adapter: x-y}}\n"

static void change_mode(Fixture *fixture, const char *name, mode_t mode) {
        char path[256];
        fixture_path(fixture, name, path);
        assert_int_equal(chmod(path, mode), 0);
}

static void write_pair(Fixture *fixture) {
        fixture_write(fixture, "keys/bus.pub", PUBLIC "\n");
        fixture_write(fixture, "keys/bus.key", SECRET "\n");
        change_mode(fixture, "keys/bus.key", 0600);
}

static void test_keys_are_read_where_something_listens(void **state) {
        Fixture *fixture = *state;
        write_pair(fixture);
        fixture_write(fixture, "keys/s.pub", SECRET); /* without a newline */
        fixture_write(fixture, "keys/other.pub", PUBLIC "\r\n");
        fixture_try(fixture,
                    TCP "teams: {t: {class: clinical, key: other.pub}}\nsources: {s: {team: t, adapter: x-y}}\n");
        fixture_assert_good(fixture);
        assert_string_equal(fixture->config->bus_public_key, PUBLIC);
        assert_string_equal(fixture->config->bus_secret_key, SECRET);
        assert_string_equal(fixture->config->sources[0].peer.key, SECRET); /* NAME.pub by default */
        assert_string_equal(fixture->config->teams[0].peer.key, PUBLIC);
}

static void test_without_tcp_no_key_is_needed_or_read(void **state) {
        Fixture *fixture = *state;
        fixture_write(fixture, "keys/s.pub", "not a key");
        fixture_try(fixture, "bus: b\n" REST);
        fixture_assert_good(fixture);
        assert_null(fixture->config->sources[0].peer.key);
        assert_int_equal(fixture->problems.n_items, 0);
        write_pair(fixture);
        fixture_write(fixture, "keys/x.pub", PUBLIC);
        fixture_try(fixture,
                    "bus: b\nteams: {t: {class: clinical, key: x.pub}}\nsources: {s: {team: t, adapter: x-y}}\n");
        fixture_assert_good(fixture);
        fixture_assert_only(fixture, 2, 35, "nothing listens on tcp", NULL);
}

static void test_a_missing_pair_says_how_to_make_it(void **state) {
        Fixture *fixture = *state;
        fixture_try(fixture, TCP REST);
        assert_int_equal(fixture->problems.n_errors, 2);
        assert_non_null(strstr(fixture_problem(fixture, "keys/bus.pub is not there")->hint, "carebusctl key new bus"));
        fixture_problem(fixture, "keys/bus.key is not there");
        assert_int_equal(fixture->problems.items[0].line, 2);
}

static void test_a_live_endpoint_needs_keys_too(void **state) {
        Fixture *fixture = *state;
        fixture_try(fixture, "bus: b\nteams: {t: {class: clinical, live: \"tcp://127.0.0.1:1\"}}\nsources: {s: {team: "
                             "t, adapter: x-y}}\n");
        fixture_problem(fixture, "keys/bus.pub is not there");
}

static void test_a_secret_that_others_can_read_is_refused(void **state) {
        static const mode_t modes[] = { 0640, 0604, 0644, 0660, 0620, 0602 };
        Fixture *fixture = *state;
        write_pair(fixture);
        for (size_t i = 0; i < ELEMENTSOF(modes); i++) {
                change_mode(fixture, "keys/bus.key", modes[i]);
                fixture_try(fixture, TCP REST);
                assert_int_equal(fixture->problems.n_errors, 1);
                assert_non_null(
                        strstr(fixture_problem(fixture, "others can read this secret key")->hint, "chmod 0600"));
        }
        change_mode(fixture, "keys/bus.key", 0400);
        fixture_load(fixture);
        fixture_assert_good(fixture);
}

static void test_what_is_no_key_is_refused_and_never_shown(void **state) {
        static const char *const bad[] = { "",
                                           "short",
                                           PUBLIC "x",
                                           "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf\xc3\xa4",
                                           "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf\"",
                                           "#####################################Zzz", /* groups beyond 32 bits */
                                           PUBLIC "\n" PUBLIC "\n" };
        Fixture *fixture = *state;
        write_pair(fixture);
        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                fixture_write(fixture, "keys/s.pub", bad[i]);
                fixture_try(fixture, TCP REST);
                assert_int_equal(fixture->problems.n_errors, 1);
                const ConfigProblem *problem = fixture_problem(fixture, "is no key");
                assert_non_null(strstr(problem->file, "keys/s.pub"));
                assert_null(problem->source_line);
                assert_non_null(strstr(problem->hint, "key new"));
                if (bad[i][0])
                        assert_null(strstr(fixture->printed, bad[i]));
        }
        fixture_write(fixture, "keys/s.pub", PUBLIC);
        fixture_write(fixture, "keys/bus.key", "UNMISTAKABLE");
        change_mode(fixture, "keys/bus.key", 0600);
        fixture_load(fixture);
        assert_int_equal(fixture->problems.n_errors, 1);
        assert_null(strstr(fixture->printed, "UNMISTAKABLE"));
}

static void test_a_misspelt_key_file_is_hinted_at(void **state) {
        Fixture *fixture = *state;
        write_pair(fixture);
        fixture_write(fixture, "keys/hospice.pub", PUBLIC);
        fixture_try(fixture,
                    TCP "teams: {t: {class: clinical}}\nsources: {s: {team: t, adapter: x-y, key: hospce.pub}}\n");
        fixture_assert_only(fixture, 4, 43, "keys/hospce.pub is not there", "did you mean 'hospice.pub'?");
        fixture_try(fixture,
                    TCP "teams: {t: {class: clinical}}\nsources: {s: {team: t, adapter: x-y, key: ../x.pub}}\n");
        fixture_assert_only(fixture, 4, 43, "expected a file name without a folder", NULL);
}

static void test_a_secret_of_another_user_is_a_warning(void **state) {
        Fixture *fixture = *state;
        if (geteuid() == 0) {
                print_message("# skipped: root can read every file\n");
                return;
        }
        write_pair(fixture);
        change_mode(fixture, "keys/bus.key", 0000);
        fixture_try(fixture, TCP REST);
        fixture_assert_good(fixture);
        assert_null(fixture->config->bus_secret_key);
        fixture_problem(fixture, "belongs to another user");
}

static void test_users_are_names_or_numbers_and_never_nobody(void **state) {
        Fixture *fixture = *state;
        fixture_try(fixture, "bus: b\nteams: {t: {class: clinical, user: root}}\nsources: {s: {team: t, adapter: x-y, "
                             "user: 12345}}\n");
        fixture_assert_good(fixture);
        assert_int_equal(fixture->config->teams[0].peer.uid, 0);
        assert_int_equal(fixture->config->sources[0].peer.uid, 12345);
        fixture_try(fixture, "bus: b\nteams: {t: {class: clinical, user: nobody}}\nsources: {s: {team: t, adapter: "
                             "x-y, user: 65534}}\n");
        assert_int_equal(fixture->problems.n_errors, 2);
        assert_int_equal(fixture_problem(fixture, "teams.t.user: user 65534 (nobody)")->column, 36);
        fixture_problem(fixture, "sources.s.user: user 65534 (nobody)");
        fixture_try(fixture,
                    "bus: b\nteams: {t: {class: clinical, user: a:b}}\nsources: {s: {team: t, adapter: x-y}}\n");
        fixture_assert_only(fixture, 2, 36, "expected the name or number of a unix user", NULL);
}

static void test_operators_said_are_all_there_are(void **state) {
        Fixture *fixture = *state;
        fixture_try(fixture, "bus: b\noperators: 4242\n" REST);
        fixture_assert_good(fixture);
        assert_int_equal(fixture->config->n_operators, 1);
        assert_int_equal(fixture->config->operators[0], 4242);
        fixture_try(fixture, "bus: b\noperators: []\n" REST);
        fixture_assert_good(fixture);
        assert_int_equal(fixture->config->n_operators, 0);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
        const struct CMUnitTest tests[] = {
                TEST(test_keys_are_read_where_something_listens),
                TEST(test_without_tcp_no_key_is_needed_or_read),
                TEST(test_a_missing_pair_says_how_to_make_it),
                TEST(test_a_live_endpoint_needs_keys_too),
                TEST(test_a_secret_that_others_can_read_is_refused),
                TEST(test_what_is_no_key_is_refused_and_never_shown),
                TEST(test_a_misspelt_key_file_is_hinted_at),
                TEST(test_a_secret_of_another_user_is_a_warning),
                TEST(test_users_are_names_or_numbers_and_never_nobody),
                TEST(test_operators_said_are_all_there_are),
        };
        return cmocka_run_group_tests_name("config peers", tests, NULL, NULL);
}
