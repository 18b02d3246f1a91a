/* The decisions, allergies and consents of somebody who may be several persons, put together. */
#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "daemon/record/belongs.h"
#include "daemon/record/decisions.h"
#include "daemon/record/keys.h"
#include "daemon/record/plain.h"
#include "daemon/stage/settings.h"
#include "daemon/stage/standing.h"

typedef Carebus__V1__Fact Fact;
typedef Carebus__V1__Person Person;
typedef Carebus__V1__Standing Standing;
typedef Carebus__V1__StoredFact StoredFact;

typedef struct Gathering {
        FoldWork *work;
        Person *const *members;
        size_t n_members;
        const char *topic; /* NULL: decisions */
        Stood **stood;
        StoredFact **stored; /* one each: what it was made of */
        size_t n_stood, n_stored;
} Gathering;

static bool is_member(const Gathering *g, const char *patient_id) {
        for (size_t i = 0; i < g->n_members; i++)
                if (strcmp(g->members[i]->patient_id, patient_id) == 0)
                        return true;
        return false;
}

static bool is_wanted(const Gathering *g, const Standing *standing) {
        if (!g->topic)
                return standing_is_decision(standing);
        return standing->topic && text_starts_with(standing->topic, g->topic);
}

/* One thing that was told under two numbers is one: made anew out of all that was said of it. */
static int fact_unite(Gathering *g, size_t at, const StoredFact *other) {
        Arena *arena = g->work->arena;
        StoredFact *united = message_shallow_copy(&g->stored[at]->base, arena);
        Carebus__V1__Claim **all, **claims;
        size_t n_all, n_claims;
        int r;

        if (!united)
                return -ENOMEM;
        r = plain_claims(united, arena, &all, &n_all);
        r = r ?: plain_claims(other, arena, &claims, &n_claims);
        for (size_t i = 0; r == 0 && i < n_claims; i++)
                r = plain_claims_insert(&all, &n_all, claims[i], arena);
        r = r ?: plain_reduce(plain_row_of_fact(other->fact), united, all, n_all, g->work->lists_whole, arena);
        if (r < 0)
                return r;
        g->stored[at] = united;
        g->stood[at]->fact = united->fact;
        return 0;
}

static int fact_add(Gathering *g, const char *home, Carebus__V1__StoredStandings *all, Standing *standing,
                    StoredFact *stored) {
        Stood *stood = arena_alloc(g->work->arena, sizeof(*stood));

        for (size_t i = 0; i < g->n_stood; i++) {
                if (strcmp(g->stood[i]->standing->fact, standing->fact) != 0)
                        continue;
                /* What it says is what was said last, whichever number came first. */
                if (stamp_compare(standing->stamp, g->stood[i]->standing->stamp) > 0) {
                        g->stood[i]->standing = standing;
                        g->stood[i]->home = home;
                        g->stood[i]->stored = all;
                }
                return fact_unite(g, i, stored);
        }
        if (!stood)
                return -ENOMEM;
        *stood = (Stood){ .standing = standing, .home = home, .stored = all, .fact = stored->fact };
        return list_append((void ***)&g->stood, &g->n_stood, stood, g->work->arena)
                       ?: list_append((void ***)&g->stored, &g->n_stored, stored, g->work->arena);
}

static int home_gather(Gathering *g, const Person *home) {
        Carebus__V1__StoredStandings *all;
        int r;

        r = standings_get(g->work, home->patient_id, &all);
        for (size_t i = 0; r == 0 && i < all->n_decisions; i++) {
                Carebus__V1__StoredSection *section;
                const char *moved_to;

                if (!is_wanted(g, all->decisions[i]))
                        continue;
                r = work_section(g->work, home->patient_id, all->decisions[i]->fact, &section);
                if (r || section->n_facts == 0)
                        continue;
                moved_to = fact_moved_to(home, all->decisions[i]->fact, section->facts[0]);
                if (is_member(g, moved_to ?: home->patient_id))
                        r = fact_add(g, home->patient_id, all, all->decisions[i], section->facts[0]);
        }
        return r;
}

/* The members themselves, and whoever else holds facts of theirs. */
static int homes_walk(Gathering *g, int (*seen)(Gathering *g, const Person *home)) {
        size_t n_homes;
        char **homes;
        int r = 0;

        for (size_t i = 0; r == 0 && i < g->n_members; i++)
                r = seen(g, g->members[i]);
        r = r ?: homes_of_moves(g->members, g->n_members, g->work->arena, &homes, &n_homes);
        for (size_t i = 0; r == 0 && i < n_homes; i++) {
                Person *home;

                r = work_person(g->work, homes[i], &home);
                r = r ?: seen(g, home);
        }
        return r == STATE_E_NOT_FOUND ? -EBADMSG : r;
}

/* What is written into facts from here on is nobody else's business. */
static int facts_copy(Gathering *g) {
        for (size_t i = 0; i < g->n_stood; i++) {
                g->stood[i]->fact = message_shallow_copy(&g->stood[i]->fact->base, g->work->arena);
                if (!g->stood[i]->fact)
                        return -ENOMEM;
        }
        return 0;
}

int standings_facts(FoldWork *work, Person *const *members, size_t n_members, const char *topic, Stood ***ret,
                    size_t *ret_n) {
        Gathering g = { .work = work, .members = members, .n_members = n_members, .topic = topic };
        int r;

        r = homes_walk(&g, home_gather);
        r = r ?: facts_copy(&g);
        if (r)
                return r;
        *ret = g.stood;
        *ret_n = g.n_stood;
        return 0;
}

typedef struct Stays {
        Fact **facts;
        size_t n;
} Stays;

/* One stay may be known to several sources, under any number of the person. */
static int stay_find(FoldWork *work, const char *home, const char *key, Stays *stays) {
        const Carebus__V1__Settings *settings = work->fold->settings;

        for (size_t i = 0; settings && i < settings->n_sources; i++) {
                char *name = section_of_encounter(settings->sources[i]->name, key, work->arena);
                Carebus__V1__StoredSection *section;
                int r;

                r = name ? work_section(work, home, name, &section) : -ENOMEM;
                if (r == 0 && section->n_facts > 0)
                        r = list_append((void ***)&stays->facts, &stays->n, section->facts[0]->fact, work->arena);
                if (r)
                        return r;
        }
        return 0;
}

static const Carebus__V1__Identifier *stay_of(const Fact *fact) {
        const Carebus__V1__Identifier *stay = fact->decision->scope_encounter ?: fact->encounter_id;

        return text_equal(fact->status, "current") && stay && stay->value && stay->value[0] ? stay : NULL;
}

/* The stays in which decisions were made that may end with them. */
static int stays_gather(Gathering *g, Stays *stays) {
        int r = 0;

        for (size_t i = 0; r == 0 && i < g->n_stood; i++) {
                const Carebus__V1__Identifier *stay = stay_of(g->stood[i]->fact);
                char *key;

                if (!stay || g->stood[i]->fact->decision->scope == CAREBUS__V1__DECISION__SCOPE__SCOPE_EVERYWHERE)
                        continue;
                key = text_joined(g->work->arena, stay->system ?: "", "|", stay->value, NULL);
                if (!key)
                        return -ENOMEM;
                r = stay_find(g->work, g->stood[i]->home, key, stays);
                for (size_t j = 0; r == 0 && j < g->n_members; j++)
                        if (strcmp(g->members[j]->patient_id, g->stood[i]->home) != 0)
                                r = stay_find(g->work, g->members[j]->patient_id, key, stays);
        }
        return r;
}

static void stood_order(Gathering *g, Fact *const *facts) {
        for (size_t i = 0; i < g->n_stood; i++)
                for (size_t j = i; j < g->n_stood; j++)
                        if (g->stood[j]->fact == facts[i]) {
                                Stood *found = g->stood[j];

                                g->stood[j] = g->stood[i];
                                g->stood[i] = found;
                                break;
                        }
}

int standings_decisions(FoldWork *work, Person *const *members, size_t n_members, int64_t as_at, Stood ***ret,
                        size_t *ret_n) {
        Gathering g = { .work = work, .members = members, .n_members = n_members };
        Stays stays = {};
        Fact **facts;
        int r;

        r = homes_walk(&g, home_gather);
        r = r ?: facts_copy(&g);
        r = r ?: stays_gather(&g, &stays);
        facts = r == 0 ? arena_alloc(work->arena, (g.n_stood + 1) * sizeof(*facts)) : NULL;
        if (!facts)
                return r ?: -ENOMEM;
        for (size_t i = 0; i < g.n_stood; i++)
                facts[i] = g.stood[i]->fact;
        r = decisions_stand(facts, g.n_stood, stays.facts, stays.n, as_at, work->arena);
        if (r < 0)
                return r;
        stood_order(&g, facts);
        *ret = g.stood;
        *ret_n = g.n_stood;
        return 0;
}

int standings_any_decision(FoldWork *work, Person *const *members, size_t n_members, bool *ret) {
        *ret = false;
        for (size_t i = 0; i < n_members && !*ret; i++) {
                Carebus__V1__StoredStandings *all;
                int r = standings_get(work, members[i]->patient_id, &all);

                if (r)
                        return r;
                for (size_t j = 0; j < all->n_decisions && !*ret; j++)
                        *ret = standing_is_decision(all->decisions[j]);
        }
        return 0;
}

int standings_as_at(FoldWork *work, Person *const *members, size_t n_members, int64_t *ret) {
        int64_t as_at = 0;

        for (size_t i = 0; i < n_members; i++) {
                Carebus__V1__StoredStandings *all;
                int r = standings_get(work, members[i]->patient_id, &all);

                if (r)
                        return r;
                if (all->has_as_at && all->as_at > as_at)
                        as_at = all->as_at;
        }
        *ret = as_at;
        return 0;
}
