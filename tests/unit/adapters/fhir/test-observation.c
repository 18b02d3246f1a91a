/* Observations, scores and reports. */
#include "clinical-fixture.h"

#define OBSERVATION(rest) "{\"resourceType\":\"Observation\",\"id\":\"o1\",\"status\":\"final\"," SUBJECT "," rest "}"
#define AKPS "\"code\":" SNOMED("901671000000100")

static void test_a_score_is_its_scale_with_the_digits_as_said(void **state) {
        translate(OBSERVATION(AKPS ",\"effectiveDateTime\":\"2024-03-05T10:00:00Z\",\"valueQuantity\":{\"value\":60.0,"
                                   "\"unit\":\"{score}\"},"
                                   "\"performer\":[{\"reference\":\"Practitioner/d1\",\"display\":\"Nurse B\"}]"));
        Carebus__V1__Event *event = only_event("outcome.measured");

        assert_code(event->measure->scale, SYSTEM_SNOMED_CT, "901361000000101");
        assert_text(event->measure->scale->original->code, "901671000000100");
        assert_text(event->measure->total->value, "60.0");
        assert_when(event->measure->measured_at, "2024-03-05T10:00:00Z");
        assert_when(event->occurred_at, "2024-03-05T10:00:00Z");
        assert_text(event->measure->measured_by->name->text, "Nurse B");
        assert_false(event->measure->has_respondent);
        translate(OBSERVATION("\"code\":{\"text\":\"EDSS\"},\"valueString\":\"6.5\""));
        assert_text(only_event("outcome.measured")->measure->total->value, "6.5");
}

static void test_a_phase_of_illness_is_a_result_without_a_number(void **state) {
        translate(OBSERVATION(
                "\"code\":{\"text\":\"Phase of Illness\"},\"valueCodeableConcept\":{\"text\":\"Deteriorating\"},"
                "\"performer\":[{\"reference\":\"Patient/p1\"}]"));
        Carebus__V1__Measure *measure = only_event("outcome.measured")->measure;

        assert_null(measure->total);
        assert_text(measure->result->code, "deteriorating");
        assert_int_equal(measure->respondent, CAREBUS__V1__MEASURE__RESPONDENT__RESPONDENT_PATIENT);
}

static void test_components_of_a_scale_are_its_items(void **state) {
        translate(OBSERVATION(
                "\"code\":{\"text\":\"IPOS\"},\"component\":[{\"code\":{\"text\":\"Pain\"},\"valueInteger\":3},"
                "{\"code\":{\"text\":\"Nausea\"},\"dataAbsentReason\":{\"text\":\"cannot assess\"}}]"));
        Carebus__V1__Measure *measure = only_event("outcome.measured")->measure;

        assert_int_equal(measure->n_items, 2);
        assert_text(measure->items[0]->score->value, "3");
        assert_null(measure->items[1]->score);
        assert_text(measure->items[1]->not_answered_reason->text, "cannot assess");
}

static void test_every_type_of_value_has_its_place(void **state) {
        translate(OBSERVATION("\"code\":{\"text\":\"w\"},\"valueQuantity\":{\"value\":72.10,\"comparator\":\"<\","
                              "\"unit\":\"kg\",\"system\":"
                              "\"http://unitsofmeasure.org\",\"code\":\"kg\"}"));
        Carebus__V1__Observation *body = only_event("observation.recorded")->observation;
        assert_text(body->value->value, "72.10");
        assert_text(body->value->unit, "kg");
        assert_text(body->value->comparator, "<");
        translate(
                OBSERVATION("\"code\":{\"text\":\"w\"},\"valueRange\":{\"low\":{\"value\":1},\"high\":{\"value\":2}}"));
        body = only_event("observation.recorded")->observation;
        assert_text(body->value_low->value, "1");
        assert_text(body->value_high->value, "2");
        translate(OBSERVATION("\"code\":{\"text\":\"w\"},\"valueRatio\":{\"numerator\":{\"value\":1},\"denominator\":{"
                              "\"value\":128}}"));
        assert_text(only_event("observation.recorded")->observation->value_denominator->value, "128");
        translate(OBSERVATION("\"code\":{\"text\":\"w\"},\"valueBoolean\":false"));
        body = only_event("observation.recorded")->observation;
        assert_true(body->has_value_bool && !body->value_bool);
        translate(OBSERVATION("\"code\":{\"text\":\"w\"},\"valueDateTime\":\"2024-02\""));
        assert_when(only_event("observation.recorded")->observation->value_time, "2024-02");
        translate(OBSERVATION("\"code\":{\"text\":\"w\"},\"valueInteger\":7"));
        assert_text(only_event("observation.recorded")->observation->value->value, "7");
        translate(OBSERVATION(
                "\"code\":{\"text\":\"w\"},\"valuePeriod\":{\"start\":\"2024-01-01\",\"end\":\"2024-01-02\"}"));
        assert_text(only_event("observation.recorded")->observation->value_text, "2024-01-01 to 2024-01-02");
        translate(OBSERVATION("\"code\":{\"text\":\"w\"},\"valueTime\":\"09:30:00\""));
        assert_text(only_event("observation.recorded")->observation->value_text, "09:30:00");
        translate(OBSERVATION("\"code\":{\"text\":\"w\"},\"valueCodeableConcept\":{\"text\":\"pale\"}"));
        assert_text(only_event("observation.recorded")->observation->value_coded->text, "pale");
        translate(OBSERVATION("\"code\":{\"text\":\"w\"},\"valueSampledData\":{\"origin\":{\"value\":0},\"period\":10,"
                              "\"dimensions\":1,\"data\":"
                              "\"1 2 3\"}"));
        assert_text(only_event("observation.recorded")->observation->value_text, "1 2 3");
}

static void test_a_panel_keeps_its_parts_and_its_references(void **state) {
        translate(OBSERVATION(
                "\"category\":[{\"coding\":[{\"system\":\"http://terminology.hl7.org/CodeSystem/"
                "observation-category\",\"code\":\"vital-signs\"}]}],"
                "\"code\":{\"text\":\"Blood "
                "pressure\"},\"issued\":\"2024-03-05T11:00:00Z\",\"bodySite\":{\"text\":\"left arm\"},"
                "\"method\":{\"text\":\"cuff\"},\"performer\":[{\"reference\":\"Organization/h1\",\"display\":\"H\"}],"
                "\"note\":[{\"text\":\"sitting\"}],\"referenceRange\":[{\"low\":{\"value\":90},\"high\":{\"value\":140}"
                "}],"
                "\"interpretation\":[{\"text\":\"normal\"}],\"basedOn\":[{\"reference\":\"ServiceRequest/s1\"}],"
                "\"component\":[{\"code\":{\"text\":\"sys\"},\"valueQuantity\":{\"value\":120},\"interpretation\":[{"
                "\"text\":\"ok\"}]},"
                "{\"code\":{\"text\":\"dia\"},\"dataAbsentReason\":{\"text\":\"not measured\"}}]"));
        Carebus__V1__Event *event = only_event("observation.recorded");
        Carebus__V1__Observation *body = event->observation;

        assert_int_equal(body->n_parts, 2);
        assert_text(body->parts[0]->value->value, "120");
        assert_text(body->parts[1]->absent_reason->text, "not measured");
        assert_text(body->reference_low->value, "90");
        assert_text(body->performer_organisation->name, "H");
        assert_text(body->body_site->text, "left arm");
        assert_text(body->notes[0]->text, "sitting");
        assert_text(body->category->code, "vital-signs");
        assert_text(event->order_id->value, "ServiceRequest/s1");
        assert_when(event->recorded_at, "2024-03-05T11:00:00Z");
}

static void test_an_observation_entered_in_error_is_undone(void **state) {
        translate("{\"resourceType\":\"Observation\",\"id\":\"o1\",\"status\":\"entered-in-error\"," SUBJECT
                  ",\"code\":{\"text\":\"w\"}}");
        Carebus__V1__Event *event = only_event("observation.recorded");

        assert_int_equal(event->action, CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR);
        assert_text(event->observation->status, "entered-in-error");
}

static void test_a_report_says_what_it_concludes_and_its_results_say_whose_they_are(void **state) {
        translate("{\"resourceType\":\"Bundle\",\"type\":\"transaction\",\"entry\":[{\"fullUrl\":\"urn:uuid:00000000-"
                  "0000-4000-8000-000000000001\","
                  "\"resource\":{\"resourceType\":\"Observation\",\"status\":\"final\"," SUBJECT
                  ",\"code\":{\"text\":\"Hb\"},"
                  "\"valueQuantity\":{\"value\":101}}},{\"resource\":{\"resourceType\":\"DiagnosticReport\",\"id\":"
                  "\"r1\",\"identifier\":[{\"system\":"
                  "\"urn:lab\",\"value\":\"R9\"}],\"status\":\"final\"," SUBJECT
                  ",\"code\":{\"text\":\"Full blood count\"},\"conclusion\":\"Anaemia\","
                  "\"result\":[{\"reference\":\"urn:uuid:00000000-0000-4000-8000-000000000001\"}],\"presentedForm\":[{"
                  "\"contentType\":\"text/plain\","
                  "\"data\":\"SGVsbG8=\",\"title\":\"report.txt\"}]}}]}");
        Carebus__V1__Event *document = the_event("document.available");

        assert_int_equal(result.reading.n_events, 3);
        assert_text(result.reading.events[0]->observation->report->value, "R9");
        assert_text(result.reading.events[0]->observation->panel->text, "Full blood count");
        assert_text(result.reading.events[1]->observation->value_text, "Anaemia");
        assert_text(document->document->content_text, "Hello");
        assert_int_equal(document->document->size, 5);
        assert_text(document->document->original_part, "Bundle.entry[1].resource.presentedForm[0].data");
}

static void test_an_observation_of_nobody_is_a_problem_with_its_place(void **state) {
        translate("{\"resourceType\":\"Observation\",\"id\":\"o1\",\"status\":\"final\",\"code\":{\"text\":\"w\"}}");
        assert_text(result.reading.problem_code, "no-patient");
        assert_true(has_issue("required", "Observation"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_a_score_is_its_scale_with_the_digits_as_said),
                cmocka_unit_test(test_a_phase_of_illness_is_a_result_without_a_number),
                cmocka_unit_test(test_components_of_a_scale_are_its_items),
                cmocka_unit_test(test_every_type_of_value_has_its_place),
                cmocka_unit_test(test_a_panel_keeps_its_parts_and_its_references),
                cmocka_unit_test(test_an_observation_entered_in_error_is_undone),
                cmocka_unit_test(test_a_report_says_what_it_concludes_and_its_results_say_whose_they_are),
                cmocka_unit_test(test_an_observation_of_nobody_is_a_problem_with_its_place),
        };

        return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
