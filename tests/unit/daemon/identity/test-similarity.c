/* How alike words are, and how they sound: the known examples, both sides alike, and nothing beyond its bounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "daemon/identity/similarity.h"

static void test_the_examples_of_winkler_come_out(void **state) {
        static const struct {
                const char *a, *b;
                uint32_t thousandths;
        } cases[] = {
                { "martha", "marhta", 961 }, { "dwayne", "duane", 840 },  { "dixon", "dicksonx", 813 },
                { "jones", "johnson", 832 }, { "abroms", "abrams", 922 }, { "shackleford", "shackelford", 981 },
                { "smith", "smith", 1000 },  { "smith", "", 0 },          { "", "", 0 },
                { "abc", "xyz", 0 },         { "a", "a", 1000 },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                uint32_t found = word_similarity(cases[i].a, cases[i].b);

                /* Rounded down twice: one thousandth less than the books have. */
                if (found > cases[i].thousandths + 1 || found + 2 < cases[i].thousandths)
                        fail_msg("%s, %s: %u, not %u", cases[i].a, cases[i].b, found, cases[i].thousandths);
        }
}

static void test_letters_count_not_bytes(void **state) {
        /* Four letters of which one differs, whatever they are written in. */
        assert_int_equal(word_similarity("\xD8\xA7\xD8\xAD\xD9\x85\xD8\xAF", "\xD8\xA7\xD8\xAD\xD9\x85\xD8\xB1"),
                         word_similarity("abcd", "abce"));
}

static void test_names_that_are_heard_alike_sound_alike(void **state) {
        static const char *const pairs[][2] = {
                { "mcallister", "macalister" }, { "knight", "night" },
                { "phillips", "filips" },       { "reid", "reed" },
                { "wright", "right" },          { "catherine", "katharine" },
                { "hughes", "ughes" },          { "dickson", "dixon" },
        };
        char a[SOUND_SIZE], b[SOUND_SIZE];

        for (size_t i = 0; i < ELEMENTSOF(pairs); i++) {
                word_sound(pairs[i][0], a);
                word_sound(pairs[i][1], b);
                if (strcmp(a, b))
                        fail_msg("%s is %s, %s is %s", pairs[i][0], a, pairs[i][1], b);
        }
        word_sound("smith", a);
        word_sound("brown", b);
        assert_string_not_equal(a, b);
        word_sound("", a);
        assert_string_equal(a, "");
        word_sound("\xE0\xA4\xB0\xE0\xA4\xAE\xE0\xA5\x87\xE0\xA4\xB6", a);
        assert_string_equal(a, "\xE0\xA4\xB0\xE0\xA4\xAE\xE0\xA5\x87");
}

static void test_a_double_name_holds_its_halves(void **state) {
        assert_true(word_is_part("smithjones", "jones"));
        assert_true(word_is_part("smith", "smithjones"));
        assert_false(word_is_part("smithson", "mith"));
        assert_false(word_is_part("lee", "leeming"));
        assert_false(word_is_part("smith", "smiths"));
        assert_false(word_is_part("", ""));
}

/* Any bytes, whole letters or not. */
static void test_any_two_words_are_as_alike_from_either_side(void **state) {
        unsigned seed = getenv("CAREBUS_SEED") ? (unsigned)atoi(getenv("CAREBUS_SEED")) : 61;

        print_message("seed %u\n", seed);
        srandom(seed);
        for (int round = 0; round < 100000; round++) {
                char a[90], b[90], sound[SOUND_SIZE];
                size_t n_a = (size_t)random() % 89, n_b = (size_t)random() % 89;
                int letters = random() % 4 ? 3 : 255;
                uint32_t there, back;

                for (size_t i = 0; i < sizeof(a); i++) {
                        a[i] = (char)(letters == 3 ? 'a' + random() % letters : 1 + random() % letters);
                        b[i] = (char)(letters == 3 ? 'a' + random() % letters : 1 + random() % letters);
                }
                a[n_a] = b[n_b] = '\0';
                there = word_similarity(a, b);
                back = word_similarity(b, a);
                if (there != back || there > 1000 || (n_a > 0 && word_similarity(a, a) != 1000))
                        fail_msg("round %d of seed %u: %u and %u", round, seed, there, back);
                word_sound(a, sound);
                assert_true(strlen(sound) < SOUND_SIZE);
        }
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_the_examples_of_winkler_come_out),
                cmocka_unit_test(test_letters_count_not_bytes),
                cmocka_unit_test(test_names_that_are_heard_alike_sound_alike),
                cmocka_unit_test(test_a_double_name_holds_its_halves),
                cmocka_unit_test(test_any_two_words_are_as_alike_from_either_side),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
