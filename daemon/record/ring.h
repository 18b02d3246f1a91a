#pragma once
/*
 * Whom to ring: what the settings say of teams, for where a record or a feed says no more than that. Everything lives in the arena or is
 * part of the settings. Any thread.
 */
#include "daemon/record/read.h"

/* The team that a source belongs to, or NULL. */
const char *ring_team_of_source(const Carebus__V1__Settings *settings, Bytes source);
/* The contact points of the team of a source, part of the settings; `settings` NULL: none. */
void ring_of_source(const Carebus__V1__Settings *settings, Bytes source, Carebus__V1__ContactPoint ***ret,
                    size_t *ret_n);
/* Of every team that owns a source, but for `but` (may be NULL), in order of names: whoever may know more of anybody. 0 or -ENOMEM. */
int ring_of_owners(const Carebus__V1__Settings *settings, const char *but, Arena *arena,
                   Carebus__V1__ContactPoint ***ret, size_t *ret_n);
/* Of one team, part of the settings. */
void ring_of_team(const Carebus__V1__Settings *settings, const char *team, Carebus__V1__ContactPoint ***ret,
                  size_t *ret_n);
