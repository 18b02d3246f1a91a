#pragma once
/* What a story expects of sharing. */
#include "base/arena.h"
#include "daemon/record/relationships.h"

/* Kinds of relationships of that team that count now, each with its end (`encounter`, `referral/2024-03-19T10:00`), in order,
 * joined by commas; "-": it has none. */
char *sharing_kinds_text(const Carebus__V1__PersonSharing *person, const Carebus__V1__Settings *settings,
                         const char *team, bool ends, Arena *arena);
/* TEAM/KIND of all notices of this type in the outcome; "-": none. */
char *sharing_notices_text(const Carebus__V1__Outcome *outcome, const char *type, Arena *arena);
/* What the event at `index` withdraws, and what it is an echo of; "-": nothing. */
char *corrections_text(const Carebus__V1__Outcome *outcome, uint32_t index, Arena *arena);
char *echo_text(const Carebus__V1__Outcome *outcome, uint32_t index);
