#pragma once
/*
 * People to be compared, for the tests of daemon/identity/match.h: what somebody says of them in a few words.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "daemon/identity/match.h"

/* One statement, as canon/matching.h would have folded it. Date: YYYYMMDD, 00 for what is not known. */
typedef struct Says {
        const char *family, *given, *further;
        unsigned date;
        const char *sex, *postcode, *line, *telecom;
        bool former, placeholder;
        unsigned birth_order;
        const char *number; /* of the NHS */
        bool traced;
} Says;

typedef struct Fixture {
        Arena *arena;
        MatchRules *rules;
} Fixture;

/* Jean McAllister, at home and on the telephone. */
extern const Says jean;

int set_up(void **state);
int tear_down(void **state);
/* The messages of protobuf-c have no const; nobody writes to it. */
char *text(const char *constant);
Carebus__V1__Matching *matching_of(Arena *arena, const Says *says);
/* One person of whom `n` statements speak. */
MatchPerson person(Arena *arena, const Says *says, size_t n);
MatchResult compare(const Fixture *fixture, const Says *a, const Says *b);
bool result_equal(const MatchResult *a, const MatchResult *b);
/* "none" where the field is not among the evidence. */
const char *agreement(const MatchResult *result, const char *field);
/* Fails where the field does not agree as wanted. */
void expect(const Fixture *fixture, const char *field, const Says *a, const Says *b, const char *wanted);
/* Without a rival. */
MatchVerdict decide(const Fixture *fixture, const Says *a, const Says *b, const char **ret_reason);

/* Prints the seed, or takes it from CAREBUS_SEED. */
unsigned seed_say(void);
/* By lot, of a small town where many are alike. */
Says anybody(void);
