#pragma once
/*
 * What a reader asks first, put together out of the facts of a record by rule. GRAMMAR.md, "The overview", says the rules. It follows
 * from the facts and the settings alone: never from the clock.
 *
 * Everything given back lives in the arena, and shares parts of the facts. Any thread.
 */
#include "base/arena.h"
#include "carebus/v1/journal.pb-c.h"
#include "carebus/v1/record.pb-c.h"
#include "carebus/v1/state.pb-c.h"

/* Points of a trend at most, the newest. */
#define OVERVIEW_TREND_POINTS_MAX 24

typedef struct OverviewFrom {
        /* Its sections and what is held, as the reader may see them; decisions as decisions_stand() left them. */
        const Carebus__V1__Record *record;
        /* The facts of the section `demographics`, with the stamps of their fields; more than the reader may see does no harm. */
        Carebus__V1__StoredFact *const *demographics;
        size_t n_demographics;
        /* The facts of the section `decisions` in the order of their decisions, those that the reader may see. */
        Carebus__V1__Fact *const *decisions;
        size_t n_decisions;
        const Carebus__V1__Settings *settings; /* NULL before the first */
} OverviewFrom;

/* 0 or -ENOMEM. */
int overview_make(const OverviewFrom *from, Arena *arena, Carebus__V1__Overview **ret);
/* Marks the facts whose source owns at least one field of them: Fact.owned. */
void overview_mark_owned(const OverviewFrom *from);
