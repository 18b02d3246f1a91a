#pragma once
/* A Sharing from within. Inside this folder. */
#include <stdatomic.h>

#include "base/sha256.h"
#include "daemon/sharing/mask.h"
#include "daemon/sharing/person.h"
#include "daemon/sharing/words.h"

struct Sharing {
        atomic_uint references;
        Config *config;
        Arena *arena;
        const Policy *policies[2]; /* of the configuration, of the fold; the second NULL where both are one */
        const Words *words;
        MaskTable masks; /* grows under who asks; everything else is constant */
        uint64_t all_classes;
        const char ***reads; /* what a team reads by both, in order of names, NULL behind the last */
        uint8_t (*digests)[SHA256_SIZE];
        size_t *groups; /* of each team, the first whose rules and sources are the same by both settings */
        size_t n_teams;
        const char *only_types[POLICY_KINDS_MAX]; /* of a kind that has one type of event alone, that one */
        const SharingPerson *nobody;
};
