/* A map adds the shared code and takes nothing away. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include <errno.h>
#include <string.h>

#include "canon/codes.h"

static ProfileMapEntry entries[] = {
        { .code = (char *)"1",
          .to_system = (char *)"urn:sex",
          .to_code = (char *)"male",
          .to_display = (char *)"Male" },
        { .code = (char *)"2", .to_system = (char *)"urn:sex", .to_code = (char *)"female" },
        { .code = (char *)"9",
          .to_system = (char *)"urn:sex",
          .to_code = (char *)"other",
          .to_display = (char *)"Other" },
};
static const ProfileMap map = { .path = (char *)"demographics.sex", .entries = entries, .n_entries = 3 };

typedef struct Said {
        Arena *arena;
        Carebus__V1__Coded coded;
        Carebus__V1__OriginalCode original;
} Said;

static void say(Said *said, const char *code) {
        assert_int_equal(arena_new(&said->arena, 4096), 0);
        carebus__v1__coded__init(&said->coded);
        carebus__v1__original_code__init(&said->original);
        if (code) {
                said->original.code = (char *)code;
                said->coded.original = &said->original;
        }
}

static void test_a_code_of_the_map_gets_its_shared_one_and_stays(void **state) {
        Said said;
        say(&said, "1");
        said.original.display = (char *)"MALE";
        said.coded.text = (char *)"a man";
        assert_int_equal(coded_apply_map(&said.coded, &map, said.arena), 0);
        assert_string_equal(said.coded.system, "urn:sex");
        assert_string_equal(said.coded.code, "male");
        assert_string_equal(said.coded.display, "Male");
        assert_string_equal(said.coded.text, "a man");
        assert_string_equal(said.coded.original->code, "1");
        assert_string_equal(said.coded.original->display, "MALE");
        /* the map may be gone before the event */
        assert_ptr_not_equal(said.coded.code, entries[0].to_code);
        /* again: nothing more to do */
        assert_int_equal(coded_apply_map(&said.coded, &map, said.arena), CODES_E_NOTHING);
        arena_free(said.arena);
}

static void test_a_bare_code_becomes_the_original(void **state) {
        Said said;
        say(&said, NULL);
        said.coded.code = (char *)"2";
        said.coded.display = (char *)"FEMALE";
        assert_int_equal(coded_apply_map(&said.coded, &map, said.arena), 0);
        assert_string_equal(said.coded.code, "female");
        assert_null(said.coded.display); /* what the source called it is not the shared code's name */
        assert_string_equal(said.coded.original->code, "2");
        assert_string_equal(said.coded.original->display, "FEMALE");
        arena_free(said.arena);
}

static void test_an_unknown_code_is_a_miss_and_keeps_what_was_said(void **state) {
        Said said;
        say(&said, "7");
        said.coded.text = (char *)"seven";
        assert_int_equal(coded_apply_map(&said.coded, &map, said.arena), CODES_E_MISS);
        assert_null(said.coded.system);
        assert_null(said.coded.code);
        assert_string_equal(said.coded.original->code, "7");
        assert_string_equal(said.coded.text, "seven");
        arena_free(said.arena);
        say(&said, NULL);
        said.coded.code = (char *)"7";
        assert_int_equal(coded_apply_map(&said.coded, &map, said.arena), CODES_E_MISS);
        assert_string_equal(said.coded.original->code, "7");
        arena_free(said.arena);
}

static void test_shared_codes_and_bare_text_are_left_alone(void **state) {
        Said said;
        say(&said, NULL);
        said.coded.system = (char *)"http://snomed.info/sct";
        said.coded.code = (char *)"1";
        assert_int_equal(coded_apply_map(&said.coded, &map, said.arena), CODES_E_NOTHING);
        assert_string_equal(said.coded.code, "1");
        arena_free(said.arena);
        say(&said, NULL);
        said.coded.text = (char *)"1";
        assert_int_equal(coded_apply_map(&said.coded, &map, said.arena), CODES_E_NOTHING);
        assert_null(said.coded.original);
        arena_free(said.arena);
        say(&said, "");
        assert_int_equal(coded_apply_map(&said.coded, &map, said.arena), CODES_E_NOTHING);
        arena_free(said.arena);
}

static void test_units_are_mapped_and_kept(void **state) {
        static ProfileMapEntry unit = { .code = (char *)"mmol/l",
                                        .to_system = (char *)"u",
                                        .to_code = (char *)"mmol/L" };
        static const ProfileMap units = { .path = (char *)"unit", .entries = &unit, .n_entries = 1 };
        Carebus__V1__Quantity quantity = CAREBUS__V1__QUANTITY__INIT;
        Said said;
        say(&said, NULL);
        assert_int_equal(quantity_apply_map(&quantity, &units, said.arena), CODES_E_NOTHING);
        quantity.original_unit = (char *)"mmol/l";
        assert_int_equal(quantity_apply_map(&quantity, &units, said.arena), 0);
        assert_string_equal(quantity.unit, "mmol/L");
        assert_string_equal(quantity.original_unit, "mmol/l");
        quantity.unit = NULL;
        quantity.original_unit = (char *)"MMOL";
        assert_int_equal(quantity_apply_map(&quantity, &units, said.arena), CODES_E_MISS);
        assert_null(quantity.unit);
        arena_free(said.arena);
}

static void test_a_full_arena_is_memory_and_loses_nothing(void **state) {
        for (size_t left = 0; left < 200; left += 16) {
                Said said;
                say(&said, NULL);
                said.coded.code = (char *)"1";
                assert_non_null(arena_alloc(said.arena, 4096 - left));
                int r = coded_apply_map(&said.coded, &map, said.arena);
                assert_true(r == 0 || r == -ENOMEM);
                const char *kept = said.coded.original ? said.coded.original->code : said.coded.code;
                assert_string_equal(kept, "1");
                arena_free(said.arena);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_a_code_of_the_map_gets_its_shared_one_and_stays),
                cmocka_unit_test(test_a_bare_code_becomes_the_original),
                cmocka_unit_test(test_an_unknown_code_is_a_miss_and_keeps_what_was_said),
                cmocka_unit_test(test_shared_codes_and_bare_text_are_left_alone),
                cmocka_unit_test(test_units_are_mapped_and_kept),
                cmocka_unit_test(test_a_full_arena_is_memory_and_loses_nothing),
        };
        return cmocka_run_group_tests_name("canon codes", tests, NULL, NULL);
}
