#pragma once
/*
 * What the files of the clinical resources share: plan, decision, flag, consent, observation, questionnaire, condition,
 * medication, document, communication. For nobody else.
 */
#include "adapters/fhir/translate-rules.h"
#include "canon/vocabulary.h"

/* A word of R4 (a status), what the body calls it, and the event that it makes. Tables end with a row without `said`; that last row
 * holds for every other word, and for none. */
typedef struct ClinicalStatus {
        const char *said, *status, *event;
} ClinicalStatus;
const ClinicalStatus *clinical_status(const ClinicalStatus *table, const char *said);

/* ---- values; NULL for NULL */

Carebus__V1__Coded *clinical_first_coded(Fhir *f,
                                         JsonNode *array); /* CodeableConcept[]: the first; all count as read */
/* As fhir_coded(), and by the profile's map of `path` (observation.code), so that a local code can be one that the bus understands. */
Carebus__V1__Coded *clinical_mapped(Fhir *f, JsonNode *node, const char *path);
Carebus__V1__Coded *clinical_own_coded(Fhir *f, const char *system, const char *code, const char *display);
/* The moment of dateTime, or the start of a Period: effective[x], onset[x], occurrence[x]. */
Carebus__V1__When *clinical_start(Fhir *f, JsonNode *node);
Carebus__V1__When *clinical_end(Fhir *f, JsonNode *node); /* of a Period alone */
/* Whatever type value[x] has, as a person reads it: "3 d", "2024-01-01 to 2024-02-01". In the arena. */
char *clinical_words(Fhir *f, JsonNode *node);
const char *clinical_coded_words(const Carebus__V1__Coded *coded); /* text, display, code, original code; or NULL */
/* `a`, a line break, `b`; either may be NULL. */
char *clinical_join(Fhir *f, char *a, const char *b);
/* Text of XHTML without its tags. */
char *clinical_narrative(Fhir *f, JsonNode *text);
/* A comment of the whole event. */
void clinical_note(Fhir *f, Carebus__V1__Event *event, const JsonNode *at, char *text);
bool clinical_says(const char *text, const char *word); /* contains it, letters in either case */

/* ---- references */

bool clinical_is_person(const char *type);  /* the patient, or somebody of theirs */
bool clinical_is_service(const char *type); /* an organisation, a service, a team of one */
/* Of a list of actors, the first that is a professional, or NULL. */
Carebus__V1__Practitioner *clinical_professional(Fhir *f, const FhirResource *from, JsonNode *actors);
/* Notes for each resource of the message which report, panel and plan list it. The first call does it. */
void clinical_link(Fhir *f);
/* What it leads to in this message, by a text alone: Attachment.url, a canonical. */
FhirResource *clinical_resolve_text(Fhir *f, const FhirResource *from, const char *text);
/* What the resource calls itself, and the same with a part of it: QR-1#CPR001.1. */
Carebus__V1__Identifier *clinical_part_identifier(Fhir *f, const FhirResource *resource, const char *part);

/* ---- bytes */

typedef struct ClinicalContent {
        uint8_t *sha256; /* 32 bytes in the arena; NULL: no content, or it cannot be read */
        uint64_t size;
        char *text; /* of text/plain; or NULL */
} ClinicalContent;
/* base64Binary. What cannot be read is an issue and a problem of the message with its path. */
void clinical_read_content(Fhir *f, JsonNode *data, const char *media_type, bool urgent, ClinicalContent *ret);

/* ---- translate-decision.c: what a concept of canon/vocabulary.h says, wherever it was said */

typedef struct ClinicalSaid {
        const FhirResource *resource;
        const Concept *concept;    /* the question, or question and answer in one */
        Carebus__V1__Coded *code;  /* as it was said */
        Carebus__V1__Coded *value; /* the answer; NULL: the concept itself, or a text */
        char *value_text;          /* the answer in words */
        Carebus__V1__Identifier *identifier;
        Carebus__V1__Identifier *form; /* the form that it stood in */
        Carebus__V1__Coded *form_type;
        Carebus__V1__When *at, *ended_at;
        Carebus__V1__Period *valid;
        Carebus__V1__Practitioner *by;
        Carebus__V1__Coded *original_status;
        char *text;
        bool is_ended, is_error, is_draft;
} ClinicalSaid;

/* Whether its answer is no more than yes, no more than no. */
bool clinical_says_yes(const ClinicalSaid *said);
bool clinical_says_no(const ClinicalSaid *said);
/* Whether the concept makes an event of its own here: then it is made, and given in `ret` where that is not NULL (NULL: full). */
bool clinical_say(Fhir *f, const ClinicalSaid *said, Carebus__V1__Event **ret);
/* Whether a text has words of a decision about resuscitation, whatever it says of it. NULL: no. translate-hidden.c */
bool clinical_speaks_of_cpr(const char *text);
/* Whether it says that there is such a decision. Not NULL. */
bool clinical_states_cpr(const char *text);
/* The decision about resuscitation that this message has of a resource already; NULL: none. */
Carebus__V1__Event *clinical_cpr_event(const Fhir *f, const FhirResource *resource);
/* The event of a decision of this kind; its body is there. */
Carebus__V1__Event *clinical_decision(Fhir *f, Carebus__V1__Decision__Kind kind, const ClinicalSaid *said);
/* The first concept of the codings of `code`, by code, else by its text; NULL: none. `further` as by fhir_coded_further(). */
const Concept *clinical_concept(const Carebus__V1__Coded *code, Carebus__V1__Coded *const *further, size_t n_further);

/* ---- translate-measure.c */

typedef struct ClinicalCode {
        Carebus__V1__Coded *code;
        Carebus__V1__Coded **further;
        size_t n_further;
} ClinicalCode;
void clinical_read_code(Fhir *f, JsonNode *node, const char *path, ClinicalCode *ret);
const Scale *clinical_scale(const ClinicalCode *code);
Carebus__V1__Coded *clinical_scale_coded(Fhir *f, const Scale *scale, const Carebus__V1__Coded *said);
void clinical_measure(Fhir *f, const FhirResource *resource, const ClinicalCode *code, const Scale *scale);
/* A value[x] as a number; NULL where it is none. A text that is nothing but a number is one. */
Carebus__V1__Quantity *clinical_number(Fhir *f, JsonNode *value);
/* The score that an extension gives a coded answer; NULL: none. */
Carebus__V1__Quantity *clinical_ordinal(Fhir *f, JsonNode *value);

/* ---- translate-dosage.c */

/* A Timing in words: "3 times in 1 d, morning". */
char *clinical_timing(Fhir *f, JsonNode *timing);
/* Dosage[], or the one dosage of an administration, into the event's medication. */
void clinical_dosages(Fhir *f, JsonNode *array, Carebus__V1__Event *event);

/* ---- translate-document.c */

/* An Attachment of another resource as a document of its own, behind the other events of it; what it is called. NULL: none. */
Carebus__V1__Identifier *clinical_attachment(Fhir *f, const FhirResource *resource, JsonNode *attachment,
                                             Carebus__V1__Coded *type);

/* ---- translators of resources that have no row of their own in translate-rules.h */

void fhir_diagnostic_report(Fhir *f, const FhirResource *resource);
void fhir_medication_administration(Fhir *f, const FhirResource *resource);
void fhir_medication_dispense(Fhir *f, const FhirResource *resource);
