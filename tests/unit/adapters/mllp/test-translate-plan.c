/*
 * Problems and goals of a plan.
 */
#include "groups-fixture.h"

#define PRB                                                                                               \
        "PRB|AD|20240304|PAIN^Pain^L|B1^EPC||2|20240101||20240201||PHYS^Physical|||ACTIVE||20231201|for " \
        "weeks|1^High\r"
#define GOL "GOL|AD|20240304|G^Pain below 3^L|G1^EPC||1|20240101|20240301||||||||MET^Met|slept well|ACHIEVED\r"

static const struct {
        const char *trigger, *action;
        int expected;
        const char *status;
} triggers[] = {
        { "PPR^PC1", "AD", CAREBUS__V1__ACTION__ACTION_NEW, "in-progress" },
        { "PPR^PC2", "UP", CAREBUS__V1__ACTION__ACTION_UPDATE, "in-progress" },
        { "PPR^PC3", "DE", CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR, "entered-in-error" },
        { "PPR^PC3", "AD", CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR, "entered-in-error" },
        { "PPR^PC2", "DE", CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR, "entered-in-error" },
        { "PGL^PC6", "AD", CAREBUS__V1__ACTION__ACTION_NEW, "in-progress" },
        { "PGL^PC7", "UP", CAREBUS__V1__ACTION__ACTION_UPDATE, "in-progress" },
        { "PGL^PC8", "DE", CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR, "entered-in-error" },
};

static void test_each_trigger_changes_an_item(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(triggers); i++) {
                bool is_goal = triggers[i].trigger[1] == 'G';
                Carebus__V1__Event *event;
                char text[512];

                snprintf(text, sizeof(text),
                         "MSH|^~\\&|EPIC|RA9|||20240305||%s|M1|P|2.4\r" PID "%s|%s|20240304|X^Thing^L|B1^EPC%sACTIVE\r",
                         triggers[i].trigger, is_goal ? "GOL" : "PRB", triggers[i].action,
                         is_goal ? "||||||||||||||" : "||||||||||");
                translate_text(text);
                event = only_event("care_plan.item_changed");
                assert_int_equal(event->action, triggers[i].expected);
                assert_int_equal(event->care_plan->n_items, 1);
                assert_text(event->care_plan->items[0]->status, triggers[i].status);
                assert_text(event->care_plan->items[0]->identifier->value, "B1");
                assert_text(event->occurred_at->text, "20240304");
        }
}

static void test_a_problem_is_carried_field_by_field(void **state) {
        const Carebus__V1__CarePlanItem *item;

        translate_text(MSH_OF("PPR^PC1") PID PV1 PRB
                       "NTE|1||worse at night\rROL|1|AD|PCP^Nurse|N1^NURSE\rPTH|AD|P1^Palliative pathway^L|"
                       "W1^EPC|20240102\rOBX|1|NM|S^Pain score^L||7\r");
        assert_events("care_plan.item_changed observation.recorded");
        item = result.events[0]->care_plan->items[0];
        assert_code(item->problem, "PAIN");
        assert_text(item->problem_text, "Pain");
        assert_code(item->domain, "PHYS");
        assert_code(item->original_status, "ACTIVE");
        assert_text(item->status, "in-progress");
        assert_text(item->onset_at->text, "20231201");
        assert_text(item->text, "for weeks\nworse at night");
        assert_code(item->priority, "1");
        assert_text(item->period->start->text, "20240101");
        assert_text(item->period->end->text, "20240201");
        assert_text(item->responsible->name->family, "NURSE");
        assert_text(item->responsible->role->text, "Nurse");
        assert_text(result.events[0]->plan_id->value, "W1");
        assert_text(result.events[0]->care_plan->title, "Palliative pathway");
        assert_text(result.events[0]->encounter_id->value, "V1");
}

static void test_goals_belong_to_the_problem_above_them(void **state) {
        const Carebus__V1__CarePlan *plan;

        translate_text(MSH_OF("PPR^PC1") PID PRB GOL "NTE|1||of the goal\rPRB|AD|20240304|NAUSEA^Nausea^L|B2^EPC\r");
        assert_events("care_plan.item_changed care_plan.item_changed");
        plan = result.events[0]->care_plan;
        assert_int_equal(plan->n_items, 2);
        assert_text(plan->items[1]->identifier->value, "G1");
        assert_code(plan->items[1]->goal, "G");
        assert_code(plan->items[1]->problem, "PAIN");
        assert_code(plan->items[1]->outcome, "MET");
        assert_text(plan->items[1]->status, "done");
        assert_text(plan->items[1]->text, "slept well\nof the goal");
        assert_int_equal(result.events[1]->care_plan->n_items, 1);
}

static void test_problems_belong_to_the_goal_above_them(void **state) {
        const Carebus__V1__CarePlan *plan;

        translate_text(MSH_OF("PGL^PC6") PID GOL PRB);
        plan = only_event("care_plan.item_changed")->care_plan;
        assert_int_equal(plan->n_items, 2);
        assert_text(plan->items[0]->identifier->value, "G1");
        assert_code(plan->items[1]->goal, "G");
        assert_code(plan->items[1]->problem, "PAIN");
}

static void test_a_decision_that_a_plan_speaks_of_is_a_decision(void **state) {
        translate_text(MSH_OF("PPR^PC1") PID PRB "OBX|1|ST|R^Resus status^L||DNACPR\r");
        assert_events("care_plan.item_changed cpr_decision.recorded");
}

static void test_an_item_without_number_or_name_is_a_problem(void **state) {
        translate_text(MSH_OF("PPR^PC1") PID "PRB|AD|20240304|PAIN^Pain^L\r");
        assert_problem("no-identifier", "PRB-4");
        translate_text(MSH_OF("PPR^PC1") PID "PRB|AD|20240304||B1\r");
        assert_problem("no-code", "PRB-3");
        translate_text(MSH_OF("PPR^PC1") PID PRB "GOL|AD|20240304|G^Goal^L\r");
        assert_problem("no-identifier", "GOL-4");
        translate_text(MSH_OF("PGL^PC6") PID);
        assert_problem("no-plan-item", "GOL");
        translate_text(MSH_OF("PPR^PC1") PRB);
        assert_problem("no-patient", "PID");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_each_trigger_changes_an_item),
                TEST(test_a_problem_is_carried_field_by_field),
                TEST(test_goals_belong_to_the_problem_above_them),
                TEST(test_problems_belong_to_the_goal_above_them),
                TEST(test_a_decision_that_a_plan_speaks_of_is_a_decision),
                TEST(test_an_item_without_number_or_name_is_a_problem),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
