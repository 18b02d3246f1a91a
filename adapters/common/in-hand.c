/* See in-hand.h. */
#include "adapters/common/in-hand.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>

#include "base/file.h"
#include "base/sha256.h"
#include "base/text.h"

#define FILE_NAME "in-hand"
#define MAGIC "carebus hand 1\n"
#define KNOWN_MAX 64
#define HEAD_SIZE 8192
#define FILE_SIZE (HEAD_SIZE + _IN_HAND_LEVELS * (size_t)IN_HAND_ROOM)
#define POSITION_SIZE 48

typedef enum SlotState { SLOT_EMPTY, SLOT_BYTES, SLOT_DIGEST } SlotState;

/* As it lies in the file, which the machine that wrote it reads. */
typedef struct Slot {
        _Atomic uint32_t state; /* the last that is written */
        uint32_t is_again;
        uint64_t number; /* of this taking: counted once, whatever ends the count */
        uint64_t size;
        uint8_t digest[SHA256_SIZE]; /* where there is no room for the bytes */
} Slot;

/* Who ended the process, and how often. */
typedef struct Known {
        uint8_t digest[SHA256_SIZE];
        uint64_t number; /* of the taking that was counted last */
        uint32_t times;  /* 0: nobody */
        uint32_t unused;
} Known;

typedef struct Head {
        char magic[sizeof(MAGIC)];
        uint64_t number;
        uint64_t is_open; /* who had it last did not end in order, and may have left bytes of anything */
        Slot slots[_IN_HAND_LEVELS];
        Known known[KNOWN_MAX];
} Head;
_Static_assert(sizeof(Head) <= HEAD_SIZE, "the bytes lie behind the head");

struct InHand {
        int fd; /* locked */
        uint8_t *map;
        size_t n_known, used[_IN_HAND_LEVELS];
        InHandFound found;
        Buffer found_bytes;
        char position[POSITION_SIZE];
};

static Head *head_of(const InHand *hand) {
        return (Head *)(void *)hand->map;
}

static uint8_t *room_of(const InHand *hand, InHandLevel level) {
        return hand->map + HEAD_SIZE + (size_t)level * IN_HAND_ROOM;
}

/* ---- who ended the process ---- */

static Known *known_find(const InHand *hand, const uint8_t digest[SHA256_SIZE]) {
        Head *head = head_of(hand);

        for (size_t i = 0; i < KNOWN_MAX; i++)
                if (head->known[i].times > 0 && memcmp(head->known[i].digest, digest, SHA256_SIZE) == 0)
                        return &head->known[i];
        return NULL;
}

/* An empty place; else that of who is not given up, else of anybody, the one that was heard of longest ago. */
static Known *known_place(const InHand *hand) {
        Head *head = head_of(hand);
        Known *best = &head->known[0];

        for (size_t i = 0; i < KNOWN_MAX; i++) {
                Known *known = &head->known[i];
                const bool is_given_up = known->times >= IN_HAND_TRIES, best_is = best->times >= IN_HAND_TRIES;

                if (known->times == 0)
                        return known;
                if (is_given_up != best_is ? best_is : known->number < best->number)
                        best = known;
        }
        return best;
}

static void count_known(InHand *hand) {
        hand->n_known = 0;
        for (size_t i = 0; i < KNOWN_MAX; i++)
                hand->n_known += head_of(hand)->known[i].times > 0;
}

static void digest_of(const InHand *hand, InHandLevel level, uint8_t ret[SHA256_SIZE]) {
        const Slot *slot = &head_of(hand)->slots[level];

        if (atomic_load(&slot->state) == SLOT_BYTES)
                sha256(room_of(hand, level), (size_t)slot->size, ret);
        else
                memcpy(ret, slot->digest, SHA256_SIZE);
}

static void forget(InHand *hand, const uint8_t digest[SHA256_SIZE]) {
        Known *known = known_find(hand, digest);

        if (known)
                *known = (Known){ .times = 0 };
        count_known(hand);
}

/* ---- what the process before this one left ---- */

static unsigned count_taking(InHand *hand, InHandLevel level) {
        const Slot *slot = &head_of(hand)->slots[level];
        uint8_t digest[SHA256_SIZE];
        Known *known;

        digest_of(hand, level, digest);
        known = known_find(hand, digest);
        if (!known) {
                known = known_place(hand);
                *known = (Known){ .times = 0 };
                memcpy(known->digest, digest, SHA256_SIZE);
        }
        /* A process that ended while it counted leaves this taking where it is. */
        if (known->times == 0 || known->number != slot->number) {
                known->number = slot->number;
                known->times += known->times < UINT32_MAX;
        }
        return known->times;
}

static int find_taking(InHand *hand, InHandLevel level) {
        const Slot *slot = &head_of(hand)->slots[level];
        const uint32_t state = atomic_load(&slot->state);

        if (state == SLOT_EMPTY || (state == SLOT_BYTES && slot->size > IN_HAND_ROOM))
                return 0;
        if (state == SLOT_BYTES)
                buffer_append(&hand->found_bytes, room_of(hand, level), (size_t)slot->size);
        if (hand->found_bytes.error < 0)
                return hand->found_bytes.error;
        hand->found = (InHandFound){ .times = count_taking(hand, level),
                                     .bytes = buffer_bytes(&hand->found_bytes),
                                     .size = slot->size,
                                     .is_again = slot->is_again != 0 };
        return 1;
}

static int find(InHand *hand) {
        Head *head = head_of(hand);
        int r = find_taking(hand, IN_HAND_PART);

        if (r == 0)
                r = find_taking(hand, IN_HAND_WHOLE);
        if (r < 0)
                return r;
        for (size_t level = 0; level < _IN_HAND_LEVELS; level++) {
                atomic_store(&head->slots[level].state, SLOT_EMPTY);
                hand->used[level] = head->is_open ? IN_HAND_ROOM : 0;
        }
        head->is_open = true;
        count_known(hand);
        return 0;
}

/* ---- the object ---- */

/* Blocks are there before they are written to: what is mapped has no other way to say that the disk is full than a signal. */
static int map_file(InHand *hand, const char *path) {
        void *map;
        int r;

        hand->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (hand->fd < 0 || flock(hand->fd, LOCK_EX | LOCK_NB) < 0)
                return -errno;
        r = posix_fallocate(hand->fd, 0, FILE_SIZE);
        if (r != 0)
                return -r;
        map = mmap(NULL, FILE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, hand->fd, 0);
        if (map == MAP_FAILED)
                return -errno;
        hand->map = map;
        if (memcmp(head_of(hand)->magic, MAGIC, sizeof(MAGIC)) != 0) {
                memset(hand->map, 0, HEAD_SIZE);
                memcpy(head_of(hand)->magic, MAGIC, sizeof(MAGIC));
        }
        return 0;
}

int in_hand_open(const char *folder, InHand **ret) {
        _cleanup_(in_hand_freep) InHand *hand = calloc(1, sizeof(*hand));
        _cleanup_(freep) char *path = NULL;
        int r;

        if (!hand)
                return -ENOMEM;
        hand->fd = -1;
        r = text_format(&path, "%s/%s", folder, FILE_NAME);
        if (r == 0)
                r = map_file(hand, path);
        if (r == 0)
                r = find(hand);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(hand);
        return 0;
}

InHand *in_hand_free(InHand *hand) {
        if (!hand)
                return NULL;
        for (size_t level = 0; hand->map && level < _IN_HAND_LEVELS; level++) {
                atomic_store(&head_of(hand)->slots[level].state, SLOT_EMPTY);
                memset(room_of(hand, (InHandLevel)level), 0, hand->used[level]);
        }
        if (hand->map) {
                head_of(hand)->is_open = false;
                (void)munmap(hand->map, FILE_SIZE);
        }
        closep(&hand->fd);
        buffer_deinit(&hand->found_bytes);
        free(hand);
        return NULL;
}

const InHandFound *in_hand_found(const InHand *hand) {
        static const InHandFound nothing = { .times = 0 };

        return hand ? &hand->found : &nothing;
}

/* ---- messages ---- */

static bool is_given_up(InHand *hand, Bytes bytes) {
        uint8_t digest[SHA256_SIZE];
        const Known *known;

        sha256(bytes.data, bytes.size, digest);
        known = known_find(hand, digest);
        if (!known || known->times < IN_HAND_TRIES)
                return false;
        snprintf(hand->position, sizeof(hand->position), "translate: %u times", known->times);
        return true;
}

int in_hand_take(InHand *hand, InHandLevel level, Bytes bytes, bool is_again) {
        Slot *slot;

        if (!hand)
                return 0;
        if (hand->n_known > 0 && !is_again && is_given_up(hand, bytes))
                return IN_HAND_E_GIVEN_UP;
        slot = &head_of(hand)->slots[level];
        atomic_store(&slot->state, SLOT_EMPTY);
        slot->is_again = is_again;
        slot->number = ++head_of(hand)->number;
        slot->size = bytes.size;
        if (bytes.size > IN_HAND_ROOM) {
                sha256(bytes.data, bytes.size, slot->digest);
                atomic_store(&slot->state, SLOT_DIGEST);
                return 0;
        }
        if (bytes.size > 0)
                memcpy(room_of(hand, level), bytes.data, bytes.size);
        hand->used[level] = MAX(hand->used[level], bytes.size);
        atomic_store(&slot->state, SLOT_BYTES);
        return 0;
}

void in_hand_done(InHand *hand, InHandLevel level) {
        Slot *slot = hand ? &head_of(hand)->slots[level] : NULL;

        if (!hand || atomic_load(&slot->state) == SLOT_EMPTY)
                return;
        if (hand->n_known > 0 && !slot->is_again) {
                uint8_t digest[SHA256_SIZE];

                digest_of(hand, level, digest);
                forget(hand, digest);
        }
        atomic_store(&slot->state, SLOT_EMPTY);
}

void in_hand_forget(InHand *hand, Bytes bytes) {
        uint8_t digest[SHA256_SIZE];

        if (!hand || hand->n_known == 0)
                return;
        sha256(bytes.data, bytes.size, digest);
        forget(hand, digest);
}

void in_hand_reading(const InHand *hand, Bytes original, const char *media_type, Reading *ret) {
        *ret = (Reading){
                .problem_code = IN_HAND_CODE,
                .problem_position = hand->position,
                .problem_urgent = true, /* what nobody reads may be about anything */
                .message_time = INT64_MIN,
                .media_type = media_type,
                .original = original,
        };
}
