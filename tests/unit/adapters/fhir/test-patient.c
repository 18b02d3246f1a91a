/*
 * Patient and RelatedPerson: who it is, who belongs to them, merges, deaths, restriction.
 */
#include "tests/unit/adapters/fhir/fixture.h"

#define NHS "https://fhir.nhs.uk/Id/nhs-number"
#define UKC "https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-"
#define SYSTEM_OF(name) "https://fhir.hl7.org.uk/CodeSystem/UKCore-" name
#define PATIENT(rest)                                                                          \
        "{\"resourceType\": \"Patient\", \"id\": \"p1\", \"identifier\": [{\"system\": \"" NHS \
        "\", \"value\": \"9449305552\"}]" rest "}"
#define CODED(system, code) "{\"coding\": [{\"system\": \"" system "\", \"code\": \"" code "\"}]}"
#define DEATH(status)                                                                                           \
        "{\"url\": \"" UKC "DeathNotificationStatus\", \"extension\": [{\"url\": \"deathNotificationStatus\", " \
        "\"valueCodeableConcept\": " CODED(                                                                     \
                "https://fhir.hl7.org.uk/CodeSystem/UKCore-DeathNotificationStatus",                            \
                status) "}, "                                                                                   \
                        "{\"url\": \"systemEffectiveDate\", \"valueDateTime\": \"2024-03-05T10:00:00+00:00\"}]}"

static void test_a_patient_is_an_update_of_the_person(void **state) {
        const Carebus__V1__Demographics *demographics;
        const Carebus__V1__Event *event;

        translate_text(PATIENT(", \"name\": [{\"use\": \"official\", \"family\": \"Black\", \"given\": [\"Ann\", "
                               "\"Mary\"], \"prefix\": [\"Mrs\"]}],"
                               "\"gender\": \"female\", \"birthDate\": \"1951-02\", \"meta\": {\"versionId\": \"3\","
                               "\"lastUpdated\": \"2024-03-05T10:00:00Z\"},"
                               "\"address\": [{\"use\": \"home\", \"line\": [\"1 High St\"], \"city\": \"Leeds\", "
                               "\"postalCode\": \"LS1 1AA\"}],"
                               "\"telecom\": [{\"system\": \"phone\", \"use\": \"mobile\", \"value\": \"07700 "
                               "900123\", \"rank\": 1}]"));
        event = only_event("patient.updated");
        assert_int_equal(event->action, CAREBUS__V1__ACTION__ACTION_UPDATE);
        demographics = event->demographics;
        assert_int_equal(demographics->n_identifiers, 2);
        assert_identifier(demographics->identifiers[0], NHS, "9449305552");
        assert_identifier(demographics->identifiers[1], "carebus:ehr", "Patient/p1");
        assert_int_equal(event->patient->n_identifiers, 2);
        assert_string_equal(demographics->names[0]->family, "Black");
        assert_int_equal(demographics->names[0]->n_given, 2);
        assert_coded(demographics->sex, "http://hl7.org/fhir/administrative-gender", "female");
        assert_string_equal(demographics->birth_date->text, "1951-02");
        assert_string_equal(demographics->addresses[0]->postal_code, "LS1 1AA");
        assert_string_equal(demographics->telecom[0]->use, "mobile");
        assert_int_equal(demographics->telecom[0]->rank, 1);
        assert_string_equal(event->recorded_at->text, "2024-03-05T10:00:00Z");
        assert_string_equal(result.reading.message_id, "Patient/p1/_history/3");
        assert_string_equal(result.reading.trigger, "Patient");
}

static void test_what_is_created_is_a_registration(void **state) {
        const Carebus__V1__Event *event;

        translate_as(BYTES_LITERAL("{\"resourceType\": \"Patient\", \"name\": [{\"family\": \"Black\"}]}"), "a1");
        event = only_event("patient.registered");
        assert_int_equal(event->action, CAREBUS__V1__ACTION__ACTION_NEW);
        assert_identifier(event->patient->identifiers[0], "carebus:ehr", "Patient/a1");
        translate_text(
                "{\"resourceType\": \"Bundle\", \"type\": \"transaction\", \"entry\": [{\"fullUrl\": \"urn:uuid:1\", "
                "\"resource\": " PATIENT("") ", \"request\": {\"method\": \"POST\", \"url\": \"Patient\"}}]}");
        event = only_event("patient.registered");
        assert_int_equal(event->patient->n_identifiers, 1); /* the id of what is to be created is nobody's number */
        translate_text("{\"resourceType\": \"Bundle\", \"type\": \"transaction\", \"entry\": [{\"resource\": " PATIENT(
                "") ", \"request\": {\"method\": \"PUT\", \"url\": \"Patient/p1\"}}]}");
        only_event("patient.updated");
}

static void test_extensions_of_uk_core(void **state) {
        const Carebus__V1__Demographics *demographics;

        translate_text(
                "{\"resourceType\": \"Patient\", \"id\": \"p1\", \"identifier\": [{\"system\": \"" NHS
                "\", \"value\": \"9449305552\","
                "\"extension\": [{\"url\": \"" UKC "NHSNumberVerificationStatus\", \"valueCodeableConcept\": " CODED(
                        SYSTEM_OF("NHSNumberVerificationStatusEngland"),
                        "01") "}]}],"
                              "\"extension\": [{\"url\": \"" UKC "EthnicCategory\", \"valueCodeableConcept\": " CODED(
                                      SYSTEM_OF("EthnicCategoryEngland"),
                                      "A") "},"
                                           "{\"url\": \"" UKC "BirthSex\", \"valueCode\": \"female\"},"
                                           "{\"url\": \"" UKC
                                           "NHSCommunication\", \"extension\": [{\"url\": \"language\", "
                                           "\"valueCodeableConcept\": " CODED(
                                                   SYSTEM_OF("HumanLanguage"),
                                                   "cy") "}, {\"url\": \"interpreterRequired\", \"valueBoolean\": "
                                                         "true}]},"
                                                         "{\"url\": \"" UKC
                                                         "ContactPreference\", \"extension\": [{\"url\": "
                                                         "\"PreferredWrittenCommunicationFormat\","
                                                         "\"valueCodeableConcept\": " CODED(
                                                                 SYSTEM_OF("PreferredWrittenCommunicationFormat"),
                                                                 "12") "}]}]}");
        assert_int_equal(result.reading.n_events, 2);
        demographics = event_of("patient.updated")->demographics;
        assert_string_equal(demographics->identifiers[0]->status_code, "01");
        assert_coded(demographics->ethnic_category, NULL, "A");
        assert_coded(demographics->language, NULL, "cy");
        assert_true(demographics->has_interpreter_required && demographics->interpreter_required);
        assert_coded(demographics->communication_needs[0], NULL, "12");
        assert_null(demographics->sex); /* the sex at birth is no administrative one */
        assert_string_equal(event_of("equity.recorded")->equity->sex->original->code, "female");
        assert_int_equal(use_of("Patient.extension('" UKC "EthnicCategory').valueCodeableConcept.coding.code"),
                         FIELD_MAPPED);
}

static void test_older_names_of_the_verification_status(void **state) {
        translate_text("{\"resourceType\": \"Patient\", \"identifier\": [{\"system\": \"" NHS
                       "\", \"value\": \"9449305552\", \"extension\": "
                       "[{\"url\": "
                       "\"https://fhir.nhs.uk/R4/StructureDefinition/Extension-UKCore-NHSNumberVerificationStatus\","
                       "\"valueCodeableConcept\": " CODED("https://x/y", "number-present-but-not-traced") "}]}]}");
        assert_string_equal(only_event("patient.updated")->demographics->identifiers[0]->status_code, "02");
}

static void test_a_death_is_informal_unless_a_registrar_says_it(void **state) {
        const Carebus__V1__Event *event;

        translate_text(PATIENT(", \"deceasedDateTime\": \"2024-03-04\""));
        assert_int_equal(result.reading.n_events, 2);
        event = event_of("death.notified");
        assert_int_equal(event->action, CAREBUS__V1__ACTION__ACTION_NEW);
        assert_int_equal(event->death->status, CAREBUS__V1__DEATH__STATUS__STATUS_INFORMAL);
        assert_string_equal(event->death->died_at->text, "2024-03-04");
        assert_ptr_equal(event->occurred_at, event->death->died_at);
        assert_true(event_of("patient.updated")->demographics->deceased);

        translate_text(PATIENT(", \"deceasedDateTime\": \"2024-03-04\", \"extension\": [" DEATH("2") "]"));
        event = event_of("death.notified");
        assert_int_equal(event->death->status, CAREBUS__V1__DEATH__STATUS__STATUS_FORMAL);
        assert_coded(event->death->original_status, NULL, "2");

        translate_text(PATIENT(", \"deceasedBoolean\": true"));
        assert_null(event_of("death.notified")->death->died_at);
}

static void test_a_death_that_was_wrong_is_retracted(void **state) {
        const Carebus__V1__Event *event;

        translate_text(PATIENT(", \"extension\": [" DEATH("U") "]"));
        event = event_of("death.retracted");
        assert_non_null(event);
        assert_int_equal(event->action, CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR);
        assert_int_equal(event->death->status, CAREBUS__V1__DEATH__STATUS__STATUS_REMOVED);
        assert_null(event_of("death.notified"));
}

static void test_the_living_and_the_inactive_are_not_dead(void **state) {
        translate_text(PATIENT(", \"deceasedBoolean\": false, \"active\": false"));
        assert_true(only_event("patient.updated")->demographics->has_deceased);
        assert_false(result.reading.events[0]->demographics->deceased);
}

static void test_links_merge_and_link(void **state) {
        const Carebus__V1__Merge *merge;

        translate_text(PATIENT(", \"active\": false, \"link\": [{\"type\": \"replaced-by\", \"other\": {\"reference\": "
                               "\"Patient/p2\"}}]"));
        assert_int_equal(result.reading.n_events, 2);
        merge = event_of("patient.merged")->merge;
        assert_int_equal(merge->scope, CAREBUS__V1__MERGE__SCOPE__SCOPE_PERSON);
        assert_identifier(merge->retired[0], NHS, "9449305552");
        assert_identifier(merge->surviving[0], "carebus:ehr", "Patient/p2");

        translate_text(PATIENT(", \"link\": [{\"type\": \"replaces\", \"other\": {\"reference\": \"Patient/p2\"}}]"));
        merge = event_of("patient.merged")->merge;
        assert_identifier(merge->surviving[0], NHS, "9449305552");
        assert_identifier(merge->retired[0], "carebus:ehr", "Patient/p2");
        assert_identifier(event_of("patient.merged")->patient->identifiers[0], NHS, "9449305552");

        translate_text(PATIENT(", \"link\": [{\"type\": \"seealso\", \"other\": {\"reference\": \"Patient/p2\"}}]"));
        assert_non_null(event_of("patient.linked"));

        translate_text(PATIENT(", \"link\": [{\"type\": \"replaced-by\"}]"));
        assert_problem_beside("no-linked-patient", "Patient.link[0]", 1); /* what is said of the person stands */
}

static void test_restriction_hides_where_they_live(void **state) {
        static const char *const codes[] = { "R", "V", "REDACTED" };
        char text[512];

        for (size_t i = 0; i < ELEMENTSOF(codes); i++) {
                const Carebus__V1__Event *event;

                snprintf(text, sizeof(text), PATIENT(", \"meta\": {\"security\": [{\"code\": \"%s\"}]}"), codes[i]);
                translate_text(text);
                event = only_event("patient.updated");
                assert_true(event->sensitivity->restricted_location);
                assert_true(event->demographics->restricted);
        }
        translate_text(PATIENT(", \"meta\": {\"security\": [{\"code\": \"U\"}]}"));
        assert_null(only_event("patient.updated")->sensitivity);
        assert_false(result.reading.events[0]->demographics->has_restricted);
}

static void test_contacts_are_related_persons(void **state) {
        const Carebus__V1__RelatedPerson *person;

        translate_text(PATIENT(", \"contact\": [{\"relationship\": [" CODED(
                "http://terminology.hl7.org/CodeSystem/v2-0131",
                "N") ", " CODED("http://terminology.hl7.org/CodeSystem/v2-0131",
                                "C") "], \"name\": {\"family\": \"Grey\"},"
                                     "\"telecom\": [{\"system\": \"phone\", \"value\": \"1\"}]}]"));
        assert_int_equal(only_event("patient.updated")->demographics->n_related_persons, 1);
        person = result.reading.events[0]->demographics->related_persons[0];
        assert_coded(person->relationship, NULL, "N");
        assert_true(person->emergency_contact);
        assert_string_equal(person->name->family, "Grey");

        translate_text("{\"resourceType\": \"RelatedPerson\", \"id\": \"r1\", \"patient\": {\"reference\": "
                       "\"Patient/p1\"}, \"name\": [{\"family\": \"Grey\"}]}");
        person = only_event("patient.updated")->demographics->related_persons[0];
        assert_identifier(person->identifiers[0], "carebus:ehr", "RelatedPerson/r1");
        assert_identifier(result.reading.events[0]->patient->identifiers[0], "carebus:ehr", "Patient/p1");
}

static void test_the_practice_and_the_practitioner(void **state) {
        const Carebus__V1__Demographics *demographics;

        translate_text(
                PATIENT(", \"generalPractitioner\": [{\"identifier\": {\"system\": "
                        "\"https://fhir.nhs.uk/Id/ods-organization-code\","
                        "\"value\": \"Y12345\"}}, {\"reference\": \"Practitioner/g1\", \"display\": \"Dr Green\"}]"));
        demographics = only_event("patient.updated")->demographics;
        assert_identifier(demographics->practice->identifier, "https://fhir.nhs.uk/Id/ods-organization-code", "Y12345");
        assert_string_equal(demographics->general_practitioner->name->text, "Dr Green");
}

static void test_an_unknown_gender_is_for_the_profile(void **state) {
        translate_text(PATIENT(", \"gender\": \"F\""));
        assert_null(only_event("patient.updated")->demographics->sex->system);
        assert_string_equal(result.reading.events[0]->demographics->sex->original->code, "F");
}

static void test_a_patient_without_any_number_is_nobody(void **state) {
        translate_text("{\"resourceType\": \"Patient\", \"name\": [{\"family\": \"Black\"}]}");
        assert_problem("no-patient", "Patient", true);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_a_patient_is_an_update_of_the_person),
                cmocka_unit_test(test_what_is_created_is_a_registration),
                cmocka_unit_test(test_extensions_of_uk_core),
                cmocka_unit_test(test_older_names_of_the_verification_status),
                cmocka_unit_test(test_a_death_is_informal_unless_a_registrar_says_it),
                cmocka_unit_test(test_a_death_that_was_wrong_is_retracted),
                cmocka_unit_test(test_the_living_and_the_inactive_are_not_dead),
                cmocka_unit_test(test_links_merge_and_link),
                cmocka_unit_test(test_restriction_hides_where_they_live),
                cmocka_unit_test(test_contacts_are_related_persons),
                cmocka_unit_test(test_the_practice_and_the_practitioner),
                cmocka_unit_test(test_an_unknown_gender_is_for_the_profile),
                cmocka_unit_test(test_a_patient_without_any_number_is_nobody),
        };

        return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
