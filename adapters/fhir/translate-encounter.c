/*
 * An Encounter is a snapshot: which event it is follows from its class and its status. Visits and calls
 * (at home, virtual, in the field) are contacts, everything else is a stay or an attendance.
 */
#include <string.h>
#include <strings.h>

#include "adapters/fhir/translate-rules.h"
#include "base/text.h"
#include "canon/vocabulary.h"
#include "canon/when.h"

#define NEW CAREBUS__V1__ACTION__ACTION_NEW
#define UPDATE CAREBUS__V1__ACTION__ACTION_UPDATE
#define UNDONE CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR
/* Of one stay: more places than anybody was ever moved through are a mistake, or worse. */
#define LOCATIONS_MAX 256

/* ---- class and status */

typedef enum Kind { KIND_STAY, KIND_EMERGENCY, KIND_AMBULATORY, KIND_PRE, KIND_VISIT, KIND_CALL } Kind;

static const struct {
        const char *code;
        Kind kind;
} classes[] = {
        { "IMP", KIND_STAY }, { "ACUTE", KIND_STAY },     { "NONAC", KIND_STAY },     { "OBSENC", KIND_STAY },
        { "SS", KIND_STAY },  { "EMER", KIND_EMERGENCY }, { "AMB", KIND_AMBULATORY }, { "PRENC", KIND_PRE },
        { "HH", KIND_VISIT }, { "FLD", KIND_VISIT },      { "VR", KIND_CALL },
};

typedef enum TimeOf { TIME_NONE, TIME_START, TIME_END } TimeOf;

/* The first row whose kind and status fit; a status of NULL fits all. */
static const struct EncounterRow {
        Kind kind;
        const char *said, *type;
        Carebus__V1__Action action;
        const char *status;
        TimeOf time;
} rows[] = {
        { KIND_STAY, "planned", "encounter.admission_planned", NEW, "planned", TIME_NONE },
        { KIND_STAY, "arrived", "encounter.admitted", NEW, "arrived", TIME_START },
        { KIND_STAY, "triaged", "encounter.admitted", NEW, "arrived", TIME_START },
        { KIND_STAY, "in-progress", "encounter.admitted", NEW, "in-progress", TIME_START },
        { KIND_STAY, "onleave", "encounter.leave_started", UPDATE, "on-leave", TIME_NONE },
        { KIND_STAY, "finished", "encounter.discharged", UPDATE, "finished", TIME_END },
        { KIND_STAY, "cancelled", "encounter.admission_cancelled", UNDONE, "cancelled", TIME_NONE },
        { KIND_STAY, "entered-in-error", "encounter.admission_cancelled", UNDONE, "cancelled", TIME_NONE },
        { KIND_EMERGENCY, "planned", "encounter.preadmitted", NEW, "planned", TIME_NONE },
        { KIND_EMERGENCY, "arrived", "encounter.ed_arrived", NEW, "arrived", TIME_START },
        { KIND_EMERGENCY, "triaged", "encounter.ed_arrived", NEW, "arrived", TIME_START },
        { KIND_EMERGENCY, "in-progress", "encounter.ed_arrived", NEW, "in-progress", TIME_START },
        { KIND_EMERGENCY, "finished", "encounter.ed_departed", UPDATE, "finished", TIME_END },
        { KIND_EMERGENCY, "cancelled", "encounter.admission_cancelled", UNDONE, "cancelled", TIME_NONE },
        { KIND_EMERGENCY, "entered-in-error", "encounter.admission_cancelled", UNDONE, "cancelled", TIME_NONE },
        { KIND_AMBULATORY, "planned", "encounter.preadmitted", NEW, "planned", TIME_NONE },
        { KIND_AMBULATORY, "arrived", "encounter.registered", NEW, "arrived", TIME_START },
        { KIND_AMBULATORY, "triaged", "encounter.registered", NEW, "arrived", TIME_START },
        { KIND_AMBULATORY, "in-progress", "encounter.registered", NEW, "in-progress", TIME_START },
        { KIND_AMBULATORY, "finished", "encounter.discharged", UPDATE, "finished", TIME_END },
        { KIND_AMBULATORY, "cancelled", "encounter.preadmission_cancelled", UNDONE, "cancelled", TIME_NONE },
        { KIND_AMBULATORY, "entered-in-error", "encounter.preadmission_cancelled", UNDONE, "cancelled", TIME_NONE },
        { KIND_PRE, "finished", "encounter.updated", UPDATE, "finished", TIME_END },
        { KIND_PRE, "cancelled", "encounter.preadmission_cancelled", UNDONE, "cancelled", TIME_NONE },
        { KIND_PRE, "entered-in-error", "encounter.preadmission_cancelled", UNDONE, "cancelled", TIME_NONE },
        { KIND_PRE, NULL, "encounter.preadmitted", NEW, "planned", TIME_NONE },
        { KIND_VISIT, "finished", "visit.done", UPDATE, "done", TIME_START },
        { KIND_VISIT, "cancelled", "visit.missed", UPDATE, "cancelled", TIME_START },
        { KIND_VISIT, "entered-in-error", "visit.planned", UNDONE, "cancelled", TIME_START },
        { KIND_VISIT, NULL, "visit.planned", NEW, "planned", TIME_START },
        { KIND_CALL, "planned", "visit.planned", NEW, "planned", TIME_START },
        { KIND_CALL, "cancelled", "visit.missed", UPDATE, "cancelled", TIME_START },
        { KIND_CALL, "entered-in-error", "contact.recorded", UNDONE, "cancelled", TIME_START },
        { KIND_CALL, NULL, "contact.recorded", NEW, "done", TIME_START },
};
static const struct EncounterRow unsaid_row = { KIND_STAY, NULL, "encounter.updated", UPDATE, NULL, TIME_NONE };

/* What a code means by the profile's map of its path; without one, the code itself. */
static const char *meant_code(const Fhir *f, const char *path, const Carebus__V1__Coded *coded) {
        const char *code = !coded ? NULL : coded->code ? coded->code : coded->original ? coded->original->code : NULL;
        const ProfileMap *map = coded && !coded->code ? profile_find_map(f->options->profile, path) : NULL;
        const ProfileMapEntry *entry = map && code ? profile_map_find(map, code) : NULL;

        return entry && entry->to_code ? entry->to_code : code;
}

/* A class that nobody knows is an attendance: neither a stay nor a call is made up. */
static Kind kind_of(const Fhir *f, const Carebus__V1__Coded *class_) {
        const char *code = meant_code(f, "encounter.class", class_);

        for (size_t i = 0; code && i < ELEMENTSOF(classes); i++)
                if (strcasecmp(classes[i].code, code) == 0)
                        return classes[i].kind;
        return KIND_AMBULATORY;
}

static const struct EncounterRow *row_of(Kind kind, const char *status) {
        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                if (rows[i].kind == kind && (!rows[i].said || text_equal(rows[i].said, status)))
                        return &rows[i];
        return &unsaid_row;
}

/* ---- what stays and contacts have in common */

static const struct {
        const char *code, *role;
} roles[] = {
        { "ATND", "attending" }, { "ADM", "admitting" },   { "REF", "referring" },
        { "CON", "consulting" }, { "DIS", "discharging" }, { "PPRF", "primary performer" },
};

static char *role_of(Fhir *f, const Carebus__V1__Coded *type) {
        const char *code = meant_code(f, "encounter.participants.role", type);

        for (size_t i = 0; code && i < ELEMENTSOF(roles); i++)
                if (strcasecmp(roles[i].code, code) == 0)
                        return (char *)roles[i].role;
        return type ? type->text ?: type->display ?: (char *)code : NULL;
}

static Carebus__V1__Participant *participant_read(Fhir *f, const FhirResource *from, JsonNode *node) {
        JsonNode *individual = json_member(node, "individual");
        const Carebus__V1__Coded *type = fhir_coded(f, json_element(json_member(node, "type"), 0));
        const char *reference_type = fhir_reference_type(f, from, individual);
        Carebus__V1__Participant *participant;
        Carebus__V1__Practitioner *practitioner;

        if (text_equal(reference_type, "RelatedPerson") || text_equal(reference_type, "Patient"))
                return NULL;
        practitioner = fhir_reference_practitioner(f, from, individual);
        participant = practitioner ? draft_message(&f->draft, &carebus__v1__participant__descriptor) : NULL;
        if (!participant)
                return NULL;
        participant->role = role_of(f, type);
        participant->practitioner = practitioner;
        participant->period = fhir_period(f, json_member(node, "period"));
        return participant;
}

static void participants_read(Fhir *f, const FhirResource *from, size_t *n, Carebus__V1__Participant ***list) {
        JSON_EACH(node, json_member(from->node, "participant"))
                draft_append(&f->draft, n, list, participant_read(f, from, node));
}

/* Elements that say nothing about the patient, or nothing that the body has not. */
static void note_rest(JsonNode *node) {
        static const char *const names[] = { "classHistory", "length", "statusHistory" };

        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                json_note_read(json_peek(node, names[i]));
}

/* ---- places */

typedef struct Stop {
        Carebus__V1__Place *place;
        Carebus__V1__Period *period;
        bool is_planned;
} Stop;

/* Each location in the order in which they were sent, which is that of the stay. */
static size_t stops_read(Fhir *f, const FhirResource *from, Stop **ret) {
        const JsonNode *locations = json_peek(from->node, "location");
        Stop *stops = locations ? draft_alloc(&f->draft, (locations->n_children + 1) * sizeof(*stops)) : NULL;
        size_t n = 0;

        *ret = stops;
        if (!stops)
                return 0;
        if (locations->n_children > LOCATIONS_MAX) {
                f->draft.is_full = true;
                return 0;
        }

        JSON_EACH(node, json_member(from->node, "location")) {
                const char *status = json_text(node, "status");

                json_note_read(json_peek(node, "physicalType"));
                stops[n].place = fhir_reference_place(f, from, json_member(node, "location"));
                stops[n].period = fhir_period(f, json_member(node, "period"));
                stops[n].is_planned = text_equal(status, "planned") || text_equal(status, "reserved");
                n += stops[n].place != NULL;
        }
        return n;
}

static int64_t start_of(const Fhir *f, const Stop *stop) {
        Moment moment;

        if (!stop->period || !stop->period->start || moment_read(stop->period->start->text, f->zone, &moment) != 0)
                return INT64_MIN;
        return moment.utc_at;
}

/* By their times; those that say none keep their place in front. */
static void stops_sort(const Fhir *f, Stop *stops, size_t n) {
        for (size_t i = 1; i < n; i++)
                for (size_t j = i; j > 0 && start_of(f, &stops[j]) < start_of(f, &stops[j - 1]); j--) {
                        Stop held = stops[j];

                        stops[j] = stops[j - 1];
                        stops[j - 1] = held;
                }
}

/* ---- the body */

static void admission_read(Fhir *f, const FhirResource *resource, Carebus__V1__Encounter *encounter) {
        JsonNode *hospitalization = json_member(resource->node, "hospitalization");
        const char *method;

        encounter->admission_source = fhir_coded(f, json_member(hospitalization, "admitSource"));
        encounter->admission_method = fhir_uk_coded(f, hospitalization, "AdmissionMethod")
                                              ?: fhir_uk_coded(f, resource->node, "AdmissionMethod");
        method = meant_code(f, "encounter.admission_method", encounter->admission_method);
        if (method && strlen(method) == 2) { /* in the United Kingdom 2x is an emergency */
                encounter->has_unscheduled = strcmp(method, "98") != 0 && strcmp(method, "99") != 0;
                encounter->unscheduled = method[0] == '2';
        }
        draft_append(&f->draft, &encounter->n_further_identifiers, &encounter->further_identifiers,
                     fhir_identifier(f, json_member(hospitalization, "preAdmissionIdentifier")));
}

/* UK Core binds dischargeDisposition to where somebody went to; HL7's own codes say how they left. */
static bool is_destination(const Carebus__V1__Coded *coded) {
        const char *system = coded->system ?: coded->original ? coded->original->system : NULL;

        return system && (strstr(system, "DischargeDestination") || strstr(system, "discharge-destination") ||
                          text_starts_with(system, SYSTEM_SNOMED_CT));
}

static bool is_one_of(const char *code, const char *const *codes, size_t n_codes) {
        for (size_t i = 0; code && i < n_codes; i++)
                if (strcasecmp(code, codes[i]) == 0)
                        return true;
        return false;
}

/* Destination 79: not applicable, died. Method 4: died (5, a stillbirth, is not the death of who is on the record). "exp" and 20 are
 * HL7's. The two codes of SNOMED CT are those of emergency care: died there, dead on arrival. */
static bool has_died(const Fhir *f, const Carebus__V1__Encounter *encounter, const Carebus__V1__Coded *emergency) {
        static const char *const dispositions[] = { "exp", "20", "40", "41", "42" };
        static const char *const statuses[] = { "75004002", "63238001", "419099009" };

        return is_one_of(meant_code(f, "encounter.discharge_method", encounter->discharge_method),
                         (const char *const[]){ "4" }, 1) ||
               is_one_of(meant_code(f, "encounter.discharge_destination", encounter->discharge_destination),
                         (const char *const[]){ "79" }, 1) ||
               is_one_of(meant_code(f, "encounter.discharge_disposition", encounter->discharge_disposition),
                         dispositions, ELEMENTSOF(dispositions)) ||
               is_one_of(emergency ? emergency->code : NULL, statuses, ELEMENTSOF(statuses));
}

static void discharge_read(Fhir *f, const FhirResource *resource, Carebus__V1__Encounter *encounter) {
        JsonNode *hospitalization = json_member(resource->node, "hospitalization");
        Carebus__V1__Coded *said = fhir_coded(f, json_member(hospitalization, "dischargeDisposition"));
        Carebus__V1__Coded *emergency = fhir_uk_coded(f, resource->node, "EmergencyCareDischargeStatus");
        Carebus__V1__Coded *outcome = fhir_uk_coded(f, resource->node, "OutcomeOfAttendance");
        JsonNode *destination = json_member(hospitalization, "destination");

        encounter->discharge_method = fhir_uk_coded(f, hospitalization, "DischargeMethod")
                                              ?: fhir_uk_coded(f, resource->node, "DischargeMethod");
        if (said && is_destination(said))
                encounter->discharge_destination = said;
        else
                encounter->discharge_disposition = said;
        if (!encounter->discharge_disposition)
                encounter->discharge_disposition = emergency ?: outcome;
        if (destination && !encounter->discharge_destination) {
                const Carebus__V1__Place *place = fhir_reference_place(f, resource, destination);

                encounter->discharge_destination =
                        place ? draft_coded(&f->draft, NULL, NULL, NULL, place->text ?: place->point_of_care ?: place->facility)
                              : NULL;
        }
        if (has_died(f, encounter, emergency))
                encounter->has_died = encounter->died = true;
}

static void diagnoses_read(Fhir *f, const FhirResource *resource, Carebus__V1__Encounter *encounter) {
        JSON_EACH(diagnosis, json_member(resource->node, "diagnosis")) {
                JsonNode *reference = json_member(diagnosis, "condition");
                const FhirResource *condition = fhir_resolve(f, resource, reference);
                Carebus__V1__Coded *coded = condition ? fhir_coded(f, json_member(condition->node, "code")) : NULL;

                json_note_read(json_peek(diagnosis, "use"));
                json_note_read(json_peek(diagnosis, "rank"));
                if (!coded)
                        coded = draft_coded(&f->draft, NULL, NULL, NULL, fhir_member_text(f, reference, "display"));
                draft_append(&f->draft, &encounter->n_diagnoses, &encounter->diagnoses, coded);
        }
}

static void encounter_read(Fhir *f, const FhirResource *resource, Carebus__V1__Encounter *encounter) {
        JsonNode *node = resource->node, *period = json_member(node, "period");
        Carebus__V1__Identifier **own = NULL;
        size_t n_own = 0;

        fhir_own_identifiers(f, resource, &n_own, &own);
        encounter->identifier = n_own ? own[0] : NULL;
        for (size_t i = 1; i < n_own; i++)
                draft_append(&f->draft, &encounter->n_further_identifiers, &encounter->further_identifiers, own[i]);
        encounter->class_ = fhir_coding(f, json_member(node, "class"));
        encounter->patient_type = fhir_coded(f, json_element(json_member(node, "type"), 0));
        encounter->specialty = fhir_coded(f, json_member(node, "serviceType"));
        encounter->admission_type = fhir_coded(f, json_member(node, "priority"));
        encounter->reason = fhir_coded(f, json_element(json_member(node, "reasonCode"), 0));
        encounter->account = fhir_reference_identifier(f, resource, json_element(json_member(node, "account"), 0));
        encounter->service_provider = fhir_reference_organisation(f, resource, json_member(node, "serviceProvider"));
        encounter->admitted_at = fhir_member_when(f, period, "start");
        encounter->discharged_at = fhir_member_when(f, period, "end");
        participants_read(f, resource, &encounter->n_participants, &encounter->participants);
        admission_read(f, resource, encounter);
        discharge_read(f, resource, encounter);
        diagnoses_read(f, resource, encounter);
        note_rest(node);
}

/* ---- events of a stay */

static Carebus__V1__Event *stay_event(Fhir *f, const FhirResource *resource, const char *type,
                                      Carebus__V1__Action action, Carebus__V1__Encounter *encounter) {
        Carebus__V1__Event *event = fhir_event(f, resource, type, action);

        if (!event)
                return NULL;
        event->body_case = CAREBUS__V1__EVENT__BODY_ENCOUNTER;
        event->encounter = encounter;
        event->encounter_id = encounter->identifier;
        event->referral_id = fhir_reference_identifier(f, resource,
                                                       json_element(json_member(resource->node, "basedOn"), 0));
        event->appointment_id = fhir_reference_identifier(f, resource,
                                                          json_element(json_member(resource->node, "appointment"), 0));
        return event;
}

/* Where they were moved to, a move at a time. */
static void transfers_event(Fhir *f, const FhirResource *resource, const Carebus__V1__Encounter *encounter,
                            const Stop *stops, size_t n_stops) {
        for (size_t i = 1; i < n_stops; i++) {
                Carebus__V1__Encounter *body = draft_message(&f->draft, &carebus__v1__encounter__descriptor);
                Carebus__V1__Event *event;

                if (!body)
                        return;
                *body = *encounter;
                body->status = (char *)"in-progress";
                body->discharged_at = NULL;
                body->prior_place = stops[i - 1].place;
                body->place = stops[i].place;
                body->transferred_at = stops[i].period ? stops[i].period->start : NULL;
                event = stay_event(f, resource,
                                   stops[i].is_planned ? "encounter.transfer_planned" : "encounter.transferred", UPDATE,
                                   body);
                if (!event)
                        return;
                if (stops[i].is_planned) {
                        body->place = stops[i - 1].place;
                        body->pending_place = stops[i].place;
                        body->prior_place = NULL;
                }
                fhir_set_time(f, event, body->transferred_at);
        }
}

/* A death is notified where somebody was discharged by dying. */
static void death_event(Fhir *f, const FhirResource *resource, const Carebus__V1__Encounter *encounter) {
        Carebus__V1__Event *event;
        Carebus__V1__Death *death;

        if (!encounter->has_died || fhir_is_in_error(resource))
                return;
        event = fhir_event(f, resource, "death.notified", NEW);
        death = event ? draft_message(&f->draft, &carebus__v1__death__descriptor) : NULL;
        if (!death)
                return;
        death->has_status = true;
        death->status = CAREBUS__V1__DEATH__STATUS__STATUS_INFORMAL; /* formal is what a registrar says */
        death->died_at = encounter->discharged_at;
        death->location = encounter->place;
        death->how_known = (char *)"discharge-method";
        event->body_case = CAREBUS__V1__EVENT__BODY_DEATH;
        event->death = death;
        event->encounter_id = encounter->identifier;
        fhir_set_time(f, event, death->died_at);
}

/* Leave has no element of its own in R4; since when is in the history of the status. */
static void leave_read(Fhir *f, const FhirResource *resource, Carebus__V1__Encounter *encounter) {
        const JsonNode *history = json_peek(resource->node, "statusHistory");

        for (JsonNode *item = history ? history->first : NULL; item; item = item->next)
                if (text_equal(json_said(item, "status"), "onleave")) {
                        encounter->leave_from_at = fhir_when(f, json_peek(json_peek(item, "period"), "start"));
                        encounter->leave_until_at = fhir_when(f, json_peek(json_peek(item, "period"), "end"));
                }
}

/* Back from leave: the status is that of any stay, but the history has a leave that ended. */
static void leave_ended_event(Fhir *f, const FhirResource *resource, const Carebus__V1__Encounter *encounter) {
        Carebus__V1__Encounter *body = draft_message(&f->draft, &carebus__v1__encounter__descriptor);
        Carebus__V1__Event *event;

        if (!body)
                return;
        *body = *encounter;
        leave_read(f, resource, body);
        if (!body->leave_until_at)
                return;
        event = stay_event(f, resource, "encounter.leave_ended", UPDATE, body);
        if (event)
                fhir_set_time(f, event, body->leave_until_at);
}

static void stay_translate(Fhir *f, const FhirResource *resource, const struct EncounterRow *row,
                           Carebus__V1__Encounter *encounter) {
        bool is_under_way = strcmp(row->type, "encounter.admitted") == 0;
        Stop *stops;
        size_t n_stops = stops_read(f, resource, &stops);
        Carebus__V1__Event *event;

        stops_sort(f, stops, n_stops);
        if (n_stops > 0) /* whoever left, left from the last */
                encounter->place = stops[is_under_way || stops[n_stops - 1].is_planned ? 0 : n_stops - 1].place;
        encounter->status = (char *)row->status;
        if (row->status && strcmp(row->status, "on-leave") == 0)
                leave_read(f, resource, encounter);
        event = stay_event(f, resource, row->type, row->action, encounter);
        if (!event)
                return;
        if (row->time == TIME_START)
                fhir_set_time(f, event, encounter->admitted_at);
        else if (row->time == TIME_END)
                fhir_set_time(f, event, encounter->discharged_at);
        else if (encounter->leave_from_at)
                fhir_set_time(f, event, encounter->leave_from_at);
        if (is_under_way && !fhir_is_in_error(resource)) {
                transfers_event(f, resource, encounter, stops, n_stops);
                leave_ended_event(f, resource, encounter);
        }
        death_event(f, resource, encounter);
}

/* ---- contacts */

static void contact_set_minutes(const Fhir *f, Carebus__V1__Contact *contact) {
        Moment start, end;

        if (!contact->start_at || !contact->end_at || moment_read(contact->start_at->text, f->zone, &start) != 0 ||
            moment_read(contact->end_at->text, f->zone, &end) != 0 || end.utc_at < start.utc_at ||
            end.utc_at - start.utc_at > INT64_C(86400) * 1000000 ||
            start.precision < CAREBUS__V1__WHEN__PRECISION__PRECISION_MINUTE ||
            end.precision < CAREBUS__V1__WHEN__PRECISION__PRECISION_MINUTE)
                return;
        contact->has_minutes = true;
        contact->minutes = (uint32_t)((end.utc_at - start.utc_at) / 60000000);
}

static void contact_read(Fhir *f, const FhirResource *resource, const Carebus__V1__Encounter *encounter,
                         Carebus__V1__Contact *contact) {
        Stop *stops;

        contact->identifier = encounter->identifier;
        contact->mode = encounter->class_;
        contact->kind = encounter->patient_type;
        contact->start_at = encounter->admitted_at;
        contact->end_at = encounter->discharged_at;
        contact->purpose = encounter->reason;
        contact->urgency = encounter->admission_type;
        contact->outcome = encounter->discharge_disposition;
        contact->n_participants = encounter->n_participants;
        contact->participants = encounter->participants;
        contact->place = stops_read(f, resource, &stops) > 0 ? stops[0].place : NULL;
        if (encounter->service_provider || encounter->specialty) {
                contact->by = draft_message(&f->draft, &carebus__v1__service_ref__descriptor);
                if (contact->by) {
                        contact->by->organisation = encounter->service_provider;
                        contact->by->type = encounter->specialty;
                }
        }
        contact_set_minutes(f, contact);
}

static void contact_translate(Fhir *f, const FhirResource *resource, const struct EncounterRow *row,
                              const Carebus__V1__Encounter *encounter) {
        Carebus__V1__Contact *contact = draft_message(&f->draft, &carebus__v1__contact__descriptor);
        Carebus__V1__Event *event = contact ? fhir_event(f, resource, row->type, row->action) : NULL;

        if (!event)
                return;
        contact_read(f, resource, encounter, contact);
        contact->status = (char *)row->status;
        if (strcmp(row->type, "visit.planned") == 0)
                contact->planned_at = contact->start_at;
        event->body_case = CAREBUS__V1__EVENT__BODY_CONTACT;
        event->contact = contact;
        event->encounter_id = encounter->identifier;
        event->referral_id = fhir_reference_identifier(f, resource,
                                                       json_element(json_member(resource->node, "basedOn"), 0));
        fhir_set_time(f, event, contact->start_at);
        death_event(f, resource, encounter);
}

void fhir_encounter(Fhir *f, const FhirResource *resource) {
        Carebus__V1__Encounter *encounter = draft_message(&f->draft, &carebus__v1__encounter__descriptor);
        const char *status = json_text(resource->node, "status");
        const struct EncounterRow *row;
        Kind kind;

        if (!encounter)
                return;
        if (resource->is_deleted)
                status = "entered-in-error";
        encounter_read(f, resource, encounter);
        kind = kind_of(f, encounter->class_);
        row = row_of(kind, status);
        if (kind == KIND_VISIT || kind == KIND_CALL)
                contact_translate(f, resource, row, encounter);
        else
                stay_translate(f, resource, row, encounter);
}
