/* A manifest and the runs of numbers: whoever changed a bit is found out, and a place holds as far as its run was left. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "daemon/store/copy.h"
#include "daemon/store/lineage.h"
#include "daemon/store/manifest.h"
#include "daemon/store/reserve.h"
#include "store-test.h"

static void print_some(const SignKey *key, Buffer *ret) {
        _cleanup_(manifest_deinit) Manifest manifest = {
                .first_seq = 1, .seq = 4711, .at = 1767225600000000, .made_at = 1767225601000001, .audit = 12
        };
        uint8_t sha[SHA256_SIZE];

        manifest.bus = strdup("wester-care");
        manifest.version = strdup("0.1.0");
        assert_true(manifest.bus && manifest.version);
        memset(sha, 0xa5, sizeof(sha));
        memset(manifest.chain, 0x5a, sizeof(manifest.chain));
        assert_int_equal(manifest_add(&manifest, "journal/00000000000000000001.seg", 65536, sha), 0);
        assert_int_equal(manifest_add(&manifest, "serve/cursors", 0, sha), 0);
        assert_int_equal(manifest_print(&manifest, key, ret), 0);
}

static bool is_taken(Bytes text, const SignKey *key) {
        _cleanup_(manifest_deinit) Manifest manifest = MANIFEST_NULL;

        return manifest_parse(text, &manifest) == 0 && manifest.is_signed == (key != NULL) &&
               (!key || manifest_signature_holds(text, key));
}

static void flip_all(const SignKey *key) {
        _cleanup_(buffer_deinit) Buffer text = BUFFER_NULL;

        print_some(key, &text);
        assert_true(is_taken(buffer_bytes(&text), key));
        for (size_t i = 0; i < 8 * text.size; i++) {
                text.data[i / 8] ^= (uint8_t)(1u << i % 8);
                if (is_taken(buffer_bytes(&text), key))
                        fail_msg("bit %zu may be changed", i);
                text.data[i / 8] ^= (uint8_t)(1u << i % 8);
        }
        for (size_t n = 0; n < text.size; n++)
                assert_false(is_taken(bytes_of(text.data, n), key));
}

static void test_no_bit_of_a_manifest_can_be_changed_and_nothing_cut_off(void **state) {
        _cleanup_(sign_key_freep) SignKey *key = NULL;

        assert_int_equal(sign_key_new(&key), 0);
        flip_all(NULL);
        flip_all(key);
}

static void test_what_another_key_signed_does_not_hold(void **state) {
        _cleanup_(sign_key_freep) SignKey *key = NULL, *other = NULL;
        _cleanup_(buffer_deinit) Buffer text = BUFFER_NULL;

        assert_int_equal(sign_key_new(&key), 0);
        assert_int_equal(sign_key_new(&other), 0);
        print_some(key, &text);
        assert_true(manifest_signature_holds(buffer_bytes(&text), key));
        assert_false(manifest_signature_holds(buffer_bytes(&text), other));
}

static void test_no_path_leads_out_of_a_backup(void **state) {
        static const char *const bad[] = { "",        "/etc/passwd", "../x", "a/../b", "a//b",    "a/",
                                           ".hidden", "a/.b",        "a b",  "a\nb",   "a\x1b[2J" };
        _cleanup_(manifest_deinit) Manifest manifest = MANIFEST_NULL;
        const uint8_t sha[SHA256_SIZE] = { 0 };

        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                assert_int_equal(manifest_add(&manifest, bad[i], 1, sha), -EINVAL);
}

static void test_a_manifest_of_a_later_version_is_told_from_damage(void **state) {
        static const char later[] = "carebus-backup 2\nwhat comes then\n";
        _cleanup_(manifest_deinit) Manifest manifest = MANIFEST_NULL;

        assert_int_equal(manifest_parse(BYTES_LITERAL(later), &manifest), MANIFEST_E_NEWER);
}

static void test_a_place_of_a_run_that_was_left_holds_up_to_the_earliest_restore_since(void **state) {
        const uint8_t journal[16] = { 1, 2, 3, 4, 5, 6, 7, 8 };
        const char *path = folder_path(*state, "lineage");
        uint64_t first, second;
        Lineage lineage;

        assert_int_equal(lineage_read(path, journal, &lineage), 0);
        first = lineage.id;
        assert_int_equal(lineage_holds_until(&lineage, first), UINT64_MAX);
        assert_int_equal(lineage_holds_until(&lineage, first + 1), 0);
        assert_int_equal(lineage_fork(&lineage, 100, 1), 0);
        second = lineage.id;
        assert_int_equal(lineage_fork(&lineage, 40, 2), 0);
        assert_int_equal(lineage_write(path, &lineage), 0);
        assert_int_equal(lineage_read(path, journal, &lineage), 0);
        assert_int_equal(lineage_holds_until(&lineage, first), 40);
        assert_int_equal(lineage_holds_until(&lineage, second), 40);
        assert_int_equal(lineage_holds_until(&lineage, lineage.id), UINT64_MAX);
}

static void test_no_bit_of_the_runs_can_be_changed(void **state) {
        const uint8_t journal[16] = { 9 };
        const char *path = folder_path(*state, "lineage");
        _cleanup_(buffer_deinit) Buffer text = BUFFER_NULL;
        Lineage lineage;

        assert_int_equal(lineage_read(path, journal, &lineage), 0);
        assert_int_equal(lineage_fork(&lineage, 7, 1), 0);
        assert_int_equal(lineage_write(path, &lineage), 0);
        assert_int_equal(file_read(path, 4096, &text), 0);
        for (size_t i = 0; i < 8 * text.size; i++) {
                text.data[i / 8] ^= (uint8_t)(1u << i % 8);
                assert_int_equal(file_replace(path, text.data, text.size, 0600), 0);
                assert_true(lineage_read(path, journal, &lineage) < 0);
                text.data[i / 8] ^= (uint8_t)(1u << i % 8);
        }
}

static void test_a_reserve_is_room_that_is_taken_and_goes_back_in_steps(void **state) {
        _cleanup_(reserve_freep) Reserve *reserve = NULL;

        assert_int_equal(reserve_new(*state, &reserve), 0);
        assert_false(reserve_fill(reserve, 1 << 20, 64 << 20, UINT64_C(64) << 20));
        assert_true(reserve_fill(reserve, 1 << 20, 64 << 20, 1 << 20));
        assert_int_equal(reserve_bytes(reserve), 1 << 20);
        for (uint64_t left = 1 << 20; left > 0;) {
                assert_true(reserve_give(reserve, 1 << 18));
                left -= 1 << 18;
                assert_int_equal(reserve_bytes(reserve), left);
        }
        assert_false(reserve_give(reserve, 1 << 18));
}

static void test_a_copy_is_what_was_taken_and_zeros_behind(void **state) {
        _cleanup_(buffer_deinit) Buffer read = BUFFER_NULL;
        uint8_t data[3000], whole[8192] = { 0 }, expected[SHA256_SIZE], got[SHA256_SIZE];
        char from[256], to[256];
        uint64_t size;

        snprintf(from, sizeof(from), "%s", folder_path(*state, "from"));
        snprintf(to, sizeof(to), "%s", folder_path(*state, "to"));
        memset(data, 7, sizeof(data));
        memcpy(whole, data, 2000);
        assert_int_equal(file_replace(from, data, sizeof(data), 0600), 0);
        assert_int_equal(copy_file(&(Copy){ .from = from, .to = to, .take = 2000, .size = sizeof(whole), .mode = 0600 },
                                   &size, got),
                         0);
        assert_int_equal(size, sizeof(whole));
        assert_int_equal(file_read(to, 1 << 20, &read), 0);
        assert_int_equal(read.size, sizeof(whole));
        assert_memory_equal(read.data, whole, sizeof(whole));
        sha256(whole, sizeof(whole), expected);
        assert_memory_equal(got, expected, sizeof(expected));
        assert_int_equal(copy_file(&(Copy){ .from = from, .take = sizeof(data) + 1 }, &size, got), -EIO);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_no_bit_of_a_manifest_can_be_changed_and_nothing_cut_off),
                cmocka_unit_test(test_what_another_key_signed_does_not_hold),
                cmocka_unit_test(test_no_path_leads_out_of_a_backup),
                cmocka_unit_test(test_a_manifest_of_a_later_version_is_told_from_damage),
                cmocka_unit_test_setup_teardown(
                        test_a_place_of_a_run_that_was_left_holds_up_to_the_earliest_restore_since, folder_setup,
                        folder_teardown),
                cmocka_unit_test_setup_teardown(test_no_bit_of_the_runs_can_be_changed, folder_setup, folder_teardown),
                cmocka_unit_test_setup_teardown(test_a_reserve_is_room_that_is_taken_and_goes_back_in_steps,
                                                folder_setup, folder_teardown),
                cmocka_unit_test_setup_teardown(test_a_copy_is_what_was_taken_and_zeros_behind, folder_setup,
                                                folder_teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
