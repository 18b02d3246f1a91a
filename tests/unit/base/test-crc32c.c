/* The checksum is the one of RFC 3720, by instruction as by table, in one piece or many. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/crc32c.h"

static void test_the_vectors_of_rfc_3720(void **state) {
        uint8_t data[32];

        memset(data, 0, sizeof(data));
        assert_true(crc32c(0, data, sizeof(data)) == 0x8a9136aaU);
        memset(data, 0xff, sizeof(data));
        assert_true(crc32c(0, data, sizeof(data)) == 0x62a8ab43U);
        for (size_t i = 0; i < sizeof(data); i++)
                data[i] = (uint8_t)i;
        assert_true(crc32c(0, data, sizeof(data)) == 0x46dd794eU);
        assert_true(crc32c_by_table(0, data, sizeof(data)) == 0x46dd794eU);
        assert_true(crc32c(0, "123456789", 9) == 0xe3069283U);
        assert_true(crc32c(0, NULL, 0) == 0);
}

static void test_pieces_make_the_same_as_the_whole_and_table_as_instruction(void **state) {
        uint8_t data[4096];
        unsigned seed = (unsigned)time(NULL);

        print_message("# seed %u\n", seed);
        srandom(seed);
        for (size_t i = 0; i < sizeof(data); i++)
                data[i] = (uint8_t)random();
        for (int round = 0; round < 3000; round++) {
                size_t from = (size_t)random() % 64, size = (size_t)random() % (sizeof(data) - from);
                size_t cut = size ? (size_t)random() % size : 0;
                uint32_t whole = crc32c(0, data + from, size);

                assert_true(crc32c_by_table(0, data + from, size) == whole);
                assert_true(crc32c(crc32c(0, data + from, cut), data + from + cut, size - cut) == whole);
        }
}

static void test_every_flipped_bit_changes_the_sum(void **state) {
        uint8_t data[128];
        uint32_t whole;

        memset(data, 0x5a, sizeof(data));
        whole = crc32c(0, data, sizeof(data));
        for (size_t bit = 0; bit < sizeof(data) * 8; bit++) {
                data[bit / 8] ^= (uint8_t)(1U << bit % 8);
                assert_true(crc32c(0, data, sizeof(data)) != whole);
                data[bit / 8] ^= (uint8_t)(1U << bit % 8);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_the_vectors_of_rfc_3720),
                cmocka_unit_test(test_pieces_make_the_same_as_the_whole_and_table_as_instruction),
                cmocka_unit_test(test_every_flipped_bit_changes_the_sum),
        };
        return cmocka_run_group_tests_name("crc32c", tests, NULL, NULL);
}
