/* Verify finds whatever was altered. By day one bit of each byte is flipped, at night (CAREBUS_NIGHTLY) all eight. */
#include "tests/unit/daemon/audit/audit-test.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "daemon/audit/anchor.h"

static void make_small_audit(const char *folder) {
        ClockFake clock;
        Audit *audit;

        clock_fake_init(&clock, NOON);
        audit = open_audit(folder, &clock.clock, 300);
        for (uint64_t i = 1; i <= 4; i++)
                disclose(audit, "hospice", "p1.0", i, 2);
        audit_free(audit);
}

static bool is_evidence(const char *name) {
        return strstr(name, ".audit") || strcmp(name, "anchors") == 0 || strncmp(name, "key-", 4) == 0;
}

static void flip_all_bits_of(const char *folder, const char *name) {
        char inner[300], audit[512];
        const AuditVerifyOptions options = { .folder = audit, .still = true };
        const bool is_night = getenv("CAREBUS_NIGHTLY") != NULL;
        uint64_t size;

        snprintf(audit, sizeof(audit), "%s", folder_path(folder, "audit"));
        snprintf(inner, sizeof(inner), "audit/%s", name);
        size = file_size(folder, inner);
        assert_true(size > 0);
        for (uint64_t at = 0; at < size; at++)
                for (unsigned bit = is_night ? 0 : (unsigned)(at % 8); bit < 8; bit += is_night ? 1 : 8) {
                        AuditVerified verified;
                        int r;

                        file_flip(folder, inner, at, bit);
                        r = audit_verify(&options, &verified);
                        if (r != AUDIT_E_DAMAGED && r != AUDIT_E_NEWER)
                                print_message("# bit %u of byte %llu of %s: %d\n", bit, (unsigned long long)at, name,
                                              r);
                        assert_true(r == AUDIT_E_DAMAGED || r == AUDIT_E_NEWER);
                        if (r == AUDIT_E_DAMAGED)
                                assert_string_not_equal(audit_reason_says(verified.fault.reason), "unknown");
                        file_flip(folder, inner, at, bit);
                }
}

static void test_every_flipped_bit_of_every_file_is_found(void **state) {
        DIR *folder;
        const struct dirent *entry;
        unsigned n = 0;

        make_small_audit(*state);
        expect_audit(*state, NULL, NULL);
        folder = opendir(folder_path(*state, "audit"));
        assert_non_null(folder);
        while ((entry = readdir(folder)))
                if (is_evidence(entry->d_name)) {
                        flip_all_bits_of(*state, entry->d_name);
                        n++;
                }
        closedir(folder);
        assert_true(n >= 4); /* segments, anchors, the key */
        expect_audit(*state, NULL, NULL);
}

static void test_a_missing_segment_is_found(void **state) {
        uint64_t *firsts = NULL;
        size_t n = 0;

        make_small_audit(*state);
        {
                DIR *folder = opendir(folder_path(*state, "audit"));
                assert_non_null(folder);
                assert_int_equal(audit_segments_list(dirfd(folder), &firsts, &n), 0);
                closedir(folder);
        }
        assert_true(n >= 3);
        for (size_t i = 0; i < n; i++) {
                char name[AUDIT_NAME_BYTES], path[512], aside[512];

                audit_segment_name(firsts[i], name);
                snprintf(path, sizeof(path), "%s", audit_path(*state, name));
                snprintf(aside, sizeof(aside), "%s", folder_path(*state, "aside"));
                assert_int_equal(rename(path, aside), 0);
                expect_audit(*state, NULL, i + 1 == n ? "behind-anchor" : "missing");
                assert_int_equal(rename(aside, path), 0);
        }
        free(firsts);
        expect_audit(*state, NULL, NULL);
}

/* Who has the key can write the whole of it anew; not so that it meets an anchor that lies elsewhere. */
static void test_a_rewritten_audit_is_found_by_an_anchor_kept_elsewhere(void **state) {
        char elsewhere[512], key[512];
        ClockFake clock;
        Audit *audit;

        make_small_audit(*state);
        snprintf(elsewhere, sizeof(elsewhere), "%s", folder_path(*state, "elsewhere"));
        copy_file(audit_path(*state, "anchors"), elsewhere);
        expect_audit(*state, elsewhere, NULL);
        snprintf(key, sizeof(key), "%s", folder_path(*state, "audit.key"));
        folder_empty(audit_path(*state, "index"));
        folder_empty(folder_path(*state, "audit"));
        clock_fake_init(&clock, NOON);
        audit = open_audit(*state, &clock.clock, 300);
        for (uint64_t i = 1; i <= 4; i++)
                disclose(audit, "nobody", "p1.0", i, 2);
        audit_free(audit);
        expect_audit(*state, NULL, NULL);
        expect_audit(*state, elsewhere, "anchor-differs");
}

static void test_an_end_that_was_cut_together_with_its_anchors_is_found_by_one_kept_elsewhere(void **state) {
        char elsewhere[512], path[512];
        ClockFake clock;
        Audit *audit;
        uint64_t size;

        clock_fake_init(&clock, NOON);
        audit = open_audit(*state, &clock.clock, 0);
        disclose(audit, "hospice", "p1.0", 1, 1);
        size = file_size(*state, "audit/00000000000000000001.audit");
        disclose(audit, "hospice", "p1.0", 2, 1);
        audit_free(audit);
        snprintf(elsewhere, sizeof(elsewhere), "%s", folder_path(*state, "elsewhere"));
        copy_file(audit_path(*state, "anchors"), elsewhere);
        snprintf(path, sizeof(path), "%s", audit_path(*state, "00000000000000000001.audit"));
        assert_int_equal(truncate(path, (off_t)size), 0);
        assert_int_equal(truncate(audit_path(*state, "anchors"), 0), 0);
        expect_audit(*state, NULL, NULL); /* nothing in the folder tells */
        expect_audit(*state, elsewhere, "behind-anchor");
}

static void test_a_file_that_holds_no_anchors_is_refused(void **state) {
        char elsewhere[512];

        make_small_audit(*state);
        snprintf(elsewhere, sizeof(elsewhere), "%s", folder_path(*state, "elsewhere"));
        assert_int_equal(file_replace(elsewhere, "", 0, 0600), 0);
        expect_audit(*state, elsewhere, "anchor");
        assert_int_equal(file_replace(elsewhere, "{}\n", 3, 0600), 0);
        expect_audit(*state, elsewhere, "anchor");
}

static void test_no_audit_is_no_damage(void **state) {
        const AuditVerifyOptions options = { .folder = folder_path(*state, "nowhere") };
        AuditVerified verified;

        assert_int_equal(audit_verify(&options, &verified), AUDIT_E_NONE);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_setup, folder_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                IN_FOLDER(test_every_flipped_bit_of_every_file_is_found),
                IN_FOLDER(test_a_missing_segment_is_found),
                IN_FOLDER(test_a_rewritten_audit_is_found_by_an_anchor_kept_elsewhere),
                IN_FOLDER(test_an_end_that_was_cut_together_with_its_anchors_is_found_by_one_kept_elsewhere),
                IN_FOLDER(test_a_file_that_holds_no_anchors_is_refused),
                IN_FOLDER(test_no_audit_is_no_damage),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
