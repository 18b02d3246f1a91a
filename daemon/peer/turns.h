#pragma once
/*
 * Whose turn it is. What waits stands in lanes (a connection), lanes in groups (a source). One item is taken from each
 * group in turn, and within a group from each lane in turn: a source with a hundred thousand messages waiting, on however
 * many connections, delays another's single message by one item, not by a hundred thousand.
 *
 * Items and lanes are embedded in what the caller owns; nothing is allocated here.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct Turn Turn;
typedef struct TurnLane TurnLane;
typedef struct TurnGroup TurnGroup;

struct Turn { /* an item */
        Turn *next;
        size_t bytes;
        size_t count; /* of messages in it */
};

struct TurnLane {
        TurnGroup *group;
        TurnLane *next, *previous; /* in the group's ring, while something waits */
        Turn *head, *tail;
        size_t bytes, count;
};

struct TurnGroup {
        TurnGroup *next, *previous; /* in the ring of groups, while something waits */
        TurnLane *lanes;            /* whose turn it is in this group */
        size_t count;               /* messages waiting in all lanes */
};

typedef struct Turns {
        TurnGroup *groups; /* whose turn it is */
        size_t bytes, count;
} Turns;

#define TURNS_NULL ((Turns){ .groups = NULL })

/* Puts an item at the end of its lane; `lane->group` is set by then, and stays while something waits. */
void turns_put(Turns *turns, TurnLane *lane, Turn *item);
/* The item whose turn it is, and its lane; NULL when nothing waits. The item is the caller's. */
Turn *turns_take(Turns *turns, TurnLane **ret_lane);
/* Takes one item out of a lane whatever the turn, for a connection that is closed; NULL when the lane is empty. */
Turn *turns_take_from(Turns *turns, TurnLane *lane);
