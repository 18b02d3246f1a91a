/*
 * One validator a message: what is let through, what is refused, what is stored for a person to look at.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "proto/validate.h"

#define TEXT(literal) ((char *)(literal))

static const ValidateLimits limits = {
        .max_frame = 1024 * 1024,
        .max_original = 1000,
        .max_submissions = 3,
        .max_events = 4,
};

static Arena *arena;

static int arena_setup(void **state) {
        return arena_new(&arena, 8 * 1024 * 1024);
}

static int arena_teardown(void **state) {
        arena = arena_free(arena);
        return 0;
}

/* On the arena: valid until the test ends. */
static Bytes packed(const void *message) {
        size_t size = protobuf_c_message_get_packed_size(message);
        uint8_t *wire = arena_alloc(arena, size + 1);

        assert_non_null(wire);
        return bytes_of(wire, protobuf_c_message_pack(message, wire));
}

static void assert_error(const ValidateError *error, const char *detail) {
        char text[VALIDATE_DETAIL_SIZE];

        validate_detail(error, text);
        assert_string_equal(text, detail);
}

/* ---- names and codes */

static void test_forms_of_names_codes_and_patient_ids(void **state) {
        assert_true(reason_is_valid("same-id-other-bytes"));
        assert_false(reason_is_valid(""));
        assert_false(reason_is_valid("Not allowed"));
        assert_true(patient_id_is_valid("p1.0"));
        assert_true(patient_id_is_valid("p18446744073709551615.4294967295"));
        assert_false(patient_id_is_valid("p1"));
        assert_false(patient_id_is_valid("p.1"));
        assert_false(patient_id_is_valid("p1."));
        assert_false(patient_id_is_valid("p1.0 "));
        assert_false(patient_id_is_valid("q1.0"));
        assert_false(patient_id_is_valid(""));
}

/* ---- from a source */

static int from_source(const Carebus__V1__FromSource *message, FromSource *ret, ValidateError *error) {
        return validate_from_source(packed(message), &limits, arena, ret, error);
}

static void test_hello_names_protocol_and_source(void **state) {
        Carebus__V1__FromSource message = CAREBUS__V1__FROM_SOURCE__INIT;
        Carebus__V1__Hello hello = CAREBUS__V1__HELLO__INIT;
        FromSource read;
        ValidateError error;

        message.message_case = CAREBUS__V1__FROM_SOURCE__MESSAGE_HELLO;
        message.hello = &hello;
        assert_int_equal(from_source(&message, &read, &error), VALIDATE_E_PROTOCOL);
        assert_error(&error, "hello.protocol: protocol");
        hello.has_protocol = true;
        hello.protocol = 1;
        assert_int_equal(from_source(&message, &read, &error), VALIDATE_E_MISSING);
        hello.source = TEXT("Hospital");
        assert_int_equal(from_source(&message, &read, &error), VALIDATE_E_NAME);
        assert_error(&error, "hello.source: bad-name");
        hello.source = TEXT("hospital-pas");
        assert_int_equal(from_source(&message, &read, &error), 0);
        assert_int_equal(read.what, CAREBUS__V1__FROM_SOURCE__MESSAGE_HELLO);
        assert_string_equal(read.hello->source, "hospital-pas");
}

static void test_counts_are_numbers_that_can_be_added_up(void **state) {
        Carebus__V1__FromSource message = CAREBUS__V1__FROM_SOURCE__INIT;
        Carebus__V1__Counts counts = CAREBUS__V1__COUNTS__INIT;
        FromSource read;
        ValidateError error;

        message.message_case = CAREBUS__V1__FROM_SOURCE__MESSAGE_COUNTS;
        message.counts = &counts;
        assert_int_equal(from_source(&message, &read, &error), 0); /* absent is none */
        counts.has_ignored = counts.has_refused = true;
        counts.ignored = UINT64_C(1) << 53;
        counts.refused = 7;
        assert_int_equal(from_source(&message, &read, &error), 0);
        assert_int_equal(read.what, CAREBUS__V1__FROM_SOURCE__MESSAGE_COUNTS);
        assert_int_equal(read.counts->refused, 7);
        counts.ignored++;
        assert_int_equal(from_source(&message, &read, &error), VALIDATE_E_VALUE);
        assert_error(&error, "counts.ignored: bad-value");
        counts.ignored = 0;
        counts.refused = UINT64_MAX;
        assert_int_equal(from_source(&message, &read, &error), VALIDATE_E_VALUE);
        assert_error(&error, "counts.refused: bad-value");
}

static void test_a_frame_holds_exactly_one_message(void **state) {
        FromSource read;
        ValidateError error;

        assert_int_equal(validate_from_source(BYTES_NULL, &limits, arena, &read, &error), VALIDATE_E_EMPTY);
        assert_int_equal(validate_from_source(BYTES_LITERAL("\x1a\x00\x1a\x00"), &limits, arena, &read, &error),
                         VALIDATE_E_WIRE);
        assert_error(&error, "duplicate-field");
        assert_int_equal(validate_from_source(BYTES_LITERAL("\x1a\x00"), &limits, arena, &read, &error), 0);
        assert_int_equal(read.what, CAREBUS__V1__FROM_SOURCE__MESSAGE_GOODBYE);
        /* Beside it may stand what a later version adds. */
        assert_int_equal(validate_from_source(BYTES_LITERAL("\x7a\x00\x1a\x00"), &limits, arena, &read, &error), 0);
        assert_int_equal(validate_from_source(BYTES_LITERAL("\x18\x01"), &limits, arena, &read, &error),
                         VALIDATE_E_WIRE);
        assert_int_equal(validate_from_source(BYTES_LITERAL("\x1a\x05"), &limits, arena, &read, &error),
                         VALIDATE_E_WIRE);
        assert_error(&error, "truncated");
}

static void test_a_frame_that_is_too_large_is_not_looked_at(void **state) {
        ValidateLimits small = limits;
        FromSource read;
        ValidateError error;

        small.max_frame = 1;
        assert_int_equal(validate_from_source(BYTES_LITERAL("\x1a\x00"), &small, arena, &read, &error),
                         VALIDATE_E_TOO_LARGE);
}

static void test_a_bad_submission_does_not_take_others_with_it(void **state) {
        /* Submit of three: the second has text that is not UTF-8. */
        static const char wire[] = "\x12\x17"
                                   "\x0a\x05\x08\x01\x2a\x01x"
                                   "\x0a\x07\x08\x02\x12\x01\xff\x2a\x00"
                                   "\x0a\x05\x08\x03\x2a\x01z";
        Bytes submission;
        FromSource read;
        ValidateError error;
        size_t offset = 0;
        uint64_t number;

        assert_int_equal(validate_from_source(BYTES_LITERAL(wire), &limits, arena, &read, &error), 0);
        assert_int_equal(read.n_submissions, 3);
        for (uint64_t n = 1; n <= 3; n++) {
                Carebus__V1__Submission *message;

                assert_true(submit_next(read.submit, &offset, &submission, &number));
                assert_int_equal(number, n);
                assert_int_equal(validate_submission(submission, &limits, arena, &message, &error),
                                 n == 2 ? VALIDATE_E_WIRE : VALIDATE_E_NO_EVENTS);
                if (n == 2)
                        assert_error(&error, "message_id: not-utf8");
        }
        assert_false(submit_next(read.submit, &offset, &submission, &number));
}

static void test_a_submit_has_at_least_one_and_not_too_many(void **state) {
        FromSource read;
        ValidateError error;

        assert_int_equal(validate_from_source(BYTES_LITERAL("\x12\x00"), &limits, arena, &read, &error),
                         VALIDATE_E_MISSING);
        assert_int_equal(validate_from_source(BYTES_LITERAL("\x12\x08\x0a\x00\x0a\x00\x0a\x00\x0a\x00"), &limits, arena,
                                              &read, &error),
                         VALIDATE_E_TOO_MANY);
        assert_int_equal(validate_from_source(BYTES_LITERAL("\x12\x02\x08\x01"), &limits, arena, &read, &error),
                         VALIDATE_E_WIRE);
}

/* ---- submissions */

/* A good one, to be spoilt. */
typedef struct Sample {
        Carebus__V1__Submission submission;
        Carebus__V1__Event event;
        Carebus__V1__Event *events[8];
        Carebus__V1__Encounter encounter;
        Carebus__V1__When admitted_at;
        Carebus__V1__Problem problem;
        uint8_t original[1001];
} Sample;

static void sample_init(Sample *sample) {
        *sample = (Sample){
                .submission = CAREBUS__V1__SUBMISSION__INIT,
                .event = CAREBUS__V1__EVENT__INIT,
                .encounter = CAREBUS__V1__ENCOUNTER__INIT,
                .admitted_at = CAREBUS__V1__WHEN__INIT,
                .problem = CAREBUS__V1__PROBLEM__INIT,
        };
        for (size_t i = 0; i < 8; i++)
                sample->events[i] = &sample->event;
        sample->submission.has_number = true;
        sample->submission.number = 1;
        sample->submission.message_id = TEXT("MSG1");
        sample->submission.has_original = true;
        sample->submission.original = (ProtobufCBinaryData){ .len = 10, .data = sample->original };
        sample->submission.events = sample->events;
        sample->submission.n_events = 1;
        sample->event.type = TEXT("encounter.admitted");
        sample->event.body_case = CAREBUS__V1__EVENT__BODY_ENCOUNTER;
        sample->event.encounter = &sample->encounter;
        sample->encounter.admitted_at = &sample->admitted_at;
        sample->admitted_at.has_utc_at = true;
}

static void assert_submission(const Sample *sample, int code, const char *detail) {
        Carebus__V1__Submission *read = NULL;
        ValidateError error;

        assert_int_equal(validate_submission(packed(&sample->submission), &limits, arena, &read, &error), code);
        assert_error(&error, detail);
        assert_int_equal(read != NULL, code == 0 || validate_is_storable(code));
}

static void test_a_good_submission_passes(void **state) {
        Sample sample;

        sample_init(&sample);
        assert_submission(&sample, 0, "ok");
        sample.submission.message_id = NULL; /* the bus takes the hash of the bytes */
        sample.event.body_case = CAREBUS__V1__EVENT__BODY__NOT_SET;
        assert_submission(&sample, 0, "ok");
        sample.submission.n_events = 0;
        sample.submission.problem = &sample.problem;
        sample.problem.code = TEXT("unhandled-trigger");
        assert_submission(&sample, 0, "ok");
        sample.submission.has_original = false;
        sample.submission.has_retranslates = true;
        sample.submission.retranslates = 7;
        assert_submission(&sample, 0, "ok");
}

static void test_what_is_no_submission_is_refused(void **state) {
        Sample sample;
        char id[202];

        memset(id, 'x', sizeof(id) - 1);
        id[201] = 0;
        sample_init(&sample);
        sample.submission.message_id = id;
        assert_submission(&sample, VALIDATE_E_TOO_LARGE, "message_id: too-large");
        id[200] = 0;
        assert_submission(&sample, 0, "ok");
        sample.submission.message_id = TEXT("");
        assert_submission(&sample, VALIDATE_E_VALUE, "message_id: bad-value");
        sample_init(&sample);
        sample.submission.has_number = false;
        assert_submission(&sample, VALIDATE_E_MISSING, "number: missing-field");
        sample_init(&sample);
        sample.submission.has_original = false;
        assert_submission(&sample, VALIDATE_E_MISSING, "original: missing-field");
        sample_init(&sample);
        sample.submission.original.len = 1001;
        assert_submission(&sample, VALIDATE_E_TOO_LARGE, "original: too-large");
        sample.submission.original.len = 1000;
        assert_submission(&sample, 0, "ok");
        sample_init(&sample);
        sample.submission.n_events = 5;
        assert_submission(&sample, VALIDATE_E_TOO_MANY, "events: too-many");
        sample_init(&sample);
        sample.submission.problem = &sample.problem;
        assert_submission(&sample, VALIDATE_E_MISSING, "problem.code: missing-field");
        sample.problem.code = TEXT("Ann Smith, 12 Mar 1957");
        assert_submission(&sample, VALIDATE_E_VALUE, "problem.code: bad-value");
}

static void test_what_is_of_no_use_is_kept_for_a_person(void **state) {
        Sample sample;

        sample_init(&sample);
        sample.event.type = NULL;
        assert_submission(&sample, VALIDATE_E_EVENT_TYPE, "events[0].type: bad-event-type");
        sample.event.type = TEXT("Admitted!");
        assert_submission(&sample, VALIDATE_E_EVENT_TYPE, "events[0].type: bad-event-type");
        sample.event.type = TEXT("death.notified");
        assert_submission(&sample, VALIDATE_E_BODY, "events[0].body: body-of-another-type");
        sample.event.type = TEXT("bus.place");
        assert_submission(&sample, VALIDATE_E_RESERVED, "events[0].type: reserved-event-type");
        sample.event.type = TEXT("partner.silent");
        assert_submission(&sample, VALIDATE_E_RESERVED, "events[0].type: reserved-event-type");
        sample.submission.n_events = 0;
        assert_submission(&sample, VALIDATE_E_NO_EVENTS, "events: no-events");
}

static void test_a_type_that_nobody_knows_is_carried(void **state) {
        Sample sample;

        sample_init(&sample);
        sample.event.type = TEXT("robot.beeped");
        assert_submission(&sample, 0, "ok");
}

static void test_a_decision_has_the_kind_of_its_type(void **state) {
        Carebus__V1__Decision decision = CAREBUS__V1__DECISION__INIT;
        Sample sample;

        sample_init(&sample);
        sample.event.type = TEXT("cpr_decision.recorded");
        sample.event.body_case = CAREBUS__V1__EVENT__BODY_DECISION;
        sample.event.decision = &decision;
        assert_submission(&sample, 0, "ok");
        decision.has_kind = true;
        decision.kind = CAREBUS__V1__DECISION__KIND__KIND_CPR;
        assert_submission(&sample, 0, "ok");
        decision.kind = CAREBUS__V1__DECISION__KIND__KIND_LPA;
        assert_submission(&sample, VALIDATE_E_BODY, "events[0].decision.kind: body-of-another-type");
}

static void test_moments_are_within_the_years_1_to_9999(void **state) {
        Sample sample;

        sample_init(&sample);
        sample.admitted_at.utc_at = 253402214400000000LL; /* 9999-12-31: never */
        assert_submission(&sample, 0, "ok");
        sample.admitted_at.utc_at = INT64_MAX;
        assert_submission(&sample, VALIDATE_E_TIME, "events[0].encounter.admitted_at: bad-time");
        sample.admitted_at.utc_at = INT64_MIN;
        assert_submission(&sample, VALIDATE_E_TIME, "events[0].encounter.admitted_at: bad-time");
        sample.admitted_at.utc_at = 0;
        sample.admitted_at.has_precision = true;
        sample.admitted_at.precision = (Carebus__V1__When__Precision)8;
        assert_submission(&sample, VALIDATE_E_TIME, "events[0].encounter.admitted_at: bad-time");
        sample.submission.message_time = &sample.admitted_at;
        assert_submission(&sample, VALIDATE_E_TIME, "message_time: bad-time");
}

static void test_dates_are_days_of_the_calendar(void **state) {
        static const struct {
                int year, month, day; /* -1: absent */
                bool good;
        } dates[] = {
                { 1957, 3, 12, true },   { 2024, 2, 29, true },  { 2023, 2, 29, false }, { 1900, 2, 29, false },
                { 2000, 2, 29, true },   { 2024, 4, 31, false }, { 2024, 12, 31, true }, { 2024, 13, 1, false },
                { 2024, 0, 1, false },   { 2024, 1, 0, false },  { 1957, 3, -1, true },  { 1957, -1, -1, true },
                { 1957, -1, 12, false }, { -1, -1, -1, true },   { -1, 3, 12, false },   { 0, 1, 1, false },
                { 10000, 1, 1, false },
        };
        Carebus__V1__Subject patient = CAREBUS__V1__SUBJECT__INIT;
        Carebus__V1__Demographics demographics = CAREBUS__V1__DEMOGRAPHICS__INIT;
        Sample sample;

        sample_init(&sample);
        sample.event.patient = &patient;
        patient.demographics = &demographics;
        for (size_t i = 0; i < sizeof(dates) / sizeof(dates[0]); i++) {
                Carebus__V1__Date date = CAREBUS__V1__DATE__INIT;

                date.has_year = dates[i].year >= 0;
                date.has_month = dates[i].month >= 0;
                date.has_day = dates[i].day >= 0;
                date.year = (uint32_t)dates[i].year;
                date.month = (uint32_t)dates[i].month;
                date.day = (uint32_t)dates[i].day;
                demographics.birth_date = &date;
                if (dates[i].good)
                        assert_submission(&sample, 0, "ok");
                else
                        assert_submission(&sample, VALIDATE_E_DATE,
                                          "events[0].patient.demographics.birth_date: bad-date");
        }
}

static void test_an_event_alone_has_the_same_rules(void **state) {
        Carebus__V1__Event *read = NULL;
        ValidateError error;
        Sample sample;

        sample_init(&sample);
        assert_int_equal(validate_event(packed(&sample.event), &limits, arena, &read, &error), 0);
        sample.event.type = TEXT("death.notified");
        assert_int_equal(validate_event(packed(&sample.event), &limits, arena, &read, &error), VALIDATE_E_BODY);
        assert_error(&error, "body: body-of-another-type");
}

/* ---- to a source */

static void test_each_receipt_has_a_number_and_a_result(void **state) {
        Carebus__V1__ToSource message = CAREBUS__V1__TO_SOURCE__INIT;
        Carebus__V1__Receipts receipts = CAREBUS__V1__RECEIPTS__INIT;
        Carebus__V1__Receipt one = CAREBUS__V1__RECEIPT__INIT, two = CAREBUS__V1__RECEIPT__INIT,
                             *list[] = { &one, &two };
        Carebus__V1__Stored stored = CAREBUS__V1__STORED__INIT;
        Carebus__V1__Refused refused = CAREBUS__V1__REFUSED__INIT;
        const Carebus__V1__ToSource *read;
        ValidateError error;

        message.message_case = CAREBUS__V1__TO_SOURCE__MESSAGE_RECEIPTS;
        message.receipts = &receipts;
        receipts.receipts = list;
        receipts.n_receipts = 2;
        one.has_number = two.has_number = true;
        one.number = 4;
        two.number = 5;
        one.result_case = CAREBUS__V1__RECEIPT__RESULT_STORED;
        one.stored = &stored;
        stored.has_seq = true;
        stored.seq = 9;
        two.result_case = CAREBUS__V1__RECEIPT__RESULT_REFUSED;
        two.refused = &refused;
        refused.reason = TEXT("storage-full");
        assert_int_equal(validate_to_source(packed(&message), &limits, arena, &read, &error), 0);
        two.number = 4; /* refused, and sent again in time to be answered in the same message */
        assert_int_equal(validate_to_source(packed(&message), &limits, arena, &read, &error), 0);
        two.number = 0;
        assert_int_equal(validate_to_source(packed(&message), &limits, arena, &read, &error), VALIDATE_E_VALUE);
        assert_error(&error, "receipts.receipts[1].number: bad-value");
        two.number = 5;
        two.result_case = CAREBUS__V1__RECEIPT__RESULT__NOT_SET;
        assert_int_equal(validate_to_source(packed(&message), &limits, arena, &read, &error), VALIDATE_E_MISSING);
        stored.seq = 0;
        assert_int_equal(validate_to_source(packed(&message), &limits, arena, &read, &error), VALIDATE_E_VALUE);
}

static void test_a_welcome_says_window_number_and_size(void **state) {
        Carebus__V1__ToSource message = CAREBUS__V1__TO_SOURCE__INIT;
        Carebus__V1__Welcome welcome = CAREBUS__V1__WELCOME__INIT;
        const Carebus__V1__ToSource *read;
        ValidateError error;

        message.message_case = CAREBUS__V1__TO_SOURCE__MESSAGE_WELCOME;
        message.welcome = &welcome;
        welcome.has_protocol = welcome.has_window = welcome.has_next_number = welcome.has_max_message_bytes = true;
        welcome.protocol = 1;
        welcome.window = 256;
        welcome.next_number = 1;
        welcome.max_message_bytes = 4096;
        assert_int_equal(validate_to_source(packed(&message), &limits, arena, &read, &error), 0);
        welcome.window = 0;
        assert_int_equal(validate_to_source(packed(&message), &limits, arena, &read, &error), VALIDATE_E_VALUE);
        welcome.window = 1;
        welcome.next_number = 0;
        assert_int_equal(validate_to_source(packed(&message), &limits, arena, &read, &error), VALIDATE_E_VALUE);
        welcome.protocol = 2;
        assert_int_equal(validate_to_source(packed(&message), &limits, arena, &read, &error), VALIDATE_E_PROTOCOL);
        assert_int_equal(validate_to_source(BYTES_NULL, &limits, arena, &read, &error), VALIDATE_E_EMPTY);
}

/* ---- feeds */

static void test_open_names_team_and_consumer(void **state) {
        Carebus__V1__FromReader message = CAREBUS__V1__FROM_READER__INIT;
        Carebus__V1__Open open = CAREBUS__V1__OPEN__INIT;
        Carebus__V1__StreamPlace after = CAREBUS__V1__STREAM_PLACE__INIT;
        const Carebus__V1__FromReader *read;
        ValidateError error;

        message.message_case = CAREBUS__V1__FROM_READER__MESSAGE_OPEN;
        message.open = &open;
        open.has_protocol = true;
        open.protocol = 1;
        open.team = TEXT("neurology");
        assert_int_equal(validate_from_reader(packed(&message), arena, &read, &error), VALIDATE_E_MISSING);
        assert_error(&error, "open.consumer: missing-field");
        open.consumer = TEXT("../ward");
        assert_int_equal(validate_from_reader(packed(&message), arena, &read, &error), VALIDATE_E_NAME);
        open.consumer = TEXT("ward-7");
        assert_int_equal(validate_from_reader(packed(&message), arena, &read, &error), 0);
        open.has_from = true;
        open.from = CAREBUS__V1__OPEN__FROM__FROM_PLACE;
        assert_int_equal(validate_from_reader(packed(&message), arena, &read, &error), VALIDATE_E_MISSING);
        open.after = &after;
        assert_int_equal(validate_from_reader(packed(&message), arena, &read, &error), 0);
        open.from = (Carebus__V1__Open__From)4;
        assert_int_equal(validate_from_reader(packed(&message), arena, &read, &error), VALIDATE_E_VALUE);
}

static void test_acks_and_credit_are_in_range(void **state) {
        Carebus__V1__FromReader message = CAREBUS__V1__FROM_READER__INIT;
        Carebus__V1__Ack ack = CAREBUS__V1__ACK__INIT;
        Carebus__V1__Credit credit = CAREBUS__V1__CREDIT__INIT;
        const Carebus__V1__FromReader *read;
        uint8_t digest[32] = { 0 };
        ValidateError error;

        message.message_case = CAREBUS__V1__FROM_READER__MESSAGE_ACK;
        message.ack = &ack;
        assert_int_equal(validate_from_reader(packed(&message), arena, &read, &error), VALIDATE_E_MISSING);
        ack.has_seq = true;
        assert_int_equal(validate_from_reader(packed(&message), arena, &read, &error), 0);
        ack.has_digest = true;
        ack.digest = (ProtobufCBinaryData){ .len = 31, .data = digest };
        assert_int_equal(validate_from_reader(packed(&message), arena, &read, &error), VALIDATE_E_VALUE);
        message.message_case = CAREBUS__V1__FROM_READER__MESSAGE_CREDIT;
        message.credit = &credit;
        assert_int_equal(validate_from_reader(packed(&message), arena, &read, &error), VALIDATE_E_VALUE);
        credit.has_more = true;
        credit.more = 64;
        assert_int_equal(validate_from_reader(packed(&message), arena, &read, &error), 0);
        assert_int_equal(validate_from_reader(BYTES_NULL, arena, &read, &error), VALIDATE_E_EMPTY);
}

static void test_a_delivery_stands_behind_the_one_before_it(void **state) {
        Carebus__V1__Delivery delivery = CAREBUS__V1__DELIVERY__INIT;
        Carebus__V1__Event event = CAREBUS__V1__EVENT__INIT;
        const Carebus__V1__Delivery *read;
        ValidateError error;

        delivery.has_seq = delivery.has_index = delivery.has_prev_seq = delivery.has_prev_index = true;
        delivery.seq = 7;
        delivery.prev_seq = 7;
        delivery.index = 1;
        assert_int_equal(validate_delivery(packed(&delivery), &limits, arena, &read, &error), VALIDATE_E_MISSING);
        delivery.what_case = CAREBUS__V1__DELIVERY__WHAT_EVENT;
        delivery.event = &event;
        assert_int_equal(validate_delivery(packed(&delivery), &limits, arena, &read, &error), 0);
        delivery.prev_index = 1;
        assert_int_equal(validate_delivery(packed(&delivery), &limits, arena, &read, &error), VALIDATE_E_ORDER);
        delivery.what_case = CAREBUS__V1__DELIVERY__WHAT__NOT_SET;
        delivery.has_place_only = delivery.place_only = true;
        assert_int_equal(validate_delivery(packed(&delivery), &limits, arena, &read, &error), 0);
        delivery.prev_seq = 8;
        assert_int_equal(validate_delivery(packed(&delivery), &limits, arena, &read, &error), VALIDATE_E_ORDER);
}

static void test_what_a_reader_gets_is_one_message(void **state) {
        Carebus__V1__ToReader message = CAREBUS__V1__TO_READER__INIT;
        Carebus__V1__Opened opened = CAREBUS__V1__OPENED__INIT;
        Carebus__V1__StreamPlace place = CAREBUS__V1__STREAM_PLACE__INIT;
        const Carebus__V1__ToReader *read;
        ValidateError error;

        assert_int_equal(validate_to_reader(packed(&message), &limits, arena, &read, &error), VALIDATE_E_EMPTY);
        message.message_case = CAREBUS__V1__TO_READER__MESSAGE_OPENED;
        message.opened = &opened;
        opened.has_protocol = true;
        opened.protocol = 1;
        assert_int_equal(validate_to_reader(packed(&message), &limits, arena, &read, &error), VALIDATE_E_MISSING);
        opened.place = &place;
        assert_int_equal(validate_to_reader(packed(&message), &limits, arena, &read, &error), 0);
}

/* ---- control */

static void test_requests_say_what_they_are_about(void **state) {
        Carebus__V1__Request message = CAREBUS__V1__REQUEST__INIT;
        Carebus__V1__TraceRequest trace = CAREBUS__V1__TRACE_REQUEST__INIT;
        Carebus__V1__RecordRequest record = CAREBUS__V1__RECORD_REQUEST__INIT;
        Carebus__V1__RetryRequest retry = CAREBUS__V1__RETRY_REQUEST__INIT;
        const Carebus__V1__Request *read;
        ValidateError error;

        assert_int_equal(validate_request(packed(&message), arena, &read, &error), VALIDATE_E_EMPTY);
        message.command_case = CAREBUS__V1__REQUEST__COMMAND_TRACE;
        message.trace = &trace;
        assert_int_equal(validate_request(packed(&message), arena, &read, &error), VALIDATE_E_MISSING);
        trace.source = TEXT("hospital-pas");
        trace.message_id = TEXT("MSG1");
        assert_int_equal(validate_request(packed(&message), arena, &read, &error), 0);
        message.command_case = CAREBUS__V1__REQUEST__COMMAND_RECORD;
        message.record = &record;
        record.patient_id = TEXT("p1");
        assert_int_equal(validate_request(packed(&message), arena, &read, &error), VALIDATE_E_VALUE);
        record.patient_id = TEXT("p1.0");
        assert_int_equal(validate_request(packed(&message), arena, &read, &error), 0);
        message.command_case = CAREBUS__V1__REQUEST__COMMAND_RETRY;
        message.retry = &retry;
        assert_int_equal(validate_request(packed(&message), arena, &read, &error), VALIDATE_E_MISSING);
        assert_error(&error, "retry.seq: missing-field");
}

static void test_a_decision_of_identity_says_of_which_review_or_of_which_two(void **state) {
        Carebus__V1__IdentityDecideRequest decide = CAREBUS__V1__IDENTITY_DECIDE_REQUEST__INIT;
        Carebus__V1__Request message = CAREBUS__V1__REQUEST__INIT;
        char *two[] = { TEXT("p1.0"), TEXT("p2.0") }, *events[] = { TEXT("4.0") };
        const Carebus__V1__Request *read;
        ValidateError error;

        message.command_case = CAREBUS__V1__REQUEST__COMMAND_IDENTITY_DECIDE;
        message.identity_decide = &decide;
        assert_int_equal(validate_request(packed(&message), arena, &read, &error), VALIDATE_E_MISSING);
        decide.has_what = 1;
        decide.what = CAREBUS__V1__IDENTITY_DECIDE_REQUEST__WHAT__WHAT_LINK;
        assert_int_equal(validate_request(packed(&message), arena, &read, &error), VALIDATE_E_MISSING);
        assert_error(&error, "identity_decide.review_id: missing-field");
        decide.patient_ids = two;
        decide.n_patient_ids = 1;
        assert_int_equal(validate_request(packed(&message), arena, &read, &error), VALIDATE_E_MISSING);
        decide.n_patient_ids = 2;
        assert_int_equal(validate_request(packed(&message), arena, &read, &error), 0);
        two[1] = TEXT("r2.0");
        assert_int_equal(validate_request(packed(&message), arena, &read, &error), VALIDATE_E_VALUE);
        decide.n_patient_ids = 0;
        decide.review_id = TEXT("p1.0");
        assert_int_equal(validate_request(packed(&message), arena, &read, &error), VALIDATE_E_VALUE);
        decide.review_id = TEXT("r1.0");
        assert_int_equal(validate_request(packed(&message), arena, &read, &error), 0);
        decide.what = CAREBUS__V1__IDENTITY_DECIDE_REQUEST__WHAT__WHAT_ASSIGN;
        assert_int_equal(validate_request(packed(&message), arena, &read, &error), VALIDATE_E_MISSING);
        decide.n_patient_ids = 1;
        decide.event_ids = events;
        decide.n_event_ids = 1;
        assert_int_equal(validate_request(packed(&message), arena, &read, &error), 0);
        events[0] = TEXT("4");
        assert_int_equal(validate_request(packed(&message), arena, &read, &error), VALIDATE_E_VALUE);
}

static void test_who_looks_for_somebody_says_something_of_them(void **state) {
        Carebus__V1__ReviewListRequest list = CAREBUS__V1__REVIEW_LIST_REQUEST__INIT;
        Carebus__V1__IdentityShowRequest show = CAREBUS__V1__IDENTITY_SHOW_REQUEST__INIT;
        Carebus__V1__SettleRequest settle = CAREBUS__V1__SETTLE_REQUEST__INIT;
        Carebus__V1__FindRequest find = CAREBUS__V1__FIND_REQUEST__INIT;
        Carebus__V1__Request message = CAREBUS__V1__REQUEST__INIT;
        const Carebus__V1__Request *read;
        ValidateError error;

        message.command_case = CAREBUS__V1__REQUEST__COMMAND_FIND;
        message.find = &find;
        assert_int_equal(validate_request(packed(&message), arena, &read, &error), VALIDATE_E_MISSING);
        find.name = TEXT("Jean McAllister");
        assert_int_equal(validate_request(packed(&message), arena, &read, &error), 0);
        message.command_case = CAREBUS__V1__REQUEST__COMMAND_IDENTITY_SHOW;
        message.identity_show = &show;
        assert_int_equal(validate_request(packed(&message), arena, &read, &error), VALIDATE_E_MISSING);
        show.review_id = TEXT("r12.1");
        assert_int_equal(validate_request(packed(&message), arena, &read, &error), 0);
        message.command_case = CAREBUS__V1__REQUEST__COMMAND_REVIEW_LIST;
        message.review_list = &list;
        assert_int_equal(validate_request(packed(&message), arena, &read, &error), 0);
        list.after_id = TEXT("12");
        assert_int_equal(validate_request(packed(&message), arena, &read, &error), VALIDATE_E_VALUE);
        message.command_case = CAREBUS__V1__REQUEST__COMMAND_SETTLE;
        message.settle = &settle;
        settle.conflict_id = TEXT("4.1");
        assert_int_equal(validate_request(packed(&message), arena, &read, &error), VALIDATE_E_MISSING);
        settle.patient_id = TEXT("p1.0");
        assert_int_equal(validate_request(packed(&message), arena, &read, &error), 0);
}

static void test_a_reply_has_an_answer_or_an_error(void **state) {
        Carebus__V1__Reply message = CAREBUS__V1__REPLY__INIT;
        const Carebus__V1__Reply *read;
        ValidateError error;

        assert_int_equal(validate_reply(packed(&message), &limits, arena, &read, &error), VALIDATE_E_EMPTY);
        message.error = TEXT("not-found");
        assert_int_equal(validate_reply(packed(&message), &limits, arena, &read, &error), 0);
        message.error = TEXT("Not found.");
        assert_int_equal(validate_reply(packed(&message), &limits, arena, &read, &error), VALIDATE_E_VALUE);
}

static void test_who_does_not_ask_why_is_told_no_all_the_same(void **state) {
        const Carebus__V1__Reply *read;
        FromSource message;

        assert_int_equal(validate_reply(BYTES_NULL, &limits, arena, &read, NULL), VALIDATE_E_EMPTY);
        assert_int_equal(validate_from_source(BYTES_NULL, &limits, arena, &message, NULL), VALIDATE_E_EMPTY);
}

/* ---- the journal */

static void test_an_entry_has_a_kind(void **state) {
        Carebus__V1__Entry message = CAREBUS__V1__ENTRY__INIT;
        Carebus__V1__Tick tick = CAREBUS__V1__TICK__INIT;
        Carebus__V1__Entry *read;
        ValidateError error;

        assert_int_equal(validate_entry(packed(&message), &limits, arena, &read, &error), VALIDATE_E_EMPTY);
        message.kind_case = CAREBUS__V1__ENTRY__KIND_TICK;
        message.tick = &tick;
        assert_int_equal(validate_entry(packed(&message), &limits, arena, &read, &error), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, arena_setup, arena_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_forms_of_names_codes_and_patient_ids),
                TEST(test_hello_names_protocol_and_source),
                TEST(test_counts_are_numbers_that_can_be_added_up),
                TEST(test_a_frame_holds_exactly_one_message),
                TEST(test_a_frame_that_is_too_large_is_not_looked_at),
                TEST(test_a_bad_submission_does_not_take_others_with_it),
                TEST(test_a_submit_has_at_least_one_and_not_too_many),
                TEST(test_a_good_submission_passes),
                TEST(test_what_is_no_submission_is_refused),
                TEST(test_what_is_of_no_use_is_kept_for_a_person),
                TEST(test_a_type_that_nobody_knows_is_carried),
                TEST(test_a_decision_has_the_kind_of_its_type),
                TEST(test_moments_are_within_the_years_1_to_9999),
                TEST(test_dates_are_days_of_the_calendar),
                TEST(test_an_event_alone_has_the_same_rules),
                TEST(test_each_receipt_has_a_number_and_a_result),
                TEST(test_a_welcome_says_window_number_and_size),
                TEST(test_open_names_team_and_consumer),
                TEST(test_acks_and_credit_are_in_range),
                TEST(test_a_delivery_stands_behind_the_one_before_it),
                TEST(test_what_a_reader_gets_is_one_message),
                TEST(test_a_decision_of_identity_says_of_which_review_or_of_which_two),
                TEST(test_who_looks_for_somebody_says_something_of_them),
                TEST(test_requests_say_what_they_are_about),
                TEST(test_a_reply_has_an_answer_or_an_error),
                TEST(test_who_does_not_ask_why_is_told_no_all_the_same),
                TEST(test_an_entry_has_a_kind),
        };

        return cmocka_run_group_tests_name("proto validate", tests, NULL, NULL);
}
