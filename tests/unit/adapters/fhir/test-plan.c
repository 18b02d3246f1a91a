/* Plans and goals. */
#include "clinical-fixture.h"

#define PLAN(status, rest)                                                                                             \
        "{\"resourceType\":\"CarePlan\",\"id\":\"cp\",\"status\":\"" status "\",\"intent\":\"plan\"," SUBJECT "," rest \
        "}"
#define GOAL(rest) "{\"resourceType\":\"Goal\",\"id\":\"g\",\"lifecycleStatus\":\"active\"," SUBJECT "," rest "}"

static void test_a_plan_has_its_problems_goals_and_activities(void **state) {
        translate(PLAN(
                "active",
                "\"contained\":[" GOAL(
                        "\"description\":{\"text\":\"Walk to the "
                        "garden\"},\"achievementStatus\":{\"text\":\"Improving\"}") "],"
                                                                                    "\"category\":[" SNOMED(
                                                                                            "736373009") "],\"title\":"
                                                                                                         "\"My "
                                                                                                         "plan\","
                                                                                                         "\"created\":"
                                                                                                         "\"2024-03-"
                                                                                                         "01\","
                                                                                                         "\"period\":{"
                                                                                                         "\"start\":"
                                                                                                         "\"2024-03-"
                                                                                                         "02\"},"
                                                                                                         "\"author\":{"
                                                                                                         "\"reference\""
                                                                                                         ":\"Practition"
                                                                                                         "er/"
                                                                                                         "d\","
                                                                                                         "\"display\":"
                                                                                                         "\"Dr "
                                                                                                         "A\"},"
                                                                                                         "\"addresses\""
                                                                                                         ":[{"
                                                                                                         "\"reference\""
                                                                                                         ":\"Condition/"
                                                                                                         "c\","
                                                                                                         "\"display\":"
                                                                                                         "\"Breathlessn"
                                                                                                         "ess\"}],"
                                                                                                         "\"goal\":[{"
                                                                                                         "\"reference\""
                                                                                                         ":\"#g\"}],"
                                                                                                         "\"activity\":"
                                                                                                         "[{\"detail\":"
                                                                                                         "{\"kind\":"
                                                                                                         "\"ServiceRequ"
                                                                                                         "est\","
                                                                                                         "\"code\":"
                                                                                                         "{\"text\":"
                                                                                                         "\"Physiothera"
                                                                                                         "py\"},"
                                                                                                         "\"status\":"
                                                                                                         "\"in-"
                                                                                                         "progress\","
                                                                                                         "\"scheduledTi"
                                                                                                         "ming\":{"
                                                                                                         "\"repeat\":{"
                                                                                                         "\"frequency\""
                                                                                                         ":2,"
                                                                                                         "\"period\":1,"
                                                                                                         "\"periodUnit"
                                                                                                         "\":\"wk\"}},"
                                                                                                         "\"performer\""
                                                                                                         ":[{"
                                                                                                         "\"reference\""
                                                                                                         ":\"Practition"
                                                                                                         "er/"
                                                                                                         "p\","
                                                                                                         "\"display\":"
                                                                                                         "\"Phil\"}],"
                                                                                                         "\"description"
                                                                                                         "\":"
                                                                                                         "\"Exercises\""
                                                                                                         "},"
                                                                                                         "\"progress\":"
                                                                                                         "[{\"text\":"
                                                                                                         "\"going "
                                                                                                         "well\"}]},{"
                                                                                                         "\"reference\""
                                                                                                         ":{"
                                                                                                         "\"reference\""
                                                                                                         ":\"ServiceReq"
                                                                                                         "uest/"
                                                                                                         "7\","
                                                                                                         "\"display\":"
                                                                                                         "\"Bed\"}}]"));
        Carebus__V1__Event *event = only_event("care_plan.published");
        Carebus__V1__CarePlan *plan = event->care_plan;

        assert_code(plan->type, SYSTEM_SNOMED_CT, "736373009");
        assert_text(event->plan_id->value, "CarePlan/cp");
        assert_when(event->occurred_at, "2024-03-01");
        assert_text(plan->authors[0]->name->text, "Dr A");
        assert_int_equal(plan->n_items, 4);
        assert_text(plan->items[0]->problem_text, "Breathlessness");
        assert_text(plan->items[1]->goal_text, "Walk to the garden");
        assert_text(plan->items[1]->outcome->text, "Improving");
        assert_text(plan->items[2]->action, "Exercises");
        assert_text(plan->items[2]->when, "2 times in 1 wk");
        assert_text(plan->items[2]->who, "Phil");
        assert_text(plan->items[2]->status, "in-progress");
        assert_text(plan->items[2]->text, "going well");
        assert_text(plan->items[3]->action, "Bed");
        assert_text(plan->items[3]->identifier->value, "ServiceRequest/7");
}

static void test_what_must_not_be_done_is_never_a_thing_to_do(void **state) {
        translate(PLAN("active", "\"activity\":[{\"detail\":{\"code\":" SNOMED(
                                         "64915003") ",\"description\":\"Tube feeding\",\"status\":"
                                                     "\"not-started\",\"doNotPerform\":true}}]"));
        Carebus__V1__CarePlanItem *item = only_event("care_plan.published")->care_plan->items[0];

        assert_text(item->action, "DO NOT: Tube feeding");
        assert_null(item->action_coded);
}

static void test_a_plan_that_is_over_is_withdrawn(void **state) {
        static const char *const statuses[] = { "completed", "revoked", "entered-in-error" };

        for (size_t i = 0; i < ELEMENTSOF(statuses); i++) {
                char json[512];

                snprintf(json, sizeof(json), PLAN("%s", "\"period\":{\"start\":\"2024-01-01\",\"end\":\"2024-02-01\"}"),
                         statuses[i]);
                translate(json);
                Carebus__V1__Event *event = only_event("care_plan.withdrawn");

                assert_when(event->care_plan->withdrawn_at, "2024-02-01");
                assert_int_equal(event->action, i == 2 ? CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR
                                                       : CAREBUS__V1__ACTION__ACTION_UPDATE);
                assert_text(event->care_plan->original_status->code, statuses[i]);
        }
}

static void test_a_review_that_was_done_makes_the_plan_reviewed(void **state) {
#define REVIEW(status)                                 \
        "\"activity\":[{\"detail\":{\"code\":" SNOMED( \
                "425268008") ",\"status\":\"" status "\",\"scheduledPeriod\":{\"start\":\"2024-05-01\"}}}]"
        translate(PLAN("active", REVIEW("completed")));
        assert_when(only_event("care_plan.reviewed")->care_plan->reviewed_at, "2024-05-01");
        translate(PLAN("active", REVIEW("scheduled")));
        assert_when(only_event("care_plan.published")->care_plan->review_at, "2024-05-01");
}

static void test_a_plan_of_words_alone_keeps_them(void **state) {
        translate(PLAN("active", "\"text\":{\"status\":\"additional\",\"div\":\"<div "
                                 "xmlns=\\\"http://www.w3.org/1999/xhtml\\\"><p>Keep &amp; "
                                 "calm</p><p>Ring the <b>hospice</b></p></div>\"}"));
        assert_text(only_event("care_plan.published")->care_plan->summary, "Keep & calm\nRing the hospice");
}

static void test_a_goal_alone_changes_an_item(void **state) {
        translate("{\"resourceType\":\"Goal\",\"id\":\"g\",\"lifecycleStatus\":\"completed\"," SUBJECT
                  ",\"description\":{\"text\":\"Stop "
                  "smoking\"},\"startDate\":\"2015-04-05\",\"statusDate\":\"2016-01-01\",\"target\":[{\"measure\":{"
                  "\"text\":\"cigarettes\"},"
                  "\"detailQuantity\":{\"value\":0,\"unit\":\"/d\"},\"dueDate\":\"2016-02-02\"}]}");
        Carebus__V1__Event *event = only_event("care_plan.item_changed");

        assert_text(event->care_plan->items[0]->status, "done");
        assert_text(event->care_plan->items[0]->value, "0 /d");
        assert_text(event->care_plan->items[0]->when, "2016-02-02");
        assert_when(event->occurred_at, "2016-01-01");
}

/* Two notes that are each short enough, and too long together. */
static void test_words_that_are_too_long_together_are_refused_and_not_cut(void **state) {
        size_t size = 200 * 1024;
        _cleanup_(buffer_deinit) Buffer json = BUFFER_NULL;
        _cleanup_(freep) char *words = malloc(size + 1);

        assert_non_null(words);
        memset(words, 'a', size);
        words[size] = 0;
        buffer_append_format(&json, PLAN("active", "\"note\":[{\"text\":\"%s\"},{\"text\":\"%s\"}]"), words, words);
        translate_bytes(buffer_bytes(&json));
        assert_text(result.reading.problem_code, "too-large");
        assert_int_equal(result.reading.n_events, 0);
}

static void test_many_goals_of_many_plans_are_found_in_one_walk(void **state) {
        _cleanup_(buffer_deinit) Buffer json = BUFFER_NULL;

        buffer_append_text(&json, "{\"resourceType\":\"Bundle\",\"type\":\"collection\",\"entry\":[");
        for (size_t i = 0; i < 400; i++)
                buffer_append_format(&json, "{\"resource\":{\"resourceType\":\"Goal\",\"id\":\"g%zu\"," SUBJECT "}},",
                                     i);
        buffer_append_text(&json, "{\"resource\":{\"resourceType\":\"CarePlan\",\"id\":\"cp\"," SUBJECT ",\"goal\":[");
        for (size_t i = 0; i < 400; i++)
                buffer_append_format(&json, "%s{\"reference\":\"Goal/g%zu\"}", i ? "," : "", i);
        buffer_append_text(&json, "]}}]}");
        translate_bytes(buffer_bytes(&json));
        assert_null(result.reading.problem_code);
        assert_int_equal(result.reading.n_events, 401);
        for (size_t i = 0; i < 400; i++)
                assert_text(result.reading.events[i]->plan_id->value, "CarePlan/cp");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_a_plan_has_its_problems_goals_and_activities),
                cmocka_unit_test(test_what_must_not_be_done_is_never_a_thing_to_do),
                cmocka_unit_test(test_a_plan_that_is_over_is_withdrawn),
                cmocka_unit_test(test_a_review_that_was_done_makes_the_plan_reviewed),
                cmocka_unit_test(test_a_plan_of_words_alone_keeps_them),
                cmocka_unit_test(test_a_goal_alone_changes_an_item),
                cmocka_unit_test(test_words_that_are_too_long_together_are_refused_and_not_cut),
                cmocka_unit_test(test_many_goals_of_many_plans_are_found_in_one_walk),
        };

        return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
