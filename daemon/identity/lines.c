/* Two addresses, word by word: see fields.h. */
#include <string.h>

#include "base/text.h"
#include "daemon/identity/fields.h"
#include "daemon/identity/similarity.h"

#define TOKENS_MAX 16
#define TOKEN_SIZE 32
#define TOKEN_CLOSE 880
#define SHARE_CLOSE 660
#define SHARE_STREET 600

/* The words of a line, in the order in which they stand. */
typedef struct Tokens {
        char of[TOKENS_MAX][TOKEN_SIZE];
        bool is_number[TOKENS_MAX];
        size_t n, n_numbers;
} Tokens;

/* One word has one form, the short one; anything else is left as it is. */
static const struct {
        const char *word, *form;
} forms[] = {
        { "apartment", "flat" }, { "apt", "flat" },      { "avenue", "ave" }, { "av", "ave" },   { "close", "cl" },
        { "court", "ct" },       { "crescent", "cres" }, { "drive", "dr" },   { "east", "e" },   { "gardens", "gdns" },
        { "grove", "gr" },       { "house", "hse" },     { "lane", "ln" },    { "mount", "mt" }, { "north", "n" },
        { "place", "pl" },       { "road", "rd" },       { "saint", "st" },   { "south", "s" },  { "square", "sq" },
        { "street", "st" },      { "terrace", "terr" },  { "ter", "terr" },   { "west", "w" },
};

static void token_take(const char *text, size_t size, char ret[static TOKEN_SIZE]) {
        memcpy(ret, text, size);
        ret[size] = '\0';
        for (size_t i = 0; i < ELEMENTSOF(forms); i++)
                if (text_equal(ret, forms[i].word))
                        stpcpy(ret, forms[i].form);
}

static void tokens_read(const char *line, Tokens *ret) {
        ret->n = ret->n_numbers = 0;
        while (*line && ret->n < TOKENS_MAX) {
                size_t size = strcspn(line, " "), kept = MIN(size, (size_t)TOKEN_SIZE - 1);

                if (size > 0) {
                        token_take(line, kept, ret->of[ret->n]);
                        ret->is_number[ret->n] = strpbrk(ret->of[ret->n], "0123456789") != NULL;
                        ret->n_numbers += ret->is_number[ret->n];
                        ret->n++;
                }
                line += size + (line[size] == ' ');
        }
}

static bool tokens_agree(const Tokens *a, size_t i, const Tokens *b, size_t j) {
        if (a->is_number[i] != b->is_number[j])
                return false;
        return strcmp(a->of[i], b->of[j]) == 0 ||
               (!a->is_number[i] && word_similarity(a->of[i], b->of[j]) >= TOKEN_CLOSE);
}

static size_t tokens_shared(const Tokens *a, const Tokens *b, size_t *ret_numbers) {
        uint32_t used = 0;
        size_t n = 0;

        *ret_numbers = 0;
        for (size_t i = 0; i < a->n; i++) {
                for (size_t j = 0; j < b->n; j++) {
                        if (used >> j & 1 || !tokens_agree(a, i, b, j))
                                continue;
                        used |= UINT32_C(1) << j;
                        *ret_numbers += a->is_number[i];
                        n++;
                        break;
                }
        }
        return n;
}

MatchAgreement lines_compare(const char *a, const char *b, uint32_t *ret_similarity) {
        Tokens x, y;
        size_t shared, numbers;
        bool is_first = strlen(a) != strlen(b) ? strlen(a) < strlen(b) : strcmp(a, b) <= 0;

        /* As with letters: there is one side to begin from. */
        tokens_read(is_first ? a : b, &x);
        tokens_read(is_first ? b : a, &y);
        *ret_similarity = 0;
        if (x.n == 0 || y.n == 0)
                return AGREEMENT_MISSING;
        shared = tokens_shared(&x, &y, &numbers);
        *ret_similarity = (uint32_t)(1000 * shared / MIN(x.n, y.n));
        /* Two houses of one street: no number in common, though both have one. */
        if (numbers == 0 && x.n_numbers > 0 && y.n_numbers > 0)
                return *ret_similarity >= SHARE_STREET || shared + 1 >= MIN(x.n, y.n) ? AGREEMENT_STREET
                                                                                      : AGREEMENT_DIFFERS;
        /* One word alone is a place or a street. */
        if (MIN(x.n, y.n) == 1)
                return shared > 0 ? AGREEMENT_STREET : AGREEMENT_DIFFERS;
        return *ret_similarity == 1000          ? AGREEMENT_EXACT
               : *ret_similarity >= SHARE_CLOSE ? AGREEMENT_CLOSE
                                                : AGREEMENT_DIFFERS;
}
