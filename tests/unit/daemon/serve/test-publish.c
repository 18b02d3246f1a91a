/* What teams get of an entry: the bytes are those that packing the whole event would give, and what stands in front of them
 * fits into the room that is left for it. */
#include "daemon/serve/publish.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

#include "carebus/v1/feed.pb-c.h"
#include "small-bus.h"

static uint64_t seed;

static uint64_t next_random(void) {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        return seed ^= seed << 17;
}

static Bytes pack(const ProtobufCMessage *message, uint8_t *room, size_t size) {
        assert_true(protobuf_c_message_get_packed_size(message) <= size);
        return bytes_of(room, protobuf_c_message_pack(message, room));
}

/* ---- the stamp ---- */

static void check_stamp(const Carebus__V1__Event *stored, const PublishStamp *stamp) {
        uint8_t room[2048], wanted_room[2048];
        _cleanup_(buffer_deinit) Buffer made = BUFFER_NULL;
        Carebus__V1__Subject subject = CAREBUS__V1__SUBJECT__INIT;
        Carebus__V1__Event wanted = *stored;
        char source[64], patient_id[64], message_id[64];
        PublishSeen seen;

        snprintf(source, sizeof(source), "%.*s", (int)stamp->source.size, (const char *)stamp->source.data);
        snprintf(message_id, sizeof(message_id), "%.*s", (int)stamp->message_id.size,
                 (const char *)stamp->message_id.data);
        snprintf(patient_id, sizeof(patient_id), "%.*s", (int)stamp->patient_id.size,
                 (const char *)stamp->patient_id.data);
        if (stored->patient)
                subject = *stored->patient;
        subject.patient_id = stamp->patient_id.size ? patient_id : NULL;
        if (stored->patient || stamp->patient_id.size)
                wanted.patient = &subject;
        wanted.event_id = (char *)stamp->event_id;
        wanted.has_received_at = true;
        wanted.received_at = stamp->received_at;
        wanted.source = source;
        if (!wanted.source_message_id && stamp->message_id.size)
                wanted.source_message_id = message_id;
        if (stamp->belated)
                wanted.has_belated = wanted.belated = true;
        wanted.has_confirms = wanted.confirms = stamp->confirms;
        wanted.has_loaded = wanted.loaded = stamp->loaded;
        assert_int_equal(publish_stamp_event(pack(&stored->base, room, sizeof(room)), stamp, &made, &seen), 0);
        assert_true(bytes_equal(buffer_bytes(&made), pack(&wanted.base, wanted_room, sizeof(wanted_room))));
        assert_true(bytes_equal_text(seen.type, stored->type));
}

static void test_stamped_event_equals_the_event_packed_anew(void **state) {
        Carebus__V1__Event event = CAREBUS__V1__EVENT__INIT;
        Carebus__V1__Subject subject = CAREBUS__V1__SUBJECT__INIT;
        Carebus__V1__Identifier identifier = CAREBUS__V1__IDENTIFIER__INIT, *identifiers[] = { &identifier };
        Carebus__V1__Death death = CAREBUS__V1__DEATH__INIT;
        PublishStamp stamp = { .event_id = "12.3", .received_at = 1700000000000000, .source = bytes_of_text("alpha") };

        seed = (uint64_t)time(NULL) | 1;
        print_message("# seed %llu\n", (unsigned long long)seed);
        identifier.value = (char *)"9434765919";
        subject.identifiers = identifiers;
        for (int i = 0; i < 500; i++) {
                const uint64_t bits = next_random();

                event.type = (char *)"death.notified";
                event.source_message_id = bits & 1 ? (char *)"M" : NULL;
                event.event_id = bits & 2 ? (char *)"forged" : NULL;
                event.source = bits & 4 ? (char *)"forged" : NULL;
                event.has_received_at = (bits & 8) != 0;
                event.received_at = 5;
                subject.n_identifiers = bits & 16 ? 1 : 0;
                subject.patient_id = bits & 32 ? (char *)"p999.9" : NULL;
                event.patient = bits & 64 ? &subject : NULL;
                event.trigger = bits & 128 ? (char *)"ADT^A01" : NULL;
                event.has_belated = event.belated = (bits & 256) != 0;
                event.body_case = bits & 512 ? CAREBUS__V1__EVENT__BODY_DEATH : CAREBUS__V1__EVENT__BODY__NOT_SET;
                event.death = &death;
                stamp.patient_id = bits & 1024 ? bytes_of_text("p7.0") : BYTES_NULL;
                stamp.belated = (bits & 2048) != 0;
                event.has_confirms = event.confirms = (bits & 8192) != 0;
                event.has_loaded = event.loaded = (bits & 16384) != 0;
                event.team = bits & 32768 ? (char *)"ward-7" : NULL;
                stamp.confirms = (bits & 65536) != 0;
                stamp.loaded = (bits & 131072) != 0;
                stamp.message_id = bits & 4096 ? bytes_of_text("of-the-submission") : BYTES_NULL;
                check_stamp(&event, &stamp);
        }
}

static void test_bytes_that_are_no_event_are_refused(void **state) {
        static const uint8_t torn[] = { 0x12, 0x20, 'x' };
        _cleanup_(buffer_deinit) Buffer made = BUFFER_NULL;
        const PublishStamp stamp = { .event_id = "1.0" };

        assert_int_equal(publish_stamp_event(bytes_of(torn, sizeof(torn)), &stamp, &made, NULL), -EBADMSG);
}

/* ---- the frame ---- */

static void check_frame(PublishedBytes *event, Place place, Place previous) {
        const PublishAt again = { .place = place, .previous = previous, .sent_before = UINT32_MAX };
        const PublishAt at = { .place = place, .previous = previous };
        Bytes frame = publish_frame(PUBLISH_FEED, event, &again);
        Carebus__V1__ToReader *to = carebus__v1__to_reader__unpack(NULL, frame.size, frame.data);
        Carebus__V1__Delivery *delivery;

        assert_true(frame.data >= event->data - PUBLISH_ROOM);
        assert_non_null(to);
        assert_int_equal(to->message_case, CAREBUS__V1__TO_READER__MESSAGE_DELIVERY);
        assert_int_equal(to->delivery->seq, place.seq);
        assert_int_equal(to->delivery->index, place.index);
        assert_int_equal(to->delivery->prev_seq, previous.seq);
        assert_int_equal(to->delivery->prev_index, previous.index);
        assert_true(to->delivery->sent_before == UINT32_MAX);
        assert_string_equal(to->delivery->event->type, "encounter.admitted");
        carebus__v1__to_reader__free_unpacked(to, NULL);

        frame = publish_frame(PUBLISH_LIVE, event, &at);
        delivery = carebus__v1__delivery__unpack(NULL, frame.size, frame.data);
        assert_non_null(delivery);
        assert_int_equal(delivery->seq, place.seq);
        assert_int_equal(delivery->prev_index, previous.index);
        assert_int_equal(delivery->what_case, CAREBUS__V1__DELIVERY__WHAT_EVENT);
        assert_false(delivery->has_sent_before); /* the first time costs no byte */
        carebus__v1__delivery__free_unpacked(delivery, NULL);
}

static void test_frame_holds_its_places_whatever_their_size(void **state) {
        static const Place places[] = { { 0, 0 },
                                        { 1, 0 },
                                        { 127, 127 },
                                        { 128, 128 },
                                        { 1ULL << 42, 5 },
                                        { UINT64_MAX, 0 },
                                        { UINT64_MAX, UINT32_MAX } };
        static const size_t sizes[] = { 0, 1, 100, 127, 128, 16383, 16384, 70000 };

        for (size_t s = 0; s < ELEMENTSOF(sizes); s++) {
                /* On the heap, in its exact size: a sanitizer sees a byte too many. */
                const size_t filler = sizes[s];
                _cleanup_(freep) char *text = calloc(1, filler + 1);
                Carebus__V1__Event event = CAREBUS__V1__EVENT__INIT;
                PublishedBytes published = { .size = 0 };
                _cleanup_(freep) uint8_t *block = NULL;

                memset(text, 'x', filler);
                event.type = (char *)"encounter.admitted";
                event.source_message_id = text;
                published.size = carebus__v1__event__get_packed_size(&event);
                block = calloc(1, PUBLISH_ROOM + published.size);
                published.data = block + PUBLISH_ROOM;
                carebus__v1__event__pack(&event, published.data);
                for (size_t i = 0; i < ELEMENTSOF(places); i++)
                        for (size_t j = 0; j < ELEMENTSOF(places); j++)
                                check_frame(&published, places[i], places[j]);
        }
}

static void test_place_only_says_where_the_stream_stands(void **state) {
        _cleanup_(buffer_deinit) Buffer frame = BUFFER_NULL;
        Carebus__V1__Delivery *delivery;

        publish_place((Place){ .seq = 300, .index = 2 }, &frame);
        delivery = carebus__v1__delivery__unpack(NULL, frame.size, frame.data);
        assert_non_null(delivery);
        assert_true(delivery->place_only);
        assert_int_equal(delivery->seq, 300);
        assert_int_equal(delivery->prev_seq, 300);
        assert_int_equal(delivery->index, 2);
        assert_int_equal(delivery->prev_index, 2);
        assert_int_equal(delivery->what_case, CAREBUS__V1__DELIVERY__WHAT__NOT_SET);
        carebus__v1__delivery__free_unpacked(delivery, NULL);
}

/* ---- the entry ---- */

typedef struct Fixture {
        SmallBus bus;
        View *view;
        Publisher *publisher;
} Fixture;

static int set_up(void **state) {
        Fixture *fixture = calloc(1, sizeof(*fixture));

        small_bus_init(&fixture->bus);
        assert_int_equal(view_new(fixture->bus.state, fixture->bus.journal_folder, &fixture->view), 0);
        assert_int_equal(publisher_new(&fixture->publisher), 0);
        *state = fixture;
        return 0;
}

static int tear_down(void **state) {
        Fixture *fixture = *state;

        publisher_free(fixture->publisher);
        view_free(fixture->view);
        small_bus_deinit(&fixture->bus);
        free(fixture);
        return 0;
}

static PublishedEntry *publish(Fixture *fixture, uint64_t seq) {
        PublishedEntry *entry = NULL;

        assert_int_equal(view_renew(fixture->view), 0);
        assert_int_equal(publisher_entry(fixture->publisher, fixture->view, seq, &entry), 0);
        view_rest(fixture->view);
        assert_int_equal(entry->seq, seq);
        return entry;
}

static Carebus__V1__Event *event_of(const PublishedEntry *entry, size_t index) {
        Carebus__V1__Event *event;

        assert_true(index < entry->n_events);
        event = carebus__v1__event__unpack(NULL, entry->events[index].bytes.size, entry->events[index].bytes.data);
        assert_non_null(event);
        return event;
}

static void test_entry_gives_its_events_with_what_the_bus_knows_of_them(void **state) {
        Fixture *fixture = *state;
        uint64_t seq = small_bus_add(&fixture->bus, "alpha", 2, "p4.0");
        _cleanup_(published_entry_freep) PublishedEntry *entry = publish(fixture, seq);
        Carebus__V1__Event *event = event_of(entry, 1);

        assert_int_equal(entry->n_events, 2);
        assert_true(bytes_equal_text(entry->source, "alpha"));
        assert_string_equal(event->event_id, "1.1");
        assert_string_equal(event->source, "alpha");
        assert_string_equal(event->source_message_id, "M1");
        assert_string_equal(event->patient->patient_id, "p4.0");
        assert_true(event->received_at == small_bus_time(seq));
        assert_false(event->has_belated);
        assert_string_equal(entry->events[1].topic, "encounter.admitted/p4.0");
        carebus__v1__event__free_unpacked(event, NULL);
}

static void test_event_about_nobody_has_a_topic_that_ends_in_a_slash(void **state) {
        Fixture *fixture = *state;
        _cleanup_(published_entry_freep)
                PublishedEntry *entry = publish(fixture, small_bus_add(&fixture->bus, "alpha", 1, NULL));

        assert_string_equal(entry->events[0].topic, "encounter.admitted/");
}

static void test_duplicate_and_quarantined_give_nothing(void **state) {
        Fixture *fixture = *state;
        uint64_t first = small_bus_add(&fixture->bus, "alpha", 1, "p1.0");
        _cleanup_(freep)
                PublishedEntry *again = publish(fixture, small_bus_add_duplicate(&fixture->bus, "alpha", first));
        _cleanup_(published_entry_freep) PublishedEntry *kept =
                publish(fixture, small_bus_add_quarantined(&fixture->bus, "alpha", "no-identifier"));

        assert_int_equal(again->n_events, 0);
        assert_int_equal(kept->n_events, 0);
        assert_int_equal(kept->source.size, 0);
}

static void test_derived_events_follow_with_the_next_index(void **state) {
        Fixture *fixture = *state;
        _cleanup_(published_entry_freep) PublishedEntry *entry =
                publish(fixture, small_bus_add_with_derived(&fixture->bus, "alpha", "conflict.opened"));
        Carebus__V1__Event *event = event_of(entry, 1);

        assert_int_equal(entry->n_events, 2);
        assert_string_equal(event->event_id, "1.1");
        assert_string_equal(event->type, "conflict.opened");
        assert_string_equal(event->source, "alpha");
        assert_string_equal(event->patient->patient_id, "p2.0");
        assert_null(event->source_message_id);
        assert_string_equal(entry->events[1].topic, "conflict.opened/p2.0");
        carebus__v1__event__free_unpacked(event, NULL);
}

static void test_history_is_marked_and_so_is_what_was_said_before(void **state) {
        Fixture *fixture = *state;
        _cleanup_(published_entry_freep)
                PublishedEntry *loaded = publish(fixture, small_bus_add_loaded(&fixture->bus, "alpha", 1));
        _cleanup_(published_entry_freep)
                PublishedEntry *live = publish(fixture, small_bus_add(&fixture->bus, "alpha", 2, "p1.0"));

        assert_int_equal(loaded->n_events, 4);
        for (size_t i = 0; i < 4; i++) {
                Carebus__V1__Event *event = event_of(loaded, i);

                assert_true(event->has_loaded && event->loaded);
                assert_int_equal(event->has_confirms, i == 1);
                carebus__v1__event__free_unpacked(event, NULL);
        }
        for (size_t i = 0; i < 2; i++) {
                Carebus__V1__Event *event = event_of(live, i);

                assert_false(event->has_loaded || event->has_confirms);
                carebus__v1__event__free_unpacked(event, NULL);
        }
}

static void test_retry_publishes_the_earlier_events_under_its_own_number_as_belated(void **state) {
        Fixture *fixture = *state;
        uint64_t earlier = small_bus_add_quarantined(&fixture->bus, "beta", "no-identifier");
        uint64_t retry = small_bus_add_republishing(&fixture->bus, "beta", earlier, 1);
        _cleanup_(published_entry_freep) PublishedEntry *entry = publish(fixture, retry);
        Carebus__V1__Event *event = event_of(entry, 0);

        assert_string_equal(event->event_id, "2.0");
        assert_string_equal(event->source, "beta");
        assert_string_equal(event->patient->patient_id, "p9.0");
        assert_true(event->received_at == small_bus_time(retry));
        assert_string_equal(event->source_message_id, "M1");
        assert_true(event->belated);
        assert_true(bytes_equal_text(entry->source, "beta"));
        carebus__v1__event__free_unpacked(event, NULL);
}

static void test_nothing_is_given_out_beyond_what_the_view_stands_at(void **state) {
        Fixture *fixture = *state;
        PublishedEntry *entry = NULL;

        small_bus_add(&fixture->bus, "alpha", 1, "p1.0");
        assert_int_equal(view_renew(fixture->view), 0);
        small_bus_add(&fixture->bus, "alpha", 1, "p1.0");
        assert_int_equal(view_head(fixture->view), 1);
        assert_int_equal(publisher_entry(fixture->publisher, fixture->view, 2, &entry), VIEW_E_NOT_FOUND);
        assert_int_equal(view_renew(fixture->view), 0);
        assert_int_equal(publisher_entry(fixture->publisher, fixture->view, 2, &entry), 0);
        free(entry);
        view_rest(fixture->view);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_stamped_event_equals_the_event_packed_anew),
                cmocka_unit_test(test_bytes_that_are_no_event_are_refused),
                cmocka_unit_test(test_frame_holds_its_places_whatever_their_size),
                cmocka_unit_test(test_place_only_says_where_the_stream_stands),
                cmocka_unit_test_setup_teardown(test_entry_gives_its_events_with_what_the_bus_knows_of_them, set_up,
                                                tear_down),
                cmocka_unit_test_setup_teardown(test_event_about_nobody_has_a_topic_that_ends_in_a_slash, set_up,
                                                tear_down),
                cmocka_unit_test_setup_teardown(test_duplicate_and_quarantined_give_nothing, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_derived_events_follow_with_the_next_index, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_history_is_marked_and_so_is_what_was_said_before, set_up,
                                                tear_down),
                cmocka_unit_test_setup_teardown(test_retry_publishes_the_earlier_events_under_its_own_number_as_belated,
                                                set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_nothing_is_given_out_beyond_what_the_view_stands_at, set_up,
                                                tear_down),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
