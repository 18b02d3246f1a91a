#pragma once
/*
 * How alike two folded words are, in whole numbers, and how they sound. Words are UTF-8; what is not well-formed counts byte by byte.
 * Inside this folder. Any thread.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of a longer word the first 64 letters count. */
#define SIMILARITY_LETTERS_MAX 64
/* Room for what word_sound() writes, with the NUL. */
#define SOUND_SIZE 20

/* Jaro and Winkler, in thousandths: 1000 is the same word, 0 nothing in common or a word that is empty. Symmetric. */
uint32_t word_similarity(const char *a, const char *b);
/* Are all letters of one the beginning or the end of the other, at least four of them, and three or more left over? */
bool word_is_part(const char *a, const char *b);
/* The first letter, as bytes. 0 of an empty word. */
size_t word_first_letter(const char *word);
/* What stays the same where a name is heard and written down again: docs/matching.md has the rules. Of a word without a Latin letter its
 * first three letters. "" of an empty word. */
void word_sound(const char *word, char ret[static SOUND_SIZE]);
