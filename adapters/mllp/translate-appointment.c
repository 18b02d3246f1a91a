/*
 * SIU: an appointment, and what was booked for it. SCH says which, RGS and what follows says with whom, where and when; each PID is
 * somebody who has it.
 */
#include <stddef.h>
#include <string.h>

#include "adapters/mllp/translate-groups.h"

#define A Carebus__V1__Appointment
#define R Resource

static const FieldRow sch_rows[] = {
        ROW_APART(1, FIELD_ENTITY, A, placer_identifier, "SCH-1"),
        ROW_ONE(2, FIELD_ENTITY, A, identifier),
        ROW_ONE(6, FIELD_CODED, A, event_reason),
        ROW_ONE(7, FIELD_CODED, A, reason),
        ROW_ONE(8, FIELD_CODED, A, type),
        ROW_LIST(12, FIELD_PARTICIPANT_LIST, A, participants, "placer-contact"),
        ROW_LIST(16, FIELD_PARTICIPANT_LIST, A, participants, "filler-contact"),
        ROW_LIST(20, FIELD_PARTICIPANT_LIST, A, participants, "entered-by"),
        ROW_ONE(25, FIELD_CODED, A, original_status),
};
const FieldTable table_sch = { "SCH", sch_rows, ELEMENTSOF(sch_rows) };

/* One of AIS, AIG, AIL and AIP. */
typedef struct Resource {
        Carebus__V1__Coded *what, *kind, *status;
        Carebus__V1__Place *place;
        Carebus__V1__Practitioner *who;
        Carebus__V1__When *start_at;
} Resource;

static const FieldRow ais_rows[] = { ROW_SKIP(1), ROW_ONE(3, FIELD_CODED, R, what), ROW_ONE(4, FIELD_WHEN, R, start_at),
                                     ROW_ONE(10, FIELD_CODED, R, status) };
static const FieldRow aig_rows[] = { ROW_SKIP(1), ROW_ONE(3, FIELD_CODED, R, what), ROW_ONE(4, FIELD_CODED, R, kind),
                                     ROW_ONE(8, FIELD_WHEN, R, start_at), ROW_ONE(14, FIELD_CODED, R, status) };
static const FieldRow ail_rows[] = { ROW_SKIP(1), ROW_ONE(3, FIELD_PLACE, R, place), ROW_ONE(4, FIELD_CODED, R, kind),
                                     ROW_ONE(6, FIELD_WHEN, R, start_at), ROW_ONE(12, FIELD_CODED, R, status) };
static const FieldRow aip_rows[] = { ROW_SKIP(1), ROW_ONE(3, FIELD_PRACTITIONER, R, who),
                                     ROW_ONE(4, FIELD_CODED, R, kind), ROW_ONE(6, FIELD_WHEN, R, start_at),
                                     ROW_ONE(12, FIELD_CODED, R, status) };

/* ---- how long */

static const struct {
        const char *name;
        uint32_t seconds;
} units[] = {
        { "min", 60 },    { "mins", 60 },    { "minute", 60 },    { "minutes", 60 },   { "m", 60 },
        { "h", 3600 },    { "hr", 3600 },    { "hrs", 3600 },     { "hour", 3600 },    { "hours", 3600 },
        { "s", 1 },       { "sec", 1 },      { "second", 1 },     { "seconds", 1 },    { "d", 24 * 3600 },
        { "day", 86400 }, { "days", 86400 }, { "hour(s)", 3600 }, { "minute(s)", 60 },
};

int minutes_read(Translation *t, Hl7Value duration, Hl7Value unit, uint32_t *ret) {
        uint64_t seconds = hl7_presence(unit) == HL7_PRESENT ? 0 : 60;
        uint32_t number;

        for (size_t i = 0; seconds == 0 && i < ELEMENTSOF(units); i++)
                if (hl7_is(t->message, unit, units[i].name))
                        seconds = units[i].seconds;
        if (seconds == 0 || value_number(t, duration, &number) != 0 || number * seconds / 60 > UINT32_MAX)
                return 1;
        *ret = (uint32_t)(number * seconds / 60);
        return 0;
}

static void duration_read(Translation *t, const Hl7Segment *segment, unsigned number, A *appointment) {
        if (segment && !appointment->has_minutes &&
            minutes_read(t, hl7_field(t->message, segment, number), hl7_field(t->message, segment, number + 1),
                         &appointment->minutes) == 0)
                appointment->has_minutes = true;
}

/* ---- what was booked */

typedef struct ResourceRows {
        const char *segment;
        const FieldRow *rows;
        size_t n_rows;
        uint8_t duration; /* field; its unit is the next */
} ResourceRows;

static const ResourceRows resource_segments[] = {
        { "AIS", ais_rows, ELEMENTSOF(ais_rows), 7 },
        { "AIG", aig_rows, ELEMENTSOF(aig_rows), 11 },
        { "AIL", ail_rows, ELEMENTSOF(ail_rows), 9 },
        { "AIP", aip_rows, ELEMENTSOF(aip_rows), 9 },
};

static const ResourceRows *resource_rows(const Hl7Segment *segment) {
        for (size_t i = 0; i < ELEMENTSOF(resource_segments); i++)
                if (strcmp(resource_segments[i].segment, segment->name) == 0)
                        return &resource_segments[i];
        return NULL;
}

static void person_add(Translation *t, A *appointment, const Resource *resource) {
        Carebus__V1__Participant *participant = draft_message(&t->draft, &carebus__v1__participant__descriptor);
        const Carebus__V1__Coded *kind = resource->kind;

        if (!participant)
                return;
        participant->practitioner = resource->who;
        if (kind)
                participant->role = kind->text ?: kind->original ? kind->original->code : kind->code;
        draft_append(&t->draft, &appointment->n_participants, &appointment->participants, participant);
}

/* The second place and each further one: an appointment has one. */
static void further_place_add(Translation *t, A *appointment, const Carebus__V1__Place *place) {
        const char *text = place->text ?: place->point_of_care ?: place->room ?: place->facility;

        draft_append(&t->draft, &appointment->n_resources, &appointment->resources,
                     draft_coded(&t->draft, NULL, NULL, NULL, (char *)text));
}

static void service_set(Translation *t, A *appointment, Carebus__V1__Coded *what) {
        appointment->service = draft_message(&t->draft, &carebus__v1__service_ref__descriptor);
        if (appointment->service)
                appointment->service->type = what;
}

static void resource_add(Translation *t, const Hl7Segment *segment, const ResourceRows *rows, A *appointment,
                         Carebus__V1__When **first_start) {
        Resource resource = { .what = NULL };

        fields_apply(t, segment, rows->rows, rows->n_rows, &resource, "appointment.resources", /* cleared= */ NULL);
        if (resource.what) {
                draft_append(&t->draft, &appointment->n_resources, &appointment->resources, resource.what);
                if (!appointment->service && strcmp(segment->name, "AIS") == 0)
                        service_set(t, appointment, resource.what);
        }
        if (resource.who)
                person_add(t, appointment, &resource);
        if (resource.place && appointment->place)
                further_place_add(t, appointment, resource.place);
        else if (resource.place)
                appointment->place = resource.place;
        if (!appointment->original_status)
                appointment->original_status = resource.status;
        if (!*first_start)
                *first_start = resource.start_at;
        duration_read(t, segment, rows->duration, appointment);
}

/* What was taken off the appointment (segment action D, of a group or of one) is not booked for it. */
static void resources_read(Translation *t, A *appointment, Carebus__V1__When **first_start) {
        const Hl7Segment *end = t->message->segments + t->message->n_segments;
        bool group_is_gone = false;

        for (const Hl7Segment *segment = t->message->segments; segment < end; segment++) {
                const ResourceRows *rows = resource_rows(segment);

                if (strcmp(segment->name, "RGS") == 0) {
                        group_is_gone = hl7_is(t->message, hl7_field(t->message, segment, 2), "D");
                        hl7_note_ignored(hl7_field(t->message, segment, 1));
                }
                if (rows && !group_is_gone && !hl7_is(t->message, hl7_field(t->message, segment, 2), "D"))
                        resource_add(t, segment, rows, appointment, first_start);
        }
}

/* ---- when: TQ1, else SCH-11, else what was booked first */

static void times_read(Translation *t, const Hl7Segment *sch, Carebus__V1__When *booked_start, A *appointment) {
        const Hl7Segment *tq1 = hl7_find(t->message, "TQ1", 1);
        Hl7Value timing = hl7_repeat(t->message, hl7_field(t->message, sch, 11), 1);
        Carebus__V1__When *said_start = value_when(t, hl7_component(t->message, timing, 4));
        Carebus__V1__When *said_end = value_when(t, hl7_component(t->message, timing, 5));

        if (tq1) {
                hl7_note_ignored(hl7_field(t->message, tq1, 1));
                appointment->start_at = value_when(t, hl7_field(t->message, tq1, 7));
                appointment->end_at = value_when(t, hl7_field(t->message, tq1, 8));
                appointment->priority = value_coded(t, hl7_field(t->message, tq1, 9));
        }
        if (!appointment->start_at && !appointment->end_at) {
                appointment->start_at = said_start;
                appointment->end_at = said_end;
        }
        if (!appointment->start_at)
                appointment->start_at = booked_start;
        if (!appointment->priority && hl7_presence(hl7_component(t->message, timing, 6)) == HL7_PRESENT)
                appointment->priority = draft_coded(&t->draft, NULL, NULL, NULL,
                                                    value_text(t, hl7_component(t->message, timing, 6)));
}

/* ---- the appointment */

/* HL7 table 0278, where the trigger says only that something changed. */
static const struct {
        const char *code, *status;
} statuses[] = {
        { "Pending", "proposed" },       { "Waitlist", "proposed" },     { "Booked", "booked" },
        { "Overbook", "booked" },        { "Started", "arrived" },       { "Complete", "attended" },
        { "Cancelled", "cancelled" },    { "Canceled", "cancelled" },    { "Dc", "cancelled" },
        { "Discontinued", "cancelled" }, { "Noshow", "did-not-attend" }, { "Deleted", "deleted" },
};

static const char *status_of(const Translation *t, const A *appointment) {
        const char *code = meant_code(t, "appointment.original_status", appointment->original_status);

        for (size_t i = 0; code && i < ELEMENTSOF(statuses); i++)
                if (strcasecmp(statuses[i].code, code) == 0)
                        return statuses[i].status;
        return NULL;
}

static A *appointment_read(Translation *t, const TriggerRow *row, ClearedList *cleared) {
        const Hl7Segment *sch = hl7_find(t->message, "SCH", 1);
        A *appointment = draft_message(&t->draft, &carebus__v1__appointment__descriptor);
        Carebus__V1__When *booked_start = NULL;

        if (!appointment)
                return NULL;
        fields_apply(t, sch, sch_rows, ELEMENTSOF(sch_rows), appointment, "appointment", cleared);
        duration_read(t, sch, 9, appointment);
        appointment->group = value_text(t, hl7_field(t->message, sch, 4));
        resources_read(t, appointment, &booked_start);
        times_read(t, sch, booked_start, appointment);
        if (!appointment->identifier) /* the sender keeps no number of its own: that of who asked for it stands */
                appointment->identifier = appointment->placer_identifier;
        appointment->status = (char *)(row->status ?: status_of(t, appointment));
        if (row->status && strcmp(row->status, "cancelled") == 0) {
                appointment->cancellation_reason = appointment->event_reason;
                appointment->cancelled_at = when_first((Carebus__V1__When *const[]){ t->occurred_at, t->sent_at }, 2);
        }
        return appointment;
}

static void appointment_event(Translation *t, const TriggerRow *row, A *appointment, const ClearedList *cleared,
                              const Person *person) {
        Carebus__V1__Event *event = event_new(t, row->type, row->action);
        Visit visit = { .pv1 = NULL };

        if (!event)
                return;
        visit_read_of(t, person, &visit);
        event->body_case = CAREBUS__V1__EVENT__BODY_APPOINTMENT;
        event->appointment = appointment;
        event->appointment_id = appointment->identifier;
        event->encounter_id = visit.number;
        if (visit.encounter && !appointment->specialty)
                appointment->specialty = visit.encounter->specialty;
        event_set_person(t, event, person, /* with_demographics= */ true);
        event_set_cleared(t, event, cleared);
        event_set_profile_fields(t, event);
        besides_translate(t, person, &visit, /* is_cancelled= */ false);
}

void appointment_translate(Translation *t, const TriggerRow *row) {
        const Hl7Segment *pid = hl7_find(t->message, "PID", 1);
        ClearedList cleared = { 0 };
        A *appointment;

        if (!hl7_find(t->message, "SCH", 1)) {
                draft_problem(&t->draft, "no-appointment", "SCH", /* urgent= */ false);
                return;
        }
        if (!pid) {
                draft_problem(&t->draft, "no-patient", "PID", /* urgent= */ false);
                return;
        }
        appointment = appointment_read(t, row, &cleared);
        for (; appointment && pid; pid = hl7_find_next(t->message, "PID", pid)) {
                Person person;

                if (person_read(t, pid, hl7_find_next(t->message, "PID", pid), &person) < 0)
                        return;
                if (person.demographics->n_identifiers == 0) {
                        draft_problem(&t->draft, "no-identifier", translation_position(t, pid, 3), /* urgent= */ false);
                        return;
                }
                appointment_event(t, row, appointment, &cleared, &person);
        }
}
