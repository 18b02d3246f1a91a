#pragma once
/*
 * Who has which digest, in memory: an entry of 64 bytes a person, found by its id and strung together in the order of
 * the last change. Whoever went away keeps an entry, so that a reader who was not there is told. Sum and count are
 * kept up with each change, in constant time.
 *
 * Each change gets a place of its own behind all that went before: that is the order in which a feed of records delivers, and a cursor
 * is all that a feed needs to know of where it stands. One thread.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/cursor.h"
#include "daemon/serve/place.h"
#include "proto/digest.h"

#define LEDGER_NONE UINT32_MAX
#define LEDGER_ID_SIZE 34 /* p, twenty digits, a point, ten digits, NUL */

typedef struct LedgerId {
        uint64_t seq;
        uint32_t index;
} LedgerId;

typedef struct LedgerEntry {
        uint64_t id_seq, place_seq;
        uint32_t id_index, place_index;
        uint32_t before, after;          /* in the order of places */
        uint8_t digest[DIGEST_SUM_SIZE]; /* all zero: gone */
} LedgerEntry;

/* Stands before an entry, or (LEDGER_NONE) behind the last. The table moves it when its entry changes. */
typedef struct LedgerCursor LedgerCursor;
struct LedgerCursor {
        uint32_t next;
        LedgerCursor *next_cursor;
};

typedef struct LedgerTable {
        LedgerEntry *entries;
        uint32_t n_entries, n_room;
        uint32_t *slots; /* 1 + index of the entry; 0: free */
        uint32_t n_slots;
        uint32_t first, last;
        LedgerCursor *cursors;
        Place newest;  /* given last */
        bool is_point; /* `newest` is a point of agreement: nothing changed since */
        DigestSum sum;
        uint64_t persons; /* that are not gone */
} LedgerTable;

/* -EINVAL for what is no patient id. */
int ledger_id_parse(const char *patient_id, LedgerId *ret);
void ledger_id_format(LedgerId id, char ret[LEDGER_ID_SIZE]);

void ledger_table_init(LedgerTable *table);
void ledger_table_deinit(LedgerTable *table);

uint32_t ledger_table_find(const LedgerTable *table, LedgerId id); /* LEDGER_NONE */
static inline Place ledger_entry_place(const LedgerEntry *entry) {
        return (Place){ .seq = entry->place_seq, .index = entry->place_index };
}
static inline LedgerId ledger_entry_id(const LedgerEntry *entry) {
        return (LedgerId){ .seq = entry->id_seq, .index = entry->id_index };
}
bool ledger_entry_is_gone(const LedgerEntry *entry);

/* The person has this digest from `seq` on (not below the newest place); NULL: is gone. Gets the next place, whatever it had before. 0 or
 * -ENOMEM. */
int ledger_table_set(LedgerTable *table, LedgerId id, const uint8_t *digest, uint64_t seq);
/* A place for a point of agreement: behind all changes, and the same one until something changes. */
Place ledger_table_point(LedgerTable *table, uint64_t seq);
/* Behind `after`. */
void ledger_cursor_add(LedgerTable *table, LedgerCursor *cursor, Place after);
void ledger_cursor_remove(LedgerTable *table, LedgerCursor *cursor);
void ledger_cursor_advance(const LedgerTable *table, LedgerCursor *cursor);
/* Sums of the buckets of all that lies at or before `bound`. */
void ledger_table_buckets(const LedgerTable *table, Place bound, DigestSum ret[DIGEST_BUCKETS]);

void ledger_table_pack(const LedgerTable *table, Buffer *ret);
/* Into an empty table. -EBADMSG when it is not what was packed: the table is then to be freed. */
int ledger_table_unpack(LedgerTable *table, Cursor *cursor);
