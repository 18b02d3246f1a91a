/*
 * ServiceRequest and Task: referrals, questions, orders, decisions, and what became of them.
 */
#include "tests/unit/adapters/fhir/fixture.h"

static const char *request(const char *status, const char *rest) {
        static char text[2048];

        snprintf(text, sizeof(text),
                 "{\"resourceType\": \"ServiceRequest\", \"id\": \"s1\", \"identifier\": [{\"system\": \"urn:refs\", "
                 "\"value\": \"R7\"}], \"status\":"
                 "\"%s\", \"intent\": \"order\", \"authoredOn\": \"2024-03-05\", \"subject\": {\"reference\": "
                 "\"Patient/p1\"}%s}",
                 status, rest);
        return text;
}

static const char *task(const char *status, const char *rest) {
        static char text[2048];

        snprintf(text, sizeof(text),
                 "{\"resourceType\": \"Task\", \"id\": \"t1\", \"status\": \"%s\", \"intent\": \"order\", \"focus\": "
                 "{\"reference\": \"ServiceRequest/s1\"},"
                 "\"for\": {\"reference\": \"Patient/p1\"}, \"lastModified\": \"2024-03-06T09:00:00Z\"%s}",
                 status, rest);
        return text;
}

static void test_the_status_of_a_request(void **state) {
        static const struct {
                const char *status, *type;
                int action;
        } cases[] = {
                { "active", "referral.requested", CAREBUS__V1__ACTION__ACTION_NEW },
                { "on-hold", "referral.changed", CAREBUS__V1__ACTION__ACTION_UPDATE },
                { "revoked", "referral.cancelled", CAREBUS__V1__ACTION__ACTION_UPDATE },
                { "completed", "referral.closed", CAREBUS__V1__ACTION__ACTION_UPDATE },
                { "entered-in-error", "referral.requested", CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                translate_text(request(cases[i].status, ""));
                assert_int_equal(only_event(cases[i].type)->action, cases[i].action);
                assert_identifier(result.reading.events[0]->referral_id, "urn:refs", "R7");
        }
}

static void test_a_referral_says_who_asks_whom_and_why(void **state) {
        const Carebus__V1__Referral *referral;
        const Carebus__V1__Event *event;

        translate_text(request(
                "active", ", \"priority\": \"urgent\", \"requester\": {\"reference\": \"Practitioner/d1\", "
                          "\"display\": \"Dr Darwin\"},"
                          "\"performer\": [{\"reference\": \"Organization/h1\", \"display\": \"St Anne's Hospice\"}],"
                          "\"reasonCode\": [{\"coding\": [{\"system\": \"http://snomed.info/sct\", \"code\": "
                          "\"37340000\"}], \"text\": \"MND\"}],"
                          "\"code\": {\"coding\": [{\"system\": \"http://snomed.info/sct\", \"code\": \"306237005\"}]},"
                          "\"extension\": [{\"url\": "
                          "\"https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-SourceOfServiceRequest\","
                          "\"valueCodeableConcept\": {\"coding\": [{\"system\": \"http://snomed.info/sct\", \"code\": "
                          "\"1\"}]}}]"));
        event = only_event("referral.requested");
        referral = event->referral;
        assert_string_equal(event->occurred_at->text, "2024-03-05");
        assert_string_equal(referral->requested_at->text, "2024-03-05");
        assert_string_equal(referral->from->practitioner->name->text, "Dr Darwin");
        assert_string_equal(referral->to->organisation->name, "St Anne's Hospice");
        assert_coded(referral->reasons[0], "http://snomed.info/sct", "37340000");
        assert_string_equal(referral->reasons[0]->text, "MND");
        assert_coded(referral->type, NULL, "306237005");
        assert_coded(referral->source, NULL, "1");
        assert_true(referral->urgent);
        assert_string_equal(referral->status, "requested");
}

static void test_a_question_is_advice(void **state) {
        translate_text(request(
                "active",
                ", \"category\": [{\"text\": \"Advice and guidance\"}], \"note\": [{\"text\": \"Which dose?\"}]"));
        assert_string_equal(only_event("advice.requested")->referral->question, "Which dose?");
        assert_int_equal(result.reading.events[0]->referral->kind, CAREBUS__V1__REFERRAL__KIND__KIND_ADVICE);
        translate_text(task("completed", ", \"code\": {\"text\": \"Advice\"}, \"output\": [{\"type\": {\"text\": "
                                         "\"answer\"}, \"valueString\": \"5 mg\"}]"));
        assert_string_equal(only_event("advice.given")->referral->answer, "5 mg");
}

static void test_tests_are_orders(void **state) {
        const Carebus__V1__Event *event;

        translate_text(request(
                "active",
                ", \"category\": [{\"coding\": [{\"system\": \"http://snomed.info/sct\", \"code\": \"108252007\"}]}],"
                "\"code\": {\"text\": \"Full blood count\"}"));
        event = only_event("order.placed");
        assert_identifier(event->order_id, "urn:refs", "R7");
        assert_string_equal(event->order->code->text, "Full blood count");
        translate_text(request(
                "revoked", ", \"code\": {\"coding\": [{\"system\": \"http://loinc.org\", \"code\": \"57021-8\"}]}"));
        only_event("order.cancelled");
}

static void test_what_is_not_to_be_done_is_no_order_to_do_it(void **state) {
        translate_text(request("active", ", \"doNotPerform\": true, \"code\": {\"text\": \"Turning in bed\"}"));
        assert_null(only_event("order.placed")->order->code);
        assert_string_equal(result.reading.events[0]->order->code_text, "Do not perform: Turning in bed");
}

static void test_a_request_about_resuscitation_is_a_decision(void **state) {
        translate_text(request(
                "active",
                ", \"code\": {\"coding\": [{\"system\": \"http://snomed.info/sct\", \"code\": \"450476008\"}]}"));
        assert_coded(only_event("cpr_decision.recorded")->decision->decision, "http://snomed.info/sct", "450476008");
        translate_text(request(
                "revoked",
                ", \"code\": {\"coding\": [{\"system\": \"http://snomed.info/sct\", \"code\": \"450476008\"}]}"));
        only_event("cpr_decision.ended");
        /* "Do not" before a decision: nobody here says what that means. */
        translate_text(request(
                "active",
                ", \"doNotPerform\": true, \"code\": {\"coding\": [{\"system\": \"http://snomed.info/sct\", \"code\":"
                "\"450475007\"}]}"));
        assert_null(only_event("cpr_decision.recorded")->decision->decision->code);
        assert_non_null(strstr(result.reading.events[0]->decision->decision->text, "Do not perform"));
}

static void test_the_status_of_a_task_is_what_became_of_the_referral(void **state) {
        static const struct {
                const char *status, *type, *state;
        } cases[] = {
                { "requested", "referral.requested", "requested" },
                { "received", "referral.received", "received" },
                { "accepted", "referral.accepted", "accepted" },
                { "rejected", "referral.declined", "declined" },
                { "in-progress", "referral.changed", "in-progress" },
                { "cancelled", "referral.cancelled", "cancelled" },
                { "completed", "referral.closed", "closed" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                translate_text(task(cases[i].status, ""));
                assert_string_equal(only_event(cases[i].type)->referral->status, cases[i].state);
                assert_identifier(result.reading.events[0]->referral_id, "carebus:ehr", "ServiceRequest/s1");
                assert_identifier(result.reading.events[0]->referral->further_identifiers[0], "carebus:ehr", "Task/t1");
        }
}

static void test_a_rejection_says_why(void **state) {
        const Carebus__V1__Referral *referral;

        translate_text(task("rejected", ", \"statusReason\": {\"coding\": [{\"system\": "
                                        "\"https://fhir.nhs.uk/CodeSystem/x\", \"code\": \"26\"}], \"text\":"
                                        "\"Patient choice\"}"));
        referral = only_event("referral.declined")->referral;
        assert_coded(referral->decline_reason, NULL, "26");
        assert_string_equal(referral->decline_text, "Patient choice");
        assert_int_equal(referral->declined_by, CAREBUS__V1__REFERRAL__DECLINED_BY__DECLINED_BY_PATIENT);
        assert_string_equal(referral->decided_at->text, "2024-03-06T09:00:00Z");
        assert_coded(referral->decision, NULL, "rejected");
}

static void test_a_task_beside_its_request_is_one_fact(void **state) {
        char text[4096];

        snprintf(text, sizeof(text),
                 "{\"resourceType\": \"Bundle\", \"type\": \"collection\", \"entry\": [{\"resource\": %s}, "
                 "{\"resource\": "
                 "{\"resourceType\": \"Task\", \"status\": \"requested\", \"focus\": {\"reference\": "
                 "\"ServiceRequest/s1\"}}}]}",
                 request("active", ""));
        translate_text(text);
        only_event("referral.requested");
        snprintf(text, sizeof(text),
                 "{\"resourceType\": \"Bundle\", \"type\": \"collection\", \"entry\": [{\"resource\": %s}, "
                 "{\"resource\": "
                 "{\"resourceType\": \"Task\", \"status\": \"accepted\", \"focus\": {\"reference\": "
                 "\"ServiceRequest/s1\"}}}]}",
                 request("active", ""));
        translate_text(text);
        assert_int_equal(result.reading.n_events, 2);
        assert_identifier(event_of("referral.accepted")->referral_id, "urn:refs", "R7");
        assert_identifier(event_of("referral.accepted")->patient->identifiers[0], "carebus:ehr",
                          "Patient/p1"); /* the request says whose */
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_the_status_of_a_request),
                cmocka_unit_test(test_a_referral_says_who_asks_whom_and_why),
                cmocka_unit_test(test_a_question_is_advice),
                cmocka_unit_test(test_tests_are_orders),
                cmocka_unit_test(test_what_is_not_to_be_done_is_no_order_to_do_it),
                cmocka_unit_test(test_a_request_about_resuscitation_is_a_decision),
                cmocka_unit_test(test_the_status_of_a_task_is_what_became_of_the_referral),
                cmocka_unit_test(test_a_rejection_says_why),
                cmocka_unit_test(test_a_task_beside_its_request_is_one_fact),
        };

        return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
