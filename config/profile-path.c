/* See the header: three small grammars, each read once from left to right. */
#include "config/profile-path.h"

#define CAPITALS "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define SMALL "abcdefghijklmnopqrstuvwxyz"
#define DIGITS "0123456789"

/*
 * HL7
 */

/* A number follows: DOB, NHS-No and DNA-CPR are columns. */
static bool begins_segment(const char *text) {
        if (text[0] == '\0' || !strchr(CAPITALS, text[0]) || strspn(text, CAPITALS DIGITS) != 3)
                return false;
        return text[3] == '[' || (text[3] == '-' && text[4] >= '0' && text[4] <= '9');
}

/* A number from 1 to 999; NULL where none stands. */
static const char *skip_number(const char *text) {
        size_t digits = strspn(text, DIGITS);
        return digits >= 1 && digits <= 3 && text[0] != '0' ? text + digits : NULL;
}

/* 3, 3.1, 3.1.2; components are also said with a hyphen, as OBX-3-1. */
static const char *skip_numbers(const char *text, unsigned max) {
        text = skip_number(text);
        for (unsigned i = 1; text && i < max && (*text == '.' || *text == '-'); i++)
                text = skip_number(text + 1);
        return text;
}

/* [2], [4=RA9], [3.1!=X], as many as stand there. */
static const char *skip_conditions(const char *text) {
        if (!text)
                return NULL;
        while (*text == '[') {
                text = skip_numbers(text + 1, 3);
                if (!text)
                        return NULL;
                if (*text == '!' || *text == '=') {
                        text += *text == '!';
                        if (*text++ != '=')
                                return NULL;
                        text += strcspn(text, "[]");
                }
                if (*text++ != ']')
                        return NULL;
        }
        return text;
}

static bool hl7_is_valid(const char *text) {
        text = skip_conditions(text + 3);
        if (!text || *text != '-')
                return false;
        text = skip_conditions(skip_number(text + 1));
        for (unsigned i = 0; text && i < 2 && (*text == '.' || *text == '-'); i++)
                text = skip_number(text + 1);
        return text && *text == '\0';
}

/*
 * FHIR
 */

/* A type of resource has at least four letters: D.O.B. and No. are columns. */
static bool begins_resource(const char *text) {
        size_t letters = strspn(text, CAPITALS SMALL);
        return strchr(CAPITALS, text[0]) && text[0] != '\0' && letters >= 4 && text[letters] == '.' &&
               strspn(text, CAPITALS) < letters;
}

/* What stands between the parentheses of a function: quotes and further parentheses are closed. */
static const char *skip_arguments(const char *text) {
        unsigned depth = 0;
        for (bool is_quoted = false; *text; text++) {
                if (*text == '\'')
                        is_quoted = !is_quoted;
                else if (!is_quoted)
                        depth += *text == '(';
                if (!is_quoted && *text == ')' && --depth == 0)
                        return text + 1;
        }
        return NULL;
}

static const char *skip_element(const char *text) {
        size_t letters = strspn(text, CAPITALS SMALL DIGITS "_");
        if (letters == 0)
                return NULL;
        text += letters;
        if (*text == '(')
                text = skip_arguments(text);
        while (text && *text == '[') {
                size_t digits = strspn(text + 1, DIGITS);
                text = digits > 0 && text[1 + digits] == ']' ? text + digits + 2 : NULL;
        }
        return text;
}

static bool fhir_is_valid(const char *text) {
        text += strspn(text, CAPITALS SMALL);
        while (text && *text == '.')
                text = skip_element(text + 1);
        return text && *text == '\0';
}

/*
 * Any
 */

ProfileLanguage profile_path_language(const char *path) {
        if (begins_segment(path))
                return PROFILE_LANGUAGE_HL7;
        return begins_resource(path) ? PROFILE_LANGUAGE_FHIR : PROFILE_LANGUAGE_COLUMN;
}

bool profile_path_is_valid(const char *text) {
        size_t length = strlen(text);
        if (length == 0 || length > PROFILE_PATH_MAX)
                return false;
        for (size_t i = 0; i < length; i++)
                if ((unsigned char)text[i] < ' ' || text[i] == 127)
                        return false;
        switch (profile_path_language(text)) {
        case PROFILE_LANGUAGE_HL7:
                return hl7_is_valid(text);
        case PROFILE_LANGUAGE_FHIR:
                return fhir_is_valid(text);
        default:
                return true;
        }
}
