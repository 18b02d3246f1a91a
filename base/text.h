#pragma once
/*
 * Text that crosses borders: UTF-8, names, numbers, hex, near misses.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

/* Length of the longest prefix that is well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms). */
size_t utf8_valid_prefix(const void *data, size_t size);
static inline bool utf8_is_valid(const void *data, size_t size) {
        return utf8_valid_prefix(data, size) == size;
}
/* [a-z0-9-]{1,32}: sources, teams, consumers. */
bool name_is_valid(const char *name);
/* Decimal digits only, no sign, no space; -EINVAL or -ERANGE. */
int text_to_u64(const char *text, uint64_t *ret);
/* Writes 2*size hex digits and a NUL. */
void hex_encode(const void *data, size_t size, char *ret_text);
/* Exactly 2*size hex digits of either case; -EINVAL. */
int hex_decode(const char *text, void *ret_data, size_t size);
/* A copy in which C0, C1, DEL, bidi controls and what is not UTF-8 are escaped as \xNN or \u{NNNN}: fit for a terminal
 * or a log line. On the heap; NULL when memory is out. */
char *text_escaped(Bytes bytes);
/* Damerau-Levenshtein distance, at most `limit` + 1. */
size_t text_distance(const char *a, const char *b, size_t limit);
/* The candidate that a typist may have meant, or NULL: distance at most 2 and less than half the word. */
const char *text_did_you_mean(const char *word, const char *const *candidates, size_t n_candidates);
bool text_starts_with(const char *text, const char *prefix);
bool text_equal(const char *a, const char *b); /* NULL equals NULL only */
/* asprintf that says -ENOMEM. */
int text_format(char **ret, const char *format, ...) __attribute__((format(printf, 2, 3)));
