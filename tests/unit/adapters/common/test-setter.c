/*
 * Fields by path: what a profile can say reaches the schema, and what it cannot is refused before anything changes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "adapters/common/setter.h"
#include "base/cleanup.h"
#include "carebus/v1/event.pb-c.h"

static Arena *arena;
static Carebus__V1__Event event;

static int setup(void **state) {
        carebus__v1__event__init(&event);
        return arena_new(&arena, 1 << 20);
}

static int teardown(void **state) {
        arena = arena_free(arena);
        return 0;
}

static int set(const char *path, const char *text) {
        return setter_set(&event.base, path, text, arena);
}

static void test_text_goes_to_its_field(void **state) {
        assert_int_equal(set("demographics.access_note", "key safe"), 0);
        assert_int_equal(event.body_case, CAREBUS__V1__EVENT__BODY_DEMOGRAPHICS);
        assert_string_equal(event.demographics->access_note, "key safe");
        assert_int_equal(set("sensitivity.original", "S"), 0);
        assert_string_equal(event.sensitivity->original, "S");
}

static void test_values_that_are_messages_take_text(void **state) {
        assert_int_equal(set("encounter.class", "I"), 0);
        assert_string_equal(event.encounter->class_->original->code, "I");
        assert_int_equal(set("encounter.class.text", "in-patient"), 0);
        assert_string_equal(event.encounter->class_->text, "in-patient");
        assert_string_equal(event.encounter->class_->original->code, "I");
        assert_int_equal(set("encounter.admitted_at", "20240305"), 0);
        assert_string_equal(event.encounter->admitted_at->text, "20240305");
        assert_int_equal(set("episode_id", "E1"), 0);
        assert_string_equal(event.episode_id->value, "E1");
        assert_int_equal(set("encounter.service_provider", "Ward"), 0);
        assert_string_equal(event.encounter->service_provider->name, "Ward");
}

static void test_lists_get_one_more_or_the_one_named(void **state) {
        assert_int_equal(set("demographics.identifiers", "A"), 0);
        assert_int_equal(set("demographics.identifiers", "B"), 0);
        assert_int_equal(event.demographics->n_identifiers, 2);
        assert_string_equal(event.demographics->identifiers[1]->value, "B");
        assert_int_equal(set("demographics.identifiers[2].type", "PI"), 0);
        assert_int_equal(event.demographics->n_identifiers, 2);
        assert_string_equal(event.demographics->identifiers[1]->type, "PI");
        assert_int_equal(set("demographics.names[3].family", "X"), 0);
        assert_int_equal(event.demographics->n_names, 3);
        assert_int_equal(set("demographics.names[1].given", "Y"), 0);
        assert_string_equal(event.demographics->names[0]->given[0], "Y");
}

static void test_numbers_truths_and_enums_are_read(void **state) {
        assert_int_equal(set("demographics.birth_order", "2"), 0);
        assert_true(event.demographics->has_birth_order);
        assert_int_equal(event.demographics->birth_order, 2);
        assert_int_equal(set("demographics.lives_alone", "Yes"), 0);
        assert_true(event.demographics->has_lives_alone && event.demographics->lives_alone);
        assert_int_equal(set("demographics.deceased", "N"), 0);
        assert_true(event.demographics->has_deceased && !event.demographics->deceased);
        assert_int_equal(set("action", "update"), 0);
        assert_int_equal(event.action, CAREBUS__V1__ACTION__ACTION_UPDATE);
        assert_int_equal(set("action", "entered_in_error"), 0);
        assert_int_equal(event.action, CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR);
}

static void test_what_does_not_fit_changes_nothing(void **state) {
        assert_int_equal(set("demographics.birth_order", "two"), SETTER_E_VALUE);
        assert_int_equal(set("demographics.birth_order", "4294967296"), SETTER_E_VALUE);
        assert_int_equal(set("demographics.lives_alone", "perhaps"), SETTER_E_VALUE);
        assert_int_equal(set("action", "pdate"), SETTER_E_VALUE);
        assert_int_equal(event.body_case, CAREBUS__V1__EVENT__BODY__NOT_SET);
        assert_false(event.has_action);
}

static void test_paths_that_name_nothing_are_refused(void **state) {
        static const char *const bad[] = {
                "",
                ".",
                "demographics",
                "demographics.",
                "demographics.nothing",
                "nothing.at_all",
                "demographics.names[0]",
                "demographics.names[65]",
                "demographics.names[x]",
                "demographics.sex[1]",
                "demographics..sex",
                "patient",
                "demographics.access_note.text",
                "encounter.period",
        };

        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                assert_int_equal(setter_check_path(&carebus__v1__event__descriptor, bad[i]), SETTER_E_NO_FIELD);
                assert_int_equal(set(bad[i], "x"), SETTER_E_NO_FIELD);
        }
        assert_int_equal(event.body_case, CAREBUS__V1__EVENT__BODY__NOT_SET);
}

static void test_a_body_is_never_replaced_by_another(void **state) {
        assert_int_equal(set("encounter.class", "I"), 0);
        assert_int_equal(set("demographics.access_note", "x"), SETTER_E_BODY);
        assert_int_equal(event.body_case, CAREBUS__V1__EVENT__BODY_ENCOUNTER);
}

static void test_every_path_of_the_schema_that_is_said_to_be_good_can_be_set(void **state) {
        const ProtobufCMessageDescriptor *descriptor = &carebus__v1__demographics__descriptor;
        size_t n_set = 0;

        for (unsigned i = 0; i < descriptor->n_fields; i++) {
                char path[128] = "demographics.";
                int r;

                strcat(path, descriptor->fields[i].name);
                if (setter_check_path(&carebus__v1__event__descriptor, path) != 0)
                        continue;
                r = set(path, "1");
                assert_int_equal(r, 0);
                n_set++;
        }
        assert_true(n_set > 25);
        assert_true(protobuf_c_message_get_packed_size(&event.base) > n_set);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_text_goes_to_its_field, setup, teardown),
                cmocka_unit_test_setup_teardown(test_values_that_are_messages_take_text, setup, teardown),
                cmocka_unit_test_setup_teardown(test_lists_get_one_more_or_the_one_named, setup, teardown),
                cmocka_unit_test_setup_teardown(test_numbers_truths_and_enums_are_read, setup, teardown),
                cmocka_unit_test_setup_teardown(test_what_does_not_fit_changes_nothing, setup, teardown),
                cmocka_unit_test_setup_teardown(test_paths_that_name_nothing_are_refused, setup, teardown),
                cmocka_unit_test_setup_teardown(test_a_body_is_never_replaced_by_another, setup, teardown),
                cmocka_unit_test_setup_teardown(test_every_path_of_the_schema_that_is_said_to_be_good_can_be_set, setup,
                                                teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
