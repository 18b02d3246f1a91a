/*
 * Orders that are about nothing that the bus knows by itself: what was asked for, and what became of it.
 */
#include "groups-fixture.h"

static const struct {
        const char *control, *status, *type, *state;
} controls[] = {
        { "NW", "", "order.placed", "placed" },         { "SN", "", "order.placed", "placed" },
        { "RO", "", "order.placed", "placed" },         { "XO", "", "order.changed", "in-progress" },
        { "SC", "IP", "order.changed", "in-progress" }, { "SC", "CM", "order.completed", "completed" },
        { "SC", "CA", "order.cancelled", "cancelled" }, { "SC", "HD", "order.changed", "on-hold" },
        { "HD", "", "order.changed", "on-hold" },       { "CA", "", "order.cancelled", "cancelled" },
        { "OC", "", "order.cancelled", "cancelled" },   { "DC", "", "order.cancelled", "cancelled" },
        { "RP", "", "order.cancelled", "cancelled" },   { "UA", "", "order.cancelled", "cancelled" },
        { "UC", "", "order.changed", "in-progress" },   { "SC", "ER", "order.cancelled", "entered-in-error" },
};

static void test_each_control_of_an_order_is_its_event(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(controls); i++) {
                Carebus__V1__Event *event;
                char text[512];

                snprintf(text, sizeof(text), "%sORC|%s|P1^EPC|F1^LAB||%s\rOBR|1|P1^EPC||CT^CT head^L\r",
                         MSH_OF("ORM^O01") PID, controls[i].control, controls[i].status);
                translate_text(text);
                event = only_event(controls[i].type);
                assert_text(event->order->status, controls[i].state);
                assert_text(event->order_id->value, "P1");
        }
}

static void test_an_order_is_carried_field_by_field(void **state) {
        const Carebus__V1__Order *order;

        translate_text(MSH_OF("OMG^O19") PID PV1
                       "ORC|NW|P1^EPC|F1^LAB|G9^EPC|SC||2^^^20240306^20240307^S|P0&EPC^F0&LAB|20240305100000|E1^ENTER|"
                       "V2^VERIFY|"
                       "G1^GREEN|WARD^1||||||^Reason\rOBR|1|P1^EPC|F1^LAB|CT^CT "
                       "head^L^^Alt|||||||||headache|||||||||||RAD|||||||^"
                       "Fall\rNTE|1||Pacemaker?->No\rDG1|1||S06^Head injury^I10\rSPM|1|||BLD\r");
        order = only_event("order.placed")->order;
        assert_text(order->filler_identifier->value, "F1");
        assert_text(order->group->value, "G9");
        assert_text(order->parent->value, "P0");
        assert_text(order->parent->authority, "EPC");
        assert_text(order->ordered_at->text, "20240305100000");
        assert_text(result.events[0]->recorded_at->text, "20240305100000");
        assert_text(order->start_at->text, "20240306");
        assert_text(order->end_at->text, "20240307");
        assert_code(order->priority, "S");
        assert_quantity(order->quantity, "2");
        assert_text(order->ordered_by->name->family, "GREEN");
        assert_text(order->entered_by->name->family, "ENTER");
        assert_text(order->verified_by->name->family, "VERIFY");
        assert_text(order->clinical_text, "headache");
        assert_code(order->category, "RAD");
        assert_text(order->code_text, "Alt");
        assert_int_equal(order->n_reasons, 2);
        assert_code(order->specimen, "BLD");
        assert_int_equal(order->n_answers, 1);
        assert_text(order->answers[0]->answer, "No");
        assert_text(result.events[0]->encounter_id->value, "V1");
        assert_text(result.events[0]->author->person, "G1");
}

static void test_timing_of_the_newer_versions_is_in_tq1(void **state) {
        const Carebus__V1__Order *order;

        translate_text(MSH_OF("ORM^O01") PID
                       "ORC|NW|P1\rTQ1|1|1|BID||||20260705120000|20260712120000|R^Routine\rOBR|1|P1||VITALS\r");
        order = only_event("order.placed")->order;
        assert_text(order->start_at->text, "20260705120000");
        assert_text(order->end_at->text, "20260712120000");
        assert_code(order->priority, "R");
}

static void test_every_order_of_a_message_is_an_event(void **state) {
        translate_text(MSH_OF("ORM^O01") PID
                       "ORC|NW|P1\rNTE|1||first\rOBR|1|P1||A\rNTE|1||of A\rORC|CA|P2\rOBR|2|P2||B\rOBX|1|NM|W^"
                       "Weight^L||60\rNTE|1||of the weight\r");
        assert_events("order.placed order.cancelled observation.recorded");
        assert_int_equal(result.events[0]->order->n_notes, 2);
        assert_text(result.events[0]->order->notes[1]->text, "of A");
        assert_int_equal(result.events[1]->order->n_notes, 0);
        assert_int_equal(result.events[2]->observation->n_notes, 1);
}

static void test_each_patient_has_their_own_orders(void **state) {
        translate_text(MSH_OF("OML^O21") PID "ORC|NW|P1\rOBR|1|P1||A\rPID|2||B2^^^RA9\rORC|NW|P2\rOBR|1|P2||B\r");
        assert_events("order.placed order.placed");
        assert_text(result.events[1]->patient->identifiers[0]->value, "B2");
}

static void test_a_medicine_that_is_ordered_is_a_medicine(void **state) {
        translate_text(MSH_OF("ORM^O01") PID "ORC|NW|P1\rRXO|D1^Morphine^L|5||mg\r");
        assert_text(only_event("medication.started")->medication->drug->text, "Morphine");
}

static void test_allergies_of_an_order_are_allergies(void **state) {
        translate_text(MSH_OF("ORM^O01") PID "AL1|1|DA|P^Penicillin^L\rORC|NW|P1\rOBR|1|P1||A\r");
        assert_events("order.placed allergy.recorded");
}

static void test_orders_without_a_patient_or_an_order_are_problems(void **state) {
        translate_text(MSH_OF("ORM^O01") "ORC|NW|P1\rOBR|1|P1||A\r");
        assert_problem("no-patient", "PID");
        assert_false(result.problem_urgent);
        translate_text(MSH_OF("ORM^O01") PID PV1);
        assert_problem("no-order", "PID");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_each_control_of_an_order_is_its_event),
                TEST(test_an_order_is_carried_field_by_field),
                TEST(test_timing_of_the_newer_versions_is_in_tq1),
                TEST(test_every_order_of_a_message_is_an_event),
                TEST(test_each_patient_has_their_own_orders),
                TEST(test_a_medicine_that_is_ordered_is_a_medicine),
                TEST(test_allergies_of_an_order_are_allergies),
                TEST(test_orders_without_a_patient_or_an_order_are_problems),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
