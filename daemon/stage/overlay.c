#include "daemon/stage/overlay.h"

#include <errno.h>

/* Room for about this much; beyond it, everything is forgotten at the next trim: simpler than an order of use, and seldom. */
#define OVERLAY_BYTES_MAX (16U * 1024U * 1024U)
#define OVERLAY_SLOTS_FIRST 1024U

typedef struct Slot {
        uint64_t hash;
        uint8_t *key; /* NULL: free. Table, then key, then the value: one allocation */
        uint32_t n_key;
        uint32_t n_value;
        uint32_t room; /* for the value */
        bool absent;
        bool dirty;
} Slot;

struct Overlay {
        Slot *slots;
        size_t n_slots; /* power of two */
        size_t n_used;
        size_t bytes;
        size_t *dirty; /* slots, in the order in which they became so */
        size_t n_dirty, n_dirty_room;
};

int overlay_new(Overlay **ret) {
        _cleanup_(overlay_freep) Overlay *overlay = calloc(1, sizeof(*overlay));

        if (!overlay)
                return -ENOMEM;
        overlay->n_slots = OVERLAY_SLOTS_FIRST;
        overlay->slots = calloc(overlay->n_slots, sizeof(*overlay->slots));
        if (!overlay->slots)
                return -ENOMEM;
        *ret = TAKE_PTR(overlay);
        return 0;
}

void overlay_clear(Overlay *overlay) {
        for (size_t i = 0; i < overlay->n_slots; i++)
                free(overlay->slots[i].key);
        memset(overlay->slots, 0, overlay->n_slots * sizeof(*overlay->slots));
        overlay->n_used = overlay->n_dirty = overlay->bytes = 0;
}

Overlay *overlay_free(Overlay *overlay) {
        if (!overlay)
                return NULL;
        if (overlay->slots)
                overlay_clear(overlay);
        free(overlay->slots);
        free(overlay->dirty);
        free(overlay);
        return NULL;
}

static uint64_t hash_of(StateTable table, Bytes key) {
        uint64_t hash = 0x9e3779b97f4a7c15u ^ ((uint64_t)table << 56) ^ key.size;
        size_t i = 0;

        for (; i + 8 <= key.size; i += 8)
                hash = (hash ^ load_le64(key.data + i)) * 0xff51afd7ed558ccdu, hash ^= hash >> 32;
        for (; i < key.size; i++)
                hash = (hash ^ key.data[i]) * 0xff51afd7ed558ccdu;
        hash ^= hash >> 33;
        return hash ?: 1;
}

/* The slot of the key, or the free one where it belongs. */
static Slot *slot_find(Overlay *overlay, uint64_t hash, StateTable table, Bytes key) {
        for (size_t i = hash & (overlay->n_slots - 1);; i = (i + 1) & (overlay->n_slots - 1)) {
                Slot *slot = &overlay->slots[i];

                if (!slot->key)
                        return slot;
                if (slot->hash == hash && slot->n_key == key.size && slot->key[0] == (uint8_t)table &&
                    memcmp(slot->key + 1, key.data, key.size) == 0)
                        return slot;
        }
}

static int slots_grow(Overlay *overlay) {
        size_t n_slots = overlay->n_slots * 2, n_dirty = 0;
        Slot *slots = calloc(n_slots, sizeof(*slots));

        if (!slots)
                return -ENOMEM;
        for (size_t i = 0; i < overlay->n_slots; i++) {
                size_t at = overlay->slots[i].hash & (n_slots - 1);

                if (!overlay->slots[i].key)
                        continue;
                while (slots[at].key)
                        at = (at + 1) & (n_slots - 1);
                slots[at] = overlay->slots[i];
                if (slots[at].dirty)
                        overlay->dirty[n_dirty++] = at;
        }
        free(overlay->slots);
        overlay->slots = slots;
        overlay->n_slots = n_slots;
        return 0;
}

static int slot_write(Overlay *overlay, Slot *slot, uint64_t hash, StateTable table, Bytes key, Bytes value) {
        bool fresh = !slot->key;

        if (fresh || value.size > slot->room) {
                /* Values grow by a little at a time. */
                size_t room = value.size + value.size / 4 + 16;
                uint8_t *data = malloc(1 + key.size + room);

                if (!data)
                        return -ENOMEM;
                data[0] = (uint8_t)table;
                memcpy(data + 1, key.data, key.size);
                overlay->bytes += fresh ? sizeof(Slot) + key.size + room : room - slot->room;
                free(slot->key);
                slot->key = data;
                slot->n_key = (uint32_t)key.size;
                slot->room = (uint32_t)room;
                slot->hash = hash;
                if (fresh) {
                        slot->dirty = false;
                        overlay->n_used++;
                }
        }
        if (value.size > 0)
                memcpy(slot->key + 1 + key.size, value.data, value.size);
        slot->n_value = (uint32_t)value.size;
        slot->absent = false;
        return 0;
}

static int slot_for(Overlay *overlay, uint64_t hash, StateTable table, Bytes key, Slot **ret) {
        if ((overlay->n_used + 1) * 2 > overlay->n_slots) {
                int r = slots_grow(overlay);

                if (r < 0)
                        return r;
        }
        *ret = slot_find(overlay, hash, table, key);
        return 0;
}

int overlay_get(Overlay *overlay, StateTxn *txn, StateTable table, Bytes key, Bytes *ret_value) {
        uint64_t hash = hash_of(table, key);
        Bytes value = BYTES_NULL;
        Slot *slot;
        bool absent;
        int r;

        r = slot_for(overlay, hash, table, key, &slot);
        if (r < 0)
                return r;
        if (!slot->key) {
                r = state_get(txn, table, key, &value);
                if (r != 0 && r != STATE_E_NOT_FOUND)
                        return r;
                absent = r == STATE_E_NOT_FOUND;
                r = slot_write(overlay, slot, hash, table, key, absent ? BYTES_NULL : value);
                if (r < 0)
                        return r;
                slot->absent = absent;
        }
        if (slot->absent)
                return STATE_E_NOT_FOUND;
        *ret_value = bytes_of(slot->key + 1 + slot->n_key, slot->n_value);
        return 0;
}

static int slot_mark_dirty(Overlay *overlay, Slot *slot) {
        if (overlay->n_dirty == overlay->n_dirty_room) {
                size_t room = overlay->n_dirty_room ? overlay->n_dirty_room * 2 : 256;
                size_t *dirty = reallocarray(overlay->dirty, room, sizeof(*dirty));

                if (!dirty)
                        return -ENOMEM;
                overlay->dirty = dirty;
                overlay->n_dirty_room = room;
        }
        overlay->dirty[overlay->n_dirty++] = (size_t)(slot - overlay->slots);
        slot->dirty = true;
        return 0;
}

int overlay_put(Overlay *overlay, StateTable table, Bytes key, Bytes value) {
        uint64_t hash = hash_of(table, key);
        Slot *slot;
        int r;

        r = slot_for(overlay, hash, table, key, &slot);
        if (r == 0)
                r = slot_write(overlay, slot, hash, table, key, value);
        if (r < 0)
                return r;
        return slot->dirty ? 0 : slot_mark_dirty(overlay, slot);
}

static int slot_compare(const void *a, const void *b) {
        const Slot *x = *(const Slot *const *)a, *y = *(const Slot *const *)b;
        uint32_t n = MIN(x->n_key, y->n_key);
        /* The table is the first byte. */
        int order = memcmp(x->key, y->key, 1 + n);

        if (order || x->n_key == y->n_key)
                return order;
        return x->n_key < y->n_key ? -1 : 1;
}

int overlay_flush(Overlay *overlay, StateTxn *txn) {
        _cleanup_(freep) Slot **dirty = NULL;
        size_t n_dirty = 0;

        if (overlay->n_dirty == 0)
                return 0;
        dirty = malloc(overlay->n_dirty * sizeof(*dirty));
        if (!dirty)
                return -ENOMEM;
        for (; n_dirty < overlay->n_dirty; n_dirty++)
                dirty[n_dirty] = &overlay->slots[overlay->dirty[n_dirty]];
        qsort(dirty, n_dirty, sizeof(*dirty), slot_compare);
        for (size_t i = 0; i < n_dirty; i++) {
                Slot *slot = dirty[i];
                int r = state_put(txn, slot->key[0], bytes_of(slot->key + 1, slot->n_key),
                                  bytes_of(slot->key + 1 + slot->n_key, slot->n_value));

                if (r)
                        return r;
                slot->dirty = false;
        }
        overlay->n_dirty = 0;
        return 0;
}

void overlay_trim(Overlay *overlay) {
        if (overlay->bytes > OVERLAY_BYTES_MAX)
                overlay_clear(overlay);
}
