#pragma once
/* What the files translate*.c share; for nobody else. */
#include "adapters/common/draft.h"
#include "adapters/mllp/translate.h"
#include "carebus/v1/bodies.pb-c.h"
#include "carebus/v1/common.pb-c.h"

/* One message on its way. */
typedef struct Translation {
        Draft draft;
        const Hl7Message *message;
        const TranslateOptions *options;
        const char *trigger; /* ADT^A01 */
        const char *message_id;
        /* What every event of the message carries: translate-envelope.c. */
        Carebus__V1__Author *sender, *author;
        Carebus__V1__When *sent_at, *recorded_at, *occurred_at; /* MSH-7, EVN-2, EVN-6 */
        size_t n_notes;
        Carebus__V1__Text **notes;
        const char **bad_times; /* places */
        size_t n_bad_times;
} Translation;

/* ---- translate.c: the common ground */

/* SEG[n]-F in the arena. */
const char *translation_position(Translation *t, const Hl7Segment *segment, unsigned field);

/* Notes the place of a time that cannot be read. */
void translation_bad_time(Translation *t, Hl7Value value);

/* ---- translate-values.c: data types of HL7. NULL: nothing was said. */

/* The whole of the value is nothing but "" and separators. */
bool value_is_cleared(const Translation *t, Hl7Value value);
char *value_text(Translation *t, Hl7Value value);                /* ST, ID: first component and sub-component */
char *value_text_whole(Translation *t, Hl7Value value);          /* ST, TX, FT: ampersands that nobody escaped stay */
Carebus__V1__Coded *value_coded(Translation *t, Hl7Value value); /* CWE, CE, IS, ID */
Carebus__V1__When *value_when(Translation *t, Hl7Value value); /* TS, DTM, DT; what cannot be read is noted, and kept */
Carebus__V1__Date *value_date(Translation *t, Hl7Value value);
bool when_is_readable(const Carebus__V1__When *when);
/* The first of them that can be read; where none can, the first that was said; NULL where nothing was. */
Carebus__V1__When *when_first(Carebus__V1__When *const *times, size_t n_times);
Carebus__V1__Identifier *value_identifier(Translation *t, Hl7Value value);       /* CX */
Carebus__V1__Identifier *value_entity(Translation *t, Hl7Value value);           /* EI */
Carebus__V1__HumanName *value_name(Translation *t, Hl7Value value);              /* XPN */
Carebus__V1__Address *value_address(Translation *t, Hl7Value value);             /* XAD */
Carebus__V1__Organisation *value_organisation(Translation *t, Hl7Value value);   /* XON */
Carebus__V1__Practitioner *value_practitioner(Translation *t, Hl7Value value);   /* XCN */
Carebus__V1__Place *value_place(Translation *t, Hl7Value value);                 /* PL */
Carebus__V1__Period *value_period(Translation *t, Hl7Value start, Hl7Value end); /* two times, one of them at least */
/* The coding system that another field names (DG1-2), where the code itself names none. */
void coded_set_system(Carebus__V1__Coded *coded, char *said);
/* XTN: at most two, a number and an address for mail that stood in the same repeat. `use` where it says none. */
void value_telecom(Translation *t, Hl7Value value, const char *use, size_t *n, Carebus__V1__Telecom ***list);
/* Y or N; 0 said, 1 nothing that can be read. */
int value_truth(Translation *t, Hl7Value value, protobuf_c_boolean *ret);
int value_number(Translation *t, Hl7Value value, uint32_t *ret);
/* A number that names no authority in a field that is not the source's own list: it gets one of its own, SOURCE-FIELD, or
 * it would pass for a number of the list. */
void identifier_set_apart(Translation *t, Carebus__V1__Identifier *identifier, const char *field);
/* Two identifiers with the same authority, type and value. */
bool identifiers_are_equal(const Carebus__V1__Identifier *a, const Carebus__V1__Identifier *b);
bool texts_are_equal(const char *a, const char *b);

/* ---- translate-fields.c: one row a field */

typedef enum FieldKind {
        FIELD_TEXT,
        FIELD_TRUTH,  /* quantifier: has_ */
        FIELD_NUMBER, /* quantifier: has_ */
        FIELD_CODED,
        FIELD_CODED_TEXT, /* a Coded whose source is words, no code: ST */
        FIELD_CODED_LIST, /* quantifier: n_, for every list */
        FIELD_WHEN,
        FIELD_DATE,
        FIELD_IDENTIFIER,
        FIELD_IDENTIFIER_LIST, /* no two alike; `extra`: one that names no authority is not the source's own number */
        FIELD_ENTITY,          /* EI; `extra`: one that names no authority is of a list of its own */
        FIELD_ENTITY_LIST,
        FIELD_NAME,
        FIELD_NAME_LIST,
        FIELD_ADDRESS_LIST,
        FIELD_TELECOM_LIST, /* `extra` is the use that the field stands for */
        FIELD_ORGANISATION,
        FIELD_ORGANISATION_NAME, /* the field is a name or a code */
        FIELD_PRACTITIONER,
        FIELD_PARTICIPANT_LIST, /* `extra` is the role */
        FIELD_PLACE,
        FIELD_SKIPPED, /* read by intent: it says nothing about the patient */
        _FIELD_KIND_MAX,
} FieldKind;

typedef struct FieldRow {
        uint8_t number;
        uint8_t kind;
        uint16_t offset; /* in the target */
        uint16_t quantifier;
        const char *name; /* of the field in the schema, for `cleared` */
        const char *extra;
} FieldRow;

/* Applies the rows to a segment. `path` is the canonical path of the target; emptied fields go to `cleared`. */
typedef struct ClearedList {
        size_t n;
        char **paths;
} ClearedList;
void fields_apply(Translation *t, const Hl7Segment *segment, const FieldRow *rows, size_t n_rows, void *target,
                  const char *path, ClearedList *cleared);
void cleared_add(Translation *t, ClearedList *cleared, const char *path, const char *name);

/* ---- translate-triggers.c: one row a trigger */

typedef struct TriggerRow TriggerRow;
struct TriggerRow {
        const char *code, *event; /* ADT, A01; event "": any of that code */
        void (*translate)(Translation *t, const TriggerRow *row);
        const char *type;
        const char *type_emergency; /* where PV1-2 is E; NULL: the same */
        Carebus__V1__Action action;
        const char *status; /* of the stay */
        int time;
};

/* ---- translate-demographics.c, translate-encounter.c */

/* One person of the message: a PID and what belongs to it. */
typedef struct Person {
        const Hl7Segment *pid;
        Carebus__V1__Demographics *demographics;
        Carebus__V1__Sensitivity *sensitivity; /* NULL: nothing was said of it */
        ClearedList cleared;
} Person;
/* `end`: the segment behind the last one of this person; NULL: to the end of the message. */
int person_read(Translation *t, const Hl7Segment *pid, const Hl7Segment *end, Person *ret);

typedef struct Visit {
        const Hl7Segment *pv1;
        Carebus__V1__Encounter *encounter;
        ClearedList cleared;
        bool is_emergency; /* PV1-2 is E */
        bool is_visit;     /* there is more than a place holder */
} Visit;
void visit_read(Translation *t, Visit *ret);

/* ---- translate-merge.c */

void merge_translate(Translation *t, const TriggerRow *row);

/* ---- translate-envelope.c */

/* MSH, EVN and NTE: once for the message. */
void envelope_read(Translation *t);
/* An event with its envelope; appended to the translation. NULL notes that it is full. */
Carebus__V1__Event *event_new(Translation *t, const char *type, Carebus__V1__Action action);
void event_set_person(Translation *t, Carebus__V1__Event *event, const Person *person, bool with_demographics);
void event_set_cleared(Translation *t, Carebus__V1__Event *event, const ClearedList *cleared);
/* The fields of local segments that the profile maps into this event's body or envelope. */
void event_set_profile_fields(Translation *t, Carebus__V1__Event *event);
/* One of them: `path` within `message`. What the field cannot take becomes a note. */
void profile_field_set(Translation *t, const ProfileField *field, ProtobufCMessage *message, const char *path);

/* ---- translate-triggers.c */

/* Whose message it is, where it speaks of one person. Negative: a problem is noted. */
int patient_read(Translation *t, Person *ret);
/* death.notified, where the message says so. `visit` may be NULL. */
void death_translate(Translation *t, const Person *person, const Visit *visit);
/* False: no row for this trigger. */
bool trigger_translate(Translation *t, const char *code, const char *event);

/* ---- translate-urgency.c */

/* Whether a message that nobody here understands may touch a decision, a death, a merge or an allergy. */
bool message_is_urgent(const Hl7Message *message, const char *code, const char *event);
