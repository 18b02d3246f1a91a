#pragma once
/*
 * What core's threads may know of each other: numbers that each of them writes alone and all may read. Everything else
 * crosses by rings.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/doorbell.h"
#include "daemon/figures/figures.h"

typedef struct CoreFacts {
        atomic_uint_fast64_t folded_seq;  /* fold: what the state stands at */
        atomic_int_fast64_t next_due;     /* fold: when something falls due, as of folded_seq; 0: nothing waits */
        atomic_uint_fast64_t fold_rounds; /* each thread's goes up at least once a second while it lives */
        atomic_uint_fast64_t intake_rounds;
        atomic_uint_fast64_t helper_rounds;
        atomic_uint_fast64_t
                expiry_seq; /* intake: the decision to let go of payloads is durable under this number; retention takes it away */
        atomic_bool
                turn_wanted; /* retention: what is to go lies in the segment that is written to; intake begins another */
        atomic_uint sources_connected; /* intake */
        atomic_bool
                intake_waits;   /* intake: senders are asked to try later, for want of room or since the fold stands */
        atomic_bool fold_waits; /* fold: no room for the state */
        atomic_bool serve_up;   /* main */
        atomic_uint serve_restarts;
        atomic_bool running;                             /* main: ready was said */
        atomic_bool stop_intake, stop_fold, stop_helper; /* main */
        atomic_int fault;                                /* exit code of the first thread that cannot go on; 0: none */
        int fault_bell;                                  /* main sleeps on it */
        int64_t started_at;                              /* set before the threads */
        CoreFigures *figures;                            /* likewise; for whoever watches the bus; NULL: nobody */
} CoreFacts;

/* The first one counts: what follows from a fault is not its cause. */
static inline void facts_fault(CoreFacts *facts, int exit_code) {
        int none = 0;
        (void)atomic_compare_exchange_strong(&facts->fault, &none, exit_code);
        doorbell_ring(facts->fault_bell);
}
