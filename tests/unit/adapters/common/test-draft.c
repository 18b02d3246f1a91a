/* The events of one message while they are being made. */
#include "adapters/common/draft.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static int set_up(void **state) {
        Arena *arena;

        if (arena_new(&arena, 1 << 20) < 0)
                return -1;
        *state = arena;
        return 0;
}

static int tear_down(void **state) {
        arena_free(*state);
        return 0;
}

static void test_events_come_in_the_order_in_which_they_were_made(void **state) {
        Draft draft = { .arena = *state };

        for (int i = 0; i < 100; i++)
                assert_non_null(draft_event(&draft, i % 2 ? "patient.updated" : "patient.registered",
                                            CAREBUS__V1__ACTION__ACTION_UPDATE));
        assert_int_equal(draft.n_events, 100);
        assert_string_equal(draft.events[0]->type, "patient.registered");
        assert_string_equal(draft.events[99]->type, "patient.updated");
        assert_true(draft.events[99]->has_action);
        assert_false(draft.is_full);
}

static void test_more_events_than_the_bus_takes_leave_the_draft_full(void **state) {
        Draft draft = { .arena = *state };
        int n = 0;

        while (draft_event(&draft, "patient.updated", CAREBUS__V1__ACTION__ACTION_UPDATE))
                n++;
        assert_true(draft.is_full);
        assert_true(n <= DRAFT_EVENTS_MAX);
}

static void test_an_arena_at_its_limit_makes_nothing_more_and_breaks_nothing(void **state) {
        Draft draft = { .arena = *state };

        while (!draft.is_full)
                (void)draft_alloc(&draft, 4096);
        assert_null(draft_message(&draft, &carebus__v1__coded__descriptor));
        assert_null(draft_text(&draft, "text", 4));
        assert_null(draft_format(&draft, "%d", 1));
        assert_null(draft_event(&draft, "patient.updated", CAREBUS__V1__ACTION__ACTION_UPDATE));
        assert_null(draft_coded(&draft, NULL, (char *)"code", NULL, NULL));
}

static void test_the_first_problem_stays_and_urgency_is_never_lost(void **state) {
        Draft draft = { .arena = *state };

        draft_problem(&draft, "first", "A-1", false);
        draft_problem(&draft, "second", "B-2", true);
        assert_string_equal(draft.problem, "first");
        assert_string_equal(draft.position, "A-1");
        assert_true(draft.is_urgent);
}

static void test_text_loses_its_white_space_at_the_ends_and_none_within(void **state) {
        Draft draft = { .arena = *state };

        assert_string_equal(draft_text(&draft, "  a b\r\n", 7), "a b");
        assert_null(draft_text(&draft, " \t\r\n", 4));
        assert_null(draft_text(&draft, "", 0));
        assert_null(draft_text(&draft, NULL, 0));
        assert_false(draft.is_full);
}

static void test_what_says_nothing_makes_no_value(void **state) {
        Draft draft = { .arena = *state };

        assert_null(draft_coded(&draft, (char *)"http://snomed.info/sct", NULL, (char *)"", NULL));
        assert_null(draft_coded_local(&draft, NULL, NULL, NULL));
        assert_null(draft_when(&draft, (char *)""));
        assert_null(draft_date(&draft, NULL));
        assert_null(draft_identifier(&draft, NULL, (char *)"RA9", NULL, NULL));
        assert_null(draft_quantity(&draft, NULL, (char *)"kg", NULL));
        assert_false(draft.is_full);
}

static void test_a_local_code_is_kept_as_the_source_said_it(void **state) {
        Draft draft = { .arena = *state };
        Carebus__V1__Coded *coded = draft_coded_local(&draft, (char *)"L", (char *)"DNACPR", NULL);

        assert_null(coded->code);
        assert_string_equal(coded->text, "DNACPR");
        assert_string_equal(coded->original->code, "DNACPR");
        assert_string_equal(coded->original->system, "L");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_events_come_in_the_order_in_which_they_were_made, set_up,
                                                tear_down),
                cmocka_unit_test_setup_teardown(test_more_events_than_the_bus_takes_leave_the_draft_full, set_up,
                                                tear_down),
                cmocka_unit_test_setup_teardown(test_an_arena_at_its_limit_makes_nothing_more_and_breaks_nothing,
                                                set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_the_first_problem_stays_and_urgency_is_never_lost, set_up,
                                                tear_down),
                cmocka_unit_test_setup_teardown(test_text_loses_its_white_space_at_the_ends_and_none_within, set_up,
                                                tear_down),
                cmocka_unit_test_setup_teardown(test_what_says_nothing_makes_no_value, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_a_local_code_is_kept_as_the_source_said_it, set_up, tear_down),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
