/* What it promises that payloads are removed by rule: they are gone from the disk, everything else is as it was, and that something stood
 * there stays provable. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "daemon/store/batch.h"
#include "store-test.h"

#define SEGMENT 16384

static void verify(const char *folder, JournalVerified *ret) {
        assert_int_equal(journal_verify(folder, 0, NULL, NULL, ret, NULL), 0);
}

/* Does any file of the folder hold these bytes? */
static bool folder_has(const char *folder, uint64_t first_seq, Bytes bytes) {
        _cleanup_(buffer_deinit) Buffer content = BUFFER_NULL;

        assert_int_equal(file_read(folder_path(folder, segment_file(first_seq)), 1 << 20, &content), 0);
        return memmem(content.data, content.size, bytes.data, bytes.size) != NULL;
}

static int read_one(const char *folder, uint64_t seq) {
        _cleanup_(journal_reader_freep) JournalReader *reader = NULL;
        JournalRecord record;

        assert_int_equal(journal_reader_open(folder, &reader), 0);
        return journal_reader_get(reader, seq, NULL, &record);
}

static void test_an_expired_payload_is_gone_and_its_place_is_provable(void **state) {
        _cleanup_(journal_freep) Journal *journal = open_journal(*state, SEGMENT, 0);
        static const uint64_t seqs[] = { 3, 4, 57, 200 };
        _cleanup_(buffer_deinit) Buffer buffer = BUFFER_NULL;
        JournalVerified before, after;
        JournalPlace place;
        size_t n;

        write_records(journal, 500, 7);
        verify(*state, &before);
        place = place_of(*state, 57);
        assert_true(folder_has(*state, place.segment, payload_of(57, &buffer)));
        assert_int_equal(journal_expire(*state, seqs, ELEMENTSOF(seqs), &n), 0);
        assert_int_equal(n, ELEMENTSOF(seqs));
        verify(*state, &after);
        assert_memory_equal(before.chain, after.chain, sizeof(before.chain));
        assert_int_equal(after.last_seq, 500);
        assert_false(folder_has(*state, place.segment, payload_of(57, &buffer)));
        for (uint64_t seq = 1; seq <= 500; seq++) {
                bool expired = seq == 3 || seq == 4 || seq == 57 || seq == 200;
                assert_int_equal(read_one(*state, seq), expired ? JOURNAL_E_EXPIRED : 0);
        }
        expect_records(*state, 201, 500);
        write_records(journal, 10, 5);
        journal = journal_free(journal);
        journal = open_journal(*state, SEGMENT, 500);
        expect_verified(*state, 510);
}

static void test_expiring_again_changes_nothing(void **state) {
        _cleanup_(journal_freep) Journal *journal = open_journal(*state, SEGMENT, 0);
        static const uint64_t first[] = { 10 }, both[] = { 10, 11 };
        size_t n;

        write_records(journal, 300, 10);
        assert_int_equal(journal_expire(*state, first, 1, &n), 0);
        assert_int_equal(n, 1);
        assert_int_equal(journal_expire(*state, first, 1, &n), 0);
        assert_int_equal(n, 1);
        assert_int_equal(journal_expire(*state, both, 2, &n), 0);
        assert_int_equal(n, 2);
        assert_int_equal(read_one(*state, 10), JOURNAL_E_EXPIRED);
        assert_int_equal(read_one(*state, 11), JOURNAL_E_EXPIRED);
        expect_verified(*state, 300);
}

static void test_the_segment_that_is_written_to_keeps_its_payloads_until_another_begins(void **state) {
        _cleanup_(journal_freep) Journal *journal = open_journal(*state, 1 << 20, 0);
        static const uint64_t seqs[] = { 2 };
        size_t n;

        write_records(journal, 5, 5);
        assert_int_equal(journal_expire(*state, seqs, 1, &n), 0);
        assert_int_equal(n, 0);
        assert_int_equal(read_one(*state, 2), 0);
        assert_int_equal(journal_turn(journal), 0);
        assert_int_equal(journal_turn(journal), 0); /* an empty one is turned no further */
        assert_int_equal(journal_expire(*state, seqs, 1, &n), 0);
        assert_int_equal(n, 1);
        assert_int_equal(read_one(*state, 2), JOURNAL_E_EXPIRED);
        write_records(journal, 5, 5);
        expect_verified(*state, 10);
        journal = journal_free(journal);
        journal = open_journal(*state, 1 << 20, 4);
        expect_verified(*state, 10);
}

static void test_a_turned_journal_may_be_sealed_and_goes_on(void **state) {
        _cleanup_(journal_freep) Journal *journal = open_journal(*state, SEGMENT, 0);
        static const uint64_t seqs[] = { 1, 2, 3, 4, 5 };
        size_t n;

        write_records(journal, 5, 5);
        assert_int_equal(journal_seal(journal), 0);
        assert_int_equal(journal_turn(journal), 0);
        assert_int_equal(journal_seal(journal), 0);
        journal = journal_free(journal);
        assert_int_equal(journal_expire(*state, seqs, 5, &n), 0);
        assert_int_equal(n, 5);
        journal = open_journal(*state, SEGMENT, 5);
        write_records(journal, 5, 1);
        expect_verified(*state, 10);
}

static void test_a_reader_that_stands_in_the_segment_reads_on(void **state) {
        _cleanup_(journal_freep) Journal *journal = open_journal(*state, SEGMENT, 0);
        _cleanup_(journal_reader_freep) JournalReader *reader = NULL;
        uint64_t seqs[100];
        JournalRecord record;
        size_t n;

        write_records(journal, 500, 7);
        assert_int_equal(journal_reader_open(*state, &reader), 0);
        assert_int_equal(journal_reader_seek(reader, 1, NULL), 0);
        assert_int_equal(journal_reader_next(reader, 500, &record, NULL), 0);
        for (size_t i = 0; i < ELEMENTSOF(seqs); i++)
                seqs[i] = 2 * i + 2;
        assert_int_equal(journal_expire(*state, seqs, ELEMENTSOF(seqs), &n), 0);
        for (uint64_t seq = 2; seq <= 500; seq++) {
                int r = journal_reader_next(reader, 500, &record, NULL);
                assert_true(r == 0 || r == JOURNAL_E_EXPIRED);
                assert_int_equal(record.seq, seq);
        }
}

static void test_what_a_crash_left_half_made_is_removed(void **state) {
        _cleanup_(journal_freep) Journal *journal = open_journal(*state, SEGMENT, 0);
        _cleanup_(closep) int fd = -1;

        write_records(journal, 300, 10);
        journal = journal_free(journal);
        fd = open(folder_path(*state, SEGMENT_EXPIRED), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        assert_true(fd >= 0);
        assert_int_equal(write_all(fd, "half", 4), 0);
        assert_true(file_exists(*state, SEGMENT_EXPIRED));
        journal = open_journal(*state, SEGMENT, 300);
        assert_false(file_exists(*state, SEGMENT_EXPIRED));
        expect_verified(*state, 300);
}

static void test_a_damaged_segment_is_left_alone(void **state) {
        _cleanup_(journal_freep) Journal *journal = open_journal(*state, SEGMENT, 0);
        static const uint64_t seqs[] = { 5 };
        JournalPlace place;
        size_t n = 99;

        write_records(journal, 300, 10);
        place = place_of(*state, 12);
        assert_int_equal(place.segment, 1);
        file_flip(*state, segment_file(1), place.offset + BATCH_HEADER_BYTES + RECORD_HEADER_BYTES + 3, 2);
        assert_int_equal(journal_expire(*state, seqs, 1, &n), JOURNAL_E_CORRUPT);
        assert_int_equal(n, 99);
        assert_false(file_exists(*state, SEGMENT_EXPIRED));
        assert_int_equal(read_one(*state, 5), 0);
}

static void test_a_payload_that_was_altered_after_it_expired_is_found(void **state) {
        _cleanup_(journal_freep) Journal *journal = open_journal(*state, SEGMENT, 0);
        static const uint64_t seqs[] = { 1 };
        JournalFault fault;
        JournalVerified verified;
        size_t n;

        write_records(journal, 300, 10);
        assert_int_equal(journal_expire(*state, seqs, 1, &n), 0);
        file_flip(*state, segment_file(1), SEGMENT_HEADER_BYTES + BATCH_HEADER_BYTES + RECORD_HEADER_BYTES, 0);
        assert_int_equal(journal_verify(*state, 0, NULL, NULL, &verified, &fault), JOURNAL_E_CORRUPT);
        assert_int_equal(fault.seq, 1);
}

/* The first half goes; of entry 11 nothing can be taken. */
static int reduce(uint64_t seq, uint8_t *payload, size_t size, void *owner) {
        (void)owner;
        if (seq == 11)
                return -ENODATA;
        memset(payload, 0, size / 2);
        return 0;
}

static void test_a_reduced_payload_keeps_the_rest_its_place_and_the_chain(void **state) {
        _cleanup_(journal_freep) Journal *journal = open_journal(*state, SEGMENT, 0);
        _cleanup_(journal_reader_freep) JournalReader *reader = NULL;
        static const uint64_t seqs[] = { 3, 10, 11 };
        _cleanup_(buffer_deinit) Buffer buffer = BUFFER_NULL;
        JournalVerified before, after;
        JournalRecord record;
        Bytes payload;
        size_t n;

        write_records(journal, 300, 10);
        verify(*state, &before);
        assert_int_equal(journal_reduce(*state, seqs, ELEMENTSOF(seqs), reduce, NULL, &n), 0);
        assert_int_equal(n, 2);
        verify(*state, &after);
        assert_memory_equal(before.chain, after.chain, sizeof(before.chain));
        payload = payload_of(10, &buffer);
        assert_int_equal(journal_reader_open(*state, &reader), 0);
        assert_int_equal(journal_reader_get(reader, 10, NULL, &record), 0);
        assert_true(record.reduced);
        assert_int_equal(record.payload.size, payload.size);
        assert_memory_equal(record.payload.data + payload.size / 2, payload.data + payload.size / 2,
                            payload.size - payload.size / 2);
        assert_int_equal(record.payload.data[0], 0);
        assert_int_equal(journal_reader_get(reader, 11, NULL, &record), 0);
        assert_false(record.reduced);
        /* Again it changes nothing; the whole may go later. */
        assert_int_equal(journal_reduce(*state, seqs, 2, reduce, NULL, &n), 0);
        assert_int_equal(n, 2);
        assert_int_equal(journal_expire(*state, seqs, 1, &n), 0);
        assert_int_equal(read_one(*state, 3), JOURNAL_E_EXPIRED);
        journal = journal_free(journal);
        journal = open_journal(*state, SEGMENT, 300);
        write_records(journal, 10, 5);
        verify(*state, &after);
        assert_int_equal(after.last_seq, 310);
}

/* An earlier version could not prove it, and takes it for written by a later one. */
static void test_a_segment_with_reduced_payloads_is_of_a_later_version_and_the_others_are_not(void **state) {
        _cleanup_(journal_freep) Journal *journal = open_journal(*state, SEGMENT, 0);
        _cleanup_(buffer_deinit) Buffer content = BUFFER_NULL, last = BUFFER_NULL;
        static const uint64_t seqs[] = { 3 };
        JournalPlace place;
        size_t n;

        write_records(journal, 500, 7);
        assert_int_equal(journal_reduce(*state, seqs, 1, reduce, NULL, &n), 0);
        assert_int_equal(file_read(folder_path(*state, segment_file(1)), 1 << 20, &content), 0);
        assert_int_equal(load_le32(content.data + 8), SEGMENT_VERSION_REDUCED);
        place = place_of(*state, 500);
        assert_int_not_equal(place.segment, 1);
        assert_int_equal(file_read(folder_path(*state, segment_file(place.segment)), 1 << 20, &last), 0);
        assert_int_equal(load_le32(last.data + 8), SEGMENT_VERSION);
}

#define promise(test) cmocka_unit_test_setup_teardown(test, folder_setup, folder_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                promise(test_an_expired_payload_is_gone_and_its_place_is_provable),
                promise(test_expiring_again_changes_nothing),
                promise(test_a_reduced_payload_keeps_the_rest_its_place_and_the_chain),
                promise(test_a_segment_with_reduced_payloads_is_of_a_later_version_and_the_others_are_not),
                promise(test_the_segment_that_is_written_to_keeps_its_payloads_until_another_begins),
                promise(test_a_turned_journal_may_be_sealed_and_goes_on),
                promise(test_a_reader_that_stands_in_the_segment_reads_on),
                promise(test_what_a_crash_left_half_made_is_removed),
                promise(test_a_damaged_segment_is_left_alone),
                promise(test_a_payload_that_was_altered_after_it_expired_is_found),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
