/* Originals come back byte for byte, with and without a dictionary, and damage is said. */
#include "store-test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "daemon/store/original.h"

/* A made-up message: the frame repeats, the numbers do not. */
static Bytes message_of(unsigned i, Buffer *buffer) {
        uint32_t x = i * 2654435761u + 12345u;

        buffer_clear(buffer);
        buffer_append_format(
                buffer,
                "MSH|^~\\&|PAS|TRUST|BUS|ICS|2024%02u%02u%02u%02u||ADT^A0%u|MSG%08u|P|2.4\r"
                "PID|||%010u^^^TRUST^MR||TEST%u^PATIENT%u^^^||19%02u%02u%02u|%c|||%u TEST STREET^^TESTTOWN\r"
                "PV1||I|WARD%u^BAY%u^BED%u||||C%07u^CONSULTANT^A||||||||||||V%09u\r",
                1 + i % 12, 1 + i % 28, i % 24, i % 60, 1 + i % 8, x, x * 7, x % 977, x % 991, i % 100, 1 + i % 12,
                1 + i % 28, i % 2 ? 'M' : 'F', x % 300, x % 40, x % 9, x % 30, x % 9999999, x);
        assert_int_equal(buffer->error, 0);
        return buffer_bytes(buffer);
}

static size_t train(OriginalTrainer *trainer, Buffer *dictionary) {
        _cleanup_(buffer_deinit) Buffer buffer = BUFFER_NULL;

        for (unsigned i = 0; i < 100000; i++) {
                int r = original_trainer_add(trainer, message_of(i, &buffer), dictionary);

                if (r == 0)
                        return i + 1;
                assert_int_equal(r, 1);
        }
        fail();
        return 0;
}

static void expect_comes_back(OriginalCodec *codec, Bytes original, int expected_compressed) {
        _cleanup_(buffer_deinit) Buffer kept = BUFFER_NULL, back = BUFFER_NULL;
        uint64_t dictionary = 99;
        int compressed = -1;

        assert_int_equal(original_compress(codec, original, &kept, &compressed, &dictionary), 0);
        assert_int_equal(compressed, expected_compressed);
        if (!compressed) {
                assert_int_equal(dictionary, 0);
                assert_true(bytes_equal(buffer_bytes(&kept), original));
                return;
        }
        assert_true(kept.size < original.size);
        assert_int_equal(dictionary, original_codec_newest(codec));
        assert_int_equal(original_decompress(codec, buffer_bytes(&kept), original.size, dictionary, &back), 0);
        assert_true(bytes_equal(buffer_bytes(&back), original));
}

static void test_what_compresses_comes_back(void **state) {
        _cleanup_(original_codec_freep) OriginalCodec *codec = NULL;
        _cleanup_(buffer_deinit) Buffer buffer = BUFFER_NULL;

        assert_int_equal(original_codec_new(&codec), 0);
        assert_int_equal(original_codec_newest(codec), 0);
        for (unsigned i = 0; i < 200; i++)
                expect_comes_back(codec, message_of(i, &buffer), 1);
}

static void test_what_is_small_or_random_is_kept_as_it_is(void **state) {
        _cleanup_(original_codec_freep) OriginalCodec *codec = NULL;
        uint8_t random[4096];
        uint64_t x = 88172645463325252ull;

        for (size_t i = 0; i < sizeof(random); i++) {
                x ^= x << 13;
                x ^= x >> 7;
                x ^= x << 17;
                random[i] = (uint8_t)(x >> 24);
        }
        assert_int_equal(original_codec_new(&codec), 0);
        expect_comes_back(codec, BYTES_NULL, 0);
        expect_comes_back(codec, BYTES_LITERAL("aaaaaaaaaaaaaaaaaaaaaaaa"), 0);
        expect_comes_back(codec, bytes_of(random, sizeof(random)), 0);
}

static void test_a_trained_dictionary_makes_it_smaller_and_old_ones_stay_readable(void **state) {
        _cleanup_(original_codec_freep) OriginalCodec *codec = NULL;
        _cleanup_(original_trainer_freep) OriginalTrainer *trainer = NULL, *second = NULL;
        _cleanup_(buffer_deinit) Buffer dictionary = BUFFER_NULL, other = BUFFER_NULL, buffer = BUFFER_NULL,
                                        without = BUFFER_NULL, with = BUFFER_NULL, back = BUFFER_NULL;
        uint64_t seq;
        int compressed;

        assert_int_equal(original_codec_new(&codec), 0);
        assert_int_equal(original_trainer_new(&trainer), 0);
        assert_in_range(train(trainer, &dictionary), 100, 2000);
        assert_in_range(dictionary.size, 256, 8192);
        assert_int_equal(original_trainer_add(trainer, BYTES_LITERAL("more"), &other), 1); /* once */

        message_of(123456, &buffer);
        assert_int_equal(original_compress(codec, buffer_bytes(&buffer), &without, &compressed, &seq), 0);
        assert_int_equal(seq, 0);
        assert_int_equal(original_codec_add_dictionary(codec, 17, buffer_bytes(&dictionary)), 0);
        assert_int_equal(original_codec_newest(codec), 17);
        assert_int_equal(original_compress(codec, buffer_bytes(&buffer), &with, &compressed, &seq), 0);
        assert_int_equal(seq, 17);
        assert_true(with.size * 2 < without.size);
        assert_int_equal(original_decompress(codec, buffer_bytes(&without), buffer.size, 0, &back), 0);
        assert_true(bytes_equal(buffer_bytes(&back), buffer_bytes(&buffer)));

        /* A newer one; and an older one read later does not become the newest. */
        assert_int_equal(original_trainer_new(&second), 0);
        train(second, &other);
        assert_int_equal(original_codec_add_dictionary(codec, 40, buffer_bytes(&other)), 0);
        assert_int_equal(original_codec_add_dictionary(codec, 30, buffer_bytes(&other)), 0);
        assert_int_equal(original_codec_add_dictionary(codec, 40, buffer_bytes(&other)), 0);
        assert_int_equal(original_codec_newest(codec), 40);
        assert_int_equal(original_decompress(codec, buffer_bytes(&with), buffer.size, 17, &back), 0);
        assert_true(bytes_equal(buffer_bytes(&back), buffer_bytes(&buffer)));
        expect_comes_back(codec, buffer_bytes(&buffer), 1);
}

static void test_an_unknown_dictionary_and_damage_are_said(void **state) {
        _cleanup_(original_codec_freep) OriginalCodec *codec = NULL;
        _cleanup_(buffer_deinit) Buffer buffer = BUFFER_NULL, kept = BUFFER_NULL, back = BUFFER_NULL;
        uint64_t dictionary;
        int compressed;

        assert_int_equal(original_codec_new(&codec), 0);
        message_of(1, &buffer);
        assert_int_equal(original_compress(codec, buffer_bytes(&buffer), &kept, &compressed, &dictionary), 0);
        assert_int_equal(original_decompress(codec, buffer_bytes(&kept), buffer.size, 5, &back), -ENOENT);
        assert_int_equal(original_decompress(codec, buffer_bytes(&kept), buffer.size - 1, 0, &back), -EBADMSG);
        assert_int_equal(original_decompress(codec, buffer_bytes(&kept), buffer.size + 1, 0, &back), -EBADMSG);
        assert_int_equal(original_decompress(codec, bytes_of(kept.data, kept.size / 2), buffer.size, 0, &back),
                         -EBADMSG);
        assert_int_equal(original_decompress(codec, BYTES_LITERAL("no frame"), 10, 0, &back), -EBADMSG);
        assert_int_equal(original_codec_add_dictionary(codec, 0, BYTES_LITERAL("x")), -EINVAL);
        assert_int_equal(original_codec_add_dictionary(codec, 1, BYTES_NULL), -EINVAL);
}

static void test_samples_in_which_nothing_repeats_train_nothing(void **state) {
        _cleanup_(original_trainer_freep) OriginalTrainer *trainer = NULL;
        _cleanup_(buffer_deinit) Buffer dictionary = BUFFER_NULL;

        assert_int_equal(original_trainer_new(&trainer), 0);
        for (unsigned i = 0; i < 2500; i++)
                assert_int_equal(original_trainer_add(trainer, BYTES_LITERAL("x"), &dictionary), 1);
        assert_int_equal(original_trainer_add(trainer, BYTES_NULL, &dictionary), 1);
        train(trainer, &dictionary); /* and with better ones it does */
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_what_compresses_comes_back),
                cmocka_unit_test(test_what_is_small_or_random_is_kept_as_it_is),
                cmocka_unit_test(test_a_trained_dictionary_makes_it_smaller_and_old_ones_stay_readable),
                cmocka_unit_test(test_an_unknown_dictionary_and_damage_are_said),
                cmocka_unit_test(test_samples_in_which_nothing_repeats_train_nothing),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
