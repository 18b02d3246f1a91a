/* Feeds of records, as a replica meets them: a record, its end with what did not stand, and the point of agreement. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/sha256.h"
#include "sdk/carebus.h"
#include "tests/unit/sdk/fake-bus.h"

#define WITHIN_MS 5000
#define KEPT_UP_UNTIL 1700000000000000

static void deliver(FakeBus *bus, Carebus__V1__Delivery *delivery, uint64_t seq, uint64_t before) {
        Carebus__V1__ToReader to = CAREBUS__V1__TO_READER__INIT;

        delivery->has_seq = delivery->has_prev_seq = true;
        delivery->seq = seq;
        delivery->prev_seq = before;
        to.message_case = CAREBUS__V1__TO_READER__MESSAGE_DELIVERY;
        to.delivery = delivery;
        fake_bus_say(bus, &to);
}

static void say_record(FakeBus *bus) {
        Carebus__V1__Delivery delivery = CAREBUS__V1__DELIVERY__INIT;
        Carebus__V1__Record record = CAREBUS__V1__RECORD__INIT;

        record.patient_id = (char *)"p1.0";
        delivery.what_case = CAREBUS__V1__DELIVERY__WHAT_RECORD;
        delivery.record = &record;
        deliver(bus, &delivery, 5, 0);
}

static void say_gone(FakeBus *bus) {
        Carebus__V1__Delivery delivery = CAREBUS__V1__DELIVERY__INIT;
        Carebus__V1__RecordGone gone = CAREBUS__V1__RECORD_GONE__INIT;
        Carebus__V1__ContactPoint owner = CAREBUS__V1__CONTACT_POINT__INIT, *owners[] = { &owner };
        Carebus__V1__RecordCorrection correction = CAREBUS__V1__RECORD_CORRECTION__INIT,
                                      *corrections[] = { &correction };
        char *withdrawn[] = { (char *)"3.0" };

        owner.name = (char *)"Ward 7";
        correction.type = (char *)"death.retracted";
        correction.event_id = (char *)"6.0";
        correction.withdrawn = withdrawn;
        correction.n_withdrawn = 1;
        gone.patient_id = (char *)"p1.0";
        gone.reason = (char *)"withdrawn";
        gone.has_not_kept_up_from = true;
        gone.not_kept_up_from = KEPT_UP_UNTIL;
        gone.whom_to_ring = owners;
        gone.n_whom_to_ring = 1;
        gone.corrections = corrections;
        gone.n_corrections = 1;
        delivery.what_case = CAREBUS__V1__DELIVERY__WHAT_GONE;
        delivery.gone = &gone;
        deliver(bus, &delivery, 6, 5);
}

static void say_end(FakeBus *bus) {
        Carebus__V1__ToReader to = CAREBUS__V1__TO_READER__INIT;
        Carebus__V1__SnapshotEnd end = CAREBUS__V1__SNAPSHOT_END__INIT;
        static uint8_t nobody[SHA256_SIZE]; /* the sum of no digests */

        end.has_seq = end.has_index = end.has_digest = end.has_persons = true;
        end.seq = 6;
        end.digest = (ProtobufCBinaryData){ .len = sizeof(nobody), .data = nobody };
        to.message_case = CAREBUS__V1__TO_READER__MESSAGE_SNAPSHOT_END;
        to.snapshot_end = &end;
        fake_bus_say(bus, &to);
}

static void hear(FakeBus *bus, const Carebus__V1__FromReader *heard, void *owner) {
        (void)owner;
        if (heard->message_case != CAREBUS__V1__FROM_READER__MESSAGE_OPEN)
                return;
        assert_int_equal(heard->open->what, CAREBUS__V1__OPEN__WHAT__WHAT_RECORDS);
        fake_bus_open(bus, NULL, 0);
        say_record(bus);
        say_gone(bus);
        say_end(bus);
}

static carebus_record next(carebus_records *records, carebus_record_kind kind) {
        carebus_record record;

        assert_int_equal(carebus_records_next(records, &record, WITHIN_MS), 1);
        assert_int_equal(record.kind, kind);
        return record;
}

static void assert_gone(const carebus_record *record) {
        Carebus__V1__RecordGone *gone;

        assert_string_equal(record->patient_id, "p1.0");
        assert_string_equal(record->reason, "withdrawn");
        assert_null(record->answered_by);
        assert_true(record->not_kept_up_from == KEPT_UP_UNTIL);
        assert_non_null(record->gone);
        gone = carebus__v1__record_gone__unpack(NULL, record->gone_size, record->gone);
        assert_non_null(gone);
        assert_string_equal(gone->whom_to_ring[0]->name, "Ward 7");
        assert_string_equal(gone->corrections[0]->type, "death.retracted");
        assert_string_equal(gone->corrections[0]->withdrawn[0], "3.0");
        carebus__v1__record_gone__free_unpacked(gone, NULL);
}

static void test_who_is_gone_is_told_with_what_did_not_stand_and_whom_to_ring(void **state) {
        FakeBus *bus = fake_bus_new(hear, NULL);
        const carebus_records_options options = { .feed = { .endpoint = fake_bus_endpoint(bus) },
                                                  .team = "ward",
                                                  .consumer = "replica" };
        carebus_records *records;
        carebus_record record;

        (void)state;
        assert_int_equal(carebus_records_new(&records, &options), 0);
        next(records, CAREBUS_RECORDS_AFRESH);
        record = next(records, CAREBUS_RECORD);
        assert_string_equal(record.patient_id, "p1.0");
        assert_null(record.gone);
        assert_int_equal(carebus_records_ack(records, record.seq, record.index), 0);
        record = next(records, CAREBUS_RECORD_GONE);
        assert_gone(&record);
        record = next(records, CAREBUS_AGREEMENT);
        assert_true(record.equal);
        assert_int_equal(carebus_records_ack(records, 99, 0), -EINVAL);
        assert_int_equal(carebus_records_ack(records, record.seq, record.index), 0);
        carebus_records_free(records);
        fake_bus_free(bus);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_who_is_gone_is_told_with_what_did_not_stand_and_whom_to_ring),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
