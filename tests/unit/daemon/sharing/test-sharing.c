/* Who may see what: default is no, a denial counts at once, a grant when it is folded. */
#include "daemon/sharing/sharing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

enum { READER, LONER };

static Config *config_of(const char *may_read) {
        ConfigFile file = { .path = (char *)"/nowhere/carebus.yaml" };
        ConfigText text = { .files = &file, .n_files = 1 };
        ConfigProblems problems = { 0 };
        Config *config = NULL;

        buffer_append_format(
                &file.content,
                "bus: b\nenvironment: test\nstate: /nowhere/state\nrun: /nowhere/run\n"
                "teams:\n  reader: {name: R, class: clinical, may_read: [%s]}\n"
                "  loner: {name: L, class: clinical, may_read: []}\n"
                "sources:\n  alpha: {team: reader, adapter: own}\n  alphabet: {team: reader, adapter: own}\n"
                "  beta: {team: reader, adapter: own}\n",
                may_read);
        assert_int_equal(config_parse(&text, &config, &problems), 0);
        config_problems_deinit(&problems);
        buffer_deinit(&file.content);
        return config;
}

/* What the fold has read: the first `n` of alpha, beta may be read by the team `reader`. */
static Sharing *sharing_of(const Config *config, size_t n) {
        char *names[] = { (char *)"alpha", (char *)"beta" };
        Carebus__V1__TeamSettings team = CAREBUS__V1__TEAM_SETTINGS__INIT, *teams[] = { &team };
        Carebus__V1__Settings settings = CAREBUS__V1__SETTINGS__INIT;
        Sharing *sharing;

        team.name = (char *)"reader";
        team.may_read = names;
        team.n_may_read = n;
        settings.teams = teams;
        settings.n_teams = 1;
        assert_int_equal(sharing_new(config, &settings, &sharing), 0);
        return sharing;
}

static bool sees(const Sharing *sharing, size_t team, const char *source) {
        return sharing_may_read(sharing, team, bytes_of_text(source));
}

static void test_a_team_sees_the_sources_of_its_list_and_no_other(void **state) {
        _cleanup_(config_unrefp) Config *config = config_of("alpha, beta");
        _cleanup_(sharing_unrefp) Sharing *sharing = sharing_of(config, 2);

        assert_true(sees(sharing, READER, "alpha"));
        assert_true(sees(sharing, READER, "beta"));
        assert_false(sees(sharing, READER, "alphabet"));
        assert_false(sees(sharing, READER, "alph"));
        assert_false(sees(sharing, READER, "gamma"));
        assert_false(sees(sharing, READER, ""));
        assert_false(sees(sharing, LONER, "alpha"));
        assert_false(sees(sharing, 99, "alpha"));
}

static void test_a_grant_waits_for_the_fold(void **state) {
        _cleanup_(config_unrefp) Config *config = config_of("alpha, beta");
        _cleanup_(sharing_unrefp) Sharing *before = sharing_of(config, 1), *after = sharing_of(config, 2);

        assert_true(sees(before, READER, "alpha"));
        assert_false(sees(before, READER, "beta"));
        assert_true(sees(after, READER, "beta"));
}

static void test_a_denial_counts_at_once(void **state) {
        _cleanup_(config_unrefp) Config *config = config_of("alpha");
        _cleanup_(sharing_unrefp) Sharing *sharing = sharing_of(config, 2);

        assert_true(sees(sharing, READER, "alpha"));
        assert_false(sees(sharing, READER, "beta"));
}

static void test_before_the_first_settings_nobody_sees_anything(void **state) {
        _cleanup_(config_unrefp) Config *config = config_of("alpha, beta");
        _cleanup_(sharing_unrefp) Sharing *sharing = NULL;

        assert_int_equal(sharing_new(config, NULL, &sharing), 0);
        assert_false(sees(sharing, READER, "alpha"));
        assert_null(sharing_source_at(sharing, READER, 0));
}

static void test_sources_of_a_team_come_in_order_of_names(void **state) {
        _cleanup_(config_unrefp) Config *config = config_of("beta, alpha");
        _cleanup_(sharing_unrefp) Sharing *sharing = sharing_of(config, 2);

        assert_string_equal(sharing_source_at(sharing, READER, 0), "alpha");
        assert_string_equal(sharing_source_at(sharing, READER, 1), "beta");
        assert_null(sharing_source_at(sharing, READER, 2));
        assert_null(sharing_source_at(sharing, LONER, 0));
}

static void test_a_reference_keeps_it_alive(void **state) {
        Config *config = config_of("alpha");
        Sharing *sharing = sharing_of(config, 1), *held = sharing_ref(sharing);

        config_unref(config);
        sharing_unref(sharing);
        assert_true(sees(held, READER, "alpha"));
        assert_string_equal(sharing_config(held)->bus, "b");
        sharing_unref(held);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_a_team_sees_the_sources_of_its_list_and_no_other),
                cmocka_unit_test(test_a_grant_waits_for_the_fold),
                cmocka_unit_test(test_a_denial_counts_at_once),
                cmocka_unit_test(test_before_the_first_settings_nobody_sees_anything),
                cmocka_unit_test(test_sources_of_a_team_come_in_order_of_names),
                cmocka_unit_test(test_a_reference_keeps_it_alive),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
