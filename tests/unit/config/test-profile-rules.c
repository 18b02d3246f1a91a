/* Rules of a profile: where fields come from, which message means what, whose event it is, tables, signatures, whole lists. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
/* clang-format on */

#include "base/error.h"
#include "config/profile-path.h"
#include "config/templates.h"
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
        if (tried->result == CONFIG_E_INVALID)
                assert_null(tried->profile);
}

static void try_good(Fixture *fixture, const char *content, Tried *tried) {
        try(fixture, content, tried);
        if (tried->result != 0 || tried->problems.n_items != 0) {
                config_problems_print(&tried->problems, stderr);
                fail_msg("not good:\n%s", content);
        }
}

static void done(Tried *tried) {
        profile_free(tried->profile);
        config_problems_deinit(&tried->problems);
}

static void test_places_are_checked_in_their_language(void **state) {
        static const char *const hl7[] = { "PID-3",           "PID-3.1",         "PID-3[4=RA9].1",
                                           "OBX[3.1=1234]-5", "OBX[3=8867-4]-5", "PID-3[4!=RA9][2].1",
                                           "PID[2]-3[1].4.2", "OBX-3-1",         "ZPI-3.1" };
        static const char *const fhir[] = { "Patient.name.family", "Patient.extension('https://x/y').valueString",
                                            "Encounter.identifier[1].value",
                                            "Patient.telecom.where(system = 'phone' and use = 'home').value.first()",
                                            "Observation.value.ofType(CodeableConcept).text" };
        static const char *const columns[] = { "Key safe",      "DOB",     "D.O.B.",  "NHS-No",
                                               "No. of visits", "DNA-CPR", "local_id" };
        static const char *const wrong[] = {
                "",           "PID-0",         "PID-3.",       "PID-3[",         "PID-3[4=RA9", "PID[x]-3",
                "PID-3[4]]",  "PID-3.1.2.3",   "PID[1]",       "PID-3[4=RA9].x", "Patient.",    "Patient..a",
                "Patient.a(", "Patient.a('x)", "Patient.a[x]", "Patient.a)",     "Patient.a b", "a\nb"
        };
        char long_text[PROFILE_PATH_MAX + 2];
        for (size_t i = 0; i < ELEMENTSOF(hl7); i++)
                if (!profile_path_is_valid(hl7[i]) || profile_path_language(hl7[i]) != PROFILE_LANGUAGE_HL7)
                        fail_msg("%s", hl7[i]);
        for (size_t i = 0; i < ELEMENTSOF(fhir); i++)
                if (!profile_path_is_valid(fhir[i]) || profile_path_language(fhir[i]) != PROFILE_LANGUAGE_FHIR)
                        fail_msg("%s", fhir[i]);
        for (size_t i = 0; i < ELEMENTSOF(columns); i++)
                if (!profile_path_is_valid(columns[i]) || profile_path_language(columns[i]) != PROFILE_LANGUAGE_COLUMN)
                        fail_msg("%s", columns[i]);
        for (size_t i = 0; i < ELEMENTSOF(wrong); i++)
                if (profile_path_is_valid(wrong[i]))
                        fail_msg("'%s'", wrong[i]);
        memset(long_text, 'x', sizeof(long_text) - 1);
        long_text[sizeof(long_text) - 1] = '\0';
        assert_false(profile_path_is_valid(long_text));
}

static void test_fields_are_read_in_both_forms(void **state) {
        Tried tried;
        try_good(*state,
                 "fields:\n"
                 "  - {from: \"PID-3[4=RA9].1\", to: \"demographics.identifiers[2].value\", when: ADT^A28}\n"
                 "  - {from: Key safe, to: demographics.access_note, when: people}\n"
                 "  - {from: \"identifier[1].value\", to: encounter.reason, when: Encounter}\n"
                 "ignore: [PID-35, ZBE, Patient.photo, Age]\n",
                 &tried);
        assert_int_equal(tried.profile->n_fields, 3);
        assert_string_equal(tried.profile->fields[0].from, "PID-3[4=RA9].1");
        assert_string_equal(tried.profile->fields[0].to, "demographics.identifiers[2].value");
        assert_string_equal(tried.profile->fields[0].when, "ADT^A28");
        assert_int_equal(tried.profile->n_ignore, 4);
        assert_string_equal(tried.profile->ignore[1], "ZBE");
        done(&tried);
        try_good(*state, "fields: {ZPI-3.1: demographics.access_note}\nignore: ZBE\n", &tried);
        assert_int_equal(tried.profile->n_fields, 1);
        assert_null(tried.profile->fields[0].when);
        assert_int_equal(tried.profile->n_ignore, 1);
        done(&tried);
}

static void test_a_trigger_may_mean_another(void **state) {
        Tried tried;
        try_good(*state, "triggers: {ADT^A04: {as: ADT^A28}, ADT: handle, BAR: ignore}\n", &tried);
        const ProfileTrigger *found = profile_trigger_find(tried.profile, "ADT", "A04");
        assert_string_equal(found->as, "ADT^A28");
        assert_int_equal(found->rule, PROFILE_TRIGGER_HANDLE);
        assert_null(profile_trigger_find(tried.profile, "ADT", "A01")->as);
        assert_null(profile_trigger_find(tried.profile, "ORU", "R01"));
        assert_int_equal(profile_trigger_rule(tried.profile, "BAR", "P01"), PROFILE_TRIGGER_IGNORE);
        done(&tried);
}

static void test_teams_have_conditions(void **state) {
        Tried tried;
        try_good(*state,
                 "teams:\n"
                 "  - {team: a, when: {encounter.specialty: [\"315\", Palliative Medicine], encounter.class: IMP}}\n"
                 "  - team: b\n",
                 &tried);
        assert_int_equal(tried.profile->n_teams, 2);
        const ProfileTeam *team = &tried.profile->teams[0];
        assert_int_equal(team->n_conditions, 2);
        assert_string_equal(team->conditions[0].path, "encounter.specialty");
        assert_int_equal(team->conditions[0].n_values, 2);
        assert_string_equal(team->conditions[0].values[1], "Palliative Medicine");
        assert_int_equal(team->conditions[1].n_values, 1);
        assert_int_equal(tried.profile->teams[1].n_conditions, 0);
        done(&tried);
        try(*state, "teams:\n  - team: a\n  - {team: b, when: {encounter.class: IMP}}\n", &tried);
        assert_int_equal(tried.result, 0);
        assert_int_equal(tried.problems.n_items, 1);
        assert_non_null(strstr(tried.problems.items[0].message, "teams.1: holds always"));
        done(&tried);
}

static void test_a_table_is_a_template_in_its_own_dress(void **state) {
        Tried tried;
        try_good(*state,
                 "tables:\n"
                 "  people:\n"
                 "    files: \"Patient*.csv\"\n"
                 "    delimiter: tab\n"
                 "    dates: day-first\n"
                 "    columns: {NHS No: nhs_number, Our number: local_id}\n"
                 "    values: {sex: {Man: male, Woman: female}}\n"
                 "    ignore: [Age]\n"
                 "    complete: true\n"
                 "  plan:\n"
                 "    signed: {by: \"Dr A\", on: 2026-03-01}\n"
                 "    values: {cpr: {DNACPR: do not attempt CPR}, status: {old: ended}}\n"
                 "  scores:\n",
                 &tried);
        const ProfileTable *people = profile_table_find(tried.profile, "people");
        const ProfileTable *plan = profile_table_find(tried.profile, "plan");
        const ProfileTable *scores = profile_table_find(tried.profile, "scores");
        assert_null(profile_table_find(tried.profile, "stays"));
        assert_string_equal(people->files, "Patient*.csv");
        assert_int_equal(people->delimiter, '\t');
        assert_int_equal(people->dates, PROFILE_DATES_DAY_FIRST);
        assert_int_equal(people->n_columns, 2);
        assert_string_equal(people->columns[0].column, "NHS No");
        assert_string_equal(people->columns[0].to, "nhs_number");
        assert_int_equal(people->n_values, 2);
        assert_string_equal(people->values[1].column, "sex");
        assert_string_equal(people->values[1].said, "Woman");
        assert_string_equal(people->values[1].meant, "female");
        assert_true(people->is_complete);
        assert_string_equal(people->ignore[0], "Age");
        assert_string_equal(plan->signed_by, "Dr A");
        assert_string_equal(plan->signed_on, "2026-03-01");
        assert_int_equal(plan->n_values, 2);
        assert_int_equal(scores->delimiter, 0);
        assert_int_equal(scores->dates, PROFILE_DATES_UNSAID);
        assert_null(scores->files);
        assert_false(scores->is_complete);
        done(&tried);
}

static void test_a_map_of_decisions_is_signed(void **state) {
        Tried tried;
        try_good(*state,
                 "maps:\n"
                 "  decision.decision:\n"
                 "    signed: {by: \"Dr A, clinical safety officer\", on: 2026-03-01}\n"
                 "    X: {system: \"http://snomed.info/sct\", code: \"450476008\"}\n"
                 "  document.completion:\n"
                 "    signed: {system: \"urn:x\", code: legal}\n",
                 &tried);
        const ProfileMap *map = profile_find_map(tried.profile, "decision.decision");
        assert_true(profile_map_is_signed(map));
        assert_string_equal(map->signed_by, "Dr A, clinical safety officer");
        assert_int_equal(map->n_entries, 1);
        /* a source may have a code of that name */
        map = profile_find_map(tried.profile, "document.completion");
        assert_false(profile_map_is_signed(map));
        assert_string_equal(profile_map_find(map, "signed")->to_code, "legal");
        done(&tried);
}

static void test_words_are_one_in_capitals_and_codes_are_not(void **state) {
        Tried tried;
        try_good(*state,
                 "maps: {encounter.admission_source: {Home: {system: \"urn:x\", code: \"19\"}, a1: {system: \"urn:x\", "
                 "code: b}, "
                 "N: {system: \"urn:x\", code: c}}}\n",
                 &tried);
        const ProfileMap *map = profile_find_map(tried.profile, "encounter.admission_source");
        assert_string_equal(profile_map_find(map, "HOME")->to_code, "19");
        assert_null(profile_map_find(map, "A1"));
        assert_null(profile_map_find(map, "n"));
        assert_null(profile_map_find(map, "Homes"));
        done(&tried);
}

static void test_whole_lists_are_paths_or_sections(void **state) {
        Tried tried;
        try_good(*state, "complete_lists: [demographics.names, conditions, care_team, related_persons]\n", &tried);
        assert_true(profile_list_is_complete(tried.profile, "care-team"));
        assert_true(profile_list_is_complete(tried.profile, "care_team"));
        assert_true(profile_list_is_complete(tried.profile, "demographics.names"));
        assert_false(profile_list_is_complete(tried.profile, "demographics.name"));
        assert_false(profile_list_is_complete(tried.profile, "care_teams"));
        done(&tried);
}

/* One mistake each, at its place. */
static void test_each_mistake_of_a_rule_has_its_place(void **state) {
        static const struct {
                const char *content;
                unsigned line, column;
                const char *part, *hint;
        } mistakes[] = {
                { "maps:\n  encounter.class:\n    singed: {by: A, on: 2026-03-01}", 3, 5, "unknown key 'singed'",
                  "'signed'" },
                { "maps:\n  encounter.class:\n    signature: {by: A, on: 2026-03-01}", 3, 5, "unknown key",
                  "'signed'" },
                { "triggers: {ADT^A60: {as: A28}}", 1, 26, "'A28' is no message type", "ADT^A28" },
                { "triggers: {ADT^A60: {is: ADT^A28, as: ADT^A28}}", 1, 22, "unknown key 'is'", NULL },
                { "triggers: {ADT^A60: {}}", 1, 21, "'as' is missing", NULL },
                { "fields: 1", 1, 9, "expected a list of {from, to}", NULL },
                { "fields:\n  - {from: PID-0, to: demographics.access_note}", 2, 12,
                  "expected a place in the source's message", "docs/profiles.md" },
                { "fields:\n  - {from: \"Patient.a(\", to: demographics.access_note}", 2, 12, "fields.1.from", NULL },
                { "fields:\n  - {to: demographics.access_note}", 2, 5, "'from' is missing", NULL },
                { "fields:\n  - {from: X, to: \"demographics.names[0]\"}", 2, 19, "expected a canonical path",
                  "second of a list" },
                { "fields:\n  - {from: PID-3, to: demographics.access_note, when: A28}", 2, 55, NULL, NULL },
                { "fields:\n  - {from: PID-3, to: demographics.access_note, when: ADT_A01}", 2, 55,
                  "expected a message type", NULL },
                { "fields:\n  - {from: Patient.photo, to: demographics.access_note, when: a b}", 2, 63,
                  "expected a type of resource", NULL },
                { "fields:\n  - {from: Key safe, to: demographics.access_note, when: peple}", 2, 58,
                  "the name of a table", NULL },
                { "fields:\n  - {from: X, to: demographics.access_note, wen: people}", 2, 45, "unknown key 'wen'",
                  "did you mean 'when'?" },
                { "ignore: [\"PID-3[\"]", 1, 10, "expected a place in the source's message", NULL },
                { "complete_lists: [decisions]", 1, 18, "cannot be a complete list", "only when somebody says so" },
                { "complete_lists: [adrt]", 1, 18, "cannot be a complete list", NULL },
                { "complete_lists: [lpa]", 1, 18, "cannot be a complete list", NULL },
                { "complete_lists: [allergies]", 1, 18, "cannot be a complete list", NULL },
                { "complete_lists: alerts", 1, 17, "cannot be a complete list", NULL },
                { "complete_lists: [consent.scope]", 1, 18, "cannot be a complete list", NULL },
                { "complete_lists: [restriction]", 1, 18, "cannot be a complete list", NULL },
                { "complete_lists: [death]", 1, 18, "cannot be a complete list", NULL },
                { "complete_lists: [decision.reasons]", 1, 18, "cannot be a complete list", NULL },
                { "complete_lists: [demographics.deceased]", 1, 18, "cannot be a complete list", NULL },
                { "complete_lists: [sensitivity.labels]", 1, 18, "cannot be a complete list", NULL },
                { "complete_lists: [condition]", 1, 18, "is no list", "did you mean 'conditions'?" },
                { "maps:\n  decision.decision:\n    X: {system: \"urn:x\", code: y}", 2, 3, "needs a signature",
                  "a clinician answers for it" },
                { "maps:\n  decision.place:\n    X: {system: \"urn:x\", code: y}", 2, 3, "needs a signature", NULL },
                { "maps:\n  encounter.class:\n    signed: {by: me}", 3, 13, "'on' is missing", NULL },
                { "maps:\n  encounter.class:\n    signed: {by: me, on: 2026-02-30}", 3, 26, "expected a day",
                  "2026-03-01" },
                { "maps:\n  encounter.class:\n    Home: {system: \"urn:x\", code: y}\n    HOME: {system: \"urn:x\", "
                  "code: z}",
                  4, 11, "differ in capitals alone", NULL },
                { "teams: {}", 1, 8, "expected a list of {team, when}", NULL },
                { "teams:\n  - {when: {encounter.class: I}}", 2, 5, "'team' is missing", NULL },
                { "teams:\n  - {team: A B}", 2, 12, "expected a name", NULL },
                { "teams:\n  - {team: a, when: {encounter.class: []}}", 2, 39, "this never holds", NULL },
                { "teams:\n  - {team: a, when: {Class: I}}", 2, 22, "expected a canonical path", NULL },
                { "teams:\n  - {team: a, when: [I]}", 2, 21, "canonical paths with values", NULL },
                { "tables: {peple: {}}", 1, 10, "no table 'peple'", "did you mean 'people'?" },
                { "tables: {people: {dates: day}}", 1, 26, "expected one of day-first", NULL },
                { "tables: {people: {delimiter: \",\"}}", 1, 30, "expected one of comma", NULL },
                { "tables: {people: {columns: {DOB: birthdate}}}", 1, 34, "table people has no column 'birthdate'",
                  "did you mean 'birth_date'?" },
                { "tables: {people: {values: {gender: {M: male}}}}", 1, 28, "table people has no column 'gender'",
                  NULL },
                { "tables: {people: {values: {cpr: {M: attempt CPR}}}}", 1, 28, "table people has no column 'cpr'",
                  NULL },
                { "tables: {plan: {values: {cpr: {Y: attempt CPR}}}}", 1, 26, "need a signature",
                  "a clinician answers" },
                { "tables: {plan: {values: {value: {Y: attempt CPR}}}}", 1, 26, "need a signature", NULL },
                { "tables: {plan: {signed: {by: x, on: 2026-03-01}, values: {cpr: {Y: \"yes\"}}}}", 1, 68,
                  "expected 'attempt CPR' or 'do not attempt CPR'", NULL },
                { "tables: {plan: {signed: {by: x}, values: {cpr: {Y: attempt CPR}}}}", 1, 25,
                  "tables.plan.signed: 'on' is missing", NULL },
        };
        for (size_t i = 0; i < ELEMENTSOF(mistakes); i++) {
                Tried tried;
                try(*state, mistakes[i].content, &tried);
                if (!mistakes[i].part) { /* A28 alone is a type of its own: three letters */
                        assert_int_equal(tried.result, 0);
                        done(&tried);
                        continue;
                }
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

/* The examples of docs/profiles.md, each as it stands. */
static void test_every_example_of_the_page_is_good(void **state) {
        const char *source = getenv("CAREBUS_SOURCE");
        char path[512];
        Buffer content = BUFFER_NULL;
        size_t n = 0;
        snprintf(path, sizeof(path), "%s/docs/profiles.md", source ? source : ".");
        int r = file_read(path, 1 << 20, &content);
        if (r < 0)
                fail_msg("%s: %s", path, strerror(-r));
        _cleanup_(freep) char *page = buffer_steal_text(&content);
        for (char *at = page; (at = strstr(at, "\n```yaml\n")); n++) {
                char *end = strstr(at + 9, "\n```\n");
                assert_non_null(end);
                _cleanup_(freep) char *example = strndup(at + 9, (size_t)(end - at) - 8);
                Tried tried;
                try_good(*state, example, &tried);
                done(&tried);
                at = end;
        }
        assert_true(n >= 10);
}

/* etc/templates has a file for each; whoever fills it in uses columns that are known. */
static void test_every_template_file_has_columns_that_are_known(void **state) {
        const char *source = getenv("CAREBUS_SOURCE");
        const Template *template;
        for (size_t i = 0; (template = template_at(i)) && template_is_shipped(template); i++) {
                char path[512];
                Buffer content = BUFFER_NULL;
                snprintf(path, sizeof(path), "%s/etc/templates/%s.csv", source ? source : ".", template->name);
                if (file_read(path, 1 << 20, &content) < 0) {
                        print_message("# skipped: no %s\n", path);
                        continue;
                }
                _cleanup_(freep) char *text = buffer_steal_text(&content);
                char *state_of_line = NULL, *at = text + (strncmp(text, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0);
                at[strcspn(at, "\r\n")] = '\0';
                for (char *name = strtok_r(at, ",", &state_of_line); name; name = strtok_r(NULL, ",", &state_of_line))
                        if (!template_has_column(template, name))
                                fail_msg("%s: column %s is in no table", path, name);
        }
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
        const struct CMUnitTest tests[] = {
                TEST(test_places_are_checked_in_their_language),
                TEST(test_fields_are_read_in_both_forms),
                TEST(test_a_trigger_may_mean_another),
                TEST(test_teams_have_conditions),
                TEST(test_a_table_is_a_template_in_its_own_dress),
                TEST(test_a_map_of_decisions_is_signed),
                TEST(test_words_are_one_in_capitals_and_codes_are_not),
                TEST(test_whole_lists_are_paths_or_sections),
                TEST(test_each_mistake_of_a_rule_has_its_place),
                TEST(test_every_example_of_the_page_is_good),
                TEST(test_every_template_file_has_columns_that_are_known),
        };
        return cmocka_run_group_tests_name("config profile rules", tests, NULL, NULL);
}
