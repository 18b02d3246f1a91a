/* What is known of deliveries after a restart, and after a damaged disk. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "adapters/csv/ledger.h"
#include "adapters/csv/roster.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "base/file.h"

#define NOW (1800000000 * USEC_PER_SEC)

static char folder[64];
static Ledger *ledger;

static int setup(void **state) {
        strcpy(folder, "/tmp/carebus-ledger-XXXXXX");
        assert_non_null(mkdtemp(folder));
        return ledger_open(folder, &ledger);
}

static int teardown(void **state) {
        char command[128];

        ledger = ledger_free(ledger);
        snprintf(command, sizeof(command), "rm -rf '%s'", folder);
        return system(command);
}

static void restart(void) {
        ledger = ledger_free(ledger);
        assert_int_equal(ledger_open(folder, &ledger), 0);
}

static LedgerDelivery begin(const char *table, char letter, LedgerKind expected) {
        LedgerDelivery what = { .file = "peo\nple \xff.csv" }, got;
        LedgerKind kind;

        snprintf(what.table, sizeof(what.table), "%s", table);
        memset(what.hash, letter, sizeof(what.hash) - 1);
        assert_int_equal(ledger_begin(ledger, &what, NOW, &got, &kind), 0);
        assert_int_equal(kind, expected);
        return got;
}

static void test_the_same_bytes_again_are_a_repeat_with_the_number_of_the_first_time(void **state) {
        LedgerDelivery first = begin("people", 'a', LEDGER_NEW);

        assert_true(first.number >= 1800000000);
        assert_int_equal(ledger_end(ledger, "people"), 0);
        assert_int_equal(begin("people", 'a', LEDGER_REPEAT).number, first.number);
        restart();
        assert_int_equal(begin("people", 'a', LEDGER_REPEAT).number, first.number);
}

static void test_a_then_b_then_a_again_are_three_with_numbers_that_go_up(void **state) {
        uint64_t numbers[3];
        const char letters[] = "aba";

        for (size_t i = 0; i < 3; i++) {
                numbers[i] = begin("people", letters[i], LEDGER_NEW).number;
                assert_int_equal(ledger_end(ledger, "people"), 0);
                restart();
        }
        assert_true(numbers[0] < numbers[1] && numbers[1] < numbers[2]);
}

static void test_tables_do_not_disturb_one_another(void **state) {
        (void)begin("people", 'a', LEDGER_NEW);
        assert_int_equal(ledger_end(ledger, "people"), 0);
        (void)begin("plan", 'b', LEDGER_NEW);
        assert_int_equal(ledger_end(ledger, "plan"), 0);
        (void)begin("people", 'a', LEDGER_REPEAT);
}

static void test_what_began_and_did_not_end_is_gone_on_with_after_a_restart(void **state) {
        LedgerDelivery first = begin("people", 'a', LEDGER_NEW);

        restart();
        assert_non_null(ledger_unfinished(ledger));
        assert_string_equal(ledger_unfinished(ledger)->file, "peo\nple \xff.csv");
        assert_int_equal(begin("people", 'a', LEDGER_RESUMED).number, first.number);
        assert_int_equal(ledger_end(ledger, "people"), 0);
        assert_null(ledger_unfinished(ledger));
        restart();
        assert_null(ledger_unfinished(ledger));
}

static void test_every_damage_is_seen_set_aside_and_no_number_is_used_again(void **state) {
        _cleanup_(buffer_deinit) Buffer whole = BUFFER_NULL;
        uint64_t number = begin("people", 'a', LEDGER_NEW).number;
        char path[128], aside[160];

        snprintf(path, sizeof(path), "%s/deliveries", folder);
        snprintf(aside, sizeof(aside), "%s.damaged", path);
        assert_int_equal(file_read(path, 1 << 16, &whole), 0);
        for (size_t i = 0; i + 1 < whole.size; i++) {
                uint8_t was = whole.data[i];

                whole.data[i] ^= 1;
                assert_int_equal(file_replace(path, whole.data, whole.size, 0600), 0);
                whole.data[i] = was;
                ledger = ledger_free(ledger);
                if (ledger_open(folder, &ledger) != LEDGER_E_DAMAGED)
                        fail_msg("byte %zu was changed and nobody saw it", i);
                assert_int_equal(access(aside, F_OK), 0);
        }
        for (size_t size = 0; size < whole.size - 1; size++) {
                assert_int_equal(file_replace(path, whole.data, size, 0600), 0);
                ledger = ledger_free(ledger);
                assert_int_equal(ledger_open(folder, &ledger), LEDGER_E_DAMAGED);
        }
        assert_true(begin("people", 'b', LEDGER_NEW).number >= number);
}

static void test_what_could_not_be_written_was_not_begun(void **state) {
        LedgerDelivery what = { .table = "people" }, got;
        LedgerKind kind;
        char command[160];

        (void)begin("people", 'a', LEDGER_NEW);
        assert_int_equal(ledger_end(ledger, "people"), 0);
        snprintf(command, sizeof(command), "rm -rf '%s'", folder);
        assert_int_equal(system(command), 0);
        memset(what.hash, 'b', sizeof(what.hash) - 1);
        assert_true(ledger_begin(ledger, &what, NOW, &got, &kind) < 0);
        assert_null(ledger_unfinished(ledger));
        (void)begin("people", 'a', LEDGER_REPEAT);
}

static void expect_missing(const char *numbers, uint64_t expected, bool keep) {
        Roster *roster;
        uint64_t missing;

        assert_int_equal(roster_new(folder, "people", &roster), 0);
        for (const char *at = numbers; *at; at++) {
                const char number[] = { *at, 0 };
                assert_int_equal(roster_add(roster, number), 0);
        }
        assert_int_equal(roster_missing(roster, &missing), 0);
        assert_int_equal(missing, expected);
        if (keep)
                assert_int_equal(roster_keep(roster), 0);
        roster_free(roster);
}

static void test_whoever_is_missing_from_a_whole_list_is_counted(void **state) {
        char path[128];

        expect_missing("abc", 0, true);
        expect_missing("cabba", 0, false);
        expect_missing("bd", 2, false);
        expect_missing("", 3, false);
        expect_missing("bcde", 1, true);
        expect_missing("abc", 2, false);
        snprintf(path, sizeof(path), "%s/roster-people", folder);
        assert_int_equal(truncate(path, 17), 0);
        expect_missing("a", 0, false); /* damaged: nobody is called missing */
}

int main(void) {
#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
        const struct CMUnitTest tests[] = {
                T(test_the_same_bytes_again_are_a_repeat_with_the_number_of_the_first_time),
                T(test_a_then_b_then_a_again_are_three_with_numbers_that_go_up),
                T(test_tables_do_not_disturb_one_another),
                T(test_what_began_and_did_not_end_is_gone_on_with_after_a_restart),
                T(test_every_damage_is_seen_set_aside_and_no_number_is_used_again),
                T(test_what_could_not_be_written_was_not_begun),
                T(test_whoever_is_missing_from_a_whole_list_is_counted),
        };

        return cmocka_run_group_tests_name("csv ledger", tests, NULL, NULL);
}
