/*
 * Outcome measures out of OBX: scores, phases, questionnaires.
 */
#include "groups-fixture.h"

static const Carebus__V1__Measure *only_measure(void) {
        return only_event("outcome.measured")->measure;
}

static void assert_scale(const Carebus__V1__Measure *measure, const char *system, const char *code) {
        assert_text(measure->scale->system, system);
        assert_text(measure->scale->code, code);
}

/* The same score in the ways that systems say it. */
static const char *const akps[] = {
        "OBX|1|NM|901671000000100^AKPS score^SCT||50||||||F|||20240305\r",
        "OBX|1|NM|AKPS||50||||||F|||20240305\r",
        "OBX|1|NM|X1^Australia-modified Karnofsky Performance Status^L||50||||||F|||20240305\r",
        "OBX|1|ST|X1^AKPS^L||50||||||F|||20240305\r",
        "OBX|1|SN|X1^AKPS^L||^50||||||F|||20240305\r",
        "OBX|1|CE|X1^AKPS^L||50^Considerable assistance^L||||||F|||20240305\r",
};

static void test_a_score_is_the_scales_however_it_is_called(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(akps); i++) {
                const Carebus__V1__Measure *measure;
                char text[512];

                snprintf(text, sizeof(text), "%s%s", MSH_OF("ORU^R01") PID "OBR|1|||OBS^Observations^L\r", akps[i]);
                translate_text(text);
                measure = only_measure();
                assert_scale(measure, "http://snomed.info/sct", "901361000000101");
                assert_quantity(measure->total, "50");
                assert_text(measure->measured_at->text, "20240305");
                assert_text(measure->status, "final");
        }
}

static void test_a_phase_is_a_word(void **state) {
        const Carebus__V1__Measure *measure;

        translate_text(MSH_OF("ORU^R01") PID
                       "OBR|1\rOBX|1|CE|1092801000000106^Phase of illness^SCT||U^Unstable^L||||||F\r");
        measure = only_measure();
        assert_scale(measure, "http://snomed.info/sct", "1092801000000106");
        assert_null(measure->total);
        assert_code(measure->result, "U");
        translate_text(MSH_OF("ORU^R01") PID "OBR|1\rOBX|1|ST|PH^Phase of Illness^L||deteriorating||||||F\r");
        assert_text(only_measure()->result->text, "deteriorating");
}

static void test_a_questionnaire_has_its_items_and_its_total(void **state) {
        const Carebus__V1__Measure *measure;

        translate_text(
                MSH_OF("ORU^R01") PID
                "OBR|1|P1|F1|IPOS^IPOS^L|||20240305\rOBX|1|NM|Q1^Pain^L||3||||||F\rOBX|2|CE|Q2^Breathlessness^L||1^"
                "Slightly^L||||||F\rOBX|3|NM|Q3^Nausea^L||||||||N\rOBX|4|TX|M^Main concerns^L||My "
                "cat||||||F\rOBX|5|CE|W^"
                "Completed by^L||S^Staff^L||||||F\rOBX|6|NM|T^Total score^L||17||||||F\rNTE|1||tired today\r");
        measure = only_measure();
        assert_scale(measure, "carebus:scale", "ipos");
        assert_text(measure->identifier->value, "F1");
        assert_int_equal(measure->n_items, 3);
        assert_code(measure->items[0]->item, "Q1");
        assert_quantity(measure->items[0]->score, "3");
        assert_quantity(measure->items[1]->score, "1");
        assert_code(measure->items[1]->answer, "1");
        assert_null(measure->items[2]->score);
        assert_text(measure->items[2]->not_answered_reason->text, "N");
        assert_quantity(measure->total, "17");
        assert_int_equal(measure->n_main_concerns, 1);
        assert_text(measure->main_concerns[0], "My cat");
        assert_int_equal(measure->respondent, CAREBUS__V1__MEASURE__RESPONDENT__RESPONDENT_STAFF);
        assert_text(measure->text, "tired today");
}

static void test_items_that_name_their_questionnaire_belong_together(void **state) {
        translate_text(MSH_OF("ORU^R01") PID
                       "OBR|1|||OUT^Outcomes^L\rOBX|1|NM|A^IPOS pain^L||3\rOBX|2|NM|B^IPOS nausea^L||0\r");
        assert_int_equal(only_measure()->n_items, 2);
        translate_text(MSH_OF("ORU^R01") PID
                       "OBR|1|||OUT^Outcomes^L\rOBX|1|NM|A^IPOS pain^L||3\rOBX|2|NM|B^Weight^L||70\r");
        assert_events("observation.recorded observation.recorded");
}

static void test_several_scales_of_one_panel_are_measures_of_their_own(void **state) {
        translate_text(MSH_OF("ORU^R01") PID "OBR|1|||P^Palliative outcomes^L\rOBX|1|NM|AKPS||40\rOBX|2|ST|PH^Phase of "
                                             "Illness^L||stable\rOBX|3|NM|W^Weight^L||60\r");
        assert_events("outcome.measured outcome.measured observation.recorded");
}

static void test_a_profile_names_a_scale(void **state) {
        use_profile(
                "maps:\n  observation.code:\n    KARN: {system: 'http://snomed.info/sct', code: '901671000000100'}\n");
        translate_text(MSH_OF("ORU^R01") PID "OBR|1\rOBX|1|NM|KARN^Perf. status^L||60\r");
        assert_scale(only_measure(), "http://snomed.info/sct", "901361000000101");
}

static void test_a_score_taken_back_is_entered_in_error(void **state) {
        translate_text(MSH_OF("ORU^R01") PID "OBR|1\rOBX|1|NM|AKPS||60||||||W\r");
        assert_int_equal(only_event("outcome.measured")->action, CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR);
}

static void test_a_scale_without_a_value_measures_nothing(void **state) {
        translate_text(MSH_OF("ORU^R01") PID "OBR|1\rOBX|1|NM|AKPS||||||||X\r");
        assert_text(only_event("observation.recorded")->observation->status, "cancelled");
}

static void test_a_score_in_a_message_about_a_person_is_a_measure(void **state) {
        translate_text(MSH_OF("ADT^A08") PID PV1 "OBX|1|NM|AKPS||60\r");
        assert_non_null(event_of("outcome.measured"));
}

static void test_a_score_that_is_deleted_without_its_number_is_undone(void **state) {
        translate_text(MSH_OF("ORU^R01") PID "OBR|1|P9^EPC||X\rOBX|1|NM|AKPS^AKPS^L||||||||D|||20240301\r");
        assert_events("outcome.measured");
        assert_int_equal(result.events[0]->action, CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR);
        translate_text(MSH_OF("ORU^R01") PID "OBR|1|P9^EPC||AKPS^AKPS^L\rOBX|1|NM|AKPS^AKPS^L||||||||D|||20240301\r");
        assert_events("outcome.measured");
        assert_int_equal(result.events[0]->action, CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_a_score_that_is_deleted_without_its_number_is_undone),
                TEST(test_a_score_is_the_scales_however_it_is_called),
                TEST(test_a_phase_is_a_word),
                TEST(test_a_questionnaire_has_its_items_and_its_total),
                TEST(test_items_that_name_their_questionnaire_belong_together),
                TEST(test_several_scales_of_one_panel_are_measures_of_their_own),
                TEST(test_a_profile_names_a_scale),
                TEST(test_a_score_taken_back_is_entered_in_error),
                TEST(test_a_scale_without_a_value_measures_nothing),
                TEST(test_a_score_in_a_message_about_a_person_is_a_measure),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
