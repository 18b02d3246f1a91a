#pragma once
/*
 * Records of a file as rules compare them, and weights out of them: carebusctl matching.
 */
#include <stdbool.h>

#include "base/arena.h"
#include "carebus/v1/journal.pb-c.h"

typedef struct MatchingRow {
        Carebus__V1__Matching *matching; /* NULL: it says nothing of a person */
        const char *truth;               /* who it is, where a column says so */
} MatchingRow;

typedef struct MatchingRows {
        Arena *arena;
        MatchingRow *of;
        size_t n;
} MatchingRows;

/* Which column of a file is which field: FIELD=HEADER[,FIELD=HEADER...], a field several times where its parts stand in several. -EINVAL:
 * *ret_problem says what of it cannot be used. */
typedef struct MatchingColumns MatchingColumns;
int matching_columns_new(const char *text, const char *truth, MatchingColumns **ret, const char **ret_problem);
MatchingColumns *matching_columns_free(MatchingColumns *columns);
DEFINE_CLEANUP(MatchingColumns *, matching_columns_free)

/* Adds the rows of one file. 0, a negative errno, or 1: *ret_problem, in the arena, says why the file cannot be used. */
int matching_rows_read(const char *path, const MatchingColumns *columns, MatchingRows *rows, const char **ret_problem);

/* One weight as it was found. */
typedef struct MatchingFound {
        const char *field, *agreement;
        int32_t shipped, thousandths;
        double together, apart; /* how many pairs of one person, and of two, agree like that */
} MatchingFound;

typedef struct MatchingEstimate {
        MatchingFound *of;
        size_t n;
        size_t n_candidates, n_random; /* pairs that share a block; pairs drawn by lot */
        double n_together;             /* pairs of one person: counted by truth, or expected */
        size_t rounds;                 /* of expectation and maximisation; 0 with truth */
} MatchingEstimate;

/* Draws by lot from a fixed seed: the same rows give the same weights. In the arena of the rows. 0 or -ENOMEM. */
int matching_estimate(const MatchingRows *rows, const Carebus__V1__MatchingSettings *shipped, bool truth,
                      MatchingEstimate *ret);
