#pragma once
/*
 * A death as its source tells it. Formal outweighs informal, whichever was said later; only a retraction takes either back, and what was
 * said before the retraction goes with it. What only followed from a discharge goes when that discharge is taken back. A source
 * that says nothing of it takes nothing back. The fact is a function of its claims, whatever the order in which they come.
 */
#include "carebus/v1/record.pb-c.h"
#include "daemon/record/fact.h"

/* Why a death that was said is not any more, and why something of the dead is over. */
#define END_REASON_DISCHARGE_UNDONE "discharge-undone"
#define END_REASON_DIED "died"

/* Is there a death in this event: in its body, or in what it says of the person? */
bool death_is_said(const Carebus__V1__Event *event);
/* Does the event take back a discharge, or the stay that it ended? death_undo_stay() has to hear of it. */
bool death_is_undone(const Carebus__V1__Event *event);
/* *ret_changed: the fact is no longer what it was. 0 or -ENOMEM. */
int death_add(Carebus__V1__StoredFact *stored, const Said *said, Arena *arena, bool *ret_changed);
/* The same of an event that takes back a discharge, also where nobody has said anything of a death yet: it may come late. */
int death_undo_stay(Carebus__V1__StoredFact *stored, const Said *said, Arena *arena, bool *ret_changed);
/* Does the fact stand: dead, and not retracted? */
bool death_stands(const Carebus__V1__StoredFact *stored);
/* Does it stand, and was it notified by who may say so? Only that has consequences. */
bool death_is_formal(const Carebus__V1__StoredFact *stored);
/* When what the fact says was said first. */
StampParts death_stamp(const Carebus__V1__StoredFact *stored);
/* Is all taken back that the source has said of a death? */
bool death_is_retracted(const Carebus__V1__StoredFact *stored);
/* The first moment that is certainly after it; where nobody says when it was, the moment at which it was said. */
int64_t death_over_at(const Carebus__V1__StoredFact *stored);

/* What a formal death stops, in the sections of one record, in place: appointments and visits that are still to come, care packages,
 * referrals that are open, contact points, programmes. Each such fact reads `ended`, `died`, by the event of the death. An informal death
 * stops nothing: it tells and asks. Of several formal deaths (`deaths`, as they are stored) the one that was said first is named. Nothing
 * is stored, so a death that is retracted leaves no trace here. Gives how many. */
size_t death_consequences(Carebus__V1__Section *const *sections, size_t n_sections,
                          Carebus__V1__StoredFact *const *deaths, size_t n_deaths);
