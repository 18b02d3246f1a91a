#pragma once
/*
 * National numbers of people: whose they are, whether they can be true, whether anybody traced them. A number that looks
 * right proves nothing: a ten-digit number that passes modulus 11 may be an NHS, a CHI or a Health and Care number, so what
 * it is comes from the assigning authority, never from the digits.
 *
 * All functions work on what they are given and nothing else: any thread.
 */
#include <stdbool.h>
#include <stddef.h>

#include "carebus/v1/common.pb-c.h"

#define SYSTEM_NHS_NUMBER "https://fhir.nhs.uk/Id/nhs-number" /* England, Wales, Isle of Man */
#define SYSTEM_CHI_NUMBER "carebus:CHI"                       /* Scotland */
#define SYSTEM_HC_NUMBER "carebus:HC"                         /* Northern Ireland */

/* Digits of all three numbers. */
#define NATIONAL_NUMBER_SIZE 10

typedef enum NationalNumber {
        NATIONAL_NUMBER_NONE, /* a local number: nothing is known of its form */
        NATIONAL_NUMBER_NHS,
        NATIONAL_NUMBER_CHI,
        NATIONAL_NUMBER_HC,
} NationalNumber;

/* Positive returns of national_number_read(). */
enum {
        _IDENTIFIER_E_SUCCESS,
        IDENTIFIER_E_FORM,        /* not ten digits, spaces and hyphens aside */
        IDENTIFIER_E_PLACEHOLDER, /* all ten digits alike: passes modulus 11, means "none" or "several" */
        IDENTIFIER_E_CHECK_DIGIT,
        IDENTIFIER_E_BIRTH_DATE, /* CHI: its first six digits are no day */
};

/* Which number a system stands for; NULL is none. */
NationalNumber national_number_of_system(const char *system);

/* Modulus 11 over ten ASCII digits, weights 10 to 2; the ten numbers of one repeated digit pass it (see above). */
bool modulus11_is_valid(const char digits[NATIONAL_NUMBER_SIZE]);

/* Takes spaces (also no-break ones) and hyphens out, checks, and writes the ten digits with a NUL. 0 or IDENTIFIER_E_*. */
int national_number_read(NationalNumber number, const char *text, char ret_digits[NATIONAL_NUMBER_SIZE + 1]);

/* 999 000 0000 to 999 999 9999: never given to anybody. `digits` as from national_number_read(). */
bool national_number_is_test(const char *digits);

/* What a status code says: 01 to 08, alone or as NSTS01 to NSTS08. Only 01 is verified; other codes: unknown. */
Carebus__V1__Identifier__Status nhs_number_status(const char *code);
