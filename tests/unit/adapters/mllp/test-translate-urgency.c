/*
 * What nobody here can read must not wait unseen where it may be about a decision, a death, a merge or an allergy.
 */
#include "groups-fixture.h"

/* A trigger that no table has, with what makes it urgent. */
#define UNKNOWN(segments) MSH_OF("XYZ^Z01") segments

static const char *const urgent[] = {
        UNKNOWN(PID "NTE|1||Patient has a DNACPR in place\r"),
        UNKNOWN(PID "NTE|1||not for CPR.\r"),
        UNKNOWN(PID "NTE|1||uDNACPR seen\r"),
        UNKNOWN(PID "NTE|1||ReSPECT form\r"),
        UNKNOWN(PID "OBX|1|CE|304251008^Status^SCT||x\r"),
        UNKNOWN(PID "OBX|1|CE|X||450476008\r"),
        UNKNOWN(PID "OBX|1|CE|X||816301000000100^ADRT^SCT\r"),
        UNKNOWN(PID "OBX|1|CE|395091006||x\r"),
        UNKNOWN(PID "OBX|1|ST|CEIL^Ceiling of care^L||ward\r"),
        UNKNOWN(PID "AL1|1|DA|P\r"),
        UNKNOWN(PID "IAM|1|DA|P\r"),
        UNKNOWN(PID "MRG|B2\r"),
        UNKNOWN(PID "NTE|1||allergic to nuts\r"),
        UNKNOWN(PID "NTE|1||found dead\r"),
        UNKNOWN("PID|1||A1||X|||||||||||||||||||||||||Y\r"),
        UNKNOWN("PID|1||A1||X||||||||||||||||||||||||20240301\r"),
        UNKNOWN(PID "PV1|1|I||||||||||||||||||||||||||||||||||20\r"),
        UNKNOWN(PID "PV1|1|I|||||||||||||||||||||||||||||||||||79\r"),
};

static const char *const calm[] = {
        UNKNOWN(PID),
        UNKNOWN(PID "NTE|1||With respect, please ring the ward\r"),
        UNKNOWN(PID "NTE|1||seen in the scrub room\r"),
        UNKNOWN(PID "OBX|1|NM|123456789^Weight^L||60\r"),
        UNKNOWN("PID|1||A1||X|||||||||||||||||||||||||N\r"),
        UNKNOWN(PID "PV1|1|I||||||||||||||||||||||||||||||||||1|19\r"),
};

static void test_what_may_matter_is_urgent_and_nothing_else(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(urgent); i++) {
                translate_text(urgent[i]);
                assert_problem("unhandled-trigger", "MSH-9");
                if (!result.problem_urgent)
                        print_message("# row %zu\n", i);
                assert_true(result.problem_urgent);
        }
        for (size_t i = 0; i < ELEMENTSOF(calm); i++) {
                translate_text(calm[i]);
                assert_problem("unhandled-trigger", "MSH-9");
                if (result.problem_urgent)
                        print_message("# row %zu\n", i);
                assert_false(result.problem_urgent);
        }
}

static void test_a_code_that_the_profile_maps_to_a_decision_is_urgent(void **state) {
        use_profile("maps:\n  decision.decision:\n    signed: {by: \"Dr Green\", on: 2026-03-01}\n    C42: {system: "
                    "'http://snomed.info/sct', code: '450476008'}\n  observation.code:\n    Q7: {system: "
                    "'http://snomed.info/sct', code: "
                    "'304251008'}\n    W1: {system: 'http://loinc.org', code: '29463-7'}\n");
        translate_text(UNKNOWN(PID "OBR|1|||c42^Ward order^L\r"));
        assert_true(result.problem_urgent);
        translate_text(UNKNOWN(PID "OBX|1|ST|Q7^Status^L||x\r"));
        assert_true(result.problem_urgent);
        translate_text(UNKNOWN(PID "OBX|1|ST|W1^Weight^L||60\r"));
        assert_false(result.problem_urgent);
}

static void test_a_known_message_that_cannot_be_used_is_urgent_by_what_it_says(void **state) {
        translate_text(MSH_OF("ORU^R01") "OBR|1\rOBX|1|ST|R^Resus status^L||DNACPR\r");
        assert_problem("no-patient", "PID");
        assert_true(result.problem_urgent);
        translate_text(MSH_OF("MDM^T02") PID "TXA|1|DNACPR^Form||||||||||D1\rOBX|1|ED|X||S^AP^PDF^Base64^*\r");
        assert_string_equal(result.problem_code, "bad-base64");
        assert_true(result.problem_urgent);
        translate_text(MSH_OF("MDM^T02") PID "TXA|1|L^Letter||||||||||D1\rOBX|1|ED|X||S^AP^PDF^Base64^*\r");
        assert_string_equal(result.problem_code, "bad-base64");
        assert_false(result.problem_urgent);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_what_may_matter_is_urgent_and_nothing_else),
                TEST(test_a_code_that_the_profile_maps_to_a_decision_is_urgent),
                TEST(test_a_known_message_that_cannot_be_used_is_urgent_by_what_it_says),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
