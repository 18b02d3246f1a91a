/* What adapters need before they start: who may speak, whom they ask, where files lie, and teams that exist. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
/* clang-format on */

#include <errno.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "fixture.h"

#define HEAD "bus: b\nteams: {t: {class: clinical}}\nsources:\n"

static void try_source(Fixture *fixture, const char *source) {
        _cleanup_(freep) char *text = NULL;
        assert_int_equal(text_format(&text, "%s  x: {team: t, %s}\n", HEAD, source), 0);
        fixture_try(fixture, text);
}

static void write_token(Fixture *fixture, mode_t mode) {
        char path[256];
        fixture_write(fixture, "tokens", "secret\n");
        fixture_path(fixture, "tokens", path);
        assert_int_equal(chmod(path, mode), 0);
}

static void test_a_fhir_source_listens_or_asks(void **state) {
        Fixture *fixture = *state;
        try_source(fixture, "adapter: fhir");
        fixture_assert_only(fixture, 4, 25, "needs 'listen' or 'poll'", "https://fhir.example.org/r4");
        try_source(fixture, "adapter: fhir, listen: \"127.0.0.1:8088\"");
        fixture_assert_good(fixture);
        assert_null(fixture->config->sources[0].poll.url);
        assert_null(fixture->config->sources[0].token);
        assert_int_equal(fixture->config->sources[0].poll.every, 60);
        try_source(fixture, "adapter: fhir, poll: {url: \"https://fhir.example.org/r4\", every: 300, resources: "
                            "[Patient, Encounter]}");
        fixture_assert_good(fixture);
        const ConfigPoll *poll = &fixture->config->sources[0].poll;
        assert_string_equal(poll->url, "https://fhir.example.org/r4");
        assert_int_equal(poll->every, 300);
        assert_int_equal(poll->n_resources, 2);
        assert_string_equal(poll->resources[1], "Encounter");
        assert_null(fixture->config->sources[0].listen);
}

static void test_nobody_listens_on_a_network_without_knowing_who_speaks(void **state) {
        static const char *const open[] = { "192.0.2.1:8088", "0.0.0.0:8088", "[::]:8088", "[2001:db8::1]:8088" };
        static const char *const own[] = { "127.0.0.1:8088", "127.3.2.1:8088", "[::1]:8088" };
        Fixture *fixture = *state;
        char source[200];
        for (size_t i = 0; i < ELEMENTSOF(open); i++) {
                snprintf(source, sizeof(source), "adapter: fhir, listen: \"%s\"", open[i]);
                try_source(fixture, source);
                fixture_assert_only(fixture, 4, 39, "everybody on the network could write into the record", "token:");
        }
        for (size_t i = 0; i < ELEMENTSOF(own); i++) {
                snprintf(source, sizeof(source), "adapter: fhir, listen: \"%s\"", own[i]);
                try_source(fixture, source);
                fixture_assert_good(fixture);
                assert_int_equal(fixture_count(fixture, /* is_warning= */ true), 0);
        }
        /* who speaks is known, and yet everybody can listen in */
        write_token(fixture, 0600);
        snprintf(source, sizeof(source), "adapter: fhir, listen: \"192.0.2.1:8088\", token: %s/tokens",
                 fixture->folder);
        try_source(fixture, source);
        fixture_assert_good(fixture);
        fixture_problem(fixture, "cross the network in the clear");
        assert_non_null(fixture->config->sources[0].token);
}

static void test_a_certificate_of_the_client_is_as_good_as_a_token(void **state) {
        Fixture *fixture = *state;
        char source[600];
        fixture_write(fixture, "pem", "x");
        snprintf(
                source, sizeof(source),
                "adapter: fhir, listen: \"192.0.2.1:8088\", tls: {certificate: %s/pem, key: %s/key, client_ca: %s/pem}",
                fixture->folder, fixture->folder, fixture->folder);
        char key[256];
        fixture_write(fixture, "key", "x");
        fixture_path(fixture, "key", key);
        assert_int_equal(chmod(key, 0600), 0);
        try_source(fixture, source);
        fixture_assert_good(fixture);
        assert_int_equal(fixture_count(fixture, /* is_warning= */ true), 0);
}

static void test_tokens_are_for_few_eyes(void **state) {
        Fixture *fixture = *state;
        char source[300];
        snprintf(source, sizeof(source), "adapter: fhir, listen: \"127.0.0.1:8088\", token: %s/tokens",
                 fixture->folder);
        try_source(fixture, source);
        fixture_problem(fixture, "No such file");
        write_token(fixture, 0644);
        try_source(fixture, source);
        fixture_problem(fixture, "everybody can read the token");
        write_token(fixture, 0640);
        try_source(fixture, source);
        fixture_assert_good(fixture);
        write_token(fixture, 0644);
        snprintf(source, sizeof(source), "adapter: fhir, poll: {url: \"https://h/r4\", token: %s/tokens}",
                 fixture->folder);
        try_source(fixture, source);
        fixture_problem(fixture, "sources.x.poll: everybody can read the token");
}

static void test_a_server_is_asked_over_https(void **state) {
        static const char *const good[] = { "https://h/r4", "http://127.0.0.1:8080/r4", "http://localhost:8080/fhir",
                                            "http://[::1]:8080/r4" };
        static const char *const clear[] = { "http://fhir.example.org/r4", "http://192.0.2.1/r4",
                                             "http://localhost.example.org/r4", "http://127.0.0.1.example.org/" };
        static const char *const wrong[] = { "fhir.example.org", "ftp://h/x", "https://", "https://u:p@h/x",
                                             "https://h/x?y=1" };
        Fixture *fixture = *state;
        char source[200];
        for (size_t i = 0; i < ELEMENTSOF(good); i++) {
                snprintf(source, sizeof(source), "adapter: fhir, poll: {url: \"%s\"}", good[i]);
                try_source(fixture, source);
                fixture_assert_good(fixture);
        }
        for (size_t i = 0; i < ELEMENTSOF(clear); i++) {
                snprintf(source, sizeof(source), "adapter: fhir, poll: {url: \"%s\"}", clear[i]);
                try_source(fixture, source);
                fixture_assert_only(fixture, 4, 43, "in the clear", "https://");
        }
        for (size_t i = 0; i < ELEMENTSOF(wrong); i++) {
                snprintf(source, sizeof(source), "adapter: fhir, poll: {url: \"%s\"}", wrong[i]);
                try_source(fixture, source);
                fixture_assert_only(fixture, 4, 43, "expected a URL", "https://");
        }
        try_source(fixture, "adapter: fhir, poll: {every: 60}");
        fixture_assert_only(fixture, 4, 37, "'url' is missing", "https://fhir.example.org");
        try_source(fixture, "adapter: fhir, poll: {url: \"https://h/r4\", every: 1}");
        fixture_problem(fixture, "1 is outside 5 to 86400");
        try_source(fixture, "adapter: fhir, poll: {url: \"https://h/r4\", resources: [patient]}");
        fixture_problem(fixture, "expected a type of resource");
}

static void test_a_folder_is_there_and_can_be_cleared(void **state) {
        Fixture *fixture = *state;
        char source[300];
        try_source(fixture, "adapter: csv, folder: /nonexistent/in");
        fixture_assert_good(fixture);
        assert_non_null(strstr(fixture_problem(fixture, "No such file")->hint, "done/"));
        fixture_write(fixture, "file", "x");
        snprintf(source, sizeof(source), "adapter: csv, folder: %s/file", fixture->folder);
        try_source(fixture, source);
        fixture_problem(fixture, "is not a folder");
        assert_null(fixture->config);
        snprintf(source, sizeof(source), "adapter: csv, folder: %s", fixture->folder);
        try_source(fixture, source);
        fixture_assert_good(fixture);
        assert_int_equal(fixture_count(fixture, /* is_warning= */ true), 0);
}

#define SOMEBODY 54321 /* not root, who can write anywhere */

static void test_an_adapter_hears_of_no_other_ones_folder(void **state) {
        Fixture *fixture = *state;
        static const char text[] = HEAD "  x: {team: t, adapter: csv, folder: /nonexistent/x}\n"
                                        "  y: {team: t, adapter: csv, folder: /nonexistent/y}\n"
                                        "  z: {team: t, adapter: fhir, listen: \"127.0.0.1:8088\"}\n";
        static const struct {
                const char *source;
                size_t n;
        } adapters[] = { { "x", 1 }, { "y", 1 }, { "z", 0 }, { NULL, 0 } };
        for (size_t i = 0; i < ELEMENTSOF(adapters); i++) {
                fixture_try(fixture, text);
                assert_int_equal(fixture->problems.n_items, 2); /* the bus and carebusctl check hear of all */
                config_problems_keep_own(&fixture->problems, adapters[i].source);
                assert_int_equal(fixture->problems.n_items, adapters[i].n);
                assert_int_equal(fixture->problems.n_errors, 0);
                if (adapters[i].n == 1)
                        assert_string_equal(fixture->problems.items[0].source, adapters[i].source);
        }
        /* A mistake is everybody's: nothing starts with it. */
        fixture_write(fixture, "file", "");
        char source[300];
        snprintf(source, sizeof(source), "adapter: csv, folder: %s/file", fixture->folder);
        try_source(fixture, source);
        config_problems_keep_own(&fixture->problems, "other");
        assert_int_equal(fixture->problems.n_errors, 1);
        assert_int_equal(fixture->problems.n_items, 1);
}

/* How many warnings this user gets of the folder `at`, which only `user` has to do with. */
static size_t warnings_of(Fixture *fixture, const char *at, uid_t user) {
        char source[300];
        snprintf(source, sizeof(source), "adapter: csv, folder: %s/%s, user: \"%u\"", fixture->folder, at,
                 (unsigned)user);
        try_source(fixture, source);
        return fixture->config ? fixture_count(fixture, /* is_warning= */ true) : SIZE_MAX;
}

/* In a process of its own, since it becomes another user. */
static int try_folders_as(Fixture *fixture, uid_t user) {
        char shut[256];
        fixture_path(fixture, "shut", shut);
        if (geteuid() == 0 && (setgid(user) < 0 || setuid(user) < 0))
                return 1;
        fixture_write(fixture, "free/file", "x");
        fixture_write(fixture, "shut/in/file", "x");
        if (chmod(shut, 0500) < 0 || warnings_of(fixture, "free", user) != 0 ||
            warnings_of(fixture, "free", user + 1) != 0)
                return 2;
        if (warnings_of(fixture, "shut", user) != 1 || warnings_of(fixture, "shut", user + 1) != 0)
                return 3;
        if (chmod(shut, 0) < 0 || warnings_of(fixture, "shut/in", user) != 1 ||
            warnings_of(fixture, "shut/in", user + 1) != 0)
                return 4;
        return chmod(shut, 0700) < 0 ? 5 : 0;
}

static void test_what_a_user_may_in_a_folder_is_said_to_the_one_whose_folder_it_is(void **state) {
        Fixture *fixture = *state;
        const uid_t user = geteuid() == 0 ? SOMEBODY : geteuid();
        int status = 0;
        if (chown(fixture->folder, user, (gid_t)-1) < 0) {
                print_message("no other user can be had here: %s\n", strerror(errno));
                skip();
        }
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0)
                _exit(try_folders_as(fixture, user));
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_what_other_adapters_do_not_look_at_is_said(void **state) {
        Fixture *fixture = *state;
        try_source(fixture,
                   "adapter: mllp, listen: \"127.0.0.1:2575\", token: /etc/hostname, poll: {url: \"https://h/r4\"}");
        fixture_assert_good(fixture);
        fixture_problem(fixture, "sources.x.token: adapter mllp does not look at it");
        fixture_problem(fixture, "sources.x.poll: adapter mllp does not look at it");
}

static void test_teams_of_a_profile_have_to_exist(void **state) {
        Fixture *fixture = *state;
        fixture_write(fixture, "profiles/p.yaml",
                      "teams:\n  - {team: t, when: {encounter.class: I}}\n  - {team: ward-9}\n");
        fixture_try(fixture, HEAD "  a: {team: t, adapter: mllp, listen: \"127.0.0.1:1\", profile: p}\n"
                                  "  b: {team: t, adapter: mllp, listen: \"127.0.0.1:2\", profile: p}\n");
        const ConfigProblem *problem = fixture_problem(fixture, "no team 'ward-9'");
        assert_int_equal(fixture->problems.n_errors, 1); /* said once, however many sources use it */
        assert_int_equal(problem->line, 3);
        assert_int_equal(problem->column, 12);
        assert_non_null(strstr(problem->file, "profiles/p.yaml"));
        assert_non_null(strstr(problem->hint, "name it under teams"));
        fixture_try(fixture,
                    "bus: b\nteams: {t: {class: clinical}, ward-9: {class: clinical, may_read: [a]}}\nsources:\n"
                    "  a: {team: t, adapter: mllp, listen: \"127.0.0.1:1\", profile: p}\n");
        fixture_assert_good(fixture);
        assert_int_equal(fixture->config->sources[0].profile->n_teams, 2);
}

/* Stands in for whoever knows the schema. */
static bool is_known(const char *path, ConfigPathUse use) {
        if (strcmp(path, "encounter.class") == 0)
                return use != CONFIG_PATH_LIST;
        return strcmp(path, "demographics.names") == 0 && use != CONFIG_PATH_MAP;
}

static void test_paths_that_lead_nowhere_are_said_with_their_place(void **state) {
        Fixture *fixture = *state;
        fixture_write(fixture, "profiles/p.yaml",
                      "maps:\n"
                      "  encounter.class: {I: {system: \"urn:x\", code: I}}\n"
                      "  encounter.clas: {I: {system: \"urn:x\", code: I}}\n"
                      "  demographics.names: {I: {system: \"urn:x\", code: I}}\n"
                      "fields:\n"
                      "  - {from: PID-3, to: demographics.nmes}\n"
                      "  - {from: PID-3, to: demographics.names}\n"
                      "teams:\n"
                      "  - {team: t, when: {encounter.specialities: X, encounter.class: Y}}\n"
                      "complete_lists: [encounter.class, demographics.names, conditions]\n");
        fixture_try(fixture, HEAD "  a: {team: t, adapter: mllp, listen: \"127.0.0.1:1\", profile: p}\n");
        fixture_assert_good(fixture);
        assert_int_equal(fixture_count(fixture, /* is_warning= */ true), 0);
        assert_int_equal(config_check_known(fixture->config, fixture->text, &(ConfigKnown){ .path = is_known },
                                            &fixture->problems),
                         0);
        static const struct {
                const char *part;
                unsigned line, column;
        } rows[] = { { "maps: 'encounter.clas'", 3, 3 },
                     { "maps: 'demographics.names'", 4, 3 },
                     { "fields: 'demographics.nmes'", 6, 23 },
                     { "teams: 'encounter.specialities'", 9, 22 },
                     { "complete_lists: 'encounter.class'", 10, 18 } };
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                const ConfigProblem *problem = fixture_problem(fixture, rows[i].part);
                assert_true(problem->is_warning);
                assert_int_equal(problem->line, rows[i].line);
                assert_int_equal(problem->column, rows[i].column);
        }
        assert_int_equal(fixture_count(fixture, /* is_warning= */ true), ELEMENTSOF(rows));
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
        const struct CMUnitTest tests[] = {
                TEST(test_a_fhir_source_listens_or_asks),
                TEST(test_nobody_listens_on_a_network_without_knowing_who_speaks),
                TEST(test_a_certificate_of_the_client_is_as_good_as_a_token),
                TEST(test_tokens_are_for_few_eyes),
                TEST(test_a_server_is_asked_over_https),
                TEST(test_a_folder_is_there_and_can_be_cleared),
                TEST(test_what_a_user_may_in_a_folder_is_said_to_the_one_whose_folder_it_is),
                TEST(test_an_adapter_hears_of_no_other_ones_folder),
                TEST(test_what_other_adapters_do_not_look_at_is_said),
                TEST(test_teams_of_a_profile_have_to_exist),
                TEST(test_paths_that_lead_nowhere_are_said_with_their_place),
        };
        return cmocka_run_group_tests_name("config adapters", tests, NULL, NULL);
}
