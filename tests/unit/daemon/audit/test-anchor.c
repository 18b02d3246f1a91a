/* Keys, signatures, and the lines that hold them. */
#include "tests/unit/daemon/audit/audit-test.h"

#include <errno.h>
#include <string.h>

#include "daemon/audit/anchor.h"

static AuditAnchor some_anchor(void) {
        AuditAnchor anchor = { .number = 17, .at = NOON + 123456 };

        memset(anchor.chain, 0xab, sizeof(anchor.chain));
        return anchor;
}

static void test_a_signature_holds_for_its_bytes_and_its_key_alone(void **state) {
        SignKey *key = NULL, *other = NULL;
        uint8_t signature[SIGNATURE_SIZE];

        assert_int_equal(sign_key_new(&key), 0);
        assert_int_equal(sign_key_new(&other), 0);
        assert_int_equal(signature_make(key, BYTES_LITERAL("said"), signature), 0);
        assert_true(signature_holds(key, BYTES_LITERAL("said"), signature));
        assert_false(signature_holds(key, BYTES_LITERAL("Said"), signature));
        assert_false(signature_holds(other, BYTES_LITERAL("said"), signature));
        for (size_t i = 0; i < sizeof(signature); i++) {
                signature[i] ^= 1;
                assert_false(signature_holds(key, BYTES_LITERAL("said"), signature));
                signature[i] ^= 1;
        }
        sign_key_free(key);
        sign_key_free(other);
}

static void test_a_key_is_the_same_after_its_file_and_a_public_one_signs_nothing(void **state) {
        SignKey *key = NULL, *again = NULL, *public = NULL;
        uint8_t id[SIGN_KEY_ID_SIZE], other[SIGN_KEY_ID_SIZE], signature[SIGNATURE_SIZE];
        Buffer secret_pem = BUFFER_NULL, public_pem = BUFFER_NULL, none = BUFFER_NULL;

        assert_int_equal(sign_key_new(&key), 0);
        assert_int_equal(sign_key_to_pem(key, true, &secret_pem), 0);
        assert_int_equal(sign_key_to_pem(key, false, &public_pem), 0);
        assert_int_equal(sign_key_from_pem(buffer_bytes(&secret_pem), &again), 0);
        assert_int_equal(sign_key_from_pem(buffer_bytes(&public_pem), &public), 0);
        assert_true(sign_key_is_secret(again));
        assert_false(sign_key_is_secret(public));
        assert_int_equal(sign_key_id(key, id), 0);
        assert_int_equal(sign_key_id(public, other), 0);
        assert_memory_equal(id, other, sizeof(id));
        assert_int_equal(signature_make(again, BYTES_LITERAL("said"), signature), 0);
        assert_true(signature_holds(public, BYTES_LITERAL("said"), signature));
        assert_int_equal(signature_make(public, BYTES_LITERAL("said"), signature), -EINVAL);
        assert_int_equal(sign_key_to_pem(public, true, &none), -EINVAL);
        buffer_deinit(&secret_pem);
        buffer_deinit(&public_pem);
        buffer_deinit(&none);
        sign_key_free(key);
        sign_key_free(again);
        sign_key_free(public);
}

static void test_what_is_no_key_of_this_kind_is_refused(void **state) {
        static const char rsa_like[] = "-----BEGIN PUBLIC KEY-----\nMFwwDQYJ\n-----END PUBLIC KEY-----\n";
        /* A public key on P-256. */
        static const char curve[] = "-----BEGIN PUBLIC KEY-----\n"
                                    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEaxfR8uEsQkf4vOblY6RA8ncDfYEt\n"
                                    "6zOg9KE5RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9Q==\n"
                                    "-----END PUBLIC KEY-----\n";
        SignKey *key = NULL;

        assert_int_equal(sign_key_from_pem(BYTES_NULL, &key), -EBADMSG);
        assert_int_equal(sign_key_from_pem(BYTES_LITERAL("hello"), &key), -EBADMSG);
        assert_int_equal(sign_key_from_pem(BYTES_LITERAL(rsa_like), &key), -EBADMSG);
        assert_int_equal(sign_key_from_pem(BYTES_LITERAL(curve), &key), -EBADMSG);
        assert_null(key);
}

static void test_an_anchor_comes_out_of_its_line_as_it_went_in(void **state) {
        AuditAnchor anchor = some_anchor(), again;
        Buffer line = BUFFER_NULL;
        SignKey *key = NULL;
        size_t offset = 0;

        assert_int_equal(sign_key_new(&key), 0);
        assert_int_equal(audit_anchor_sign(&anchor, key), 0);
        audit_anchor_print(&anchor, &line);
        assert_int_equal(audit_anchor_next(buffer_bytes(&line), &offset, &again), 0);
        assert_memory_equal(&anchor, &again, sizeof(anchor));
        assert_true(audit_anchor_holds(&again, key));
        assert_int_equal(audit_anchor_next(buffer_bytes(&line), &offset, &again), -ENODATA);
        again.number++;
        assert_false(audit_anchor_holds(&again, key));
        again = anchor;
        again.at++;
        assert_false(audit_anchor_holds(&again, key));
        buffer_deinit(&line);
        sign_key_free(key);
}

static void test_a_line_that_is_altered_at_any_byte_is_no_anchor_or_does_not_hold(void **state) {
        AuditAnchor anchor = some_anchor(), again;
        Buffer line = BUFFER_NULL;
        SignKey *key = NULL;

        assert_int_equal(sign_key_new(&key), 0);
        assert_int_equal(audit_anchor_sign(&anchor, key), 0);
        audit_anchor_print(&anchor, &line);
        for (size_t at = 0; at < line.size; at++)
                for (unsigned bit = 0; bit < 8; bit++) {
                        size_t offset = 0;

                        line.data[at] ^= (uint8_t)(1u << bit);
                        if (audit_anchor_next(buffer_bytes(&line), &offset, &again) == 0)
                                assert_false(audit_anchor_holds(&again, key));
                        line.data[at] ^= (uint8_t)(1u << bit);
                }
        for (size_t size = 0; size < line.size; size++) {
                size_t offset = 0;
                assert_int_not_equal(audit_anchor_next(bytes_of(line.data, size), &offset, &again), 0);
        }
        buffer_deinit(&line);
        sign_key_free(key);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_a_signature_holds_for_its_bytes_and_its_key_alone),
                cmocka_unit_test(test_a_key_is_the_same_after_its_file_and_a_public_one_signs_nothing),
                cmocka_unit_test(test_what_is_no_key_of_this_kind_is_refused),
                cmocka_unit_test(test_an_anchor_comes_out_of_its_line_as_it_went_in),
                cmocka_unit_test(test_a_line_that_is_altered_at_any_byte_is_no_anchor_or_does_not_hold),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
