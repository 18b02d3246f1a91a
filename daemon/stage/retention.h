#pragma once
/*
 * The thread that lets go of what nobody needs, class by class (daemon/stage/retention-hold.h): once a day, or as often as
 * `scope.originals` where that is shorter, it looks for entries that are old enough and that nothing keeps, seals a base of the state
 * where whole entries go, has intake write the decision, and, when the fold has carried it out, takes the payloads, or the originals in
 * them, out of the journal. Only what the fold marked goes; what a crash broke off is finished at the next start.
 */
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/ring.h"
#include "daemon/stage/facts.h"
#include "daemon/store/state.h"

typedef struct Retention Retention;

typedef struct RetentionOptions {
        CoreFacts *facts;
        const Clock *clock;
        State *state;
        const char *journal_folder, *base_folder; /* borrowed */
        const char *cursors_path;                 /* where serve keeps the places of readers */
        const char *lock_path;                    /* whoever makes a backup holds it shared */
} RetentionOptions;

int retention_new(const RetentionOptions *options, Retention **ret);
/* Buffer *, to intake: a packed Entry, whose number intake tells by facts.expiry_seq when it is durable. */
Ring *retention_decisions(Retention *retention);
int retention_start(Retention *retention);
/* facts.stop_helper is set. */
void retention_stop(Retention *retention);
Retention *retention_free(Retention *retention);
DEFINE_CLEANUP(Retention *, retention_free)
