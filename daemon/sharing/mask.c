#include "daemon/sharing/mask.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "daemon/sharing/sharing.h"

/* What is left out of the envelope of everything that is seen in part: see sharing.h. */
static const char *const of_envelope[] = { "notes", "source_message_id", "trigger" };

typedef struct Paths {
        char **paths;
        size_t n, room;
} Paths;

static struct SharingMask *mask_free(struct SharingMask *mask) {
        if (!mask)
                return NULL;
        for (size_t i = 0; i < 2; i++) {
                cut_free(mask->of_body[i]);
                cut_free(mask->of_demographics[i]);
        }
        for (size_t i = 0; i < mask->n_redacted; i++)
                free(mask->redacted[i]);
        for (size_t i = 0; i < mask->n_redacted_of_event; i++)
                free(mask->redacted_of_event[i]);
        free(mask->redacted);
        free(mask->redacted_of_event);
        free(mask);
        return NULL;
}
DEFINE_CLEANUP(struct SharingMask *, mask_free)

static int take_path(void *owner, const char *path) {
        Paths *paths = owner;

        for (size_t i = 0; i < paths->n; i++)
                if (strcmp(paths->paths[i], path) == 0)
                        return 0;
        if (paths->n == paths->room) {
                char **more = realloc(paths->paths, (paths->room + 32) * sizeof(*more));
                if (!more)
                        return -ENOMEM;
                paths->paths = more;
                paths->room += 32;
        }
        paths->paths[paths->n] = strdup(path);
        if (!paths->paths[paths->n])
                return -ENOMEM;
        paths->n++;
        return 0;
}

static int compare_paths(const void *a, const void *b) {
        return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int list_redacted(struct SharingMask *mask, bool is_event, char ***ret, size_t *ret_n) {
        Paths paths = { 0 };
        int r = 0;

        for (size_t i = 0; r >= 0 && i < 2; i++)
                r = cut_list(mask->of_body[i], mask->body->name, take_path, &paths);
        for (size_t i = 0; r >= 0 && is_event && i < 2; i++)
                r = cut_list(mask->of_demographics[i], "demographics", take_path, &paths);
        for (size_t i = 0; r >= 0 && i < (is_event ? ELEMENTSOF(of_envelope) : 0); i++)
                r = take_path(&paths, of_envelope[i]);
        if (paths.n > 0)
                qsort(paths.paths, paths.n, sizeof(*paths.paths), compare_paths);
        /* with the mask, so that it is given back with it whatever came of it */
        *ret = paths.paths;
        *ret_n = paths.n;
        return r < 0 ? r : 0;
}

static int make_part(const Policy *policy, MaskPart part, const ProtobufCFieldDescriptor *body, CutNode **ret) {
        if (part.open != MASK_ALL)
                return cut_make(policy, part.open, part.closed, body, ret);
        *ret = CUT_WHOLE;
        return 0;
}

static int mask_make(const Policy *const policies[2], const MaskKey *key, struct SharingMask **ret) {
        _cleanup_(mask_freep) struct SharingMask *mask = calloc(1, sizeof(*mask));
        const ProtobufCFieldDescriptor *demographics =
                protobuf_c_message_descriptor_get_field_by_name(&carebus__v1__event__descriptor, "demographics");
        int r = 0;

        if (!mask)
                return -ENOMEM;
        mask->key = *key;
        mask->body = kind_body(key->kind);
        for (size_t i = 0; r == 0 && i < 2; i++) {
                r = make_part(policies[i], key->body[i], mask->body, &mask->of_body[i]);
                if (r == 0)
                        r = make_part(policies[i], key->demographics[i], demographics, &mask->of_demographics[i]);
        }
        if (r == 0)
                r = list_redacted(mask, false, &mask->redacted, &mask->n_redacted);
        if (r == 0)
                r = list_redacted(mask, true, &mask->redacted_of_event, &mask->n_redacted_of_event);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(mask);
        return 0;
}

int mask_table_init(MaskTable *table) {
        table->nothing = calloc(1, sizeof(*table->nothing));
        if (table->nothing)
                table->nothing->body = kind_body(0);
        return table->nothing ? 0 : -ENOMEM;
}

void mask_table_deinit(MaskTable *table) {
        for (size_t i = 0; i < MASK_BUCKETS; i++)
                for (struct SharingMask *mask = atomic_load(&table->buckets[i]), *next; mask; mask = next) {
                        next = mask->next;
                        mask_free(mask);
                }
        mask_free(table->nothing);
}

static size_t bucket_of(const MaskKey *key) {
        uint64_t words[sizeof(*key) / 8], hash = 0;

        memcpy(words, key, sizeof(words));
        for (size_t i = 0; i < ELEMENTSOF(words); i++)
                hash = (hash ^ words[i]) * UINT64_C(0x9e3779b97f4a7c15), hash ^= hash >> 29;
        return hash % MASK_BUCKETS;
}

static struct SharingMask *find_in(struct SharingMask *mask, const MaskKey *key) {
        while (mask && memcmp(&mask->key, key, sizeof(*key)) != 0)
                mask = mask->next;
        return mask;
}

/* Of each part the first rule alone: of those there are so few that they always have room. */
static MaskPart part_of_one(MaskPart part) {
        if (part.open == MASK_ALL)
                return part;
        part.open &= -part.open;
        part.closed = part.open ? 0 : part.closed & -part.closed;
        return part;
}

static const struct SharingMask *mask_add(MaskTable *table, const Policy *const policies[2], const MaskKey *key) {
        _Atomic(struct SharingMask *) *bucket = &table->buckets[bucket_of(key)];
        _cleanup_(mask_freep) struct SharingMask *mask = NULL;
        struct SharingMask *head, *other;

        if (mask_make(policies, key, &mask) < 0)
                return table->nothing;
        head = atomic_load_explicit(bucket, memory_order_acquire);
        do {
                other = find_in(head, key);
                if (other)
                        return other;
                mask->next = head;
        } while (!atomic_compare_exchange_weak_explicit(bucket, &head, mask, memory_order_acq_rel,
                                                        memory_order_acquire));
        atomic_fetch_add_explicit(&table->n, 1, memory_order_relaxed);
        return TAKE_PTR(mask);
}

const struct SharingMask *mask_find(MaskTable *table, const Policy *const policies[2], const MaskKey *key) {
        MaskKey alone = *key;
        const struct SharingMask *mask =
                find_in(atomic_load_explicit(&table->buckets[bucket_of(key)], memory_order_acquire), key);

        if (mask)
                return mask;
        if (atomic_load_explicit(&table->n, memory_order_relaxed) < MASKS_MAX)
                return mask_add(table, policies, key);
        for (size_t i = 0; i < 2; i++) {
                alone.body[i] = part_of_one(key->body[i]);
                alone.demographics[i] = part_of_one(key->demographics[i]);
        }
        mask = find_in(atomic_load_explicit(&table->buckets[bucket_of(&alone)], memory_order_acquire), &alone);
        return mask ?: mask_add(table, policies, &alone);
}
