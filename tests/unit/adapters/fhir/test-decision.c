/* Decisions, flags and consents: never dropped, never guessed, never turned round. */
#include "clinical-fixture.h"

#define DNACPR "450476008"
#define ATTEMPT "450475007"
#define KIND(name) CAREBUS__V1__DECISION__KIND__KIND_##name
#define STATUS(name) CAREBUS__V1__DECISION__STATUS__STATUS_##name

static void assert_unknown(const Carebus__V1__Event *event, const char *text) {
        assert_string_equal(event->type, "cpr_decision.recorded");
        assert_code(event->decision->decision, SYSTEM_CAREBUS_DECISION, CODE_MEANING_NOT_KNOWN);
        assert_text(event->decision->decision->text, text);
}

static void test_a_flag_of_a_resuscitation_code_is_a_decision_with_its_order_id(void **state) {
        translate("{\"resourceType\":\"Flag\",\"id\":\"f1\",\"identifier\":[{\"system\":\"urn:orders\",\"value\":"
                  "\"77\"}],"
                  "\"status\":\"active\",\"code\":" SNOMED(
                          DNACPR) "," SUBJECT ",\"encounter\":{\"reference\":\"Encounter/e1\"},"
                                  "\"period\":{\"start\":\"2024-03-05T10:00:00Z\"},\"author\":{\"reference\":"
                                  "\"Practitioner/d1\",\"display\":\"Dr A\"}}");
        Carebus__V1__Event *event = only_event("cpr_decision.recorded");

        assert_int_equal(event->action, CAREBUS__V1__ACTION__ACTION_NEW);
        assert_code(event->decision->decision, SYSTEM_SNOMED_CT, DNACPR);
        assert_int_equal(event->decision->kind, KIND(CPR));
        assert_int_equal(event->decision->status, STATUS(ACTIVE));
        assert_text(event->order_id->value, "77");
        assert_text(event->decision->identifier->value, "77");
        assert_when(event->decision->decided_at, "2024-03-05T10:00:00Z");
        assert_when(event->occurred_at, "2024-03-05T10:00:00Z");
        assert_text(event->decision->decided_by->name->text, "Dr A");
        assert_text(event->encounter_id->value, "Encounter/e1");
        assert_false(event->decision->has_scope);
}

static void test_an_older_code_becomes_the_newer_one_and_stays_beside_it(void **state) {
        translate("{\"resourceType\":\"Flag\",\"id\":\"f1\",\"status\":\"active\",\"code\":" SNOMED(
                "304253006") "," SUBJECT "}");
        Carebus__V1__Event *event = only_event("cpr_decision.recorded");

        assert_code(event->decision->decision, SYSTEM_SNOMED_CT, DNACPR);
        assert_text(event->decision->decision->original->code, "304253006");
}

static void test_a_flag_that_is_over_ends_the_decision_and_decides_nothing(void **state) {
        translate("{\"resourceType\":\"Flag\",\"id\":\"f1\",\"status\":\"inactive\",\"code\":" SNOMED(
                DNACPR) "," SUBJECT ","
                        "\"period\":{\"start\":\"2024-03-05\",\"end\":\"2024-03-09\"}}");
        Carebus__V1__Event *event = only_event("cpr_decision.ended");

        assert_int_equal(event->action, CAREBUS__V1__ACTION__ACTION_UPDATE);
        assert_int_equal(event->decision->status, STATUS(ENDED));
        assert_code(event->decision->decision, SYSTEM_SNOMED_CT, DNACPR);
        assert_when(event->decision->ended_at, "2024-03-09");
        assert_when(event->occurred_at, "2024-03-09");
}

static void test_a_decision_entered_in_error_ends_as_that(void **state) {
        translate("{\"resourceType\":\"Flag\",\"id\":\"f1\",\"status\":\"entered-in-error\",\"code\":" SNOMED(
                DNACPR) "," SUBJECT "}");
        Carebus__V1__Event *event = only_event("cpr_decision.ended");

        assert_int_equal(event->action, CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR);
        assert_int_equal(event->decision->status, STATUS(ENTERED_IN_ERROR));
}

static void test_words_that_can_mean_one_thing_only_are_read_and_others_are_not(void **state) {
        translate("{\"resourceType\":\"Observation\",\"id\":\"o1\",\"status\":\"final\",\"code\":" SNOMED(
                "304251008") "," SUBJECT ","
                             "\"valueString\":\"Not for attempted CPR\"}");
        assert_code(only_event("cpr_decision.recorded")->decision->decision, SYSTEM_SNOMED_CT, DNACPR);
        translate("{\"resourceType\":\"Observation\",\"id\":\"o1\",\"status\":\"final\",\"code\":" SNOMED(
                "304251008") "," SUBJECT ","
                             "\"valueString\":\"Full active treatment\"}");
        assert_unknown(only_event("cpr_decision.recorded"), "Full active treatment");
}

static void test_yes_and_no_about_resuscitation_mean_nothing_known(void **state) {
        translate("{\"resourceType\":\"Observation\",\"id\":\"o1\",\"status\":\"final\",\"code\":{\"text\":\"DNACPR\"}"
                  "," SUBJECT ","
                  "\"valueBoolean\":false}");
        assert_unknown(only_event("cpr_decision.recorded"), "DNACPR: false");
        translate("{\"resourceType\":\"Observation\",\"id\":\"o1\",\"status\":\"final\",\"code\":{\"text\":\"DNACPR\"}"
                  "," SUBJECT ","
                  "\"valueString\":\"Yes\"}");
        assert_unknown(only_event("cpr_decision.recorded"), "DNACPR: Yes");
}

static void test_a_question_that_was_not_answered_decides_nothing(void **state) {
        translate("{\"resourceType\":\"Observation\",\"id\":\"o1\",\"status\":\"final\",\"code\":" SNOMED(
                "304251008") "," SUBJECT ","
                             "\"dataAbsentReason\":{\"coding\":[{\"system\":\"http://terminology.hl7.org/CodeSystem/"
                             "data-absent-reason\","
                             "\"code\":\"asked-unknown\"}]}}");
        Carebus__V1__Event *event = only_event("observation.recorded");

        assert_text(event->observation->absent_reason->code, "asked-unknown");
}

static void test_a_statement_with_yes_is_that_decision_and_with_no_is_not(void **state) {
        translate("{\"resourceType\":\"Observation\",\"id\":\"o1\",\"status\":\"final\",\"code\":" SNOMED(
                DNACPR) "," SUBJECT ","
                        "\"valueBoolean\":true}");
        assert_code(only_event("cpr_decision.recorded")->decision->decision, SYSTEM_SNOMED_CT, DNACPR);
        translate("{\"resourceType\":\"Observation\",\"id\":\"o1\",\"status\":\"final\",\"code\":" SNOMED(
                DNACPR) "," SUBJECT ","
                        "\"valueBoolean\":false}");
        assert_code(only_event("cpr_decision.recorded")->decision->decision, SYSTEM_CAREBUS_DECISION,
                    CODE_MEANING_NOT_KNOWN);
        translate("{\"resourceType\":\"Observation\",\"id\":\"o1\",\"status\":\"final\",\"code\":" SNOMED(
                DNACPR) "," SUBJECT "}");
        assert_code(only_event("cpr_decision.recorded")->decision->decision, SYSTEM_SNOMED_CT, DNACPR);
        translate("{\"resourceType\":\"Observation\",\"id\":\"o1\",\"status\":\"final\",\"code\":" SNOMED(
                "816301000000100") "," SUBJECT ",\"valueBoolean\":false}");
        only_event("observation.recorded");
}

static void test_a_code_and_words_that_contradict_each_other_are_shown_as_not_known(void **state) {
        translate("{\"resourceType\":\"Observation\",\"id\":\"o1\",\"status\":\"final\",\"code\":" SNOMED(
                "304251008") "," SUBJECT ","
                             "\"valueCodeableConcept\":{\"coding\":[{\"system\":\"http://snomed.info/"
                             "sct\",\"code\":\"" ATTEMPT "\","
                             "\"display\":\"Not for attempted cardiopulmonary resuscitation\"}],\"text\":\"see "
                             "form\"}}");
        Carebus__V1__Event *event = only_event("cpr_decision.recorded");

        assert_code(event->decision->decision, SYSTEM_CAREBUS_DECISION, CODE_MEANING_NOT_KNOWN);
        assert_text(event->decision->decision->original->code, ATTEMPT);
}

static void test_two_codes_of_one_element_that_say_both_are_neither(void **state) {
        static const char *const elements[] = {
                "{\"resourceType\":\"Observation\",\"id\":\"o1\",\"status\":\"final\",\"code\":" SNOMED(
                        "304251008") "," SUBJECT ",\"valueCodeableConcept\":%s}",
                "{\"resourceType\":\"Flag\",\"id\":\"f1\",\"status\":\"active\",\"code\":%s," SUBJECT "}",
                "{\"resourceType\":\"Condition\",\"id\":\"c1\",\"code\":%s," SUBJECT "}",
        };
        static const char *const values[] = {
                "{\"coding\":[{\"system\":\"http://snomed.info/sct\",\"code\":\"" ATTEMPT "\"},"
                "{\"system\":\"http://snomed.info/sct\",\"code\":\"" DNACPR "\"}]}",
                "{\"coding\":[{\"system\":\"http://snomed.info/sct\",\"code\":\"" ATTEMPT "\"}],"
                "\"text\":\"DNACPR - not for resuscitation\"}",
        };
        char text[1024];

        for (size_t i = 0; i < ELEMENTSOF(elements); i++)
                for (size_t k = 0; k < ELEMENTSOF(values); k++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
                        snprintf(text, sizeof(text), elements[i], values[k]);
#pragma GCC diagnostic pop
                        translate(text);
                        const Carebus__V1__Decision *decision = only_event("cpr_decision.recorded")->decision;

                        assert_code(decision->decision, SYSTEM_CAREBUS_DECISION, CODE_MEANING_NOT_KNOWN);
                        assert_non_null(strcasestr(decision->decision_text, "for attempted cardio"));
                        assert_non_null(strcasestr(decision->decision_text, "not for "));
                }
}

static void test_a_flag_that_speaks_of_resuscitation_in_its_own_words_is_no_mere_alert(void **state) {
        translate("{\"resourceType\":\"Flag\",\"id\":\"f1\",\"status\":\"active\",\"code\":{\"text\":"
                  "\"Not for resuscitation - see form\"}," SUBJECT "}");
        assert_unknown(only_event("cpr_decision.recorded"), "Not for resuscitation - see form");
}

static void test_a_decision_said_where_nobody_looks_for_one_is_told_beside_it(void **state) {
        /* An activity of a plan, a goal, a problem in the sender's words, a value of another observation. */
        translate("{\"resourceType\":\"CarePlan\",\"id\":\"p\",\"status\":\"active\",\"intent\":\"plan\"," SUBJECT
                  ",\"activity\":[{\"detail\":{\"status\":\"in-progress\",\"code\":" SNOMED(DNACPR) "}}]}");
        assert_unknown(the_event("cpr_decision.recorded"), DNACPR);
        assert_non_null(event_of("care_plan.published"));
        translate("{\"resourceType\":\"Goal\",\"id\":\"g\",\"lifecycleStatus\":\"active\"," SUBJECT
                  ",\"description\":{\"text\":\"DNACPR, comfort\"}}");
        assert_unknown(the_event("cpr_decision.recorded"), "DNACPR, comfort");
        translate("{\"resourceType\":\"Condition\",\"id\":\"c\"," SUBJECT
                  ",\"code\":{\"text\":\"Not for resuscitation (May)\"}}");
        assert_unknown(the_event("cpr_decision.recorded"), "Not for resuscitation (May)");
        assert_non_null(event_of("condition.recorded"));
        translate("{\"resourceType\":\"Observation\",\"id\":\"o\",\"status\":\"final\",\"code\":{\"text\":\"Ceiling\"}"
                  "," SUBJECT ",\"valueString\":\"Ward based care, DNACPR\"}");
        assert_unknown(the_event("cpr_decision.recorded"), "Ward based care, DNACPR");
        /* What only speaks of it is not one. */
        translate("{\"resourceType\":\"Condition\",\"id\":\"c\"," SUBJECT
                  ",\"code\":{\"text\":\"Rib fracture after CPR\"}}");
        only_event("condition.recorded");
}

static void test_a_form_of_somebodys_own_that_asks_about_resuscitation_says_a_decision(void **state) {
#define OWN_FORM(question, answer)                                                                                   \
        "{\"resourceType\":\"QuestionnaireResponse\",\"id\":\"q\",\"status\":\"completed\",\"questionnaire\":\"urn:" \
        "own\"," SUBJECT ",\"item\":[{\"linkId\":\"2\",\"text\":\"" question "\",\"answer\":[" answer "]}]}"
        translate(OWN_FORM("DNACPR in place?", "{\"valueBoolean\":true}"));
        assert_unknown(the_event("cpr_decision.recorded"), "DNACPR in place?: true");
        translate(OWN_FORM("Anything else", "{\"valueString\":\"has a DNACPR\"}"));
        assert_unknown(the_event("cpr_decision.recorded"), "Anything else: has a DNACPR");
        translate(OWN_FORM("Anything else", "{\"valueString\":\"has a dog\"}"));
        assert_null(event_of("cpr_decision.recorded"));
}

static void test_a_consent_with_names_that_contradict_each_other_decides_nothing(void **state) {
        translate("{\"resourceType\":\"Consent\",\"id\":\"c\",\"status\":\"active\"," PATIENT
                  ",\"category\":[" SNOMED(DNACPR) "," SNOMED(ATTEMPT) "]}");
        assert_code(only_event("cpr_decision.recorded")->decision->decision, SYSTEM_CAREBUS_DECISION,
                    CODE_MEANING_NOT_KNOWN);
        /* Words in a place that says no decision are one of unknown meaning. */
        translate("{\"resourceType\":\"Consent\",\"id\":\"c\",\"status\":\"active\"," PATIENT
                  ",\"category\":[{\"text\":\"DNACPR form signed\"}]}");
        assert_unknown(the_event("cpr_decision.recorded"), "DNACPR form signed");
}

static void test_a_problem_that_is_not_confirmed_is_a_draft_of_a_decision(void **state) {
        translate("{\"resourceType\":\"Condition\",\"id\":\"c\"," SUBJECT
                  ",\"code\":" SNOMED(DNACPR) ",\"verificationStatus\":"
                                              "{\"coding\":[{\"system\":\"http://terminology.hl7.org/CodeSystem/"
                                              "condition-ver-status\",\"code\":\"provisional\"}]}}");
        assert_int_equal(only_event("cpr_decision.recorded")->decision->status, STATUS(DRAFT));
}

static void test_a_map_that_nobody_signed_makes_a_decision_of_unknown_meaning(void **state) {
        use_profile("maps:\n  observation.code:\n    RESUS: {system: http://snomed.info/sct, code: \"" DNACPR "\"}\n");
        translate("{\"resourceType\":\"Observation\",\"id\":\"o1\",\"status\":\"final\",\"code\":{\"coding\":[{"
                  "\"system\":\"urn:local\","
                  "\"code\":\"RESUS\"}]}," SUBJECT ",\"valueString\":\"option B\"}");
        assert_unknown(only_event("cpr_decision.recorded"), "option B");
        fixture_teardown(NULL);
        fixture_setup(NULL);
}

static void test_a_component_that_is_a_decision_is_one_and_stays_a_part(void **state) {
        translate("{\"resourceType\":\"Observation\",\"id\":\"o1\",\"status\":\"final\",\"code\":{\"text\":\"Summary\"}"
                  "," SUBJECT ","
                  "\"component\":[{\"code\":{\"text\":\"Weight\"},\"valueQuantity\":{\"value\":61.50,\"unit\":\"kg\"}},"
                  "{\"code\":" SNOMED("365870005") ",\"valueCodeableConcept\":" SNOMED(DNACPR) "}]}");
        Carebus__V1__Event *event = the_event("cpr_decision.recorded");

        assert_int_equal(result.reading.n_events, 2);
        assert_code(event->decision->decision, SYSTEM_SNOMED_CT, DNACPR);
        assert_text(event->decision->identifier->value, "Observation/o1#component-1");
        assert_int_equal(the_event("observation.recorded")->observation->n_parts, 2);
        assert_text(the_event("observation.recorded")->observation->parts[0]->value->value, "61.50");
}

static void test_a_condition_that_is_a_decision_is_one(void **state) {
        translate("{\"resourceType\":\"Condition\",\"id\":\"c1\",\"clinicalStatus\":{\"coding\":[{\"code\":\"active\"}]"
                  "},\"code\":" SNOMED(DNACPR) "," SUBJECT ",\"recordedDate\":\"2024-01-02\"}");
        assert_when(only_event("cpr_decision.recorded")->decision->decided_at, "2024-01-02");
}

static void test_refusals_and_attorneys_and_places_are_their_kinds(void **state) {
        Carebus__V1__Event *event;

        translate("{\"resourceType\":\"Flag\",\"id\":\"a\",\"status\":\"active\",\"code\":" SNOMED(
                "816321000000109") "," SUBJECT "}");
        event = only_event("adrt.recorded");
        assert_true(event->decision->has_life_sustaining && event->decision->life_sustaining);
        translate("{\"resourceType\":\"Flag\",\"id\":\"a\",\"status\":\"active\",\"code\":" SNOMED(
                "962601000000103") "," SUBJECT "}");
        event = only_event("adrt.ended");
        assert_int_equal(event->decision->status, STATUS(RETRACTED));
        translate("{\"resourceType\":\"Flag\",\"id\":\"l\",\"status\":\"active\",\"code\":" SNOMED(
                "816361000000101") "," SUBJECT "}");
        assert_int_equal(only_event("lpa.recorded")->decision->kind, KIND(LPA));
        translate("{\"resourceType\":\"Observation\",\"id\":\"p\",\"status\":\"final\",\"code\":" SNOMED(
                "395091006") "," SUBJECT ","
                             "\"valueCodeableConcept\":" SNOMED("108401000000102") "}");
        event = only_event("preference.place_of_death");
        assert_code(event->decision->place, SYSTEM_SNOMED_CT, "108401000000102");
        assert_code(event->decision->decision, SYSTEM_SNOMED_CT, "108401000000102");
        assert_false(event->decision->has_rank);
}

static void test_a_register_is_a_need_and_leaving_it_is_its_removal(void **state) {
        translate("{\"resourceType\":\"Flag\",\"id\":\"r\",\"status\":\"active\",\"code\":" SNOMED(
                "526631000000108") "," SUBJECT ","
                                   "\"period\":{\"start\":\"2024-01-01\"}}");
        Carebus__V1__Event *event = only_event("palliative_need.identified");

        assert_true(event->palliative_need->has_on_register && event->palliative_need->on_register);
        assert_when(event->palliative_need->identified_at, "2024-01-01");
        translate("{\"resourceType\":\"Flag\",\"id\":\"r\",\"status\":\"inactive\",\"code\":" SNOMED(
                "526631000000108") "," SUBJECT "}");
        event = only_event("palliative_need.removed");
        assert_true(event->palliative_need->has_on_register && !event->palliative_need->on_register);
}

static void test_any_other_flag_is_an_alert(void **state) {
        translate("{\"resourceType\":\"Flag\",\"id\":\"x\",\"status\":\"active\",\"category\":[{\"text\":\"Safety\"}],"
                  "\"code\":{\"text\":\"Big dog\"}," SUBJECT ",\"period\":{\"start\":\"2015-01-17\"}}");
        Carebus__V1__Event *event = only_event("alert.raised");

        assert_text(event->alert->text, "Big dog");
        assert_text(event->alert->kind->text, "Safety");
        translate("{\"resourceType\":\"Flag\",\"id\":\"x\",\"status\":\"inactive\",\"code\":{\"text\":\"Big "
                  "dog\"}," SUBJECT "}");
        assert_text(only_event("alert.cleared")->alert->status, "cleared");
        translate("{\"resourceType\":\"Flag\",\"id\":\"x\",\"status\":\"entered-in-error\",\"code\":{\"text\":\"Big "
                  "dog\"}," SUBJECT "}");
        assert_int_equal(only_event("alert.cleared")->action, CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR);
}

/* ---- consents */

#define CONSENT(scope, rest)                                                                                          \
        "{\"resourceType\":\"Consent\",\"id\":\"c\",\"status\":\"active\"," PATIENT ",\"dateTime\":\"2024-02-02\","   \
        "\"scope\":{\"coding\":[{\"system\":\"http://terminology.hl7.org/CodeSystem/consentscope\",\"code\":\"" scope \
        "\"}]}," rest "}"
#define CATEGORY(code_)                                                                   \
        "\"category\":[{\"coding\":[{\"system\":\"http://terminology.hl7.org/CodeSystem/" \
        "consentcategorycodes\",\"code\":\"" code_ "\"}]}]"
#define RULE(code_)                                                                        \
        "\"policyRule\":{\"coding\":[{\"system\":\"http://terminology.hl7.org/CodeSystem/" \
        "v3-ActCode\",\"code\":\"" code_ "\"}]}"
#define STATE(name) CAREBUS__V1__CONSENT__STATE__STATE_##name

static void test_a_consent_says_what_its_rule_says_and_nothing_where_it_has_none(void **state) {
        translate(CONSENT("patient-privacy", RULE("OPTIN")));
        assert_int_equal(only_event("consent.recorded")->consent->state, STATE(GIVEN));
        assert_int_equal(only_event("consent.recorded")->consent->kind, CAREBUS__V1__CONSENT__KIND__KIND_SHARE);
        translate(CONSENT("patient-privacy", RULE("OPTOUT")));
        assert_int_equal(only_event("consent.recorded")->consent->state, STATE(REFUSED));
        translate(CONSENT("treatment", "\"provision\":{\"type\":\"deny\"}"));
        assert_int_equal(only_event("consent.recorded")->consent->state, STATE(REFUSED));
        assert_int_equal(only_event("consent.recorded")->consent->kind, CAREBUS__V1__CONSENT__KIND__KIND_TREATMENT);
        translate(CONSENT("treatment", CATEGORY("npp")));
        assert_int_equal(only_event("consent.recorded")->consent->state, STATE(UNKNOWN));
}

static void test_a_consent_with_an_exception_is_not_read_as_given(void **state) {
        translate(CONSENT(
                "patient-privacy",
                RULE("OPTIN") ",\"provision\":{\"type\":\"deny\",\"actor\":[{\"role\":{\"text\":\"recipient\"},"
                              "\"reference\":{\"reference\":\"Organization/o1\",\"display\":\"St Elsewhere\"}}]}"));
        Carebus__V1__Event *event = only_event("consent.recorded");

        assert_int_equal(event->consent->state, STATE(UNKNOWN));
        assert_int_equal(event->consent->n_with_organisations, 0);
        assert_non_null(strstr(event->consent->scope_text, "deny: actor St Elsewhere"));
        translate(CONSENT("patient-privacy",
                          "\"provision\":{\"type\":\"permit\",\"provision\":[{\"type\":\"deny\",\"class\":[{\"code\":"
                          "\"Observation\"}]}]}"));
        assert_int_equal(only_event("consent.recorded")->consent->state, STATE(UNKNOWN));
}

static void test_a_consent_that_no_longer_counts_is_withdrawn(void **state) {
        translate("{\"resourceType\":\"Consent\",\"id\":\"c\",\"status\":\"inactive\"," PATIENT "," RULE("OPTIN") "}");
        assert_int_equal(only_event("consent.withdrawn")->consent->state, STATE(WITHDRAWN));
        translate("{\"resourceType\":\"Consent\",\"id\":\"c\",\"status\":\"inactive\"," PATIENT "," RULE("OPTOUT") "}");
        assert_int_equal(only_event("consent.withdrawn")->consent->state, STATE(REFUSED));
        translate("{\"resourceType\":\"Consent\",\"id\":\"c\",\"status\":\"entered-in-error\"," PATIENT
                  "," RULE("OPTIN") "}");
        assert_int_equal(only_event("consent.recorded")->action, CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR);
}

static void test_the_record_sharing_codes_say_their_state(void **state) {
        translate(CONSENT("patient-privacy", "\"category\":[" SNOMED("882921000000109") "]"));
        assert_int_equal(only_event("consent.recorded")->consent->state, STATE(GIVEN));
        translate(CONSENT("patient-privacy", "\"category\":[" SNOMED("882941000000102") "]"));
        assert_int_equal(only_event("consent.withdrawn")->consent->state, STATE(WITHDRAWN));
        assert_when(only_event("consent.withdrawn")->consent->withdrawn_at, "2024-02-02");
}

static void test_an_advance_directive_is_a_refusal_only_where_it_denies(void **state) {
        translate(CONSENT("adr", "\"provision\":{\"type\":\"deny\",\"code\":[{\"text\":\"Artificial ventilation\"}]}"));
        Carebus__V1__Event *event = only_event("adrt.recorded");

        assert_non_null(strstr(event->decision->text, "Artificial ventilation"));
        assert_when(event->decision->decided_at, "2024-02-02");
        translate(CONSENT("adr", "\"provision\":{\"type\":\"permit\"}"));
        only_event("advance_statement.recorded");
        translate(CONSENT("adr", CATEGORY("acd")));
        assert_int_equal(only_event("decision.recorded")->decision->kind, KIND(OTHER));
}

static void test_a_dnr_consent_with_a_provision_is_not_guessed(void **state) {
        translate(CONSENT("adr", CATEGORY("dnr") ",\"provision\":{\"type\":\"deny\"}"));
        assert_code(only_event("cpr_decision.recorded")->decision->decision, SYSTEM_CAREBUS_DECISION,
                    CODE_MEANING_NOT_KNOWN);
        translate(CONSENT("adr", CATEGORY("dnr") ",\"provision\":{\"type\":\"permit\"}"));
        assert_code(only_event("cpr_decision.recorded")->decision->decision, SYSTEM_CAREBUS_DECISION,
                    CODE_MEANING_NOT_KNOWN);
        translate(CONSENT("adr", "\"category\":[" SNOMED(DNACPR) "],\"provision\":{\"type\":\"deny\"}"));
        assert_code(only_event("cpr_decision.recorded")->decision->decision, SYSTEM_CAREBUS_DECISION,
                    CODE_MEANING_NOT_KNOWN);
        translate(CONSENT("adr", "\"category\":[" SNOMED(DNACPR) "]"));
        assert_code(only_event("cpr_decision.recorded")->decision->decision, SYSTEM_SNOMED_CT, DNACPR);
}

static void test_an_attorney_of_a_consent_is_named(void **state) {
        translate("{\"resourceType\":\"Consent\",\"id\":\"c\",\"status\":\"active\"," PATIENT
                  ",\"contained\":[{\"resourceType\":"
                  "\"RelatedPerson\",\"id\":\"d\",\"patient\":{\"reference\":\"Patient/"
                  "p1\"},\"name\":[{\"family\":\"Doe\"}]}],"
                  "\"category\":[" SNOMED("816381000000105") "],\"performer\":[{\"reference\":\"#d\"}]}");
        Carebus__V1__Event *event = only_event("lpa.recorded");

        assert_true(event->decision->life_sustaining);
        assert_int_equal(event->decision->n_attorneys, 1);
        assert_text(event->decision->attorneys[0]->person->name->family, "Doe");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_a_flag_of_a_resuscitation_code_is_a_decision_with_its_order_id),
                cmocka_unit_test(test_an_older_code_becomes_the_newer_one_and_stays_beside_it),
                cmocka_unit_test(test_a_flag_that_is_over_ends_the_decision_and_decides_nothing),
                cmocka_unit_test(test_a_decision_entered_in_error_ends_as_that),
                cmocka_unit_test(test_words_that_can_mean_one_thing_only_are_read_and_others_are_not),
                cmocka_unit_test(test_yes_and_no_about_resuscitation_mean_nothing_known),
                cmocka_unit_test(test_a_question_that_was_not_answered_decides_nothing),
                cmocka_unit_test(test_a_statement_with_yes_is_that_decision_and_with_no_is_not),
                cmocka_unit_test(test_a_code_and_words_that_contradict_each_other_are_shown_as_not_known),
                cmocka_unit_test(test_two_codes_of_one_element_that_say_both_are_neither),
                cmocka_unit_test(test_a_flag_that_speaks_of_resuscitation_in_its_own_words_is_no_mere_alert),
                cmocka_unit_test(test_a_decision_said_where_nobody_looks_for_one_is_told_beside_it),
                cmocka_unit_test(test_a_form_of_somebodys_own_that_asks_about_resuscitation_says_a_decision),
                cmocka_unit_test(test_a_consent_with_names_that_contradict_each_other_decides_nothing),
                cmocka_unit_test(test_a_problem_that_is_not_confirmed_is_a_draft_of_a_decision),
                cmocka_unit_test(test_a_map_that_nobody_signed_makes_a_decision_of_unknown_meaning),
                cmocka_unit_test(test_a_component_that_is_a_decision_is_one_and_stays_a_part),
                cmocka_unit_test(test_a_condition_that_is_a_decision_is_one),
                cmocka_unit_test(test_refusals_and_attorneys_and_places_are_their_kinds),
                cmocka_unit_test(test_a_register_is_a_need_and_leaving_it_is_its_removal),
                cmocka_unit_test(test_any_other_flag_is_an_alert),
                cmocka_unit_test(test_a_consent_says_what_its_rule_says_and_nothing_where_it_has_none),
                cmocka_unit_test(test_a_consent_with_an_exception_is_not_read_as_given),
                cmocka_unit_test(test_a_consent_that_no_longer_counts_is_withdrawn),
                cmocka_unit_test(test_the_record_sharing_codes_say_their_state),
                cmocka_unit_test(test_an_advance_directive_is_a_refusal_only_where_it_denies),
                cmocka_unit_test(test_a_dnr_consent_with_a_provision_is_not_guessed),
                cmocka_unit_test(test_an_attorney_of_a_consent_is_named),
        };

        return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
