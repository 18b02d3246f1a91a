/*
 * What became of each element, and what a profile takes out of a resource by itself.
 */
#include "tests/unit/adapters/fhir/fixture.h"

static const char patient[] = "{\"resourceType\": \"Patient\", \"id\": \"p1\", \"text\": {\"div\": \"x\"}, \"meta\": "
                              "{\"profile\": [\"urn:x\"]}, \"name\": [{\"family\": \"Black\","
                              "\"period\": {\"start\": \"1970-01-01\"}, \"nickname\": \"B\"}], \"photo\": [{\"data\": "
                              "\"AA\"}, {\"data\": \"BB\"}], \"contact\": [{\"name\":"
                              "{\"family\": \"Grey\"}, \"hobby\": \"chess\"}], \"extension\": [{\"url\": "
                              "\"https://example.org/key-safe\", \"valueString\": \"under the mat\"},"
                              "{\"url\": \"a patient's word, not a name\", \"valueString\": \"x\"}], \"a strange "
                              "name\": 1, \"contained\": [{\"resourceType\": \"Basic\"}]}";

static void test_each_kind_of_element_is_listed_once(void **state) {
        size_t n_photos = 0;

        use_default_profile();
        translate_text(patient);
        assert_int_equal(use_of("Patient.name.family"), FIELD_MAPPED);
        assert_int_equal(use_of("Patient.name.period.start"), FIELD_MAPPED);
        assert_int_equal(use_of("Patient.name.nickname"), FIELD_UNKNOWN);
        assert_int_equal(use_of("Patient.contact.name.family"), FIELD_MAPPED);
        assert_int_equal(use_of("Patient.contact.hobby"), FIELD_UNKNOWN);
        assert_int_equal(use_of("Patient.photo"), FIELD_UNKNOWN);
        assert_int_equal(use_of("Patient.text"), FIELD_IGNORED);
        assert_int_equal(use_of("Patient.meta.profile"), FIELD_IGNORED);
        assert_int_equal(use_of("Patient.extension('https://example.org/key-safe')"), FIELD_UNKNOWN);
        assert_int_equal(use_of("Basic"), FIELD_UNKNOWN);
        for (size_t i = 0; i < result.reading.n_fields; i++)
                n_photos += strcmp(result.reading.fields[i].path, "Patient.photo") == 0;
        assert_int_equal(n_photos, 1);
}

static void test_what_is_no_name_is_not_shown(void **state) {
        translate_text(patient);
        assert_int_equal(use_of("Patient.?"), FIELD_UNKNOWN);
        assert_int_equal(use_of("Patient.extension('?')"), FIELD_UNKNOWN);
        for (size_t i = 0; i < result.reading.n_fields; i++) {
                assert_null(strstr(result.reading.fields[i].path, "strange"));
                assert_null(strstr(result.reading.fields[i].path, "word"));
        }
}

static void test_a_profile_takes_what_no_table_does(void **state) {
        const Carebus__V1__Event *event;

        use_profile("fields:\n"
                    "  - {from: \"Patient.extension('https://example.org/key-safe').value\", to: "
                    "demographics.access_note}\n"
                    "  - {from: \"Encounter.extension('urn:spec').valueString\", to: encounter.specialty, when: "
                    "Encounter}\n"
                    "  - {from: \"priority.text\", to: encounter.medically_fit, when: Encounter}\n"
                    "complete_lists: [demographics.telecom]\n"
                    "ignore: [Patient.photo]\n");
        translate_text(patient);
        event = only_event("patient.updated");
        assert_string_equal(event->demographics->access_note, "under the mat");
        assert_int_equal(event->n_complete, 1);
        assert_int_equal(use_of("Patient.photo"), FIELD_IGNORED);
        assert_int_equal(use_of("Patient.extension('https://example.org/key-safe').valueString"), FIELD_MAPPED);
        translate_text("{\"resourceType\": \"Encounter\", \"id\": \"e1\", \"status\": \"in-progress\", \"class\": "
                       "{\"code\": \"IMP\"}, \"subject\": {\"reference\":"
                       "\"Patient/p1\"}, \"extension\": [{\"url\": \"urn:spec\", \"valueString\": \"315\"}], "
                       "\"priority\": {\"text\": \"perhaps\"}}");
        event = only_event("encounter.admitted");
        assert_string_equal(event->encounter->specialty->original->code, "315");
        assert_int_equal(event->n_complete, 0);
        /* What the field cannot take is kept where a person sees it. */
        assert_false(event->encounter->has_medically_fit);
        assert_int_equal(event->n_notes, 1);
        assert_string_equal(event->notes[0]->text, "perhaps");
        use_default_profile();
}

static size_t n_seen;
static int count_seen(void *owner, const Reading *reading) {
        n_seen++;
        assert_int_equal(reading->n_events, 1);
        return 0;
}

static void test_the_reader_takes_files_of_lines(void **state) {
        static const char lines[] = "{\"resourceType\": \"Patient\", \"id\": \"p1\"}\r\n\r\n{\"resourceType\": "
                                    "\"Patient\", \"id\": \"p2\"}\n";
        static const char one[] = "{\n\"resourceType\": \"Patient\",\n\"id\": \"p1\"}\n";
        ReadingOptions options = { .source = "ehr", .profile = profile, .timezone = "Europe/London" };
        void *reader;

        assert_int_equal(fhir_reader.open(&options, &reader), 0);
        n_seen = 0;
        assert_int_equal(fhir_reader.read(reader, "x.ndjson", bytes_of_text(lines), count_seen, NULL), 0);
        assert_int_equal(n_seen, 2);
        assert_int_equal(fhir_reader.read(reader, "x.json", bytes_of_text(one), count_seen, NULL), 0);
        assert_int_equal(n_seen, 3);
        fhir_reader.close(reader);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_each_kind_of_element_is_listed_once),
                cmocka_unit_test(test_what_is_no_name_is_not_shown),
                cmocka_unit_test(test_a_profile_takes_what_no_table_does),
                cmocka_unit_test(test_the_reader_takes_files_of_lines),
        };

        return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
