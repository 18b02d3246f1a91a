#pragma once
/*
 * The thread for what nobody waits for: zero-filling the next segment of the journal, a piece at a time, and making a
 * compression dictionary of the first originals.
 */
#include "base/cleanup.h"
#include "base/ring.h"
#include "daemon/stage/facts.h"
#include "daemon/store/journal.h"

typedef struct Helper Helper;

typedef struct HelperOptions {
        CoreFacts *facts;
        Journal *journal;   /* for journal_prepare_step() only */
        bool wants_samples; /* the journal has no dictionary yet */
} HelperOptions;

int helper_new(const HelperOptions *options, Helper **ret);
/* Buffer *, from intake: originals. Buffer *, to intake: a dictionary. */
Ring *helper_samples(Helper *helper);
Ring *helper_dictionaries(Helper *helper);
int helper_start(Helper *helper);
/* facts.stop_helper is set. */
void helper_stop(Helper *helper);
Helper *helper_free(Helper *helper);
DEFINE_CLEANUP(Helper *, helper_free)
