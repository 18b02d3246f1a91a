#pragma once
/*
 * Relationships follow from facts and from settings: whose source it is, what a team is called, how long things linger. When these change,
 * what is kept of each home is out of date at once, and whoever reads it finds it anew out of the facts, until the fold has gone through
 * all homes. Writes nothing; any thread that may use the transaction.
 */
#include "daemon/record/relationships.h"

#define RECORD_META_SHARING_RULES "sharing_rules" /* three numbers of 8 bytes, little-endian: SharingRulesMark */

/* All 0 before the first settings. */
typedef struct SharingRulesMark {
        uint64_t seq;   /* of the newest settings entry by which relationships are other than before it */
        int64_t at;     /* its time: what ended by then has ended */
        uint64_t swept; /* the newest of them by which all homes were gone through */
} SharingRulesMark;
int sharing_rules_mark(StateTxn *txn, SharingRulesMark *ret);

/* Would relationships be others by `b` than by `a` (NULL: none)? */
bool sharing_rules_differ(const Carebus__V1__Settings *a, const Carebus__V1__Settings *b);

/* Is what is kept of this home (NULL: nothing) older than the settings? */
bool sharing_is_stale(const SharingRulesMark *mark, const char *patient_id, const Carebus__V1__StoredSharing *sharing);

/* The same by these settings: facts and words of facts out of the home's sections as the transaction has them, the rest as it was. `old`
 * NULL: nothing was kept. In the arena. */
int sharing_anew(StateTxn *txn, const Carebus__V1__Settings *settings, const SharingRulesMark *mark,
                 const char *patient_id, const Carebus__V1__StoredSharing *old, Arena *arena,
                 Carebus__V1__StoredSharing **ret);

/* A fact as it would stand if its source had said that it is over, where a later list of it has nothing of the fact; else the fact itself.
 * `lists` NULL: it stated none. `section`: of the record. 0 or -ENOMEM. */
int sharing_fact_by_lists(const Carebus__V1__StoredFact *stored, const Carebus__V1__StoredLists *lists,
                          const char *section, Arena *arena, const Carebus__V1__StoredFact **ret);
/* May there be a list that it is over by? */
bool sharing_fact_is_listed(const Carebus__V1__StoredFact *stored, const char *section);
