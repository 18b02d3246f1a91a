#pragma once
/*
 * Inside of bench-identity: records, who was found to be one, and what of that is right. A tool: it ends itself where something fails.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "daemon/identity/match.h"

/* One record. Those that are one have one root, whose `traits` are all of theirs. */
typedef struct Record {
        const char *truth;
        Carebus__V1__Event *event;
        Carebus__V1__Matching *matching;
        Carebus__V1__Trait **traits;
        size_t n_traits, root;
        Carebus__V1__PersonIdentifier **identifiers;
        size_t n_identifiers;
        char **blocks; /* of all of them, too */
        size_t n_blocks;
        bool in_review, is_wrong;
} Record;

/* Why two records of one person were not joined. */
typedef enum Missed {
        MISSED_TWINS,
        MISSED_BIRTH_DATE,
        MISSED_RIVAL,
        MISSED_ASKED,  /* below what joins, above what is asked about */
        MISSED_UNLIKE, /* below what is asked about */
        N_MISSED,
} Missed;

/* Who stands under one block: a row of an open hash table. */
typedef struct Block {
        const char *text;
        size_t *records, n, capacity;
} Block;

typedef struct Counts {
        uint64_t links, reviews, reviews_right, compared, nanoseconds;
        uint64_t pairs, found, wrong, persons_wrong, asked;
        uint64_t missed[N_MISSED];
        uint64_t fold_reviews, fold_differs, fold_nanoseconds;
} Counts;

typedef struct Bench {
        Arena *arena;
        MatchRules *rules;
        Record *records;
        size_t n, capacity;
        Block *blocks;
        size_t n_blocks;
        size_t *candidates, n_candidates;
        size_t *seen; /* by record: the search that last had it as a candidate */
        size_t n_searches;
        Counts counts;
        size_t *roots; /* where a fold went over them: whom each is one with there */
} Bench;

/* `pointer`, or the end. */
void *taken(void *pointer);
/* The first of those whom a record is one with. */
size_t root_of(const Bench *bench, size_t record);
MatchPerson person_of(const Record *record);

/* identity-read.c: all of standard input; the weights and rules of a file, NULL: the shipped ones. */
void read_records(Bench *bench);
void read_rules(Bench *bench, const char *path);

/* identity-count.c: looks at every pair, and prints a line of JSON. */
void count_pairs(Bench *bench);
void print_counts(const Bench *bench);
