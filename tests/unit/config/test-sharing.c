/* The rules of sharing: those that ship, what a configuration lays over them, and every mistake with its place. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
/* clang-format on */

#include "daemon/stage/check-known.h"
#include "fixture.h"

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

#define GOOD                                                           \
        "bus: b\n"                                                     \
        "teams: {ward: {class: clinical}, crew: {class: ambulance}}\n" \
        "sources: {pas: {team: ward, adapter: own}, epr: {team: ward, adapter: own}}\n"
#define RULE "{name: a, reason: because, classes: [clinical], kinds: [decisions]"

static const ConfigSharingRule *rule_of(const Config *config, const char *name) {
        for (size_t i = 0; i < config->sharing.n_rules; i++)
                if (text_equal(config->sharing.rules[i].name, name))
                        return &config->sharing.rules[i];
        return NULL;
}

static const ConfigSensitive *class_of(const Config *config, const char *name) {
        for (size_t i = 0; i < config->sharing.n_sensitive; i++)
                if (text_equal(config->sharing.sensitive[i].name, name))
                        return &config->sharing.sensitive[i];
        return NULL;
}

static bool has(char *const *list, size_t n, const char *word) {
        for (size_t i = 0; i < n; i++)
                if (text_equal(list[i], word))
                        return true;
        return false;
}

static bool has_code(const ConfigSensitive *class, const char *system, const char *code) {
        for (size_t i = 0; i < class->n_codes; i++)
                if (text_equal(class->codes[i].system, system) && text_equal(class->codes[i].code, code))
                        return true;
        return false;
}

/* As the start does: what loads is held against the contract too. */
static void try_whole(Fixture *fixture, const char *content) {
        size_t size = 0;
        fixture_try(fixture, content);
        if (fixture->result != 0)
                return;
        fixture->result = check_known(fixture->config, fixture->text, &fixture->problems);
        assert_true(fixture->result >= 0);
        free(fixture->printed);
        FILE *stream = open_memstream(&fixture->printed, &size);
        assert_non_null(stream);
        config_problems_print(&fixture->problems, stream);
        fclose(stream);
}

static void assert_mistake(Fixture *fixture, const char *content, const char *message, const char *hint) {
        try_whole(fixture, content);
        const ConfigProblem *problem = fixture_problem(fixture, message);
        assert_int_equal(fixture->result, CONFIG_E_INVALID);
        assert_false(problem->is_warning);
        assert_true(problem->line > 0 && problem->column > 0);
        if (hint && (!problem->hint || !strstr(problem->hint, hint)))
                fail_msg("hint of '%s': %s", message, problem->hint ? problem->hint : "none");
}

/* ---- what ships -------------------------------------------------------------------------------------------------------- */

static void test_without_rules_those_that_ship_hold_and_each_says_why(void **state) {
        Fixture *fixture = *state;
        try_whole(fixture, GOOD);
        fixture_assert_good(fixture);
        const ConfigSharing *sharing = &fixture->config->sharing;
        assert_true(sharing->shipped);
        assert_true(sharing->n_rules > 10 && sharing->n_rules <= 64);
        for (size_t i = 0; i < sharing->n_rules; i++) {
                const ConfigSharingRule *rule = &sharing->rules[i];
                assert_true(strlen(rule->reason) > 40);
                assert_true(rule->n_kinds > 0 && rule->n_classes > 0 && rule->unconfirmed);
        }
        assert_int_equal(sharing->linger_discharge, 14 * 86400);
        assert_int_equal(sharing->linger_death, 90 * 86400);
        assert_int_equal(sharing->contact, 72 * 3600);
        assert_int_equal(sharing->opened_contact, 72 * 3600);
        assert_int_equal(sharing->break_glass, 8 * 3600);
        assert_int_equal(sharing->break_glass_max, 86400);
        assert_int_equal(sharing->originals, 7 * 86400);
        assert_false(sharing->people_all);
        assert_true(has(sharing->answers_calls, sharing->n_answers_calls, "helpline"));
        assert_true(has(sharing->shielded_types, sharing->n_shielded_types, "Address"));
        assert_true(has(sharing->shielded_fields, sharing->n_shielded_fields, "demographics.practice"));
}

/* What is in the file is what is built in, and it is right by the checks that a site's own file goes through. */
static void test_the_shipped_file_reads_as_a_sites_own_file_without_a_word(void **state) {
        Fixture *fixture = *state;
        const char *source = getenv("CAREBUS_SOURCE");
        char path[512];
        Buffer content = BUFFER_NULL;
        snprintf(path, sizeof(path), "%s/etc/sharing.yaml", source ? source : ".");
        assert_int_equal(file_read(path, 1 << 20, &content), 0);
        _cleanup_(freep) char *text = buffer_steal_text(&content);
        assert_null(strstr(text, "%s"));
        fixture_write(fixture, "mine.yaml", text);
        try_whole(fixture, "environment: live\nsharing: mine.yaml\n" GOOD);
        fixture_assert_good(fixture);
        assert_int_equal(fixture->problems.n_items, 0);
        assert_false(fixture->config->sharing.shipped);
        _cleanup_(config_unrefp) Config *own = config_ref(fixture->config);
        try_whole(fixture, GOOD);
        const ConfigSharing *a = &own->sharing, *b = &fixture->config->sharing;
        assert_int_equal(a->n_rules, b->n_rules);
        for (size_t i = 0; i < a->n_rules; i++) {
                assert_string_equal(a->rules[i].name, b->rules[i].name);
                assert_int_equal(a->rules[i].n_fields, b->rules[i].n_fields);
        }
        assert_int_equal(a->n_sensitive, b->n_sensitive);
}

static void test_no_shipped_rule_tells_a_commissioner_of_a_person(void **state) {
        Fixture *fixture = *state;
        try_whole(fixture, GOOD);
        const ConfigSharing *sharing = &fixture->config->sharing;
        for (size_t i = 0; i < sharing->n_rules; i++) {
                const ConfigSharingRule *rule = &sharing->rules[i];
                if (!has(rule->classes, rule->n_classes, "commissioner"))
                        continue;
                for (size_t k = 0; k < rule->n_kinds; k++)
                        assert_true(text_equal(rule->kinds[k], "services") || text_equal(rule->kinds[k], "notices"));
        }
}

static void test_only_a_directory_and_the_bus_itself_need_no_relationship(void **state) {
        Fixture *fixture = *state;
        try_whole(fixture, GOOD);
        const ConfigSharing *sharing = &fixture->config->sharing;
        for (size_t i = 0; i < sharing->n_rules; i++) {
                const ConfigSharingRule *rule = &sharing->rules[i];
                if (has(rule->relationships, rule->n_relationships, "not-needed"))
                        assert_true(text_equal(rule->name, "directory") || text_equal(rule->name, "bus-notices"));
        }
}

static void test_volunteers_and_commissioners_never_get_a_restricted_address(void **state) {
        Fixture *fixture = *state;
        try_whole(fixture, GOOD);
        const ConfigSharing *sharing = &fixture->config->sharing;
        size_t n_shown = 0;
        for (size_t i = 0; i < sharing->n_rules; i++) {
                const ConfigSharingRule *rule = &sharing->rules[i];
                if (!rule->restricted_shown)
                        continue;
                n_shown++;
                assert_false(has(rule->classes, rule->n_classes, "volunteer"));
                assert_false(has(rule->classes, rule->n_classes, "commissioner"));
                assert_true(rule->n_relationships > 0);
                for (size_t k = 0; k < rule->n_relationships; k++)
                        assert_true(text_equal(rule->relationships[k], "planned-visit") ||
                                    text_equal(rule->relationships[k], "opened-contact") ||
                                    text_equal(rule->relationships[k], "contact"));
        }
        assert_true(n_shown > 0);
}

static void test_who_comes_to_the_home_sees_the_resuscitation_decision_its_date_and_its_form(void **state) {
        Fixture *fixture = *state;
        try_whole(fixture, GOOD);
        const ConfigSharingRule *rule = rule_of(fixture->config, "cpr-decision");
        static const char *const classes[] = { "ambulance", "care-home", "social-care" };
        static const char *const fields[] = { "decision.decision", "decision.decided_at",
                                              "decision.original_location" };
        assert_non_null(rule);
        assert_int_equal(rule->n_relationships, 0);
        for (size_t i = 0; i < 3; i++) {
                assert_true(has(rule->classes, rule->n_classes, classes[i]));
                assert_true(has(rule->fields, rule->n_fields, fields[i]));
        }
        assert_false(has(rule->fields, rule->n_fields, "decision.reasons"));
}

static void test_what_the_law_forbids_is_never_shown_and_nobody_names_it(void **state) {
        Fixture *fixture = *state;
        try_whole(fixture, GOOD);
        const ConfigSharing *sharing = &fixture->config->sharing;
        static const char *const never[] = { "assisted-conception", "gender-reassignment" };
        for (size_t i = 0; i < 2; i++) {
                const ConfigSensitive *class = class_of(fixture->config, never[i]);
                assert_true(class && class->never && class->n_codes > 0 && class->n_words > 0);
                for (size_t k = 0; k < sharing->n_rules; k++)
                        assert_false(has(sharing->rules[k].sensitive, sharing->rules[k].n_sensitive, never[i]));
        }
        const ConfigSensitive *class = class_of(fixture->config, "sexual-health");
        assert_true(class && !class->never);
        assert_true(has_code(class, "http://hl7.org/fhir/sid/icd-10", "B20*"));
        assert_true(has_code(class, "http://snomed.info/sct", "86406008"));
        /* walking aids, fluids into a vein */
        for (size_t i = 0; i < sharing->n_sensitive; i++) {
                assert_false(has(sharing->sensitive[i].words, sharing->sensitive[i].n_words, "aids"));
                assert_false(has(sharing->sensitive[i].words, sharing->sensitive[i].n_words, "ivf"));
        }
}

/* ---- what is laid over them ------------------------------------------------------------------------------------------- */

static void test_given_rules_take_the_place_of_all_and_nothing_else_changes(void **state) {
        Fixture *fixture = *state;
        try_whole(fixture, GOOD "sharing:\n  rules: [" RULE ", sources: epr, teams: crew, unconfirmed: false}]\n");
        fixture_assert_good(fixture);
        const ConfigSharing *sharing = &fixture->config->sharing;
        assert_false(sharing->shipped);
        assert_int_equal(sharing->n_rules, 1);
        const ConfigSharingRule *rule = &sharing->rules[0];
        assert_string_equal(rule->reason, "because");
        assert_string_equal(rule->classes[0], "clinical");
        assert_string_equal(rule->teams[0], "crew");
        assert_string_equal(rule->sources[0], "epr");
        assert_false(rule->unconfirmed || rule->restricted_shown || rule->despite_objection);
        assert_int_equal(sharing->linger_death, 90 * 86400);
        assert_non_null(class_of(fixture->config, "sexual-health"));
        assert_true(sharing->n_existence > 0);
}

static void test_only_a_rule_about_people_that_asks_for_no_relationship_is_open(void **state) {
        Fixture *fixture = *state;
        try_whole(fixture, GOOD);
        fixture_assert_good(fixture);
        for (size_t i = 0; i < fixture->config->sharing.n_rules; i++)
                assert_false(config_sharing_rule_is_open(&fixture->config->sharing.rules[i]));
        try_whole(fixture,
                  GOOD "sharing:\n  rules:\n"
                       "  - {name: a, reason: r, classes: all, kinds: [services, notices], relationships: not-needed}\n"
                       "  - {name: b, reason: r, classes: all, kinds: [services, death], relationships: not-needed}\n"
                       "  - {name: c, reason: r, classes: all, kinds: all, relationships: not-needed}\n"
                       "  - {name: d, reason: r, classes: all, kinds: all}\n");
        fixture_assert_good(fixture);
        const ConfigSharingRule *rules = fixture->config->sharing.rules;
        assert_false(config_sharing_rule_is_open(&rules[0]));
        assert_true(config_sharing_rule_is_open(&rules[1]));
        assert_true(config_sharing_rule_is_open(&rules[2]));
        assert_false(config_sharing_rule_is_open(&rules[3]));
}

static void test_other_keys_leave_the_shipped_rules_in_force(void **state) {
        Fixture *fixture = *state;
        try_whole(fixture, GOOD "sharing:\n  linger: {death: 30d}\n  contact: 90m\n  break_glass: {reasons: [asked]}\n"
                                "  existence: []\n  answers_calls: [clinical, helpline]\n  restricted: {fields: []}\n"
                                "scope: {people: all, originals: 2d}\n");
        fixture_assert_good(fixture);
        const ConfigSharing *sharing = &fixture->config->sharing;
        assert_true(sharing->shipped);
        assert_true(sharing->n_rules > 10);
        assert_int_equal(sharing->linger_death, 30 * 86400);
        assert_int_equal(sharing->linger_discharge, 14 * 86400);
        assert_int_equal(sharing->contact, 90 * 60);
        assert_int_equal(sharing->n_break_glass_reasons, 1);
        assert_int_equal(sharing->break_glass, 8 * 3600);
        assert_int_equal(sharing->n_existence, 0);
        assert_int_equal(sharing->n_answers_calls, 2);
        assert_int_equal(sharing->n_shielded_fields, 0);
        assert_true(sharing->n_shielded_types > 0);
        assert_true(sharing->people_all);
        assert_int_equal(sharing->originals, 2 * 86400);
}

static void test_a_sensitive_class_takes_the_place_of_its_name_alone(void **state) {
        Fixture *fixture = *state;
        fixture_write(fixture, "sites.codes",
                      "# from the clinical lead\n\nhttp://snomed.info/sct|15628003\r\n  X42*  # local\n"
                      "http://example.org/codes#here|7\n");
        try_whole(fixture, GOOD "sharing:\n  sensitive:\n"
                                "    termination: {codes: [{code: [O04*, O05*]}], list: sites.codes, words: [a b], "
                                "labels: R, never: true}\n"
                                "    mental-health: {words: [sectioned]}\n");
        fixture_assert_good(fixture);
        const ConfigSensitive *class = class_of(fixture->config, "termination");
        assert_int_equal(class->n_codes, 5);
        assert_true(has_code(class, NULL, "O05*") && has_code(class, "http://snomed.info/sct", "15628003"));
        assert_true(has_code(class, NULL, "X42*") && has_code(class, "http://example.org/codes#here", "7"));
        assert_true(class->never && class->n_words == 1 && class->n_labels == 1);
        assert_non_null(class_of(fixture->config, "mental-health"));
        assert_non_null(class_of(fixture->config, "gender-reassignment"));
        assert_int_equal(fixture->config->sharing.n_sensitive, 6);
}

static void test_all_classes_are_spelt_out(void **state) {
        Fixture *fixture = *state;
        try_whole(fixture, GOOD "sharing:\n  rules: [{name: a, reason: because, classes: all, kinds: all}]\n");
        fixture_assert_good(fixture);
        const ConfigSharingRule *rule = &fixture->config->sharing.rules[0];
        size_t n = 0;
        for (; config_classes[n]; n++)
                assert_true(has(rule->classes, rule->n_classes, config_classes[n]));
        assert_int_equal(rule->n_classes, n);
        assert_false(has(rule->classes, rule->n_classes, "all"));
}

static void test_a_file_of_rules_reaches_who_is_given_the_text(void **state) {
        Fixture *fixture = *state;
        fixture_write(fixture, "rules/mine.yml", "rules: [" RULE "}]\nsensitive: {mine: {list: \"%s/codes\"}}\n");
        fixture_write(fixture, "codes", "A1\n");
        try_whole(fixture, GOOD "sharing: rules/mine.yml\n");
        fixture_assert_good(fixture);
        ConfigProblems problems = { 0 };
        _cleanup_(config_unrefp) Config *again = NULL;
        assert_int_equal(config_parse(fixture->text, &again, &problems), 0);
        config_problems_deinit(&problems);
        assert_int_equal(again->sharing.n_rules, 1);
        assert_true(has_code(class_of(again, "mine"), NULL, "A1"));
        /* what only the contract knows is looked for in that file too, whatever it is called */
        fixture_write(fixture, "rules/mine.yml",
                      "rules:\n  - {name: a, reason: because, classes: clinical, kinds: descisions}\n");
        assert_mistake(fixture, GOOD "sharing: rules/mine.yml\n", "there is no kind of facts 'descisions'",
                       "decisions");
        assert_non_null(strstr(fixture_problem(fixture, "descisions")->file, "rules/mine.yml"));
}

/* ---- mistakes ----------------------------------------------------------------------------------------------------------- */

static void test_each_mistake_in_a_rule_has_its_place_and_what_was_meant(void **state) {
        static const struct {
                const char *rule, *message, *hint;
        } cases[] = {
                { "{name: a, reason: x, classes: [clincal], kinds: all}", "expected one of clinical", "clinical" },
                { "{name: a, reason: x, teams: [wrad], kinds: all}", "no team 'wrad'", "ward" },
                { "{name: a, reason: x, kinds: all}", "neither classes nor teams", "classes" },
                { "{name: a, classes: clinical, kinds: all}", "'reason' is missing", NULL },
                { "{reason: x, classes: clinical, kinds: all}", "'name' is missing", NULL },
                { "{name: a, reason: x, classes: clinical}", "'kinds' is missing", NULL },
                { RULE ", relationships: [referal]}", "expected one of encounter", "referral" },
                { RULE ", sources: [pass]}", "no source 'pass'", "pas" },
                { RULE ", sensitive: [terminaton]}", "no class of sensitive facts 'terminaton'", "termination" },
                { RULE ", types: [cpr_decision.recordet]}", "no type of events 'cpr_decision.recordet'",
                  "cpr_decision.recorded" },
                { RULE ", fields: [decision.decided_att]}", "'decision.decided_att' leads nowhere", "decided_at" },
                { RULE ", except: [decision.reson_text]}", "'decision.reson_text' leads nowhere", "reason_text" },
                { RULE ", fields: [decision.decision, encounter.class]}", "is of none of the kinds of this rule",
                  NULL },
                { "{name: a, reason: x, classes: clinical, kinds: [decisions, consent], fields: [decision.decision]}",
                  "none of them is of the kind 'consent'", "a rule of its own" },
                { RULE ", restricted_shown: yes}", "expected true or false", NULL },
                { RULE ", who: x}", "unknown key 'who'", NULL },
                { RULE "}, " RULE "}", "has this name too", NULL },
        };
        Fixture *fixture = *state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                char content[1000];
                snprintf(content, sizeof(content), GOOD "sharing:\n  rules: [%s]\n", cases[i].rule);
                assert_mistake(fixture, content, cases[i].message, cases[i].hint);
        }
}

static void test_each_mistake_beside_the_rules_has_its_place(void **state) {
        static const struct {
                const char *said, *message, *hint;
        } cases[] = {
                { "linger: {death: 3}", "expected a duration", "d" },
                { "contact: 5s", "outside 1m to", NULL },
                { "break_glass: {limit: 2d}", "the limit is longer", NULL },
                { "break_glass: {reasons: []}", "nobody can break the glass", NULL },
                { "restricted: {types: [Adress]}", "no part of the contract 'Adress'", "Address" },
                { "restricted: {fields: [demographics.practise]}", "leads nowhere", "practice" },
                { "existence: [condition]", "no kind of facts 'condition'", "conditions" },
                { "answers_calls: [helplines]", "expected one of", "helpline" },
                { "sensitive: {mine: {list: nowhere}}", "cannot be read", "beside" },
                { "sensitive: {mine: {codes: [{system: x}]}}", "expected a URI", NULL },
                { "sensitive: {Mine: {words: [a]}}", "is no name", NULL },
                { "rulez: []", "unknown key 'rulez'", "rules" },
        };
        Fixture *fixture = *state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                char content[1000];
                snprintf(content, sizeof(content), GOOD "sharing:\n  %s\n", cases[i].said);
                assert_mistake(fixture, content, cases[i].message, cases[i].hint);
        }
        assert_mistake(fixture, GOOD "sharing: [a]\n", "expected a mapping, or the name of a file", NULL);
        assert_mistake(fixture, GOOD "sharing: nowhere.yaml\n", "nowhere.yaml cannot be read", "beside");
        assert_mistake(fixture, GOOD "scope: {people: everybody}\n", "expected one of related, all", NULL);
        fixture_write(fixture, "codes", "fine\nsystem|\n|code\n");
        assert_mistake(fixture, GOOD "sharing: {sensitive: {mine: {list: codes}}}\n", "expected a code", NULL);
        assert_int_equal(fixture->problems.n_errors, 2);
        assert_int_equal(fixture->problems.items[0].line, 2);
}

static void test_more_rules_than_there_are_bits_are_refused(void **state) {
        Fixture *fixture = *state;
        for (size_t n = 64; n <= 65; n++) {
                _cleanup_(buffer_deinit) Buffer content = BUFFER_NULL;
                buffer_append_text(&content, GOOD "sharing:\n  rules:\n");
                for (size_t i = 0; i < n; i++)
                        buffer_append_format(&content, "    - {name: r%zu, reason: x, classes: clinical, kinds: all}\n",
                                             i);
                _cleanup_(freep) char *text = buffer_steal_text(&content);
                if (n == 64) {
                        try_whole(fixture, text);
                        fixture_assert_good(fixture);
                        assert_int_equal(fixture->config->sharing.n_rules, 64);
                } else
                        assert_mistake(fixture, text, "at most 64 rules, these are 65", NULL);
        }
}

static void test_more_sensitive_classes_than_there_are_bits_are_refused(void **state) {
        Fixture *fixture = *state;
        for (size_t n = 58; n <= 59; n++) { /* beside the five that ship */
                _cleanup_(buffer_deinit) Buffer content = BUFFER_NULL;
                buffer_append_text(&content,
                                   GOOD "sharing:\n  rules: [{name: a, reason: x, classes: clinical, kinds: all}]\n"
                                        "  sensitive:\n");
                for (size_t i = 0; i < n; i++)
                        buffer_append_format(&content, "    %s%zu: {words: [word%zu]}\n", i < 9 ? "x0" : "x", i + 1, i);
                _cleanup_(freep) char *text = buffer_steal_text(&content);
                if (n == 58) {
                        try_whole(fixture, text);
                        fixture_assert_good(fixture);
                        assert_int_equal(fixture->config->sharing.n_sensitive, 63);
                } else
                        assert_mistake(fixture, text, "at most 63 classes, these are 64", NULL);
        }
}

static void test_a_live_bus_warns_of_rules_that_ask_for_no_relationship(void **state) {
        static const char open[] = GOOD
                "sharing:\n  rules: [{name: a, reason: x, classes: all, kinds: %s, relationships: "
                "not-needed}]\n";
        Fixture *fixture = *state;
        char content[1000];
        snprintf(content, sizeof(content), "environment: live\n%s", GOOD);
        snprintf(content + strlen("environment: live\n"), sizeof(content) - 20, open, "all");
        try_whole(fixture, content);
        fixture_assert_good(fixture);
        assert_true(fixture_problem(fixture, "with whom the team has nothing to do")->is_warning);
        snprintf(content + strlen("environment: live\n"), sizeof(content) - 20, open, "[services, notices]");
        try_whole(fixture, content);
        assert_int_equal(fixture->problems.n_items, 0);
        snprintf(content, sizeof(content), open, "all");
        try_whole(fixture, content);
        assert_int_equal(fixture->problems.n_items, 0);
}

static void test_no_rules_at_all_are_taken_at_their_word_and_warned_about(void **state) {
        Fixture *fixture = *state;
        try_whole(fixture, GOOD "sharing: {rules: []}\n");
        fixture_assert_good(fixture);
        assert_int_equal(fixture->config->sharing.n_rules, 0);
        assert_true(fixture_problem(fixture, "nobody sees what others say")->is_warning);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_without_rules_those_that_ship_hold_and_each_says_why),
                TEST(test_the_shipped_file_reads_as_a_sites_own_file_without_a_word),
                TEST(test_no_shipped_rule_tells_a_commissioner_of_a_person),
                TEST(test_only_a_directory_and_the_bus_itself_need_no_relationship),
                TEST(test_volunteers_and_commissioners_never_get_a_restricted_address),
                TEST(test_who_comes_to_the_home_sees_the_resuscitation_decision_its_date_and_its_form),
                TEST(test_what_the_law_forbids_is_never_shown_and_nobody_names_it),
                TEST(test_given_rules_take_the_place_of_all_and_nothing_else_changes),
                TEST(test_only_a_rule_about_people_that_asks_for_no_relationship_is_open),
                TEST(test_other_keys_leave_the_shipped_rules_in_force),
                TEST(test_a_sensitive_class_takes_the_place_of_its_name_alone),
                TEST(test_all_classes_are_spelt_out),
                TEST(test_a_file_of_rules_reaches_who_is_given_the_text),
                TEST(test_each_mistake_in_a_rule_has_its_place_and_what_was_meant),
                TEST(test_each_mistake_beside_the_rules_has_its_place),
                TEST(test_more_rules_than_there_are_bits_are_refused),
                TEST(test_more_sensitive_classes_than_there_are_bits_are_refused),
                TEST(test_a_live_bus_warns_of_rules_that_ask_for_no_relationship),
                TEST(test_no_rules_at_all_are_taken_at_their_word_and_warned_about),
        };
        return cmocka_run_group_tests_name("config sharing", tests, NULL, NULL);
}
