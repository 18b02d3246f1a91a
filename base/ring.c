/*
 * Two counters that only grow: `head` is the consumer's, `tail` the producer's, each on a cache line of its own beside the
 * last value it saw of the other. `rung` says that the descriptor is readable or about to be, so that a flood costs one
 * system call for each time the consumer wakes, not one for each item.
 *
 * Why no wake-up is lost: the producer stores tail, then exchanges `rung`; the consumer reads the descriptor empty, then
 * exchanges `rung`, then looks at tail. If the producer found `rung` set, its exchange comes before the consumer's, which
 * therefore sees the new tail; if not, it rings.
 */
#include "base/ring.h"

#include <errno.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdint.h>

#include "base/doorbell.h"

#define CACHE_LINE 64

struct Ring {
        size_t mask;
        int fd;
        void (*free_item)(void *item);
        void **slots;
        alignas(CACHE_LINE) atomic_size_t tail;
        size_t head_seen;
        alignas(CACHE_LINE) atomic_size_t head;
        size_t tail_seen;
        alignas(CACHE_LINE) atomic_bool rung;
};

int ring_new(Ring **ret, size_t n_slots) {
        _cleanup_(ring_freep) Ring *ring = NULL;

        if (n_slots == 0 || (n_slots & (n_slots - 1)) != 0)
                return -EINVAL;
        ring = aligned_alloc(CACHE_LINE, sizeof(*ring));
        if (!ring)
                return -ENOMEM;
        *ring = (Ring){ .mask = n_slots - 1, .fd = -1 };
        ring->slots = calloc(n_slots, sizeof(*ring->slots));
        if (!ring->slots)
                return -ENOMEM;
        ring->fd = doorbell_new();
        if (ring->fd < 0)
                return ring->fd;
        *ret = TAKE_PTR(ring);
        return 0;
}

Ring *ring_free(Ring *ring) {
        void *item;

        if (!ring)
                return NULL;
        while (ring->slots && (item = ring_pop(ring)))
                if (ring->free_item)
                        ring->free_item(item);
        closep(&ring->fd);
        free(ring->slots);
        free(ring);
        return NULL;
}

void ring_set_free(Ring *ring, void (*free_item)(void *item)) {
        ring->free_item = free_item;
}

bool ring_push(Ring *ring, void *item) {
        size_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);

        if (tail - ring->head_seen > ring->mask) {
                ring->head_seen = atomic_load_explicit(&ring->head, memory_order_acquire);
                if (tail - ring->head_seen > ring->mask)
                        return false;
        }
        ring->slots[tail & ring->mask] = item;
        atomic_store_explicit(&ring->tail, tail + 1, memory_order_release);
        if (!atomic_exchange_explicit(&ring->rung, true, memory_order_acq_rel))
                doorbell_ring(ring->fd);
        return true;
}

void *ring_pop(Ring *ring) {
        size_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
        void *item;

        if (head == ring->tail_seen) {
                ring->tail_seen = atomic_load_explicit(&ring->tail, memory_order_acquire);
                if (head == ring->tail_seen)
                        return NULL;
        }
        item = ring->slots[head & ring->mask];
        atomic_store_explicit(&ring->head, head + 1, memory_order_release);
        return item;
}

int ring_fd(const Ring *ring) {
        return ring->fd;
}

void ring_clear(Ring *ring) {
        doorbell_clear(ring->fd);
        (void)atomic_exchange_explicit(&ring->rung, false, memory_order_acq_rel);
}
