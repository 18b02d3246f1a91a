/* Matching, ownership, contact points, silence: what is read, and that one wrong letter is found at its place. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
/* clang-format on */

#include "base/error.h"
#include "config/hours.h"
#include "fixture.h"

#define HEAD \
        "bus: b\nteams: {t: {class: clinical}}\nsources: {s: {team: t, adapter: x}, second: {team: t, adapter: x}}\n"

static const ConfigWeightName weight_names[] = {
        { "birth_date", "exact" }, { "birth_date", "differs" }, { "family", "exact" }, { "family", "close" }
};

static bool is_known(const char *path, ConfigPathUse use) {
        return use == CONFIG_PATH_OWNERSHIP &&
               (text_equal(path, "demographics") || text_equal(path, "demographics.telecom"));
}

static size_t below(const char *path, const char **ret, size_t size) {
        static const char *const fields[] = { "telecom", "names", "addresses" };
        ret[0] = "demographics";
        if (path[0] == '\0')
                return 1;
        for (size_t i = 0; i < ELEMENTSOF(fields) && i < size; i++)
                ret[i] = fields[i];
        return text_equal(path, "demographics") ? ELEMENTSOF(fields) : 0;
}

static const ConfigKnown known = {
        .path = is_known,
        .below = below,
        .weights = weight_names,
        .n_weights = ELEMENTSOF(weight_names),
        .link_above = 24000,
        .review_above = 12000,
};

static int try_and_check(Fixture *fixture, const char *content) {
        fixture_try(fixture, content);
        fixture_assert_good(fixture);
        assert_int_equal(fixture_count(fixture, /* is_warning= */ true), 0);
        fixture->result = config_check_known(fixture->config, fixture->text, &known, &fixture->problems);
        return fixture->result;
}

static void test_bits_are_whole_thousandths(void **state) {
        static const struct {
                const char *text;
                int32_t thousandths;
        } rows[] = { { "12.5", 12500 }, { "-3", -3000 },  { "0.001", 1 },
                     { "+4.25", 4250 }, { "-0.5", -500 }, { "1000", 1000000 } };
        static const char *const wrong[] = { "12,5", "1.2345", "",       ".5",  "5.",
                                             "1e3",  "1001",   "twelve", "--3", "1000.001" };
        Fixture *fixture = *state;
        char text[300];
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                snprintf(text, sizeof(text), HEAD "matching: {margin: \"%s\"}\n", rows[i].text);
                fixture_try(fixture, text);
                fixture_assert_good(fixture);
                assert_true(fixture->config->matching.margin.is_said);
                assert_int_equal(fixture->config->matching.margin.thousandths, rows[i].thousandths);
        }
        for (size_t i = 0; i < ELEMENTSOF(wrong); i++) {
                snprintf(text, sizeof(text), HEAD "matching: {margin: \"%s\"}\n", wrong[i]);
                fixture_try(fixture, text);
                fixture_assert_only(fixture, 4, 20, "matching.margin: expected bits", "three digits");
        }
}

static void test_durations_say_their_unit(void **state) {
        static const struct {
                const char *text;
                uint64_t seconds;
        } rows[] = { { "90s", 90 }, { "15m", 900 }, { "24h", 86400 }, { "7d", 604800 } };
        static const char *const wrong[] = { "900", "15 m", "15min", "m", "1h30m", "-15m" };
        Fixture *fixture = *state;
        char text[300];
        fixture_try(fixture, HEAD);
        assert_int_equal(fixture->config->sources[0].silent_after, 0);
        assert_int_equal(fixture->config->matching.urgent_after, 900);
        assert_false(fixture->config->matching.link_above.is_said);
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                snprintf(text, sizeof(text), HEAD "matching: {urgent_after: %s}\n", rows[i].text);
                fixture_try(fixture, text);
                fixture_assert_good(fixture);
                assert_int_equal(fixture->config->matching.urgent_after, rows[i].seconds);
        }
        for (size_t i = 0; i < ELEMENTSOF(wrong); i++) {
                snprintf(text, sizeof(text), HEAD "matching: {urgent_after: %s}\n", wrong[i]);
                fixture_try(fixture, text);
                fixture_assert_only(fixture, 4, 26, "expected a duration", "15m");
        }
        fixture_try(fixture, HEAD "matching: {urgent_after: 30d}\n");
        fixture_assert_only(fixture, 4, 26, "30d is outside 1s to 7d", NULL);
}

static void test_weights_are_read_by_field_and_agreement(void **state) {
        Fixture *fixture = *state;
        assert_int_equal(try_and_check(fixture,
                                       HEAD "matching:\n"
                                            "  weights: {birth_date: {exact: 12.5, differs: -6}, family: {close: 4}}\n"
                                            "  link_above: 20\n"),
                         0);
        const ConfigMatching *matching = &fixture->config->matching;
        assert_int_equal(matching->n_weights, 3);
        assert_string_equal(matching->weights[1].field, "birth_date");
        assert_string_equal(matching->weights[1].agreement, "differs");
        assert_int_equal(matching->weights[1].thousandths, -6000);
        assert_int_equal(matching->link_above.thousandths, 20000);
}

static void test_a_weight_of_nothing_is_an_error_at_its_place(void **state) {
        Fixture *fixture = *state;
        assert_int_equal(try_and_check(fixture, HEAD "matching:\n  weights: {birth_dat: {exact: 1}}\n"),
                         CONFIG_E_INVALID);
        fixture_assert_only(fixture, 5, 13, "there is no field 'birth_dat'", "birth_date");
        assert_int_equal(try_and_check(fixture, HEAD "matching:\n  weights: {family: {exakt: 1}}\n"), CONFIG_E_INVALID);
        fixture_assert_only(fixture, 5, 22, "matching.weights.family: there is no agreement 'exakt'", "exact");
        /* an agreement of another field is none of this one */
        assert_int_equal(try_and_check(fixture, HEAD "matching:\n  weights: {family: {differs: 1}}\n"),
                         CONFIG_E_INVALID);
        fixture_assert_only(fixture, 5, 22, "no agreement 'differs'", "known here: exact, close");
        fixture_try(fixture, HEAD "matching: {weights: {family: 5}}\n");
        fixture_assert_only(fixture, 4, 30, "expected agreements with bits each", NULL);
}

static void test_review_begins_below_what_links(void **state) {
        Fixture *fixture = *state;
        assert_int_equal(try_and_check(fixture, HEAD "matching: {link_above: 11.5}\n"), CONFIG_E_INVALID);
        fixture_assert_only(fixture, 4, 24, "review begins at 12.000 bits, above the 11.500", "lower of the two");
        assert_int_equal(try_and_check(fixture, HEAD "matching: {review_above: 30}\n"), CONFIG_E_INVALID);
        assert_int_equal(try_and_check(fixture, HEAD "matching: {review_above: 30, link_above: 31}\n"), 0);
}

static void test_no_rival_is_behind_by_less_than_nothing(void **state) {
        Fixture *fixture = *state;
        assert_int_equal(try_and_check(fixture, HEAD "matching: {margin: -1}\n"), CONFIG_E_INVALID);
        fixture_assert_only(fixture, 4, 20, "matching.margin: expected 0 bits or more", "however near");
        assert_int_equal(try_and_check(fixture, HEAD "matching: {margin: 0}\n"), 0);
}

static void test_nicknames_stand_here_or_in_a_file(void **state) {
        Fixture *fixture = *state;
        fixture_try(fixture, HEAD "matching: {nicknames: [[margaret, peggy], [william, bill, will]]}\n");
        fixture_assert_good(fixture);
        assert_int_equal(fixture->config->matching.n_nicknames, 2);
        assert_int_equal(fixture->config->matching.nicknames[1].n_names, 3);
        assert_string_equal(fixture->config->matching.nicknames[1].names[1], "bill");

        fixture_write(fixture, "names.yaml", "# of here\n- [ealasaid, elizabeth]\n- [iain, john]\n");
        fixture_try(fixture, HEAD "matching: {nicknames: names.yaml}\n");
        fixture_assert_good(fixture);
        assert_int_equal(fixture->config->matching.n_nicknames, 2);
        assert_string_equal(fixture->config->matching.nicknames[0].names[0], "ealasaid");
        /* another process sees what was checked, whatever the disk says by then */
        _cleanup_(config_unrefp) Config *handed = NULL;
        ConfigProblems problems = { 0 };
        fixture_write(fixture, "names.yaml", "- [changed, since]\n");
        assert_int_equal(config_parse(fixture->text, &handed, &problems), 0);
        assert_string_equal(handed->matching.nicknames[0].names[0], "ealasaid");
        config_problems_deinit(&problems);

        fixture_write(fixture, "names.yaml", "- [iain, john]\n- [alone]\n- iain\n");
        fixture_try(fixture, HEAD "matching: {nicknames: names.yaml}\n");
        assert_int_equal(fixture->result, CONFIG_E_INVALID);
        assert_int_equal(fixture_problem(fixture, "two or more names")->line, 2);
        assert_int_equal(fixture->problems.n_errors, 2);
        fixture_try(fixture, HEAD "matching: {nicknames: nmaes.yaml}\n");
        fixture_assert_only(fixture, 4, 23, "nmaes.yaml cannot be read", "beside this one");
}

static void test_ownership_names_sources_and_fields_of_a_person(void **state) {
        Fixture *fixture = *state;
        assert_int_equal(try_and_check(fixture,
                                       HEAD "ownership:\n  - {path: demographics.telecom, sources: [second, s]}\n"
                                            "  - {path: demographics, sources: s}\n"),
                         0);
        fixture_assert_good(fixture);
        assert_int_equal(fixture_count(fixture, /* is_warning= */ true), 0);
        assert_int_equal(fixture->config->n_ownership, 2);
        assert_string_equal(fixture->config->ownership[0].path, "demographics.telecom");
        assert_int_equal(fixture->config->ownership[0].sources[0], 1);
        assert_int_equal(fixture->config->ownership[1].n_sources, 1);

        assert_int_equal(try_and_check(fixture, HEAD "ownership:\n  - {path: demographics.telcom, sources: [s]}\n"), 0);
        assert_true(fixture_problem(fixture, "ownership: 'demographics.telcom' leads nowhere")->is_warning);
        fixture_assert_only(fixture, 5, 12, "leads nowhere", "telecom");
        fixture_try(fixture, HEAD "ownership:\n  - {path: demographics, sources: [s, secnd]}\n");
        fixture_assert_only(fixture, 5, 39, "ownership.1.sources: no source 'secnd'", "did you mean");
        fixture_try(fixture, HEAD "ownership:\n  - {path: encounter.class, sources: [s]}\n");
        fixture_assert_only(fixture, 5, 12, "is not of the demographics", "demographics.telecom");
        fixture_try(fixture, HEAD "ownership:\n  - {sources: [s]}\n");
        fixture_problem(fixture, "'path' is missing");
}

static void test_a_row_that_is_never_asked_is_said(void **state) {
        Fixture *fixture = *state;
        fixture_try(fixture, HEAD "ownership:\n  - {path: demographics, sources: [s]}\n"
                                  "  - {path: demographics.telecom, sources: [second]}\n");
        fixture_assert_good(fixture);
        const ConfigProblem *problem = fixture_problem(fixture, "this row does nothing");
        assert_int_equal(problem->line, 6);
        assert_true(problem->is_warning);
}

static void test_contact_points_have_hours_that_a_program_can_read(void **state) {
        Fixture *fixture = *state;
        fixture_try(
                fixture,
                "bus: b\nsources: {s: {team: t, adapter: x}}\nteams:\n  t:\n    class: clinical\n"
                "    contact: {hours: \"Mo-Fr 9:00-17:00\", phone: \"01632 960001\"}\n"
                "    contact_points:\n"
                "      - {name: Advice line, kind: helpline, phone: \"01632 960002\", hours: 24/7, what_for: advice}\n"
                "      - {kind: out-of-hours, phone: \"01632 960003\", hours: \"Mo-Fr 17:00-09:00; Sa-Su\"}\n");
        fixture_assert_good(fixture);
        assert_int_equal(fixture_count(fixture, /* is_warning= */ true), 0);
        const ConfigTeam *team = &fixture->config->teams[0];
        assert_int_equal(team->n_contacts, 3);
        assert_string_equal(team->contacts[0].kind, "in-hours");
        assert_string_equal(team->contacts[0].reach[0].from, "09:00");
        assert_int_equal(team->contacts[0].reach[0].days, 0x3e);
        assert_string_equal(team->contacts[1].what_for, "advice");
        assert_int_equal(team->contacts[1].reach[0].days, 0);
        assert_string_equal(team->contacts[1].reach[0].until, "00:00");
        assert_null(team->contacts[2].name);
        assert_int_equal(team->contacts[2].n_reach, 2);
        assert_int_equal(team->contacts[2].reach[1].days, 0xc0);

        fixture_try(fixture, "bus: b\nsources: {s: {team: t, adapter: x}}\nteams:\n  t:\n    class: clinical\n"
                             "    contact_points: [{phone: \"1\", hours: \"Mo-Fi 09:00-17:00\", kind: helplin}]\n");
        assert_int_equal(fixture->problems.n_errors, 2);
        assert_int_equal(fixture_problem(fixture, "expected days and hours, not 'Mo-Fi 09:00-17:00'")->column, 42);
        assert_string_equal(fixture_problem(fixture, "not 'helplin'")->hint, "did you mean 'helpline'?");
        fixture_try(
                fixture,
                "bus: b\nsources: {s: {team: t, adapter: x}}\nteams: {t: {class: clinical, contact_points: [{hours: "
                "24/7}]}}\n");
        fixture_problem(fixture, "'phone' is missing");
}

static void test_hours_in_words_are_kept_in_the_short_form_alone(void **state) {
        Fixture *fixture = *state;
        fixture_try(fixture, "bus: b\nsources: {s: {team: t, adapter: x}}\nteams:\n  t:\n    class: clinical\n"
                             "    contact: {hours: weekday mornings, phone: \"01632 960001\"}\n");
        fixture_assert_good(fixture);
        assert_true(fixture_problem(fixture, "shown as it is")->is_warning);
        assert_string_equal(fixture->config->teams[0].contacts[0].hours, "weekday mornings");
        assert_int_equal(fixture->config->teams[0].contacts[0].n_reach, 0);
}

static void test_hours_are_read_as_people_write_them(void **state) {
        static const struct {
                const char *text, *says; /* days as bits, from-until */
        } rows[] = {
                { "Mo-Fr 09:00-17:00", "3e 09:00-17:00" },
                { "monday - friday 9:00-17:00", NULL },
                { "Mon-Fri 9:00-17:00", "3e 09:00-17:00" },
                { "Sa-Mo 10:00-12:00", "c2 10:00-12:00" },
                { "Mo,We,Fr 08:30-12:00,13:00-17:00", "2a 08:30-12:00|2a 13:00-17:00" },
                { "Mo-Fr 08:00-18:30; Sa,PH 10:00-12:00", "3e 08:00-18:30|140 10:00-12:00" },
                { "09:00-17:00", "0 09:00-17:00" },
                { "17:00-09:00", "0 17:00-09:00" },
                { "00:00-24:00", "0 00:00-00:00" },
                { "24/7", "0 00:00-00:00" },
                { "Su", "80 00:00-00:00" },
                { "Mo-Fr 09:00-25:00", NULL },
                { "Mo-Fr 09:60-17:00", NULL },
                { "Mo-Fr 09:00", NULL },
                { "Mo-PH 09:00-10:00", NULL },
                { "Mx 09:00-10:00", NULL },
                { "Mo-Fr 09:00-17:00;", NULL },
                { "", NULL },
                { "always", NULL },
        };
        _cleanup_(arena_freep) Arena *arena = NULL;
        assert_int_equal(arena_new(&arena, 1 << 20), 0);
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                ConfigReach *reach = NULL;
                size_t n = 0;
                const char *wrong = NULL;
                char says[200] = "";
                int r = hours_parse(rows[i].text, arena, &reach, &n, &wrong);
                if (!rows[i].says) {
                        if (r != -EINVAL)
                                fail_msg("'%s' was taken", rows[i].text);
                        assert_non_null(wrong);
                        continue;
                }
                assert_int_equal(r, 0);
                for (size_t k = 0; k < n; k++)
                        snprintf(says + strlen(says), sizeof(says) - strlen(says), "%s%x %s-%s", k > 0 ? "|" : "",
                                 reach[k].days, reach[k].from, reach[k].until);
                assert_string_equal(says, rows[i].says);
        }
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
        const struct CMUnitTest tests[] = {
                TEST(test_bits_are_whole_thousandths),
                TEST(test_durations_say_their_unit),
                TEST(test_weights_are_read_by_field_and_agreement),
                TEST(test_a_weight_of_nothing_is_an_error_at_its_place),
                TEST(test_review_begins_below_what_links),
                TEST(test_no_rival_is_behind_by_less_than_nothing),
                TEST(test_nicknames_stand_here_or_in_a_file),
                TEST(test_ownership_names_sources_and_fields_of_a_person),
                TEST(test_a_row_that_is_never_asked_is_said),
                TEST(test_contact_points_have_hours_that_a_program_can_read),
                TEST(test_hours_in_words_are_kept_in_the_short_form_alone),
                cmocka_unit_test(test_hours_are_read_as_people_write_them),
        };
        return cmocka_run_group_tests_name("config matching", tests, NULL, NULL);
}
