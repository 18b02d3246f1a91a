#pragma once
/*
 * What the fields of a comparison are called, how two words of one can stand to each other, and what that weighs. Inside this folder.
 */
#include <stddef.h>
#include <stdint.h>

typedef enum MatchField {
        FIELD_FAMILY,
        FIELD_GIVEN,
        FIELD_BIRTH_DATE,
        FIELD_SEX,
        FIELD_POSTCODE,
        FIELD_ADDRESS,
        FIELD_TELECOM,
        FIELD_NUMBER,
        FIELD_BIRTH_ORDER,
        N_FIELDS,
} MatchField;

typedef enum MatchAgreement {
        AGREEMENT_MISSING,  /* one of the two has no word on it */
        AGREEMENT_COMMUNAL, /* a home of many: tells nothing */
        AGREEMENT_EXACT,
        AGREEMENT_CLOSE,      /* a slip away */
        AGREEMENT_SIMILAR,    /* several slips, or another spelling */
        AGREEMENT_FORMER,     /* a former name of one */
        AGREEMENT_PART,       /* one half of a double name */
        AGREEMENT_NICKNAME,   /* another form of one name */
        AGREEMENT_INITIAL,    /* all that one has is the other's first letter */
        AGREEMENT_MIDDLE,     /* the first name of one is a further one of the other */
        AGREEMENT_SWAPPED,    /* family and given name crosswise; day and month */
        AGREEMENT_JANUARY,    /* both the first of January, which is often put where nobody knows */
        AGREEMENT_TRANSPOSED, /* two digits beside each other */
        AGREEMENT_DIGIT,      /* one digit */
        AGREEMENT_PARTIAL,    /* one does not know all of it; what both know is the same */
        AGREEMENT_YEAR,       /* nothing but the year is known of one, and is the same */
        AGREEMENT_TWO_PARTS,  /* two of day, month and year */
        AGREEMENT_OUTWARD,    /* the first half of a postcode */
        AGREEMENT_STREET,     /* the same street, another number */
        AGREEMENT_LOOK_ALIKE, /* written alike, but both are names: Jean and Joan */
        AGREEMENT_DIFFERS,
        N_AGREEMENTS,
} MatchAgreement;

typedef struct MatchWeights {
        int32_t of[N_FIELDS][N_AGREEMENTS]; /* thousandths of a bit */
} MatchWeights;

/* No single weight, and no threshold, is beyond it: a sum of all fields stays far from the end of int32_t. */
#define MATCH_WEIGHT_MAX 1000000

typedef struct MatchWeightRow {
        MatchField field;
        MatchAgreement agreement;
        int32_t thousandths;
} MatchWeightRow;

extern const MatchWeightRow match_weight_rows[];
size_t match_weight_rows_count(void);

const char *match_field_name(MatchField field);
const char *match_agreement_name(MatchAgreement agreement);

/* One text a group, names separated by blanks, folded. NULL ends the list. */
extern const char *const match_nickname_groups[];
/* Names that are in no group, several in a text; NULL ends the list. Given as groups of one. */
extern const char *const match_given_names[];
