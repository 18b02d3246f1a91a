/*
 * Problems and goals of a plan of care: PPR PC1 to PC3, PGL PC6 to PC8. Each problem with the goals under it is an event,
 * and so is each goal with the problems under it, whichever stands outside.
 */
#include <stddef.h>
#include <string.h>

#include "adapters/mllp/translate-groups.h"

#define ITEM Carebus__V1__CarePlanItem
#define UNDONE CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR

static const FieldRow prb_rows[] = {
        ROW_ONE(3, FIELD_CODED, ITEM, problem),   ROW_ONE(4, FIELD_ENTITY, ITEM, identifier),
        ROW_ONE(11, FIELD_CODED, ITEM, domain),   ROW_ONE(14, FIELD_CODED, ITEM, original_status),
        ROW_ONE(16, FIELD_WHEN, ITEM, onset_at),  ROW_ONE(17, FIELD_TEXT, ITEM, text),
        ROW_ONE(18, FIELD_CODED, ITEM, priority), ROW_ONE(6, FIELD_CODED, ITEM, priority),
};
const FieldTable table_prb = { "PRB", prb_rows, ELEMENTSOF(prb_rows) };

static const FieldRow gol_rows[] = {
        ROW_ONE(3, FIELD_CODED, ITEM, goal),
        ROW_ONE(4, FIELD_ENTITY, ITEM, identifier),
        ROW_ONE(6, FIELD_CODED, ITEM, priority),
        ROW_ONE(10, FIELD_CODED, ITEM, domain),
        ROW_ONE(16, FIELD_CODED, ITEM, outcome),
        ROW_ONE(17, FIELD_TEXT, ITEM, text),
        ROW_ONE(18, FIELD_CODED, ITEM, original_status),
};
const FieldTable table_gol = { "GOL", gol_rows, ELEMENTSOF(gol_rows) };

/* What differs between the two. */
typedef struct Kind {
        const char *segment;
        const FieldRow *rows;
        size_t n_rows;
        uint8_t start, end; /* of the item */
        bool is_goal;
} Kind;
static const Kind kinds[] = {
        { "PRB", prb_rows, ELEMENTSOF(prb_rows), 7, 9, false },
        { "GOL", gol_rows, ELEMENTSOF(gol_rows), 7, 8, true },
};

/* The life cycle of a problem or a goal (HL7 user tables 0286 and 0287 are the sites' own): words that are plain. */
static const struct {
        const char *said;
        const char *status;
} life_cycles[] = {
        { "ACTIVE", "in-progress" },
        { "IN PROGRESS", "in-progress" },
        { "ONGOING", "in-progress" },
        { "PLANNED", "planned" },
        { "PROPOSED", "planned" },
        { "RESOLVED", "done" },
        { "COMPLETED", "done" },
        { "ACHIEVED", "done" },
        { "MET", "done" },
        { "INACTIVE", "stopped" },
        { "STOPPED", "stopped" },
        { "CANCELLED", "stopped" },
        { "SUSPENDED", "stopped" },
        { "ENTERED IN ERROR", "entered-in-error" },
};

static void status_set(ITEM *item, bool is_deleted) {
        if (is_deleted) {
                item->status = (char *)"entered-in-error";
                return;
        }
        for (size_t i = 0; i < ELEMENTSOF(life_cycles); i++)
                if (coded_says(item->original_status, life_cycles[i].said))
                        item->status = (char *)life_cycles[i].status;
}

/* ROL, or PRT since version 2.7: who does something about it. */
static void responsible_read(Translation *t, Span span, ITEM *item) {
        const Hl7Segment *rol = span_find(span, "ROL"), *prt = span_find(span, "PRT");
        Carebus__V1__Practitioner *who = rol ? practitioner_first(t, rol, 4) : practitioner_first(t, prt, 5);
        Carebus__V1__Coded *role = NULL;

        if (rol)
                role = value_coded(t, hl7_field(t->message, rol, 3));
        else if (prt)
                role = value_coded(t, hl7_field(t->message, prt, 4));
        if (!who)
                return;
        who->role = role;
        item->responsible = who;
}

static bool is_deletion(Translation *t, const Hl7Segment *segment, const TriggerRow *row) {
        return row->action == UNDONE || hl7_is(t->message, hl7_field(t->message, segment, 1), "DE");
}

/* One PRB or GOL; `span` is what stands under it alone. */
static ITEM *item_read(Translation *t, Span span, const Kind *kind, const TriggerRow *row) {
        ITEM *item = draft_message(&t->draft, &carebus__v1__care_plan_item__descriptor);
        const Hl7Segment *segment = span.first;
        Carebus__V1__Coded *what;
        NoteList notes = { 0 };
        char *lines;

        if (!item)
                return NULL;
        fields_apply(t, segment, kind->rows, kind->n_rows, item, "care_plan.items", /* cleared= */ NULL);
        what = kind->is_goal ? item->goal : item->problem;
        if (!item->identifier || !what) {
                draft_problem(&t->draft, item->identifier ? "no-code" : "no-identifier",
                              translation_position(t, segment, item->identifier ? 3 : 4), /* urgent= */ false);
                return NULL;
        }
        if (kind->is_goal)
                item->goal_text = what->text;
        else
                item->problem_text = what->text;
        item->period = value_period(t, hl7_field(t->message, segment, kind->start),
                                    hl7_field(t->message, segment, kind->end));
        responsible_read(t, span, item);
        notes_add(t, segment, span, &notes);
        lines = notes_text(t, &notes);
        if (lines)
                item->text = item->text ? draft_format(&t->draft, "%s\n%s", item->text, lines) : lines;
        status_set(item, is_deletion(t, segment, row));
        return item;
}

/* ---- what stands under what */

static const Kind *kind_find(const Hl7Segment *segment) {
        for (size_t i = 0; i < ELEMENTSOF(kinds); i++)
                if (segment_is(segment, kinds[i].segment))
                        return &kinds[i];
        return NULL;
}

/* Up to the next problem, goal or order: what belongs to this one alone. */
static Span own_span(const Hl7Segment *segment, const Hl7Segment *end) {
        Span span = { .first = segment, .end = segment + 1 };

        while (span.end < end && !kind_find(span.end) && !segment_is(span.end, "ORC"))
                span.end++;
        return span;
}

/* Up to the next of the same kind. */
static Span whole_span(const Hl7Segment *segment, const Hl7Segment *end) {
        Span span = { .first = segment, .end = segment + 1 };

        while (span.end < end && strcmp(span.end->name, segment->name) != 0)
                span.end++;
        return span;
}

static void inner_items_read(Translation *t, Span whole, const Kind *outer, const ITEM *first, const TriggerRow *row,
                             Carebus__V1__CarePlan *plan) {
        for (const Hl7Segment *segment = whole.first + 1; segment < whole.end && !t->draft.problem; segment++) {
                const Kind *kind = kind_find(segment);
                ITEM *item = kind ? item_read(t, own_span(segment, whole.end), kind, row) : NULL;

                if (!item)
                        continue;
                if (outer->is_goal) {
                        item->goal = first->goal;
                        item->goal_text = first->goal_text;
                } else {
                        item->problem = first->problem;
                        item->problem_text = first->problem_text;
                }
                draft_append(&t->draft, &plan->n_items, &plan->items, item);
        }
}

/* PTH: the pathway that it is part of. */
static void pathway_read(Translation *t, Span whole, Carebus__V1__CarePlan *plan) {
        const Hl7Segment *pth = span_find(whole, "PTH");

        if (!pth)
                return;
        plan->type = value_coded(t, hl7_field(t->message, pth, 2));
        plan->title = plan->type ? plan->type->text : NULL;
        plan->identifier = value_entity(t, hl7_field(t->message, pth, 3));
        plan->original_status = value_coded(t, hl7_field(t->message, pth, 5));
        plan->period = value_period(t, hl7_field(t->message, pth, 4), HL7_VALUE_NULL);
}

/* The values that were found with it, and the orders that came of it. */
static void surroundings_read(Translation *t, Patient *patient, Span whole) {
        OrderGroup loose = { .span = whole }, group;

        if (order_next(whole, whole.first, &group))
                loose.span.end = group.span.first;
        observations_read(t, patient, &loose);
        for (const Hl7Segment *from = whole.first; order_next(whole, from, &group) && !t->draft.problem;
             from = group.span.end)
                order_group_read(t, patient, &group);
}

static void item_event(Translation *t, Patient *patient, Span whole, const Kind *kind, const TriggerRow *row) {
        Carebus__V1__CarePlan *plan = draft_message(&t->draft, &carebus__v1__care_plan__descriptor);
        ITEM *item = item_read(t, own_span(whole.first, whole.end), kind, row);
        Carebus__V1__When *acted_at;
        Carebus__V1__Event *event;

        if (!plan || !item)
                return;
        pathway_read(t, whole, plan);
        draft_append(&t->draft, &plan->n_items, &plan->items, item);
        inner_items_read(t, whole, kind, item, row, plan);
        event = patient_event(t, patient, row->type, is_deletion(t, whole.first, row) ? UNDONE : row->action);
        if (!event)
                return;
        acted_at = value_when(t, hl7_field(t->message, whole.first, 2));
        event->body_case = CAREBUS__V1__EVENT__BODY_CARE_PLAN;
        event->care_plan = plan;
        event->plan_id = plan->identifier;
        event->recorded_at = event->recorded_at ?: acted_at;
        event->occurred_at = when_first((Carebus__V1__When *const[]){ acted_at, event->occurred_at }, 2);
        event_set_author(t, event, item->responsible, NULL);
        event_end(t, event, NULL);
        surroundings_read(t, patient, whole);
}

void plan_translate(Translation *t, const TriggerRow *row) {
        const char *outer = strcmp(row->code, "PGL") == 0 ? "GOL" : "PRB";
        const Hl7Segment *segment;
        Patient patient;

        if (patient_open(t, &patient) < 0)
                return;
        segment = span_find(patient.span, outer);
        if (!segment)
                draft_problem(&t->draft, "no-plan-item", outer, /* urgent= */ false);
        while (segment && !t->draft.problem && !t->draft.is_full) {
                Span whole = whole_span(segment, patient.span.end);

                item_event(t, &patient, whole, kind_find(segment), row);
                segment = span_find_next(patient.span, outer, segment);
        }
        patient_end(t, &patient);
}
