#pragma once
/*
 * A list that grows in one file: each row has the id of the event that it is of, so that an event that comes again is
 * no second row. What is written is always whole: beside, synced, renamed. Not for several threads.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/cleanup.h"

typedef struct List List;

/* Takes up what stands in the file, where it is there. 0 or a negative errno: then nothing may be written over it. */
int list_new(const char *path, List **ret);
List *list_free(List *list);
DEFINE_CLEANUP(List *, list_free)
/* `row`: with its line end; its last cell is the event id. What is there already is passed over. Kept until list_write() has written it.
 * 0 or -ENOMEM. */
int list_add(List *list, uint64_t seq, uint32_t index, Bytes row);
/* What was added is in the file, behind what was there; who took the file away finds what came since. Negative: nothing was written, and
 * nothing is forgotten. */
int list_write(List *list);
/* Written, and handed over under another name; the next row begins a new one. `path` of what must not be there yet. Without a row,
 * a list that says so. Negative: it is where it was. */
int list_publish(List *list, const char *path);
