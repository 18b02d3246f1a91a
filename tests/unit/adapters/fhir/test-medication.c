/* Medicines: asked for, said to be taken, given, handed out. */
#include "clinical-fixture.h"

#define REQUEST(status, intent, rest)                                                                         \
        "{\"resourceType\":\"MedicationRequest\",\"id\":\"m\",\"status\":\"" status "\",\"intent\":\"" intent \
        "\"," SUBJECT ",\"medicationCodeableConcept\":{\"coding\":[{\"system\":\"https://"                    \
        "dmd.nhs.uk\",\"code\":\"36565311000001106\"},{\"system\":"                                           \
        "\"urn:local\",\"code\":\"MORPH\"}],\"text\":\"Morphine\"}" rest "}"
#define DOSE                                                                                                           \
        "{\"text\":\"10 mg twice a "                                                                                   \
        "day\",\"timing\":{\"repeat\":{\"frequency\":2,\"period\":1,\"periodUnit\":\"d\",\"boundsPeriod\":{\"start\":" \
        "\"2024-03-01\",\"end\":\"2024-03-08\"}}},\"route\":{\"text\":\"oral\"},\"asNeededCodeableConcept\":{"         \
        "\"text\":\"pain\"},"                                                                                          \
        "\"doseAndRate\":[{\"doseQuantity\":{\"value\":10.0,\"unit\":\"mg\",\"system\":\"http://"                      \
        "unitsofmeasure.org\",\"code\":\"mg\"}}]}"

static void test_an_order_starts_a_medicine_with_its_dose(void **state) {
        translate(REQUEST(
                "active", "order",
                ",\"authoredOn\":\"2024-02-28\",\"requester\":{\"reference\":\"Practitioner/d\",\"display\":\"Dr A\"},"
                "\"reasonCode\":[{\"text\":\"pain\"}],\"dosageInstruction\":[" DOSE
                "],\"note\":[{\"text\":\"with food\"}]"));
        Carebus__V1__Event *event = only_event("medication.started");
        Carebus__V1__Medication *body = event->medication;

        assert_code(body->drug, SYSTEM_DMD, "36565311000001106");
        assert_text(body->drug->text, "Morphine");
        assert_text(body->further_codes[0]->original->code, "MORPH");
        assert_int_equal(body->act, CAREBUS__V1__MEDICATION__ACT__ACT_PRESCRIBED);
        assert_text(body->dose_text, "10 mg twice a day");
        assert_text(body->dose->value, "10.0");
        assert_text(body->route->text, "oral");
        assert_true(body->has_as_needed && body->as_needed);
        assert_text(body->as_needed_reason, "pain");
        assert_when(body->start_at, "2024-03-01");
        assert_when(body->stop_at, "2024-03-08");
        assert_when(event->occurred_at, "2024-03-01");
        assert_text(body->prescriber->name->text, "Dr A");
        assert_text(body->text, "with food");
        assert_text(event->order_id->value, "MedicationRequest/m");
}

static void test_each_status_is_its_event(void **state) {
        static const struct {
                const char *status, *event, *said;
        } rows[] = {
                { "on-hold", "medication.changed", "on-hold" },
                { "cancelled", "medication.stopped", "cancelled" },
                { "completed", "medication.stopped", "completed" },
                { "stopped", "medication.stopped", "stopped" },
                { "draft", "medication.changed", "draft" },
                { "entered-in-error", "medication.stopped", "entered-in-error" },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                char json[1024];

                snprintf(json, sizeof(json), REQUEST("%s", "order", ""), rows[i].status);
                translate(json);
                assert_text(only_event(rows[i].event)->medication->status, rows[i].said);
        }
        assert_int_equal(only_event("medication.stopped")->action, CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR);
}

static void test_a_thought_and_a_prohibition_start_nothing(void **state) {
        translate(REQUEST("active", "proposal", ""));
        assert_false(only_event("medication.changed")->medication->has_act);
        assert_text(only_event("medication.changed")->medication->status, "draft");
        translate(REQUEST("active", "order", ",\"doNotPerform\":true"));
        assert_text(only_event("medication.stopped")->medication->status, "stopped");
        assert_text(only_event("medication.stopped")->medication->not_given_reason->text, "do not give");
}

static void test_several_doses_are_words_in_their_order(void **state) {
        translate(REQUEST("active", "order",
                          ",\"dosageInstruction\":[{\"text\":\"4 tablets\"},{\"text\":\"2 tablets\"}]"));
        Carebus__V1__Medication *body = only_event("medication.started")->medication;

        assert_text(body->dose_text, "4 tablets\n2 tablets");
        assert_null(body->dose);
        assert_false(body->has_as_needed);
}

static void test_a_prescription_in_anothers_place_changes_it(void **state) {
        translate(REQUEST("active", "order", ",\"priorPrescription\":{\"reference\":\"MedicationRequest/old\"}"));
        assert_text(only_event("medication.changed")->medication->replaces->value, "MedicationRequest/old");
}

static void test_a_contained_mixture_is_named_by_what_is_in_it(void **state) {
        translate(
                "{\"resourceType\":\"MedicationRequest\",\"id\":\"m\",\"status\":\"active\",\"intent\":"
                "\"order\"," SUBJECT ",\"contained\":[{\"resourceType\":\"Medication\",\"id\":\"x\",\"form\":{\"text\":"
                "\"infusion\"},\"batch\":{\"lotNumber\":\"B1\"},"
                "\"ingredient\":[{\"itemCodeableConcept\":{\"text\":\"Morphine\"},\"strength\":{\"numerator\":{"
                "\"value\":20,\"unit\":\"mg\"},"
                "\"denominator\":{\"value\":24,\"unit\":\"h\"}}},{\"itemCodeableConcept\":{\"text\":\"Midazolam\"}}]}],"
                "\"medicationReference\":{\"reference\":\"#x\"}}");
        Carebus__V1__Medication *body = only_event("medication.started")->medication;

        assert_text(body->drug->text, "Morphine + Midazolam");
        assert_int_equal(body->n_ingredients, 2);
        assert_text(body->ingredients[0]->amount->value, "20");
        assert_text(body->ingredients[0]->text, "20 mg / 24 h");
        assert_text(body->form->text, "infusion");
        assert_text(body->batch, "B1");
}

static void test_a_medicine_that_is_nowhere_here_keeps_its_reference(void **state) {
        translate("{\"resourceType\":\"MedicationStatement\",\"id\":\"s\",\"status\":\"active\"," SUBJECT
                  ",\"medicationReference\":{\"reference\":\"Medication/"
                  "9\"},\"effectivePeriod\":{\"start\":\"2024-01-01\"}}");
        Carebus__V1__Event *event = only_event("medication.started");

        assert_text(event->medication->drug->original->code, "Medication/9");
        assert_int_equal(event->medication->act, CAREBUS__V1__MEDICATION__ACT__ACT_TAKEN);
        assert_when(event->occurred_at, "2024-01-01");
        translate("{\"resourceType\":\"MedicationStatement\",\"id\":\"s\",\"status\":\"not-taken\"," SUBJECT
                  ",\"statusReason\":[{\"text\":\"nausea\"}],\"medicationCodeableConcept\":{\"text\":\"Iron\"}}");
        assert_text(only_event("medication.changed")->medication->not_given_reason->text, "nausea");
}

static void test_what_was_given_and_what_was_not(void **state) {
        translate("{\"resourceType\":\"MedicationAdministration\",\"id\":\"a\",\"status\":\"completed\"," SUBJECT
                  ",\"medicationCodeableConcept\":{\"text\":\"Morphine\"},\"effectiveDateTime\":\"2024-03-05T10:00:"
                  "00Z\",\"request\":{\"reference\":"
                  "\"MedicationRequest/m\"},\"performer\":[{\"actor\":{\"reference\":\"Practitioner/"
                  "n\",\"display\":\"Nurse B\"}}],\"dosage\":"
                  "{\"route\":{\"text\":\"SC\"},\"dose\":{\"value\":2.5,\"unit\":\"mg\"}}}");
        Carebus__V1__Event *event = only_event("medication.given");

        assert_when(event->medication->given_at, "2024-03-05T10:00:00Z");
        assert_text(event->medication->dose->value, "2.5");
        assert_text(event->medication->dose_text, "2.5 mg, SC");
        assert_text(event->medication->given_by->name->text, "Nurse B");
        assert_text(event->order_id->value, "MedicationRequest/m");
        translate("{\"resourceType\":\"MedicationAdministration\",\"id\":\"a\",\"status\":\"not-done\"," SUBJECT
                  ",\"statusReason\":[{\"text\":\"refused\"}],\"medicationCodeableConcept\":{\"text\":\"Morphine\"},"
                  "\"effectiveDateTime\":"
                  "\"2024-03-05\"}");
        assert_text(only_event("medication.given")->medication->status, "not-given");
        assert_text(only_event("medication.given")->medication->not_given_reason->text, "refused");
}

static void test_a_dispense_belongs_to_its_prescription(void **state) {
        translate("{\"resourceType\":\"MedicationDispense\",\"id\":\"d\",\"status\":\"completed\"," SUBJECT
                  ",\"medicationCodeableConcept\":{\"text\":\"Morphine\"},\"authorizingPrescription\":[{\"reference\":"
                  "\"MedicationRequest/m\"}],"
                  "\"quantity\":{\"value\":30,\"unit\":\"TAB\"},\"whenHandedOver\":\"2024-03-05\"}");
        Carebus__V1__Medication *body = only_event("medication.changed")->medication;

        assert_int_equal(body->act, CAREBUS__V1__MEDICATION__ACT__ACT_DISPENSED);
        assert_text(body->identifier->value, "MedicationRequest/m");
        assert_text(body->filler_identifier->value, "MedicationDispense/d");
        assert_text(body->supply->value, "30");
}

static void test_only_a_category_makes_an_anticipatory_medicine(void **state) {
        translate(REQUEST("active", "order",
                          ",\"category\":[" SNOMED("871021000000106") "],\"authoredOn\":\"2024-02-28\""));
        Carebus__V1__AnticipatoryMedicines *body = only_event("anticipatory_meds.prescribed")->anticipatory_medicines;

        assert_code(body->items[0]->drug, SYSTEM_DMD, "36565311000001106");
        assert_when(body->prescribed_at, "2024-02-28");
        translate(REQUEST("active", "order",
                          ",\"dosageInstruction\":[{\"text\":\"2.5 mg if needed, in the blue box\"}]"));
        only_event("medication.started");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_an_order_starts_a_medicine_with_its_dose),
                cmocka_unit_test(test_each_status_is_its_event),
                cmocka_unit_test(test_a_thought_and_a_prohibition_start_nothing),
                cmocka_unit_test(test_several_doses_are_words_in_their_order),
                cmocka_unit_test(test_a_prescription_in_anothers_place_changes_it),
                cmocka_unit_test(test_a_contained_mixture_is_named_by_what_is_in_it),
                cmocka_unit_test(test_a_medicine_that_is_nowhere_here_keeps_its_reference),
                cmocka_unit_test(test_what_was_given_and_what_was_not),
                cmocka_unit_test(test_a_dispense_belongs_to_its_prescription),
                cmocka_unit_test(test_only_a_category_makes_an_anticipatory_medicine),
        };

        return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
