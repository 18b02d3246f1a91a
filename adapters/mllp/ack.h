#pragma once
/*
 * What a sender is answered. Only what became of its message decides, never what is in it: once the bytes are durable it
 * is AA or CA, quarantined or not.
 */
#include <stdbool.h>
#include <stdint.h>

#include "adapters/mllp/hl7.h"
#include "base/bytes.h"
#include "config/config.h"

typedef enum AckOutcome {
        ACK_STORED, /* durable, or known to be so: AA, CA */
        ACK_LATER,  /* not stored: storage, overload, stopping. The same again later: AE, CE */
        ACK_NEVER,  /* no readable MSH, source not allowed, MSH-11 does not fit, too large: AR, CR */
        ACK_OUTCOMES,
} AckOutcome;

/* HL7 table 0357; what goes into ERR-3. */
typedef enum AckError {
        ACK_ERROR_NONE = 0,
        ACK_ERROR_SEGMENT_SEQUENCE = 100,
        ACK_ERROR_REQUIRED_FIELD = 101,
        ACK_ERROR_DATA_TYPE = 102,
        ACK_ERROR_UNSUPPORTED_MESSAGE = 200,
        ACK_ERROR_UNSUPPORTED_PROCESSING_ID = 202,
        ACK_ERROR_RECORD_LOCKED = 206,
        ACK_ERROR_INTERNAL = 207,
} AckError;

typedef struct AckRequest {
        const Hl7Header *header; /* NULL: it could not be read */
        AckOutcome outcome;
        AckError error;       /* for LATER and NEVER */
        const char *position; /* MSH-11, or NULL; never content */
        const char *
                reason; /* reason code of ours for MSA-3 and ERR-7: "try-later"; or NULL. What to do stands in ERR-8 (ERR-1 before 2.5) */
        ConfigEnvironment environment; /* of this bus: MSH-11 of an answer to who said none */
        int64_t now_at;
        uint64_t number; /* makes MSH-10 of the answer unlike any other of this process */
} AckRequest;

/* Which answers the sender's mode asks for. */
enum {
        ACK_WANTED_NONE = 0,
        ACK_WANTED_ACCEPT = 1,      /* CA, CE, CR: enhanced mode, by MSH-15 */
        ACK_WANTED_APPLICATION = 2, /* AA, AE, AR: original mode, or by MSH-16 */
};
/* An acknowledgement is never acknowledged. Without a header: ACK_WANTED_APPLICATION. */
unsigned ack_wanted(const Hl7Header *header, AckOutcome outcome);
/* One answer without a frame: `kind` is ACK_WANTED_ACCEPT or ACK_WANTED_APPLICATION. In the sender's own separators and
 * character set. */
void ack_append(Buffer *buffer, const AckRequest *request, unsigned kind);
/* Every answer that is wanted, in its frame. Returns how many; look at buffer->error. */
unsigned ack_append_frames(Buffer *buffer, const AckRequest *request);
/* AA, CE, ...: static text. */
const char *ack_code(AckOutcome outcome, unsigned kind);

/* Whether MSH-11 fits: T (training) and D (debugging) never go into a live bus, P never into a test one. */
bool ack_processing_id_fits(const Hl7Header *header, ConfigEnvironment environment);
