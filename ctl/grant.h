#pragma once
/* What break-glass and contact have in common: whose record, and what was granted. */
#include <stdbool.h>

#include "carebus/v1/control.pb-c.h"
#include "ctl/command.h"

/* A patient id; or a number, as its system and value. Borrows from the command line. */
typedef struct GrantPerson {
        char *patient_id;
        Carebus__V1__Identifier identifier; /* initialised with its first word */
        unsigned n_words;
} GrantPerson;

/* Takes a word that is no option; false: there were enough. */
bool grant_person_take(GrantPerson *person, char *word);
bool grant_person_is_named(const GrantPerson *person);
/* Asks core, waits until it is in force, and says so: until when. An exit code, as decided_ask(). */
int grant_ask(const Context *context, Carebus__V1__Request *request, const char *team);
