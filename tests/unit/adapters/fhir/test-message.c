/*
 * The message as a whole: bundles of every type, its id, its author, what may not be used, what is not read.
 */
#include "tests/unit/adapters/fhir/fixture.h"

#define NHS "https://fhir.nhs.uk/Id/nhs-number"
#define PATIENT                                                                                \
        "{\"resourceType\": \"Patient\", \"id\": \"p1\", \"identifier\": [{\"system\": \"" NHS \
        "\", \"value\": \"9449305552\"}]}"
#define RESOURCE(text) "{\"resource\": " text "}"
#define BUNDLE(type, entries)                              \
        "{\"resourceType\": \"Bundle\", \"type\": \"" type \
        "\", \"timestamp\": \"2024-03-05T10:00:00Z\", \"entry\": [" entries "]}"
#define HEADER(event, reason)                                                                                       \
        "{\"resourceType\": \"MessageHeader\", \"id\": \"m1\", \"eventCoding\": {\"system\": "                      \
        "\"https://fhir.nhs.uk/x\", \"code\": \"" event "\"},"                                                      \
        "\"source\": {\"name\": \"EHR\", \"endpoint\": \"http://ehr\"}, \"sender\": {\"identifier\": {\"system\": " \
        "\"urn:ods\", \"value\": \"RA9\"}},"                                                                        \
        "\"reason\": {\"coding\": [{\"code\": \"" reason "\"}]}}"
#define REQUEST                                                                                                  \
        "{\"resourceType\": \"ServiceRequest\", \"id\": \"s1\", \"status\": \"active\", \"intent\": \"order\", " \
        "\"subject\": {\"reference\": \"Patient/p1\"}}"

static void test_bundles_of_every_type_are_read(void **state) {
        static const char *const types[] = { "collection", "transaction", "batch",  "searchset",
                                             "history",    "document",    "message" };
        char text[1024], trigger[64];

        for (size_t i = 0; i < ELEMENTSOF(types); i++) {
                snprintf(text, sizeof(text), BUNDLE("%s", RESOURCE(PATIENT)), types[i]);
                translate_text(text);
                only_event("patient.updated");
                snprintf(trigger, sizeof(trigger), "Bundle/%s", types[i]);
                assert_string_equal(result.reading.trigger, trigger);
                assert_string_equal(result.bundle_type, types[i]);
                assert_string_equal(result.reading.message_time_text, "2024-03-05T10:00:00Z");
                assert_int_equal(result.reading.message_time, INT64_C(1709632800000000));
        }
}

static void test_the_header_says_who_sent_it_and_why(void **state) {
        const Carebus__V1__Event *event;

        translate_text(BUNDLE("message", RESOURCE(HEADER("servicerequest-request", "new")) "," RESOURCE(
                                                 REQUEST) "," RESOURCE(PATIENT)));
        event = event_of("referral.requested");
        assert_non_null(event);
        assert_string_equal(event->trigger, "servicerequest-request");
        assert_string_equal(event->sender->system, "EHR");
        assert_string_equal(event->sender->organisation, "RA9");
        assert_string_equal(event->source_message_id, "MessageHeader/m1");
        assert_identifier(event->patient->identifiers[0], NHS, "9449305552");
        translate_text(BUNDLE("message", RESOURCE(HEADER("servicerequest-request", "update")) "," RESOURCE(
                                                 REQUEST) "," RESOURCE(PATIENT)));
        assert_non_null(event_of("referral.changed"));
        translate_text(BUNDLE("message", RESOURCE(HEADER("servicerequest-request", "delete")) "," RESOURCE(
                                                 REQUEST) "," RESOURCE(PATIENT)));
        assert_non_null(event_of("referral.cancelled"));
        translate_text(BUNDLE("message", RESOURCE(HEADER("servicerequest-response", "new")) "," RESOURCE(
                                                 REQUEST) "," RESOURCE(PATIENT)));
        assert_non_null(event_of("referral.accepted"));
}

static void test_the_same_message_has_the_same_id(void **state) {
        translate_text("{\"resourceType\": \"Bundle\", \"type\": \"message\", \"identifier\": {\"system\": \"urn:x\", "
                       "\"value\": \"B-1\"}, \"entry\": [" RESOURCE(HEADER("x", "new")) "," RESOURCE(PATIENT) "]}");
        assert_string_equal(result.reading.message_id, "B-1");
        translate_text("{\"resourceType\": \"Patient\", \"id\": \"p1\"}");
        assert_null(result.reading.message_id); /* no version: what comes next under this id may say something else */
}

static void test_provenance_names_the_author(void **state) {
        translate_text(BUNDLE("transaction", RESOURCE(PATIENT) "," RESOURCE(
                                                     "{\"resourceType\": \"Provenance\", \"target\": [{\"reference\": "
                                                     "\"Patient/p1\"}], \"recorded\": \"2024-03-04T09:00:00Z\","
                                                     "\"agent\": [{\"who\": {\"display\": \"Clerk\"}}, {\"type\": "
                                                     "{\"coding\": [{\"code\": \"author\"}]}, \"who\": {\"identifier\":"
                                                     "{\"system\": \"urn:gmc\", \"value\": \"C1\"}, \"display\": \"Dr "
                                                     "Darwin\"}, \"onBehalfOf\": {\"display\": \"Torbay\"}}]}")));
        assert_string_equal(only_event("patient.updated")->author->person, "C1");
        assert_string_equal(result.reading.events[0]->author->person_name, "Dr Darwin");
        assert_string_equal(result.reading.events[0]->author->organisation_name, "Torbay");
        assert_string_equal(result.reading.events[0]->recorded_at->text, "2024-03-04T09:00:00Z");
}

static void test_what_is_deleted_or_in_error_is_undone(void **state) {
        translate_text(BUNDLE(
                "transaction",
                "{\"resource\": {\"resourceType\": \"Encounter\", \"id\": \"e1\", \"status\": \"finished\", \"class\": "
                "{\"code\": \"IMP\"}, \"subject\":"
                "{\"reference\": \"Patient/p1\"}}, \"request\": {\"method\": \"DELETE\", \"url\": \"Encounter/e1\"}}"));
        assert_int_equal(only_event("encounter.admission_cancelled")->action,
                         CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR);
        translate_text(BUNDLE("transaction", "{\"request\": {\"method\": \"DELETE\", \"url\": \"Observation/o1\"}}"));
        assert_problem("deleted-without-content", "Bundle.entry[0].request", true);
}

static void test_a_deletion_is_said_when_it_is_made_and_not_when_what_it_deletes_was(void **state) {
        static const char flag[] = "{\"resource\": {\"resourceType\": \"Flag\", \"id\": \"f1\", \"meta\": "
                                   "{\"lastUpdated\": \"2024-03-01T10:00:00Z\"}, \"status\":"
                                   "\"active\", \"code\": {\"coding\": [{\"system\": \"http://snomed.info/sct\", "
                                   "\"code\": \"450476008\"}]}, \"period\": {\"start\":"
                                   "\"2024-03-01\", \"end\": \"2024-03-02\"}, \"subject\": {\"reference\": "
                                   "\"Patient/p1\"}}, \"request\": {\"method\": \"DELETE\","
                                   "\"url\": \"Flag/f1\"}%s}";
        char entry[1024], text[2048];

        snprintf(entry, sizeof(entry), flag,
                 ", \"response\": {\"status\": \"204\", \"lastModified\": \"2024-03-04T08:00:00Z\"}");
        snprintf(text, sizeof(text), BUNDLE("history", "%s"), entry);
        translate_text(text);
        assert_string_equal(only_event("cpr_decision.ended")->recorded_at->text, "2024-03-04T08:00:00Z");
        assert_int_equal(result.reading.events[0]->action, CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR);
        snprintf(entry, sizeof(entry), flag, "");
        snprintf(text, sizeof(text), BUNDLE("transaction", "%s"), entry);
        translate_text(text);
        assert_string_equal(only_event("cpr_decision.ended")->recorded_at->text, "2024-03-05T10:00:00Z");
        /* Nobody said when: the bus knows when it heard of it. */
        snprintf(text, sizeof(text), "{\"resourceType\": \"Bundle\", \"type\": \"transaction\", \"entry\": [%s]}",
                 entry);
        translate_text(text);
        assert_null(only_event("cpr_decision.ended")->recorded_at);
        assert_null(result.reading.events[0]->occurred_at);
}

static void test_a_modifier_extension_forbids_the_use(void **state) {
        static const char text[] = "{\"resourceType\": \"Patient\", \"id\": \"p1\", \"modifierExtension\": [{\"url\": "
                                   "\"urn:not\", \"valueBoolean\": true}]}";

        translate_text(text);
        assert_problem("modifier-extension", "Patient.modifierExtension", true);
        translate_text(BUNDLE("collection",
                              RESOURCE(PATIENT) "," RESOURCE(
                                      "{\"resourceType\": \"Encounter\", \"status\": \"finished\", \"participant\":"
                                      "[{\"modifierExtension\": [{\"url\": \"urn:not\"}]}]}")));
        assert_problem_beside("modifier-extension", "Bundle.entry[1].resource.participant[0].modifierExtension", 1);
        use_profile("ignore: [\"Patient.modifierExtension('urn:not')\"]\n");
        translate_text(text);
        only_event("patient.updated");
        use_default_profile();
}

static void test_a_bundle_within_a_bundle_waits_for_a_person(void **state) {
        translate_text(BUNDLE("collection", RESOURCE(PATIENT) "," RESOURCE(BUNDLE("collection", ""))));
        assert_problem_beside("nested-bundle", "Bundle.entry[1].resource", 1);
}

static void test_what_nobody_reads_is_named(void **state) {
        translate_text(
                "{\"resourceType\": \"Immunization\", \"id\": \"i1\", \"patient\": {\"reference\": \"Patient/p1\"}}");
        assert_problem("unhandled-trigger", "Immunization", false);
        assert_int_equal(use_of("Immunization"), FIELD_UNKNOWN);
        /* Beside something that is read, it is listed and takes nothing away. */
        translate_text(BUNDLE("collection", RESOURCE(PATIENT) "," RESOURCE("{\"resourceType\": \"Immunization\"}")));
        only_event("patient.updated");
        assert_int_equal(use_of("Immunization"), FIELD_UNKNOWN);
        assert_string_equal(result.issues[0].path, "Bundle.entry[1].resource");
}

static void test_what_a_profile_leaves_out_is_ignored(void **state) {
        use_profile("ignore: [Immunization]\n");
        translate_text("{\"resourceType\": \"Immunization\", \"id\": \"i1\"}");
        assert_true(result.reading.ignored);
        assert_null(result.reading.problem_code);
        translate_text(BUNDLE("collection", RESOURCE(PATIENT) "," RESOURCE("{\"resourceType\": \"Immunization\"}")));
        only_event("patient.updated");
        assert_int_equal(use_of("Immunization"), FIELD_IGNORED);
        use_default_profile();
}

static void test_a_decision_hidden_in_what_is_not_read_is_never_left_out(void **state) {
        const Carebus__V1__Event *event;

        translate_text("{\"resourceType\": \"Procedure\", \"id\": \"x1\", \"subject\": {\"reference\": "
                       "\"Patient/p1\"}, \"note\": [{\"text\": \"DNACPR in place\"}]}");
        event = only_event("cpr_decision.recorded");
        assert_coded(event->decision->decision, "carebus:decision", "meaning-not-known");
        assert_string_equal(event->decision->decision->text, "DNACPR in place");
        assert_identifier(event->order_id, "carebus:ehr", "Procedure/x1");
        /* An element of a resource that is read, but that nobody asked for. */
        translate_text("{\"resourceType\": \"Encounter\", \"id\": \"e1\", \"status\": \"in-progress\", \"class\": "
                       "{\"code\": \"IMP\"}, \"subject\":"
                       "{\"reference\": \"Patient/p1\"}, \"extension\": [{\"url\": \"urn:x\", \"valueString\": "
                       "\"Resus: not for CPR\"}]}");
        assert_int_equal(result.reading.n_events, 2);
        assert_non_null(event_of("cpr_decision.recorded"));
        /* Nobody's decision: a person has to look, and soon. */
        translate_text("{\"resourceType\": \"Basic\", \"code\": {\"text\": \"DNACPR\"}}");
        assert_problem("decision-not-read", "Basic.code.text", true);
        /* A form that asks for it is about nobody. */
        translate_text("{\"resourceType\": \"Questionnaire\", \"item\": [{\"text\": \"DNACPR\"}]}");
        assert_problem("unhandled-trigger", "Questionnaire", false);
}

static void test_subscriptions(void **state) {
        static const char status[] =
                "{\"resourceType\": \"Parameters\", \"parameter\": [{\"name\": \"type\", \"valueCode\": \"%s\"}]}";
        char parameters[256], text[1024];

        snprintf(parameters, sizeof(parameters), status, "heartbeat");
        snprintf(text, sizeof(text), BUNDLE("history", RESOURCE("%s")), parameters);
        translate_text(text);
        assert_true(result.reading.ignored);
        snprintf(parameters, sizeof(parameters), status, "event-notification");
        snprintf(text, sizeof(text), BUNDLE("history", RESOURCE("%s")), parameters);
        translate_text(text);
        assert_problem("notification-without-content", "Bundle.entry[0].resource", false);
        snprintf(text, sizeof(text), BUNDLE("subscription-notification", RESOURCE("%s") "," RESOURCE(PATIENT)),
                 parameters);
        translate_text(text);
        only_event("patient.updated");
        translate_text(BUNDLE("subscription-notification",
                              RESOURCE("{\"resourceType\": \"SubscriptionStatus\", \"type\": \"handshake\"}")));
        assert_true(result.reading.ignored);
        translate_text(BUNDLE("searchset", ""));
        assert_true(result.reading.ignored); /* nothing was found, and nothing is said */
}

static void test_what_is_no_fhir_is_refused_with_its_place(void **state) {
        translate_text("{\"resourceType\": \"Patient\",\n \"active\": }");
        assert_problem("parse-malformed", "line 2 column 12", true);
        assert_true(result.is_refused);
        assert_string_equal(result.issues[0].code, "structure");
        translate_text("{\"active\": true, \"active\": false}");
        assert_problem("parse-duplicate-member", "line 1 column 18", true);
        translate_text("[1]");
        assert_problem("no-resource-type", NULL, true);
        assert_true(result.is_refused);
        translate_text(BUNDLE("collection", RESOURCE("{\"id\": \"x\"}")));
        assert_problem("no-resource-type", "Bundle.entry[0].resource", true);
        assert_false(result.is_refused);
}

static void test_too_much_is_kept_for_a_person(void **state) {
        _cleanup_(buffer_deinit) Buffer text = BUFFER_NULL;

        buffer_append_text(&text, "{\"resourceType\": \"Bundle\", \"type\": \"collection\", \"entry\": [");
        for (int i = 0; i < 1100; i++)
                buffer_append_format(&text, "%s{\"resource\": {\"resourceType\": \"Patient\", \"id\": \"p%d\"}}",
                                     i ? "," : "", i);
        buffer_append_text(&text, "]}");
        translate_as(buffer_bytes(&text), NULL);
        assert_problem("too-large", NULL, true);
}

static void test_a_time_that_cannot_be_read_is_listed(void **state) {
        translate_text("{\"resourceType\": \"Patient\", \"id\": \"p1\", \"birthDate\": \"03/02/1951\"}");
        assert_string_equal(only_event("patient.updated")->demographics->birth_date->text, "03/02/1951");
        assert_int_equal(result.reading.n_bad_times, 1);
        assert_string_equal(result.reading.bad_times[0], "Patient.birthDate");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_bundles_of_every_type_are_read),
                cmocka_unit_test(test_the_header_says_who_sent_it_and_why),
                cmocka_unit_test(test_the_same_message_has_the_same_id),
                cmocka_unit_test(test_provenance_names_the_author),
                cmocka_unit_test(test_what_is_deleted_or_in_error_is_undone),
                cmocka_unit_test(test_a_deletion_is_said_when_it_is_made_and_not_when_what_it_deletes_was),
                cmocka_unit_test(test_a_modifier_extension_forbids_the_use),
                cmocka_unit_test(test_a_bundle_within_a_bundle_waits_for_a_person),
                cmocka_unit_test(test_what_nobody_reads_is_named),
                cmocka_unit_test(test_what_a_profile_leaves_out_is_ignored),
                cmocka_unit_test(test_a_decision_hidden_in_what_is_not_read_is_never_left_out),
                cmocka_unit_test(test_subscriptions),
                cmocka_unit_test(test_what_is_no_fhir_is_refused_with_its_place),
                cmocka_unit_test(test_too_much_is_kept_for_a_person),
                cmocka_unit_test(test_a_time_that_cannot_be_read_is_listed),
        };

        return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
