#pragma once
/*
 * relationship: who has one with a person, kept fact by fact beside the record (STATE_SECTION "sharing"), so that whoever gives
 * anything out reads no record. Begins and ends are looked at once an entry, when all else is done: a team whose first relationship
 * with a person (all who are one) begins is told so, and one whose last ends.
 */
#include "daemon/record/relationship-rules.h"
#include "daemon/stage/fold-parts.h"

#define DUE_SHARING "sharing" /* relationships of a person end; id: patient */
#define DUE_SWEEP \
        "settings" /* relationships follow from other settings; id: patient up to whom all were gone through, or "" */

/* Of one home, as this entry has changed it; empty where nothing is known. sharing_touch() has it written. */
int sharing_get(FoldWork *work, const char *patient_id, Carebus__V1__StoredSharing **ret);
void sharing_touch(FoldWork *work, const Carebus__V1__StoredSharing *sharing);
/* Puts what was touched into the overlay. */
int sharing_store(FoldWork *work);

/* A fact was made: whoever has a relationship through it, and what it says of restriction, consent and death. `name` is its
 * section in the state. Facts of other kinds change nothing. */
int relationship_keep(FoldWork *work, const Said *said, const char *patient_id, const char *name,
                      const Carebus__V1__StoredFact *stored);
/* What comes with an event that says nothing else of its person. */
int relationship_keep_event(FoldWork *work, const Said *said, const char *patient_id);
/* A source has stated a section completely: what it has nothing of is over. */
int relationship_keep_list(FoldWork *work, const Said *said, const char *patient_id, const char *section);
/* Who is one with whom, or whose a fact is, is not what it was. */
int relationship_look_later(FoldWork *work, const char *patient_id, const Said *said);
/* When all facts of the entry are made and stored: record.granted, record.withdrawn. */
int relationship_settle(FoldWork *work);
/* What there is of DUE_SHARING. */
int relationship_due(FoldWork *work, int64_t due_at);

/* From the entry at hand on relationships follow from other settings. What is said at once of anybody is right at once, for it is found
 * anew; all are gone through in ticks that come one after the other, so many persons each, and teams are told. */
int relationship_sweep_begin(FoldWork *work, const SharingRulesMark *mark);
int relationship_sweep(FoldWork *work, int64_t due_at);

/* What all who are one with a person come to, with what this entry has changed. */
int relationship_read(FoldWork *work, const char *patient_id, Carebus__V1__PersonSharing **ret);
/* It is due when it ends, where that is still to come. */
int relationship_wait(FoldWork *work, const char *patient_id, const Carebus__V1__Relationship *relationship);
