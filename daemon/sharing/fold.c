#include "daemon/sharing/fold.h"

#define HASH_START UINT64_C(0xcbf29ce484222325)
#define HASH_PRIME UINT64_C(0x9e3779b97f4a7c15)

/* Of letters, eight at a time: a word has few, and a letter that waits for the product of the one before costs more than reading it. */
typedef struct Hash {
        uint64_t of_before, letters;
        size_t n;
} Hash;

static inline void hash_eight(Hash *hash) {
        hash->of_before = (hash->of_before ^ hash->letters) * HASH_PRIME;
        hash->of_before ^= hash->of_before >> 32;
        hash->letters = 0;
}

static inline void hash_add(Hash *hash, uint8_t byte) {
        hash->letters = hash->letters << 8 | byte;
        if (++hash->n % 8 == 0)
                hash_eight(hash);
}

static inline uint64_t hash_end(const Hash *hash) {
        uint64_t all = (hash->of_before ^ hash->letters ^ (uint64_t)hash->n << 56) * HASH_PRIME;

        return (all ^ all >> 32) ?: 1;
}

/* U+00C0 to U+017F without their marks; 0: it is no letter. Two letters where one stands for two. */
static const char latin[][3] = {
        /* clang-format off */
        "a", "a", "a", "a", "a", "a", "ae", "c", "e", "e", "e", "e", "i", "i", "i", "i",
        "d", "n", "o", "o", "o", "o", "o", "", "o", "u", "u", "u", "u", "y", "th", "ss",
        "a", "a", "a", "a", "a", "a", "ae", "c", "e", "e", "e", "e", "i", "i", "i", "i",
        "d", "n", "o", "o", "o", "o", "o", "", "o", "u", "u", "u", "u", "y", "th", "y",
        "a", "a", "a", "a", "a", "a", "c", "c", "c", "c", "c", "c", "c", "c", "d", "d",
        "d", "d", "e", "e", "e", "e", "e", "e", "e", "e", "e", "e", "g", "g", "g", "g",
        "g", "g", "g", "g", "h", "h", "h", "h", "i", "i", "i", "i", "i", "i", "i", "i",
        "i", "i", "ij", "ij", "j", "j", "k", "k", "k", "l", "l", "l", "l", "l", "l", "l",
        "l", "l", "l", "n", "n", "n", "n", "n", "n", "n", "n", "n", "o", "o", "o", "o",
        "o", "o", "oe", "oe", "r", "r", "r", "r", "r", "r", "s", "s", "s", "s", "s", "s",
        "s", "s", "t", "t", "t", "t", "t", "t", "u", "u", "u", "u", "u", "u", "u", "u",
        "u", "u", "u", "u", "w", "w", "y", "y", "y", "z", "z", "z", "z", "z", "z", "s",
        /* clang-format on */
};
_Static_assert(sizeof(latin) / sizeof(latin[0]) == 0x180 - 0xC0, "one a letter");

static bool is_unseen(uint32_t rune) {
        return (rune >= 0x300 && rune <= 0x36F) || rune == 0xAD || (rune >= 0x200B && rune <= 0x200F) ||
               (rune >= 0x2060 && rune <= 0x2064) || rune == 0xFEFF || (rune >= 0xFE00 && rune <= 0xFE0F);
}

static bool is_between_words(uint32_t rune) {
        return rune < 0xC0 || rune == 0xD7 || rune == 0xF7 || (rune >= 0x2000 && rune <= 0x2BFF) ||
               (rune >= 0x3000 && rune <= 0x303F);
}

/* One letter of more than one byte; what is not UTF-8 counts as a letter of its own. */
static uint32_t take_rune(FoldReader *reader) {
        uint8_t first = *reader->at++;
        unsigned more = first >= 0xF0 ? 3 : first >= 0xE0 ? 2 : first >= 0xC0 ? 1 : 0;
        uint32_t rune = more == 3   ? first & 0x07
                        : more == 2 ? first & 0x0F
                        : more == 1 ? first & 0x1F
                                    : 0x110000u + first;

        for (; more > 0; more--) {
                if (reader->at == reader->end || (*reader->at & 0xC0) != 0x80)
                        return 0x110000u + first;
                rune = rune << 6 | (*reader->at++ & 0x3F);
        }
        return rune;
}

typedef enum Step { STEP_LETTER, STEP_UNSEEN, STEP_BETWEEN } Step;

static Step add_rune(uint32_t rune, Hash *hash) {
        if (is_unseen(rune))
                return STEP_UNSEEN;
        if (is_between_words(rune))
                return STEP_BETWEEN;
        if (rune >= 0xC0 && rune < 0x180) {
                for (const char *letter = latin[rune - 0xC0]; *letter; letter++)
                        hash_add(hash, (uint8_t)*letter);
                return STEP_LETTER;
        }
        if (rune >= 0xFF21 && rune <= 0xFF5A) /* of full width */
                rune = (rune - 0xFF21) % 32 + 'a';
        if (rune < 0x80) {
                hash_add(hash, (uint8_t)rune);
                return STEP_LETTER;
        }
        for (unsigned i = 0; i < 4; i++, rune >>= 8)
                hash_add(hash, (uint8_t)rune | 0x80);
        return STEP_LETTER;
}

/* Letters and digits of ASCII folded; 0: between words. */
/* clang-format off */
static const uint8_t ascii[128] = {
        ['0'] = '0', '1', '2', '3', '4', '5', '6', '7', '8', '9',
        ['A'] = 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm',
        'n', 'o', 'p', 'q', 'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z',
        ['a'] = 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm',
        'n', 'o', 'p', 'q', 'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z',
};
/* clang-format on */

#define EACH_BYTE(byte) ((byte)*UINT64_C(0x0101010101010101))
#define TOP_BITS EACH_BYTE(0x80)

/* The top bit of each of eight bytes that is at least `byte`; all of them, and it, are below 0x80. */
static inline uint64_t at_least(uint64_t eight, uint8_t byte) {
        return ((eight | TOP_BITS) - EACH_BYTE(byte)) & TOP_BITS;
}

/* Letters and digits of ASCII eight at a time, up to the first byte that is none: most of a text is such. How many they were. The hash
 * stands between two eights. */
static inline size_t take_eight(FoldReader *reader, Hash *hash) {
        const uint64_t eight = load_le64(reader->at), low = eight & ~TOP_BITS, small = low | EACH_BYTE(0x20);
        const uint64_t digits = at_least(low, '0') & ~at_least(low, '9' + 1);
        const uint64_t letters = at_least(small, 'a') & ~at_least(small, 'z' + 1);
        const uint64_t none = ~(digits | letters) & TOP_BITS, others = none | (eight & TOP_BITS);
        const size_t n = others ? (size_t)__builtin_ctzll(others) / 8 : 8;

        if (n == 0)
                return 0;
        hash->letters = __builtin_bswap64(small) >> 8 * (8 - n);
        hash->n += n;
        reader->at += n;
        if (n == 8)
                hash_eight(hash);
        return n;
}

uint64_t fold_next(FoldReader *reader) {
        Hash hash = { .of_before = HASH_START };
        bool has_letters = false;

        while (reader->at < reader->end) {
                Step step;

                if (hash.n % 8 == 0 && reader->end - reader->at >= 8) {
                        const size_t n = take_eight(reader, &hash);

                        has_letters |= n > 0;
                        if (n == 8)
                                continue;
                }
                if (*reader->at < 0x80) {
                        uint8_t letter = ascii[*reader->at++];

                        step = letter ? STEP_LETTER : STEP_BETWEEN;
                        if (letter)
                                hash_add(&hash, letter);
                } else {
                        step = add_rune(take_rune(reader), &hash);
                }
                if (step == STEP_BETWEEN && has_letters)
                        return hash_end(&hash);
                has_letters |= step == STEP_LETTER;
        }
        return !has_letters ? 0 : hash_end(&hash);
}

uint64_t fold_code(Bytes code, size_t n, size_t *ret_n) {
        Hash hash = { .of_before = HASH_START };
        size_t used = 0;

        for (size_t i = 0; i < code.size && used < n; i++) {
                uint8_t byte = code.data[i];

                if (byte == '.' || byte == ' ')
                        continue;
                hash_add(&hash, byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte + 32) : byte);
                used++;
        }
        *ret_n = used;
        return hash_end(&hash);
}
