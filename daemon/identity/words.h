#pragma once
/*
 * All the words of one person by field, each once, in an order of their own: whatever order the traits stand in, the same
 * words are compared. Texts are borrowed from the traits. Of more than fit the current ones and then the first by their
 * bytes are kept: no hostile list costs more than a person with many names. Inside this folder.
 */
#include <stdbool.h>
#include <stdint.h>

#include "daemon/identity/match.h"

#define WORDS_MAX 24

typedef struct Word {
        const char *text;
        uint8_t rank; /* of two that say the same, the lower stands; its meaning depends on the field */
} Word;

typedef struct Words {
        Word of[WORDS_MAX];
        size_t n;
} Words;

/* Ranks of names. Of given names those of WORD_FURTHER stand behind the first. */
enum { WORD_CURRENT, WORD_FORMER, WORD_FURTHER };
/* Ranks of places. */
enum { WORD_OWN, WORD_COMMUNAL };

typedef struct WordDate {
        uint32_t year, month, day; /* 0: not known */
} WordDate;

/* A number of a national health service. */
typedef struct WordNumber {
        const char *system, *value;
        bool verified;
} WordNumber;

typedef enum WordSex {
        SEX_MALE = 1,
        SEX_FEMALE = 2,
        SEX_OTHER = 4,
} WordSex;

/* First names that are written apart, put together: Mary Jane is Maryjane. */
#define JOINED_MAX 8
#define JOINED_SIZE 64

typedef struct PersonWords {
        Words families, givens, postcodes, lines, telecom;
        char joined[JOINED_MAX][JOINED_SIZE];
        size_t n_joined;
        WordDate dates[WORDS_MAX];
        size_t n_dates;
        WordNumber numbers[WORDS_MAX];
        size_t n_numbers;
        uint32_t sexes;        /* bits */
        uint64_t birth_orders; /* bits */
        bool multiple_birth;
} PersonWords;

void person_words(const MatchRules *rules, MatchPerson person, PersonWords *ret);
/* Of the numbers of a person those that count: daemon/identity/numbers.c. */
void person_numbers(MatchPerson person, PersonWords *ret);
/* Has it a first name that tells anything? */
bool person_has_first_name(const PersonWords *words);
