/* Destinations: what holds where nothing is said, what each adapter needs, and what it does not look at. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
/* clang-format on */

#include <errno.h>
#include <sys/stat.h>

#include "fixture.h"

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

#define GOOD                                                                                \
        "bus: b\ntimezone: Europe/London\n"                                                 \
        "teams: {ward: {class: clinical, organisation: RA9}, hospice: {class: clinical}}\n" \
        "sources: {pas: {team: ward, adapter: own}, files: {team: hospice, adapter: own}}\n"

static const ConfigDestination *destination_of(const Fixture *fixture, const char *name) {
        ssize_t index = config_find_destination(fixture->config, name);
        assert_true(index >= 0);
        return &fixture->config->destinations[index];
}

static void test_defaults_are_those_of_the_reference(void **state) {
        Fixture *fixture = *state;
        fixture_try(fixture, GOOD "destinations:\n  hl7: {team: ward, adapter: mllp, connect: \"192.0.2.7:2575\"}\n"
                                  "  api: {team: ward, adapter: fhir, url: \"https://fhir.example.org/r4\"}\n"
                                  "  sheet: {team: hospice, adapter: csv, folder: /var/tmp}\n");
        fixture_assert_good(fixture);
        assert_int_equal(fixture->problems.n_items, 0);
        assert_int_equal(fixture->config->n_destinations, 3);
        assert_int_equal(config_find_destination(fixture->config, "hl"), -ENOENT);
        const ConfigDestination *hl7 = destination_of(fixture, "hl7");
        assert_string_equal(hl7->connect, "192.0.2.7:2575");
        assert_string_equal(hl7->application, "carebus");
        assert_string_equal(hl7->facility, "b");
        assert_string_equal(hl7->receiving_application, "hl7");
        assert_string_equal(hl7->receiving_facility, "RA9");
        assert_int_equal(hl7->timeout, 30);
        assert_int_equal(hl7->tries, 8);
        assert_int_equal(hl7->pause_max, 300);
        assert_int_equal(hl7->window, 16);
        assert_string_equal(hl7->timezone, "Europe/London");
        assert_string_equal(hl7->profile->name, "default");
        assert_int_equal(hl7->peer.uid, geteuid());
        assert_int_equal(hl7->n_sources, 1);
        assert_string_equal(fixture->config->sources[hl7->sources[0]].name, "pas");
        assert_int_equal(hl7->n_types, 0);
        assert_null(hl7->form);
        assert_string_equal(destination_of(fixture, "api")->form, "transaction");
        const ConfigDestination *sheet = destination_of(fixture, "sheet");
        assert_string_equal(sheet->form, "both");
        assert_int_equal(sheet->list_every, 3600);
        assert_null(sheet->daily);
        assert_string_equal(fixture->config->teams[sheet->team].name, "hospice");
        assert_string_equal(fixture->config->sources[sheet->sources[0]].name, "files");
}

static void test_everything_that_is_said_arrives(void **state) {
        Fixture *fixture = *state;
        char path[256];
        fixture_write(fixture, "profiles/special.yaml", "timezone: Europe/Dublin\n");
        fixture_write(fixture, "secret", "x\n");
        fixture_path(fixture, "secret", path);
        assert_int_equal(chmod(path, 0600), 0);
        fixture_try(
                fixture, GOOD
                "destinations:\n"
                "  hl7: {team: ward, adapter: mllp, connect: \"127.0.0.1:2575\", profile: special, sources: [files, "
                "pas],\n"
                "    application: A, facility: F, receiving_application: RA, receiving_facility: RF, timeout: 5s,\n"
                "    tries: 3, pause_max: 1m, window: 1, types: [encounter.admitted, death.*], user: 0,\n"
                "    tls: {certificate: %s/secret, key: %s/secret}, authority: %s/secret}\n"
                "  api: {team: ward, adapter: fhir, facade: \"127.0.0.1:8090\", facade_token: %s/secret, form: "
                "message,\n"
                "    url: \"http://127.0.0.1:8080/fhir\", token: %s/secret, timezone: Europe/Paris}\n"
                "  sheet: {team: hospice, adapter: csv, folder: %s, daily: \"07:30\", list_every: 10m, form: exact}\n"
                "audit: {key: /etc/carebus/audit.pem}\n");
        fixture_assert_good(fixture);
        assert_int_equal(fixture->problems.n_items, 0);
        const ConfigDestination *hl7 = destination_of(fixture, "hl7"), *api = destination_of(fixture, "api");
        assert_string_equal(hl7->timezone, "Europe/Dublin");
        assert_int_equal(hl7->n_sources, 2);
        assert_string_equal(hl7->receiving_facility, "RF");
        assert_true(hl7->timeout == 5 && hl7->tries == 3 && hl7->pause_max == 60 && hl7->window == 1);
        assert_string_equal(hl7->types[0], "encounter.admitted");
        assert_non_null(hl7->tls.key);
        assert_int_equal(hl7->peer.uid, 0);
        assert_string_equal(api->form, "message");
        assert_string_equal(api->timezone, "Europe/Paris");
        assert_string_equal(api->facade, "127.0.0.1:8090");
        assert_string_equal(destination_of(fixture, "sheet")->daily, "07:30");
        assert_int_equal(destination_of(fixture, "sheet")->list_every, 600);
        assert_string_equal(fixture->config->audit_key, "/etc/carebus/audit.pem");
}

static void test_each_mistake_has_its_place_and_what_was_meant(void **state) {
        static const struct {
                const char *said, *message, *hint;
        } cases[] = {
                { "team: wrd, adapter: csv, folder: /var/tmp", "destinations.x.team: no team 'wrd'", "ward" },
                { "team: ward, adapter: csv", "adapter csv needs 'folder'", "folder" },
                { "team: ward, adapter: mllp", "adapter mllp needs 'connect'", "connect" },
                { "team: ward, adapter: fhir", "needs 'url' or 'facade'", "url" },
                { "team: ward, adapter: fhir, url: \"http://example.org/r4\"", "in the clear", "https" },
                { "team: ward, adapter: fhir, facade: \"127.0.0.1:1\"", "needs 'facade_token'", "facade_token" },
                { "team: ward, adapter: fhir, url: \"https://a.example/\", form: people", "adapter fhir has no form",
                  "transaction" },
                { "team: ward, adapter: csv, folder: /var/tmp, form: message", "adapter csv has no form", "exact" },
                { "team: ward, adapter: csv, folder: /var/tmp, sources: [pass]", "no source 'pass'", "pas" },
                { "team: ward, adapter: csv, folder: /var/tmp, daily: \"7:30\"", "expected an hour and a minute",
                  "quotes" },
                { "team: ward, adapter: csv, folder: /var/tmp, daily: \"24:00\"", "expected an hour and a minute",
                  NULL },
                { "team: ward, adapter: csv, folder: /var/tmp, list_every: 2h", "outside 10s to 1h", NULL },
                { "team: ward, adapter: csv, folder: /var/tmp, tries: 0", "outside 1 to 1000", NULL },
                { "team: ward, adapter: csv, folder: /var/tmp, timezone: Europe/Londn", "no time zone", "London" },
                { "team: ward, adapter: mllp, connect: \"127.0.0.1:1\", tls: {certificate: /etc/passwd}",
                  "come together", NULL },
                { "team: ward, adapter: mllp, connect: \"host:1\"", "expected an address and port", NULL },
        };
        Fixture *fixture = *state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                char content[1000];
                snprintf(content, sizeof(content), GOOD "destinations:\n  x: {%s}\n", cases[i].said);
                fixture_try(fixture, content);
                const ConfigProblem *problem = fixture_problem(fixture, cases[i].message);
                assert_int_equal(fixture->result, CONFIG_E_INVALID);
                assert_true(problem->line == 6 && problem->column > 1);
                if (cases[i].hint && (!problem->hint || !strstr(problem->hint, cases[i].hint)))
                        fail_msg("hint of '%s': %s", cases[i].message, problem->hint ? problem->hint : "none");
        }
}

static void test_what_an_adapter_does_not_look_at_is_said(void **state) {
        Fixture *fixture = *state;
        fixture_try(fixture, GOOD
                    "destinations:\n  x: {team: ward, adapter: csv, folder: /var/tmp, connect: \"127.0.0.1:1\"}\n");
        fixture_assert_good(fixture);
        fixture_assert_only(fixture, 6, 60, "destinations.x.connect: adapter csv does not look at it", NULL);
        fixture_try(
                fixture, GOOD
                "destinations:\n  x: {team: ward, adapter: vendor-own, connect: \"127.0.0.1:1\", folder: /var/tmp}\n");
        fixture_assert_good(fixture);
        assert_int_equal(fixture->problems.n_items, 0);
}

static void test_a_folder_that_a_source_reads_is_no_destination(void **state) {
        Fixture *fixture = *state;
        fixture_try(
                fixture,
                "bus: b\nteams: {ward: {class: clinical}}\nsources: {s: {team: ward, adapter: csv, folder: /var/tmp}}\n"
                "destinations: {x: {team: ward, adapter: csv, folder: /var/tmp}}\n");
        assert_int_equal(fixture->result, CONFIG_E_INVALID);
        fixture_problem(fixture, "destinations.x.folder: source s reads this folder too");
}

static void test_a_facade_clashes_with_who_listens_there(void **state) {
        Fixture *fixture = *state;
        fixture_write(fixture, "tokens", "a b\n");
        fixture_try(fixture, "bus: b\nteams: {ward: {class: clinical}}\n"
                             "sources: {s: {team: ward, adapter: mllp, listen: \"127.0.0.1:2575\"}}\n"
                             "destinations: {x: {team: ward, adapter: fhir, facade: \"127.0.0.1:2575\", facade_token: "
                             "%s/tokens}}\n");
        assert_int_equal(fixture->result, CONFIG_E_INVALID);
        fixture_problem(fixture, "destinations.x.facade: 127.0.0.1:2575 is taken by sources.s.listen");
}

static void test_tokens_that_everybody_can_read_are_refused(void **state) {
        Fixture *fixture = *state;
        char path[256];
        fixture_write(fixture, "tokens", "a b\n");
        fixture_path(fixture, "tokens", path);
        assert_int_equal(chmod(path, 0644), 0);
        fixture_try(
                fixture, GOOD
                "destinations: {x: {team: ward, adapter: fhir, facade: \"127.0.0.1:1\", facade_token: %s/tokens}}\n");
        assert_int_equal(fixture->result, CONFIG_E_INVALID);
        fixture_problem(fixture, "everybody can read the list of tokens");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_defaults_are_those_of_the_reference),
                TEST(test_everything_that_is_said_arrives),
                TEST(test_each_mistake_has_its_place_and_what_was_meant),
                TEST(test_what_an_adapter_does_not_look_at_is_said),
                TEST(test_a_folder_that_a_source_reads_is_no_destination),
                TEST(test_a_facade_clashes_with_who_listens_there),
                TEST(test_tokens_that_everybody_can_read_are_refused),
        };
        return cmocka_run_group_tests_name("config destinations", tests, NULL, NULL);
}
