/*
 * Medicines: RDE what was prescribed, RAS what was given, RDS what was dispensed, and an ORM that asks for one.
 */
#include <stddef.h>
#include <string.h>

#include "adapters/mllp/translate-groups.h"

#define MED Carebus__V1__Medication
#define NEW CAREBUS__V1__ACTION__ACTION_NEW
#define UPDATE CAREBUS__V1__ACTION__ACTION_UPDATE
#define UNDONE CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR

/* A segment that names a medicine, and where in it everything stands. 0: nowhere. */
typedef struct Detail {
        const char *name;
        Carebus__V1__Medication__Act act;
        uint8_t drug, amount, amount_max, units, form, instructions, rate, rate_units, indication, supply, supply_units;
        uint8_t at, who, batch, expires;
} Detail;

static const Detail details[] = {
        { .name = "RXA",
          .act = CAREBUS__V1__MEDICATION__ACT__ACT_GIVEN,
          .drug = 5,
          .amount = 6,
          .units = 7,
          .form = 8,
          .instructions = 9,
          .indication = 19,
          .at = 3,
          .who = 10,
          .batch = 15,
          .expires = 16 },
        { .name = "RXD",
          .act = CAREBUS__V1__MEDICATION__ACT__ACT_DISPENSED,
          .drug = 2,
          .form = 6,
          .instructions = 9,
          .indication = 21,
          .supply = 4,
          .supply_units = 5,
          .at = 3,
          .who = 10,
          .batch = 18,
          .expires = 19 },
        { .name = "RXE",
          .act = CAREBUS__V1__MEDICATION__ACT__ACT_PRESCRIBED,
          .drug = 2,
          .amount = 3,
          .amount_max = 4,
          .units = 5,
          .form = 6,
          .instructions = 7,
          .rate = 23,
          .rate_units = 24,
          .indication = 27,
          .supply = 10,
          .supply_units = 11,
          .who = 13 },
        { .name = "RXO",
          .act = CAREBUS__V1__MEDICATION__ACT__ACT_PRESCRIBED,
          .drug = 1,
          .amount = 2,
          .amount_max = 3,
          .units = 4,
          .form = 5,
          .instructions = 7,
          .rate = 21,
          .rate_units = 22,
          .indication = 20,
          .supply = 11,
          .supply_units = 12,
          .who = 14 },
};

static const Detail *detail_find(const Hl7Segment *segment) {
        for (size_t i = 0; i < ELEMENTSOF(details); i++)
                if (segment_is(segment, details[i].name))
                        return &details[i];
        return NULL;
}

/* What stands under a detail: up to the next one. */
static Span detail_span(const Hl7Segment *segment, Span group) {
        Span span = { .first = segment, .end = segment + 1 };

        while (span.end < group.end && !detail_find(span.end))
                span.end++;
        return span;
}

/* The one segment of a group that says what it is about: given before dispensed before encoded before asked for. */
static const Hl7Segment *main_detail(Span span) {
        for (size_t i = 0; i < ELEMENTSOF(details); i++) {
                const Hl7Segment *segment = span_find(span, details[i].name);

                if (segment)
                        return segment;
        }
        return NULL;
}

/* ---- how much, how often */

static Hl7Value field_of(const Translation *t, const Hl7Segment *segment, unsigned number) {
        return number ? hl7_field(t->message, segment, number) : HL7_VALUE_NULL;
}

static const char *unit_words(Translation *t, Hl7Value unit) {
        char *words = value_text_whole(t, hl7_component(t->message, unit, 2));

        return words ?: value_text_whole(t, hl7_component(t->message, unit, 1));
}

static void dose_read(Translation *t, const Hl7Segment *segment, const Detail *detail, MED *med) {
        Hl7Value unit = field_of(t, segment, detail->units);
        const char *words = unit_words(t, unit), *low, *high;

        med->dose = value_quantity(t, field_of(t, segment, detail->amount), unit);
        med->dose_max = value_quantity(t, field_of(t, segment, detail->amount_max), unit);
        low = med->dose ? med->dose->value : NULL;
        high = med->dose_max ? med->dose_max->value : NULL;
        if (low && high && strcmp(low, high) == 0)
                high = NULL;
        if (low || high)
                med->dose_text = draft_format(&t->draft, "%s%s%s%s%s", low ?: "", low && high ? "-" : "", high ?: "",
                                              words ? " " : "", words ?: "");
}

/* CWE whose words are what matters, a line each. */
static char *instructions_read(Translation *t, Hl7Value field) {
        Hl7Value repeat;
        char *text = NULL;

        while (hl7_next_repeat(t->message, &field, &repeat)) {
                Carebus__V1__Coded *line = value_coded(t, repeat);
                char *words = line ? line->text : NULL;

                if (line && !words && line->original)
                        words = line->original->code;
                if (words)
                        text = text ? draft_format(&t->draft, "%s\n%s", text, words) : words;
        }
        return text;
}

static void frequency_set(Translation *t, MED *med, Hl7Value pattern) {
        char *code = value_text(t, hl7_subcomponent(t->message, pattern, 1));
        char *words = value_text(t, hl7_subcomponent(t->message, pattern, 2));
        char *system = value_text(t, hl7_subcomponent(t->message, pattern, 3));

        if (med->frequency || !code)
                return;
        med->frequency = draft_coded_local(&t->draft, system, code, words);
        med->frequency_text = words ?: code;
        if (strncasecmp(code, "PRN", 3) == 0)
                med->has_as_needed = med->as_needed = true;
}

static void tq1_read(Translation *t, const Hl7Segment *tq1, MED *med) {
        char *condition = value_text_whole(t, hl7_field(t->message, tq1, 10));
        char *text = value_text_whole(t, hl7_field(t->message, tq1, 11));

        hl7_note_ignored(hl7_field(t->message, tq1, 1));
        frequency_set(t, med, hl7_component(t->message, hl7_field(t->message, tq1, 3), 1));
        med->start_at = value_when(t, hl7_field(t->message, tq1, 7));
        med->stop_at = value_when(t, hl7_field(t->message, tq1, 8));
        if (hl7_is(t->message, hl7_field(t->message, tq1, 9), "PRN"))
                med->has_as_needed = med->as_needed = true;
        if (med->has_as_needed)
                med->as_needed_reason = condition;
        if (!med->dose)
                med->dose = value_amount(t, hl7_field(t->message, tq1, 2));
        if (text)
                med->frequency_text = med->frequency_text ? draft_format(&t->draft, "%s, %s", med->frequency_text, text)
                                                          : text;
}

/* TQ of the versions before 2.5: ORC-7, RXE-1. */
static void timing_read(Translation *t, Hl7Value timing, MED *med) {
        Carebus__V1__When *start = value_when(t, hl7_component(t->message, timing, 4));
        Carebus__V1__When *stop = value_when(t, hl7_component(t->message, timing, 5));
        char *text = value_text_whole(t, hl7_component(t->message, timing, 8));

        frequency_set(t, med, hl7_component(t->message, timing, 2));
        if (!med->frequency) /* some put the pattern where the duration belongs: 1^^^START^^BID */
                frequency_set(t, med, hl7_component(t->message, timing, 6));
        med->start_at = med->start_at ?: start;
        med->stop_at = med->stop_at ?: stop;
        if (!med->dose)
                med->dose = value_amount(t, timing);
        if (!med->frequency_text)
                med->frequency_text = text;
}

/* ---- the medicine */

static void route_read(Translation *t, const Hl7Segment *rxr, MED *med) {
        med->route = value_coded(t, hl7_field(t->message, rxr, 1));
        med->site = value_coded(t, hl7_field(t->message, rxr, 2));
        med->device = value_coded(t, hl7_field(t->message, rxr, 3));
        med->method = value_coded(t, hl7_field(t->message, rxr, 4));
}

/* What is mixed in one syringe or bag. */
static void ingredient_add(Translation *t, const Hl7Segment *rxc, MED *med) {
        Carebus__V1__MedicationIngredient *ingredient = draft_message(&t->draft,
                                                                      &carebus__v1__medication_ingredient__descriptor);

        if (!ingredient)
                return;
        ingredient->role = value_coded(t, hl7_field(t->message, rxc, 1));
        ingredient->drug = value_coded(t, hl7_field(t->message, rxc, 2));
        ingredient->amount = value_quantity(t, hl7_field(t->message, rxc, 3), hl7_field(t->message, rxc, 4));
        if (ingredient->drug)
                draft_append(&t->draft, &med->n_ingredients, &med->ingredients, ingredient);
}

static void detail_read(Translation *t, const Hl7Segment *segment, const Detail *detail, MED *med) {
        const char *words;

        med->has_act = true;
        med->act = detail->act;
        med->drug = value_coded(t, field_of(t, segment, detail->drug));
        dose_read(t, segment, detail, med);
        med->form = value_coded(t, field_of(t, segment, detail->form));
        med->instructions = instructions_read(t, field_of(t, segment, detail->instructions));
        med->rate = value_quantity(t, field_of(t, segment, detail->rate), field_of(t, segment, detail->rate_units));
        med->reason = value_coded(t, field_of(t, segment, detail->indication));
        med->supply = value_quantity(t, field_of(t, segment, detail->supply),
                                     field_of(t, segment, detail->supply_units));
        med->batch = value_text(t, field_of(t, segment, detail->batch));
        med->expires_at = value_when(t, field_of(t, segment, detail->expires));
        words = med->reason ? med->reason->text : NULL;
        if (words)
                med->indication = (char *)words;
}

/* What is said besides the detail itself: by what stands under it, else under the order. */
static void surroundings_read(Translation *t, const OrderGroup *group, const Hl7Segment *segment, MED *med) {
        Span span = detail_span(segment, group->span);
        const Hl7Segment *rxr = span_find(span, "RXR") ?: span_find(group->span, "RXR");
        const Hl7Segment *tq1 = span_find(span, "TQ1") ?: span_find(group->span, "TQ1");
        const Hl7Segment *rxe = span_find(group->span, "RXE");
        Span mixed = span_find(span, "RXC") ? span : group->span;

        if (rxr)
                route_read(t, rxr, med);
        for (const Hl7Segment *rxc = span_find(mixed, "RXC"); rxc; rxc = span_find_next(mixed, "RXC", rxc))
                ingredient_add(t, rxc, med);
        if (tq1)
                tq1_read(t, tq1, med);
        if (rxe)
                timing_read(t, hl7_field(t->message, rxe, 1), med);
        if (group->orc)
                timing_read(t, hl7_field(t->message, group->orc, 7), med);
}

static MED *medication_of_detail(Translation *t, const OrderGroup *group, const Hl7Segment *segment) {
        MED *med = draft_message(&t->draft, &carebus__v1__medication__descriptor);
        const Detail *detail = detail_find(segment);

        if (!med)
                return NULL;
        detail_read(t, segment, detail, med);
        if (!med->drug) {
                draft_problem(&t->draft, "no-code", translation_position(t, segment, detail->drug),
                              /* urgent= */ false);
                return NULL;
        }
        surroundings_read(t, group, segment, med);
        if (group->orc) {
                med->identifier = value_entity(t, hl7_field(t->message, group->orc, 2));
                med->filler_identifier = value_entity(t, hl7_field(t->message, group->orc, 3));
                med->original_status = value_coded(t, hl7_field(t->message, group->orc, 1));
                med->prescribed_at = order_said_at(t, group);
                med->prescriber = practitioner_first(t, group->orc, 12);
        }
        if (!med->prescriber && detail->act == CAREBUS__V1__MEDICATION__ACT__ACT_PRESCRIBED)
                med->prescriber = practitioner_first(t, segment, detail->who);
        return med;
}

/* ---- what became of it */

typedef struct Outcome {
        const char *type;
        const char *status;
        Carebus__V1__Action action;
        Carebus__V1__When *at; /* NULL: when it was prescribed */
} Outcome;

static const Outcome prescriptions[_ORDER_ACT_MAX] = {
        [ORDER_PLACED] = { "medication.started", "active", NEW },
        [ORDER_REPLACES] = { "medication.started", "active", NEW },
        [ORDER_CHANGED] = { "medication.changed", "changed", UPDATE },
        [ORDER_HELD] = { "medication.changed", "on-hold", UPDATE },
        [ORDER_REPLACED] = { "medication.changed", "changed", UPDATE },
        [ORDER_CANCELLED] = { "medication.stopped", "stopped", UPDATE },
        [ORDER_REFUSED] = { "medication.stopped", "cancelled", UPDATE },
        [ORDER_COMPLETED] = { "medication.stopped", "completed", UPDATE },
        [ORDER_UNDONE] = { "medication.stopped", "entered-in-error", UNDONE },
};

static bool control_is(Translation *t, const OrderGroup *group, const char *control) {
        return group->orc && hl7_is(t->message, hl7_field(t->message, group->orc, 1), control);
}

static bool replacement_follows(Translation *t, const Patient *patient, const OrderGroup *group) {
        OrderGroup next;

        return order_next(patient->span, group->span.end, &next) && order_act(t, &next) == ORDER_REPLACES;
}

/* The order that the one before it in the message said to be replaced. */
static Carebus__V1__Identifier *replaced_before(Translation *t, const Patient *patient, const OrderGroup *group) {
        Carebus__V1__Identifier *replaced = NULL;
        OrderGroup before;

        for (const Hl7Segment *from = patient->span.first;
             order_next(patient->span, from, &before) && before.span.first < group->span.first; from = before.span.end)
                replaced = order_act(t, &before) == ORDER_REPLACED ? order_identifier(t, &before) : NULL;
        return replaced;
}

static Outcome prescription_outcome(Translation *t, const Patient *patient, const OrderGroup *group, MED *med) {
        OrderAct act = order_act(t, group);
        Outcome outcome;

        /* An RDE that answers an order with RE or SN gives the order as the pharmacy encoded it: it begins. */
        if (act == ORDER_CHANGED && (control_is(t, group, "RE") || control_is(t, group, "RF")))
                act = ORDER_PLACED;
        if (act == ORDER_REPLACED && replacement_follows(t, patient, group))
                act = ORDER_CANCELLED;
        outcome = prescriptions[act];
        if (act == ORDER_CANCELLED &&
            (control_is(t, group, "CA") || control_is(t, group, "OC") || control_is(t, group, "CR")))
                outcome.status = "cancelled";
        if (act == ORDER_REPLACES)
                med->replaces = order_parent(t, group) ?: replaced_before(t, patient, group);
        else if (act == ORDER_REPLACED)
                med->replaces = order_parent(t, group);
        if (strcmp(outcome.type, "medication.stopped") == 0) {
                Carebus__V1__When *effective = group->orc ? value_when(t, hl7_field(t->message, group->orc, 15)) : NULL;

                med->stop_reason = group->orc ? value_coded(t, hl7_field(t->message, group->orc, 16)) : NULL;
                outcome.at = effective ?: med->prescribed_at;
                med->stop_at = outcome.at ?: med->stop_at;
        }
        return outcome;
}

/* HL7 table 0322, RXA-20. */
static const struct {
        const char *completion;
        const char *status;
} completions[] = { { "CP", "completed" }, { "PA", "completed" }, { "RE", "not-given" }, { "NA", "not-given" } };

static Outcome administration_outcome(Translation *t, const Hl7Segment *rxa, MED *med) {
        Outcome outcome = { .type = "medication.given", .status = "completed", .action = NEW };
        Carebus__V1__Coded *completion = value_coded(t, hl7_field(t->message, rxa, 20));

        med->given_at = outcome.at = value_when(t, hl7_field(t->message, rxa, 3));
        med->given_by = practitioner_first(t, rxa, 10);
        med->not_given_reason = value_coded(t, hl7_field(t->message, rxa, 18));
        med->original_status = completion ?: med->original_status;
        for (size_t i = 0; i < ELEMENTSOF(completions); i++)
                if (coded_says(completion, completions[i].completion))
                        outcome.status = completions[i].status;
        if (hl7_is(t->message, hl7_field(t->message, rxa, 21), "D")) {
                outcome.action = UNDONE;
                outcome.status = "entered-in-error";
        } else if (hl7_is(t->message, hl7_field(t->message, rxa, 21), "U"))
                outcome.action = UPDATE;
        return outcome;
}

static Outcome supply_outcome(Translation *t, const Hl7Segment *rxd) {
        return (Outcome){ .type = "medication.changed",
                          .status = "active",
                          .action = UPDATE,
                          .at = value_when(t, hl7_field(t->message, rxd, 3)) };
}

static void medication_event(Translation *t, Patient *patient, const OrderGroup *group, const Hl7Segment *segment) {
        MED *med = medication_of_detail(t, group, segment);
        Carebus__V1__Event *event;
        NoteList notes = { 0 };
        Outcome outcome;

        if (!med)
                return;
        if (med->act == CAREBUS__V1__MEDICATION__ACT__ACT_GIVEN)
                outcome = administration_outcome(t, segment, med);
        else if (med->act == CAREBUS__V1__MEDICATION__ACT__ACT_DISPENSED)
                outcome = supply_outcome(t, segment);
        else
                outcome = prescription_outcome(t, patient, group, med);
        med->status = (char *)outcome.status;
        event = patient_event(t, patient, outcome.type, outcome.action);
        if (!event)
                return;
        event->body_case = CAREBUS__V1__EVENT__BODY_MEDICATION;
        event->medication = med;
        event->order_id = med->identifier ?: med->filler_identifier;
        event->recorded_at = event->recorded_at ?: med->prescribed_at;
        event->occurred_at =
                when_first((Carebus__V1__When *const[]){ outcome.at, med->prescribed_at, event->occurred_at }, 3);
        event_set_author(t, event, med->given_by ?: med->prescriber, NULL);
        order_notes_add(t, group, &notes);
        notes_add(t, segment, group->span, &notes);
        med->text = notes_text(t, &notes);
        event_end(t, event, NULL);
}

bool medication_of_order(Translation *t, Patient *patient, const OrderGroup *group) {
        const Hl7Segment *segment = main_detail(group->span);

        if (!segment)
                return false;
        if (!segment_is(segment, "RXA") && !segment_is(segment, "RXD")) {
                medication_event(t, patient, group, segment);
                return true;
        }
        /* Each time that it was given or handed out is an event of its own. */
        for (const char *name = segment->name; segment && !t->draft.problem && !t->draft.is_full;
             segment = span_find_next(group->span, name, segment))
                medication_event(t, patient, group, segment);
        return true;
}

/* An order that names no medicine, where the message is about medicines: one that only changes its state. */
static void stateless_order(Translation *t, Patient *patient, const OrderGroup *group) {
        NoteList notes = { 0 };

        order_notes_add(t, group, &notes);
        order_read(t, patient, group, &notes);
}

static void medications_of_patient(Translation *t, Patient *patient, const TriggerRow *row) {
        size_t n_before = t->draft.n_events;
        OrderGroup group;

        loose_observations_read(t, patient);
        for (const Hl7Segment *from = patient->span.first;
             order_next(patient->span, from, &group) && !t->draft.problem && !t->draft.is_full; from = group.span.end) {
                if (!medication_of_order(t, patient, &group))
                        stateless_order(t, patient, &group);
                observations_read(t, patient, &group);
        }
        if (t->draft.n_events == n_before && !t->draft.problem)
                draft_problem(&t->draft, "no-order", translation_position(t, patient->span.first, 0),
                              /* urgent= */ false);
        patient_end(t, patient);
}

void medication_translate(Translation *t, const TriggerRow *row) {
        patients_each(t, medications_of_patient, row);
}
