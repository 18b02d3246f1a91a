#pragma once
/*
 * Which systems may ask the facade: a line `TOKEN SYSTEM` each. Kept as hashes, compared in a time that tells nothing of them. Each has its
 * own measure of requests.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"

typedef struct FacadeTokens FacadeTokens;
typedef struct FacadeCaller FacadeCaller;

/* 0, -EBADMSG for a line that is none or a file that others may read, or a negative errno. */
int facade_tokens_read(const char *path, FacadeTokens **ret);
FacadeTokens *facade_tokens_free(FacadeTokens *tokens);
DEFINE_CLEANUP(FacadeTokens *, facade_tokens_free)
/* `authorization` as the header says it; NULL: nobody. */
FacadeCaller *facade_tokens_find(FacadeTokens *tokens, const char *authorization);
const char *facade_caller_system(const FacadeCaller *caller);
/* Takes one request out of the measure; false: it is empty, and *ret_seconds says when to come again. `at`: monotonic microseconds. */
bool facade_caller_take(FacadeCaller *caller, int64_t at, unsigned *ret_seconds);
