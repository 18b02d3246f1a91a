/* What decisions come to that stand to each other as decisions_stand() left them: contradictions, one word, dates. */
#include "daemon/record/decision-dates.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "daemon/record/body.h"
#include "daemon/record/decision-compare.h"
#include "daemon/record/decisions.h"

#define KIND(name) CAREBUS__V1__DECISION__KIND__KIND_##name

/* With so many each is compared, however many there are. */
#define CONFLICTS_LOOKED_AT 64

typedef Carebus__V1__Fact Fact;

bool decision_date_passed(const Carebus__V1__When *when, int64_t as_at) {
        Moment moment;

        return moment_of_when(when, &moment) && moment.until <= as_at;
}

/* Somebody looked at it on the day or later. */
static bool review_is_done(const Decision *decision) {
        Moment review, reviewed;

        return moment_of_when(decision->review_at, &review) && moment_of_when(decision->reviewed_at, &reviewed) &&
               !moment_is_before(reviewed, review);
}

bool decision_review_passed(const Decision *decision, int64_t as_at) {
        return decision_date_passed(decision->review_at, as_at) && !review_is_done(decision);
}

static bool has_code(const Fact *fact, const char *code) {
        for (size_t i = 0; i < fact->n_standing; i++)
                if (strcmp(fact->standing[i], code) == 0)
                        return true;
        return false;
}

/* Do they say different things, wherever they stand? */
static bool says_otherwise(const Fact *a, const Fact *b) {
        if (a->decision->kind != b->decision->kind || decision_rank(a->decision) > 1 || decision_rank(b->decision) > 1)
                return false;
        /* A copy that says another scope than the original is no copy of it. */
        return decision_words_differ(a->decision, b->decision) ||
               (decision_scopes_differ(a->decision, b->decision) && decisions_are_one(a, b));
}

bool decisions_conflict(const Fact *a, const Fact *b) {
        return has_code(a, DECISION_STANDS) && has_code(b, DECISION_STANDS) && says_otherwise(a, b);
}

static int note_add(Carebus__V1__CprOverview *overview, const char *note, Arena *arena) {
        for (size_t i = 0; i < overview->n_notes; i++)
                if (strcmp(overview->notes[i], note) == 0)
                        return 0;
        return list_append((void ***)&overview->notes, &overview->n_notes, (void *)note, arena);
}

static int notes_add(Carebus__V1__CprOverview *overview, const Fact *fact, Arena *arena) {
        int r = fact->which_person ? note_add(overview, DECISION_NOTE_WHICH_PERSON, arena) : 0;

        for (size_t i = 0; r == 0 && i < fact->n_standing; i++)
                if (strcmp(fact->standing[i], DECISION_STANDS) != 0)
                        r = note_add(overview, fact->standing[i], arena);
        return r;
}

/* How much one says of what is decided now: what stands, what has to be confirmed, what will hold, what is over. */
typedef enum Weight {
        WEIGHT_NONE, /* a mistake, a draft */
        WEIGHT_ENDED,
        WEIGHT_LATER,
        WEIGHT_CONFIRM,
        WEIGHT_STANDS,
} Weight;

static Weight weight_of(const Fact *fact) {
        static const struct {
                const char *code;
                Weight weight;
        } weights[] = {
                { "entered-in-error", WEIGHT_NONE },     { "draft", WEIGHT_NONE },
                { DECISION_STAY_ENDED, WEIGHT_CONFIRM }, { DECISION_STANDS, WEIGHT_STANDS },
                { "not-valid-yet", WEIGHT_LATER },       { "valid-until-passed", WEIGHT_ENDED },
        };

        for (size_t i = 0; i < ELEMENTSOF(weights); i++)
                if (has_code(fact, weights[i].code))
                        return weights[i].weight;
        /* A copy whose original this reader does not see says all that the original says. */
        return has_code(fact, "copy") && text_equal(fact->status, "current") ? WEIGHT_STANDS : WEIGHT_ENDED;
}

/* What the word on resuscitation is made of: decisions about it, each once. */
typedef struct CprClaims {
        const Fact **facts;
        size_t n;
        bool refusal; /* an advance decision to refuse treatment stands beside them */
} CprClaims;

/* Is it told already by the original that it repeats? Whoever sees the copy alone has nothing but the copy. */
static bool is_repeat(const Fact *fact, Fact *const *decisions, size_t n_decisions) {
        for (size_t i = 0; has_code(fact, "copy") && i < n_decisions; i++)
                if (decisions[i] != fact && text_equal(decisions[i]->event_id, fact->copy_of))
                        return true;
        return false;
}

static bool refuses(const Fact *fact) {
        const Decision *decision = fact->decision;

        return decision->kind == KIND(ADRT) && text_equal(fact->status, "current") &&
               (has_code(fact, DECISION_STANDS) || has_code(fact, "copy")) &&
               (!decision->has_life_sustaining || decision->life_sustaining);
}

static int cpr_claims(Fact *const *decisions, size_t n_decisions, Arena *arena, CprClaims *ret) {
        ret->facts = arena_alloc(arena, (n_decisions + 1) * sizeof(*ret->facts));
        if (!ret->facts)
                return -ENOMEM;
        for (size_t i = 0; i < n_decisions; i++) {
                ret->refusal = ret->refusal || refuses(decisions[i]);
                if (decisions[i]->decision->kind == KIND(CPR) && !is_repeat(decisions[i], decisions, n_decisions))
                        ret->facts[ret->n++] = decisions[i];
        }
        return 0;
}

/* Who contradicts any contradicts one of the newest, or these contradict each other.
 * Copies whose originals are out of sight contradict each other as these do. */
static bool any_conflict(const CprClaims *claims) {
        for (size_t i = 0; i < claims->n; i++) {
                const Fact *one = claims->facts[i];

                if (!has_code(one, DECISION_STANDS) && weight_of(one) != WEIGHT_STANDS)
                        continue;
                for (size_t j = 0; j < MIN(i, (size_t)CONFLICTS_LOOKED_AT); j++) {
                        const Fact *other = claims->facts[j];

                        if ((has_code(other, DECISION_STANDS) || weight_of(other) == WEIGHT_STANDS) &&
                            says_otherwise(one, other))
                                return true;
                }
        }
        return false;
}

static const char *cpr_state(const CprClaims *claims, Weight most, size_t n_held) {
        static const char *const states[] = {
                [WEIGHT_NONE] = "none-recorded",         [WEIGHT_ENDED] = "ended",    [WEIGHT_LATER] = "not-valid-yet",
                [WEIGHT_CONFIRM] = "stay-ended-confirm", [WEIGHT_STANDS] = "decided",
        };

        if (any_conflict(claims))
                return "conflict";
        return n_held > 0 && most < WEIGHT_CONFIRM ? "held" : states[most];
}

int decisions_cpr(Fact *const *decisions, size_t n_decisions, size_t n_held, Arena *arena,
                  Carebus__V1__CprOverview **ret) {
        Carebus__V1__CprOverview *overview = message_new(&carebus__v1__cpr_overview__descriptor, arena);
        Weight most = WEIGHT_NONE;
        CprClaims claims = {};
        int r;

        if (!overview || cpr_claims(decisions, n_decisions, arena, &claims) < 0)
                return -ENOMEM;
        for (size_t i = 0; i < claims.n; i++)
                most = MAX(most, weight_of(claims.facts[i]));
        overview->state = (char *)cpr_state(&claims, most, n_held);
        for (size_t i = 0; i < claims.n; i++) {
                const Fact *fact = claims.facts[i];
                Weight weight = weight_of(fact);

                if (weight != most && (most != WEIGHT_STANDS || weight != WEIGHT_CONFIRM))
                        continue;
                if (list_append((void ***)&overview->event_ids, &overview->n_event_ids, fact->event_id, arena) < 0 ||
                    notes_add(overview, fact, arena) < 0)
                        return -ENOMEM;
        }
        r = n_held > 0 ? note_add(overview, DECISION_NOTE_HELD, arena) : 0;
        if (r == 0 && claims.refusal)
                r = note_add(overview, DECISION_NOTE_REFUSAL, arena);
        if (r == 0)
                *ret = overview;
        return r;
}

int64_t decisions_due(Fact *const *decisions, size_t n_decisions, int64_t after) {
        int64_t due = INT64_MAX;

        for (size_t i = 0; i < n_decisions; i++) {
                const Decision *decision = decisions[i]->decision;
                Moment moment;

                if (!text_equal(decisions[i]->status, "current"))
                        continue;
                if (moment_of_when(decision->review_at, &moment) && !review_is_done(decision) && moment.until > after)
                        due = MIN(due, moment.until);
                if (decision->valid && moment_of_when(decision->valid->start, &moment) && moment.from > after)
                        due = MIN(due, moment.from);
                if (decision->valid && moment_of_when(decision->valid->end, &moment) && moment.until > after)
                        due = MIN(due, moment.until);
        }
        return due;
}

int64_t decision_passed(const Fact *fact, int64_t as_at) {
        const Decision *decision = fact->decision;
        int64_t passed = INT64_MIN;
        Moment moment;

        if (decision_review_passed(decision, as_at) && moment_of_when(decision->review_at, &moment))
                passed = moment.until;
        if (decision->valid && decision_date_passed(decision->valid->end, as_at) &&
            moment_of_when(decision->valid->end, &moment))
                passed = MAX(passed, moment.until);
        return passed;
}
