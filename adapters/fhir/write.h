#pragma once
/*
 * FHIR R4 out of what the bus holds: the inverse of translate.h. An event becomes one resource of its own type, with the people, places and
 * services that it names contained in it. What R4 has no element for stands in one extension (said.h), so that the reader of this
 * adapter makes the same event of it again; whoever does not know the extension reads plain R4. Knows no socket.
 *
 * Nothing is written of what is not there: no empty element, no "". Where R4 asks for an element that is not there, a
 * data-absent-reason says why: `masked` where fields were hidden from this team, else `unknown`. A text that is not UTF-8 is refused.
 */
#include <stdbool.h>

#include "adapters/fhir/json.h"
#include "base/arena.h"
#include "base/bytes.h"
#include "base/cleanup.h"
#include "carebus/v1/event.pb-c.h"
#include "carebus/v1/record.pb-c.h"
#include "config/profile.h"

typedef struct FhirWriter FhirWriter;

typedef struct FhirWriterOptions {
        const char *bus;      /* names identifiers and resources: carebus:BUS */
        const char *timezone; /* of the receiver: moments without a form of their own are written in it */
} FhirWriterOptions;

/* Positive returns. */
enum {
        _FHIR_WRITE_E_SUCCESS,
        FHIR_WRITE_E_NOT_SAID, /* R4 has nothing for such an event: what the bus says of itself */
        FHIR_WRITE_E_TEXT,     /* a text is not UTF-8 */
        FHIR_WRITE_E_TOO_LARGE,
};

/* Bytes of a document that go along in a DocumentReference; what is larger is told by its size and its hash. */
#define FHIR_CONTENT_MAX (512u << 10)
/* Of an attachment: SHA-256 of the content in hex, since R4's own `hash` is a SHA-1. */
#define FHIR_SHA256_URL "urn:carebus:sha256"

/* 36 characters and a NUL. */
#define FHIR_UUID_SIZE 37

typedef struct FhirWritten {
        const char *type; /* of the resource */
        const char
                *id; /* UUIDv5 of bus, type and what the resource is about: the same for all that is said of one fact */
        JsonNode *node;       /* the resource; in the writer's arena */
        JsonNode *provenance; /* who said it; NULL: nobody is named */
        const char *provenance_id;
        bool is_in_error;
} FhirWritten;

/* 0, -EINVAL for an unknown zone, -ENOMEM. Options are copied. */
int fhir_writer_new(FhirWriter **ret, const FhirWriterOptions *options);
FhirWriter *fhir_writer_free(FhirWriter *writer);
DEFINE_CLEANUP(FhirWriter *, fhir_writer_free)

/* Lets go of all that was written since the last time. */
void fhir_writer_reset(FhirWriter *writer);
Arena *fhir_writer_arena(FhirWriter *writer);

/* 0 with `ret`, a code above, or -ENOMEM. What was written before lives on until fhir_writer_reset(). */
int fhir_write_event(FhirWriter *writer, const Carebus__V1__Event *event, FhirWritten *ret);
/* A fact of somebody's record, as the event that last said it. */
int fhir_write_fact(FhirWriter *writer, const Carebus__V1__Record *record, const char *section,
                    const Carebus__V1__Fact *fact, FhirWritten *ret);
/* Whether fhir_write_fact() names a Binary of ours for bytes of a document that are with the event that brought them, not with the record.
 * Not at first: only who answers for Binary/ID may promise it. */
void fhir_writer_offer_bytes(FhirWriter *writer, bool offers);
/* Are there such bytes? What stands in a text, at another place or in the original message alone is none. */
bool fhir_has_bytes(const Carebus__V1__Fact *fact);
/* The resource Binary with an event's document in it, into `out`; `id` as it was asked for. FHIR_WRITE_E_NOT_SAID: there are no bytes. */
int fhir_write_binary(FhirWriter *writer, const Carebus__V1__Event *event, const char *id, Buffer *out);
/* The id of a Binary: of whom it is, and which event brought it; both in the writer's arena. False: it is none of ours. */
bool fhir_binary_of_id(const FhirWriter *writer, const char *id, const char **ret_patient_id,
                       const char **ret_event_id);
/* The person as all sources together say: of the overview. */
int fhir_write_person(FhirWriter *writer, const Carebus__V1__Record *record, FhirWritten *ret);

/* UUIDv5 of a name in the space of a bus. */
void fhir_uuid(const char *bus, const char *name, char ret[FHIR_UUID_SIZE]);
/* The id of the Patient of a person of the bus, and back: BUS-p7.0. The same wherever it is asked for. NULL: it is none of this bus. */
char *fhir_patient_id(const FhirWriter *writer, const char *patient_id);
const char *fhir_patient_of_id(const FhirWriter *writer, const char *id);

/* What the bus itself says of a person (a correction, a withdrawal): a Communication. FHIR_WRITE_E_NOT_SAID for all else. */
int fhir_write_notice(FhirWriter *writer, const Carebus__V1__Event *event, FhirWritten *ret);
