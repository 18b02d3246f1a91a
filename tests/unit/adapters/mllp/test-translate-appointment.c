/*
 * SIU, and out-patients by ADT with ZU3.
 */
#include "translate-fixture.h"

#define PID "PID|1||123456^^^RA9^PI||SMITH^JOHN\r"
#define SCH                                                                \
        "SCH|P1^PLACER|F2^FILLER||G3||MOVED^Clinic moved|CHECKUP^Routine " \
        "check|FOLLOWUP|30|min|^^^20240501090000^20240501093000||"         \
        "||||||||||||Booked\r"
#define NEW CAREBUS__V1__ACTION__ACTION_NEW
#define UPDATE CAREBUS__V1__ACTION__ACTION_UPDATE
#define UNDONE CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR

static void test_each_trigger_gives_its_event(void **state) {
        static const struct {
                const char *trigger, *type;
                Carebus__V1__Action action;
                const char *status;
        } rows[] = {
                { "S12", "appointment.booked", NEW, "booked" },
                { "S13", "appointment.rescheduled", UPDATE, "booked" },
                { "S14", "appointment.modified", UPDATE, "booked" }, /* as SCH-25 says */
                { "S15", "appointment.cancelled", UPDATE, "cancelled" },
                { "S16", "appointment.cancelled", UPDATE, "cancelled" },
                { "S17", "appointment.deleted", UNDONE, "deleted" },
                { "S26", "appointment.did_not_attend", UPDATE, "did-not-attend" },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                char text[1024];
                Carebus__V1__Event *event;

                snprintf(text, sizeof(text), "MSH|^~\\&|PAS|RA9|||20240305101500||SIU^%s^SIU_S12|M1|P|2.5\r" SCH PID,
                         rows[i].trigger);
                translate_text(text);
                event = only_event(rows[i].type);
                assert_int_equal(event->action, rows[i].action);
                assert_int_equal(event->body_case, CAREBUS__V1__EVENT__BODY_APPOINTMENT);
                assert_string_equal(event->appointment->status, rows[i].status);
                assert_string_equal(event->appointment_id->value, "F2");
                assert_string_equal(event->appointment_id->authority, "FILLER");
                assert_string_equal(event->patient->demographics->names[0]->family, "SMITH");
                assert_true(!event->appointment->cancelled_at == (strcmp(rows[i].status, "cancelled") != 0));
        }
}

static void test_fields_reach_the_appointment(void **state) {
        Carebus__V1__Appointment *appointment;

        translate_text(MSH_OF("SIU^S12") SCH PID
                       "PV1|1|O|CL1|||||||100|||||||||V9\r"
                       "RGS|1\rAIS|1|A|CONS^Consultation^L|20240502|||45|min\rAIG|1|A|ECHO^Echo machine^L\r"
                       "AIL|1|A|CL1^R2\rAIL|2|A|CL7\rAIP|1|A|D1^WELBY^MARCUS|ATND^Attending^L\r"
                       "AIP|2|A|D2^REED^ANN\r");
        appointment = only_event("appointment.booked")->appointment;
        assert_string_equal(appointment->placer_identifier->value, "P1");
        assert_string_equal(appointment->placer_identifier->authority, "PLACER");
        assert_string_equal(appointment->group, "G3");
        assert_string_equal(appointment->event_reason->original->code, "MOVED");
        assert_string_equal(appointment->reason->original->code, "CHECKUP");
        assert_string_equal(appointment->type->original->code, "FOLLOWUP");
        assert_string_equal(appointment->original_status->original->code, "Booked");
        assert_string_equal(appointment->start_at->text, "20240501090000"); /* SCH-11, not the first resource */
        assert_string_equal(appointment->end_at->text, "20240501093000");
        assert_int_equal(appointment->minutes, 30);
        assert_string_equal(appointment->service->type->original->code, "CONS");
        assert_int_equal(appointment->n_resources, 3);
        assert_string_equal(appointment->resources[0]->original->code, "CONS");
        assert_string_equal(appointment->resources[1]->original->code, "ECHO");
        assert_string_equal(appointment->resources[2]->text, "CL7"); /* the second place */
        assert_string_equal(appointment->place->point_of_care, "CL1");
        assert_string_equal(appointment->place->room, "R2");
        assert_int_equal(appointment->n_participants, 2);
        assert_string_equal(appointment->participants[0]->role, "Attending");
        assert_string_equal(appointment->participants[1]->practitioner->name->family, "REED");
        assert_string_equal(appointment->specialty->original->code, "100");
        assert_string_equal(result.events[0]->encounter_id->value, "V9");
}

static void test_the_times_are_those_of_tq1_then_sch_then_the_first_resource(void **state) {
        Carebus__V1__Appointment *appointment;

        translate_text(MSH_OF("SIU^S12") SCH "TQ1|1||||||20240601090000|20240601100000|R\r" PID);
        appointment = only_event("appointment.booked")->appointment;
        assert_string_equal(appointment->start_at->text, "20240601090000");
        assert_string_equal(appointment->end_at->text, "20240601100000");
        assert_string_equal(appointment->priority->original->code, "R");
        translate_text(MSH_OF("SIU^S12") "SCH|P1|F2\r" PID "RGS|1\rAIL|1|A|CL1|||20240701|||2|h\r");
        appointment = only_event("appointment.booked")->appointment;
        assert_string_equal(appointment->start_at->text, "20240701");
        assert_int_equal(appointment->minutes, 120);
        assert_null(appointment->end_at);
}

static void test_a_duration_of_an_unknown_unit_is_not_guessed(void **state) {
        translate_text(MSH_OF("SIU^S12") "SCH|P1|F2|||||||3|moons\r" PID);
        assert_false(only_event("appointment.booked")->appointment->has_minutes);
        assert_true(is_unmapped("SCH-9"));
        translate_text(MSH_OF("SIU^S12") "SCH|P1|F2|||||||3\r" PID);
        assert_int_equal(only_event("appointment.booked")->appointment->minutes, 3);
        translate_text(MSH_OF("SIU^S12") "SCH|P1|F2|||||||4294967295|h\r" PID);
        assert_false(only_event("appointment.booked")->appointment->has_minutes);
}

static void test_the_placers_number_stands_where_the_filler_has_none(void **state) {
        Carebus__V1__Event *event;

        translate_text(MSH_OF("SIU^S12") "SCH|A1\r" PID);
        event = only_event("appointment.booked");
        assert_string_equal(event->appointment_id->value, "A1");
        assert_string_equal(event->appointment_id->authority, "pas-SCH-1"); /* never taken for a filler's */
}

static void test_what_was_taken_off_is_not_booked(void **state) {
        Carebus__V1__Appointment *appointment;

        translate_text(MSH_OF("SIU^S14") SCH PID "RGS|1|A\rAIS|1|D|OLD\rAIS|2|A|NEW\rRGS|2|D\rAIP|1|A|D1^GONE\r");
        appointment = only_event("appointment.modified")->appointment;
        assert_int_equal(appointment->n_resources, 1);
        assert_string_equal(appointment->resources[0]->original->code, "NEW");
        assert_int_equal(appointment->n_participants, 0);
}

static void test_everybody_of_a_group_has_the_appointment(void **state) {
        translate_text(MSH_OF("SIU^S12") SCH "PID|1||1^^^RA9||A\rPV1|1|O||||||||||||||S\rPID|2||2^^^RA9||B\rPV1|1|O\r");
        assert_int_equal(result.n_events, 2);
        assert_string_equal(result.events[0]->patient->identifiers[0]->value, "1");
        assert_string_equal(result.events[1]->patient->identifiers[0]->value, "2");
        assert_string_equal(result.events[1]->appointment_id->value, "F2");
        assert_true(result.events[0]->sensitivity->restricted_location); /* PV1-16 is of the first alone */
        assert_null(result.events[1]->sensitivity);
        translate_text(MSH_OF("SIU^S12") SCH "PID|1||1^^^RA9||A\rPID|2||||B\r");
        assert_problem("no-identifier", "PID[2]-3");
}

static void test_an_appointment_of_nobody_or_of_nothing_is_a_problem(void **state) {
        translate_text(MSH_OF("SIU^S12") SCH);
        assert_problem("no-patient", "PID");
        translate_text(MSH_OF("SIU^S12") PID);
        assert_problem("no-appointment", "SCH");
        translate_text(MSH_OF("SIU^S18") SCH PID);
        assert_problem("unhandled-trigger", "MSH-9");
}

static void test_emptied_fields_are_said_to_be_emptied(void **state) {
        Carebus__V1__Event *event;

        translate_text(MSH_OF("SIU^S14") "SCH|A1|F1|||||\"\"|\"\"\r" PID);
        event = only_event("appointment.modified");
        assert_true(has_cleared(event, "appointment.reason"));
        assert_true(has_cleared(event, "appointment.type"));
        assert_null(event->appointment->reason);
}

/* ---- out-patients */

static void test_what_became_of_an_out_patient_is_an_appointment_beside_the_attendance(void **state) {
        static const struct {
                const char *trigger, *attendance, *outcome, *encounter, *type, *status;
        } rows[] = {
                { "A05", "", "", "encounter.preadmitted", "appointment.booked", "booked" },
                { "A05", "0", "", "encounter.preadmitted", "appointment.booked", "booked" },
                { "A05", "2", "", "encounter.preadmitted", "appointment.cancelled", "cancelled" },
                { "A04", "", "", "encounter.registered", "appointment.arrived", "arrived" },
                { "A04", "5", "", "encounter.registered", "appointment.attended", "attended" },
                { "A03", "5", "1", "encounter.discharged", "appointment.attended", "attended" },
                { "A03", "6", "", "encounter.discharged", "appointment.attended", "attended" },
                { "A03", "7", "", "encounter.discharged", "appointment.did_not_attend", "did-not-attend" },
                { "A03", "3", "", "encounter.discharged", "appointment.did_not_attend", "did-not-attend" },
                { "A03", "4", "", "encounter.discharged", "appointment.cancelled", "cancelled" },
                { "A03", "", "2", "encounter.discharged", "appointment.attended", "attended" },
                { "A03", "", "", "encounter.discharged", NULL, NULL },
                { "A03", "99", "1", "encounter.discharged", NULL, NULL }, /* nobody knows what that means */
                { "A08", "3", "", "encounter.updated", "appointment.did_not_attend", "did-not-attend" },
                { "A08", "", "", "encounter.updated", "appointment.modified", NULL },
                { "A38", "4", "", "encounter.preadmission_cancelled", "appointment.cancelled", "cancelled" },
                { "A38", "", "", "encounter.preadmission_cancelled", "appointment.cancelled", "cancelled" },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                char text[1024];
                Carebus__V1__Event *event;

                snprintf(text, sizeof(text),
                         "MSH|^~\\&|PAS|RA9|||20240305101500||ADT^%s|M1|P|2.4\r" PID
                         "PV1|1|O|CL1||||D1^WELBY|||100|||||||||V5\r"
                         "PV2||||||||20240306\rZU3|||%s|%s|||||||||P\r",
                         rows[i].trigger, rows[i].attendance, rows[i].outcome);
                translate_text(text);
                assert_non_null(event_of(rows[i].encounter));
                assert_null(result.problem_code);
                if (!rows[i].type) {
                        assert_int_equal(result.n_events, 1);
                        continue;
                }
                event = event_of(rows[i].type);
                assert_non_null(event);
                assert_true(text_equal(event->appointment->status, rows[i].status));
                assert_string_equal(event->appointment_id->value, "V5");
                assert_string_equal(event->appointment->place->point_of_care, "CL1");
                assert_string_equal(event->appointment->specialty->original->code, "100");
                assert_string_equal(event->appointment->start_at->text, "20240306");
                assert_string_equal(event->appointment->cancelled_by->original->code, "P");
                assert_int_equal(event->appointment->n_participants, 1);
                assert_true(!event->appointment->attendance == !*rows[i].attendance);
        }
}

static void test_codes_of_attendance_are_read_through_the_profiles_map(void **state) {
        use_profile("maps:\n  appointment.attendance:\n    '1': {system: 'urn:attended', code: '5'}\n"
                    "    '5': {system: 'urn:attended', code: '4'}\n");
        translate_text(MSH_OF("ADT^A03") PID "PV1|1|O|CL1\rZU3|||1\r");
        assert_non_null(event_of("appointment.attended"));
        translate_text(MSH_OF("ADT^A03") PID "PV1|1|O|CL1\rZU3|||5\r");
        assert_non_null(event_of("appointment.cancelled"));
}

static void test_zu3_of_an_in_patient_makes_no_appointment(void **state) {
        translate_text(MSH_OF("ADT^A01") PID "PV1|1|I|W1\rZU3|004|03|5|||||Normal|8b||1|1\r");
        only_event("encounter.admitted");
        assert_true(is_unmapped("ZU3-3")); /* seen, and said to be left */
        translate_text(MSH_OF("ADT^A11") PID "PV1|1|O|CL1\rZU3|||5\r");
        only_event("encounter.admission_cancelled");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_each_trigger_gives_its_event),
                TEST(test_fields_reach_the_appointment),
                TEST(test_the_times_are_those_of_tq1_then_sch_then_the_first_resource),
                TEST(test_a_duration_of_an_unknown_unit_is_not_guessed),
                TEST(test_the_placers_number_stands_where_the_filler_has_none),
                TEST(test_what_was_taken_off_is_not_booked),
                TEST(test_everybody_of_a_group_has_the_appointment),
                TEST(test_an_appointment_of_nobody_or_of_nothing_is_a_problem),
                TEST(test_emptied_fields_are_said_to_be_emptied),
                TEST(test_what_became_of_an_out_patient_is_an_appointment_beside_the_attendance),
                TEST(test_codes_of_attendance_are_read_through_the_profiles_map),
                TEST(test_zu3_of_an_in_patient_makes_no_appointment),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
