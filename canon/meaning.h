#pragma once
/*
 * What follows from an event's own type, codes and words, so that one fact is one event whatever language it came in: what a
 * decision says, which scale a score is of, where somebody wants to be. Nothing that was said is taken away, and nothing is guessed: a
 * decision about resuscitation that nobody can read says so.
 */
#include <stdint.h>

#include "base/arena.h"
#include "carebus/v1/event.pb-c.h"

/* After the profile's maps. Idempotent. `ret_unknown` is counted up for each decision whose meaning is not known. 0 or -ENOMEM. */
int meaning_fill(Carebus__V1__Event *event, Arena *arena, uint64_t *ret_unknown);
