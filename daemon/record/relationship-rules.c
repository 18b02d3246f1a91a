#include "daemon/record/relationship-rules.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "daemon/record/keys.h"
#include "daemon/record/plain.h"
#include "proto/check.h"
#include "proto/types.h"

typedef Carebus__V1__StoredSharing StoredSharing;
typedef Carebus__V1__StoredFact StoredFact;
typedef Carebus__V1__Settings Settings;

int sharing_rules_mark(StateTxn *txn, SharingRulesMark *ret) {
        StateKey key = state_key_meta(RECORD_META_SHARING_RULES);
        Bytes value;
        int r = state_get(txn, STATE_META, state_key_all(&key), &value);

        *ret = (SharingRulesMark){};
        if (r)
                return r == STATE_E_NOT_FOUND ? 0 : r;
        if (value.size != 3 * sizeof(uint64_t))
                return -EBADMSG;
        ret->seq = load_le64(value.data);
        ret->at = (int64_t)load_le64(value.data + 8);
        ret->swept = load_le64(value.data + 16);
        return 0;
}

static bool teams_differ(const Settings *a, const Settings *b) {
        if (a->n_teams != b->n_teams)
                return true;
        for (size_t i = 0; i < a->n_teams; i++)
                if (!text_equal(a->teams[i]->name, b->teams[i]->name) ||
                    !text_equal(a->teams[i]->organisation, b->teams[i]->organisation) ||
                    !text_equal(a->teams[i]->title, b->teams[i]->title))
                        return true;
        return false;
}

static bool sources_differ(const Settings *a, const Settings *b) {
        if (a->n_sources != b->n_sources)
                return true;
        for (size_t i = 0; i < a->n_sources; i++)
                if (!text_equal(a->sources[i]->name, b->sources[i]->name) ||
                    !text_equal(a->sources[i]->team, b->sources[i]->team))
                        return true;
        return false;
}

bool sharing_rules_differ(const Settings *a, const Settings *b) {
        static const Settings none = CAREBUS__V1__SETTINGS__INIT;
        const RelationshipRules x = relationship_rules(a), y = relationship_rules(b);

        return x.linger_discharge != y.linger_discharge || x.linger_death != y.linger_death || x.contact != y.contact ||
               teams_differ(a ?: &none, b ?: &none) || sources_differ(a ?: &none, b ?: &none);
}

/* Ids of persons begin with the number of the entry that first spoke of them. */
static uint64_t person_seq(const char *patient_id) {
        return patient_id[0] == 'p' ? strtoull(patient_id + 1, NULL, 10) : 0;
}

bool sharing_is_stale(const SharingRulesMark *mark, const char *patient_id, const StoredSharing *sharing) {
        if (sharing)
                return sharing->rules_seq < mark->seq;
        return mark->swept < mark->seq && person_seq(patient_id) < mark->seq;
}

/* ---- lists ---------------------------------------------------------------------------------------------------------------------- */

bool sharing_fact_is_listed(const StoredFact *stored, const char *section) {
        return plain_row_of_fact(stored->fact) && text_equal(stored->fact->status, "current") &&
               plain_section_has_lists(section);
}

int sharing_fact_by_lists(const StoredFact *stored, const Carebus__V1__StoredLists *lists, const char *section,
                          Arena *arena, const StoredFact **ret) {
        const Carebus__V1__StoredList *list = NULL;
        Carebus__V1__When *when;
        Carebus__V1__Fact *fact;
        StoredFact *copy;

        *ret = stored;
        for (size_t i = 0; lists && i < lists->n_lists; i++)
                if (text_equal(lists->lists[i]->section, section))
                        list = lists->lists[i];
        if (!list || stamp_compare(list->stamp, stored->newest) <= 0 || plain_said_in(stored, list->stamp->seq))
                return 0;
        copy = message_shallow_copy(&stored->base, arena);
        fact = message_shallow_copy(&stored->fact->base, arena);
        when = message_new(&carebus__v1__when__descriptor, arena);
        if (!copy || !fact || !when)
                return -ENOMEM;
        when->has_utc_at = 1;
        when->utc_at = list->stamp->said_at;
        fact->status = (char *)"ended";
        fact->event_id = list->event_id;
        fact->recorded_at = when;
        copy->fact = fact;
        *ret = copy;
        return 0;
}

/* ---- all of a home ---------------------------------------------------------------------------------------------------------------- */

typedef struct Finding {
        StateTxn *txn;
        RelationshipRules rules;
        const char *patient_id;
        Arena *arena;
        StoredSharing *out;
} Finding;

static int lists_find(const Finding *finding, const char *source, Carebus__V1__StoredLists **ret) {
        char *name = section_of_lists(source, finding->arena);
        StateKey key;
        Bytes value;
        int r;

        *ret = NULL;
        if (!name)
                return -ENOMEM;
        key = state_key_section(finding->patient_id, name);
        r = key.error < 0 ? key.error : state_get(finding->txn, STATE_SECTION, state_key_all(&key), &value);
        if (r)
                return r == STATE_E_NOT_FOUND ? 0 : r;
        return message_unpack(&carebus__v1__stored_lists__descriptor, value, finding->arena, (ProtobufCMessage **)ret);
}

static int fact_find(Finding *finding, const char *name, const char *section, const StoredFact *stored) {
        StoredSharing *out = finding->out;
        Carebus__V1__StoredLists *lists = NULL;
        Carebus__V1__SharingFact *fact;
        Carebus__V1__SharingWord *word;
        int r = 0;

        if (sharing_fact_is_listed(stored, section))
                r = lists_find(finding, stored->fact->source, &lists);
        r = r ?: sharing_fact_by_lists(stored, lists, section, finding->arena, &stored);
        r = r ?: relationships_of_fact(&finding->rules, name, stored, finding->arena, &fact);
        if (r == 0 && fact && fact->n_relationships > 0)
                r = list_append((void ***)&out->facts, &out->n_facts, fact, finding->arena);
        r = r ?: sharing_word_of_fact(&finding->rules, name, stored, finding->arena, &word);
        if (r == 0 && word)
                r = list_append((void ***)&out->words, &out->n_words, word, finding->arena);
        return r;
}

static int section_seen(Bytes key, Bytes value, void *owner) {
        Finding *finding = owner;
        const size_t n_id = strlen(finding->patient_id) + 1;
        char *name = arena_text(finding->arena, key.data + n_id,
                                strnlen((const char *)key.data + n_id, key.size - n_id));
        char *section = name ? arena_text(finding->arena, name, strcspn(name, "/")) : NULL;
        Carebus__V1__StoredSection *stored;
        int r;

        if (!section)
                return -ENOMEM;
        if (!section_is_known(section))
                return 0;
        r = message_unpack(&carebus__v1__stored_section__descriptor, value, finding->arena,
                           (ProtobufCMessage **)&stored);
        for (size_t i = 0; r == 0 && i < stored->n_facts; i++)
                if (stored->facts[i]->fact->event_id)
                        r = fact_find(finding, name, section, stored->facts[i]);
        return r;
}

/* What came with an event, and what was decided, does not follow from settings. */
static int keep_rest(Finding *finding, const StoredSharing *old, int64_t at) {
        StoredSharing *out = finding->out;
        int r = 0;

        out->has_as_at = 1;
        out->as_at = at;
        if (!old)
                return 0;
        if (old->has_as_at && old->as_at > at)
                out->as_at = old->as_at;
        out->n_grants = old->n_grants;
        out->grants = old->grants;
        out->n_told = old->n_told;
        out->told = old->told;
        for (size_t i = 0; r == 0 && i < old->n_words; i++)
                if (!old->words[i]->fact || !old->words[i]->fact[0])
                        r = list_append((void ***)&out->words, &out->n_words, old->words[i], finding->arena);
        return r;
}

int sharing_anew(StateTxn *txn, const Settings *settings, const SharingRulesMark *mark, const char *patient_id,
                 const StoredSharing *old, Arena *arena, StoredSharing **ret) {
        StateKey prefix = state_key_section(patient_id, NULL);
        Finding finding = { .txn = txn,
                            .rules = relationship_rules(settings),
                            .patient_id = patient_id,
                            .arena = arena,
                            .out = message_new(&carebus__v1__stored_sharing__descriptor, arena) };
        int r;

        if (!finding.out || prefix.error < 0)
                return prefix.error < 0 ? prefix.error : -ENOMEM;
        finding.out->has_rules_seq = 1;
        finding.out->rules_seq = mark->seq;
        r = keep_rest(&finding, old, mark->at);
        r = r ?: state_walk(txn, STATE_SECTION, state_key_all(&prefix), state_key_all(&prefix), section_seen, &finding);
        if (r == 0)
                *ret = finding.out;
        return r;
}
