#pragma once
/*
 * How often each event was sent to a consumer before, by sessions that ended without its acknowledgement. A session sends what lies between
 * the place it began behind and the place it came to, so a few steps say it of every event, whatever their number. In memory alone: a
 * restart of serve begins at nothing, and a number is never too high by that. One thread.
 */
#include <stddef.h>
#include <stdint.h>

#include "daemon/serve/place.h"

#define SENT_BEFORE_STEPS 8

typedef struct SentBeforeStep {
        Place until;
        uint32_t times; /* what lies behind the step before, up to and with `until` */
} SentBeforeStep;

/* Zeros: nothing was sent. */
typedef struct SentBefore {
        Place from; /* the first step begins behind it */
        SentBeforeStep
                steps[SENT_BEFORE_STEPS + 1]; /* in the order of places; each says fewer times than the one before */
        size_t n_steps;                       /* at most SENT_BEFORE_STEPS between two calls */
} SentBefore;

/* A session begins behind this place. Who goes further back than before begins anew: it wants what it had once more. */
void sent_before_begin(SentBefore *sent, Place place);
/* Sessions that sent it and ended without its acknowledgement; 0: it is the first time. */
uint32_t sent_before_times(const SentBefore *sent, Place place);
/* All up to and with this place is acknowledged. */
void sent_before_acknowledged(SentBefore *sent, Place place);
/* The session that began last is over; it came to this place. Where there are more steps than there is room for, the nearest keep what they
 * say, and one behind them says less. */
void sent_before_end(SentBefore *sent, Place place);
