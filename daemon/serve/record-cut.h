#pragma once
/*
 * The shared record as a team may see it, by the choke point: fact by fact, with what is left out of each, at the moment of reading. What
 * is asked and what a feed of records delivers is cut by the same hand, so that it is the same.
 */
#include "base/arena.h"
#include "carebus/v1/record.pb-c.h"
#include "daemon/record/states.h"
#include "daemon/serve/sight.h"

/* Under any id that the person ever had; `team` -1: the whole. The view of the sight is renewed. `digest` is SHA-256 over
 * record_canonical() of what is given. Lives in the arena. 0; RECORD_E_NOT_FOUND: nobody, or somebody of whom this
 * team sees nothing and with whom it has nothing to do; the two look alike. Negative. One thread. */
int record_for_team(Sight *sight, ssize_t team, const char *patient_id, Arena *arena, Carebus__V1__Record **ret);
/* The same, with record_canonical() of it. */
int record_for_team_canonical(Sight *sight, ssize_t team, const char *patient_id, Arena *arena,
                              Carebus__V1__Record **ret, Bytes *ret_canonical);
/* The same, with all of its bytes. */
int record_for_team_packed(Sight *sight, ssize_t team, const char *patient_id, Arena *arena, Carebus__V1__Record **ret,
                           Bytes *ret_packed);
/* record_for_team(), and what its sections say where they say nothing. */
int record_for_team_with_states(Sight *sight, ssize_t team, const char *patient_id, const RecordPatience *patience,
                                Arena *arena, Carebus__V1__Record **ret);
/* Has the team to do with this person, and is there a section that the rules show it because of that? Without a look at the record: what
 * its own sources say it sees all the same. 0 or negative. */
int record_is_known(Sight *sight, size_t team, const char *patient_id, bool *ret);
/* The numbers of a person that the team may see, appended to the list; of nobody there are none. `person`: who it is to be to the
 * rules; NULL: who it is now. Lives in the arena. 0 or negative. */
int record_numbers_for_team(Sight *sight, size_t team, const SharingPerson *person, const char *patient_id,
                            Arena *arena, Carebus__V1__PersonIdentifier ***ret, size_t *ret_n);
/* Contact points of whoever may know more of somebody than this team is told. 0 or negative. */
int record_whom_to_ring(Sight *sight, size_t team, Arena *arena, Carebus__V1__ContactPoint ***ret, size_t *ret_n);
