#pragma once
/*
 * Names for canon/matching.c: what in a text is a title, a former name, a nickname, or no name at all. Inside this folder.
 */
#include "base/arena.h"
#include "carebus/v1/common.pb-c.h"

#define MATCHING_NAMES_MAX 16
#define NAME_WORDS_MAX 12

/* Names as they are made: full, the rest is passed over. `r` is -ENOMEM once the arena was full. */
typedef struct MatchingNames {
        Arena *arena;
        Carebus__V1__MatchingName **of; /* MATCHING_NAMES_MAX */
        size_t n;
        int r;
} MatchingNames;

/* What a source said in fields: one name and the nicknames and former ones that stand in it. */
void matching_names_add(MatchingNames *names, const Carebus__V1__HumanName *name);
/* What somebody typed into one field, in each of its readings. */
void matching_names_add_text(MatchingNames *names, const char *text);
