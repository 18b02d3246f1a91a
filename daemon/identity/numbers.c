/*
 * Numbers that are said of somebody and traced of neither or of one only: somebody read them off a letter or a card. Where both are traced
 * they are no evidence but the rule itself (daemon/stage/match-number.c). See fields.h.
 */
#include <string.h>

#include "base/text.h"
#include "daemon/identity/evidence.h"
#include "daemon/identity/fields.h"

static int number_compare(const WordNumber *a, const WordNumber *b) {
        int r = strcmp(a->system, b->system);

        return r ? r : strcmp(a->value, b->value);
}

/* In their order, each once; traced where some source says so. */
static void number_add(PersonWords *words, const Carebus__V1__Identifier *identifier) {
        WordNumber number = { identifier->system, identifier->value, identifier_is_verified(identifier) };
        size_t at = 0;

        while (at < words->n_numbers && number_compare(&words->numbers[at], &number) < 0)
                at++;
        if (at < words->n_numbers && number_compare(&words->numbers[at], &number) == 0) {
                words->numbers[at].verified = words->numbers[at].verified || number.verified;
                return;
        }
        if (at == WORDS_MAX)
                return;
        if (words->n_numbers == WORDS_MAX)
                words->n_numbers--;
        memmove(&words->numbers[at + 1], &words->numbers[at], (words->n_numbers - at) * sizeof(words->numbers[0]));
        words->numbers[at] = number;
        words->n_numbers++;
}

void person_numbers(MatchPerson person, PersonWords *ret) {
        ret->n_numbers = 0;
        for (size_t i = 0; i < person.n_identifiers; i++) {
                const Carebus__V1__PersonIdentifier *kept = person.identifiers[i];

                /* What nobody uses any longer was put right. */
                if (kept->n_sources > 0 && identifier_use(kept->identifier) == IDENTIFIER_NATIONAL)
                        number_add(ret, kept->identifier);
        }
}

static bool is_traced(const PersonWords *words, const char *system) {
        for (size_t i = 0; i < words->n_numbers; i++)
                if (words->numbers[i].verified && text_equal(words->numbers[i].system, system))
                        return true;
        return false;
}

static MatchAgreement numbers_agree(const char *a, const char *b) {
        size_t distance = text_distance(a, b, 1);

        return distance == 0 ? AGREEMENT_EXACT : distance == 1 ? AGREEMENT_CLOSE : AGREEMENT_DIFFERS;
}

FieldResult numbers_compare(const MatchRules *rules, const PersonWords *a, const PersonWords *b) {
        FieldResult best = { AGREEMENT_MISSING, 0, 0 };

        for (size_t i = 0; i < a->n_numbers; i++) {
                const char *system = a->numbers[i].system;

                if (is_traced(a, system) && is_traced(b, system))
                        continue;
                for (size_t j = 0; j < b->n_numbers; j++)
                        if (text_equal(b->numbers[j].system, system))
                                field_better(rules, FIELD_NUMBER,
                                             numbers_agree(a->numbers[i].value, b->numbers[j].value), 0, &best);
        }
        return best;
}
