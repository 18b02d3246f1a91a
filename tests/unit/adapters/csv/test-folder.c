/* The folder: names, what is whole, and that nothing is lost on the way to done/. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "adapters/csv/folder.h"
#include "adapters/csv/receipt.h"
#include "adapters/csv/watch.h"
#include "base/clock.h"
#include "base/file.h"
#include "config/profile.h"

#define AT (1763773200 * USEC_PER_SEC) /* 2025-11-22T01:00:00Z */

static char path[64];
static Folder *folder;

static int setup(void **state) {
        strcpy(path, "/tmp/carebus-folder-XXXXXX");
        assert_non_null(mkdtemp(path));
        return folder_open(path, &folder);
}

static int teardown(void **state) {
        char command[128];

        folder = folder_free(folder);
        snprintf(command, sizeof(command), "rm -rf '%s'", path);
        return system(command);
}

static const char *in_folder(const char *name) {
        static char full[512];

        snprintf(full, sizeof(full), "%s/%s", path, name);
        return full;
}

static void put(const char *name, const char *text) {
        assert_int_equal(file_replace(in_folder(name), text, strlen(text), 0640), 0);
}

static void expect(const char *name, const char *text) {
        _cleanup_(buffer_deinit) Buffer file = BUFFER_NULL;

        assert_int_equal(file_read(in_folder(name), 1 << 20, &file), 0);
        assert_true(bytes_equal_text(buffer_bytes(&file), text));
}

static FolderFile look(const char *name) {
        FolderFile file;

        assert_int_equal(folder_look(folder, name, &file), 0);
        return file;
}

static void test_names_say_what_is_data(void **state) {
        static const char *const data[] = { "people.csv", "People 2026.CSV", "photo.jpg", "x" };
        static const char *const temporary[] = { ".people.csv", "~$people.csv", "people.csv.part",
                                                 "people.tmp",  "a.crdownload", "people.csv~" };
        static const char *const ours[] = { "people.receipt.csv", "photo.jpg.receipt.csv" };
        char name[FOLDER_NAME_SIZE];

        for (size_t i = 0; i < ELEMENTSOF(data); i++)
                assert_int_equal(folder_name_kind(data[i]), FOLDER_NAME_DATA);
        for (size_t i = 0; i < ELEMENTSOF(temporary); i++)
                assert_int_equal(folder_name_kind(temporary[i]), FOLDER_NAME_TEMPORARY);
        for (size_t i = 0; i < ELEMENTSOF(ours); i++)
                assert_int_equal(folder_name_kind(ours[i]), FOLDER_NAME_OURS);
        memset(name, 'x', FOLDER_NAME_MAX + 1);
        name[FOLDER_NAME_MAX + 1] = 0;
        assert_int_equal(folder_name_kind(name), FOLDER_NAME_TOO_LONG);
        folder_receipt_name("people.csv", name);
        assert_string_equal(name, "people.receipt.csv");
        folder_receipt_name("people.xlsx", name);
        assert_string_equal(name, "people.xlsx.receipt.csv");
}

static void test_a_move_never_overwrites(void **state) {
        for (int i = 0; i < 4; i++) {
                char text[16];
                FolderFile file;

                snprintf(text, sizeof(text), "%d", i);
                put("people.csv", text);
                file = look("people.csv");
                assert_int_equal(folder_move(folder, "people.csv", &file, FOLDER_DONE, AT), 0);
        }
        expect("done/people.csv", "0");
        expect("done/people.20251122T010000Z.csv", "1");
        expect("done/people.20251122T010000Z-2.csv", "2");
        expect("done/people.20251122T010000Z-3.csv", "3");
}

static void test_another_file_under_the_same_name_is_not_moved(void **state) {
        FolderFile file;

        put("people.csv", "one");
        file = look("people.csv");
        put("people.csv", "two!");
        assert_int_equal(folder_move(folder, "people.csv", &file, FOLDER_DONE, AT), -ESTALE);
        expect("people.csv", "two!");
        assert_int_equal(unlink(in_folder("people.csv")), 0);
        assert_int_equal(folder_move(folder, "people.csv", &file, FOLDER_DONE, AT), -ENOENT);
}

static void test_links_folders_and_devices_are_not_read(void **state) {
        _cleanup_(buffer_deinit) Buffer bytes = BUFFER_NULL;
        FolderFile file;

        assert_int_equal(symlink("/etc/hostname", in_folder("people.csv")), 0);
        assert_int_equal(folder_read(folder, "people.csv", 100, &bytes, &file), -ELOOP);
        assert_int_equal(folder_look(folder, "people.csv", &file), -ELOOP);
        assert_int_equal(mkdir(in_folder("plan.csv"), 0700), 0);
        assert_int_equal(folder_read(folder, "plan.csv", 100, &bytes, &file), -EISDIR);
        assert_int_equal(mkfifo(in_folder("stays.csv"), 0600), 0);
        assert_int_equal(folder_read(folder, "stays.csv", 100, &bytes, &file),
                         -EINVAL); /* and does not wait for a writer */
        put("scores.csv", "0123456789");
        assert_int_equal(folder_read(folder, "scores.csv", 9, &bytes, &file), -EFBIG);
        assert_int_equal(folder_read(folder, "scores.csv", 10, &bytes, &file), 0);
        assert_int_equal(bytes.size, 10);
}

static void test_done_that_is_a_link_is_refused(void **state) {
        Folder *other;
        char link[128];

        snprintf(link, sizeof(link), "%s/inner", path);
        assert_int_equal(mkdir(link, 0700), 0);
        snprintf(link, sizeof(link), "%s/inner/done", path);
        assert_int_equal(symlink("/tmp", link), 0);
        snprintf(link, sizeof(link), "%s/inner", path);
        assert_true(folder_open(link, &other) < 0);
}

static void test_a_partner_or_a_lock_says_that_somebody_is_at_it(void **state) {
        int64_t now = clock_now_at(&clock_system);
        int fd;

        put("people.csv", "one");
        assert_false(folder_is_busy(folder, "people.csv", now));
        put("~$people.csv", "Anna");
        assert_true(folder_is_busy(folder, "people.csv", now));
        assert_false(folder_is_busy(folder, "people.csv", now + 3700 * USEC_PER_SEC)); /* forgotten by a crash */
        assert_int_equal(unlink(in_folder("~$people.csv")), 0);
        fd = open(in_folder("people.csv"), O_WRONLY | O_CLOEXEC);
        assert_true(fd >= 0);
        assert_int_equal(flock(fd, LOCK_EX), 0);
        assert_true(folder_is_busy(folder, "people.csv", now));
        close(fd);
        assert_false(folder_is_busy(folder, "people.csv", now));
}

static void test_a_receipt_is_seen_when_it_is_whole_and_the_one_before_it_is_kept(void **state) {
        FolderFile file;
        Receipt *receipt;

        put("people.csv", "one");
        file = look("people.csv");
        for (int i = 0; i < 2; i++) {
                assert_int_equal(receipt_new(folder, "people.csv", &file, &receipt), 0);
                receipt_line(receipt, 2, RECEIPT_OK, "");
                receipt_line(receipt, 3, RECEIPT_PROBLEM, i ? "a \"quoted\" word, and more" : "first");
                assert_int_equal(access(in_folder("people.receipt.csv"), F_OK), i - 1);
                assert_int_equal(receipt_put(receipt), 0);
                receipt_free(receipt);
        }
        expect("people.receipt.csv",
               "line,status,message\r\n2,ok,\"\"\r\n3,problem,\"a \"\"quoted\"\" word, and more\"\r\n"
               ",sum,\"1 rows taken in, 0 received before, 1 not taken in, 0 left out; correct the rows that have a "
               "problem and send the file "
               "again: what was taken in is known and is not doubled\"\r\n");
        assert_int_equal(look("people.receipt.csv").mode & 0640, 0640);
}

/* ---- the watch, with a clock of its own */

static size_t n_left;
static WatchLeft last_left;

static void left_alone(void *owner, const char *name, const FolderFile *file, WatchLeft why) {
        n_left++;
        last_left = why;
}

static void test_a_file_is_next_when_it_has_been_still_and_the_oldest_comes_first(void **state) {
        const WatchHost host = { .left_alone = left_alone };
        struct timespec old[2] = { { .tv_sec = 1000 }, { .tv_sec = 1000 } };
        int64_t at = clock_now_at(&clock_system), now = 1000 * USEC_PER_SEC;
        Profile *profile;
        Watch *watch;

        assert_int_equal(profile_new_default(&profile), 0);
        put("people.csv", "one");
        assert_int_equal(watch_new(path, folder, profile, &host, &watch), 0);
        assert_int_equal(watch_scan(watch, now, at), 0);
        assert_null(watch_next(watch));
        assert_true(watch_is_waiting(watch));
        assert_int_equal(watch_scan(watch, now + WATCH_STILL, at), 0);
        assert_null(watch_next(watch)); /* nobody heard it close, and it is young */
        assert_int_equal(watch_scan(watch, now + WATCH_STILL_UNHEARD, at), 0);
        assert_string_equal(watch_next(watch), "people.csv");
        put("people.csv", "changed");
        assert_int_equal(watch_scan(watch, now + WATCH_STILL_UNHEARD, at), 0);
        assert_null(watch_next(watch)); /* it changed: from the beginning */
        put("plan.csv", "two");
        assert_int_equal(utimensat(AT_FDCWD, in_folder("plan.csv"), old, 0), 0);
        put("photo.jpg", "x");
        assert_int_equal(utimensat(AT_FDCWD, in_folder("photo.jpg"), old, 0), 0);
        n_left = 0;
        for (int i = 0; i < 5; i++)
                assert_int_equal(watch_scan(watch, now + 40 * USEC_PER_SEC * (i + 1), at), 0);
        assert_string_equal(watch_next(watch), "plan.csv");
        assert_int_equal(n_left, 1); /* said once */
        assert_int_equal(last_left, WATCH_LEFT_NAME);
        watch_put_off(watch, "plan.csv", now + 1000 * USEC_PER_SEC);
        assert_string_equal(watch_next(watch), "people.csv");
        watch_free(watch);
        profile_free(profile);
}

static void test_an_empty_file_is_waited_for_longer(void **state) {
        const WatchHost host = { .left_alone = left_alone };
        int64_t at = clock_now_at(&clock_system), now = 1000 * USEC_PER_SEC;
        Profile *profile;
        Watch *watch;

        assert_int_equal(profile_new_default(&profile), 0);
        put("people.csv", "");
        assert_int_equal(watch_new(path, folder, profile, &host, &watch), 0);
        assert_int_equal(watch_scan(watch, now, at), 0);
        assert_int_equal(watch_scan(watch, now + WATCH_STILL_EMPTY - 1, at), 0);
        assert_null(watch_next(watch));
        assert_int_equal(watch_scan(watch, now + WATCH_STILL_EMPTY, at), 0);
        assert_string_equal(watch_next(watch), "people.csv");
        watch_free(watch);
        profile_free(profile);
}

int main(void) {
#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
        const struct CMUnitTest tests[] = {
                T(test_names_say_what_is_data),
                T(test_a_move_never_overwrites),
                T(test_another_file_under_the_same_name_is_not_moved),
                T(test_links_folders_and_devices_are_not_read),
                T(test_done_that_is_a_link_is_refused),
                T(test_a_partner_or_a_lock_says_that_somebody_is_at_it),
                T(test_a_receipt_is_seen_when_it_is_whole_and_the_one_before_it_is_kept),
                T(test_a_file_is_next_when_it_has_been_still_and_the_oldest_comes_first),
                T(test_an_empty_file_is_waited_for_longer),
        };

        return cmocka_run_group_tests_name("csv folder", tests, NULL, NULL);
}
