#pragma once
/*
 * What to do where a server answers a transaction of ours with 409 or 412, because it takes an update only of the version that is named
 * (If-Match): it is asked what it has under our own ids, and what is our own copy there is written again with the version found.
 *
 *   transaction --> 409, 412      batch of GETs --> batch-response      the transaction with ifMatch --> its answer
 *
 * A copy is ours where it bears the bus's own number, or names the bus as its source, and is as the bus wrote it: where somebody there has
 * changed it since, it is not for the bus to overwrite. Knows no socket; one thread.
 */
#include <stdbool.h>

#include "adapters/fhir/envelope.h"
#include "adapters/fhir/fetch.h"

/* Positive returns. */
enum {
        _CONFLICT_E_SUCCESS,
        CONFLICT_E_NOT_OURS,    /* under one of our ids stands what is not our own copy */
        CONFLICT_E_NOT_CLEARED, /* the answer does not say what is there, or in which version */
};

/* Is it one that can be cleared so? Of a transaction alone: other forms have no version to name. */
bool conflict_is(EnvelopeForm form, const FetchResult *result);
/* Appends the batch that asks for all that `sent` writes. 0, CONFLICT_E_NOT_CLEARED, or -ENOMEM. */
int conflict_ask(Bytes sent, Buffer *ret);
/* Appends what was sent, with the versions of what is there. `bus`: its name. 0, a code above, or -ENOMEM. */
int conflict_clear(Bytes sent, const char *bus, const FetchResult *answer, Buffer *ret);
