/* A chained hash table whose entries also stand in a line by number. */
#include "daemon/stage/known.h"

#include <string.h>
#include <sys/random.h>

#include "base/error.h"

#define BUCKETS_AT_FIRST 1024

typedef struct KnownEntry KnownEntry;
struct KnownEntry {
        KnownEntry *next_in_bucket;
        KnownEntry *older, *newer;
        uint64_t hash;
        int64_t message_at;
        KnownMessage message;
        char text[]; /* source, NUL, message id, NUL */
};

struct Known {
        KnownEntry **buckets;
        size_t n_buckets; /* a power of two */
        size_t n_entries;
        KnownEntry *oldest, *newest;
        uint64_t seed; /* message ids are chosen by who sends them */
};

int known_new(Known **ret) {
        _cleanup_(known_freep) Known *known = calloc(1, sizeof(*known));

        if (!known)
                return -ENOMEM;
        if (getentropy(&known->seed, sizeof(known->seed)) < 0)
                return -errno;
        known->n_buckets = BUCKETS_AT_FIRST;
        known->buckets = calloc(known->n_buckets, sizeof(*known->buckets));
        if (!known->buckets)
                return -ENOMEM;
        *ret = TAKE_PTR(known);
        return 0;
}

Known *known_free(Known *known) {
        if (!known)
                return NULL;
        known_forget_from(known, 0);
        free(known->buckets);
        free(known);
        return NULL;
}

static uint64_t mix(uint64_t x) {
        x ^= x >> 32;
        x *= 0xd6e8feb86659fd93ULL;
        x ^= x >> 32;
        x *= 0xd6e8feb86659fd93ULL;
        return x ^ x >> 32;
}

static uint64_t hash_text(uint64_t hash, const char *text) {
        size_t size = strlen(text) + 1; /* with its NUL: "ab", "c" is not "a", "bc" */

        for (; size >= 8; text += 8, size -= 8) {
                uint64_t word;
                memcpy(&word, text, 8);
                hash = mix(hash ^ word);
        }
        if (size > 0) {
                uint64_t word = 0;
                memcpy(&word, text, size);
                hash = mix(hash ^ word ^ (uint64_t)size << 56);
        }
        return hash;
}

static uint64_t hash_key(const Known *known, const char *source, const char *message_id, int64_t message_at) {
        return mix(hash_text(hash_text(known->seed, source), message_id) ^ (uint64_t)message_at);
}

static bool entry_is(const KnownEntry *entry, uint64_t hash, const char *source, const char *message_id,
                     int64_t message_at) {
        return entry->hash == hash && entry->message_at == message_at && strcmp(entry->text, source) == 0 &&
               strcmp(entry->text + strlen(source) + 1, message_id) == 0;
}

bool known_find(const Known *known, const char *source, const char *message_id, int64_t message_at, KnownMessage *ret) {
        uint64_t hash = hash_key(known, source, message_id, message_at);

        for (const KnownEntry *entry = known->buckets[hash & (known->n_buckets - 1)]; entry;
             entry = entry->next_in_bucket)
                if (entry_is(entry, hash, source, message_id, message_at)) {
                        *ret = entry->message;
                        return true;
                }
        return false;
}

static void known_grow(Known *known) {
        size_t n = known->n_buckets * 2;
        KnownEntry **buckets = calloc(n, sizeof(*buckets));

        if (!buckets)
                return; /* longer chains are slower, not wrong */
        for (KnownEntry *entry = known->oldest; entry; entry = entry->newer) {
                KnownEntry **bucket = &buckets[entry->hash & (n - 1)];
                entry->next_in_bucket = *bucket;
                *bucket = entry;
        }
        free(known->buckets);
        known->buckets = buckets;
        known->n_buckets = n;
}

int known_add(Known *known, const char *source, const char *message_id, int64_t message_at,
              const KnownMessage *message) {
        size_t n_source = strlen(source) + 1, n_id = strlen(message_id) + 1;
        KnownEntry *entry = malloc(sizeof(*entry) + n_source + n_id), **bucket;

        if (!entry)
                return -ENOMEM;
        if (known->n_entries >= known->n_buckets)
                known_grow(known);
        *entry = (KnownEntry){
                .hash = hash_key(known, source, message_id, message_at),
                .message_at = message_at,
                .message = *message,
                .older = known->newest,
        };
        memcpy(entry->text, source, n_source);
        memcpy(entry->text + n_source, message_id, n_id);
        bucket = &known->buckets[entry->hash & (known->n_buckets - 1)];
        entry->next_in_bucket = *bucket;
        *bucket = entry;
        if (known->newest)
                known->newest->newer = entry;
        else
                known->oldest = entry;
        known->newest = entry;
        known->n_entries++;
        return 0;
}

static void known_drop(Known *known, KnownEntry *entry) {
        KnownEntry **place = &known->buckets[entry->hash & (known->n_buckets - 1)];

        while (*place != entry)
                place = &(*place)->next_in_bucket;
        *place = entry->next_in_bucket;
        if (entry->older)
                entry->older->newer = entry->newer;
        else
                known->oldest = entry->newer;
        if (entry->newer)
                entry->newer->older = entry->older;
        else
                known->newest = entry->older;
        known->n_entries--;
        free(entry);
}

void known_forget_until(Known *known, uint64_t seq) {
        while (known->oldest && known->oldest->message.seq <= seq)
                known_drop(known, known->oldest);
}

void known_forget_from(Known *known, uint64_t seq) {
        while (known->newest && known->newest->message.seq >= seq)
                known_drop(known, known->newest);
}

size_t known_count(const Known *known) {
        return known->n_entries;
}
