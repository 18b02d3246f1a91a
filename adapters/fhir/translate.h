#pragma once
/*
 * A FHIR R4 resource or Bundle becomes canonical events. A table by type of resource; what no table knows is a problem, never
 * nothing. Nothing is refused here that can be read as JSON: what cannot be used is a problem with its place, and is stored and
 * quarantined all the same; whether the sender is told no is the server's business (server.h).
 */
#include "adapters/common/reading.h"
#include "adapters/fhir/json.h"
#include "base/arena.h"
#include "base/cleanup.h"

#define FHIR_MEDIA_TYPE "application/fhir+json"
#define FHIR_ISSUES_MAX 64

/* One line of an OperationOutcome. */
typedef struct FhirIssue {
        const char *severity; /* error, warning, information */
        const char *
                code; /* of http://hl7.org/fhir/issue-type: structure, required, value, duplicate, not-supported, not-found, ... */
        const char *path; /* FHIRPath: Bundle.entry[2].resource.gender; or NULL */
        const char *text; /* a sentence without clinical content */
} FhirIssue;

/* What was said of a resource that came in an earlier message: asked where a reference leads out of this one. */
typedef struct FhirKnown {
        const char *type, *id;
        /* Business identifiers of the resource, then, of what has a patient, those of its patient. Packed carebus.v1.Identifier's are
         * the memory's business: here they are unpacked, and live as long as the translation's arena. */
        Carebus__V1__Identifier **identifiers;
        size_t n_identifiers;
        Carebus__V1__Identifier **patient;
        size_t n_patient;
} FhirKnown;
typedef struct FhirMemory {
        void *owner;
        /* `reference` as written: Patient/123. Fills *ret in the arena; 0, 1 not known, or negative. */
        int (*find)(void *owner, const char *type, const char *id, Arena *arena, FhirKnown *ret);
} FhirMemory;

typedef struct FhirResult {
        Reading reading;
        const JsonNode *root; /* NULL: no JSON */
        const char *type;     /* of the root: Bundle, Patient; NULL: none */
        const char *bundle_type;
        FhirIssue *issues; /* at most FHIR_ISSUES_MAX */
        size_t n_issues;
        FhirKnown *known; /* what this message says of its resources, to be remembered once it is stored */
        size_t n_known;
        bool is_refused; /* no FHIR resource at all: nothing of it goes to the bus but by choice */
} FhirResult;

typedef struct FhirTranslator FhirTranslator;
/* One thread each. `memory` may be NULL: then references that lead out of a message are local identifiers alone. */
int fhir_translator_new(FhirTranslator **ret, const ReadingOptions *options, const FhirMemory *memory);
FhirTranslator *fhir_translator_free(FhirTranslator *translator);
DEFINE_CLEANUP(FhirTranslator *, fhir_translator_free)

/* 0 with `ret` set, whatever the message is like; -ENOMEM. The message is borrowed as long as the result, which lives until the next
 * call. `assigned_id`: what a resource without an id is called (a POST); NULL: none. */
int fhir_translate(FhirTranslator *translator, Bytes message, const char *assigned_id, FhirResult *ret);
Arena *fhir_translator_arena(FhirTranslator *translator);

/* For --translate and --load. */
extern const ReaderClass fhir_reader;
