/* A configuration made ready, and when its settings count as others. */
#include "daemon/stage/snapshot.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "carebus/v1/journal.pb-c.h"
#include "tests/unit/open-sharing.h"

static const char base_text[] = "bus: test-bus\n"
                                "environment: test\n"
                                "state: /tmp/x/state\n"
                                "run: /tmp/x/run\n"
                                "timezone: Europe/London\n" OPEN_SHARING "teams:\n"
                                "  ward: {name: Ward, organisation: RA9, class: clinical, may_read: [pas]}\n"
                                "sources:\n"
                                "  pas: {team: ward, adapter: own%s}\n";

static Snapshot *snapshot_of_text(const char *config_text) {
        _cleanup_(config_unrefp) Config *config = NULL;
        _cleanup_(config_problems_deinit) ConfigProblems problems = { .n_items = 0 };
        ConfigFile file = { .path = (char *)(uintptr_t) "carebus.yaml" };
        ConfigText text = { .files = &file, .n_files = 1 };
        Snapshot *snapshot = NULL;

        buffer_append_text(&file.content, config_text);
        if (config_parse(&text, &config, &problems) != 0) {
                config_problems_print(&problems, stderr);
                fail();
        }
        assert_int_equal(snapshot_new(config, &snapshot), 0);
        buffer_deinit(&file.content);
        return snapshot;
}

static Snapshot *snapshot_of(const char *more_of_source) {
        char config_text[1000];

        snprintf(config_text, sizeof(config_text), base_text, more_of_source);
        return snapshot_of_text(config_text);
}

/* The base, and more keys of the top. */
static Snapshot *snapshot_with(const char *more) {
        char config_text[2000];

        snprintf(config_text, sizeof(config_text), base_text, "");
        snprintf(config_text + strlen(config_text), sizeof(config_text) - strlen(config_text), "%s", more);
        return snapshot_of_text(config_text);
}

static Carebus__V1__Settings *settings_of(const Snapshot *snapshot) {
        Carebus__V1__Settings *settings = carebus__v1__settings__unpack(NULL, snapshot->settings.size,
                                                                        snapshot->settings.data);

        assert_non_null(settings);
        return settings;
}

static int32_t weight_of(const Carebus__V1__MatchingSettings *matching, const char *field, const char *agreement) {
        for (size_t i = 0; i < matching->n_weights; i++)
                if (strcmp(matching->weights[i]->field, field) == 0 &&
                    strcmp(matching->weights[i]->agreement, agreement) == 0)
                        return matching->weights[i]->thousandths;
        fail_msg("no weight of %s %s", field, agreement);
        return 0;
}

static void test_matching_is_journaled_whole_whatever_was_said(void **state) {
        _cleanup_(snapshot_freep)
                Snapshot *plain = snapshot_of(""),
                         *said = snapshot_with("matching: {weights: {birth_date: {exact: 12.345}}, margin: 7.5, "
                                               "communal_postcodes: [ky1 2ab], nicknames: [[Ealasaid, "
                                               "Elizabeth]], urgent_after: 1h, twins: score, "
                                               "birth_date: score}\n");
        Carebus__V1__Settings *shipped = settings_of(plain), *own = settings_of(said);

        /* A program with other weights of its own folds this journal as this one does. */
        assert_true(shipped->matching->n_weights > 20);
        assert_true(shipped->matching->n_nicknames > 20);
        assert_true(shipped->matching->has_link_above && shipped->matching->has_review_above);
        assert_int_equal(shipped->matching->urgent_after_seconds, 900);
        assert_int_equal(own->matching->n_weights, shipped->matching->n_weights);
        assert_int_equal(weight_of(own->matching, "birth_date", "exact"), 12345);
        assert_int_not_equal(weight_of(shipped->matching, "birth_date", "exact"), 12345);
        assert_int_equal(weight_of(own->matching, "family", "exact"), weight_of(shipped->matching, "family", "exact"));
        assert_int_equal(own->matching->margin, 7500);
        assert_int_equal(own->matching->link_above, shipped->matching->link_above);
        assert_int_equal(own->matching->urgent_after_seconds, 3600);
        assert_true(shipped->matching->has_twins_by_score && !shipped->matching->twins_by_score);
        assert_true(shipped->matching->has_birth_date_by_score && !shipped->matching->birth_date_by_score);
        assert_true(own->matching->twins_by_score && own->matching->birth_date_by_score);
        /* Folded as what they are compared with is. */
        assert_int_equal(own->matching->n_communal_postcodes, 1);
        assert_string_equal(own->matching->communal_postcodes[0], "KY12AB");
        /* What was a name is a name still, each for itself. */
        assert_true(own->matching->n_nicknames > shipped->matching->n_nicknames);
        assert_int_equal(own->matching->nicknames[own->matching->n_nicknames - 1]->n_names, 1);
        assert_string_equal(own->matching->nicknames[0]->names[0], "ealasaid");
        carebus__v1__settings__free_unpacked(shipped, NULL);
        carebus__v1__settings__free_unpacked(own, NULL);
}

static void test_who_owns_a_field_is_journaled(void **state) {
        _cleanup_(snapshot_freep) Snapshot *snapshot = snapshot_with(
                "ownership: [{path: demographics.telecom, sources: [pas]}, {path: demographics, sources: pas}]\n");
        Carebus__V1__Settings *settings = settings_of(snapshot);

        assert_int_equal(settings->n_ownership, 2);
        assert_string_equal(settings->ownership[0]->path, "demographics.telecom");
        assert_string_equal(settings->ownership[0]->sources[0], "pas");
        carebus__v1__settings__free_unpacked(settings, NULL);
}

static void test_whom_to_ring_is_journaled_with_the_hours(void **state) {
        static const char text[] =
                "bus: test-bus\nteams:\n  ward:\n    name: Ward 9\n    class: clinical\n"
                "    contact: {hours: mornings, phone: \"1\"}\n    contact_points:\n"
                "      - {name: Nurse, phone: \"2\", hours: \"Mo-Fr 17:00-09:00; Sa,PH\", kind: out-of-hours, "
                "what_for: advice}\n"
                "sources: {pas: {team: ward, adapter: own}}\n";
        _cleanup_(snapshot_freep) Snapshot *snapshot = snapshot_of_text(text);
        Carebus__V1__Settings *settings = settings_of(snapshot);
        const Carebus__V1__TeamSettings *team = settings->teams[0];
        const Carebus__V1__ContactPoint *nurse = team->contact_points[1];

        assert_string_equal(team->title, "Ward 9");
        assert_int_equal(team->n_contact_points, 2);
        assert_string_equal(team->contact_points[0]->name, "Ward 9");
        assert_string_equal(team->contact_points[0]->reach[0]->text, "mornings");
        assert_null(team->contact_points[0]->reach[0]->from);
        assert_string_equal(team->contact_points[0]->reach[0]->telecom[0]->value, "1");
        assert_string_equal(nurse->kind->code, "out-of-hours");
        assert_string_equal(nurse->what_for, "advice");
        assert_int_equal(nurse->n_reach, 2);
        assert_int_equal(nurse->reach[0]->n_days, 5);
        assert_string_equal(nurse->reach[0]->until, "09:00");
        assert_true(nurse->reach[0]->out_of_hours);
        assert_int_equal(nurse->reach[1]->n_days, 2);
        assert_int_equal(nurse->reach[1]->days[1], 8);
        assert_string_equal(nurse->reach[1]->from, "00:00");
        carebus__v1__settings__free_unpacked(settings, NULL);
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
                cmocka_unit_test(test_matching_is_journaled_whole_whatever_was_said),
                cmocka_unit_test(test_who_owns_a_field_is_journaled),
                cmocka_unit_test(test_whom_to_ring_is_journaled_with_the_hours),
                cmocka_unit_test(test_equal_configurations_have_equal_settings),
                cmocka_unit_test(test_only_what_the_fold_goes_by_makes_other_settings),
                cmocka_unit_test(test_rules_of_a_source_name_its_zone_and_its_own_identifiers),
        };

        return cmocka_run_group_tests_name("stage snapshot", tests, NULL, NULL);
}
