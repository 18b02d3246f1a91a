#pragma once
/*
 * Policies, people and things that nobody would think of, out of a number: what the oracle and the choke point are asked about.
 */
#include "daemon/sharing/sharing.h"

#define WORLD_TEAMS 4
#define WORLD_SOURCES 4
#define WORLD_RULES 8
#define LEAVES_MAX 400   /* of a random event */
#define LEAVES_ALL 20000 /* of one that says everything */

typedef struct Dice {
        uint64_t state;
} Dice;
uint64_t dice_roll(Dice *dice, uint64_t sides); /* below `sides` */
static inline bool dice_says(Dice *dice, uint64_t in) {
        return dice_roll(dice, in) == 0;
}

typedef struct World {
        Dice dice;
        Arena *arena;
        Config config;
        bool is_full; /* events say everything */
        size_t n_canaries;
        Carebus__V1__Settings *configured; /* the configuration in the form of settings */
        Carebus__V1__Settings *settings;   /* what the fold read; NULL now and then */
} World;

/* A leaf of an event: its text or number, where it stands, and the messages that it stands in, the body first. */
typedef struct Leaf {
        const char *path; /* demographics.names.family */
        const void *slot; /* where it lies: it stays there while others are left out */
        const char *text; /* NULL: a number */
        const ProtobufCMessage *in[12];
        size_t n_in;
        bool is_beside; /* in what the event says of its patient, not in its body */
} Leaf;
typedef struct Leaves {
        size_t n, max;
        Leaf leaves[];
} Leaves;

void world_init(World *world, uint64_t seed); /* lives in its arena until world_deinit() */
void world_deinit(World *world);
/* What the fold would have read of such a configuration. */
Carebus__V1__Settings *world_settings(World *world, const Config *config);
Carebus__V1__PersonSharing *world_person(World *world);
/* An event with random fields, each text of its own; `leaves` are those of body and patient. */
Carebus__V1__Event *world_event(World *world, Leaves *leaves);
/* One that says everything that there is to say, of this type: each text has its own number, canary-0000a1. */
Carebus__V1__Event *world_full_event(World *world, const char *type, Leaves *leaves);
Leaves *leaves_new(size_t max); /* on the heap */
/* All leaves that a body and a patient have now. */
void leaves_collect(const Carebus__V1__Event *event, Arena *arena, Leaves *leaves);
