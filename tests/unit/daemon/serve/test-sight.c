/* What a team is given of an event that somebody asks about by its place. */
#include "daemon/serve/sight.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "small-bus.h"

typedef struct Fixture {
        SmallBus bus;
        View *view;
        Config *config;
        Sharing *sharing;
        Sight *sight;
} Fixture;

static int set_up(void **state) {
        Fixture *fixture = calloc(1, sizeof(*fixture));

        assert_non_null(fixture);
        small_bus_init(&fixture->bus);
        fixture->config = small_config_new();
        fixture->sharing = small_sharing_new(fixture->config);
        assert_int_equal(view_new(fixture->bus.state, fixture->bus.journal_folder, &fixture->view), 0);
        assert_int_equal(sight_new(fixture->view, &fixture->sight), 0);
        sight_set_sharing(fixture->sight, fixture->sharing, 1);
        *state = fixture;
        return 0;
}

static int tear_down(void **state) {
        Fixture *fixture = *state;

        sight_free(fixture->sight);
        view_free(fixture->view);
        sharing_unref(fixture->sharing);
        config_unref(fixture->config);
        small_bus_deinit(&fixture->bus);
        free(fixture);
        return 0;
}

static void test_a_notice_is_given_whole_however_far_back_lies_what_it_names(void **state) {
        Fixture *fixture = *state;
        uint64_t first = small_bus_add(&fixture->bus, "alpha", 1, "p2.0");
        char named[32];

        snprintf(named, sizeof(named), "%" PRIu64 ".0", first);
        for (unsigned i = 0; i < 70; i++) {
                uint64_t seq = small_bus_add_with_notice(&fixture->bus, "alpha", "conflict.opened", named);
                PublishedEntry *entry = NULL;
                PublishedBytes *bytes;
                SightAnswer answer;

                assert_int_equal(view_renew(fixture->view), 0);
                assert_int_equal(sight_of_event(fixture->sight, seq, 1, TEAM_BOTH, &answer, &entry), 0);
                assert_int_equal(entry->seq, seq);
                assert_int_equal(answer.gives, SIGHT_WHOLE);
                assert_int_equal(sight_bytes(fixture->sight, entry, 1, TEAM_BOTH, &answer, &bytes), 0);
                assert_true(bytes->size > 0);
                view_rest(fixture->view);
        }
}

static void test_a_notice_is_given_to_nobody_who_does_not_see_what_it_names(void **state) {
        Fixture *fixture = *state;
        uint64_t first = small_bus_add(&fixture->bus, "beta", 1, "p2.0"), seq;
        SightAnswer answer;
        char named[32];

        snprintf(named, sizeof(named), "%" PRIu64 ".0", first);
        seq = small_bus_add_with_notice(&fixture->bus, "alpha", "conflict.opened", named);
        assert_int_equal(view_renew(fixture->view), 0);
        assert_int_equal(sight_of_event(fixture->sight, seq, 1, TEAM_ONE, &answer, NULL), 0);
        assert_int_equal(answer.gives, SIGHT_NOTHING);
        assert_int_equal(sight_of_event(fixture->sight, seq, 1, TEAM_BOTH, &answer, NULL), 0);
        assert_int_equal(answer.gives, SIGHT_WHOLE);
        assert_int_equal(sight_of_event(fixture->sight, seq, 2, TEAM_BOTH, &answer, NULL), VIEW_E_NOT_FOUND);
        view_rest(fixture->view);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_a_notice_is_given_whole_however_far_back_lies_what_it_names,
                                                set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_a_notice_is_given_to_nobody_who_does_not_see_what_it_names, set_up,
                                                tear_down),
        };

        cmocka_set_message_output(CM_OUTPUT_TAP);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
