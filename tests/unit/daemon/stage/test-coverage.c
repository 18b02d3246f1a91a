/* Which fields the messages of each source had, over restarts. */
#include "daemon/stage/coverage.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"

#define UNKNOWN CAREBUS__V1__COVERAGE_FIELD__USE__USE_UNKNOWN
#define MAPPED CAREBUS__V1__COVERAGE_FIELD__USE__USE_MAPPED

static bool add(Coverage *coverage, const char *source, const char *path, Carebus__V1__CoverageField__Use use,
                int64_t at) {
        Carebus__V1__CoverageField field = CAREBUS__V1__COVERAGE_FIELD__INIT;
        bool is_new;

        field.path = (char *)(uintptr_t)path;
        field.use = use;
        field.count = 2;
        assert_int_equal(coverage_add(coverage, source, &field, at, &is_new), 0);
        return is_new;
}

static void file_name(char path[64]) {
        int fd;

        snprintf(path, 64, "/tmp/carebus-coverage-XXXXXX");
        fd = mkstemp(path);
        assert_true(fd >= 0);
        close(fd);
        unlink(path);
}

static void test_a_field_is_new_once_for_each_source_and_use(void **state) {
        _cleanup_(coverage_freep) Coverage *coverage = NULL;

        assert_int_equal(coverage_new(&coverage), 0);
        assert_true(add(coverage, "pas", "PID-35", UNKNOWN, 1));
        assert_false(add(coverage, "pas", "PID-35", UNKNOWN, 2));
        assert_true(add(coverage, "lab", "PID-35", UNKNOWN, 3));
        assert_true(add(coverage, "pas", "PID-35", MAPPED, 4));
}

static void test_counts_and_dates_are_as_before_after_a_restart(void **state) {
        _cleanup_(coverage_freep) Coverage *before = NULL, *after = NULL;
        _cleanup_(arena_freep) Arena *arena = NULL;
        Carebus__V1__CoverageReply reply;
        char path[64];

        file_name(path);
        assert_int_equal(arena_new(&arena, 1 << 20), 0);
        assert_int_equal(coverage_new(&before), 0);
        add(before, "pas", "PID-35", UNKNOWN, 10);
        add(before, "pas", "PID-35", UNKNOWN, 20);
        add(before, "pas", "PID-3", MAPPED, 30);
        assert_int_equal(coverage_save(before, path), 0);
        assert_int_equal(coverage_new(&after), 0);
        assert_int_equal(coverage_load(after, path), 0);
        assert_false(add(after, "pas", "PID-35", UNKNOWN, 40));
        assert_int_equal(coverage_answer(after, "pas", arena, &reply), 0);
        assert_int_equal(reply.n_sources, 1);
        assert_int_equal(reply.sources[0]->n_lines, 2);
        assert_string_equal(reply.sources[0]->lines[0]->path, "PID-3");
        assert_string_equal(reply.sources[0]->lines[1]->path, "PID-35");
        assert_int_equal(reply.sources[0]->lines[1]->count, 6);
        assert_int_equal(reply.sources[0]->lines[1]->first_at, 10);
        assert_int_equal(reply.sources[0]->lines[1]->last_at, 40);
        unlink(path);
}

static void test_a_damaged_file_is_told_and_all_begins_at_zero(void **state) {
        _cleanup_(coverage_freep) Coverage *before = NULL, *after = NULL;
        _cleanup_(buffer_deinit) Buffer file = BUFFER_NULL;
        char path[64];

        file_name(path);
        assert_int_equal(coverage_new(&before), 0);
        assert_int_equal(coverage_new(&after), 0);
        assert_int_equal(coverage_load(after, path), 0); /* none yet */
        add(before, "pas", "PID-35", UNKNOWN, 10);
        assert_int_equal(coverage_save(before, path), 0);
        assert_int_equal(file_read(path, 1 << 20, &file), 0);
        for (size_t i = 0; i < file.size; i++) {
                file.data[i] ^= 0x10;
                assert_int_equal(file_replace(path, file.data, file.size, 0600), 0);
                assert_int_equal(coverage_load(after, path), -EBADMSG);
                file.data[i] ^= 0x10;
        }
        assert_int_equal(file_replace(path, file.data, 20, 0600), 0);
        assert_int_equal(coverage_load(after, path), -EBADMSG);
        assert_true(add(after, "pas", "PID-35", UNKNOWN, 40));
        unlink(path);
}

static void test_a_sentence_somebody_typed_for_a_code_is_not_kept(void **state) {
        _cleanup_(coverage_freep) Coverage *coverage = NULL;
        _cleanup_(arena_freep) Arena *arena = NULL;
        Carebus__V1__CoverageReply reply;
        bool is_new;

        assert_int_equal(arena_new(&arena, 1 << 20), 0);
        assert_int_equal(coverage_new(&coverage), 0);
        assert_int_equal(coverage_add_miss(coverage, "pas", "encounter.class", "QQ", 1, &is_new), 0);
        assert_int_equal(coverage_add_miss(coverage, "pas", "encounter.class", "Mrs Smith, bed 3", 1, &is_new), 0);
        assert_true(is_new);
        assert_int_equal(coverage_answer(coverage, "pas", arena, &reply), 0);
        assert_int_equal(reply.sources[0]->n_lines, 2);
        assert_string_equal(reply.sources[0]->lines[0]->path, "encounter.class");
        assert_string_equal(reply.sources[0]->lines[1]->path, "encounter.class=QQ");
}

static void test_a_source_with_too_many_fields_says_so(void **state) {
        _cleanup_(coverage_freep) Coverage *coverage = NULL;
        _cleanup_(arena_freep) Arena *arena = NULL;
        Carebus__V1__CoverageReply reply;
        char path[32];

        assert_int_equal(arena_new(&arena, 8 << 20), 0);
        assert_int_equal(coverage_new(&coverage), 0);
        for (int i = 0; i < COVERAGE_LINES_MAX; i++) {
                snprintf(path, sizeof(path), "Z%d", i);
                assert_true(add(coverage, "pas", path, UNKNOWN, i));
        }
        assert_false(add(coverage, "pas", "one-more", UNKNOWN, 1));
        assert_true(add(coverage, "lab", "one-more", UNKNOWN, 1));
        assert_int_equal(coverage_answer(coverage, "pas", arena, &reply), 0);
        assert_true(reply.sources[0]->is_full);
        assert_int_equal(reply.sources[0]->n_lines, COVERAGE_LINES_MAX);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_a_field_is_new_once_for_each_source_and_use),
                cmocka_unit_test(test_counts_and_dates_are_as_before_after_a_restart),
                cmocka_unit_test(test_a_damaged_file_is_told_and_all_begins_at_zero),
                cmocka_unit_test(test_a_sentence_somebody_typed_for_a_code_is_not_kept),
                cmocka_unit_test(test_a_source_with_too_many_fields_says_so),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
