#pragma once
/*
 * Who was in the last whole list of a table, for sources whose files always have everybody (`complete: true`): so that a receipt can say
 * how many are missing. Hashes of numbers, no numbers; nobody is removed by it. One thread.
 */
#include <stdint.h>

#include "base/bytes.h"
#include "base/cleanup.h"

typedef struct Roster Roster;

/* `folder` is from place_open(). */
int roster_new(const char *folder, const char *table, Roster **ret);
Roster *roster_free(Roster *roster);
DEFINE_CLEANUP(Roster *, roster_free)
/* Somebody is in this file; the same twice is once. 0 or -ENOMEM. */
int roster_add(Roster *roster, const char *number);
/* How many of the list before are not in this one. 0 where there is no list before, or it is damaged. 0 or a negative errno. */
int roster_missing(Roster *roster, uint64_t *ret);
/* This list is the one before the next. Durable. */
int roster_keep(Roster *roster);
