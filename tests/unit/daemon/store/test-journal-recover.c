/* What a start does with what a crash left, and what it refuses: each case made by hand. */
#include "store-test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/crc32c.h"
#include "base/file.h"
#include "daemon/store/batch.h"
#include "daemon/store/segment.h"

#define SEGMENT (16u * 1024u)

static void expect_refused(const char *folder, uint64_t state_seq, int expected, const char *reason, uint64_t segment) {
        JournalOptions options = { .segment_bytes = SEGMENT, .state_seq = state_seq };
        _cleanup_(journal_freep) Journal *journal = NULL;
        JournalFault fault = { .reason = "none" };

        assert_int_equal(journal_open(folder, &options, &journal, &fault), expected);
        assert_null(journal);
        if (reason) {
                assert_string_equal(fault.reason, reason);
                assert_int_equal(fault.place.segment, segment);
                if (strcmp(reason, "missing-segment") == 0)
                        assert_int_equal(fault.seq, segment); /* the first entry that is not there */
        }
}

/* Writes n records one by one, as a process that is killed afterwards; the place of the last. */
static JournalPlace killed_after(const char *folder, uint64_t n) {
        _cleanup_(journal_freep) Journal *journal = open_journal(folder, SEGMENT, 0);

        write_records(journal, n, 1);
        return place_of(folder, n);
}

static void expect_goes_on_after(const char *folder, uint64_t last) {
        _cleanup_(journal_freep) Journal *journal = open_journal(folder, SEGMENT, 0);

        assert_int_equal(journal_committed(journal), last);
        write_records(journal, 5, 2);
        expect_records(folder, 1, last + 5);
        expect_verified(folder, last + 5);
}

static void test_a_torn_header_of_the_last_batch_is_cut(void **state) {
        JournalPlace place = killed_after(*state, 20);

        file_fill(*state, segment_file(place.segment), place.offset, 40, 0);
        expect_goes_on_after(*state, 19);
}

static void test_a_torn_body_of_the_last_batch_is_cut(void **state) {
        JournalPlace place = killed_after(*state, 20);

        file_fill(*state, segment_file(place.segment), place.offset + BATCH_HEADER_BYTES + 20, 30, 0);
        expect_goes_on_after(*state, 19);
}

static void test_a_last_batch_that_never_reached_the_disk_was_never_there(void **state) {
        JournalPlace place = killed_after(*state, 20);

        file_fill(*state, segment_file(place.segment), place.offset, 512, 0);
        expect_goes_on_after(*state, 19);
}

static void test_what_was_cut_is_zero_afterwards(void **state) {
        JournalPlace place = killed_after(*state, 20);
        _cleanup_(buffer_deinit) Buffer buffer = BUFFER_NULL;

        file_fill(*state, segment_file(place.segment), place.offset + 200, 900, 0xee);
        {
                _cleanup_(journal_freep) Journal *journal = NULL;

                file_fill(*state, segment_file(place.segment), place.offset + 4, 1, 0xee);
                journal = open_journal(*state, SEGMENT, 0);
                assert_int_equal(journal_committed(journal), 19);
        }
        assert_int_equal(file_read(folder_path(*state, segment_file(place.segment)), SIZE_MAX, &buffer), 0);
        for (size_t i = place.offset; i < buffer.size; i++)
                assert_int_equal(buffer.data[i], 0);
}

static void test_leftovers_behind_the_last_batch_are_no_fault(void **state) {
        JournalPlace place = killed_after(*state, 20);

        file_fill(*state, segment_file(place.segment), place.offset + 1024, 700, 0x77);
        expect_verified(*state, 20);
        expect_goes_on_after(*state, 20);
}

static void test_a_torn_batch_below_the_state_is_a_fault(void **state) {
        JournalPlace place = killed_after(*state, 20);

        file_fill(*state, segment_file(place.segment), place.offset + 8, 40, 0);
        expect_refused(*state, 20, JOURNAL_E_CORRUPT, "batch-checksum", place.segment);
        expect_goes_on_after(*state, 19); /* and with the state one earlier it would be cut */
}

static void test_a_journal_that_ends_before_the_state_is_not_ours(void **state) {
        killed_after(*state, 20);
        expect_refused(*state, 21, JOURNAL_E_BEHIND, NULL, 0);
        expect_refused(*state, 1000000, JOURNAL_E_BEHIND, NULL, 0);
}

static void test_a_state_without_a_journal_is_refused_and_none_is_made(void **state) {
        expect_refused(*state, 5, JOURNAL_E_BEHIND, NULL, 0);
        assert_false(file_exists(*state, segment_file(1)));
}

static void test_a_damaged_batch_with_others_behind_it_is_never_cut(void **state) {
        JournalPlace place;

        killed_after(*state, 20);
        place = place_of(*state, 19);
        file_flip(*state, segment_file(place.segment), place.offset + 100, 3);
        expect_refused(*state, 0, JOURNAL_E_CORRUPT, "record-checksum", place.segment);
        file_flip(*state, segment_file(place.segment), place.offset + 100, 3);
        file_flip(*state, segment_file(place.segment), place.offset + 17,
                  3); /* its length: where the next begins is lost */
        expect_refused(*state, 0, JOURNAL_E_CORRUPT, "batch-checksum", place.segment);
}

static void test_zeros_with_a_batch_behind_them_are_a_gap(void **state) {
        JournalPlace place, last;

        last = killed_after(*state, 20);
        place = place_of(*state, 19);
        file_fill(*state, segment_file(place.segment), place.offset, last.offset - place.offset, 0);
        expect_refused(*state, 0, JOURNAL_E_CORRUPT, "gap", place.segment);
}

static void test_a_refused_start_changes_nothing(void **state) {
        _cleanup_(buffer_deinit) Buffer before = BUFFER_NULL, after = BUFFER_NULL;
        JournalPlace place;

        killed_after(*state, 20);
        place = place_of(*state, 15);
        file_flip(*state, segment_file(place.segment), place.offset + 100, 3);
        file_fill(*state, segment_file(place.segment), place.offset + 4000, 100, 1);
        assert_int_equal(file_read(folder_path(*state, segment_file(place.segment)), SIZE_MAX, &before), 0);
        expect_refused(*state, 3, JOURNAL_E_CORRUPT, NULL, 0);
        assert_int_equal(file_read(folder_path(*state, segment_file(place.segment)), SIZE_MAX, &after), 0);
        assert_true(bytes_equal(buffer_bytes(&before), buffer_bytes(&after)));
}

static void test_after_the_seal_nothing_is_cut(void **state) {
        JournalPlace place = killed_after(*state, 20);
        _cleanup_(journal_freep) Journal *journal = open_journal(*state, SEGMENT, 0);

        assert_int_equal(journal_seal(journal), 0);
        journal = journal_free(journal);
        file_flip(*state, segment_file(place.segment), place.offset + 30, 0);
        expect_refused(*state, 0, JOURNAL_E_CORRUPT, "batch-checksum", place.segment);
        file_flip(*state, segment_file(place.segment), place.offset + 30, 0);
        file_fill(*state, segment_file(place.segment), place.offset, 512, 0);
        expect_refused(*state, 0, JOURNAL_E_CORRUPT, "gap", place.segment);
}

static void test_a_seal_of_another_journal_is_refused(void **state) {
        char other[256];
        Journal *journal;

        killed_after(*state, 20);
        snprintf(other, sizeof(other), "%s", folder_path(*state, "other"));
        journal = open_journal(other, SEGMENT, 0);
        write_records(journal, 20, 1);
        assert_int_equal(journal_seal(journal), 0);
        journal_free(journal);
        assert_int_equal(rename(folder_path(other, "seal"), folder_path(*state, "seal")), 0);
        expect_refused(*state, 0, JOURNAL_E_CORRUPT, "seal", 1);
}

static void test_a_missing_segment_is_named_wherever_it_lay(void **state) {
        uint64_t newest = killed_after(*state, 200).segment, middle = place_of(*state, 100).segment;

        assert_true(middle > 1 && newest > middle);
        assert_int_equal(rename(folder_path(*state, segment_file(middle)), folder_path(*state, "away")), 0);
        expect_refused(*state, 0, JOURNAL_E_CORRUPT, "missing-segment", middle);
        expect_refused(*state, 200, JOURNAL_E_CORRUPT, "missing-segment", middle);
        assert_int_equal(rename(folder_path(*state, "away"), folder_path(*state, segment_file(middle))), 0);

        assert_int_equal(rename(folder_path(*state, segment_file(1)), folder_path(*state, "away")), 0);
        expect_refused(*state, 150, JOURNAL_E_CORRUPT, "missing-segment", 1);
        assert_int_equal(rename(folder_path(*state, "away"), folder_path(*state, segment_file(1))), 0);

        /* The newest: the one before is closed, so there was one. */
        assert_int_equal(rename(folder_path(*state, segment_file(newest)), folder_path(*state, "away")), 0);
        expect_refused(*state, 0, JOURNAL_E_CORRUPT, "missing-segment", newest);
        assert_int_equal(rename(folder_path(*state, "away"), folder_path(*state, segment_file(newest))), 0);
        expect_goes_on_after(*state, 200);
}

static void test_a_journal_that_lost_all_but_its_seal_is_refused(void **state) {
        Journal *journal = open_journal(*state, SEGMENT, 0);

        assert_int_equal(journal_seal(journal), 0);
        journal_free(journal);
        assert_int_equal(unlink(folder_path(*state, segment_file(1))), 0);
        expect_refused(*state, 0, JOURNAL_E_CORRUPT, "missing-segment", 1);
}

static void test_a_foreign_segment_is_refused(void **state) {
        uint64_t middle;
        char other[256];
        Journal *journal;

        killed_after(*state, 200);
        middle = place_of(*state, 100).segment;
        snprintf(other, sizeof(other), "%s", folder_path(*state, "other"));
        journal = open_journal(other, SEGMENT, 0);
        write_records(journal, 200, 1); /* the same records, so the same names */
        journal_free(journal);
        assert_int_equal(rename(folder_path(other, segment_file(middle)), folder_path(*state, segment_file(middle))),
                         0);
        expect_refused(*state, 0, JOURNAL_E_CORRUPT, "header", middle);
        expect_refused(*state, 200, JOURNAL_E_CORRUPT, "header", middle);
}

static void test_a_renamed_segment_is_refused(void **state) {
        uint64_t newest = killed_after(*state, 200).segment;

        assert_int_equal(
                rename(folder_path(*state, segment_file(newest)), folder_path(*state, segment_file(newest + 1))), 0);
        expect_refused(*state, 0, JOURNAL_E_CORRUPT, "header", newest + 1);
}

static void test_a_truncated_segment_is_refused(void **state) {
        uint64_t newest = killed_after(*state, 200).segment;

        assert_int_equal(truncate(folder_path(*state, segment_file(newest)), SEGMENT - 1), 0);
        expect_refused(*state, 0, JOURNAL_E_CORRUPT, "truncated", newest);
        assert_int_equal(truncate(folder_path(*state, segment_file(newest)), 100), 0);
        expect_refused(*state, 0, JOURNAL_E_CORRUPT, "truncated", newest);
        assert_int_equal(truncate(folder_path(*state, segment_file(newest)), 0), 0);
        expect_refused(*state, 200, JOURNAL_E_CORRUPT, "truncated", newest);
}

static void test_a_damaged_header_is_refused_even_of_an_old_segment(void **state) {
        killed_after(*state, 200);
        file_flip(*state, segment_file(1), 4000, 0);
        expect_refused(*state, 200, JOURNAL_E_CORRUPT, "header", 1);
}

static void test_a_later_version_is_left_untouched(void **state) {
        _cleanup_(journal_reader_freep) JournalReader *reader = NULL;
        uint8_t header[SEGMENT_HEADER_BYTES];
        _cleanup_(closep) int fd = -1;
        JournalVerified verified;
        JournalRecord record;

        killed_after(*state, 3);
        file_fill(*state, "next.tmp", 0, 0, 0);
        fd = open(folder_path(*state, segment_file(1)), O_RDWR | O_CLOEXEC);
        assert_int_equal(pread_all(fd, header, sizeof(header), 0), sizeof(header));
        store_le32(header + 8, SEGMENT_VERSION_REDUCED + 1);
        store_le32(header + SEGMENT_HEADER_BYTES - 4, crc32c(0, header, SEGMENT_HEADER_BYTES - 4));
        assert_int_equal(pwrite_all(fd, header, sizeof(header), 0), 0);

        expect_refused(*state, 0, JOURNAL_E_NEWER, NULL, 0);
        assert_true(file_exists(*state, "next.tmp"));
        assert_int_equal(journal_verify(*state, 0, NULL, NULL, &verified, NULL), JOURNAL_E_NEWER);
        assert_int_equal(journal_reader_open(*state, &reader), 0);
        assert_int_equal(journal_reader_next(reader, 3, &record, NULL), JOURNAL_E_NEWER);
}

/* Killed between the name of a segment and its first batch, before and after the closing mark of the one before. */
static void test_a_segment_without_a_batch_is_gone_on_with(void **state) {
        uint64_t newest = killed_after(*state, 200).segment;
        JournalPlace last = place_of(*state, newest - 1);
        uint8_t header[BATCH_HEADER_BYTES];
        _cleanup_(closep) int fd = -1;
        uint64_t close_at;

        file_fill(*state, segment_file(newest), SEGMENT_HEADER_BYTES, SEGMENT - SEGMENT_HEADER_BYTES, 0);
        expect_verified(*state, newest - 1);
        expect_goes_on_after(*state, newest - 1);

        file_fill(*state, segment_file(newest), SEGMENT_HEADER_BYTES, SEGMENT - SEGMENT_HEADER_BYTES, 0);
        fd = open(folder_path(*state, segment_file(last.segment)), O_RDONLY | O_CLOEXEC);
        assert_int_equal(pread_all(fd, header, sizeof(header), (off_t)last.offset), sizeof(header));
        close_at = last.offset + load_le64(header + 16);
        file_fill(*state, segment_file(last.segment), close_at, BATCH_CLOSE_BYTES, 0);
        expect_verified(*state, newest - 1);
        expect_goes_on_after(*state, newest - 1);
        expect_refused(*state, newest + 100, JOURNAL_E_BEHIND, NULL, 0);

        /* With a batch in the newest the mark was synced: its absence is a fault. */
        file_fill(*state, segment_file(last.segment), close_at, BATCH_CLOSE_BYTES, 0);
        expect_refused(*state, 0, JOURNAL_E_CORRUPT, "gap", last.segment);
        file_fill(*state, segment_file(newest), SEGMENT_HEADER_BYTES, SEGMENT - SEGMENT_HEADER_BYTES, 0);
        file_fill(*state, segment_file(last.segment), close_at, 50, 0xc3); /* torn */
        expect_goes_on_after(*state, newest - 1);
}

static void test_what_was_half_made_is_removed(void **state) {
        static const char *const names[] = { "next.tmp", "segment.tmp", "seal.tmp", "trim.tmp" };

        killed_after(*state, 3);
        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                _cleanup_(closep) int fd = open(folder_path(*state, names[i]), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

                assert_int_equal(write(fd, "junk", 4), 4);
        }
        expect_goes_on_after(*state, 3);
        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                assert_false(file_exists(*state, names[i]));
}

static void test_a_first_segment_that_never_got_its_name_begins_anew(void **state) {
        _cleanup_(closep) int fd = open(folder_path(*state, "segment.tmp"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

        assert_int_equal(write(fd, "half a header", 13), 13);
        expect_goes_on_after(*state, 0);
}

static void test_files_of_others_are_let_alone(void **state) {
        static const char *const names[] = { "lost+found",
                                             "README",
                                             "00000000000000000000.seg",
                                             "1.seg",
                                             "99999999999999999999.seg",
                                             "00000000000000000001.seg.bak" };

        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                _cleanup_(closep) int fd = open(folder_path(*state, names[i]), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

                assert_true(fd >= 0);
        }
        killed_after(*state, 100);
        expect_goes_on_after(*state, 100);
        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                assert_true(file_exists(*state, names[i]));
}

static void test_the_reader_locates_a_fault_and_serves_what_is_before_it(void **state) {
        _cleanup_(journal_reader_freep) JournalReader *reader = NULL;
        JournalPlace place;
        JournalRecord record;
        JournalFault fault;

        killed_after(*state, 50);
        place = place_of(*state, 30);
        file_flip(*state, segment_file(place.segment), place.offset + BATCH_HEADER_BYTES + 40, 7);
        assert_int_equal(journal_reader_open(*state, &reader), 0);
        for (uint64_t seq = 1; seq < 30; seq++)
                assert_int_equal(journal_reader_next(reader, 50, &record, NULL), 0);
        for (unsigned twice = 0; twice < 2; twice++) {
                assert_int_equal(journal_reader_next(reader, 50, &record, &fault), JOURNAL_E_CORRUPT);
                assert_int_equal(fault.seq, 30);
                assert_int_equal(fault.place.segment, place.segment);
                assert_int_equal(fault.place.offset, place.offset);
                assert_string_equal(fault.reason, "record-checksum");
        }
        assert_int_equal(journal_reader_get(reader, 31, NULL, &record), 0);
        assert_int_equal(record.seq, 31);
}

/* A message that quotes a journal, this very one even, is no batch. */
static void test_a_payload_that_looks_like_a_batch_is_none(void **state) {
        _cleanup_(buffer_deinit) Buffer quoted = BUFFER_NULL;
        Journal *journal;
        JournalPlace place;
        uint64_t seq;
        char other[256];

        snprintf(other, sizeof(other), "%s", folder_path(*state, "other"));
        killed_after(other, 20);
        assert_int_equal(file_read(folder_path(other, segment_file(1)), SIZE_MAX, &quoted), 0);
        journal = open_journal(*state, SEGMENT, 0);
        assert_int_equal(journal_append(journal, 1, BYTES_LITERAL("first"), &seq), 0);
        assert_int_equal(journal_commit(journal), 0);
        assert_int_equal(journal_append(journal, 1, bytes_of(quoted.data, 6000), &seq), 0);
        assert_int_equal(journal_commit(journal), 0);
        journal = journal_free(journal);
        place = place_of(*state, 2);
        file_flip(*state, segment_file(place.segment), place.offset + 3000, 1);
        journal = open_journal(*state, SEGMENT, 0);
        assert_int_equal(journal_committed(journal), 1);
        journal_free(journal);
}

#define promise(f) cmocka_unit_test_setup_teardown(f, folder_setup, folder_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                promise(test_a_torn_header_of_the_last_batch_is_cut),
                promise(test_a_torn_body_of_the_last_batch_is_cut),
                promise(test_a_last_batch_that_never_reached_the_disk_was_never_there),
                promise(test_what_was_cut_is_zero_afterwards),
                promise(test_leftovers_behind_the_last_batch_are_no_fault),
                promise(test_a_torn_batch_below_the_state_is_a_fault),
                promise(test_a_journal_that_ends_before_the_state_is_not_ours),
                promise(test_a_state_without_a_journal_is_refused_and_none_is_made),
                promise(test_a_damaged_batch_with_others_behind_it_is_never_cut),
                promise(test_zeros_with_a_batch_behind_them_are_a_gap),
                promise(test_a_refused_start_changes_nothing),
                promise(test_after_the_seal_nothing_is_cut),
                promise(test_a_seal_of_another_journal_is_refused),
                promise(test_a_missing_segment_is_named_wherever_it_lay),
                promise(test_a_journal_that_lost_all_but_its_seal_is_refused),
                promise(test_a_foreign_segment_is_refused),
                promise(test_a_renamed_segment_is_refused),
                promise(test_a_truncated_segment_is_refused),
                promise(test_a_damaged_header_is_refused_even_of_an_old_segment),
                promise(test_a_later_version_is_left_untouched),
                promise(test_a_segment_without_a_batch_is_gone_on_with),
                promise(test_what_was_half_made_is_removed),
                promise(test_a_first_segment_that_never_got_its_name_begins_anew),
                promise(test_files_of_others_are_let_alone),
                promise(test_the_reader_locates_a_fault_and_serves_what_is_before_it),
                promise(test_a_payload_that_looks_like_a_batch_is_none),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
