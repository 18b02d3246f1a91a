/* What the bus itself understands: never more than a text says, and every table finds its own rows. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "canon/vocabulary.h"
#include "proto/types.h"

static void test_codes_of_a_decision_about_resuscitation_are_known(void **state) {
        assert_int_equal(cpr_meaning_of_code(SYSTEM_SNOMED_CT, "450475007"), CPR_ATTEMPT);
        assert_int_equal(cpr_meaning_of_code(SYSTEM_SNOMED_CT, "450476008"), CPR_DO_NOT_ATTEMPT);
        assert_int_equal(cpr_meaning_of_code(SYSTEM_SNOMED_CT, "304252001"), CPR_ATTEMPT);
        assert_int_equal(cpr_meaning_of_code("SCT", "304253006"), CPR_DO_NOT_ATTEMPT);
        /* a number without whose it is, of another, or that is no answer */
        assert_int_equal(cpr_meaning_of_code(NULL, "450476008"), CPR_NOT_KNOWN);
        assert_int_equal(cpr_meaning_of_code("", "450476008"), CPR_NOT_KNOWN);
        assert_int_equal(cpr_meaning_of_code("urn:local", "450476008"), CPR_NOT_KNOWN);
        assert_int_equal(cpr_meaning_of_code(SYSTEM_SNOMED_CT, NULL), CPR_NOT_KNOWN);
        assert_int_equal(cpr_meaning_of_code(SYSTEM_SNOMED_CT, "304251008"), CPR_NOT_KNOWN);
        assert_int_equal(cpr_meaning_of_code(SYSTEM_SNOMED_CT, "45047600"), CPR_NOT_KNOWN);
}

static void test_a_text_means_something_only_where_it_can_mean_nothing_else(void **state) {
        static const char *const refused[] = { "DNACPR",
                                               "dnacpr",
                                               " DNA-CPR ",
                                               "DNACPR.",
                                               "Do not attempt CPR",
                                               "DO NOT ATTEMPT CARDIOPULMONARY RESUSCITATION",
                                               "Do not attempt cardio\xE2\x80\x91pulmonary resuscitation",
                                               "Not for attempted CPR (cardiopulmonary resuscitation)",
                                               "Not for attempted cardiopulmonary resuscitation (finding)",
                                               "not\xC2\xA0"
                                               "for resuscitation",
                                               "CPR attempts NOT recommended" };
        static const char *const wanted[] = { "attempt CPR",
                                              "Attempt cardiopulmonary resuscitation",
                                              "For CPR",
                                              "For attempted CPR (cardiopulmonary resuscitation)",
                                              "for\tattempted  CPR",
                                              "CPR attempts recommended" };
        static const char *const unknown[] = {
                "",
                " ",
                "yes",
                "no",
                "Y",
                "N",
                "true",
                "full active treatment",
                "FULL ACTIVE TREATMENT",
                "DNACPR?",
                "DNACPR:",
                "DNACPR: no",
                "DNACPR - no",
                "not DNACPR",
                "no DNACPR",
                "DNACPR discussed",
                "DNACPR cancelled",
                "[ ] DNACPR",
                "[x] DNACPR",
                "( ) DNACPR",
                "DNACPR ( )",
                "(not) for CPR",
                "for (not) CPR",
                "for/not for CPR",
                "CPR / DNACPR",
                "attempt CPR, then reconsider",
                "does not want CPR",
                "D\xCC\xB6NACPR",
                "CPR",
                "resuscitation",
                "for cpr for cpr for cpr for cpr for cpr for cpr for cpr for cpr for cpr for cpr "
                "for cpr for cpr for cpr for cpr for cpr for cpr for cpr for cpr for cpr for cpr "
                "for cpr for cpr for cpr for cpr"
        };
        for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++)
                if (cpr_meaning_of_text(refused[i]) != CPR_DO_NOT_ATTEMPT)
                        fail_msg("'%s'", refused[i]);
        for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++)
                if (cpr_meaning_of_text(wanted[i]) != CPR_ATTEMPT)
                        fail_msg("'%s'", wanted[i]);
        for (size_t i = 0; i < sizeof(unknown) / sizeof(*unknown); i++)
                if (cpr_meaning_of_text(unknown[i]) != CPR_NOT_KNOWN)
                        fail_msg("'%s'", unknown[i]);
        assert_int_equal(cpr_meaning_of_text(NULL), CPR_NOT_KNOWN);
}

/* Every mutation of a phrase by one word more is not known: a denial may stand anywhere. */
static void test_no_word_can_be_added_to_a_phrase(void **state) {
        static const char *const phrases[] = { "DNACPR", "do not attempt CPR", "attempt CPR", "not for CPR" };
        static const char *const words[] = {
                "no", "never", "unless", "cancelled", "x", "1", "?", ":", "/", "[]", "()"
        };
        char text[200];
        for (size_t p = 0; p < sizeof(phrases) / sizeof(*phrases); p++)
                for (size_t w = 0; w < sizeof(words) / sizeof(*words); w++) {
                        snprintf(text, sizeof(text), "%s %s", words[w], phrases[p]);
                        if (cpr_meaning_of_text(text) != CPR_NOT_KNOWN)
                                fail_msg("'%s'", text);
                        snprintf(text, sizeof(text), "%s %s", phrases[p], words[w]);
                        if (cpr_meaning_of_text(text) != CPR_NOT_KNOWN)
                                fail_msg("'%s'", text);
                }
}

static void test_a_question_about_resuscitation_is_known_by_code_and_by_name(void **state) {
        assert_true(cpr_is_question(SYSTEM_SNOMED_CT, "304251008", NULL));
        assert_true(cpr_is_question("SNM3", "365870005", "whatever"));
        assert_true(cpr_is_question(NULL, NULL, "Resus Status"));
        assert_true(cpr_is_question(NULL, NULL, "resuscitation_status:"));
        assert_true(cpr_is_question("local", "DNACPR", NULL));
        assert_true(cpr_is_question("local", "X1", "CPR decision"));
        /* an answer is none, and neither is another matter */
        assert_false(cpr_is_question(SYSTEM_SNOMED_CT, "450476008", "CPR decision"));
        assert_false(cpr_is_question(SYSTEM_SNOMED_CT, "901361000000101", "resuscitation"));
        assert_false(cpr_is_question(NULL, NULL, "CPR training"));
        assert_false(cpr_is_question(NULL, NULL, NULL));
        assert_false(cpr_is_question("", "", ""));
}

static void test_every_concept_is_found_by_its_code_and_its_name(void **state) {
        const Concept *concept;
        size_t n = 0;
        for (; (concept = concept_at(n)); n++) {
                assert_ptr_equal(concept_find(concept->system, concept->code), concept);
                assert_non_null(concept->display);
                if (concept->name)
                        assert_ptr_equal(concept_find_by_name(concept->name), concept);
                if (concept->value)
                        assert_non_null(concept_find(concept->system, concept->value));
                if (!concept->event)
                        continue;
                const EventType *type = event_type_find(concept->event);
                if (!type)
                        fail_msg("%s: no event type %s", concept->code, concept->event);
                assert_int_equal(type->decision_kind, concept->decision);
        }
        assert_true(n > 60);
        assert_null(concept_at(n + 1));
        assert_null(concept_find(NULL, "304251008"));
        assert_null(concept_find("urn:local", "304251008"));
        assert_null(concept_find(SYSTEM_SNOMED_CT, NULL));
        assert_null(concept_find_by_name(NULL));
        assert_null(concept_find_by_name("preferred"));
}

static void test_names_are_the_same_however_they_are_written(void **state) {
        assert_ptr_equal(concept_find_by_name("PPD 1"), concept_find_by_name("ppd1"));
        assert_ptr_equal(concept_find_by_name("what-matters"), concept_find_by_name("What_Matters"));
        assert_ptr_equal(concept_find_by_name("Preferred place of death"), concept_find_by_name("ppd"));
        assert_ptr_equal(concept_find_by_name("CPR decision"), concept_find_by_name("cpr"));
        assert_int_equal(concept_find_by_name("cpr")->decision, CAREBUS__V1__DECISION__KIND__KIND_CPR);
        assert_null(concept_find_by_name("cpr")->value);
        assert_string_equal(concept_find("SCT", "304253006")->value, "450476008");
        assert_string_equal(concept_find("sct", "110481000000108")->value, "110481000000108");
        assert_int_equal(concept_find("SCT", "110481000000108")->decision,
                         CAREBUS__V1__DECISION__KIND__KIND_PREFERRED_PLACE_OF_DEATH);
}

static void test_a_scale_is_one_whatever_it_is_called_by(void **state) {
        const Scale *akps = scale_find_by_name("AKPS");
        assert_non_null(akps);
        assert_string_equal(akps->system, SYSTEM_SNOMED_CT);
        assert_string_equal(akps->code, "901361000000101");
        assert_ptr_equal(scale_find(SYSTEM_SNOMED_CT, "901361000000101"), akps);
        assert_ptr_equal(scale_find(SYSTEM_SNOMED_CT, "901541000000107"), akps);
        assert_ptr_equal(scale_find("SCT", "901671000000100"), akps);
        assert_ptr_equal(scale_find_by_name("Australia-modified Karnofsky Performance Status"), akps);
        assert_int_equal(akps->max_tenths, 1000);
        assert_int_equal(akps->step_tenths, 100);
        assert_ptr_equal(scale_find("LN", "89243-0"), scale_find_by_name("KPS"));
        assert_ptr_equal(scale_find_by_name("phase_of_illness"), scale_find(SYSTEM_SNOMED_CT, "1099101000000108"));
        assert_ptr_equal(scale_find("oacc", "ipos"), scale_find_by_name("IPOS"));
        assert_ptr_equal(scale_find_by_name("News 2"), scale_find(SYSTEM_SNOMED_CT, "1104051000000101"));
        assert_int_equal(scale_find_by_name("EDSS")->step_tenths, 5);
        assert_null(scale_find_by_name("Barometer"));
        assert_null(scale_find(NULL, "901361000000101"));
        assert_null(scale_find("urn:local", "89243-0"));
        assert_null(scale_find_by_name(NULL));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_codes_of_a_decision_about_resuscitation_are_known),
                cmocka_unit_test(test_a_text_means_something_only_where_it_can_mean_nothing_else),
                cmocka_unit_test(test_no_word_can_be_added_to_a_phrase),
                cmocka_unit_test(test_a_question_about_resuscitation_is_known_by_code_and_by_name),
                cmocka_unit_test(test_every_concept_is_found_by_its_code_and_its_name),
                cmocka_unit_test(test_names_are_the_same_however_they_are_written),
                cmocka_unit_test(test_a_scale_is_one_whatever_it_is_called_by),
        };
        return cmocka_run_group_tests_name("canon vocabulary", tests, NULL, NULL);
}
