/* Appending, reading again, starting again. */
#include "tests/unit/daemon/audit/audit-test.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

#define FIRST_SEGMENT "00000000000000000001.audit"

static void test_what_is_appended_is_numbered_without_gaps_and_verifies(void **state) {
        ClockFake clock;
        Audit *audit;

        clock_fake_init(&clock, NOON);
        audit = open_audit(*state, &clock.clock, 0);
        assert_int_equal(disclose(audit, "hospice", "p7.0", 9, 3), 2); /* 1 says that it began */
        assert_int_equal(disclose(audit, "ward", "p8.0", 10, 1), 3);
        assert_int_equal(audit_status(audit).number, 3);
        audit_free(audit);
        expect_audit(*state, NULL, NULL);
        audit = open_audit(*state, &clock.clock, 0);
        assert_int_equal(disclose(audit, "ward", "p8.0", 11, 1), 6); /* stopped, started */
        assert_int_equal(audit_status(audit).cut, 0);
        audit_free(audit);
        expect_audit(*state, NULL, NULL);
}

static void test_segments_roll_and_each_goes_on_with_the_chain(void **state) {
        char folder[512];
        const AuditVerifyOptions options = { .folder = folder };
        AuditVerified verified;
        ClockFake clock;
        Audit *audit;

        snprintf(folder, sizeof(folder), "%s", folder_path(*state, "audit"));
        clock_fake_init(&clock, NOON);
        audit = open_audit(*state, &clock.clock, 1000);
        for (uint64_t i = 1; i <= 100; i++)
                disclose(audit, "hospice", "p1.0", i, 2);
        audit_free(audit);
        assert_true(file_exists(*state, "audit/" FIRST_SEGMENT));
        assert_true(file_size(*state, "audit/" FIRST_SEGMENT) <= 1000);
        assert_int_equal(audit_verify(&options, &verified), 0);
        assert_int_equal(verified.records, 102);
        assert_int_equal(verified.anchored, 102);
        audit = open_audit(*state, &clock.clock, 1000);
        assert_int_equal(disclose(audit, "hospice", "p1.0", 101, 1), 104);
        audit_free(audit);
        expect_audit(*state, NULL, NULL);
}

static void test_time_never_goes_back_when_the_clock_does(void **state) {
        ClockFake clock;
        Audit *audit;

        clock_fake_init(&clock, NOON);
        audit = open_audit(*state, &clock.clock, 0);
        disclose(audit, "hospice", "p1.0", 1, 1);
        clock_fake_advance(&clock, -3600 * USEC_PER_SEC);
        disclose(audit, "hospice", "p1.0", 2, 1);
        audit_free(audit);
        expect_audit(*state, NULL, NULL);
}

/* Copies the audit as it stands on the disk while it is open: what a crash leaves. */
static void crash_copy(const char *folder, const char *to) {
        char from[600], path[600];

        snprintf(from, sizeof(from), "%s", folder_path(folder, "audit"));
        snprintf(path, sizeof(path), "%s/audit", folder_path(folder, to));
        assert_int_equal(folder_make(path, 0700), 0);
        folder_copy(from, path);
        snprintf(from, sizeof(from), "%s", folder_path(folder, "audit.key"));
        snprintf(path, sizeof(path), "%s/audit.key", folder_path(folder, to));
        copy_file(from, path);
}

static void test_a_killed_process_loses_nothing_and_says_no_gap(void **state) {
        char crashed[512];
        ClockFake clock;
        Audit *audit;

        clock_fake_init(&clock, NOON);
        audit = open_audit(*state, &clock.clock, 0);
        for (uint64_t i = 1; i <= 10; i++)
                disclose(audit, "hospice", "p1.0", i, 1);
        crash_copy(*state, "crashed");
        audit_free(audit);
        snprintf(crashed, sizeof(crashed), "%s", folder_path(*state, "crashed"));
        audit = open_audit(crashed, &clock.clock, 0);
        assert_int_equal(audit_status(audit).cut, 0);
        assert_int_equal(audit_status(audit).number, 12);
        assert_int_equal(audit_was_given(audit, "hospice", 10, 0), 1);
        audit_free(audit);
        expect_audit(crashed, NULL, NULL);
}

static int find_gap(const AuditFrame *frame) {
        Carebus__V1__AuditRecord *record = carebus__v1__audit_record__unpack(NULL, frame->packed.size,
                                                                             frame->packed.data);
        int is_gap;

        assert_non_null(record);
        is_gap = record->what_case == CAREBUS__V1__AUDIT_RECORD__WHAT_LIFE && strcmp(record->life->code, "gap") == 0;
        carebus__v1__audit_record__free_unpacked(record, NULL);
        return is_gap;
}

static unsigned count_gaps(const char *folder) {
        AuditWalk *walk = NULL;
        AuditFrame frame;
        unsigned n = 0;
        int r;

        assert_int_equal(audit_walk_new(folder_path(folder, "audit"), &walk), 0);
        while ((r = audit_walk_next(walk, &frame)) == 0)
                n += (unsigned)find_gap(&frame);
        assert_int_equal(r, AUDIT_E_END);
        audit_walk_free(walk);
        return n;
}

/* The last record ends at every one of its bytes in turn. */
static void test_an_end_torn_at_any_byte_is_cut_and_said(void **state) {
        char crashed[512], segment[700], from[600];
        uint64_t before, after;
        ClockFake clock;
        Audit *audit;

        clock_fake_init(&clock, NOON);
        audit = open_audit(*state, &clock.clock, 0);
        disclose(audit, "hospice", "p1.0", 1, 1);
        before = file_size(*state, "audit/" FIRST_SEGMENT);
        disclose(audit, "hospice", "p1.0", 2, 1);
        after = file_size(*state, "audit/" FIRST_SEGMENT);
        crash_copy(*state, "crashed");
        audit_free(audit);
        snprintf(crashed, sizeof(crashed), "%s", folder_path(*state, "crashed"));
        snprintf(from, sizeof(from), "%s/audit", crashed);
        (void)unlink(folder_path(crashed, "audit/synced")); /* as where the thread had not come to it */
        for (uint64_t end = before; end < after; end++) {
                char torn[512], path[600];

                snprintf(torn, sizeof(torn), "%s", folder_path(*state, "torn"));
                snprintf(path, sizeof(path), "%s/audit", torn);
                assert_int_equal(folder_make(path, 0700), 0);
                folder_copy(from, path);
                copy_file(folder_path(crashed, "audit.key"), folder_path(torn, "audit.key"));
                snprintf(segment, sizeof(segment), "%s/" FIRST_SEGMENT, path);
                assert_int_equal(truncate(segment, (off_t)end), 0);
                if (end > before)
                        expect_audit(torn, NULL, "torn");
                audit = open_audit(torn, &clock.clock, 0);
                assert_int_equal(audit_status(audit).cut, end - before);
                assert_int_equal(audit_was_given(audit, "hospice", 1, 0), 1);
                audit_free(audit);
                assert_int_equal(count_gaps(torn), end > before);
                expect_audit(torn, NULL, NULL);
                if (end > before)
                        assert_int_equal(file_size(torn, "audit/torn-00000000000000000003"), end - before);
                folder_empty(torn);
        }
}

static void test_what_was_synced_and_is_gone_stops_the_start(void **state) {
        AuditOpenFault fault;
        ClockFake clock;
        Audit *audit;
        uint64_t before;

        clock_fake_init(&clock, NOON);
        audit = open_audit(*state, &clock.clock, 0);
        disclose(audit, "hospice", "p1.0", 1, 1);
        before = file_size(*state, "audit/" FIRST_SEGMENT);
        disclose(audit, "hospice", "p1.0", 2, 1);
        audit_free(audit);
        assert_int_equal(truncate(audit_path(*state, FIRST_SEGMENT), (off_t)before), 0);
        assert_int_equal(try_open_audit(*state, &clock.clock, &fault), -EBADMSG);
        assert_string_equal(fault.reason, "behind-anchor");
        assert_int_equal(fault.number, 3);
        expect_audit(*state, NULL, "behind-anchor");
}

static void test_damage_before_the_end_stops_the_start_and_says_where(void **state) {
        AuditOpenFault fault;
        ClockFake clock;
        Audit *audit;
        uint64_t at;

        clock_fake_init(&clock, NOON);
        audit = open_audit(*state, &clock.clock, 0);
        at = file_size(*state, "audit/" FIRST_SEGMENT);
        disclose(audit, "hospice", "p1.0", 1, 1);
        disclose(audit, "hospice", "p1.0", 2, 1);
        audit_free(audit);
        file_flip(*state, "audit/" FIRST_SEGMENT, at + 30, 3);
        assert_int_equal(try_open_audit(*state, &clock.clock, &fault), -EBADMSG);
        assert_string_equal(fault.reason, "checksum");
        assert_int_equal(fault.segment, 1);
        assert_int_equal(fault.offset, at);
        assert_int_equal(fault.number, 2);
}

static void test_a_key_that_is_none_stops_the_start(void **state) {
        AuditOpenFault fault;
        ClockFake clock;

        clock_fake_init(&clock, NOON);
        assert_int_equal(file_replace(folder_path(*state, "audit.key"), "no key\n", 7, 0600), 0);
        assert_int_equal(try_open_audit(*state, &clock.clock, &fault), -EBADMSG);
        assert_string_equal(fault.reason, "key");
}

static void test_a_new_key_signs_on_and_the_old_anchors_still_hold(void **state) {
        ClockFake clock;

        clock_fake_init(&clock, NOON);
        audit_free(open_audit(*state, &clock.clock, 0));
        assert_int_equal(unlink(folder_path(*state, "audit.key")), 0);
        audit_free(open_audit(*state, &clock.clock, 0));
        expect_audit(*state, NULL, NULL);
}

static void *append_many(void *argument) {
        for (uint64_t i = 1; i <= 500; i++)
                disclose(argument, "hospice", "p1.0", i, 1);
        return NULL;
}

static void test_threads_append_side_by_side(void **state) {
        pthread_t threads[4];
        Audit *audit = open_audit(*state, &clock_system, 16384);

        for (size_t i = 0; i < ELEMENTSOF(threads); i++)
                assert_int_equal(pthread_create(&threads[i], NULL, append_many, audit), 0);
        for (size_t i = 0; i < ELEMENTSOF(threads); i++)
                pthread_join(threads[i], NULL);
        assert_int_equal(audit_status(audit).number, 2001);
        audit_free(audit);
        expect_audit(*state, NULL, NULL);
}

static void test_it_is_synced_within_a_second(void **state) {
        Audit *audit = open_audit(*state, &clock_system, 0);
        uint64_t number = disclose(audit, "hospice", "p1.0", 1, 1);

        for (unsigned i = 0; i < 100 && audit_status(audit).synced < number; i++)
                usleep(10000);
        assert_true(audit_status(audit).synced >= number);
        audit_free(audit);
}

static void test_a_record_that_is_too_long_or_empty_is_not_taken(void **state) {
        ClockFake clock;
        Buffer what = BUFFER_NULL;
        Audit *audit;

        clock_fake_init(&clock, NOON);
        audit = open_audit(*state, &clock.clock, 0);
        assert_int_equal(audit_append_packed(audit, BYTES_NULL, NULL), -EMSGSIZE);
        assert_non_null(buffer_reserve(&what, AUDIT_RECORD_MAX));
        memset(what.data, 0, AUDIT_RECORD_MAX);
        buffer_advance(&what, AUDIT_RECORD_MAX);
        assert_int_equal(audit_append_packed(audit, buffer_bytes(&what), NULL), -EMSGSIZE);
        assert_int_equal(audit_append_packed(audit, BYTES_LITERAL("\x52\x7f"), NULL), -EBADMSG);
        buffer_deinit(&what);
        assert_int_equal(disclose(audit, "hospice", "p1.0", 1, 1), 2);
        audit_free(audit);
        expect_audit(*state, NULL, NULL);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_setup, folder_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                IN_FOLDER(test_what_is_appended_is_numbered_without_gaps_and_verifies),
                IN_FOLDER(test_segments_roll_and_each_goes_on_with_the_chain),
                IN_FOLDER(test_time_never_goes_back_when_the_clock_does),
                IN_FOLDER(test_a_killed_process_loses_nothing_and_says_no_gap),
                IN_FOLDER(test_an_end_torn_at_any_byte_is_cut_and_said),
                IN_FOLDER(test_what_was_synced_and_is_gone_stops_the_start),
                IN_FOLDER(test_damage_before_the_end_stops_the_start_and_says_where),
                IN_FOLDER(test_a_key_that_is_none_stops_the_start),
                IN_FOLDER(test_a_new_key_signs_on_and_the_old_anchors_still_hold),
                IN_FOLDER(test_threads_append_side_by_side),
                IN_FOLDER(test_it_is_synced_within_a_second),
                IN_FOLDER(test_a_record_that_is_too_long_or_empty_is_not_taken),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
