#pragma once
/*
 * One field of two persons compared: the best pair of their words. Inside this folder.
 */
#include "daemon/identity/rules.h"
#include "daemon/identity/words.h"

typedef struct FieldResult {
        MatchAgreement agreement;
        int32_t weight;
        uint32_t similarity; /* thousandths; 0 where nothing of the kind is measured */
} FieldResult;

/* Each is symmetric. */
typedef FieldResult (*FieldCompare)(const MatchRules *rules, const PersonWords *a, const PersonWords *b);
extern const FieldCompare field_compares[N_FIELDS];

/* `family` and `given` become `swapped` where the names read crosswise weigh more. */
void names_compare_crosswise(const MatchRules *rules, const PersonWords *a, const PersonWords *b, FieldResult *family,
                             FieldResult *given);

/* Of the numbers of two persons. */
FieldResult numbers_compare(const MatchRules *rules, const PersonWords *a, const PersonWords *b);
/* Of two days. */
MatchAgreement dates_compare(WordDate a, WordDate b);
/* Of two lines of an address; *ret_similarity: the share of the shorter line that is in the other. */
MatchAgreement lines_compare(const char *a, const char *b, uint32_t *ret_similarity);

/* The better of two for a field: by weight, then similarity, then the order of agreements. */
void field_better(const MatchRules *rules, MatchField field, MatchAgreement agreement, uint32_t similarity,
                  FieldResult *best);
