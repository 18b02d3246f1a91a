/* A configuration made ready, and when its settings count as others. */
#include "daemon/stage/snapshot.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/error.h"
#include "carebus/v1/journal.pb-c.h"

static const char base_text[] = "bus: test-bus\n"
                                "environment: test\n"
                                "state: /tmp/x/state\n"
                                "run: /tmp/x/run\n"
                                "timezone: Europe/London\n"
                                "teams:\n"
                                "  ward: {name: Ward, organisation: RA9, class: clinical, may_read: [pas]}\n"
                                "sources:\n"
                                "  pas: {team: ward, adapter: own%s}\n";

static Snapshot *snapshot_of(const char *more_of_source) {
        _cleanup_(config_unrefp) Config *config = NULL;
        _cleanup_(config_problems_deinit) ConfigProblems problems = { .n_items = 0 };
        ConfigFile file = { .path = (char *)(uintptr_t) "carebus.yaml" };
        ConfigText text = { .files = &file, .n_files = 1 };
        Snapshot *snapshot = NULL;

        buffer_append_format(&file.content, base_text, more_of_source);
        if (config_parse(&text, &config, &problems) != 0) {
                config_problems_print(&problems, stderr);
                fail();
        }
        assert_int_equal(snapshot_new(config, &snapshot), 0);
        buffer_deinit(&file.content);
        return snapshot;
}

static void test_settings_hold_what_the_fold_goes_by(void **state) {
        _cleanup_(snapshot_freep) Snapshot *snapshot = snapshot_of("");
        Carebus__V1__Entry *entry = carebus__v1__entry__unpack(NULL, snapshot->entry.size, snapshot->entry.data);
        const Carebus__V1__Settings *settings;

        assert_non_null(entry);
        assert_int_equal(entry->kind_case, CAREBUS__V1__ENTRY__KIND_SETTINGS);
        settings = entry->settings;
        assert_string_equal(settings->bus, "test-bus");
        assert_string_equal(settings->environment, "test");
        assert_int_equal(settings->n_sources, 1);
        assert_string_equal(settings->sources[0]->name, "pas");
        assert_string_equal(settings->sources[0]->team, "ward");
        assert_string_equal(settings->sources[0]->timezone, "Europe/London");
        assert_int_equal(settings->n_teams, 1);
        assert_string_equal(settings->teams[0]->class_, "clinical");
        assert_int_equal(settings->teams[0]->n_may_read, 1);
        assert_string_equal(settings->teams[0]->may_read[0], "pas");
        carebus__v1__entry__free_unpacked(entry, NULL);
}

static void test_equal_configurations_have_equal_settings(void **state) {
        _cleanup_(snapshot_freep) Snapshot *one = snapshot_of(""), *two = snapshot_of("");

        assert_true(bytes_equal(buffer_bytes(&one->settings), buffer_bytes(&two->settings)));
}

static void test_only_what_the_fold_goes_by_makes_other_settings(void **state) {
        _cleanup_(snapshot_freep) Snapshot *one = snapshot_of(""), *quota = snapshot_of(", messages_per_second: 5"),
                                           *zone = snapshot_of(", timezone: Europe/Paris");

        assert_true(bytes_equal(buffer_bytes(&one->settings), buffer_bytes(&quota->settings)));
        assert_false(bytes_equal(buffer_bytes(&one->settings), buffer_bytes(&zone->settings)));
}

static void test_rules_of_a_source_name_its_zone_and_its_own_identifiers(void **state) {
        _cleanup_(snapshot_freep) Snapshot *snapshot = snapshot_of(", timezone: Europe/Paris");

        assert_string_equal(snapshot->rules[0].default_authority, "carebus:pas");
        assert_string_equal(zone_name(snapshot->rules[0].zone), "Europe/Paris");
        assert_true(snapshot->rules[0].test_numbers);
        assert_non_null(snapshot->rules[0].profile);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_settings_hold_what_the_fold_goes_by),
                cmocka_unit_test(test_equal_configurations_have_equal_settings),
                cmocka_unit_test(test_only_what_the_fold_goes_by_makes_other_settings),
                cmocka_unit_test(test_rules_of_a_source_name_its_zone_and_its_own_identifiers),
        };

        return cmocka_run_group_tests_name("stage snapshot", tests, NULL, NULL);
}
