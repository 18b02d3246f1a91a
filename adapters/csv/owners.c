/* See owners.h. The file is 16 bytes a number, in the order in which they were heard of, and the SHA-256 of them. */
#include "adapters/csv/owners.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/file.h"
#include "base/sha256.h"
#include "base/text.h"

#define FILE_MAX (64UL << 20)
#define HASH_SIZE 8
#define WORD_SIZE 4
#define SLOTS_MIN 1024

typedef struct Owner {
        uint8_t number[HASH_SIZE];
        uint8_t birth_date[WORD_SIZE], family_name[WORD_SIZE]; /* all zero: never said */
} Owner;

struct Owners {
        char *path;
        Buffer list;     /* of Owner */
        uint32_t *slots; /* place in the list and one; 0: none. At most half of them are taken */
        size_t n_slots;
        bool is_changed;
};

static size_t count(const Owners *owners) {
        return owners->list.size / sizeof(Owner);
}

static Owner *owner_at(const Owners *owners, size_t index) {
        return (Owner *)owners->list.data + index;
}

/* Where it is, or would be. */
static uint32_t *slot_of(const Owners *owners, const uint8_t number[HASH_SIZE]) {
        uint64_t hash;
        size_t at;

        memcpy(&hash, number, sizeof(hash));
        for (at = hash % owners->n_slots; owners->slots[at]; at = (at + 1) % owners->n_slots)
                if (memcmp(owner_at(owners, owners->slots[at] - 1)->number, number, HASH_SIZE) == 0)
                        break;
        return &owners->slots[at];
}

static int slots_fit(Owners *owners) {
        size_t n = owners->n_slots ? owners->n_slots : SLOTS_MIN;
        uint32_t *slots;

        while (n < 2 * (count(owners) + 1))
                n *= 2;
        if (n == owners->n_slots)
                return 0;
        slots = calloc(n, sizeof(*slots));
        if (!slots)
                return -ENOMEM;
        free(owners->slots);
        owners->slots = slots;
        owners->n_slots = n;
        for (size_t i = 0; i < count(owners); i++)
                *slot_of(owners, owner_at(owners, i)->number) = (uint32_t)i + 1;
        return 0;
}

static int read_before(Owners *owners) {
        uint8_t digest[SHA256_SIZE];
        Buffer *list = &owners->list;
        int r = file_read(owners->path, FILE_MAX, list);

        if (r < 0 && r != -ENOENT && r != -EFBIG)
                return r;
        if (r == 0 && list->size >= SHA256_SIZE && (list->size - SHA256_SIZE) % sizeof(Owner) == 0) {
                sha256(list->data, list->size - SHA256_SIZE, digest);
                if (memcmp(digest, list->data + list->size - SHA256_SIZE, SHA256_SIZE) == 0) {
                        list->size -= SHA256_SIZE;
                        return 0;
                }
        }
        buffer_clear(list);
        return 0;
}

int owners_open(const char *folder, Owners **ret) {
        _cleanup_(owners_freep) Owners *owners = calloc(1, sizeof(*owners));
        int r;

        if (!owners)
                return -ENOMEM;
        r = text_format(&owners->path, "%s/owners", folder);
        if (r == 0)
                r = read_before(owners);
        if (r == 0)
                r = slots_fit(owners);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(owners);
        return 0;
}

Owners *owners_free(Owners *owners) {
        if (!owners)
                return NULL;
        free(owners->path);
        free(owners->slots);
        buffer_deinit(&owners->list);
        free(owners);
        return NULL;
}

/* Letters in either case, spaces and marks aside: O'Brien is OBRIEN. */
static void word_hash(const char *text, uint8_t ret[WORD_SIZE]) {
        _cleanup_(buffer_deinit) Buffer folded = BUFFER_NULL;
        uint8_t digest[SHA256_SIZE];

        memset(ret, 0, WORD_SIZE);
        if (!text)
                return;
        for (; *text; text++)
                if (!isspace((unsigned char)*text) && !ispunct((unsigned char)*text))
                        buffer_append_byte(&folded, (uint8_t)tolower((unsigned char)*text));
        if (folded.size == 0)
                return;
        sha256(folded.data, folded.size, digest);
        memcpy(ret, digest, WORD_SIZE);
}

static bool is_said(const uint8_t word[WORD_SIZE]) {
        static const uint8_t nothing[WORD_SIZE] = { 0 };

        return memcmp(word, nothing, WORD_SIZE) != 0;
}

static bool differ(const uint8_t before[WORD_SIZE], const uint8_t now[WORD_SIZE]) {
        return is_said(before) && is_said(now) && memcmp(before, now, WORD_SIZE) != 0;
}

static void take_over(Owners *owners, uint8_t before[WORD_SIZE], const uint8_t now[WORD_SIZE]) {
        if (!is_said(now) || memcmp(before, now, WORD_SIZE) == 0)
                return;
        memcpy(before, now, WORD_SIZE);
        owners->is_changed = true;
}

int owners_say(Owners *owners, const char *number, const char *birth_date, const char *family_name) {
        uint8_t digest[SHA256_SIZE];
        Owner now, *before;
        uint32_t *slot;
        int r = slots_fit(owners);

        if (r < 0)
                return r;
        sha256(number, strlen(number), digest);
        memcpy(now.number, digest, HASH_SIZE);
        word_hash(birth_date, now.birth_date);
        word_hash(family_name, now.family_name);
        slot = slot_of(owners, now.number);
        if (!*slot) {
                buffer_append(&owners->list, &now, sizeof(now));
                if (owners->list.error < 0)
                        return owners->list.error;
                *slot = (uint32_t)count(owners);
                owners->is_changed = true;
                return 0;
        }
        before = owner_at(owners, *slot - 1);
        if (differ(before->birth_date, now.birth_date) && differ(before->family_name, now.family_name))
                return OWNERS_E_ANOTHER;
        take_over(owners, before->birth_date, now.birth_date);
        take_over(owners, before->family_name, now.family_name);
        return 0;
}

int owners_keep(Owners *owners) {
        _cleanup_(buffer_deinit) Buffer file = BUFFER_NULL;
        uint8_t digest[SHA256_SIZE];
        int r;

        if (!owners->is_changed)
                return 0;
        sha256(owners->list.data, owners->list.size, digest);
        buffer_append_bytes(&file, buffer_bytes(&owners->list));
        buffer_append(&file, digest, sizeof(digest));
        r = file.error < 0 ? file.error : file_replace(owners->path, file.data, file.size, 0600);
        if (r == 0)
                owners->is_changed = false;
        return r;
}
