/* Sums of digests: whoever adds and takes away in any order holds the same. */
#include <setjmp.h>
#include <stdbool.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/sha256.h"
#include "proto/digest.h"

#define PERSONS 500
#define STEPS 5000

static void test_sum_of_a_set_does_not_depend_on_the_way_there(void **state) {
        const unsigned seed = (unsigned)time(NULL);
        uint8_t digests[PERSONS][DIGEST_SUM_SIZE];
        bool in[PERSONS] = { false };
        DigestSum walked = { { 0 } }, straight = { { 0 } };

        print_message("# seed %u\n", seed);
        srand(seed);
        for (int i = 0; i < PERSONS; i++)
                sha256(&i, sizeof(i), digests[i]);
        for (int i = 0; i < STEPS; i++) {
                int person = rand() % PERSONS;
                if (in[person])
                        digest_sum_subtract(&walked, digests[person]);
                else
                        digest_sum_add(&walked, digests[person]);
                in[person] = !in[person];
        }
        for (int i = PERSONS - 1; i >= 0; i--)
                if (in[i])
                        digest_sum_add(&straight, digests[i]);
        assert_memory_equal(walked.bytes, straight.bytes, DIGEST_SUM_SIZE);
}

static void test_sum_is_little_endian_and_wraps_at_its_end(void **state) {
        DigestSum sum = { { 0xff } };
        uint8_t one[DIGEST_SUM_SIZE] = { 1 }, all[DIGEST_SUM_SIZE];
        const DigestSum zero = { { 0 } };

        digest_sum_add(&sum, one);
        assert_int_equal(sum.bytes[0], 0);
        assert_int_equal(sum.bytes[1], 1);
        memset(all, 0xff, sizeof(all));
        sum = zero;
        digest_sum_add(&sum, all);
        digest_sum_add(&sum, one);
        assert_memory_equal(sum.bytes, zero.bytes, DIGEST_SUM_SIZE);
        digest_sum_subtract(&sum, one);
        assert_memory_equal(sum.bytes, all, DIGEST_SUM_SIZE);
}

static void test_bucket_is_the_first_byte_of_the_hash_of_the_id(void **state) {
        uint8_t hash[SHA256_SIZE];

        sha256("p12.0", 5, hash);
        assert_int_equal(digest_bucket("p12.0"), hash[0]);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_sum_of_a_set_does_not_depend_on_the_way_there),
                cmocka_unit_test(test_sum_is_little_endian_and_wraps_at_its_end),
                cmocka_unit_test(test_bucket_is_the_first_byte_of_the_hash_of_the_id),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
