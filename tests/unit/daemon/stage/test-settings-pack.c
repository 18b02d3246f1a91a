/* What of the configuration the journal keeps: rules of sharing and destinations among it, whole, and the same bytes for the same words. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
/* clang-format on */

#include "base/error.h"
#include "base/text.h"
#include "carebus/v1/journal.pb-c.h"
#include "daemon/stage/settings-pack.h"

#define GOOD                                                                           \
        "bus: b\n"                                                                     \
        "teams: {ward: {class: clinical, may_read: [pas]}, line: {class: helpline}}\n" \
        "sources: {pas: {team: ward, adapter: own}, calls: {team: line, adapter: own}}\n"

static Config *config_of(const char *yaml) {
        ConfigFile file = { .path = (char *)"/nowhere/carebus.yaml" };
        ConfigText text = { .files = &file, .n_files = 1 };
        ConfigProblems problems = { 0 };
        Config *config = NULL;
        int r;

        buffer_append_text(&file.content, yaml);
        r = config_parse(&text, &config, &problems);
        config_problems_print(&problems, stderr);
        config_problems_deinit(&problems);
        buffer_deinit(&file.content);
        assert_int_equal(r, 0);
        return config;
}

static Buffer pack_of(const char *yaml) {
        _cleanup_(config_unrefp) Config *config = config_of(yaml);
        Buffer settings = BUFFER_NULL, entry = BUFFER_NULL;

        assert_int_equal(settings_pack(config, &settings, &entry), 0);
        assert_true(entry.size > settings.size);
        buffer_deinit(&entry);
        return settings;
}

static Carebus__V1__Settings *settings_of(const char *yaml) {
        _cleanup_(buffer_deinit) Buffer packed = pack_of(yaml);
        Carebus__V1__Settings *settings = carebus__v1__settings__unpack(NULL, packed.size, packed.data);

        assert_non_null(settings);
        return settings;
}

static void test_the_shipped_rules_are_journaled_where_none_are_given(void **state) {
        Carebus__V1__Settings *settings = settings_of(GOOD);
        const Carebus__V1__SharingSettings *sharing = settings->sharing;
        size_t n_never = 0;

        assert_non_null(sharing);
        assert_true(sharing->n_rules > 10 && sharing->n_sensitive >= 5 && sharing->n_existence > 0);
        assert_int_equal(sharing->linger_death_seconds, 90 * 86400);
        assert_int_equal(sharing->break_glass_max_seconds, 86400);
        assert_int_equal(sharing->originals_seconds, 7 * 86400);
        assert_true(sharing->has_people_all && !sharing->people_all);
        for (size_t i = 0; i < sharing->n_rules; i++) {
                assert_true(sharing->rules[i]->name && sharing->rules[i]->reason);
                assert_true(sharing->rules[i]->has_unconfirmed && sharing->rules[i]->unconfirmed);
        }
        for (size_t i = 0; i < sharing->n_sensitive; i++)
                n_never += sharing->sensitive[i]->never != 0;
        assert_int_equal(n_never, 2);
        carebus__v1__settings__free_unpacked(settings, NULL);
}

static void test_a_rule_is_journaled_as_it_is_written(void **state) {
        Carebus__V1__Settings *settings = settings_of(
                GOOD
                "sharing:\n  rules:\n"
                "    - {name: a, reason: because, classes: [clinical, ambulance], teams: line, kinds: [decisions], "
                "sources: [pas],\n"
                "       fields: [decision.decision, decision.status], except: [decision.text], types: [lpa.ended],\n"
                "       relationships: [referral], sensitive: [mine], unconfirmed: false, restricted_shown: true,\n"
                "       despite_objection: true}\n"
                "  sensitive: {mine: {codes: [{system: \"http://x.example\", code: [A*, B]}], words: [Two Words], "
                "labels: [L]}}\n");
        const Carebus__V1__SharingRule *rule = settings->sharing->rules[0];
        const Carebus__V1__SensitiveClass *class = NULL;

        assert_int_equal(settings->sharing->n_rules, 1);
        assert_true(rule->n_classes == 2 && rule->n_teams == 1 && rule->n_kinds == 1 && rule->n_sources == 1);
        assert_true(rule->n_fields == 2 && rule->n_except == 1 && rule->n_types == 1 && rule->n_relationships == 1);
        assert_true(rule->restricted_shown && rule->despite_objection && !rule->unconfirmed);
        assert_string_equal(rule->classes[1], "ambulance");
        assert_string_equal(rule->fields[1], "decision.status");
        assert_string_equal(rule->sensitive[0], "mine");
        for (size_t i = 0; i < settings->sharing->n_sensitive; i++)
                if (text_equal(settings->sharing->sensitive[i]->name, "mine"))
                        class = settings->sharing->sensitive[i];
        assert_non_null(class);
        assert_int_equal(class->n_codes, 2);
        assert_string_equal(class->codes[1]->system, "http://x.example");
        assert_string_equal(class->codes[1]->code, "B");
        assert_string_equal(class->words[0], "Two Words");
        assert_string_equal(class->labels[0], "L");
        carebus__v1__settings__free_unpacked(settings, NULL);
}

static void test_destinations_are_journaled_with_the_sources_that_are_the_same_system(void **state) {
        Carebus__V1__Settings *settings = settings_of(GOOD
                                                      "destinations:\n  own: {team: line, adapter: vendor}\n  both: "
                                                      "{team: ward, adapter: vendor, sources: [calls, pas]}\n");

        assert_int_equal(settings->n_destinations, 2);
        assert_string_equal(settings->destinations[0]->name, "own");
        assert_string_equal(settings->destinations[0]->team, "line");
        assert_int_equal(settings->destinations[0]->n_sources, 1);
        assert_string_equal(settings->destinations[0]->sources[0], "calls");
        assert_int_equal(settings->destinations[1]->n_sources, 2);
        carebus__v1__settings__free_unpacked(settings, NULL);
}

static void test_a_team_that_names_no_sources_is_journaled_as_one_that_reads_all(void **state) {
        Carebus__V1__Settings *settings = settings_of(GOOD);

        assert_false(settings->teams[0]->reads_all);
        assert_int_equal(settings->teams[0]->n_may_read, 1);
        assert_true(settings->teams[1]->reads_all);
        assert_int_equal(settings->teams[1]->n_may_read, 0);
        carebus__v1__settings__free_unpacked(settings, NULL);
}

static void test_equal_words_give_equal_bytes_and_another_reason_others(void **state) {
        static const char one[] = GOOD "sharing: {rules: [{name: a, reason: x, classes: all, kinds: all}]}\n";
        static const char same[] = GOOD
                "sharing:\n  rules:\n    - kinds: [all]\n      classes: [all]\n      name: a\n      reason: x\n";
        static const char other[] = GOOD "sharing: {rules: [{name: a, reason: y, classes: all, kinds: all}]}\n";
        _cleanup_(buffer_deinit) Buffer a = pack_of(one), b = pack_of(same), c = pack_of(other);

        assert_int_equal(a.size, b.size);
        assert_memory_equal(a.data, b.data, a.size);
        assert_true(a.size != c.size || memcmp(a.data, c.data, a.size) != 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_the_shipped_rules_are_journaled_where_none_are_given),
                cmocka_unit_test(test_a_rule_is_journaled_as_it_is_written),
                cmocka_unit_test(test_destinations_are_journaled_with_the_sources_that_are_the_same_system),
                cmocka_unit_test(test_a_team_that_names_no_sources_is_journaled_as_one_that_reads_all),
                cmocka_unit_test(test_equal_words_give_equal_bytes_and_another_reason_others),
        };
        return cmocka_run_group_tests_name("settings", tests, NULL, NULL);
}
