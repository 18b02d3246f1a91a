#pragma once
/*
 * People as sharing looks at them, kept for one thread: who is asked about again and again while the state and the rules stand still is put
 * together once. What is kept holds for one place of the state and one Sharing; when either is another, all is forgotten.
 *
 * The state is not read here: who owns the cache says how a person is read (person_sharing_read() of daemon/record/relationships.h).
 */
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "daemon/sharing/sharing.h"

typedef struct SharingPeople SharingPeople;

/* Puts `patient_id` together, under any id that the person ever had, in the arena. 0 and *ret; positive: nobody is known by it; negative:
 * it could not be read. */
typedef int (*SharingRead)(void *owner, const char *patient_id, Arena *arena, Carebus__V1__PersonSharing **ret);

/* `bytes`: most memory that it will hold, at least 128 KiB; 0: 8 MiB. When it is full, who was not asked about for longest goes. */
int sharing_people_new(size_t bytes, SharingRead read, void *owner, SharingPeople **ret);
SharingPeople *sharing_people_free(SharingPeople *people);
DEFINE_CLEANUP(SharingPeople *, sharing_people_free)

/*
 * Who `patient_id` is to the rules. `head`: how far the state is that `read` reads; a person that was read at another is read again. NULL
 * or "" is of nobody. Who is not known is like a thing of nobody: there is no relationship, and no error. *ret is good until the call with
 * another head or Sharing, and while fewer than a quarter of `bytes` was read since: that of the last few dozen calls holds in any
 * case. 0, or negative as `read` or -ENOMEM: somebody has more relationships than a quarter of the memory holds. One thread.
 */
int sharing_people_find(SharingPeople *people, const Sharing *sharing, uint64_t head, const char *patient_id,
                        const SharingPerson **ret);
/* The same for one look: good until the next call, and nobody is forgotten for it who was given before. */
int sharing_people_glance(SharingPeople *people, const Sharing *sharing, uint64_t head, const char *patient_id,
                          const SharingPerson **ret);
/*
 * A number for whoever keeps what sharing_people_find() gave: as long as it is the same, all of that is good. It is another one when the
 * head or the Sharing is, when somebody was forgotten for want of room, and for each SharingPeople; never 0.
 */
uint64_t sharing_people_generation(SharingPeople *people, const Sharing *sharing, uint64_t head);
/* How often it was asked and how often it had to read: for the tests and for figures. */
typedef struct SharingPeopleCounts {
        uint64_t asked, read, forgotten;
} SharingPeopleCounts;
SharingPeopleCounts sharing_people_counts(const SharingPeople *people);
