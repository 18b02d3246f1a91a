#pragma once
/*
 * How many notifications a receiver was sent, over restarts: it tells a gap in the numbers from a loss. A small file beside the state; the
 * newest numbers stand in it with the events that have them, so that an event that comes again after a restart has the number that it had.
 */
#include <stdint.h>

#include "base/cleanup.h"

typedef struct NotificationCount NotificationCount;

#define NOTIFICATIONS_KEPT 256 /* more than are under way at once */

/* Reads the file; without one the count begins. The path is copied. 0, -EBADMSG where it is not such a file, or a negative errno. */
int notification_count_open(const char *path, NotificationCount **ret);
NotificationCount *notification_count_free(NotificationCount *count);
DEFINE_CLEANUP(NotificationCount *, notification_count_free)
/* The number of the event at that place: the one that it has, else the next. It is on the disk before this returns; where the disk has no
 * room it is counted all the same, and written with the next. */
uint64_t notification_count_of(NotificationCount *count, uint64_t seq, uint32_t index);
