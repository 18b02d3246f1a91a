/* Delivery outwards without a bus: names that are the same at every start, lanes, marks, pauses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "adapters/common/destination-parts.h"
#include "base/text.h"

static const DestinationPlace place = { .seq = 4711, .index = 3 };

static void test_a_message_id_fits_msh_10_and_is_the_same_at_every_start(void **state) {
        char a[DESTINATION_ID_SIZE], b[DESTINATION_ID_SIZE];

        (void)state;
        destination_message_id("wester-care", place, a);
        destination_message_id("wester-care", place, b);
        assert_string_equal(a, b);
        assert_int_equal(strlen(a), 20);
        assert_int_equal(strspn(a, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"), 20);
}

static void test_message_ids_of_other_places_and_buses_differ(void **state) {
        const DestinationPlace places[] = {
                { 4711, 3 }, { 4711, 4 }, { 4712, 3 }, { UINT64_C(1) << 40, 3 }, { 3, 4711 }
        };
        char ids[ELEMENTSOF(places)][DESTINATION_ID_SIZE], other[DESTINATION_ID_SIZE];

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(places); i++) {
                destination_message_id("wester-care", places[i], ids[i]);
                for (size_t j = 0; j < i; j++)
                        assert_string_not_equal(ids[i], ids[j]);
        }
        destination_message_id("norther-care", places[0], other);
        assert_string_not_equal(ids[0], other);
}

static void test_a_uuid_is_a_valid_one_of_version_8(void **state) {
        char uuid[DESTINATION_UUID_SIZE], again[DESTINATION_UUID_SIZE];

        (void)state;
        destination_uuid("wester-care", place, uuid);
        destination_uuid("wester-care", place, again);
        assert_string_equal(uuid, again);
        assert_int_equal(strlen(uuid), 36);
        for (size_t i = 0; i < 36; i++)
                assert_true(i == 8 || i == 13 || i == 18 || i == 23 ? uuid[i] == '-'
                                                                    : strchr("0123456789abcdef", uuid[i]) != NULL);
        assert_int_equal(uuid[14], '8');
        assert_non_null(strchr("89ab", uuid[19]));
}

static void test_types_are_taken_as_the_configuration_names_them(void **state) {
        char *types[] = { (char *)"encounter.admitted", (char *)"death.*" };
        const ConfigDestination some = { .types = types, .n_types = 2 }, all = { .n_types = 0 };

        (void)state;
        assert_true(destination_wants(&some, "encounter.admitted"));
        assert_true(destination_wants(&some, "death.notified"));
        assert_false(destination_wants(&some, "encounter.admitted_elsewhere"));
        assert_false(destination_wants(&some, "deathly.notified"));
        assert_false(destination_wants(&some, "referral.requested"));
        assert_true(destination_wants(&all, "referral.requested"));
}

static void test_admissions_and_deaths_overtake_and_plans_do_not(void **state) {
        (void)state;
        assert_true(destination_overtakes("encounter.admitted"));
        assert_true(destination_overtakes("encounter.ed_arrived"));
        assert_true(destination_overtakes("death.notified"));
        assert_true(destination_overtakes("delivery.stopped"));
        assert_false(destination_overtakes("encounter.discharged"));
        assert_false(destination_overtakes("cpr_decision.recorded"));
        assert_true(destination_never_waits("delivery.stopped"));
        assert_false(destination_never_waits("encounter.admitted"));
}

static void test_what_speaks_of_the_receiver_is_told_from_what_speaks_of_a_message(void **state) {
        static const char *const general[] = { "timeout", "408", "429", "500", "503" };
        static const char *const own[] = { "AE", "AR", "AE/207", "400", "404", "422", "5", "50", "5000" };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(general); i++)
                assert_true(destination_code_is_general(general[i]));
        for (size_t i = 0; i < ELEMENTSOF(own); i++)
                assert_false(destination_code_is_general(own[i]));
        assert_false(destination_code_is_general(NULL));
}

static void test_pauses_grow_to_their_limit_and_never_beyond_a_quarter_more(void **state) {
        (void)state;
        for (unsigned tries = 1; tries < 200; tries++) {
                const int64_t whole = tries > 9 ? 300 : INT64_C(1) << (tries - 1);
                int64_t pause = destination_pause(tries, 300);

                assert_true(pause >= MIN(whole, INT64_C(300)) * USEC_PER_SEC * 3 / 4);
                assert_true(pause <= MIN(whole, INT64_C(300)) * USEC_PER_SEC * 5 / 4);
        }
        assert_true(destination_pause(0, 0) > 0);
}

/* ---- lanes and marks */

static unsigned cancelled;

static void cancel(void *owner, DestinationItem *item) {
        (void)owner;
        (void)item;
        cancelled++;
}

static int world_new(void **state) {
        static const Config config = { .bus = (char *)"wester-care" };
        Destination *destination = calloc(1, sizeof(*destination));

        assert_non_null(destination);
        destination->config = &config;
        destination->language.cancel = cancel;
        TAILQ_INIT(&destination->lanes);
        TAILQ_INIT(&destination->ready);
        TAILQ_INIT(&destination->paused);
        TAILQ_INIT(&destination->under_way);
        STAILQ_INIT(&destination->marks);
        cancelled = 0;
        *state = destination;
        return 0;
}

static int world_free(void **state) {
        destination_clear(*state);
        free(*state);
        return 0;
}

static Entry *add(Destination *destination, const char *person, uint64_t seq) {
        Lane *lane = lane_get(destination, person, false);
        Entry *entry = entry_new(destination, lane, ENTRY_EVENT, (DestinationPlace){ .seq = seq });

        assert_non_null(entry);
        assert_int_equal(mark_new(destination, (DestinationPlace){ .seq = seq }, &entry->mark), 0);
        lane_settle(destination, lane);
        return entry;
}

static void test_the_cursor_stands_before_the_oldest_that_is_not_done(void **state) {
        Destination *destination = *state;
        Entry *a = add(destination, "p1.0", 1), *b = add(destination, "p2.0", 2), *c = add(destination, "p3.0", 3);

        entry_done(destination, b);
        marks_pass(destination);
        assert_int_equal(destination->passed.seq, 0);
        entry_done(destination, a);
        marks_pass(destination);
        assert_int_equal(destination->passed.seq, 2);
        entry_done(destination, c);
        marks_pass(destination);
        assert_int_equal(destination->passed.seq, 3);
        assert_int_equal(destination->n_marks, 0);
        assert_int_equal(destination->n_entries, 0);
}

static void test_of_one_person_one_is_under_way(void **state) {
        Destination *destination = *state;
        Entry *a = add(destination, "p1.0", 1), *b = add(destination, "p1.0", 2);

        assert_ptr_equal(lane_first(a->lane), a);
        a->is_sent = true;
        lane_settle(destination, a->lane);
        assert_int_equal(a->lane->list, LANE_IS_UNDER_WAY);
        assert_int_equal(destination->n_under_way, 1);
        assert_ptr_equal(destination_find(destination, a->message_id), &a->item);
        assert_null(destination_find(destination, b->message_id));
        entry_done(destination, a);
        assert_int_equal(cancelled, 1);
        lane_settle(destination, b->lane);
        assert_int_equal(b->lane->list, LANE_IS_READY);
        assert_int_equal(destination->n_under_way, 0);
}

static void test_of_who_is_parked_only_what_overtakes_goes(void **state) {
        Destination *destination = *state;
        Entry *waits = add(destination, "p1.0", 1);

        waits->lane->state = LANE_PARKED;
        lane_settle(destination, waits->lane);
        assert_int_equal(waits->lane->list, LANE_RESTS);
        waits->overtakes = true;
        lane_settle(destination, waits->lane);
        assert_int_equal(waits->lane->list, LANE_IS_READY);
        waits->lane->state = LANE_PARKING;
        lane_settle(destination, waits->lane);
        assert_int_equal(waits->lane->list, LANE_RESTS);
}

static void test_what_overtook_stands_in_nobodys_way_and_is_known_once(void **state) {
        Destination *destination = *state;
        Entry *told = add(destination, "p1.0", 1), *next = add(destination, "p1.0", 2);

        told->is_reported = true;
        told->lane->n_reported = 1;
        assert_ptr_equal(lane_first(told->lane), next);
        assert_int_equal(lane_remember_overtaken(told->lane, "1.0"), 0);
        assert_int_equal(lane_remember_overtaken(told->lane, "1.0"), 0);
        assert_int_equal(told->lane->n_overtaken, 1);
        assert_true(lane_has_overtaken(told->lane, "1.0"));
        assert_false(lane_has_overtaken(told->lane, "1.1"));
}

static void test_a_lane_goes_when_nothing_holds_it(void **state) {
        Destination *destination = *state;
        Entry *entry = add(destination, "p1.0", 1);
        Lane *lane = entry->lane;

        lane_drop(destination, lane);
        assert_ptr_equal(lane_find(destination, "p1.0"), lane);
        entry_done(destination, entry);
        lane->state = LANE_PARKED;
        lane_drop(destination, lane);
        assert_ptr_equal(lane_find(destination, "p1.0"), lane);
        lane->state = LANE_FREE;
        lane_settle(destination, lane);
        lane_drop(destination, lane);
        assert_null(lane_find(destination, "p1.0"));
}

#define IN_WORLD(f) cmocka_unit_test_setup_teardown(f, world_new, world_free)

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_a_message_id_fits_msh_10_and_is_the_same_at_every_start),
                cmocka_unit_test(test_message_ids_of_other_places_and_buses_differ),
                cmocka_unit_test(test_a_uuid_is_a_valid_one_of_version_8),
                cmocka_unit_test(test_types_are_taken_as_the_configuration_names_them),
                cmocka_unit_test(test_admissions_and_deaths_overtake_and_plans_do_not),
                cmocka_unit_test(test_what_speaks_of_the_receiver_is_told_from_what_speaks_of_a_message),
                cmocka_unit_test(test_pauses_grow_to_their_limit_and_never_beyond_a_quarter_more),
                IN_WORLD(test_the_cursor_stands_before_the_oldest_that_is_not_done),
                IN_WORLD(test_of_one_person_one_is_under_way),
                IN_WORLD(test_of_who_is_parked_only_what_overtakes_goes),
                IN_WORLD(test_what_overtook_stands_in_nobodys_way_and_is_known_once),
                IN_WORLD(test_a_lane_goes_when_nothing_holds_it),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
