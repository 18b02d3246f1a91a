#pragma once
/*
 * identify: whose is it. A source's own number is a person at once; a verified national number with the same birth date ties
 * persons together; nothing else does.
 */
#include "daemon/stage/fold-parts.h"

#define REASON_NO_IDENTIFIER "no-identifier"
#define REASON_AMBIGUOUS "ambiguous-identifier"

/* Does the event speak of a person at all? */
bool identify_needs_person(const Carebus__V1__Event *event);
/* What the event says its person is known by. */
void identify_identifiers(const Carebus__V1__Event *event, Carebus__V1__Identifier *const **ret, size_t *ret_n);
/* Can it be told whose the event is? Changes nothing. 0 and *ret_reason NULL, or the reason why not. */
int identify_check(FoldWork *work, const Carebus__V1__Event *event, const char **ret_reason);

/* The person whom these identifiers stand for, made where there is none; what is new of the identifiers is kept. *ret_changed (may be
 * NULL): something of them was new. What points to somebody else is noted in `others`; NULL: it is not the event's own person. */
typedef struct IdentifyOthers {
        const char *patient_ids[8];
        size_t n;
} IdentifyOthers;
int identify_person(FoldWork *work, const Said *said, Carebus__V1__Identifier *const *identifiers, size_t n_identifiers,
                    Carebus__V1__Person **ret, bool *ret_changed, IdentifyOthers *others);

/* Whose an event is, as far as it had to be looked at: the person itself is unpacked when somebody asks. */
typedef struct Home {
        const char *patient_id;
        const char *answering;       /* NULL: not looked up */
        bool joined;                 /* it is one with others, or that was not looked up */
        bool in_review;              /* who it is waits for a person */
        unsigned under;              /* Said.under */
        Carebus__V1__Person *person; /* NULL: not unpacked yet */
        Bytes key;                   /* what the source said, for the next time */
} Home;
int home_person(FoldWork *work, Home *home, Carebus__V1__Person **ret);
/* The same source said just these identifiers before, and nothing has changed about that person since: whose it was. */
bool identify_recall(FoldWork *work, const Said *said, Home *ret);
/* To be recalled: the identifiers brought nothing new and pointed nowhere else. */
int identify_remember(FoldWork *work, const Said *said, Home *home);

/* Under which of the person's own numbers is it said: 1 + its place; 0: under none. */
unsigned identify_under(const Carebus__V1__Person *person, Carebus__V1__Identifier *const *identifiers,
                        size_t n_identifiers);

/* Who answers for a person. */
int identify_answering(FoldWork *work, const Carebus__V1__Person *person, Carebus__V1__Person **ret);
/* All in one with a person: the one that answers first. */
int identify_members(FoldWork *work, const Carebus__V1__Person *person, Carebus__V1__Person ***ret, size_t *ret_n);

/* A national number that somebody uses now and that is traced: what may join, and what forbids it. */
const Carebus__V1__PersonIdentifier *identify_verified(const Carebus__V1__Person *person, size_t *i);
/* Do verified numbers forbid that two groups are one: both have one of the same system, and none in common? */
bool identify_numbers_forbid(Carebus__V1__Person *const *a, size_t n_a, Carebus__V1__Person *const *b, size_t n_b);
/* Have two groups a verified number in common? */
bool identify_share_number(Carebus__V1__Person *const *a, size_t n_a, Carebus__V1__Person *const *b, size_t n_b);
/* Who else has a national number: the persons that first had it. STATE_E_NOT_FOUND. */
int identify_holders(FoldWork *work, const char *system, const char *value, Carebus__V1__IdentifierHolders **ret);
