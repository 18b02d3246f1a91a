#pragma once
/* What the files of this folder that write resources share; for nobody else. */
#include <stdint.h>

#include "adapters/fhir/translate.h"
#include "adapters/fhir/write.h"
#include "canon/zone.h"

/* One resource on its way. Sticky: once it is full the rest is done for nothing, and looked at once at the end. */
typedef struct Writer {
        Arena *arena;
        const Zone *zone;
        const char *bus;
        bool is_full, is_bad_text;
        bool is_redacted;   /* fields were hidden: what R4 asks for and is not there is masked */
        JsonNode *resource; /* contained ones go into it */
        unsigned n_contained;
        const char *patient_reference; /* Patient/UUID; NULL: of nobody */
        const Carebus__V1__Event *event;
} Writer;

/* ---- write-tree.c: JSON as a tree in the arena. A value that is NULL is not put anywhere. */

JsonNode *tree_object(Writer *w);
JsonNode *tree_text(Writer *w, const char *text); /* NULL and "" give NULL */
JsonNode *tree_number(Writer *w, const char *digits);
JsonNode *tree_unsigned(Writer *w, uint64_t value);
JsonNode *tree_truth(Writer *w, bool value);
/* By a path: `a`, `a.b`, `a[]` appends, `a[0].b` goes into the first element; what is not there is made. */
void tree_put(Writer *w, JsonNode *object, const char *path, JsonNode *value);
void tree_put_text(Writer *w, JsonNode *object, const char *path, const char *text);
JsonNode *tree_or_null(JsonNode *object); /* NULL for what has no members */

/* ---- write-values.c: data types of R4; NULL for NULL and for what says nothing */

JsonNode *write_coded(Writer *w, const Carebus__V1__Coded *coded);  /* CodeableConcept */
JsonNode *write_coding(Writer *w, const Carebus__V1__Coded *coded); /* Coding */
JsonNode *write_code(Writer *w, const Carebus__V1__Coded *coded);  /* code: as said where it was, else the shared one */
JsonNode *write_when(Writer *w, const Carebus__V1__When *when);    /* dateTime, as precise as it was said */
JsonNode *write_instant(Writer *w, const Carebus__V1__When *when); /* whole to the second, or NULL */
JsonNode *write_moment(Writer *w, int64_t utc_at);                 /* the same, of microseconds */
JsonNode *write_date(Writer *w, const Carebus__V1__Date *date);
JsonNode *write_period(Writer *w, const Carebus__V1__Period *period);
JsonNode *write_span(Writer *w, const Carebus__V1__When *start, const Carebus__V1__When *end);
JsonNode *write_identifier(Writer *w, const Carebus__V1__Identifier *identifier);
JsonNode *write_name(Writer *w, const Carebus__V1__HumanName *name);
JsonNode *write_address(Writer *w, const Carebus__V1__Address *address);
JsonNode *write_telecom(Writer *w, const Carebus__V1__Telecom *telecom);
JsonNode *write_quantity(Writer *w, const Carebus__V1__Quantity *quantity);
JsonNode *write_annotation(Writer *w, const char *text);
/* An extension with one value: {"url":URL,"valueX":VALUE}; NULL for no value. */
JsonNode *write_extension(Writer *w, const char *url, const char *value_name, JsonNode *value);

/* ---- write-reference.c: who and where, as references, with what they lead to contained where a name is not enough */

JsonNode *write_reference(Writer *w, const char *type, const Carebus__V1__Identifier *identifier, const char *display);
JsonNode *write_practitioner(Writer *w, const Carebus__V1__Practitioner *practitioner);
JsonNode *write_organisation(Writer *w, const Carebus__V1__Organisation *organisation);
/* `type`: HealthcareService, CareTeam or Organization: what may stand there. */
JsonNode *write_service(Writer *w, const Carebus__V1__ServiceRef *service, const char *type);
JsonNode *write_place(Writer *w, const Carebus__V1__Place *place);
JsonNode *write_person(Writer *w, const Carebus__V1__RelatedPerson *person);
JsonNode *write_contact(Writer *w, const Carebus__V1__RelatedPerson *person); /* Patient.contact */
JsonNode *write_subject(Writer *w);

/* ---- write-binary.c */

/* base64Binary; NULL where there is no room. */
const char *write_base64(Writer *w, Bytes bytes);
/* A fact with the name of its Binary; the fact itself where it has none or `w` has no room. */
const Carebus__V1__Fact *write_with_binary(Writer *w, const char *bus, const char *patient_id,
                                           const Carebus__V1__Fact *fact, Carebus__V1__Fact *room);

/* ---- write-rows.c: fields into elements by table */

typedef JsonNode *(*WriteValue)(Writer *w, const void *value);
typedef struct WriteRow {
        const char *field;     /* of the body */
        const char *element;   /* path; of a repeated field one that ends in [] */
        WriteValue write;      /* of a message; NULL: the scalar itself */
        const char *extension; /* not NULL: `element` is that of the extension's value, and this its URL */
} WriteRow;
/* Ends with a row without a field. */
void write_rows(Writer *w, const WriteRow *rows, const ProtobufCMessage *body, JsonNode *resource);
#define ROW_END \
        { NULL, NULL, NULL, NULL }

/* One word of ours for one of R4's. */
typedef struct WriteWord {
        const char *ours, *theirs;
} WriteWord;
/* Ends with a row whose `ours` is NULL: that one's `theirs` is for whatever is not there. */
const char *write_word(const WriteWord *words, const char *ours);

/* ---- write-bodies-*.c */

typedef struct WriteBody {
        Carebus__V1__Event__BodyCase body;
        const char *type, *profile; /* of the resource; UK Core's, or NULL */
        const char *patient;        /* the element with the patient; NULL: none */
        const char *encounter;      /* with the stay; NULL: none */
        void (*write)(Writer *w, const void *body, JsonNode *resource);
        const char *(*choose)(const void *body,
                              const Carebus__V1__Event *event); /* another type of resource; NULL: always `type` */
        const char *required;                                   /* elements that R4 asks for, apart by blanks */
} WriteBody;
extern const WriteBody write_bodies_people[], write_bodies_care[], write_bodies_clinical[], write_bodies_rest[];
#define BODY_END \
        { CAREBUS__V1__EVENT__BODY__NOT_SET, NULL, NULL, NULL, NULL, NULL, NULL, NULL }

#define UK_EXTENSION "https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-"
#define UK_PROFILE "https://fhir.hl7.org.uk/StructureDefinition/UKCore-"
#define HL7_EXTENSION "http://hl7.org/fhir/StructureDefinition/"
#define SYSTEM_TABLE "urn:carebus:table:" /* of codes whose table has a name and no URI */

/* Text.div of a resource: a title and the fields of a message, for people. */
void write_narrative(Writer *w, const char *title, const ProtobufCMessage *message, JsonNode *resource);

/* ---- write.c, for the other files that make whole resources */

/* The frame of a resource that is not of an event's body: type, id, meta with the source. `name`: what its id is made of. */
JsonNode *write_frame(Writer *w, const char *type, const char *name, FhirWritten *written);
Writer writer_begin(FhirWriter *writer, const Carebus__V1__Event *event);
bool writer_offers_bytes(const FhirWriter *writer);
/* 0, or what went wrong on the way. */
int writer_end(const Writer *w);
