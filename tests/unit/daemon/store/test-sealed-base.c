/* What a sealed base promises: it is the state as it stood, whoever changed a byte of it is found out, and half of one is none. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "daemon/store/sealed-base.h"
#include "daemon/store/state-keys.h"
#include "store-test.h"

static State *open_state(const char *folder) {
        State *state = NULL;

        assert_int_equal(state_open(folder_path(folder, "fold"), STATE_WRITE, 64 << 20, &state), 0);
        return state;
}

static void put(State *state, uint64_t seq, const char *value) {
        StateKey key = state_key_seq(seq);
        StateTxn *txn;

        assert_int_equal(state_begin(state, STATE_WRITE, &txn), 0);
        assert_int_equal(state_put(txn, STATE_OUTCOME, state_key_all(&key), bytes_of_text(value)), 0);
        assert_int_equal(state_set_folded_seq(txn, seq), 0);
        assert_int_equal(state_commit(txn), 0);
}

static void digest_of(State *state, uint8_t ret[32]) {
        _cleanup_(state_abortp) StateTxn *txn = NULL;

        assert_int_equal(state_begin(state, STATE_READ, &txn), 0);
        assert_int_equal(state_digest(txn, ret), 0);
}

static int folder_clean(void **state) {
        char command[512];

        snprintf(command, sizeof(command), "rm -rf '%s'/*", (const char *)*state);
        assert_int_equal(system(command), 0);
        return folder_teardown(state);
}

static void bases_folder(const char *folder, char ret[256]) {
        snprintf(ret, 256, "%s", folder_path(folder, "base"));
}

static void test_a_base_is_the_state_as_it_stood_and_another_begins_with_it(void **state) {
        _cleanup_(sealed_base_deinit) SealedBase made = SEALED_BASE_NULL, found = SEALED_BASE_NULL;
        _cleanup_(state_freep) State *fold = open_state(*state), *again = NULL;
        _cleanup_(sign_key_freep) SignKey *key = NULL;
        uint8_t before[32], after[32];
        char bases[256], copy[256];

        bases_folder(*state, bases);
        snprintf(copy, sizeof(copy), "%s", folder_path(*state, "copy"));
        put(fold, 1, "one");
        put(fold, 2, "two");
        digest_of(fold, before);
        assert_int_equal(sealed_base_key(bases, &key), 0);
        assert_int_equal(sealed_base_make(fold, bases, 7, key, &made), 0);
        put(fold, 3, "three");
        assert_int_equal(made.seq, 2);
        assert_memory_equal(made.digest, before, 32);
        assert_int_equal(sealed_base_find(bases, key, 0, &found), 0);
        assert_int_equal(found.seq, 2);
        assert_int_equal(found.fold_version, 7);
        assert_memory_equal(found.digest, before, 32);
        assert_int_equal(sealed_base_copy(&found, copy), 0);
        assert_int_equal(state_open(copy, STATE_WRITE, 64 << 20, &again), 0);
        digest_of(again, after);
        assert_memory_equal(after, before, 32);
}

static void test_the_newest_below_a_number_is_found_and_the_old_ones_go(void **state) {
        _cleanup_(state_freep) State *fold = open_state(*state);
        _cleanup_(sign_key_freep) SignKey *key = NULL;
        char bases[256];

        bases_folder(*state, bases);
        assert_int_equal(sealed_base_key(bases, &key), 0);
        for (uint64_t seq = 1; seq <= 4; seq++) {
                _cleanup_(sealed_base_deinit) SealedBase made = SEALED_BASE_NULL;
                put(fold, seq, "x");
                assert_int_equal(sealed_base_make(fold, bases, 1, key, &made), 0);
        }
        for (uint64_t limit = 1; limit <= 4; limit++) {
                _cleanup_(sealed_base_deinit) SealedBase found = SEALED_BASE_NULL;
                assert_int_equal(sealed_base_find(bases, key, limit, &found), 0);
                assert_int_equal(found.seq, limit);
        }
        assert_int_equal(sealed_base_prune(bases, 2), 0);
        {
                _cleanup_(sealed_base_deinit) SealedBase found = SEALED_BASE_NULL;
                assert_int_equal(sealed_base_find(bases, key, 2, &found), -ENOENT);
                assert_int_equal(sealed_base_find(bases, key, 3, &found), 0);
                assert_int_equal(found.seq, 3);
        }
}

static void test_without_a_base_there_is_none(void **state) {
        SealedBase found = SEALED_BASE_NULL;
        _cleanup_(sign_key_freep) SignKey *key = NULL;
        char bases[256];

        bases_folder(*state, bases);
        assert_int_equal(sign_key_new(&key), 0);
        assert_int_equal(sealed_base_find(bases, key, 0, &found), -ENOENT);
        assert_int_equal(sealed_base_prune(bases, 1), 0);
}

static void test_the_key_is_kept_and_nobody_else_may_read_it(void **state) {
        _cleanup_(sign_key_freep) SignKey *first = NULL, *second = NULL;
        uint8_t a[SIGN_KEY_ID_SIZE], b[SIGN_KEY_ID_SIZE];
        char bases[256], path[300];
        struct stat st;

        bases_folder(*state, bases);
        snprintf(path, sizeof(path), "%s/base.key", bases);
        assert_int_equal(sealed_base_key(bases, &first), 0);
        assert_int_equal(sealed_base_key(bases, &second), 0);
        assert_int_equal(sign_key_id(first, a), 0);
        assert_int_equal(sign_key_id(second, b), 0);
        assert_memory_equal(a, b, sizeof(a));
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
}

static void test_a_seal_of_another_key_does_not_hold(void **state) {
        _cleanup_(sealed_base_deinit) SealedBase made = SEALED_BASE_NULL;
        SealedBase found = SEALED_BASE_NULL;
        _cleanup_(state_freep) State *fold = open_state(*state);
        _cleanup_(sign_key_freep) SignKey *key = NULL, *other = NULL;
        char bases[256];

        bases_folder(*state, bases);
        put(fold, 1, "one");
        assert_int_equal(sealed_base_key(bases, &key), 0);
        assert_int_equal(sign_key_new(&other), 0);
        assert_int_equal(sealed_base_make(fold, bases, 1, other, &made), 0);
        assert_int_equal(sealed_base_find(bases, key, 0, &found), -EBADMSG);
}

/* Any byte of the seal, changed: it does not hold, or it says the same. */
static void test_a_changed_seal_does_not_hold_whichever_byte_it_is(void **state) {
        _cleanup_(sealed_base_deinit) SealedBase made = SEALED_BASE_NULL;
        _cleanup_(state_freep) State *fold = open_state(*state);
        _cleanup_(buffer_deinit) Buffer seal = BUFFER_NULL;
        _cleanup_(sign_key_freep) SignKey *key = NULL;
        char bases[256], path[400];

        bases_folder(*state, bases);
        put(fold, 9, "nine");
        assert_int_equal(sealed_base_key(bases, &key), 0);
        assert_int_equal(sealed_base_make(fold, bases, 1, key, &made), 0);
        snprintf(path, sizeof(path), "%s/seal", made.path);
        assert_int_equal(file_read(path, 4096, &seal), 0);
        for (size_t i = 0; i < seal.size; i++) {
                SealedBase found = SEALED_BASE_NULL;

                seal.data[i] ^= 1;
                assert_int_equal(file_replace(path, seal.data, seal.size, 0644), 0);
                assert_int_equal(sealed_base_find(bases, key, 0, &found), -EBADMSG);
                seal.data[i] ^= 1;
        }
        for (size_t size = 0; size < seal.size; size += 7) {
                SealedBase found = SEALED_BASE_NULL;

                assert_int_equal(file_replace(path, seal.data, size, 0644), 0);
                assert_int_equal(sealed_base_find(bases, key, 0, &found), -EBADMSG);
        }
}

static void test_a_base_whose_state_was_changed_is_not_taken(void **state) {
        _cleanup_(sealed_base_deinit) SealedBase made = SEALED_BASE_NULL;
        _cleanup_(state_freep) State *fold = open_state(*state), *copy = NULL;
        _cleanup_(sign_key_freep) SignKey *key = NULL;
        char bases[256], folder[256];

        bases_folder(*state, bases);
        snprintf(folder, sizeof(folder), "%s", folder_path(*state, "copy"));
        put(fold, 1, "one");
        assert_int_equal(sealed_base_key(bases, &key), 0);
        assert_int_equal(sealed_base_make(fold, bases, 1, key, &made), 0);
        assert_int_equal(state_open(made.path, STATE_WRITE, 64 << 20, &copy), 0);
        put(copy, 1, "two");
        copy = state_free(copy);
        assert_int_equal(sealed_base_copy(&made, folder), -EBADMSG);
}

static void test_what_was_left_half_made_is_no_base(void **state) {
        _cleanup_(state_freep) State *fold = open_state(*state);
        _cleanup_(sign_key_freep) SignKey *key = NULL;
        SealedBase found = SEALED_BASE_NULL;
        char bases[256], half[300];

        bases_folder(*state, bases);
        snprintf(half, sizeof(half), "%s/new.tmp", bases);
        put(fold, 1, "one");
        assert_int_equal(sealed_base_key(bases, &key), 0);
        assert_int_equal(state_copy(fold, half), 0);
        assert_int_equal(sealed_base_find(bases, key, 0, &found), -ENOENT);
        assert_int_equal(sealed_base_prune(bases, 2), 0);
        assert_int_equal(access(half, F_OK), -1);
}

#define promise(test) cmocka_unit_test_setup_teardown(test, folder_setup, folder_clean)

int main(void) {
        const struct CMUnitTest tests[] = {
                promise(test_a_base_is_the_state_as_it_stood_and_another_begins_with_it),
                promise(test_the_newest_below_a_number_is_found_and_the_old_ones_go),
                promise(test_without_a_base_there_is_none),
                promise(test_the_key_is_kept_and_nobody_else_may_read_it),
                promise(test_a_seal_of_another_key_does_not_hold),
                promise(test_a_changed_seal_does_not_hold_whichever_byte_it_is),
                promise(test_a_base_whose_state_was_changed_is_not_taken),
                promise(test_what_was_left_half_made_is_no_base),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
