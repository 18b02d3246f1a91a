/* What intake has seen and the state does not show yet. */
#include "daemon/stage/known.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static KnownMessage message(uint64_t seq) {
        KnownMessage m = { .seq = seq };
        memset(m.sha256, (int)seq, sizeof(m.sha256));
        return m;
}

static void add(Known *known, const char *source, const char *id, int64_t at, uint64_t seq) {
        KnownMessage m = message(seq);
        assert_int_equal(known_add(known, source, id, at, &m), 0);
}

static void test_message_is_known_by_source_id_and_time_together(void **state) {
        _cleanup_(known_freep) Known *known = NULL;
        KnownMessage found;

        assert_int_equal(known_new(&known), 0);
        add(known, "pas", "100", 5, 1);
        assert_true(known_find(known, "pas", "100", 5, &found));
        assert_int_equal(found.seq, 1);
        assert_int_equal(found.sha256[31], 1);
        assert_false(known_find(known, "pas", "100", 6, &found));
        assert_false(known_find(known, "pas", "100", INT64_MIN, &found));
        assert_false(known_find(known, "pas", "101", 5, &found));
        assert_false(known_find(known, "lab", "100", 5, &found));
        assert_false(known_find(known, "pas1", "00", 5, &found));
        assert_false(known_find(known, "pa", "s100", 5, &found));
}

static void test_what_the_state_shows_is_forgotten_and_the_rest_kept(void **state) {
        _cleanup_(known_freep) Known *known = NULL;
        KnownMessage found;
        char id[32];

        assert_int_equal(known_new(&known), 0);
        for (uint64_t seq = 1; seq <= 5000; seq++) {
                snprintf(id, sizeof(id), "%llu", (unsigned long long)seq);
                add(known, "pas", id, 0, seq * 2);
        }
        known_forget_until(known, 5001);
        assert_int_equal(known_count(known), 2500);
        assert_false(known_find(known, "pas", "2500", 0, &found));
        assert_true(known_find(known, "pas", "2501", 0, &found));
        assert_true(known_find(known, "pas", "5000", 0, &found));
        known_forget_until(known, 100000);
        assert_int_equal(known_count(known), 0);
}

static void test_what_was_not_committed_is_forgotten_again(void **state) {
        _cleanup_(known_freep) Known *known = NULL;
        KnownMessage found;

        assert_int_equal(known_new(&known), 0);
        add(known, "pas", "a", 0, 7);
        add(known, "pas", "b", 0, 8);
        add(known, "pas", "c", 0, 9);
        known_forget_from(known, 8);
        assert_true(known_find(known, "pas", "a", 0, &found));
        assert_false(known_find(known, "pas", "b", 0, &found));
        assert_false(known_find(known, "pas", "c", 0, &found));
        add(known, "pas", "c", 0, 8);
        assert_true(known_find(known, "pas", "c", 0, &found));
        assert_int_equal(found.seq, 8);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_message_is_known_by_source_id_and_time_together),
                cmocka_unit_test(test_what_the_state_shows_is_forgotten_and_the_rest_kept),
                cmocka_unit_test(test_what_was_not_committed_is_forgotten_again),
        };

        return cmocka_run_group_tests_name("stage known", tests, NULL, NULL);
}
