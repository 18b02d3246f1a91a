#pragma once
/*
 * A ledger on disk: magic, version, what the digests follow from, where it stands, lineages, the table; CRC-32C of all before it.
 * Little-endian. One thread.
 */
#include "base/sha256.h"
#include "daemon/serve/ledger-table.h"

#define LEDGER_FORKS_MAX 64

/* Behind this place of an earlier life's, what it gave out is not known. */
typedef struct LedgerFork {
        uint64_t lineage;
        Place place;
} LedgerFork;

typedef struct LedgerLife {
        uint8_t rules[SHA256_SIZE]; /* what the digests follow from, beside the entries */
        uint64_t seq;               /* it is as of this entry, */
        int64_t received_at;        /* which the bus received then */
        uint64_t since;             /* it was begun at this one */
        uint64_t lineage;
        LedgerFork forks[LEDGER_FORKS_MAX]; /* oldest first */
        size_t n_forks;
} LedgerLife;

/* The life that wrote the file has ended at its newest place. The oldest fork may be forgotten for it. */
void ledger_life_fork(LedgerLife *life, Place newest);
/* By the kernel's randomness. 0 or negative errno. */
int ledger_life_new_lineage(LedgerLife *life);

void ledger_file_pack(const LedgerLife *life, const LedgerTable *table, Buffer *ret);
/* Into an empty table, to be freed in any case. -ENOENT, -EBADMSG for what is no such file, whole and unharmed. */
int ledger_file_unpack(Bytes packed, LedgerLife *life, LedgerTable *table);
int ledger_file_read(const char *path, LedgerLife *life, LedgerTable *table);
