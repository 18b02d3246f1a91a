#pragma once
/*
 * What was delivered, so that a file that comes twice is known, a crash in the middle of one is gone on from, and A, then B, then A again
 * is three deliveries. One small file, replaced whole. One thread.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/sha256.h"

#define LEDGER_NAME_MAX 256
#define LEDGER_TABLES_MAX 16

typedef struct LedgerDelivery {
        char table[16];
        char hash[2 * SHA256_SIZE + 1]; /* ledger_hash() */
        char file[LEDGER_NAME_MAX];
        uint64_t number; /* goes up from delivery to delivery; the second at which it began, or a little later */
        bool is_open;    /* it began and did not end */
} LedgerDelivery;

typedef enum LedgerKind {
        LEDGER_NEW,
        LEDGER_RESUMED, /* it began before a crash */
        LEDGER_REPEAT,  /* the same bytes as the delivery before it of this table, read by the same profile */
} LedgerKind;

/* Positive returns. */
enum {
        _LEDGER_E_SUCCESS,
        LEDGER_E_DAMAGED, /* *ret is set and empty; the damaged file lies beside it under another name */
};

typedef struct Ledger Ledger;

/* What a file is known by: its bytes, and the profile that they are read by. What another profile reads is another delivery, so that a file
 * can be sent again when a map was mended. */
void ledger_hash(Bytes file, const uint8_t profile[SHA256_SIZE], char ret[2 * SHA256_SIZE + 1]);
/* `folder` is from place_open(). */
int ledger_open(const char *folder, Ledger **ret);
Ledger *ledger_free(Ledger *ledger);
DEFINE_CLEANUP(Ledger *, ledger_free)
/* Durable when it returns. `now_at` in microseconds since 1970 UTC. `ret` has the number that the delivery's rows are known by: of a
 * resumed or repeated one, that of the first time. */
int ledger_begin(Ledger *ledger, const LedgerDelivery *what, int64_t now_at, LedgerDelivery *ret, LedgerKind *ret_kind);
/* The newest delivery of that table is done with. */
int ledger_end(Ledger *ledger, const char *table);
/* One that began and did not end, or NULL. */
const LedgerDelivery *ledger_unfinished(const Ledger *ledger);
