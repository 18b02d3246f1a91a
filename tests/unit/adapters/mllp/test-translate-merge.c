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
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
