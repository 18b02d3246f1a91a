#pragma once
/* What the files of this folder that make events share; for nobody else. */
#include "adapters/common/draft.h"
#include "adapters/fhir/path.h"
#include "adapters/fhir/translate.h"
#include "canon/zone.h"

/* A resource of the message: an entry of the bundle, a contained one, or the root. */
typedef struct FhirResource FhirResource;
struct FhirResource {
        JsonNode *node;
        const char *type, *id;
        const char *full_url;              /* of the entry; or NULL */
        const char *method;                /* request.method of the entry: DELETE; or NULL */
        const FhirResource *container;     /* of a contained one */
        const struct FhirRow *row;         /* NULL: nobody makes events of it */
        JsonNode *entry;                   /* of the bundle; or NULL */
        bool is_deleted;                   /* DELETE: entered in error */
        bool is_refused;                   /* it has a modifier extension that nobody here understands */
        bool is_ignored;                   /* the profile leaves its type out */
        bool is_partial;                   /* not all of it could be read: of its events only decisions stand */
        bool is_broken;                    /* it could not be read to its end: none of its events stands */
        Carebus__V1__Author *author;       /* of Provenance; or NULL: the message's */
        Carebus__V1__When *recorded_at;    /* of Provenance, of meta.lastUpdated; or NULL */
        Carebus__V1__Identifier **patient; /* whose it is, once an event said so */
        size_t n_patient;
        const FhirResource *report, *panel, *plan; /* of the message, that list it; once clinical_link() looked */
        bool is_spoken; /* the bus wrote it, and its extension says all of it: nothing else is looked for */
        bool is_used;   /* another resource's event holds it: it needs none of its own (Practitioner, Location) */
};

/* One message on its way. */
typedef struct Fhir {
        Draft draft;
        const ReadingOptions *options;
        const FhirMemory *memory;
        FhirResource *resources; /* of the whole message, in order; contained ones behind their containers */
        size_t n_resources;
        JsonNode *root;
        const char *root_type;
        FhirIssue *issues;
        size_t n_issues;
        /* What every event of the message carries: of MessageHeader, Provenance, meta.lastUpdated, Bundle.timestamp. */
        Carebus__V1__Author *sender, *author;
        Carebus__V1__When *sent_at;
        const char *message_id;
        const char *trigger; /* MessageHeader.eventCoding.code, or Bundle/transaction, or Patient */
        const Zone *zone;    /* of the source */
        const char **bad_times;
        size_t n_bad_times;
        FhirResource **by_url,
                **by_type;            /* the resources, ordered by full URL and by type and id; the first have none */
        const FhirPath *const *paths; /* of the profile's fields, in their order; NULL: none that can be read */
        const FhirResource **event_resources; /* of which each event was made */
        const char *reason;                   /* of a message: new, update, delete (BaRS); or NULL */
        bool is_linked;                       /* clinical_link() has looked */
        FhirResource *current;                /* which is being translated; or NULL */
        bool is_doubtful; /* nothing of the message may be used: what it says of itself is not understood */
} Fhir;

typedef void (*FhirTranslate)(Fhir *f, const FhirResource *resource);
typedef struct FhirRow {
        const char *type;
        FhirTranslate translate; /* NULL: known, and told by others that refer to it (Practitioner, Location, Binary) */
        bool is_urgent;          /* what cannot be used of it may touch a decision, a death, a merge or an allergy */
        const char
                *patient; /* the element that refers to the patient: "subject", "patient"; NULL: none, or it is one */
} FhirRow;
extern const FhirRow fhir_rows[]; /* translate-table.c; ends with a row without type */
extern const size_t n_fhir_rows;

/* ---- translate-collect.c */

/* Fills f->resources and the two orders of it. `assigned_id`: what the root is called, where that was created; or NULL. */
void fhir_collect_resources(Fhir *f, const char *assigned_id);

/* ---- translate-event.c */

void fhir_issue(Fhir *f, const char *severity, const char *code, const JsonNode *at, const char *text);
/* Something that waits for a person. It takes no event away by itself. `at` may be NULL. */
void fhir_problem(Fhir *f, const char *code, const JsonNode *at, bool urgent);
/* The same, of the resource that is being translated: of its events only the decisions stand, each of which is whole in itself. */
void fhir_problem_here(Fhir *f, const char *code, const JsonNode *at, bool urgent);
/* Takes away what may not stand of the events of a resource, which begin with that one: a problem of it was found on the way. */
void fhir_events_sift(Fhir *f, FhirResource *resource, size_t from);
/* Nobody's event would be no one's business: it is a problem with its place, and goes. Once, at the end. */
void fhir_check_patients(Fhir *f);
char *fhir_position(Fhir *f, const JsonNode *node);
/* An event about a resource, appended, with its envelope: times, author, trigger, patient by the row's element, encounter_id and
 * episode_id where the resource refers to them, sensitivity by meta.security. `status` entered-in-error, or DELETE, makes the action
 * entered in error. Its time is that of the record until fhir_set_time() knows better. NULL: full. */
Carebus__V1__Event *fhir_event(Fhir *f, const FhirResource *resource, const char *type, Carebus__V1__Action action);
/* occurred_at, where it can be read; else what fhir_event() found stays. */
void fhir_set_time(Fhir *f, Carebus__V1__Event *event, Carebus__V1__When *when);
/* Its status is entered-in-error, or it was deleted: it is undone, never dropped. */
bool fhir_is_in_error(const FhirResource *resource);
/* Whether each text of a message is one that the bus takes: joined ones may not be. translate-clinical.c */
bool fhir_texts_fit(const ProtobufCMessage *message);
/* The row of a type; NULL: nobody knows it. */
const FhirRow *fhir_row_find(const char *type);

/* ---- translate-reference.c: where references lead. All take the Reference element, and NULL. */

/* In this message: contained (#id), urn:uuid, Type/id, absolute URL, Type/id/_history/n. NULL: not here. */
FhirResource *fhir_resolve(Fhir *f, const FhirResource *from, JsonNode *reference);
/* The business identifier of what it leads to: of the resource here, of what came before, Reference.identifier, else {system
 * carebus:SOURCE, type "Encounter", value "Type/id"}: a logical id is an identifier of its server alone. NULL: nothing was said. */
Carebus__V1__Identifier *fhir_reference_identifier(Fhir *f, const FhirResource *from, JsonNode *reference);
Carebus__V1__Practitioner *fhir_reference_practitioner(Fhir *f, const FhirResource *from, JsonNode *reference);
Carebus__V1__Organisation *fhir_reference_organisation(Fhir *f, const FhirResource *from, JsonNode *reference);
Carebus__V1__ServiceRef *fhir_reference_service(Fhir *f, const FhirResource *from, JsonNode *reference);
Carebus__V1__Place *fhir_reference_place(Fhir *f, const FhirResource *from, JsonNode *reference);
Carebus__V1__RelatedPerson *fhir_reference_person(Fhir *f, const FhirResource *from, JsonNode *reference);
/* The patient of an event: identifiers and, where the Patient is in this message, what it says of the person. */
void fhir_set_patient(Fhir *f, Carebus__V1__Event *event, const FhirResource *from, JsonNode *reference);
/* All that names what a reference leads to: business identifiers first. */
void fhir_reference_identifiers(Fhir *f, const FhirResource *from, JsonNode *reference, size_t *n,
                                Carebus__V1__Identifier ***list);
/* The type of what a reference leads to, as far as anybody says: "Practitioner". NULL: nobody does. */
const char *fhir_reference_type(Fhir *f, const FhirResource *from, JsonNode *reference);
/* {carebus:SOURCE, TYPE, TYPE/ID}. */
Carebus__V1__Identifier *fhir_logical_identifier(Fhir *f, const char *type, const char *id);
int fhir_compare_url(const FhirResource *a, const FhirResource *b);
int fhir_compare_type(const FhirResource *a, const FhirResource *b); /* by type, then by id */
/* Of a resource itself: its business identifiers, then its logical id, where it has one that outlives its message. */
void fhir_own_identifiers(Fhir *f, const FhirResource *resource, size_t *n, Carebus__V1__Identifier ***list);
Carebus__V1__Identifier *fhir_own_identifier(Fhir *f, const FhirResource *resource);

/* ---- translate-patient.c, for who refers to them */
Carebus__V1__Demographics *fhir_demographics(Fhir *f, const FhirResource *patient);
Carebus__V1__RelatedPerson *fhir_related_person_read(Fhir *f, const FhirResource *person);

/* ---- translate-message.c */

/* MessageHeader, Provenance, Bundle: what every event of the message carries. Once, before the first event. */
void fhir_envelope_read(Fhir *f);
/* SubscriptionStatus and the Parameters that stand for it in R4. True: the message says nothing but that the line is up. */
bool fhir_is_heartbeat(Fhir *f);
/* An Author of whoever a reference leads to. */
Carebus__V1__Author *fhir_reference_author(Fhir *f, const FhirResource *from, JsonNode *reference);

/* ---- translate-extension.c: extensions of UK Core, by the last part of their URL, whatever server and release it is of */

/* The extension of that name: "EthnicCategory" is .../Extension-UKCore-EthnicCategory. Marked as read. NULL: none. */
JsonNode *fhir_uk_extension(JsonNode *node, const char *name);
/* Its value[x] as a code; a part of it by name. */
Carebus__V1__Coded *fhir_uk_coded(Fhir *f, JsonNode *node, const char *name);
JsonNode *fhir_uk_part(JsonNode *extension, const char *name);

/* ---- translate-said.c */

/* Where the bus itself wrote the resource: one event of it, from that index on, says what it was written from. */
void fhir_said_apply(Fhir *f, const FhirResource *resource, size_t from);
void fhir_basic(Fhir *f, const FhirResource *resource);

/* ---- translate-fields.c: profile fields, and what became of each element */

void fhir_set_profile_demographics(Fhir *f, Carebus__V1__Demographics *demographics, const FhirResource *patient);
void fhir_set_profile_fields(Fhir *f, Carebus__V1__Event *event, const FhirResource *resource);
/* 0 or -ENOMEM. */
int fhir_list_fields(const Fhir *f, const FieldSeen **ret, size_t *ret_n);
/* Whether the profile says that an element says nothing that anybody needs: "Patient.photo". */
bool fhir_is_ignored(const Fhir *f, const char *path);

/* ---- translate-hidden.c: decisions that nothing else was made of */

/* Words of a decision about resuscitation in what nobody read: each resource that has some gets its event, or a note on the one that it
 * has; what nobody can say whose it is, is a problem. Once, behind the walk. */
void fhir_hidden_decisions(Fhir *f);

/* ---- translate-values.c: data types of R4. All take the element, note it as read, and give NULL for NULL and for what says nothing. */

/* Each one that takes an element has a sister that takes an object and the name of its member. */
char *fhir_member_text(Fhir *f, JsonNode *object, const char *name);
Carebus__V1__When *fhir_member_when(Fhir *f, JsonNode *object, const char *name);
char *fhir_text(Fhir *f, JsonNode *node); /* string, code, uri, id, markdown, decimal as written */
int fhir_truth(Fhir *f, JsonNode *node, protobuf_c_boolean *ret); /* 0 said, 1 not */
int fhir_number(Fhir *f, JsonNode *node, uint32_t *ret);          /* 0 said, 1 not */
Carebus__V1__When *fhir_when(Fhir *f,
                             JsonNode *node); /* date, dateTime, instant; what cannot be read is an issue, and kept */
Carebus__V1__Date *fhir_date(Fhir *f, JsonNode *node);
Carebus__V1__Period *fhir_period(Fhir *f, JsonNode *node);
/* CodeableConcept: the coding of the system most used here first (SNOMED CT, dm+d, UK Core, HL7, LOINC), else the first; the others go to
 * `further` where that is not NULL. text stays. */
Carebus__V1__Coded *fhir_coded(Fhir *f, JsonNode *node);
void fhir_coded_further(Fhir *f, JsonNode *node, size_t *n, Carebus__V1__Coded ***list);
Carebus__V1__Coded *fhir_coding(Fhir *f, JsonNode *node);
Carebus__V1__Coded *fhir_code(Fhir *f, JsonNode *node,
                              const char *system); /* a bare code of R4's own: original too, for the profile's maps */
void fhir_coded_list(Fhir *f, JsonNode *array, size_t *n, Carebus__V1__Coded ***list);
Carebus__V1__Identifier *fhir_identifier(Fhir *f, JsonNode *node);
/* Appends what is not in the list already. */
void fhir_identifier_add(Fhir *f, size_t *n, Carebus__V1__Identifier ***list, Carebus__V1__Identifier *identifier);
void fhir_identifier_list(Fhir *f, JsonNode *array, size_t *n, Carebus__V1__Identifier ***list);
Carebus__V1__HumanName *fhir_name(Fhir *f, JsonNode *node);
Carebus__V1__Address *fhir_address(Fhir *f, JsonNode *node);
Carebus__V1__Telecom *fhir_telecom(Fhir *f, JsonNode *node);
void fhir_telecom_list(Fhir *f, JsonNode *array, size_t *n, Carebus__V1__Telecom ***list);
Carebus__V1__Quantity *fhir_quantity(Fhir *f,
                                     JsonNode *node); /* unit: UCUM code where it says so; original_unit: unit */
char *fhir_annotations(Fhir *f, JsonNode *array);     /* Annotation[]: texts, one a line */
/* Extension by URL (of an element or resource): the Extension object, marked as read; its value[x] with fhir_value(). */
JsonNode *fhir_extension(JsonNode *node, const char *url);
/* The member value[x] of an object, whatever its type: valueString, valueCode, ... NULL: none. */
JsonNode *fhir_choice(JsonNode *node, const char *stem); /* fhir_choice(node, "value"), (node, "effective") */
/* Whether `coded` is that code of that system (system NULL: any). */
bool coded_is(const Carebus__V1__Coded *coded, const char *system, const char *code);

/* ---- translators of resources: one function a type, a file a family, all named in translate-table.c */

/* translate-patient.c, translate-encounter.c, translate-referral.c, translate-appointment.c, translate-team.c, translate-message.c */
void fhir_patient(Fhir *f, const FhirResource *resource);
void fhir_related_person(Fhir *f, const FhirResource *resource);
void fhir_encounter(Fhir *f, const FhirResource *resource);
void fhir_episode_of_care(Fhir *f, const FhirResource *resource);
void fhir_service_request(Fhir *f, const FhirResource *resource);
void fhir_task(Fhir *f, const FhirResource *resource);
void fhir_appointment(Fhir *f, const FhirResource *resource);
void fhir_care_team(Fhir *f, const FhirResource *resource);
void fhir_healthcare_service(Fhir *f, const FhirResource *resource);
/* translate-plan.c, translate-decision.c, translate-observation.c, translate-questionnaire.c, translate-condition.c,
 * translate-medication.c, translate-document.c, translate-communication.c */
void fhir_care_plan(Fhir *f, const FhirResource *resource);
void fhir_goal(Fhir *f, const FhirResource *resource);
void fhir_flag(Fhir *f, const FhirResource *resource);
void fhir_consent(Fhir *f, const FhirResource *resource);
void fhir_observation(Fhir *f, const FhirResource *resource);
void fhir_questionnaire_response(Fhir *f, const FhirResource *resource);
void fhir_condition(Fhir *f, const FhirResource *resource);
void fhir_allergy_intolerance(Fhir *f, const FhirResource *resource);
void fhir_medication_request(Fhir *f, const FhirResource *resource);
void fhir_medication_statement(Fhir *f, const FhirResource *resource);
void fhir_document_reference(Fhir *f, const FhirResource *resource);
void fhir_composition(Fhir *f, const FhirResource *resource);
void fhir_communication(Fhir *f, const FhirResource *resource);
