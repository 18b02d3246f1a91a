#pragma once
/* What this server takes, as FHIR says it: GET /metadata. */
#include "base/bytes.h"

typedef struct CapabilityFacts {
        const char *version; /* of the software */
        const char *source;  /* name of the source that it speaks for */
        const char *date;    /* since when it says this: RFC 3339 */
        bool has_tls, wants_token, wants_certificate;
} CapabilityFacts;

/* Appends a CapabilityStatement; the buffer's error sticks. */
void capability_write(Buffer *out, const CapabilityFacts *facts);
