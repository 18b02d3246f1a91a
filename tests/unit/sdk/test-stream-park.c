/* What cannot be delivered, as a program meets it: said, answered, refused for now, given again, done; and the record that
 * begins. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/text.h"
#include "carebus/v1/record.pb-c.h"
#include "sdk/carebus.h"
#include "tests/unit/sdk/fake-bus.h"

#define WITHIN_MS 5000

/* What the bus heard, and what it is to answer. */
typedef struct Script {
        Carebus__V1__Parked *waits; /* at each open; NULL: none */
        const char *park_error;
        int release; /* gives what is parked again at once */
        atomic_int parks;
        atomic_int acked_seq, parked_seq, overtaken, resumed_item;
} Script;

static void say_parked(FakeBus *bus, uint32_t id, const char *error) {
        Carebus__V1__ToReader to = CAREBUS__V1__TO_READER__INIT;
        Carebus__V1__ParkAnswer answer = CAREBUS__V1__PARK_ANSWER__INIT;

        answer.has_id = true;
        answer.id = id;
        answer.error = (char *)error;
        answer.has_seq = !error;
        answer.seq = 40;
        to.message_case = CAREBUS__V1__TO_READER__MESSAGE_PARKED;
        to.parked = &answer;
        fake_bus_say(bus, &to);
}

static void say_again(FakeBus *bus) {
        Carebus__V1__ToReader to = CAREBUS__V1__TO_READER__INIT;
        Carebus__V1__Redelivered done = CAREBUS__V1__REDELIVERED__INIT;

        fake_bus_deliver(bus,
                         &(FakeEvent){ .seq = 5, .type = "death.notified", .patient_id = "p1.0", .redelivered = 1 });
        done.patient_id = (char *)"p1.0";
        done.has_seq = true;
        done.seq = 40;
        to.message_case = CAREBUS__V1__TO_READER__MESSAGE_REDELIVERED;
        to.redelivered = &done;
        fake_bus_say(bus, &to);
}

static void hear(FakeBus *bus, const Carebus__V1__FromReader *heard, void *owner) {
        Script *script = owner;

        switch (heard->message_case) {
        case CAREBUS__V1__FROM_READER__MESSAGE_OPEN:
                fake_bus_open(bus, script->waits ? &script->waits : NULL, script->waits ? 1 : 0);
                fake_bus_deliver(bus,
                                 &(FakeEvent){ .seq = 5, .type = "death.notified", .patient_id = "p1.0", .so_far = 1 });
                fake_bus_deliver(bus,
                                 &(FakeEvent){
                                         .seq = 7, .prev_seq = 5, .type = "encounter.updated", .patient_id = "p2.0" });
                break;
        case CAREBUS__V1__FROM_READER__MESSAGE_PARK:
                atomic_fetch_add(&script->parks, 1);
                atomic_store(&script->parked_seq, (int)heard->park->parked->from_seq);
                atomic_store(&script->overtaken, (int)heard->park->parked->n_overtaken);
                say_parked(bus, heard->park->id, script->park_error);
                if (script->release)
                        say_again(bus);
                break;
        case CAREBUS__V1__FROM_READER__MESSAGE_RESUMED:
                atomic_store(&script->resumed_item, (int)heard->resumed->seq);
                break;
        case CAREBUS__V1__FROM_READER__MESSAGE_ACK:
                atomic_store(&script->acked_seq, (int)heard->ack->seq);
                break;
        default:
                break;
        }
}

static carebus_stream *stream_of(FakeBus *bus, int parks) {
        const carebus_stream_options options = {
                .feed = { .endpoint = fake_bus_endpoint(bus) }, .team = "ward", .consumer = "out", .parks = parks
        };
        carebus_stream *stream;

        assert_int_equal(carebus_stream_new(&stream, &options), 0);
        return stream;
}

static carebus_delivery next(carebus_stream *stream, carebus_delivery_kind kind) {
        carebus_delivery delivery;

        assert_int_equal(carebus_stream_next(stream, &delivery, WITHIN_MS), 1);
        assert_int_equal(delivery.kind, kind);
        return delivery;
}

static void assert_heard(const atomic_int *value, int wanted) {
        for (int i = 0; i < 500 && atomic_load(value) != wanted; i++)
                usleep(10000);
        assert_int_equal(atomic_load(value), wanted);
}

static void test_what_is_parked_is_answered_by_its_number_and_its_item(void **state) {
        const char *const overtaken[] = { "7.0" };
        Script script = { 0 };
        FakeBus *bus = fake_bus_new(hear, &script);
        carebus_stream *stream = stream_of(bus, 1);
        carebus_parked parked = {
                .patient_id = "p1.0", .seq = 5, .code = "rejected", .overtaken = overtaken, .n_overtaken = 1
        };
        carebus_delivery delivery;
        uint32_t id = 0;

        (void)state;
        assert_int_equal(carebus_stream_park(stream, &parked, &id), -EAGAIN); /* not open yet */
        delivery = next(stream, CAREBUS_DELIVERY_OPENED);
        assert_string_equal(delivery.bus, "fake");
        assert_int_equal(delivery.n_parked, 0);
        next(stream, CAREBUS_DELIVERY_EVENT);
        assert_int_equal(carebus_stream_park(stream, &parked, &id), 0);
        next(stream, CAREBUS_DELIVERY_EVENT); /* others go on meanwhile */
        delivery = next(stream, CAREBUS_DELIVERY_PARKED);
        assert_int_equal(delivery.park_id, id);
        assert_int_equal(delivery.item, 40);
        assert_null(delivery.reason);
        assert_int_equal(atomic_load(&script.parked_seq), 5);
        assert_int_equal(atomic_load(&script.overtaken), 1);
        carebus_stream_free(stream);
        fake_bus_free(bus);
}

static void test_a_refusal_says_why_and_each_asking_has_a_number_of_its_own(void **state) {
        Script script = { .park_error = "try-later" };
        FakeBus *bus = fake_bus_new(hear, &script);
        carebus_stream *stream = stream_of(bus, 1);
        const carebus_parked parked = { .seq = 5, .code = "rejected" };
        carebus_delivery delivery;
        uint32_t first, second;

        (void)state;
        next(stream, CAREBUS_DELIVERY_OPENED);
        next(stream, CAREBUS_DELIVERY_EVENT);
        next(stream, CAREBUS_DELIVERY_EVENT);
        assert_int_equal(carebus_stream_park(stream, &parked, &first), 0);
        delivery = next(stream, CAREBUS_DELIVERY_PARKED);
        assert_string_equal(delivery.reason, "try-later");
        assert_int_equal(delivery.park_id, first);
        assert_int_equal(carebus_stream_park(stream, &parked, &second), 0);
        assert_int_not_equal(first, second);
        assert_int_equal(next(stream, CAREBUS_DELIVERY_PARKED).park_id, second);
        carebus_stream_free(stream);
        fake_bus_free(bus);
}

static void test_what_comes_again_stands_behind_the_stream_and_is_done_when_it_is_said(void **state) {
        Script script = { .release = 1 };
        FakeBus *bus = fake_bus_new(hear, &script);
        carebus_stream *stream = stream_of(bus, 1);
        const carebus_parked parked = { .patient_id = "p1.0", .seq = 5, .code = "rejected" };
        carebus_delivery delivery;
        uint32_t id;

        (void)state;
        next(stream, CAREBUS_DELIVERY_OPENED);
        next(stream, CAREBUS_DELIVERY_EVENT);
        delivery = next(stream, CAREBUS_DELIVERY_EVENT);
        assert_int_equal(delivery.seq, 7);
        assert_int_equal(carebus_stream_ack(stream, delivery.seq, delivery.index), 0);
        assert_int_equal(carebus_stream_park(stream, &parked, &id), 0);
        next(stream, CAREBUS_DELIVERY_PARKED);
        delivery = next(stream, CAREBUS_DELIVERY_EVENT);
        assert_true(delivery.redelivered);
        assert_int_equal(delivery.seq, 5);
        delivery = next(stream, CAREBUS_DELIVERY_REDELIVERED);
        assert_string_equal(delivery.patient_id, "p1.0");
        assert_int_equal(delivery.item, 40);
        assert_false(delivery.discarded);
        assert_int_equal(carebus_stream_resumed(stream, delivery.patient_id, 0), -EINVAL);
        assert_int_equal(carebus_stream_resumed(stream, "p1.0", 40), 0);
        assert_heard(&script.resumed_item, 40);
        assert_heard(&script.acked_seq, 7);
        carebus_stream_free(stream);
        fake_bus_free(bus);
}

static void test_who_waits_from_before_is_told_when_the_feed_opens(void **state) {
        char *overtaken[] = { (char *)"9.0", (char *)"9.1" };
        Carebus__V1__Parked waits = CAREBUS__V1__PARKED__INIT;
        Script script = { .waits = &waits };
        FakeBus *bus;
        carebus_stream *stream;
        carebus_delivery delivery;

        (void)state;
        waits.patient_id = (char *)"p1.0";
        waits.code = (char *)"tries-spent";
        waits.answer = (char *)"AE/207";
        waits.has_from_seq = waits.has_from_index = waits.has_item = waits.has_tries = true;
        waits.from_seq = 3;
        waits.from_index = 2;
        waits.item = 33;
        waits.tries = 6;
        waits.overtaken = overtaken;
        waits.n_overtaken = 2;
        bus = fake_bus_new(hear, &script);
        stream = stream_of(bus, 1);
        delivery = next(stream, CAREBUS_DELIVERY_OPENED);
        assert_int_equal(delivery.n_parked, 1);
        assert_string_equal(delivery.parked[0].patient_id, "p1.0");
        assert_string_equal(delivery.parked[0].code, "tries-spent");
        assert_string_equal(delivery.parked[0].answer, "AE/207");
        assert_int_equal(delivery.parked[0].seq, 3);
        assert_int_equal(delivery.parked[0].index, 2);
        assert_int_equal(delivery.parked[0].item, 33);
        assert_int_equal(delivery.parked[0].tries, 6);
        assert_string_equal(delivery.parked[0].overtaken[1], "9.1");
        carebus_stream_free(stream);
        fake_bus_free(bus);
}

static void test_a_reader_that_parks_nothing_hears_nothing_of_it(void **state) {
        Carebus__V1__Parked waits = CAREBUS__V1__PARKED__INIT;
        Script script = { .waits = &waits };
        FakeBus *bus;
        carebus_stream *stream;

        (void)state;
        waits.code = (char *)"rejected";
        waits.has_from_seq = waits.has_item = true;
        waits.from_seq = waits.item = 3;
        bus = fake_bus_new(hear, &script);
        stream = stream_of(bus, 0);
        assert_int_equal(next(stream, CAREBUS_DELIVERY_EVENT).seq, 5);
        assert_int_equal(next(stream, CAREBUS_DELIVERY_EVENT).seq, 7);
        carebus_stream_free(stream);
        fake_bus_free(bus);
}

static void test_the_record_that_begins_comes_beside_its_event(void **state) {
        Script script = { 0 };
        FakeBus *bus = fake_bus_new(hear, &script);
        carebus_stream *stream = stream_of(bus, 0);
        carebus_delivery delivery = next(stream, CAREBUS_DELIVERY_EVENT);
        Carebus__V1__Record *record;

        (void)state;
        assert_non_null(delivery.so_far);
        record = carebus__v1__record__unpack(NULL, delivery.so_far_size, delivery.so_far);
        assert_non_null(record);
        assert_string_equal(record->patient_id, "p1.0");
        carebus__v1__record__free_unpacked(record, NULL);
        assert_null(next(stream, CAREBUS_DELIVERY_EVENT).so_far);
        carebus_stream_free(stream);
        fake_bus_free(bus);
}

static void test_what_is_no_place_no_code_or_too_much_is_refused_here(void **state) {
        Script script = { 0 };
        FakeBus *bus = fake_bus_new(hear, &script);
        carebus_stream *stream = stream_of(bus, 1);
        const char *many[65] = { NULL };
        const carebus_parked wrong[] = { { .code = "rejected" },
                                         { .seq = 5 },
                                         { .seq = 5, .code = "rejected", .overtaken = many, .n_overtaken = 65 } };
        uint32_t id;

        (void)state;
        next(stream, CAREBUS_DELIVERY_OPENED);
        for (size_t i = 0; i < ELEMENTSOF(wrong); i++)
                assert_int_equal(carebus_stream_park(stream, &wrong[i], &id), -EINVAL);
        assert_int_equal(atomic_load(&script.parks), 0);
        carebus_stream_free(stream);
        fake_bus_free(bus);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_what_is_parked_is_answered_by_its_number_and_its_item),
                cmocka_unit_test(test_a_refusal_says_why_and_each_asking_has_a_number_of_its_own),
                cmocka_unit_test(test_what_comes_again_stands_behind_the_stream_and_is_done_when_it_is_said),
                cmocka_unit_test(test_who_waits_from_before_is_told_when_the_feed_opens),
                cmocka_unit_test(test_a_reader_that_parks_nothing_hears_nothing_of_it),
                cmocka_unit_test(test_the_record_that_begins_comes_beside_its_event),
                cmocka_unit_test(test_what_is_no_place_no_code_or_too_much_is_refused_here),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
