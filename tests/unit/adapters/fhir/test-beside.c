/*
 * What of a message is used beside something that cannot be: a decision never waits for its neighbour.
 */
#include "tests/unit/adapters/fhir/fixture.h"

#define NHS "https://fhir.nhs.uk/Id/nhs-number"
#define PATIENT                                                                                \
        "{\"resourceType\": \"Patient\", \"id\": \"p1\", \"identifier\": [{\"system\": \"" NHS \
        "\", \"value\": \"9449305552\"}]}"
#define SUBJECT "\"subject\": {\"reference\": \"Patient/p1\"}"
#define MODIFIER "\"modifierExtension\": [{\"url\": \"urn:not\", \"valueBoolean\": true}]"
#define CODED(code) "{\"coding\": [{\"system\": \"http://snomed.info/sct\", \"code\": \"" code "\"}]}"
#define DECISION                                                                               \
        "{\"resourceType\": \"Observation\", \"id\": \"cpr\", \"status\": \"final\", " SUBJECT \
        ", \"code\": " CODED("304251008") ", \"valueCodeableConcept\": " CODED("450476008") "}"
#define ENTRY(text) "{\"resource\": " text "}"
#define BUNDLE(entries)                                                                                     \
        "{\"resourceType\": \"Bundle\", \"type\": \"collection\", \"timestamp\": \"2024-03-05T10:00:00Z\"," \
        "\"entry\": [" entries "]}"

static void assert_decision_stands(void) {
        const Carebus__V1__Event *event = event_of("cpr_decision.recorded");

        assert_int_equal(count_events("cpr_decision.recorded"), 1);
        assert_coded(event->decision->decision, "http://snomed.info/sct", "450476008");
        assert_true(event->patient->n_identifiers > 0);
}

static void test_a_cpr_decision_is_in_use_whatever_its_neighbour_in_the_bundle_is_like(void **state) {
        static const struct {
                const char *neighbour, *code, *position;
        } cases[] = {
                { "{\"resourceType\": \"Encounter\", \"id\": \"e1\", \"status\": \"finished\", " SUBJECT ", " MODIFIER
                  "}",
                  "modifier-extension", "Bundle.entry[0].resource.modifierExtension" },
                { "{\"resourceType\": \"Encounter\", \"id\": \"e1\", \"status\": \"finished\", \"class\": {\"code\": "
                  "\"IMP\"}}",
                  "no-patient", "Bundle.entry[0].resource" },
                { "{\"resourceType\": \"DocumentReference\", \"id\": \"d1\", \"status\": \"current\", " SUBJECT
                  ", \"content\": [{\"attachment\": {\"contentType\": \"application/pdf\", \"data\": \"!!\"}}]}",
                  "bad-base64", "Bundle.entry[0].resource.content[0].attachment.data" },
                { "{\"resourceType\": \"Bundle\", \"type\": \"collection\"}", "nested-bundle",
                  "Bundle.entry[0].resource" },
                { "{\"id\": \"x\"}", "no-resource-type", "Bundle.entry[0].resource" },
                { "{\"resourceType\": \"Basic\", \"id\": \"b1\", \"code\": {\"text\": \"DNACPR\"}}",
                  "decision-not-read", "Bundle.entry[0].resource.code.text" },
                { "{\"resourceType\": \"Practitioner\", \"id\": \"n1\", " MODIFIER "}", "modifier-extension",
                  "Bundle.entry[0].resource.modifierExtension" },
        };
        char text[4096];

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                snprintf(text, sizeof(text), BUNDLE(ENTRY("%s") "," ENTRY(PATIENT) "," ENTRY(DECISION)),
                         cases[i].neighbour);
                translate_text(text);
                assert_problem_beside(cases[i].code, cases[i].position, 2);
                assert_decision_stands();
                assert_non_null(event_of("patient.updated"));
        }
        translate_text("{\"resourceType\": \"Bundle\", \"type\": \"transaction\", \"entry\": [{\"request\": "
                       "{\"method\": \"DELETE\","
                       "\"url\": \"Observation/gone\"}}," ENTRY(PATIENT) "," ENTRY(DECISION) "]}");
        assert_problem_beside("deleted-without-content", "Bundle.entry[0].request", 2);
        assert_decision_stands();
}

static void test_a_text_without_end_takes_away_its_own_resource_alone(void **state) {
        _cleanup_(buffer_deinit) Buffer text = BUFFER_NULL;

        buffer_append_text(&text, "{\"resourceType\": \"Bundle\", \"type\": \"collection\", \"entry\": [" ENTRY(
                                          PATIENT) ","
                                                   "{\"resource\": {\"resourceType\": \"Communication\", \"id\": "
                                                   "\"c1\", \"status\": \"completed\"," SUBJECT
                                                   ", \"payload\": [{\"contentString\": \"");
        for (size_t i = 0; i < 300 * 1024; i++)
                buffer_append_byte(&text, 'a');
        buffer_append_text(&text, "\"}]}}," ENTRY(DECISION) "]}");
        translate_as(buffer_bytes(&text), NULL);
        assert_problem_beside("too-large", "Bundle.entry[1].resource", 2);
        assert_decision_stands();
}

static void test_a_form_keeps_its_decision_where_a_picture_in_it_is_broken(void **state) {
        translate_text(BUNDLE(ENTRY(PATIENT) "," ENTRY(
                "{\"resourceType\": \"QuestionnaireResponse\", \"id\": \"q1\", \"status\": \"completed\", " SUBJECT
                ", \"questionnaire\": \"https://fhir.nhs.uk/Questionnaire/ReSPECT\", \"item\": ["
                "{\"linkId\": \"1\", \"text\": \"Signature\", \"answer\": [{\"valueAttachment\": {\"data\": \"!!\"}}]},"
                "{\"linkId\": \"6194338778785\", \"text\": \"CPR\", \"answer\": [{\"valueCoding\": {\"system\": "
                "\"http://snomed.info/sct\", \"code\": \"450476008\"}}]}]}")));
        assert_non_null(result.reading.problem_code);
        assert_string_equal(result.reading.problem_code, "bad-base64");
        assert_decision_stands();
        assert_null(event_of("document.available"));
}

static void test_what_may_not_be_used_lends_nothing_to_others(void **state) {
        const Carebus__V1__Event *event;

        /* Whose it is, is said by the reference alone: the number stands in what may not be used. */
        translate_text(
                BUNDLE(ENTRY("{\"resourceType\": \"Patient\", \"id\": \"p1\", \"identifier\": [{\"system\": \"" NHS
                             "\", \"value\": \"9449305552\"}], " MODIFIER "}") "," ENTRY(DECISION)));
        assert_problem_beside("modifier-extension", "Bundle.entry[0].resource.modifierExtension", 1);
        assert_decision_stands();
        assert_identifier(result.reading.events[0]->patient->identifiers[0], "carebus:ehr", "Patient/p1");
        assert_int_equal(result.reading.events[0]->patient->n_identifiers, 1);
        /* A medicine that may not be used leaves no order for nothing. */
        translate_text(BUNDLE(ENTRY(PATIENT) "," ENTRY("{\"resourceType\": \"MedicationRequest\", \"id\": \"m1\", "
                                                       "\"status\": \"active\", \"intent\": \"order\", " SUBJECT
                                                       ", \"contained\": [{\"resourceType\": \"Medication\", \"id\": "
                                                       "\"m\", \"code\": {\"text\": \"x\"}, " MODIFIER "}],"
                                                       "\"medicationReference\": {\"reference\": \"#m\"}}")));
        assert_problem_beside("modifier-extension", "Bundle.entry[1].resource.contained[0].modifierExtension", 1);
        assert_non_null(event_of("patient.updated"));
        /* A decision with one: that there is one is known, what it says is not. */
        translate_text(BUNDLE(
                ENTRY(PATIENT) "," ENTRY("{\"resourceType\": \"Flag\", \"id\": \"f1\", \"status\": \"active\", " SUBJECT
                                         ", \"code\": {\"coding\": [{\"system\":"
                                         "\"http://snomed.info/sct\", \"code\": \"450476008\", \"display\": \"Not for "
                                         "attempted resuscitation\"}]}, " MODIFIER "}")));
        assert_problem_beside("modifier-extension", "Bundle.entry[1].resource.modifierExtension", 2);
        event = event_of("cpr_decision.recorded");
        assert_coded(event->decision->decision, "carebus:decision", "meaning-not-known");
        assert_non_null(strstr(event->decision->decision_text, "Not for attempted resuscitation"));
}

static void test_a_message_whose_header_is_not_understood_gives_nothing(void **state) {
        translate_text("{\"resourceType\": \"Bundle\", \"type\": \"message\", \"entry\": [" ENTRY(
                "{\"resourceType\": \"MessageHeader\", \"id\": \"h1\", \"eventUri\": \"urn:x\", " MODIFIER
                "}") "," ENTRY(PATIENT) "]}");
        assert_problem("modifier-extension", "Bundle.entry[0].resource.modifierExtension", false);
}

static void test_a_modifier_of_the_entry_is_one_of_its_resource(void **state) {
        translate_text("{\"resourceType\": \"Bundle\", \"type\": \"collection\", \"entry\": [{" MODIFIER
                       ", \"resource\": " DECISION "}," ENTRY(PATIENT) "]}");
        assert_problem_beside("modifier-extension", "Bundle.entry[0].modifierExtension", 2);
        assert_coded(event_of("cpr_decision.recorded")->decision->decision, "carebus:decision", "meaning-not-known");
}

static void test_each_hidden_decision_is_found_and_not_the_first_alone(void **state) {
        translate_text(BUNDLE(ENTRY(PATIENT) "," ENTRY(
                "{\"resourceType\": \"Procedure\", \"id\": \"x1\", " SUBJECT
                ", \"note\": [{\"text\": \"DNACPR in place\"},"
                "{\"text\": \"for CPR since May\"}]}") "," ENTRY("{\"resourceType\": \"Procedure\", \"id\": "
                                                                 "\"x2\", " SUBJECT
                                                                 ", \"note\": [{\"text\": \"resus status seen\"}]}")));
        assert_null(result.reading.problem_code);
        assert_int_equal(count_events("cpr_decision.recorded"), 2);
        assert_string_equal(event_of("cpr_decision.recorded")->decision->decision_text,
                            "DNACPR in place\nfor CPR since May");
}

static void test_words_beside_a_decision_are_a_note_on_it_and_no_second_decision(void **state) {
        const Carebus__V1__Event *event;

        translate_text(BUNDLE(ENTRY(PATIENT) "," ENTRY(
                "{\"resourceType\": \"Observation\", \"id\": \"cpr\", \"status\": \"final\", " SUBJECT
                ", \"code\": " CODED("304251008") ", \"valueCodeableConcept\": " CODED(
                        "450476008") ", \"extension\": [{\"url\": \"urn:x\", \"valueString\": "
                                     "\"DNACPR form in the hall\"}]}")));
        assert_null(result.reading.problem_code);
        assert_decision_stands();
        event = event_of("cpr_decision.recorded");
        assert_string_equal(event->notes[event->n_notes - 1]->text, "DNACPR form in the hall");
}

static void test_a_placeholder_for_a_patient_who_did_not_come_is_nobody(void **state) {
        translate_text(BUNDLE(ENTRY(
                "{\"resourceType\": \"Encounter\", \"id\": \"e1\", \"status\": \"in-progress\", \"class\": {\"code\":"
                "\"IMP\"}, \"subject\": {\"reference\": \"urn:uuid:8f0a4c7e-0000-4000-8000-000000000001\"}}")));
        assert_problem("no-patient", "Bundle.entry[0].resource", false);
        /* What names the person beside it counts. */
        translate_text(BUNDLE(ENTRY(
                "{\"resourceType\": \"Encounter\", \"id\": \"e1\", \"status\": \"in-progress\", \"class\": {\"code\":"
                "\"IMP\"}, \"subject\": {\"reference\": \"urn:uuid:8f0a4c7e-0000-4000-8000-000000000001\","
                "\"identifier\": {\"system\": \"" NHS "\", \"value\": \"9449305552\"}}}")));
        assert_int_equal(only_event("encounter.admitted")->patient->n_identifiers, 1);
}

#define TWO                                                                                    \
        "{\"resourceType\": \"Patient\", \"id\": \"p1\", \"identifier\": [{\"system\": \"" NHS \
        "\", \"value\": \"9449304130\"}]}"

static void test_nothing_is_guessed_of_whose_a_fact_is(void **state) {
        /* One placeholder, two people. */
        translate_text("{\"resourceType\": \"Bundle\", \"type\": \"collection\", \"entry\": [{\"fullUrl\": "
                       "\"urn:uuid:1\", \"resource\": " PATIENT "}, {\"fullUrl\": \"urn:uuid:1\", \"resource\": " TWO
                       "}, {\"resource\": {\"resourceType\": \"Flag\", \"id\": \"f\","
                       "\"status\": \"active\", \"code\": " CODED(
                               "450476008") ", \"subject\": {\"reference\": \"urn:uuid:1\"}}}]}");
        assert_problem_beside("no-patient", "Bundle.entry[2].resource", 2);
        assert_null(event_of("cpr_decision.recorded"));
        assert_true(result.reading.problem_urgent);
        /* One id of a server, two numbers: the decision has the id alone, and the bus sees the conflict. */
        translate_text(BUNDLE(ENTRY(PATIENT) "," ENTRY(TWO) "," ENTRY(DECISION)));
        assert_decision_stands();
        assert_int_equal(event_of("cpr_decision.recorded")->patient->n_identifiers, 1);
        assert_identifier(event_of("cpr_decision.recorded")->patient->identifiers[0], "carebus:ehr", "Patient/p1");
        /* The reference says one number, the Patient another. */
        translate_text(BUNDLE(ENTRY(PATIENT) "," ENTRY(
                "{\"resourceType\": \"Flag\", \"id\": \"f\", \"status\": \"active\", \"code\": " CODED(
                        "450476008") ", \"subject\": {\"reference\": \"Patient/p1\", \"identifier\": {\"system\": "
                                     "\"" NHS "\", \"value\": \"9449304130\"}}}")));
        assert_problem_beside("two-patients", "Bundle.entry[1].resource.subject", 1);
        assert_true(result.reading.problem_urgent);
        /* The same number in groups is the same number. */
        translate_text(BUNDLE(ENTRY(PATIENT) "," ENTRY(
                "{\"resourceType\": \"Flag\", \"id\": \"f\", \"status\": \"active\", \"code\": " CODED(
                        "450476008") ", \"subject\": {\"reference\": \"Patient/p1\", \"identifier\": {\"system\": "
                                     "\"" NHS "\", \"value\": \"944 930 5552\"}}}")));
        assert_null(result.reading.problem_code);
        assert_decision_stands();
        /* Nobody is merged into themselves. */
        translate_text("{\"resourceType\": \"Patient\", \"id\": \"p1\", \"link\": [{\"type\": \"replaced-by\", "
                       "\"other\": {\"reference\":"
                       "\"Patient/p1\"}}]}");
        assert_problem_beside("no-linked-patient", "Patient.link[0]", 1);
}

static void test_a_number_that_can_be_nobodys_takes_its_own_fact_away_alone(void **state) {
        translate_text(BUNDLE(ENTRY(PATIENT) "," ENTRY(DECISION) "," ENTRY(
                "{\"resourceType\": \"Flag\", \"id\": \"f\", \"status\": \"active\", \"code\": {\"text\": \"dog\"}, "
                "\"subject\": {\"identifier\":"
                "{\"system\": \"" NHS "\", \"value\": \"1111111111\"}}}")));
        assert_problem_beside("no-patient", "Bundle.entry[2].resource", 2);
        assert_decision_stands();
}

static void test_an_entry_to_be_written_without_a_resource_is_told(void **state) {
        translate_text("{\"resourceType\": \"Bundle\", \"type\": \"transaction\", \"entry\": [{\"request\": "
                       "{\"method\": \"PUT\","
                       "\"url\": \"Flag/f1\"}}," ENTRY(PATIENT) "," ENTRY(DECISION) "]}");
        assert_problem_beside("no-resource", "Bundle.entry[0]", 2);
        assert_decision_stands();
}

static void test_elements_of_the_wrong_kind_break_nothing(void **state) {
        translate_text("{\"resourceType\": \"Patient\", \"id\": \"p1\", \"meta\": [1, {\"security\": [2]}], "
                       "\"identifier\": 5, \"name\": {\"given\":"
                       "{\"x\": []}}, \"contained\": {\"resourceType\": [\"x\"]}, \"link\": \"x\", \"extension\": "
                       "{\"url\": {}}}");
        assert_true(result.reading.n_events > 0 || result.reading.problem_code);
}

static void test_only_a_patient_states_the_lists_of_a_person(void **state) {
        use_profile("complete_lists: [demographics.names, demographics.telecom]\n");
        translate_text("{\"resourceType\": \"RelatedPerson\", \"id\": \"r1\", \"patient\": {\"reference\": "
                       "\"Patient/p1\"}, \"name\": [{\"text\":"
                       "\"Ann\"}]}");
        assert_int_equal(only_event("patient.updated")->n_complete, 0);
        translate_text(PATIENT); /* a number, as others refer to it: no names are no word about names */
        assert_int_equal(only_event("patient.updated")->n_complete, 0);
        translate_text("{\"resourceType\": \"Patient\", \"id\": \"p1\", \"name\": [{\"family\": \"Lovelace\"}]}");
        assert_int_equal(only_event("patient.updated")->n_complete, 2);
        use_default_profile();
}

static void test_what_stands_within_something_contained_is_listed(void **state) {
        translate_text("{\"resourceType\": \"Encounter\", \"id\": \"e1\", \"status\": \"in-progress\", \"class\": "
                       "{\"code\": \"IMP\"}, " SUBJECT ", \"contained\": [{\"resourceType\": \"Organization\", \"id\": "
                       "\"o\", \"contained\": [{\"resourceType\": \"Organization\","
                       "\"name\": \"DNACPR\"}]}], \"serviceProvider\": {\"reference\": \"#o\"}}");
        assert_int_equal(use_of("Organization.contained"), FIELD_UNKNOWN);
        assert_non_null(event_of("cpr_decision.recorded"));
}

#define COMPOSITION(title, words)                                                                             \
        "{\"resourceType\": \"Composition\", \"id\": \"c1\", \"status\": \"final\", \"title\": \"Summary\", " \
        "\"date\": \"2024-03-05\", " SUBJECT                                                                  \
        ", \"section\": [{\"title\": \"About me\", \"section\": [{\"title\": \"" title                        \
        "\", \"text\": {\"status\": \"additional\", \"div\": "                                                \
        "\"<div>" words "</div>\"}}]}]}"

static void test_a_document_that_says_it_in_words_alone_is_a_decision_of_unknown_meaning(void **state) {
        const Carebus__V1__Event *event;

        translate_text(COMPOSITION("CPR", "See the yellow form"));
        event = event_of("cpr_decision.recorded");
        assert_non_null(event);
        assert_coded(event->decision->decision, "carebus:decision", "meaning-not-known");
        assert_string_equal(event->decision->decision_text, "CPR\nSee the yellow form");
        translate_text(COMPOSITION("Alerts", "DNACPR in place"));
        assert_non_null(event_of("cpr_decision.recorded"));
        translate_text(COMPOSITION("Hobbies", "The garden"));
        assert_null(event_of("cpr_decision.recorded"));
        /* Beside the decision itself, its words are no second one. */
        translate_text(BUNDLE(ENTRY(COMPOSITION("CPR", "DNACPR")) "," ENTRY(PATIENT) "," ENTRY(DECISION)));
        assert_decision_stands();
}

static void test_two_answers_to_the_question_of_resuscitation_are_both_kept_and_neither_decides(void **state) {
        const Carebus__V1__Event *event;

        translate_text(
                "{\"resourceType\": \"QuestionnaireResponse\", \"id\": \"q1\", \"status\": \"completed\", " SUBJECT
                ", \"questionnaire\": \"https://fhir.nhs.uk/Questionnaire/ReSPECT\", \"item\": ["
                "{\"linkId\": \"6194338778785\", \"text\": \"CPR\", \"answer\": [{\"valueString\": \"For attempted "
                "CPR\"},"
                "{\"valueString\": \"Not for attempted CPR\"}]}]}");
        event = event_of("cpr_decision.recorded");
        assert_int_equal(count_events("cpr_decision.recorded"), 1);
        assert_string_equal(event->decision->decision_text, "For attempted CPR / Not for attempted CPR");
        assert_true(!event->decision->decision->code);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_a_number_that_can_be_nobodys_takes_its_own_fact_away_alone),
                cmocka_unit_test(test_an_entry_to_be_written_without_a_resource_is_told),
                cmocka_unit_test(test_elements_of_the_wrong_kind_break_nothing),
                cmocka_unit_test(test_a_document_that_says_it_in_words_alone_is_a_decision_of_unknown_meaning),
                cmocka_unit_test(test_two_answers_to_the_question_of_resuscitation_are_both_kept_and_neither_decides),
                cmocka_unit_test(test_nothing_is_guessed_of_whose_a_fact_is),
                cmocka_unit_test(test_only_a_patient_states_the_lists_of_a_person),
                cmocka_unit_test(test_what_stands_within_something_contained_is_listed),
                cmocka_unit_test(test_a_cpr_decision_is_in_use_whatever_its_neighbour_in_the_bundle_is_like),
                cmocka_unit_test(test_a_text_without_end_takes_away_its_own_resource_alone),
                cmocka_unit_test(test_a_form_keeps_its_decision_where_a_picture_in_it_is_broken),
                cmocka_unit_test(test_what_may_not_be_used_lends_nothing_to_others),
                cmocka_unit_test(test_a_message_whose_header_is_not_understood_gives_nothing),
                cmocka_unit_test(test_a_modifier_of_the_entry_is_one_of_its_resource),
                cmocka_unit_test(test_each_hidden_decision_is_found_and_not_the_first_alone),
                cmocka_unit_test(test_words_beside_a_decision_are_a_note_on_it_and_no_second_decision),
                cmocka_unit_test(test_a_placeholder_for_a_patient_who_did_not_come_is_nobody),
        };

        return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
