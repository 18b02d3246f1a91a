/* Keys whose bytes sort as their meaning does. */
#include "daemon/store/state-keys.h"

#include <errno.h>
#include <string.h>

#include "base/sha256.h"
#include "base/text.h"

/* A part of text that a key takes as it is; what is longer stands there by its hash. Three such parts and a number fit. */
#define PART_MAX 200u
#define HASHED_PREFIX "sha256:"

static void key_add(StateKey *key, const void *data, size_t size) {
        if (key->error < 0)
                return;
        if (size > sizeof(key->data) - key->size) {
                key->error = -EMSGSIZE;
                return;
        }
        memcpy(key->data + key->size, data, size);
        key->size += size;
}

void state_key_text(StateKey *key, const char *text) {
        key_add(key, text, strlen(text) + 1);
}

void state_key_u64(StateKey *key, uint64_t number) {
        uint8_t bytes[sizeof(number)];

        store_be64(bytes, number);
        key_add(key, bytes, sizeof(bytes));
}

void state_key_u32(StateKey *key, uint32_t number) {
        uint32_t swapped = __builtin_bswap32(number);

        key_add(key, &swapped, sizeof(swapped));
}

void state_key_i64(StateKey *key, int64_t number) {
        /* The sign turned round: negatives come first. */
        state_key_u64(key, (uint64_t)number ^ (1ull << 63));
}

void state_key_bytes(StateKey *key, Bytes bytes) {
        if (bytes.size > 0)
                key_add(key, bytes.data, bytes.size);
}

/* Text of any length. */
static void state_key_long_text(StateKey *key, const char *text) {
        char hashed[sizeof(HASHED_PREFIX) + 2 * SHA256_SIZE];
        uint8_t hash[SHA256_SIZE];
        size_t size = strlen(text);

        if (size <= PART_MAX) {
                state_key_text(key, text);
                return;
        }
        sha256(text, size, hash);
        memcpy(hashed, HASHED_PREFIX, sizeof(HASHED_PREFIX) - 1);
        hex_encode(hash, sizeof(hash), hashed + sizeof(HASHED_PREFIX) - 1);
        state_key_text(key, hashed);
}

StateKey state_key_seq(uint64_t seq) {
        StateKey key = STATE_KEY_NULL;

        state_key_u64(&key, seq);
        return key;
}

StateKey state_key_meta(const char *name) {
        StateKey key = STATE_KEY_NULL;

        state_key_text(&key, name);
        return key;
}

StateKey state_key_dedupe(const char *source, const char *message_id, int64_t message_at) {
        StateKey key = STATE_KEY_NULL;

        state_key_text(&key, source);
        state_key_long_text(&key, message_id);
        state_key_i64(&key, message_at);
        return key;
}

StateKey state_key_identifier(const char *system, const char *value) {
        StateKey key = STATE_KEY_NULL;

        state_key_long_text(&key, system);
        state_key_long_text(&key, value);
        return key;
}

StateKey state_key_person(const char *patient_id) {
        StateKey key = STATE_KEY_NULL;

        state_key_text(&key, patient_id);
        return key;
}

StateKey state_key_section(const char *patient_id, const char *section) {
        StateKey key = STATE_KEY_NULL;

        state_key_text(&key, patient_id);
        if (section)
                state_key_text(&key, section);
        return key;
}

StateKey state_key_patient_seq(const char *patient_id, uint64_t seq, uint32_t index) {
        StateKey key = STATE_KEY_NULL;

        state_key_text(&key, patient_id);
        state_key_u64(&key, seq);
        state_key_u32(&key, index);
        return key;
}

StateKey state_key_source_seq(const char *source, uint64_t seq) {
        StateKey key = STATE_KEY_NULL;

        state_key_text(&key, source);
        state_key_u64(&key, seq);
        return key;
}

StateKey state_key_count(const char *source, const char *counter) {
        StateKey key = STATE_KEY_NULL;

        state_key_text(&key, source);
        state_key_text(&key, counter);
        return key;
}

StateKey state_key_block(const char *block, const char *patient_id) {
        StateKey key = STATE_KEY_NULL;

        state_key_long_text(&key, block);
        if (patient_id)
                state_key_text(&key, patient_id);
        return key;
}

StateKey state_key_parked(const char *team, const char *consumer, const char *whose) {
        StateKey key = STATE_KEY_NULL;

        state_key_text(&key, team);
        state_key_text(&key, consumer);
        if (whose)
                state_key_text(&key, whose);
        return key;
}

StateKey state_key_review(const char *review_id) {
        StateKey key = STATE_KEY_NULL;

        state_key_text(&key, review_id);
        return key;
}

StateKey state_key_due(int64_t due_at, const char *kind, const char *id) {
        StateKey key = STATE_KEY_NULL;

        state_key_i64(&key, due_at);
        if (kind)
                state_key_text(&key, kind);
        if (kind && id)
                state_key_text(&key, id);
        return key;
}

int state_dedupe_get(StateTxn *txn, const char *source, const char *message_id, int64_t message_at, StateDedupe *ret) {
        StateKey key = state_key_dedupe(source, message_id, message_at);
        Bytes value;
        int r;

        if (key.error < 0)
                return key.error;
        r = state_get(txn, STATE_DEDUPE, state_key_all(&key), &value);
        if (r != 0)
                return r;
        if (value.size != sizeof(uint64_t) + sizeof(ret->sha256))
                return -EBADMSG;
        ret->seq = load_le64(value.data);
        memcpy(ret->sha256, value.data + sizeof(uint64_t), sizeof(ret->sha256));
        return 0;
}

int state_dedupe_put(StateTxn *txn, const char *source, const char *message_id, int64_t message_at,
                     const StateDedupe *value) {
        StateKey key = state_key_dedupe(source, message_id, message_at);
        uint8_t data[sizeof(uint64_t) + sizeof(value->sha256)];

        if (key.error < 0)
                return key.error;
        store_le64(data, value->seq);
        memcpy(data + sizeof(uint64_t), value->sha256, sizeof(value->sha256));
        return state_put(txn, STATE_DEDUPE, state_key_all(&key), bytes_of(data, sizeof(data)));
}

uint64_t state_count_get(StateTxn *txn, const char *source, const char *counter) {
        StateKey key = state_key_count(source, counter);
        Bytes value;

        if (key.error < 0 || state_get(txn, STATE_COUNT, state_key_all(&key), &value) != 0 ||
            value.size != sizeof(uint64_t))
                return 0;
        return load_le64(value.data);
}

int state_count_add(StateTxn *txn, const char *source, const char *counter, uint64_t more) {
        StateKey key = state_key_count(source, counter);
        uint8_t value[sizeof(uint64_t)];

        if (key.error < 0)
                return key.error;
        store_le64(value, state_count_get(txn, source, counter) + more);
        return state_put(txn, STATE_COUNT, state_key_all(&key), bytes_of(value, sizeof(value)));
}
