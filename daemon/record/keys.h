#pragma once
/* Where sections and claims stand in STATE_SECTION: see proto/carebus/v1/state.proto. */
#include "base/arena.h"
#include "daemon/record/stamp.h"
#include "daemon/store/state-keys.h"

#define SECTION_DEMOGRAPHICS "demographics"
#define SECTION_DEATH "death"
#define SECTION_MERGES "merges"
#define SECTION_ENCOUNTERS "encounters"
#define SECTION_DECISIONS "decisions"
/* Not sections of the record. */
#define SECTION_CONFLICTS "conflicts"
#define SECTION_ACTIVITY "activity"
#define SECTION_AGAIN "again"
#define SECTION_STANDING "standing"
#define SECTION_LISTS "lists"
#define SECTION_SHARING "sharing"

/* "<seq>.<index>" behind `prefix`: "" an event's id, "p" a person's. NULL when the arena is full. */
char *id_text(const char *prefix, uint64_t seq, uint32_t index, Arena *arena);
/* p<seq>.<index> in the order of their making; what is no such id comes last, by its text. */
int id_compare(const char *a, const char *b);
/* Up to four texts in one; NULL ends them early. NULL when the arena is full. */
char *text_joined(Arena *arena, const char *a, const char *b, const char *c, const char *d);

/* "SECTION/SOURCE/KEY", the key replaced by its hash where it is long. NULL when the arena is full. */
char *section_of_fact(const char *section, const char *source, const char *key, Arena *arena);
static inline char *section_of_encounter(const char *source, const char *key, Arena *arena) {
        return section_of_fact(SECTION_ENCOUNTERS, source, key, arena);
}
/* "again/SOURCE", "lists/SOURCE". */
char *section_of_again(const char *source, Arena *arena);
char *section_of_lists(const char *source, Arena *arena);
/* Of a claim, and the prefix of all claims of one fact. */
StateKey key_of_claim(const char *patient_id, const char *section, StampParts stamp);
StateKey key_of_claims(const char *patient_id, const char *section);
/* All of a person. */
StateKey key_of_claims_of(const char *patient_id);
