/*
 * Appointment: its status is the event, each patient of it gets one.
 */
#include "tests/unit/adapters/fhir/fixture.h"

static const char *appointment(const char *status, const char *participants) {
        static char text[2048];

        snprintf(text, sizeof(text),
                 "{\"resourceType\": \"Appointment\", \"id\": \"a1\", \"status\": \"%s\", \"created\": \"2024-03-01\", "
                 "\"start\":"
                 "\"2024-03-05T10:00:00Z\", \"end\": \"2024-03-05T10:30:00Z\", \"participant\": [%s]}",
                 status, participants);
        return text;
}
#define PATIENT_ACTOR(id) "{\"actor\": {\"reference\": \"Patient/" id "\"}, \"status\": \"accepted\"}"

static void test_the_status_is_the_event(void **state) {
        static const struct {
                const char *said, *type, *status;
                int action;
        } cases[] = {
                { "proposed", "appointment.booked", "proposed", CAREBUS__V1__ACTION__ACTION_NEW },
                { "booked", "appointment.booked", "booked", CAREBUS__V1__ACTION__ACTION_NEW },
                { "arrived", "appointment.arrived", "arrived", CAREBUS__V1__ACTION__ACTION_UPDATE },
                { "fulfilled", "appointment.attended", "attended", CAREBUS__V1__ACTION__ACTION_UPDATE },
                { "noshow", "appointment.did_not_attend", "did-not-attend", CAREBUS__V1__ACTION__ACTION_UPDATE },
                { "cancelled", "appointment.cancelled", "cancelled", CAREBUS__V1__ACTION__ACTION_UPDATE },
                { "entered-in-error", "appointment.deleted", "deleted", CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                const Carebus__V1__Event *event;

                translate_text(appointment(cases[i].said, PATIENT_ACTOR("p1")));
                event = only_event(cases[i].type);
                assert_int_equal(event->action, cases[i].action);
                assert_string_equal(event->appointment->status, cases[i].status);
                assert_identifier(event->appointment_id, "carebus:ehr", "Appointment/a1");
                assert_int_equal(event->appointment->minutes, 30);
        }
}

static void test_participants_are_people_places_and_services(void **state) {
        const Carebus__V1__Appointment *body;

        translate_text(appointment(
                "booked",
                PATIENT_ACTOR(
                        "p1") ", {\"type\": [{\"coding\": [{\"code\": \"ATND\"}]}], \"actor\": {\"reference\":"
                              "\"Practitioner/d1\", \"display\": \"Dr Gose\"}}, {\"actor\": {\"reference\": "
                              "\"Location/l1\", \"display\": \"Clinic 2\"}},"
                              "{\"actor\": {\"reference\": \"HealthcareService/h1\", \"display\": \"Neurology\"}}"));
        body = only_event("appointment.booked")->appointment;
        assert_int_equal(body->n_participants, 1);
        assert_string_equal(body->participants[0]->role, "attending");
        assert_string_equal(body->participants[0]->practitioner->name->text, "Dr Gose");
        assert_string_equal(body->place->text, "Clinic 2");
        assert_string_equal(body->service->name, "Neurology");
}

static void test_each_patient_gets_an_event(void **state) {
        translate_text(appointment("booked", PATIENT_ACTOR("p1") "," PATIENT_ACTOR("p2")));
        assert_int_equal(count_events("appointment.booked"), 2);
        assert_identifier(result.reading.events[0]->patient->identifiers[0], "carebus:ehr", "Patient/p1");
        assert_identifier(result.reading.events[1]->patient->identifiers[0], "carebus:ehr", "Patient/p2");
        translate_text(appointment("booked", ""));
        assert_problem("no-patient", "Appointment", false);
}

static void test_a_message_says_why_a_booking_came(void **state) {
        static const struct {
                const char *reason, *type;
        } cases[] = { { "new", "appointment.booked" },
                      { "update", "appointment.modified" },
                      { "delete", "appointment.cancelled" } };
        char text[4096];

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                snprintf(text, sizeof(text),
                         "{\"resourceType\": \"Bundle\", \"type\": \"message\", \"entry\": [{\"resource\": "
                         "{\"resourceType\": \"MessageHeader\", \"eventCoding\":"
                         "{\"code\": \"booking-request\"}, \"reason\": {\"coding\": [{\"code\": \"%s\"}]}}}, "
                         "{\"resource\": %s}]}",
                         cases[i].reason, appointment("booked", PATIENT_ACTOR("p1")));
                translate_text(text);
                only_event(cases[i].type);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_the_status_is_the_event),
                cmocka_unit_test(test_participants_are_people_places_and_services),
                cmocka_unit_test(test_each_patient_gets_an_event),
                cmocka_unit_test(test_a_message_says_why_a_booking_came),
        };

        return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
