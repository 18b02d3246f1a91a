/* See the header. Look-ups go over tables of a hundred rows: what a message asks of them is nothing beside its own parsing. */
#include "canon/vocabulary.h"

#include <string.h>

#include "base/cleanup.h"
#include "canon/vocabulary-tables.h"

/* What is longer is no name of anything here. */
#define WORDS_MAX 160

/*
 * Words: letters in lower case, one space for whatever stands between them
 */

/* Bytes that a separator takes at `text`; 0 where none stands. No-break spaces and the dashes of typesetters count as well: nobody
 * sees the difference. Any other letter beyond ASCII is a letter, and makes a word another one. */
static size_t separator(const char *text, const char *marks) {
        static const char *const wide[] = { "\xC2\xA0",     "\xE2\x80\x90", "\xE2\x80\x91",
                                            "\xE2\x80\x92", "\xE2\x80\x93", "\xE2\x80\x94" };
        if (strchr(marks, text[0]))
                return 1;
        for (size_t i = 0; i < ELEMENTSOF(wide); i++)
                if (strncmp(text, wide[i], strlen(wide[i])) == 0)
                        return strlen(wide[i]);
        return 0;
}

/* False: too long to be a name. */
static bool words_read(const char *text, const char *marks, char ret[WORDS_MAX]) {
        size_t n = 0;
        bool wants_space = false;
        while (*text) {
                size_t skip = separator(text, marks);
                if (skip > 0) {
                        wants_space = n > 0;
                        text += skip;
                        continue;
                }
                if (n + 3 > WORDS_MAX)
                        return false;
                if (wants_space)
                        ret[n++] = ' ';
                wants_space = false;
                char c = *text++;
                ret[n++] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
        }
        ret[n] = '\0';
        return n > 0;
}

static bool words_of(const char *text, char ret[WORDS_MAX]) {
        return words_read(text, " \t\r\n-_/.,;:()[]'\"", ret);
}

/* Where a life hangs on it: a label ("DNACPR:"), a box that may be empty ("[ ] DNACPR"), a choice ("(not) for CPR", "for/not for
 * CPR") and a question ("DNACPR?") look like an answer once their marks are gone, so these marks stay. */
static bool statement_of(const char *text, char ret[WORDS_MAX]) {
        for (const char *open = strchr(text, '('); open; open = strchr(open + 1, '('))
                if (open == text || !((open[1] | 0x20) >= 'a' && (open[1] | 0x20) <= 'z'))
                        return false;
        return words_read(text, " \t\r\n-_.,()", ret);
}

/* Spaces aside: "ppd 1" is "ppd1". */
static bool words_equal(const char *a, const char *b) {
        for (;;) {
                a += *a == ' ';
                b += *b == ' ';
                if (*a != *b)
                        return false;
                if (*a == '\0')
                        return true;
                a++;
                b++;
        }
}

/* Names of the tables begin with a letter, and most begin with another one: only what may be the same is put into words. */
static bool word_is(const char *words, const char *name) {
        char other[WORDS_MAX];
        if ((words[0] | 0x20) != (name[0] | 0x20))
                return false;
        return words_of(name, other) && words_equal(words, other);
}

static bool word_is_among(const char *words, const char *const *names) {
        for (; *names; names++)
                if (words_equal(words, *names))
                        return true;
        return false;
}

/* One terminology goes by several names: FHIR's, those of HL7 table 0396, its OID. */
static const char *system_canonical(const char *system) {
        static const struct {
                const char *said, *meant;
        } names[] = {
                { "SCT", SYSTEM_SNOMED_CT },
                { "SNM3", SYSTEM_SNOMED_CT },
                { "SNOMED", SYSTEM_SNOMED_CT },
                { "SNOMED-CT", SYSTEM_SNOMED_CT },
                { "SNOMED CT", SYSTEM_SNOMED_CT },
                { "SNOMEDCT", SYSTEM_SNOMED_CT },
                { "http://snomed.info/id", SYSTEM_SNOMED_CT },
                { "2.16.840.1.113883.6.96", SYSTEM_SNOMED_CT },
                { "urn:oid:2.16.840.1.113883.6.96", SYSTEM_SNOMED_CT },
                { "2.16.840.1.113883.2.1.3.2.4.15", SYSTEM_SNOMED_CT },
                { "urn:oid:2.16.840.1.113883.2.1.3.2.4.15", SYSTEM_SNOMED_CT },
                { "LN", SYSTEM_LOINC },
                { "LOINC", SYSTEM_LOINC },
                { "2.16.840.1.113883.6.1", SYSTEM_LOINC },
                { "urn:oid:2.16.840.1.113883.6.1", SYSTEM_LOINC },
                { "oacc", SYSTEM_CAREBUS_SCALE },
        };
        if (!system)
                return NULL;
        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                if (strcasecmp(system, names[i].said) == 0)
                        return names[i].meant;
        return system;
}

static bool code_is(const char *system, const char *code, const char *of_system, const char *of_code) {
        return of_code && strcmp(code, of_code) == 0 && strcmp(system, of_system) == 0;
}

/*
 * Resuscitation
 */

CprMeaning cpr_meaning_of_code(const char *system, const char *code) {
        static const struct {
                const char *code;
                CprMeaning meaning;
        } codes[] = {
                { CODE_CPR_ATTEMPT, CPR_ATTEMPT },
                { CODE_CPR_DO_NOT_ATTEMPT, CPR_DO_NOT_ATTEMPT },
                { "304252001", CPR_ATTEMPT },
                { "304253006", CPR_DO_NOT_ATTEMPT },
        };
        system = system_canonical(system);
        if (!system || !code || strcmp(system, SYSTEM_SNOMED_CT) != 0)
                return CPR_NOT_KNOWN;
        for (size_t i = 0; i < ELEMENTSOF(codes); i++)
                if (strcmp(code, codes[i].code) == 0)
                        return codes[i].meaning;
        return CPR_NOT_KNOWN;
}

/* Terminologies add what a term is, and say the abbreviation and the words side by side; nothing else may stand around a phrase. */
static const char *const attempt_phrases[] = {
        "attempt cpr",
        "attempt cardiopulmonary resuscitation",
        "attempt resuscitation",
        "for attempted cpr",
        "for attempted cpr finding",
        "for attempted cpr cardiopulmonary resuscitation",
        "for attempted cpr cardiopulmonary resuscitation finding",
        "for attempted cardiopulmonary resuscitation",
        "for attempted cardiopulmonary resuscitation finding",
        "for cpr",
        "for cardiopulmonary resuscitation",
        "for resuscitation",
        "for resuscitation finding",
        "cpr attempts recommended",
        "cpr attempts recommended adult or child",
        NULL,
};
static const char *const do_not_attempt_phrases[] = {
        "dnacpr",
        "dnar",
        "dnr",
        "do not attempt cpr",
        "do not attempt cpr dnacpr",
        "do not attempt cardiopulmonary resuscitation",
        "do not attempt cardiopulmonary resuscitation dnacpr",
        "do not attempt resuscitation",
        "do not resuscitate",
        "dnacpr do not attempt cpr",
        "dnacpr do not attempt cardiopulmonary resuscitation",
        "dnar do not attempt resuscitation",
        "not for attempted cpr",
        "not for attempted cpr finding",
        "not for attempted cpr cardiopulmonary resuscitation",
        "not for attempted cpr cardiopulmonary resuscitation finding",
        "not for attempted cardiopulmonary resuscitation",
        "not for attempted cardiopulmonary resuscitation finding",
        "not for cpr",
        "not for cardiopulmonary resuscitation",
        "not for resuscitation",
        "not for resuscitation finding",
        "cpr attempts not recommended",
        "cpr attempts not recommended adult or child",
        NULL,
};

CprMeaning cpr_meaning_of_text(const char *text) {
        char words[WORDS_MAX];
        if (!text || !statement_of(text, words))
                return CPR_NOT_KNOWN;
        if (word_is_among(words, do_not_attempt_phrases))
                return CPR_DO_NOT_ATTEMPT;
        return word_is_among(words, attempt_phrases) ? CPR_ATTEMPT : CPR_NOT_KNOWN;
}

bool cpr_is_question(const char *system, const char *code, const char *text) {
        static const char *const questions[] = { "cpr",
                                                 "cpr status",
                                                 "cpr decision",
                                                 "cpr order",
                                                 "resus",
                                                 "resus status",
                                                 "resus decision",
                                                 "resuscitation",
                                                 "resuscitation status",
                                                 "resuscitation decision",
                                                 "finding of resuscitation status",
                                                 "cardiopulmonary resuscitation",
                                                 "cardiopulmonary resuscitation status",
                                                 "cardiopulmonary resuscitation decision",
                                                 "code status",
                                                 "dnacpr",
                                                 "dnacpr status",
                                                 "dnacpr decision",
                                                 "dnacpr order",
                                                 "dnacpr in place",
                                                 "dnar",
                                                 "dnar status",
                                                 "dnar decision",
                                                 "do not attempt cpr",
                                                 "do not attempt cardiopulmonary resuscitation",
                                                 NULL };
        char words[WORDS_MAX];
        const Concept *concept = concept_find(system, code);
        if (concept)
        return concept->decision == CAREBUS__V1__DECISION__KIND__KIND_CPR && !concept->value;
        if (code && words_of(code, words) && word_is_among(words, questions))
                return true; /* a local code that is a word: DNACPR */
        return text && words_of(text, words) && word_is_among(words, questions);
}

/*
 * Concepts
 */

const Concept *concept_find(const char *system, const char *code) {
        system = system_canonical(system);
        if (!system || !code)
                return NULL;
        for (const Concept *concept = vocabulary_concepts; concept->code; concept ++)
                if (code_is(system, code, concept->system, concept->code))
        return concept;
        return NULL;
}

const Concept *concept_find_by_name(const char *name) {
        char words[WORDS_MAX];
        const char *code = NULL;
        if (!name || !words_of(name, words))
                return NULL;
        for (const VocabularyAlias *alias = vocabulary_aliases; alias->name && !code; alias++)
                if (words_equal(words, alias->name))
                        code = alias->code;
        for (const Concept *concept = vocabulary_concepts; concept->code; concept ++)
                if (code ? strcmp(concept->code, code) == 0 : concept->name && word_is(words, concept->name))
        return concept;
        return NULL;
}

const Concept *concept_at(size_t index) {
        for (size_t i = 0; i <= index; i++)
                if (!vocabulary_concepts[i].code)
                        return NULL;
        return &vocabulary_concepts[index];
}

/*
 * Scales
 */

static bool scale_has_code(const VocabularyScale *row, const char *system, const char *code) {
        if (code_is(system, code, row->scale.system, row->scale.code) ||
            code_is(system, code, SYSTEM_SNOMED_CT, row->scale.score_code))
                return true;
        if (strcmp(system, SYSTEM_SNOMED_CT) != 0 && strcmp(system, SYSTEM_LOINC) != 0)
                return false;
        for (size_t i = 0; row->codes[i]; i++)
                if (strcmp(code, row->codes[i]) == 0)
                        return true;
        return false;
}

const Scale *scale_find(const char *system, const char *code) {
        system = system_canonical(system);
        if (!system || !code)
                return NULL;
        for (const VocabularyScale *row = vocabulary_scales; row->scale.name; row++)
                if (scale_has_code(row, system, code))
                        return &row->scale;
        return NULL;
}

const Scale *scale_find_by_name(const char *name) {
        char words[WORDS_MAX];
        if (!name || !words_of(name, words))
                return NULL;
        for (const VocabularyScale *row = vocabulary_scales; row->scale.name; row++) {
                if (word_is(words, row->scale.name) || word_is(words, row->scale.display))
                        return &row->scale;
                for (size_t i = 0; row->names[i]; i++)
                        if (word_is(words, row->names[i]))
                                return &row->scale;
        }
        return NULL;
}
