/*
 * Where references lead: within a message, to what came before, to another server, to nothing but a name.
 */
#include "tests/unit/adapters/fhir/fixture.h"

#define NHS "https://fhir.nhs.uk/Id/nhs-number"
#define PATIENT_OF(id, number)                                                                     \
        "{\"resourceType\": \"Patient\", \"id\": \"" id "\", \"identifier\": [{\"system\": \"" NHS \
        "\", \"value\": \"" number "\"}]}"
#define ENCOUNTER_OF(reference)                                                                                 \
        "{\"resourceType\": \"Encounter\", \"id\": \"e1\", \"status\": \"in-progress\", \"class\": {\"code\": " \
        "\"IMP\"}, \"subject\": {\"reference\": \"" reference "\"}}"
#define ENTRY(url, resource) "{\"fullUrl\": \"" url "\", \"resource\": " resource "}"
#define BUNDLE(entries) "{\"resourceType\": \"Bundle\", \"type\": \"collection\", \"entry\": [" entries "]}"

static const Carebus__V1__Subject *subject_of_encounter(const char *text) {
        const Carebus__V1__Event *event;

        translate_text(text);
        event = event_of("encounter.admitted");
        assert_non_null(event);
        return event->patient;
}

static void test_references_within_a_bundle(void **state) {
        static const char *const texts[] = {
                BUNDLE(ENTRY("urn:uuid:11111111-1111-1111-1111-111111111111", PATIENT_OF("x", "9449305552")) "," ENTRY(
                        "urn:uuid:2", ENCOUNTER_OF("urn:uuid:11111111-1111-1111-1111-111111111111"))),
                BUNDLE(ENTRY("http://ehr/fhir/Patient/p1", PATIENT_OF("p1", "9449305552")) "," ENTRY(
                        "http://ehr/fhir/Encounter/e1", ENCOUNTER_OF("Patient/p1"))),
                BUNDLE(ENTRY("http://ehr/fhir/Patient/p1", PATIENT_OF("p1", "9449305552")) "," ENTRY(
                        "http://ehr/fhir/Encounter/e1", ENCOUNTER_OF("http://ehr/fhir/Patient/p1/_history/2"))),
                BUNDLE("{\"resource\": " ENCOUNTER_OF("Patient/p1") "}, {\"resource\": " PATIENT_OF("p1",
                                                                                                    "9449305552") "}"),
                BUNDLE(ENTRY("urn:uuid:11111111-1111-1111-1111-111111111111", PATIENT_OF("x", "9449305552")) "," ENTRY(
                        "urn:uuid:2", ENCOUNTER_OF("Patient/11111111-1111-1111-1111-111111111111"))),
        };

        for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
                assert_identifier(subject_of_encounter(texts[i])->identifiers[0], NHS, "9449305552");
                assert_int_equal(result.reading.n_events, 2);
                assert_string_equal(result.reading.events[0]->type, "patient.updated"); /* people first */
        }
}

static void test_another_servers_id_is_no_number_of_this_one(void **state) {
        const Carebus__V1__Subject *subject;

        subject = subject_of_encounter(
                BUNDLE(ENTRY("http://ehr/fhir/Patient/p1", PATIENT_OF("p1", "9449305552")) "," ENTRY(
                        "http://ehr/fhir/Encounter/e1", ENCOUNTER_OF("http://other/fhir/Patient/p1"))));
        assert_int_equal(subject->n_identifiers, 1);
        assert_identifier(subject->identifiers[0], "http://other/fhir", "Patient/p1");
}

static void test_what_never_came_is_a_local_number(void **state) {
        const Carebus__V1__Subject *subject = subject_of_encounter(ENCOUNTER_OF("Patient/p1"));

        assert_int_equal(subject->n_identifiers, 1);
        assert_identifier(subject->identifiers[0], "carebus:ehr", "Patient/p1");
        assert_string_equal(subject->identifiers[0]->type, "Patient");
}

static void test_contained_resources_belong_to_their_container(void **state) {
        const Carebus__V1__Subject *subject;

        subject = subject_of_encounter("{\"resourceType\": \"Encounter\", \"id\": \"e1\", \"status\": \"in-progress\", "
                                       "\"class\": {\"code\": \"IMP\"},"
                                       "\"contained\": [{\"resourceType\": \"Patient\", \"id\": \"c\", \"birthDate\": "
                                       "\"1951-02-03\", \"identifier\": [{\"system\": \"" NHS
                                       "\", \"value\": \"9449305552\"}]}], \"subject\": {\"reference\": \"#c\"}}");
        assert_int_equal(result.reading.n_events, 1);
        assert_int_equal(subject->n_identifiers, 1); /* its id is known to its container alone */
        assert_identifier(subject->identifiers[0], NHS, "9449305552");
        assert_string_equal(subject->demographics->birth_date->text, "1951-02-03");
        /* Nobody else's #c. */
        subject = subject_of_encounter(BUNDLE(ENTRY(
                "urn:uuid:1",
                "{\"resourceType\": \"Basic\", \"contained\": "
                "[" PATIENT_OF("c", "9449305552") "]}") "," ENTRY("urn:uuid:2",
                                                                  "{\"resourceType\": \"Encounter\", \"status\": "
                                                                  "\"in-progress\", \"class\": {\"code\": \"IMP\"},"
                                                                  "\"subject\": {\"reference\": \"Patient/c\"}}")));
        assert_identifier(subject->identifiers[0], "carebus:ehr", "Patient/c");
}

static void test_identifiers_beside_a_reference_count(void **state) {
        const Carebus__V1__Subject *subject;

        subject = subject_of_encounter("{\"resourceType\": \"Encounter\", \"status\": \"in-progress\", \"id\": \"e1\", "
                                       "\"class\": {\"code\": \"IMP\"}, \"subject\":"
                                       "{\"reference\": \"Patient/p1\", \"identifier\": {\"system\": \"" NHS
                                       "\", \"value\": \"9449305552\"}}}");
        assert_int_equal(subject->n_identifiers, 2);
        assert_identifier(subject->identifiers[0], NHS, "9449305552");
        assert_identifier(subject->identifiers[1], "carebus:ehr", "Patient/p1");
}

/* ---- what came before */

static int memory_find(void *owner, const char *type, const char *id, Arena *arena, FhirKnown *ret) {
        static Carebus__V1__Identifier number, *list[] = { &number };

        if (strcmp(id, "p1") != 0 && strcmp(id, "e9") != 0)
                return 1;
        carebus__v1__identifier__init(&number);
        number.system = (char *)NHS;
        number.value = (char *)"9449305552";
        *ret = (FhirKnown){ .type = type, .id = id };
        if (strcmp(type, "Patient") == 0) {
                ret->identifiers = list;
                ret->n_identifiers = 1;
        } else {
                ret->patient = list;
                ret->n_patient = 1;
        }
        return 0;
}

static void test_what_came_before_is_remembered(void **state) {
        FhirMemory known = { .find = memory_find };
        const Carebus__V1__Subject *subject;

        translator = fhir_translator_free(translator);
        memory = &known;
        subject = subject_of_encounter(ENCOUNTER_OF("Patient/p1"));
        assert_identifier(subject->identifiers[0], NHS, "9449305552");
        assert_identifier(subject->identifiers[1], "carebus:ehr", "Patient/p1");
        subject = subject_of_encounter(ENCOUNTER_OF("Patient/p2"));
        assert_int_equal(subject->n_identifiers, 1);

        /* What is deleted by its name alone is undone for whom it was said of. */
        translate_text("{\"resourceType\": \"Bundle\", \"type\": \"transaction\", \"entry\": [{\"request\": "
                       "{\"method\": \"DELETE\", \"url\": \"Encounter/e9\"}}]}");
        assert_int_equal(result.reading.n_events, 1);
        assert_int_equal(result.reading.events[0]->action, CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR);
        assert_identifier(result.reading.events[0]->encounter_id, "carebus:ehr", "Encounter/e9");
        assert_identifier(result.reading.events[0]->patient->identifiers[0], NHS, "9449305552");
        memory = NULL;
        translator = fhir_translator_free(translator);
}

static void test_what_a_message_says_is_given_out_to_be_remembered(void **state) {
        translate_text(BUNDLE(
                "{\"resource\": " PATIENT_OF("p1", "9449305552") "}, {\"resource\": " ENCOUNTER_OF("Patient/p1") "}"));
        assert_int_equal(result.n_known, 2);
        assert_string_equal(result.known[0].type, "Patient");
        assert_identifier(result.known[0].identifiers[0], NHS, "9449305552");
        assert_string_equal(result.known[1].id, "e1");
        assert_identifier(result.known[1].patient[0], NHS, "9449305552");
}

static void test_practitioners_roles_and_organisations(void **state) {
        const Carebus__V1__Practitioner *practitioner;

        translate_text(BUNDLE(
                "{\"resource\": {\"resourceType\": \"Encounter\", \"id\": \"e1\", \"status\": \"in-progress\", "
                "\"class\": {\"code\": \"IMP\"}, \"subject\": {\"reference\":"
                "\"Patient/p1\"}, \"participant\": [{\"individual\": {\"reference\": \"PractitionerRole/r1\"}}]}},"
                "{\"resource\": {\"resourceType\": \"PractitionerRole\", \"id\": \"r1\", \"practitioner\": "
                "{\"reference\": \"Practitioner/d1\"}, \"code\": [{\"text\":"
                "\"Palliative consultant\"}], \"organization\": {\"reference\": \"Organization/o1\"}}},"
                "{\"resource\": {\"resourceType\": \"Practitioner\", \"id\": \"d1\", \"identifier\": [{\"system\": "
                "\"urn:gmc\", \"value\": \"C1\"}], \"name\": [{\"family\":"
                "\"Darwin\"}]}}, {\"resource\": {\"resourceType\": \"Organization\", \"id\": \"o1\", \"identifier\": "
                "[{\"system\": \"urn:ods\", \"value\": \"RA9\"}],"
                "\"name\": \"Torbay\"}}"));
        practitioner = only_event("encounter.admitted")->encounter->participants[0]->practitioner;
        assert_identifier(practitioner->identifier, "urn:gmc", "C1");
        assert_string_equal(practitioner->name->family, "Darwin");
        assert_string_equal(practitioner->role->text, "Palliative consultant");
        assert_identifier(practitioner->organisation->identifier, "urn:ods", "RA9");
        assert_string_equal(practitioner->organisation->name, "Torbay");
}

static void test_resources_that_refer_to_each_other_end(void **state) {
        translate_text(BUNDLE("{\"resource\": {\"resourceType\": \"Encounter\", \"id\": \"e1\", \"status\": "
                              "\"in-progress\", \"class\": {\"code\": \"IMP\"}, \"subject\": {\"reference\":"
                              "\"Patient/p1\"}, \"location\": [{\"location\": {\"reference\": \"Location/a\"}}], "
                              "\"serviceProvider\": {\"reference\": \"Organization/a\"}}},"
                              "{\"resource\": {\"resourceType\": \"Location\", \"id\": \"a\", \"name\": \"Ward\", "
                              "\"partOf\": {\"reference\": \"Location/b\"}}},"
                              "{\"resource\": {\"resourceType\": \"Location\", \"id\": \"b\", \"name\": \"House\", "
                              "\"partOf\": {\"reference\": \"Location/a\"}}},"
                              "{\"resource\": {\"resourceType\": \"Organization\", \"id\": \"a\", \"name\": \"A\", "
                              "\"partOf\": {\"reference\": \"Organization/a\"}}}"));
        assert_string_equal(only_event("encounter.admitted")->encounter->place->point_of_care, "Ward");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_references_within_a_bundle),
                cmocka_unit_test(test_another_servers_id_is_no_number_of_this_one),
                cmocka_unit_test(test_what_never_came_is_a_local_number),
                cmocka_unit_test(test_contained_resources_belong_to_their_container),
                cmocka_unit_test(test_identifiers_beside_a_reference_count),
                cmocka_unit_test(test_what_came_before_is_remembered),
                cmocka_unit_test(test_what_a_message_says_is_given_out_to_be_remembered),
                cmocka_unit_test(test_practitioners_roles_and_organisations),
                cmocka_unit_test(test_resources_that_refer_to_each_other_end),
        };

        return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
