#pragma once
/*
 * What a source says about a person: one fact, in which each field is as the source last said it. A message that comes late
 * fills in only what nothing later spoke of.
 */
#include "daemon/record/fact.h"

/* Lays what was said over the fact. *ret_changed: fields that are no longer what they were. 0 or -ENOMEM. */
int demographics_add(Carebus__V1__StoredFact *stored, const Said *said, const Carebus__V1__Demographics *demographics,
                     Arena *arena, FieldMask *ret_changed);
/* When the field was last said or emptied; before all where it never was. */
StampParts demographics_stamp(const Carebus__V1__StoredFact *stored, unsigned number);
