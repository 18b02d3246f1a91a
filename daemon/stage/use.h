#pragma once
/* use: the events of an entry, one by one, into the record; those that cannot be used wait without holding up the others. */
#include "daemon/stage/fold-parts.h"

/* What became of them. */
typedef struct Used {
        size_t n_used;
        const char *reason; /* why the first of those that wait does; NULL: none waits */
        uint32_t *held;     /* indexes of those that wait, ascending */
        size_t n_held;
} Used;

/* Where an event stands that is read again, and when its entry was received. */
typedef struct EventPlace {
        uint64_t seq;
        uint32_t index;
        int64_t received_at;
} EventPlace;
/* An event that was set aside, for the record now; the work speaks for its source. */
int event_use_again(FoldWork *work, Carebus__V1__Event *stored, const EventPlace *place, Carebus__V1__Person *home);

/* Uses all that can be used, or of those at `only` (ascending; NULL: all), and says so in the outcome; where nothing can be used the
 * outcome stays as it is. An event's id has its index in `events`, whatever waits. 0 or as work_get(). */
int events_use(FoldWork *work, Carebus__V1__Event *const *events, size_t n_events, const uint32_t *only, size_t n_only,
               Used *ret);
/* The entry is done: what it wrote is put away, who is touched and what it published is said in the outcome. */
int outcome_finish(FoldWork *work);
