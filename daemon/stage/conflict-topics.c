/* Decisions, allergies and consents that contradict each other. Nobody but a person chooses between them. */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "daemon/record/death.h"
#include "daemon/record/decisions.h"
#include "daemon/record/keys.h"
#include "daemon/stage/conflict-parts.h"
#include "daemon/stage/standing.h"

#define ALLERGIES "allergy/"
#define CONSENTS "consent/"

#define KIND(name) CAREBUS__V1__DECISION__KIND__KIND_##name

typedef Carebus__V1__Coded Coded;
typedef Carebus__V1__Fact Fact;

/* ---- decisions ------------------------------------------------------------------------------------------------------------- */

static const struct DecisionConflict {
        Carebus__V1__Decision__Kind kind;
        const char *key, *path, *reason;
} decision_conflicts[] = {
        { KIND(CPR), "decisions/cpr", "decision", "cpr-decisions-differ" },
        { KIND(ADRT), "decisions/adrt", "adrt", "refusals-differ" },
        { KIND(LPA), "decisions/lpa", "lpa", "powers-of-attorney-differ" },
        { KIND(TREATMENT_ESCALATION), "decisions/treatment-escalation", "treatment-escalation",
          "treatment-ceilings-differ" },
        { KIND(PREFERRED_PLACE_OF_DEATH), "decisions/place-of-death", "place-of-death", "preferred-places-differ" },
        { KIND(PREFERRED_PLACE_OF_CARE), "decisions/place-of-care", "place-of-care", "preferred-places-differ" },
};

/* A decision that its source has changed is another claim. */
static int claim_stood(Look *look, Wanted *wanted, const Stood *stood) {
        return wanted_claim(look, wanted, stood->fact->event_id,
                            text_joined(look->work->arena, stood->standing->fact, "=", stood->fact->event_id, NULL));
}

/* Two that stand and say different things are both shown. */
static int look_at_kind(Look *look, const struct DecisionConflict *row, Stood *const *stood, size_t n_stood) {
        Wanted *wanted = NULL;

        for (size_t i = n_stood; i > 0; i--) {
                const Stood *one = stood[i - 1];
                bool differs = false;
                int r;

                if (one->fact->decision->kind != row->kind)
                        continue;
                for (size_t j = 0; j < n_stood && !differs; j++)
                        differs = j != i - 1 && decisions_conflict(one->fact, stood[j]->fact);
                if (!differs)
                        continue;
                if (!wanted)
                        wanted = look_want(look, row->key, "decisions", row->path, row->reason);
                r = claim_stood(look, wanted, one);
                if (r < 0)
                        return r;
        }
        return 0;
}

static bool is_formally_dead(const Look *look) {
        for (size_t i = 0; i < look->n_deaths; i++)
                if (death_is_formal(look->deaths[i].stored))
                        return true;
        return false;
}

static int look_at_decisions(Look *look) {
        size_t n_stood;
        Stood **stood;
        int64_t as_at;
        int r;

        r = standings_as_at(look->work, look->members, look->n_members, &as_at);
        r = r ?: standings_decisions(look->work, look->members, look->n_members, as_at, &stood, &n_stood);
        for (size_t i = 0; r == 0 && n_stood > 1 && i < ELEMENTSOF(decision_conflicts); i++)
                r = look_at_kind(look, &decision_conflicts[i], stood, n_stood);
        if (r == 0 && !is_formally_dead(look))
                r = decision_remind(look->work, look->members, stood, n_stood);
        return r;
}

/* ---- what two sources say of one thing --------------------------------------------------------------------------------------- */

static bool codes_same(const Coded *a, const Coded *b) {
        return a && b && a->code && b->code && text_equal(a->code, b->code) && text_equal(a->system, b->system);
}

static const char *words_of(const Carebus__V1__Allergy *allergy) {
        const Coded *substance = allergy->substance;

        return substance && substance->text      ? substance->text
               : substance && substance->display ? substance->display
                                                 : allergy->text;
}

static const Coded *substance_code(const Carebus__V1__Allergy *allergy, size_t i) {
        return i == 0 ? allergy->substance : allergy->further_codes[i - 1];
}

/* By any code that both have, else by the words. */
static bool substances_same(const Carebus__V1__Allergy *a, const Carebus__V1__Allergy *b) {
        const char *x = words_of(a), *y = words_of(b);

        for (size_t i = 0; i <= a->n_further_codes; i++)
                for (size_t j = 0; j <= b->n_further_codes; j++)
                        if (codes_same(substance_code(a, i), substance_code(b, j)))
                                return true;
        return x && y && x[0] && strcasecmp(x, y) == 0;
}

static bool allergies_differ(const Stood *a, const Stood *b) {
        const char *x = a->standing->says, *y = b->standing->says;

        if (text_equal(x, "active") && text_equal(y, "none-known"))
                return true;
        return text_equal(x, "active") && text_equal(y, "refuted") &&
               substances_same(a->fact->allergy, b->fact->allergy);
}

/* "consent/share/SCOPE": without a scope it is about all. */
static bool consents_differ(const Stood *a, const Stood *b) {
        const char *x = a->standing->topic + strlen(CONSENTS), *y = b->standing->topic + strlen(CONSENTS);
        size_t n_x = strcspn(x, "/"), n_y = strcspn(y, "/");
        const char *scope_x = x[n_x] ? x + n_x + 1 : "", *scope_y = y[n_y] ? y + n_y + 1 : "";

        return text_equal(a->standing->says, "given") && text_equal(b->standing->says, "refused") && n_x == n_y &&
               strncmp(x, y, n_x) == 0 && (!scope_x[0] || !scope_y[0] || strcmp(scope_x, scope_y) == 0);
}

typedef struct SourceTopic {
        const char *topic, *section, *path, *reason;
        /* In this order; they are of two sources, and both stand. */
        bool (*differ)(const Stood *a, const Stood *b);
} SourceTopic;

static const SourceTopic source_topics[] = {
        { ALLERGIES, "allergies", "allergy", "allergies-differ", allergies_differ },
        { CONSENTS, "consent", "consent", "consents-differ", consents_differ },
};

/* What the first of two says makes the conflict: an allergy, a consent. */
static int pair_want(Look *look, const SourceTopic *topic, const Stood *a, const Stood *b) {
        Arena *arena = look->work->arena;
        const char *key = text_joined(arena, topic->section, "/", a->standing->topic + strlen(topic->topic), NULL);
        Wanted *wanted = NULL;
        int r;

        for (size_t i = 0; key && i < look->n_wanted; i++)
                if (strcmp(look->wanted[i].key, key) == 0)
                        wanted = &look->wanted[i];
        if (!wanted)
                wanted = look_want(look, key, topic->section, topic->path, topic->reason);
        r = wanted_claim(look, wanted, a->fact->event_id,
                         text_joined(arena, a->standing->fact, "=", a->standing->says, NULL));
        return r
                       ?: wanted_claim(look, wanted, b->fact->event_id,
                                       text_joined(arena, b->standing->fact, "=", b->standing->says, NULL));
}

/* Of all that stand, do two sources say two things at all? Most people's never do, and nothing more is read. */
static int topic_may_differ(Look *look, const SourceTopic *topic, bool *ret) {
        const char *says = NULL;

        *ret = false;
        for (size_t i = 0; i < look->n_members; i++) {
                Carebus__V1__StoredStandings *all;
                int r = standings_get(look->work, look->members[i]->patient_id, &all);

                if (r)
                        return r;
                *ret = *ret || look->members[i]->n_moves > 0;
                for (size_t j = 0; j < all->n_decisions; j++) {
                        const Carebus__V1__Standing *standing = all->decisions[j];

                        if (!standing->stands || !standing->topic || !text_starts_with(standing->topic, topic->topic))
                                continue;
                        *ret = *ret || (says && !text_equal(says, standing->says));
                        says = standing->says;
                }
        }
        return 0;
}

static int look_at_topic(Look *look, const SourceTopic *topic) {
        Stood **stood;
        size_t n_stood;
        bool may;
        int r;

        r = topic_may_differ(look, topic, &may);
        if (r || !may)
                return r;
        r = standings_facts(look->work, look->members, look->n_members, topic->topic, &stood, &n_stood);
        for (size_t i = 0; r == 0 && i < n_stood; i++)
                for (size_t j = 0; r == 0 && j < n_stood; j++)
                        if (stood[i]->standing->stands && stood[j]->standing->stands &&
                            !text_equal(stood[i]->fact->source, stood[j]->fact->source) &&
                            topic->differ(stood[i], stood[j]))
                                r = pair_want(look, topic, stood[i], stood[j]);
        return r;
}

int look_at_topics(Look *look) {
        int r = look_at_decisions(look);

        for (size_t i = 0; r == 0 && i < ELEMENTSOF(source_topics); i++)
                r = look_at_topic(look, &source_topics[i]);
        return r;
}
