/*
 * What lies in the quarantine because nobody here can read it yet must not wait there unseen if it may be about a
 * resuscitation decision, a death, a merge or an allergy. To look too often costs a look; so where it is not plain, it is
 * urgent.
 */
#include <ctype.h>
#include <string.h>

#include "adapters/mllp/translate-rules.h"
#include "base/cleanup.h"
#include "canon/vocabulary.h"

/* Triggers that are about identity, death or allergies by themselves. */
static const struct {
        const char *code, *event;
} urgent_triggers[] = {
        { "ADT", "A18" }, { "ADT", "A23" }, { "ADT", "A24" }, { "ADT", "A29" }, { "ADT", "A30" }, { "ADT", "A34" },
        { "ADT", "A35" }, { "ADT", "A36" }, { "ADT", "A37" }, { "ADT", "A39" }, { "ADT", "A40" }, { "ADT", "A41" },
        { "ADT", "A42" }, { "ADT", "A43" }, { "ADT", "A44" }, { "ADT", "A45" }, { "ADT", "A46" }, { "ADT", "A47" },
        { "ADT", "A48" }, { "ADT", "A49" }, { "ADT", "A50" }, { "ADT", "A51" }, { "ADT", "A60" },
};

/* Where PV1 says that somebody left by dying: the codes of HL7 table 0112, and the UK's method 4 and destination 79. */
static const struct {
        uint8_t field;
        const char *code;
} deaths[] = { { 36, "4" }, { 36, "20" }, { 36, "40" }, { 36, "41" }, { 36, "42" }, { 37, "79" } };

/* Where codes of decisions stand: an order's, a question's, an answer's, a document's. */
static const struct {
        const char *segment;
        uint8_t field;
} coded_fields[] = { { "OBR", 4 }, { "OBR", 27 }, { "OBX", 3 }, { "OBX", 5 }, { "TXA", 2 } };
/* Paths of the profile whose maps name decisions. */
static const char *const decision_maps[] = { "decision.decision", "order.label", "order.code", "observation.code",
                                             "document.type" };

/* Segments that are about them wherever they stand. */
static const char *const urgent_segments[] = { "AL1", "IAM", "IAR", "MRG", "PDA", "CON" };

/* Words of decisions, whole words only. Codes of SNOMED are looked up. */
static const char *const urgent_words[] = {
        "DNACPR",      "UDNACPR",  "DNAR",          "DNR",         "CPR",
        "NFR",         "RESUS",    "RESUSCITATION", "RESUSCITATE", "CARDIOPULMONARY",
        "ADRT",        "LPA",      "TEP",           "UFTO",        "ESCALATION",
        "CEILING",     "DECEASED", "DIED",          "DEATH",       "DEAD",
        "RIP",         "ALLERGY",  "ALLERGIES",     "ALLERGIC",    "INTOLERANCE",
        "ANAPHYLAXIS", "MERGED",
};

static bool is_word_byte(uint8_t byte) {
        return isalnum(byte) || byte >= 0x80;
}

static bool is_decision_code(const uint8_t *word, size_t size) {
        const Concept *concept;

        for (size_t i = 0; (concept = concept_at(i)); i++)
                if (concept->decision != CAREBUS__V1__DECISION__KIND__KIND_UNKNOWN && strlen(concept->code) == size &&
                    memcmp(concept->code, word, size) == 0)
                        return true;
        return false;
}

static bool is_urgent_word(const uint8_t *word, size_t size) {
        /* The form, not the word that every letter has. */
        if (size == strlen("ReSPECT") && (memcmp(word, "ReSPECT", size) == 0 || memcmp(word, "RESPECT", size) == 0))
                return true;
        if (isdigit(word[0]))
                return is_decision_code(word, size);
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
        for (Hl7Segment *pv1 = NULL; (pv1 = hl7_find_next(message, "PV1", pv1));)
                for (size_t i = 0; i < ELEMENTSOF(deaths); i++)
                        if (hl7_is(message, hl7_field(message, pv1, deaths[i].field), deaths[i].code))
                                return true;
        return false;
}

/* Whether a component of the field is a code of this map, and what that means is about a decision. */
static bool is_mapped(const Hl7Message *message, const ProfileMap *map, Hl7Value field) {
        Hl7Value parts[8];
        size_t n = hl7_split_components(message, field, parts, ELEMENTSOF(parts));

        for (size_t i = 0; i < map->n_entries; i++) {
                const ProfileMapEntry *entry = &map->entries[i];
                const Concept *concept = concept_find(entry->to_system, entry->to_code);
                bool decides = strcmp(map->path, "decision.decision") == 0 ||
                               (concept && concept->decision != CAREBUS__V1__DECISION__KIND__KIND_UNKNOWN);

                for (size_t j = 0; decides && j < n; j++)
                        if (hl7_is(message, parts[j], entry->code))
                                return true;
        }
        return false;
}

/* A code of the source's own, that only its profile knows to be about a decision. */
static bool profile_names_decision(const Profile *profile, const Hl7Message *message) {
        for (size_t i = 0; i < ELEMENTSOF(decision_maps); i++) {
                const ProfileMap *map = profile_find_map(profile, decision_maps[i]);

                for (size_t j = 0; map && j < ELEMENTSOF(coded_fields); j++)
                        for (Hl7Segment *segment = NULL;
                             (segment = hl7_find_next(message, coded_fields[j].segment, segment));)
                                if (is_mapped(message, map, hl7_field(message, segment, coded_fields[j].field)))
                                        return true;
        }
        return false;
}

bool message_is_urgent(const Profile *profile, const Hl7Message *message, const char *code, const char *event) {
        for (size_t i = 0; i < ELEMENTSOF(urgent_triggers); i++)
                if (strcasecmp(urgent_triggers[i].code, code) == 0 && strcasecmp(urgent_triggers[i].event, event) == 0)
                        return true;
        for (size_t i = 0; i < ELEMENTSOF(urgent_segments); i++)
                if (hl7_find(message, urgent_segments[i], 1))
                        return true;
        return says_death(message) || has_urgent_word(message->bytes) || profile_names_decision(profile, message);
}
