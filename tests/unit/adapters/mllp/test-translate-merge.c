/*
 * Merges: who survives, who is retired, and which number belongs to which.
 */
#include "translate-fixture.h"

static void assert_pair(const Carebus__V1__Merge *merge, size_t index, const char *surviving, const char *retired) {
        assert_true(index < merge->n_surviving && index < merge->n_retired);
        assert_string_equal(merge->surviving[index]->value, surviving);
        assert_string_equal(merge->retired[index]->value, retired);
}

static void test_each_trigger_of_the_family_is_a_merge_of_persons(void **state) {
        static const char *const triggers[] = { "ADT^A40^ADT_A39", "ADT^A34", "ADT^A18", "ADT^A30" };

        for (size_t i = 0; i < ELEMENTSOF(triggers); i++) {
                char text[512];
                Carebus__V1__Event *event;

                snprintf(text, sizeof(text),
                         "MSH|^~\\&|PAS|RA9|||20240305101500||%s|M1|P|2.4\rEVN||20240305\rPID|1||NEW1^^^RA9||SMITH^"
                         "JOHN\rMRG|OLD1^^^RA9\r",
                         triggers[i]);
                translate_text(text);
                event = only_event("patient.merged");
                assert_int_equal(event->merge->scope, CAREBUS__V1__MERGE__SCOPE__SCOPE_PERSON);
                assert_pair(event->merge, 0, "NEW1", "OLD1");
                assert_string_equal(event->patient->identifiers[0]->value, "NEW1");
                assert_int_equal(event->patient->n_identifiers, 1);
        }
}

static void test_every_group_is_an_event_of_its_own(void **state) {
        translate_text(MSH_OF("ADT^A40") "PID|1||A^^^X\rPD1||||G1^GREY\rMRG|B^^^X\rPID|2||C^^^X\rMRG|D^^^X\r");
        assert_null(result.problem_code);
        assert_int_equal(result.n_events, 2);
        assert_pair(result.events[0]->merge, 0, "A", "B");
        assert_pair(result.events[1]->merge, 0, "C", "D");
        assert_string_equal(result.events[0]->patient->demographics->general_practitioner->name->family, "GREY");
        assert_null(result.events[1]->patient->demographics->general_practitioner);
}

static void test_numbers_are_coupled_by_authority(void **state) {
        const Carebus__V1__Merge *merge;

        translate_text(MSH_OF("ADT^A40") "PID|1||9434765919^^^NHS~A1^^^RA9~L1^^^LAB\rMRG|L2^^^LAB~A2^^^RA9\r");
        merge = only_event("patient.merged")->merge;
        assert_int_equal(merge->n_surviving, 3);
        assert_int_equal(merge->n_retired, 2);
        assert_pair(merge, 0, "L1", "L2");
        assert_pair(merge, 1, "A1", "A2");
        assert_string_equal(merge->surviving[2]->value, "9434765919");
}

static void test_of_one_authority_the_type_decides(void **state) {
        const Carebus__V1__Merge *merge;

        translate_text(MSH_OF("ADT^A40") "PID|1||A1^^^RA9^PI~A2^^^RA9^MR\rMRG|B2^^^RA9^MR~B1^^^RA9^PI\r");
        merge = only_event("patient.merged")->merge;
        assert_pair(merge, 0, "A2", "B2");
        assert_pair(merge, 1, "A1", "B1");
}

static void test_what_is_left_is_coupled_by_position(void **state) {
        const Carebus__V1__Merge *merge;

        translate_text(MSH_OF("ADT^A40") "PID|1||N1^^^P~A1^^^RA9~N2^^^Q\rMRG|M1^^^R~A2^^^RA9~M2^^^S\r");
        merge = only_event("patient.merged")->merge;
        assert_pair(merge, 0, "A1", "A2");
        assert_pair(merge, 1, "N1", "M1");
        assert_pair(merge, 2, "N2", "M2");
}

static void test_a_merge_without_a_retired_person_is_an_urgent_problem(void **state) {
        translate_text(MSH_OF("ADT^A40") "PID|1||A^^^X\r");
        assert_problem("no-merged-patient", "PID");
        assert_true(result.problem_urgent);
        translate_text(MSH_OF("ADT^A40") "PID|1||A^^^X\rMRG|\r");
        assert_problem("no-identifier", "MRG-1");
        assert_true(result.problem_urgent);
        translate_text(MSH_OF("ADT^A40") "PID|1||A^^^X\rMRG|B\rPID|2||\rMRG|D\r");
        assert_problem("no-identifier", "PID[2]-3");
        assert_true(result.problem_urgent);
        translate_text(MSH_OF("ADT^A40") "EVN|A40\r");
        assert_problem("no-patient", "PID");
        assert_true(result.problem_urgent);
}

static void test_one_bad_group_takes_the_others_with_it(void **state) {
        /* Half of a message would be applied, and nobody would see which half. */
        translate_text(MSH_OF("ADT^A40") "PID|1||A^^^X\rMRG|B^^^X\rPID|2||C^^^X\rPID|3||E\rMRG|F\r");
        assert_problem("no-merged-patient", "PID[2]");
}

static void test_a_death_in_a_merge_is_notified_too(void **state) {
        translate_text(MSH_OF("ADT^A40") "PID|1||A^^^X||S|||||||||||||||||||||||||Y\rMRG|B^^^X\r");
        assert_non_null(event_of("patient.merged"));
        assert_non_null(event_of("death.notified"));
}

/* ---- moves, and other numbers for the same */

static void test_each_trigger_says_what_moves(void **state) {
        static const struct {
                const char *trigger;
                Carebus__V1__Merge__Scope scope;
                const char *former, *visit;
        } rows[] = {
                { "A41", CAREBUS__V1__MERGE__SCOPE__SCOPE_ACCOUNT, "AC9", "AC1" },
                { "A42", CAREBUS__V1__MERGE__SCOPE__SCOPE_VISIT, "V9", "V1" },
                { "A43", CAREBUS__V1__MERGE__SCOPE__SCOPE_IDENTIFIERS, NULL, NULL },
                { "A44", CAREBUS__V1__MERGE__SCOPE__SCOPE_ACCOUNT, "AC9", "AC1" },
                { "A45", CAREBUS__V1__MERGE__SCOPE__SCOPE_VISIT, "V9", "V1" },
                { "A47", CAREBUS__V1__MERGE__SCOPE__SCOPE_NUMBER, NULL, NULL },
                { "A49", CAREBUS__V1__MERGE__SCOPE__SCOPE_ACCOUNT, "AC9", "AC1" },
                { "A50", CAREBUS__V1__MERGE__SCOPE__SCOPE_VISIT, "V9", "V1" },
                { "A51", CAREBUS__V1__MERGE__SCOPE__SCOPE_VISIT, "ALT9", "ALT1" },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                char text[1024];
                Carebus__V1__Merge *merge;

                snprintf(text, sizeof(text),
                         "MSH|^~\\&|PAS|RA9|||20240305101500||ADT^%s|M1|P|2.4\r"
                         "PID|1||1^^^HOSP^MR~2^^^NHS^NH||SMITH|||||||||||||AC1\rMRG|9^^^NHS^NH~8^^^HOSP^MR||AC9||V9|"
                         "ALT9\r"
                         "PV1|1|I|W1||||||||||||||||V1|||||||||||||||||||||||||||||||ALT1\r",
                         rows[i].trigger);
                translate_text(text);
                merge = only_event("patient.moved")->merge;
                assert_int_equal(merge->scope, rows[i].scope);
                assert_int_equal(merge->n_surviving, 2);
                assert_int_equal(merge->n_retired, 2);
                for (size_t j = 0; j < 2; j++) /* coupled by authority */
                        assert_string_equal(merge->surviving[j]->authority, merge->retired[j]->authority);
                assert_true(text_equal(merge->former_visit ? merge->former_visit->value : NULL, rows[i].former));
                assert_true(text_equal(merge->visit ? merge->visit->value : NULL, rows[i].visit));
                assert_true((result.events[0]->encounter_id != NULL) ==
                            (rows[i].scope == CAREBUS__V1__MERGE__SCOPE__SCOPE_VISIT));
        }
}

static void test_each_visit_moves_with_its_own_number(void **state) {
        translate_text(MSH_OF("ADT^A45") "PID|1||1^^^HOSP\rMRG|8^^^HOSP||||V8\rPV1|1|I|||||||||||||||||V1\r"
                                         "MRG|9^^^HOSP||||V9\rPV1|2|I|||||||||||||||||V2\r");
        assert_int_equal(result.n_events, 2);
        assert_string_equal(result.events[0]->merge->visit->value, "V1");
        assert_string_equal(result.events[1]->merge->visit->value, "V2");
        assert_string_equal(result.events[1]->merge->former_visit->value, "V9");
        assert_string_equal(result.events[1]->merge->retired[0]->value, "9");
}

static void test_a_move_without_what_moves_is_an_urgent_problem(void **state) {
        translate_text(MSH_OF("ADT^A45") "PID|1||1^^^HOSP\rMRG|8^^^HOSP\r");
        assert_problem("no-visit", "MRG-5");
        assert_true(result.problem_urgent);
        translate_text(MSH_OF("ADT^A44") "PID|1||1^^^HOSP\rMRG|8^^^HOSP\r");
        assert_problem("no-account", "MRG-3");
        translate_text(MSH_OF("ADT^A47") "PID|1||1^^^HOSP\rMRG|\r");
        assert_problem("no-identifier", "MRG-1");
        translate_text(MSH_OF("ADT^A43") "PID|1||1^^^HOSP\r");
        assert_problem("no-merged-patient", "PID");
        translate_text(MSH_OF("ADT^A50") "PID|1||1^^^HOSP\rMRG|||||V9\rPV1|1|I|||||||||||||||||\r");
        assert_problem("no-visit", "MRG-5");
}

/* ---- links */

static void test_two_groups_are_linked_and_unlinked(void **state) {
        static const char *const types[][2] = { { "A24", "patient.linked" }, { "A37", "patient.unlinked" } };

        for (size_t i = 0; i < ELEMENTSOF(types); i++) {
                char text[512];
                Carebus__V1__Event *event;

                snprintf(text, sizeof(text),
                         "MSH|^~\\&|PAS|RA9|||20240305101500||ADT^%s|M1|P|2.4\r"
                         "PID|1||1^^^A~3^^^B||ONE\rPID|2||4^^^B~2^^^A||TWO\r",
                         types[i][0]);
                translate_text(text);
                event = only_event(types[i][1]);
                assert_int_equal(event->merge->scope, CAREBUS__V1__MERGE__SCOPE__SCOPE_PERSON);
                assert_int_equal(event->merge->n_surviving, 2);
                assert_int_equal(event->merge->n_retired, 2);
                assert_string_equal(event->merge->retired[0]->authority, event->merge->surviving[0]->authority);
                assert_string_equal(event->patient->demographics->names[0]->family, "ONE");
                assert_int_equal(event->action, CAREBUS__V1__ACTION__ACTION_NEW);
        }
}

static void test_a_link_with_nobody_is_an_urgent_problem(void **state) {
        translate_text(MSH_OF("ADT^A24") "PID|1||1^^^A||ONE\r");
        assert_problem("no-linked-patient", "PID[2]");
        assert_true(result.problem_urgent);
        translate_text(MSH_OF("ADT^A37") "PID|1||1^^^A||ONE\rPID|2||||TWO\r");
        assert_problem("no-identifier", "PID[2]-3");
        translate_text(MSH_OF("ADT^A24") "PV1|1\r");
        assert_problem("no-patient", "PID");
}

static void test_a_third_group_is_linked_with_the_first(void **state) {
        translate_text(MSH_OF(
                "ADT^A24") "PID|1||1^^^A||ONE\rPID|2||2^^^A||TWO\rPID|3||3^^^A||THREE|||||||||||||||||||||||||Y\r");
        assert_int_equal(result.n_events, 3);
        assert_string_equal(result.events[1]->merge->surviving[0]->value, "1");
        assert_string_equal(result.events[1]->merge->retired[0]->value, "3");
        assert_string_equal(event_of("death.notified")->patient->identifiers[0]->value, "3");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_each_trigger_of_the_family_is_a_merge_of_persons),
                TEST(test_every_group_is_an_event_of_its_own),
                TEST(test_numbers_are_coupled_by_authority),
                TEST(test_of_one_authority_the_type_decides),
                TEST(test_what_is_left_is_coupled_by_position),
                TEST(test_a_merge_without_a_retired_person_is_an_urgent_problem),
                TEST(test_one_bad_group_takes_the_others_with_it),
                TEST(test_a_death_in_a_merge_is_notified_too),
                TEST(test_each_trigger_says_what_moves),
                TEST(test_each_visit_moves_with_its_own_number),
                TEST(test_a_move_without_what_moves_is_an_urgent_problem),
                TEST(test_two_groups_are_linked_and_unlinked),
                TEST(test_a_link_with_nobody_is_an_urgent_problem),
                TEST(test_a_third_group_is_linked_with_the_first),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
