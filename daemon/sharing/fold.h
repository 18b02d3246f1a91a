#pragma once
/*
 * Words of a text, folded: letters without case and marks (of Latin scripts), what nobody sees left out (soft hyphens, joiners),
 * everything that is neither letter nor digit between words. A word comes as a hash of its letters. Inside this folder.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

typedef struct FoldReader {
        const uint8_t *at, *end;
} FoldReader;

static inline FoldReader fold_reader(const void *text, size_t size) {
        const uint8_t *at = size > 0 ? text : (const void *)"";

        return (FoldReader){ .at = at, .end = at + size };
}
/* 0: no word is left. */
uint64_t fold_next(FoldReader *reader);
/* Of a code: letters without case, without dots and blanks. `n` letters at most; *ret_n: how many there are. */
uint64_t fold_code(Bytes code, size_t n, size_t *ret_n);
