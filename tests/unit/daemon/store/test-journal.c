/* What the journal promises while nothing goes wrong: numbers, order, reading beside writing, segments, seal, trim. */
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

#define SEGMENT (64u * 1024u)

static void test_numbers_begin_at_one_and_have_no_gap(void **state) {
        _cleanup_(journal_freep) Journal *journal = open_journal(*state, SEGMENT, 0);

        assert_int_equal(journal_committed(journal), 0);
        write_records(journal, 100, 7);
        assert_int_equal(journal_committed(journal), 100);
        expect_records(*state, 1, 100);
        expect_verified(*state, 100);
}

static void test_nothing_counts_before_the_commit(void **state) {
        _cleanup_(journal_freep) Journal *journal = open_journal(*state, SEGMENT, 0);
        uint64_t seq;

        assert_int_equal(journal_append(journal, 1, BYTES_LITERAL("x"), &seq), 0);
        assert_int_equal(seq, 1);
        assert_int_equal(journal_pending(journal), 1);
        assert_int_equal(journal_committed(journal), 0);
        expect_verified(*state, 0);
        journal_abort(journal);
        assert_int_equal(journal_pending(journal), 0);
        assert_int_equal(journal_commit(journal), 0);
        write_records(journal, 1, 1); /* its number is 1 again */
        expect_verified(*state, 1);
}

static void test_an_empty_journal_ends_at_once(void **state) {
        _cleanup_(journal_freep) Journal *journal = open_journal(*state, SEGMENT, 0);
        _cleanup_(journal_reader_freep) JournalReader *reader = NULL;
        JournalRecord record;

        assert_int_equal(journal_reader_open(*state, &reader), 0);
        assert_int_equal(journal_reader_next(reader, 0, &record, NULL), JOURNAL_E_END);
        expect_verified(*state, 0);
}

static void test_a_folder_that_is_not_there_is_said(void **state) {
        _cleanup_(journal_reader_freep) JournalReader *reader = NULL;
        JournalVerified verified;

        assert_int_equal(journal_reader_open(folder_path(*state, "none"), &reader), -ENOENT);
        assert_int_equal(journal_verify(folder_path(*state, "none"), 0, NULL, NULL, &verified, NULL), -ENOENT);
}

static void test_reader_stops_at_the_limit_and_goes_on_when_it_moves(void **state) {
        _cleanup_(journal_freep) Journal *journal = open_journal(*state, SEGMENT, 0);
        _cleanup_(journal_reader_freep) JournalReader *reader = NULL;
        JournalRecord record;

        write_records(journal, 20, 10);
        assert_int_equal(journal_reader_open(*state, &reader), 0);
        for (uint64_t limit = 0; limit <= 20; limit++) {
                if (limit > 0)
                        assert_int_equal(journal_reader_next(reader, limit, &record, NULL), 0);
                assert_int_equal(limit > 0 ? record.seq : 0, limit);
                assert_int_equal(journal_reader_next(reader, limit, &record, NULL), JOURNAL_E_END);
        }
}

static void test_reader_follows_the_writer_batch_by_batch(void **state) {
        _cleanup_(journal_freep) Journal *journal = open_journal(*state, SEGMENT, 0);
        _cleanup_(journal_reader_freep) JournalReader *reader = NULL;
        _cleanup_(buffer_deinit) Buffer buffer = BUFFER_NULL;
        JournalRecord record;

        assert_int_equal(journal_reader_open(*state, &reader), 0);
        for (uint64_t i = 1; i <= 2000; i++) {
                write_records(journal, 1 + i % 3, 3);
                while (journal_reader_next(reader, journal_committed(journal), &record, NULL) == 0)
                        assert_true(bytes_equal(record.payload, payload_of(record.seq, &buffer)));
                assert_int_equal(record.seq, journal_committed(journal));
        }
}

/* A batch that found no space leaves bytes behind the last batch. A reader that read ahead has them in its buffer. */
static void test_reader_does_not_believe_bytes_it_read_before_they_were_committed(void **state) {
        _cleanup_(journal_freep) Journal *journal = open_journal(*state, SEGMENT, 0);
        _cleanup_(journal_reader_freep) JournalReader *reader = NULL;
        _cleanup_(journal_freep) Journal *other = NULL;
        _cleanup_(buffer_deinit) Buffer buffer = BUFFER_NULL;
        char copy[256];
        JournalRecord record;
        uint64_t seq;

        write_records(journal, 3, 3);
        /* The same journal gone another way: number 4 with other bytes, written whole where number 4 will lie. */
        snprintf(copy, sizeof(copy), "%s", folder_path(*state, "other"));
        assert_int_equal(mkdir(copy, 0700), 0);
        folder_copy(*state, copy);
        other = open_journal(copy, SEGMENT, 0);
        assert_int_equal(journal_append(other, received_at_of(4), BYTES_LITERAL("never committed"), &seq), 0);
        assert_int_equal(journal_commit(other), 0);
        assert_int_equal(file_read(folder_path(copy, segment_file(1)), SIZE_MAX, &buffer), 0);
        {
                _cleanup_(closep) int fd = open(folder_path(*state, segment_file(1)), O_WRONLY | O_CLOEXEC);

                assert_int_equal(pwrite_all(fd, buffer.data, buffer.size, 0), 0);
        }
        assert_int_equal(journal_reader_open(*state, &reader), 0);
        for (uint64_t i = 1; i <= 3; i++)
                assert_int_equal(journal_reader_next(reader, 3, &record, NULL), 0);
        assert_int_equal(journal_reader_next(reader, 3, &record, NULL), JOURNAL_E_END);
        write_records(journal, 1, 1);
        assert_int_equal(journal_reader_next(reader, 4, &record, NULL), 0);
        assert_true(bytes_equal(record.payload, payload_of(4, &buffer)));
}

static void test_time_never_goes_backwards(void **state) {
        _cleanup_(journal_freep) Journal *journal = open_journal(*state, SEGMENT, 0);
        _cleanup_(journal_reader_freep) JournalReader *reader = NULL;
        int64_t last = 0;
        JournalRecord record;
        uint64_t seq;

        static const int64_t times[] = { 1000, 500, 1000, 2000, -5, 1999, 3000 };
        for (size_t i = 0; i < ELEMENTSOF(times); i++) {
                assert_int_equal(journal_append(journal, times[i], BYTES_LITERAL("x"), &seq), 0);
                if (i == 3)
                        assert_int_equal(journal_commit(journal), 0);
                if (i == 4) {
                        /* A batch that is dropped takes its time along. */
                        journal_abort(journal);
                        assert_int_equal(journal_last_at(journal), 2000);
                }
        }
        assert_int_equal(journal_commit(journal), 0);
        assert_int_equal(journal_last_at(journal), 3000);
        assert_int_equal(journal_reader_open(*state, &reader), 0);
        while (journal_reader_next(reader, journal_committed(journal), &record, NULL) == 0) {
                assert_true(record.received_at >= last);
                last = record.received_at;
        }
        journal = journal_free(journal);
        journal = open_journal(*state, SEGMENT, 0);
        assert_int_equal(journal_last_at(journal), 3000);
}

static void test_batches_of_every_size_survive_a_restart(void **state) {
        uint64_t total = 0;

        static const uint64_t sizes[] = { 1, 2, 63, 64, 65, 256, 1000 };
        for (size_t i = 0; i < ELEMENTSOF(sizes); i++) {
                _cleanup_(journal_freep) Journal *journal = open_journal(*state, SEGMENT, total / 2);

                assert_int_equal(journal_committed(journal), total);
                write_records(journal, sizes[i] * 2, sizes[i]);
                total += sizes[i] * 2;
        }
        expect_records(*state, 1, total);
        expect_verified(*state, total);
}

static void test_records_of_every_length_come_back(void **state) {
        _cleanup_(journal_freep) Journal *journal = open_journal(*state, SEGMENT, 0);
        _cleanup_(journal_reader_freep) JournalReader *reader = NULL;
        _cleanup_(freep) uint8_t *data = malloc(40000);
        JournalRecord record;
        uint64_t seq;

        memset(data, 0xa5, 40000);
        for (size_t size = 0; size < 40000; size += size < 200 ? 1 : 7919) {
                assert_int_equal(journal_append(journal, 1, bytes_of(data, size), &seq), 0);
                assert_int_equal(journal_commit(journal), 0);
        }
        assert_int_equal(journal_reader_open(*state, &reader), 0);
        for (size_t size = 0; size < 40000; size += size < 200 ? 1 : 7919) {
                assert_int_equal(journal_reader_next(reader, seq, &record, NULL), 0);
                assert_true(bytes_equal(record.payload, bytes_of(data, size)));
        }
        expect_verified(*state, seq);
}

static void test_a_batch_larger_than_a_segment_gets_one_of_its_own(void **state) {
        _cleanup_(journal_freep) Journal *journal = open_journal(*state, SEGMENT, 0);
        _cleanup_(journal_reader_freep) JournalReader *reader = NULL;
        size_t size = 9u << 20;
        _cleanup_(freep) uint8_t *data = malloc(size);
        JournalRecord record;
        uint64_t seq;

        memset(data, 0x5a, size);
        /* First of all, then behind others: the empty first segment is replaced, later ones are closed. */
        for (unsigned i = 0; i < 3; i++) {
                assert_int_equal(journal_append(journal, received_at_of(1), bytes_of(data, size), &seq), 0);
                assert_int_equal(journal_commit(journal), 0);
                assert_int_equal(journal_append(journal, received_at_of(1), BYTES_LITERAL("small"), &seq), 0);
                assert_int_equal(journal_commit(journal), 0);
        }
        journal = journal_free(journal);
        journal = open_journal(*state, SEGMENT, 0);
        assert_int_equal(journal_committed(journal), 6);
        assert_int_equal(journal_reader_open(*state, &reader), 0);
        for (uint64_t i = 1; i <= 6; i++) {
                assert_int_equal(journal_reader_next(reader, 6, &record, NULL), 0);
                assert_int_equal(record.payload.size, i % 2 ? size : 5);
        }
        expect_verified(*state, 6);
}

static void test_more_than_64_mib_is_refused_and_the_batch_stays(void **state) {
        _cleanup_(journal_freep) Journal *journal = open_journal(*state, SEGMENT, 0);
        size_t size = 65u << 20;
        _cleanup_(freep) uint8_t *data = calloc(1, size);
        uint64_t seq = 0;

        assert_int_equal(journal_append(journal, 1, BYTES_LITERAL("x"), &seq), 0);
        assert_int_equal(journal_append(journal, 1, bytes_of(data, size), &seq), -EFBIG);
        assert_int_equal(journal_append(journal, 1, bytes_of(data, 64u << 20), &seq), -EFBIG);
        assert_int_equal(journal_pending(journal), 1);
        assert_int_equal(seq, 1);
        assert_int_equal(journal_commit(journal), 0);
        expect_verified(*state, 1);
}

static void test_any_number_is_found_with_and_without_a_hint(void **state) {
        _cleanup_(journal_freep) Journal *journal = open_journal(*state, SEGMENT, 0);
        _cleanup_(journal_reader_freep) JournalReader *reader = NULL;
        _cleanup_(buffer_deinit) Buffer buffer = BUFFER_NULL;
        _cleanup_(freep) JournalPlace *places = calloc(3001, sizeof(*places));
        unsigned seed = 7;
        JournalRecord record;

        write_records(journal, 3000, 11);
        assert_int_equal(journal_reader_open(*state, &reader), 0);
        for (uint64_t seq = 1; seq <= 3000; seq++) {
                assert_int_equal(journal_reader_next(reader, 3000, &record, NULL), 0);
                places[seq] = record.place;
        }
        for (unsigned i = 0; i < 3000; i++) {
                uint64_t seq = 1 + (uint64_t)rand_r(&seed) % 3000, before = 1 + (uint64_t)rand_r(&seed) % seq;
                const JournalPlace *hint = i % 3 == 0 ? NULL : i % 3 == 1 ? &places[seq] : &places[before];

                assert_int_equal(journal_reader_get(reader, seq, hint, &record), 0);
                assert_int_equal(record.seq, seq);
                assert_int_equal(record.place.segment, places[seq].segment);
                assert_int_equal(record.place.offset, places[seq].offset);
                assert_true(bytes_equal(record.payload, payload_of(seq, &buffer)));
        }
}

static void test_a_hint_that_does_not_hold_is_as_none(void **state) {
        _cleanup_(journal_freep) Journal *journal = open_journal(*state, SEGMENT, 0);
        _cleanup_(journal_reader_freep) JournalReader *reader = NULL;
        JournalPlace good, behind;
        JournalRecord record;

        write_records(journal, 2000, 10);
        good = place_of(*state, 500);
        behind = place_of(*state, 1500);
        const JournalPlace hints[] = { { good.segment, good.offset + 64 },
                                       { good.segment, good.offset + 1 },
                                       { good.segment, 0 },
                                       { good.segment, UINT64_MAX & ~63ull },
                                       { good.segment, 1ull << 40 },
                                       { good.segment + 1, good.offset },
                                       { UINT64_MAX, good.offset },
                                       behind };

        assert_int_equal(journal_reader_open(*state, &reader), 0);
        for (size_t i = 0; i < ELEMENTSOF(hints); i++) {
                assert_int_equal(journal_reader_get(reader, 500, &hints[i], &record), 0);
                assert_int_equal(record.seq, 500);
        }
}

static void test_number_zero_is_no_number(void **state) {
        _cleanup_(journal_reader_freep) JournalReader *reader = NULL;

        assert_int_equal(journal_reader_open(*state, &reader), 0);
        assert_int_equal(journal_reader_seek(reader, 0, NULL), -EINVAL);
}

static void test_a_prepared_segment_is_taken(void **state) {
        _cleanup_(journal_freep) Journal *journal = open_journal(*state, 3u << 20, 0);
        unsigned steps = 0;

        while (journal_prepare_step(journal) == 1)
                steps++;
        assert_true(steps >= 2); /* paced */
        assert_true(file_exists(*state, "next.ready"));
        assert_false(file_exists(*state, "next.tmp"));
        assert_int_equal(journal_prepare_step(journal), 0);
        while (file_exists(*state, "next.ready"))
                write_records(journal, 100, 100);
        expect_verified(*state, journal_committed(journal));
        assert_int_equal(journal_prepare_step(journal), 1); /* and on to the next */
}

static void test_what_was_prepared_is_kept_over_a_restart_and_what_was_half_done_is_not(void **state) {
        _cleanup_(journal_freep) Journal *journal = open_journal(*state, 2u << 20, 0);

        while (journal_prepare_step(journal) == 1)
                ;
        journal = journal_free(journal);
        journal = open_journal(*state, 2u << 20, 0);
        assert_true(file_exists(*state, "next.ready"));
        assert_int_equal(journal_prepare_step(journal), 0);
        while (file_exists(*state, "next.ready"))
                write_records(journal, 100, 100);
        assert_int_equal(journal_prepare_step(journal), 1);
        assert_int_equal(journal_prepare_step(journal), 1);
        assert_true(file_exists(*state, "next.tmp"));
        journal = journal_free(journal);
        journal = open_journal(*state, 2u << 20, 0);
        assert_false(file_exists(*state, "next.tmp"));
        expect_verified(*state, journal_committed(journal));
}

static void test_the_seal_stands_until_something_is_written(void **state) {
        _cleanup_(journal_freep) Journal *journal = open_journal(*state, SEGMENT, 0);
        JournalVerified verified;
        uint64_t seq;

        write_records(journal, 10, 3);
        assert_int_equal(journal_append(journal, 1, BYTES_LITERAL("x"), &seq), 0);
        assert_int_equal(journal_seal(journal), -EBUSY);
        journal_abort(journal);
        assert_int_equal(journal_seal(journal), 0);
        journal = journal_free(journal);
        assert_int_equal(journal_verify(*state, 0, NULL, NULL, &verified, NULL), 0);
        assert_true(verified.sealed);
        journal = open_journal(*state, SEGMENT, 10);
        journal = journal_free(journal);
        journal = open_journal(*state, SEGMENT, 10);
        assert_true(file_exists(*state, "seal"));
        write_records(journal, 1, 1);
        assert_false(file_exists(*state, "seal"));
        assert_int_equal(journal_verify(*state, 0, NULL, NULL, &verified, NULL), 0);
        assert_false(verified.sealed);
        assert_int_equal(journal_seal(journal), 0);
        journal = journal_free(journal);
        journal = open_journal(*state, SEGMENT, 11);
}

static void test_trim_removes_whole_segments_and_says_so(void **state) {
        _cleanup_(journal_freep) Journal *journal = open_journal(*state, SEGMENT, 0);
        _cleanup_(journal_reader_freep) JournalReader *reader = NULL;
        JournalVerified verified;
        JournalRecord record;
        uint64_t bytes, first;

        write_records(journal, 2000, 10);
        bytes = journal_bytes(journal);
        first = place_of(*state, 1000).segment;
        assert_true(first > 1);
        assert_int_equal(journal_trim(journal, 1000), 0);
        assert_false(file_exists(*state, segment_file(1)));
        assert_true(file_exists(*state, segment_file(first)));
        assert_true(journal_bytes(journal) < bytes);
        assert_int_equal(journal_verify(*state, 0, NULL, NULL, &verified, NULL), 0);
        assert_int_equal(verified.first_seq, first);
        assert_int_equal(verified.last_seq, 2000);

        assert_int_equal(journal_reader_open(*state, &reader), 0);
        assert_int_equal(journal_reader_seek(reader, first - 1, NULL), 0);
        assert_int_equal(journal_reader_next(reader, 2000, &record, NULL), JOURNAL_E_EXPIRED);
        assert_int_equal(record.seq, first - 1);
        assert_int_equal(journal_reader_next(reader, 2000, &record, NULL), 0);
        assert_int_equal(record.seq, first);
        journal = journal_free(journal);
        journal = open_journal(*state, SEGMENT, 1500);
        write_records(journal, 10, 10);
        expect_verified(*state, 2010);
        assert_int_equal(journal_trim(journal, UINT64_MAX), 0); /* never the newest */
        write_records(journal, 10, 10);
        expect_verified(*state, 2020);
}

static void test_a_trim_that_was_cut_short_is_finished(void **state) {
        _cleanup_(journal_freep) Journal *journal = open_journal(*state, SEGMENT, 0);
        char old[128], kept[256];

        write_records(journal, 1000, 10);
        snprintf(old, sizeof(old), "%s", segment_file(1));
        snprintf(kept, sizeof(kept), "%s", folder_path(*state, "kept"));
        assert_int_equal(rename(folder_path(*state, old), kept), 0);
        assert_int_equal(journal_trim(journal, 1000), 0);
        assert_int_equal(rename(kept, folder_path(*state, old)), 0);
        expect_verified(*state, 1000);
        journal = journal_free(journal);
        journal = open_journal(*state, SEGMENT, 999);
        assert_false(file_exists(*state, old));
        expect_verified(*state, 1000);
}

/* As a rule will do it one day: payload zeroed, flag set, checksum made anew; the hash stays. */
static void expire(const char *folder, uint64_t seq) {
        _cleanup_(closep) int fd = -1;
        JournalPlace place = place_of(folder, seq);
        uint8_t data[1024] = { 0 };
        uint64_t at = place.offset + BATCH_HEADER_BYTES, bytes;

        fd = open(folder_path(folder, segment_file(place.segment)), O_RDWR | O_CLOEXEC);
        assert_true(fd >= 0);
        for (;;) {
                assert_true(pread_all(fd, data, sizeof(data), (off_t)at) >= RECORD_HEADER_BYTES);
                bytes = batch_record_bytes(data);
                if (load_le64(data + 16) == seq)
                        break;
                at += bytes;
        }
        assert_true(bytes <= sizeof(data));
        store_le32(data + 4, RECORD_EXPIRED);
        memset(data + RECORD_HEADER_BYTES, 0, bytes - RECORD_HEADER_BYTES);
        store_le32(data, crc32c(0, data + 4, bytes - 4));
        assert_int_equal(pwrite_all(fd, data, bytes, (off_t)at), 0);
}

static void test_an_expired_payload_leaves_a_hole_that_verify_accepts(void **state) {
        _cleanup_(journal_freep) Journal *journal = open_journal(*state, SEGMENT, 0);
        _cleanup_(journal_reader_freep) JournalReader *reader = NULL;
        JournalVerified before, after;
        JournalRecord record;

        write_records(journal, 50, 10);
        assert_int_equal(journal_verify(*state, 0, NULL, NULL, &before, NULL), 0);
        expire(*state, 23);
        assert_int_equal(journal_verify(*state, 0, NULL, NULL, &after, NULL), 0);
        assert_memory_equal(before.chain, after.chain, sizeof(before.chain));
        assert_int_equal(journal_reader_open(*state, &reader), 0);
        for (uint64_t seq = 1; seq <= 50; seq++) {
                assert_int_equal(journal_reader_next(reader, 50, &record, NULL), seq == 23 ? JOURNAL_E_EXPIRED : 0);
                assert_int_equal(record.seq, seq);
                if (seq == 23)
                        assert_int_equal(record.payload.size, 0);
        }
        journal = journal_free(journal);
        journal = open_journal(*state, SEGMENT, 0);
        write_records(journal, 1, 1);
        expect_verified(*state, 51);
}

static void test_a_missing_state_folder_is_made(void **state) {
        _cleanup_(journal_freep) Journal *journal = open_journal(folder_path(*state, "a/b/journal"), SEGMENT, 0);

        write_records(journal, 1, 1);
        expect_verified(folder_path(*state, "a/b/journal"), 1);
}

static void progress_seen(uint64_t done, uint64_t all, void *owner) {
        uint64_t *last = owner;

        assert_true(done >= *last && done <= all);
        *last = done;
}

static void test_verify_says_how_far_it_is_and_stops_at_its_limit(void **state) {
        _cleanup_(journal_freep) Journal *journal = open_journal(*state, SEGMENT, 0);
        JournalFault fault;
        JournalVerified verified;
        uint64_t last = 0;

        write_records(journal, 300, 10);
        assert_int_equal(journal_verify(*state, 0, progress_seen, &last, &verified, NULL), 0);
        assert_true(last > 0);
        assert_int_equal(verified.batches, 30);
        assert_int_equal(verified.first_seq, 1);
        assert_int_equal(journal_verify(*state, 95, NULL, NULL, &verified, NULL), 0);
        assert_int_equal(verified.last_seq, 100);
        assert_int_equal(journal_verify(*state, 301, NULL, NULL, &verified, &fault), JOURNAL_E_CORRUPT);
        assert_string_equal(fault.reason, "truncated");
        assert_int_equal(fault.seq, 301);
}

#define promise(f) cmocka_unit_test_setup_teardown(f, folder_setup, folder_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                promise(test_numbers_begin_at_one_and_have_no_gap),
                promise(test_nothing_counts_before_the_commit),
                promise(test_an_empty_journal_ends_at_once),
                promise(test_a_folder_that_is_not_there_is_said),
                promise(test_reader_stops_at_the_limit_and_goes_on_when_it_moves),
                promise(test_reader_follows_the_writer_batch_by_batch),
                promise(test_reader_does_not_believe_bytes_it_read_before_they_were_committed),
                promise(test_time_never_goes_backwards),
                promise(test_batches_of_every_size_survive_a_restart),
                promise(test_records_of_every_length_come_back),
                promise(test_a_batch_larger_than_a_segment_gets_one_of_its_own),
                promise(test_more_than_64_mib_is_refused_and_the_batch_stays),
                promise(test_any_number_is_found_with_and_without_a_hint),
                promise(test_a_hint_that_does_not_hold_is_as_none),
                promise(test_number_zero_is_no_number),
                promise(test_a_prepared_segment_is_taken),
                promise(test_what_was_prepared_is_kept_over_a_restart_and_what_was_half_done_is_not),
                promise(test_the_seal_stands_until_something_is_written),
                promise(test_trim_removes_whole_segments_and_says_so),
                promise(test_a_trim_that_was_cut_short_is_finished),
                promise(test_an_expired_payload_leaves_a_hole_that_verify_accepts),
                promise(test_a_missing_state_folder_is_made),
                promise(test_verify_says_how_far_it_is_and_stops_at_its_limit),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
