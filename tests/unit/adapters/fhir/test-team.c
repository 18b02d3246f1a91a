/*
 * CareTeam and HealthcareService.
 */
#include "tests/unit/adapters/fhir/fixture.h"

#define TEAM(status, rest)                                                       \
        "{\"resourceType\": \"CareTeam\", \"id\": \"t1\", \"status\": \"" status \
        "\", \"name\": \"Palliative team\", \"subject\": {\"reference\":"        \
        "\"Patient/p1\"}" rest "}"

static void test_each_member_is_an_event(void **state) {
        const Carebus__V1__Event *event;

        translate_text(TEAM("active", ", \"participant\": [{\"role\": [{\"coding\": [{\"system\": "
                                      "\"http://snomed.info/sct\", \"code\": \"719240009\"}]}],"
                                      "\"member\": {\"reference\": \"Practitioner/n1\", \"display\": \"Nurse Joy\"}, "
                                      "\"period\": {\"start\": \"2024-03-01\"}},"
                                      "{\"member\": {\"reference\": \"Organization/h1\", \"display\": \"St Anne's\"}, "
                                      "\"period\": {\"start\": \"2024-01-01\","
                                      "\"end\": \"2024-02-01\"}}, {\"member\": {\"reference\": \"Patient/p1\"}}]"));
        assert_int_equal(result.reading.n_events, 2);
        event = event_of("care_team.member_added");
        assert_int_equal(event->care_team->n_members, 1);
        assert_string_equal(event->care_team->members[0]->practitioner->name->text, "Nurse Joy");
        assert_true(event->care_team->members[0]->key_worker);
        assert_string_equal(event->care_team->name, "Palliative team");
        assert_string_equal(event->occurred_at->text, "2024-03-01");
        event = event_of("care_team.member_ended");
        assert_string_equal(event->care_team->members[0]->service->organisation->name, "St Anne's");
        assert_string_equal(event->care_team->status, "ended");
        assert_string_equal(event->occurred_at->text, "2024-02-01");
}

static void test_a_team_that_ended_ends_for_everybody(void **state) {
        translate_text(TEAM("inactive", ", \"participant\": [{\"member\": {\"display\": \"Nurse Joy\"}}]"));
        only_event("care_team.member_ended");
        translate_text(TEAM("entered-in-error", ", \"participant\": [{\"member\": {\"display\": \"Nurse Joy\"}}]"));
        assert_int_equal(only_event("care_team.member_added")->action, CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR);
}

static void test_a_team_without_names_is_a_member_itself(void **state) {
        translate_text(TEAM("active", ""));
        assert_string_equal(only_event("care_team.member_added")->care_team->members[0]->service->name,
                            "Palliative team");
}

static void test_services_are_published_and_closed(void **state) {
        const Carebus__V1__Service *service;

        translate_text("{\"resourceType\": \"HealthcareService\", \"id\": \"h1\", \"name\": \"Hospice at home\", "
                       "\"availableTime\": [{\"daysOfWeek\": [\"mon\","
                       "\"sun\"], \"availableStartTime\": \"08:30:00\", \"availableEndTime\": \"17:00:00\"}, "
                       "{\"allDay\": true}], \"telecom\": [{\"system\": \"phone\","
                       "\"value\": \"1\"}]}");
        service = only_event("service.published")->service;
        assert_null(result.reading.events[0]->patient);
        assert_string_equal(service->name, "Hospice at home");
        assert_int_equal(service->n_hours, 2);
        assert_int_equal(service->hours[0]->n_days, 2);
        assert_int_equal(service->hours[0]->days[1], 7);
        assert_string_equal(service->hours[0]->from, "08:30");
        assert_string_equal(service->contact_points[0]->reach[0]->telecom[0]->value, "1");
        translate_text("{\"resourceType\": \"HealthcareService\", \"id\": \"h1\", \"active\": false}");
        only_event("service.closed");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_each_member_is_an_event),
                cmocka_unit_test(test_a_team_that_ended_ends_for_everybody),
                cmocka_unit_test(test_a_team_without_names_is_a_member_itself),
                cmocka_unit_test(test_services_are_published_and_closed),
        };

        return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
