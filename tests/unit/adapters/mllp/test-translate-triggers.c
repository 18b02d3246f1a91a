/*
 * One row a trigger: which event each message of the table becomes, what that does, and what undoes it.
 */
#include "translate-fixture.h"

#define PID "PID|1||123456^^^RA9^PI||SMITH^JOHN^A^^MR^^L||19400201|1\r"
#define PV1 "PV1|1|I|W1^R2^B3^RA9|21|||C1^JONES^ANNA^^^DR||||||||||||V77^^^RA9\r"
#define NEW CAREBUS__V1__ACTION__ACTION_NEW
#define UPDATE CAREBUS__V1__ACTION__ACTION_UPDATE
#define UNDONE CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR

static void test_each_trigger_of_a_stay_gives_its_event(void **state) {
        static const struct {
                const char *trigger, *type;
                Carebus__V1__Action action;
                const char *status;
        } rows[] = {
                { "A01", "encounter.admitted", NEW, "in-progress" },
                { "A02", "encounter.transferred", UPDATE, "in-progress" },
                { "A03", "encounter.discharged", UPDATE, "finished" },
                { "A04", "encounter.registered", NEW, "arrived" },
                { "A05", "encounter.preadmitted", NEW, "planned" },
                { "A06", "encounter.admitted", NEW, "in-progress" },
                { "A07", "encounter.updated", UPDATE, "in-progress" },
                { "A09", "encounter.updated", UPDATE, NULL },
                { "A10", "encounter.updated", UPDATE, NULL },
                { "A11", "encounter.admission_cancelled", UNDONE, "cancelled" },
                { "A12", "encounter.transfer_cancelled", UNDONE, "in-progress" },
                { "A13", "encounter.discharge_cancelled", UNDONE, "in-progress" },
                { "A14", "encounter.admission_planned", NEW, "planned" },
                { "A15", "encounter.transfer_planned", UPDATE, "in-progress" },
                { "A16", "encounter.discharge_planned", UPDATE, "in-progress" },
                { "A21", "encounter.leave_started", UPDATE, "on-leave" },
                { "A22", "encounter.leave_ended", UPDATE, "in-progress" },
                { "A25", "encounter.discharge_plan_cancelled", UNDONE, "in-progress" },
                { "A26", "encounter.transfer_plan_cancelled", UNDONE, "in-progress" },
                { "A27", "encounter.admission_plan_cancelled", UNDONE, "cancelled" },
                { "A38", "encounter.preadmission_cancelled", UNDONE, "cancelled" },
                { "A52", "encounter.leave_start_cancelled", UNDONE, "in-progress" },
                { "A53", "encounter.leave_end_cancelled", UNDONE, "on-leave" },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                char text[1024];
                Carebus__V1__Event *event;

                snprintf(text, sizeof(text),
                         "MSH|^~\\&|PAS|RA9|||20240305101500||ADT^%s|M1|P|2.4\rEVN||20240305101400\r%s%s",
                         rows[i].trigger, PID, PV1);
                translate_text(text);
                event = only_event(rows[i].type);
                assert_int_equal(event->action, rows[i].action);
                assert_int_equal(event->body_case, CAREBUS__V1__EVENT__BODY_ENCOUNTER);
                assert_true(text_equal(event->encounter->status, rows[i].status));
                assert_string_equal(event->encounter_id->value, "V77");
                assert_string_equal(event->patient->demographics->names[0]->family, "SMITH");
        }
}

static void test_nobody_takes_a_stay_or_a_person_away(void **state) {
        static const char *const triggers[] = { "A17", "A20", "A23", "A29", "A32", "A33",
                                                "A35", "A36", "A46", "A48", "A61" };

        for (size_t i = 0; i < ELEMENTSOF(triggers); i++) {
                char text[1024];

                snprintf(text, sizeof(text), "MSH|^~\\&|PAS|RA9|||20240305101500||ADT^%s|M1|P|2.4\r%s%s", triggers[i],
                         PID, PV1);
                translate_text(text);
                assert_problem("unhandled-trigger", "MSH-9");
        }
}

static void test_a_leave_knows_when_it_began_and_ended(void **state) {
        Carebus__V1__Encounter *encounter;

        translate_text(MSH_OF("ADT^A21") "EVN||20240305101400||||20240305090000\r" PID PV1
                                         "PV2|||||||||||||||||||||||||||||||||||||||||||||||20240307\r");
        encounter = only_event("encounter.leave_started")->encounter;
        assert_string_equal(encounter->leave_from_at->text, "20240305090000");
        assert_string_equal(encounter->leave_until_at->text, "20240307"); /* expected */
        translate_text(MSH_OF("ADT^A22") "EVN||20240306101400||||20240306090000\r" PID PV1
                                         "PV2|||||||||||||||||||||||||||||||||||||||||||||||20240307\r");
        encounter = only_event("encounter.leave_ended")->encounter;
        assert_string_equal(encounter->leave_until_at->text, "20240306090000"); /* came true */
        assert_null(encounter->leave_from_at);
}

static void test_a_plan_says_when_and_where_to(void **state) {
        Carebus__V1__Encounter *encounter;

        translate_text(MSH_OF("ADT^A16") PID PV1 "PV2|||||||||20240312\r");
        assert_string_equal(only_event("encounter.discharge_planned")->encounter->expected_discharge_at->text,
                            "20240312");
        translate_text(MSH_OF("ADT^A14") PID PV1 "PV2|W9^^^RA9|||||||20240311\r");
        encounter = only_event("encounter.admission_planned")->encounter;
        assert_string_equal(encounter->expected_admission_at->text, "20240311");
        assert_string_equal(encounter->pending_place->point_of_care, "W9");
        translate_text(MSH_OF("ADT^A15") PID "PV1|1|I|W1||||||||||||||||V1|||||||||||||||||||||||W2\r");
        assert_string_equal(only_event("encounter.transfer_planned")->encounter->pending_place->point_of_care, "W2");
}

static void test_an_out_patient_who_stays_is_admitted(void **state) {
        Carebus__V1__Event *event;

        translate_text(MSH_OF("ADT^A06") PID "PV1|1|I|W1||||||||||||||||V77|||||||||||||||||||||||||20240305080000\r");
        event = only_event("encounter.admitted");
        assert_string_equal(event->occurred_at->text, "20240305080000");
        assert_string_equal(event->encounter->class_->original->code, "I");
}

static void test_who_attends_now_leads(void **state) {
        Carebus__V1__Event *event;

        translate_text(MSH_OF("ADT^A54") PID PV1
                       "ROL||DE|AT^Attending^HL70443|C0^HILL^BEN\rROL||AD|AT^Attending^HL70443|C1^JONES^ANNA\r");
        assert_non_null(event_of("encounter.updated"));
        event = event_of("care_team.lead_changed");
        assert_non_null(event);
        assert_int_equal(event->care_team->n_members, 1);
        assert_true(event->care_team->members[0]->lead);
        assert_string_equal(event->care_team->members[0]->practitioner->identifier->value, "C1");
        assert_string_equal(event->care_team->former_lead->practitioner->identifier->value, "C0");
        assert_string_equal(event->encounter_id->value, "V77");
        translate_text(MSH_OF("ADT^A54") PID "PV1|1|I\r"); /* nobody is named */
        only_event("encounter.updated");
}

/* ---- what the profile says a trigger means */

static void test_a_trigger_means_what_the_profile_says(void **state) {
        use_profile("triggers:\n  ADT^A04: {as: ADT^A28}\n  ADT^A08: {as: ADT^A31}\n");
        translate_text(MSH_OF("ADT^A04") PID PV1);
        only_event("patient.registered");
        assert_string_equal(result.events[0]->trigger, "ADT^A04"); /* as said */
        translate_text(MSH_OF("ADT^A08") PID PV1);
        only_event("patient.updated");
        translate_text(MSH_OF("ADT^A01") PID PV1);
        only_event("encounter.admitted");
}

static void test_an_account_that_the_profile_calls_a_person_is_merged(void **state) {
        translate_text(MSH_OF("ADT^A36") PID "MRG|9^^^RA9^PI\r");
        assert_problem("unhandled-trigger", "MSH-9");
        assert_true(result.problem_urgent);
        use_profile("triggers:\n  ADT^A36: {as: ADT^A40}\n");
        translate_text(MSH_OF("ADT^A36") PID "MRG|9^^^RA9^PI\r");
        only_event("patient.merged");
}

static void test_a_field_of_the_profile_may_hold_for_one_trigger_alone(void **state) {
        use_profile("fields:\n"
                    "  - {from: ZPI-1, to: episode_id, when: ADT^A01}\n"
                    "  - {from: 'PID-3[4=RA9].1', to: demographics.access_note}\n"
                    "triggers:\n  ADT^A04: {as: ADT^A01}\n");
        translate_text(MSH_OF("ADT^A01") PID PV1 "ZPI|E1\r");
        assert_string_equal(only_event("encounter.admitted")->episode_id->value, "E1");
        assert_string_equal(result.events[0]->patient->demographics->access_note, "123456");
        translate_text(MSH_OF("ADT^A02") PID PV1 "ZPI|E1\r");
        assert_null(only_event("encounter.transferred")->episode_id);
        translate_text(MSH_OF("ADT^A04") PID PV1 "ZPI|E1\r"); /* read as one */
        assert_string_equal(only_event("encounter.admitted")->episode_id->value, "E1");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_each_trigger_of_a_stay_gives_its_event),
                TEST(test_nobody_takes_a_stay_or_a_person_away),
                TEST(test_a_leave_knows_when_it_began_and_ended),
                TEST(test_a_plan_says_when_and_where_to),
                TEST(test_an_out_patient_who_stays_is_admitted),
                TEST(test_who_attends_now_leads),
                TEST(test_a_trigger_means_what_the_profile_says),
                TEST(test_an_account_that_the_profile_calls_a_person_is_merged),
                TEST(test_a_field_of_the_profile_may_hold_for_one_trigger_alone),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
