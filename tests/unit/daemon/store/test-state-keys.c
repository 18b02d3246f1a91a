/* Keys sort as their meaning does, and what is long still fits. */
#include "store-test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "daemon/store/state-keys.h"

static int compare_keys(const StateKey *a, const StateKey *b) {
        size_t common = MIN(a->size, b->size);
        int order = memcmp(a->data, b->data, common);

        return order != 0 ? order : a->size < b->size ? -1 : a->size > b->size;
}

static void test_numbers_sort_by_size(void **state) {
        static const uint64_t numbers[] = { 0,          1,         255, 256, 65535, 65536, 1ull << 32, (1ull << 63) - 1,
                                            1ull << 63, UINT64_MAX };

        for (size_t i = 1; i < ELEMENTSOF(numbers); i++) {
                StateKey a = state_key_seq(numbers[i - 1]), b = state_key_seq(numbers[i]);

                assert_true(compare_keys(&a, &b) < 0);
        }
}

static void test_times_before_1970_sort_first(void **state) {
        static const int64_t times[] = { INT64_MIN, -1000000, -1, 0, 1, 1000000, INT64_MAX };

        for (size_t i = 1; i < ELEMENTSOF(times); i++) {
                StateKey a = state_key_dedupe("s", "m", times[i - 1]), b = state_key_dedupe("s", "m", times[i]);

                assert_true(compare_keys(&a, &b) < 0);
        }
}

static void test_one_name_is_never_the_beginning_of_another(void **state) {
        StateKey short_one = state_key_source_seq("a", UINT64_MAX), long_one = state_key_source_seq("ab", 0);
        StateKey prefix = state_key_section("p1.0", NULL), other = state_key_section("p1.01", "x");

        assert_true(compare_keys(&short_one, &long_one) < 0);
        assert_true(memcmp(prefix.data, other.data, prefix.size) != 0);
}

static void test_events_of_a_patient_sort_by_place(void **state) {
        StateKey a = state_key_patient_seq("p1.0", 9, 4000000000u), b = state_key_patient_seq("p1.0", 10, 0),
                 c = state_key_patient_seq("p1.0", 10, 1);

        assert_true(compare_keys(&a, &b) < 0);
        assert_true(compare_keys(&b, &c) < 0);
}

static void test_long_ids_are_told_apart_by_their_hash(void **state) {
        char one[2000], two[2000];
        StateKey a, b, again, border, beyond;

        memset(one, 'x', sizeof(one));
        memset(two, 'x', sizeof(two));
        one[sizeof(one) - 1] = two[sizeof(two) - 1] = '\0';
        two[sizeof(two) - 2] = 'y';
        a = state_key_dedupe("hospital-pas", one, 5);
        b = state_key_dedupe("hospital-pas", two, 5);
        again = state_key_dedupe("hospital-pas", one, 5);
        assert_int_equal(a.error, 0);
        assert_true(compare_keys(&a, &b) != 0);
        assert_int_equal(compare_keys(&a, &again), 0);
        a = state_key_identifier(one, two);
        b = state_key_identifier(two, one);
        assert_int_equal(a.error + b.error, 0);
        assert_true(compare_keys(&a, &b) != 0);

        one[200] = '\0';
        border = state_key_identifier("s", one);
        assert_memory_equal(border.data + 2, one, 201); /* as it is */
        one[200] = 'x';
        one[201] = '\0';
        beyond = state_key_identifier("s", one);
        assert_memory_equal(beyond.data + 2, "sha256:", 7);
}

static void test_the_longest_allowed_names_fit(void **state) {
        char name[33], id[201];
        StateKey key;

        memset(name, 'n', 32);
        name[32] = '\0';
        memset(id, 'i', 200);
        id[200] = '\0';
        key = state_key_dedupe(name, id, INT64_MAX);
        assert_int_equal(key.error, 0);
        key = state_key_identifier(id, id);
        assert_int_equal(key.error, 0);
}

static void test_a_key_that_does_not_fit_says_so_and_stays(void **state) {
        char text[STATE_KEY_MAX + 1];
        StateKey key = STATE_KEY_NULL;

        memset(text, 't', sizeof(text));
        text[STATE_KEY_MAX - 1] = '\0';
        state_key_text(&key, text);
        assert_int_equal(key.error, 0);
        assert_int_equal(key.size, STATE_KEY_MAX);
        state_key_u32(&key, 1);
        assert_int_equal(key.error, -EMSGSIZE);
        assert_int_equal(key.size, STATE_KEY_MAX);
        state_key_bytes(&key, BYTES_NULL);
        assert_int_equal(key.error, -EMSGSIZE);
}

static void test_dedupe_and_counters_come_back(void **folder) {
        StateDedupe put = { .seq = 42, .sha256 = { 1, 2, 3 } }, got = { 0 };
        _cleanup_(state_freep) State *state = NULL;
        StateTxn *txn;

        assert_int_equal(state_open(*folder, STATE_WRITE, 16u << 20, &state), 0);
        assert_int_equal(state_begin(state, STATE_WRITE, &txn), 0);
        assert_int_equal(state_dedupe_get(txn, "s", "id", 7, &got), STATE_E_NOT_FOUND);
        assert_int_equal(state_dedupe_put(txn, "s", "id", 7, &put), 0);
        assert_int_equal(state_dedupe_get(txn, "s", "id", 7, &got), 0);
        assert_int_equal(got.seq, 42);
        assert_memory_equal(got.sha256, put.sha256, 32);
        assert_int_equal(state_dedupe_get(txn, "s", "id", 8, &got), STATE_E_NOT_FOUND);
        assert_int_equal(state_dedupe_get(txn, "s", "id2", 7, &got), STATE_E_NOT_FOUND);

        assert_int_equal(state_count_get(txn, "s", "stored"), 0);
        assert_int_equal(state_count_add(txn, "s", "stored", 3), 0);
        assert_int_equal(state_count_add(txn, "s", "stored", 4), 0);
        assert_int_equal(state_count_get(txn, "s", "stored"), 7);
        assert_int_equal(state_count_get(txn, "s", "other"), 0);
        state_abort(txn);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_numbers_sort_by_size),
                cmocka_unit_test(test_times_before_1970_sort_first),
                cmocka_unit_test(test_one_name_is_never_the_beginning_of_another),
                cmocka_unit_test(test_events_of_a_patient_sort_by_place),
                cmocka_unit_test(test_long_ids_are_told_apart_by_their_hash),
                cmocka_unit_test(test_the_longest_allowed_names_fit),
                cmocka_unit_test(test_a_key_that_does_not_fit_says_so_and_stays),
                cmocka_unit_test_setup_teardown(test_dedupe_and_counters_come_back, folder_setup, folder_teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
