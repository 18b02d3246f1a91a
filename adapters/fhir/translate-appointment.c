/*
 * Appointment: when somebody is to be where, and whether they were. Of an appointment for several people each gets an event.
 */
#include <string.h>

#include "adapters/fhir/translate-rules.h"
#include "base/text.h"
#include "canon/when.h"

#define NEW CAREBUS__V1__ACTION__ACTION_NEW
#define UPDATE CAREBUS__V1__ACTION__ACTION_UPDATE

typedef struct State {
        const char *said, *type;
        Carebus__V1__Action action;
        const char *status;
} State;

static const State states[] = {
        { "proposed", "appointment.booked", NEW, "proposed" },
        { "pending", "appointment.booked", NEW, "proposed" },
        { "waitlist", "appointment.booked", NEW, "proposed" },
        { "booked", "appointment.booked", NEW, "booked" },
        { "arrived", "appointment.arrived", UPDATE, "arrived" },
        { "checked-in", "appointment.arrived", UPDATE, "arrived" },
        { "fulfilled", "appointment.attended", UPDATE, "attended" },
        { "noshow", "appointment.did_not_attend", UPDATE, "did-not-attend" },
        { "cancelled", "appointment.cancelled", UPDATE, "cancelled" },
        { "entered-in-error", "appointment.deleted", CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR, "deleted" },
        { NULL, "appointment.modified", UPDATE, NULL },
};

/* A message of BaRS says why it was sent: a booking that was moved still has the status of a booking. */
static State state_of(const Fhir *f, const char *said) {
        static const State modified = { NULL, "appointment.modified", UPDATE, "booked" };
        static const State cancelled = { NULL, "appointment.cancelled", UPDATE, "cancelled" };
        const State *state = states;

        while (state->said && !text_equal(state->said, said))
                state++;
        if (strcmp(state->type, "appointment.booked") != 0 || !f->reason)
                return *state;
        if (strcmp(f->reason, "update") == 0)
                return modified;
        return strcmp(f->reason, "delete") == 0 ? cancelled : *state;
}

static const char *actor_type(Fhir *f, const FhirResource *appointment, JsonNode *participant) {
        return fhir_reference_type(f, appointment, json_member(participant, "actor"));
}

static void participant_read(Fhir *f, const FhirResource *from, JsonNode *node, Carebus__V1__Appointment *appointment) {
        JsonNode *actor = json_member(node, "actor");
        const char *type = actor_type(f, from, node);
        const Carebus__V1__Coded *role = fhir_coded(f, json_element(json_member(node, "type"), 0));
        Carebus__V1__Participant *participant;

        json_note_read(json_peek(node, "required"));
        json_note_read(json_peek(node, "status"));
        if (text_equal(type, "Patient") || text_equal(type, "RelatedPerson"))
                return;
        if (text_equal(type, "Location")) {
                if (!appointment->place)
                        appointment->place = fhir_reference_place(f, from, actor);
                return;
        }
        if (text_equal(type, "HealthcareService") || text_equal(type, "CareTeam")) {
                if (!appointment->service)
                        appointment->service = fhir_reference_service(f, from, actor);
                return;
        }
        participant = draft_message(&f->draft, &carebus__v1__participant__descriptor);
        if (!participant)
                return;
        participant->practitioner = fhir_reference_practitioner(f, from, actor);
        participant->role = role ? role->text ?: role->display ?: role->code : NULL;
        if (coded_is(role, NULL, "ATND"))
                participant->role = (char *)"attending";
        participant->period = fhir_period(f, json_member(node, "period"));
        draft_append(&f->draft, &appointment->n_participants, &appointment->participants,
                     participant->practitioner ? participant : NULL);
}

/* A slot of a schedule: the service, the people and the places of the diary. */
static void slot_read(Fhir *f, const FhirResource *from, Carebus__V1__Appointment *appointment) {
        JsonNode *reference = json_element(json_member(from->node, "slot"), 0);
        const FhirResource *slot = reference ? fhir_resolve(f, from, reference) : NULL, *schedule;

        if (!slot)
                return;
        if (!appointment->type)
                appointment->type = fhir_coded(f, json_member(slot->node, "appointmentType"));
        if (!appointment->start_at) {
                appointment->start_at = fhir_member_when(f, slot->node, "start");
                appointment->end_at = fhir_member_when(f, slot->node, "end");
        }
        schedule = fhir_resolve(f, slot, json_member(slot->node, "schedule"));
        if (!schedule)
                return;
        JSON_EACH(actor, json_member(schedule->node, "actor")) {
                const char *type = fhir_reference_type(f, schedule, actor);

                if (text_equal(type, "HealthcareService") && !appointment->service)
                        appointment->service = fhir_reference_service(f, schedule, actor);
                else if (text_equal(type, "Location") && !appointment->place)
                        appointment->place = fhir_reference_place(f, schedule, actor);
        }
}

static void minutes_read(Fhir *f, JsonNode *node, Carebus__V1__Appointment *appointment) {
        Moment start, end;

        appointment->has_minutes = fhir_number(f, json_member(node, "minutesDuration"), &appointment->minutes) == 0;
        if (appointment->has_minutes || !appointment->start_at || !appointment->end_at ||
            moment_read(appointment->start_at->text, f->zone, &start) != 0 ||
            moment_read(appointment->end_at->text, f->zone, &end) != 0 || end.utc_at <= start.utc_at ||
            end.utc_at - start.utc_at > INT64_C(86400) * 1000000)
                return;
        appointment->has_minutes = true;
        appointment->minutes = (uint32_t)((end.utc_at - start.utc_at) / 60000000);
}

static Carebus__V1__Coded *reason_read(Fhir *f, const FhirResource *from) {
        Carebus__V1__Coded *coded = fhir_coded(f, json_element(json_member(from->node, "reasonCode"), 0));
        JsonNode *reference = json_element(json_member(from->node, "reasonReference"), 0);
        const FhirResource *condition;

        if (coded)
                return coded;
        condition = reference ? fhir_resolve(f, from, reference) : NULL;
        coded = condition ? fhir_coded(f, json_member(condition->node, "code")) : NULL;
        return coded
                       ?: draft_coded(&f->draft, NULL, NULL, NULL,
                                      fhir_member_text(f, reference, "display")
                                              ?: fhir_member_text(f, from->node, "description"));
}

static void service_read(Fhir *f, const FhirResource *from, Carebus__V1__Appointment *appointment) {
        Carebus__V1__Coded *type = fhir_coded(f, json_element(json_member(from->node, "serviceType"), 0));
        Carebus__V1__Coded *category = fhir_coded(f, json_element(json_member(from->node, "serviceCategory"), 0));

        type = type ?: category;
        if (type && !appointment->service)
                appointment->service = draft_message(&f->draft, &carebus__v1__service_ref__descriptor);
        if (type && appointment->service && !appointment->service->type)
                appointment->service->type = type;
}

static Carebus__V1__Appointment *appointment_read(Fhir *f, const FhirResource *from) {
        Carebus__V1__Appointment *appointment = draft_message(&f->draft, &carebus__v1__appointment__descriptor);
        JsonNode *node = from->node;

        if (!appointment)
                return NULL;
        appointment->identifier = fhir_own_identifier(f, from);
        appointment->original_status = fhir_code(f, json_member(node, "status"),
                                                 "http://hl7.org/fhir/appointmentstatus");
        appointment->start_at = fhir_member_when(f, node, "start");
        appointment->end_at = fhir_member_when(f, node, "end");
        appointment->type = fhir_coded(f, json_member(node, "appointmentType"));
        appointment->reason = reason_read(f, from);
        appointment->specialty = fhir_coded(f, json_element(json_member(node, "specialty"), 0));
        appointment->cancellation_reason = fhir_coded(f, json_member(node, "cancelationReason"));
        appointment->priority = draft_coded(&f->draft, NULL, NULL, NULL, fhir_member_text(f, node, "priority"));
        appointment->booked_at = fhir_member_when(f, node, "created");
        appointment->instructions = fhir_member_text(f, node, "patientInstruction");
        appointment->mode = fhir_uk_coded(f, node, "DeliveryChannel");
        JSON_EACH(participant, json_member(node, "participant"))
                participant_read(f, from, participant, appointment);
        slot_read(f, from, appointment);
        service_read(f, from, appointment);
        minutes_read(f, node, appointment);
        json_note_read(fhir_uk_extension(node, "BookingOrganization"));
        return appointment;
}

static void appointment_event(Fhir *f, const FhirResource *from, const State *state,
                              Carebus__V1__Appointment *appointment, JsonNode *patient) {
        Carebus__V1__Event *event = fhir_event(f, from, state->type, state->action);
        char *comment = fhir_member_text(f, from->node, "comment");

        if (!event)
                return;
        fhir_set_patient(f, event, from, patient);
        if (patient) {
                FhirResource *own = &f->resources[from - f->resources];

                own->n_patient = event->patient ? event->patient->n_identifiers : 0;
                own->patient = event->patient ? event->patient->identifiers : NULL;
        }
        event->body_case = CAREBUS__V1__EVENT__BODY_APPOINTMENT;
        event->appointment = appointment;
        event->appointment_id = appointment->identifier;
        event->referral_id = fhir_reference_identifier(f, from, json_element(json_member(from->node, "basedOn"), 0));
        if (state->action == NEW)
                fhir_set_time(f, event, appointment->booked_at);
        if (comment) {
                Carebus__V1__Text *note = draft_message(&f->draft, &carebus__v1__text__descriptor);

                if (note) {
                        note->path = (char *)"Appointment.comment";
                        note->text = comment;
                        draft_append(&f->draft, &event->n_notes, &event->notes, note);
                }
        }
}

void fhir_appointment(Fhir *f, const FhirResource *from) {
        Carebus__V1__Appointment *appointment = appointment_read(f, from);
        State state = state_of(f, from->is_deleted ? "entered-in-error" : json_said(from->node, "status"));
        size_t n_patients = 0;

        if (!appointment)
                return;
        appointment->status = (char *)state.status;
        JSON_EACH(participant, json_member(from->node, "participant"))
                if (text_equal(actor_type(f, from, participant), "Patient")) {
                        appointment_event(f, from, &state, appointment, json_member(participant, "actor"));
                        n_patients++;
                }
        if (n_patients == 0)
                appointment_event(f, from, &state, appointment, NULL);
}
