/*
 * Referrals: who asks whom for what, and what was answered.
 */
#include "groups-fixture.h"

#define RF1_TEXT                                                                                                   \
        "RF1|P|R^Routine|MED|AM~RP|O|R1^EPC|20240302|20240601|20240301|N1^Pain~N2|T1^HOSPICE~U1^ERS|||Please see " \
        "soon\r"
#define WHO                                                                                                       \
        "PRD|RP^Referring|GREEN^ANN^^^Dr||||| G1^GMC\rPRD|RT^Referred to|||^^^HOSPICE|^WPN^PH^^^020^555|| |||ST " \
        "JOSEPHS\rPRD|PP|BLACK^BOB|||||G2\rCTD|OD|WHITE^EVE||^^^WARD 3|^WPN^PH^^^020^777\r"

static const struct {
        const char *trigger, *rf1_1;
        const char *type, *status;
        int action;
} triggers[] = {
        { "REF^I12", "P", "referral.requested", "requested", CAREBUS__V1__ACTION__ACTION_NEW },
        { "REF^I12", "A", "referral.requested", "requested", CAREBUS__V1__ACTION__ACTION_NEW },
        { "REF^I13", "P", "referral.changed", NULL, CAREBUS__V1__ACTION__ACTION_UPDATE },
        { "REF^I14", "P", "referral.cancelled", "cancelled", CAREBUS__V1__ACTION__ACTION_UPDATE },
        { "REF^I15", "A", "referral.accepted", "accepted", CAREBUS__V1__ACTION__ACTION_UPDATE },
        { "REF^I15", "E", "referral.closed", "closed", CAREBUS__V1__ACTION__ACTION_UPDATE },
        { "RRI^I12", "A", "referral.accepted", "accepted", CAREBUS__V1__ACTION__ACTION_UPDATE },
        { "RRI^I12", "R", "referral.declined", "declined", CAREBUS__V1__ACTION__ACTION_UPDATE },
        { "RRI^I12", "rejected", "referral.declined", "declined", CAREBUS__V1__ACTION__ACTION_UPDATE },
        { "RRI^I12", "P", "referral.received", "received", CAREBUS__V1__ACTION__ACTION_UPDATE },
        { "RRI^I12", "", "referral.received", "received", CAREBUS__V1__ACTION__ACTION_UPDATE },
        { "RRI^I12", "X^Redirected", "referral.redirected", "redirected", CAREBUS__V1__ACTION__ACTION_UPDATE },
        { "RRI^I13", "A", "referral.accepted", "accepted", CAREBUS__V1__ACTION__ACTION_UPDATE },
        { "RRI^I14", "A", "referral.cancelled", "cancelled", CAREBUS__V1__ACTION__ACTION_UPDATE },
        { "RRI^I15", "R", "referral.declined", "declined", CAREBUS__V1__ACTION__ACTION_UPDATE },
};

static void test_requests_and_answers_are_their_events(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(triggers); i++) {
                Carebus__V1__Event *event;
                char text[512];

                snprintf(text, sizeof(text),
                         "MSH|^~\\&|EPIC|RA9|||20240305||%s|M1|P|2.4\rRF1|%s|||||R1^EPC|||||T1^HOSPICE\r" PID,
                         triggers[i].trigger, triggers[i].rf1_1);
                translate_text(text);
                event = only_event(triggers[i].type);
                assert_int_equal(event->action, triggers[i].action);
                assert_text(event->referral->status, triggers[i].status);
                assert_text(event->referral_id->value, "R1");
                assert_text(event->referral->target_identifier->value, "T1");
        }
}

static void test_a_referral_is_carried_field_by_field(void **state) {
        const Carebus__V1__Referral *referral;

        translate_text(
                MSH_OF("REF^I12") RF1_TEXT
                "AUT|P|HC||||A77\r" WHO PID "NK1|1|SMITH^MARY|SPO\rDG1|1||G35^Multiple sclerosis^I10\r"
                "DG1|2|I10|G20|Parkinson's\rAL1|1|DA|P^Penicillin\rOBR|1|||X\rOBX|1|NM|W^Weight^L||60\rNTE|1||of "
                "the weight\r" PV1 "NTE|1||of all\r");
        assert_events("referral.requested observation.recorded allergy.recorded");
        referral = result.events[0]->referral;
        assert_code(referral->original_status, "P");
        assert_code(referral->priority, "R");
        assert_code(referral->type, "MED");
        assert_code(referral->disposition, "AM");
        assert_code(referral->category, "O");
        assert_text(referral->identifier->authority, "EPC");
        assert_text(referral->effective_at->text, "20240302");
        assert_text(referral->expires_at->text, "20240601");
        assert_text(referral->processed_at->text, "20240301");
        assert_text(referral->requested_at->text, "20240301");
        assert_text(result.events[0]->occurred_at->text, "20240301");
        assert_int_equal(referral->n_reasons, 2);
        assert_text(referral->reason_text, "Please see soon");
        assert_int_equal(referral->n_further_identifiers, 2);
        assert_text(referral->further_identifiers[0]->value, "U1");
        assert_text(referral->further_identifiers[1]->value, "A77");
        assert_text(referral->from->practitioner->name->family, "GREEN");
        assert_text(referral->from->practitioner->identifier->value, "G1");
        assert_text(result.events[0]->author->person, "G1");
        assert_text(referral->to->name, "ST JOSEPHS");
        assert_null(referral->to->practitioner);
        assert_int_equal(referral->to->n_telecom, 1);
        assert_int_equal(referral->n_participants, 2);
        assert_text(referral->participants[0]->role, "PP");
        assert_text(referral->participants[1]->practitioner->organisation->name, "WARD 3");
        assert_text(referral->primary_condition->code, "G35");
        assert_int_equal(referral->n_conditions, 1);
        assert_text(referral->conditions[0]->code, "G20");
        assert_text(referral->conditions[0]->text, "Parkinson's");
        assert_int_equal(result.events[0]->n_notes, 1);
        assert_text(result.events[0]->notes[0]->text, "of all");
        assert_int_equal(result.events[0]->patient->demographics->n_related_persons, 1);
        assert_int_equal(result.events[2]->n_notes, 0);
}

static void test_the_condition_that_says_that_it_is_first_is_first(void **state) {
        const Carebus__V1__Referral *referral;

        translate_text(MSH_OF("REF^I12") RF1_TEXT PID "DG1|1||A^First||||||||||||2\rDG1|2||B^Second||||||||||||1\r");
        referral = only_event("referral.requested")->referral;
        assert_code(referral->primary_condition, "B");
        assert_code(referral->conditions[0], "A");
}

static void test_a_refusal_says_why(void **state) {
        const Carebus__V1__Referral *referral;

        translate_text(MSH_OF("RRI^I12") "MSA|AA|M1\rRF1|R|||||R1^EPC|||20240304|02^Inappropriate|T1|||no beds\r" PID);
        referral = only_event("referral.declined")->referral;
        assert_code(referral->decision, "R");
        assert_code(referral->decline_reason, "02");
        assert_text(referral->decline_text, "no beds");
        assert_text(referral->decided_at->text, "20240304");
        assert_text(result.events[0]->occurred_at->text, "20240304");
}

static void test_a_message_that_the_other_side_would_not_have_is_declined(void **state) {
        translate_text(MSH_OF("RRI^I12") "MSA|AR|M1|Unknown clinic\rRF1||||||R1^EPC\r" PID);
        assert_text(only_event("referral.declined")->referral->decline_text, "Unknown clinic");
}

static void test_what_comes_back_with_an_error_is_not_accepted(void **state) {
        translate_text(MSH_OF("RRI^I12") "MSA|AE|M1|Cannot find the clinic\rRF1|A|||||R1^EPC\r" PID);
        assert_text(only_event("referral.declined")->referral->decline_text, "Cannot find the clinic");
        assert_null(result.events[0]->referral->decision);
        translate_text(MSH_OF("RRI^I14") "MSA|AE|M1\rRF1|A|||||R1^EPC\r" PID);
        only_event("referral.cancelled");
}

static void test_a_referral_closes_when_it_is_closed_and_not_when_it_would_have_run_out(void **state) {
        translate_text(MSH_OF("REF^I15") "RF1|C|||||R1^EPC||20301231|20240304\r" PID);
        assert_text(only_event("referral.closed")->referral->closed_at->text, "20240304");
        translate_text(MSH_OF("REF^I15") "RF1|E|||||R1^EPC||20240301|20230304\r" PID);
        assert_text(only_event("referral.closed")->referral->closed_at->text, "20240301");
}

static void test_without_a_number_of_who_refers_the_other_sides_stands_for_it(void **state) {
        translate_text(MSH_OF("RRI^I12") "RF1|A||||||||||T1^HOSPICE\r" PID);
        assert_text(only_event("referral.accepted")->referral_id->value, "T1");
}

static void test_an_emptied_field_is_told(void **state) {
        translate_text(MSH_OF("REF^I13") "RF1|P|\"\"||||R1\r" PID);
        assert_true(has_cleared(only_event("referral.changed"), "referral.priority"));
}

static void test_a_referral_of_nobody_is_a_problem(void **state) {
        translate_text(MSH_OF("REF^I12") RF1_TEXT);
        assert_problem("no-patient", "PID");
        translate_text(MSH_OF("REF^I12") RF1_TEXT PID PID);
        assert_problem("several-patients", "PID[2]");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_requests_and_answers_are_their_events),
                TEST(test_a_referral_is_carried_field_by_field),
                TEST(test_the_condition_that_says_that_it_is_first_is_first),
                TEST(test_a_refusal_says_why),
                TEST(test_what_comes_back_with_an_error_is_not_accepted),
                TEST(test_a_referral_closes_when_it_is_closed_and_not_when_it_would_have_run_out),
                TEST(test_a_message_that_the_other_side_would_not_have_is_declined),
                TEST(test_without_a_number_of_who_refers_the_other_sides_stands_for_it),
                TEST(test_an_emptied_field_is_told),
                TEST(test_a_referral_of_nobody_is_a_problem),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
