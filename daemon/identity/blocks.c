/* Who is compared with whom at all: see match.h, and docs/matching.md for what each block is good for. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "daemon/identity/match.h"
#include "daemon/identity/rules.h"
#include "daemon/identity/similarity.h"
#include "daemon/identity/words.h"

/* What a list of names may make; beyond it blocks are left out, the last of their order. */
#define BLOCKS_MAX 96
#define SOUNDS_MAX 8
/* Of a whole name; far more than any name that tells somebody apart needs. */
#define NAME_BYTES 32
#define HOUSE_BYTES 8
#define POSTCODE_BYTES 10
#define TELECOM_BYTES 64

typedef struct Sounds {
        char of[SOUNDS_MAX][SOUND_SIZE];
        size_t n;
} Sounds;

typedef struct Blocks {
        Arena *arena;
        char **of;
        size_t n;
        int r;
} Blocks;

__attribute__((format(printf, 2, 3))) static void add(Blocks *blocks, const char *format, ...);

static void add(Blocks *blocks, const char *format, ...) {
        char text[160];
        va_list arguments;

        if (blocks->r < 0 || blocks->n == BLOCKS_MAX)
                return;
        va_start(arguments, format);
        vsnprintf(text, sizeof(text), format, arguments);
        va_end(arguments);
        for (size_t i = 0; i < blocks->n; i++)
                if (text_equal(blocks->of[i], text))
                        return;
        blocks->of[blocks->n] = arena_text(blocks->arena, text, strlen(text));
        blocks->r = blocks->of[blocks->n] ? 0 : -ENOMEM;
        blocks->n += blocks->r == 0;
}

/* For %.*s: so much of a text as is whole letters. */
static int cut(const char *text, size_t max) {
        return (int)utf8_valid_prefix(text, strnlen(text, max));
}

static void sounds_add(Sounds *sounds, const char *word) {
        if (sounds->n == SOUNDS_MAX)
                return;
        word_sound(word, sounds->of[sounds->n]);
        for (size_t i = 0; i < sounds->n; i++)
                if (text_equal(sounds->of[i], sounds->of[sounds->n]))
                        return;
        sounds->n += sounds->of[sounds->n][0] != '\0';
}

static void sounds_of_families(const PersonWords *words, Sounds *ret) {
        ret->n = 0;
        for (size_t i = 0; i < words->families.n; i++)
                sounds_add(ret, words->families.of[i].text);
}

/* With what those are called who are called so: Peggy is found as Margaret. */
static void sounds_of_givens(const MatchRules *rules, const PersonWords *words, Sounds *ret) {
        ret->n = 0;
        for (size_t i = 0; i < words->givens.n && words->givens.of[i].rank != WORD_FURTHER; i++) {
                const char *given = words->givens.of[i].text;
                size_t n;
                const Nickname *groups = rules_nickname_groups(rules, given, &n);

                sounds_add(ret, given);
                for (size_t j = 0; j < n; j++)
                        sounds_add(ret, rules->heads[groups[j].group]);
        }
}

/* One name, and the whole date: day and month in the order of numbers, so that the two swapped are one block. */
static void add_by_date(Blocks *blocks, const Sounds *sounds, const WordDate *date) {
        for (size_t i = 0; i < sounds->n; i++)
                add(blocks, "nd:%s:%u:%02u%02u", sounds->of[i], date->year, MIN(date->month, date->day),
                    MAX(date->month, date->day));
}

static void add_by_postcode(Blocks *blocks, const Sounds *sounds, const char *postcode) {
        for (size_t i = 0; i < sounds->n; i++)
                add(blocks, "np:%s:%.*s", sounds->of[i], cut(postcode, POSTCODE_BYTES), postcode);
}

static const char *lesser(const char *a, const char *b) {
        return strcmp(a, b) <= 0 ? a : b;
}

/* Both names, in the order of letters: name order mistakes are one block. */
static void add_by_both_names(Blocks *blocks, const Sounds *families, const Sounds *givens, const WordDate *date) {
        for (size_t i = 0; i < families->n * givens->n; i++) {
                const char *family = families->of[i / givens->n], *given = givens->of[i % givens->n],
                           *first = lesser(family, given);
                const char *second = first == family ? given : family;

                add(blocks, "ny:%s:%s:%u", first, second, date->year);
                if (date->month && date->day)
                        add(blocks, "nm:%s:%s:%02u%02u", first, second, MIN(date->month, date->day),
                            MAX(date->month, date->day));
        }
}

/* A number and how the word behind it sounds: a house and its street, in whatever order an address says the rest. */
static void add_by_house(Blocks *blocks, const char *line) {
        char number[HOUSE_BYTES + 1] = "", word[NAME_BYTES + 1], sound[SOUND_SIZE];

        while (*line) {
                size_t size = strcspn(line, " "), digits = strcspn(line, "0123456789");
                bool is_number = digits < size;

                if (is_number) {
                        snprintf(number, sizeof(number), "%.*s", cut(line, MIN(size, (size_t)HOUSE_BYTES)), line);
                } else if (number[0] && size > 0) {
                        snprintf(word, sizeof(word), "%.*s", cut(line, MIN(size, (size_t)NAME_BYTES)), line);
                        word_sound(word, sound);
                        add(blocks, "h:%s:%s", number, sound);
                        number[0] = '\0';
                }
                line += size + (line[size] == ' ');
        }
}

static void add_by_whole_name(Blocks *blocks, const PersonWords *words) {
        for (size_t i = 0; i < words->families.n; i++) {
                for (size_t j = 0; j < words->givens.n && words->givens.of[j].rank != WORD_FURTHER; j++) {
                        const char *family = words->families.of[i].text, *given = words->givens.of[j].text;
                        const char *first = lesser(family, given), *second;

                        second = first == family ? given : family;
                        add(blocks, "nn:%.*s:%.*s", cut(first, NAME_BYTES), first, cut(second, NAME_BYTES), second);
                }
        }
}

static void add_all(const MatchRules *rules, const PersonWords *words, Blocks *blocks) {
        Sounds families, givens;

        sounds_of_families(words, &families);
        sounds_of_givens(rules, words, &givens);
        for (size_t i = 0; i < words->n_dates; i++) {
                const WordDate *date = &words->dates[i];

                if (date->month && date->day) {
                        add_by_date(blocks, &families, date);
                        add_by_date(blocks, &givens, date);
                }
                add_by_both_names(blocks, &families, &givens, date);
        }
        for (size_t i = 0; i < words->postcodes.n && words->postcodes.of[i].rank == WORD_OWN; i++) {
                const char *postcode = words->postcodes.of[i].text;

                for (size_t j = 0; j < words->n_dates; j++)
                        if (words->dates[j].month && words->dates[j].day)
                                add(blocks, "dp:%u%02u%02u:%.*s", words->dates[j].year, words->dates[j].month,
                                    words->dates[j].day, cut(postcode, POSTCODE_BYTES), postcode);
                add_by_postcode(blocks, &families, postcode);
                add_by_postcode(blocks, &givens, postcode);
        }
        for (size_t i = 0; i < words->lines.n && words->lines.of[i].rank == WORD_OWN; i++)
                add_by_house(blocks, words->lines.of[i].text);
        for (size_t i = 0; i < words->telecom.n; i++)
                add(blocks, "t:%.*s", cut(words->telecom.of[i].text, TELECOM_BYTES), words->telecom.of[i].text);
        add_by_whole_name(blocks, words);
}

int match_blocks(const MatchRules *rules, const Carebus__V1__Matching *matching, Arena *arena, char ***ret,
                 size_t *ret_n) {
        Carebus__V1__Trait trait = CAREBUS__V1__TRAIT__INIT;
        Carebus__V1__Trait *const traits[] = { &trait };
        Blocks blocks = { .arena = arena, .of = arena_alloc(arena, BLOCKS_MAX * sizeof(char *)) };
        PersonWords words;

        if (!blocks.of)
                return -ENOMEM;
        trait.matching = (Carebus__V1__Matching *)(uintptr_t)matching;
        person_words(rules, (MatchPerson){ traits, 1 }, &words);
        add_all(rules, &words, &blocks);
        if (blocks.r < 0)
                return blocks.r;
        *ret = blocks.of;
        *ret_n = blocks.n;
        return 0;
}
