/* Conditions and allergies. */
#include "clinical-fixture.h"

#define CLINICAL(code_)                                                                        \
        "\"clinicalStatus\":{\"coding\":[{\"system\":\"http://terminology.hl7.org/CodeSystem/" \
        "condition-clinical\",\"code\":\"" code_ "\"}]}"
#define VERIFIED(code_)                                                                            \
        "\"verificationStatus\":{\"coding\":[{\"system\":\"http://terminology.hl7.org/CodeSystem/" \
        "condition-ver-status\",\"code\":\"" code_ "\"}]}"

static void test_a_condition_keeps_every_code_and_the_words(void **state) {
        translate("{\"resourceType\":\"Condition\",\"id\":\"c\"," CLINICAL("active") "," VERIFIED(
                "confirmed") ",\"code\":{\"coding\":[{\"system\":"
                             "\"http://hl7.org/fhir/sid/icd-10\",\"code\":\"G35\"},{\"system\":\"http://snomed.info/"
                             "sct\",\"code\":\"24700007\"}],\"text\":"
                             "\"MS\"}," SUBJECT ",\"onsetDateTime\":\"2010\",\"recordedDate\":\"2011-02-03\","
                             "\"asserter\":{\"reference\":\"Practitioner/d\","
                             "\"display\":\"Dr "
                             "A\"},\"severity\":{\"text\":\"severe\"},\"note\":[{\"text\":\"relapsing\"}],\"bodySite\":"
                             "[{\"text\":\"brain\"}],"
                             "\"stage\":[{\"summary\":{\"text\":\"II\"}}]}");
        Carebus__V1__Event *event = only_event("condition.recorded");
        Carebus__V1__Condition *body = event->condition;

        assert_code(body->code, SYSTEM_SNOMED_CT, "24700007");
        assert_text(body->code->text, "MS");
        assert_int_equal(body->n_further_codes, 1);
        assert_text(body->further_codes[0]->code, "G35");
        assert_text(body->status, "active");
        assert_when(body->onset_at, "2010");
        assert_when(event->recorded_at, "2011-02-03");
        assert_text(body->asserted_by->name->text, "Dr A");
        assert_text(body->text, "relapsing");
        assert_text(body->stage->text, "II");
}

static void test_a_condition_that_is_over_refuted_or_wrong_says_so(void **state) {
        translate("{\"resourceType\":\"Condition\",\"id\":\"c\"," CLINICAL(
                "resolved") "," SUBJECT ",\"code\":{\"text\":\"UTI\"},"
                            "\"abatementDateTime\":\"2024-01-09\"}");
        assert_when(only_event("condition.resolved")->condition->resolved_at, "2024-01-09");
        assert_when(only_event("condition.resolved")->occurred_at, "2024-01-09");
        translate("{\"resourceType\":\"Condition\",\"id\":\"c\"," VERIFIED("refuted") "," SUBJECT
                                                                                      ",\"code\":{\"text\":\"UTI\"}}");
        assert_text(only_event("condition.resolved")->condition->status, "refuted");
        translate("{\"resourceType\":\"Condition\",\"id\":\"c\"," VERIFIED(
                "entered-in-error") "," SUBJECT ",\"code\":{\"text\":\"UTI\"}}");
        assert_int_equal(only_event("condition.resolved")->action, CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR);
}

static void test_an_onset_that_is_no_moment_stays_words(void **state) {
        translate("{\"resourceType\":\"Condition\",\"id\":\"c\"," CLINICAL("active") "," SUBJECT
                                                                                     ",\"code\":{\"text\":\"Asthma\"},"
                                                                                     "\"onsetString\":\"childhood\"}");
        assert_text(only_event("condition.recorded")->condition->text, "onset: childhood");
        assert_null(only_event("condition.recorded")->condition->onset_at);
}

static void test_an_allergy_has_its_reactions(void **state) {
        translate("{\"resourceType\":\"AllergyIntolerance\",\"id\":\"a\"," CLINICAL("active") "," VERIFIED(
                "confirmed") ",\"type\":\"allergy\","
                             "\"category\":[\"medication\"],\"criticality\":\"high\",\"code\":{\"text\":\"Penicillin\"}"
                             "," PATIENT ",\"recordedDate\":"
                             "\"2019-12-10\",\"asserter\":{\"reference\":\"Patient/"
                             "p1\"},\"reaction\":[{\"manifestation\":[{\"text\":\"Rash\"},{\"text\":"
                             "\"Wheeze\"}],\"severity\":\"severe\",\"description\":\"within an hour\"}]}");
        Carebus__V1__Allergy *body = only_event("allergy.recorded")->allergy;

        assert_text(body->substance->text, "Penicillin");
        assert_text(body->kind->code, "allergy");
        assert_text(body->type->code, "medication");
        assert_text(body->criticality->code, "high");
        assert_int_equal(body->n_reactions, 2);
        assert_text(body->reactions[1]->manifestation->text, "Wheeze");
        assert_text(body->reactions[1]->severity->code, "severe");
        assert_text(body->reactions[0]->text, "within an hour");
        assert_text(body->reported_by->code, "Patient");
        assert_false(body->has_none_known);
}

static void test_none_known_is_said_and_never_assumed(void **state) {
        translate("{\"resourceType\":\"AllergyIntolerance\",\"id\":\"a\"," CLINICAL("active") ",\"code\":" SNOMED(
                "716186003") "," PATIENT "}");
        assert_true(only_event("allergy.recorded")->allergy->none_known);
        translate("{\"resourceType\":\"AllergyIntolerance\",\"id\":\"a\"," VERIFIED(
                "entered-in-error") ",\"code\":" SNOMED("372687004") "," PATIENT "}");
        assert_int_equal(only_event("allergy.recorded")->action, CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR);
        assert_text(only_event("allergy.recorded")->allergy->status, "entered-in-error");
}

static void test_why_an_allergy_ended_is_kept(void **state) {
        translate("{\"resourceType\":\"AllergyIntolerance\",\"id\":\"a\",\"clinicalStatus\":{\"extension\":[{"
                  "\"extension\":[{\"url\":\"endDate\","
                  "\"valueDateTime\":\"2021-07-20\"},{\"url\":\"reasonEnded\",\"valueString\":\"never had "
                  "it\"}],\"url\":\"https://fhir.hl7.org.uk/"
                  "StructureDefinition/"
                  "Extension-UKCore-AllergyIntoleranceEnd\"}],\"coding\":[{\"code\":\"inactive\"}]},\"code\":{\"text\":"
                  "\"x\"}," PATIENT "}");
        assert_text(only_event("allergy.recorded")->allergy->status, "inactive");
        assert_text(only_event("allergy.recorded")->allergy->text, "ended: 2021-07-20\nnever had it");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_a_condition_keeps_every_code_and_the_words),
                cmocka_unit_test(test_a_condition_that_is_over_refuted_or_wrong_says_so),
                cmocka_unit_test(test_an_onset_that_is_no_moment_stays_words),
                cmocka_unit_test(test_an_allergy_has_its_reactions),
                cmocka_unit_test(test_none_known_is_said_and_never_assumed),
                cmocka_unit_test(test_why_an_allergy_ended_is_kept),
        };

        return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
