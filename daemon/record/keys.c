#include "daemon/record/keys.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/sha256.h"
#include "base/text.h"

/* Patient id, section and stamp of a claim stay well below STATE_KEY_MAX. */
#define KEY_TEXT_MAX 160

static char *digits_before(char *end, uint64_t number) {
        do
                *--end = (char)('0' + number % 10);
        while (number /= 10);
        return end;
}

/* By hand: several a message, and printf would be the dearest part of them. */
char *id_text(const char *prefix, uint64_t seq, uint32_t index, Arena *arena) {
        char digits[40], *end = digits + sizeof(digits), *at = digits_before(end, index);
        size_t n_prefix = strlen(prefix);
        char *text;

        *--at = '.';
        at = digits_before(at, seq);
        text = arena_alloc(arena, n_prefix + (size_t)(end - at) + 1);
        if (!text)
                return NULL;
        memcpy(text, prefix, n_prefix);
        memcpy(text + n_prefix, at, (size_t)(end - at));
        text[n_prefix + (size_t)(end - at)] = '\0';
        return text;
}

int id_compare(const char *a, const char *b) {
        unsigned long long seq_a, seq_b;
        unsigned index_a, index_b;
        int n_a = sscanf(a, "p%llu.%u", &seq_a, &index_a), n_b = sscanf(b, "p%llu.%u", &seq_b, &index_b);

        if (n_a != 2 || n_b != 2)
                return n_a == 2 ? -1 : n_b == 2 ? 1 : strcmp(a, b);
        if (seq_a != seq_b)
                return seq_a < seq_b ? -1 : 1;
        return index_a == index_b ? 0 : index_a < index_b ? -1 : 1;
}

char *text_joined(Arena *arena, const char *a, const char *b, const char *c, const char *d) {
        const char *const parts[] = { a, b, c, d };
        size_t sizes[4] = { 0 }, size = 1;
        char *text, *at;

        for (size_t i = 0; i < ELEMENTSOF(parts) && parts[i]; i++)
                size += sizes[i] = strlen(parts[i]);
        text = at = arena_alloc(arena, size);
        if (!text)
                return NULL;
        for (size_t i = 0; i < ELEMENTSOF(parts) && parts[i]; i++) {
                memcpy(at, parts[i], sizes[i]);
                at += sizes[i];
        }
        *at = '\0';
        return text;
}

char *section_of_fact(const char *section, const char *source, const char *key, Arena *arena) {
        uint8_t hash[SHA256_SIZE];
        char hex[2 * SHA256_SIZE + 1], *name = text_joined(arena, section, "/", source, "/");

        if (!name)
                return NULL;
        if (strlen(key) <= KEY_TEXT_MAX)
                return text_joined(arena, name, key, NULL, NULL);
        sha256(key, strlen(key), hash);
        hex_encode(hash, sizeof(hash), hex);
        return text_joined(arena, name, "sha256:", hex, NULL);
}

char *section_of_again(const char *source, Arena *arena) {
        return text_joined(arena, SECTION_AGAIN "/", source, NULL, NULL);
}

char *section_of_lists(const char *source, Arena *arena) {
        return text_joined(arena, SECTION_LISTS "/", source, NULL, NULL);
}

StateKey key_of_claims(const char *patient_id, const char *section) {
        StateKey key = STATE_KEY_NULL;

        state_key_text(&key, "~");
        state_key_text(&key, patient_id);
        state_key_text(&key, section);
        return key;
}

StateKey key_of_claims_of(const char *patient_id) {
        StateKey key = STATE_KEY_NULL;

        state_key_text(&key, "~");
        state_key_text(&key, patient_id);
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
