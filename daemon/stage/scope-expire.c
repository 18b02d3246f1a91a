/* What was said of nobody who is followed, and was not asked for in time, goes: the payload, and what of it the state held. */
#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "daemon/record/keys.h"
#include "daemon/record/read.h"
#include "daemon/stage/scope-parts.h"
#include "proto/check.h"

#define META_EXPIRED_BY "expired_by" /* 8 bytes, little-endian: the newest decision */

typedef Carebus__V1__Outcome Outcome;
typedef Carebus__V1__Person Person;

/* Is anybody who is one with them followed, or waits for a review? 1, 0 or negative. */
static int is_needed(StateTxn *txn, const char *patient_id, Arena *arena) {
        size_t n = 0;
        char **ids;
        int r;

        r = identity_members(txn, patient_id, arena, &ids, &n);
        for (size_t i = 0; r == 0 && i < n; i++) {
                Person *person;

                r = person_read(txn, ids[i], arena, &person);
                if (r == 0 && ((person->has_followed && person->followed) || person->n_review_ids > 0))
                        return 1;
        }
        return error_fold(r);
}

/* Of nobody: services, and whatever else is not of a person, stays. */
static int persons_are_free(StateTxn *txn, const Outcome *outcome, Arena *arena) {
        size_t n_persons = 0;

        for (size_t i = 0; i < outcome->n_patient_ids; i++) {
                int r;

                if (!outcome->patient_ids[i][0])
                        return 0;
                r = is_needed(txn, outcome->patient_ids[i], arena);
                if (r != 0)
                        return r < 0 ? r : 0;
                n_persons++;
        }
        return n_persons > 0;
}

int scope_may_expire(StateTxn *txn, uint64_t seq, Arena *arena) {
        Outcome *outcome;
        int r;

        r = outcome_read(txn, seq, arena, &outcome);
        if (r)
                return r == RECORD_E_NOT_FOUND ? 0 : error_fold(r);
        if (outcome->has_expired_by || !text_equal(outcome->kind, "submission"))
                return 0;
        if (outcome->has_duplicate_of) {
                Outcome *first;

                r = outcome_read(txn, outcome->duplicate_of, arena, &first);
                if (r)
                        return r == RECORD_E_NOT_FOUND ? 0 : error_fold(r);
                return first->has_expired_by || scope_may_expire(txn, outcome->duplicate_of, arena) > 0;
        }
        if (outcome->quarantined && !outcome->resolution)
                return 0;
        return persons_are_free(txn, outcome, arena);
}

/* ---- what the state held ------------------------------------------------------------------------------------------------------ */

typedef struct Stays {
        FoldWork *work;
        char **sections; /* of those that go */
        size_t n;
} Stays;

/* Has it ended, and was it said last by what has expired? */
static int stay_is_over(FoldWork *work, const Carebus__V1__StoredFact *stored) {
        Outcome *outcome;
        int r;

        if (!stored->fact || text_equal(stored->fact->status, "current"))
                return 0;
        r = outcome_read(work->txn, stored->fact->seq, work->arena, &outcome);
        return r ? error_fold(r) : outcome->has_expired_by;
}

static int stay_seen(Bytes key, Bytes value, void *owner) {
        Stays *stays = owner;
        Carebus__V1__StoredSection *section;
        const char *name = (const char *)key.data + strlen((const char *)key.data) + 1;
        int r;

        r = message_unpack(&carebus__v1__stored_section__descriptor, value, stays->work->arena,
                           (ProtobufCMessage **)&section);
        for (size_t i = 0; r == 0 && i < section->n_facts; i++)
                if (stay_is_over(stays->work, section->facts[i]) != 1)
                        return 0;
        if (r == 0) {
                char *kept = arena_text(stays->work->arena, name, strlen(name));
                r = kept ? list_append((void ***)&stays->sections, &stays->n, kept, stays->work->arena) : -ENOMEM;
        }
        return r;
}

/* A length of 4 bytes and the key, each. */
static int key_seen(Bytes key, Bytes value, void *owner) {
        Buffer *keys = owner;
        const uint32_t size = (uint32_t)key.size;

        (void)value;
        buffer_append(keys, &size, sizeof(size));
        buffer_append_bytes(keys, key);
        return keys->error;
}

static int claims_delete(FoldWork *work, const char *patient_id, const char *section) {
        _cleanup_(buffer_deinit) Buffer keys = BUFFER_NULL;
        StateKey prefix = key_of_claims(patient_id, section);
        int r;

        if (prefix.error < 0)
                return prefix.error;
        r = state_walk(work->txn, STATE_SECTION, state_key_all(&prefix), state_key_all(&prefix), key_seen, &keys);
        for (size_t at = 0; r == 0 && at < keys.size;) {
                uint32_t size;

                memcpy(&size, keys.data + at, sizeof(size));
                r = state_delete(work->txn, STATE_SECTION, bytes_of(keys.data + at + sizeof(size), size));
                at += sizeof(size) + size;
        }
        return r;
}

/* Stays that are over, and nothing else: numbers, and what they are matched by, are kept. */
static int stays_delete(FoldWork *work, const char *patient_id) {
        StateKey prefix = state_key_person(patient_id);
        Stays stays = { .work = work };
        int r;

        state_key_bytes(&prefix, bytes_of_text("encounters/"));
        if (prefix.error < 0)
                return prefix.error;
        r = state_walk(work->txn, STATE_SECTION, state_key_all(&prefix), state_key_all(&prefix), stay_seen, &stays);
        for (size_t i = 0; r == 0 && i < stays.n; i++) {
                StateKey key = state_key_section(patient_id, stays.sections[i]);

                r = state_delete(work->txn, STATE_SECTION, state_key_all(&key));
                r = r ?: claims_delete(work, patient_id, stays.sections[i]);
        }
        return r;
}

/* Nothing can be read out of it any more; who it was of forgets what it said. */
static int entry_expire(FoldWork *work, uint64_t seq) {
        StateKey key = state_key_seq(seq);
        Outcome *outcome;
        Bytes packed;
        int r;

        r = outcome_read(work->txn, seq, work->arena, &outcome);
        if (r)
                return error_fold(r);
        outcome->has_expired_by = true;
        outcome->expired_by = work->seq;
        packed = message_pack(&outcome->base, work->arena);
        r = packed.data ? state_put(work->txn, STATE_OUTCOME, state_key_all(&key), packed) : -ENOMEM;
        r = r ?: state_delete(work->txn, STATE_RESOLVED, state_key_all(&key));
        for (uint32_t i = 0; r == 0 && i < outcome->n_patient_ids; i++) {
                size_t n = 0;
                char **ids;

                r = error_fold(identity_members(work->txn, outcome->patient_ids[i], work->arena, &ids, &n));
                for (size_t j = 0; r == 0 && j < n; j++) {
                        r = aside_forget(work, ids[j], seq, i);
                        r = r ?: stays_delete(work, ids[j]);
                        r = r ?: work_touch_record(work, ids[j]);
                }
        }
        return r;
}

int scope_expired_note(FoldWork *work) {
        StateKey key = state_key_meta(META_EXPIRED_BY);
        uint8_t seq[8];

        store_le64(seq, work->seq);
        return state_put(work->txn, STATE_META, state_key_all(&key), bytes_of(seq, sizeof(seq)));
}

uint64_t scope_expired_by(StateTxn *txn) {
        StateKey key = state_key_meta(META_EXPIRED_BY);
        Bytes value;

        if (state_get(txn, STATE_META, state_key_all(&key), &value) != 0 || value.size != sizeof(uint64_t))
                return 0;
        return load_le64(value.data);
}

int scope_expire(FoldWork *work, const Carebus__V1__JournalDecision *decision) {
        const Carebus__V1__Expired *expired = decision->expired;
        int r;

        if (!expired || expired->n_seqs == 0 || !expired->has_base_seq) {
                work->outcome.refused = (char *)"no-base";
                return 0;
        }
        /* What earlier entries of this transaction changed is read through it. */
        r = work_store_through(work);
        for (size_t i = 0; r == 0 && i < expired->n_seqs; i++) {
                const ArenaMark mark = arena_mark(work->arena);
                int may = expired->seqs[i] <= expired->base_seq && expired->base_seq < work->seq
                                  ? scope_may_expire(work->txn, expired->seqs[i], work->arena)
                                  : 0;

                if (may < 0)
                        return may;
                if (may == 0) {
                        arena_rewind(work->arena, mark);
                        continue;
                }
                r = entry_expire(work, expired->seqs[i]);
        }
        /* What it holds may be of what was deleted. */
        overlay_clear(work->fold->overlay);
        return r ?: scope_expired_note(work);
}
