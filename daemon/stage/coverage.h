#pragma once
/*
 * Which fields the messages of each source had, and what became of them: counted for `carebusctl coverage`, kept over restarts in a file of
 * its own. These are figures, not facts: nothing is folded from them, and what a crash takes is a minute's counts. One thread.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "carebus/v1/control.pb-c.h"

/* Different fields of one source; what comes after them is not counted, and the answer says so. */
#define COVERAGE_LINES_MAX 4096

typedef struct Coverage Coverage;

int coverage_new(Coverage **ret);
Coverage *coverage_free(Coverage *coverage);
DEFINE_CLEANUP(Coverage *, coverage_free)

/* `path` is copied. *ret_is_new: this use of this field was never seen before. 0 or -ENOMEM. */
int coverage_add(Coverage *coverage, const char *source, const Carebus__V1__CoverageField *field, int64_t now_at,
                 bool *ret_is_new);
/* A code that the profile has no map for. Codes that are no short word are counted under their path alone: somebody may have typed a
 * sentence. */
int coverage_add_miss(Coverage *coverage, const char *source, const char *path, const char *code, int64_t now_at,
                      bool *ret_is_new);
/* What was counted, of one source or of all (NULL). In the arena; borrows names from the table. 0 or -ENOMEM. */
int coverage_answer(const Coverage *coverage, const char *source, Arena *arena, Carebus__V1__CoverageReply *ret);

/* Reads what coverage_save() wrote. 0 also where there is no file; -EBADMSG: it is damaged, and all begins at zero. */
int coverage_load(Coverage *coverage, const char *path);
/* Nothing where nothing has changed. 0 or a negative errno. */
int coverage_save(Coverage *coverage, const char *path);
