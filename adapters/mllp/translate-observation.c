/*
 * OBX: an event each, whichever message they stand in. What is a decision, a measure of a scale or a document becomes that;
 * all else is an observation.
 */
#include <string.h>

#include "adapters/mllp/translate-groups.h"

static void observation_event(Translation *t, Patient *patient, const Observed *observed) {
        Carebus__V1__Observation *o = observed->observation;
        Carebus__V1__Event *event = patient_event(t, patient, "observation.recorded", observed->action);
        ClearedList cleared = { 0 };

        if (!event)
                return;
        o->n_notes = observed->notes.n;
        o->notes = observed->notes.texts;
        event->body_case = CAREBUS__V1__EVENT__BODY_OBSERVATION;
        event->observation = o;
        event->order_id = o->order;
        if (o->observed_at && when_is_readable(o->observed_at))
                event->occurred_at = o->observed_at;
        event_set_author(t, event, o->performer, o->performer_organisation ? o->performer_organisation->name : NULL);
        if (value_is_cleared(t, hl7_field(t->message, observed->obx, 5)))
                cleared_add(t, &cleared, "observation", "value");
        event_set_cleared(t, event, &cleared);
        event_end(t, event, NULL);
}

/* An OBX that says nothing but which line of a form it is. */
static bool is_blank(const Translation *t, const Observed *observed) {
        static const uint8_t fields[] = { 3, 4, 5, 6, 7, 8 };

        for (size_t i = 0; i < ELEMENTSOF(fields); i++)
                if (hl7_presence(hl7_field(t->message, observed->obx, fields[i])) != HL7_ABSENT)
                        return false;
        return observed->notes.n == 0;
}

void observed_tell(Translation *t, Patient *patient, const Observed *observed) {
        const Carebus__V1__Coded *code = observed->observation->code;
        const Scale *scale;

        if (is_blank(t, observed))
                return;
        if (!code) {
                flaw_note(t, "no-code", translation_position(t, observed->obx, 3));
                return;
        }
        if (observed_is_document(observed)) {
                document_of_observed(t, patient, observed);
                return;
        }
        if (decision_read(t, patient, observed))
                return;
        /* A score that was deleted need not be said again. */
        scale = observed->has_value || observed->action == CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR
                        ? scale_of_coded(t, "observation.code", code)
                        : NULL;
        if (scale)
                measure_read(t, patient, observed, scale);
        else
                observation_event(t, patient, observed);
}

size_t observations_read(Translation *t, Patient *patient, const OrderGroup *group) {
        size_t n_before = t->draft.n_events;
        const Hl7Segment *obx = span_find(group->span, "OBX");
        const Scale *scale = scale_of_group(t, group);

        if (scale) {
                measure_panel_read(t, patient, group, scale);
                return t->draft.n_events - n_before;
        }
        while (obx && !t->draft.is_full && !t->draft.problem) {
                Observed observed;

                observed_read(t, group, obx, &observed);
                if (observed.observation)
                        observed_tell(t, patient, &observed);
                obx = span_find_next(group->span, "OBX", observed.last);
        }
        return t->draft.n_events - n_before;
}

/* What stands before the first order: the observations on the person. */
void loose_observations_read(Translation *t, Patient *patient) {
        OrderGroup first, loose = { .span = patient->span };

        if (order_next(patient->span, patient->span.first, &first))
                loose.span.end = first.span.first;
        observations_read(t, patient, &loose);
}

void person_observations_read(Translation *t, const Person *person) {
        Patient patient = patient_of_person(t, person);
        OrderGroup group;

        patient.is_known = true; /* by the event about the person or the stay */
        loose_observations_read(t, &patient);
        for (const Hl7Segment *from = patient.span.first; order_next(patient.span, from, &group); from = group.span.end)
                observations_read(t, &patient, &group);
}

/* ---- ORU */

/* Comments on the order itself stay with the first event that came of it. */
static void group_notes_attach(Translation *t, size_t first_event, const NoteList *notes) {
        Carebus__V1__Event *event = first_event < t->draft.n_events ? t->draft.events[first_event] : NULL;

        for (size_t i = 0; event && i < notes->n; i++)
                draft_append(&t->draft, &event->n_notes, &event->notes, notes->texts[i]);
}

static void results_of_patient(Translation *t, Patient *patient, const TriggerRow *row) {
        OrderGroup group;

        loose_observations_read(t, patient);
        for (const Hl7Segment *from = patient->span.first; order_next(patient->span, from, &group);
             from = group.span.end) {
                size_t first_event = t->draft.n_events;
                NoteList notes = { 0 };

                order_notes_add(t, &group, &notes);
                if (observations_read(t, patient, &group) > 0)
                        group_notes_attach(t, first_event, &notes);
                else if (!t->draft.problem)
                        order_read(t, patient, &group, &notes); /* a state without a result */
        }
        patient_end(t, patient);
}

void result_translate(Translation *t, const TriggerRow *row) {
        patients_each(t, results_of_patient, row);
        if (!t->draft.problem && !t->draft.is_full && t->draft.n_events == 0)
                draft_problem(&t->draft, "no-result", "OBR", /* urgent= */ false);
}
