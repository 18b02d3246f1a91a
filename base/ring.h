#pragma once
/*
 * Hands pointers from one thread to one other, in order, with an eventfd that wakes the reader. One producer thread, one
 * consumer thread; C11 atomics; ownership goes with the pointer.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"

typedef struct Ring Ring;

int ring_new(Ring **ret, size_t n_slots); /* a power of two */
/* What is still inside is freed with `free_item` (may be NULL). */
Ring *ring_free(Ring *ring);
DEFINE_CLEANUP(Ring *, ring_free)
void ring_set_free(Ring *ring, void (*free_item)(void *item));
/* Producer: false when full; the item stays the caller's. Wakes the consumer when it may sleep. */
bool ring_push(Ring *ring, void *item);
/* Consumer: NULL when empty. */
void *ring_pop(Ring *ring);
/* Consumer: descriptor that is readable after a push; ring_clear() before draining. */
int ring_fd(const Ring *ring);
void ring_clear(Ring *ring);
