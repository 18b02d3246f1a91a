#pragma once
/* A person as the rules look at them. Inside this folder. */
#include "daemon/sharing/policy.h"
#include "daemon/sharing/sharing.h"

/* Of one team, by one settings. */
typedef struct PersonTeam {
        uint64_t objected;      /* bits of kinds */
        uint32_t relationships; /* bits */
        uint32_t first;         /* of these in SharingPerson.relationships, in order of bits */
} PersonTeam;

struct SharingPerson {
        bool restricted;
        const PersonTeam *teams[2]; /* by the settings; the second that of the first where both are one */
        const Carebus__V1__Relationship **relationships;
        size_t n_relationships;
};

/* The same person in another arena, with what the answers need of what was said of them and nothing of the rest. 0 or -ENOMEM. */
int person_copy(const Policy *const policies[2], const SharingPerson *from, Arena *arena, const SharingPerson **ret);
/* `policies[1]` NULL: both are one. 0 or -ENOMEM. */
int person_make(const Policy *const policies[2], const Carebus__V1__PersonSharing *said, Arena *arena,
                const SharingPerson **ret);
