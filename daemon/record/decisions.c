#include "daemon/record/decisions.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "daemon/record/body.h"
#include "daemon/record/decision-compare.h"
#include "daemon/record/decision-dates.h"

#define KIND(name) CAREBUS__V1__DECISION__KIND__KIND_##name
#define SCOPE(name) CAREBUS__V1__DECISION__SCOPE__SCOPE_##name
#define STATUS(name) CAREBUS__V1__DECISION__STATUS__STATUS_##name

/* Of one kind, each is compared with each, the newest of so many. More than anybody decides in earnest: the others stand by
 * themselves, and what nobody has compared is neither a copy nor superseded. */
#define COMPARED_MAX 512
/* Who takes the place of one. */
#define SUPERSEDED_BY_MAX 16

typedef Carebus__V1__Fact Fact;

/* One decision, as its source says it, among the others of its kind. */
typedef struct Claim {
        Fact *fact;
        const Decision *decision;
        Moment decided;
        bool dated;
        bool said;       /* by the source: neither ended, nor a mistake, nor a draft */
        size_t original; /* index of the claim that this one copies; its own: it is none */
        bool superseded;
        char **by; /* of an original: the events of what takes its place */
        size_t n_by;
} Claim;

typedef struct Standing {
        Claim *claims; /* of one kind */
        size_t n_claims;
        size_t n_compared; /* of them: beyond these each stands for itself */
        Carebus__V1__Fact *const *encounters;
        size_t n_encounters;
        int64_t as_at;
        Arena *arena;
} Standing;

static bool status_is(const Fact *fact, const char *status) {
        return text_equal(fact->status, status);
}

static bool is_mistake(const Fact *fact) {
        return status_is(fact, "entered-in-error");
}

static bool is_draft(const Fact *fact) {
        return fact->decision->has_status && fact->decision->status == STATUS(DRAFT);
}

static int code_add(Fact *fact, const char *code, Arena *arena) {
        return list_append((void ***)&fact->standing, &fact->n_standing, (void *)code, arena);
}

/* ---- order ----------------------------------------------------------------------------------------------------------------- */

static int number_order(int64_t a, int64_t b) {
        return a == b ? 0 : a < b ? -1 : 1;
}

/* By kind, then the newest decision first; the rest only makes the order the same everywhere. */
static int fact_order(const void *left, const void *right) {
        const Fact *a = *(Fact *const *)left, *b = *(Fact *const *)right;
        Moment x = {}, y = {};
        int order = number_order(a->decision->kind, b->decision->kind);

        decision_moment(a, &x);
        decision_moment(b, &y);
        order = order ?: number_order(y.from, x.from) ?: number_order(b->first_said_at, a->first_said_at);
        order = order ?: strcmp(a->key ?: "", b->key ?: "") ?: strcmp(a->source ?: "", b->source ?: "");
        return order ?: strcmp(a->from_patient_id ?: "", b->from_patient_id ?: "");
}

/* ---- copies ---------------------------------------------------------------------------------------------------------------- */

/* Whoever gave a decision its number is where it comes from: carebus:hospital is the number of the source "hospital". */
static bool numbers_itself(const Claim *claim) {
        static const char prefix[] = "carebus:";
        const Carebus__V1__Identifier *number = claim->decision->identifier;
        size_t n_source = claim->fact->source ? strlen(claim->fact->source) : 0;
        const char *authority;

        if (!number || !number->system || !text_starts_with(number->system, prefix) || n_source == 0)
                return false;
        authority = number->system + strlen(prefix);
        return strncmp(authority, claim->fact->source, n_source) == 0 &&
               (authority[n_source] == '\0' || authority[n_source] == ':');
}

/* Is `a` the one that `b` was made from? Of a shared number, whoever gave it; else who said it first. */
static bool comes_before(const Claim *a, const Claim *b) {
        bool numbered_a = numbers_itself(a), numbered_b = numbers_itself(b);
        int order;

        if (decisions_share_number(a->decision, b->decision) && numbered_a != numbered_b)
                return numbered_a;
        order = number_order(a->fact->first_said_at, b->fact->first_said_at);
        order = order ?: strcmp(a->fact->source ?: "", b->fact->source ?: "");
        return (order ?: strcmp(a->fact->key ?: "", b->fact->key ?: "")) < 0;
}

/* The same decision, told by two systems, in words that do not contradict each other. */
static bool is_copy(const Claim *a, const Claim *b) {
        bool silent = (!a->said && decision_is_silent(a->decision)) || (!b->said && decision_is_silent(b->decision));

        if (text_equal(a->fact->source, b->fact->source) || is_draft(a->fact) || is_draft(b->fact) ||
            is_mistake(b->fact) || !decisions_are_one(a->fact, b->fact))
                return false;
        /* A form that is written anew keeps its number, an order does not. */
        if (a->dated && b->dated && !moments_overlap(a->decided, b->decided) &&
            !decisions_share_order(a->decision, b->decision))
                return false;
        /* Whoever gave a number has ended what goes by it, whatever others have made of it. */
        silent = silent || (!a->said && numbers_itself(a) && decisions_share_number(a->decision, b->decision));
        return silent ||
               (!decision_words_differ(a->decision, b->decision) && !decision_scopes_differ(a->decision, b->decision));
}

static void originals_find(Standing *standing) {
        for (size_t i = 0; i < standing->n_claims; i++)
                standing->claims[i].original = i;
        for (size_t i = 0; i < standing->n_compared; i++) {
                Claim *copy = &standing->claims[i];

                for (size_t j = 0; j < standing->n_compared; j++)
                        if (j != i && is_copy(&standing->claims[j], copy) && comes_before(&standing->claims[j], copy) &&
                            (copy->original == i ||
                             comes_before(&standing->claims[j], &standing->claims[copy->original])))
                                copy->original = j;
        }
        /* What was relayed twice comes from where the first relay took it. */
        for (size_t i = 0; i < standing->n_compared; i++) {
                size_t root = i;

                for (size_t n = 0; n < standing->n_compared && standing->claims[root].original != root; n++)
                        root = standing->claims[root].original;
                standing->claims[i].original = root;
        }
}

/* ---- what takes the place of what ------------------------------------------------------------------------------------------ */

static bool is_preference(const Decision *decision) {
        return decision_rank(decision) > 0;
}

/* Somebody who tells one service another wish has changed it. */
static bool wish_changed(const Claim *newer, const Claim *older) {
        return is_preference(newer->decision) && decision_rank(newer->decision) == decision_rank(older->decision) &&
               text_equal(newer->fact->source, older->fact->source) && moment_is_before(older->decided, newer->decided);
}

/* Only what names another takes its place, and never one that was decided later. */
static bool takes_place_of(const Claim *newer, const Claim *older) {
        if (newer == older || is_mistake(newer->fact) || is_draft(newer->fact) ||
            newer->decision->kind != older->decision->kind || moment_is_before(newer->decided, older->decided))
                return false;
        if (decision_replaces(newer->decision, older->decision) || wish_changed(newer, older))
                return true;
        return newer->said && newer->dated && older->dated && moment_is_before(older->decided, newer->decided) &&
               decision_rank(newer->decision) == decision_rank(older->decision) &&
               decisions_share_number(newer->decision, older->decision);
}

/* Which decision takes the place of which, whichever copies of them say so: a square of bits, originals only. */
typedef struct Successions {
        uint8_t *bits;
        size_t n;
} Successions;

static bool succession_is_known(const Successions *all, size_t newer, size_t older) {
        size_t bit = newer * all->n + older;

        return all->bits[bit / 8] & 1U << bit % 8;
}

static void succession_add(Successions *all, size_t newer, size_t older) {
        size_t bit = newer * all->n + older;

        if (newer != older)
                all->bits[bit / 8] |= (uint8_t)(1U << bit % 8);
}

/* Of several that take its place the newest is named last; of very many, the newest. */
static int superseded_by(Standing *standing, const Successions *all, size_t older) {
        Claim *claim = &standing->claims[older];
        size_t n_by = 0;
        char **by = NULL;

        for (size_t i = 0; i < all->n && n_by < SUPERSEDED_BY_MAX; i++)
                if (succession_is_known(all, i, older) && !succession_is_known(all, older, i) &&
                    list_append((void ***)&by, &n_by, standing->claims[i].fact->event_id, standing->arena) < 0)
                        return -ENOMEM;
        for (size_t i = 0; i < n_by / 2; i++) {
                char *event_id = by[i];

                by[i] = by[n_by - 1 - i];
                by[n_by - 1 - i] = event_id;
        }
        claim->superseded = n_by > 0;
        claim->by = by;
        claim->n_by = n_by;
        return 0;
}

/* Two that name each other leave both. */
static int superseded_find(Standing *standing) {
        Successions all = { .n = standing->n_compared };
        int r = 0;

        all.bits = arena_alloc(standing->arena, all.n * all.n / 8 + 1);
        if (!all.bits)
                return -ENOMEM;
        memset(all.bits, 0, all.n * all.n / 8 + 1);
        for (size_t i = 0; i < all.n; i++)
                for (size_t j = 0; j < all.n; j++)
                        if (takes_place_of(&standing->claims[i], &standing->claims[j]))
                                succession_add(&all, standing->claims[i].original, standing->claims[j].original);
        for (size_t i = 0; r == 0 && i < all.n; i++)
                r = superseded_by(standing, &all, i);
        for (size_t i = 0; r == 0 && i < all.n; i++) {
                Fact *fact = standing->claims[i].fact;

                fact->superseded_by = standing->claims[standing->claims[i].original].by;
                fact->n_superseded_by = standing->claims[standing->claims[i].original].n_by;
        }
        return r;
}

/* ---- what ends with what --------------------------------------------------------------------------------------------------- */

static void fact_end(Fact *fact, const char *status, const char *reason, char *by) {
        fact->status = (char *)status;
        fact->end_reason = (char *)reason;
        fact->ended_by_event_id = by;
}

/* A copy ends with the original; an original only where who ended the copy had the right to end the decision. */
static void ends_follow(Standing *standing) {
        for (size_t i = 0; i < standing->n_claims; i++) {
                Claim *copy = &standing->claims[i], *original = &standing->claims[copy->original];

                if (copy == original || copy->said || !original->said || is_mistake(copy->fact) ||
                    status_is(copy->fact, "superseded") || !decision_ended_by_authority(copy->fact, original->fact))
                        continue;
                fact_end(original->fact, "ended", DECISION_END_AUTHORITY, copy->fact->event_id);
                original->said = false;
        }
        for (size_t i = 0; i < standing->n_claims; i++) {
                Claim *claim = &standing->claims[i], *original = &standing->claims[claim->original];

                if (original->superseded && claim->said) {
                        fact_end(claim->fact, "superseded", "replaced",
                                 claim->fact->superseded_by[claim->fact->n_superseded_by - 1]);
                        claim->said = false;
                } else if (claim != original && claim->said && !original->said) {
                        fact_end(claim->fact, "ended", DECISION_END_COPY, original->fact->event_id);
                        claim->said = false;
                }
        }
}

/* ---- what is said of it ---------------------------------------------------------------------------------------------------- */

static bool identifier_same(const Carebus__V1__Identifier *a, const Carebus__V1__Identifier *b) {
        return a && b && a->value && a->value[0] && text_equal(a->value, b->value) && text_equal(a->system, b->system);
}

static bool is_stay(const Fact *encounter, const Carebus__V1__Identifier *stay) {
        const Carebus__V1__Encounter *body = encounter->encounter;

        if (encounter->value_case != CAREBUS__V1__FACT__VALUE_ENCOUNTER || !body)
                return false;
        for (size_t i = 0; i < body->n_further_identifiers; i++)
                if (identifier_same(body->further_identifiers[i], stay))
                        return true;
        return identifier_same(body->identifier, stay);
}

/* Nobody is kept in a clinic: that it is over says nothing of where a decision holds. */
static bool is_out_patient(const Fact *encounter) {
        static const char *const classes[] = { "AMB", "VR", "HH" };
        const Carebus__V1__Coded *class = encounter->encounter->class_;

        for (size_t i = 0; class && class->code && i < ELEMENTSOF(classes); i++)
                if (strcmp(class->code, classes[i]) == 0)
                        return true;
        return false;
}

/* Was it decided in a stay that is over? The source that made the decision knows that best; else all who know the stay have to say
 * so. */
static bool stay_has_ended(const Standing *standing, const Claim *claim) {
        const Carebus__V1__Identifier *stay = claim->decision->scope_encounter ?: claim->fact->encounter_id;
        bool ended = false, goes_on = false;

        for (size_t i = 0; stay && i < standing->n_encounters; i++) {
                const Fact *encounter = standing->encounters[i];

                if (!is_stay(encounter, stay) ||
                    (claim->decision->scope != SCOPE(THIS_STAY) && is_out_patient(encounter)))
                        continue;
                if (text_equal(encounter->source, claim->fact->source))
                        return !status_is(encounter, "current");
                ended = ended || !status_is(encounter, "current");
                goes_on = goes_on || status_is(encounter, "current");
        }
        return ended && !goes_on;
}

/* The hours of a stay as its source tells them; false: nobody says when it began. */
static bool stay_moment(const Fact *encounter, Moment *ret) {
        const Carebus__V1__Encounter *body = encounter->encounter;
        Moment left;

        if (!moment_of_when(body->admitted_at, ret))
                return false;
        ret->until = moment_of_when(body->discharged_at, &left) ? left.until : INT64_MAX;
        return true;
}

/* Nobody named the stay, but its source had the person in a bed when it was decided, and has not any more. */
static bool stay_probably_ended(const Standing *standing, const Claim *claim) {
        bool ended = false;

        for (size_t i = 0; i < standing->n_encounters; i++) {
                const Fact *encounter = standing->encounters[i];
                Moment stay;

                if (encounter->value_case != CAREBUS__V1__FACT__VALUE_ENCOUNTER || !encounter->encounter ||
                    !text_equal(encounter->source, claim->fact->source) || is_out_patient(encounter))
                        continue;
                if (!stay_moment(encounter, &stay) || !moments_overlap(stay, claim->decided))
                        continue;
                if (status_is(encounter, "current"))
                        return false;
                ended = ended || status_is(encounter, "ended");
        }
        return ended;
}

/* Kinds of which it matters whether they hold at home as well. */
static bool has_scope(const Decision *decision) {
        return decision->kind == KIND(CPR) || decision->kind == KIND(TREATMENT_ESCALATION);
}

static bool starts_later(const Decision *decision, int64_t as_at) {
        Moment start;

        return decision->valid && moment_of_when(decision->valid->start, &start) && start.from > as_at;
}

/* The codes of one that its source still says. What hides it is said first; what only has to be known of it follows. */
static int codes_of_said(const Standing *standing, const Claim *claim) {
        const Decision *decision = claim->decision;
        bool unsaid = has_scope(decision) && (!decision->has_scope || decision->scope == SCOPE(UNKNOWN));
        bool named = decision->scope_encounter || claim->fact->encounter_id;
        bool of_stay = unsaid || (decision->has_scope && decision->scope == SCOPE(THIS_STAY));
        bool confirm = of_stay && (named ? stay_has_ended(standing, claim) : stay_probably_ended(standing, claim));
        bool later = starts_later(decision, standing->as_at);
        bool over = decision->valid && decision_date_passed(decision->valid->end, standing->as_at);
        bool is_original = &standing->claims[claim->original] == claim;
        const struct {
                bool is;
                const char *code;
        } codes[] = {
                { is_original && !later && !over && (!confirm || unsaid || !named), DECISION_STANDS },
                { !is_original, "copy" },
                { later, "not-valid-yet" },
                { over, "valid-until-passed" },
                { confirm, DECISION_STAY_ENDED },
                { unsaid, "scope-not-said" },
                { !claim->dated, "date-not-said" },
                { decision_review_passed(decision, standing->as_at), "review-passed" },
                { decision->has_status && decision->status == STATUS(SUSPENDED), "suspended" },
        };

        for (size_t i = 0; i < ELEMENTSOF(codes); i++)
                if (codes[i].is && code_add(claim->fact, codes[i].code, standing->arena) < 0)
                        return -ENOMEM;
        return 0;
}

/* A system that closes what it knows of somebody who leaves has decided nothing. */
static bool is_closed_by_discharge(const Decision *decision) {
        static const char word[] = "DISCHAUTO";
        const Carebus__V1__Coded *reason = decision->end_reason;

        return reason && (text_equal(reason->code, word) || text_equal(reason->text, word) ||
                          (reason->original && text_equal(reason->original->code, word)));
}

static int codes_write(const Standing *standing, const Claim *claim) {
        Fact *fact = claim->fact;
        bool is_copy_of = &standing->claims[claim->original] != claim;
        const char *code = "ended";

        if (is_copy_of)
                fact->copy_of = standing->claims[claim->original].fact->event_id;
        if (claim->said)
                return codes_of_said(standing, claim);
        if (is_mistake(fact))
                code = "entered-in-error";
        else if (status_is(fact, "superseded"))
                code = "superseded";
        else if (status_is(fact, "current") && is_draft(fact))
                code = "draft";
        if (is_copy_of && code_add(fact, "copy", standing->arena) < 0)
                return -ENOMEM;
        if (fact->n_superseded_by == 0 && status_is(fact, "superseded") && fact->ended_by_event_id &&
            list_append((void ***)&fact->superseded_by, &fact->n_superseded_by, fact->ended_by_event_id,
                        standing->arena) < 0)
                return -ENOMEM;
        if (strcmp(code, "ended") == 0 && !is_copy_of && !fact->end_reason && is_closed_by_discharge(fact->decision) &&
            code_add(fact, DECISION_STAY_ENDED, standing->arena) < 0)
                return -ENOMEM;
        return code_add(fact, code, standing->arena);
}

/* ---- all together ---------------------------------------------------------------------------------------------------------- */

static int kind_stand(Standing *standing, Fact **facts, size_t n_facts) {
        int r;

        standing->claims = arena_alloc(standing->arena, (n_facts + 1) * sizeof(Claim));
        if (!standing->claims)
                return -ENOMEM;
        standing->n_claims = n_facts;
        standing->n_compared = MIN(n_facts, (size_t)COMPARED_MAX);
        for (size_t i = 0; i < n_facts; i++) {
                Claim *claim = &standing->claims[i];

                *claim = (Claim){ .fact = facts[i], .decision = facts[i]->decision };
                claim->dated = decision_moment(facts[i], &claim->decided);
                claim->said = status_is(facts[i], "current") && !is_draft(facts[i]);
                facts[i]->n_standing = facts[i]->n_superseded_by = 0;
                facts[i]->standing = facts[i]->superseded_by = NULL;
                facts[i]->copy_of = NULL;
        }
        originals_find(standing);
        r = superseded_find(standing);
        if (r < 0)
                return r;
        ends_follow(standing);
        for (size_t i = 0; r == 0 && i < n_facts; i++)
                r = codes_write(standing, &standing->claims[i]);
        return r;
}

/* What came back from a system to which the bus delivers stands beside its original and takes part in nothing: they go behind all
 * others. */
static int echoes_part(Fact **decisions, size_t *n_decisions, Arena *arena) {
        size_t n = 0;

        for (size_t i = 0; i < *n_decisions; i++) {
                Fact *fact = decisions[i];

                if (fact->echo)
                        continue;
                memmove(&decisions[n + 1], &decisions[n], (i - n) * sizeof(*decisions));
                decisions[n++] = fact;
        }
        for (size_t i = n; i < *n_decisions; i++) {
                decisions[i]->n_standing = decisions[i]->n_superseded_by = 0;
                decisions[i]->standing = decisions[i]->superseded_by = NULL;
                if (code_add(decisions[i], "copy", arena) < 0)
                        return -ENOMEM;
        }
        *n_decisions = n;
        return 0;
}

int decisions_stand(Fact **decisions, size_t n_decisions, Fact *const *encounters, size_t n_encounters, int64_t as_at,
                    Arena *arena) {
        Standing standing = { .encounters = encounters, .n_encounters = n_encounters, .as_at = as_at, .arena = arena };
        int r = 0;

        if (n_decisions > 1)
                qsort(decisions, n_decisions, sizeof(*decisions), fact_order);
        r = echoes_part(decisions, &n_decisions, arena);
        for (size_t i = 0, n; r == 0 && i < n_decisions; i += n) {
                for (n = 1; i + n < n_decisions; n++)
                        if (decisions[i + n]->decision->kind != decisions[i]->decision->kind)
                                break;
                r = kind_stand(&standing, decisions + i, n);
        }
        return r;
}
