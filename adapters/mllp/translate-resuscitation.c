/*
 * Names of orders, forms and questions that speak of a decision about resuscitation. A name is whatever a hospital calls its
 * form: it tells that there is a decision, and never which.
 */
#include <ctype.h>
#include <string.h>

#include "adapters/mllp/translate-groups.h"

#define WORDS_SIZE 256

/* In small letters, one space between any two words and around the whole. False: longer than a name is. */
static bool words_read(const char *text, char words[WORDS_SIZE]) {
        size_t n = 0;

        words[n++] = ' ';
        for (; *text; text++) {
                bool is_part = isalnum((unsigned char)*text) || (unsigned char)*text >= 0x80;

                if (n >= WORDS_SIZE - 2)
                        return false;
                if (is_part)
                        words[n++] = (char)tolower((unsigned char)*text);
                else if (words[n - 1] != ' ')
                        words[n++] = ' ';
        }
        if (words[n - 1] != ' ')
                words[n++] = ' ';
        words[n] = '\0';
        return true;
}

/* "resus" alone is a room, and "resuscitation" may be a course, a team or what was done: a second word makes it a decision. */
static const char *const phrases[] = {
        " dnacpr ",
        " dna cpr ",
        " dnar ",
        " cpr status ",
        " cpr decision ",
        " cpr order ",
        " resus status ",
        " resus decision ",
        " resus order ",
        " resuscitation status ",
        " resuscitation decision ",
        " resuscitation order ",
        " do not attempt cpr ",
        " do not attempt cardiopulmonary resuscitation ",
        " do not attempt resuscitation ",
        " do not resuscitate ",
        " not for cpr ",
        " not for attempted cpr ",
        " not for resuscitation ",
        " not for attempted resuscitation ",
};

bool name_speaks_of_cpr(const char *name) {
        char words[WORDS_SIZE];

        if (!name || !words_read(name, words))
                return false;
        for (size_t i = 0; i < ELEMENTSOF(phrases); i++)
                if (strstr(words, phrases[i]))
                        return true;
        return false;
}

/* What a question asks for beside the decision itself: when it was made, why, who knows of it. Its answer is no decision. */
static const char *const asides[] = {
        " date ",    " time ",   " when ",      " reason ",   " reasons ",  " rationale ", " why ",      " who ",
        " by ",      " author ", " clinician ", " review ",   " reviewed ", " discussed ", " discuss ",  " discussion ",
        " aware ",   " of ",     " for ",       " about ",    " with ",     " comment ",   " comments ", " note ",
        " details ", " form ",   " document ",  " location ", " previous ", " past ",      " history ",  " capacity ",
};

bool question_asks_for_cpr(const char *question) {
        char words[WORDS_SIZE];

        if (!question || !name_speaks_of_cpr(question) || !words_read(question, words))
                return false;
        for (size_t i = 0; i < ELEMENTSOF(asides); i++)
                if (strstr(words, asides[i]))
                        return false;
        return true;
}
