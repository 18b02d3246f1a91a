#pragma once
/*
 * Resources into the Bundle that a receiver takes. Made once: a second try sends the same bytes.
 *   transaction   PUT by our ids: the same again changes nothing
 *   message       MessageHeader in front; Bundle.identifier is the message's
 *   notification  subscription-notification of the R5 backport, with the resources in it
 */
#include "adapters/fhir/write.h"

typedef enum EnvelopeForm { ENVELOPE_TRANSACTION, ENVELOPE_MESSAGE, ENVELOPE_NOTIFICATION, _ENVELOPE_MAX } EnvelopeForm;

typedef struct Envelope {
        EnvelopeForm form;
        const char *bus, *url;  /* base of the receiver */
        const char *message_id; /* of the item */
        const char *uuid;       /* of the item: the header's id */
        const char *event_type; /* what happened */
        const char *timestamp;  /* instant: when the bus took it in */
        uint64_t number;        /* of a notification: how many there were, this one counted */
} Envelope;

/* Positive: -1 for a form that is none. */
EnvelopeForm envelope_form(const char *name);
/* Appends; the buffer's error sticks. `n` resources, in order. */
void envelope_write(Buffer *out, const Envelope *envelope, const FhirWritten *resources, size_t n);
