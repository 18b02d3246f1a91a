#pragma once
/*
 * What a source says about a person: one fact, in which each field is as the source last said it. A message that comes late
 * fills in only what nothing later spoke of.
 */
#include "daemon/record/fact.h"

/* Lays what was said over the fact. *ret_changed: fields that are no longer what they were. 0 or -ENOMEM. */
int demographics_add(Carebus__V1__StoredFact *stored, const Said *said, const Carebus__V1__Demographics *demographics,
                     Arena *arena, FieldMask *ret_changed);
/* Tells what an event says of the person from any other: 16 bytes over the demographics and identifiers as they stand in the packed event,
 * and what it empties or states completely. 0, -ENODATA where it cannot be told, -ENOMEM. */
#define DEMOGRAPHICS_HASH_SIZE 16
int demographics_hash(const Said *said, Arena *arena, uint8_t ret[DEMOGRAPHICS_HASH_SIZE]);
/* What was said at `first` was said again at `newest`: the fields have that stamp now. */
void demographics_advance(Carebus__V1__StoredFact *stored, Carebus__V1__SaidAgain *again);

/* When the field was last said or emptied; before all where it never was. */
StampParts demographics_stamp(const Carebus__V1__StoredFact *stored, unsigned number);
