#pragma once
/* What must hold of a journal and its state after anything that happened to them. Shared by the programs of this folder. */
#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "daemon/store/journal.h"
#include "daemon/store/state.h"

#define STORE_MAP_BYTES (64ull << 20)

/* A record's content follows from its number: up to 2,000 bytes. */
Bytes store_payload(uint64_t seq, Buffer *buffer);
int64_t store_received_at(uint64_t seq);

/* Folds what is committed into the state, as far as it is not: a value for each number, and the number it stands at. */
int store_fold(State *state, Journal *journal, const char *journal_folder, uint64_t *ret_seq);

typedef struct StoreCheck {
        const char *journal;
        const char *state; /* NULL: none */
        uint64_t segment_bytes;
        uint64_t acked;       /* must be there */
        uint64_t state_acked; /* the state must stand at or above */
        bool go_on;           /* writes some more afterwards, and looks again */
} StoreCheck;

typedef struct StoreFound {
        uint64_t last_seq, state_seq;
        char why[256]; /* what does not hold */
} StoreFound;

/* 0 or -1. Opens as a start does, so it cuts and repairs as that does. */
int store_check(const StoreCheck *check, StoreFound *ret);
