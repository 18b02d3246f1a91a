/* What the tests of the store share. */
#include "store-test.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "daemon/store/segment.h"

int folder_setup(void **state) {
        /* In memory where there is room: these tests sync ten thousands of times, and none asks the disk a question. */
        char in_memory[] = "/dev/shm/carebus-store-XXXXXX", on_disk[] = "/tmp/carebus-store-XXXXXX";
        struct statvfs st;
        const char *path = NULL;

        if (statvfs("/dev/shm", &st) == 0 && (uint64_t)st.f_bavail * st.f_frsize >= (256u << 20))
                path = mkdtemp(in_memory);
        if (!path)
                path = mkdtemp(on_disk);
        *state = path ? strdup(path) : NULL;
        return *state ? 0 : -1;
}

const char *folder_path(const char *folder, const char *name) {
        static char paths[4][512];
        static unsigned turn;
        char *path = paths[turn++ % 4];

        snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
        return path;
}

static void folder_remove(const char *path) {
        _cleanup_(closedirp) DIR *dir = opendir(path);
        const struct dirent *entry;
        char name[512];

        while (dir && (entry = readdir(dir))) {
                if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
                        continue;
                snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
                if (unlink(name) < 0)
                        folder_remove(name);
        }
        (void)rmdir(path);
}

int folder_teardown(void **state) {
        folder_remove(*state);
        free(*state);
        return 0;
}

void folder_empty(const char *folder) {
        folder_remove(folder);
        assert_int_equal(mkdir(folder, 0700), 0);
}

void folder_copy(const char *from, const char *to) {
        _cleanup_(closedirp) DIR *dir = opendir(from);
        const struct dirent *entry;

        assert_non_null(dir);
        while ((entry = readdir(dir))) {
                _cleanup_(buffer_deinit) Buffer buffer = BUFFER_NULL;
                _cleanup_(closep) int fd = -1;

                if (entry->d_name[0] == '.' || entry->d_type == DT_DIR)
                        continue;
                assert_int_equal(file_read(folder_path(from, entry->d_name), SIZE_MAX, &buffer), 0);
                fd = open(folder_path(to, entry->d_name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
                assert_true(fd >= 0);
                assert_int_equal(write_all(fd, buffer.data, buffer.size), 0);
        }
}

Bytes payload_of(uint64_t seq, Buffer *buffer) {
        uint64_t x = seq * 0x9e3779b97f4a7c15ull + 1;
        size_t size = (size_t)(x >> 32) % 300;

        buffer_clear(buffer);
        for (size_t i = 0; i < size; i++) {
                x ^= x << 13;
                x ^= x >> 7;
                x ^= x << 17;
                buffer_append_byte(buffer, (uint8_t)x);
        }
        assert_int_equal(buffer->error, 0);
        return buffer_bytes(buffer);
}

int64_t received_at_of(uint64_t seq) {
        return 1700000000000000 + (int64_t)seq * 1000;
}

Journal *open_journal(const char *folder, uint64_t segment_bytes, uint64_t state_seq) {
        JournalOptions options = { .segment_bytes = segment_bytes, .state_seq = state_seq };
        JournalFault fault = { .reason = "" };
        Journal *journal = NULL;
        int r;

        r = journal_open(folder, &options, &journal, &fault);
        if (r != 0)
                print_message("journal_open: %d %s\n", r, fault.reason);
        assert_int_equal(r, 0);
        return journal;
}

void write_records(Journal *journal, uint64_t n, uint64_t batch) {
        _cleanup_(buffer_deinit) Buffer buffer = BUFFER_NULL;

        for (uint64_t i = 0; i < n; i++) {
                uint64_t next = journal_committed(journal) + journal_pending(journal) + 1, seq = 0;

                assert_int_equal(journal_append(journal, received_at_of(next), payload_of(next, &buffer), &seq), 0);
                assert_int_equal(seq, next);
                if (journal_pending(journal) == batch || i + 1 == n)
                        assert_int_equal(journal_commit(journal), 0);
        }
}

void expect_records(const char *folder, uint64_t from, uint64_t to) {
        _cleanup_(journal_reader_freep) JournalReader *reader = NULL;
        _cleanup_(buffer_deinit) Buffer buffer = BUFFER_NULL;
        JournalRecord record;

        assert_int_equal(journal_reader_open(folder, &reader), 0);
        assert_int_equal(journal_reader_seek(reader, from, NULL), 0);
        for (uint64_t seq = from; seq <= to; seq++) {
                assert_int_equal(journal_reader_next(reader, to, &record, NULL), 0);
                assert_int_equal(record.seq, seq);
                assert_int_equal(record.received_at, received_at_of(seq));
                assert_true(bytes_equal(record.payload, payload_of(seq, &buffer)));
        }
        assert_int_equal(journal_reader_next(reader, to, &record, NULL), JOURNAL_E_END);
}

void expect_verified(const char *folder, uint64_t last_seq) {
        JournalFault fault = { .reason = "" };
        JournalVerified verified;
        int r;

        r = journal_verify(folder, 0, NULL, NULL, &verified, &fault);
        if (r != 0)
                print_message("journal_verify: %d %s at %llu:%llu\n", r, fault.reason,
                              (unsigned long long)fault.place.segment, (unsigned long long)fault.place.offset);
        assert_int_equal(r, 0);
        assert_int_equal(verified.last_seq, last_seq);
}

void file_flip(const char *folder, const char *name, uint64_t offset, unsigned bit) {
        _cleanup_(closep) int fd = open(folder_path(folder, name), O_RDWR | O_CLOEXEC);
        uint8_t byte;

        assert_true(fd >= 0);
        assert_int_equal(pread(fd, &byte, 1, (off_t)offset), 1);
        byte ^= (uint8_t)(1u << bit);
        assert_int_equal(pwrite(fd, &byte, 1, (off_t)offset), 1);
}

void file_fill(const char *folder, const char *name, uint64_t offset, uint64_t size, uint8_t byte) {
        _cleanup_(closep) int fd = open(folder_path(folder, name), O_RDWR | O_CREAT | O_CLOEXEC, 0600);

        assert_true(fd >= 0);
        for (uint64_t i = 0; i < size; i++)
                assert_int_equal(pwrite(fd, &byte, 1, (off_t)(offset + i)), 1);
}

uint64_t file_size(const char *folder, const char *name) {
        struct stat st;

        assert_int_equal(stat(folder_path(folder, name), &st), 0);
        return (uint64_t)st.st_size;
}

bool file_exists(const char *folder, const char *name) {
        return access(folder_path(folder, name), F_OK) == 0;
}

JournalPlace place_of(const char *folder, uint64_t seq) {
        _cleanup_(journal_reader_freep) JournalReader *reader = NULL;
        JournalRecord record;

        assert_int_equal(journal_reader_open(folder, &reader), 0);
        assert_int_equal(journal_reader_get(reader, seq, NULL, &record), 0);
        return record.place;
}

const char *segment_file(uint64_t first_seq) {
        static char names[4][SEGMENT_NAME_BYTES];
        static unsigned turn;
        char *name = names[turn++ % 4];

        segment_name(first_seq, name);
        return name;
}
