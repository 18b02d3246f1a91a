#pragma once
/* What the files writer*.c share; for nobody else. */
#include "adapters/mllp/translate-rules.h"
#include "adapters/mllp/writer.h"
#include "canon/zone.h"

#define OUT_FIELDS_MAX 64
#define OUT_SEGMENTS_MAX 8192

/* A segment while it is filled: fields as they will stand on the wire, escaped, by number. */
typedef struct OutSegment {
        char name[4];
        unsigned n_fields; /* the highest number that has something */
        char *fields[OUT_FIELDS_MAX + 1];
} OutSegment;

/* One message on its way out. */
typedef struct Out {
        Arena *arena;
        const WriterOptions *options;
        const ProfileOut *settings;
        const Zone *zone;
        Hl7Separators separators;
        const struct Encoder *encoder;
        const WriterItem *item;
        const Carebus__V1__Event *event;     /* without what the receiver owns */
        const char *message;                 /* ADT^A01 */
        const Carebus__V1__Encounter *visit; /* the stay that PV1 is about; NULL: none */
        OutSegment **segments;
        size_t n_segments;
        const char *lacks; /* what it cannot be without; the first one stays */
        bool is_not_said;
        bool is_full;
} Out;

/* ---- writer.c: memory and segments. Whatever is full is noted, and looked at once at the end. */

void *out_alloc(Out *out, size_t size); /* cleared */
char *out_format(Out *out, const char *format, ...) __attribute__((format(printf, 2, 3)));
OutSegment *out_segment(Out *out, const char *name);
/* A field; NULL leaves it as it is. */
void out_set(Out *out, OutSegment *segment, unsigned number, char *value);
/* One more repeat of it. */
void out_repeat(Out *out, OutSegment *segment, unsigned number, char *value);
/* The message cannot be without it. Static text. */
void out_lacks(Out *out, const char *place);
/* Whether the profile wants such a segment: Z segments are written for who knows them. */
bool out_has_segment(const Out *out, const char *name);
bool out_is_from(const Out *out, const char *version);

/* ---- writer-values.c: data types of HL7, escaped. NULL: nothing to say. */

/* A set of characters that a message is written in; NULL stands for UTF-8. */
typedef struct Encoder Encoder;
int encoder_new(const char *charset, Encoder **ret);
Encoder *encoder_free(Encoder *encoder);
DEFINE_CLEANUP(Encoder *, encoder_free)
/* The text in the set, a question mark for what it has not; `text` itself where nothing changes. */
const char *encoder_fit(const Encoder *encoder, Arena *arena, const char *text);
/* A whole message of which every text was made to fit. */
int encoder_append(const Encoder *encoder, Bytes message, Buffer *ret);
/* MSH-18 for it. */
const char *encoder_name(const Encoder *encoder);

/* One value: separators, the bytes of the frame and all control characters are escaped. */
char *out_text(Out *out, const char *text);
/* The same where the format may hold line ends (FT, TX, NTE): \.br\. */
char *out_words(Out *out, const char *text);
/* Parts that are escaped already, with a separator between, none behind the last that has something; NULL where none has. */
char *out_join(Out *out, uint8_t separator, char *const *parts, size_t n_parts);
#define OUT_COMPONENTS(out, ...)                                                   \
        out_join(out, (out)->separators.component, (char *const[]){ __VA_ARGS__ }, \
                 sizeof((char *const[]){ __VA_ARGS__ }) / sizeof(char *))

/* `path`: canonical, for the maps of the profile backwards; NULL: none has it. */
char *out_coded(Out *out, const char *path, const Carebus__V1__Coded *coded);
char *out_coded_between(Out *out, const char *path, const Carebus__V1__Coded *coded, uint8_t separator);
/* The code alone: fields of which a receiver reads nothing else (sex, class, status). */
char *out_code(Out *out, const char *path, const Carebus__V1__Coded *coded);
char *out_when(Out *out, const Carebus__V1__When *when);
char *out_time(Out *out, int64_t utc_at); /* to the second */
char *out_date(Out *out, const Carebus__V1__Date *date);
char *out_identifier(Out *out, const Carebus__V1__Identifier *identifier); /* CX */
char *out_entity(Out *out, const Carebus__V1__Identifier *identifier);     /* EI */
char *out_own_entity(Out *out);                                            /* EI: the event's own id, of this bus */
char *out_name(Out *out, const Carebus__V1__HumanName *name);              /* XPN */
char *out_address(Out *out, const Carebus__V1__Address *address);          /* XAD */
char *out_telecom(Out *out, const Carebus__V1__Telecom *telecom);          /* XTN */
char *out_organisation(Out *out, const Carebus__V1__Organisation *organisation); /* XON */
char *out_practitioner(Out *out, const Carebus__V1__Practitioner *practitioner); /* XCN */
char *out_place(Out *out, const Carebus__V1__Place *place);                      /* PL */
char *out_unit(Out *out, const Carebus__V1__Quantity *quantity);                 /* CE */
/* What of a name is said, in the order in which it is spoken, not escaped. */
char *name_words(Out *out, const Carebus__V1__HumanName *name);
/* Words of a code: as said, else its display, else the code itself. */
const char *coded_words(const Carebus__V1__Coded *coded);

/* ---- writer-fields.c */

/* Fills a segment by the rows that read it. `path`: canonical path of the target, for maps and for what was emptied; NULL: of neither. */
void fields_write(Out *out, OutSegment *segment, const FieldTable *table, const void *target, const char *path);
/* Whether the source emptied it. */
bool out_is_cleared(const Out *out, const char *path, const char *name);

/* ---- writer-owned.c */

/* The event without what the receiver's own sources own, and without their emptying: `event` itself where nothing changes. */
const Carebus__V1__Event *event_without_owned(Out *out, const Carebus__V1__Event *event);
/* Demographics without the fields that a record has from the receiver's own sources. */
Carebus__V1__Demographics *demographics_without_own(Out *out, const Carebus__V1__Overview *overview);

/* ---- writer-person.c */

/* PID, PD1 and NK1 of whom the event is about. `demographics` NULL: what the event says of them. */
void person_write(Out *out, const Carebus__V1__Demographics *demographics);
/* PID of whom a merge or link retires: their numbers, the bus's own among them, and nothing else. */
void person_write_retired(Out *out, const Carebus__V1__Merge *merge);
/* The bus's own number of somebody, as an identifier; NULL where there is none. */
char *person_bus_number(Out *out, const char *patient_id);
/* PV1, PV2 and ZU1; without a stay a PV1 that says that it is none, or which the event names. */
void visit_write(Out *out, const Carebus__V1__Encounter *encounter);
void evn_write(Out *out);
/* What stands beside the event as comments. */
void notes_write(Out *out, size_t n, Carebus__V1__Text **notes);
OutSegment *note_write(Out *out, unsigned number, const char *text);

/* ---- one function a kind of message */

void stay_write(Out *out);
void demographics_write(Out *out);
void death_write(Out *out);
void merge_write(Out *out);
void allergies_write(Out *out);
void conditions_write(Out *out);
void team_write(Out *out);
void consent_write(Out *out);
void result_write(Out *out);
void document_write(Out *out);
void plan_write(Out *out);
void referral_write(Out *out);
void appointment_write(Out *out);
void granted_write(Out *out);

/* Segments that another message takes in too. */
void allergy_segment_write(Out *out, const Carebus__V1__Allergy *allergy, Carebus__V1__Action action, unsigned number);
void condition_segment_write(Out *out, const Carebus__V1__Condition *condition, Carebus__V1__Action action,
                             unsigned number);
void member_segment_write(Out *out, const Carebus__V1__CareTeamMember *member, const char *action);
/* OBX and NTE of a decision. False: HL7 has no question for it. */
bool decision_segments_write(Out *out, const Carebus__V1__Decision *decision, const char *type, unsigned number);
bool decision_has_question(const Carebus__V1__Event *event);

/* ---- writer-words.c: any event in words, for who has no field for it */

/* One line a fact, spaces in front for what is below another; not escaped. Lines end with \n. NULL: nothing to say. */
char *event_words(Out *out, const Carebus__V1__Event *event);
char *message_words(Out *out, const ProtobufCMessage *message, unsigned depth);
/* "encounter admitted". */
char *type_words(Out *out, const char *type);
