/* The serve process as its readers and core see it. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/clock.h"
#include "serve-process.h"

#define RESUME CAREBUS__V1__OPEN__FROM__FROM_RESUME
#define FROM_PLACE CAREBUS__V1__OPEN__FROM__FROM_PLACE
#define NOW CAREBUS__V1__OPEN__FROM__FROM_NOW

#define SOURCES "  alpha: {team: both, adapter: own}\n  beta: {team: both, adapter: own}\n"
#define SOURCES_OF_TWO "  alpha: {team: both, adapter: own}\n  beta: {team: one, adapter: own}\n"
#define TEAMS                                                              \
        "  both: {name: Both, class: clinical, may_read: [alpha, beta]}\n" \
        "  one: {name: One, class: clinical, may_read: [alpha]}\n"         \
        "  none: {name: None, class: clinical, may_read: []}\n"
/* The same, and a team that only another unix user may speak for. */
#define TEAMS_WITH_STRANGER TEAMS "  stranger: {name: Stranger, class: clinical, may_read: [alpha], user: 4242}\n"

typedef struct Fixture {
        SmallBus bus;
        ServeProcess serve;
        Reader reader;
} Fixture;

static void start(Fixture *fixture) {
        serve_process_start(&fixture->serve, &fixture->bus, TEAMS, SOURCES);
}

static int set_up(void **state) {
        static const char *const teams[] = { "both", "one", "none", "stranger", NULL };
        static const char *const sources[] = { "alpha", "beta", NULL };
        Fixture *fixture = calloc(1, sizeof(*fixture));

        small_bus_init(&fixture->bus);
        small_bus_set_settings(&fixture->bus, teams, sources);
        start(fixture);
        *state = fixture;
        return 0;
}

static int tear_down(void **state) {
        Fixture *fixture = *state;

        if (fixture->reader.context)
                reader_deinit(&fixture->reader);
        if (fixture->serve.link)
                assert_int_equal(serve_process_stop(&fixture->serve), 0);
        small_bus_deinit(&fixture->bus);
        free(fixture);
        return 0;
}

static Reader *open_feed(Fixture *fixture, const char *team, const char *consumer, uint32_t credit) {
        reader_connect(&fixture->reader, &fixture->serve, "feed", ZSOCKET_DEALER);
        reader_open_from(&fixture->reader, team, consumer, RESUME, PLACE_NULL, credit);
        return &fixture->reader;
}

static uint64_t add(Fixture *fixture, const char *source, size_t n_events) {
        uint64_t seq = small_bus_add(&fixture->bus, source, n_events, "p1.0");

        serve_process_ring(&fixture->serve);
        return seq;
}

static void again(Fixture *fixture) {
        reader_deinit(&fixture->reader);
}

/* ---- feeds ---- */

static void test_feed_gives_what_the_team_sees_in_order_with_the_place_before(void **state) {
        Fixture *fixture = *state;
        Reader *reader;

        add(fixture, "alpha", 2);
        add(fixture, "beta", 1);
        small_bus_add_quarantined(&fixture->bus, "alpha", "no-identifier");
        add(fixture, "alpha", 1);
        reader = open_feed(fixture, "one", "c", 100);
        assert_int_equal(reader_expect_opened(reader)->head->seq, 4);
        reader_expect_delivery(reader, (Place){ 1, 0 }, PLACE_NULL);
        reader_expect_delivery(reader, (Place){ 1, 1 }, (Place){ 1, 0 });
        reader_expect_delivery(reader, (Place){ 4, 0 }, (Place){ 1, 1 });
        add(fixture, "beta", 1);
        add(fixture, "alpha", 1);
        reader_expect_delivery(reader, (Place){ 6, 0 }, (Place){ 4, 0 });
        reader_expect_silence(reader);
}

static void test_team_without_rights_gets_nothing(void **state) {
        Fixture *fixture = *state;
        Reader *reader;

        add(fixture, "alpha", 1);
        reader = open_feed(fixture, "none", "c", 100);
        /* Where the bus stands is the same for all, and says nothing of what there is. */
        assert_int_equal(reader_expect_opened(reader)->head->seq, 1);
        add(fixture, "beta", 1);
        reader_expect_silence(reader);
}

static void test_no_more_than_the_credit_is_delivered(void **state) {
        Fixture *fixture = *state;
        Reader *reader;

        for (int i = 0; i < 5; i++)
                add(fixture, "alpha", 2);
        reader = open_feed(fixture, "both", "c", 3);
        reader_expect_opened(reader);
        reader_expect_delivery(reader, (Place){ 1, 0 }, PLACE_NULL);
        reader_expect_delivery(reader, (Place){ 1, 1 }, (Place){ 1, 0 });
        reader_expect_delivery(reader, (Place){ 2, 0 }, (Place){ 1, 1 });
        reader_expect_silence(reader);
        reader_credit(reader, 1);
        reader_expect_delivery(reader, (Place){ 2, 1 }, (Place){ 2, 0 });
        reader_expect_silence(reader);
}

static void test_resume_goes_on_behind_the_last_acknowledgement_after_serve_was_killed(void **state) {
        Fixture *fixture = *state;
        Reader *reader;

        for (int i = 0; i < 4; i++)
                add(fixture, "alpha", 1);
        reader = open_feed(fixture, "both", "c", 3);
        reader_expect_opened(reader);
        for (uint64_t seq = 1; seq <= 3; seq++)
                reader_expect_delivery(reader, (Place){ seq, 0 }, (Place){ seq - 1, 0 });
        reader_ack(reader, (Place){ 2, 0 });
        reader_expect_ack_answer(reader, (Place){ 2, 0 });
        serve_process_kill(&fixture->serve);
        again(fixture);
        start(fixture);
        reader = open_feed(fixture, "both", "c", 10);
        assert_int_equal(reader_expect_opened(reader)->place->seq, 2);
        reader_expect_delivery(reader, (Place){ 3, 0 }, (Place){ 2, 0 });
        reader_expect_delivery(reader, (Place){ 4, 0 }, (Place){ 3, 0 });
}

static void test_consumers_of_a_team_have_places_of_their_own(void **state) {
        Fixture *fixture = *state;
        Reader second, *reader;

        add(fixture, "alpha", 1);
        add(fixture, "alpha", 1);
        reader = open_feed(fixture, "both", "first", 10);
        reader_expect_opened(reader);
        reader_expect_delivery(reader, (Place){ 1, 0 }, PLACE_NULL);
        reader_expect_delivery(reader, (Place){ 2, 0 }, (Place){ 1, 0 });
        reader_ack(reader, (Place){ 2, 0 });
        reader_expect_ack_answer(reader, (Place){ 2, 0 });
        reader_connect(&second, &fixture->serve, "feed", ZSOCKET_DEALER);
        reader_open_from(&second, "both", "second", RESUME, PLACE_NULL, 10);
        reader_expect_opened(&second);
        reader_expect_delivery(&second, (Place){ 1, 0 }, PLACE_NULL);
        reader_deinit(&second);
}

static void test_stalled_consumer_delays_nobody(void **state) {
        Fixture *fixture = *state;
        Reader quick, *stalled;

        stalled = open_feed(fixture, "both", "stalled", 1);
        reader_expect_opened(stalled);
        reader_connect(&quick, &fixture->serve, "feed", ZSOCKET_DEALER);
        reader_open_from(&quick, "both", "quick", RESUME, PLACE_NULL, 1000);
        reader_expect_opened(&quick);
        for (uint64_t seq = 1; seq <= 500; seq++) {
                add(fixture, "alpha", 1);
                reader_expect_delivery(&quick, (Place){ seq, 0 }, (Place){ seq - 1, 0 });
        }
        /* It has lost nothing either: it reads on from where it stands. */
        reader_expect_delivery(stalled, (Place){ 1, 0 }, PLACE_NULL);
        reader_credit(stalled, 1000);
        for (uint64_t seq = 2; seq <= 500; seq++)
                reader_expect_delivery(stalled, (Place){ seq, 0 }, (Place){ seq - 1, 0 });
        reader_deinit(&quick);
}

static void test_open_from_a_place_begins_behind_it_and_says_the_place_before(void **state) {
        Fixture *fixture = *state;
        const Carebus__V1__Opened *opened;
        Reader *reader;

        add(fixture, "alpha", 3);
        add(fixture, "beta", 1);
        add(fixture, "alpha", 1);
        reader = open_feed(fixture, "one", "c", 0);
        reader_expect_opened(reader);
        reader_open_from(reader, "one", "c", FROM_PLACE, (Place){ 1, 1 }, 10);
        opened = reader_expect_opened(reader);
        assert_int_equal(opened->place->seq, 1);
        assert_int_equal(opened->place->index, 1);
        reader_expect_delivery(reader, (Place){ 1, 2 }, (Place){ 1, 1 });
        reader_expect_delivery(reader, (Place){ 3, 0 }, (Place){ 1, 2 });
        /* Whether the team sees what stands at the place is not told. */
        reader_open_from(reader, "one", "c", FROM_PLACE, (Place){ 2, 0 }, 10);
        opened = reader_expect_opened(reader);
        assert_int_equal(opened->place->seq, 2);
        assert_int_equal(opened->place->index, 0);
        reader_expect_delivery(reader, (Place){ 3, 0 }, (Place){ 2, 0 });
}

static void test_open_from_now_gives_only_what_comes(void **state) {
        Fixture *fixture = *state;
        Reader *reader;

        add(fixture, "alpha", 1);
        reader = open_feed(fixture, "both", "c", 0);
        reader_expect_opened(reader);
        reader_open_from(reader, "both", "c", NOW, PLACE_NULL, 10);
        assert_int_equal(reader_expect_opened(reader)->place->seq, 1);
        add(fixture, "alpha", 1);
        reader_expect_delivery(reader, (Place){ 2, 0 }, (Place){ 1, 0 });
}

static void test_second_open_of_a_consumer_takes_over(void **state) {
        Fixture *fixture = *state;
        Reader second, *first;

        add(fixture, "alpha", 1);
        first = open_feed(fixture, "both", "c", 10);
        reader_expect_opened(first);
        reader_expect_delivery(first, (Place){ 1, 0 }, PLACE_NULL);
        reader_connect(&second, &fixture->serve, "feed", ZSOCKET_DEALER);
        reader_open_from(&second, "both", "c", RESUME, PLACE_NULL, 10);
        reader_expect_opened(&second);
        reader_expect_delivery(&second, (Place){ 1, 0 }, PLACE_NULL);
        reader_expect_refused(first, "taken-over");
        reader_ack(first, (Place){ 1, 0 });
        reader_expect_refused(first, "not-open");
        add(fixture, "alpha", 1);
        reader_expect_delivery(&second, (Place){ 2, 0 }, (Place){ 1, 0 });
        reader_deinit(&second);
}

static void test_acknowledging_what_was_never_delivered_ends_the_feed(void **state) {
        static const Place bad[] = { { 2, 0 }, { 1, 7 }, { 999, 0 } };
        Fixture *fixture = *state;
        Reader *reader = &fixture->reader;

        add(fixture, "alpha", 1);
        add(fixture, "beta", 1); /* not seen by this team */
        reader_connect(reader, &fixture->serve, "feed", ZSOCKET_DEALER);
        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                reader_open_from(reader, "one", "c", RESUME, PLACE_NULL, 10);
                reader_expect_opened(reader);
                reader_expect_delivery(reader, (Place){ 1, 0 }, PLACE_NULL);
                reader_ack(reader, bad[i]);
                reader_expect_refused(reader, "bad-ack");
        }
}

/* Libraries take from live too and acknowledge it here. */
static void test_acknowledging_what_live_brought_is_good_and_is_not_delivered_again(void **state) {
        Fixture *fixture = *state;
        Reader *reader;

        for (int i = 0; i < 3; i++)
                add(fixture, "alpha", 1);
        reader = open_feed(fixture, "both", "c", 0);
        reader_expect_opened(reader);
        reader_ack(reader, (Place){ 2, 0 });
        reader_expect_ack_answer(reader, (Place){ 2, 0 });
        reader_credit(reader, 10);
        reader_expect_delivery(reader, (Place){ 3, 0 }, (Place){ 2, 0 });
}

static void test_what_cannot_be_opened_is_refused_with_its_reason(void **state) {
        Fixture *fixture = *state;
        Reader *reader = &fixture->reader;

        assert_int_equal(serve_process_configure(&fixture->serve, TEAMS_WITH_STRANGER, SOURCES), LINK_READY);
        reader_connect(reader, &fixture->serve, "feed", ZSOCKET_DEALER);
        reader_open_from(reader, "nobody", "c", RESUME, PLACE_NULL, 1);
        reader_expect_refused(reader, "unknown-team");
        reader_open_from(reader, "stranger", "c", RESUME, PLACE_NULL, 1);
        reader_expect_refused(reader, "not-allowed");
        reader_open_from(reader, "both", "Bad Name", RESUME, PLACE_NULL, 1);
        reader_expect_refused(reader, "bad-name");
        reader_open_from(reader, "both", "c", CAREBUS__V1__OPEN__FROM__FROM_SNAPSHOT, PLACE_NULL, 1);
        reader_expect_refused(reader, "not-offered");
        reader_open_from(reader, "both", "c", FROM_PLACE, (Place){ 77, 0 }, 1);
        reader_expect_refused(reader, "beyond-end");
        reader_credit(reader, 1);
        reader_expect_refused(reader, "not-open");
}

static void test_cursor_of_another_journal_is_refused(void **state) {
        Fixture *fixture = *state;
        Reader *reader;
        char command[256];

        add(fixture, "alpha", 1);
        add(fixture, "alpha", 1);
        reader = open_feed(fixture, "both", "c", 10);
        reader_expect_opened(reader);
        reader_expect_delivery(reader, (Place){ 1, 0 }, PLACE_NULL);
        reader_expect_delivery(reader, (Place){ 2, 0 }, (Place){ 1, 0 });
        reader_ack(reader, (Place){ 2, 0 });
        reader_expect_ack_answer(reader, (Place){ 2, 0 });
        again(fixture);
        assert_int_equal(serve_process_stop(&fixture->serve), 0);

        /* An older backup: the cursors stay, the journal ends earlier. */
        {
                static const char *const teams[] = { "both", NULL }, *const sources[] = { "alpha", NULL };
                SmallBus older;
                small_bus_init(&older);
                small_bus_set_settings(&older, teams, sources);
                small_bus_add(&older, "alpha", 1, "p1.0");
                snprintf(command, sizeof(command), "cp -r %s/serve %s/", fixture->bus.folder, older.folder);
                assert_int_equal(system(command), 0);
                small_bus_deinit(&fixture->bus);
                fixture->bus = older;
        }
        start(fixture);
        reader = open_feed(fixture, "both", "c", 10);
        reader_expect_refused(reader, "beyond-end");
        reader_open_from(reader, "both", "c", NOW, PLACE_NULL, 10);
        assert_int_equal(reader_expect_opened(reader)->place->seq, 1);
}

static void test_damaged_cursors_are_set_aside_and_the_start_goes_on(void **state) {
        Fixture *fixture = *state;
        char path[128], aside[160];
        struct stat status;
        FILE *file;

        assert_int_equal(serve_process_stop(&fixture->serve), 0);
        snprintf(path, sizeof(path), "%s/serve/cursors", fixture->bus.folder);
        snprintf(aside, sizeof(aside), "%s.damaged", path);
        file = fopen(path, "w");
        assert_non_null(file);
        fputs("not cursors", file);
        fclose(file);
        start(fixture);
        assert_int_equal(stat(aside, &status), 0);
}

/* ---- configuration ---- */

static void test_denial_counts_at_once_for_open_feeds_and_live(void **state) {
        Fixture *fixture = *state;
        Reader live, *reader;
        char topic[128];

        add(fixture, "alpha", 1);
        reader = open_feed(fixture, "both", "c", 10);
        reader_expect_opened(reader);
        reader_expect_delivery(reader, (Place){ 1, 0 }, PLACE_NULL);
        reader_connect(&live, &fixture->serve, "live/both", ZSOCKET_SUB);
        assert_non_null(reader_next_live(&live, topic, 5000)); /* bus.place: it is connected */
        /* beta is taken from the team: it is neither its own any more nor to be read by it. */
        assert_int_equal(serve_process_configure(&fixture->serve,
                                                 "  both: {name: Both, class: clinical, may_read: [alpha]}\n"
                                                 "  one: {name: One, class: clinical, may_read: [alpha]}\n",
                                                 SOURCES_OF_TWO),
                         LINK_READY);
        add(fixture, "beta", 1);
        add(fixture, "alpha", 1);
        reader_expect_delivery(reader, (Place){ 3, 0 }, (Place){ 1, 0 });
        for (;;) {
                const Carebus__V1__Delivery *delivery = reader_next_live(&live, topic, 5000);
                assert_non_null(delivery);
                assert_int_not_equal(delivery->seq, 2);
                if (!delivery->place_only)
                        break;
        }
        /* The team becomes another user's. */
        assert_int_equal(
                serve_process_configure(&fixture->serve,
                                        "  both: {name: Both, class: clinical, may_read: [alpha], user: 4242}\n"
                                        "  one: {name: One, class: clinical, may_read: [alpha]}\n",
                                        SOURCES_OF_TWO),
                LINK_READY);
        reader_expect_refused(reader, "not-allowed");
        while (reader_next_live(&live, topic, 0))
                ;
        add(fixture, "alpha", 1);
        assert_null(reader_next_live(&live, topic, 1500)); /* not even bus.place */
        reader_deinit(&live);
}

static void test_grant_counts_when_it_is_folded(void **state) {
        static const char *const teams[] = { "both", "one", NULL }, *const before[] = { "alpha", NULL };
        static const char *const after[] = { "alpha", "beta", NULL };
        Fixture *fixture = *state;
        Reader *reader;

        small_bus_set_settings(&fixture->bus, teams, before);
        reader = open_feed(fixture, "both", "c", 10);
        reader_expect_opened(reader);
        add(fixture, "beta", 1);
        add(fixture, "alpha", 1);
        reader_expect_delivery(reader, (Place){ 2, 0 }, PLACE_NULL);
        small_bus_set_settings(&fixture->bus, teams, after);
        add(fixture, "beta", 1);
        reader_expect_delivery(reader, (Place){ 3, 0 }, (Place){ 2, 0 });
}

static void test_configuration_that_cannot_be_bound_leaves_the_one_before_in_force(void **state) {
        Fixture *fixture = *state;
        char command[160];
        Reader *reader;

        snprintf(command, sizeof(command), "mkdir '%s/live/fresh'", fixture->serve.run);
        assert_int_equal(system(command), 0); /* a folder stands where the socket should be */
        assert_int_equal(serve_process_configure(&fixture->serve, TEAMS "  fresh: {name: Fresh, class: clinical}\n",
                                                 SOURCES),
                         LINK_FAILED);
        reader = open_feed(fixture, "fresh", "c", 10);
        reader_expect_refused(reader, "unknown-team");
        add(fixture, "alpha", 1);
        reader_open_from(reader, "one", "c", RESUME, PLACE_NULL, 10);
        reader_expect_opened(reader);
        reader_expect_delivery(reader, (Place){ 1, 0 }, PLACE_NULL);
        snprintf(command, sizeof(command), "rmdir '%s/live/fresh'", fixture->serve.run);
        assert_int_equal(system(command), 0);
        assert_int_equal(serve_process_configure(&fixture->serve, TEAMS "  fresh: {name: Fresh, class: clinical}\n",
                                                 SOURCES),
                         LINK_READY);
}

static void test_it_ends_well_when_told_and_when_core_is_gone(void **state) {
        Fixture *fixture = *state;

        assert_int_equal(serve_process_stop(&fixture->serve), 0);
        start(fixture);
        assert_int_equal(serve_process_leave(&fixture->serve), 0);
        start(fixture);
        assert_int_equal(kill(fixture->serve.pid, SIGTERM), 0); /* to the whole group: core decides */
        assert_int_equal(serve_process_configure(&fixture->serve, TEAMS, SOURCES), LINK_READY);
}

/* ---- live ---- */

static void test_live_gives_topic_and_delivery_and_says_its_place_when_idle(void **state) {
        Fixture *fixture = *state;
        const Carebus__V1__Delivery *delivery;
        Reader *reader = &fixture->reader;
        char topic[128];

        add(fixture, "alpha", 2);
        reader_connect(reader, &fixture->serve, "live/one", ZSOCKET_SUB);
        do { /* until it stands at the head */
                delivery = reader_next_live(reader, topic, 5000);
                assert_non_null(delivery);
        } while (!delivery->place_only);
        assert_string_equal(topic, "bus.place");
        assert_int_equal(delivery->seq, 1);
        assert_int_equal(delivery->index, 1);
        add(fixture, "beta", 1);
        add(fixture, "alpha", 1);
        do {
                delivery = reader_next_live(reader, topic, 5000);
                assert_non_null(delivery);
        } while (delivery->place_only);
        assert_string_equal(topic, "encounter.admitted/p1.0");
        assert_int_equal(delivery->seq, 3);
        assert_int_equal(delivery->prev_seq, 1);
        assert_int_equal(delivery->prev_index, 1);
        assert_string_equal(delivery->event->event_id, "3.0");
}

static void test_live_of_another_team_does_not_let_in(void **state) {
        Fixture *fixture = *state;
        Reader *reader = &fixture->reader;
        char topic[128];

        assert_int_equal(serve_process_configure(&fixture->serve, TEAMS_WITH_STRANGER, SOURCES), LINK_READY);
        reader_connect(reader, &fixture->serve, "live/stranger", ZSOCKET_SUB);
        add(fixture, "alpha", 1);
        assert_null(reader_next_live(reader, topic, 1500));
}

/* ---- queries ---- */

static void test_tail_has_a_line_for_every_number_and_for_a_team_what_it_sees(void **state) {
        static const char *const types[] = { "encounter.admitted", "encounter.admitted", "bus.duplicate",
                                             "bus.quarantined" };
        Fixture *fixture = *state;
        Carebus__V1__TailRequest tail = CAREBUS__V1__TAIL_REQUEST__INIT;
        Carebus__V1__Request request = CAREBUS__V1__REQUEST__INIT;
        const Carebus__V1__Reply *reply;
        Reader *reader = &fixture->reader;

        add(fixture, "alpha", 1);
        add(fixture, "beta", 1);
        small_bus_add_duplicate(&fixture->bus, "alpha", 1);
        small_bus_add_quarantined(&fixture->bus, "alpha", "no-identifier");
        reader_connect(reader, &fixture->serve, "query", ZSOCKET_DEALER);
        request.command_case = CAREBUS__V1__REQUEST__COMMAND_TAIL;
        request.tail = &tail;
        reply = reader_ask(reader, &request);
        assert_null(reply->error);
        assert_int_equal(reply->tail->n_items, 4);
        assert_int_equal(reply->tail->next_seq, 5);
        assert_int_equal(reply->tail->head_seq, 4);
        for (size_t i = 0; i < 4; i++) {
                assert_int_equal(reply->tail->items[i]->seq, i + 1);
                assert_string_equal(reply->tail->items[i]->type, types[i]);
        }
        assert_int_equal(reply->tail->items[2]->duplicate_of, 1);
        assert_string_equal(reply->tail->items[3]->reason, "no-identifier");
        assert_string_equal(reply->tail->items[3]->source_message_id, "M1");
        assert_string_equal(reply->tail->items[0]->event->event_id, "1.0");

        tail.team = (char *)"one";
        reply = reader_ask(reader, &request);
        assert_int_equal(reply->tail->n_items, 1);
        assert_string_equal(reply->tail->items[0]->source, "alpha");
        tail.team = (char *)"none";
        reply = reader_ask(reader, &request);
        assert_int_equal(reply->tail->n_items, 0);
        assert_int_equal(reply->tail->next_seq, 5);
        tail.team = (char *)"nobody";
        assert_string_equal(reader_ask(reader, &request)->error, "unknown-team");
}

static void test_tail_comes_in_pages_that_join(void **state) {
        Fixture *fixture = *state;
        Carebus__V1__TailRequest tail = CAREBUS__V1__TAIL_REQUEST__INIT;
        Carebus__V1__Request request = CAREBUS__V1__REQUEST__INIT;
        Reader *reader = &fixture->reader;
        uint64_t seen = 0;

        for (int i = 0; i < 50; i++)
                small_bus_add(&fixture->bus, "alpha", 1, "p1.0");
        reader_connect(reader, &fixture->serve, "query", ZSOCKET_DEALER);
        request.command_case = CAREBUS__V1__REQUEST__COMMAND_TAIL;
        request.tail = &tail;
        tail.has_limit = tail.has_from_seq = true;
        tail.limit = 7;
        tail.from_seq = 1;
        while (tail.from_seq <= 50) {
                const Carebus__V1__Reply *reply = reader_ask(reader, &request);
                assert_true(reply->tail->n_items > 0 && reply->tail->n_items <= 7);
                for (size_t i = 0; i < reply->tail->n_items; i++)
                        assert_int_equal(reply->tail->items[i]->seq, ++seen);
                assert_int_equal(reply->tail->next_seq, seen + 1);
                tail.from_seq = reply->tail->next_seq;
        }
        assert_int_equal(seen, 50);
}

static void test_status_tells_where_teams_and_feeds_stand(void **state) {
        Fixture *fixture = *state;
        Carebus__V1__StatusRequest status = CAREBUS__V1__STATUS_REQUEST__INIT;
        Carebus__V1__Request request = CAREBUS__V1__REQUEST__INIT;
        const Carebus__V1__Reply *reply;
        Reader query, *reader;
        int64_t until = clock_monotonic(&clock_system) + 10 * USEC_PER_SEC;

        for (int i = 0; i < 5; i++)
                add(fixture, "alpha", 1);
        reader = open_feed(fixture, "one", "c", 2);
        reader_expect_opened(reader);
        reader_expect_delivery(reader, (Place){ 1, 0 }, PLACE_NULL);
        reader_ack(reader, (Place){ 1, 0 });
        reader_connect(&query, &fixture->serve, "query", ZSOCKET_DEALER);
        request.command_case = CAREBUS__V1__REQUEST__COMMAND_STATUS;
        request.status = &status;
        do {
                reply = reader_ask(&query, &request);
                assert_null(reply->error);
                assert_true(clock_monotonic(&clock_system) < until);
        } while (reply->status->n_feeds == 0 || reply->status->feeds[0]->seq == 0);
        assert_int_equal(reply->status->folded_seq, 5);
        assert_true(reply->status->serve_up);
        assert_int_equal(reply->status->n_teams, 3);
        assert_string_equal(reply->status->teams[1]->name, "one");
        assert_int_equal(reply->status->teams[1]->seq, 5);
        assert_int_equal(reply->status->teams[1]->readers, 1);
        assert_int_equal(reply->status->teams[2]->seq, 0);
        assert_string_equal(reply->status->feeds[0]->consumer, "c");
        assert_int_equal(reply->status->feeds[0]->lag, 4);
        assert_true(reply->status->feeds[0]->open);
        reader_deinit(&query);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_feed_gives_what_the_team_sees_in_order_with_the_place_before),
                TEST(test_team_without_rights_gets_nothing),
                TEST(test_no_more_than_the_credit_is_delivered),
                TEST(test_resume_goes_on_behind_the_last_acknowledgement_after_serve_was_killed),
                TEST(test_consumers_of_a_team_have_places_of_their_own),
                TEST(test_stalled_consumer_delays_nobody),
                TEST(test_open_from_a_place_begins_behind_it_and_says_the_place_before),
                TEST(test_open_from_now_gives_only_what_comes),
                TEST(test_second_open_of_a_consumer_takes_over),
                TEST(test_acknowledging_what_was_never_delivered_ends_the_feed),
                TEST(test_acknowledging_what_live_brought_is_good_and_is_not_delivered_again),
                TEST(test_what_cannot_be_opened_is_refused_with_its_reason),
                TEST(test_cursor_of_another_journal_is_refused),
                TEST(test_damaged_cursors_are_set_aside_and_the_start_goes_on),
                TEST(test_denial_counts_at_once_for_open_feeds_and_live),
                TEST(test_grant_counts_when_it_is_folded),
                TEST(test_configuration_that_cannot_be_bound_leaves_the_one_before_in_force),
                TEST(test_it_ends_well_when_told_and_when_core_is_gone),
                TEST(test_live_gives_topic_and_delivery_and_says_its_place_when_idle),
                TEST(test_live_of_another_team_does_not_let_in),
                TEST(test_tail_has_a_line_for_every_number_and_for_a_team_what_it_sees),
                TEST(test_tail_comes_in_pages_that_join),
                TEST(test_status_tells_where_teams_and_feeds_stand),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
