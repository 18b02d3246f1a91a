#pragma once
/*
 * What an answer of a FHIR server means for what was sent: credited only where it says so of this very Bundle. No word of it goes
 * further: a code of ours is all that is told.
 */
#include "adapters/common/destination.h"
#include "adapters/fhir/envelope.h"
#include "adapters/fhir/fetch.h"

typedef struct Verdict {
        DestinationOutcome outcome;
        char code[24]; /* 422, timeout, not-fhir, other-answer, ...; empty where delivered */
        int64_t quiet; /* seconds for which the receiver asks for no more; 0: none */
} Verdict;

/* `sent`: the Bundle as it went out. */
void verdict_read(EnvelopeForm form, Bytes sent, const FetchResult *result, Verdict *ret);
