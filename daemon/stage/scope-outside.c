/* Has anybody outside the organisation that sends a relationship? By what stands of the person, and by what the event alone would bring. */
#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "daemon/record/relationships.h"
#include "daemon/stage/relationship.h"
#include "daemon/stage/scope-parts.h"
#include "proto/check.h"
#include "proto/types.h"

typedef Carebus__V1__Relationship Relationship;
typedef Carebus__V1__Settings Settings;
typedef Carebus__V1__TeamSettings Team;

/* The team that stands behind a source; NULL: nobody knows. */
static const Team *team_of_source(const Settings *settings, const char *source) {
        const char *name = NULL;

        for (size_t i = 0; i < settings->n_sources; i++)
                if (text_equal(settings->sources[i]->name, source))
                        name = settings->sources[i]->team;
        for (size_t i = 0; name && i < settings->n_teams; i++)
                if (text_equal(settings->teams[i]->name, name))
                        return settings->teams[i];
        return NULL;
}

/* Of another organisation; where one of them says none, another team. */
static bool is_outside(const Team *team, const Team *sender) {
        if (!sender)
                return true;
        if (!team->organisation || !sender->organisation)
                return !text_equal(team->name, sender->name);
        return !text_equal(team->organisation, sender->organisation);
}

static bool relationship_is_outside(const Settings *settings, const Relationship *relationship, const Team *sender) {
        for (size_t i = 0; i < settings->n_teams; i++)
                if (relationship_is_of_team(relationship, settings, i) && is_outside(settings->teams[i], sender))
                        return true;
        return false;
}

/* Whoever sends of this person: the event's source, and all that sent before. */
typedef struct Senders {
        FoldWork *work;
        Carebus__V1__Person *const *group;
        size_t n_group;
} Senders;

static bool is_outside_of_any(const Senders *senders, const Relationship *relationship) {
        const Settings *settings = senders->work->fold->settings;

        if (relationship_is_outside(settings, relationship, team_of_source(settings, senders->work->source)))
                return true;
        for (size_t i = 0; i < senders->n_group; i++)
                for (size_t j = 0; j < senders->group[i]->n_identifiers; j++) {
                        const Carebus__V1__PersonIdentifier *identifier = senders->group[i]->identifiers[j];

                        for (size_t k = 0; k < identifier->n_sources; k++)
                                if (relationship_is_outside(settings, relationship,
                                                            team_of_source(settings, identifier->sources[k])))
                                        return true;
                }
        return false;
}

/* The event's body, or the demographics beside it, as the fact that it alone would be. */
static int look_at_fact(const Senders *senders, const Said *said, const char *section, int value_case, void *value,
                        bool *ret) {
        const RelationshipRules rules = relationship_rules(senders->work->fold->settings);
        Carebus__V1__StoredFact stored = CAREBUS__V1__STORED_FACT__INIT;
        Carebus__V1__Fact fact = CAREBUS__V1__FACT__INIT;
        Carebus__V1__SharingFact *sharing = NULL;
        int r;

        fact.key = (char *)"";
        fact.event_id = said->event->event_id;
        fact.source = (char *)senders->work->source;
        fact.team = said->event->team;
        fact.author = said->event->author;
        fact.occurred_at = said->event->occurred_at;
        fact.recorded_at = said->event->recorded_at;
        fact.has_received_at = true;
        fact.received_at = said->event->received_at;
        fact.status = (char *)"current";
        fact.value_case = value_case;
        fact.demographics = value; /* whichever of the union it is */
        stored.fact = &fact;
        stored.newest = stamp_make(said->stamp, senders->work->arena);
        if (!stored.newest)
                return -ENOMEM;
        stored.type = said->event->type;
        r = relationships_of_fact(&rules, section, &stored, senders->work->arena, &sharing);
        for (size_t i = 0; r == 0 && sharing && i < sharing->n_relationships && !*ret; i++)
                *ret = is_outside_of_any(senders, sharing->relationships[i]);
        return r;
}

static int look_at_event(const Senders *senders, const Said *said, bool *ret) {
        const Carebus__V1__Event *event = said->event;
        const EventType *type = event_type_find(event->type);
        int r = 0;

        if (event->patient && event->patient->demographics)
                r = look_at_fact(senders, said, "demographics", CAREBUS__V1__FACT__VALUE_DEMOGRAPHICS,
                                 event->patient->demographics, ret);
        if (r == 0 && !*ret && type && type->section && event->body_case == type->body)
                r = look_at_fact(senders, said, type->section, (int)event->body_case, event->demographics, ret);
        return r;
}

int outside_look(FoldWork *work, const Said *said, Carebus__V1__Person *const *group, size_t n, bool *ret) {
        const Senders senders = { .work = work, .group = group, .n_group = n };
        Carebus__V1__PersonSharing *sharing;
        int r;

        *ret = false;
        r = look_at_event(&senders, said, ret);
        if (r || *ret)
                return r;
        r = relationship_read(work, group[0]->patient_id, &sharing);
        for (size_t i = 0; r == 0 && i < sharing->n_relationships && !*ret; i++)
                *ret = is_outside_of_any(&senders, sharing->relationships[i]);
        return r;
}
