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

bool decisions_conflict(const Fact *a, const Fact *b) {
        if (!has_code(a, DECISION_STANDS) || !has_code(b, DECISION_STANDS) || a->decision->kind != b->decision->kind)
                return false;
        if (decision_rank(a->decision) > 1 || decision_rank(b->decision) > 1)
                return false;
        /* A copy that says another scope than the original is no copy of it. */
        return decision_words_differ(a->decision, b->decision) ||
               (decision_scopes_differ(a->decision, b->decision) && decisions_are_one(a, b));
}

static int notes_add(Carebus__V1__CprOverview *overview, const Fact *fact, Arena *arena) {
        for (size_t i = 0; i < fact->n_standing; i++) {
                bool known = strcmp(fact->standing[i], DECISION_STANDS) == 0 || strcmp(fact->standing[i], "copy") == 0;

                for (size_t j = 0; j < overview->n_notes && !known; j++)
                        known = strcmp(overview->notes[j], fact->standing[i]) == 0;
                if (!known && list_append((void ***)&overview->notes, &overview->n_notes, fact->standing[i], arena) < 0)
                        return -ENOMEM;
        }
        return 0;
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
                { "not-valid-yet", WEIGHT_LATER },
        };

        for (size_t i = 0; i < ELEMENTSOF(weights); i++)
                if (has_code(fact, weights[i].code))
                        return weights[i].weight;
        return WEIGHT_ENDED;
}

static bool any_conflict(Fact *const *decisions, size_t n_decisions) {
        for (size_t i = 0; i < n_decisions; i++)
                for (size_t j = 0; decisions[i]->decision->kind == KIND(CPR) && j < i; j++)
                        if (decisions_conflict(decisions[i], decisions[j]))
                                return true;
        return false;
}

int decisions_cpr(Fact *const *decisions, size_t n_decisions, size_t n_held, Arena *arena,
                  Carebus__V1__CprOverview **ret) {
        static const char *const states[] = {
                [WEIGHT_NONE] = "none-recorded",         [WEIGHT_ENDED] = "ended",    [WEIGHT_LATER] = "not-valid-yet",
                [WEIGHT_CONFIRM] = "stay-ended-confirm", [WEIGHT_STANDS] = "decided",
        };
        Carebus__V1__CprOverview *overview = message_new(&carebus__v1__cpr_overview__descriptor, arena);
        bool conflict = any_conflict(decisions, n_decisions);
        Weight most = WEIGHT_NONE;

        if (!overview)
                return -ENOMEM;
        for (size_t i = 0; i < n_decisions; i++)
                if (decisions[i]->decision->kind == KIND(CPR) && !has_code(decisions[i], "copy"))
                        most = MAX(most, weight_of(decisions[i]));
        overview->state = (char *)states[most];
        if (conflict)
                overview->state = (char *)"conflict";
        else if (n_held > 0 && most < WEIGHT_CONFIRM)
                overview->state = (char *)"held";
        for (size_t i = 0; i < n_decisions; i++) {
                const Fact *fact = decisions[i];
                bool counts = fact->decision->kind == KIND(CPR) && !has_code(fact, "copy") &&
                              (weight_of(fact) == most || (most == WEIGHT_STANDS && weight_of(fact) == WEIGHT_CONFIRM));

                if (!counts)
                        continue;
                if (list_append((void ***)&overview->event_ids, &overview->n_event_ids, fact->event_id, arena) < 0 ||
                    notes_add(overview, fact, arena) < 0)
                        return -ENOMEM;
        }
        *ret = overview;
        return 0;
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
