#include "daemon/stage/relationship.h"

#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "daemon/record/keys.h"
#include "daemon/record/plain.h"
#include "daemon/record/relationship-facts.h"
#include "daemon/record/relationship-rules.h"
#include "daemon/record/relationships.h"
#include "daemon/stage/due.h"
#include "daemon/stage/conflict-parts.h"
#include "daemon/stage/standing.h"

/* Facts of one home, and what they say: of more the longest over go first, then those of the source that has most. */
#define FACTS_MAX 256
#define WORDS_MAX 256

typedef Carebus__V1__StoredSharing StoredSharing;
typedef Carebus__V1__SharingFact SharingFact;
typedef Carebus__V1__SharingWord SharingWord;
typedef Carebus__V1__Relationship Relationship;

static int fact_wait(FoldWork *work, const char *patient_id, const SharingFact *fact);
static int word_wait(FoldWork *work, const char *patient_id, const SharingWord *word);
static void facts_bound(StoredSharing *sharing, int64_t linger_death);
static void words_bound(StoredSharing *sharing);

/* ---- of one home ------------------------------------------------------------------------------------------------------------ */

/* The settings are others by now: found anew, and whoever has a relationship, or none any more, is told when the entry is done with. */
static int sharing_renew(FoldWork *work, const SharingRulesMark *mark, WorkSharing *kept, StoredSharing **ret) {
        const RelationshipRules rules = relationship_rules(work->fold->settings);
        const StoredSharing *old = kept->sharing;
        const Said said = said_by_nobody();
        int r;

        r = work_store_through(work);
        r = r
                    ?: sharing_anew(work->txn, work->fold->settings, mark, kept->patient_id, old, work->arena,
                                    &kept->sharing);
        if (r)
                return r;
        while (kept->sharing->n_facts > FACTS_MAX)
                facts_bound(kept->sharing, rules.linger_death);
        while (kept->sharing->n_words > WORDS_MAX)
                words_bound(kept->sharing);
        kept->dirty = old || kept->sharing->n_facts > 0 || kept->sharing->n_words > 0;
        for (size_t i = 0; r == 0 && i < kept->sharing->n_facts; i++)
                r = fact_wait(work, kept->patient_id, kept->sharing->facts[i]);
        for (size_t i = 0; r == 0 && i < kept->sharing->n_words; i++)
                r = word_wait(work, kept->patient_id, kept->sharing->words[i]);
        *ret = kept->sharing;
        r = r ?: list_append((void ***)&work->sharings, &work->n_sharings, kept, work->arena);
        return r ?: relationship_look_later(work, kept->patient_id, &said);
}

int sharing_get(FoldWork *work, const char *patient_id, StoredSharing **ret) {
        StateKey key = state_key_section(patient_id, SECTION_SHARING);
        SharingRulesMark mark;
        WorkSharing *kept;
        int r;

        for (size_t i = 0; i < work->n_sharings; i++)
                if (strcmp(work->sharings[i]->patient_id, patient_id) == 0) {
                        *ret = work->sharings[i]->sharing;
                        return 0;
                }
        kept = arena_alloc(work->arena, sizeof(*kept));
        if (!kept)
                return -ENOMEM;
        *kept = (WorkSharing){ .patient_id = arena_text(work->arena, patient_id, strlen(patient_id)) };
        r = work_get(work, STATE_SECTION, &key, &carebus__v1__stored_sharing__descriptor,
                     (ProtobufCMessage **)&kept->sharing);
        r = r == STATE_E_NOT_FOUND ? 0 : r;
        r = r ?: sharing_rules_mark(work->txn, &mark);
        if (r || !kept->patient_id)
                return r ?: -ENOMEM;
        if (sharing_is_stale(&mark, patient_id, kept->sharing))
                return sharing_renew(work, &mark, kept, ret);
        if (!kept->sharing) {
                kept->sharing = message_new(&carebus__v1__stored_sharing__descriptor, work->arena);
                if (!kept->sharing)
                        return -ENOMEM;
                kept->sharing->has_rules_seq = 1;
                kept->sharing->rules_seq = mark.seq;
        }
        *ret = kept->sharing;
        return list_append((void ***)&work->sharings, &work->n_sharings, kept, work->arena);
}

void sharing_touch(FoldWork *work, const StoredSharing *sharing) {
        for (size_t i = 0; i < work->n_sharings; i++)
                if (work->sharings[i]->sharing == sharing)
                        work->sharings[i]->dirty = true;
}

int sharing_store(FoldWork *work) {
        int r = 0;

        for (size_t i = 0; r == 0 && i < work->n_sharings; i++) {
                WorkSharing *kept = work->sharings[i];
                StateKey key = state_key_section(kept->patient_id, SECTION_SHARING);

                if (kept->dirty)
                        r = work_put(work, STATE_SECTION, &key, &kept->sharing->base);
                kept->dirty = false;
        }
        return r;
}

/* ---- when it ends ----------------------------------------------------------------------------------------------------------- */

int relationship_wait(FoldWork *work, const char *patient_id, const Relationship *relationship) {
        if (!relationship->has_until_at || relationship->until_at <= work->received_at)
                return 0;
        return due_add(work, relationship->until_at, DUE_SHARING, patient_id);
}

static int fact_wait(FoldWork *work, const char *patient_id, const SharingFact *fact) {
        int r = 0;

        for (size_t i = 0; r == 0 && i < fact->n_relationships; i++)
                r = relationship_wait(work, patient_id, fact->relationships[i]);
        return r;
}

static int word_wait(FoldWork *work, const char *patient_id, const SharingWord *word) {
        if (!word->has_died_until_at || word->died_until_at <= work->received_at)
                return 0;
        return due_add(work, word->died_until_at, DUE_SHARING, patient_id);
}

static bool ends_then(const Relationship *relationship, int64_t at) {
        return relationship->has_until_at && relationship->until_at == at;
}

static bool anything_ends_then(const StoredSharing *sharing, int64_t at) {
        for (size_t i = 0; i < sharing->n_facts; i++)
                for (size_t j = 0; j < sharing->facts[i]->n_relationships; j++)
                        if (ends_then(sharing->facts[i]->relationships[j], at))
                                return true;
        for (size_t i = 0; i < sharing->n_grants; i++)
                if (ends_then(sharing->grants[i], at))
                        return true;
        for (size_t i = 0; i < sharing->n_words; i++)
                if (sharing->words[i]->has_died_until_at && sharing->words[i]->died_until_at == at)
                        return true;
        return false;
}

/* Nobody waits for what ends at another time now. */
static int fact_wait_no_more(FoldWork *work, const char *patient_id, const StoredSharing *sharing,
                             const SharingFact *before) {
        int r = 0;

        for (size_t i = 0; r == 0 && before && i < before->n_relationships; i++) {
                const Relationship *relationship = before->relationships[i];

                if (relationship->has_until_at && relationship->until_at > work->received_at &&
                    !anything_ends_then(sharing, relationship->until_at))
                        r = due_remove(work, relationship->until_at, DUE_SHARING, patient_id);
        }
        return r;
}

/* Ends up to now have passed. */
static void as_at_advance(StoredSharing *sharing, int64_t at) {
        sharing->as_at = sharing->has_as_at ? MAX(sharing->as_at, at) : at;
        sharing->has_as_at = 1;
}

/* ---- facts ---------------------------------------------------------------------------------------------------------------------- */

static int fact_order(const char *fact_a, const char *source_a, const char *fact_b, const char *source_b) {
        return strcmp(fact_a ?: "", fact_b ?: "") ?: strcmp(source_a ?: "", source_b ?: "");
}

/* Its place, or where it belongs. */
static size_t fact_place_of(const StoredSharing *sharing, const char *name, const char *source, bool *ret_there) {
        size_t low = 0, high = sharing->n_facts;

        *ret_there = false;
        while (low < high) {
                size_t middle = low + (high - low) / 2;
                int order = fact_order(sharing->facts[middle]->fact, sharing->facts[middle]->source, name, source);

                if (order == 0) {
                        *ret_there = true;
                        return middle;
                }
                if (order < 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low;
}

/* When its last relationship ends; INT64_MIN where it has none, INT64_MAX where one has no end. */
static int64_t fact_over_at(const SharingFact *fact) {
        int64_t at = INT64_MIN;

        for (size_t i = 0; i < fact->n_relationships; i++)
                at = MAX(at, fact->relationships[i]->has_until_at ? fact->relationships[i]->until_at : INT64_MAX);
        return at;
}

static size_t facts_of_source(const StoredSharing *sharing, const char *source) {
        size_t n = 0;

        for (size_t i = 0; i < sharing->n_facts; i++)
                n += text_equal(sharing->facts[i]->source, source);
        return n;
}

/* Of what is over the longest over; where nothing is, the one of the source that has most which ends, or began, first. */
static size_t fact_to_drop(const StoredSharing *sharing, int64_t linger_death) {
        size_t drop = 0, most = 0, n = 0;
        const char *counted = NULL;
        int64_t first = INT64_MAX;

        for (size_t i = 0; i < sharing->n_facts; i++) {
                int64_t over = fact_over_at(sharing->facts[i]);

                if (over < first) {
                        first = over;
                        drop = i;
                }
        }
        if (first <= sharing->as_at && first < INT64_MAX - linger_death && first + linger_death <= sharing->as_at)
                return drop;
        first = INT64_MAX;
        for (size_t i = 0; i < sharing->n_facts; i++) {
                const char *source = sharing->facts[i]->source;
                int64_t over = fact_over_at(sharing->facts[i]);

                /* Mostly one source says them one after the other. */
                if (!counted || !text_equal(counted, source)) {
                        n = facts_of_source(sharing, source);
                        counted = source;
                }
                if (n < most || (n == most && over >= first))
                        continue;
                most = n;
                first = over;
                drop = i;
        }
        return drop;
}

static void facts_bound(StoredSharing *sharing, int64_t linger_death) {
        size_t drop;

        if (sharing->n_facts <= FACTS_MAX)
                return;
        drop = fact_to_drop(sharing, linger_death);
        memmove(&sharing->facts[drop], &sharing->facts[drop + 1],
                (sharing->n_facts - drop - 1) * sizeof(*sharing->facts));
        sharing->n_facts--;
}

static int fact_put(FoldWork *work, const Said *said, const char *patient_id, StoredSharing *sharing,
                    SharingFact *fact) {
        const RelationshipRules rules = relationship_rules(work->fold->settings);
        const SharingFact *before = NULL;
        bool there;
        size_t at = fact_place_of(sharing, fact->fact, fact->source, &there);
        int r = 0;

        if (there) {
                before = sharing->facts[at];
                if (body_equal(&before->base, &fact->base))
                        return 0;
                sharing->facts[at] = fact;
        } else if (fact->n_relationships == 0)
                return 0;
        else {
                r = list_append((void ***)&sharing->facts, &sharing->n_facts, fact, work->arena);
                if (r < 0)
                        return r;
                memmove(&sharing->facts[at + 1], &sharing->facts[at],
                        (sharing->n_facts - at - 1) * sizeof(*sharing->facts));
                sharing->facts[at] = fact;
        }
        as_at_advance(sharing, work->received_at);
        r = fact_wait_no_more(work, patient_id, sharing, before);
        r = r ?: fact_wait(work, patient_id, fact);
        facts_bound(sharing, rules.linger_death);
        sharing_touch(work, sharing);
        return r ?: relationship_look_later(work, patient_id, said);
}

/* ---- words ---------------------------------------------------------------------------------------------------------------------- */

static size_t words_of_source(const StoredSharing *sharing, const char *source) {
        size_t n = 0;

        for (size_t i = 0; i < sharing->n_words; i++)
                n += text_equal(sharing->words[i]->source, source);
        return n;
}

/* Of the source that says most the first, of those that deny nothing where there is one: who says much takes back nobody else's word. */
static void words_bound(StoredSharing *sharing) {
        size_t drop = 0, most = 0;
        bool denies = true;

        if (sharing->n_words <= WORDS_MAX)
                return;
        for (size_t i = 0; i < sharing->n_words; i++) {
                const SharingWord *word = sharing->words[i];
                const bool denying = word->restricted || word->objection;
                size_t n = words_of_source(sharing, word->source);

                if (n < most || (n == most && (!denies || denying)))
                        continue;
                most = n;
                denies = denying;
                drop = i;
        }
        memmove(&sharing->words[drop], &sharing->words[drop + 1],
                (sharing->n_words - drop - 1) * sizeof(*sharing->words));
        sharing->n_words--;
}

/* What nobody says any more goes; what was never said is not noted. */
static int word_put(FoldWork *work, const Said *said, const char *patient_id, StoredSharing *sharing, const char *name,
                    const char *source, SharingWord *word) {
        size_t i = 0;
        int r = 0;

        while (i < sharing->n_words &&
               fact_order(sharing->words[i]->fact, sharing->words[i]->source, name, source) != 0)
                i++;
        if (i == sharing->n_words && !word)
                return 0;
        if (i < sharing->n_words && word && body_equal(&sharing->words[i]->base, &word->base))
                return 0;
        if (i == sharing->n_words)
                r = list_append((void ***)&sharing->words, &sharing->n_words, word, work->arena);
        else if (word)
                sharing->words[i] = word;
        else {
                memmove(&sharing->words[i], &sharing->words[i + 1],
                        (sharing->n_words - i - 1) * sizeof(*sharing->words));
                sharing->n_words--;
        }
        words_bound(sharing);
        as_at_advance(sharing, work->received_at);
        sharing_touch(work, sharing);
        if (r == 0 && word)
                r = word_wait(work, patient_id, word);
        return r ?: relationship_look_later(work, patient_id, said);
}

static bool says_words(const Carebus__V1__Fact *fact) {
        return fact->value_case == CAREBUS__V1__FACT__VALUE_DEMOGRAPHICS ||
               fact->value_case == CAREBUS__V1__FACT__VALUE_DEATH ||
               fact->value_case == CAREBUS__V1__FACT__VALUE_CONSENT;
}

static int fact_keep(FoldWork *work, const Said *said, const char *patient_id, const char *name,
                     const Carebus__V1__StoredFact *stored) {
        const RelationshipRules rules = relationship_rules(work->fold->settings);
        StoredSharing *sharing;
        SharingFact *fact;
        SharingWord *word = NULL;
        int r;

        r = relationships_of_fact(&rules, name, stored, work->arena, &fact);
        if (r || (!fact && !says_words(stored->fact)))
                return r;
        r = sharing_get(work, patient_id, &sharing);
        if (r == 0 && fact)
                r = fact_put(work, said, patient_id, sharing, fact);
        if (r || !says_words(stored->fact))
                return r;
        r = sharing_word_of_fact(&rules, name, stored, work->arena, &word);
        return r ?: word_put(work, said, patient_id, sharing, name, stored->fact->source, word);
}

int relationship_keep_event(FoldWork *work, const Said *said, const char *patient_id) {
        const Carebus__V1__Sensitivity *sensitivity = said->event->sensitivity;
        StoredSharing *sharing;
        SharingWord *word;
        int r;

        if (!sensitivity || !sensitivity->has_restricted_location ||
            said->event->body_case == CAREBUS__V1__EVENT__BODY_DEMOGRAPHICS ||
            (said->event->patient && said->event->patient->demographics))
                return 0;
        r = sharing_get(work, patient_id, &sharing);
        for (size_t i = 0; r == 0 && i < sharing->n_words; i++)
                if (fact_order(sharing->words[i]->fact, sharing->words[i]->source, "", work->source) == 0 &&
                    stamp_parts_compare(stamp_parts(sharing->words[i]->stamp), said->stamp) > 0)
                        return 0;
        word = r == 0 ? message_new(&carebus__v1__sharing_word__descriptor, work->arena) : NULL;
        if (!word)
                return r ?: -ENOMEM;
        word->fact = (char *)"";
        word->source = (char *)work->source;
        word->has_restricted = 1;
        word->restricted = sensitivity->restricted_location;
        word->stamp = stamp_make(said->stamp, work->arena);
        if (!word->stamp)
                return -ENOMEM;
        return word_put(work, said, patient_id, sharing, "", work->source, word);
}

/* ---- lists -------------------------------------------------------------------------------------------------------------------- */

static int lists_get(FoldWork *work, const char *patient_id, const char *source, Carebus__V1__StoredLists **ret) {
        char *name = section_of_lists(source, work->arena);
        StateKey key;
        int r;

        *ret = NULL;
        if (!name)
                return -ENOMEM;
        key = state_key_section(patient_id, name);
        r = work_get(work, STATE_SECTION, &key, &carebus__v1__stored_lists__descriptor, (ProtobufCMessage **)ret);
        return r == STATE_E_NOT_FOUND ? 0 : r;
}

int relationship_keep(FoldWork *work, const Said *said, const char *patient_id, const char *name,
                      const Carebus__V1__StoredFact *stored) {
        Carebus__V1__StoredLists *lists = NULL;
        char *section;
        int r = 0;

        if (!relationships_are_of_fact(stored->fact) && !says_words(stored->fact))
                return 0;
        section = arena_text(work->arena, name, strcspn(name, "/"));
        if (!section)
                return -ENOMEM;
        if (sharing_fact_is_listed(stored, section))
                r = lists_get(work, patient_id, stored->fact->source, &lists);
        r = r ?: sharing_fact_by_lists(stored, lists, section, work->arena, &stored);
        return r ?: fact_keep(work, said, patient_id, name, stored);
}

int relationship_keep_list(FoldWork *work, const Said *said, const char *patient_id, const char *section) {
        char *prefix = text_joined(work->arena, section, "/", work->source, "/");
        StoredSharing *sharing;
        int r;

        if (!prefix)
                return -ENOMEM;
        r = sharing_get(work, patient_id, &sharing);
        for (size_t i = 0; r == 0 && i < sharing->n_facts; i++) {
                const char *name = sharing->facts[i]->fact;
                Carebus__V1__StoredSection *stored;

                if (!text_starts_with(name, prefix))
                        continue;
                r = work_section(work, patient_id, name, &stored);
                for (size_t j = 0; r == 0 && j < stored->n_facts; j++)
                        r = relationship_keep(work, said, patient_id, name, stored->facts[j]);
        }
        return r;
}

/* ---- who is looked at when all is done
 * -------------------------------------------------------------------------------------------- */

int relationship_look_later(FoldWork *work, const char *patient_id, const Said *said) {
        WorkLook *look;

        for (size_t i = 0; i < work->n_shared; i++)
                if (strcmp(work->shared[i]->patient_id, patient_id) == 0)
                        return 0;
        look = arena_alloc(work->arena, sizeof(*look));
        if (!look)
                return -ENOMEM;
        *look = (WorkLook){ .patient_id = arena_text(work->arena, patient_id, strlen(patient_id)), .said = *said };
        return look->patient_id ? list_append((void ***)&work->shared, &work->n_shared, look, work->arena) : -ENOMEM;
}
