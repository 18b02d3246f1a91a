/*
 * ROL, PD1 and PV1-7: who looks after somebody.
 */
#include <stddef.h>
#include <string.h>

#include "adapters/mllp/translate-groups.h"

#define M Carebus__V1__CareTeamMember

/* What ROL-2 says of a membership (HL7 table 0287); what is not among them is an addition. */
static const struct {
        const char *code;
        Carebus__V1__Action action;
        bool is_end;
} role_actions[] = {
        { "AD", CAREBUS__V1__ACTION__ACTION_NEW, false },    { "LI", CAREBUS__V1__ACTION__ACTION_NEW, false },
        { "CO", CAREBUS__V1__ACTION__ACTION_UPDATE, false }, { "UP", CAREBUS__V1__ACTION__ACTION_UPDATE, false },
        { "UC", CAREBUS__V1__ACTION__ACTION_UPDATE, false }, { "DE", CAREBUS__V1__ACTION__ACTION_UPDATE, true },
        { "UN", CAREBUS__V1__ACTION__ACTION_UPDATE, true },
};

static const FieldRow rol_rows[] = {
        ROW_APART(1, FIELD_ENTITY, M, identifier, "ROL-1"), ROW_ONE(3, FIELD_CODED, M, role),
        ROW_ONE(4, FIELD_PRACTITIONER, M, practitioner),    ROW_ONE(8, FIELD_CODED, M, end_reason),
        ROW_ONE(14, FIELD_ORGANISATION, M, organisation),
};
const FieldTable table_rol = { "ROL", rol_rows, ELEMENTSOF(rol_rows) };

static void team_event(Translation *t, const char *type, Carebus__V1__Action action, M *member, const Person *person,
                       const Visit *visit) {
        Carebus__V1__CareTeam *team = draft_message(&t->draft, &carebus__v1__care_team__descriptor);
        Carebus__V1__Event *event = team ? event_besides(t, type, action, person, visit) : NULL;

        if (!event)
                return;
        team->status = (char *)(strcmp(type, "care_team.member_ended") == 0 ? "ended" : "active");
        draft_append(&t->draft, &team->n_members, &team->members, member);
        event->body_case = CAREBUS__V1__EVENT__BODY_CARE_TEAM;
        event->care_team = team;
        event_end(t, event, /* notes= */ NULL);
}

/* NULL: the segment says nobody. */
static M *member_read(Translation *t, const Hl7Segment *rol) {
        M *member = draft_message(&t->draft, &carebus__v1__care_team_member__descriptor);
        Hl7Value phones = hl7_field(t->message, rol, 12), phone;

        if (!member)
                return NULL;
        fields_apply(t, rol, rol_rows, ELEMENTSOF(rol_rows), member, "care_team.members", /* cleared= */ NULL);
        member->period = value_period(t, hl7_field(t->message, rol, 5), hl7_field(t->message, rol, 6));
        while (member->practitioner && hl7_next_repeat(t->message, &phones, &phone))
                value_telecom(t, phone, "work", &member->practitioner->n_telecom, &member->practitioner->telecom);
        if (!member->practitioner && !member->organisation && !member->identifier)
                return NULL;
        /* HL7 table 0443, AT: who attends. */
        if (member->role && member->role->original && CODE_IS_ONE_OF(member->role->original->code, "AT"))
                member->has_lead = member->lead = true;
        return member;
}

static size_t role_action(Translation *t, const Hl7Segment *rol) {
        Hl7Value value = hl7_field(t->message, rol, 2);

        for (size_t i = 0; i < ELEMENTSOF(role_actions); i++)
                if (hl7_is(t->message, value, role_actions[i].code))
                        return i;
        return 0;
}

/* It ends where the message says so, and where its time was over when the message was made. */
static bool is_ended(const Translation *t, size_t action, const M *member) {
        return role_actions[action].is_end ||
               (member->period && when_is_before(t, member->period->end, t->recorded_at ?: t->sent_at));
}

static void role_event(Translation *t, const Hl7Segment *rol, const Person *person, const Visit *visit) {
        M *member = member_read(t, rol);
        size_t action = role_action(t, rol);

        if (!member)
                return;
        if (is_ended(t, action, member))
                team_event(t, "care_team.member_ended", CAREBUS__V1__ACTION__ACTION_UPDATE, member, person, visit);
        else
                team_event(t, "care_team.member_added", role_actions[action].action, member, person, visit);
}

static bool is_emptied(const Person *person, const char *path) {
        for (size_t i = 0; i < person->cleared.n; i++)
                if (strcmp(person->cleared.paths[i], path) == 0)
                        return true;
        return false;
}

/*
 * PD1-4, at the practice of PD1-3: one place in the team, which has a number of its own. So who is named there next takes it over,
 * and nobody has two general practitioners by the same source; and who is named no more is no longer one, as far as it goes.
 */
static void general_practitioner_event(Translation *t, const Person *person) {
        Carebus__V1__Demographics *demographics = person->demographics;
        bool is_over = !demographics->general_practitioner && is_emptied(person, "demographics.general_practitioner");
        M *member;

        if (!demographics->general_practitioner && !is_over)
                return;
        member = draft_message(&t->draft, &carebus__v1__care_team_member__descriptor);
        if (!member)
                return;
        member->identifier = draft_message(&t->draft, &carebus__v1__identifier__descriptor);
        if (!member->identifier)
                return;
        member->identifier->value = (char *)"general-practitioner";
        identifier_set_apart(t, member->identifier, "PD1-4");
        if (is_over) {
                member->role = draft_coded(&t->draft, NULL, NULL, NULL, (char *)"general practitioner");
                team_event(t, "care_team.member_ended", CAREBUS__V1__ACTION__ACTION_UPDATE, member, person, NULL);
                return;
        }
        member->practitioner = demographics->general_practitioner;
        member->organisation = demographics->practice;
        member->role = draft_coded(&t->draft, NULL, NULL, NULL, (char *)"general practitioner");
        team_event(t, "care_team.member_added", CAREBUS__V1__ACTION__ACTION_NEW, member, person, /* visit= */ NULL);
}

/* Whether a ROL says who did or paid for something: behind a procedure, a guarantor or an insurance. */
static bool is_of_something_else(const Hl7Segment *segment) {
        static const char *const names[] = { "PR1", "GT1", "IN1", "IN2", "IN3" };

        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                if (strcmp(segment->name, names[i]) == 0)
                        return true;
        return false;
}

typedef void (*RoleReader)(Translation *t, const Hl7Segment *rol, void *owner);

static void roles_walk(Translation *t, const Person *person, RoleReader read, void *owner) {
        const Hl7Segment *end = person->end ?: t->message->segments + t->message->n_segments;
        bool of_something_else = false;

        for (const Hl7Segment *segment = person->pid + 1; segment < end; segment++) {
                if (strcmp(segment->name, "ROL") != 0)
                        of_something_else = of_something_else ? strncmp(segment->name, "PV", 2) != 0
                                                              : is_of_something_else(segment);
                else if (!of_something_else)
                        read(t, segment, owner);
        }
}

typedef struct RoleOwner {
        const Person *person;
        const Visit *visit;
        M *former;
} RoleOwner;

static void role_read(Translation *t, const Hl7Segment *rol, void *userdata) {
        RoleOwner *owner = userdata;

        role_event(t, rol, owner->person, owner->visit);
}

void team_translate(Translation *t, const Person *person, const Visit *visit) {
        RoleOwner owner = { .person = person, .visit = visit };
        size_t n_before;

        general_practitioner_event(t, person);
        n_before = t->draft.n_events;
        roles_walk(t, person, role_read, &owner);
        section_set_complete(t, "care_team", n_before, /* may_be_empty= */ false);
}

static void former_lead_read(Translation *t, const Hl7Segment *rol, void *userdata) {
        RoleOwner *owner = userdata;
        M *member = member_read(t, rol);

        if (member && member->lead && is_ended(t, role_action(t, rol), member))
                owner->former = member;
}

void lead_translate(Translation *t, const Person *person, const Visit *visit) {
        RoleOwner owner = { .person = person, .visit = visit };
        Carebus__V1__Event *event;
        M *member;
        size_t i = 0;

        while (i < visit->encounter->n_participants &&
               strcmp(visit->encounter->participants[i]->role, "attending") != 0)
                i++;
        if (i == visit->encounter->n_participants)
                return;
        member = draft_message(&t->draft, &carebus__v1__care_team_member__descriptor);
        if (!member)
                return;
        member->practitioner = visit->encounter->participants[i]->practitioner;
        member->role = draft_coded(&t->draft, NULL, NULL, NULL, (char *)"attending");
        member->has_lead = member->lead = true;
        roles_walk(t, person, former_lead_read, &owner);
        team_event(t, "care_team.lead_changed", CAREBUS__V1__ACTION__ACTION_UPDATE, member, person, visit);
        event = t->draft.n_events ? t->draft.events[t->draft.n_events - 1] : NULL;
        if (event && event->body_case == CAREBUS__V1__EVENT__BODY_CARE_TEAM)
                event->care_team->former_lead = owner.former;
}
