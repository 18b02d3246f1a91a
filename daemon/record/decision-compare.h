#pragma once
/* When a decision was made, and whether two are one, or say the same. Any thread. */
#include <stdbool.h>

#include "carebus/v1/record.pb-c.h"
#include "daemon/record/moment.h"

typedef Carebus__V1__Decision Decision;

/* The date of the decision, else when it was said first. False: nobody said when it was decided. */
bool decision_moment(const Carebus__V1__Fact *fact, Moment *ret);
/* Which of several choices: 1 where nobody says; 0 for kinds without a rank. */
unsigned decision_rank(const Decision *decision);
/* Do they say different things where both say something? Kinds that may stand beside each other never do. */
bool decision_words_differ(const Decision *a, const Decision *b);
/* Does it say nothing but that something ended? */
bool decision_is_silent(const Decision *decision);
/* Where it holds, both said and not the same. */
bool decision_scopes_differ(const Decision *a, const Decision *b);

/* The same number of an order. */
bool decisions_share_order(const Decision *a, const Decision *b);
/* The same, or the same number of a form. */
bool decisions_share_number(const Decision *a, const Decision *b);
/* The same decision: by number, or by who decided, when, and the form. */
bool decisions_are_one(const Carebus__V1__Fact *a, const Carebus__V1__Fact *b);
/* Does `a` say that it takes the place of `b`? */
bool decision_replaces(const Decision *a, const Decision *b);
/* Did who ended `ended` have the right to end `decision`: the person who decided, or that organisation? */
bool decision_ended_by_authority(const Carebus__V1__Fact *ended, const Carebus__V1__Fact *decision);
