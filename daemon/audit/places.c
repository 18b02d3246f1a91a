/* Two mapped files: an array for what most events are, a hash table for the rest. */
#include "daemon/audit/places.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/bytes.h"

#define NAME_BYTES 128
#define GROW_BYTES (64U << 10)
#define WIDE_LEAST 1024u /* slots */
#define SET_NARROW 8     /* indexes of a set that stand in the array */
#define WIDE_GROUP 64    /* indexes of a set in one slot */
#define SEQ_MAX (UINT64_C(1) << 40)

typedef struct Mapped {
        int fd;
        uint8_t *data;
        size_t size;
} Mapped;

typedef struct Slot {
        uint64_t key; /* 0: free */
        uint64_t value;
} Slot;

struct Places {
        int folder_fd;
        char name[NAME_BYTES], wide_name[NAME_BYTES], wide_new[NAME_BYTES];
        PlacesKind kind;
        Mapped narrow, wide;
        size_t n_wide; /* slots in use */
};

static void mapped_deinit(Mapped *mapped) {
        if (mapped->data)
                munmap(mapped->data, mapped->size);
        closep(&mapped->fd);
        *mapped = (Mapped){ .fd = -1 };
}

static int mapped_grow(Mapped *mapped, size_t size) {
        void *data;
        int r;

        if (size <= mapped->size)
                return 0;
        r = posix_fallocate(mapped->fd, 0, (off_t)size);
        if (r != 0)
                return -r;
        data = mapped->data ? mremap(mapped->data, mapped->size, size, MREMAP_MAYMOVE)
                            : mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, mapped->fd, 0);
        if (data == MAP_FAILED)
                return -errno;
        mapped->data = data;
        mapped->size = size;
        return 0;
}

/* A file of a size that is none of ours is as none. */
static int mapped_open(int folder_fd, const char *name, int flags, size_t unit, Mapped *ret) {
        struct stat st;

        ret->fd = openat(folder_fd, name, O_RDWR | O_CREAT | O_CLOEXEC | flags, 0600);
        if (ret->fd < 0)
                return -errno;
        if (fstat(ret->fd, &st) < 0)
                return -errno;
        if (st.st_size == 0)
                return 0;
        if (st.st_size % (off_t)unit != 0)
                return -EBADMSG;
        return mapped_grow(ret, (size_t)st.st_size);
}

static size_t wide_slots(const Mapped *wide) {
        return wide->size / sizeof(Slot);
}

int places_open(int folder_fd, const char *name, PlacesKind kind, Places **ret) {
        _cleanup_(places_freep) Places *places = calloc(1, sizeof(*places));
        int r;

        if (!places)
                return -ENOMEM;
        places->folder_fd = folder_fd;
        places->kind = kind;
        places->narrow.fd = places->wide.fd = -1;
        snprintf(places->name, sizeof(places->name), "%s", name);
        snprintf(places->wide_name, sizeof(places->wide_name), "%.100s-wide", name);
        snprintf(places->wide_new, sizeof(places->wide_new), "%.100s-wide.new", name);
        r = mapped_open(folder_fd, places->name, 0, GROW_BYTES, &places->narrow);
        if (r == 0)
                r = mapped_open(folder_fd, places->wide_name, 0, WIDE_LEAST * sizeof(Slot), &places->wide);
        if (r < 0)
                return r;
        if ((wide_slots(&places->wide) & (wide_slots(&places->wide) - 1)) != 0)
                return -EBADMSG;
        for (size_t i = 0; i < wide_slots(&places->wide); i++)
                places->n_wide += ((const Slot *)places->wide.data)[i].key != 0;
        *ret = TAKE_PTR(places);
        return 0;
}

Places *places_free(Places *places) {
        if (!places)
                return NULL;
        mapped_deinit(&places->narrow);
        mapped_deinit(&places->wide);
        free(places);
        return NULL;
}

static uint64_t mix(uint64_t key) {
        key ^= key >> 31;
        key *= UINT64_C(0x7fb5d329728ea185);
        key ^= key >> 27;
        key *= UINT64_C(0x81dadef4bc2dd44d);
        return key ^ key >> 33;
}

/* The slot of the key, or the free one where it belongs. At most half of them are in use. */
static Slot *wide_find(const Mapped *wide, uint64_t key) {
        const size_t mask = wide_slots(wide) - 1;
        Slot *slots = (Slot *)wide->data;
        size_t at = (size_t)mix(key) & mask;

        while (slots[at].key != 0 && slots[at].key != key)
                at = (at + 1) & mask;
        return &slots[at];
}

/* Into a file of its own, which takes the place of the other when it is whole. */
static int wide_grow(Places *places, size_t slots) {
        _cleanup_(mapped_deinit) Mapped grown = { .fd = -1 };
        const Slot *from = (const Slot *)places->wide.data;
        int r;

        r = mapped_open(places->folder_fd, places->wide_new, O_TRUNC, sizeof(Slot), &grown);
        if (r == 0)
                r = mapped_grow(&grown, slots * sizeof(Slot));
        if (r < 0) {
                (void)unlinkat(places->folder_fd, places->wide_new, 0);
                return r;
        }
        for (size_t i = 0; i < wide_slots(&places->wide); i++)
                if (from[i].key != 0)
                        *wide_find(&grown, from[i].key) = from[i];
        if (fsync(grown.fd) < 0 ||
            renameat(places->folder_fd, places->wide_new, places->folder_fd, places->wide_name) < 0)
                return -errno;
        mapped_deinit(&places->wide);
        places->wide = grown;
        grown = (Mapped){ .fd = -1 };
        return 0;
}

static size_t narrow_unit(const Places *places) {
        return places->kind == PLACES_SET ? 1 : sizeof(uint64_t);
}

bool places_have_room(const Places *places, uint64_t seq, uint32_t n) {
        return seq < SEQ_MAX && (size_t)(seq + 1) * narrow_unit(places) <= places->narrow.size &&
               2 * (places->n_wide + n) <= wide_slots(&places->wide);
}

int places_reserve(Places *places, uint64_t seq, uint32_t n) {
        const size_t needed = (size_t)(seq + 1) * narrow_unit(places);
        size_t slots = MAX(wide_slots(&places->wide), (size_t)WIDE_LEAST);
        int r;

        if (seq >= SEQ_MAX)
                return -EOVERFLOW;
        r = mapped_grow(&places->narrow, (needed + GROW_BYTES - 1) / GROW_BYTES * GROW_BYTES);
        while (slots < 2 * (places->n_wide + n))
                slots *= 2;
        if (r == 0 && slots > wide_slots(&places->wide))
                r = wide_grow(places, slots);
        return r;
}

static bool is_narrow(const Places *places, uint32_t index) {
        return index < (places->kind == PLACES_SET ? SET_NARROW : 1);
}

static uint64_t wide_key(const Places *places, uint64_t seq, uint32_t index) {
        const uint64_t group = places->kind == PLACES_SET ? index / WIDE_GROUP : index;

        return seq << 24 | (group & 0xffffff);
}

void places_put(Places *places, uint64_t seq, uint32_t index, uint64_t number) {
        Slot *slot;

        if (is_narrow(places, index)) {
                uint8_t *at = places->narrow.data + seq * narrow_unit(places);

                if (places->kind == PLACES_SET)
                        *at = (uint8_t)(*at | 1u << index);
                else
                        store_le64(at, MAX(load_le64(at), number));
                return;
        }
        slot = wide_find(&places->wide, wide_key(places, seq, index));
        if (slot->key == 0) {
                slot->key = wide_key(places, seq, index);
                places->n_wide++;
        }
        if (places->kind == PLACES_SET)
                slot->value |= UINT64_C(1) << index % WIDE_GROUP;
        else
                slot->value = MAX(slot->value, number);
}

uint64_t places_get(const Places *places, uint64_t seq, uint32_t index) {
        const Slot *slot;

        if (seq >= SEQ_MAX)
                return 0;
        if (is_narrow(places, index)) {
                const size_t at = (size_t)seq * narrow_unit(places);

                if (at + narrow_unit(places) > places->narrow.size)
                        return 0;
                return places->kind == PLACES_SET ? places->narrow.data[at] >> index & 1
                                                  : load_le64(places->narrow.data + at);
        }
        if (wide_slots(&places->wide) == 0)
                return 0;
        slot = wide_find(&places->wide, wide_key(places, seq, index));
        if (slot->key == 0)
                return 0;
        return places->kind == PLACES_SET ? slot->value >> index % WIDE_GROUP & 1 : slot->value;
}

int places_sync(const Places *places) {
        if (fsync(places->narrow.fd) < 0 || fsync(places->wide.fd) < 0)
                return -errno;
        return 0;
}
