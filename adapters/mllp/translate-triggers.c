/*
 * One row a trigger: which event it is, what that does, which time is meant. Everything else is the same for all.
 */
#include <string.h>

#include "adapters/mllp/translate-rules.h"

#define NEW CAREBUS__V1__ACTION__ACTION_NEW
#define UPDATE CAREBUS__V1__ACTION__ACTION_UPDATE
#define UNDONE CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR

typedef enum TriggerShape {
        SHAPE_ENCOUNTER, /* one event about a stay */
        SHAPE_UPDATE,    /* A08: the stay, where there is one, and the person */
        SHAPE_PERSON,
        SHAPE_MERGE,
} TriggerShape;

/* Where the moment of the event stands, if not in EVN-6. */
typedef enum TriggerTime {
        TIME_OF_EVENT,
        TIME_ADMITTED,   /* PV1-44 */
        TIME_DISCHARGED, /* PV1-45 */
} TriggerTime;

typedef struct TriggerRow {
        const char *event;
        TriggerShape shape;
        const char *type;
        const char *type_emergency; /* where PV1-2 is E; NULL: the same */
        Carebus__V1__Action action;
        const char *status; /* of the stay */
        TriggerTime time;
} TriggerRow;

static const TriggerRow rows[] = {
        { "A01", SHAPE_ENCOUNTER, "encounter.admitted", "encounter.ed_arrived", NEW, "in-progress", TIME_ADMITTED },
        { "A02", SHAPE_ENCOUNTER, "encounter.transferred", NULL, UPDATE, "in-progress", TIME_OF_EVENT },
        { "A03", SHAPE_ENCOUNTER, "encounter.discharged", "encounter.ed_departed", UPDATE, "finished",
          TIME_DISCHARGED },
        { "A04", SHAPE_ENCOUNTER, "encounter.registered", "encounter.ed_arrived", NEW, "arrived", TIME_ADMITTED },
        { "A05", SHAPE_ENCOUNTER, "encounter.preadmitted", NULL, NEW, "planned", TIME_OF_EVENT },
        { "A08", SHAPE_UPDATE, "encounter.updated", NULL, UPDATE, NULL, TIME_OF_EVENT },
        { "A11", SHAPE_ENCOUNTER, "encounter.admission_cancelled", NULL, UNDONE, "cancelled", TIME_OF_EVENT },
        { "A12", SHAPE_ENCOUNTER, "encounter.transfer_cancelled", NULL, UNDONE, "in-progress", TIME_OF_EVENT },
        { "A13", SHAPE_ENCOUNTER, "encounter.discharge_cancelled", NULL, UNDONE, "in-progress", TIME_OF_EVENT },
        { "A18", .shape = SHAPE_MERGE },
        { "A28", SHAPE_PERSON, "patient.registered", NULL, NEW, NULL, TIME_OF_EVENT },
        { "A30", .shape = SHAPE_MERGE },
        { "A31", SHAPE_PERSON, "patient.updated", NULL, UPDATE, NULL, TIME_OF_EVENT },
        { "A34", .shape = SHAPE_MERGE },
        { "A40", .shape = SHAPE_MERGE },
};

static const TriggerRow *row_find(const char *code, const char *event) {
        if (strcasecmp(code, "ADT") != 0)
                return NULL;
        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                if (strcasecmp(rows[i].event, event) == 0)
                        return &rows[i];
        return NULL;
}

/* EVN-6, else the time that the trigger is about, else EVN-2, else MSH-7: the first that can be read. */
static Carebus__V1__When *time_of(const Translation *t, const TriggerRow *row, const Visit *visit) {
        Carebus__V1__When *own = NULL;

        if (row->time == TIME_ADMITTED)
                own = visit->encounter->admitted_at;
        else if (row->time == TIME_DISCHARGED)
                own = visit->encounter->discharged_at;
        return when_first((Carebus__V1__When *const[]){ t->occurred_at, own, t->recorded_at, t->sent_at }, 4);
}

static void encounter_event(Translation *t, const TriggerRow *row, const Person *person, const Visit *visit) {
        const char *type = visit->is_emergency && row->type_emergency ? row->type_emergency : row->type;
        Carebus__V1__Event *event = event_new(t, type, row->action);
        Carebus__V1__Encounter *encounter = visit->encounter;

        if (!event)
                return;
        event->occurred_at = time_of(t, row, visit);
        encounter->status = (char *)row->status;
        if (strcmp(row->event, "A02") == 0)
                encounter->transferred_at = event->occurred_at;
        event->body_case = CAREBUS__V1__EVENT__BODY_ENCOUNTER;
        event->encounter = encounter;
        event->encounter_id = encounter->identifier;
        if (!event->encounter_id && encounter->n_further_identifiers)
                event->encounter_id = encounter->further_identifiers[0];
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
        death = event ? translation_message(t, &carebus__v1__death__descriptor) : NULL;
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
                event->encounter_id = encounter->identifier;
        event_set_person(t, event, person, /* with_demographics= */ true);
        event_set_profile_fields(t, event);
}

bool trigger_translate(Translation *t, const char *code, const char *event) {
        const TriggerRow *row = row_find(code, event);
        const Hl7Segment *pid = hl7_find(t->message, "PID", 1);
        Visit visit = { .pv1 = NULL };
        Person person;

        if (!row)
                return false;
        envelope_read(t);
        if (row->shape == SHAPE_MERGE) {
                merge_translate(t);
                return true;
        }
        if (!pid) {
                translation_problem(t, "no-patient", "PID", /* urgent= */ false);
                return true;
        }
        if (hl7_find_next(t->message, "PID", pid)) { /* whose event would it be? */
                translation_problem(t, "several-patients", translation_position(t, hl7_find(t->message, "PID", 2), 0),
                                    /* urgent= */ true);
                return true;
        }
        if (person_read(t, pid, NULL, &person) < 0)
                return true;
        if (person.demographics->n_identifiers == 0) {
                translation_problem(t, "no-identifier", translation_position(t, pid, 3), /* urgent= */ false);
                return true;
        }
        if (row->shape != SHAPE_PERSON)
                visit_read(t, &visit);
        if (row->shape == SHAPE_PERSON)
                person_event(t, row->type, row->action, &person);
        else if (visit.encounter && (row->shape == SHAPE_ENCOUNTER || visit.is_visit))
                encounter_event(t, row, &person, &visit);
        if (row->shape == SHAPE_UPDATE)
                person_event(t, "patient.updated", UPDATE, &person);
        death_translate(t, &person, visit.encounter ? &visit : NULL);
        return true;
}
