#pragma once
/*
 * numbers: which national numbers a source says of a person. It says now what it said last, whenever that arrived; when that was stands
 * beside what it says again and again (SaidAgain), so that a message with the same number as always writes no person.
 */
#include "daemon/stage/fold-parts.h"

/* Does the source use this identifier of the person now? */
bool number_is_said_by(const Carebus__V1__PersonIdentifier *kept, const char *source);
/* It does, in the order of names. 0 or -ENOMEM. */
int number_sayer_add(Carebus__V1__PersonIdentifier *kept, const char *source, Arena *arena);

/* When the source last said this number of the person; NULL: never, or `again` is NULL. */
const Carebus__V1__Stamp *number_said(const Carebus__V1__SaidAgain *again, const Carebus__V1__Identifier *number);
/* The national ones among the identifiers are said now; *changed: they were last said before. Puts nothing. 0 or -ENOMEM. */
int numbers_note(FoldWork *work, const Said *said, Carebus__V1__Identifier *const *identifiers, size_t n_identifiers,
                 Carebus__V1__SaidAgain *again, bool *changed);
/* What an event says of its person's numbers is kept, however the person was found. 0 or as work_get(). */
int numbers_keep(FoldWork *work, const Said *said, const char *patient_id);
/* Which of the person's numbers this source says now, as `again` has it. *changed: another than before; else left alone. 0 or -ENOMEM. */
int numbers_settle(FoldWork *work, Carebus__V1__Person *person, const Carebus__V1__SaidAgain *again, bool *changed);
/* `anew` takes the place of what the source said last, by this event: whenever that is said again, its numbers are. 0 or as work_get(). */
int numbers_with_hash(FoldWork *work, const Said *said, const char *patient_id, Carebus__V1__SaidAgain *anew);
