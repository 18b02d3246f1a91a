/*
 * Medicines: prescribed, changed, stopped, given, dispensed.
 */
#include "groups-fixture.h"

#define RXE                                                                                               \
        "RXE|1^^^20240305^20240320|D1^Morphine sulfate^L|5|10|mg^milligram^UCUM|AMP^Ampoule|^Titrate to " \
        "pain|||3|AMP\r"

static const struct {
        const char *control, *status, *type, *state;
        int action;
} controls[] = {
        { "NW", "", "started", "active", CAREBUS__V1__ACTION__ACTION_NEW },
        { "RE", "", "started", "active", CAREBUS__V1__ACTION__ACTION_NEW },
        { "OK", "", "started", "active", CAREBUS__V1__ACTION__ACTION_NEW },
        { "XO", "", "changed", "changed", CAREBUS__V1__ACTION__ACTION_UPDATE },
        { "RP", "", "changed", "changed", CAREBUS__V1__ACTION__ACTION_UPDATE },
        { "HD", "", "changed", "on-hold", CAREBUS__V1__ACTION__ACTION_UPDATE },
        { "RL", "", "changed", "changed", CAREBUS__V1__ACTION__ACTION_UPDATE },
        { "DC", "", "stopped", "stopped", CAREBUS__V1__ACTION__ACTION_UPDATE },
        { "OD", "", "stopped", "stopped", CAREBUS__V1__ACTION__ACTION_UPDATE },
        { "CA", "", "stopped", "cancelled", CAREBUS__V1__ACTION__ACTION_UPDATE },
        { "OC", "", "stopped", "cancelled", CAREBUS__V1__ACTION__ACTION_UPDATE },
        { "UA", "", "stopped", "cancelled", CAREBUS__V1__ACTION__ACTION_UPDATE },
        { "SC", "CM", "stopped", "completed", CAREBUS__V1__ACTION__ACTION_UPDATE },
        { "SC", "ER", "stopped", "entered-in-error", CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR },
};

static void test_each_control_of_a_prescription_is_its_event(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(controls); i++) {
                char text[512], type[64];

                snprintf(text, sizeof(text), "%sORC|%s|P1^EPC|||%s||||20240304\r%s", MSH_OF("RDE^O11") PID,
                         controls[i].control, controls[i].status, RXE);
                snprintf(type, sizeof(type), "medication.%s", controls[i].type);
                translate_text(text);
                assert_text(only_event(type)->medication->status, controls[i].state);
                assert_int_equal(result.events[0]->action, controls[i].action);
                assert_text(result.events[0]->order_id->value, "P1");
        }
}

static void test_a_prescription_is_carried_field_by_field(void **state) {
        const Carebus__V1__Medication *medication;

        translate_text(MSH_OF("RDE^O11") PID PV1
                       "ORC|NW|P1^EPC|F1^PHA||||||20240304|||G1^GREEN\r" RXE
                       "NTE|1||keep cool\rRXR|SC^Subcutaneous|ARM^Arm|SD^Syringe driver|CONT^Continuous\r");
        medication = only_event("medication.started")->medication;
        assert_int_equal(medication->act, CAREBUS__V1__MEDICATION__ACT__ACT_PRESCRIBED);
        assert_text(medication->identifier->value, "P1");
        assert_text(medication->filler_identifier->value, "F1");
        assert_code(medication->drug, "D1");
        assert_quantity(medication->dose, "5 mg");
        assert_text(medication->dose->unit, "mg");
        assert_quantity(medication->dose_max, "10 mg");
        assert_text(medication->dose_text, "5-10 milligram");
        assert_code(medication->form, "AMP");
        assert_text(medication->instructions, "Titrate to pain");
        assert_quantity(medication->supply, "3 AMP");
        assert_code(medication->route, "SC");
        assert_code(medication->site, "ARM");
        assert_text(medication->device->text, "Syringe driver");
        assert_code(medication->method, "CONT");
        assert_text(medication->start_at->text, "20240305");
        assert_text(medication->stop_at->text, "20240320");
        assert_text(medication->prescribed_at->text, "20240304");
        assert_text(medication->prescriber->name->family, "GREEN");
        assert_text(medication->text, "keep cool");
        assert_false(medication->has_as_needed);
}

static void test_how_often_is_read_of_all_versions(void **state) {
        static const char *const ways[] = {
                "ORC|NW|P1\rRXE||D1^Drug\rTQ1|1||Q6H||||20240305|20240306\r",
                "ORC|NW|P1\rRXE|1^Q6H^^20240305^20240306|D1^Drug\r",
                "ORC|NW|P1|||||1^Q6H^^20240305^20240306\rRXE||D1^Drug\r",
                "ORC|NW|P1\rTQ1|1||Q6H||||20240305|20240306\rRXE||D1^Drug\r",
        };

        for (size_t i = 0; i < ELEMENTSOF(ways); i++) {
                const Carebus__V1__Medication *medication;
                char text[512];

                snprintf(text, sizeof(text), "%s%s", MSH_OF("RDE^O11") PID, ways[i]);
                translate_text(text);
                medication = only_event("medication.started")->medication;
                assert_code(medication->frequency, "Q6H");
                assert_text(medication->frequency_text, "Q6H");
                assert_text(medication->start_at->text, "20240305");
                assert_text(medication->stop_at->text, "20240306");
        }
}

static void test_as_needed_is_said_with_its_reason(void **state) {
        const Carebus__V1__Medication *medication;

        translate_text(MSH_OF("RDE^O11") PID "ORC|NW|P1\rRXE||D1^Drug\rTQ1|1||PRN|||||||agitation|up to hourly\r");
        medication = only_event("medication.started")->medication;
        assert_true(medication->as_needed);
        assert_text(medication->as_needed_reason, "agitation");
        assert_text(medication->frequency_text, "PRN, up to hourly");
}

static void test_what_is_mixed_in_one_syringe_is_listed(void **state) {
        const Carebus__V1__Medication *medication;

        translate_text(MSH_OF("RDE^O11") PID
                       "ORC|NW|P1\rRXE||MIX^Syringe driver mix|17||ml||||||||||||||||||0.7|ml/h\rRXR|SC\rRXC|B|W^"
                       "Water|10|ml\rRXC|A|M^Morphine|30|mg\rRXC|A|Z^Midazolam|10|mg\r");
        medication = only_event("medication.started")->medication;
        assert_int_equal(medication->n_ingredients, 3);
        assert_code(medication->ingredients[0]->role, "B");
        assert_text(medication->ingredients[2]->drug->text, "Midazolam");
        assert_quantity(medication->ingredients[1]->amount, "30 mg");
        assert_quantity(medication->rate, "0.7 ml/h");
}

static void test_a_replaced_prescription_ends_and_the_new_one_names_it(void **state) {
        translate_text(MSH_OF("RDE^O11") PID "ORC|RP|P1^EPC\rRXE||D1^Drug|5||mg\rORC|RO|P2^EPC\rRXE||D1^Drug|10||mg\r");
        assert_events("medication.stopped medication.started");
        assert_text(result.events[0]->medication->identifier->value, "P1");
        assert_text(result.events[1]->medication->identifier->value, "P2");
        assert_text(result.events[1]->medication->replaces->value, "P1");
}

static void test_a_stop_says_when_and_why(void **state) {
        const Carebus__V1__Medication *medication;

        translate_text(MSH_OF("RDE^O11") PID
                       "ORC|DC|P1|||||||20240304||||||20240303|AE^Adverse effect\rRXE||D1^Drug\r");
        medication = only_event("medication.stopped")->medication;
        assert_text(medication->stop_at->text, "20240303");
        assert_code(medication->stop_reason, "AE");
        assert_text(result.events[0]->occurred_at->text, "20240303");
}

static void test_each_giving_is_an_event(void **state) {
        translate_text(
                MSH_OF("RAS^O17") PID
                "ORC|RE|P1^EPC\rRXO|D1^Drug\rRXR|SC\rRXA|0|1|202403051000||D1^Drug^L|5|mg||as needed|N1^NURSE|||||"
                "B77|20250101||||CP\rRXR|SC\rRXA|0|2|202403051400||D1^Drug^L|0|mg||| || || || |R1^Nausea| |RE\r");
        assert_events("medication.given medication.given");
        const Carebus__V1__Medication *medication = result.events[0]->medication;

        assert_int_equal(medication->act, CAREBUS__V1__MEDICATION__ACT__ACT_GIVEN);
        assert_text(medication->given_at->text, "202403051000");
        assert_text(result.events[0]->occurred_at->text, "202403051000");
        assert_text(medication->given_by->name->family, "NURSE");
        assert_quantity(medication->dose, "5 mg");
        assert_text(medication->batch, "B77");
        assert_text(medication->status, "completed");
}

static void test_what_was_refused_was_not_given(void **state) {
        const Carebus__V1__Medication *medication;

        translate_text(MSH_OF("RAS^O17") PID
                       "ORC|RE|P1\rRXA|0|1|202403051400||D1^Drug^L|0|mg|||||||||||R1^Nausea||RE\r");
        medication = only_event("medication.given")->medication;
        assert_text(medication->status, "not-given");
        assert_code(medication->not_given_reason, "R1");
        translate_text(MSH_OF("RAS^O17") PID "ORC|RE|P1\rRXA|0|1|202403051400||D1^Drug^L|0|mg||||||||||||||D\r");
        assert_int_equal(only_event("medication.given")->action, CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR);
}

static void test_what_was_dispensed_is_a_supply(void **state) {
        const Carebus__V1__Medication *medication;

        translate_text(MSH_OF("RDS^O13") PID
                       "ORC|RE|P1\rRXD|1|D1^Drug^L|20240305|30|CAP^capsule||RX1||| PH1^PHARM\rRXR|PO\r");
        medication = only_event("medication.changed")->medication;
        assert_int_equal(medication->act, CAREBUS__V1__MEDICATION__ACT__ACT_DISPENSED);
        assert_quantity(medication->supply, "30 CAP");
        assert_text(result.events[0]->occurred_at->text, "20240305");
        assert_code(medication->route, "PO");
}

static void test_a_medicine_without_a_name_or_a_patient_is_a_problem(void **state) {
        translate_text(MSH_OF("RDE^O11") PID "ORC|NW|P1\rRXE|||5||mg\r");
        assert_problem("no-code", "RXE-2");
        translate_text(MSH_OF("RDE^O11") "ORC|NW|P1\r" RXE);
        assert_problem("no-patient", "PID");
        translate_text(MSH_OF("RDE^O11") PID RXE);
        assert_problem("no-order", "PID");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_each_control_of_a_prescription_is_its_event),
                TEST(test_a_prescription_is_carried_field_by_field),
                TEST(test_how_often_is_read_of_all_versions),
                TEST(test_as_needed_is_said_with_its_reason),
                TEST(test_what_is_mixed_in_one_syringe_is_listed),
                TEST(test_a_replaced_prescription_ends_and_the_new_one_names_it),
                TEST(test_a_stop_says_when_and_why),
                TEST(test_each_giving_is_an_event),
                TEST(test_what_was_refused_was_not_given),
                TEST(test_what_was_dispensed_is_a_supply),
                TEST(test_a_medicine_without_a_name_or_a_patient_is_a_problem),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
