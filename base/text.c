/* Text as it comes from others: what is in it is looked at byte by byte, and a long run of ASCII eight bytes at a time. */
#include "base/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#define HIGH_BITS 0x8080808080808080ULL
#define NAME_MAX_SIZE 32U
#define WORD_MAX 63U /* longest word that is compared for near misses */

/* Size of the well-formed sequence at `p`, or 0. The second byte's range is what keeps out overlong forms, surrogates and
 * what is beyond U+10FFFF (Unicode 15, table 3-7). */
static size_t utf8_sequence(const uint8_t *p, size_t size) {
        uint8_t first = p[0], low = 0x80, high = 0xbf;
        size_t n;

        if (first < 0x80)
                return 1;
        if (first < 0xc2 || first > 0xf4)
                return 0;
        n = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
        if (size < n)
                return 0;
        if (first == 0xe0)
                low = 0xa0;
        else if (first == 0xed)
                high = 0x9f;
        else if (first == 0xf0)
                low = 0x90;
        else if (first == 0xf4)
                high = 0x8f;
        if (p[1] < low || p[1] > high)
                return 0;
        for (size_t i = 2; i < n; i++)
                if ((p[i] & 0xc0) != 0x80)
                        return 0;
        return n;
}

size_t utf8_valid_prefix(const void *data, size_t size) {
        const uint8_t *p = data;
        size_t i = 0;

        while (i < size) {
                size_t n;

                while (size - i >= 16 && ((load_le64(p + i) | load_le64(p + i + 8)) & HIGH_BITS) == 0)
                        i += 16;
                if (i == size)
                        break;
                n = utf8_sequence(p + i, size - i);
                if (n == 0)
                        break;
                i += n;
        }
        return i;
}

bool name_is_valid(const char *name) {
        size_t n = 0;

        for (; name[n]; n++)
                if (n == NAME_MAX_SIZE ||
                    !((name[n] >= 'a' && name[n] <= 'z') || (name[n] >= '0' && name[n] <= '9') || name[n] == '-'))
                        return false;
        return n > 0;
}

int text_to_u64(const char *text, uint64_t *ret) {
        uint64_t value = 0;

        if (!*text)
                return -EINVAL;
        for (; *text; text++) {
                if (*text < '0' || *text > '9')
                        return -EINVAL;
                if (__builtin_mul_overflow(value, 10U, &value) ||
                    __builtin_add_overflow(value, (uint64_t)(*text - '0'), &value)) {
                        /* What is no number at all is told as such, however long it is. */
                        while (*text >= '0' && *text <= '9')
                                text++;
                        return *text ? -EINVAL : -ERANGE;
                }
        }
        *ret = value;
        return 0;
}

void hex_encode(const void *data, size_t size, char *ret_text) {
        static const char digits[] = "0123456789abcdef";
        const uint8_t *p = data;

        for (size_t i = 0; i < size; i++) {
                ret_text[2 * i] = digits[p[i] >> 4];
                ret_text[2 * i + 1] = digits[p[i] & 0xf];
        }
        ret_text[2 * size] = '\0';
}

static int hex_digit(char c) {
        if (c >= '0' && c <= '9')
                return c - '0';
        if (c >= 'a' && c <= 'f')
                return c - 'a' + 10;
        return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

int hex_decode(const char *text, void *ret_data, size_t size) {
        uint8_t *p = ret_data;

        if (strlen(text) != 2 * size)
                return -EINVAL;
        for (size_t i = 0; i < size; i++) {
                int high = hex_digit(text[2 * i]), low = hex_digit(text[2 * i + 1]);

                if (high < 0 || low < 0)
                        return -EINVAL;
                p[i] = (uint8_t)(high << 4 | low);
        }
        return 0;
}

static uint32_t utf8_decode(const uint8_t *p, size_t n) {
        uint32_t value = n == 1 ? p[0] : p[0] & (0x7fU >> n);

        for (size_t i = 1; i < n; i++)
                value = value << 6 | (p[i] & 0x3fU);
        return value;
}

/* What a terminal obeys instead of showing it, or what makes it show another order or another line than there is. */
static bool must_be_escaped(uint32_t c) {
        return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0x061c || c == 0x200e || c == 0x200f ||
               (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;
}

char *text_escaped(Bytes bytes) {
        Buffer out = BUFFER_NULL;
        size_t i = 0;

        while (i < bytes.size) {
                size_t n = utf8_sequence(bytes.data + i, bytes.size - i);
                uint32_t c = n ? utf8_decode(bytes.data + i, n) : 0;

                if (n == 0 || (n == 1 && must_be_escaped(c)))
                        buffer_append_format(&out, "\\x%02x", bytes.data[i]);
                else if (must_be_escaped(c))
                        buffer_append_format(&out, "\\u{%04x}", c);
                else
                        buffer_append(&out, bytes.data + i, n);
                i += n ? n : 1;
        }
        return buffer_steal_text(&out);
}

static size_t min3(size_t a, size_t b, size_t c) {
        return MIN(MIN(a, b), c);
}

/* Optimal string alignment: three rows of the table are enough, since a swap looks two rows back. */
size_t text_distance(const char *a, const char *b, size_t limit) {
        size_t rows[3][WORD_MAX + 1], n_a = strlen(a), n_b = strlen(b);
        size_t difference = n_a > n_b ? n_a - n_b : n_b - n_a;

        if (strcmp(a, b) == 0)
                return 0;
        if (n_a > WORD_MAX || n_b > WORD_MAX || difference > limit)
                return limit + 1;
        for (size_t j = 0; j <= n_b; j++)
                rows[0][j] = j;
        for (size_t i = 1; i <= n_a; i++) {
                size_t *row = rows[i % 3], *above = rows[(i + 2) % 3], *two_above = rows[(i + 1) % 3];

                row[0] = i;
                for (size_t j = 1; j <= n_b; j++) {
                        row[j] = min3(above[j] + 1, row[j - 1] + 1, above[j - 1] + (a[i - 1] != b[j - 1]));
                        if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                                row[j] = MIN(row[j], two_above[j - 2] + 1);
                }
        }
        return MIN(rows[n_a % 3][n_b], limit + 1);
}

const char *text_did_you_mean(const char *word, const char *const *candidates, size_t n_candidates) {
        const size_t limit = 2;
        const char *best = NULL;
        size_t best_distance = limit + 1;

        for (size_t i = 0; i < n_candidates; i++) {
                size_t distance = text_distance(word, candidates[i], limit);

                /* One letter of two may be wrong, two of four are another word. */
                if (distance < best_distance && 2 * distance < strlen(word) + (distance == 1)) {
                        best = candidates[i];
                        best_distance = distance;
                }
        }
        return best;
}

bool text_starts_with(const char *text, const char *prefix) {
        return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool text_equal(const char *a, const char *b) {
        return a == b || (a && b && strcmp(a, b) == 0);
}

int text_format(char **ret, const char *format, ...) {
        va_list arguments;
        char *text = NULL;
        int n;

        va_start(arguments, format);
        n = vasprintf(&text, format, arguments);
        va_end(arguments);
        if (n < 0)
                return -ENOMEM;
        *ret = text;
        return 0;
}
