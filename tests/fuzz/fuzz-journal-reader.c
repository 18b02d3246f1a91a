/*
 * A segment that nobody vouches for: read, sought in, verified, and opened as a start does.
 *
 * Input: a byte of flags, the first 96 bytes of the segment's header, then what lies behind the header. Checksums would
 * keep a fuzzer out of everything behind them, so the flags say which are made right first.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "base/file.h"
#include "base/sha256.h"
#include "daemon/store/batch.h"
#include "daemon/store/journal.h"
#include "daemon/store/segment.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
        FIX_SEGMENT = 1, /* the header's checksum, and its size to that of the file */
        FIX_BATCHES = 2, /* checksums of batches and records */
        FIX_CHAIN = 4,   /* and the hashes that link them */
        STATE_BEHIND = 8,
};

#define HEADER_GIVEN 96u
#define RECORDS_MOST 1000u

static const char *fuzz_folder(void) {
        static char in_memory[] = "/dev/shm/carebus-fuzz-XXXXXX", on_disk[] = "/tmp/carebus-fuzz-XXXXXX";
        static const char *path;

        if (!path)
                path = mkdtemp(in_memory);
        if (!path)
                path = mkdtemp(on_disk);
        if (!path)
                abort();
        return path;
}

static void empty_folder(const char *folder) {
        _cleanup_(closedirp) DIR *dir = opendir(folder);
        const struct dirent *entry;

        while (dir && (entry = readdir(dir)))
                if (entry->d_name[0] != '.')
                        (void)unlinkat(dirfd(dir), entry->d_name, 0);
}

static void remove_folder(void) {
        empty_folder(fuzz_folder());
        (void)rmdir(fuzz_folder());
}

static void fix_records(uint8_t *batch, size_t bytes) {
        size_t offset = BATCH_HEADER_BYTES;

        while (offset + RECORD_HEADER_BYTES <= bytes) {
                uint64_t record = batch_record_bytes(batch + offset);

                if (record > bytes - offset)
                        return;
                store_le32(batch + offset, crc32c(0, batch + offset + 4, (size_t)record - 4));
                offset += (size_t)record;
        }
}

static void fix_batches(uint8_t *segment, size_t size, unsigned flags, uint8_t chain[SEGMENT_CHAIN_BYTES]) {
        uint32_t key = batch_key(segment + 16);
        _cleanup_(sha256_freep) Sha256 *sha = NULL;
        size_t offset = SEGMENT_HEADER_BYTES;

        if (sha256_new(&sha) < 0)
                abort();
        while (offset + BATCH_HEADER_BYTES <= size) {
                BatchCheck check = { .sha = sha, .last_at = INT64_MIN };
                uint8_t *batch = segment + offset;
                uint64_t bytes = load_le64(batch + 16);
                BatchHeader header;

                if (bytes < BATCH_HEADER_BYTES || bytes > size - offset)
                        return;
                fix_records(batch, (size_t)bytes);
                if (flags & FIX_CHAIN)
                        memcpy(batch + 40, chain, SEGMENT_CHAIN_BYTES);
                store_le32(batch + 4, crc32c(key, batch + 8, BATCH_HEADER_BYTES - 8));
                if (batch_header_decode(batch, key, &header) != 0)
                        return;
                if (batch_check(batch, &header, &check) == 0)
                        memcpy(chain, check.chain, SEGMENT_CHAIN_BYTES);
                offset += (size_t)bytes;
        }
}

static Buffer make_segment(unsigned flags, const uint8_t *data, size_t size) {
        size_t given = MIN(size, (size_t)HEADER_GIVEN), rest = size - given;
        uint8_t chain[SEGMENT_CHAIN_BYTES];
        Buffer segment = BUFFER_NULL;
        size_t whole = (SEGMENT_HEADER_BYTES + rest + 1024 + 4095) & ~(size_t)4095;
        uint8_t *room = buffer_reserve(&segment, whole);

        if (!room)
                abort();
        memset(room, 0, whole);
        memcpy(room, data, given);
        if (rest > 0)
                memcpy(room + SEGMENT_HEADER_BYTES, data + given, rest);
        buffer_advance(&segment, whole);
        segment_chain_begin(room + 16, chain);
        if (flags & FIX_BATCHES)
                fix_batches(room, whole, flags, chain);
        if (flags & FIX_SEGMENT) {
                store_le64(room + 48, whole);
                if (flags & FIX_CHAIN)
                        segment_chain_begin(room + 16, room + 64);
                store_le32(room + SEGMENT_HEADER_BYTES - 4, crc32c(0, room, SEGMENT_HEADER_BYTES - 4));
        }
        return segment;
}

static void read_all(const char *folder, uint64_t from, const JournalPlace *hint) {
        _cleanup_(journal_reader_freep) JournalReader *reader = NULL;
        volatile uint8_t sink = 0;
        JournalRecord record;
        JournalFault fault;

        if (journal_reader_open(folder, &reader) != 0)
                abort();
        (void)journal_reader_seek(reader, from, hint);
        for (unsigned i = 0; i < RECORDS_MOST; i++) {
                int r = journal_reader_next(reader, from + RECORDS_MOST, &record, &fault);

                if (r != 0 && r != JOURNAL_E_EXPIRED)
                        break;
                for (size_t k = 0; k < record.payload.size; k++)
                        sink ^= record.payload.data[k];
        }
        (void)sink; /* read for the reading's sake: every byte has to be there */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_(buffer_deinit) Buffer segment = BUFFER_NULL;
        JournalOptions options = { .segment_bytes = 8192 };
        _cleanup_(journal_freep) Journal *journal = NULL;
        const char *folder = fuzz_folder();
        static bool registered;
        JournalVerified verified;
        JournalFault fault;
        char path[256];
        int fd, r, whole;

        if (!registered)
                (void)atexit(remove_folder);
        registered = true;
        if (size < 1)
                return 0;
        empty_folder(folder);
        segment = make_segment(data[0], data + 1, size - 1);
        snprintf(path, sizeof(path), "%s/00000000000000000001.seg", folder);
        fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        if (fd < 0 || write_all(fd, segment.data, segment.size) < 0)
                abort();
        close(fd);

        read_all(folder, 1, NULL);
        read_all(folder, 2 + data[0] % 7, NULL);
        read_all(folder, 3, &(JournalPlace){ .segment = 1, .offset = SEGMENT_HEADER_BYTES + 64u * (data[0] % 11) });
        whole = journal_verify(folder, 0, NULL, NULL, &verified, &fault);
        options.state_seq = data[0] & STATE_BEHIND ? 2 : 0;
        r = journal_open(folder, &options, &journal, &fault);
        /* What a start accepts and repairs, verify accepts afterwards: it may only doubt a payload that fits its checksum and
         * not its hash, which the start does not compute. */
        if (r == 0 && whole == 0 && journal_verify(folder, 0, NULL, NULL, &verified, &fault) != 0)
                abort();
        return 0;
}
