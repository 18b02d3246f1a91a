#pragma once
/* What the files translate*.c share; for nobody else. */
#include "adapters/common/draft.h"
#include "adapters/mllp/translate.h"
#include "carebus/v1/bodies.pb-c.h"
#include "carebus/v1/common.pb-c.h"
#include "canon/zone.h"

/* One message on its way. */
typedef struct Translation {
        Draft draft;
        const Hl7Message *message;
        const TranslateOptions *options;
        const Zone *zone;    /* of the source; NULL: UTC */
        const char *trigger; /* ADT^A01, as said */
        const char *meant;   /* what that means by the profile; else as said */
        const char *message_id;
        /* What every event of the message carries: translate-envelope.c. */
        Carebus__V1__Author *sender, *author;
        Carebus__V1__Identifier *carried_id;                    /* ZBU-1 */
        Carebus__V1__When *sent_at, *recorded_at, *occurred_at; /* MSH-7, EVN-2, EVN-6 */
        size_t n_notes;
        Carebus__V1__Text **notes;
        const char *flaw, *flaw_position; /* a problem that takes no event away: what is enclosed cannot be read */
        const char **bad_times;           /* places */
        size_t n_bad_times;
} Translation;

/* ---- translate.c: the common ground */

/* SEG[n]-F in the arena. */
const char *translation_position(Translation *t, const Hl7Segment *segment, unsigned field);

/* The next segment of this name behind `after` and in front of `end` (NULL: to the end of the message); NULL: none. */
const Hl7Segment *translation_next(const Translation *t, const char *name, const Hl7Segment *after,
                                   const Hl7Segment *end);

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
/* Whether all that `when` can mean (a day: the whole of it) lies before `other`. Times that are missing or cannot be read: no. */
bool when_is_before(const Translation *t, const Carebus__V1__When *when, const Carebus__V1__When *other);
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
/* What HL7 says for a use of ours, and for a coding system; NULL where it has no word for it. */
typedef enum UseTable { USE_OF_NAME, USE_OF_ADDRESS, USE_OF_TELECOM } UseTable;
const char *use_said(UseTable table, const char *use);
/* The use that a word of HL7 stands for; NULL: none. */
const char *use_meant(UseTable table, const char *said);
const char *code_system_said(const char *system);
/* The shared system that a name of table 0396 stands for; NULL: none. */
const char *code_system_meant(const char *said);
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

/* The rows of one segment, for who writes what these files read: one table, both ways (writer-fields.c). */
typedef struct FieldTable {
        const char *segment;
        const FieldRow *rows;
        size_t n_rows;
} FieldTable;
extern const FieldTable table_pid, table_pd1, table_nk1;                    /* of Demographics, RelatedPerson */
extern const FieldTable table_pv1, table_pv2, table_zu1, table_pid_account; /* of Encounter */
extern const FieldTable table_iam, table_dg1, table_rol;                    /* of Allergy, Condition, CareTeamMember */
extern const FieldTable table_obr, table_obx;                               /* of Observation */
extern const FieldTable table_txa, table_rf1, table_sch;                    /* of Document, Referral, Appointment */
extern const FieldTable table_prb, table_gol;                               /* of CarePlanItem */

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
        const Hl7Segment *end; /* behind the last segment of this person; NULL: the end of the message */
        Carebus__V1__Demographics *demographics;
        Carebus__V1__Sensitivity *sensitivity; /* NULL: nothing was said of it */
        ClearedList cleared;
        bool has_no_related_persons; /* NK1-2 was emptied */
} Person;
/* `end`: the segment behind the last one of this person; NULL: to the end of the message. */
int person_read(Translation *t, const Hl7Segment *pid, const Hl7Segment *end, Person *ret);

typedef struct Visit {
        const Hl7Segment *pv1;
        Carebus__V1__Encounter *encounter;
        Carebus__V1__Identifier *number; /* of the stay: for Event.encounter_id; NULL: none said */
        ClearedList cleared;
        bool is_emergency;  /* PV1-2 is E */
        bool is_outpatient; /* PV1-2 is O */
        bool is_visit;      /* there is more than a place holder */
} Visit;
/* The stay that a message of one person speaks of. */
void visit_read(Translation *t, Visit *ret);
/* The stay that stands behind this person's PID. */
void visit_read_of(Translation *t, const Person *person, Visit *ret);
/* What a code means by the profile's map of its path; without one, the code as said. NULL: there is none. */
const char *meant_code(const Translation *t, const char *path, const Carebus__V1__Coded *coded);
/* Whether it is one of them, letters in either case; NULL is none. */
bool code_is_one_of(const char *code, const char *const *codes, size_t n_codes);
#define CODE_IS_ONE_OF(code, ...)                                  \
        code_is_one_of(code, (const char *const[]){ __VA_ARGS__ }, \
                       sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(const char *))

/* ---- translate-merge.c */

void merge_translate(Translation *t, const TriggerRow *row);
void move_translate(Translation *t, const TriggerRow *row);
void link_translate(Translation *t, const TriggerRow *row);

/* ---- what a message says besides: of each a segment makes an event of its own */

/* AL1 and IAM, DG1; ROL and PD1; ZU8. `visit` may be NULL. translate-lists.c, -team.c, -united-kingdom.c */
void allergies_translate(Translation *t, const Person *person, const Visit *visit);
void conditions_translate(Translation *t, const Person *person, const Visit *visit);
void team_translate(Translation *t, const Person *person, const Visit *visit);
void consent_translate(Translation *t, const Person *person);
/* All of them, and the death. A stay that never was (`is_cancelled`) leaves no diagnoses and no team behind. translate-triggers.c */
void besides_translate(Translation *t, const Person *person, const Visit *visit, bool is_cancelled);

/* A54, A55: who attends now. translate-team.c */
void lead_translate(Translation *t, const Person *person, const Visit *visit);
/* ZU3 of an out-patient. translate-outpatient.c */
void outpatient_translate(Translation *t, const TriggerRow *row, const Person *person, const Visit *visit);
/* SIU. translate-appointment.c */
void appointment_translate(Translation *t, const TriggerRow *row);
/* SCH-9 with SCH-10 and their like: 0, or 1 where the unit is none that is known, and nothing was read. */
int minutes_read(Translation *t, Hl7Value duration, Hl7Value unit, uint32_t *ret);

/* ---- translate-envelope.c */

/* MSH, EVN and NTE: once for the message. */
void envelope_read(Translation *t);
/* `practitioner` may be NULL. */
Carebus__V1__Author *author_new(Translation *t, const Carebus__V1__Practitioner *practitioner, char *organisation);
/* An event with its envelope; appended to the translation. NULL notes that it is full. */
Carebus__V1__Event *event_new(Translation *t, const char *type, Carebus__V1__Action action);
/* An event about one thing that a message says of somebody besides: without demographics, since another event has them. */
Carebus__V1__Event *event_besides(Translation *t, const char *type, Carebus__V1__Action action, const Person *person,
                                  const Visit *visit);
void event_set_person(Translation *t, Carebus__V1__Event *event, const Person *person, bool with_demographics);
void event_set_cleared(Translation *t, Carebus__V1__Event *event, const ClearedList *cleared);
/* Where the profile says that this source always sends the section whole, the last of the events behind `n_before` says so; where there
 * are none, the first of the message, if such a message would have had them (`may_be_empty`). */
void section_set_complete(Translation *t, const char *section, size_t n_before, bool may_be_empty);
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
bool message_is_urgent(const Profile *profile, const Hl7Message *message, const char *code, const char *event);
