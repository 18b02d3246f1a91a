/*
 * Decisions about resuscitation, out of orders, results, persons and documents: never dropped, never guessed, ended by nothing
 * but what ends them.
 */
#include "groups-fixture.h"

#define ORDER(orc, obr) MSH_OF("ORM^O01") PID PV1 orc obr
#define DNACPR "OBR|1|||^^^^DNACPR|||||||||||||||||||||||^^^^^^^Resus Status|||||||||20240304120000\r"

static const Carebus__V1__Decision *decision_of(const char *type) {
        Carebus__V1__Event *event = only_event(type);

        assert_int_equal(event->decision->kind, CAREBUS__V1__DECISION__KIND__KIND_CPR);
        return event->decision;
}

static void test_an_order_is_a_decision_with_its_number_its_words_and_its_date(void **state) {
        const Carebus__V1__Decision *decision;

        translate_text(ORDER("ORC|NW|778899^EPC|||||||20240304121000|||G1^GREEN^ANN^^^Dr\r", DNACPR));
        decision = decision_of("cpr_decision.recorded");
        assert_int_equal(result.events[0]->action, CAREBUS__V1__ACTION__ACTION_NEW);
        assert_text(decision->identifier->value, "778899");
        assert_text(result.events[0]->order_id->value, "778899");
        assert_text(decision->decision->text, "DNACPR");
        assert_text(decision->decision_text, "DNACPR");
        assert_null(decision->decision->code); /* canon says what it means */
        assert_text(decision->decided_at->text, "20240304120000");
        assert_text(result.events[0]->occurred_at->text, "20240304120000");
        assert_text(result.events[0]->recorded_at->text, "20240304121000");
        assert_text(decision->decided_by->name->family, "GREEN");
        assert_text(result.events[0]->author->person, "G1");
        assert_int_equal(decision->status, CAREBUS__V1__DECISION__STATUS__STATUS_ACTIVE);
        assert_false(decision->has_scope);
        assert_text(result.events[0]->encounter_id->value, "V1");
}

static void test_words_that_nobody_can_read_are_a_decision_all_the_same(void **state) {
        translate_text(
                ORDER("ORC|NW|1^EPC\r", "OBR|1|||^^^^FULL ACTIVE TREATMENT|||||||||||||||||||||||Resus Status\r"));
        assert_text(decision_of("cpr_decision.recorded")->decision->text, "FULL ACTIVE TREATMENT");
        translate_text(ORDER("ORC|NW|1^EPC\r", "OBR|1||||||||||||||||||||||||||^^^^^^^Resus Status\r"));
        assert_text(decision_of("cpr_decision.recorded")->decision->text, "Resus Status");
}

static const struct {
        const char *control, *type;
        int action, status;
} controls[] = {
        { "NW", "recorded", CAREBUS__V1__ACTION__ACTION_NEW, CAREBUS__V1__DECISION__STATUS__STATUS_ACTIVE },
        { "SN", "recorded", CAREBUS__V1__ACTION__ACTION_NEW, CAREBUS__V1__DECISION__STATUS__STATUS_ACTIVE },
        { "XO", "recorded", CAREBUS__V1__ACTION__ACTION_UPDATE, CAREBUS__V1__DECISION__STATUS__STATUS_ACTIVE },
        { "HD", "recorded", CAREBUS__V1__ACTION__ACTION_UPDATE, CAREBUS__V1__DECISION__STATUS__STATUS_SUSPENDED },
        { "OC", "ended", CAREBUS__V1__ACTION__ACTION_UPDATE, CAREBUS__V1__DECISION__STATUS__STATUS_CANCELLED },
        { "CA", "ended", CAREBUS__V1__ACTION__ACTION_UPDATE, CAREBUS__V1__DECISION__STATUS__STATUS_CANCELLED },
        { "DC", "ended", CAREBUS__V1__ACTION__ACTION_UPDATE, CAREBUS__V1__DECISION__STATUS__STATUS_CANCELLED },
        { "RP", "ended", CAREBUS__V1__ACTION__ACTION_UPDATE, CAREBUS__V1__DECISION__STATUS__STATUS_SUPERSEDED },
        { "UC", "recorded", CAREBUS__V1__ACTION__ACTION_UPDATE, CAREBUS__V1__DECISION__STATUS__STATUS_ACTIVE },
        { "UA", "recorded", CAREBUS__V1__ACTION__ACTION_UPDATE, CAREBUS__V1__DECISION__STATUS__STATUS_UNKNOWN },
        { "ZZ", "recorded", CAREBUS__V1__ACTION__ACTION_UPDATE, CAREBUS__V1__DECISION__STATUS__STATUS_ACTIVE },
};

static void test_only_what_cancels_an_order_ends_its_decision(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(controls); i++) {
                const Carebus__V1__Decision *decision;
                char text[512], type[64];

                snprintf(text, sizeof(text), MSH_OF("ORM^O01") PID "ORC|%s|7^EPC|||||||20240306\r" DNACPR,
                         controls[i].control);
                snprintf(type, sizeof(type), "cpr_decision.%s", controls[i].type);
                translate_text(text);
                decision = decision_of(type);
                assert_int_equal(result.events[0]->action, controls[i].action);
                assert_int_equal(decision->status, controls[i].status);
                assert_text(decision->identifier->value, "7");
                assert_text(decision->ended_at ? decision->ended_at->text : NULL,
                            strcmp(controls[i].type, "ended") == 0 ? "20240306" : NULL);
                assert_code(decision->original_status, controls[i].control);
        }
}

static void test_an_order_entered_in_error_is_undone(void **state) {
        translate_text(MSH_OF("ORM^O01") PID "ORC|OC|7^EPC||||||||||||||EIE^Entered in error\r" DNACPR);
        assert_int_equal(decision_of("cpr_decision.ended")->status,
                         CAREBUS__V1__DECISION__STATUS__STATUS_ENTERED_IN_ERROR);
        assert_int_equal(result.events[0]->action, CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR);
}

static void test_an_order_closed_by_discharge_ends_and_says_why(void **state) {
        static const char *const ways[] = { "OC", "NW", "SC" };

        for (size_t i = 0; i < ELEMENTSOF(ways); i++) {
                const Carebus__V1__Decision *decision;
                char text[512];

                snprintf(text, sizeof(text),
                         "MSH|^~\\&|EPIC|RA9|||20240307080000|DISCHAUTO|ORM^O01|M1|P|2.4\r" PID "ORC|%s|7^EPC\r" DNACPR,
                         ways[i]);
                translate_text(text);
                decision = decision_of("cpr_decision.ended");
                assert_int_equal(result.events[0]->action, CAREBUS__V1__ACTION__ACTION_UPDATE);
                assert_int_equal(decision->status, CAREBUS__V1__DECISION__STATUS__STATUS_ENDED);
                assert_code(decision->end_reason, "DISCHAUTO");
                assert_text(decision->ended_at->text, "20240307080000");
                assert_text(decision->identifier->value, "7");
        }
}

static void test_answers_are_kept_and_plain_ones_are_understood(void **state) {
        const Carebus__V1__Decision *decision;

        translate_text(ORDER(
                "ORC|NW|1^EPC\r",
                DNACPR) "NTE|1||Does the patient have capacity?->Yes\rNTE|2||Reason for decision->Frailty\rNTE|3||and "
                        "metastatic disease\rNTE|4||Discussed with patient?->Yes - at the bedside\rNTE|5||Discussed "
                        "with "
                        "family?->No\rNTE|6||MDT discussion held?->Yes\rNTE|7||Name of consultant->Dr "
                        "Green\rNTE|8||Review "
                        "date->Indefinite\rNTE|9||Something else->maybe\r");
        decision = decision_of("cpr_decision.recorded");
        assert_int_equal(decision->n_answers, 8);
        assert_text(decision->answers[1]->answer, "Frailty\nand metastatic disease");
        assert_text(decision->answers[1]->path, "NTE[2]");
        assert_text(decision->answers[7]->question->text, "Something else");
        assert_true(decision->capacity->has_has_capacity && decision->capacity->has_capacity);
        assert_text(decision->reason_text, "Frailty\nand metastatic disease");
        assert_int_equal(decision->n_discussions, 3);
        assert_text(decision->discussions[0]->with_whom->text, "patient");
        assert_true(decision->discussions[0]->held);
        assert_text(decision->discussions[0]->text, "Yes - at the bedside");
        assert_text(decision->discussions[1]->with_whom->text, "family");
        assert_true(decision->discussions[1]->has_held && !decision->discussions[1]->held);
        assert_text(decision->discussions[2]->with_whom->text, "team");
        assert_text(decision->endorser->name->text, "Dr Green");
        assert_true(decision->review_indefinite);
        assert_null(decision->review_at);
        assert_int_equal(result.events[0]->n_notes, 0);
}

static void test_answers_that_are_not_plain_stay_answers(void **state) {
        const Carebus__V1__Decision *decision;

        translate_text(ORDER("ORC|NW|1^EPC\r", DNACPR) "NTE|1||Does the patient lack capacity?->Yes\rNTE|2||Reason not "
                                                       "discussed with patient->distress\rNTE|3||"
                                                       "Discussed with patient or family->Yes\rNTE|4||Review "
                                                       "date->when home\rNTE|5||Discussed with the team "
                                                       "yes/no->yes/no\r");
        decision = decision_of("cpr_decision.recorded");
        assert_int_equal(decision->n_answers, 5);
        assert_false(decision->capacity->has_has_capacity);
        assert_text(decision->capacity->text, "Yes");
        assert_null(decision->reason_text);
        assert_null(decision->review_at);
        assert_false(decision->has_review_indefinite);
        for (size_t i = 0; i < decision->n_discussions; i++)
                assert_false(decision->discussions[i]->has_held);
}

static void test_the_scope_is_what_is_said_and_nothing_else(void **state) {
        const Carebus__V1__Decision *decision;

        translate_text(ORDER("ORC|NW|1^EPC\r", DNACPR) "NTE|1||Decision valid for->This admission only\r");
        decision = decision_of("cpr_decision.recorded");
        assert_int_equal(decision->scope, CAREBUS__V1__DECISION__SCOPE__SCOPE_THIS_STAY);
        assert_text(decision->scope_encounter->value, "V1");
        translate_text(ORDER("ORC|NW|1^EPC\r", DNACPR) "NTE|1||Decision valid for->the time being\r");
        assert_false(decision_of("cpr_decision.recorded")->has_scope);
}

static void test_a_profile_names_the_orders_that_are_decisions(void **state) {
        use_profile("maps:\n  decision.decision:\n    signed: {by: \"Dr Green\", on: 2026-03-01}\n    C42: {system: "
                    "'http://snomed.info/sct', code: '450476008'}\n  "
                    "order.label:\n"
                    "    STAT7: {system: 'http://snomed.info/sct', code: '304251008'}\n");
        translate_text(MSH_OF("ORM^O01") PID "ORC|NW|1^EPC\rOBR|1|||C42^Ward order 42^L\r");
        assert_code(decision_of("cpr_decision.recorded")->decision, "C42");
        translate_text(MSH_OF("ORM^O01") PID "ORC|NW|1^EPC\rOBR|1|||C43^Ward order 43^L|||||||||||||||||||||||STAT7\r");
        assert_code(decision_of("cpr_decision.recorded")->decision, "C43");
        translate_text(MSH_OF("ORM^O01") PID "ORC|NW|1^EPC\rOBR|1|||C43^Ward order 43^L\r");
        assert_events("order.placed");
}

static void test_the_answer_may_stand_in_an_obx_under_the_order(void **state) {
        translate_text(MSH_OF("ORM^O01") PID
                       "ORC|NW|1^EPC\rOBR|1|||304251008^Resus status^SCT\rOBX|1|CE|304251008^Resus "
                       "status^SCT||450476008^Not for attempted CPR^SCT\rOBX|2|NM|W^Weight^L||60\r");
        assert_events("cpr_decision.recorded observation.recorded");
        assert_text(result.events[0]->decision->decision->code, "450476008");
}

/* ---- results, persons */

static void test_an_answer_to_the_question_in_any_message_is_a_decision(void **state) {
        static const char *const messages[] = {
                MSH_OF("ORU^R01") PID PV1 "OBR|1|P9^EPC||FORM^Form^L\r",
                MSH_OF("ADT^A31") PID PV1,
                MSH_OF("ADT^A01") PID PV1,
        };

        for (size_t i = 0; i < ELEMENTSOF(messages); i++) {
                Carebus__V1__Event *event;
                char text[1024];

                snprintf(text, sizeof(text), "%s%s", messages[i],
                         "OBX|1|CE|304251008^Resuscitation status^SCT||450476008^Not for attempted "
                         "CPR^SCT||||||F|||20240301||"
                         "G1^GREEN\r");
                translate_text(text);
                event = event_of("cpr_decision.recorded");
                assert_non_null(event);
                assert_text(event->decision->decision->code, "450476008");
                assert_text(event->decision->decided_at->text, "20240301");
                assert_text(event->decision->decided_by->name->family, "GREEN");
                assert_text(event->occurred_at->text, "20240301");
                assert_false(event->decision->has_scope);
        }
}

static void test_yes_and_no_are_no_decision_that_anybody_can_read(void **state) {
        translate_text(MSH_OF("ADT^A31") PID "OBX|1|ST|DNACPR^DNACPR^L||Yes\r");
        assert_text(event_of("cpr_decision.recorded")->decision->decision->text, "DNACPR: Yes");
        assert_null(event_of("cpr_decision.recorded")->decision->decision->code);
        translate_text(MSH_OF("ADT^A31") PID "OBX|1|IS|CPR^CPR status^L||N\r");
        assert_text(event_of("cpr_decision.recorded")->decision->decision->text, "CPR status: N");
}

static void test_a_statement_with_yes_is_that_decision_and_with_no_nobody_knows(void **state) {
        translate_text(MSH_OF("ADT^A31") PID "OBX|1|IS|450476008^Not for attempted CPR^SCT||Y\r");
        assert_text(event_of("cpr_decision.recorded")->decision->decision->code, "450476008");
        translate_text(MSH_OF("ADT^A31") PID "OBX|1|IS|450476008^Not for attempted CPR^SCT||N\r");
        assert_null(event_of("cpr_decision.recorded")->decision->decision->code);
        assert_text(event_of("cpr_decision.recorded")->decision->decision->text, "Not for attempted CPR: N");
}

static void test_an_empty_question_decides_nothing_and_ends_nothing(void **state) {
        translate_text(MSH_OF("ADT^A31") PID "OBX|1|ST|304251008^Resus status^SCT||\r");
        assert_null(event_of("cpr_decision.recorded"));
        assert_null(event_of("cpr_decision.ended"));
        assert_non_null(event_of("observation.recorded"));
        translate_text(MSH_OF("ADT^A31") PID "OBX|1|ST|304251008^Resus status^SCT||\"\"\r");
        assert_null(event_of("cpr_decision.ended"));
        assert_true(has_cleared(event_of("observation.recorded"), "observation.value"));
}

static void test_a_decision_of_a_result_that_was_wrong_is_undone(void **state) {
        translate_text(MSH_OF("ORU^R01") PID "OBR|1|P9^EPC||X\rOBX|1|ST|X^Resus status^L||DNACPR||||||W\r");
        assert_int_equal(decision_of("cpr_decision.ended")->status,
                         CAREBUS__V1__DECISION__STATUS__STATUS_ENTERED_IN_ERROR);
        assert_int_equal(result.events[0]->action, CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR);
}

static void test_a_decision_that_is_deleted_without_its_words_is_undone_by_its_number(void **state) {
        static const char *const codes[] = { "D", "W" };

        for (size_t i = 0; i < ELEMENTSOF(codes); i++) {
                char text[512];

                snprintf(text, sizeof(text), "%s" PID "OBR|1|P9^EPC||X\rOBX|1|ST|X^Resus status^L||||||||%s\r",
                         MSH_OF("ORU^R01"), codes[i]);
                translate_text(text);
                assert_events("cpr_decision.ended");
                assert_int_equal(result.events[0]->action, CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR);
                assert_text(result.events[0]->decision->identifier->value, "P9");
                assert_null(result.events[0]->decision->decision);
        }
        translate_text(MSH_OF("ORU^R01") PID "OBR|1|P9^EPC||X\rOBX|1|ST|X^Resus status^L||||||||F\r");
        assert_null(event_of("cpr_decision.ended"));
        translate_text(MSH_OF("ORU^R01") PID "OBX|1|ST|X^Resus status^L||||||||D\r"); /* of which one? */
        assert_null(event_of("cpr_decision.ended"));
}

static void test_a_decision_that_could_not_be_obtained_is_not_active(void **state) {
        translate_text(MSH_OF("ORU^R01") PID "OBR|1|P9^EPC||X\rOBX|1|ST|X^Resus status^L||DNACPR||||||X\r");
        assert_int_equal(decision_of("cpr_decision.recorded")->status, CAREBUS__V1__DECISION__STATUS__STATUS_UNKNOWN);
}

static void test_an_order_is_known_by_any_name_that_speaks_of_a_decision(void **state) {
        static const struct {
                const char *name, *type;
        } rows[] = {
                { "DNACPR Order (adult)", "cpr_decision.recorded" },
                { "Adult resuscitation status", "cpr_decision.recorded" },
                { "Review of do not attempt CPR", "cpr_decision.recorded" },
                { "Resuscitation trolley check", "order.placed" },
                { "CPR training", "order.placed" },
                { "Adnacprol 5 mg", "order.placed" },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                char text[512];

                snprintf(text, sizeof(text), "%s" PID "ORC|NW|7^EPC\rOBR|1|7^EPC||^^^^%s\r", MSH_OF("ORM^O01"),
                         rows[i].name);
                translate_text(text);
                assert_events(rows[i].type);
                if (result.events[0]->body_case == CAREBUS__V1__EVENT__BODY_DECISION)
                        assert_text(result.events[0]->decision->decision_text, rows[i].name);
        }
}

static void test_a_question_beside_the_decision_is_no_decision(void **state) {
        static const char *const beside[] = { "Date of DNACPR decision", "DNACPR discussed",
                                              "Reason for CPR decision" };

        for (size_t i = 0; i < ELEMENTSOF(beside); i++) {
                char text[512];

                snprintf(text, sizeof(text), "%s" PID "OBR|1|P9^EPC||X\rOBX|1|ST|X^%s^L||Frailty||||||F\r",
                         MSH_OF("ORU^R01"), beside[i]);
                translate_text(text);
                assert_events("observation.recorded");
        }
        translate_text(MSH_OF("ORU^R01") PID "OBR|1|P9^EPC||X\rOBX|1|ST|X^Current resuscitation status^L||See form\r");
        assert_text(decision_of("cpr_decision.recorded")->decision_text, "See form");
}

static void test_an_answer_about_resuscitation_is_told_whatever_the_question(void **state) {
        const Carebus__V1__Decision *decision;

        translate_text(MSH_OF("ORU^R01") PID "OBR|1|P9^EPC||X\rOBX|1|CE|Z^Ceiling of care line 4^L||450476008^Not for "
                                             "attempted CPR^SCT||||||F\r");
        assert_events("cpr_decision.recorded observation.recorded");
        decision = result.events[0]->decision;
        assert_text(decision->decision->code, "meaning-not-known"); /* what the question makes of it, nobody knows */
        assert_text(decision->decision->text, "Ceiling of care line 4: Not for attempted CPR");
        translate_text(MSH_OF("ORU^R01") PID "OBR|1|P9^EPC||X\rOBX|1|ST|Z^Potassium^L||DNR||||||F\r");
        assert_events("observation.recorded"); /* a laboratory did not run it */
}

static void test_several_answers_of_one_order_do_not_take_each_others_place(void **state) {
        translate_text(MSH_OF("ORU^R01") PID "OBR|1|P9^EPC||X\rOBX|1|ST|A^CPR decision^L||DNACPR||||||F\r"
                                             "OBX|2|ST|B^DNACPR in place^L||Yes||||||F\r");
        assert_events("cpr_decision.recorded cpr_decision.recorded");
        assert_text(result.events[0]->decision->identifier->value, "P9");
        assert_text(result.events[0]->order_id->value, "P9");
        assert_text(result.events[1]->decision->identifier->value, "P9/B");
        assert_null(result.events[1]->order_id); /* by which the bus tells decisions apart */
        translate_text(MSH_OF("ORU^R01") PID "OBR|1|P9^EPC||X\rOBX|2|ST|B^DNACPR in place^L||||||||D\r");
        assert_text(decision_of("cpr_decision.ended")->identifier->value, "P9/B"); /* the decision itself stands */
}

static void test_other_decisions_are_told_by_their_codes(void **state) {
        Carebus__V1__Event *event;

        translate_text(MSH_OF("ADT^A31") PID
                       "OBX|1|CE|395091006^Preferred place of death^SCT||110481000000108^Home^SCT\rOBX|2|"
                       "IS|816301000000100^Has ADRT^SCT||Y\rOBX|3|ST|PPD2^Preferred place of death 2^L||hospice\r");
        event = event_of("preference.place_of_death");
        assert_int_equal(event->decision->kind, CAREBUS__V1__DECISION__KIND__KIND_PREFERRED_PLACE_OF_DEATH);
        assert_text(event->decision->place->code, "110481000000108");
        assert_text(event_of("adrt.recorded")->decision->decision->code, "816301000000100");
        assert_int_equal(result.events[result.n_events - 1]->decision->rank, 2);
}

/* ---- documents */

static void test_a_form_about_resuscitation_is_told_of_though_nobody_read_it(void **state) {
        Carebus__V1__Event *event;

        translate_text(MSH_OF("MDM^T02") PID
                       "TXA|1|DNACPR^DNACPR form^L||||||||||D1^DMS\rOBX|1|ED|X^Form^L||^AP^PDF^Base64^QUJD\r");
        assert_events("document.available cpr_decision.recorded");
        event = result.events[1];
        assert_text(event->decision->decision->code, "meaning-not-known");
        assert_text(event->decision->decision->system, "carebus:decision");
        assert_text(event->decision->documents[0]->value, "D1");
        translate_text(MSH_OF("MDM^T11") PID "TXA|1|DNACPR^DNACPR form^L||||||||||D1^DMS\r");
        assert_events("document.cancelled cpr_decision.ended");
        assert_int_equal(result.events[1]->action, CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR);
}

static void test_an_order_of_nobody_is_an_urgent_problem(void **state) {
        translate_text(MSH_OF("ORM^O01") "ORC|NW|1\r" DNACPR);
        assert_problem("no-patient", "PID");
        assert_true(result.problem_urgent);
        translate_text(MSH_OF("ORM^O01") "PID|1||||SMITH\rORC|NW|1\r" DNACPR);
        assert_problem("no-identifier", "PID-3");
        assert_true(result.problem_urgent);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_an_order_is_a_decision_with_its_number_its_words_and_its_date),
                TEST(test_words_that_nobody_can_read_are_a_decision_all_the_same),
                TEST(test_only_what_cancels_an_order_ends_its_decision),
                TEST(test_an_order_entered_in_error_is_undone),
                TEST(test_an_order_closed_by_discharge_ends_and_says_why),
                TEST(test_answers_are_kept_and_plain_ones_are_understood),
                TEST(test_answers_that_are_not_plain_stay_answers),
                TEST(test_the_scope_is_what_is_said_and_nothing_else),
                TEST(test_a_profile_names_the_orders_that_are_decisions),
                TEST(test_the_answer_may_stand_in_an_obx_under_the_order),
                TEST(test_an_answer_to_the_question_in_any_message_is_a_decision),
                TEST(test_yes_and_no_are_no_decision_that_anybody_can_read),
                TEST(test_a_statement_with_yes_is_that_decision_and_with_no_nobody_knows),
                TEST(test_an_empty_question_decides_nothing_and_ends_nothing),
                TEST(test_a_decision_of_a_result_that_was_wrong_is_undone),
                TEST(test_a_decision_that_is_deleted_without_its_words_is_undone_by_its_number),
                TEST(test_a_decision_that_could_not_be_obtained_is_not_active),
                TEST(test_an_order_is_known_by_any_name_that_speaks_of_a_decision),
                TEST(test_a_question_beside_the_decision_is_no_decision),
                TEST(test_an_answer_about_resuscitation_is_told_whatever_the_question),
                TEST(test_several_answers_of_one_order_do_not_take_each_others_place),
                TEST(test_other_decisions_are_told_by_their_codes),
                TEST(test_a_form_about_resuscitation_is_told_of_though_nobody_read_it),
                TEST(test_an_order_of_nobody_is_an_urgent_problem),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
