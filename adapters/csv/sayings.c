/* See sayings.h. Sixteen bytes a row: a hash of the thing, and one of what is said of it. */
#include "adapters/csv/sayings.h"

#include <errno.h>
#include <string.h>

#include "base/sha256.h"

#define HASH_SIZE 8

typedef struct Saying {
        uint8_t thing[HASH_SIZE], said[HASH_SIZE];
} Saying;

struct Sayings {
        Buffer list; /* of Saying; sorted once it is closed */
};

int sayings_new(Sayings **ret) {
        Sayings *sayings = calloc(1, sizeof(*sayings));

        if (!sayings)
                return -ENOMEM;
        *ret = sayings;
        return 0;
}

Sayings *sayings_free(Sayings *sayings) {
        if (!sayings)
                return NULL;
        buffer_deinit(&sayings->list);
        free(sayings);
        return NULL;
}

void sayings_clear(Sayings *sayings) {
        buffer_clear(&sayings->list);
}

static void hash_of(const char *text, uint8_t ret[HASH_SIZE]) {
        uint8_t digest[SHA256_SIZE];

        sha256(text, strlen(text), digest);
        memcpy(ret, digest, HASH_SIZE);
}

int sayings_add(Sayings *sayings, const char *thing, const char *said) {
        Saying saying;

        hash_of(thing, saying.thing);
        hash_of(said, saying.said);
        buffer_append(&sayings->list, &saying, sizeof(saying));
        return sayings->list.error;
}

static int compare(const void *a, const void *b) {
        return memcmp(a, b, sizeof(Saying));
}

static size_t count(const Sayings *sayings) {
        return sayings->list.size / sizeof(Saying);
}

void sayings_close(Sayings *sayings) {
        if (count(sayings) > 1)
                qsort(sayings->list.data, count(sayings), sizeof(Saying), compare);
}

bool sayings_differ(const Sayings *sayings, const char *thing) {
        const Saying *list = (const Saying *)sayings->list.data;
        size_t low = 0, high = count(sayings);
        uint8_t hash[HASH_SIZE];

        hash_of(thing, hash);
        while (low < high) { /* the first of that thing */
                size_t middle = low + (high - low) / 2;

                if (memcmp(list[middle].thing, hash, HASH_SIZE) < 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        for (size_t i = low + 1; i < count(sayings) && memcmp(list[i].thing, hash, HASH_SIZE) == 0; i++)
                if (memcmp(list[i].said, list[low].said, HASH_SIZE) != 0)
                        return true;
        return false;
}
