/* What the journal does when the disk is full or broken: every call fails once in turn, and then for good. */
#include "store-test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "fault-inject.h"

#define SEGMENT (16u * 1024u)

static int try_record(Journal *journal, Bytes payload) {
        uint64_t seq;
        int r;

        r = journal_append(journal, received_at_of(1), payload, &seq);
        return r == 0 ? journal_commit(journal) : r;
}

static void test_no_space_drops_the_batch_and_its_number_is_free_again(void **state) {
        static const int errors[] = { ENOSPC, EDQUOT };

        for (size_t i = 0; i < ELEMENTSOF(errors); i++) {
                _cleanup_(journal_freep) Journal *journal = open_journal(*state, SEGMENT, 0);
                uint64_t before = journal_committed(journal);

                write_records(journal, 3, 3);
                fault_set(FAULT_WRITE, 1, errors[i], true, 0);
                assert_int_equal(try_record(journal, BYTES_LITERAL("lost")), JOURNAL_E_NO_SPACE);
                assert_int_equal(try_record(journal, BYTES_LITERAL("lost")), JOURNAL_E_NO_SPACE);
                fault_clear();
                assert_int_equal(journal_committed(journal), before + 3);
                assert_int_equal(journal_pending(journal), 0);
                write_records(journal, 3, 1);
                expect_records(*state, 1, before + 6);
                expect_verified(*state, before + 6);
        }
}

/* Half of a batch got to the disk before space ran out. Whatever is written then, shorter or longer or nothing at all. */
static void test_half_a_batch_is_never_misread_later(void **state) {
        static char longer[3000], shorter[100];

        memset(longer, 'l', sizeof(longer));
        memset(shorter, 's', sizeof(shorter));
        for (unsigned after = 0; after < 3; after++) {
                for (unsigned part = 1; part < 3100; part += 97) {
                        _cleanup_(journal_freep) Journal *journal = open_journal(*state, SEGMENT, 0);

                        assert_int_equal(try_record(journal, BYTES_LITERAL("first")), 0);
                        fault_set(FAULT_WRITE, 1, ENOSPC, false, part);
                        assert_int_equal(try_record(journal, bytes_of(longer, sizeof(longer))), JOURNAL_E_NO_SPACE);
                        fault_clear();
                        if (after > 0)
                                assert_int_equal(try_record(journal,
                                                            bytes_of(after == 1 ? longer : shorter,
                                                                     after == 1 ? sizeof(longer) : sizeof(shorter))),
                                                 0);
                        expect_verified(*state, after > 0 ? 2 : 1);
                        journal = journal_free(journal);
                        journal = open_journal(*state, SEGMENT, 0);
                        assert_int_equal(journal_committed(journal), after > 0 ? 2 : 1);
                        assert_int_equal(try_record(journal, bytes_of(shorter, sizeof(shorter))), 0);
                        expect_verified(*state, after > 0 ? 3 : 2);
                        folder_empty(*state);
                }
        }
}

static void expect_final(Journal *journal, int error) {
        uint64_t committed = journal_committed(journal), seq;

        fault_clear();
        assert_int_equal(journal_append(journal, 1, BYTES_LITERAL("x"), &seq), error);
        assert_int_equal(journal_commit(journal), error);
        assert_int_equal(journal_seal(journal), error);
        assert_int_equal(journal_trim(journal, 1), error);
        assert_int_equal(journal_committed(journal), committed);
        assert_int_equal(fault_count(FAULT_WRITE) + fault_count(FAULT_SYNC), 0); /* the disk is not touched again */
}

static void test_a_failed_sync_is_final_whatever_it_says(void **state) {
        static const int errors[] = { EIO, ENOSPC, EDQUOT, EINTR };

        for (size_t i = 0; i < ELEMENTSOF(errors); i++) {
                _cleanup_(journal_freep) Journal *journal = open_journal(*state, SEGMENT, 0);
                uint64_t before = journal_committed(journal);

                write_records(journal, 3, 3);
                fault_set(FAULT_SYNC, 1, errors[i], false, 0);
                assert_int_equal(try_record(journal, BYTES_LITERAL("x")), -errors[i]);
                assert_int_equal(journal_committed(journal), before + 3);
                expect_final(journal, -errors[i]);
                folder_empty(*state);
        }
}

static void test_a_failed_write_that_is_not_for_space_is_final(void **state) {
        _cleanup_(journal_freep) Journal *journal = open_journal(*state, SEGMENT, 0);

        write_records(journal, 3, 3);
        fault_set(FAULT_WRITE, 1, EIO, false, 0);
        assert_int_equal(try_record(journal, BYTES_LITERAL("x")), -EIO);
        expect_final(journal, -EIO);
}

static void test_a_batch_whose_sync_failed_is_whole_or_absent_after_a_restart(void **state) {
        Journal *journal = open_journal(*state, SEGMENT, 0);

        write_records(journal, 3, 1);
        fault_set(FAULT_SYNC, 1, EIO, false, 0);
        assert_int_equal(try_record(journal, BYTES_LITERAL("x")), -EIO);
        fault_clear();
        journal_free(journal);
        journal = open_journal(*state, SEGMENT, 3);
        assert_int_equal(journal_committed(journal), 4); /* the file system had it; it was written again and synced */
        expect_verified(*state, 4);
        journal_free(journal);
}

/* A start that cannot sync what it wrote again must not pass for one that did. */
static void test_a_start_fails_when_it_cannot_sync(void **state) {
        JournalOptions options = { .segment_bytes = SEGMENT };
        Journal *journal = open_journal(*state, SEGMENT, 0);
        unsigned syncs;

        write_records(journal, 3, 1);
        journal_free(journal);
        fault_clear();
        journal = journal_free(open_journal(*state, SEGMENT, 0));
        syncs = fault_count(FAULT_SYNC);
        assert_true(syncs >= 3);
        for (unsigned nth = 1; nth <= syncs; nth++) {
                fault_set(FAULT_SYNC, nth, EIO, false, 0);
                assert_int_equal(journal_open(*state, &options, &journal, NULL), -EIO);
                fault_clear();
        }
        journal = open_journal(*state, SEGMENT, 0);
        assert_int_equal(journal_committed(journal), 3);
        journal_free(journal);
}

static void test_what_the_state_has_is_not_written_again(void **state) {
        Journal *journal = open_journal(*state, 1u << 20, 0);
        unsigned all, some;

        write_records(journal, 100, 1);
        journal_free(journal);
        fault_clear();
        journal = journal_free(open_journal(*state, 1u << 20, 0));
        all = fault_count(FAULT_WRITE);
        fault_clear();
        journal = journal_free(open_journal(*state, 1u << 20, 90));
        some = fault_count(FAULT_WRITE);
        assert_int_equal(all, 100);
        assert_int_equal(some, 10);
}

/* The same run over several segments, with preparing and a seal, in which the nth call fails. Everything that was said
 * to be committed must be there afterwards, and the journal whole. */
static uint64_t run_with_faults(const char *folder, int *ret_failed) {
        JournalOptions options = { .segment_bytes = SEGMENT };
        _cleanup_(buffer_deinit) Buffer buffer = BUFFER_NULL;
        _cleanup_(journal_freep) Journal *journal = NULL;
        uint64_t committed;
        int r;

        *ret_failed = 0;
        r = journal_open(folder, &options, &journal, NULL);
        if (r != 0) {
                *ret_failed = r;
                return 0;
        }
        for (unsigned i = 0; i < 150; i++) {
                uint64_t next = journal_committed(journal) + 1, seq;

                if (i % 20 == 10)
                        while (journal_prepare_step(journal) == 1)
                                ;
                r = journal_append(journal, received_at_of(next), payload_of(next, &buffer), &seq);
                if (r == 0)
                        r = journal_commit(journal);
                if (r != 0)
                        *ret_failed = r;
                if (r < 0)
                        return journal_committed(journal);
        }
        committed = journal_committed(journal);
        r = journal_seal(journal);
        if (r != 0)
                *ret_failed = r;
        return committed;
}

static void sweep(void **state, FaultCall call, int error, bool lasting) {
        int failed = 0;

        for (unsigned nth = 1;; nth++) {
                _cleanup_(journal_freep) Journal *journal = NULL;
                uint64_t committed, after;
                unsigned calls;

                folder_empty(*state);
                fault_clear();
                fault_set(call, nth, error, lasting, nth % 3 ? 0 : 33);
                committed = run_with_faults(*state, &failed);
                calls = fault_count(call);
                fault_clear();
                journal = open_journal(*state, SEGMENT, committed);
                after = journal_committed(journal);
                assert_true(after == committed || after == committed + 1);
                if (committed > 0)
                        expect_records(*state, 1, committed);
                expect_verified(*state, after);
                write_records(journal, 30, 7);
                expect_verified(*state, after + 30);
                if (calls < nth)
                        break; /* nothing failed any more */
        }
        assert_int_equal(failed, 0);
}

static void test_every_write_may_fail_for_space_once(void **state) {
        sweep(state, FAULT_WRITE, ENOSPC, false);
}

static void test_every_write_may_fail_for_space_from_then_on(void **state) {
        sweep(state, FAULT_WRITE, ENOSPC, true);
}

static void test_every_write_may_fail_for_good(void **state) {
        sweep(state, FAULT_WRITE, EIO, true);
}

static void test_every_sync_may_fail(void **state) {
        sweep(state, FAULT_SYNC, EIO, false);
}

static void test_every_rename_may_fail(void **state) {
        sweep(state, FAULT_RENAME, ENOSPC, false);
        sweep(state, FAULT_RENAME, EIO, false);
}

static void test_every_reservation_may_fail(void **state) {
        sweep(state, FAULT_ALLOCATE, ENOSPC, false);
        sweep(state, FAULT_ALLOCATE, EOPNOTSUPP, true);
}

static void test_a_file_system_that_cannot_reserve_will_do(void **state) {
        Journal *journal;

        fault_set(FAULT_ALLOCATE, 1, EOPNOTSUPP, true, 0);
        journal = open_journal(*state, SEGMENT, 0);
        write_records(journal, 300, 1);
        fault_clear();
        expect_verified(*state, 300);
        journal_free(journal);
}

/* No space came between a segment's name and the closing mark of the one before; then the process stops. */
static void test_space_may_run_out_in_the_middle_of_a_roll(void **state) {
        for (unsigned nth = 1; nth <= 4; nth++) {
                _cleanup_(journal_freep) Journal *journal = open_journal(*state, SEGMENT, 0);
                uint64_t committed;

                while (file_exists(*state, segment_file(1)) && journal_bytes(journal) <= SEGMENT) {
                        /* Each try with a fault ahead: in the middle of a segment only the batch itself is hit. */
                        fault_set(FAULT_WRITE, nth, ENOSPC, false, 0);
                        if (try_record(journal, BYTES_LITERAL("one more record of some length")) != 0)
                                break;
                        if (nth == 1)
                                fail();
                        fault_clear();
                }
                fault_clear();
                committed = journal_committed(journal);
                assert_int_equal(try_record(journal, BYTES_LITERAL("again")), 0);
                assert_int_equal(journal_committed(journal), committed + 1);
                expect_verified(*state, committed + 1);
                assert_int_equal(journal_seal(journal), 0);
                journal = journal_free(journal);
                journal = open_journal(*state, SEGMENT, committed + 1);
                folder_empty(*state);
        }
}

static void test_a_full_disk_gives_the_prepared_file_up(void **state) {
        _cleanup_(journal_freep) Journal *journal = open_journal(*state, 3u << 20, 0);

        assert_int_equal(journal_prepare_step(journal), 1);
        fault_set(FAULT_WRITE, 1, ENOSPC, true, 0);
        assert_int_equal(journal_prepare_step(journal), 0);
        assert_false(file_exists(*state, "next.tmp"));
        fault_clear();
        assert_int_equal(journal_prepare_step(journal), 1);
        fault_set(FAULT_SYNC, 1, EIO, true, 0);
        assert_int_equal(journal_prepare_step(journal), -EIO);
        assert_false(file_exists(*state, "next.tmp"));
        fault_clear();
        write_records(journal, 10, 1); /* the journal itself is unharmed */
        expect_verified(*state, 10);
}

static int clear_and_teardown(void **state) {
        fault_clear();
        return folder_teardown(state);
}

#define promise(f) cmocka_unit_test_setup_teardown(f, folder_setup, clear_and_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                promise(test_no_space_drops_the_batch_and_its_number_is_free_again),
                promise(test_half_a_batch_is_never_misread_later),
                promise(test_a_failed_sync_is_final_whatever_it_says),
                promise(test_a_failed_write_that_is_not_for_space_is_final),
                promise(test_a_batch_whose_sync_failed_is_whole_or_absent_after_a_restart),
                promise(test_a_start_fails_when_it_cannot_sync),
                promise(test_what_the_state_has_is_not_written_again),
                promise(test_every_write_may_fail_for_space_once),
                promise(test_every_write_may_fail_for_space_from_then_on),
                promise(test_every_write_may_fail_for_good),
                promise(test_every_sync_may_fail),
                promise(test_every_rename_may_fail),
                promise(test_every_reservation_may_fail),
                promise(test_a_file_system_that_cannot_reserve_will_do),
                promise(test_space_may_run_out_in_the_middle_of_a_roll),
                promise(test_a_full_disk_gives_the_prepared_file_up),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
