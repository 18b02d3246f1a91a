#include "daemon/identity/match.h"

#include "base/cleanup.h"
#include "daemon/identity/fields.h"

/* Names of a set of agreements. */
#define IS(agreement) (UINT32_C(1) << (agreement))

static const uint32_t family_agrees = IS(AGREEMENT_EXACT) | IS(AGREEMENT_CLOSE) | IS(AGREEMENT_FORMER) |
                                      IS(AGREEMENT_PART) | IS(AGREEMENT_SWAPPED);
static const uint32_t date_agrees = IS(AGREEMENT_EXACT) | IS(AGREEMENT_SWAPPED) | IS(AGREEMENT_JANUARY) |
                                    IS(AGREEMENT_TRANSPOSED) | IS(AGREEMENT_DIGIT) | IS(AGREEMENT_PARTIAL) |
                                    IS(AGREEMENT_YEAR);
static const uint32_t date_is_one = IS(AGREEMENT_EXACT) | IS(AGREEMENT_JANUARY);
static const uint32_t first_name_is_one = IS(AGREEMENT_EXACT) | IS(AGREEMENT_SWAPPED);
static const uint32_t first_name_is_another = IS(AGREEMENT_DIFFERS) | IS(AGREEMENT_LOOK_ALIKE);

/* That nobody is of a multiple birth, or has a number that counts, is no evidence. */
static const uint32_t silent_when_missing = IS(FIELD_BIRTH_ORDER) | IS(FIELD_NUMBER);

static bool is_in(FieldResult result, uint32_t agreements) {
        return agreements & IS(result.agreement);
}

static bool differs(FieldResult result) {
        return result.agreement == AGREEMENT_DIFFERS;
}

/*
 * Born on one day and in one home as far as anybody knows, and not surely of one first name: such pairs are twins more
 * often than slips of the pen, and each of two twins has all that the other has. Who has no first name at all may be
 * either of them, and the other one may not be known yet.
 */
static bool look_like_twins(const FieldResult fields[static N_FIELDS], const PersonWords *a, const PersonWords *b) {
        FieldResult given = fields[FIELD_GIVEN];

        if (differs(fields[FIELD_BIRTH_ORDER]))
                return true;
        if (!is_in(fields[FIELD_BIRTH_DATE], date_is_one) || differs(fields[FIELD_FAMILY]))
                return false;
        if (differs(fields[FIELD_POSTCODE]) &&
            (differs(fields[FIELD_ADDRESS]) || fields[FIELD_ADDRESS].agreement == AGREEMENT_MISSING))
                return false;
        if (is_in(given, first_name_is_one))
                return false;
        return given.agreement == AGREEMENT_MISSING || is_in(given, first_name_is_another) ||
               differs(fields[FIELD_SEX]) || a->multiple_birth || b->multiple_birth;
}

static void compare_fields(const MatchRules *rules, const PersonWords *a, const PersonWords *b,
                           FieldResult ret[static N_FIELDS]) {
        for (int i = 0; i < N_FIELDS; i++)
                ret[i] = field_compares[i](rules, a, b);
        names_compare_crosswise(rules, a, b, &ret[FIELD_FAMILY], &ret[FIELD_GIVEN]);
}

static void add_evidence(MatchResult *result, MatchField field, FieldResult found) {
        Carebus__V1__MatchEvidence *evidence = &result->evidence[result->n_evidence++];

        carebus__v1__match_evidence__init(evidence);
        evidence->field = (char *)(uintptr_t)match_field_name(field);
        evidence->agreement = (char *)(uintptr_t)match_agreement_name(found.agreement);
        evidence->has_weight_thousandths = true;
        evidence->weight_thousandths = found.weight;
        evidence->has_similarity = found.similarity > 0;
        evidence->similarity = found.similarity;
}

_Static_assert((int)N_FIELDS <= MATCH_FIELDS_MAX, "one line of evidence a field");

void match_compare(const MatchRules *rules, MatchPerson a, MatchPerson b, MatchResult *ret) {
        FieldResult fields[N_FIELDS];
        PersonWords of_a, of_b;

        person_words(rules, a, &of_a);
        person_words(rules, b, &of_b);
        compare_fields(rules, &of_a, &of_b, fields);
        ret->score = 0;
        ret->n_evidence = 0;
        for (int i = 0; i < N_FIELDS; i++) {
                ret->score += fields[i].weight;
                if (!(IS(i) & silent_when_missing) || fields[i].agreement != AGREEMENT_MISSING)
                        add_evidence(ret, i, fields[i]);
        }
        ret->score_to_join = ret->score;
        if (fields[FIELD_GIVEN].agreement == AGREEMENT_MISSING)
                ret->score_to_join -= MAX(fields[FIELD_NUMBER].weight, 0);
        ret->twins = look_like_twins(fields, &of_a, &of_b);
        ret->name_agrees = is_in(fields[FIELD_FAMILY], family_agrees) && !differs(fields[FIELD_GIVEN]);
        ret->birth_date_agrees = is_in(fields[FIELD_BIRTH_DATE], date_agrees);
        ret->birth_date_missing = fields[FIELD_BIRTH_DATE].agreement == AGREEMENT_MISSING;
        ret->number_agrees = fields[FIELD_NUMBER].agreement == AGREEMENT_EXACT;
}

/* A father and a son may have all but that in common. Where only one is known, a number that both are said to have tells more
 * than a home can. */
static bool may_be_father_and_son(const MatchResult *result) {
        return !result->birth_date_agrees && !(result->birth_date_missing && result->number_agrees);
}

MatchVerdict match_decide(const MatchRules *rules, const MatchResult *best, int32_t rival, const char **ret_reason) {
        *ret_reason = NULL;
        if (best->score < rules->review_above) {
                *ret_reason = "below-threshold";
                return MATCH_NONE;
        }
        if (best->twins && !rules->twins_by_score)
                *ret_reason = "twin-pattern";
        else if (may_be_father_and_son(best) && !rules->birth_date_by_score)
                *ret_reason = "birth-date";
        else if (best->score_to_join < rules->link_above)
                *ret_reason = "below-threshold";
        else if (rival != INT32_MIN && (int64_t)best->score - rival < rules->margin)
                *ret_reason = "near-rival";
        return *ret_reason ? MATCH_REVIEW : MATCH_LINK;
}

bool match_is_another(const MatchRules *rules, const Carebus__V1__Matching *before, const Carebus__V1__Matching *now) {
        Carebus__V1__Trait then = CAREBUS__V1__TRAIT__INIT, after = CAREBUS__V1__TRAIT__INIT;
        Carebus__V1__Trait *const traits_then[] = { &then }, *const traits_after[] = { &after };
        FieldResult fields[N_FIELDS];
        PersonWords a, b;
        bool name, birth_date;

        then.matching = (Carebus__V1__Matching *)(uintptr_t)before;
        after.matching = (Carebus__V1__Matching *)(uintptr_t)now;
        person_words(rules, (MatchPerson){ traits_then, 1 }, &a);
        person_words(rules, (MatchPerson){ traits_after, 1 }, &b);
        compare_fields(rules, &a, &b, fields);
        /* Who marries keeps the first name, who changes that keeps the family's. */
        name = differs(fields[FIELD_FAMILY]) && differs(fields[FIELD_GIVEN]);
        birth_date = differs(fields[FIELD_BIRTH_DATE]);
        return (name && birth_date) || ((name || birth_date) && differs(fields[FIELD_SEX]));
}
