#pragma once
/*
 * What the rows of one file say of each thing that can be said once only: found before the first row goes out, so that of two rows that
 * contradict one another none is taken for the newer. Hashes, no content. One thread.
 */
#include <stdbool.h>

#include "base/bytes.h"
#include "base/cleanup.h"

typedef struct Sayings Sayings;

int sayings_new(Sayings **ret);
Sayings *sayings_free(Sayings *sayings);
DEFINE_CLEANUP(Sayings *, sayings_free)
void sayings_clear(Sayings *sayings);
/* A row says this of `thing`. 0 or -ENOMEM. */
int sayings_add(Sayings *sayings, const char *thing, const char *said);
/* Behind the last sayings_add(), and before the first question. */
void sayings_close(Sayings *sayings);
/* Whether two rows say two things of it. */
bool sayings_differ(const Sayings *sayings, const char *thing);
