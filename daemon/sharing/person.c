/* Which teams somebody's relationships are with, and who objects to what. */
#include "daemon/sharing/person.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "daemon/sharing/fold.h"

typedef struct Make {
        const Policy *policy;
        const Carebus__V1__PersonSharing *said;
        PersonTeam *teams;
        const Carebus__V1__Relationship **firsts; /* RELATION_MAX of each team */
} Make;

/* Two names of a service are one where their words are. */
static bool is_one_name(const char *a, const char *b) {
        FoldReader of_a = fold_reader(a, a ? strlen(a) : 0), of_b = fold_reader(b, b ? strlen(b) : 0);
        uint64_t word;
        bool has_words = false;

        do {
                word = fold_next(&of_a);
                if (word != fold_next(&of_b))
                        return false;
                has_words |= word != 0;
        } while (word);
        return has_words;
}

static bool is_one_organisation(const char *a, const char *b) {
        return a && b && a[0] && strcasecmp(a, b) == 0;
}

static void give(Make *make, size_t team, const Carebus__V1__Relationship *relationship) {
        unsigned relation = relation_find(relationship->kind);
        const Carebus__V1__Relationship **first = &make->firsts[team * RELATION_MAX + relation];

        make->teams[team].relationships |= 1u << relation;
        if (!*first)
                *first = relationship;
}

/* One team of the organisation has the name of the service: it is that team's. Else it is of all. */
static void give_to_organisation(Make *make, const Carebus__V1__Relationship *relationship) {
        const Policy *policy = make->policy;
        bool is_of_one = false;

        for (int pass = 0; pass < 2; pass++)
                for (size_t i = 0; i < policy->n_teams; i++) {
                        const PolicyTeam *team = &policy->teams[i];
                        bool is_named = is_one_name(team->name, relationship->service) ||
                                        is_one_name(team->title, relationship->service);

                        if (!team->name || !is_one_organisation(team->organisation, relationship->organisation))
                                continue;
                        if (pass == 0)
                                is_of_one |= is_named;
                        else if (!is_of_one || is_named)
                                give(make, i, relationship);
                }
}

static void give_all(Make *make) {
        for (size_t i = 0; i < make->said->n_relationships; i++) {
                const Carebus__V1__Relationship *relationship = make->said->relationships[i];

                if (relationship->has_ended && relationship->ended)
                        continue;
                if (!relationship->team) {
                        give_to_organisation(make, relationship);
                        continue;
                }
                for (size_t k = 0; k < make->policy->n_teams; k++)
                        if (text_equal(make->policy->teams[k].name, relationship->team))
                                give(make, k, relationship);
        }
}

static bool scope_has(const Carebus__V1__SharingScope *scope, const PolicyTeam *team) {
        bool is_in = scope->n_organisations == 0 && scope->n_classes == 0;

        for (size_t i = 0; i < scope->n_organisations; i++)
                is_in |= is_one_organisation(scope->organisations[i], team->organisation);
        for (size_t i = 0; i < scope->n_classes; i++)
                is_in |= text_equal(scope->classes[i], team->class) || text_equal(scope->classes[i], "all");
        return is_in;
}

/* A kind that nobody knows: it is about all of them. */
static uint64_t scope_kinds(const Carebus__V1__SharingScope *scope) {
        uint64_t kinds = 0;

        for (size_t i = 0; i < scope->n_kinds; i++) {
                int kind = kind_find(scope->kinds[i]);

                kinds |= kind >= 0 ? KIND_BIT(kind) : UINT64_MAX;
        }
        return scope->n_kinds == 0 ? UINT64_MAX : kinds;
}

static uint64_t objected_kinds(const Carebus__V1__PersonSharing *said, const PolicyTeam *team) {
        uint64_t kinds = said->has_objection && said->objection ? UINT64_MAX : 0;

        for (size_t i = 0; i < said->n_objections; i++)
                if (scope_has(said->objections[i], team))
                        kinds |= scope_kinds(said->objections[i]);
        return kinds;
}

static int make_teams(const Policy *policy, const Carebus__V1__PersonSharing *said, SharingPerson *person, size_t *n,
                      Arena *arena, const PersonTeam **ret) {
        Make make = { .policy = policy, .said = said };
        size_t n_teams = MAX(policy->n_teams, (size_t)1);

        make.teams = arena_alloc(arena, n_teams * sizeof(*make.teams));
        make.firsts = calloc(n_teams * RELATION_MAX, sizeof(*make.firsts));
        if (!make.teams || !make.firsts) {
                free(make.firsts);
                return -ENOMEM;
        }
        memset(make.teams, 0, n_teams * sizeof(*make.teams));
        give_all(&make);
        for (size_t i = 0; i < policy->n_teams; i++) {
                make.teams[i].objected = objected_kinds(said, &policy->teams[i]);
                make.teams[i].first = (uint32_t)*n;
                for (uint32_t left = make.teams[i].relationships; left; left &= left - 1)
                        person->relationships[(*n)++] = make.firsts[i * RELATION_MAX + (size_t)__builtin_ctz(left)];
        }
        free(make.firsts);
        *ret = make.teams;
        return 0;
}

static size_t most_relationships(const Policy *policy, const Carebus__V1__PersonSharing *said) {
        return policy->n_teams * MIN(said->n_relationships, (size_t)RELATION_MAX);
}

int person_make(const Policy *const policies[2], const Carebus__V1__PersonSharing *said, Arena *arena,
                const SharingPerson **ret) {
        static const Carebus__V1__PersonSharing nobody = CAREBUS__V1__PERSON_SHARING__INIT;
        SharingPerson *person = arena_alloc(arena, sizeof(*person));
        size_t n = 0;
        int r;

        if (!said)
                said = &nobody;
        if (!person)
                return -ENOMEM;
        *person = (SharingPerson){ .restricted = said->has_restricted && said->restricted };
        person->relationships = arena_alloc(arena, MAX(2 * most_relationships(policies[0], said), (size_t)1) *
                                                           sizeof(*person->relationships));
        if (!person->relationships)
                return -ENOMEM;
        r = make_teams(policies[0], said, person, &n, arena, &person->teams[0]);
        person->teams[1] = person->teams[0];
        if (r == 0 && policies[1])
                r = make_teams(policies[1], said, person, &n, arena, &person->teams[1]);
        person->n_relationships = n;
        *ret = person;
        return r;
}

/* Nothing in it is a message or a list: it is what it says, and its texts. */
static int relationship_copy(const Carebus__V1__Relationship *from, Arena *arena,
                             const Carebus__V1__Relationship **ret) {
        const ProtobufCMessageDescriptor *descriptor = &carebus__v1__relationship__descriptor;
        Carebus__V1__Relationship *copy = arena_alloc(arena, sizeof(*copy));

        if (!copy)
                return -ENOMEM;
        *copy = *from;
        copy->base.n_unknown_fields = 0;
        copy->base.unknown_fields = NULL;
        for (unsigned i = 0; i < descriptor->n_fields; i++) {
                const ProtobufCFieldDescriptor *field = &descriptor->fields[i];
                char **text = (char **)(void *)((uint8_t *)copy + field->offset);

                if (field->type != PROTOBUF_C_TYPE_STRING || !*text)
                        continue;
                *text = arena_text(arena, *text, strlen(*text));
                if (!*text)
                        return -ENOMEM;
        }
        *ret = copy;
        return 0;
}

/* One relationship may stand there for several teams. */
static int relationships_copy(const SharingPerson *from, Arena *arena, SharingPerson *person) {
        int r = 0;

        person->relationships = arena_alloc(arena,
                                            MAX(from->n_relationships, (size_t)1) * sizeof(*from->relationships));
        if (!person->relationships)
                return -ENOMEM;
        for (size_t i = 0; r == 0 && i < from->n_relationships; i++) {
                size_t before = 0;

                while (from->relationships[before] != from->relationships[i])
                        before++;
                if (before < i)
                        person->relationships[i] = person->relationships[before];
                else
                        r = relationship_copy(from->relationships[i], arena, &person->relationships[i]);
        }
        person->n_relationships = from->n_relationships;
        return r;
}

int person_copy(const Policy *const policies[2], const SharingPerson *from, Arena *arena, const SharingPerson **ret) {
        SharingPerson *person = arena_alloc(arena, sizeof(*person));

        if (!person)
                return -ENOMEM;
        *person = (SharingPerson){ .restricted = from->restricted };
        for (size_t i = 0; i < 2; i++) {
                const size_t size = (policies[i] ? MAX(policies[i]->n_teams, (size_t)1) : 0) * sizeof(PersonTeam);
                PersonTeam *teams = size > 0 ? arena_alloc(arena, size) : NULL;

                if (size > 0 && !teams)
                        return -ENOMEM;
                if (teams)
                        memcpy(teams, from->teams[i], size);
                person->teams[i] = teams ?: person->teams[0];
        }
        *ret = person;
        return relationships_copy(from, arena, person);
}
