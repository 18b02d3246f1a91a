/* What the state promises: transactions whose first error sticks, order, one writer beside readers, a digest. */
#include "store-test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "daemon/store/state-keys.h"
#include "daemon/store/state.h"
#include "fault-inject.h"

#define MAP (16ull << 20)

static State *open_state(const char *folder, StateMode mode) {
        State *state = NULL;

        assert_int_equal(state_open(folder, mode, MAP, &state), 0);
        return state;
}

static StateTxn *begin(State *state, StateMode mode) {
        StateTxn *txn = NULL;

        assert_int_equal(state_begin(state, mode, &txn), 0);
        return txn;
}

static int put_number(StateTxn *txn, StateTable table, uint64_t number, Bytes value) {
        StateKey key = state_key_seq(number);

        return state_put(txn, table, state_key_all(&key), value);
}

static int get_number(StateTxn *txn, StateTable table, uint64_t number, Bytes *value) {
        StateKey key = state_key_seq(number);

        return state_get(txn, table, state_key_all(&key), value);
}

static void test_what_is_committed_is_there_after_a_restart_and_what_is_not_is_not(void **folder) {
        State *state = open_state(*folder, STATE_WRITE);
        StateTxn *txn = begin(state, STATE_WRITE);
        Bytes value;

        assert_int_equal(put_number(txn, STATE_OUTCOME, 1, BYTES_LITERAL("one")), 0);
        assert_int_equal(state_set_folded_seq(txn, 1), 0);
        assert_int_equal(state_commit(txn), 0);
        txn = begin(state, STATE_WRITE);
        assert_int_equal(put_number(txn, STATE_OUTCOME, 2, BYTES_LITERAL("two")), 0);
        state_abort(txn);
        state_free(state);

        state = open_state(*folder, STATE_WRITE);
        txn = begin(state, STATE_READ);
        assert_int_equal(get_number(txn, STATE_OUTCOME, 1, &value), 0);
        assert_true(bytes_equal_text(value, "one"));
        assert_int_equal(get_number(txn, STATE_OUTCOME, 2, &value), STATE_E_NOT_FOUND);
        assert_int_equal(state_folded_seq(txn), 1);
        state_abort(txn);
        state_free(state);
}

static void test_an_empty_state_stands_at_zero(void **folder) {
        _cleanup_(state_freep) State *state = open_state(*folder, STATE_WRITE);
        _cleanup_(state_abortp) StateTxn *txn = begin(state, STATE_READ);

        assert_int_equal(state_folded_seq(txn), 0);
}

static void test_a_reader_needs_a_state_that_was_made(void **folder) {
        State *state = NULL;

        assert_int_equal(state_open(folder_path(*folder, "none"), STATE_READ, MAP, &state), -ENOENT);
        assert_null(state);
}

static void test_a_reader_process_may_not_write(void **folder) {
        StateTxn *txn = NULL;
        State *state;

        state_free(open_state(*folder, STATE_WRITE));
        state = open_state(*folder, STATE_READ);
        assert_int_equal(state_begin(state, STATE_WRITE, &txn), -EROFS);
        txn = begin(state, STATE_READ);
        assert_true(put_number(txn, STATE_OUTCOME, 1, BYTES_LITERAL("x")) < 0);
        state_abort(txn);
        state_free(state);
}

static void test_the_first_error_sticks_and_the_commit_gives_it(void **folder) {
        _cleanup_(state_freep) State *state = open_state(*folder, STATE_WRITE);
        StateTxn *txn = begin(state, STATE_WRITE);
        uint8_t giant[STATE_KEY_MAX + 1] = { 1 };
        Bytes value;

        assert_int_equal(put_number(txn, STATE_OUTCOME, 1, BYTES_LITERAL("x")), 0);
        assert_int_equal(state_put(txn, STATE_OUTCOME, bytes_of(giant, sizeof(giant)), BYTES_LITERAL("x")), -EMSGSIZE);
        assert_int_equal(put_number(txn, STATE_OUTCOME, 2, BYTES_LITERAL("x")), -EMSGSIZE);
        assert_int_equal(get_number(txn, STATE_OUTCOME, 1, &value), -EMSGSIZE);
        assert_int_equal(state_commit(txn), -EMSGSIZE);
        txn = begin(state, STATE_WRITE); /* nothing reached the disk: the next may try */
        assert_int_equal(get_number(txn, STATE_OUTCOME, 1, &value), STATE_E_NOT_FOUND);
        assert_int_equal(put_number(txn, STATE_OUTCOME, 1, BYTES_LITERAL("x")), 0);
        assert_int_equal(state_commit(txn), 0);
}

static void test_not_found_is_no_error(void **folder) {
        _cleanup_(state_freep) State *state = open_state(*folder, STATE_WRITE);
        StateTxn *txn = begin(state, STATE_WRITE);
        StateKey key = state_key_seq(9);
        Bytes value;

        assert_int_equal(state_get(txn, STATE_PERSON, state_key_all(&key), &value), STATE_E_NOT_FOUND);
        assert_int_equal(state_get(txn, STATE_PERSON, BYTES_NULL, &value), STATE_E_NOT_FOUND);
        assert_int_equal(state_delete(txn, STATE_PERSON, state_key_all(&key)), 0);
        assert_int_equal(state_put(txn, STATE_PERSON, state_key_all(&key), BYTES_NULL), 0);
        assert_int_equal(state_get(txn, STATE_PERSON, state_key_all(&key), &value), 0);
        assert_int_equal(value.size, 0);
        assert_int_equal(state_delete(txn, STATE_PERSON, state_key_all(&key)), 0);
        assert_int_equal(state_get(txn, STATE_PERSON, state_key_all(&key), &value), STATE_E_NOT_FOUND);
        assert_int_equal(state_commit(txn), 0);
}

typedef struct Walked {
        uint64_t numbers[64];
        size_t n, stop_at;
        int stop_with;
} Walked;

static int walk_number(Bytes key, Bytes value, void *owner) {
        Walked *walked = owner;

        assert_true(key.size >= 8);
        walked->numbers[walked->n++] = load_be64(key.data + key.size - 8);
        return walked->n == walked->stop_at ? walked->stop_with : 0;
}

static void fill_sources(State *state) {
        StateTxn *txn = begin(state, STATE_WRITE);

        for (uint64_t seq = 1; seq <= 30; seq++) {
                static const char *const sources[] = { "a", "ab", "b" };
                StateKey key = state_key_source_seq(sources[seq % 3], seq);

                assert_int_equal(state_put(txn, STATE_SOURCE_SEQ, state_key_all(&key), BYTES_LITERAL("1")), 0);
        }
        assert_int_equal(state_commit(txn), 0);
}

static void test_a_walk_keeps_to_its_prefix_and_its_order(void **folder) {
        _cleanup_(state_freep) State *state = open_state(*folder, STATE_WRITE);
        _cleanup_(state_abortp) StateTxn *txn = NULL;
        StateKey prefix = STATE_KEY_NULL, from = state_key_source_seq("ab", 10), below = STATE_KEY_NULL;
        Walked walked = { 0 };

        fill_sources(state);
        txn = begin(state, STATE_READ);
        state_key_text(&prefix, "ab");
        state_key_text(&below, "a");
        assert_int_equal(state_walk(txn, STATE_SOURCE_SEQ, state_key_all(&prefix), BYTES_NULL, walk_number, &walked),
                         0);
        assert_int_equal(walked.n, 10);
        for (size_t i = 0; i < walked.n; i++)
                assert_int_equal(walked.numbers[i], 1 + 3 * i);
        walked = (Walked){ 0 };
        assert_int_equal(state_walk(txn, STATE_SOURCE_SEQ, state_key_all(&prefix), state_key_all(&from), walk_number,
                                    &walked),
                         0);
        assert_int_equal(walked.n, 7);
        assert_int_equal(walked.numbers[0], 10);
        walked = (Walked){ 0 };
        assert_int_equal(state_walk(txn, STATE_SOURCE_SEQ, state_key_all(&prefix), state_key_all(&below), walk_number,
                                    &walked),
                         0);
        assert_int_equal(walked.n, 10);
        walked = (Walked){ .stop_at = 3, .stop_with = 7 };
        assert_int_equal(state_walk(txn, STATE_SOURCE_SEQ, BYTES_NULL, BYTES_NULL, walk_number, &walked), 7);
        assert_int_equal(walked.n, 3);
        walked = (Walked){ .stop_at = 1, .stop_with = -EBADMSG };
        assert_int_equal(state_walk(txn, STATE_SOURCE_SEQ, BYTES_NULL, BYTES_NULL, walk_number, &walked), -EBADMSG);
}

static void test_the_last_below_stays_within_its_prefix(void **folder) {
        _cleanup_(state_freep) State *state = open_state(*folder, STATE_WRITE);
        _cleanup_(state_abortp) StateTxn *txn = NULL;
        static const struct {
                const char *source;
                uint64_t before, expected; /* 0: none */
        } cases[] = { { "ab", 10, 7 }, { "ab", 11, 10 }, { "ab", 1, 0 },  { "a", 4, 3 },          { "b", 2, 0 },
                      { "b", 3, 2 },   { "c", 9, 0 },    { "aa", 99, 0 }, { "b", UINT64_MAX, 29 } };

        fill_sources(state);
        txn = begin(state, STATE_READ);
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                StateKey prefix = STATE_KEY_NULL, before = state_key_source_seq(cases[i].source, cases[i].before);
                Bytes key, value;
                int r;

                state_key_text(&prefix, cases[i].source);
                r = state_last_below(txn, STATE_SOURCE_SEQ, state_key_all(&prefix), state_key_all(&before), &key,
                                     &value);
                assert_int_equal(r, cases[i].expected ? 0 : STATE_E_NOT_FOUND);
                if (r == 0)
                        assert_int_equal(load_be64(key.data + key.size - 8), cases[i].expected);
        }
        {
                StateKey before = state_key_seq(5);
                Bytes key, value;

                assert_int_equal(state_last_below(txn, STATE_PERSON, BYTES_NULL, state_key_all(&before), &key, &value),
                                 STATE_E_NOT_FOUND);
        }
}

static void test_a_reader_sees_one_moment_until_it_renews(void **folder) {
        _cleanup_(state_freep) State *state = open_state(*folder, STATE_WRITE);
        _cleanup_(state_abortp) StateTxn *reader = begin(state, STATE_READ);
        StateTxn *txn = begin(state, STATE_WRITE);
        Bytes value;

        assert_int_equal(state_set_folded_seq(txn, 5), 0);
        assert_int_equal(state_commit(txn), 0);
        assert_int_equal(state_folded_seq(reader), 0);
        assert_int_equal(state_renew(reader), 0);
        assert_int_equal(state_folded_seq(reader), 5);
        state_reset(reader);
        assert_int_equal(get_number(reader, STATE_OUTCOME, 1, &value), -EINVAL); /* asleep */
        state_reset(reader);
        assert_int_equal(state_renew(reader), 0);
        assert_int_equal(state_folded_seq(reader), 5);
}

static void test_a_wipe_empties_every_table(void **folder) {
        _cleanup_(state_freep) State *state = open_state(*folder, STATE_WRITE);
        uint8_t empty[32], full[32], wiped[32];
        StateTxn *txn = begin(state, STATE_WRITE);

        assert_int_equal(state_digest(txn, empty), 0);
        for (StateTable table = 0; table < _STATE_TABLE_MAX; table++)
                assert_int_equal(put_number(txn, table, 1, BYTES_LITERAL("x")), 0);
        assert_int_equal(state_set_folded_seq(txn, 77), 0);
        assert_int_equal(state_digest(txn, full), 0);
        assert_memory_not_equal(empty, full, 32);
        assert_int_equal(state_commit(txn), 0);
        assert_int_equal(state_wipe(state), 0);
        txn = begin(state, STATE_READ);
        assert_int_equal(state_folded_seq(txn), 0);
        assert_int_equal(state_digest(txn, wiped), 0);
        assert_memory_equal(empty, wiped, 32);
        state_abort(txn);
}

static void test_the_digest_is_of_what_is_held_and_not_of_how_it_came_to_be(void **folder) {
        uint8_t first[32] = { 0 }, second[32] = { 0 }, third[32];

        for (unsigned turn = 0; turn < 2; turn++) {
                const char *path = folder_path(*folder, turn ? "second" : "first");
                _cleanup_(state_freep) State *state = open_state(path, STATE_WRITE);
                StateTxn *txn = begin(state, STATE_WRITE);

                for (uint64_t i = 1; i <= 500; i++) {
                        uint64_t number = turn ? 501 - i : i;

                        assert_int_equal(put_number(txn, STATE_OUTCOME, number, BYTES_LITERAL("value")), 0);
                        if (turn && i % 100 == 0) {
                                assert_int_equal(state_set_folded_seq(txn, i), 0);
                                assert_int_equal(state_commit(txn), 0);
                                txn = begin(state, STATE_WRITE);
                        }
                }
                assert_int_equal(state_digest(txn, turn ? second : first), 0);
                /* A byte from the end of one key into its value is another state. */
                assert_int_equal(put_number(txn, STATE_OUTCOME, 3, BYTES_LITERAL("valuf")), 0);
                assert_int_equal(state_digest(txn, third), 0);
                assert_memory_not_equal(turn ? second : first, third, 32);
                state_abort(txn);
        }
        assert_memory_equal(first, second, 32);
}

static void test_the_digest_tells_tables_apart(void **folder) {
        _cleanup_(state_freep) State *state = open_state(*folder, STATE_WRITE);
        uint8_t digests[_STATE_TABLE_MAX][32];

        for (StateTable table = 0; table < _STATE_TABLE_MAX; table++) {
                StateTxn *txn = begin(state, STATE_WRITE);

                assert_int_equal(put_number(txn, table, 1, BYTES_LITERAL("x")), 0);
                assert_int_equal(state_digest(txn, digests[table]), 0);
                state_abort(txn);
                for (StateTable other = 0; other < table; other++)
                        assert_memory_not_equal(digests[table], digests[other], 32);
        }
}

static void test_a_full_map_is_no_space_and_passes(void **folder) {
        _cleanup_(state_freep) State *state = NULL;
        _cleanup_(freep) uint8_t *large = calloc(1, 1u << 20);
        StateTxn *txn;
        int r = 0;

        assert_int_equal(state_open(*folder, STATE_WRITE, 2u << 20, &state), 0);
        txn = begin(state, STATE_WRITE);
        for (uint64_t i = 0; i < 10 && r == 0; i++)
                r = put_number(txn, STATE_OUTCOME, i, bytes_of(large, 1u << 20));
        assert_int_equal(r, STATE_E_NO_SPACE);
        assert_int_equal(state_commit(txn), STATE_E_NO_SPACE);
        txn = begin(state, STATE_WRITE);
        assert_int_equal(put_number(txn, STATE_OUTCOME, 1, BYTES_LITERAL("small")), 0);
        assert_int_equal(state_commit(txn), 0);
}

static int commit_one(State *state, uint64_t number) {
        static uint8_t value[3000];
        StateTxn *txn = begin(state, STATE_WRITE);

        for (unsigned i = 0; i < 5; i++)
                (void)put_number(txn, STATE_OUTCOME, number * 10 + i, bytes_of(value, sizeof(value)));
        (void)state_set_folded_seq(txn, number);
        return state_commit(txn);
}

static void test_no_space_on_the_disk_passes(void **folder) {
        _cleanup_(state_freep) State *state = open_state(*folder, STATE_WRITE);
        StateTxn *txn;

        assert_int_equal(commit_one(state, 1), 0);
        fault_set(FAULT_WRITE, 1, ENOSPC, true, 0);
        assert_int_equal(commit_one(state, 2), STATE_E_NO_SPACE);
        assert_int_equal(commit_one(state, 2), STATE_E_NO_SPACE);
        fault_clear();
        assert_int_equal(commit_one(state, 2), 0);
        txn = begin(state, STATE_READ);
        assert_int_equal(state_folded_seq(txn), 2);
        state_abort(txn);
}

static void test_after_a_failed_commit_nothing_is_written_ever_again(void **folder) {
        for (unsigned call = FAULT_WRITE; call <= FAULT_SYNC; call++) {
                State *state = open_state(folder_path(*folder, call == FAULT_WRITE ? "write" : "sync"), STATE_WRITE);
                StateTxn *txn = NULL;

                assert_int_equal(commit_one(state, 1), 0);
                fault_set((FaultCall)call, 1, EIO, false, 0);
                assert_int_equal(commit_one(state, 2), -EIO);
                fault_clear();
                assert_int_equal(state_begin(state, STATE_WRITE, &txn), -EIO);
                assert_int_equal(state_wipe(state), -EIO);
                txn = begin(state, STATE_READ); /* readers go on with what was committed */
                assert_int_equal(state_folded_seq(txn), 1);
                state_abort(txn);
                state_free(state);
        }
}

/* A sanitizer takes terabytes of it for itself, and there is nothing left to bound. */
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
static void test_less_address_space_will_do(void **folder) {
        pid_t child = fork();
        int status;

        if (child == 0) {
                struct rlimit limit = { .rlim_cur = 8ull << 30, .rlim_max = 8ull << 30 };
                State *state = NULL;

                if (setrlimit(RLIMIT_AS, &limit) < 0 || state_open(*folder, STATE_WRITE, 0, &state) != 0)
                        _exit(1);
                _exit(commit_one(state, 1) == 0 ? 0 : 1);
        }
        assert_true(waitpid(child, &status, 0) == child);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}
#endif

static void test_a_killed_reader_is_cleared(void **folder) {
        _cleanup_(state_freep) State *state = open_state(*folder, STATE_WRITE);
        int ready[2], status;
        char byte;
        pid_t child;

        assert_int_equal(pipe(ready), 0);
        child = fork();
        if (child == 0) {
                State *own = NULL;
                StateTxn *txn = NULL;

                /* As serve does: another process, which must not use what it inherited. */
                if (state_open(*folder, STATE_READ, MAP, &own) != 0 || state_begin(own, STATE_READ, &txn) != 0)
                        _exit(1);
                (void)!write(ready[1], "x", 1);
                pause();
                _exit(1);
        }
        close(ready[1]);
        assert_int_equal(read(ready[0], &byte, 1), 1);
        close(ready[0]);
        kill(child, SIGKILL);
        assert_true(waitpid(child, &status, 0) == child);
        assert_int_equal(state_clear_stale_readers(state), 0);
        assert_int_equal(commit_one(state, 1), 0);
}

static int clear_and_teardown(void **state) {
        fault_clear();
        return folder_teardown(state);
}

#define promise(f) cmocka_unit_test_setup_teardown(f, folder_setup, clear_and_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                promise(test_what_is_committed_is_there_after_a_restart_and_what_is_not_is_not),
                promise(test_an_empty_state_stands_at_zero),
                promise(test_a_reader_needs_a_state_that_was_made),
                promise(test_a_reader_process_may_not_write),
                promise(test_the_first_error_sticks_and_the_commit_gives_it),
                promise(test_not_found_is_no_error),
                promise(test_a_walk_keeps_to_its_prefix_and_its_order),
                promise(test_the_last_below_stays_within_its_prefix),
                promise(test_a_reader_sees_one_moment_until_it_renews),
                promise(test_a_wipe_empties_every_table),
                promise(test_the_digest_is_of_what_is_held_and_not_of_how_it_came_to_be),
                promise(test_the_digest_tells_tables_apart),
                promise(test_a_full_map_is_no_space_and_passes),
                promise(test_no_space_on_the_disk_passes),
                promise(test_after_a_failed_commit_nothing_is_written_ever_again),
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
                promise(test_less_address_space_will_do),
#endif
                promise(test_a_killed_reader_is_cleared),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
