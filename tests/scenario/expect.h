#pragma once
/* What a story expects. */
#include "tests/scenario/world.h"

#define EXPECT_SAME_MAX 8

/* Over all orders in which a story is told. */
typedef struct Expecting {
        const char *where; /* the line, for the failure */
        struct {
                char *id;
                char *text;
        } same[EXPECT_SAME_MAX];
        size_t n_same;
} Expecting;

/* A number, or the newest entry with that message id. */
uint64_t expect_seq(World *world, const char *text);
/* p1.0, or who answers for SOURCE:VALUE. Fails the running test where that is nobody. */
char *expect_person(World *world, const char *text);
/* The review that this message opened; r<seq>.<index> is itself. */
char *expect_review(World *world, const char *text);
/* The words behind `expect`. Fails the running test. */
void expect_line(Expecting *expecting, World *world, char **words, size_t n_words);
void expect_end(Expecting *expecting);
