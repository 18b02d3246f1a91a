/* Communications: who told whom what, and what was enclosed. */
#include "clinical-fixture.h"

static void test_a_communication_is_a_contact(void **state) {
        translate("{\"resourceType\":\"Communication\",\"id\":\"c\",\"status\":\"completed\"," SUBJECT
                  ",\"sent\":\"2024-03-05T10:00:00Z\","
                  "\"received\":\"2024-03-05T10:05:00Z\",\"medium\":[{\"text\":\"phone\"}],\"priority\":\"urgent\","
                  "\"reasonCode\":[{\"text\":\"pain\"}],"
                  "\"sender\":{\"type\":\"RelatedPerson\",\"reference\":\"RelatedPerson/"
                  "r\",\"display\":\"Daughter\"},\"recipient\":[{\"reference\":"
                  "\"Practitioner/n\",\"display\":\"Nurse "
                  "B\"},{\"reference\":\"Patient/p1\"}],\"payload\":[{\"contentString\":\"In pain since noon\"}],"
                  "\"note\":[{\"text\":\"rang back\"}]}");
        Carebus__V1__Event *event = only_event("contact.recorded");
        Carebus__V1__Contact *contact = event->contact;

        assert_text(contact->status, "done");
        assert_text(contact->mode->text, "phone");
        assert_text(contact->urgency->code, "urgent");
        assert_text(contact->purpose->text, "pain");
        assert_text(contact->caller->name->text, "Daughter");
        assert_int_equal(contact->n_participants, 1);
        assert_text(contact->participants[0]->role, "recipient");
        assert_text(contact->with_whom[0]->code, "Patient");
        assert_text(contact->summary, "In pain since noon\nrang back");
        assert_when(event->occurred_at, "2024-03-05T10:00:00Z");
}

static void test_what_is_enclosed_is_a_document_of_its_own(void **state) {
        translate("{\"resourceType\":\"Communication\",\"id\":\"c\",\"status\":\"completed\"," SUBJECT
                  ",\"payload\":[{\"contentAttachment\":{"
                  "\"contentType\":\"application/pdf\",\"data\":\"SGVsbG8=\",\"title\":\"a.pdf\"}}]}");
        assert_text(the_event("document.available")->document->identifier->value, "Communication/c#a.pdf");
        assert_text(the_event("contact.recorded")->contact->summary, "a.pdf");
        translate("{\"resourceType\":\"Communication\",\"id\":\"c\",\"status\":\"completed\"," SUBJECT
                  ",\"payload\":[{\"contentAttachment\":{"
                  "\"data\":\"!\"}}]}");
        assert_text(result.reading.problem_code, "bad-base64");
        assert_text(result.reading.problem_position, "Communication.payload[0].contentAttachment.data");
}

static void test_what_did_not_happen_is_not_done(void **state) {
        translate("{\"resourceType\":\"Communication\",\"id\":\"c\",\"status\":\"not-done\",\"statusReason\":{\"text\":"
                  "\"no answer\"}," SUBJECT "}");
        assert_text(only_event("contact.recorded")->contact->status, "missed");
        assert_text(only_event("contact.recorded")->contact->missed_reason->text, "no answer");
        translate("{\"resourceType\":\"Communication\",\"id\":\"c\",\"status\":\"entered-in-error\"," SUBJECT "}");
        assert_int_equal(only_event("contact.recorded")->action, CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_a_communication_is_a_contact),
                cmocka_unit_test(test_what_is_enclosed_is_a_document_of_its_own),
                cmocka_unit_test(test_what_did_not_happen_is_not_done),
        };

        return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
