#pragma once
/*
 * Readers whose place somebody gave up (KIND_FORGET_READER). What counts is the place as it stood then: one that the reader has come to
 * since is its own again. Reads the state alone; any thread that may use the transaction.
 */
#include <stdbool.h>

#include "base/arena.h"
#include "carebus/v1/journal.pb-c.h"
#include "daemon/store/reader-places.h"
#include "daemon/store/state-keys.h"

/* Where one stands in STATE_META, and the seq of the newest decision of that kind (8 bytes, little-endian). */
StateKey forgotten_key(const char *team, const char *consumer);
#define RECORD_META_FORGOTTEN_SEQ "forgotten_seq"

/* 0, RECORD_E_NOT_FOUND (nobody gave up a place of that reader), negative as of daemon/record/read.h. */
int forgotten_read(StateTxn *txn, const char *team, const char *consumer, Arena *arena,
                   Carebus__V1__ReaderForgotten **ret);
/* 0: none yet. */
uint64_t forgotten_newest(StateTxn *txn);
/* Was this place, as the file of places has it, given up? 1, 0 or negative. */
int forgotten_place(StateTxn *txn, const ReaderPlace *place);
