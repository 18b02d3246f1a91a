#pragma once
/*
 * Bearer tokens (RFC 6750): who may speak without a certificate. Kept as hashes, compared in a time that tells nothing of them.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"

typedef struct Tokens Tokens;

/* Positive returns. */
enum {
        _TOKENS_E_SUCCESS,
        TOKENS_E_OPEN,      /* everybody on this machine can read the file */
        TOKENS_E_EMPTY,     /* no token in it: nobody could speak */
        TOKENS_E_MALFORMED, /* a line that no Authorization header could say */
};

/* A token a line; empty lines and lines that begin with # are passed over. 0, TOKENS_E_* or a negative errno. */
int tokens_read(const char *path, Tokens **ret);
/* What to do about a TOKENS_E_*. Static text. */
const char *tokens_text(int code);
Tokens *tokens_free(Tokens *tokens);
DEFINE_CLEANUP(Tokens *, tokens_free)

/* `authorization` as the header says it: "Bearer abc"; NULL: there was none. */
bool tokens_match(const Tokens *tokens, const char *authorization);

/* The one token that we ourselves show to a server: the first line. Heap, erased by token_erase(). Returns as tokens_read(). */
int token_read_first(const char *path, char **ret);
void token_erase(char *token);
