/* A profile says what is special about one system, and is told exactly where it is wrong. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
/* clang-format on */

#include "base/error.h"
#include "fixture.h"

typedef struct Tried {
        int result;
        Profile *profile;
        ConfigProblems problems;
} Tried;

static void try(Fixture *fixture, const char *content, Tried *tried) {
        char path[256];
        *tried = (Tried){ 0 };
        fixture_write(fixture, "p.yaml", content);
        fixture_path(fixture, "p.yaml", path);
        tried->result = profile_load(path, &tried->profile, &tried->problems);
        assert_true((tried->result == 0) == (tried->profile != NULL));
}

static void done(Tried *tried) {
        profile_free(tried->profile);
        config_problems_deinit(&tried->problems);
}

static void test_all_of_a_profile_is_read(void **state) {
        Tried tried;
        try(*state,
            "authorities:\n"
            "  - {authority: NHS, type: NH, system: \"https://fhir.nhs.uk/Id/nhs-number\", nhs_number: true, traced: "
            "true}\n"
            "  - {type: MR, system: \"carebus:ra9\"}\n"
            "default_authority: carebus:pas\n"
            "nhs_numbers_traced: true\n"
            "timezone: Europe/Dublin\n"
            "charset: ISO-8859-1\n"
            "receiving_applications: [CAREBUS, ROUTE]\n"
            "complete_lists: [demographics.addresses]\n"
            "triggers: {ADT^A60: ignore, ORM: ignore, ORM^O02: handle}\n"
            "fields: {ZPI-3.1: demographics.access_note}\n"
            "maps:\n"
            "  encounter.class:\n"
            "    O: {system: \"urn:x\", code: AMB}\n"
            "    I: {system: \"urn:x\", code: IMP, display: inpatient}\n"
            "  demographics.sex: {1: {system: \"urn:y\", code: male}, NO: {system: \"urn:y\", code: unknown}}\n",
            &tried);
        assert_int_equal(tried.result, 0);
        assert_int_equal(tried.problems.n_items, 0);
        const Profile *p = tried.profile;
        assert_string_equal(p->name, "p");
        assert_int_equal(p->n_authorities, 2);
        assert_true(p->authorities[0].is_nhs_number && p->authorities[0].traced);
        assert_null(p->authorities[1].authority);
        assert_string_equal(p->authorities[1].type, "MR");
        assert_false(p->authorities[1].is_nhs_number);
        assert_string_equal(p->default_authority, "carebus:pas");
        assert_true(p->nhs_numbers_traced);
        assert_string_equal(p->timezone, "Europe/Dublin");
        assert_string_equal(p->charset, "ISO-8859-1");
        assert_int_equal(p->n_receiving_applications, 2);
        assert_true(profile_list_is_complete(p, "demographics.addresses"));
        assert_false(profile_list_is_complete(p, "demographics.names"));
        assert_string_equal(p->fields[0].from, "ZPI-3.1");
        assert_string_equal(p->fields[0].to, "demographics.access_note");
        assert_int_equal(p->n_maps, 2);
        const ProfileMap *class = profile_find_map(p, "encounter.class");
        assert_string_equal(profile_map_find(class, "I")->to_display, "inpatient");
        assert_null(profile_map_find(class, "O")->to_display);
        assert_null(profile_map_find(class, "E"));
        assert_null(profile_find_map(p, "encounter.clas"));
        assert_string_equal(profile_map_find(profile_find_map(p, "demographics.sex"), "NO")->to_code, "unknown");
        done(&tried);
}

static void test_triggers_go_by_message_then_by_type(void **state) {
        Tried tried;
        try(*state, "triggers: {ADT^A60: ignore, ORM: ignore, ORM^O02: handle}\n", &tried);
        const Profile *p = tried.profile;
        assert_int_equal(profile_trigger_rule(p, "ADT", "A60"), PROFILE_TRIGGER_IGNORE);
        assert_int_equal(profile_trigger_rule(p, "ADT", "A01"), PROFILE_TRIGGER_HANDLE);
        assert_int_equal(profile_trigger_rule(p, "ADT", NULL), PROFILE_TRIGGER_HANDLE);
        assert_int_equal(profile_trigger_rule(p, "ORM", "O01"), PROFILE_TRIGGER_IGNORE);
        assert_int_equal(profile_trigger_rule(p, "ORM", "O02"), PROFILE_TRIGGER_HANDLE);
        assert_int_equal(profile_trigger_rule(p, "ORM", NULL), PROFILE_TRIGGER_IGNORE);
        assert_int_equal(profile_trigger_rule(p, "ORMX", "O01"), PROFILE_TRIGGER_HANDLE);
        assert_int_equal(profile_trigger_rule(p, "", ""), PROFILE_TRIGGER_HANDLE);
        done(&tried);
}

static void test_each_mistake_has_its_place(void **state) {
        static const struct {
                const char *content;
                unsigned line, column;
                const char *part, *hint;
        } mistakes[] = {
                { "map: {}", 1, 1, "unknown key 'map'", "did you mean 'maps'?" },
                { "authorities: {}", 1, 14, "expected a list, not a mapping", NULL },
                { "authorities:\n  - {authority: NHS}", 2, 5, "authorities.1: 'system' is missing", "URI" },
                { "authorities:\n  - {system: \"urn:x\"}", 2, 5, "neither 'authority' nor 'type'",
                  "default_authority" },
                { "authorities:\n  - {type: X, system: nonsense}", 2, 23, "expected a URI", "whose they are" },
                { "authorities:\n  - {type: X, system: \"urn:x\", nhs_number: yes}", 2, 44,
                  "expected true or false, not 'yes'", NULL },
                { "maps: []", 1, 7, "expected canonical paths with a mapping", NULL },
                { "maps: {Encounter.Class: {}}", 1, 8, "expected a canonical path", "fields" },
                { "maps: {encounter..class: {}}", 1, 8, "expected a canonical path", NULL },
                { "maps: {encounter.class: {I: IMP}}", 1, 29, "expected a mapping (key: value), not a single value",
                  NULL },
                { "maps: {encounter.class: {I: {code: IMP}}}", 1, 29, "maps.encounter.class.I: 'system' is missing",
                  NULL },
                { "maps: {encounter.class: {I: {system: \"urn:x\"}}}", 1, 29, "'code' is missing", NULL },
                { "maps: {encounter.class: {I: {system: \"urn:x\", code: X, dsplay: y}}}", 1, 56,
                  "unknown key 'dsplay'", "did you mean 'display'?" },
                { "maps: {encounter.class: {\"\": {system: \"urn:x\", code: X}}}", 1, 26, "a key is 1 to 200 bytes",
                  NULL },
                { "fields: {ZPI-3.1: Access Note}", 1, 19, "expected a canonical path such as demographics.access_note",
                  NULL },
                { "triggers: {ADT_A60: ignore}", 1, 12, "'ADT_A60' is no message type", "ADT^A60" },
                { "triggers: {ADT^A60: ignor}", 1, 21, "expected one of handle, ignore", "did you mean 'ignore'?" },
                { "triggers: {ADT^A60: }", 1, 21, "expected one of handle, ignore", NULL },
                { "timezone: Europe/Lndon", 1, 11, "no time zone", "did you mean 'Europe/London'?" },
                { "charset: LATIN-99", 1, 10, "iconv knows no 'LATIN-99'", "iconv --list" },
                { "complete_lists: [demographics.names]\nx: 1", 2, 1, "unknown key 'x'", NULL },
                { "nhs_numbers_traced: maybe", 1, 21, "expected true or false", NULL },
                { "a: &x 1", 1, 4, "anchors", NULL },
        };
        for (size_t i = 0; i < ELEMENTSOF(mistakes); i++) {
                Tried tried;
                try(*state, mistakes[i].content, &tried);
                const ConfigProblem *problem = tried.problems.n_items > 0 ? &tried.problems.items[0] : NULL;
                if (tried.result != CONFIG_E_INVALID || tried.problems.n_items != 1 ||
                    problem->line != mistakes[i].line || problem->column != mistakes[i].column ||
                    !strstr(problem->message, mistakes[i].part) ||
                    (mistakes[i].hint && (!problem->hint || !strstr(problem->hint, mistakes[i].hint)))) {
                        config_problems_print(&tried.problems, stderr);
                        fail_msg("%s: expected only %u:%u %s", mistakes[i].content, mistakes[i].line,
                                 mistakes[i].column, mistakes[i].part);
                }
                done(&tried);
        }
}

static void test_a_missing_profile_file_is_a_problem(void **state) {
        Profile *profile = NULL;
        ConfigProblems problems = { 0 };
        assert_int_equal(profile_load("/nonexistent/p.yaml", &profile, &problems), CONFIG_E_INVALID);
        assert_int_equal(problems.n_errors, 1);
        assert_string_equal(problems.items[0].file, "/nonexistent/p.yaml");
        config_problems_deinit(&problems);
        assert_null(profile_free(NULL));
}

static void test_an_empty_profile_is_good(void **state) {
        Tried tried;
        try(*state, "", &tried);
        assert_int_equal(tried.result, 0);
        assert_int_equal(tried.profile->n_authorities + tried.profile->n_maps, 0);
        assert_int_equal(profile_trigger_rule(tried.profile, "ADT", "A01"), PROFILE_TRIGGER_HANDLE);
        done(&tried);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
        const struct CMUnitTest tests[] = {
                TEST(test_all_of_a_profile_is_read),   TEST(test_triggers_go_by_message_then_by_type),
                TEST(test_each_mistake_has_its_place), TEST(test_a_missing_profile_file_is_a_problem),
                TEST(test_an_empty_profile_is_good),
        };
        return cmocka_run_group_tests_name("config profile", tests, NULL, NULL);
}
