#pragma once
/*
 * What a team must hold: which of its persons' records have which digest, since which entry, and the sum. Made for
 * teams that have a feed of records open, by the feed thread, in slices of time; brought forward by the outcomes of
 * the fold, which name everybody whose record may have changed, so that an entry costs a look at those persons and no
 * more. A person whose record the team sees nothing of is not in it.
 *
 * It is kept over restarts in state/serve/records/TEAM, one file with a checksum, replaced whole once a minute and at the end: a file of
 * 56 bytes a person is read in a moment, costs no second database in the process and may be lost. What happened behind it is walked
 * again. Places of what was given out behind the file and before a crash mean nothing afterwards: a lineage, which each loading begins
 * anew, tells those apart. New rules, another fold or another journal look at everybody again.
 */
#include "base/arena.h"
#include "base/cleanup.h"
#include "carebus/v1/record.pb-c.h"
#include "daemon/serve/ledger-table.h"
#include "daemon/serve/sight.h"

typedef struct Ledger Ledger;

/* Where a reader stands: a place, and in which lineage it was given (0: not known). */
typedef struct LedgerPlace {
        Place place;
        uint64_t lineage;
} LedgerPlace;

/* Who looks: the view is renewed; the arena is the ledger's to reset. */
typedef struct LedgerEyes {
        View *view;
        Sight *sight;
        const Sharing *sharing; /* the sight's */
        size_t team;
        Arena *arena;
} LedgerEyes;

/* Reads the file, where there is one that fits what the view has; else begins anew. `folder` is state/serve/records. A damaged file is
 * as none. */
int ledger_open(const char *folder, const char *team, const LedgerEyes *eyes, Ledger **ret);
/* Does not write: see ledger_save_last(). */
Ledger *ledger_free(Ledger *ledger);
DEFINE_CLEANUP(Ledger *, ledger_free)

/* Works until `until` (monotonic) or until there is nothing left. 0 or negative. */
int ledger_advance(Ledger *ledger, const LedgerEyes *eyes, int64_t until, bool *ret_more);
/* Is it as of the view's head, with nothing left to look at? */
bool ledger_is_level(const Ledger *ledger, const View *view);
uint64_t ledger_seq(const Ledger *ledger);
LedgerTable *ledger_table(Ledger *ledger);
uint64_t ledger_lineage(const Ledger *ledger);
/* Where a reader who stands there has to go on: there, or before it, where that place was given by a life that left no trace. 0.0: all
 * over again. */
Place ledger_resume(const Ledger *ledger, LedgerPlace from);
/* Changes of this entry or before are not known one by one. */
uint64_t ledger_since(const Ledger *ledger);

/* The record of an entry as the team sees it now, and its canonical bytes, in the arena (reset first). LEDGER_E_MOVED: it is not what the
 * entry says; the entry has moved behind all others. */
enum { _LEDGER_E_SUCCESS, LEDGER_E_MOVED };
int ledger_read(Ledger *ledger, const LedgerEyes *eyes, uint32_t entry, Bytes *ret);

/* Gives the file to the writer when it is time; never waits. `now` is monotonic. Negative: what was given before could not be written, and
 * is tried again. */
int ledger_save(Ledger *ledger, int64_t now);
/* What is known now is written before ledger_free() returns. */
void ledger_save_last(Ledger *ledger);
