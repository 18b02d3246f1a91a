#pragma once
/*
 * Values of the state that many entries of one transaction touch: read once, written once. Keeps what was used last over
 * commits, as far as its room goes. One thread.
 */
#include "base/bytes.h"
#include "base/cleanup.h"
#include "daemon/store/state.h"

typedef struct Overlay Overlay;

int overlay_new(Overlay **ret);
Overlay *overlay_free(Overlay *overlay);
DEFINE_CLEANUP(Overlay *, overlay_free)
/* Everything is forgotten, written or not. */
void overlay_clear(Overlay *overlay);

/* The value is borrowed until the next overlay_put() of this key, overlay_flush() or overlay_clear(). STATE_E_NOT_FOUND, -ENOMEM, or what
 * state_get() said. */
int overlay_get(Overlay *overlay, StateTxn *txn, StateTable table, Bytes key, Bytes *ret_value);
/* Copies both. -ENOMEM or 0. */
int overlay_put(Overlay *overlay, StateTable table, Bytes key, Bytes value);
/* Writes what was put, in the order of keys; afterwards the transaction holds it all. Returns as state_put(). */
int overlay_flush(Overlay *overlay, StateTxn *txn);
/* Lets go of what was not used of late, where there is more than the overlay should hold. After a flush. */
void overlay_trim(Overlay *overlay);
