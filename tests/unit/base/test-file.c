/* A file that is replaced is the old one or the new one; what cannot be done leaves nothing behind. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

static int enter_folder(void **state) {
        static char folder[64];

        (void)snprintf(folder, sizeof(folder), "%s", "/tmp/carebus-file-XXXXXX");
        *state = mkdtemp(folder);
        return *state && chdir(folder) == 0 ? 0 : -1;
}

static int leave_folder(void **state) {
        char command[128];

        (void)snprintf(command, sizeof(command), "rm -rf '%s'", (char *)*state);
        return chdir("/") == 0 && system(command) == 0 ? 0 : -1;
}

static size_t count_entries(const char *path) {
        _cleanup_(closedirp) DIR *dir = opendir(path);
        size_t n = 0;

        assert_non_null(dir);
        for (struct dirent *entry; (entry = readdir(dir));)
                n += entry->d_name[0] != '.';
        return n;
}

static void test_what_was_written_is_read(void **state) {
        _cleanup_(buffer_deinit) Buffer buffer = BUFFER_NULL;
        _cleanup_(freep) uint8_t *data = malloc(300000);
        struct stat st;

        for (size_t i = 0; i < 300000; i++)
                data[i] = (uint8_t)(i * 7);
        assert_int_equal(file_replace("one", data, 300000, 0640), 0);
        assert_int_equal(file_read("one", 300000, &buffer), 0);
        assert_int_equal(buffer.size, 300000);
        assert_memory_equal(buffer.data, data, 300000);
        assert_int_equal(stat("one", &st), 0);
        assert_int_equal(st.st_mode & 07777, 0640);
        assert_int_equal(count_entries("."), 1);
}

static void test_file_beyond_the_limit_is_refused(void **state) {
        Buffer buffer = BUFFER_NULL;

        assert_int_equal(file_replace("one", "12345", 5, 0600), 0);
        assert_int_equal(file_read("one", 4, &buffer), -EFBIG);
        assert_null(buffer.data);
        assert_int_equal(file_read("missing", 4, &buffer), -ENOENT);
        assert_int_equal(file_read("/dev/zero", 1000, &buffer), -EFBIG);
        assert_int_equal(file_read(".", 1000, &buffer), -EISDIR);
        assert_null(buffer.data);
}

static void test_empty_file_is_empty_and_no_error(void **state) {
        _cleanup_(buffer_deinit) Buffer buffer = BUFFER_NULL;

        assert_int_equal(file_replace("empty", NULL, 0, 0600), 0);
        assert_int_equal(file_read("empty", 0, &buffer), 0);
        assert_int_equal(buffer.size, 0);
}

static void test_replacing_what_cannot_be_replaced_leaves_nothing_behind(void **state) {
        char long_name[5000];

        assert_int_equal(mkdir("folder", 0755), 0);
        assert_int_equal(file_replace("folder", "x", 1, 0600), -EISDIR);
        assert_int_equal(file_replace("missing/one", "x", 1, 0600), -ENOENT);
        assert_int_equal(count_entries("."), 1);
        memset(long_name, 'a', sizeof(long_name) - 1);
        long_name[sizeof(long_name) - 1] = '\0';
        assert_int_equal(file_replace(long_name, "x", 1, 0600), -ENAMETOOLONG);
        assert_int_equal(folder_make(long_name, 0755), -ENAMETOOLONG);
}

static void test_replace_keeps_the_old_file_when_the_new_one_does_not_fit(void **state) {
        _cleanup_(buffer_deinit) Buffer buffer = BUFFER_NULL;
        int r;

        assert_int_equal(file_replace("one", "old", 3, 0600), 0);
        /* A folder that takes no new file. Root may all the same. */
        assert_int_equal(chmod(".", 0500), 0);
        r = file_replace("one", "new", 3, 0600);
        assert_int_equal(chmod(".", 0700), 0);
        assert_int_equal(r, geteuid() == 0 ? 0 : -EACCES);
        assert_int_equal(file_read("one", 10, &buffer), 0);
        assert_true(bytes_equal_text(buffer_bytes(&buffer), geteuid() == 0 ? "new" : "old"));
}

static void test_folders_are_made_with_their_parents_and_again(void **state) {
        struct stat st;

        assert_int_equal(folder_make("a/b//c/", 0750), 0);
        assert_int_equal(folder_make("a/b/c", 0750), 0);
        assert_int_equal(stat("a/b/c", &st), 0);
        assert_true(S_ISDIR(st.st_mode));
        assert_int_equal(folder_make("/", 0755), 0);
        assert_int_equal(folder_make("", 0755), -ENOENT);
        assert_int_equal(folder_sync("a"), 0);
        assert_int_equal(folder_sync("missing"), -ENOENT);
}

static void test_folder_behind_a_file_is_refused(void **state) {
        assert_int_equal(file_replace("file", "x", 1, 0600), 0);
        assert_int_equal(folder_make("file", 0755), -ENOTDIR);
        assert_int_equal(folder_make("file/under", 0755), -ENOTDIR);
        assert_int_equal(folder_sync("file"), -ENOTDIR);
}

static void test_reads_and_writes_at_places_are_whole(void **state) {
        _cleanup_(closep) int fd = open("places", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        char data[8] = "";

        assert_int_equal(pwrite_all(fd, "world", 5, 5), 0);
        assert_int_equal(pwrite_all(fd, "hello", 5, 0), 0);
        assert_int_equal(pread_all(fd, data, 5, 5), 5);
        assert_memory_equal(data, "world", 5);
        assert_int_equal(pread_all(fd, data, 8, 7), 3);
        assert_int_equal(pread_all(fd, data, 8, 100), 0);
        assert_int_equal(write_all(fd, "HE", 2), 0);
        assert_int_equal(pread_all(fd, data, 3, 0), 3);
        assert_memory_equal(data, "HEl", 3);
        assert_int_equal(pread_all(-1, data, 3, 0), -EBADF);
        assert_int_equal(write_all(-1, "x", 1), -EBADF);
        assert_int_equal(pwrite_all(-1, "x", 1, 0), -EBADF);
}

static void test_full_device_is_told(void **state) {
        _cleanup_(closep) int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);

        assert_true(fd >= 0);
        assert_int_equal(write_all(fd, "x", 1), -ENOSPC);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, enter_folder, leave_folder)

int main(void) {
        const struct CMUnitTest tests[] = {
                IN_FOLDER(test_what_was_written_is_read),
                IN_FOLDER(test_file_beyond_the_limit_is_refused),
                IN_FOLDER(test_empty_file_is_empty_and_no_error),
                IN_FOLDER(test_replacing_what_cannot_be_replaced_leaves_nothing_behind),
                IN_FOLDER(test_replace_keeps_the_old_file_when_the_new_one_does_not_fit),
                IN_FOLDER(test_folders_are_made_with_their_parents_and_again),
                IN_FOLDER(test_folder_behind_a_file_is_refused),
                IN_FOLDER(test_reads_and_writes_at_places_are_whole),
                IN_FOLDER(test_full_device_is_told),
        };
        return cmocka_run_group_tests_name("file", tests, NULL, NULL);
}
