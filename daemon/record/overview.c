/* See the header: the parts that need few words, and the order of all. */
#include "daemon/record/overview.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "daemon/record/decisions.h"
#include "daemon/record/keys.h"
#include "daemon/record/overview-parts.h"

const Carebus__V1__Section *overview_section(const Carebus__V1__Record *record, const char *name) {
        for (size_t i = 0; i < record->n_sections; i++)
                if (strcmp(record->sections[i]->name, name) == 0)
                        return record->sections[i];
        return NULL;
}

bool fact_is_meant(const Carebus__V1__Fact *fact) {
        return !text_equal(fact->status, "entered-in-error") && !text_equal(fact->status, "cancelled");
}

bool fact_is_current(const Carebus__V1__Fact *fact) {
        /* What came back adds nothing: its original is there. */
        return text_equal(fact->status, "current") && !fact->echo;
}

int64_t fact_said_at(const Carebus__V1__Fact *fact) {
        if (fact->recorded_at && fact->recorded_at->has_utc_at)
                return fact->recorded_at->utc_at;
        if (fact->occurred_at && fact->occurred_at->has_utc_at)
                return fact->occurred_at->utc_at;
        return fact->received_at;
}

bool fact_is_newer(const Carebus__V1__Fact *a, const Carebus__V1__Fact *b) {
        int64_t x = fact_said_at(a), y = fact_said_at(b);

        if (x != y)
                return x > y;
        return a->seq != b->seq ? a->seq > b->seq : a->index > b->index;
}

/* ---- death, episodes ------------------------------------------------------------------------------------------------------ */

static int overview_death(Overviewing *o) {
        const Carebus__V1__Section *section = overview_section(o->from->record, SECTION_DEATH);
        static const struct {
                bool formal;
                const char *word;
        } rounds[] = { { true, "formal" }, { false, "informal" } };

        for (size_t i = 0; section && i < ELEMENTSOF(rounds); i++)
                for (size_t j = 0; j < section->n_facts; j++) {
                        const Carebus__V1__Fact *fact = section->facts[j];

                        if (!fact_is_current(fact) || fact->value_case != CAREBUS__V1__FACT__VALUE_DEATH ||
                            (fact->death->status == CAREBUS__V1__DEATH__STATUS__STATUS_FORMAL) != rounds[i].formal)
                                continue;
                        if (!o->overview->death)
                                o->overview->death = (char *)rounds[i].word;
                        if (list_append((void ***)&o->overview->death_event_ids, &o->overview->n_death_event_ids,
                                        fact->event_id, o->arena) < 0)
                                return -ENOMEM;
                }
        return 0;
}

static int overview_episodes(Overviewing *o) {
        const Carebus__V1__Section *section = overview_section(o->from->record, "episodes");

        for (size_t i = 0; section && i < section->n_facts; i++)
                if (fact_is_current(section->facts[i]) &&
                    list_append((void ***)&o->overview->open_episodes, &o->overview->n_open_episodes,
                                section->facts[i]->event_id, o->arena) < 0)
                        return -ENOMEM;
        return 0;
}

/* ---- what limits what may be shown: always the stricter ----------------------------------------------------------------------- */

static bool is_objection(const Carebus__V1__Fact *fact) {
        const Carebus__V1__Consent *consent = fact->consent;

        if (!fact_is_meant(fact) || text_equal(fact->status, "superseded") ||
            fact->value_case != CAREBUS__V1__FACT__VALUE_CONSENT)
                return false;
        if (consent->has_kind && consent->kind != CAREBUS__V1__CONSENT__KIND__KIND_SHARE &&
            consent->kind != CAREBUS__V1__CONSENT__KIND__KIND_CREATE_RECORD &&
            consent->kind != CAREBUS__V1__CONSENT__KIND__KIND_UNKNOWN)
                return false;
        return consent->state == CAREBUS__V1__CONSENT__STATE__STATE_REFUSED ||
               consent->state == CAREBUS__V1__CONSENT__STATE__STATE_WITHDRAWN;
}

static int overview_objections(Overviewing *o) {
        const Carebus__V1__Section *section = overview_section(o->from->record, "consent");

        for (size_t i = 0; section && i < section->n_facts; i++) {
                if (!is_objection(section->facts[i]))
                        continue;
                o->overview->has_objection = o->overview->objection = true;
                if (list_append((void ***)&o->overview->objections, &o->overview->n_objections,
                                section->facts[i]->event_id, o->arena) < 0)
                        return -ENOMEM;
        }
        return 0;
}

static int label_order(const void *a, const void *b) {
        const Carebus__V1__Coded *x = *(Carebus__V1__Coded *const *)a, *y = *(Carebus__V1__Coded *const *)b;
        int order = strcmp(x->system ?: "", y->system ?: "");

        order = order ?: strcmp(x->code ?: "", y->code ?: "");
        return order ?: strcmp(x->code ? "" : x->text ?: "", y->code ? "" : y->text ?: "");
}

static bool restricts(const Carebus__V1__Fact *fact) {
        if (fact->sensitivity && fact->sensitivity->restricted_location)
                return true;
        return fact->value_case == CAREBUS__V1__FACT__VALUE_DEMOGRAPHICS && fact->demographics->restricted;
}

/* Of all facts, former ids and those that stand back included: what was said of one side counts for both. */
static int overview_sensitivity(Overviewing *o) {
        Carebus__V1__Overview *overview = o->overview;
        size_t n = 0;

        for (size_t i = 0; i < o->from->record->n_sections; i++)
                for (size_t j = 0; j < o->from->record->sections[i]->n_facts; j++) {
                        const Carebus__V1__Fact *fact = o->from->record->sections[i]->facts[j];

                        if (text_equal(fact->status, "entered-in-error"))
                                continue;
                        if (restricts(fact))
                                overview->has_restricted = overview->restricted = true;
                        for (size_t k = 0; fact->sensitivity && k < fact->sensitivity->n_labels; k++)
                                if (list_append((void ***)&overview->sensitivity, &overview->n_sensitivity,
                                                fact->sensitivity->labels[k], o->arena) < 0)
                                        return -ENOMEM;
                }
        if (overview->n_sensitivity > 1)
                qsort(overview->sensitivity, overview->n_sensitivity, sizeof(*overview->sensitivity), label_order);
        for (size_t i = 0; i < overview->n_sensitivity; i++)
                if (n == 0 || label_order(&overview->sensitivity[n - 1], &overview->sensitivity[i]) != 0)
                        overview->sensitivity[n++] = overview->sensitivity[i];
        overview->n_sensitivity = n;
        return 0;
}

/* ---- resuscitation ---------------------------------------------------------------------------------------------------------- */

/* What is in doubt and shown all the same says so itself. */
static bool is_shown(const Overviewing *o, const Carebus__V1__Held *held) {
        for (size_t i = 0; i < o->from->n_decisions; i++)
                if (text_equal(o->from->decisions[i]->event_id, held->event_id))
                        return true;
        return false;
}

static int overview_cpr(Overviewing *o) {
        const Carebus__V1__Record *record = o->from->record;
        size_t n_held = 0;

        for (size_t i = 0; i < record->n_held; i++)
                n_held += text_equal(record->held[i]->section, SECTION_DECISIONS) && !is_shown(o, record->held[i]);
        return decisions_cpr(o->from->decisions, o->from->n_decisions, n_held, o->arena, &o->overview->cpr);
}

int overview_make(const OverviewFrom *from, Arena *arena, Carebus__V1__Overview **ret) {
        static int (*const parts[])(Overviewing * o) = {
                overview_demographics, overview_places,   overview_referrals,  overview_team,        overview_cpr,
                overview_trends,       overview_episodes, overview_objections, overview_sensitivity, overview_death,
        };
        Overviewing o = {
                .from = from,
                .overview = message_new(&carebus__v1__overview__descriptor, arena),
                .arena = arena,
        };
        int r = o.overview ? 0 : -ENOMEM;

        for (size_t i = 0; r == 0 && i < ELEMENTSOF(parts); i++)
                r = parts[i](&o);
        if (r == 0)
                *ret = o.overview;
        return r;
}
