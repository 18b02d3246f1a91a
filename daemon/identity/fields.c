#include "daemon/identity/fields.h"

#include <string.h>

#include "base/text.h"
#include "daemon/identity/similarity.h"

/* Thousandths of word_similarity(): one slip of the pen in six letters, and two or three. */
#define SIMILARITY_CLOSE 930
#define SIMILARITY_SIMILAR 850
/* And what sounds alike besides. */
#define SIMILARITY_HEARD 750
/* Shorter numbers of telephones are too near each other. */
#define TELEPHONE_LETTERS_CLOSE 9
#define LOCAL_PART_LETTERS_CLOSE 5

void field_better(const MatchRules *rules, MatchField field, MatchAgreement agreement, uint32_t similarity,
                  FieldResult *best) {
        int32_t weight = rules->weights.of[field][agreement];
        bool is_better;

        if (best->agreement == AGREEMENT_MISSING)
                is_better = true;
        else if (weight != best->weight)
                is_better = weight > best->weight;
        else if (similarity != best->similarity)
                is_better = similarity > best->similarity;
        else
                is_better = agreement < best->agreement;
        if (is_better && agreement != AGREEMENT_MISSING)
                *best = (FieldResult){ agreement, weight, similarity };
}

static MatchAgreement by_similarity(uint32_t similarity) {
        return similarity >= SIMILARITY_CLOSE     ? AGREEMENT_CLOSE
               : similarity >= SIMILARITY_SIMILAR ? AGREEMENT_SIMILAR
                                                  : AGREEMENT_DIFFERS;
}

static bool sound_alike(const char *a, const char *b) {
        char sound_a[SOUND_SIZE], sound_b[SOUND_SIZE];

        word_sound(a, sound_a);
        word_sound(b, sound_b);
        return text_equal(sound_a, sound_b);
}

static MatchAgreement families_agree(const Word *a, const Word *b, uint32_t *ret_similarity) {
        bool former = a->rank == WORD_FORMER || b->rank == WORD_FORMER;
        MatchAgreement agreement;

        *ret_similarity = word_similarity(a->text, b->text);
        if (text_equal(a->text, b->text))
                return former ? AGREEMENT_FORMER : AGREEMENT_EXACT;
        agreement = by_similarity(*ret_similarity);
        if (agreement == AGREEMENT_CLOSE && former)
                return AGREEMENT_SIMILAR;
        if (agreement == AGREEMENT_DIFFERS && *ret_similarity >= SIMILARITY_HEARD && sound_alike(a->text, b->text))
                return AGREEMENT_SIMILAR;
        return agreement != AGREEMENT_CLOSE && word_is_part(a->text, b->text) ? AGREEMENT_PART : agreement;
}

static FieldResult compare_families(const MatchRules *rules, const PersonWords *a, const PersonWords *b) {
        FieldResult best = { AGREEMENT_MISSING, 0, 0 };
        uint32_t similarity;

        for (size_t i = 0; i < a->families.n; i++) {
                for (size_t j = 0; j < b->families.n; j++) {
                        MatchAgreement agreement = families_agree(&a->families.of[i], &b->families.of[j], &similarity);

                        field_better(rules, FIELD_FAMILY, agreement, similarity, &best);
                }
        }
        return best;
}

static bool is_initial_of(const char *initial, const char *name) {
        size_t size = word_first_letter(initial);

        return initial[size] == '\0' && strncmp(initial, name, size) == 0;
}

static MatchAgreement givens_agree(const MatchRules *rules, const Word *a, const Word *b, uint32_t *ret_similarity) {
        bool is_first = a->rank != WORD_FURTHER && b->rank != WORD_FURTHER;
        MatchAgreement agreement;

        *ret_similarity = word_similarity(a->text, b->text);
        if (text_equal(a->text, b->text))
                return is_first ? AGREEMENT_EXACT : AGREEMENT_MIDDLE;
        if (!is_first)
                return AGREEMENT_DIFFERS;
        if (rules_are_nicknames(rules, a->text, b->text))
                return AGREEMENT_NICKNAME;
        if (is_initial_of(a->text, b->text) || is_initial_of(b->text, a->text))
                return AGREEMENT_INITIAL;
        agreement = by_similarity(*ret_similarity);
        return agreement != AGREEMENT_DIFFERS && rules_is_name(rules, a->text) && rules_is_name(rules, b->text)
                       ? AGREEMENT_LOOK_ALIKE
                       : agreement;
}

static FieldResult compare_givens(const MatchRules *rules, const PersonWords *a, const PersonWords *b) {
        FieldResult best = { AGREEMENT_MISSING, 0, 0 };
        uint32_t similarity;

        if (!person_has_first_name(a) || !person_has_first_name(b))
                return best;
        for (size_t i = 0; i < a->givens.n; i++) {
                for (size_t j = 0; j < b->givens.n; j++) {
                        const Word *x = &a->givens.of[i], *y = &b->givens.of[j];
                        MatchAgreement agreement;

                        /* Two middle names that are the same say nothing of the first ones. */
                        if (x->rank == WORD_FURTHER && y->rank == WORD_FURTHER)
                                continue;
                        agreement = givens_agree(rules, x, y, &similarity);
                        field_better(rules, FIELD_GIVEN, agreement, similarity, &best);
                }
        }
        return best;
}

static uint32_t best_crosswise(const Words *families, const Words *givens) {
        uint32_t best = 0;

        for (size_t i = 0; i < families->n; i++) {
                for (size_t j = 0; j < givens->n; j++) {
                        uint32_t similarity = word_similarity(families->of[i].text, givens->of[j].text);

                        if (givens->of[j].rank != WORD_FURTHER)
                                best = MAX(best, similarity);
                }
        }
        return best;
}

void names_compare_crosswise(const MatchRules *rules, const PersonWords *a, const PersonWords *b, FieldResult *family,
                             FieldResult *given) {
        const int32_t *families = rules->weights.of[FIELD_FAMILY], *givens = rules->weights.of[FIELD_GIVEN];
        uint32_t one, other;

        if (families[AGREEMENT_SWAPPED] + givens[AGREEMENT_SWAPPED] <= family->weight + given->weight)
                return;
        one = best_crosswise(&a->families, &b->givens);
        if (one < SIMILARITY_SIMILAR)
                return;
        other = best_crosswise(&b->families, &a->givens);
        if (other < SIMILARITY_SIMILAR)
                return;
        *family = (FieldResult){ AGREEMENT_SWAPPED, families[AGREEMENT_SWAPPED], MIN(one, other) };
        *given = (FieldResult){ AGREEMENT_SWAPPED, givens[AGREEMENT_SWAPPED], MIN(one, other) };
}

static FieldResult compare_dates(const MatchRules *rules, const PersonWords *a, const PersonWords *b) {
        FieldResult best = { AGREEMENT_MISSING, 0, 0 };

        for (size_t i = 0; i < a->n_dates; i++)
                for (size_t j = 0; j < b->n_dates; j++)
                        field_better(rules, FIELD_BIRTH_DATE, dates_compare(a->dates[i], b->dates[j]), 0, &best);
        return best;
}

/* By what either has: `other` beside another word may be how a system says that it does not know. */
static FieldResult compare_sexes(const MatchRules *rules, const PersonWords *a, const PersonWords *b) {
        FieldResult best = { AGREEMENT_MISSING, 0, 0 };

        if (a->sexes & b->sexes)
                field_better(rules, FIELD_SEX, AGREEMENT_EXACT, 0, &best);
        else if (a->sexes & ~(uint32_t)SEX_OTHER && b->sexes & ~(uint32_t)SEX_OTHER)
                field_better(rules, FIELD_SEX, AGREEMENT_DIFFERS, 0, &best);
        return best;
}

static bool is_letter(char c) {
        return c >= 'A' && c <= 'Z';
}

/* Of what is written like a British postcode, the part before the last three. 0: it is none. */
static size_t outward_size(const char *postcode) {
        size_t size = strlen(postcode);

        if (size < 5 || size > 7 || !is_letter(postcode[0]) || !is_letter(postcode[size - 1]) ||
            !is_letter(postcode[size - 2]))
                return 0;
        return postcode[size - 3] >= '0' && postcode[size - 3] <= '9' ? size - 3 : 0;
}

static MatchAgreement postcodes_agree(const Word *a, const Word *b) {
        size_t outward = outward_size(a->text);

        if (a->rank == WORD_COMMUNAL || b->rank == WORD_COMMUNAL)
                return AGREEMENT_COMMUNAL;
        if (text_equal(a->text, b->text))
                return AGREEMENT_EXACT;
        if (text_distance(a->text, b->text, 1) <= 1)
                return AGREEMENT_CLOSE;
        return outward > 0 && outward == outward_size(b->text) && memcmp(a->text, b->text, outward) == 0
                       ? AGREEMENT_OUTWARD
                       : AGREEMENT_DIFFERS;
}

static FieldResult compare_postcodes(const MatchRules *rules, const PersonWords *a, const PersonWords *b) {
        FieldResult best = { AGREEMENT_MISSING, 0, 0 };

        for (size_t i = 0; i < a->postcodes.n; i++)
                for (size_t j = 0; j < b->postcodes.n; j++)
                        field_better(rules, FIELD_POSTCODE, postcodes_agree(&a->postcodes.of[i], &b->postcodes.of[j]),
                                     0, &best);
        return best;
}

static FieldResult compare_addresses(const MatchRules *rules, const PersonWords *a, const PersonWords *b) {
        FieldResult best = { AGREEMENT_MISSING, 0, 0 };

        for (size_t i = 0; i < a->lines.n; i++) {
                for (size_t j = 0; j < b->lines.n; j++) {
                        const Word *x = &a->lines.of[i], *y = &b->lines.of[j];
                        uint32_t similarity = 0;
                        bool is_communal = x->rank == WORD_COMMUNAL || y->rank == WORD_COMMUNAL;
                        MatchAgreement agreement = is_communal ? AGREEMENT_COMMUNAL
                                                               : lines_compare(x->text, y->text, &similarity);

                        field_better(rules, FIELD_ADDRESS, agreement, similarity, &best);
                }
        }
        return best;
}

static MatchAgreement telecom_agree(const char *a, const char *b) {
        const char *at_a = strchr(a, '@'), *at_b = strchr(b, '@');

        if (text_equal(a, b))
                return AGREEMENT_EXACT;
        /* A number and an address say nothing of each other. */
        if (!at_a != !at_b)
                return AGREEMENT_MISSING;
        if (!at_a)
                return strlen(a) >= TELEPHONE_LETTERS_CLOSE && text_distance(a, b, 1) <= 1 ? AGREEMENT_CLOSE
                                                                                           : AGREEMENT_DIFFERS;
        if (at_a - a >= LOCAL_PART_LETTERS_CLOSE && at_a - a == at_b - b && memcmp(a, b, (size_t)(at_a - a)) == 0)
                return AGREEMENT_CLOSE;
        return text_distance(a, b, 1) <= 1 ? AGREEMENT_CLOSE : AGREEMENT_DIFFERS;
}

static FieldResult compare_telecom(const MatchRules *rules, const PersonWords *a, const PersonWords *b) {
        FieldResult best = { AGREEMENT_MISSING, 0, 0 };

        for (size_t i = 0; i < a->telecom.n; i++)
                for (size_t j = 0; j < b->telecom.n; j++)
                        field_better(rules, FIELD_TELECOM, telecom_agree(a->telecom.of[i].text, b->telecom.of[j].text),
                                     0, &best);
        return best;
}

static FieldResult compare_birth_orders(const MatchRules *rules, const PersonWords *a, const PersonWords *b) {
        FieldResult best = { AGREEMENT_MISSING, 0, 0 };

        if (a->birth_orders && b->birth_orders)
                field_better(rules, FIELD_BIRTH_ORDER,
                             a->birth_orders & b->birth_orders ? AGREEMENT_EXACT : AGREEMENT_DIFFERS, 0, &best);
        return best;
}

const FieldCompare field_compares[N_FIELDS] = {
        [FIELD_FAMILY] = compare_families,          [FIELD_GIVEN] = compare_givens,
        [FIELD_BIRTH_DATE] = compare_dates,         [FIELD_SEX] = compare_sexes,
        [FIELD_POSTCODE] = compare_postcodes,       [FIELD_ADDRESS] = compare_addresses,
        [FIELD_TELECOM] = compare_telecom,          [FIELD_NUMBER] = numbers_compare,
        [FIELD_BIRTH_ORDER] = compare_birth_orders,
};
