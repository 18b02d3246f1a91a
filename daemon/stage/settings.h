#pragma once
/* settings: what the fold goes by comes out of the journal, never out of a file. */
#include "daemon/stage/fold-parts.h"

/* Keeps the entry's settings, for the state and for the entries behind it. */
int settings_apply(FoldWork *work, const Carebus__V1__Settings *settings);
/* From the state; none is no error. */
int settings_load(Fold *fold, StateTxn *txn);
/* Does the source state its lists whole? */
bool settings_lists_whole(const Fold *fold, const char *source);
/* Is it a number of this bus itself: of the system `carebus:BUS`? */
bool settings_is_own_number(const Fold *fold, const Carebus__V1__Identifier *identifier);
/* Numbers of this source count as traced where it says nothing of it. */
bool settings_numbers_traced(const Fold *fold, const char *source);
