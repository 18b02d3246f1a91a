#pragma once
/*
 * Whose each number of a source is, as its people.csv said so far: a number that is given to somebody else would put the decisions of one
 * person on another. Hashes, no content; for ever, since a number has to stay the same for ever. One thread.
 */
#include "base/cleanup.h"

typedef struct Owners Owners;

/* `folder` is from place_open(). A file that is damaged counts as none. 0 or a negative errno. */
int owners_open(const char *folder, Owners **ret);
Owners *owners_free(Owners *owners);
DEFINE_CLEANUP(Owners *, owners_free)

enum { OWNERS_E_ANOTHER = 1 }; /* both differ from what was said before: it is somebody else's */
/* The number is of whoever has this date of birth and this family name, both as they were read; a NULL says nothing. What differs in one
 * of both is a correction, and is taken over. 0, OWNERS_E_ANOTHER, or -ENOMEM. */
int owners_say(Owners *owners, const char *number, const char *birth_date, const char *family_name);
/* Durable. 0 or a negative errno. */
int owners_keep(Owners *owners);
