#pragma once
/*
 * The shared record as a team may see it: facts of the sources that the team sees, identifiers that one of them used, conflicts all of
 * whose claims it sees. What is asked and what a feed of records delivers is cut by the same hand, so that it is the same.
 *
 * What waits in a review is shown to whoever sees the person: it has no content, only whom to ring.
 */
#include "base/arena.h"
#include "carebus/v1/record.pb-c.h"
#include "daemon/serve/view.h"

/* Under any id that the person ever had; `team` -1: the whole. The view is renewed. `digest` is SHA-256 over record_canonical() of what
 * is given. Lives in the arena. 0; RECORD_E_NOT_FOUND (nobody, or nothing that this team sees); negative. One thread. */
int record_for_team(View *view, const Sharing *sharing, ssize_t team, const char *patient_id, Arena *arena,
                    Carebus__V1__Record **ret);
