/*
 * One row a trigger: which event it is, what that does, which time is meant. Everything else is the same for all.
 */
#include <string.h>

#include "adapters/mllp/translate-groups.h"

#define NEW CAREBUS__V1__ACTION__ACTION_NEW
#define UPDATE CAREBUS__V1__ACTION__ACTION_UPDATE
#define UNDONE CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR

/* Where the moment of the event stands, if not in EVN-6; and which time of the stay it is. */
enum {
        TIME_OF_EVENT,
        TIME_ADMITTED,   /* PV1-44 */
        TIME_DISCHARGED, /* PV1-45 */
        TIME_TRANSFERRED,
        TIME_LEFT,     /* for a leave */
        TIME_RETURNED, /* from it; what stood in PV2-47 was only expected */
};

/* EVN-6, else the time that the trigger is about, else EVN-2, else MSH-7: the first that can be read. */
static Carebus__V1__When *time_of(const Translation *t, const TriggerRow *row, const Visit *visit) {
        Carebus__V1__When *own = NULL;

        if (row->time == TIME_ADMITTED)
                own = visit->encounter->admitted_at;
        else if (row->time == TIME_DISCHARGED)
                own = visit->encounter->discharged_at;
        return when_first((Carebus__V1__When *const[]){ t->occurred_at, own, t->recorded_at, t->sent_at }, 4);
}

static void time_keep(const TriggerRow *row, Carebus__V1__When *occurred_at, Carebus__V1__Encounter *encounter) {
        if (row->time == TIME_TRANSFERRED)
                encounter->transferred_at = occurred_at;
        else if (row->time == TIME_LEFT)
                encounter->leave_from_at = occurred_at;
        else if (row->time == TIME_RETURNED)
                encounter->leave_until_at = occurred_at;
}

static void encounter_event(Translation *t, const TriggerRow *row, const Person *person, const Visit *visit) {
        const char *type = visit->is_emergency && row->type_emergency ? row->type_emergency : row->type;
        Carebus__V1__Event *event = event_new(t, type, row->action);
        Carebus__V1__Encounter *encounter = visit->encounter;

        if (!event)
                return;
        event->occurred_at = time_of(t, row, visit);
        encounter->status = (char *)row->status;
        time_keep(row, event->occurred_at, encounter);
        event->body_case = CAREBUS__V1__EVENT__BODY_ENCOUNTER;
        event->encounter = encounter;
        event->encounter_id = visit->number;
        event_set_person(t, event, person, /* with_demographics= */ true);
        event_set_cleared(t, event, &visit->cleared);
        event_set_profile_fields(t, event);
}

static void person_event(Translation *t, const char *type, Carebus__V1__Action action, const Person *person) {
        Carebus__V1__Event *event = event_new(t, type, action);

        if (!event)
                return;
        event->body_case = CAREBUS__V1__EVENT__BODY_DEMOGRAPHICS;
        event->demographics = person->demographics;
        event_set_person(t, event, person, /* with_demographics= */ false);
        event_set_cleared(t, event, &person->cleared);
        event_set_profile_fields(t, event);
}

/*
 * A death is notified where PID-30 is Y, where PID-29 has a time and PID-30 does not deny it, or where somebody was
 * discharged by dying. Nothing here ever retracts one: N is what the living have, and a field that was emptied withdraws
 * this sender's own claim and no other (it is in `cleared`).
 */
void death_translate(Translation *t, const Person *person, const Visit *visit) {
        const Carebus__V1__Demographics *demographics = person->demographics;
        const Carebus__V1__Encounter *encounter = visit ? visit->encounter : NULL;
        Carebus__V1__When *died_at = demographics->deceased_at;
        Carebus__V1__Event *event;
        Carebus__V1__Death *death;
        const char *how;

        if (demographics->has_deceased && demographics->deceased)
                how = "PID-30";
        else if (encounter && encounter->has_died)
                how = "discharge-method";
        else if (died_at && !demographics->has_deceased)
                how = "PID-29";
        else
                return;
        if (!died_at && encounter && encounter->has_died)
                died_at = encounter->discharged_at;
        event = event_new(t, "death.notified", NEW);
        death = event ? draft_message(&t->draft, &carebus__v1__death__descriptor) : NULL;
        if (!death)
                return;
        death->has_status = true;
        death->status = CAREBUS__V1__DEATH__STATUS__STATUS_INFORMAL; /* formal is what a registrar says */
        death->died_at = died_at;
        death->how_known = (char *)how;
        if (encounter && encounter->has_died)
                death->location = encounter->place;
        event->body_case = CAREBUS__V1__EVENT__BODY_DEATH;
        event->death = death;
        if (died_at && when_is_readable(died_at))
                event->occurred_at = died_at;
        if (encounter)
                event->encounter_id = visit->number;
        event_set_person(t, event, person, /* with_demographics= */ true);
        event_set_profile_fields(t, event);
}

/* Allergies and consent are the person's, whatever became of the stay. */
void besides_translate(Translation *t, const Person *person, const Visit *visit, bool is_cancelled) {
        if (!is_cancelled) {
                team_translate(t, person, visit);
                conditions_translate(t, person, visit);
        }
        allergies_translate(t, person, visit);
        consent_translate(t, person);
        person_observations_read(t, person);
        death_translate(t, person, visit);
}

/* Whose message it is, for the shapes that speak of one person. 0, or a problem is noted. */
int patient_read(Translation *t, Person *ret) {
        const Hl7Segment *pid = hl7_find(t->message, "PID", 1);

        if (!pid) {
                draft_problem(&t->draft, "no-patient", "PID", /* urgent= */ false);
                return -1;
        }
        if (hl7_find_next(t->message, "PID", pid)) { /* whose event would it be? */
                draft_problem(&t->draft, "several-patients", translation_position(t, hl7_find(t->message, "PID", 2), 0),
                              /* urgent= */ true);
                return -1;
        }
        if (person_read(t, pid, NULL, ret) < 0)
                return -1;
        if (ret->demographics->n_identifiers == 0) {
                draft_problem(&t->draft, "no-identifier", translation_position(t, pid, 3), /* urgent= */ false);
                return -1;
        }
        return 0;
}

/*
 * That somebody was discharged by dying is for the discharge to say, and for an update after it. Elsewhere the code is what was
 * undone (A13), what somebody expects (A16), or what was left in the field from another stay: nobody died of it.
 */
static void died_check(const TriggerRow *row, Visit *visit) {
        if (row->time != TIME_DISCHARGED && row->status)
                visit->encounter->has_died = visit->encounter->died = false;
}

/* A stay, an attendance, a plan of one. */
static void encounter_translate(Translation *t, const TriggerRow *row) {
        Visit visit = { .pv1 = NULL };
        Person person;

        if (patient_read(t, &person) < 0)
                return;
        visit_read(t, &visit);
        if (!visit.encounter)
                return;
        died_check(row, &visit);
        encounter_event(t, row, &person, &visit);
        outpatient_translate(t, row, &person, &visit);
        besides_translate(t, &person, &visit, /* is_cancelled= */ texts_are_equal(row->status, "cancelled"));
}

/* A08: the stay, where there is one, and the person. */
static void update_translate(Translation *t, const TriggerRow *row) {
        Visit visit = { .pv1 = NULL };
        Person person;

        if (patient_read(t, &person) < 0)
                return;
        visit_read(t, &visit);
        if (!visit.encounter)
                return;
        if (visit.is_visit)
                encounter_event(t, row, &person, &visit);
        person_event(t, "patient.updated", UPDATE, &person);
        outpatient_translate(t, row, &person, &visit);
        besides_translate(t, &person, &visit, /* is_cancelled= */ false);
}

/* A54 and A55: somebody else attends. */
static void attending_translate(Translation *t, const TriggerRow *row) {
        Visit visit = { .pv1 = NULL };
        Person person;

        if (patient_read(t, &person) < 0)
                return;
        visit_read(t, &visit);
        if (!visit.encounter)
                return;
        encounter_event(t, row, &person, &visit);
        lead_translate(t, &person, &visit);
        besides_translate(t, &person, &visit, /* is_cancelled= */ false);
}

/* A28, A31: PV1 is a place holder there, and says nothing of a stay. */
static void person_translate(Translation *t, const TriggerRow *row) {
        Person person;

        if (patient_read(t, &person) < 0)
                return;
        person_event(t, row->type, row->action, &person);
        besides_translate(t, &person, /* visit= */ NULL, /* is_cancelled= */ false);
}

/* A60. A list of allergies of which nothing can be read is nothing that may pass unseen. */
static void allergy_list_translate(Translation *t, const TriggerRow *row) {
        size_t n_events = t->draft.n_events;
        Visit visit = { .pv1 = NULL };
        Person person;

        if (patient_read(t, &person) < 0)
                return;
        visit_read(t, &visit);
        allergies_translate(t, &person, &visit);
        if (t->draft.n_events == n_events)
                draft_problem(&t->draft, "no-allergy", "IAM", /* urgent= */ true);
        consent_translate(t, &person);
        death_translate(t, &person, /* visit= */ NULL);
}

/* In order of codes and triggers. What is not here is kept, counted and waits for a person: A23 and A29 among it, which would take
 * away somebody's stay or record. */
static const TriggerRow rows[] = {
        /* clang-format off */
        { "ADT", "A01", encounter_translate, "encounter.admitted", "encounter.ed_arrived", NEW, "in-progress", TIME_ADMITTED },
        { "ADT", "A02", encounter_translate, "encounter.transferred", NULL, UPDATE, "in-progress", TIME_TRANSFERRED },
        { "ADT", "A03", encounter_translate, "encounter.discharged", "encounter.ed_departed", UPDATE, "finished", TIME_DISCHARGED },
        { "ADT", "A04", encounter_translate, "encounter.registered", "encounter.ed_arrived", NEW, "arrived", TIME_ADMITTED },
        { "ADT", "A05", encounter_translate, "encounter.preadmitted", NULL, NEW, "planned", TIME_OF_EVENT },
        { "ADT", "A06", encounter_translate, "encounter.admitted", NULL, NEW, "in-progress", TIME_ADMITTED }, /* was out-patient */
        { "ADT", "A07", encounter_translate, "encounter.updated", NULL, UPDATE, "in-progress", TIME_OF_EVENT }, /* is out-patient now */
        { "ADT", "A08", update_translate, "encounter.updated", NULL, UPDATE, NULL, TIME_OF_EVENT },
        { "ADT", "A09", encounter_translate, "encounter.updated", NULL, UPDATE, NULL, TIME_OF_EVENT }, /* on the way somewhere */
        { "ADT", "A10", encounter_translate, "encounter.updated", NULL, UPDATE, NULL, TIME_OF_EVENT },
        { "ADT", "A11", encounter_translate, "encounter.admission_cancelled", NULL, UNDONE, "cancelled", TIME_OF_EVENT },
        { "ADT", "A12", encounter_translate, "encounter.transfer_cancelled", NULL, UNDONE, "in-progress", TIME_OF_EVENT },
        { "ADT", "A13", encounter_translate, "encounter.discharge_cancelled", NULL, UNDONE, "in-progress", TIME_OF_EVENT },
        { "ADT", "A14", encounter_translate, "encounter.admission_planned", NULL, NEW, "planned", TIME_OF_EVENT },
        { "ADT", "A15", encounter_translate, "encounter.transfer_planned", NULL, UPDATE, "in-progress", TIME_OF_EVENT },
        { "ADT", "A16", encounter_translate, "encounter.discharge_planned", NULL, UPDATE, "in-progress", TIME_OF_EVENT },
        { "ADT", "A18", merge_translate },
        { "ADT", "A21", encounter_translate, "encounter.leave_started", NULL, UPDATE, "on-leave", TIME_LEFT },
        { "ADT", "A22", encounter_translate, "encounter.leave_ended", NULL, UPDATE, "in-progress", TIME_RETURNED },
        { "ADT", "A24", link_translate, "patient.linked" },
        { "ADT", "A25", encounter_translate, "encounter.discharge_plan_cancelled", NULL, UNDONE, "in-progress", TIME_OF_EVENT },
        { "ADT", "A26", encounter_translate, "encounter.transfer_plan_cancelled", NULL, UNDONE, "in-progress", TIME_OF_EVENT },
        { "ADT", "A27", encounter_translate, "encounter.admission_plan_cancelled", NULL, UNDONE, "cancelled", TIME_OF_EVENT },
        { "ADT", "A28", person_translate, "patient.registered", NULL, NEW },
        { "ADT", "A30", merge_translate },
        { "ADT", "A31", person_translate, "patient.updated", NULL, UPDATE },
        { "ADT", "A34", merge_translate },
        { "ADT", "A37", link_translate, "patient.unlinked" },
        { "ADT", "A38", encounter_translate, "encounter.preadmission_cancelled", NULL, UNDONE, "cancelled", TIME_OF_EVENT },
        { "ADT", "A40", merge_translate },
        { "ADT", "A41", move_translate, "patient.moved" },
        { "ADT", "A42", move_translate, "patient.moved" },
        { "ADT", "A43", move_translate, "patient.moved" },
        { "ADT", "A44", move_translate, "patient.moved" },
        { "ADT", "A45", move_translate, "patient.moved" },
        { "ADT", "A47", move_translate, "patient.moved" },
        { "ADT", "A49", move_translate, "patient.moved" },
        { "ADT", "A50", move_translate, "patient.moved" },
        { "ADT", "A51", move_translate, "patient.moved" },
        { "ADT", "A52", encounter_translate, "encounter.leave_start_cancelled", NULL, UNDONE, "in-progress", TIME_OF_EVENT },
        { "ADT", "A53", encounter_translate, "encounter.leave_end_cancelled", NULL, UNDONE, "on-leave", TIME_OF_EVENT },
        { "ADT", "A54", attending_translate, "encounter.updated", NULL, UPDATE, NULL, TIME_OF_EVENT },
        { "ADT", "A55", attending_translate, "encounter.updated", NULL, UPDATE, NULL, TIME_OF_EVENT },
        { "ADT", "A60", allergy_list_translate },
        { "MDM", "T01", document_translate, "document.available", NULL, NEW, "current" },
        { "MDM", "T02", document_translate, "document.available", NULL, NEW, "current" },
        { "MDM", "T03", document_translate, "document.replaced", NULL, UPDATE, "current" }, /* its state */
        { "MDM", "T04", document_translate, "document.replaced", NULL, UPDATE, "current" },
        { "MDM", "T05", document_translate, "document.available", NULL, NEW, "current" }, /* an addendum: what it adds to stays */
        { "MDM", "T06", document_translate, "document.available", NULL, NEW, "current" },
        { "MDM", "T07", document_translate, "document.replaced", NULL, UPDATE, "current" },
        { "MDM", "T08", document_translate, "document.replaced", NULL, UPDATE, "current" },
        { "MDM", "T09", document_translate, "document.replaced", NULL, UPDATE, "current" },
        { "MDM", "T10", document_translate, "document.replaced", NULL, UPDATE, "current" },
        { "MDM", "T11", document_translate, "document.cancelled", NULL, UNDONE, "cancelled" },
        { "OMG", "O19", order_translate },
        { "OML", "O21", order_translate },
        { "OML", "O33", order_translate },
        { "OML", "O35", order_translate },
        { "OML", "O39", order_translate },
        { "OMP", "O09", medication_translate },
        { "ORM", "O01", order_translate },
        { "ORU", "R01", result_translate },
        { "ORU", "R30", result_translate },
        { "ORU", "R31", result_translate },
        { "ORU", "R32", result_translate },
        { "PGL", "PC6", plan_translate, "care_plan.item_changed", NULL, NEW, NULL },
        { "PGL", "PC7", plan_translate, "care_plan.item_changed", NULL, UPDATE, NULL },
        { "PGL", "PC8", plan_translate, "care_plan.item_changed", NULL, UNDONE, NULL },
        { "PPR", "PC1", plan_translate, "care_plan.item_changed", NULL, NEW, NULL },
        { "PPR", "PC2", plan_translate, "care_plan.item_changed", NULL, UPDATE, NULL },
        { "PPR", "PC3", plan_translate, "care_plan.item_changed", NULL, UNDONE, NULL },
        { "RAS", "O01", medication_translate },
        { "RAS", "O17", medication_translate },
        { "RDE", "O01", medication_translate },
        { "RDE", "O11", medication_translate },
        { "RDE", "O25", medication_translate },
        { "RDS", "O01", medication_translate },
        { "RDS", "O13", medication_translate },
        { "REF", "I12", referral_translate, "referral.requested", NULL, NEW, "requested" },
        { "REF", "I13", referral_translate, "referral.changed", NULL, UPDATE, NULL },
        { "REF", "I14", referral_translate, "referral.cancelled", NULL, UPDATE, "cancelled" },
        { "REF", "I15", referral_translate, "referral.changed", NULL, UPDATE, NULL },
        { "RRI", "I12", referral_translate, "referral.received", NULL, UPDATE, "received" },
        { "RRI", "I13", referral_translate, "referral.changed", NULL, UPDATE, NULL },
        { "RRI", "I14", referral_translate, "referral.cancelled", NULL, UPDATE, "cancelled" },
        { "RRI", "I15", referral_translate, "referral.changed", NULL, UPDATE, NULL },
        { "SIU", "S12", appointment_translate, "appointment.booked", NULL, NEW, "booked" },
        { "SIU", "S13", appointment_translate, "appointment.rescheduled", NULL, UPDATE, "booked" },
        { "SIU", "S14", appointment_translate, "appointment.modified", NULL, UPDATE, NULL },
        { "SIU", "S15", appointment_translate, "appointment.cancelled", NULL, UPDATE, "cancelled" },
        { "SIU", "S16", appointment_translate, "appointment.cancelled", NULL, UPDATE, "cancelled" }, /* what is left of it */
        { "SIU", "S17", appointment_translate, "appointment.deleted", NULL, UNDONE, "deleted" },
        { "SIU", "S26", appointment_translate, "appointment.did_not_attend", NULL, UPDATE, "did-not-attend" },
        /* clang-format on */
};

static const TriggerRow *row_find(const char *code, const char *event) {
        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                if (strcasecmp(rows[i].code, code) == 0 && (!*rows[i].event || strcasecmp(rows[i].event, event) == 0))
                        return &rows[i];
        return NULL;
}

bool trigger_translate(Translation *t, const char *code, const char *event) {
        const TriggerRow *row = row_find(code, event);

        if (!row)
                return false;
        envelope_read(t);
        row->translate(t, row);
        return true;
}
