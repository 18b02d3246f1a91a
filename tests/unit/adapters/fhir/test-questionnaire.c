/* Forms: each answer is kept, decisions are found in them, and what was not answered says nothing. */
#include "clinical-fixture.h"

#define DNACPR "450476008"
#define EOLC "https://fhir.nhs.uk/Questionnaire/EOLC"
#define RESPECT "https://example.fhir.nhs.uk/Questionnaire/ReSPECT"
#define OTHER "http://example.org/Questionnaire/"

/* An item: its answer, as value[x] and what stands in it. GROUP opens one, END closes the last. */
typedef struct Item {
        const char *link_id, *text, *type, *value;
} Item;
#define GROUP(link, text) \
        { link, text, NULL, NULL }
#define END \
        { NULL, NULL, "end", NULL }
#define UNANSWERED(link, text) \
        { link, text, "none", NULL }
#define STRING(link, text, said) \
        { link, text, "valueString", "\"" said "\"" }
#define NUMBER(link, text, said) \
        { link, text, "valueDecimal", said }
#define TRUTH(link, text, said) \
        { link, text, "valueBoolean", said }
#define TIME(link, text, said) \
        { link, text, "valueDateTime", "\"" said "\"" }
#define CODE(link, text, code_) \
        { link, text, "valueCoding", "{\"system\":\"http://snomed.info/sct\",\"code\":\"" code_ "\"}" }
#define WORDS(link, text, display_) \
        { link, text, "valueCoding", "{\"display\":\"" display_ "\"}" }

static void items_write(Buffer *json, const Item *items, size_t n_items) {
        bool is_first = true;

        for (size_t i = 0; i < n_items; i++) {
                const Item *item = &items[i];

                if (!item->link_id) {
                        buffer_append_text(json, "]}");
                        is_first = false;
                        continue;
                }
                buffer_append_format(json, "%s{\"linkId\":\"%s\",\"text\":\"%s\"", is_first ? "" : ",", item->link_id,
                                     item->text);
                is_first = !item->type;
                if (!item->type)
                        buffer_append_text(json, ",\"item\":[");
                else if (!item->value)
                        buffer_append_text(json, "}");
                else
                        buffer_append_format(json, ",\"answer\":[{\"%s\":%s}]}", item->type, item->value);
        }
}

/* `more`: further members, each with a comma before it. */
static void translate_items(const char *form, const char *status, const char *more, const Item *items, size_t n_items) {
        _cleanup_(buffer_deinit) Buffer json = BUFFER_NULL;

        buffer_append_format(&json,
                             "{\"resourceType\":\"QuestionnaireResponse\",\"id\":\"q1\",\"questionnaire\":\"%s\","
                             "\"status\":\"%s\"," SUBJECT ",\"authored\":\"2024-03-05T10:00:00Z\"%s,\"item\":[",
                             form, status, more);
        items_write(&json, items, n_items);
        buffer_append_text(&json, "]}");
        assert_int_equal(json.error, 0);
        translate_bytes(buffer_bytes(&json));
}
#define translate_form(form, status, more, ...) \
        translate_items(form, status, more, (const Item[]){ __VA_ARGS__ }, ELEMENTSOF(((const Item[]){ __VA_ARGS__ })))

static size_t count_of(const char *type) {
        size_t n = 0;

        for (size_t i = 0; i < result.reading.n_events; i++)
                n += strcmp(result.reading.events[i]->type, type) == 0;
        return n;
}

static void test_the_end_of_life_form_is_a_plan_with_its_decision_and_preference(void **state) {
        translate_form(EOLC, "completed", ",\"author\":{\"reference\":\"Practitioner/d1\",\"display\":\"Dr A\"}",
                       GROUP("CPR", "CPR Status"), CODE("CPR001.1", "CPR Status", DNACPR),
                       STRING("CPR001.2", "Reason for CPR status", "Advanced frailty"), GROUP("CPR001.6", "Discussion"),
                       CODE("CPR001.6.1", "Coded", "713656002"), STRING("CPR001.6.2", "Text", "Daughter"), END,
                       GROUP("CPR001.7", "Aware"), CODE("CPR001.7.1", "Coded", "845151000000104"), END, END,
                       GROUP("PREF", "Preferences"), CODE("PRE001.1.2", "Coded", "108401000000102"),
                       STRING("PRE001.2", "Preferences and Wishes", "Garden view"),
                       TIME("PRE001.4", "Date", "2024-02-01"), END);
        Carebus__V1__Event *plan = the_event("care_plan.published"), *cpr = the_event("cpr_decision.recorded");
        Carebus__V1__Event *place = the_event("preference.place_of_death");

        assert_int_equal(result.reading.n_events, 3);
        assert_int_equal(plan->care_plan->n_answers, 8);
        assert_text(plan->care_plan->answers[0]->question->text, "CPR Status: CPR Status");
        assert_text(plan->care_plan->what_matters, "Garden view");
        assert_code(cpr->decision->decision, SYSTEM_SNOMED_CT, DNACPR);
        assert_text(cpr->decision->identifier->value, "QuestionnaireResponse/q1#cpr");
        assert_text(cpr->decision->form_identifier->value, "QuestionnaireResponse/q1");
        assert_text(cpr->decision->reason_text, "Advanced frailty");
        assert_text(cpr->decision->decided_by->name->text, "Dr A");
        assert_int_equal(cpr->decision->n_discussions, 1);
        assert_text(cpr->decision->discussions[0]->text, "Daughter");
        assert_true(cpr->decision->discussions[0]->held);
        assert_true(cpr->decision->awareness[0]->has_aware && !cpr->decision->awareness[0]->aware);
        assert_code(place->decision->place, SYSTEM_SNOMED_CT, "108401000000102");
        assert_when(place->decision->decided_at, "2024-02-01");
}

static void test_respect_is_an_escalation_with_all_answers_and_a_decision(void **state) {
        translate_form(RESPECT, "completed", "", STRING("2554609755642", "ReSPECT Summary", "MND"),
                       STRING("914986869542", "What I most fear / wish to avoid", "Choking"),
                       WORDS("7415469232414", "Clinical focus", "Prioritise comfort"),
                       STRING("5712690658400", "Clinical guidance", "No PEG"),
                       STRING("6194338778785", "CPR decision", "CPR attempts NOT recommended"),
                       TIME("6788228603760", "Date of CPR decision", "2024-01-31"),
                       WORDS("1554704924421", "Capacity?", "Does not have capacity"),
                       WORDS("8143298459836", "Status", "Absent"));
        Carebus__V1__Event *plan = the_event("treatment_escalation.recorded"),
                           *cpr = the_event("cpr_decision.recorded");

        assert_int_equal(result.reading.n_events, 2); /* no attorney: that there is none is no event */
        assert_int_equal(plan->decision->n_answers, 8);
        assert_text(plan->decision->summary, "MND");
        assert_text(plan->decision->what_feared, "Choking");
        assert_text(plan->decision->focus->text, "Prioritise comfort");
        assert_int_equal(plan->decision->n_guidance, 1);
        assert_text(plan->decision->guidance[0], "No PEG");
        assert_code(cpr->decision->decision, SYSTEM_SNOMED_CT, DNACPR);
        assert_when(cpr->decision->decided_at, "2024-01-31");
        assert_when(cpr->occurred_at, "2024-01-31");
        assert_true(cpr->decision->capacity->has_has_capacity && !cpr->decision->capacity->has_capacity);
}

static void test_a_resuscitation_answer_that_can_mean_either_is_not_guessed(void **state) {
        translate_form(RESPECT, "completed", "", WORDS("6194338778785", "CPR decision", "Option A"));
        assert_code(the_event("cpr_decision.recorded")->decision->decision, SYSTEM_CAREBUS_DECISION,
                    CODE_MEANING_NOT_KNOWN);
        translate_form(OTHER "admission", "completed", "", TRUTH("9", "DNACPR", "true"));
        assert_code(the_event("cpr_decision.recorded")->decision->decision, SYSTEM_CAREBUS_DECISION,
                    CODE_MEANING_NOT_KNOWN);
        assert_non_null(event_of("observation.recorded"));
}

static void test_a_question_without_an_answer_makes_nothing(void **state) {
        translate_form(EOLC, "completed", "", GROUP("CPR", "CPR"), UNANSWERED("CPR001.1", "CPR Status"), END);
        Carebus__V1__Event *plan = only_event("care_plan.published");

        assert_int_equal(plan->care_plan->n_answers, 0);
}

static void test_a_decision_code_is_found_in_a_form_that_nobody_knows(void **state) {
        translate_form(OTHER "handover", "completed", "", CODE("17", "Anything else?", DNACPR),
                       STRING("18", "Food", "good"));
        assert_code(the_event("cpr_decision.recorded")->decision->decision, SYSTEM_SNOMED_CT, DNACPR);
        assert_int_equal(the_event("observation.recorded")->observation->n_parts, 2);
        assert_int_equal(result.reading.n_events, 2);
}

static void test_the_codes_of_a_questionnaire_in_the_message_name_its_items(void **state) {
        translate_form(
                "#f", "completed",
                ",\"contained\":[{\"resourceType\":\"Questionnaire\",\"id\":\"f\",\"title\":\"Ward form\",\"item\":[{"
                "\"linkId\":\"g\",\"item\":[{\"linkId\":\"7\",\"code\":[{\"system\":\"http://snomed.info/"
                "sct\",\"code\":"
                "\"365870005\"}]}]}]}]",
                GROUP("g", "Group"), CODE("7", "Status", DNACPR), END);
        Carebus__V1__Event *event = the_event("cpr_decision.recorded");

        assert_code(event->decision->decision, SYSTEM_SNOMED_CT, DNACPR);
        assert_code(the_event("observation.recorded")->observation->parts[0]->code, SYSTEM_SNOMED_CT, "365870005");
}

static void test_a_scale_is_a_score_with_its_items(void **state) {
        translate_form(OTHER "IPOS|2.0", "completed", ",\"source\":{\"reference\":\"Patient/p1\"}",
                       { "pain", "Pain", "valueCoding",
                         "{\"code\":\"p2\",\"display\":\"Moderately\",\"extension\":[{\"url\":\"http://hl7.org/fhir/"
                         "StructureDefinition/"
                         "ordinalValue\",\"valueDecimal\":2}]}" },
                       STRING("concerns", "Main problems or concerns", "Sleep"),
                       NUMBER("total-score", "Total score", "17"));
        Carebus__V1__Measure *measure = only_event("outcome.measured")->measure;

        assert_text(measure->scale->code, "ipos");
        assert_text(measure->total->value, "17");
        assert_int_equal(measure->respondent, CAREBUS__V1__MEASURE__RESPONDENT__RESPONDENT_PATIENT);
        assert_int_equal(measure->n_items, 2);
        assert_text(measure->items[0]->score->value, "2");
        assert_int_equal(measure->n_main_concerns, 1);
        assert_text(measure->main_concerns[0], "Sleep");
}

static void test_no_total_is_worked_out_that_nobody_said(void **state) {
        translate_form(OTHER "ipos", "completed", "", NUMBER("pain", "Pain", "2"), NUMBER("nausea", "Nausea", "1"));
        assert_null(only_event("outcome.measured")->measure->total);
        translate_form(OTHER "AKPS", "completed", "", NUMBER("1", "Score", "60"));
        assert_text(only_event("outcome.measured")->measure->total->value, "60");
}

static void test_a_form_about_anything_else_is_an_observation_with_its_answers(void **state) {
        translate_form(OTHER "satisfaction", "completed", "", GROUP("1", "Food"), NUMBER("1.1", "How was it?", "4.50"),
                       TRUTH("1.2", "Enough?", "true"), END);
        Carebus__V1__Observation *body = only_event("observation.recorded")->observation;

        assert_text(body->category->code, "survey");
        assert_int_equal(body->n_parts, 2);
        assert_text(body->parts[0]->code->text, "Food: How was it?");
        assert_text(body->parts[0]->value->value, "4.50");
        assert_true(body->parts[1]->has_value_bool && body->parts[1]->value_bool);
}

static void test_that_there_is_no_advance_decision_is_no_decision(void **state) {
        translate_form(OTHER "admission", "completed", "", STRING("1", "Advance decision to refuse treatment", "No"));
        only_event("observation.recorded");
        translate_form(OTHER "admission", "completed", "",
                       STRING("1", "Advance decision to refuse treatment", "Yes, at the practice"));
        assert_text(the_event("adrt.recorded")->decision->decision_text, "Yes, at the practice");
}

static void test_a_score_among_other_answers_is_a_score(void **state) {
        translate_form(OTHER "admission", "completed", "", NUMBER("1", "AKPS", "50"));
        assert_text(the_event("outcome.measured")->measure->total->value, "50");
        assert_text(the_event("outcome.measured")->measure->identifier->value, "QuestionnaireResponse/q1#1");
}

static void test_a_form_entered_in_error_takes_its_decisions_with_it(void **state) {
        translate_form(EOLC, "entered-in-error", "", CODE("CPR001.1", "CPR Status", DNACPR));
        assert_int_equal(the_event("cpr_decision.ended")->action, CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR);
        assert_int_equal(the_event("care_plan.withdrawn")->action, CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR);
        assert_int_equal(count_of("cpr_decision.recorded"), 0);
}

static void test_a_form_that_is_not_finished_is_a_draft(void **state) {
        translate_form(EOLC, "in-progress", "", CODE("CPR001.1", "CPR Status", DNACPR));
        assert_int_equal(the_event("cpr_decision.recorded")->decision->status,
                         CAREBUS__V1__DECISION__STATUS__STATUS_DRAFT);
        assert_text(the_event("care_plan.published")->care_plan->status, "draft");
}

/* An answer below `n` groups. */
static void translate_groups(size_t n) {
        static char json[65536];

        strcpy(json, "{\"resourceType\":\"QuestionnaireResponse\",\"id\":\"q1\",\"status\":\"completed\"," SUBJECT);
        for (size_t i = 0; i < n; i++)
                strcat(json, ",\"item\":[{\"linkId\":\"a\"");
        strcat(json, ",\"answer\":[{\"valueString\":\"here\"}]");
        for (size_t i = 0; i < n; i++)
                strcat(json, "}]");
        strcat(json, "}");
        translate(json);
}

static void test_an_answer_deep_in_groups_is_read_and_one_beyond_all_depth_is_refused(void **state) {
        translate_groups(24);
        assert_text(only_event("observation.recorded")->observation->parts[0]->value_text, "here");
        translate_groups(200);
        assert_text(result.reading.problem_code, "parse-too-deep");
        assert_int_equal(result.reading.n_events, 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_the_end_of_life_form_is_a_plan_with_its_decision_and_preference),
                cmocka_unit_test(test_respect_is_an_escalation_with_all_answers_and_a_decision),
                cmocka_unit_test(test_a_resuscitation_answer_that_can_mean_either_is_not_guessed),
                cmocka_unit_test(test_a_question_without_an_answer_makes_nothing),
                cmocka_unit_test(test_a_decision_code_is_found_in_a_form_that_nobody_knows),
                cmocka_unit_test(test_the_codes_of_a_questionnaire_in_the_message_name_its_items),
                cmocka_unit_test(test_a_scale_is_a_score_with_its_items),
                cmocka_unit_test(test_no_total_is_worked_out_that_nobody_said),
                cmocka_unit_test(test_a_form_about_anything_else_is_an_observation_with_its_answers),
                cmocka_unit_test(test_that_there_is_no_advance_decision_is_no_decision),
                cmocka_unit_test(test_a_score_among_other_answers_is_a_score),
                cmocka_unit_test(test_a_form_entered_in_error_takes_its_decisions_with_it),
                cmocka_unit_test(test_a_form_that_is_not_finished_is_a_draft),
                cmocka_unit_test(test_an_answer_deep_in_groups_is_read_and_one_beyond_all_depth_is_refused),
        };

        return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
