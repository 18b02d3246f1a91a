/* Fields of messages, counted until the bus has heard of them. */
#include "sdk/coverage.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "carebus/v1/intake.pb-c.h"
#include "proto/validate.h"
#include "proto/wire.h"

/* What the bus would read. */
static const Carebus__V1__Coverage *sent(Coverage *coverage, Arena *arena) {
        _cleanup_(buffer_deinit) Buffer body = BUFFER_NULL, frame = BUFFER_NULL;
        const ValidateLimits limits = VALIDATE_LIMITS_DEFAULT;
        FromSource message;
        ValidateError error;

        coverage_encode(coverage, &body);
        assert_int_equal(body.error, 0);
        wire_bytes(&frame, 5, buffer_bytes(&body));
        assert_true(frame.size < 16384);
        assert_int_equal(validate_from_source(buffer_bytes(&frame), &limits, arena, &message, &error), 0);
        assert_int_equal(message.what, CAREBUS__V1__FROM_SOURCE__MESSAGE_COVERAGE);
        coverage_sent(coverage);
        return message.coverage;
}

static void test_a_field_is_told_with_its_count_and_then_counted_anew(void **state) {
        _cleanup_(coverage_freep) Coverage *coverage = NULL;
        _cleanup_(arena_freep) Arena *arena = NULL;
        const Carebus__V1__Coverage *told;

        assert_int_equal(arena_new(&arena, 1 << 20), 0);
        assert_int_equal(coverage_new(&coverage), 0);
        assert_false(coverage_has_news(coverage));
        for (int i = 0; i < 3; i++)
                assert_int_equal(coverage_add(coverage, "PID-35", CAREBUS_FIELD_UNKNOWN), 0);
        assert_true(coverage_has_news(coverage));
        told = sent(coverage, arena);
        assert_int_equal(told->n_fields, 1);
        assert_string_equal(told->fields[0]->path, "PID-35");
        assert_int_equal(told->fields[0]->use, CAREBUS__V1__COVERAGE_FIELD__USE__USE_UNKNOWN);
        assert_int_equal(told->fields[0]->count, 3);
        assert_false(coverage_has_news(coverage));
        assert_int_equal(coverage_add(coverage, "PID-35", CAREBUS_FIELD_UNKNOWN), 0);
        assert_int_equal(sent(coverage, arena)->fields[0]->count, 1);
}

static void test_one_field_may_be_mapped_here_and_unknown_there(void **state) {
        _cleanup_(coverage_freep) Coverage *coverage = NULL;
        _cleanup_(arena_freep) Arena *arena = NULL;

        assert_int_equal(arena_new(&arena, 1 << 20), 0);
        assert_int_equal(coverage_new(&coverage), 0);
        assert_int_equal(coverage_add(coverage, "OBX-5", CAREBUS_FIELD_UNKNOWN), 0);
        assert_int_equal(coverage_add(coverage, "OBX-5", CAREBUS_FIELD_MAPPED), 0);
        assert_int_equal(sent(coverage, arena)->n_fields, 2);
}

static void test_more_fields_than_fit_a_frame_come_in_several(void **state) {
        _cleanup_(coverage_freep) Coverage *coverage = NULL;
        _cleanup_(arena_freep) Arena *arena = NULL;
        size_t n_told = 0, n_frames = 0;
        char path[COVERAGE_PATH_SIZE_MAX + 1];

        assert_int_equal(arena_new(&arena, 16 << 20), 0);
        assert_int_equal(coverage_new(&coverage), 0);
        for (int i = 0; i < 1000; i++) {
                memset(path, 'x', sizeof(path) - 1);
                path[snprintf(path, sizeof(path), "%d", i)] = 'x';
                path[sizeof(path) - 1] = '\0';
                assert_int_equal(coverage_add(coverage, path, CAREBUS_FIELD_UNKNOWN), 0);
        }
        for (; coverage_has_news(coverage); n_frames++) {
                n_told += sent(coverage, arena)->n_fields;
                arena_reset(arena);
        }
        assert_int_equal(n_told, 1000);
        assert_true(n_frames > 5);
}

static void test_different_fields_beyond_the_limit_are_left_out_and_nothing_breaks(void **state) {
        _cleanup_(coverage_freep) Coverage *coverage = NULL;
        _cleanup_(arena_freep) Arena *arena = NULL;
        size_t n_told = 0;
        char path[32];

        assert_int_equal(arena_new(&arena, 16 << 20), 0);
        assert_int_equal(coverage_new(&coverage), 0);
        for (int i = 0; i < COVERAGE_PATHS_MAX + 500; i++) {
                snprintf(path, sizeof(path), "Z%d", i);
                assert_int_equal(coverage_add(coverage, path, CAREBUS_FIELD_UNKNOWN), 0);
        }
        for (; coverage_has_news(coverage); arena_reset(arena))
                n_told += sent(coverage, arena)->n_fields;
        assert_int_equal(n_told, COVERAGE_PATHS_MAX);
}

static void test_what_is_no_name_of_a_field_is_refused(void **state) {
        _cleanup_(coverage_freep) Coverage *coverage = NULL;
        char path[COVERAGE_PATH_SIZE_MAX + 2];

        assert_int_equal(coverage_new(&coverage), 0);
        memset(path, 'x', sizeof(path) - 1);
        path[sizeof(path) - 1] = '\0';
        assert_int_equal(coverage_add(coverage, path, CAREBUS_FIELD_MAPPED), -EINVAL);
        assert_int_equal(coverage_add(coverage, "", CAREBUS_FIELD_MAPPED), -EINVAL);
        assert_int_equal(coverage_add(coverage, NULL, CAREBUS_FIELD_MAPPED), -EINVAL);
        assert_int_equal(coverage_add(coverage, "PID-3", (carebus_field_use)0), -EINVAL);
        assert_int_equal(coverage_add(coverage, "PID-3", (carebus_field_use)4), -EINVAL);
        /* It would end the session. */
        assert_int_equal(coverage_add(coverage, "\xff\xfe", CAREBUS_FIELD_UNKNOWN), 0);
        assert_false(coverage_has_news(coverage));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_a_field_is_told_with_its_count_and_then_counted_anew),
                cmocka_unit_test(test_one_field_may_be_mapped_here_and_unknown_there),
                cmocka_unit_test(test_more_fields_than_fit_a_frame_come_in_several),
                cmocka_unit_test(test_different_fields_beyond_the_limit_are_left_out_and_nothing_breaks),
                cmocka_unit_test(test_what_is_no_name_of_a_field_is_refused),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
