#pragma once
/* Finding somebody, from inside: for the files ask-find*.c. */
#include "daemon/identity/match.h"
#include "daemon/serve/ask.h"

/* What a caller has to know of somebody for a team that answers calls to be told who it is. */
#define FIND_DETAILS_MIN 3

/* One who may be meant: all who are one with the person that answers. */
typedef struct Found {
        char *patient_id;
        bool by_number;
        Carebus__V1__Person **persons;
        size_t n_persons;
        MatchResult result;
        Carebus__V1__Candidate *candidate;
} Found;

typedef struct Finding {
        Ask *ask;
        const Carebus__V1__FindRequest *asked;
        MatchRules *rules;
        Carebus__V1__Trait trait; /* what is asked for */
        Found *items;             /* ASK_COMPARED_MAX */
        size_t n_items;
        unsigned n_details; /* that the asker may find anybody by; 0: it does not answer calls */
        bool too_many;      /* a block, or all of them together, had more than can be looked at */
} Finding;

/* Of what a source says that a person is known by, as much as the team sees of its demographics; NULL: nothing. With team -1 all of
 * it. 0 or negative. */
int find_seen_trait(Ask *ask, const char *patient_id, Carebus__V1__Trait *trait, Carebus__V1__Trait **ret);
/* How many details were given by who answers calls. */
unsigned find_details(const Finding *finding);
/* To who answers calls: name and birth date of whom all that was asked is right, of at least three details. Leaves `candidate` NULL
 * else. */
int find_show_caller(Finding *finding, Found *found);
/* ask-find.c: the name that a person goes by. */
Carebus__V1__HumanName *find_name_of(const Carebus__V1__Demographics *demographics);
