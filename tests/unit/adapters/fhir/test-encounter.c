/*
 * Encounter and EpisodeOfCare: class and status say which event it is.
 */
#include "tests/unit/adapters/fhir/fixture.h"

#define ACT "http://terminology.hl7.org/CodeSystem/v3-ActCode"
#define NHS_SYSTEM "https://fhir.nhs.uk/Id/nhs-number"

static const char *encounter(const char *class_, const char *status, const char *rest) {
        static char text[4096];

        snprintf(text, sizeof(text),
                 "{\"resourceType\": \"Encounter\", \"id\": \"e1\", \"identifier\": [{\"system\": \"urn:visits\", "
                 "\"value\": \"V7\"}],"
                 "\"status\": \"%s\", \"class\": {\"system\": \"" ACT
                 "\", \"code\": \"%s\"}, \"subject\": {\"identifier\": "
                 "{\"system\": \"" NHS_SYSTEM "\", \"value\": \"9449305552\"}}%s}",
                 status, class_, rest);
        return text;
}

static void test_class_and_status_say_which_event_it_is(void **state) {
        static const struct {
                const char *class_, *status, *type;
                int action;
        } cases[] = {
                { "IMP", "planned", "encounter.admission_planned", CAREBUS__V1__ACTION__ACTION_NEW },
                { "IMP", "in-progress", "encounter.admitted", CAREBUS__V1__ACTION__ACTION_NEW },
                { "ACUTE", "arrived", "encounter.admitted", CAREBUS__V1__ACTION__ACTION_NEW },
                { "IMP", "onleave", "encounter.leave_started", CAREBUS__V1__ACTION__ACTION_UPDATE },
                { "IMP", "finished", "encounter.discharged", CAREBUS__V1__ACTION__ACTION_UPDATE },
                { "IMP", "cancelled", "encounter.admission_cancelled", CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR },
                { "IMP", "entered-in-error", "encounter.admission_cancelled",
                  CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR },
                { "IMP", "unknown", "encounter.updated", CAREBUS__V1__ACTION__ACTION_UPDATE },
                { "EMER", "triaged", "encounter.ed_arrived", CAREBUS__V1__ACTION__ACTION_NEW },
                { "EMER", "finished", "encounter.ed_departed", CAREBUS__V1__ACTION__ACTION_UPDATE },
                { "AMB", "planned", "encounter.preadmitted", CAREBUS__V1__ACTION__ACTION_NEW },
                { "AMB", "arrived", "encounter.registered", CAREBUS__V1__ACTION__ACTION_NEW },
                { "AMB", "finished", "encounter.discharged", CAREBUS__V1__ACTION__ACTION_UPDATE },
                { "HH", "planned", "visit.planned", CAREBUS__V1__ACTION__ACTION_NEW },
                { "HH", "finished", "visit.done", CAREBUS__V1__ACTION__ACTION_UPDATE },
                { "FLD", "cancelled", "visit.missed", CAREBUS__V1__ACTION__ACTION_UPDATE },
                { "VR", "finished", "contact.recorded", CAREBUS__V1__ACTION__ACTION_NEW },
                { "VR", "entered-in-error", "contact.recorded", CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR },
                { "ZZ", "finished", "encounter.discharged", CAREBUS__V1__ACTION__ACTION_UPDATE },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                const Carebus__V1__Event *event;

                translate_text(encounter(cases[i].class_, cases[i].status, ""));
                event = only_event(cases[i].type);
                assert_int_equal(event->action, cases[i].action);
                assert_identifier(event->encounter_id, "urn:visits", "V7");
                assert_identifier(event->patient->identifiers[0], NHS_SYSTEM, "9449305552");
        }
}

static void test_an_admission_says_when_where_and_how(void **state) {
        const Carebus__V1__Encounter *body;
        const Carebus__V1__Event *event;

        translate_text(encounter(
                "IMP", "in-progress",
                ", \"period\": {\"start\": \"2024-03-05T10:15:00+00:00\"}, \"hospitalization\": {\"extension\": "
                "[{\"url\":"
                "\"https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-AdmissionMethod\", "
                "\"valueCodeableConcept\":"
                "{\"coding\": [{\"system\": \"https://fhir.hl7.org.uk/CodeSystem/UKCore-AdmissionMethodEngland\", "
                "\"code\": \"21\"}]}}],"
                "\"admitSource\": {\"coding\": [{\"system\": \"https://fhir.hl7.org.uk/x\", \"code\": \"19\"}]}},"
                "\"participant\": [{\"type\": [{\"coding\": [{\"code\": \"ATND\"}]}], \"individual\": {\"display\": "
                "\"Dr Darwin\"}}],"
                "\"location\": [{\"location\": {\"display\": \"Ward 4\"}}]"));
        event = only_event("encounter.admitted");
        body = event->encounter;
        assert_ptr_equal(event->occurred_at, body->admitted_at);
        assert_string_equal(body->admitted_at->text, "2024-03-05T10:15:00+00:00");
        assert_string_equal(body->status, "in-progress");
        assert_coded(body->class_, ACT, "IMP");
        assert_coded(body->admission_method, NULL, "21");
        assert_true(body->has_unscheduled && body->unscheduled);
        assert_coded(body->admission_source, NULL, "19");
        assert_string_equal(body->place->text, "Ward 4");
        assert_string_equal(body->participants[0]->role, "attending");
        assert_identifier(body->further_identifiers[0], "carebus:ehr", "Encounter/e1");
}

static void test_each_later_location_is_a_transfer(void **state) {
        const Carebus__V1__Event *event;

        translate_text(encounter(
                "IMP", "in-progress",
                ", \"period\": {\"start\": \"2024-03-05T10:00:00Z\"}, \"location\": ["
                "{\"location\": {\"display\": \"Ward 9\"}, \"period\": {\"start\": \"2024-03-06T08:00:00Z\"}},"
                "{\"location\": {\"display\": \"Ward 4\"}, \"period\": {\"start\": \"2024-03-05T10:00:00Z\", \"end\": "
                "\"2024-03-06T08:00:00Z\"}}]"));
        assert_int_equal(result.reading.n_events, 2);
        assert_string_equal(event_of("encounter.admitted")->encounter->place->text, "Ward 4");
        event = event_of("encounter.transferred");
        assert_string_equal(event->encounter->place->text, "Ward 9");
        assert_string_equal(event->encounter->prior_place->text, "Ward 4");
        assert_string_equal(event->occurred_at->text, "2024-03-06T08:00:00Z");
}

static void assert_died(const char *hospitalization) {
        char rest[1024];

        snprintf(rest, sizeof(rest), ", \"period\": {\"end\": \"2024-03-07T04:00:00Z\"}, \"hospitalization\": {%s}",
                 hospitalization);
        translate_text(encounter("IMP", "finished", rest));
        assert_int_equal(result.reading.n_events, 2);
        assert_true(event_of("encounter.discharged")->encounter->died);
        assert_string_equal(event_of("death.notified")->death->died_at->text, "2024-03-07T04:00:00Z");
        assert_int_equal(event_of("death.notified")->death->status, CAREBUS__V1__DEATH__STATUS__STATUS_INFORMAL);
}

static void test_who_is_discharged_by_dying_has_died(void **state) {
        assert_died("\"dischargeDisposition\": {\"coding\": [{\"system\": "
                    "\"https://fhir.hl7.org.uk/CodeSystem/UKCore-DischargeDestination\", \"code\": \"79\"}]}");
        assert_died("\"dischargeDisposition\": {\"coding\": [{\"system\": "
                    "\"http://terminology.hl7.org/CodeSystem/discharge-disposition\", \"code\": \"exp\"}]}");
        assert_died("\"extension\": [{\"url\": "
                    "\"https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-DischargeMethod\", "
                    "\"valueCodeableConcept\":"
                    "{\"coding\": [{\"system\": \"https://fhir.hl7.org.uk/CodeSystem/UKCore-DischargeMethodEngland\", "
                    "\"code\": \"4\"}]}}]");
        translate_text(
                encounter("IMP", "finished",
                          ", \"hospitalization\": {\"dischargeDisposition\": {\"coding\": [{\"system\": "
                          "\"https://fhir.hl7.org.uk/CodeSystem/UKCore-DischargeDestination\", \"code\": \"19\"}]}}"));
        only_event("encounter.discharged");
        assert_false(result.reading.events[0]->encounter->has_died);
}

static void test_leave_that_ended_is_said(void **state) {
        translate_text(encounter(
                "IMP", "in-progress",
                ", \"statusHistory\": [{\"status\": \"onleave\", \"period\": {\"start\": \"2024-03-05T10:00:00Z\","
                "\"end\": \"2024-03-06T18:00:00Z\"}}]"));
        assert_int_equal(result.reading.n_events, 2);
        assert_string_equal(event_of("encounter.leave_ended")->occurred_at->text, "2024-03-06T18:00:00Z");
}

static void test_a_visit_says_how_long_it_took(void **state) {
        const Carebus__V1__Contact *contact;

        translate_text(
                encounter("HH", "finished",
                          ", \"period\": {\"start\": \"2024-03-05T10:00:00Z\", \"end\": \"2024-03-05T10:25:00Z\"},"
                          "\"serviceProvider\": {\"display\": \"District nursing\"}, \"reasonCode\": [{\"text\": "
                          "\"Syringe driver\"}]"));
        contact = only_event("visit.done")->contact;
        assert_int_equal(contact->minutes, 25);
        assert_string_equal(contact->status, "done");
        assert_string_equal(contact->by->organisation->name, "District nursing");
        assert_string_equal(contact->purpose->text, "Syringe driver");
}

static void test_an_encounter_of_nobody_waits_for_a_person(void **state) {
        translate_text("{\"resourceType\": \"Encounter\", \"id\": \"e1\", \"status\": \"finished\", \"class\": "
                       "{\"code\": \"IMP\"}}");
        assert_problem("no-patient", "Encounter", false);
        translate_text("{\"resourceType\": \"Encounter\", \"id\": \"e1\", \"status\": \"finished\", \"subject\": "
                       "{\"reference\": \"Group/1\"}}");
        assert_problem("no-patient", "Encounter", false);
}

static void test_episodes_open_and_close(void **state) {
        const Carebus__V1__Event *event;

        translate_text("{\"resourceType\": \"EpisodeOfCare\", \"id\": \"c1\", \"status\": \"active\", \"patient\": "
                       "{\"reference\": \"Patient/p1\"},"
                       "\"period\": {\"start\": \"2024-03-01\"}, \"team\": [{\"reference\": \"CareTeam/t1\", "
                       "\"display\": \"Palliative team\"}]}");
        event = only_event("episode.opened");
        assert_identifier(event->episode_id, "carebus:ehr", "EpisodeOfCare/c1");
        assert_string_equal(event->episode->opened_at->text, "2024-03-01");
        assert_string_equal(event->episode->service->name, "Palliative team");
        translate_text("{\"resourceType\": \"EpisodeOfCare\", \"id\": \"c1\", \"status\": \"finished\", \"patient\": "
                       "{\"reference\": \"Patient/p1\"},"
                       "\"period\": {\"start\": \"2024-03-01\", \"end\": \"2024-04-01\"}}");
        event = only_event("episode.closed");
        assert_string_equal(event->occurred_at->text, "2024-04-01");
        translate_text("{\"resourceType\": \"EpisodeOfCare\", \"id\": \"c1\", \"status\": \"entered-in-error\", "
                       "\"patient\": {\"reference\": \"Patient/p1\"}}");
        assert_int_equal(only_event("episode.opened")->action, CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_class_and_status_say_which_event_it_is),
                cmocka_unit_test(test_an_admission_says_when_where_and_how),
                cmocka_unit_test(test_each_later_location_is_a_transfer),
                cmocka_unit_test(test_who_is_discharged_by_dying_has_died),
                cmocka_unit_test(test_leave_that_ended_is_said),
                cmocka_unit_test(test_a_visit_says_how_long_it_took),
                cmocka_unit_test(test_an_encounter_of_nobody_waits_for_a_person),
                cmocka_unit_test(test_episodes_open_and_close),
        };

        return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
