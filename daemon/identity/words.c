#include "daemon/identity/words.h"

#include <string.h>

#include "base/text.h"
#include "daemon/identity/rules.h"

static int word_compare(const Word *a, const Word *b) {
        return a->rank != b->rank ? (a->rank < b->rank ? -1 : 1) : strcmp(a->text, b->text);
}

static void word_remove(Words *words, size_t i) {
        words->n--;
        memmove(&words->of[i], &words->of[i + 1], (words->n - i) * sizeof(words->of[0]));
}

/* Keeps the list in its order; of two that say the same the one of the lower rank stays. */
static void words_add(Words *words, const char *text, uint8_t rank) {
        Word word = { text, rank };
        size_t at = 0;

        if (!text || !text[0])
                return;
        for (size_t i = 0; i < words->n; i++) {
                if (!text_equal(words->of[i].text, text))
                        continue;
                if (words->of[i].rank <= rank)
                        return;
                word_remove(words, i);
                break;
        }
        while (at < words->n && word_compare(&words->of[at], &word) < 0)
                at++;
        if (at == WORDS_MAX)
                return;
        if (words->n == WORDS_MAX)
                words->n--;
        memmove(&words->of[at + 1], &words->of[at], (words->n - at) * sizeof(words->of[0]));
        words->of[at] = word;
        words->n++;
}

/* Beyond the room for it, or where it is too long, the words stand apart and that is all. */
static void add_joined(PersonWords *words, const Carebus__V1__MatchingName *name, uint8_t rank) {
        size_t first, second;

        if (name->n_given < 2 || words->n_joined == JOINED_MAX)
                return;
        first = strlen(name->given[0]);
        second = strlen(name->given[1]);
        if (first + second >= JOINED_SIZE)
                return;
        memcpy(words->joined[words->n_joined], name->given[0], first);
        memcpy(words->joined[words->n_joined] + first, name->given[1], second + 1);
        words_add(&words->givens, words->joined[words->n_joined++], rank);
}

static void add_name(PersonWords *words, const Carebus__V1__MatchingName *name, bool former) {
        uint8_t rank = former || (name->has_former && name->former) ? WORD_FORMER : WORD_CURRENT;

        words_add(&words->families, name->family, rank);
        if (name->has_placeholder && name->placeholder)
                return;
        for (size_t i = 0; i < name->n_given; i++)
                words_add(&words->givens, name->given[i], i == 0 ? rank : WORD_FURTHER);
        add_joined(words, name, rank);
}

static int date_compare(const WordDate *a, const WordDate *b) {
        if (a->year != b->year)
                return a->year < b->year ? -1 : 1;
        if (a->month != b->month)
                return a->month < b->month ? -1 : 1;
        return a->day < b->day ? -1 : a->day > b->day;
}

static void add_date(PersonWords *words, const Carebus__V1__Date *date) {
        WordDate word;
        size_t at = 0;

        if (!date || !date->has_year)
                return;
        word = (WordDate){ date->year, date->has_month ? date->month : 0,
                           date->has_month && date->has_day ? date->day : 0 };
        while (at < words->n_dates && date_compare(&words->dates[at], &word) < 0)
                at++;
        if (at == WORDS_MAX || (at < words->n_dates && date_compare(&words->dates[at], &word) == 0))
                return;
        if (words->n_dates == WORDS_MAX)
                words->n_dates--;
        memmove(&words->dates[at + 1], &words->dates[at], (words->n_dates - at) * sizeof(words->dates[0]));
        words->dates[at] = word;
        words->n_dates++;
}

static uint32_t sex_bit(const char *sex) {
        return text_equal(sex, "male")     ? SEX_MALE
               : text_equal(sex, "female") ? SEX_FEMALE
               : text_equal(sex, "other")  ? SEX_OTHER
                                           : 0;
}

static void add_address(const MatchRules *rules, PersonWords *words, const Carebus__V1__MatchingAddress *address) {
        bool communal = address->postcode && rules_postcode_is_communal(rules, address->postcode);

        words_add(&words->postcodes, address->postcode, communal ? WORD_COMMUNAL : WORD_OWN);
        words_add(&words->lines, address->line, communal ? WORD_COMMUNAL : WORD_OWN);
}

static void add_matching(const MatchRules *rules, PersonWords *words, const Carebus__V1__Matching *matching,
                         bool former) {
        for (size_t i = 0; i < matching->n_names; i++)
                add_name(words, matching->names[i], former);
        add_date(words, matching->birth_date);
        words->sexes |= sex_bit(matching->sex);
        for (size_t i = 0; i < matching->n_addresses; i++)
                add_address(rules, words, matching->addresses[i]);
        for (size_t i = 0; i < matching->n_telecom; i++)
                words_add(&words->telecom, matching->telecom[i], WORD_CURRENT);
        words->multiple_birth = words->multiple_birth || (matching->has_multiple_birth && matching->multiple_birth);
        if (matching->has_birth_order && matching->birth_order >= 1 && matching->birth_order < 64)
                words->birth_orders |= UINT64_C(1) << matching->birth_order;
}

void person_words(const MatchRules *rules, MatchPerson person, PersonWords *ret) {
        ret->families.n = ret->givens.n = ret->postcodes.n = ret->lines.n = ret->telecom.n = ret->n_dates =
                ret->n_joined = 0;
        person_numbers(person, ret);
        ret->sexes = 0;
        ret->birth_orders = 0;
        ret->multiple_birth = false;
        for (size_t i = 0; i < person.n_traits; i++) {
                const Carebus__V1__Trait *trait = person.traits[i];

                if (trait->matching)
                        add_matching(rules, ret, trait->matching, trait->has_former && trait->former);
        }
}

bool person_has_first_name(const PersonWords *words) {
        /* The list is in the order of ranks. */
        return words->givens.n > 0 && words->givens.of[0].rank < WORD_FURTHER;
}
