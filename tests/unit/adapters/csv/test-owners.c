/* Whose a number is: kept over a restart, corrected one by one, and never handed on silently. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "adapters/csv/owners.h"
#include "adapters/csv/sayings.h"
#include "base/file.h"

static char folder[] = "/tmp/carebus-owners-XXXXXX";
static Owners *owners;

static void open_owners(void) {
        owners = owners_free(owners);
        assert_int_equal(owners_open(folder, &owners), 0);
}

static void in_path(const char *name, char ret[128]) {
        snprintf(ret, 128, "%s/%s", folder, name);
}

static int setup(void **state) {
        strcpy(folder + strlen(folder) - 6, "XXXXXX");
        assert_non_null(mkdtemp(folder));
        open_owners();
        return 0;
}

static int teardown(void **state) {
        char path[128];

        owners = owners_free(owners);
        in_path("owners", path);
        (void)unlink(path);
        return rmdir(folder);
}

static void test_a_number_of_somebody_else_is_known_after_a_restart(void **state) {
        assert_int_equal(owners_say(owners, "H1", "1952-03-14", "Example"), 0);
        assert_int_equal(owners_keep(owners), 0);
        open_owners();
        assert_int_equal(owners_say(owners, "H1", "1938-11-14", "Other"), OWNERS_E_ANOTHER);
        assert_int_equal(owners_say(owners, "H2", "1938-11-14", "Other"), 0);
        assert_int_equal(owners_say(owners, "H1", "1952-03-14", "EXAMPLE"), 0);
}

static void test_one_of_both_may_be_corrected_and_then_the_other(void **state) {
        assert_int_equal(owners_say(owners, "H1", "1952-03-14", "O'Brien"), 0);
        assert_int_equal(owners_say(owners, "H1", "1952-03-14", "OBRIEN"), 0);
        assert_int_equal(owners_say(owners, "H1", "1952-04-13", "obrien"), 0);
        assert_int_equal(owners_say(owners, "H1", "1952-04-13", "Married"), 0);
        assert_int_equal(owners_say(owners, "H1", "1952-03-14", "O'Brien"), OWNERS_E_ANOTHER);
        assert_int_equal(owners_say(owners, "H1", NULL, "Anybody"), 0);
}

static void test_a_damaged_file_counts_as_none(void **state) {
        char path[128];

        in_path("owners", path);
        assert_int_equal(file_replace(path, "rubbish that is no list of owners at all, fifty bytes", 48, 0600), 0);
        open_owners();
        assert_int_equal(owners_say(owners, "H1", "1952-03-14", "Example"), 0);
        assert_int_equal(owners_keep(owners), 0);
}

static void test_ten_thousand_numbers_are_each_their_own(void **state) {
        char number[16], born[16];

        for (int round = 0; round < 2; round++) {
                for (int i = 0; i < 10000; i++) {
                        snprintf(number, sizeof(number), "H%d", i);
                        snprintf(born, sizeof(born), "19%02d-01-01", i % 100);
                        assert_int_equal(owners_say(owners, number, born, number), 0);
                }
                assert_int_equal(owners_keep(owners), 0);
                open_owners();
        }
        assert_int_equal(owners_say(owners, "H9999", "1950-01-01", "Other"), OWNERS_E_ANOTHER);
}

static void test_sayings_differ_wherever_the_rows_stand(void **state) {
        _cleanup_(sayings_freep) Sayings *sayings = NULL;
        char thing[16];

        assert_int_equal(sayings_new(&sayings), 0);
        assert_false(sayings_differ(sayings, "1"));
        for (int i = 0; i < 200; i++) {
                snprintf(thing, sizeof(thing), "%d", i % 100);
                assert_int_equal(sayings_add(sayings, thing, i == 142 ? "other" : "same"), 0);
        }
        sayings_close(sayings);
        for (int i = 0; i < 110; i++) {
                snprintf(thing, sizeof(thing), "%d", i);
                assert_true(sayings_differ(sayings, thing) == (i == 42));
        }
        sayings_clear(sayings);
        assert_false(sayings_differ(sayings, "42"));
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        const struct CMUnitTest tests[] = {
                T(test_a_number_of_somebody_else_is_known_after_a_restart),
                T(test_one_of_both_may_be_corrected_and_then_the_other),
                T(test_a_damaged_file_counts_as_none),
                T(test_ten_thousand_numbers_are_each_their_own),
                T(test_sayings_differ_wherever_the_rows_stand),
        };

        return cmocka_run_group_tests_name("csv owners", tests, NULL, NULL);
}
