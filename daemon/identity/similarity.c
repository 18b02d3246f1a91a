#include "daemon/identity/similarity.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"

#define PREFIX_MAX 4 /* Winkler's: so many letters at the beginning count more */
#define SOUND_LETTERS 4

typedef struct Letters {
        uint32_t of[SIMILARITY_LETTERS_MAX];
        size_t n;
} Letters;

/* One letter; a byte that begins none stands for itself, beyond all letters there are. */
static size_t letter_read(const char *word, uint32_t *ret) {
        const unsigned char *bytes = (const unsigned char *)word;
        size_t size = bytes[0] < 0xC0 ? 1 : bytes[0] < 0xE0 ? 2 : bytes[0] < 0xF0 ? 3 : 4;
        uint32_t letter = size == 1 ? bytes[0] : bytes[0] & (0x7Fu >> size);

        for (size_t i = 1; i < size; i++) {
                if ((bytes[i] & 0xC0) != 0x80) {
                        *ret = 0x110000u + bytes[0];
                        return 1;
                }
                letter = letter << 6 | (bytes[i] & 0x3Fu);
        }
        *ret = letter;
        return size;
}

static void letters_read(const char *word, Letters *ret) {
        ret->n = 0;
        while (*word && ret->n < SIMILARITY_LETTERS_MAX)
                word += letter_read(word, &ret->of[ret->n++]);
}

/* Which letters of `a` have their like in `b`, near enough; the sets are bits. */
static size_t letters_match(const Letters *a, const Letters *b, uint64_t *ret_in_a, uint64_t *ret_in_b) {
        size_t longer = MAX(a->n, b->n), reach = longer / 2 > 0 ? longer / 2 - 1 : 0, n = 0;

        *ret_in_a = *ret_in_b = 0;
        for (size_t i = 0; i < a->n; i++) {
                size_t end = MIN(i + reach + 1, b->n);

                for (size_t j = i > reach ? i - reach : 0; j < end; j++) {
                        if (*ret_in_b >> j & 1 || a->of[i] != b->of[j])
                                continue;
                        *ret_in_a |= UINT64_C(1) << i;
                        *ret_in_b |= UINT64_C(1) << j;
                        n++;
                        break;
                }
        }
        return n;
}

/* Of the letters that have their like, how many stand in another order. */
static size_t letters_out_of_order(const Letters *a, const Letters *b, uint64_t in_a, uint64_t in_b) {
        size_t j = 0, n = 0;

        for (size_t i = 0; i < a->n; i++) {
                if (!(in_a >> i & 1))
                        continue;
                while (!(in_b >> j & 1))
                        j++;
                n += a->of[i] != b->of[j++];
        }
        return n;
}

static bool stands_first(const Letters *a, const Letters *b) {
        if (a->n != b->n)
                return a->n < b->n;
        return memcmp(a->of, b->of, a->n * sizeof(a->of[0])) <= 0;
}

uint32_t word_similarity(const char *a, const char *b) {
        Letters first, second;
        const Letters *x = &first, *y = &second;
        uint64_t in_x, in_y, m, t, jaro;
        size_t prefix = 0;

        letters_read(a, &first);
        letters_read(b, &second);
        /* The search for likes is greedy: from the other side it may find others. So there is one side to begin from. */
        if (!stands_first(x, y)) {
                x = &second;
                y = &first;
        }
        m = letters_match(x, y, &in_x, &in_y);
        if (m == 0)
                return 0;
        t = letters_out_of_order(x, y, in_x, in_y) / 2;
        jaro = 1000 * (m * m * y->n + m * m * x->n + (m - t) * x->n * y->n) / (3 * m * x->n * y->n);
        while (prefix < MIN(x->n, (size_t)PREFIX_MAX) && x->of[prefix] == y->of[prefix])
                prefix++;
        return (uint32_t)(jaro + prefix * (1000 - jaro) / 10);
}

bool word_is_part(const char *a, const char *b) {
        size_t size_a = strlen(a), size_b = strlen(b);
        const char *whole = size_a > size_b ? a : b, *part = size_a > size_b ? b : a;
        size_t size = MIN(size_a, size_b), rest = MAX(size_a, size_b) - size;

        return size >= 4 && rest >= 3 && (memcmp(whole, part, size) == 0 || memcmp(whole + rest, part, size) == 0);
}

size_t word_first_letter(const char *word) {
        uint32_t letter;

        return *word ? letter_read(word, &letter) : 0;
}

/* A first letter that is written and not said. Mac and Mc, Ph and F, Wh and W come to one by the classes below. */
static const char *const silent_beginnings[] = { "gn", "kn", "pn", "ps" };

/* Soundex's classes; what is blank there is passed over. Vowels part what stands on either side of them. */
static char letter_class(char letter) {
        static const char classes[] = "a123a12-a22455a12623a1-2a2";

        return letter >= 'a' && letter <= 'z' ? classes[letter - 'a'] : '\0';
}

static const char *pass_silent(const char *word) {
        for (size_t i = 0; i < ELEMENTSOF(silent_beginnings); i++)
                if (text_starts_with(word, silent_beginnings[i]))
                        return word + 1;
        return word;
}

typedef struct Sound {
        char *text;
        size_t n;
        char last;
} Sound;

static void sound_add(Sound *sound, char letter) {
        char class = letter_class(letter);

        /* h and w part nothing: what stands before and after them is one sound. */
        if (class == '\0' || class == '-')
                return;
        if (class != sound->last && sound->n < SOUND_LETTERS && (class != 'a' || sound->n == 0))
                sound->text[sound->n++] = class;
        sound->last = class;
}

static void sound_of_other_letters(const char *word, char ret[static SOUND_SIZE]) {
        size_t n = 0;
        uint32_t letter;

        for (size_t i = 0; i < 3 && word[n]; i++)
                n += letter_read(word + n, &letter);
        memcpy(ret, word, n);
        ret[n] = '\0';
}

void word_sound(const char *word, char ret[static SOUND_SIZE]) {
        Sound sound = { .text = ret };

        for (const char *letter = pass_silent(word); *letter; letter++)
                sound_add(&sound, *letter);
        ret[sound.n] = '\0';
        if (sound.n == 0)
                sound_of_other_letters(word, ret);
}
