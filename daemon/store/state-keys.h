#pragma once
/*
 * Keys of the state's tables: how they are made and read. A builder writes into a fixed buffer; parts of text end in a
 * zero byte, numbers are big-endian, so that the order of bytes is the order of meaning.
 */
#include "base/bytes.h"
#include "daemon/store/state.h"

typedef struct StateKey {
        uint8_t data[STATE_KEY_MAX];
        size_t size;
        int error; /* -EMSGSIZE when the parts did not fit */
} StateKey;

#define STATE_KEY_NULL ((StateKey){ .size = 0 })

void state_key_text(StateKey *key, const char *text); /* with its zero byte */
void state_key_u64(StateKey *key, uint64_t number);
void state_key_u32(StateKey *key, uint32_t number);
void state_key_i64(StateKey *key, int64_t number); /* order kept for negatives */
void state_key_bytes(StateKey *key, Bytes bytes);  /* as they are, at the end */
static inline Bytes state_key_all(const StateKey *key) {
        return bytes_of(key->data, key->size);
}

/* One maker a table; see state.h for the shape. Each ends in numbers or a zero byte, so that none is the beginning of another's. */
StateKey state_key_seq(uint64_t seq);
StateKey state_key_meta(const char *name);
/* A message id or value too long for a key is replaced by "sha256:" and its hash. */
StateKey state_key_dedupe(const char *source, const char *message_id, int64_t message_at);
StateKey state_key_identifier(const char *system, const char *value);
StateKey state_key_person(const char *patient_id);
StateKey state_key_section(const char *patient_id, const char *section); /* section NULL: prefix of all */
StateKey state_key_patient_seq(const char *patient_id, uint64_t seq, uint32_t index);
StateKey state_key_source_seq(const char *source, uint64_t seq);
StateKey state_key_count(const char *source, const char *counter);
/* patient_id NULL: prefix of all in the block. */
StateKey state_key_block(const char *block, const char *patient_id);
/* `whose` NULL: prefix of all of the consumer. */
StateKey state_key_parked(const char *team, const char *consumer, const char *whose);
StateKey state_key_review(const char *review_id);
/* kind and id NULL: prefix of all that falls due at that time, and where a walk up to it ends. */
StateKey state_key_due(int64_t due_at, const char *kind, const char *id);

/* STATE_DEDUPE's value: seq, then SHA-256 of the original bytes. */
typedef struct StateDedupe {
        uint64_t seq;
        uint8_t sha256[32];
} StateDedupe;
int state_dedupe_get(StateTxn *txn, const char *source, const char *message_id, int64_t message_at, StateDedupe *ret);
int state_dedupe_put(StateTxn *txn, const char *source, const char *message_id, int64_t message_at,
                     const StateDedupe *value);
/* STATE_COUNT: adds to a counter / reads it (0 when absent). */
int state_count_add(StateTxn *txn, const char *source, const char *counter, uint64_t more);
uint64_t state_count_get(StateTxn *txn, const char *source, const char *counter);
