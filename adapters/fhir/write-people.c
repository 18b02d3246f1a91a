/* Who they are, where they stay, who looks after them: Patient, Encounter, EpisodeOfCare, CareTeam, HealthcareService. */
#include <string.h>

#include "adapters/fhir/write-rules.h"
#include "base/text.h"

#define ROW(field, element, type) \
        { field, element, (WriteValue)write_##type, NULL }
#define PLAIN(field, element) \
        { field, element, NULL, NULL }
#define UK(field, name) \
        { field, "valueCodeableConcept", (WriteValue)write_coded, UK_EXTENSION name }

/* ---- Patient */

static const WriteRow demographics_rows[] = {
        ROW("identifiers", "identifier[]", identifier),
        ROW("names", "name[]", name),
        ROW("birth_date", "birthDate", date),
        ROW("addresses", "address[]", address),
        ROW("telecom", "telecom[]", telecom),
        ROW("language", "communication[0].language", coded),
        ROW("marital_status", "maritalStatus", coded),
        ROW("practice", "generalPractitioner[]", organisation),
        ROW("related_persons", "contact[]", contact),
        UK("ethnic_category", "EthnicCategory"),
        { "religion", "valueCodeableConcept", (WriteValue)write_coded, HL7_EXTENSION "patient-religion" },
        { "interpreter_required", "valueBoolean", NULL, HL7_EXTENSION "patient-interpreterRequired" },
        ROW_END,
};

/* R4's administrative gender; a sex that is none of these has no place there. */
static const char *gender_of(const Carebus__V1__Coded *sex) {
        static const WriteWord genders[] = {
                { "male", "male" },      { "female", "female" },    { "other", "other" }, { "unknown", "unknown" },
                { "M", "male" },         { "F", "female" },         { "1", "male" },      { "2", "female" },
                { "9", "other" },        { "0", "unknown" },        { "X", "unknown" },   { "I", "other" },
                { "248153007", "male" }, { "248152002", "female" }, { NULL, NULL },
        };

        return sex ? write_word(genders, sex->code ?: sex->original ? sex->original->code : NULL) : NULL;
}

static void put_general_practitioner(Writer *w, const Carebus__V1__Practitioner *practitioner, JsonNode *resource) {
        tree_put(w, resource, "generalPractitioner[]", write_practitioner(w, practitioner));
}

static void put_birth(Writer *w, const Carebus__V1__Demographics *body, JsonNode *resource) {
        if (body->has_birth_order && body->birth_order > 0)
                tree_put(w, resource, "multipleBirthInteger", tree_unsigned(w, body->birth_order));
        else if (body->has_multiple_birth)
                tree_put(w, resource, "multipleBirthBoolean", tree_truth(w, body->multiple_birth));
        if (body->nationality) {
                JsonNode *part = write_extension(w, "code", "valueCodeableConcept", write_coded(w, body->nationality));
                JsonNode *extension = part ? tree_object(w) : NULL;

                if (!extension)
                        return;
                tree_put_text(w, extension, "url", HL7_EXTENSION "patient-nationality");
                tree_put(w, extension, "extension[]", part);
                tree_put(w, resource, "extension[]", extension);
        }
}

static void put_deceased(Writer *w, bool is_dead, const Carebus__V1__When *at, JsonNode *resource) {
        JsonNode *when = is_dead ? write_when(w, at) : NULL;

        if (when)
                tree_put(w, resource, "deceasedDateTime", when);
        else
                tree_put(w, resource, "deceasedBoolean", tree_truth(w, is_dead));
}

static void patient_write(Writer *w, const void *message, JsonNode *resource) {
        const Carebus__V1__Demographics *body = message;

        write_rows(w, demographics_rows, &body->base, resource);
        tree_put_text(w, resource, "gender", gender_of(body->sex));
        put_general_practitioner(w, body->general_practitioner, resource);
        put_birth(w, body, resource);
        if (body->deceased_at || body->has_deceased)
                put_deceased(w, body->deceased_at || body->deceased, body->deceased_at, resource);
}

/* Numbers of the person of the event, where the body says none itself. */
static void put_subject_numbers(Writer *w, JsonNode *resource) {
        const Carebus__V1__Subject *subject = w->event->patient;

        for (size_t i = 0; subject && i < subject->n_identifiers; i++)
                tree_put(w, resource, "identifier[]", write_identifier(w, subject->identifiers[i]));
}

/* 1 somebody said it, 2 a registrar did, U it was wrong. */
static void death_write(Writer *w, const void *message, JsonNode *resource) {
        static const char *const codes[] = { [CAREBUS__V1__DEATH__STATUS__STATUS_INFORMAL] = "1",
                                             [CAREBUS__V1__DEATH__STATUS__STATUS_FORMAL] = "2",
                                             [CAREBUS__V1__DEATH__STATUS__STATUS_REMOVED] = "U" };
        const Carebus__V1__Death *body = message;
        bool is_removed = text_equal(w->event->type, "death.retracted") ||
                          body->status == CAREBUS__V1__DEATH__STATUS__STATUS_REMOVED;
        const char *code = is_removed                                                ? "U"
                           : (size_t)body->status < sizeof(codes) / sizeof(codes[0]) ? codes[body->status]
                                                                                     : NULL;
        JsonNode *extension = tree_object(w), *coded = tree_object(w), *part;

        put_subject_numbers(w, resource);
        put_deceased(w, !is_removed, body->died_at, resource);
        if (!code || !extension || !coded)
                return;
        tree_put_text(w, coded, "coding[0].system",
                      "https://fhir.hl7.org.uk/CodeSystem/UKCore-DeathNotificationStatus");
        tree_put_text(w, coded, "coding[0].code", code);
        part = write_extension(w, "deathNotificationStatus", "valueCodeableConcept", coded);
        tree_put_text(w, extension, "url", UK_EXTENSION "DeathNotificationStatus");
        tree_put(w, extension, "extension[]", part);
        tree_put(w, resource, "extension[]", extension);
}

static void merge_write(Writer *w, const void *message, JsonNode *resource) {
        static const WriteWord links[] = { { "patient.merged", "replaces" },
                                           { "patient.linked", "seealso" },
                                           { "patient.moved", "seealso" },
                                           { NULL, NULL } };
        const Carebus__V1__Merge *body = message;
        const char *type = body->disputed ? NULL : write_word(links, w->event->type);

        for (size_t i = 0; i < body->n_surviving; i++)
                tree_put(w, resource, "identifier[]", write_identifier(w, body->surviving[i]));
        for (size_t i = 0; type && i < body->n_retired; i++) {
                JsonNode *link = tree_object(w);

                tree_put(w, link, "other", write_reference(w, "Patient", body->retired[i], NULL));
                tree_put_text(w, link, "type", type);
                if (json_peek(link, "other"))
                        tree_put(w, resource, "link[]", link);
        }
}

/* ---- Encounter */

static const WriteRow encounter_rows[] = {
        ROW("identifier", "identifier[]", identifier),
        ROW("further_identifiers", "identifier[]", identifier),
        ROW("class", "class", coding),
        ROW("patient_type", "type[]", coded),
        ROW("specialty", "serviceType", coded),
        ROW("admission_type", "priority", coded),
        ROW("reason", "reasonCode[]", coded),
        ROW("service_provider", "serviceProvider", organisation),
        ROW("admission_source", "hospitalization.admitSource", coded),
        ROW("discharge_disposition", "hospitalization.dischargeDisposition", coded),
        ROW_END,
};

/* What becomes of a stay by the kind of the event: that a discharge was taken back is no error of the stay. */
static const WriteWord stay_states[] = {
        { "encounter.admission_cancelled", "entered-in-error" },
        { "encounter.admission_plan_cancelled", "cancelled" },
        { "encounter.preadmission_cancelled", "cancelled" },
        { "encounter.discharge_cancelled", "in-progress" },
        { "encounter.discharge_plan_cancelled", "in-progress" },
        { "encounter.leave_end_cancelled", "onleave" },
        { "encounter.leave_start_cancelled", "in-progress" },
        { "encounter.transfer_cancelled", "in-progress" },
        { "encounter.transfer_plan_cancelled", "in-progress" },
        { "encounter.discharged", "finished" },
        { "encounter.ed_departed", "finished" },
        { "encounter.leave_started", "onleave" },
        { NULL, NULL },
};
static const WriteWord stay_words[] = {
        { "planned", "planned" },  { "arrived", "arrived" },   { "in-progress", "in-progress" },
        { "on-leave", "onleave" }, { "finished", "finished" }, { "cancelled", "cancelled" },
        { NULL, "unknown" },
};

static const WriteWord participant_codes[] = {
        { "attending", "ATND" },  { "admitting", "ADM" },          { "referring", "REF" }, { "consulting", "CON" },
        { "discharging", "DIS" }, { "primary performer", "PPRF" }, { NULL, NULL },
};

static JsonNode *participant_write(Writer *w, const Carebus__V1__Participant *participant, const char *element) {
        const char *code = write_word(participant_codes, participant->role);
        JsonNode *node = tree_object(w), *who = write_practitioner(w, participant->practitioner);

        if (!node || !who)
                return NULL;
        if (code) {
                tree_put_text(w, node, "type[0].coding[0].system",
                              "http://terminology.hl7.org/CodeSystem/v3-ParticipationType");
                tree_put_text(w, node, "type[0].coding[0].code", code);
        } else
                tree_put_text(w, node, "type[0].text", participant->role);
        tree_put(w, node, element, who);
        tree_put(w, node, "period", write_period(w, participant->period));
        return node;
}

static void put_location(Writer *w, const Carebus__V1__Place *place, const char *status, const Carebus__V1__When *since,
                         JsonNode *resource) {
        JsonNode *node = place ? tree_object(w) : NULL, *where = write_place(w, place);

        if (!node || !where)
                return;
        tree_put(w, node, "location", where);
        tree_put_text(w, node, "status", status);
        tree_put(w, node, "period", write_span(w, since, NULL));
        tree_put(w, resource, "location[]", node);
}

static void put_locations(Writer *w, const Carebus__V1__Encounter *body, JsonNode *resource) {
        bool was_moved = text_equal(w->event->type, "encounter.transferred");

        if (was_moved)
                put_location(w, body->prior_place, "completed", NULL, resource);
        put_location(w, body->place, body->discharged_at ? "completed" : "active",
                     was_moved ? body->transferred_at : NULL, resource);
        if (!body->discharged_at)
                put_location(w, body->pending_place, "planned", NULL, resource);
}

static void put_method(Writer *w, const char *name, const Carebus__V1__Coded *method, const char *at,
                       JsonNode *resource) {
        char *url = method ? arena_format(w->arena, UK_EXTENSION "%s", name) : NULL;

        if (url)
                tree_put(w, resource, at, write_extension(w, url, "valueCodeableConcept", write_coded(w, method)));
}

static void put_leave(Writer *w, const Carebus__V1__Encounter *body, JsonNode *resource) {
        JsonNode *node, *period = write_span(w, body->leave_from_at, body->leave_until_at);

        if (!period)
                return;
        node = tree_object(w);
        tree_put_text(w, node, "status", "onleave");
        tree_put(w, node, "period", period);
        tree_put(w, resource, "statusHistory[]", node);
}

static void put_diagnoses(Writer *w, const Carebus__V1__Encounter *body, JsonNode *resource) {
        for (size_t i = 0; i < body->n_diagnoses; i++) {
                const Carebus__V1__Coded *coded = body->diagnoses[i];
                JsonNode *node = tree_object(w);

                tree_put(w, node, "condition",
                         write_reference(w, "Condition", NULL,
                                         coded->text                           ?: coded->display
                                                 ?: coded->code                ? coded->code
                                         : coded->original ? coded->original->display ?: coded->original->code
                                                           : NULL));
                if (json_peek(node, "condition"))
                        tree_put(w, resource, "diagnosis[]", node);
        }
}

static void encounter_write(Writer *w, const void *message, JsonNode *resource) {
        const Carebus__V1__Encounter *body = message;
        const char *status = write_word(stay_states, w->event->type) ?: write_word(stay_words, body->status);

        if (w->event->action == CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR &&
            !write_word(stay_states, w->event->type))
                status = "entered-in-error";
        tree_put_text(w, resource, "status", status);
        write_rows(w, encounter_rows, &body->base, resource);
        if (!body->discharge_disposition)
                tree_put(w, resource, "hospitalization.dischargeDisposition",
                         write_coded(w, body->discharge_destination));
        put_method(w, "AdmissionMethod", body->admission_method, "hospitalization.extension[]", resource);
        put_method(w, "DischargeMethod", body->discharge_method, "hospitalization.extension[]", resource);
        tree_put(w, resource, "period", write_span(w, body->admitted_at, body->discharged_at));
        for (size_t i = 0; i < body->n_participants; i++)
                tree_put(w, resource, "participant[]", participant_write(w, body->participants[i], "individual"));
        tree_put(w, resource, "account[]", write_reference(w, "Account", body->account, NULL));
        put_locations(w, body, resource);
        put_leave(w, body, resource);
        put_diagnoses(w, body, resource);
}

/* ---- EpisodeOfCare */

static void episode_write(Writer *w, const void *message, JsonNode *resource) {
        static const WriteRow rows[] = {
                ROW("identifier", "identifier[]", identifier),
                ROW("type", "type[]", coded),
                ROW("manager", "careManager", practitioner),
                ROW_END,
        };
        static const WriteWord words[] = {
                { "open", "active" }, { "on-hold", "onhold" }, { "closed", "finished" }, { NULL, "active" }
        };
        const Carebus__V1__Episode *body = message;
        bool is_in_error = w->event->action == CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR;

        tree_put_text(w, resource, "status", is_in_error ? "entered-in-error" : write_word(words, body->status));
        write_rows(w, rows, &body->base, resource);
        tree_put(w, resource, "period", write_span(w, body->opened_at, body->closed_at));
        if (body->service)
                tree_put(w, resource, "team[]", write_service(w, body->service, "CareTeam"));
        tree_put(w, resource, "managingOrganization",
                 write_organisation(w, body->service ? body->service->organisation : NULL));
        tree_put(w, resource, "referralRequest[]", write_reference(w, "ServiceRequest", body->referral, NULL));
        if (body->primary_condition) {
                const Carebus__V1__Coded *coded = body->primary_condition;

                tree_put(w, resource, "diagnosis[0].condition",
                         write_reference(w, "Condition", NULL, coded->text ?: coded->display ?: coded->code));
        }
}

/* ---- CareTeam */

static JsonNode *member_write(Writer *w, const Carebus__V1__CareTeamMember *member) {
        JsonNode *node = tree_object(w);

        if (!node)
                return NULL;
        tree_put(w, node, "role[]", write_coded(w, member->role));
        tree_put(w, node, "member",
                 member->practitioner ? write_practitioner(w, member->practitioner)
                                      : write_service(w, member->service, "CareTeam"));
        tree_put(w, node, "onBehalfOf", write_organisation(w, member->organisation));
        tree_put(w, node, "period", write_period(w, member->period));
        return tree_or_null(node);
}

static void care_team_write(Writer *w, const void *message, JsonNode *resource) {
        static const WriteRow rows[] = {
                ROW("identifier", "identifier[]", identifier),
                PLAIN("name", "name"),
                ROW("organisation", "managingOrganization[]", organisation),
                ROW("reason", "reasonCode[]", coded),
                ROW_END,
        };
        const Carebus__V1__CareTeam *body = message;
        bool is_in_error = w->event->action == CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR;

        tree_put_text(w, resource, "status",
                      is_in_error                         ? "entered-in-error"
                      : text_equal(body->status, "ended") ? "inactive"
                                                          : "active");
        write_rows(w, rows, &body->base, resource);
        for (size_t i = 0; i < body->n_members; i++)
                tree_put(w, resource, "participant[]", member_write(w, body->members[i]));
}

/* ---- HealthcareService */

static JsonNode *hours_write(Writer *w, const Carebus__V1__ReachTime *reach) {
        static const char *const days[] = { "mon", "tue", "wed", "thu", "fri", "sat", "sun" };
        bool is_all_day = text_equal(reach->from, "00:00") && text_equal(reach->until, "24:00");
        JsonNode *node = tree_object(w);

        if (!node)
                return NULL;
        for (size_t i = 0; i < reach->n_days; i++)
                if (reach->days[i] >= 1 && reach->days[i] <= 7)
                        tree_put_text(w, node, "daysOfWeek[]", days[reach->days[i] - 1]);
        if (is_all_day)
                tree_put(w, node, "allDay", tree_truth(w, true));
        else if (reach->from && strlen(reach->from) == 5 && reach->until && strlen(reach->until) == 5 &&
                 strcmp(reach->until, "24:00") != 0) {
                tree_put_text(w, node, "availableStartTime", arena_format(w->arena, "%s:00", reach->from));
                tree_put_text(w, node, "availableEndTime", arena_format(w->arena, "%s:00", reach->until));
        }
        return tree_or_null(node);
}

static void service_write(Writer *w, const void *message, JsonNode *resource) {
        static const WriteRow rows[] = {
                ROW("identifier", "identifier[]", identifier),
                ROW("organisation", "providedBy", organisation),
                ROW("type", "type[]", coded),
                PLAIN("name", "name"),
                ROW("skills", "specialty[]", coded),
                ROW("offers", "program[]", coded),
                ROW("referral_kinds", "referralMethod[]", coded),
                { "hours", "availableTime[]", (WriteValue)hours_write, NULL },
                ROW("places", "location[]", place),
                PLAIN("text", "comment"),
                ROW_END,
        };
        const Carebus__V1__Service *body = message;

        tree_put(w, resource, "active", tree_truth(w, !text_equal(body->status, "closed")));
        write_rows(w, rows, &body->base, resource);
        if (body->eligibility)
                tree_put_text(w, resource, "eligibility[0].comment", body->eligibility);
        for (size_t i = 0; i < body->n_contact_points; i++)
                for (size_t k = 0; k < body->contact_points[i]->n_reach; k++)
                        for (size_t n = 0; n < body->contact_points[i]->reach[k]->n_telecom; n++)
                                tree_put(w, resource, "telecom[]",
                                         write_telecom(w, body->contact_points[i]->reach[k]->telecom[n]));
}

const WriteBody write_bodies_people[] = {
        { CAREBUS__V1__EVENT__BODY_DEMOGRAPHICS, "Patient", UK_PROFILE "Patient", NULL, NULL, patient_write, NULL,
          NULL },
        { CAREBUS__V1__EVENT__BODY_DEATH, "Patient", UK_PROFILE "Patient", NULL, NULL, death_write, NULL, NULL },
        { CAREBUS__V1__EVENT__BODY_MERGE, "Patient", UK_PROFILE "Patient", NULL, NULL, merge_write, NULL, NULL },
        { CAREBUS__V1__EVENT__BODY_ENCOUNTER, "Encounter", UK_PROFILE "Encounter", "subject", NULL, encounter_write,
          NULL, "class" },
        { CAREBUS__V1__EVENT__BODY_EPISODE, "EpisodeOfCare", UK_PROFILE "EpisodeOfCare", "patient", NULL, episode_write,
          NULL, NULL },
        { CAREBUS__V1__EVENT__BODY_CARE_TEAM, "CareTeam", UK_PROFILE "CareTeam", "subject", NULL, care_team_write, NULL,
          NULL },
        { CAREBUS__V1__EVENT__BODY_SERVICE, "HealthcareService", UK_PROFILE "HealthcareService", NULL, NULL,
          service_write, NULL, NULL },
        BODY_END,
};
