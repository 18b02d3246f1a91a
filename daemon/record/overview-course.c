/* Where somebody is, and which referrals are on their way. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "daemon/record/keys.h"
#include "daemon/record/overview-parts.h"

/* ---- places --------------------------------------------------------------------------------------------------------------------- */

/* Somebody who is expected, or only visits, is not there. */
static bool is_open_stay(const Carebus__V1__Fact *fact) {
        static const char *const open[] = { "arrived", "in-progress", "on-leave" };
        const char *status;

        if (!fact_is_current(fact) || fact->value_case != CAREBUS__V1__FACT__VALUE_ENCOUNTER)
                return false;
        status = fact->encounter->status;
        for (size_t i = 0; i < ELEMENTSOF(open); i++)
                if (text_equal(status, open[i]))
                        return true;
        return false;
}

static bool is_in_bed(const Carebus__V1__Encounter *encounter) {
        static const char *const elsewhere[] = { "AMB", "VR", "HH", "FLD" };

        for (size_t i = 0; encounter->class_ && i < ELEMENTSOF(elsewhere); i++)
                if (text_equal(encounter->class_->code, elsewhere[i]))
                        return false;
        return true;
}

static const Carebus__V1__When *since_of(const Carebus__V1__Fact *fact) {
        const Carebus__V1__Encounter *encounter = fact->encounter;

        return encounter->transferred_at ?: encounter->admitted_at ?: fact->occurred_at;
}

static bool stay_is_nearer(const Carebus__V1__Fact *a, const Carebus__V1__Fact *b) {
        const Carebus__V1__When *x = since_of(a), *y = since_of(b);
        bool bed = is_in_bed(a->encounter);

        if (bed != is_in_bed(b->encounter))
                return bed;
        if (x && y && x->utc_at != y->utc_at)
                return x->utc_at > y->utc_at;
        return fact_is_newer(a, b);
}

static Carebus__V1__CurrentPlace *place_make(const Carebus__V1__Fact *fact, Arena *arena) {
        Carebus__V1__CurrentPlace *place = message_new(&carebus__v1__current_place__descriptor, arena);

        if (!place)
                return NULL;
        place->place = fact->encounter->place;
        place->class_ = fact->encounter->class_;
        place->source = fact->source;
        place->event_id = fact->event_id;
        place->since = (Carebus__V1__When *)since_of(fact);
        return place;
}

static int fact_source_order(const void *a, const void *b) {
        const Carebus__V1__Fact *x = *(Carebus__V1__Fact *const *)a, *y = *(Carebus__V1__Fact *const *)b;
        int order = strcmp(x->source ?: "", y->source ?: "");

        return order ?: stay_is_nearer(x, y) ? -1 : 1;
}

static int open_stays(const Overviewing *o, Carebus__V1__Fact ***ret, size_t *ret_n) {
        const Carebus__V1__Section *section = overview_section(o->from->record, SECTION_ENCOUNTERS);
        Carebus__V1__Fact **facts = NULL;
        size_t n_facts = 0, room = 0;

        for (size_t i = 0; section && i < section->n_facts; i++)
                if (is_open_stay(section->facts[i]) &&
                    list_append_roomy((void ***)&facts, &n_facts, &room, section->facts[i], o->arena) < 0)
                        return -ENOMEM;
        if (n_facts > 1)
                qsort(facts, n_facts, sizeof(*facts), fact_source_order);
        *ret = facts;
        *ret_n = n_facts;
        return 0;
}

/* One a source. Two sources that have the same person in a bed, at places that differ: nobody says which it is. */
int overview_places(Overviewing *o) {
        Carebus__V1__Overview *overview = o->overview;
        const Carebus__V1__Place *first = NULL;
        bool agreed = true;
        Carebus__V1__Fact **facts;
        size_t n_facts;
        int r;

        r = open_stays(o, &facts, &n_facts);
        for (size_t i = 0; r == 0 && i < n_facts; i++) {
                Carebus__V1__CurrentPlace *place;

                if (i > 0 && text_equal(facts[i - 1]->source, facts[i]->source))
                        continue;
                place = place_make(facts[i], o->arena);
                if (!place)
                        return -ENOMEM;
                r = list_append((void ***)&overview->open_encounters, &overview->n_open_encounters, place, o->arena);
                if (!is_in_bed(facts[i]->encounter) || !place->place)
                        continue;
                if (!first) {
                        first = place->place;
                        overview->place = place;
                } else if (!body_equal(&first->base, &place->place->base))
                        agreed = false;
        }
        if (!agreed)
                overview->place = NULL;
        return r;
}

/* ---- referrals -------------------------------------------------------------------------------------------------------------------- */

static const char *const referral_course[] = {
        "requested",  "received", "info-requested", "accepted", "in-progress",
        "redirected", "declined", "cancelled",      "closed",
};
enum { REFERRAL_OVER = 5 }; /* from "redirected" on */

static size_t course_of(const char *status) {
        for (size_t i = 0; i < ELEMENTSOF(referral_course); i++)
                if (text_equal(referral_course[i], status))
                        return i;
        return 0;
}

/* Where its source did not say the word, what it says of times tells. */
static size_t referral_course_of(const Carebus__V1__Fact *fact) {
        const Carebus__V1__Referral *referral = fact->referral;

        if (referral->status)
                return course_of(referral->status);
        if (text_equal(fact->status, "ended") || referral->closed_at)
                return course_of("closed");
        if (text_equal(fact->status, "cancelled"))
                return course_of("cancelled");
        if (referral->first_contact_at)
                return course_of("in-progress");
        return course_of(referral->received_at ? "received" : "requested");
}

/* A number of a referral, and which of the facts has it. */
typedef struct Numbered {
        const Carebus__V1__Identifier *identifier;
        size_t fact;
} Numbered;

static int numbered_order(const void *a, const void *b) {
        const Numbered *x = a, *y = b;
        int order = strcmp(x->identifier->system ?: "", y->identifier->system ?: "");

        order = order ?: strcmp(x->identifier->value, y->identifier->value);
        return order ?: x->fact < y->fact ? -1 : x->fact > y->fact;
}

static bool numbers_are_same(const Numbered *a, const Numbered *b) {
        return text_equal(a->identifier->system ?: "", b->identifier->system ?: "") &&
               strcmp(a->identifier->value, b->identifier->value) == 0;
}

static size_t group_of(size_t *groups, size_t i) {
        while (groups[i] != i)
                i = groups[i] = groups[groups[i]];
        return i;
}

static size_t numbers_of(const Carebus__V1__Referral *referral, size_t fact, Numbered *numbers) {
        size_t n = 0;

        if (referral->identifier)
                numbers[n++] = (Numbered){ referral->identifier, fact };
        if (referral->target_identifier)
                numbers[n++] = (Numbered){ referral->target_identifier, fact };
        for (size_t i = 0; i < referral->n_further_identifiers; i++)
                numbers[n++] = (Numbered){ referral->further_identifiers[i], fact };
        for (size_t i = 0; i < n;)
                if (numbers[i].identifier->value)
                        i++;
                else
                        numbers[i] = numbers[--n];
        return n;
}

/* Referrals that share a number are one: groups[i] leads to the first of them. */
static int referrals_group(const Carebus__V1__Section *section, Arena *arena, size_t **ret) {
        size_t *groups = arena_alloc(arena, section->n_facts * sizeof(*groups)), n_numbers = 0, n_most = 0;
        Numbered *numbers;

        for (size_t i = 0; i < section->n_facts; i++)
                n_most += section->facts[i]->value_case == CAREBUS__V1__FACT__VALUE_REFERRAL
                                  ? section->facts[i]->referral->n_further_identifiers + 2
                                  : 0;
        numbers = arena_alloc(arena, (n_most + 1) * sizeof(*numbers));
        if (!groups || !numbers)
                return -ENOMEM;
        for (size_t i = 0; i < section->n_facts; i++) {
                groups[i] = i;
                if (section->facts[i]->value_case == CAREBUS__V1__FACT__VALUE_REFERRAL)
                        n_numbers += numbers_of(section->facts[i]->referral, i, numbers + n_numbers);
        }
        if (n_numbers > 1)
                qsort(numbers, n_numbers, sizeof(*numbers), numbered_order);
        for (size_t i = 1; i < n_numbers; i++) {
                size_t a = group_of(groups, numbers[i - 1].fact), b = group_of(groups, numbers[i].fact);

                if (numbers_are_same(&numbers[i - 1], &numbers[i]))
                        groups[MAX(a, b)] = MIN(a, b);
        }
        *ret = groups;
        return 0;
}

static bool referral_counts(const Carebus__V1__Fact *fact) {
        return fact->value_case == CAREBUS__V1__FACT__VALUE_REFERRAL && !text_equal(fact->status, "entered-in-error") &&
               !text_equal(fact->status, "superseded");
}

/* What all sources say of one referral. *ret NULL: it is over. */
static int referral_make(const Carebus__V1__Section *section, size_t *groups, size_t first, Arena *arena,
                         Carebus__V1__OpenReferral **ret) {
        Carebus__V1__OpenReferral *open = message_new(&carebus__v1__open_referral__descriptor, arena);
        const Carebus__V1__Fact *furthest = NULL;
        size_t course = 0;

        if (!open)
                return -ENOMEM;
        for (size_t i = first; i < section->n_facts; i++) {
                Carebus__V1__Fact *fact = section->facts[i];
                size_t reached;

                if (group_of(groups, i) != first || !referral_counts(fact))
                        continue;
                reached = referral_course_of(fact);
                if (!furthest || reached > course || (reached == course && fact_is_newer(fact, furthest))) {
                        furthest = fact;
                        course = reached;
                }
                open->requested_at = open->requested_at ?: fact->referral->requested_at;
                if (list_append((void ***)&open->event_ids, &open->n_event_ids, fact->event_id, arena) < 0)
                        return -ENOMEM;
        }
        *ret = NULL;
        if (!furthest || course >= REFERRAL_OVER)
                return 0;
        open->referral_id = furthest->referral->identifier;
        open->status = (char *)referral_course[course];
        open->source = furthest->source;
        open->event_id = furthest->event_id;
        *ret = open;
        return 0;
}

int overview_referrals(Overviewing *o) {
        const Carebus__V1__Section *section = overview_section(o->from->record, "referrals");
        size_t *groups;
        int r;

        if (!section)
                return 0;
        r = referrals_group(section, o->arena, &groups);
        for (size_t i = 0; r == 0 && i < section->n_facts; i++) {
                Carebus__V1__OpenReferral *open;

                if (group_of(groups, i) != i)
                        continue;
                r = referral_make(section, groups, i, o->arena, &open);
                if (r == 0 && open)
                        r = list_append((void ***)&o->overview->referrals, &o->overview->n_referrals, open, o->arena);
        }
        return r;
}
