/*
 * What lies in the quarantine because nobody here can read it yet must not wait there unseen if it may be about a
 * resuscitation decision, a death, a merge or an allergy. To look too often costs a look; so where it is not plain, it is
 * urgent.
 */
#include <ctype.h>
#include <string.h>

#include "adapters/mllp/translate-rules.h"
#include "base/cleanup.h"

/* Triggers that are about identity, death or allergies by themselves. */
static const struct {
        const char *code, *event;
} urgent_triggers[] = {
        { "ADT", "A18" }, { "ADT", "A23" }, { "ADT", "A24" }, { "ADT", "A29" }, { "ADT", "A30" }, { "ADT", "A34" },
        { "ADT", "A35" }, { "ADT", "A36" }, { "ADT", "A37" }, { "ADT", "A39" }, { "ADT", "A40" }, { "ADT", "A41" },
        { "ADT", "A42" }, { "ADT", "A43" }, { "ADT", "A44" }, { "ADT", "A45" }, { "ADT", "A46" }, { "ADT", "A47" },
        { "ADT", "A48" }, { "ADT", "A49" }, { "ADT", "A50" }, { "ADT", "A51" }, { "ADT", "A60" },
};

/* Segments that are about them wherever they stand. */
static const char *const urgent_segments[] = { "AL1", "IAM", "MRG", "PDA", "CON" };

/* Words of decisions, whole words only; and the two codes of SNOMED for and not for resuscitation. */
static const char *const urgent_words[] = {
        "DNACPR", "DNAR",  "DNR",     "CPR",       "NFR",         "RESUS",     "RESUSCITATION", "RESUSCITATE",
        "ADRT",   "LPA",   "TEP",     "UFTO",      "ESCALATION",  "450475007", "450476008",     "DECEASED",
        "DIED",   "DEATH", "ALLERGY", "ALLERGIES", "ANAPHYLAXIS", "RIP",
};

static bool is_word_byte(uint8_t byte) {
        return isalnum(byte) || byte >= 0x80;
}

static bool is_urgent_word(const uint8_t *word, size_t size) {
        /* The form, not the word that every letter has. */
        if (size == strlen("ReSPECT") && (memcmp(word, "ReSPECT", size) == 0 || memcmp(word, "RESPECT", size) == 0))
                return true;
        for (size_t i = 0; i < ELEMENTSOF(urgent_words); i++)
                if (strlen(urgent_words[i]) == size && strncasecmp(urgent_words[i], (const char *)word, size) == 0)
                        return true;
        return false;
}

static bool has_urgent_word(Bytes bytes) {
        for (size_t at = 0; at < bytes.size;) {
                size_t start = at;

                while (at < bytes.size && is_word_byte(bytes.data[at]))
                        at++;
                if (at > start && is_urgent_word(bytes.data + start, at - start))
                        return true;
                at += at == start;
        }
        return false;
}

static bool says_death(const Hl7Message *message) {
        for (Hl7Segment *pid = NULL; (pid = hl7_find_next(message, "PID", pid));) {
                Hl7Value died_at = hl7_field(message, pid, 29), died = hl7_field(message, pid, 30);

                if (hl7_presence(died_at) == HL7_PRESENT || hl7_is(message, died, "Y"))
                        return true;
        }
        return false;
}

bool message_is_urgent(const Hl7Message *message, const char *code, const char *event) {
        for (size_t i = 0; i < ELEMENTSOF(urgent_triggers); i++)
                if (strcasecmp(urgent_triggers[i].code, code) == 0 && strcasecmp(urgent_triggers[i].event, event) == 0)
                        return true;
        for (size_t i = 0; i < ELEMENTSOF(urgent_segments); i++)
                if (hl7_find(message, urgent_segments[i], 1))
                        return true;
        return says_death(message) || has_urgent_word(message->bytes);
}
