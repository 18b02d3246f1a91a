/*
 * Orders: ORM, OMG, OML. What is a decision about resuscitation becomes that; everything else is an order with its state.
 */
#include <stddef.h>
#include <string.h>

#include "adapters/mllp/translate-groups.h"

#define ORD Carebus__V1__Order

static const FieldRow orc_rows[] = {
        ROW_ONE(1, FIELD_CODED, ORD, control),
        ROW_ONE(2, FIELD_ENTITY, ORD, identifier),
        ROW_ONE(3, FIELD_ENTITY, ORD, filler_identifier),
        ROW_ONE(4, FIELD_ENTITY, ORD, group),
        ROW_ONE(5, FIELD_CODED, ORD, original_status),
        ROW_ONE(9, FIELD_WHEN, ORD, ordered_at),
        ROW_ONE(10, FIELD_PRACTITIONER, ORD, entered_by),
        ROW_ONE(11, FIELD_PRACTITIONER, ORD, verified_by),
        ROW_ONE(12, FIELD_PRACTITIONER, ORD, ordered_by),
        ROW_ONE(13, FIELD_PLACE, ORD, place),
        ROW_ONE(16, FIELD_CODED, ORD, control_reason),
};

static const FieldRow obr_rows[] = {
        ROW_SKIP(1),
        ROW_ONE(2, FIELD_ENTITY, ORD, identifier),
        ROW_ONE(3, FIELD_ENTITY, ORD, filler_identifier),
        ROW_ONE(4, FIELD_CODED, ORD, code),
        ROW_ONE(5, FIELD_CODED, ORD, priority),
        ROW_ONE(13, FIELD_TEXT, ORD, clinical_text),
        ROW_ONE(16, FIELD_PRACTITIONER, ORD, ordered_by),
        ROW_ONE(24, FIELD_CODED, ORD, category),
        ROW_LIST(31, FIELD_CODED_LIST, ORD, reasons, NULL),
        ROW_ONE(36, FIELD_WHEN, ORD, start_at),
        ROW_ONE(6, FIELD_WHEN, ORD, start_at),
};

static const FieldRow tq1_rows[] = {
        ROW_ONE(7, FIELD_WHEN, ORD, start_at),
        ROW_ONE(8, FIELD_WHEN, ORD, end_at),
        ROW_ONE(9, FIELD_CODED, ORD, priority),
};

/* Details that are none of OBR's: a diet, a requisition, a medicine that ORM asks for. */
static const struct {
        const char *segment;
        uint8_t code; /* of the field */
} further_details[] = { { "RXO", 1 }, { "RQD", 3 }, { "RQ1", 2 }, { "ODS", 3 }, { "ODT", 1 } };

/* ORC-7 and OBR-27, or TQ1 since version 2.5: quantity, when, how urgent. */
static void timing_read(Translation *t, const OrderGroup *group, ORD *order) {
        const Hl7Segment *tq1 = span_find(group->span, "TQ1"), *const old[] = { group->orc, group->obr };
        static const uint8_t fields[] = { 7, 27 };

        if (tq1) {
                hl7_note_ignored(hl7_field(t->message, tq1, 1));
                fields_apply(t, tq1, tq1_rows, ELEMENTSOF(tq1_rows), order, "order", NULL);
                order->quantity = value_amount(t, hl7_field(t->message, tq1, 2));
        }
        for (size_t i = 0; i < ELEMENTSOF(old); i++) {
                Hl7Value timing = old[i] ? hl7_field(t->message, old[i], fields[i]) : HL7_VALUE_NULL;
                Carebus__V1__When *start = value_when(t, hl7_component(t->message, timing, 4));
                Carebus__V1__When *end = value_when(t, hl7_component(t->message, timing, 5));
                Carebus__V1__Coded *priority = value_coded(t, hl7_component(t->message, timing, 6));

                order->start_at = order->start_at ?: start;
                order->end_at = order->end_at ?: end;
                order->priority = order->priority ?: priority;
                if (!order->quantity)
                        order->quantity = value_amount(t, timing);
        }
}

/* What a system uses OBR-27 for where it is no timing: its text behind the parts of TQ. */
static char *label_text(Translation *t, const Hl7Segment *obr) {
        Hl7Value field = hl7_field(t->message, obr, 27);
        char *text = value_text_whole(t, hl7_component(t->message, field, 8));

        if (!text && hl7_presence(hl7_component(t->message, field, 2)) == HL7_ABSENT) {
                char *first = value_text_whole(t, hl7_component(t->message, field, 1));

                text = text_is_decimal(first) ? NULL : first;
        }
        return text;
}

static void details_read(Translation *t, const OrderGroup *group, ORD *order) {
        const Hl7Segment *spm = span_find(group->span, "SPM");

        if (group->orc)
                fields_apply(t, group->orc, orc_rows, ELEMENTSOF(orc_rows), order, "order", NULL);
        if (group->obr) {
                fields_apply(t, group->obr, obr_rows, ELEMENTSOF(obr_rows), order, "order", NULL);
                order->label = label_text(t, group->obr);
        }
        for (size_t i = 0; !order->code && i < ELEMENTSOF(further_details); i++) {
                const Hl7Segment *detail = span_find(group->span, further_details[i].segment);

                if (detail)
                        order->code = value_coded(t, hl7_field(t->message, detail, further_details[i].code));
        }
        if (order->code)
                order->code_text = value_text_whole(
                        t, hl7_component(t->message, group->obr ? hl7_field(t->message, group->obr, 4) : HL7_VALUE_NULL,
                                         5));
        if (spm)
                order->specimen = value_coded(t, hl7_field(t->message, spm, 4));
        order->parent = order_parent(t, group);
        timing_read(t, group, order);
        for (const Hl7Segment *dg1 = span_find(group->span, "DG1"); dg1; dg1 = span_find_next(group->span, "DG1", dg1))
                draft_append(&t->draft, &order->n_reasons, &order->reasons,
                             value_coded(t, hl7_field(t->message, dg1, 3)));
}

static const struct {
        OrderAct act;
        const char *type;
        const char *status;
        Carebus__V1__Action action;
} acts[] = {
        { ORDER_PLACED, "order.placed", "placed", CAREBUS__V1__ACTION__ACTION_NEW },
        { ORDER_REPLACES, "order.placed", "placed", CAREBUS__V1__ACTION__ACTION_NEW },
        { ORDER_CHANGED, "order.changed", "in-progress", CAREBUS__V1__ACTION__ACTION_UPDATE },
        { ORDER_HELD, "order.changed", "on-hold", CAREBUS__V1__ACTION__ACTION_UPDATE },
        { ORDER_REPLACED, "order.cancelled", "cancelled", CAREBUS__V1__ACTION__ACTION_UPDATE },
        { ORDER_CANCELLED, "order.cancelled", "cancelled", CAREBUS__V1__ACTION__ACTION_UPDATE },
        { ORDER_REFUSED, "order.cancelled", "cancelled", CAREBUS__V1__ACTION__ACTION_UPDATE },
        { ORDER_COMPLETED, "order.completed", "completed", CAREBUS__V1__ACTION__ACTION_UPDATE },
        { ORDER_UNDONE, "order.cancelled", "entered-in-error", CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR },
};
_Static_assert(ELEMENTSOF(acts) == _ORDER_ACT_MAX, "each act of an order is an event");

/* Where there is no ORC, the state of the results says it: HL7 table 0123. */
static OrderAct act_of_results(Translation *t, const OrderGroup *group) {
        Hl7Value status = hl7_field(t->message, group->obr, 25);

        if (hl7_is(t->message, status, "X"))
                return ORDER_CANCELLED;
        if (hl7_is(t->message, status, "F") || hl7_is(t->message, status, "C"))
                return ORDER_COMPLETED;
        return hl7_presence(status) == HL7_PRESENT ? ORDER_CHANGED : ORDER_PLACED;
}

void order_read(Translation *t, Patient *patient, const OrderGroup *group, const NoteList *notes) {
        OrderAct act = order_act(t, group);
        ORD *order = draft_message(&t->draft, &carebus__v1__order__descriptor);
        Carebus__V1__Event *event;
        NoteList rest = *notes;
        size_t i = 0;

        if (!order)
                return;
        if (group->obr && act <= ORDER_CHANGED && !(group->orc && act == ORDER_PLACED))
                act = act_of_results(t, group) == ORDER_PLACED ? act : act_of_results(t, group);
        while (acts[i].act != act)
                i++;
        details_read(t, group, order);
        order->status = (char *)acts[i].status;
        answers_read(t, &rest, &order->n_answers, &order->answers);
        order->n_notes = rest.n;
        order->notes = rest.texts;
        event = patient_event(t, patient, acts[i].type, acts[i].action);
        if (!event)
                return;
        event->body_case = CAREBUS__V1__EVENT__BODY_ORDER;
        event->order = order;
        event->order_id = order->identifier ?: order->filler_identifier;
        event->recorded_at = event->recorded_at ?: order->ordered_at;
        event->occurred_at = when_first((Carebus__V1__When *const[]){ order->ordered_at, event->occurred_at }, 2);
        event_set_author(t, event, order->ordered_by, NULL);
        event_end(t, event, NULL);
}

void order_group_read(Translation *t, Patient *patient, OrderGroup *group) {
        NoteList notes = { 0 };

        order_notes_add(t, group, &notes);
        group->has_decision = decision_of_order(t, patient, group, &notes);
        /* A medicine that an order asks for; one that also names a service in OBR is about that. */
        if (!group->has_decision && (group->obr || !medication_of_order(t, patient, group)))
                order_read(t, patient, group, &notes);
        observations_read(t, patient, group);
}

static void orders_of_patient(Translation *t, Patient *patient, const TriggerRow *row) {
        size_t n_before = t->draft.n_events;
        OrderGroup group;

        loose_observations_read(t, patient);
        for (const Hl7Segment *from = patient->span.first;
             order_next(patient->span, from, &group) && !t->draft.problem && !t->draft.is_full; from = group.span.end)
                order_group_read(t, patient, &group);
        if (t->draft.n_events == n_before && !t->draft.problem)
                draft_problem(&t->draft, "no-order", translation_position(t, patient->span.first, 0),
                              /* urgent= */ false);
        patient_end(t, patient);
}

void order_translate(Translation *t, const TriggerRow *row) {
        patients_each(t, orders_of_patient, row);
}
