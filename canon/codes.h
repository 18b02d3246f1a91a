#pragma once
/* A source's own codes become shared ones by its profile's maps. What the source said always stays. */
#include "base/arena.h"
#include "carebus/v1/common.pb-c.h"
#include "config/profile.h"

/* Positive returns. */
enum {
        _CODES_E_SUCCESS,
        CODES_E_MISS,    /* the map has no such code: nothing was changed but what keeps the code as `original` */
        CODES_E_NOTHING, /* there is no local code here: already shared, or text only */
};

/* Looks up `original.code` (or `code`, where no system says that it is a shared one: it becomes `original` then) and sets
 * system, code and display, copied into the arena. 0, CODES_E_* or -ENOMEM. */
int coded_apply_map(Carebus__V1__Coded *coded, const ProfileMap *map, Arena *arena);
/* The same for a unit: `original_unit` stays, `unit` becomes the map's code. */
int quantity_apply_map(Carebus__V1__Quantity *quantity, const ProfileMap *map, Arena *arena);
