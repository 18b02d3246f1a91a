/* SHA-256 is the one of FIPS 180-4, in one piece or many. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/cleanup.h"
#include "base/sha256.h"
#include "base/text.h"

static void check(const char *text, const char *expected) {
        uint8_t digest[SHA256_SIZE];
        char hex[2 * SHA256_SIZE + 1];

        sha256(text, strlen(text), digest);
        hex_encode(digest, sizeof(digest), hex);
        assert_string_equal(hex, expected);
}

static void test_the_vectors_of_fips_180_4(void **state) {
        check("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        check("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        check("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
              "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

static void test_pieces_make_the_same_as_the_whole_and_it_begins_anew(void **state) {
        _cleanup_(sha256_freep) Sha256 *sha = NULL;
        uint8_t whole[SHA256_SIZE], pieces[SHA256_SIZE], data[1000];

        memset(data, 'a', sizeof(data));
        sha256(data, sizeof(data), whole);
        assert_int_equal(sha256_new(&sha), 0);
        for (size_t step = 1; step <= sizeof(data); step += 37) {
                for (size_t i = 0; i < sizeof(data); i += step)
                        sha256_add(sha, data + i, MIN(step, sizeof(data) - i));
                sha256_add(sha, NULL, 0);
                sha256_end(sha, pieces);
                assert_memory_equal(pieces, whole, SHA256_SIZE);
        }
        assert_null(sha256_free(NULL));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_the_vectors_of_fips_180_4),
                cmocka_unit_test(test_pieces_make_the_same_as_the_whole_and_it_begins_anew),
        };
        return cmocka_run_group_tests_name("sha256", tests, NULL, NULL);
}
