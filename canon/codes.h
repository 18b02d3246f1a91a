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

/* Looks up `original.code` (or `code`, where no system says that it is a shared one: it becomes `original` then), and where the map
 * has no such code, what it is called (display, text), as a word. Sets system, code and display, copied into the arena. A code that is
 * shared already and has no display gets the map's. 0, CODES_E_* or -ENOMEM. */
int coded_apply_map(Carebus__V1__Coded *coded, const ProfileMap *map, Arena *arena);
/* The same for a unit: `original_unit` stays, `unit` becomes the map's code. */
int quantity_apply_map(Carebus__V1__Quantity *quantity, const ProfileMap *map, Arena *arena);

/* Makes it this shared code. What stood there becomes `original` where it is another one and nothing is there yet; another name for the
 * same code becomes `text` where there is none. All texts are copied. 0 or -ENOMEM. */
int coded_settle(Carebus__V1__Coded *coded, const char *system, const char *code, const char *display, Arena *arena);
