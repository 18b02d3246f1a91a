/* Who looks after somebody, and whom to ring: what sources say of contact points, then the people of the care team, then the teams
 * behind the sources that know this person, as the configuration has them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "canon/vocabulary.h"
#include "daemon/record/overview-parts.h"

#define CODE_KEY_WORKER "719240009"

/* Somebody of a care team, and whose word that is. */
typedef struct Member {
        Carebus__V1__CareTeamMember *member;
        Carebus__V1__Fact *fact;
} Member;

static bool is_key_worker(const Carebus__V1__CareTeamMember *member) {
        const Carebus__V1__Coded *role = member->role;

        return (member->has_key_worker && member->key_worker) ||
               (role && text_equal(role->system, SYSTEM_SNOMED_CT) && text_equal(role->code, CODE_KEY_WORKER));
}

/* An end that lay ahead when it was said is a plan; whether it has come is for a clock to tell. */
static bool has_left(const Member *m) {
        const Carebus__V1__Period *period = m->member->period;

        if (m->member->end_reason)
                return true;
        return period && period->end && (!period->end->has_utc_at || period->end->utc_at <= fact_said_at(m->fact));
}

static int members_collect(const Overviewing *o, Member **ret, size_t *ret_n) {
        const Carebus__V1__Section *section = overview_section(o->from->record, "care-team");
        size_t n_most = 0, n = 0;

        for (size_t i = 0; section && i < section->n_facts; i++)
                if (section->facts[i]->value_case == CAREBUS__V1__FACT__VALUE_CARE_TEAM)
                        n_most += section->facts[i]->care_team->n_members;
        *ret = arena_alloc(o->arena, (n_most + 1) * sizeof(**ret));
        if (!*ret)
                return -ENOMEM;
        for (size_t i = 0; section && i < section->n_facts; i++) {
                Carebus__V1__Fact *fact = section->facts[i];

                if (!fact_is_current(fact) || fact->value_case != CAREBUS__V1__FACT__VALUE_CARE_TEAM)
                        continue;
                for (size_t j = 0; j < fact->care_team->n_members; j++) {
                        Member member = { fact->care_team->members[j], fact };

                        if (!has_left(&member))
                                (*ret)[n++] = member;
                }
        }
        *ret_n = n;
        return 0;
}

static Carebus__V1__KeyPerson *key_person(const Member *m, Arena *arena) {
        Carebus__V1__KeyPerson *person = message_new(&carebus__v1__key_person__descriptor, arena);

        if (!person)
                return NULL;
        person->member = m->member;
        person->source = m->fact->source;
        person->event_id = m->fact->event_id;
        return person;
}

static int key_people(Overviewing *o, const Member *members, size_t n_members) {
        const Member *key_worker = NULL;

        for (size_t i = 0; i < n_members; i++) {
                Carebus__V1__KeyPerson *lead;

                if (is_key_worker(members[i].member) &&
                    (!key_worker || fact_is_newer(members[i].fact, key_worker->fact)))
                        key_worker = &members[i];
                if (!members[i].member->has_lead || !members[i].member->lead)
                        continue;
                lead = key_person(&members[i], o->arena);
                if (!lead || list_append((void ***)&o->overview->leads, &o->overview->n_leads, lead, o->arena) < 0)
                        return -ENOMEM;
        }
        if (!key_worker)
                return 0;
        o->overview->key_worker = key_person(key_worker, o->arena);
        return o->overview->key_worker ? 0 : -ENOMEM;
}

/* ---- whom to ring --------------------------------------------------------------------------------------------------------------- */

typedef struct Ringing {
        Overviewing *o;
        Carebus__V1__ContactPoint *point;
        const char *part;
        const Carebus__V1__Fact *fact; /* NULL: of the configuration */
        const char *team;
} Ringing;

/* Numbers without hours are reached at hours that nobody said. */
static int reach_add(Carebus__V1__ContactPoint *point, Carebus__V1__Telecom **telecom, size_t n_telecom, Arena *arena) {
        Carebus__V1__ReachTime *reach;

        if (n_telecom == 0)
                return 0;
        reach = message_new(&carebus__v1__reach_time__descriptor, arena);
        if (!reach)
                return -ENOMEM;
        reach->telecom = telecom;
        reach->n_telecom = n_telecom;
        return list_append((void ***)&point->reach, &point->n_reach, reach, arena);
}

static int point_ring(const Ringing *ringing) {
        Carebus__V1__ContactPoint *point = ringing->point;
        Carebus__V1__ContactOrigin *origin = message_new(&carebus__v1__contact_origin__descriptor, ringing->o->arena);
        Carebus__V1__Overview *overview = ringing->o->overview;
        Arena *arena = ringing->o->arena;
        const Carebus__V1__Fact *fact = ringing->fact;
        int r = 0;

        if (!origin)
                return -ENOMEM;
        if (point->n_reach == 0 && point->practitioner)
                r = reach_add(point, point->practitioner->telecom, point->practitioner->n_telecom, arena);
        if (r == 0 && point->n_reach == 0 && point->service)
                r = reach_add(point, point->service->telecom, point->service->n_telecom, arena);
        if (r == 0 && point->n_reach == 0 && point->person)
                r = reach_add(point, point->person->telecom, point->person->n_telecom, arena);
        if (r < 0 || point->n_reach == 0)
                return r;
        origin->part = (char *)ringing->part;
        origin->team = (char *)ringing->team;
        if (fact) {
                origin->has_confirmed_at = 1;
                origin->source = fact->source;
                origin->event_id = fact->event_id;
                origin->confirmed_at = fact->has_confirmed_at ? fact->confirmed_at : fact->received_at;
        }
        r = list_append((void ***)&overview->contact_points, &overview->n_contact_points, point, arena);
        return r ?: list_append((void ***)&overview->contact_origins, &overview->n_contact_origins, origin, arena);
}

static int point_order(const void *a, const void *b) {
        const Carebus__V1__Fact *x = *(Carebus__V1__Fact *const *)a, *y = *(Carebus__V1__Fact *const *)b;
        const Carebus__V1__ContactPoint *p = x->contact_point, *q = y->contact_point;
        uint32_t i = p->has_order ? p->order : UINT32_MAX, j = q->has_order ? q->order : UINT32_MAX;
        int order;

        if (i != j)
                return i < j ? -1 : 1;
        order = strcmp(x->key ?: "", y->key ?: "");
        order = order ?: strcmp(x->source ?: "", y->source ?: "");
        return order ?: strcmp(x->event_id, y->event_id);
}

static int ring_contact_points(Overviewing *o) {
        const Carebus__V1__Section *section = overview_section(o->from->record, "contact-points");
        Carebus__V1__Fact **facts = NULL;
        size_t n_facts = 0;
        int r = 0;

        for (size_t i = 0; section && i < section->n_facts; i++)
                if (fact_is_current(section->facts[i]) &&
                    section->facts[i]->value_case == CAREBUS__V1__FACT__VALUE_CONTACT_POINT &&
                    list_append((void ***)&facts, &n_facts, section->facts[i], o->arena) < 0)
                        return -ENOMEM;
        if (n_facts > 1)
                qsort(facts, n_facts, sizeof(*facts), point_order);
        for (size_t i = 0; r == 0 && i < n_facts; i++) {
                Ringing ringing = { .o = o, .part = "contact-point", .fact = facts[i], .team = facts[i]->team };

                ringing.point = message_shallow_copy(&facts[i]->contact_point->base, o->arena);
                r = ringing.point ? point_ring(&ringing) : -ENOMEM;
        }
        return r;
}

static int ring_member(Overviewing *o, const Member *m, const char *part) {
        Ringing ringing = { .o = o, .part = part, .fact = m->fact, .team = m->fact->team };

        ringing.point = message_new(&carebus__v1__contact_point__descriptor, o->arena);
        if (!ringing.point)
                return -ENOMEM;
        ringing.point->practitioner = m->member->practitioner;
        ringing.point->service = m->member->service;
        ringing.point->kind = m->member->role;
        ringing.point->what_for = m->member->responsible_for;
        ringing.point->period = m->member->period;
        ringing.point->reach = m->member->reach;
        ringing.point->n_reach = m->member->n_reach;
        return point_ring(&ringing);
}

/* Key workers first, then who leads, then the others. */
static int ring_members(Overviewing *o, const Member *members, size_t n_members) {
        static const char *const parts[] = { "key-worker", "lead", "care-team" };
        int r = 0;

        for (size_t round = 0; round < ELEMENTSOF(parts); round++)
                for (size_t i = 0; r == 0 && i < n_members; i++) {
                        const Carebus__V1__CareTeamMember *member = members[i].member;
                        size_t is = is_key_worker(member) ? 0 : member->has_lead && member->lead ? 1 : 2;

                        if (is == round)
                                r = ring_member(o, &members[i], parts[round]);
                }
        return r;
}

static const char *team_of_source(const Carebus__V1__Settings *settings, const char *source) {
        for (size_t i = 0; i < settings->n_sources; i++)
                if (text_equal(settings->sources[i]->name, source))
                        return settings->sources[i]->team;
        return NULL;
}

/* Does anything in the record come from this team? Sources repeat fact by fact: the last answer is the likely next one. */
static bool team_knows(const Overviewing *o, const char *team) {
        const char *source = NULL, *of_source = NULL;

        for (size_t i = 0; i < o->from->record->n_sections; i++)
                for (size_t j = 0; j < o->from->record->sections[i]->n_facts; j++) {
                        const Carebus__V1__Fact *fact = o->from->record->sections[i]->facts[j];

                        if (!source || !text_equal(source, fact->source))
                                of_source = team_of_source(o->from->settings, fact->source);
                        source = fact->source;
                        if (text_equal(fact->team ?: of_source, team))
                                return true;
                }
        return false;
}

static int team_order(const void *a, const void *b) {
        return strcmp((*(Carebus__V1__TeamSettings *const *)a)->name, (*(Carebus__V1__TeamSettings *const *)b)->name);
}

static int ring_teams(Overviewing *o) {
        const Carebus__V1__Settings *settings = o->from->settings;
        Carebus__V1__TeamSettings **teams = NULL;
        size_t n_teams = 0;
        int r = 0;

        for (size_t i = 0; settings && i < settings->n_teams; i++)
                if (settings->teams[i]->n_contact_points > 0 && settings->teams[i]->name &&
                    team_knows(o, settings->teams[i]->name) &&
                    list_append((void ***)&teams, &n_teams, settings->teams[i], o->arena) < 0)
                        return -ENOMEM;
        if (n_teams > 1)
                qsort(teams, n_teams, sizeof(*teams), team_order);
        for (size_t i = 0; i < n_teams; i++)
                for (size_t j = 0; r == 0 && j < teams[i]->n_contact_points; j++) {
                        Ringing ringing = { .o = o, .part = "team", .team = teams[i]->name };

                        ringing.point = message_shallow_copy(&teams[i]->contact_points[j]->base, o->arena);
                        if (!ringing.point)
                                return -ENOMEM;
                        ringing.point->name = ringing.point->name ?: teams[i]->title ?: teams[i]->name;
                        r = point_ring(&ringing);
                }
        return r;
}

int overview_team(Overviewing *o) {
        Member *members;
        size_t n_members;
        int r;

        r = members_collect(o, &members, &n_members);
        if (r == 0)
                r = key_people(o, members, n_members);
        if (r == 0)
                r = ring_contact_points(o);
        if (r == 0)
                r = ring_members(o, members, n_members);
        return r ?: ring_teams(o);
}
