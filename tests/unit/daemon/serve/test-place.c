/* Places: where the bus stands, which entries need not be looked at, and what recent entries cost. */
#include "daemon/serve/place.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

#include "daemon/serve/recent.h"
#include "small-bus.h"

typedef struct Fixture {
        SmallBus bus;
        View *view;
        Config *config;
        Sharing *sharing;
} Fixture;

static int set_up(void **state) {
        Fixture *fixture = calloc(1, sizeof(*fixture));

        small_bus_init(&fixture->bus);
        fixture->config = small_config_new();
        fixture->sharing = small_sharing_new(fixture->config);
        assert_int_equal(view_new(fixture->bus.state, fixture->bus.journal_folder, &fixture->view), 0);
        *state = fixture;
        return 0;
}

static int tear_down(void **state) {
        Fixture *fixture = *state;

        view_free(fixture->view);
        sharing_unref(fixture->sharing);
        config_unref(fixture->config);
        small_bus_deinit(&fixture->bus);
        free(fixture);
        return 0;
}

static Place of_bus(Fixture *fixture) {
        Place place;

        assert_int_equal(view_renew(fixture->view), 0);
        assert_int_equal(place_of_bus(view_txn(fixture->view), view_head(fixture->view), &place), 0);
        view_rest(fixture->view);
        return place;
}

static uint64_t next_seq(Fixture *fixture, size_t team, uint64_t seq, unsigned look) {
        uint64_t next;

        assert_int_equal(view_renew(fixture->view), 0);
        assert_int_equal(place_next_seq(view_txn(fixture->view), fixture->sharing, team, seq, view_head(fixture->view),
                                        look, &next),
                         0);
        view_rest(fixture->view);
        return next;
}

static void assert_place(Place place, uint64_t seq, uint32_t index) {
        assert_int_equal(place.seq, seq);
        assert_int_equal(place.index, index);
}

static void test_place_of_the_bus_is_behind_all_that_has_been(void **state) {
        Fixture *fixture = *state;

        assert_place(of_bus(fixture), 0, 0);
        small_bus_add(&fixture->bus, "alpha", 3, "p1.0");
        assert_place(of_bus(fixture), 1, 2);
        small_bus_add_quarantined(&fixture->bus, "beta", "no-identifier");
        assert_place(of_bus(fixture), 2, 0);
}

static void test_next_entry_is_found_over_those_that_cannot_speak_to_the_team(void **state) {
        Fixture *fixture = *state;

        small_bus_add(&fixture->bus, "alpha", 1, "p1.0");
        for (int i = 0; i < 20; i++)
                small_bus_add(&fixture->bus, "beta", 1, "p1.0");
        small_bus_add(&fixture->bus, "alpha", 1, "p1.0");
        assert_int_equal(next_seq(fixture, TEAM_ONE, 1, 100), 1);
        assert_int_equal(next_seq(fixture, TEAM_ONE, 2, 100), 22);
        assert_int_equal(next_seq(fixture, TEAM_ONE, 23, 100), 23);
        assert_int_equal(next_seq(fixture, TEAM_BOTH, 2, 100), 2);
        assert_int_equal(next_seq(fixture, TEAM_NONE, 1, 100), 23);
}

static void test_search_ends_where_it_may_look_no_further(void **state) {
        Fixture *fixture = *state;

        for (int i = 0; i < 20; i++)
                small_bus_add(&fixture->bus, "beta", 1, "p1.0");
        assert_int_equal(next_seq(fixture, TEAM_ONE, 1, 5), 6);
        assert_int_equal(next_seq(fixture, TEAM_ONE, 6, 5), 11);
        assert_int_equal(next_seq(fixture, TEAM_ONE, 18, 5), 21);
}

/* What is said by the bus goes by the person, whichever source it follows from. */
static void test_entry_with_something_derived_is_never_passed_over(void **state) {
        Fixture *fixture = *state;

        small_bus_add(&fixture->bus, "beta", 1, "p1.0");
        small_bus_add_with_derived(&fixture->bus, "beta", "record.granted");
        assert_int_equal(next_seq(fixture, TEAM_NONE, 1, 100), 2);
}

/* Against looking at every entry. */
static void test_search_agrees_with_a_walk_over_all_entries(void **state) {
        Fixture *fixture = *state;
        static const char *const sources[] = { "alpha", "beta" };
        const unsigned seed = (unsigned)time(NULL);
        enum { N = 120 };
        size_t counts[N + 1] = { 0 };
        const char *source_of[N + 1] = { NULL };

        print_message("# seed %u\n", seed);
        srand(seed);
        for (uint64_t seq = 1; seq <= N; seq++) {
                const char *source = sources[rand() % 2];
                if (rand() % 4 == 0)
                        small_bus_add_quarantined(&fixture->bus, source, "no-identifier");
                else
                        small_bus_add(&fixture->bus, source, counts[seq] = 1 + (size_t)rand() % 3, "p1.0");
                source_of[seq] = source;
        }
        for (size_t team = TEAM_BOTH; team <= TEAM_NONE; team++)
                for (uint64_t from = 1; from <= N; from++) {
                        uint64_t wanted = from;
                        while (wanted <= N &&
                               !(counts[wanted] > 0 &&
                                 sharing_may_read(fixture->sharing, team, bytes_of_text(source_of[wanted]))))
                                wanted++;
                        assert_int_equal(next_seq(fixture, team, from, N), wanted);
                }
}

static void test_entries_near_each_other_are_made_once(void **state) {
        Fixture *fixture = *state;
        Recent *recent;
        PublishedEntry *entry;

        for (int i = 0; i < 100; i++)
                small_bus_add(&fixture->bus, "alpha", 1, "p1.0");
        assert_int_equal(recent_new(fixture->view, &recent), 0);
        assert_int_equal(view_renew(fixture->view), 0);
        for (int reader = 0; reader < 16; reader++)
                for (uint64_t seq = 1; seq <= 100; seq++) {
                        assert_int_equal(recent_get(recent, seq, &entry), 0);
                        assert_int_equal(entry->seq, seq);
                }
        assert_int_equal(recent_made(recent), 100);
        view_rest(fixture->view);
        recent_free(recent);
}

static void test_asking_beyond_the_head_is_an_error(void **state) {
        Fixture *fixture = *state;
        Recent *recent;
        PublishedEntry *entry;

        small_bus_add(&fixture->bus, "alpha", 1, "p1.0");
        assert_int_equal(recent_new(fixture->view, &recent), 0);
        assert_int_equal(view_renew(fixture->view), 0);
        assert_int_equal(recent_get(recent, 2, &entry), -EBADMSG);
        view_rest(fixture->view);
        recent_free(recent);
}

static void test_record_is_told_from_what_lies_beyond_the_journal(void **state) {
        Fixture *fixture = *state;
        ViewOutcome outcome;
        int64_t received_at = 0;

        small_bus_add(&fixture->bus, "alpha", 1, "p1.0");
        small_bus_add(&fixture->bus, "alpha", 1, "p1.0");
        assert_int_equal(view_renew(fixture->view), 0);
        assert_int_equal(view_has_unfolded(fixture->view, 2, &received_at), 0); /* folded: its outcome says more */
        small_bus_add(&fixture->bus, "alpha", 1, "p1.0"); /* journaled; this view has not seen it folded */
        assert_int_equal(view_has_unfolded(fixture->view, 3, &received_at), 1);
        assert_int_equal(view_renew(fixture->view), 0);
        assert_int_equal(view_outcome(fixture->view, 3, &outcome), 0);
        assert_true(received_at != 0 && received_at == outcome.received_at);
        assert_int_equal(view_has_unfolded(fixture->view, 4, &received_at), 0);
        assert_int_equal(view_has_unfolded(fixture->view, 1000, &received_at), 0);
        view_rest(fixture->view);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_place_of_the_bus_is_behind_all_that_has_been),
                TEST(test_next_entry_is_found_over_those_that_cannot_speak_to_the_team),
                TEST(test_search_ends_where_it_may_look_no_further),
                TEST(test_entry_with_something_derived_is_never_passed_over),
                TEST(test_search_agrees_with_a_walk_over_all_entries),
                TEST(test_entries_near_each_other_are_made_once),
                TEST(test_asking_beyond_the_head_is_an_error),
                TEST(test_record_is_told_from_what_lies_beyond_the_journal),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
