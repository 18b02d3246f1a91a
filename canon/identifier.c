/* See the header. */
#include "canon/identifier.h"

#include <string.h>

NationalNumber national_number_of_system(const char *system) {
        if (!system)
                return NATIONAL_NUMBER_NONE;
        if (strcmp(system, SYSTEM_NHS_NUMBER) == 0)
                return NATIONAL_NUMBER_NHS;
        if (strcmp(system, SYSTEM_CHI_NUMBER) == 0)
                return NATIONAL_NUMBER_CHI;
        return strcmp(system, SYSTEM_HC_NUMBER) == 0 ? NATIONAL_NUMBER_HC : NATIONAL_NUMBER_NONE;
}

bool modulus11_is_valid(const char digits[NATIONAL_NUMBER_SIZE]) {
        int sum = 0;
        for (int i = 0; i < NATIONAL_NUMBER_SIZE - 1; i++)
                sum += (digits[i] - '0') * (10 - i);
        int check = 11 - sum % 11;
        if (check == 11)
                check = 0;
        return check != 10 && check == digits[NATIONAL_NUMBER_SIZE - 1] - '0';
}

/* Bytes of what may stand between the digits: a space, a no-break space, a hyphen, a figure or non-breaking hyphen or dash. */
static size_t separator_size(const char *text) {
        static const char *const separators[] = {
                " ", "-", "\xc2\xa0", "\xe2\x80\x91", "\xe2\x80\x90", "\xe2\x80\x92", "\xe2\x80\x93"
        };
        for (size_t i = 0; i < sizeof(separators) / sizeof(separators[0]); i++) {
                size_t size = strlen(separators[i]);
                if (strncmp(text, separators[i], size) == 0)
                        return size;
        }
        return 0;
}

static bool digits_are_alike(const char *digits) {
        for (int i = 1; i < NATIONAL_NUMBER_SIZE; i++)
                if (digits[i] != digits[0])
                        return false;
        return true;
}

/* A CHI number begins with DDMMYY. */
static bool chi_birth_date_is_valid(const char *digits) {
        static const int days[] = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
        int day = (digits[0] - '0') * 10 + digits[1] - '0', month = (digits[2] - '0') * 10 + digits[3] - '0';
        return month >= 1 && month <= 12 && day >= 1 && day <= days[month - 1];
}

int national_number_read(NationalNumber number, const char *text, char ret_digits[NATIONAL_NUMBER_SIZE + 1]) {
        char digits[NATIONAL_NUMBER_SIZE + 1];
        size_t n = 0;
        while (*text) {
                size_t skip = separator_size(text);
                if (skip > 0) {
                        text += skip;
                        continue;
                }
                if (*text < '0' || *text > '9' || n == NATIONAL_NUMBER_SIZE)
                        return IDENTIFIER_E_FORM;
                digits[n++] = *text++;
        }
        if (n != NATIONAL_NUMBER_SIZE)
                return IDENTIFIER_E_FORM;
        digits[n] = '\0';
        if (digits_are_alike(digits))
                return IDENTIFIER_E_PLACEHOLDER;
        if (!modulus11_is_valid(digits))
                return IDENTIFIER_E_CHECK_DIGIT;
        if (number == NATIONAL_NUMBER_CHI && !chi_birth_date_is_valid(digits))
                return IDENTIFIER_E_BIRTH_DATE;
        memcpy(ret_digits, digits, sizeof(digits));
        return 0;
}

bool national_number_is_test(const char *digits) {
        return strncmp(digits, "999", 3) == 0;
}

Carebus__V1__Identifier__Status nhs_number_status(const char *code) {
        if (!code)
                return CAREBUS__V1__IDENTIFIER__STATUS__STATUS_UNKNOWN;
        if (strncmp(code, "NSTS", 4) == 0)
                code += 4;
        if (code[0] != '0' || code[1] < '1' || code[1] > '8' || code[2] != '\0')
                return CAREBUS__V1__IDENTIFIER__STATUS__STATUS_UNKNOWN;
        return code[1] == '1' ? CAREBUS__V1__IDENTIFIER__STATUS__STATUS_VERIFIED
                              : CAREBUS__V1__IDENTIFIER__STATUS__STATUS_UNVERIFIED;
}
