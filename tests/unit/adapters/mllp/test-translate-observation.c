/*
 * ORU and the OBX of other messages: an event each, whatever the type of the value.
 */
#include "groups-fixture.h"

#define RESULT(obx) MSH_OF("ORU^R01") PID "OBR|1|P1^EPC|F1^LAB|UE^UREA AND ELECTROLYTES^L|||20240305100000\r" obx

static const Carebus__V1__Observation *only_observation(void) {
        return only_event("observation.recorded")->observation;
}

static void test_each_obx_is_an_event_of_its_own(void **state) {
        translate_text(
                RESULT("OBX|1|NM|NA^Sodium^L||140|mmol/L^^UCUM|133-146||||F|||20240305101000\rOBX|2|NM|K^Potassium^"
                       "L||5.90|mmol/L^^UCUM|3.5-5.3|H|||F\r"));
        assert_events("observation.recorded observation.recorded");
        const Carebus__V1__Observation *o = result.events[0]->observation;

        assert_code(o->code, "NA");
        assert_quantity(o->value, "140 mmol/L");
        assert_text(o->value->unit, "mmol/L");
        assert_quantity(o->reference_low, "133 mmol/L");
        assert_quantity(o->reference_high, "146 mmol/L");
        assert_text(o->status, "final");
        assert_text(o->observed_at->text, "20240305101000");
        assert_text(result.events[0]->occurred_at->text, "20240305101000");
        assert_code(o->panel, "UE");
        assert_text(o->order->value, "P1");
        assert_text(o->report->value, "F1");
        assert_text(result.events[0]->order_id->value, "P1");
        o = result.events[1]->observation;
        assert_quantity(o->value, "5.90 mmol/L"); /* the digits as said */
        assert_text(o->observed_at->text, "20240305100000");
        assert_code(o->interpretation[0], "H");
}

static void test_only_the_first_event_of_a_patient_repeats_the_person(void **state) {
        translate_text(RESULT("OBX|1|NM|NA||1\rOBX|2|NM|K||2\r"));
        assert_non_null(result.events[0]->patient->demographics);
        assert_null(result.events[1]->patient->demographics);
        assert_text(result.events[1]->patient->identifiers[0]->value, "A1");
}

/* What a value of a type becomes. */
static const struct {
        const char *type, *value;
        const char *quantity, *low, *high, *numerator, *denominator, *code, *text, *time;
} values[] = {
        { "NM", "98.00", .quantity = "98.00 U" },
        { "NM", "-3", .quantity = "-3 U" },
        { "NM", "<5", .quantity = "<5 U" },
        { "NM", ">= 90", .quantity = ">=90 U" },
        { "NM", "12%", .quantity = "12 %" },
        { "NM", "see note", .text = "see note" },
        { "NM", "1,5", .text = "1,5" },
        { "SN", "^90", .quantity = "90 U" },
        { "SN", ">^90", .quantity = ">90 U" },
        { "SN", "=^90", .quantity = "90 U" },
        { "SN", "^100^-^200", .low = "100 U", .high = "200 U" },
        { "SN", "^1^:^128", .numerator = "1 U", .denominator = "128" },
        { "SN", "^2^+", .text = "^2^+" },
        { "SN", "<>^4", .text = "<>^4" },
        { "CE", "260385009^Negative^SCT", .code = "260385009" },
        { "CWE", "NEG^Negative^L", .code = "NEG" },
        { "IS", "A", .code = "A" },
        { "CX", "123^^^RA9^MR", .code = "123" },
        { "EI", "77^LAB", .code = "77" },
        { "ST", "yellow ^ and & green", .text = "yellow ^ and & green" },
        { "TX", "one~two", .text = "one\ntwo" },
        { "FT", "one\\.br\\two", .text = "one\ntwo" },
        { "", "no type", .text = "no type" },
        { "XPN", "SMITH^JOHN", .text = "SMITH^JOHN" },
        { "TM", "1130", .text = "1130" },
        { "DT", "20240229", .time = "20240229" },
        { "TS", "202402291130+0100", .time = "202402291130+0100" },
        { "CQ", "5^mg", .quantity = "5 mg" },
        { "NR", "1^2", .low = "1 U", .high = "2 U" },
        { "CD", "1&2^3", .text = "1&2^3" },
};

static void test_values_are_read_by_their_type_and_nothing_is_rounded(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(values); i++) {
                const Carebus__V1__Observation *o;
                char text[512];

                snprintf(text, sizeof(text), "%sOBX|1|%s|X^Test^L||%s|U|||||F\r", RESULT(""), values[i].type,
                         values[i].value);
                translate_text(text);
                o = only_observation();
                assert_quantity(o->value, values[i].quantity);
                assert_quantity(o->value_low, values[i].low);
                assert_quantity(o->value_high, values[i].high);
                assert_quantity(o->value_numerator, values[i].numerator);
                assert_quantity(o->value_denominator, values[i].denominator);
                if (values[i].code)
                        assert_code(o->value_coded, values[i].code);
                else
                        assert_null(o->value_coded);
                assert_text(o->value_text, values[i].text);
                assert_text(o->value_time ? o->value_time->text : NULL, values[i].time);
        }
}

static void test_several_values_of_one_question_are_parts_and_none_is_the_value(void **state) {
        const Carebus__V1__Observation *o;

        translate_text(RESULT("OBX|1|NM|HR^Heart rate^L||60~120|/min|||||F\r"));
        o = only_observation();
        assert_null(o->value);
        assert_int_equal(o->n_parts, 2);
        assert_quantity(o->parts[0]->value, "60 /min");
        assert_quantity(o->parts[1]->value, "120 /min");
}

static void test_lines_of_one_text_are_one_observation(void **state) {
        translate_text(RESULT("OBX|1|TX|R^Report^L|1|First line||||||F\rOBX|2|TX|R^Report^L|1|second||||||F\rOBX|3|TX|"
                              "R^Report^L|2|another||||||F\r"));
        assert_events("observation.recorded observation.recorded");
        assert_text(result.events[0]->observation->value_text, "First line\nsecond");
        assert_text(result.events[1]->observation->value_text, "another");
}

static const struct {
        const char *said, *low, *high;
} ranges[] = {
        { "70-110", "70", "110" }, { "49 - 92", "49", "92" }, { "0.5-1.5", "0.5", "1.5" }, { "-5-5", "-5", "5" },
        { "<200", NULL, "<200" },  { ">=90", ">=90", NULL },  { "negative", NULL, NULL },  { "1-2-3", NULL, NULL },
        { "up to 5", NULL, NULL }, { "-", NULL, NULL },       { "5-", NULL, NULL },
};

static void test_a_range_that_is_no_range_stays_text(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(ranges); i++) {
                const Carebus__V1__Observation *o;
                char text[512];

                snprintf(text, sizeof(text), "%sOBX|1|NM|X||1||%s||||F\r", RESULT(""), ranges[i].said);
                translate_text(text);
                o = only_observation();
                assert_text(o->reference_text, ranges[i].said);
                assert_quantity(o->reference_low, ranges[i].low);
                assert_quantity(o->reference_high, ranges[i].high);
        }
}

static const struct {
        const char *said, *status;
        int action;
} states[] = {
        { "F", "final", CAREBUS__V1__ACTION__ACTION_NEW },
        { "P", "preliminary", CAREBUS__V1__ACTION__ACTION_NEW },
        { "C", "corrected", CAREBUS__V1__ACTION__ACTION_UPDATE },
        { "A", "amended", CAREBUS__V1__ACTION__ACTION_UPDATE },
        { "X", "cancelled", CAREBUS__V1__ACTION__ACTION_UPDATE },
        { "D", "entered-in-error", CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR },
        { "W", "entered-in-error", CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR },
};

static void test_a_result_that_was_wrong_is_entered_in_error(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(states); i++) {
                Carebus__V1__Event *event;
                char text[512];

                snprintf(text, sizeof(text), "%sOBX|1|NM|X||1||||||%s\r", RESULT(""), states[i].said);
                translate_text(text);
                event = only_event("observation.recorded");
                assert_text(event->observation->status, states[i].status);
                assert_int_equal(event->action, states[i].action);
        }
}

static void test_where_an_obx_has_no_state_that_of_its_obr_holds(void **state) {
        translate_text(MSH_OF("ORU^R01") PID "OBR|1|||X|||||||||||||||||||||C\rOBX|1|NM|X||1\r");
        assert_text(only_observation()->status, "corrected");
}

static void test_comments_belong_to_what_they_stand_under(void **state) {
        translate_text(
                MSH_OF("ORU^R01") "NTE|1||of all\r" PID "ORC|RE|P1\rNTE|1||of the order\rOBR|1|P1||UE\rNTE|1||of the "
                                  "panel\rOBX|1|NM|NA||1\rNTE|1||of sodium\rOBX|2|NM|K||2\rOBX|3|NM|C||3\rNTE|1||of "
                                  "creatinine\rNTE|2||and more\r");
        assert_events("observation.recorded observation.recorded observation.recorded");
        assert_int_equal(result.events[0]->n_notes, 3);
        assert_text(result.events[0]->notes[0]->text, "of all");
        assert_text(result.events[0]->notes[1]->text, "of the order");
        assert_text(result.events[0]->notes[2]->text, "of the panel");
        assert_int_equal(result.events[0]->observation->n_notes, 1);
        assert_text(result.events[0]->observation->notes[0]->text, "of sodium");
        assert_int_equal(result.events[1]->n_notes, 0);
        assert_int_equal(result.events[1]->observation->n_notes, 0);
        assert_int_equal(result.events[2]->observation->n_notes, 2);
}

static void test_every_patient_of_a_message_has_their_own_results(void **state) {
        translate_text(MSH_OF("ORU^R01") PID
                       "PV1|1|I|||||||||||||||||V1\rOBR|1|P1||UE\rOBX|1|NM|NA||1\rPID|2||B2^^^RA9\rOBR|1|P2|"
                       "|UE\rOBX|1|NM|NA||2\rOBX|2|NM|K||3\r");
        assert_events("observation.recorded observation.recorded observation.recorded");
        assert_text(result.events[0]->patient->identifiers[0]->value, "A1");
        assert_text(result.events[0]->encounter_id->value, "V1");
        assert_text(result.events[1]->patient->identifiers[0]->value, "B2");
        assert_non_null(result.events[1]->patient->demographics);
        assert_null(result.events[1]->encounter_id);
        assert_text(result.events[2]->patient->identifiers[0]->value, "B2");
        assert_text(result.events[2]->order_id->value, "P2");
}

static void test_the_specimen_of_an_order_is_that_of_its_results(void **state) {
        translate_text(RESULT("OBX|1|NM|X||1\rSPM|1|||BLD^Blood^L\rOBX|2|ST|VOL||5 ml\r"));
        assert_events("observation.recorded observation.recorded");
        assert_code(result.events[0]->observation->specimen, "BLD");
        assert_code(result.events[1]->observation->specimen, "BLD");
}

static void test_a_question_without_a_code_is_that_of_its_panel_or_a_problem(void **state) {
        translate_text(RESULT("OBX|1|TX|||free text\r"));
        assert_code(only_observation()->code, "UE");
        translate_text(MSH_OF("ORU^R01") PID "OBR|1\rOBX|1|NM|X||1\rOBX|2|TX|||free text\rOBX|3|NM|Y||2\r");
        assert_text(result.problem_code, "no-code");
        assert_text(result.problem_position, "OBX[2]-3");
        assert_false(result.problem_urgent);
        assert_int_equal(result.n_events, 2); /* the others wait beside the problem */
        translate_text(MSH_OF("ORU^R01") PID "OBR|1\rOBX|1|TX|||DNACPR\r");
        assert_text(result.problem_code, "no-code");
        assert_true(result.problem_urgent);
        translate_text(MSH_OF("ORU^R01") PID "OBR|1\rOBX|1|NM||code in the wrong place||5\r");
        assert_text(result.problem_code, "no-code");
}

static void test_an_emptied_value_withdraws_the_senders_own(void **state) {
        translate_text(RESULT("OBX|1|NM|X^Test^L||\"\"\r"));
        assert_true(has_cleared(only_event("observation.recorded"), "observation.value"));
}

static void test_results_of_nobody_are_a_problem(void **state) {
        translate_text(MSH_OF("ORU^R01") "OBR|1|||X\rOBX|1|NM|X||1\r");
        assert_problem("no-patient", "PID");
        translate_text(MSH_OF("ORU^R01") PID "OBR|1|||X\rOBX|1|NM|X||1\rPID|2||||B\rOBX|1|NM|X||1\r");
        assert_problem("no-identifier", "PID[2]-3");
        translate_text(MSH_OF("ORU^R01") PID);
        assert_problem("no-result", "OBR");
}

static void test_a_state_without_results_is_about_the_order(void **state) {
        translate_text(MSH_OF("ORU^R01") PID "ORC|SC|P1||| CM\rOBR|1|P1||UE|||||||||||||||||||||F\r");
        assert_text(only_event("order.completed")->order->identifier->value, "P1");
        translate_text(MSH_OF("ORU^R01") PID "OBR|1|P1||UE|||||||||||||||||||||X\r");
        assert_text(only_event("order.cancelled")->order->status, "cancelled");
}

static void test_observations_of_a_message_about_a_person_are_events_too(void **state) {
        translate_text(MSH_OF("ADT^A31") "EVN||20240305\r" PID PV1 "OBX|1|NM|8302-2^Height^LN||180|cm\r");
        assert_events("patient.updated observation.recorded");
        assert_quantity(event_of("observation.recorded")->observation->value, "180 cm");
        assert_text(event_of("observation.recorded")->encounter_id->value, "V1");
        assert_null(event_of("observation.recorded")->patient->demographics);
}

static void test_a_death_that_a_result_speaks_of_is_notified(void **state) {
        translate_text(
                MSH_OF("ORU^R01") "PID|1||A1^^^RA9||||||||||||||||||||||||||20240301|Y\rOBR|1|||X\rOBX|1|NM|X||1\r");
        assert_events("observation.recorded death.notified");
}

static void test_a_time_that_cannot_be_read_costs_no_event(void **state) {
        translate_text(RESULT("OBX|1|NM|X||1||||||F|||garbage\r"));
        assert_text(only_observation()->observed_at->text, "garbage");
        assert_int_equal(result.n_bad_times, 1);
        assert_text(result.bad_times[0], "OBX-14");
        assert_text(result.events[0]->occurred_at->text, "20240305101500");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_each_obx_is_an_event_of_its_own),
                TEST(test_only_the_first_event_of_a_patient_repeats_the_person),
                TEST(test_values_are_read_by_their_type_and_nothing_is_rounded),
                TEST(test_several_values_of_one_question_are_parts_and_none_is_the_value),
                TEST(test_lines_of_one_text_are_one_observation),
                TEST(test_a_range_that_is_no_range_stays_text),
                TEST(test_a_result_that_was_wrong_is_entered_in_error),
                TEST(test_where_an_obx_has_no_state_that_of_its_obr_holds),
                TEST(test_comments_belong_to_what_they_stand_under),
                TEST(test_every_patient_of_a_message_has_their_own_results),
                TEST(test_the_specimen_of_an_order_is_that_of_its_results),
                TEST(test_a_question_without_a_code_is_that_of_its_panel_or_a_problem),
                TEST(test_an_emptied_value_withdraws_the_senders_own),
                TEST(test_results_of_nobody_are_a_problem),
                TEST(test_a_state_without_results_is_about_the_order),
                TEST(test_observations_of_a_message_about_a_person_are_events_too),
                TEST(test_a_death_that_a_result_speaks_of_is_notified),
                TEST(test_a_time_that_cannot_be_read_costs_no_event),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
