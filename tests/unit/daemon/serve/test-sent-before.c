/* What is said of how often an event was sent before, against a count of each place. */
#include "daemon/serve/sent-before.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "daemon/serve/cursors.h"

#define PLACES 60

static Place at(unsigned n) {
        return (Place){ .seq = 1 + n / 3, .index = n % 3 };
}

static void session(SentBefore *sent, unsigned from, unsigned until) {
        sent_before_begin(sent, at(from));
        sent_before_end(sent, at(until));
}

static void test_first_time_is_none_and_each_session_without_acknowledgement_is_one_more(void **state) {
        SentBefore sent = { 0 };

        assert_int_equal(sent_before_times(&sent, at(1)), 0);
        for (unsigned times = 1; times < 1000; times++) {
                session(&sent, 0, 10);
                assert_int_equal(sent_before_times(&sent, at(0)), 0);
                assert_int_equal(sent_before_times(&sent, at(1)), times);
                assert_int_equal(sent_before_times(&sent, at(10)), times);
                assert_int_equal(sent_before_times(&sent, at(11)), 0);
        }
        sent_before_acknowledged(&sent, at(4));
        assert_int_equal(sent_before_times(&sent, at(4)), 0);
        assert_int_equal(sent_before_times(&sent, at(5)), 999);
        sent_before_acknowledged(&sent, at(10));
        assert_int_equal(sent.n_steps, 0);
}

static void test_who_goes_back_before_where_the_last_began_begins_anew(void **state) {
        SentBefore sent = { 0 };

        session(&sent, 5, 10);
        sent_before_begin(&sent, at(4));
        assert_int_equal(sent_before_times(&sent, at(7)), 0);
        session(&sent, 4, 8);
        session(&sent, 6, 9); /* who keeps its place itself, and goes on from there */
        assert_int_equal(sent_before_times(&sent, at(6)), 0);
        assert_int_equal(sent_before_times(&sent, at(8)), 2);
        assert_int_equal(sent_before_times(&sent, at(9)), 1);
}

static unsigned random_below(unsigned n) {
        return (unsigned)rand() % n;
}

/* More ends than there is room for may say less, never more; within the room each number is the very one. */
static void check_against_count(unsigned n_ends) {
        unsigned count[PLACES] = { 0 }, acked = 0, ends[PLACES];
        SentBefore sent = { 0 };

        for (unsigned i = 0; i < n_ends; i++)
                ends[i] = random_below(PLACES);
        for (unsigned n = 0; n < 40; n++) {
                const unsigned until = ends[random_below(n_ends)];

                sent_before_begin(&sent, at(acked));
                for (unsigned place = 0; place < PLACES; place++) {
                        const unsigned said = sent_before_times(&sent, at(place)),
                                       right = place > acked ? count[place] : 0;

                        assert_true(n_ends <= SENT_BEFORE_STEPS ? said == right : said <= right);
                }
                /* What comes next, which may be what ends the reader, is told exactly for as long as it is next. */
                if (acked == 0)
                        assert_int_equal(sent_before_times(&sent, at(acked + 1)), count[acked + 1]);
                for (unsigned place = acked + 1; place <= until; place++)
                        count[place]++;
                if (random_below(5) == 0 && until > acked) {
                        acked += random_below(until - acked + 1);
                        sent_before_acknowledged(&sent, at(acked));
                }
                sent_before_end(&sent, at(until > acked ? until : acked));
        }
}

static void test_number_is_right_while_there_is_room_and_never_too_high_beyond(void **state) {
        const unsigned seed = getenv("CAREBUS_SEED") ? (unsigned)strtoul(getenv("CAREBUS_SEED"), NULL, 10)
                                                     : (unsigned)time(NULL);

        print_message("# seed %u (CAREBUS_SEED)\n", seed);
        srand(seed);
        for (unsigned i = 0; i < 2000; i++)
                check_against_count(1 + random_below(2 * SENT_BEFORE_STEPS));
}

static Consumer *consumer_of(Cursors *cursors, const char *team, const char *name) {
        Consumer *consumer = NULL;

        assert_int_equal(cursors_get(cursors, team, name, &consumer), 0);
        assert_non_null(consumer);
        return consumer;
}

static void test_who_never_acknowledged_is_told_when_it_comes_again_and_is_no_consumer_until_then(void **state) {
        _cleanup_(cursors_freep) Cursors *cursors = NULL;
        Consumer *consumer;
        char name[CURSOR_NAME_SIZE];

        assert_int_equal(cursors_new(&cursors), 0);
        consumer = consumer_of(cursors, "ward", "a");
        session(&consumer->sent, 0, 9);
        cursors_drop(cursors, consumer);
        assert_null(cursors_at(cursors, 0));
        assert_int_equal(sent_before_times(&consumer_of(cursors, "hospice", "a")->sent, at(5)), 0);
        consumer = consumer_of(cursors, "ward", "a");
        assert_int_equal(sent_before_times(&consumer->sent, at(5)), 1);
        session(&consumer->sent, 0, 5);
        cursors_drop(cursors, consumer);
        /* Names that are made up one after the other take no room from anybody but those who went before. */
        for (unsigned i = 0; i < 1000; i++) {
                snprintf(name, sizeof(name), "made-up-%u", i);
                consumer = consumer_of(cursors, "ward", name);
                session(&consumer->sent, 0, 9);
                cursors_drop(cursors, consumer);
        }
        assert_int_equal(sent_before_times(&consumer_of(cursors, "ward", "a")->sent, at(5)), 0);
        assert_int_equal(sent_before_times(&consumer_of(cursors, "ward", "made-up-999")->sent, at(5)), 1);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_first_time_is_none_and_each_session_without_acknowledgement_is_one_more),
                cmocka_unit_test(test_who_goes_back_before_where_the_last_began_begins_anew),
                cmocka_unit_test(test_number_is_right_while_there_is_room_and_never_too_high_beyond),
                cmocka_unit_test(test_who_never_acknowledged_is_told_when_it_comes_again_and_is_no_consumer_until_then),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
