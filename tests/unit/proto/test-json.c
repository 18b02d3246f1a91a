/*
 * The JSON that carebusctl and --translate print: its form is an agreement with scripts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "carebus/v1/feed.pb-c.h"
#include "carebus/v1/intake.pb-c.h"
#include "proto/json.h"

#define TEXT(literal) ((char *)(literal))
#define AT_10_15 1709633700000000LL /* 2024-03-05T10:15:00Z */

static void assert_json(const ProtobufCMessage *message, const char *expected) {
        char *line = json_line(message);

        assert_non_null(line);
        assert_string_equal(line, expected);
        free(line);
}

static Carebus__V1__When when_of(int64_t at, Carebus__V1__When__Precision precision, const char *text) {
        Carebus__V1__When when = CAREBUS__V1__WHEN__INIT;

        when.has_utc_at = true;
        when.utc_at = at;
        when.has_precision = true;
        when.precision = precision;
        when.text = TEXT(text);
        return when;
}

static void assert_when(Carebus__V1__When when, const char *expected) {
        Carebus__V1__Period period = CAREBUS__V1__PERIOD__INIT;

        period.start = &when;
        assert_json(&period.base, expected);
}

static void test_absent_fields_are_left_out(void **state) {
        Carebus__V1__Identifier identifier = CAREBUS__V1__IDENTIFIER__INIT;

        assert_json(&identifier.base, "{}");
        identifier.value = TEXT("");
        assert_json(&identifier.base, "{\"value\":\"\"}");
}

static void test_enums_lose_their_prefix(void **state) {
        Carebus__V1__Event event = CAREBUS__V1__EVENT__INIT;
        Carebus__V1__Referral referral = CAREBUS__V1__REFERRAL__INIT;

        event.has_action = true;
        event.action = CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR;
        event.body_case = CAREBUS__V1__EVENT__BODY_REFERRAL;
        event.referral = &referral;
        referral.has_declined_by = true;
        referral.declined_by = CAREBUS__V1__REFERRAL__DECLINED_BY__DECLINED_BY_FAMILY;
        referral.has_kind = true;
        referral.kind = CAREBUS__V1__REFERRAL__KIND__KIND_TAKE_OVER;
        assert_json(
                &event.base,
                "{\"action\":\"entered-in-error\",\"referral\":{\"kind\":\"take-over\",\"declined_by\":\"family\"}}");
        event.action = (Carebus__V1__Action)99;
        referral.has_kind = referral.has_declined_by = false;
        assert_json(&event.base, "{\"action\":99,\"referral\":{}}");
}

static void test_moments_of_the_bus_are_rfc_3339(void **state) {
        Carebus__V1__Welcome welcome = CAREBUS__V1__WELCOME__INIT;

        welcome.has_now_at = true;
        welcome.now_at = AT_10_15;
        assert_json(&welcome.base, "{\"now_at\":\"2024-03-05T10:15:00Z\"}");
        welcome.now_at = AT_10_15 + 1500;
        assert_json(&welcome.base, "{\"now_at\":\"2024-03-05T10:15:00.001500Z\"}");
        welcome.now_at = INT64_MAX;
        assert_json(&welcome.base, "{\"now_at\":9223372036854775807}");
}

static void test_a_when_is_cut_to_its_precision(void **state) {
        assert_when(when_of(AT_10_15, CAREBUS__V1__WHEN__PRECISION__PRECISION_MINUTE, "202403051015"),
                    "{\"start\":\"2024-03-05T10:15:00Z\",\"start_said\":\"202403051015\"}");
        assert_when(when_of(1709596800000000LL, CAREBUS__V1__WHEN__PRECISION__PRECISION_DAY, NULL),
                    "{\"start\":\"2024-03-05\"}");
        assert_when(when_of(1709251200000000LL, CAREBUS__V1__WHEN__PRECISION__PRECISION_MONTH, NULL),
                    "{\"start\":\"2024-03\"}");
        assert_when(when_of(1704067200000000LL, CAREBUS__V1__WHEN__PRECISION__PRECISION_YEAR, NULL),
                    "{\"start\":\"2024\"}");
}

static void test_a_day_in_summer_time_stays_that_day(void **state) {
        /* 5 July 2024 began in London on 4 July at 23:00 UTC. */
        assert_when(when_of(1720134000000000LL, CAREBUS__V1__WHEN__PRECISION__PRECISION_DAY, "20240705"),
                    "{\"start\":\"2024-07-05\",\"start_said\":\"20240705\"}");
}

static void test_a_when_that_could_not_be_read_shows_what_was_said(void **state) {
        Carebus__V1__When when = CAREBUS__V1__WHEN__INIT;

        when.text = TEXT("last Tuesday");
        assert_when(when, "{\"start_said\":\"last Tuesday\"}");
        when = when_of(AT_10_15, CAREBUS__V1__WHEN__PRECISION__PRECISION_SECOND, NULL);
        when.has_zone_assumed = when.zone_assumed = true;
        assert_when(when, "{\"start\":\"2024-03-05T10:15:00Z\",\"start_zone_assumed\":true}");
}

static void test_partial_birth_dates_stay_partial(void **state) {
        Carebus__V1__Demographics demographics = CAREBUS__V1__DEMOGRAPHICS__INIT;
        Carebus__V1__Date date = CAREBUS__V1__DATE__INIT;

        demographics.birth_date = &date;
        date.text = TEXT("1957");
        date.has_year = true;
        date.year = 1957;
        assert_json(&demographics.base, "{\"birth_date\":\"1957\",\"birth_date_said\":\"1957\"}");
        date.text = NULL;
        date.has_month = true;
        date.month = 3;
        assert_json(&demographics.base, "{\"birth_date\":\"1957-03\"}");
        date.has_day = true;
        date.day = 2;
        assert_json(&demographics.base, "{\"birth_date\":\"1957-03-02\"}");
}

static void test_bytes_are_base64_and_big_numbers_stay_whole(void **state) {
        Carebus__V1__Ack ack = CAREBUS__V1__ACK__INIT;
        static const char *const texts[] = { "", "QQ==", "QUI=", "QUJD", "QUJD/w==" };
        uint8_t data[] = { 'A', 'B', 'C', 0xff };

        ack.has_seq = true;
        ack.seq = UINT64_MAX;
        ack.has_digest = true;
        ack.digest.data = data;
        for (size_t i = 0; i < 5; i++) {
                char expected[100];

                ack.digest.len = i;
                snprintf(expected, sizeof(expected), "{\"seq\":18446744073709551615,\"digest\":\"%s\"}", texts[i]);
                assert_json(&ack.base, expected);
        }
}

static void test_text_is_utf8_as_it_is(void **state) {
        Carebus__V1__Identifier identifier = CAREBUS__V1__IDENTIFIER__INIT;

        identifier.value = TEXT("Ångström/\"q\"\n\x01");
        assert_json(&identifier.base, "{\"value\":\"Ångström/\\\"q\\\"\\n\\u0001\"}");
}

static void test_letters_that_a_terminal_obeys_are_written_as_numbers(void **state) {
        Carebus__V1__Identifier identifier = CAREBUS__V1__IDENTIFIER__INIT;

        identifier.value = TEXT("\x7f \xc2\x80 \xc2\x9b"
                                "2J \u00a0 \u200d \u200e \u202e \u2030 \u2066 \u206a");
        assert_json(&identifier.base,
                    "{\"value\":\"\\u007f \\u0080 \\u009b2J \u00a0 \u200d \\u200e \\u202e \u2030 \\u2066 \u206a\"}");
}

static void test_status_has_its_lists_and_names(void **state) {
        Carebus__V1__StatusReply status = CAREBUS__V1__STATUS_REPLY__INIT;
        Carebus__V1__SourceStatus source = CAREBUS__V1__SOURCE_STATUS__INIT, *sources[] = { &source };

        assert_json(&status.base, "{\"sources\":[],\"teams\":[],\"feeds\":[]}");
        source.name = TEXT("hospital-pas");
        source.has_last_heard_at = true;
        source.last_heard_at = AT_10_15;
        status.sources = sources;
        status.n_sources = 1;
        assert_json(&status.base, "{\"sources\":[{\"name\":\"hospital-pas\",\"last_heard\":\"2024-03-05T10:15:00Z\"}],"
                                  "\"teams\":[],\"feeds\":[]}");
}

static void assert_tail(const Carebus__V1__TailItem *item, const char *expected) {
        char *line = json_event_line(item);

        assert_non_null(line);
        assert_string_equal(line, expected);
        free(line);
}

static void test_a_line_of_tail_is_the_event_beside_its_place(void **state) {
        Carebus__V1__TailItem item = CAREBUS__V1__TAIL_ITEM__INIT;
        Carebus__V1__Event event = CAREBUS__V1__EVENT__INIT;
        Carebus__V1__Subject patient = CAREBUS__V1__SUBJECT__INIT;
        Carebus__V1__Identifier identifier = CAREBUS__V1__IDENTIFIER__INIT, *identifiers[] = { &identifier };
        Carebus__V1__Death death = CAREBUS__V1__DEATH__INIT;
        Carebus__V1__When occurred = when_of(AT_10_15, CAREBUS__V1__WHEN__PRECISION__PRECISION_SECOND,
                                             "20240305101500");

        item.has_seq = item.has_index = true;
        item.seq = 7;
        item.index = 1;
        item.type = TEXT("death.notified");
        item.source = TEXT("hospital-pas");
        item.has_received_at = true;
        item.received_at = AT_10_15;
        item.event = &event;
        event.type = TEXT("death.notified");
        event.source_message_id = TEXT("MSG1");
        event.has_action = true;
        event.action = CAREBUS__V1__ACTION__ACTION_NEW;
        event.occurred_at = &occurred;
        event.trigger = TEXT("ADT^A03");
        event.patient = &patient;
        patient.patient_id = TEXT("p3.0");
        patient.identifiers = identifiers;
        patient.n_identifiers = 1;
        identifier.value = TEXT("9434765919");
        event.body_case = CAREBUS__V1__EVENT__BODY_DEATH;
        event.death = &death;
        death.how_known = TEXT("PID-30");
        assert_tail(
                &item,
                "{\"seq\":7,\"index\":1,\"event_id\":\"7.1\",\"type\":\"death.notified\",\"action\":\"new\","
                "\"source\":\"hospital-pas\",\"source_message_id\":\"MSG1\",\"occurred_at\":\"2024-03-05T10:15:00Z\","
                "\"occurred_at_said\":\"20240305101500\",\"received_at\":\"2024-03-05T10:15:00Z\","
                "\"patient\":{\"patient_id\":\"p3.0\",\"identifiers\":[{\"value\":\"9434765919\"}]},"
                "\"trigger\":\"ADT^A03\",\"death\":{\"how_known\":\"PID-30\"}}");
}

static void test_an_entry_without_events_has_a_line_too(void **state) {
        Carebus__V1__TailItem item = CAREBUS__V1__TAIL_ITEM__INIT;

        item.has_seq = true;
        item.seq = 8;
        item.type = TEXT("bus.duplicate");
        item.source = TEXT("hospital-pas");
        item.has_duplicate_of = true;
        item.duplicate_of = 7;
        assert_tail(
                &item,
                "{\"seq\":8,\"index\":0,\"type\":\"bus.duplicate\",\"source\":\"hospital-pas\",\"duplicate_of\":7}");
}

static void test_a_translation_has_its_three_lists(void **state) {
        Carebus__V1__Event event = CAREBUS__V1__EVENT__INIT, *events[] = { &event };
        Carebus__V1__Problem problem = CAREBUS__V1__PROBLEM__INIT;
        const Carebus__V1__Problem *problems[] = { &problem };
        const char *unmapped[] = { "PID-35" };
        JsonTranslation translation = { 0 };
        char *line = json_translation_line(&translation);

        assert_string_equal(line, "{\"events\":[],\"unmapped\":[],\"problems\":[]}");
        free(line);
        event.type = TEXT("patient.updated");
        problem.code = TEXT("parse-time");
        translation = (JsonTranslation){ events, 1, unmapped, 1, problems, 1 };
        line = json_translation_line(&translation);
        assert_string_equal(line, "{\"events\":[{\"type\":\"patient.updated\"}],\"unmapped\":[\"PID-35\"],"
                                  "\"problems\":[{\"code\":\"parse-time\"}]}");
        free(line);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_absent_fields_are_left_out),
                cmocka_unit_test(test_enums_lose_their_prefix),
                cmocka_unit_test(test_moments_of_the_bus_are_rfc_3339),
                cmocka_unit_test(test_a_when_is_cut_to_its_precision),
                cmocka_unit_test(test_a_day_in_summer_time_stays_that_day),
                cmocka_unit_test(test_a_when_that_could_not_be_read_shows_what_was_said),
                cmocka_unit_test(test_partial_birth_dates_stay_partial),
                cmocka_unit_test(test_bytes_are_base64_and_big_numbers_stay_whole),
                cmocka_unit_test(test_text_is_utf8_as_it_is),
                cmocka_unit_test(test_letters_that_a_terminal_obeys_are_written_as_numbers),
                cmocka_unit_test(test_status_has_its_lists_and_names),
                cmocka_unit_test(test_a_line_of_tail_is_the_event_beside_its_place),
                cmocka_unit_test(test_an_entry_without_events_has_a_line_too),
                cmocka_unit_test(test_a_translation_has_its_three_lists),
        };

        return cmocka_run_group_tests_name("proto json", tests, NULL, NULL);
}
