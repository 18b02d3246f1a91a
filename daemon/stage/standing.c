#include "daemon/stage/standing.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "daemon/record/decisions.h"
#include "daemon/record/keys.h"
#include "daemon/record/plain.h"
#include "daemon/stage/due.h"
#include "proto/types.h"

/* Of one person; of the source that has most of them, what does not stand goes first. */
#define STANDINGS_MAX 256

typedef Carebus__V1__Standing Standing;
typedef Carebus__V1__StoredStandings StoredStandings;

int standings_get(FoldWork *work, const char *patient_id, StoredStandings **ret) {
        StateKey key = state_key_section(patient_id, SECTION_STANDING);
        int r;

        if (text_equal(work->standings_of, patient_id)) {
                *ret = work->standings;
                return 0;
        }
        r = work_get(work, STATE_SECTION, &key, &carebus__v1__stored_standings__descriptor, (ProtobufCMessage **)ret);
        if (r == STATE_E_NOT_FOUND) {
                *ret = message_new(&carebus__v1__stored_standings__descriptor, work->arena);
                r = *ret ? 0 : -ENOMEM;
        }
        if (r == 0) {
                work->standings_of = arena_text(work->arena, patient_id, strlen(patient_id));
                work->standings = *ret;
        }
        return r ?: work->standings_of ? 0 : -ENOMEM;
}

/* ---- what a fact says, in a word --------------------------------------------------------------------------------------------- */

/* Where a fact stands among others that may contradict it. */
typedef struct Word {
        char *topic; /* NULL: nothing can contradict it */
        const char *says;
        bool stands;
} Word;

static const char *const decision_topics[] = {
        [CAREBUS__V1__DECISION__KIND__KIND_UNKNOWN] = "decision",
        [CAREBUS__V1__DECISION__KIND__KIND_CPR] = "cpr",
        [CAREBUS__V1__DECISION__KIND__KIND_ADRT] = "adrt",
        [CAREBUS__V1__DECISION__KIND__KIND_LPA] = "lpa",
        [CAREBUS__V1__DECISION__KIND__KIND_TREATMENT_ESCALATION] = "treatment-escalation",
        [CAREBUS__V1__DECISION__KIND__KIND_PREFERRED_PLACE_OF_DEATH] = "place-of-death",
        [CAREBUS__V1__DECISION__KIND__KIND_PREFERRED_PLACE_OF_CARE] = "place-of-care",
        [CAREBUS__V1__DECISION__KIND__KIND_ADVANCE_STATEMENT] = "advance-statement",
        [CAREBUS__V1__DECISION__KIND__KIND_DONATION] = "donation",
        [CAREBUS__V1__DECISION__KIND__KIND_OTHER] = "other",
};

bool standing_is_decision(const Standing *standing) {
        for (size_t i = 0; i < ELEMENTSOF(decision_topics); i++)
                if (text_equal(decision_topics[i], standing->topic))
                        return true;
        return false;
}

static int decision_word(const Carebus__V1__Fact *fact, Arena *arena, Word *ret) {
        const Carebus__V1__Decision *decision = fact->decision;
        size_t kind = decision->has_kind ? (size_t)decision->kind : 0;

        *ret = (Word){
                .topic = (char *)decision_topics[kind < ELEMENTSOF(decision_topics) ? kind : 0],
                .says = plain_decision_says(decision, arena),
                .stands = text_equal(fact->status, "current") &&
                          decision->status != CAREBUS__V1__DECISION__STATUS__STATUS_DRAFT,
        };
        return ret->says ? 0 : -ENOMEM;
}

/* What somebody is allergic to, or said not to be. What is only over (resolved, inactive) contradicts nobody. */
static int allergy_word(const Carebus__V1__Fact *fact, Arena *arena, Word *ret) {
        const Carebus__V1__Allergy *allergy = fact->allergy;
        bool none = allergy->has_none_known && allergy->none_known;
        const char *substance;

        *ret = (Word){ .topic = (char *)"allergy/" };
        substance = none ? "" : plain_allergy_substance(allergy, arena);
        if (substance && substance[0])
                ret->topic = text_joined(arena, "allergy/", substance, NULL, NULL);
        if (!substance || !ret->topic)
                return -ENOMEM;
        if (text_equal(fact->status, "current"))
                ret->says = none ? "none-known" : "active";
        else if (text_equal(allergy->status, "refuted") && text_equal(fact->status, "ended"))
                ret->says = "refuted";
        ret->stands = ret->says != NULL;
        return 0;
}

static int consent_word(const Carebus__V1__Fact *fact, Arena *arena, Word *ret) {
        static const char *const says[] = {
                [CAREBUS__V1__CONSENT__STATE__STATE_GIVEN] = "given",
                [CAREBUS__V1__CONSENT__STATE__STATE_REFUSED] = "refused",
                [CAREBUS__V1__CONSENT__STATE__STATE_WITHDRAWN] = "refused",
                [CAREBUS__V1__CONSENT__STATE__STATE_IMPLIED] = NULL,
        };
        const Carebus__V1__Consent *consent = fact->consent;
        size_t state = consent->has_state ? (size_t)consent->state : 0;

        *ret = (Word){ .topic = text_joined(arena, "consent/", fact->key, NULL, NULL) };
        if (!ret->topic)
                return -ENOMEM;
        if (text_equal(fact->status, "current") && state < ELEMENTSOF(says))
                ret->says = says[state];
        ret->stands = ret->says != NULL;
        return 0;
}

static int word_of(const Carebus__V1__Fact *fact, Arena *arena, Word *ret) {
        switch (fact->value_case) {
        case CAREBUS__V1__FACT__VALUE_DECISION:
                return decision_word(fact, arena, ret);
        case CAREBUS__V1__FACT__VALUE_ALLERGY:
                return allergy_word(fact, arena, ret);
        case CAREBUS__V1__FACT__VALUE_CONSENT:
                return consent_word(fact, arena, ret);
        default:
                return 0;
        }
}

/* ---- keeping it ------------------------------------------------------------------------------------------------------------- */

/* Of two facts, as their sections name them: SECTION/SOURCE/KEY. */
static bool sources_same(const Standing *a, const Standing *b) {
        const char *x = strchr(a->fact, '/'), *y = strchr(b->fact, '/');
        size_t n = x ? strcspn(x + 1, "/") : 0;

        return x && y && strncmp(x + 1, y + 1, n) == 0 && (y[n + 1] == '/' || !y[n + 1]);
}

/* How little is lost with it: what does not stand, then what is no decision. */
static unsigned standing_rank(const Standing *standing) {
        return !standing->stands ? 2 : !standing_is_decision(standing);
}

/* Whoever fills it loses its own: what others said stays, so that nobody's decision is forgotten for the many of another. */
static void standings_bound(StoredStandings *all) {
        size_t drop = 0, most = 0;

        if (all->n_decisions <= STANDINGS_MAX)
                return;
        for (size_t i = 0, n = 0; i < all->n_decisions; i++) {
                bool counted = i > 0 && sources_same(all->decisions[i], all->decisions[i - 1]);

                n = counted ? n : 0;
                for (size_t j = 0; !counted && j < all->n_decisions; j++)
                        n += sources_same(all->decisions[i], all->decisions[j]);
                if (n < most || (n == most && standing_rank(all->decisions[i]) <= standing_rank(all->decisions[drop])))
                        continue;
                drop = i;
                most = n;
        }
        memmove(&all->decisions[drop], &all->decisions[drop + 1],
                (all->n_decisions - drop - 1) * sizeof(*all->decisions));
        all->n_decisions--;
}

static Standing *standing_find(const StoredStandings *all, const char *name) {
        for (size_t i = 0; i < all->n_decisions; i++)
                if (strcmp(all->decisions[i]->fact, name) == 0)
                        return all->decisions[i];
        return NULL;
}

/* From now on it is waited for what time changes; what has passed when it comes is no news. */
static int decision_wait(FoldWork *work, const char *patient_id, Carebus__V1__Fact *fact, StoredStandings *all,
                         Standing *standing) {
        int64_t due = decisions_due(&fact, 1, work->received_at), passed = decision_passed(fact, work->received_at);

        if (passed != INT64_MIN) {
                standing->has_told_at = 1;
                standing->told_at = passed;
        }
        all->has_as_at = 1;
        all->as_at = MAX(all->as_at, work->received_at);
        return due == INT64_MAX ? 0 : due_add(work, due, DUE_DECISION, patient_id);
}

static bool standing_is(const Standing *standing, const Word *word, const Carebus__V1__StoredFact *stored) {
        return text_equal(standing->topic, word->topic) && text_equal(standing->says, word->says) &&
               standing->stands == word->stands && text_equal(standing->event_id, stored->fact->event_id);
}

int standing_keep(FoldWork *work, const char *patient_id, const char *name, const Carebus__V1__StoredFact *stored,
                  bool *ret_changed) {
        StateKey key = state_key_section(patient_id, SECTION_STANDING);
        bool is_decision = stored->fact->value_case == CAREBUS__V1__FACT__VALUE_DECISION;
        Standing *standing;
        StoredStandings *all;
        Word word = {};
        int r;

        if (!stored->fact->event_id)
                return 0;
        r = word_of(stored->fact, work->arena, &word);
        if (r || !word.topic)
                return r;
        /* What came back says nothing by itself, whoever says what it says. */
        if (stored->fact->echo)
                is_decision = word.stands = false;
        r = standings_get(work, patient_id, &all);
        if (r)
                return r;
        standing = standing_find(all, name);
        if (standing ? standing_is(standing, &word, stored) : !word.stands && !is_decision)
                return 0;
        if (!standing) {
                standing = message_new(&carebus__v1__standing__descriptor, work->arena);
                if (!standing || list_append((void ***)&all->decisions, &all->n_decisions, standing, work->arena) < 0)
                        return -ENOMEM;
        }
        standing->fact = (char *)name;
        standing->topic = word.topic;
        standing->event_id = stored->fact->event_id;
        standing->stamp = stored->newest;
        standing->has_stands = 1;
        standing->stands = word.stands;
        standing->says = (char *)word.says;
        *ret_changed = true;
        if (is_decision)
                r = decision_wait(work, patient_id, stored->fact, all, standing);
        standings_bound(all);
        return r ?: work_put(work, STATE_SECTION, &key, &all->base);
}
