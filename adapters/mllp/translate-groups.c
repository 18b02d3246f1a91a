/*
 * Groups of a message: persons, orders, and the comments under them.
 */
#include "adapters/mllp/translate-groups.h"

#include <string.h>

#include "base/text.h"

/* ---- segments */

bool segment_is(const Hl7Segment *segment, const char *name) {
        return strcmp(segment->name, name) == 0;
}

const Hl7Segment *span_find_next(Span span, const char *name, const Hl7Segment *after) {
        for (const Hl7Segment *segment = after ? after + 1 : span.first; segment < span.end; segment++)
                if (segment_is(segment, name))
                        return segment;
        return NULL;
}

const Hl7Segment *span_find(Span span, const char *name) {
        return span_find_next(span, name, NULL);
}

void flaw_note(Translation *t, const char *code, const char *position) {
        if (t->flaw)
                return;
        t->flaw = code;
        t->flaw_position = position;
}

/* ---- whose it is */

static const Hl7Segment *message_end(const Translation *t) {
        return t->message->segments + t->message->n_segments;
}

/* PV1-19 of the patient's own PV1; else what PV1-50 calls the visit otherwise. */
static Carebus__V1__Identifier *encounter_id_read(Translation *t, Span span) {
        const Hl7Segment *pv1 = span_find(span, "PV1");
        Carebus__V1__Identifier *identifier;

        if (!pv1)
                return NULL;
        hl7_note_read(hl7_field(t->message, pv1, 1));
        identifier = value_identifier(t, hl7_field(t->message, pv1, 19));
        if (!identifier)
                identifier = value_identifier(t, hl7_repeat(t->message, hl7_field(t->message, pv1, 50), 1));
        return identifier;
}

Patient patient_of_person(Translation *t, const Person *person) {
        const Hl7Segment *next = hl7_find_next(t->message, "PID", person->pid);
        Span span = { .first = person->pid, .end = next ?: message_end(t) };

        return (Patient){ .person = *person, .span = span, .encounter_id = encounter_id_read(t, span) };
}

int patient_open(Translation *t, Patient *ret) {
        Person person;
        int r;

        r = patient_read(t, &person);
        if (r == 0)
                *ret = patient_of_person(t, &person);
        return r;
}

static int patient_next(Translation *t, const Hl7Segment *pid, Patient *ret) {
        const Hl7Segment *next = hl7_find_next(t->message, "PID", pid);
        Person person;

        if (person_read(t, pid, next, &person) < 0)
                return -1;
        if (person.demographics->n_identifiers == 0) {
                draft_problem(&t->draft, "no-identifier", translation_position(t, pid, 3), /* urgent= */ false);
                return -1;
        }
        *ret = patient_of_person(t, &person);
        return 0;
}

void patients_each(Translation *t, void (*each)(Translation *t, Patient *patient, const TriggerRow *row),
                   const TriggerRow *row) {
        const Hl7Segment *pid = hl7_find(t->message, "PID", 1);
        Patient patient;

        if (!pid)
                draft_problem(&t->draft, "no-patient", "PID", /* urgent= */ false);
        for (; pid && patient_next(t, pid, &patient) == 0; pid = hl7_find_next(t->message, "PID", pid))
                each(t, &patient, row);
}

/* Comments on the message, on the person and on the visit: said once, with the first event. */
static void patient_notes(Translation *t, const Patient *patient, NoteList *list) {
        static const char *const owners[] = { "PID", "PV1" };
        Span all = { .first = t->message->segments, .end = message_end(t) };

        if (patient->span.first->occurrence == 1)
                notes_add(t, all.first, all, list);
        for (size_t i = 0; i < ELEMENTSOF(owners); i++) {
                const Hl7Segment *owner = span_find(patient->span, owners[i]);

                if (owner)
                        notes_add(t, owner, patient->span, list);
        }
}

Carebus__V1__Event *patient_event(Translation *t, Patient *patient, const char *type, Carebus__V1__Action action) {
        Carebus__V1__Event *event = event_new(t, type, action);
        NoteList notes = { 0 };

        if (!event)
                return NULL;
        event_set_person(t, event, &patient->person, /* with_demographics= */ !patient->is_known);
        event->encounter_id = patient->encounter_id;
        if (!patient->is_known)
                patient_notes(t, patient, &notes);
        event->n_notes = notes.n;
        event->notes = notes.texts;
        patient->is_known = true;
        return event;
}

static void event_notes_sort(Translation *t, Carebus__V1__Event *event);

void patient_end(Translation *t, const Patient *patient) {
        size_t i = t->draft.n_events;

        if (t->draft.problem || t->draft.is_full)
                return;
        allergies_translate(t, &patient->person, /* visit= */ NULL);
        death_translate(t, &patient->person, /* visit= */ NULL);
        for (; i < t->draft.n_events; i++)
                event_notes_sort(t, t->draft.events[i]);
}

/* ---- comments */

/* Whatever else stands between a segment and its NTE (PRT, TQ1, RXR, ...) has none of its own. */
static bool can_own_notes(const Hl7Segment *segment) {
        static const char *const names[] = { "MSH", "PID", "PV1", "NK1", "ORC", "OBR", "OBX", "SPM",
                                             "RXO", "RXE", "RXD", "RXA", "RXC", "TXA", "RF1", "PRD",
                                             "PRB", "GOL", "PTH", "DG1", "AL1", "SCH" };

        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                if (segment_is(segment, names[i]))
                        return true;
        return false;
}

static void note_lines(Translation *t, const Hl7Segment *nte, NoteList *list) {
        Hl7Value lines = hl7_field(t->message, nte, 3), line;
        char *path = draft_format(&t->draft, "NTE[%u]", nte->occurrence);

        hl7_note_read(hl7_field(t->message, nte, 1));
        while (path && hl7_next_repeat(t->message, &lines, &line)) {
                char *text = value_text_whole(t, line);
                Carebus__V1__Text *note = text ? draft_message(&t->draft, &carebus__v1__text__descriptor) : NULL;

                if (!note)
                        continue;
                note->path = path;
                note->text = text;
                draft_append(&t->draft, &list->n, &list->texts, note);
        }
}

void notes_add(Translation *t, const Hl7Segment *owner, Span span, NoteList *list) {
        for (const Hl7Segment *segment = owner + 1; segment < span.end && !can_own_notes(segment); segment++)
                if (segment_is(segment, "NTE"))
                        note_lines(t, segment, list);
}

char *notes_text(Translation *t, const NoteList *list) {
        size_t size = 1;
        char *text, *at;

        for (size_t i = 0; i < list->n; i++)
                size += strlen(list->texts[i]->text) + 1;
        if (list->n == 0 || size > DRAFT_TEXT_MAX)
                return NULL;
        text = at = draft_alloc(&t->draft, size);
        for (size_t i = 0; text && i < list->n; i++) {
                if (i > 0)
                        *at++ = '\n';
                at = stpcpy(at, list->texts[i]->text);
        }
        return text;
}

/* What the envelope noted of the message's NTE goes to their owners instead; what it could not place stays. */
static void event_notes_sort(Translation *t, Carebus__V1__Event *event) {
        size_t n = event->n_notes;
        Carebus__V1__Text **all = event->notes;

        event->n_notes = 0;
        event->notes = NULL;
        for (size_t i = 0; i < n; i++)
                if (strncmp(all[i]->path, "NTE[", strlen("NTE[")) != 0)
                        draft_append(&t->draft, &event->n_notes, &event->notes, all[i]);
}

void event_end(Translation *t, Carebus__V1__Event *event, const NoteList *notes) {
        NoteList own = { .n = event->n_notes, .texts = event->notes };

        event_set_profile_fields(t, event);
        event_notes_sort(t, event);
        for (size_t i = 0; i < own.n; i++)
                draft_append(&t->draft, &event->n_notes, &event->notes, own.texts[i]);
        for (size_t i = 0; notes && i < notes->n; i++)
                draft_append(&t->draft, &event->n_notes, &event->notes, notes->texts[i]);
}

/* ---- questions and answers */

static Carebus__V1__QuestionAnswer *answer_new(Translation *t, const Carebus__V1__Text *note, const char *arrow) {
        Carebus__V1__QuestionAnswer *pair = draft_message(&t->draft, &carebus__v1__question_answer__descriptor);
        char *question = draft_text(&t->draft, note->text, (size_t)(arrow - note->text));

        if (!pair || !question)
                return NULL;
        pair->question = coded_of_text(t, question);
        pair->answer = draft_text(&t->draft, arrow + 2, strlen(arrow + 2));
        pair->path = note->path;
        return pair;
}

static void answer_go_on(Translation *t, Carebus__V1__QuestionAnswer *pair, const char *line) {
        char *text = pair->answer ? draft_format(&t->draft, "%s\n%s", pair->answer, line)
                                  : draft_text(&t->draft, line, strlen(line));

        if (text && strlen(text) <= DRAFT_TEXT_MAX)
                pair->answer = text;
}

void answers_read(Translation *t, NoteList *list, size_t *n, Carebus__V1__QuestionAnswer ***answers) {
        size_t n_left = 0;

        for (size_t i = 0; i < list->n; i++) {
                Carebus__V1__Text *note = list->texts[i];
                const char *arrow = strstr(note->text, "->");
                Carebus__V1__QuestionAnswer *pair = arrow && arrow > note->text ? answer_new(t, note, arrow) : NULL;

                if (pair)
                        draft_append(&t->draft, n, answers, pair);
                else if (*n > 0)
                        answer_go_on(t, (*answers)[*n - 1], note->text);
                else
                        list->texts[n_left++] = note;
        }
        list->n = n_left;
}

/* ---- orders */

static bool begins_order(const OrderGroup *open, const Hl7Segment *segment) {
        if (segment_is(segment, "ORC"))
                return true;
        return segment_is(segment, "OBR") && (!open || open->obr);
}

bool order_next(Span span, const Hl7Segment *from, OrderGroup *ret) {
        OrderGroup group = { .span = { .end = span.end } };
        const Hl7Segment *segment = from;

        while (segment < span.end && !begins_order(NULL, segment))
                segment++;
        if (segment >= span.end)
                return false;
        group.span.first = segment;
        for (; segment < span.end; segment++) {
                if (segment > group.span.first && begins_order(&group, segment)) {
                        group.span.end = segment;
                        break;
                }
                if (segment_is(segment, "ORC"))
                        group.orc = segment;
                else if (segment_is(segment, "OBR"))
                        group.obr = segment;
        }
        *ret = group;
        return true;
}

void order_notes_add(Translation *t, const OrderGroup *group, NoteList *notes) {
        if (group->orc)
                notes_add(t, group->orc, group->span, notes);
        if (group->obr)
                notes_add(t, group->obr, group->span, notes);
}

/* HL7 tables 0119 and 0038. */
static const struct {
        const char *control;
        OrderAct act;
} order_controls[] = {
        { "NW", ORDER_PLACED },    { "SN", ORDER_PLACED },    { "OK", ORDER_PLACED },    { "NA", ORDER_PLACED },
        { "PR", ORDER_PLACED },    { "AF", ORDER_PLACED },    { "PA", ORDER_PLACED },    { "CH", ORDER_PLACED },
        { "CA", ORDER_CANCELLED }, { "OC", ORDER_CANCELLED }, { "CR", ORDER_CANCELLED }, { "DC", ORDER_CANCELLED },
        { "OD", ORDER_CANCELLED }, { "DR", ORDER_CANCELLED }, { "DF", ORDER_REFUSED },   { "UA", ORDER_REFUSED },
        { "DE", ORDER_REFUSED },   { "HD", ORDER_HELD },      { "OH", ORDER_HELD },      { "HR", ORDER_HELD },
        { "RP", ORDER_REPLACED },  { "RU", ORDER_REPLACED },  { "RQ", ORDER_REPLACED },  { "RO", ORDER_REPLACES },
};
static const struct {
        const char *status;
        OrderAct act;
} order_statuses[] = {
        { "CM", ORDER_COMPLETED }, { "CA", ORDER_CANCELLED }, { "DC", ORDER_CANCELLED },
        { "HD", ORDER_HELD },      { "RP", ORDER_REPLACED },  { "ER", ORDER_UNDONE },
};

static bool says_error(const Carebus__V1__Coded *reason) {
        return coded_says(reason, "entered in error") || coded_says(reason, "EIE") || coded_says(reason, "ER");
}

OrderAct order_act(Translation *t, const OrderGroup *group) {
        char *control = group->orc ? value_text(t, hl7_field(t->message, group->orc, 1)) : NULL;
        char *status = group->orc ? value_text(t, hl7_field(t->message, group->orc, 5)) : NULL;
        OrderAct act = control ? ORDER_CHANGED : ORDER_PLACED;

        for (size_t i = 0; control && i < ELEMENTSOF(order_controls); i++)
                if (strcasecmp(order_controls[i].control, control) == 0)
                        act = order_controls[i].act;
        for (size_t i = 0; status && act <= ORDER_CHANGED && i < ELEMENTSOF(order_statuses); i++)
                if (strcasecmp(order_statuses[i].status, status) == 0)
                        act = order_statuses[i].act;
        if (act == ORDER_CANCELLED && says_error(value_coded(t, hl7_field(t->message, group->orc, 16))))
                act = ORDER_UNDONE;
        return act;
}

Carebus__V1__Identifier *order_identifier(Translation *t, const OrderGroup *group) {
        const Hl7Segment *const segments[] = { group->orc, group->obr };
        Carebus__V1__Identifier *identifier = NULL;

        for (unsigned field = 2; field <= 3; field++)
                for (size_t i = 0; !identifier && i < ELEMENTSOF(segments); i++)
                        if (segments[i])
                                identifier = value_entity(t, hl7_field(t->message, segments[i], field));
        return identifier;
}

Carebus__V1__Identifier *order_parent(Translation *t, const OrderGroup *group) {
        Carebus__V1__Identifier *parent = NULL;

        if (group->orc)
                parent = value_entity_of_pair(t, hl7_field(t->message, group->orc, 8), 1);
        if (!parent && group->orc)
                parent = value_entity_of_pair(t, hl7_field(t->message, group->orc, 8), 2);
        return parent;
}

Carebus__V1__When *order_said_at(Translation *t, const OrderGroup *group) {
        return group->orc ? value_when(t, hl7_field(t->message, group->orc, 9)) : NULL;
}

/* ---- values */

bool text_is_decimal(const char *text) {
        size_t n_digits = 0;

        if (!text)
                return false;
        text += *text == '+' || *text == '-';
        for (; *text >= '0' && *text <= '9'; text++)
                n_digits++;
        if (*text == '.')
                for (text++; *text >= '0' && *text <= '9'; text++)
                        n_digits++;
        return n_digits > 0 && *text == '\0';
}

void quantity_set_unit(Translation *t, Carebus__V1__Quantity *quantity, Hl7Value unit) {
        Hl7Value repeat = hl7_repeat(t->message, unit, 1);
        char *code = value_text_whole(t, hl7_component(t->message, repeat, 1));
        char *words = value_text_whole(t, hl7_component(t->message, repeat, 2));
        char *system = value_text(t, hl7_component(t->message, repeat, 3));

        quantity->original_unit = code ?: words;
        if (words && text_is_decimal(code)) /* the number that a system has for mg/h tells nobody anything */
                quantity->original_unit = words;
        if (code && system && strcasecmp(system, "UCUM") == 0)
                quantity->unit = code;
}

Carebus__V1__Quantity *value_quantity(Translation *t, Hl7Value number, Hl7Value unit) {
        Carebus__V1__Quantity *quantity = draft_quantity(&t->draft, value_text(t, number), NULL, NULL);

        if (quantity && hl7_presence(unit) == HL7_PRESENT)
                quantity_set_unit(t, quantity, unit);
        return quantity;
}

Carebus__V1__Quantity *value_amount(Translation *t, Hl7Value value) {
        Hl7Value repeat = hl7_repeat(t->message, value, 1);
        Hl7Value number = hl7_component(t->message, repeat, 1), unit = hl7_component(t->message, repeat, 2);
        Carebus__V1__Quantity *quantity;

        /* 5^mg as CQ has it, or 5&mg in the first component of TQ. */
        if (hl7_presence(unit) != HL7_PRESENT)
                unit = hl7_subcomponent(t->message, number, 2);
        quantity = draft_quantity(&t->draft, value_text(t, number), NULL, NULL);
        if (quantity && !text_is_decimal(quantity->value))
                return NULL;
        if (quantity)
                quantity->original_unit = value_text(t, unit);
        return quantity;
}

Carebus__V1__Identifier *value_entity_of_pair(Translation *t, Hl7Value value, unsigned component) {
        Hl7Value entity = hl7_component(t->message, hl7_repeat(t->message, value, 1), component);
        char *text = value_text(t, hl7_subcomponent(t->message, entity, 1));
        char *local = value_text(t, hl7_subcomponent(t->message, entity, 2));
        char *universal = value_text(t, hl7_subcomponent(t->message, entity, 3));
        char *type = value_text(t, hl7_subcomponent(t->message, entity, 4));

        if (universal)
                local = draft_format(&t->draft, "%s&%s%s%s", local ?: "", universal, type ? "&" : "", type ?: "");
        return draft_identifier(&t->draft, NULL, local, NULL, text);
}

void practitioners_add(Translation *t, Hl7Value field, size_t *n, Carebus__V1__Practitioner ***list) {
        Hl7Value repeat;

        while (hl7_next_repeat(t->message, &field, &repeat))
                draft_append(&t->draft, n, list, value_practitioner(t, repeat));
}

Carebus__V1__Practitioner *practitioner_first(Translation *t, const Hl7Segment *segment, unsigned number) {
        return segment ? value_practitioner(t, hl7_repeat(t->message, hl7_field(t->message, segment, number), 1))
                       : NULL;
}

Carebus__V1__Coded *coded_of_text(Translation *t, char *text) {
        return text ? draft_coded(&t->draft, NULL, NULL, NULL, text) : NULL;
}

bool coded_says(const Carebus__V1__Coded *coded, const char *word) {
        const char *const said[] = {
                coded ? coded->code : NULL,
                coded && coded->original ? coded->original->code : NULL,
                coded && coded->original ? coded->original->display : NULL,
                coded ? coded->text : NULL,
        };

        for (size_t i = 0; i < ELEMENTSOF(said); i++)
                if (said[i] && strcasecmp(said[i], word) == 0)
                        return true;
        return false;
}

void event_set_author(Translation *t, Carebus__V1__Event *event, const Carebus__V1__Practitioner *practitioner,
                      char *organisation) {
        if (!event->author && (practitioner || organisation))
                event->author = author_new(t, practitioner, organisation);
}
