/* Every single bit that can flip in the written part of a sealed journal of 64 KiB is detected, and located: by day one bit of each byte,
 * at night (CAREBUS_NIGHTLY) all eight. */
#include "store-test.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "daemon/store/batch.h"
#include "daemon/store/mark.h"
#include "daemon/store/segment.h"

#define SEGMENT (16u * 1024u)
#define WRITTEN (64u * 1024u)

/* A run of bytes in a file of which a fault must be located at `place`. */
typedef struct Extent {
        uint8_t *data;
        uint64_t size;
        JournalPlace place;
} Extent;

#define EXTENTS_MOST 1024
static Extent extents[EXTENTS_MOST];
static size_t n_extents;

static uint8_t *map_file(const char *folder, const char *name) {
        uint64_t size = file_size(folder, name);
        _cleanup_(closep) int fd = open(folder_path(folder, name), O_RDWR | O_CLOEXEC);
        void *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

        assert_true(map != MAP_FAILED);
        return map;
}

static void add_extent(uint8_t *data, uint64_t size, uint64_t segment, uint64_t offset) {
        assert_true(n_extents < EXTENTS_MOST);
        extents[n_extents++] =
                (Extent){ .data = data, .size = size, .place = { .segment = segment, .offset = offset } };
}

/* The header, every batch, the closing mark. */
static void add_segment(const char *folder, uint64_t first_seq) {
        uint8_t *data = map_file(folder, segment_file(first_seq));
        uint64_t size = file_size(folder, segment_file(first_seq)), offset = SEGMENT_HEADER_BYTES, bytes;

        add_extent(data, SEGMENT_HEADER_BYTES, first_seq, 0);
        while (offset + BATCH_HEADER_BYTES <= size && (bytes = load_le64(data + offset + 16)) != 0) {
                add_extent(data + offset, bytes, first_seq, offset);
                offset += bytes;
        }
}

static int make_sealed(void **state) {
        _cleanup_(segment_list_deinit) SegmentList list = SEGMENT_LIST_NULL;
        _cleanup_(closep) int folder_fd = -1;
        uint64_t written = 0;
        Journal *journal;

        if (folder_setup(state) != 0)
                return -1;
        journal = open_journal(*state, SEGMENT, 0);
        for (unsigned batch = 1; written < WRITTEN; batch = batch % 7 + 1) {
                write_records(journal, batch, batch);
                folder_fd = folder_fd < 0 ? open(*state, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : folder_fd;
                written = journal_bytes(journal);
        }
        assert_int_equal(journal_seal(journal), 0);
        journal_free(journal);
        assert_int_equal(segment_list_read(folder_fd, &list), 0);
        for (size_t i = 0; i < list.n; i++)
                add_segment(*state, list.first_seqs[i]);
        add_extent(map_file(*state, MARK_SEAL), MARK_BYTES, 0, 0);
        return 0;
}

static void test_every_flipped_bit_is_detected_and_located(void **state) {
        const bool is_night = getenv("CAREBUS_NIGHTLY") != NULL;
        uint64_t flips = 0;
        JournalVerified verified;

        assert_int_equal(journal_verify(*state, 0, NULL, NULL, &verified, NULL), 0);
        assert_true(verified.sealed);
        assert_true(verified.segments >= 4);
        for (size_t i = 0; i < n_extents; i++) {
                const Extent *extent = &extents[i];

                for (uint64_t at = 0; at < extent->size; at++) {
                        for (unsigned bit = is_night ? 0 : (unsigned)(at % 8); bit < 8; bit += is_night ? 1 : 8) {
                                JournalFault fault = { .reason = "none" };
                                int r;

                                extent->data[at] ^= (uint8_t)(1u << bit);
                                r = journal_verify(*state, 0, NULL, NULL, &verified, &fault);
                                extent->data[at] ^= (uint8_t)(1u << bit);
                                flips++;
                                if (r == JOURNAL_E_CORRUPT && fault.place.segment == extent->place.segment &&
                                    fault.place.offset == extent->place.offset)
                                        continue;
                                print_message("segment %llu, batch at %llu, byte %llu, bit %u: %d %s at %llu:%llu\n",
                                              (unsigned long long)extent->place.segment,
                                              (unsigned long long)extent->place.offset, (unsigned long long)at, bit, r,
                                              fault.reason, (unsigned long long)fault.place.segment,
                                              (unsigned long long)fault.place.offset);
                                fail();
                        }
                }
        }
        print_message("# %llu flips\n", (unsigned long long)flips);
        assert_int_equal(journal_verify(*state, 0, NULL, NULL, &verified, NULL), 0);
}

/* The start, too: it checks without the payloads' hashes, and only from the state on. A bit for each byte. */
static void test_a_start_refuses_a_sealed_journal_with_a_flipped_bit(void **state) {
        JournalOptions options = { .segment_bytes = SEGMENT };

        for (size_t i = 0; i < n_extents; i++) {
                const Extent *extent = &extents[i];

                for (uint64_t at = i % 5; at < extent->size; at += 5) {
                        Journal *journal = NULL;
                        JournalFault fault;
                        uint8_t bit = (uint8_t)(1u << (at + i) % 8);

                        extent->data[at] ^= bit;
                        assert_int_equal(journal_open(*state, &options, &journal, &fault), JOURNAL_E_CORRUPT);
                        extent->data[at] ^= bit;
                        assert_int_equal(fault.place.segment, extent->place.segment);
                        assert_int_equal(fault.place.offset, extent->place.offset);
                }
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_every_flipped_bit_is_detected_and_located),
                cmocka_unit_test(test_a_start_refuses_a_sealed_journal_with_a_flipped_bit),
        };

        return cmocka_run_group_tests(tests, make_sealed, folder_teardown);
}
