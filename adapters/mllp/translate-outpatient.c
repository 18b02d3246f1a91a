/*
 * Out-patients by ADT, as the United Kingdom has them: where PV1-2 is O and there is a ZU3, an appointment event stands beside that of
 * the attendance. What became of it is ZU3-3; where that says nothing yet, the trigger says how far it is.
 */
#include <stddef.h>
#include <string.h>

#include "adapters/mllp/translate-groups.h"

#define A Carebus__V1__Appointment

#define NEW CAREBUS__V1__ACTION__ACTION_NEW
#define UPDATE CAREBUS__V1__ACTION__ACTION_UPDATE

static const FieldRow zu3_rows[] = {
        ROW_ONE(3, FIELD_CODED, A, attendance),
        ROW_ONE(4, FIELD_CODED, A, outcome),
        ROW_ONE(13, FIELD_CODED, A, cancelled_by),
};

typedef struct Outcome {
        const char *code; /* ZU3-3, or a trigger */
        const char *type, *status;
        Carebus__V1__Action action;
} Outcome;

static const Outcome outcomes[] = {
        { "5", "appointment.attended", "attended", UPDATE },
        { "6", "appointment.attended", "attended", UPDATE },             /* late, and seen */
        { "7", "appointment.did_not_attend", "did-not-attend", UPDATE }, /* late, and could not be seen */
        { "3", "appointment.did_not_attend", "did-not-attend", UPDATE },
        { "2", "appointment.cancelled", "cancelled", UPDATE }, /* by the patient */
        { "4", "appointment.cancelled", "cancelled", UPDATE }, /* by who offered it */
};

static const Outcome triggers[] = {
        { "A04", "appointment.arrived", "arrived", UPDATE },
        { "A05", "appointment.booked", "booked", NEW },
        { "A08", "appointment.modified", NULL, UPDATE },
        { "A38", "appointment.cancelled", "cancelled", UPDATE },
};

static const Outcome *outcome_find(const Outcome *list, size_t n, const char *code) {
        for (size_t i = 0; code && i < n; i++)
                if (strcasecmp(list[i].code, code) == 0)
                        return &list[i];
        return NULL;
}

/* NULL: nothing can be said of an appointment. Where ZU3-4 has an outcome of the attendance, there was one. */
static const Outcome *outcome_of(const Translation *t, const TriggerRow *row, const A *appointment) {
        const char *attendance = meant_code(t, "appointment.attendance", appointment->attendance);
        const Outcome *found = outcome_find(outcomes, ELEMENTSOF(outcomes), attendance);

        if (!found)
                found = outcome_find(triggers, ELEMENTSOF(triggers), row->event);
        if (!found && !attendance && appointment->outcome && strcmp(row->event, "A03") == 0)
                found = &outcomes[0];
        return found;
}

/* What the stay says of place, people and time is what was booked. */
static void stay_apply(const Carebus__V1__Encounter *encounter, A *appointment) {
        appointment->identifier = encounter->identifier;
        appointment->place = encounter->place;
        appointment->specialty = encounter->specialty;
        appointment->reason = encounter->reason;
        appointment->n_participants = encounter->n_participants;
        appointment->participants = encounter->participants;
        appointment->start_at = encounter->expected_admission_at ?: encounter->admitted_at;
}

static void times_apply(const TriggerRow *row, const Carebus__V1__Encounter *encounter, const Outcome *outcome,
                        Carebus__V1__When *occurred_at, A *appointment) {
        if (strcmp(outcome->type, "appointment.arrived") == 0)
                appointment->arrived_at = encounter->admitted_at ?: occurred_at;
        else if (strcmp(outcome->type, "appointment.cancelled") == 0)
                appointment->cancelled_at = occurred_at;
        else if (strcmp(outcome->type, "appointment.booked") == 0)
                appointment->booked_at = occurred_at;
}

void outpatient_translate(Translation *t, const TriggerRow *row, const Person *person, const Visit *visit) {
        const Hl7Segment *zu3 = visit->is_outpatient ? hl7_find(t->message, "ZU3", 1) : NULL;
        ClearedList cleared = { 0 };
        const Outcome *outcome;
        Carebus__V1__Event *event;
        A *appointment;

        if (!zu3 || strcmp(row->type, "encounter.admission_cancelled") == 0)
                return;
        appointment = draft_message(&t->draft, &carebus__v1__appointment__descriptor);
        if (!appointment)
                return;
        fields_apply(t, zu3, zu3_rows, ELEMENTSOF(zu3_rows), appointment, "appointment", &cleared);
        outcome = outcome_of(t, row, appointment);
        event = outcome ? event_besides(t, outcome->type, outcome->action, person, visit) : NULL;
        if (!event)
                return;
        stay_apply(visit->encounter, appointment);
        times_apply(row, visit->encounter, outcome, event->occurred_at, appointment);
        appointment->status = (char *)outcome->status;
        event->body_case = CAREBUS__V1__EVENT__BODY_APPOINTMENT;
        event->appointment = appointment;
        event->appointment_id = appointment->identifier;
        event_set_cleared(t, event, &cleared);
        event_end(t, event, /* notes= */ NULL);
}
