#pragma once
/*
 * What sharing needs to know of a person, put together of all who are one (STATE_SECTION "sharing" of each home, moves and ties): who has a
 * relationship, whether an address is restricted, who objected. Reads no record: a few keys of the state. Any thread that may use the
 * transaction.
 */
#include "daemon/record/read.h"

/* Under any id that the person ever had. Relationships of all homes, those of facts that were moved with who they belong to now. 0,
 * RECORD_E_NOT_FOUND, or as the functions of read.h. */
int person_sharing_read(StateTxn *txn, const char *patient_id, Arena *arena, Carebus__V1__PersonSharing **ret);
