#pragma once
/*
 * What the cells of one row of the exact form are made of, in its last cell: of a coded value system, code, display, text and what it was
 * called at first, of a number its system, of a list its elements one by one. `name=value|value;name=value`, where a backslash stands
 * before each of | ; \ that is meant as itself. Pure; any thread.
 */
#include <stddef.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "carebus/v1/common.pb-c.h"

#define PART_VALUES_MAX 10
/* Where the lists of a name and of an address begin among their values: use, text, family, suffix, prefix, then the given names; use, text,
 * city, district, postcode, country, then the lines. What does not fit is not said. */
#define PART_NAME_GIVEN 5
#define PART_ADDRESS_LINES 6

typedef struct Part {
        const char *name;
        char *values[PART_VALUES_MAX]; /* NULL: empty */
} Part;

typedef struct Parts {
        Part *list;
        size_t n;
} Parts;

/* Appends one, whatever its values hold; those at the end that are NULL are left away. What goes wrong is told by `out`. `n` is at most
 * PART_VALUES_MAX. */
void part_add(Buffer *out, const char *name, const char *const *values, size_t n);
/* The same of a coded value; NULL, and one that says nothing, adds nothing. */
void part_add_coded(Buffer *out, const char *name, const Carebus__V1__Coded *coded);
void part_add_name(Buffer *out, const char *name, const Carebus__V1__HumanName *is);
void part_add_address(Buffer *out, const char *name, const Carebus__V1__Address *is);
void part_add_identifier(Buffer *out, const char *name, const Carebus__V1__Identifier *identifier);

/* Takes a cell apart; all of it lies in the arena. 0, 1: it is no such cell, or -ENOMEM. */
int parts_read(const char *text, Arena *arena, Parts *ret);
/* The index-th of that name; NULL: there are not so many. */
const Part *parts_find(const Parts *parts, const char *name, size_t index);
