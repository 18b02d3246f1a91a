#pragma once
/*
 * A map from places in the journal (seq.index of an event, or of the event that first spoke of a person) to a number, or a set of them, in
 * two mapped files: an array by sequence number for the low indexes, a hash table for the others. Made out of the audit, and made anew
 * when in doubt; room is reserved on the disk before anything is put, so that a full disk is an error and no signal. One thread at a time.
 * Used inside daemon/audit only.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"

typedef enum PlacesKind {
        PLACES_SET,    /* is it in? */
        PLACES_NUMBER, /* the largest number that was put; 0: none */
} PlacesKind;

typedef struct Places Places;

/* The files are NAME and NAME-wide in the folder. 0 or negative. */
int places_open(int folder_fd, const char *name, PlacesKind kind, Places **ret);
Places *places_free(Places *places);
DEFINE_CLEANUP(Places *, places_free)

/* Makes room for `n` puts up to `seq`. 0 or negative: -ENOSPC. */
int places_reserve(Places *places, uint64_t seq, uint32_t n);
/* Is there room for that already? */
bool places_have_room(const Places *places, uint64_t seq, uint32_t n);
/* `number` of a set is not looked at. Only what was reserved. */
void places_put(Places *places, uint64_t seq, uint32_t index, uint64_t number);
/* Of a set 1 or 0. */
uint64_t places_get(const Places *places, uint64_t seq, uint32_t index);
/* To the disk. Another thread may call it while nobody reserves. */
int places_sync(const Places *places);
