/*
 * REF: a referral and what became of it. SIU: an appointment.
 */
#include <string.h>

#include "adapters/mllp/writer-rules.h"
#include "base/text.h"

/* ---- referrals */

/* RF1-1, HL7 table 0283 and the words that stand in its place where it has none (translate-referral.c). */
static const struct {
        const char *type, *status;
} referral_states[] = {
        { "referral.accepted", "A" },
        { "referral.declined", "R" },
        { "referral.closed", "C" },
        { "referral.received", "P" },
        { "referral.cancelled", "CANCELLED" },
        { "referral.redirected", "REDIRECTED" },
        { "referral.info_requested", "INFO-REQUESTED" },
        { "referral.first_contact", "IN-PROGRESS" },
};

/* What was said, where it means this event; of a request or a change it is what was said in any case. */
static void state_write(Out *out, OutSegment *rf1) {
        const Carebus__V1__Coded *said = out->event->referral->original_status;
        bool is_answer = strcmp(out->message, "REF^I15") == 0;

        for (size_t i = 0; i < ELEMENTSOF(referral_states); i++)
                if (strcmp(referral_states[i].type, out->event->type) == 0 && (is_answer || !said)) {
                        const char *code = referral_states[i].status;

                        if (said && said->original && text_equal(said->original->code, code))
                                return;
                        rf1->fields[1] = OUT_COMPONENTS(out, out_text(out, code), out_text(out, coded_words(said)));
                        out_set(out, rf1, 1, rf1->fields[1]);
                }
}

/* RF1-11 has the number of the other side first; without one, further numbers are authorisations. */
static void numbers_write(Out *out, OutSegment *rf1, const Carebus__V1__Referral *referral) {
        out_set(out, rf1, 11, out_entity(out, referral->target_identifier));
        for (size_t i = 0; i < referral->n_further_identifiers; i++)
                if (referral->target_identifier)
                        out_repeat(out, rf1, 11, out_entity(out, referral->further_identifiers[i]));
}

static void authorisations_write(Out *out, const Carebus__V1__Referral *referral) {
        for (size_t i = 0; !referral->target_identifier && i < referral->n_further_identifiers; i++)
                out_set(out, out_segment(out, "AUT"), 6, out_entity(out, referral->further_identifiers[i]));
}

/* The moment that the type is about: RF1-9 of an answer, RF1-7 of a request. */
static void times_write(Out *out, OutSegment *rf1, const Carebus__V1__Referral *referral) {
        const Carebus__V1__When *answered = referral->decided_at ?: referral->received_at ?: referral->closed_at;

        if (rf1 && !rf1->fields[9] && strcmp(out->message, "REF^I15") == 0)
                out_set(out, rf1, 9, out_when(out, answered));
        if (rf1 && !rf1->fields[9] && !rf1->fields[7])
                out_set(out, rf1, 7, out_when(out, referral->requested_at ?: out->event->occurred_at));
}

static char *provider_number(Out *out, const Carebus__V1__Identifier *number) {
        return number && number->value ? OUT_COMPONENTS(out, out_text(out, number->value), out_text(out, number->type))
                                       : NULL;
}

static void provider_write(Out *out, const char *role, const Carebus__V1__Practitioner *practitioner,
                           const Carebus__V1__Organisation *organisation, size_t n_telecom,
                           Carebus__V1__Telecom **telecom) {
        OutSegment *prd = out_segment(out, "PRD");

        out_set(out, prd, 1, out_text(out, role));
        if (practitioner && practitioner->role && practitioner->role->original &&
            text_equal(practitioner->role->original->code, role))
                out_set(out, prd, 1, out_coded(out, NULL, practitioner->role));
        if (practitioner) {
                out_set(out, prd, 2, out_name(out, practitioner->name));
                out_set(out, prd, 7, provider_number(out, practitioner->identifier));
        }
        if (organisation && out_is_from(out, "2.6"))
                out_set(out, prd, 10, out_organisation(out, organisation));
        else if (organisation) {
                Carebus__V1__Place place = CAREBUS__V1__PLACE__INIT;

                place.text = organisation->name;
                if (!place.text && organisation->identifier)
                        place.text = organisation->identifier->value;
                out_set(out, prd, 4, out_place(out, &place));
        }
        for (size_t i = 0; i < n_telecom; i++)
                out_repeat(out, prd, 5, out_telecom(out, telecom[i]));
}

static void service_write(Out *out, const char *role, const Carebus__V1__ServiceRef *service) {
        Carebus__V1__Organisation named = CAREBUS__V1__ORGANISATION__INIT;
        const Carebus__V1__Organisation *organisation;

        if (!service)
                return;
        organisation = service->organisation;
        if (!organisation && (service->name || service->team)) {
                named.name = service->name ?: service->team;
                organisation = &named;
        }
        provider_write(out, role, service->practitioner, organisation, service->n_telecom, service->telecom);
}

static void condition_write(Out *out, unsigned *number, const Carebus__V1__Coded *condition) {
        OutSegment *dg1;

        if (!condition)
                return;
        dg1 = out_segment(out, "DG1");
        out_set(out, dg1, 1, out_format(out, "%u", ++*number));
        out_set(out, dg1, 3, out_coded(out, "condition.code", condition));
}

/* What RF1 has no field for, in words. */
static void words_write(Out *out, const Carebus__V1__Referral *referral) {
        const struct {
                const char *label, *text;
        } rows[] = {
                { "question", referral->question },
                { "answer", referral->answer },
                { "information requested", referral->info_requested },
                { "declined because", referral->decline_text ?: coded_words(referral->decline_reason) },
                { "redirected to", referral->onward ? referral->onward->name : NULL },
                { "closed because", coded_words(referral->close_reason) },
        };
        unsigned number = (unsigned)out->event->n_notes;

        notes_write(out, out->event->n_notes, out->event->notes);
        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                if (rows[i].text && !text_equal(rows[i].text, referral->reason_text))
                        note_write(out, ++number, out_format(out, "%s: %s", rows[i].label, rows[i].text));
}

static void participants_write(Out *out, const Carebus__V1__Referral *referral) {
        for (size_t i = 0; i < referral->n_participants; i++) {
                const Carebus__V1__Participant *participant = referral->participants[i];
                const Carebus__V1__Practitioner *who = participant->practitioner;

                if (who && !text_equal(participant->role, "authorised"))
                        provider_write(out, participant->role, who, who->organisation, who->n_telecom, who->telecom);
        }
}

void referral_write(Out *out) {
        const Carebus__V1__Referral *referral = out->event->referral;
        unsigned number = 0;
        OutSegment *rf1;

        rf1 = out_segment(out, "RF1");
        if (!referral || !rf1)
                return;
        fields_write(out, rf1, &table_rf1, referral, "referral");
        if (!rf1->fields[6])
                out_set(out, rf1, 6, out_entity(out, out->event->referral_id) ?: out_own_entity(out));
        numbers_write(out, rf1, referral);
        times_write(out, rf1, referral);
        state_write(out, rf1);
        authorisations_write(out, referral);
        service_write(out, "RP", referral->from);
        service_write(out, "RT", referral->to);
        participants_write(out, referral);
        person_write(out, NULL);
        condition_write(out, &number, referral->primary_condition);
        for (size_t i = 0; i < referral->n_conditions; i++)
                condition_write(out, &number, referral->conditions[i]);
        if (out->event->encounter_id)
                visit_write(out, NULL);
        words_write(out, referral);
}

/* ---- appointments */

static const struct {
        const char *status, *code; /* HL7 table 0278 */
} appointment_states[] = {
        { "proposed", "Pending" },  { "booked", "Booked" },       { "arrived", "Started" },
        { "attended", "Complete" }, { "cancelled", "Cancelled" }, { "did-not-attend", "Noshow" },
        { "deleted", "Deleted" },
};

static void appointment_times(Out *out, OutSegment *sch, const Carebus__V1__Appointment *appointment) {
        char *minutes = appointment->has_minutes ? out_format(out, "%u", appointment->minutes) : NULL;
        char *parts[6] = { NULL };

        out_set(out, sch, 9, minutes);
        if (minutes)
                out_set(out, sch, 10, (char *)"min");
        parts[3] = out_when(out, appointment->start_at);
        parts[4] = out_when(out, appointment->end_at);
        parts[5] = out_text(out, coded_words(appointment->priority));
        out_set(out, sch, 11, out_join(out, out->separators.component, parts, ELEMENTSOF(parts)));
}

/* An event whose type says nothing of the state (modified) says it here. */
static void appointment_state(Out *out, OutSegment *sch, const Carebus__V1__Appointment *appointment) {
        if (!sch || sch->fields[25])
                return;
        for (size_t i = 0; i < ELEMENTSOF(appointment_states); i++)
                if (text_equal(appointment_states[i].status, appointment->status))
                        out_set(out, sch, 25, out_text(out, appointment_states[i].code));
}

static void sch_write(Out *out, const Carebus__V1__Appointment *appointment) {
        OutSegment *sch = out_segment(out, "SCH");

        fields_write(out, sch, &table_sch, appointment, "appointment");
        if (sch && !sch->fields[2])
                out_set(out, sch, 2, out_entity(out, out->event->appointment_id) ?: out_own_entity(out));
        out_set(out, sch, 4, out_text(out, appointment->group));
        if (sch && !sch->fields[6])
                out_set(out, sch, 6, out_coded(out, "appointment.event_reason", appointment->cancellation_reason));
        appointment_times(out, sch, appointment);
        appointment_state(out, sch, appointment);
}

static OutSegment *resource_segment(Out *out, const char *name, unsigned *number) {
        OutSegment *segment = out_segment(out, name);

        out_set(out, segment, 1, out_format(out, "%u", ++*number));
        out_set(out, segment, 2, (char *)"A");
        return segment;
}

static bool is_in_sch(const char *role) {
        return text_equal(role, "placer-contact") || text_equal(role, "filler-contact") ||
               text_equal(role, "entered-by");
}

static void resources_write(Out *out, const Carebus__V1__Appointment *appointment) {
        const Carebus__V1__Coded *type = appointment->service ? appointment->service->type : NULL;
        unsigned number = 0;

        out_set(out, out_segment(out, "RGS"), 1, (char *)"1");
        if (type)
                out_set(out, resource_segment(out, "AIS", &number), 3,
                        out_coded(out, "appointment.service.type", type));
        for (size_t i = 0; i < appointment->n_resources; i++) {
                char *resource = out_coded(out, "appointment.resources", appointment->resources[i]);

                /* The service is one of them. */
                if (!text_equal(resource, out_coded(out, "appointment.service.type", type)))
                        out_set(out, resource_segment(out, "AIG", &number), 3, resource);
        }
        if (appointment->place)
                out_set(out, resource_segment(out, "AIL", &number), 3, out_place(out, appointment->place));
        for (size_t i = 0; i < appointment->n_participants; i++) {
                const Carebus__V1__Participant *participant = appointment->participants[i];
                OutSegment *aip;

                if (is_in_sch(participant->role))
                        continue;
                aip = resource_segment(out, "AIP", &number);
                out_set(out, aip, 3, out_practitioner(out, participant->practitioner));
                out_set(out, aip, 4, out_text(out, participant->role));
        }
}

void appointment_write(Out *out) {
        const Carebus__V1__Appointment *appointment = out->event->appointment;

        if (!appointment)
                return;
        sch_write(out, appointment);
        notes_write(out, out->event->n_notes, out->event->notes);
        if (appointment->instructions)
                note_write(out, (unsigned)out->event->n_notes + 1, appointment->instructions);
        person_write(out, NULL);
        if (out->event->encounter_id || appointment->specialty) {
                Carebus__V1__Encounter visit = CAREBUS__V1__ENCOUNTER__INIT;

                visit.specialty = appointment->specialty;
                visit_write(out, &visit);
        }
        resources_write(out, appointment);
}
