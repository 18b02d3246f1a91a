#pragma once
/*
 * Does what the ledger of a team says stay what the records say? Ledgers (daemon/serve/ledger.h) go along with the fold, one entry at a
 * time, as serve keeps them; behind each entry everybody's record is read anew. An outcome that fails to name somebody whose record it
 * changed, for whatever team, is found at that entry.
 */
#include "tests/scenario/world.h"

/* Fails the running test at the first entry behind which they part. Teams with all sources, with the first half of them by name, and
 * with the others. */
void agreement_check(const World *world);
