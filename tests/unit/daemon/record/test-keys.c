/* Ids and keys: any number, any length, the order that they should have. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/record/keys.h"

static Arena *arena;

static int setup(void **state) {
        return arena_new(&arena, 1 << 20);
}

static int teardown(void **state) {
        arena = arena_free(arena);
        return 0;
}

static void test_ids_are_written_as_numbers_of_any_size(void **state) {
        assert_string_equal(id_text("", 0, 0, arena), "0.0");
        assert_string_equal(id_text("p", 12, 3, arena), "p12.3");
        assert_string_equal(id_text("p", UINT64_MAX, UINT32_MAX, arena), "p18446744073709551615.4294967295");
        assert_string_equal(text_joined(arena, "a", "", "bc", "d"), "abcd");
        assert_string_equal(text_joined(arena, "a", NULL, "bc", "d"), "a");
}

static void test_a_long_encounter_number_is_kept_by_its_hash(void **state) {
        char key[4000];
        char *section, *other;

        memset(key, 'x', sizeof(key) - 1);
        key[sizeof(key) - 1] = '\0';
        assert_string_equal(section_of_encounter("hospital", "carebus:V|1", arena), "encounters/hospital/carebus:V|1");
        section = section_of_encounter("hospital", key, arena);
        assert_true(strlen(section) < 120);
        key[3000] = 'y';
        other = section_of_encounter("hospital", key, arena);
        assert_string_not_equal(section, other);
        assert_int_equal(key_of_claim("p18446744073709551615.4294967295", section, (StampParts){ .seq = 1 }).error, 0);
}

static int order(StateKey a, StateKey b) {
        return memcmp(a.data, b.data, a.size < b.size ? a.size : b.size);
}

static void test_claims_lie_in_the_order_in_which_they_were_said(void **state) {
        static const StampParts stamps[] = {
                { .said_at = -5, .sent_at = 9, .seq = 9, .index = 9 },
                { .said_at = 5, .sent_at = -1, .seq = 9, .index = 9 },
                { .said_at = 5, .sent_at = 1, .seq = 1, .index = 9 },
                { .said_at = 5, .sent_at = 1, .seq = 2, .index = 0 },
                { .said_at = 5, .sent_at = 1, .seq = 2, .index = 1 },
        };
        StateKey prefix = key_of_claims("p1.0", "encounters/x/y");

        for (size_t i = 0; i + 1 < sizeof(stamps) / sizeof(stamps[0]); i++) {
                StateKey key = key_of_claim("p1.0", "encounters/x/y", stamps[i]);

                assert_true(order(key, key_of_claim("p1.0", "encounters/x/y", stamps[i + 1])) < 0);
                assert_true(stamp_parts_compare(stamps[i], stamps[i + 1]) < 0);
                assert_true(stamp_parts_compare(stamps[i + 1], stamps[i]) > 0);
                assert_memory_equal(key.data, prefix.data, prefix.size);
        }
        assert_int_equal(stamp_parts_compare(stamps[0], stamps[0]), 0);
        assert_true(stamp_parts_compare(stamp_parts(NULL), stamps[0]) < 0);
}

static void test_no_person_has_claims_among_its_sections(void **state) {
        StateKey claims = key_of_claims("p1.0", "encounters/x/y"), sections = state_key_section("p1.0", NULL);

        assert_memory_not_equal(claims.data, sections.data, sections.size);
}

static void test_patient_ids_are_in_the_order_of_their_making(void **state) {
        assert_true(id_compare("p9.0", "p10.0") < 0);
        assert_true(id_compare("p10.2", "p10.10") < 0);
        assert_int_equal(id_compare("p10.2", "p10.2"), 0);
        assert_true(id_compare("p10.2", "p9.9") > 0);
        assert_true(id_compare("p1.0", "nobody") < 0);
        assert_true(id_compare("nobody", "p1.0") > 0);
        assert_true(id_compare("a", "b") < 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_ids_are_written_as_numbers_of_any_size),
                cmocka_unit_test(test_patient_ids_are_in_the_order_of_their_making),
                cmocka_unit_test(test_a_long_encounter_number_is_kept_by_its_hash),
                cmocka_unit_test(test_claims_lie_in_the_order_in_which_they_were_said),
                cmocka_unit_test(test_no_person_has_claims_among_its_sections),
        };

        return cmocka_run_group_tests_name("keys", tests, setup, teardown);
}
