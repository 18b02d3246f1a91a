#pragma once
/*
 * A source that is silent against its own habit: told once when it begins and once when it ends, by ticks, so that a rebuild meets it at
 * the same place. What is usual: daemon/record/source-silence.h. `partner.silent` (GRAMMAR.md) is about nobody and goes to every team.
 *
 * Each source has at most one look at it due, at the earliest moment at which silence could be more than usual; the look finds that it
 * was heard since, mostly, and is due again later. So a word costs nothing but a comparison.
 */
#include "daemon/record/source-silence.h"
#include "daemon/stage/fold-parts.h"

#define DUE_SILENCE "silence" /* a source is looked at; id: its name */

/* Codes of the notice. */
#define SILENCE_BEGAN "silent"
#define SILENCE_ENDED "speaks-again"

/* A tick that comes so much later than what fell due: the bus was away, or its clock leapt. Nobody is blamed for that. */
#define SILENCE_LATE (INT64_C(5) * 60 * 1000000)

/* What a submission says of its source: it was heard. `work->source`, at `work->received_at`; history and what the bus asked for again
 * are no word of it. */
int silence_heard(FoldWork *work);
/* Those whose look is due. */
int silence_due(FoldWork *work, int64_t due_at);
/* Behind new settings: how long a source may be silent may be another. */
int silence_settings(FoldWork *work);
/* What the fold holds in memory of it, into the transaction; and forgets it. */
int silence_flush(Fold *fold, StateTxn *txn);
void silence_clear(Fold *fold);
