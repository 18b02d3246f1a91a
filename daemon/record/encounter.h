#pragma once
/*
 * An encounter as its source tells it: admissions, moves, discharges, and the undoing of each, in the order in which they
 * were said. What was undone is left out and stays in the history.
 */
#include "daemon/record/fact.h"

/* More claims than this, or more bytes of them, are laid together, the older half into one, when they are reduced. */
#define ENCOUNTER_CLAIMS_MAX 512
#define ENCOUNTER_CLAIMS_BYTES_MAX (4U * 1024U * 1024U)

/* What makes it this encounter: its identifier, else its account, its time of admission or, where nothing is known, the event. NULL
 * when the arena is full. */
char *encounter_key(const Carebus__V1__Event *event, Arena *arena);
/* Does the event undo something, so that its fact has to be reduced from its claims? */
bool encounter_undoes(const Carebus__V1__Event *event);
/* Is somebody there in person: what nobody does with the dead. */
bool encounter_is_presence(const Carebus__V1__Event *event);

/* A claim as it is kept: the event without its patient. NULL when the arena is full. */
Carebus__V1__Claim *encounter_claim(const Said *said, Arena *arena);
/* The same, packed. Where the event's own bytes are at hand they are cut, not packed again. data NULL when the arena is full. */
Bytes encounter_claim_packed(const Said *said, const Carebus__V1__Claim *claim, Arena *arena);

/* Adds what was said last of all and undoes nothing. *ret_changed: it said something new. 0 or -ENOMEM. */
int encounter_add(Carebus__V1__StoredFact *stored, const Carebus__V1__Claim *claim, bool lists_whole, Arena *arena,
                  bool *ret_changed);
/* Makes the fact out of all its claims, which are in the order of their stamps; undoing ones included. 0 or -ENOMEM. */
int encounter_reduce(Carebus__V1__StoredFact *stored, Carebus__V1__Claim *const *claims, size_t n_claims,
                     bool lists_whole, Arena *arena);
/* Claims, of those before the one at `at`, that it takes back: what it undoes, and where nothing of the stay is left, all of them. In the
 * arena. 0 or -ENOMEM. */
int encounter_withdrawn(Carebus__V1__Claim *const *claims, size_t at, Arena *arena, Carebus__V1__Claim ***ret,
                        size_t *ret_n);
/* One claim that stands for the first `n_claims`: what they come to. NULL when the arena is full. */
Carebus__V1__Claim *encounter_lay_together(Carebus__V1__Claim *const *claims, size_t n_claims, bool lists_whole,
                                           Arena *arena);
