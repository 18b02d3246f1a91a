/* What many entries touch is read once and written once, and nothing of it is lost however much there is of it. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "daemon/stage/overlay.h"
#include "daemon/store/state-keys.h"

#define MAP (64ull << 20)
#define N_KEYS 5000 /* the table grows several times with all of them waiting to be written */

static char folder[] = "/tmp/carebus-overlay-XXXXXX";

static int make_folder(void **state) {
        return mkdtemp(folder) ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *status, int flag, struct FTW *ftw) {
        return remove(path);
}

static int remove_folder(void **state) {
        return nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static int put(Overlay *overlay, uint64_t number, uint64_t value) {
        StateKey key = state_key_seq(number);

        return overlay_put(overlay, STATE_OUTCOME, state_key_all(&key), bytes_of(&value, sizeof(value)));
}

static uint64_t in_overlay(Overlay *overlay, StateTxn *txn, uint64_t number) {
        StateKey key = state_key_seq(number);
        Bytes value;

        assert_int_equal(overlay_get(overlay, txn, STATE_OUTCOME, state_key_all(&key), &value), 0);
        return load_le64(value.data);
}

static uint64_t in_state(StateTxn *txn, uint64_t number) {
        StateKey key = state_key_seq(number);
        Bytes value;

        assert_int_equal(state_get(txn, STATE_OUTCOME, state_key_all(&key), &value), 0);
        return load_le64(value.data);
}

static void test_everything_put_is_in_the_transaction_after_a_flush(void **unused) {
        _cleanup_(overlay_freep) Overlay *overlay = NULL;
        State *state = NULL;
        StateTxn *txn = NULL;

        assert_int_equal(overlay_new(&overlay), 0);
        assert_int_equal(state_open(folder, STATE_WRITE, MAP, &state), 0);
        for (uint64_t round = 1; round <= 3; round++) {
                assert_int_equal(state_begin(state, STATE_WRITE, &txn), 0);
                for (uint64_t i = 0; i < N_KEYS; i++)
                        assert_int_equal(put(overlay, i, round * N_KEYS + i), 0);
                /* Once more for some: written once, with what came last. */
                for (uint64_t i = 0; i < N_KEYS; i += 7)
                        assert_int_equal(put(overlay, i, round), 0);
                assert_int_equal(overlay_flush(overlay, txn), 0);
                for (uint64_t i = 0; i < N_KEYS; i++)
                        assert_int_equal(in_state(txn, i), i % 7 == 0 ? round : round * N_KEYS + i);
                assert_int_equal(state_commit(txn), 0);
        }
        state_free(state);
}

static void test_a_flush_writes_only_what_was_put_since_the_last(void **unused) {
        _cleanup_(overlay_freep) Overlay *overlay = NULL;
        State *state = NULL;
        StateTxn *txn = NULL;
        uint64_t other = 99;
        StateKey key = state_key_seq(1);

        assert_int_equal(overlay_new(&overlay), 0);
        assert_int_equal(state_open(folder, STATE_WRITE, MAP, &state), 0);
        assert_int_equal(state_begin(state, STATE_WRITE, &txn), 0);
        assert_int_equal(put(overlay, 1, 10), 0);
        assert_int_equal(put(overlay, 2, 20), 0);
        assert_int_equal(overlay_flush(overlay, txn), 0);
        /* Behind its back: were it written again, this would be gone. */
        assert_int_equal(state_put(txn, STATE_OUTCOME, state_key_all(&key), bytes_of(&other, sizeof(other))), 0);
        assert_int_equal(put(overlay, 2, 21), 0);
        assert_int_equal(overlay_flush(overlay, txn), 0);
        assert_int_equal(in_state(txn, 1), 99);
        assert_int_equal(in_state(txn, 2), 21);
        assert_int_equal(in_overlay(overlay, txn, 1), 10);
        state_abort(txn);
        state_free(state);
}

static void test_what_is_cleared_is_not_written(void **unused) {
        _cleanup_(overlay_freep) Overlay *overlay = NULL;
        State *state = NULL;
        StateTxn *txn = NULL;
        uint64_t number = 1000000;
        StateKey key = state_key_seq(number);
        Bytes value;

        assert_int_equal(overlay_new(&overlay), 0);
        assert_int_equal(state_open(folder, STATE_WRITE, MAP, &state), 0);
        assert_int_equal(state_begin(state, STATE_WRITE, &txn), 0);
        assert_int_equal(put(overlay, number, 1), 0);
        overlay_clear(overlay);
        assert_int_equal(put(overlay, number + 1, 2), 0);
        assert_int_equal(overlay_flush(overlay, txn), 0);
        assert_int_equal(state_get(txn, STATE_OUTCOME, state_key_all(&key), &value), STATE_E_NOT_FOUND);
        assert_int_equal(overlay_get(overlay, txn, STATE_OUTCOME, state_key_all(&key), &value), STATE_E_NOT_FOUND);
        assert_int_equal(in_state(txn, number + 1), 2);
        state_abort(txn);
        state_free(state);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_everything_put_is_in_the_transaction_after_a_flush),
                cmocka_unit_test(test_a_flush_writes_only_what_was_put_since_the_last),
                cmocka_unit_test(test_what_is_cleared_is_not_written),
        };

        return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
