/*
 * The small part of FHIRPath that profiles are written in: what it finds, and where it is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "adapters/fhir/path.h"

static Arena *arena;
static JsonNode *patient;

static const char patient_text[] =
        "{\"resourceType\": \"Patient\", \"active\": true, \"birthDate\": \"1951-02-03\", \"multipleBirthInteger\": 2,"
        " \"name\": [{\"use\": \"official\", \"family\": \"Black\", \"given\": [\"Ann\", \"Mary\"]}, {\"use\": "
        "\"usual\", \"family\": \"Grey\"}],"
        " \"telecom\": [{\"system\": \"email\", \"value\": \"a@example.org\"}, {\"system\": \"phone\", \"use\": "
        "\"work\", \"value\": \"1\"},"
        "              {\"system\": \"phone\", \"use\": \"home\", \"value\": \"2\"}],"
        " \"identifier\": [{\"type\": {\"coding\": [{\"code\": \"MR\"}]}, \"value\": \"77\"}, {\"value\": \"88\"}],"
        " \"extension\": [{\"url\": \"urn:a\", \"valueString\": \"first\"}, {\"url\": \"urn:b\", \"extension\": "
        "[{\"url\": \"part\","
        "                  \"valueCodeableConcept\": {\"coding\": [{\"code\": \"X\"}], \"text\": \"words\"}}]}]}";

static int setup(void **state) {
        JsonLimits limits = JSON_LIMITS_DEFAULT;
        JsonError error;

        if (arena_new(&arena, 1 << 20) < 0)
                return -1;
        return json_read(bytes_of_text(patient_text), &limits, arena, &patient, &error);
}

static int teardown(void **state) {
        arena = arena_free(arena);
        return 0;
}

static const char *get(const char *text) {
        _cleanup_(fhir_path_freep) FhirPath *path = NULL;
        size_t offset;

        assert_int_equal(fhir_path_parse(text, &path, &offset), 0);
        return fhir_path_text(fhir_path_get(path, patient));
}

static void assert_finds(const char *text, const char *expected) {
        const char *found = get(text);

        assert_non_null(found);
        assert_string_equal(found, expected);
}

static void test_members_lead_through_arrays_to_the_first_text(void **state) {
        assert_finds("Patient.birthDate", "1951-02-03");
        assert_finds("birthDate", "1951-02-03");
        assert_finds("Patient.active", "true");
        assert_finds("name.family", "Black");
        assert_finds("name.given", "Ann");
        assert_null(get("name")); /* an object is no text */
        assert_null(get("Encounter.status"));
        assert_null(get("Patient.gender"));
}

static void test_an_index_counts_everything_before_it(void **state) {
        assert_finds("name[1].family", "Grey");
        assert_finds("name.given[1]", "Mary");
        assert_finds("name.given.first()", "Ann");
        assert_finds("identifier[1].value", "88");
        assert_null(get("name[2].family"));
}

static void test_where_takes_what_fits_all_conditions(void **state) {
        assert_finds("telecom.where(system = 'phone').value", "1");
        assert_finds("telecom.where(system='phone' and use='home').value", "2");
        assert_finds("Patient.identifier.where(type.coding.code = 'MR').value", "77");
        assert_finds("telecom.where(system = 'phone')[1].value", "2");
        assert_null(get("telecom.where(system = 'fax').value"));
}

static void test_extensions_and_choices(void **state) {
        assert_finds("extension('urn:a').value", "first");
        assert_finds("Patient.extension('urn:a').valueString", "first");
        assert_finds("Patient.extension('urn:b').extension('part').value.coding.code", "X");
        assert_finds("extension('urn:b').extension('part').value.ofType(CodeableConcept).text", "words");
        assert_null(get("extension('urn:b').extension('part').value.ofType(string)"));
        assert_finds("multipleBirth", "2");
        assert_null(get("extension('urn:c').value"));
}

static void test_what_was_found_is_noted_as_read(void **state) {
        const JsonNode *name = json_peek(patient, "name");

        assert_finds("name[1].family", "Grey");
        assert_true(name->read && name->first->next->read && json_peek(name->first->next, "family")->read);
        assert_false(json_peek(name->first->next, "use")->read);
}

static void test_what_is_no_path_is_refused_with_its_place(void **state) {
        static const struct {
                const char *text;
                size_t at;
        } cases[] = {
                { "", 0 },
                { "Patient", 7 },
                { ".name", 0 },
                { "Patient.", 8 },
                { "Patient..name", 8 },
                { "name[", 5 },
                { "name[x]", 5 },
                { "name[99999]", 9 },
                { "[1]", 1 },
                { "name.where(use)", 14 },
                { "name.where(use = official)", 17 },
                { "name.where(use = 'official'", 27 },
                { "name.where(use = 'official' or use = 'usual')", 28 },
                { "extension(urn:a)", 10 },
                { "extension('urn:a", 10 },
                { "name.resolve()", 12 },
                { "name family", 4 },
                { "first()", 7 },
                { "a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q", 31 },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                FhirPath *path = NULL;
                size_t offset = 999;

                if (fhir_path_parse(cases[i].text, &path, &offset) != FHIR_PATH_E_SYNTAX || path ||
                    offset != cases[i].at)
                        fail_msg("%s: refused at %zu", cases[i].text, offset);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_members_lead_through_arrays_to_the_first_text, setup, teardown),
                cmocka_unit_test_setup_teardown(test_an_index_counts_everything_before_it, setup, teardown),
                cmocka_unit_test_setup_teardown(test_where_takes_what_fits_all_conditions, setup, teardown),
                cmocka_unit_test_setup_teardown(test_extensions_and_choices, setup, teardown),
                cmocka_unit_test_setup_teardown(test_what_was_found_is_noted_as_read, setup, teardown),
                cmocka_unit_test_setup_teardown(test_what_is_no_path_is_refused_with_its_place, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
