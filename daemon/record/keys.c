#include "daemon/record/keys.h"

#include <string.h>

#include "base/sha256.h"
#include "base/text.h"

/* Patient id, section and stamp of a claim stay well below STATE_KEY_MAX. */
#define KEY_TEXT_MAX 160

char *section_of_encounter(const char *source, const char *key, Arena *arena) {
        uint8_t hash[SHA256_SIZE];
        char hex[2 * SHA256_SIZE + 1];

        if (strlen(key) <= KEY_TEXT_MAX)
                return arena_format(arena, SECTION_ENCOUNTERS "/%s/%s", source, key);
        sha256(key, strlen(key), hash);
        hex_encode(hash, sizeof(hash), hex);
        return arena_format(arena, SECTION_ENCOUNTERS "/%s/sha256:%s", source, hex);
}

StateKey key_of_claims(const char *patient_id, const char *section) {
        StateKey key = STATE_KEY_NULL;

        state_key_text(&key, "~");
        state_key_text(&key, patient_id);
        state_key_text(&key, section);
        return key;
}

StateKey key_of_claim(const char *patient_id, const char *section, StampParts stamp) {
        StateKey key = key_of_claims(patient_id, section);

        state_key_i64(&key, stamp.said_at);
        state_key_i64(&key, stamp.sent_at);
        state_key_u64(&key, stamp.seq);
        state_key_u32(&key, stamp.index);
        return key;
}
