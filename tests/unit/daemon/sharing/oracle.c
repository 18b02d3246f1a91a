#include "tests/unit/daemon/sharing/oracle.h"

#include <stdio.h>
#include <strings.h>

#include "base/text.h"
#include "proto/types.h"

typedef Carebus__V1__SharingRule Rule;
typedef Carebus__V1__TeamSettings Team;

static bool has(char *const *list, size_t n, const char *what) {
        for (size_t i = 0; i < n; i++)
                if (what && strcmp(list[i], what) == 0)
                        return true;
        return false;
}

static const Team *team_of(const Oracle *o) {
        for (size_t i = 0; o->settings && i < o->settings->n_teams; i++)
                if (strcmp(o->settings->teams[i]->name, o->team) == 0)
                        return o->settings->teams[i];
        return NULL;
}

static bool is_called(const Team *team, const char *service) {
        char folded[64] = "";

        for (const char *at = service ?: ""; *at; at++) /* the services of the test have blanks too many at most */
                if (*at != ' ' || at[1] != ' ')
                        snprintf(folded + strlen(folded), 2, "%c", *at);
        return service && (strcasecmp(team->name, folded) == 0 || strcasecmp(team->title, folded) == 0);
}

static bool is_with(const Oracle *o, const Carebus__V1__Relationship *r) {
        const Team *team = team_of(o);
        bool others = false;

        if (r->team)
                return strcmp(r->team, o->team) == 0;
        if (!r->organisation || !team->organisation || strcasecmp(r->organisation, team->organisation) != 0)
                return false;
        for (size_t i = 0; i < o->settings->n_teams; i++)
                others |= o->settings->teams[i]->organisation &&
                          strcasecmp(r->organisation, o->settings->teams[i]->organisation) == 0 &&
                          is_called(o->settings->teams[i], r->service);
        return !others || is_called(team, r->service);
}

/* `really`: not-needed is no relationship. */
static bool goes_by(const Oracle *o, const Rule *rule, bool really) {
        for (size_t i = 0; o->person && i < o->person->n_relationships; i++) {
                const Carebus__V1__Relationship *r = o->person->relationships[i];

                if (!(r->has_ended && r->ended) && is_with(o, r) &&
                    (rule->n_relationships == 0 ? strcmp(r->kind, "break-glass") != 0
                                                : has(rule->relationships, rule->n_relationships, r->kind)))
                        return true;
        }
        return !really && has(rule->relationships, rule->n_relationships, "not-needed");
}

static bool is_objected(const Oracle *o, const char *kind) {
        const Team *team = team_of(o);

        for (size_t i = 0; o->person && i < o->person->n_objections; i++) {
                const Carebus__V1__SharingScope *s = o->person->objections[i];
                bool nobody = s->n_organisations == 0 && s->n_classes == 0;

                if ((nobody || has(s->organisations, s->n_organisations, team->organisation) ||
                     has(s->classes, s->n_classes, team->class_)) &&
                    (s->n_kinds == 0 || has(s->kinds, s->n_kinds, kind)))
                        return true;
        }
        return o->person && o->person->objection;
}

static bool says(const Oracle *o, const Carebus__V1__SensitiveClass *class) {
        for (size_t i = 0; i < o->leaves->n; i++)
                for (size_t k = 0; k < class->n_words; k++)
                        if (o->leaves->leaves[i].text && strcasestr(o->leaves->leaves[i].text, class->words[k]))
                                return true;
        return false;
}

/* How many conditions hold, one behind the other: 5, and it lets see. */
static int holds(const Oracle *o, const Rule *rule, const char *kind, bool sensitive_too) {
        const Team *team = team_of(o);
        bool is_for = has(rule->classes, rule->n_classes, team->class_) || has(rule->teams, rule->n_teams, o->team);

        if (!is_for || !(has(rule->kinds, rule->n_kinds, kind) || has(rule->kinds, rule->n_kinds, "all")) ||
            (rule->n_types > 0 && !has(rule->types, rule->n_types, o->event->type)) ||
            (rule->n_sources > 0 && !has(rule->sources, rule->n_sources, o->event->source)))
                return 0;
        if (!goes_by(o, rule, false))
                return 1;
        if (is_objected(o, kind) && !rule->despite_objection)
                return 2;
        for (int k = 0; sensitive_too && k < 2; k++) {
                const Carebus__V1__Settings *settings = k == 0 ? o->settings : o->other;

                for (size_t i = 0; settings && i < settings->sharing->n_sensitive; i++)
                        if (says(o, settings->sharing->sensitive[i]) &&
                            !has(rule->sensitive, rule->n_sensitive, settings->sharing->sensitive[i]->name))
                                return 3;
        }
        return o->event->unconfirmed && !rule->unconfirmed ? 4 : 5;
}

bool oracle_is_own(const Oracle *o) {
        for (size_t i = 0; team_of(o) && o->event->source && i < o->settings->n_sources; i++)
                if (strcmp(o->settings->sources[i]->name, o->event->source) == 0 &&
                    strcmp(o->settings->sources[i]->team, o->team) == 0)
                        return true;
        return team_of(o) && o->event->team && strcmp(o->event->team, o->team) == 0;
}

const char *oracle_reason(const Oracle *o) {
        static const char *const reasons[] = { "no-rule",   "no-relationship", "objection",
                                               "sensitive", "unconfirmed",     NULL };
        int most = 0;

        if (oracle_is_own(o))
                return NULL;
        if (!team_of(o) || !o->kind || !event_type_find(o->event->type))
                return "no-rule";
        if (o->event->source && !has(team_of(o)->may_read, team_of(o)->n_may_read, o->event->source))
                return "source-not-read";
        for (size_t i = 0; o->settings->sharing && i < o->settings->sharing->n_sensitive; i++)
                if (o->settings->sharing->sensitive[i]->never && says(o, o->settings->sharing->sensitive[i]))
                        return "never";
        for (size_t i = 0; o->settings->sharing && i < o->settings->sharing->n_rules; i++) {
                int one = holds(o, o->settings->sharing->rules[i], o->kind, true);
                most = MAX(most, one);
        }
        return reasons[most];
}

/*
 * Fields
 */

static bool is_within(const char *path, const char *above) {
        return strncmp(path, above, strlen(above)) == 0 && strchr(".", path[strlen(above)]);
}

static bool is_within_one(const char *path, char *const *above, size_t n) {
        for (size_t i = 0; i < n; i++)
                if (is_within(path, above[i]))
                        return true;
        return false;
}

/* The two of the test that lead nowhere. */
static bool is_wrong(char *const *paths, size_t n) {
        return has(paths, n, "no.such") || has(paths, n, "demographics.wrong");
}

static bool says_home(const ProtobufCMessage *m, const ProtobufCMessage *body) {
        const char *type = m->descriptor->short_name;
        const Carebus__V1__CareTeamMember *member = (const void *)m;
        const Carebus__V1__Coded *role = NULL;

        if (strcmp(type, "Place") == 0) {
                const char *kind = ((const Carebus__V1__Place *)m)->kind ?: "";
                bool is_home = strcmp(kind, "home") == 0 || strcmp(kind, "care home") == 0;
                bool is_elsewhere = strcmp(kind, "hospital") == 0 || strcmp(kind, "hospice") == 0;

                return strcmp(body->descriptor->short_name, "Encounter") == 0 ? is_home : !is_elsewhere;
        }
        if (strcmp(type, "ContactPoint") == 0) {
                const Carebus__V1__ContactPoint *point = (const void *)m;
                return point->person || (!point->practitioner && !point->service);
        }
        if (strcmp(type, "EscalationContact") == 0) {
                const Carebus__V1__EscalationContact *contact = (const void *)m;
                return contact->person || (!contact->practitioner && !contact->service);
        }
        if (strcmp(type, "CareTeamMember") == 0)
                role = member->role ? member->role : member->practitioner ? member->practitioner->role : NULL;
        return role && role->text && strcasecmp(role->text, "general practitioner") == 0;
}

static bool is_shielded(const Carebus__V1__SharingSettings *s, const Leaf *leaf) {
        static const char *const work[] = { "Practitioner", "ServiceRef", "Service", "Notice" };

        if (is_within_one(leaf->path, s->shielded_paths, s->n_shielded_paths))
                return true;
        for (size_t i = 0; i < leaf->n_in; i++) {
                const char *type = leaf->in[i]->descriptor->short_name;

                if (has((char *const *)work, ELEMENTSOF(work), type))
                        return false;
                if (has(s->shielded_types, s->n_shielded_types, type) || says_home(leaf->in[i], leaf->in[0]))
                        return true;
        }
        return false;
}

bool oracle_shows(const Oracle *o, const Leaf *leaf) {
        const Carebus__V1__SharingSettings *s = o->settings ? o->settings->sharing : NULL;
        const char *kind = leaf->is_beside ? "demographics" : o->kind;

        if (oracle_is_own(o))
                return true;
        for (size_t i = 0; s && i < s->n_rules; i++) {
                const Rule *r = s->rules[i];
                bool is_closed = o->person && o->person->restricted && is_shielded(s, leaf) &&
                                 !(r->restricted_shown && goes_by(o, r, true));

                if (holds(o, r, kind, !leaf->is_beside) == 5 && !is_closed && !is_wrong(r->except, r->n_except) &&
                    (r->n_fields == 0 || is_within_one(leaf->path, r->fields, r->n_fields)) &&
                    !is_within_one(leaf->path, r->except, r->n_except))
                        return true;
        }
        return false;
}
