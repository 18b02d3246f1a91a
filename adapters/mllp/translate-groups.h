#pragma once
/*
 * What messages of several groups share: whose results, orders, documents these are, where a group ends, which comment
 * belongs to what. For the files translate*.c, and for nobody else.
 */
#include <stddef.h>

#include "adapters/mllp/translate-rules.h"
#include "canon/vocabulary.h"

/* Rows for fields_apply(): `type` is the struct, `member` its field. */
#define ROW_ONE(number, kind, type, member) \
        { number, kind, offsetof(type, member), 0, #member, NULL }
#define ROW_APART(number, kind, type, member, extra) \
        { number, kind, offsetof(type, member), 0, #member, extra }
#define ROW_HAS(number, kind, type, member) \
        { number, kind, offsetof(type, member), offsetof(type, has_##member), #member, NULL }
#define ROW_LIST(number, kind, type, member, extra) \
        { number, kind, offsetof(type, member), offsetof(type, n_##member), #member, extra }
#define ROW_SKIP(number) \
        { number, FIELD_SKIPPED, 0, 0, NULL, NULL }

/* ---- segments */

/* A run of segments: `end` stands behind the last. */
typedef struct Span {
        const Hl7Segment *first, *end;
} Span;
/* The first of this name within; NULL when there is none. */
const Hl7Segment *span_find(Span span, const char *name);
const Hl7Segment *span_find_next(Span span, const char *name, const Hl7Segment *after);
bool segment_is(const Hl7Segment *segment, const char *name);

/* A problem of one part of a message, which takes none of its events away: they wait beside it until a person has looked. The first
 * one stays. `position` as for draft_problem(). */
void flaw_note(Translation *t, const char *code, const char *position);

/* ---- whose it is */

typedef struct Patient {
        Person person;
        Span span; /* from its PID to the next one's */
        Carebus__V1__Identifier *encounter_id;
        bool is_known; /* an event said who it is: the others need only the numbers */
} Patient;

/* Of a message that speaks of one person. Negative: a problem is noted. */
int patient_open(Translation *t, Patient *ret);
/* Of a message that may speak of several, one below the other: `each` for every one in turn, none where one of them cannot be
 * told (the problem is noted). */
void patients_each(Translation *t, void (*each)(Translation *t, Patient *patient, const TriggerRow *row),
                   const TriggerRow *row);
/* A patient whom another file has read already, with the segments behind its PID. */
Patient patient_of_person(Translation *t, const Person *person);

/* An event about a patient, without its body. NULL notes that it is full. */
Carebus__V1__Event *patient_event(Translation *t, Patient *patient, const char *type, Carebus__V1__Action action);

/* What any message says of a person besides: that they died, and what they are allergic to. Last of the patient's events. */
void patient_end(Translation *t, const Patient *patient);

/* ---- comments */

typedef struct NoteList {
        size_t n;
        Carebus__V1__Text **texts;
} NoteList;
/* The NTE that stand under a segment, up to the next one that can have some; appended. */
void notes_add(Translation *t, const Hl7Segment *owner, Span span, NoteList *list);
/* All lines in one text; NULL where there are none. */
char *notes_text(Translation *t, const NoteList *list);
/* Ends an event: what the profile adds to its body, and the comments on the whole of it (`notes` may be NULL). */
void event_end(Translation *t, Carebus__V1__Event *event, const NoteList *notes);

/* Comments that are a question and its answer (QUESTION->ANSWER; lines without an arrow go on with the answer before them) become
 * `answers`; what stands before the first stays in `list`. */
void answers_read(Translation *t, NoteList *list, size_t *n, Carebus__V1__QuestionAnswer ***answers);

/* ---- orders: ORC, OBR and what stands under them */

typedef struct OrderGroup {
        Span span;
        const Hl7Segment *orc,
                *obr;      /* one of them may be NULL; both in the group of what stands before the first order */
        bool has_decision; /* it is itself the decision that an OBX under it speaks of */
} OrderGroup;
/* The first group that begins at or behind `from`: its ORC, or an OBR that has none before it. False: no more. */
bool order_next(Span span, const Hl7Segment *from, OrderGroup *ret);

/* The comments under its ORC and its OBR; appended. */
void order_notes_add(Translation *t, const OrderGroup *group, NoteList *notes);
/* What ORC-1 and ORC-5 do to an order. */
typedef enum OrderAct {
        ORDER_PLACED,
        ORDER_CHANGED,
        ORDER_HELD,
        ORDER_REPLACED, /* another order stands for it from now on */
        ORDER_REPLACES, /* it stands for another */
        ORDER_CANCELLED,
        ORDER_REFUSED, /* who was to carry it out will not */
        ORDER_COMPLETED,
        ORDER_UNDONE, /* it was entered in error */
        _ORDER_ACT_MAX,
} OrderAct;
OrderAct order_act(Translation *t, const OrderGroup *group);
/* ORC-2, or OBR-2 where it has none, or the filler's number where there is no placer's. */
Carebus__V1__Identifier *order_identifier(Translation *t, const OrderGroup *group);
/* The order that this one stands for: ORC-8. */
Carebus__V1__Identifier *order_parent(Translation *t, const OrderGroup *group);
/* ORC-9. */
Carebus__V1__When *order_said_at(Translation *t, const OrderGroup *group);

/* ---- values that these messages have */

bool text_is_decimal(const char *text);
/* A number and its unit (CE, CWE); NULL where there is no number. */
Carebus__V1__Quantity *value_quantity(Translation *t, Hl7Value number, Hl7Value unit);
/* A unit as CE and CWE have it; shared where its system is UCUM. */
void quantity_set_unit(Translation *t, Carebus__V1__Quantity *quantity, Hl7Value unit);
/* First of TQ and CQ: a number with its unit behind it (5^mg&&UCUM). */
Carebus__V1__Quantity *value_amount(Translation *t, Hl7Value value);
/* EIP: its first component is the placer's number, its second the filler's. */
Carebus__V1__Identifier *value_entity_of_pair(Translation *t, Hl7Value value, unsigned component);
/* All repeats of an XCN field. */
void practitioners_add(Translation *t, Hl7Value field, size_t *n, Carebus__V1__Practitioner ***list);
/* The first of them, or NULL. `segment` may be NULL. */
Carebus__V1__Practitioner *practitioner_first(Translation *t, const Hl7Segment *segment, unsigned number);
/* A code of its own words: text only. NULL for NULL. */
Carebus__V1__Coded *coded_of_text(Translation *t, char *text);
/* Whether code or words of it are this, letters in either case. */
bool coded_says(const Carebus__V1__Coded *coded, const char *word);
/* The author of the work, where EVN named none. */
void event_set_author(Translation *t, Carebus__V1__Event *event, const Carebus__V1__Practitioner *practitioner,
                      char *organisation);

/* ---- what was observed: one OBX, or several lines of one text */

typedef struct Observed {
        const Hl7Segment *obx, *last; /* of the lines that belong together */
        const OrderGroup *group;      /* never NULL; without ORC and OBR where it stands in none */
        Carebus__V1__Observation *observation;
        NoteList notes;
        Carebus__V1__Action action; /* by OBX-11 */
        bool has_value;
        const char *type; /* OBX-2; "" where it is not said */
} Observed;

/* translate-obx.c: OBX-5 and what says how to read it. `observation` has what OBR said already. */
void observed_read(Translation *t, const OrderGroup *group, const Hl7Segment *obx, Observed *ret);
/* Whether OBX-2 says that it is one (ED), or where one lies (RP): its content is not read. */
bool observed_is_document(const Observed *observed);
/* A code, or words, of a field; by the profile's map of `path` where that knows it. */
typedef struct Meaning {
        const char *system, *code, *text;
} Meaning;
/* What a Coded may mean, at most 5, the plainest first. Returns how many. */
#define MEANINGS_MAX 5
size_t coded_meanings(const Translation *t, const char *path, const Carebus__V1__Coded *coded,
                      Meaning ret[MEANINGS_MAX]);
/* "95", "50%": a number with nothing but its unit behind. NULL: no such text. */
Carebus__V1__Quantity *quantity_of_text(Translation *t, const char *text);

/* ---- translate-observation.c */

/* The OBX under an order, or those of `group` that stand under none. Returns how many events came of it. */
size_t observations_read(Translation *t, Patient *patient, const OrderGroup *group);
/* Those that stand before the patient's first order. */
void loose_observations_read(Translation *t, Patient *patient);
/* One of them: a decision, a measure, a document, else an observation. */
void observed_tell(Translation *t, Patient *patient, const Observed *observed);
/* The OBX of a message about a person or a stay (A01, A08, A31), and all its orders' and its problems'. */
void person_observations_read(Translation *t, const Person *person);

/* ---- translate-measure.c */

/* NULL: none that the bus knows. */
const Scale *scale_of_coded(const Translation *t, const char *path, const Carebus__V1__Coded *coded);
/* Of a whole panel: by its name, or because all its OBX name the same questionnaire. */
const Scale *scale_of_group(Translation *t, const OrderGroup *group);
/* One value of a scale. */
void measure_read(Translation *t, Patient *patient, const Observed *observed, const Scale *scale);
/* A panel whose name is a scale: its OBX are the items and the total. */
void measure_panel_read(Translation *t, Patient *patient, const OrderGroup *group, const Scale *scale);

/* ---- translate-decision.c */

/* translate-answers.c: the questions and answers in comments, and what they plainly say of the decision; other lines become its text. */
void decision_answers_read(Translation *t, Carebus__V1__Decision *decision, NoteList *lines);
/* Whether what was observed is a decision, with a value; then its event is made. */
bool decision_read(Translation *t, Patient *patient, const Observed *observed);
/* Whether an order is one about resuscitation; then its event is made. */
bool decision_of_order(Translation *t, Patient *patient, const OrderGroup *group, const NoteList *notes);
/* Whether a document is one about resuscitation: what it says, nobody here can read. */
void decision_of_document(Translation *t, Patient *patient, const Carebus__V1__Event *document);

/* ---- translate-resuscitation.c: what a name tells where no list of the vocabulary has it. NULL: nothing. */

/* Of an order or a form: "DNACPR order (adult)". */
bool name_speaks_of_cpr(const char *name);
/* Of a question: "current resuscitation status", but not "date of DNACPR decision". */
bool question_asks_for_cpr(const char *question);

/* ---- translate-document.c */

/* OBX-2 ED, or RP: a document within a result. */
void document_of_observed(Translation *t, Patient *patient, const Observed *observed);

/* ---- translate-order.c */

/* An order, whatever it is about. */
void order_read(Translation *t, Patient *patient, const OrderGroup *group, const NoteList *notes);

/* A group of orders and results of ORM and its like: a decision, a medicine or an order, and what was observed under it. */
void order_group_read(Translation *t, Patient *patient, OrderGroup *group);

/* ---- translate-medication.c */

/* Whether the group names a medicine; then its events are made. */
bool medication_of_order(Translation *t, Patient *patient, const OrderGroup *group);

/* ---- one row a trigger (translate-triggers.c) */

void result_translate(Translation *t, const TriggerRow *row);     /* ORU */
void order_translate(Translation *t, const TriggerRow *row);      /* ORM, OMG, OML */
void medication_translate(Translation *t, const TriggerRow *row); /* RDE, RAS, RDS */
void document_translate(Translation *t, const TriggerRow *row);   /* MDM */
void referral_translate(Translation *t, const TriggerRow *row);   /* REF, RRI */
void plan_translate(Translation *t, const TriggerRow *row);       /* PPR, PGL */
