/*
 * CareTeam and HealthcareService: who looks after somebody, and which services there are.
 */
#include <string.h>

#include "adapters/fhir/translate-rules.h"
#include "base/text.h"

#define NEW CAREBUS__V1__ACTION__ACTION_NEW
#define UPDATE CAREBUS__V1__ACTION__ACTION_UPDATE

/* ---- CareTeam: an event a participant */

/* Key worker and key nurse of SNOMED CT. */
static bool is_key_worker(const Carebus__V1__Coded *role) {
        return coded_is(role, NULL, "719240009") || coded_is(role, NULL, "719238004");
}

static Carebus__V1__CareTeamMember *member_read(Fhir *f, const FhirResource *team, JsonNode *node) {
        Carebus__V1__CareTeamMember *member = draft_message(&f->draft, &carebus__v1__care_team_member__descriptor);
        JsonNode *reference = json_member(node, "member");
        const char *type = fhir_reference_type(f, team, reference);

        if (!member || text_equal(type, "Patient"))
                return NULL;
        if (text_equal(type, "Organization") || text_equal(type, "CareTeam"))
                member->service = fhir_reference_service(f, team, reference);
        else
                member->practitioner = fhir_reference_practitioner(f, team, reference);
        member->role = fhir_coded(f, json_element(json_member(node, "role"), 0));
        member->organisation = fhir_reference_organisation(f, team, json_member(node, "onBehalfOf"));
        member->period = fhir_period(f, json_member(node, "period"));
        if (is_key_worker(member->role))
                member->has_key_worker = member->key_worker = true;
        return member->service || member->practitioner || member->role || member->organisation ? member : NULL;
}

typedef struct Team {
        const FhirResource *resource;
        Carebus__V1__CareTeam *body; /* without members */
        Carebus__V1__Period *period;
        bool has_ended;
} Team;

static void member_event(Fhir *f, const Team *team, Carebus__V1__CareTeamMember *member) {
        bool has_ended = team->has_ended || (member->period && member->period->end);
        Carebus__V1__CareTeam *body = draft_message(&f->draft, &carebus__v1__care_team__descriptor);
        Carebus__V1__Event *event;

        if (!body)
                return;
        *body = *team->body;
        body->status = (char *)(has_ended ? "ended" : "active");
        if (!member->period)
                member->period = team->period;
        draft_append(&f->draft, &body->n_members, &body->members, member);
        event = fhir_event(f, team->resource, has_ended ? "care_team.member_ended" : "care_team.member_added",
                           has_ended ? UPDATE : NEW);
        if (!event)
                return;
        event->body_case = CAREBUS__V1__EVENT__BODY_CARE_TEAM;
        event->care_team = body;
        if (member->period)
                fhir_set_time(f, event, has_ended ? member->period->end : member->period->start);
}

/* A team that names nobody is itself who looks after the person. */
static Carebus__V1__CareTeamMember *team_as_member(Fhir *f, const Team *team) {
        Carebus__V1__CareTeamMember *member = draft_message(&f->draft, &carebus__v1__care_team_member__descriptor);

        if (!member)
                return NULL;
        member->service = draft_message(&f->draft, &carebus__v1__service_ref__descriptor);
        if (!member->service)
                return NULL;
        member->service->identifier = team->body->identifier;
        member->service->name = team->body->name;
        member->service->organisation = team->body->organisation;
        return member;
}

void fhir_care_team(Fhir *f, const FhirResource *resource) {
        Team team = { .resource = resource, .body = draft_message(&f->draft, &carebus__v1__care_team__descriptor) };
        const char *status = json_text(resource->node, "status");
        JsonNode *node = resource->node;
        size_t n_members = 0;

        if (!team.body)
                return;
        team.body->identifier = fhir_own_identifier(f, resource);
        team.body->name = fhir_member_text(f, node, "name");
        team.body->organisation =
                fhir_reference_organisation(f, resource, json_element(json_member(node, "managingOrganization"), 0));
        team.body->reason = fhir_coded(f, json_element(json_member(node, "reasonCode"), 0));
        team.period = fhir_period(f, json_member(node, "period"));
        team.has_ended = text_equal(status, "inactive") || (team.period && team.period->end);
        json_note_read(json_peek(node, "category"));
        JSON_EACH(participant, json_member(node, "participant")) {
                Carebus__V1__CareTeamMember *member = member_read(f, resource, participant);

                if (member)
                        member_event(f, &team, member);
                n_members += member != NULL;
        }
        if (n_members == 0) {
                Carebus__V1__CareTeamMember *member = team_as_member(f, &team);

                if (member)
                        member_event(f, &team, member);
        }
}

/* ---- HealthcareService */

static const char *const days[] = { "mon", "tue", "wed", "thu", "fri", "sat", "sun" };

/* 08:30:00 as the bus has it: 08:30. */
static char *time_of_day(Fhir *f, JsonNode *node) {
        char *text = fhir_text(f, node);

        return text && strlen(text) >= 5 && text[2] == ':' ? draft_text(&f->draft, text, 5) : text;
}

static void days_read(Fhir *f, JsonNode *array, Carebus__V1__ReachTime *reach) {
        reach->days = draft_alloc(&f->draft, ELEMENTSOF(days) * sizeof(*reach->days));
        if (!reach->days)
                return;
        JSON_EACH(item, array) {
                const char *said = fhir_text(f, item);

                for (size_t day = 0; said && day < ELEMENTSOF(days) && reach->n_days < ELEMENTSOF(days); day++)
                        if (strcmp(said, days[day]) == 0)
                                reach->days[reach->n_days++] = (uint32_t)day + 1;
        }
}

static Carebus__V1__ReachTime *hours_read(Fhir *f, JsonNode *node) {
        Carebus__V1__ReachTime *reach = draft_message(&f->draft, &carebus__v1__reach_time__descriptor);
        protobuf_c_boolean all_day = false;

        if (!reach)
                return NULL;
        days_read(f, json_member(node, "daysOfWeek"), reach);
        fhir_truth(f, json_member(node, "allDay"), &all_day);
        reach->from = all_day ? (char *)"00:00" : time_of_day(f, json_member(node, "availableStartTime"));
        reach->until = all_day ? (char *)"24:00" : time_of_day(f, json_member(node, "availableEndTime"));
        return reach;
}

static char *joined(Fhir *f, char *a, char *b) {
        return a && b ? draft_format(&f->draft, "%s\n%s", a, b) : a ?: b;
}

static void reach_read(Fhir *f, JsonNode *node, Carebus__V1__Service *service) {
        Carebus__V1__ContactPoint *point = draft_message(&f->draft, &carebus__v1__contact_point__descriptor);
        Carebus__V1__ReachTime *reach = draft_message(&f->draft, &carebus__v1__reach_time__descriptor);

        if (!point || !reach)
                return;
        fhir_telecom_list(f, json_member(node, "telecom"), &reach->n_telecom, &reach->telecom);
        if (reach->n_telecom == 0)
                return;
        point->name = service->name;
        draft_append(&f->draft, &point->n_reach, &point->reach, reach);
        draft_append(&f->draft, &service->n_contact_points, &service->contact_points, point);
}

static void service_read(Fhir *f, const FhirResource *resource, Carebus__V1__Service *service) {
        JsonNode *node = resource->node;

        service->identifier = fhir_own_identifier(f, resource);
        service->name = fhir_member_text(f, node, "name");
        service->organisation = fhir_reference_organisation(f, resource, json_member(node, "providedBy"));
        service->type = fhir_coded(f, json_element(json_member(node, "type"), 0));
        fhir_coded_list(f, json_member(node, "specialty"), &service->n_skills, &service->skills);
        fhir_coded_list(f, json_member(node, "program"), &service->n_offers, &service->offers);
        fhir_coded_list(f, json_member(node, "referralMethod"), &service->n_referral_kinds, &service->referral_kinds);
        JSON_EACH(item, json_member(node, "availableTime"))
                draft_append(&f->draft, &service->n_hours, &service->hours, hours_read(f, item));
        JSON_EACH(item, json_member(node, "location"))
                draft_append(&f->draft, &service->n_places, &service->places, fhir_reference_place(f, resource, item));
        JSON_EACH(item, json_member(node, "coverageArea"))
                draft_append(&f->draft, &service->n_areas, &service->areas, fhir_member_text(f, item, "display"));
        JSON_EACH(item, json_member(node, "eligibility"))
                service->eligibility = joined(f, service->eligibility, fhir_member_text(f, item, "comment"));
        reach_read(f, node, service);
        service->text = joined(f, fhir_member_text(f, node, "comment"), fhir_member_text(f, node, "extraDetails"));
        service->text = joined(f, service->text, fhir_member_text(f, node, "availabilityExceptions"));
}

/* In a message or a document it stands for who is asked or who answers: told by what refers to it. */
void fhir_healthcare_service(Fhir *f, const FhirResource *resource) {
        const char *bundle = resource->entry ? json_said(f->root, "type") : NULL;
        protobuf_c_boolean is_active = true;
        Carebus__V1__Service *service;
        Carebus__V1__Event *event;

        if (text_equal(bundle, "message") || text_equal(bundle, "document"))
                return;
        service = draft_message(&f->draft, &carebus__v1__service__descriptor);
        fhir_truth(f, json_member(resource->node, "active"), &is_active);
        is_active = is_active && !resource->is_deleted;
        event = service ? fhir_event(f, resource, is_active ? "service.published" : "service.closed",
                                     is_active ? NEW : UPDATE)
                        : NULL;
        if (!event)
                return;
        service_read(f, resource, service);
        service->status = (char *)(is_active ? "active" : "closed");
        event->body_case = CAREBUS__V1__EVENT__BODY_SERVICE;
        event->service = service;
}
