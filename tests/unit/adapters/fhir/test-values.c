/*
 * Data types of R4: what was said stays as it was said; what is shared and what is the source's own is told apart.
 */
#include "tests/unit/adapters/fhir/fixture.h"

static const Carebus__V1__Encounter *encounter(const char *members) {
        char text[2048];

        snprintf(text, sizeof(text),
                 "{\"resourceType\": \"Encounter\", \"id\": \"e1\", \"status\": \"in-progress\", \"class\": {\"code\": "
                 "\"IMP\"}, \"subject\": {\"reference\":"
                 "\"Patient/p1\"}, %s}",
                 members);
        translate_text(text);
        return only_event("encounter.admitted")->encounter;
}

static void test_of_several_codings_the_shared_one_is_taken(void **state) {
        const Carebus__V1__Coded *coded;

        coded = encounter("\"reasonCode\": [{\"coding\": [{\"system\": \"http://loinc.org\", \"code\": \"1\"}, "
                          "{\"system\": \"https://ehr.example/x\", \"code\": \"L\"},"
                          "{\"system\": \"http://snomed.info/sct\", \"code\": \"24700007\", \"display\": \"Multiple "
                          "sclerosis\"}], \"text\": \"MS\"}]")
                        ->reason;
        assert_coded(coded, "http://snomed.info/sct", "24700007");
        assert_string_equal(coded->display, "Multiple sclerosis");
        assert_string_equal(coded->text, "MS");
        assert_null(coded->original);
}

static void test_a_code_of_the_sources_own_is_for_its_maps(void **state) {
        const Carebus__V1__Coded *coded;

        coded = encounter("\"serviceType\": {\"coding\": [{\"system\": \"https://ehr.example/x\", \"code\": \"PALL\", "
                          "\"display\": \"Palliative\"}]}")
                        ->specialty;
        assert_null(coded->system);
        assert_null(coded->code);
        assert_string_equal(coded->original->system, "https://ehr.example/x");
        assert_string_equal(coded->original->code, "PALL");
        assert_string_equal(coded->original->display, "Palliative");
        coded = encounter("\"serviceType\": {\"text\": \"Palliative\"}")->specialty;
        assert_string_equal(coded->text, "Palliative");
        assert_null(coded->original);
        assert_null(encounter("\"serviceType\": {}")->specialty);
}

static void test_decimals_keep_their_digits(void **state) {
        translate_text("{\"resourceType\": \"Observation\", \"id\": \"o1\", \"status\": \"final\", \"subject\": "
                       "{\"reference\": \"Patient/p1\"}, \"code\": {\"text\": \"Weight\"},"
                       "\"valueQuantity\": {\"value\": 61.10, \"unit\": \"kilo\", \"system\": "
                       "\"http://unitsofmeasure.org\", \"code\": \"kg\"}}");
        assert_string_equal(only_event("observation.recorded")->observation->value->value, "61.10");
        assert_string_equal(result.reading.events[0]->observation->value->unit, "kg");
        assert_string_equal(result.reading.events[0]->observation->value->original_unit, "kilo");
}

static void test_what_does_not_fit_its_type_is_an_issue_with_its_path(void **state) {
        static const struct {
                const char *members, *path;
        } cases[] = {
                { "\"period\": {\"start\": \"yesterday\"}", "Encounter.period.start" },
                { "\"period\": {\"start\": {}}", "Encounter.period.start" },
                { "\"reasonCode\": [{\"text\": [1]}]", "Encounter.reasonCode[0].text" },
                { "\"identifier\": [{\"value\": {\"x\": 1}}]", "Encounter.identifier[0].value" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                encounter(cases[i].members);
                assert_int_equal(result.n_issues, 1);
                assert_string_equal(result.issues[0].severity, "warning");
                assert_string_equal(result.issues[0].path, cases[i].path);
        }
}

static void test_numbers_and_truths_as_texts_are_understood(void **state) {
        const Carebus__V1__Demographics *demographics;

        translate_text("{\"resourceType\": \"Patient\", \"id\": \"p1\", \"deceasedBoolean\": \"false\", \"telecom\": "
                       "[{\"value\": \"1\", \"rank\": \"2\"}]}");
        demographics = only_event("patient.updated")->demographics;
        assert_true(demographics->has_deceased && !demographics->deceased);
        assert_int_equal(demographics->telecom[0]->rank, 2);
        translate_text("{\"resourceType\": \"Patient\", \"id\": \"p1\", \"deceasedBoolean\": \"perhaps\"}");
        assert_false(only_event("patient.updated")->demographics->has_deceased);
        assert_int_equal(result.n_issues, 1);
}

static void test_brackets_that_were_forgotten_are_no_loss(void **state) {
        translate_text("{\"resourceType\": \"Patient\", \"id\": \"p1\", \"name\": {\"family\": \"Black\", \"given\": "
                       "\"Ann\"}}");
        assert_string_equal(only_event("patient.updated")->demographics->names[0]->given[0], "Ann");
}

static void test_an_address_keeps_a_use_that_the_bus_has_no_word_for(void **state) {
        const Carebus__V1__Address *address;

        translate_text("{\"resourceType\": \"Patient\", \"id\": \"p1\", \"address\": [{\"use\": \"billing\", \"city\": "
                       "\"Leeds\", \"district\": \"West Yorkshire\"}, {}]}");
        assert_int_equal(only_event("patient.updated")->demographics->n_addresses, 1);
        address = result.reading.events[0]->demographics->addresses[0];
        assert_null(address->use);
        assert_string_equal(address->original_use, "billing");
        assert_string_equal(address->district, "West Yorkshire");
}

static void test_an_identifier_that_is_there_twice_counts_once(void **state) {
        translate_text("{\"resourceType\": \"Patient\", \"identifier\": [{\"system\": \"urn:a\", \"value\": \"1\"}, "
                       "{\"system\": \"urn:a\", \"value\": \"1\"},"
                       "{\"system\": \"urn:a\", \"value\": \"2\"}, {\"system\": \"urn:a\"}]}");
        assert_int_equal(only_event("patient.updated")->demographics->n_identifiers, 2);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_of_several_codings_the_shared_one_is_taken),
                cmocka_unit_test(test_a_code_of_the_sources_own_is_for_its_maps),
                cmocka_unit_test(test_decimals_keep_their_digits),
                cmocka_unit_test(test_what_does_not_fit_its_type_is_an_issue_with_its_path),
                cmocka_unit_test(test_numbers_and_truths_as_texts_are_understood),
                cmocka_unit_test(test_brackets_that_were_forgotten_are_no_loss),
                cmocka_unit_test(test_an_address_keeps_a_use_that_the_bus_has_no_word_for),
                cmocka_unit_test(test_an_identifier_that_is_there_twice_counts_once),
        };

        return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
