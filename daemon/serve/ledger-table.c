/*
 * Entries lie in one array in the order in which they came; the order of places is a list through it, and who is where a table of slots
 * with open addressing beside it. Nothing is ever taken out.
 */
#include "daemon/serve/ledger-table.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define SLOTS_FIRST 1024
#define PACKED_ENTRY 56

_Static_assert(sizeof(LedgerEntry) == 64, "what a person costs is promised");

/* ---- ids ------------------------------------------------------------------------------------------------------------- */

int ledger_id_parse(const char *patient_id, LedgerId *ret) {
        char text[LEDGER_ID_SIZE];
        uint64_t index;
        char *dot;

        if (patient_id[0] != 'p' || strlen(patient_id) >= sizeof(text))
                return -EINVAL;
        snprintf(text, sizeof(text), "%s", patient_id + 1);
        dot = strchr(text, '.');
        if (!dot)
                return -EINVAL;
        *dot = '\0';
        if (text_to_u64(text, &ret->seq) < 0 || text_to_u64(dot + 1, &index) < 0 || index > UINT32_MAX)
                return -EINVAL;
        ret->index = (uint32_t)index;
        return 0;
}

void ledger_id_format(LedgerId id, char ret[LEDGER_ID_SIZE]) {
        snprintf(ret, LEDGER_ID_SIZE, "p%" PRIu64 ".%" PRIu32, id.seq, id.index);
}

/* ---- the table --------------------------------------------------------------------------------------------------------- */

void ledger_table_init(LedgerTable *table) {
        *table = (LedgerTable){ .first = LEDGER_NONE, .last = LEDGER_NONE };
}

void ledger_table_deinit(LedgerTable *table) {
        free(table->entries);
        free(table->slots);
        ledger_table_init(table);
}

bool ledger_entry_is_gone(const LedgerEntry *entry) {
        static const uint8_t none[DIGEST_SUM_SIZE];

        return memcmp(entry->digest, none, sizeof(none)) == 0;
}

static uint32_t slot_of(const LedgerTable *table, LedgerId id) {
        uint64_t hash = (id.seq * UINT64_C(0x9e3779b97f4a7c15)) ^ (id.index * UINT64_C(0xc2b2ae3d27d4eb4f));

        return (uint32_t)(hash >> 32) & (table->n_slots - 1);
}

uint32_t ledger_table_find(const LedgerTable *table, LedgerId id) {
        if (table->n_slots == 0)
                return LEDGER_NONE;
        for (uint32_t slot = slot_of(table, id); table->slots[slot] != 0; slot = (slot + 1) & (table->n_slots - 1)) {
                const LedgerEntry *entry = &table->entries[table->slots[slot] - 1];
                if (entry->id_seq == id.seq && entry->id_index == id.index)
                        return table->slots[slot] - 1;
        }
        return LEDGER_NONE;
}

static void slots_put(LedgerTable *table, uint32_t index) {
        uint32_t slot = slot_of(table, ledger_entry_id(&table->entries[index]));

        while (table->slots[slot] != 0)
                slot = (slot + 1) & (table->n_slots - 1);
        table->slots[slot] = index + 1;
}

/* Three quarters full at most. */
static int slots_grow(LedgerTable *table) {
        uint32_t n_slots = table->n_slots ? 2 * table->n_slots : SLOTS_FIRST;
        uint32_t *slots;

        if (table->n_slots && (uint64_t)table->n_entries + 1 <= (uint64_t)table->n_slots * 3 / 4)
                return 0;
        slots = calloc(n_slots, sizeof(*slots));
        if (!slots)
                return -ENOMEM;
        free(table->slots);
        table->slots = slots;
        table->n_slots = n_slots;
        for (uint32_t i = 0; i < table->n_entries; i++)
                slots_put(table, i);
        return 0;
}

static int entries_grow(LedgerTable *table, uint32_t n_room) {
        LedgerEntry *entries;

        if (n_room <= table->n_room)
                return 0;
        entries = reallocarray(table->entries, n_room, sizeof(*entries));
        if (!entries)
                return -ENOMEM;
        table->entries = entries;
        table->n_room = n_room;
        return 0;
}

static int entry_add(LedgerTable *table, LedgerId id, uint32_t *ret) {
        int r = slots_grow(table);

        if (r == 0 && table->n_entries == table->n_room)
                r = table->n_room > LEDGER_NONE / 2 ? -ENOMEM
                                                    : entries_grow(table, table->n_room + table->n_room / 4 + 64);
        if (r < 0)
                return r;
        table->entries[table->n_entries] =
                (LedgerEntry){ .id_seq = id.seq, .id_index = id.index, .before = LEDGER_NONE, .after = LEDGER_NONE };
        *ret = table->n_entries++;
        slots_put(table, *ret);
        return 0;
}

/* ---- the order --------------------------------------------------------------------------------------------------------- */

static void list_append(LedgerTable *table, uint32_t index) {
        LedgerEntry *entry = &table->entries[index];

        entry->before = table->last;
        entry->after = LEDGER_NONE;
        if (table->last != LEDGER_NONE)
                table->entries[table->last].after = index;
        else
                table->first = index;
        table->last = index;
        for (LedgerCursor *cursor = table->cursors; cursor; cursor = cursor->next_cursor)
                if (cursor->next == LEDGER_NONE)
                        cursor->next = index;
}

static void list_remove(LedgerTable *table, uint32_t index) {
        LedgerEntry *entry = &table->entries[index];

        for (LedgerCursor *cursor = table->cursors; cursor; cursor = cursor->next_cursor)
                if (cursor->next == index)
                        cursor->next = entry->after;
        if (entry->before != LEDGER_NONE)
                table->entries[entry->before].after = entry->after;
        else
                table->first = entry->after;
        if (entry->after != LEDGER_NONE)
                table->entries[entry->after].before = entry->before;
        else
                table->last = entry->before;
}

static Place next_place(const LedgerTable *table, uint64_t seq) {
        Place behind = { .seq = table->newest.seq, .index = table->newest.index + 1 };

        if (seq > behind.seq)
                behind = (Place){ .seq = seq };
        return behind;
}

static int table_put(LedgerTable *table, LedgerId id, const uint8_t *digest, Place place) {
        uint32_t index = ledger_table_find(table, id);
        LedgerEntry *entry;

        if (index == LEDGER_NONE) {
                int r = entry_add(table, id, &index);
                if (r < 0)
                        return r;
        } else
                list_remove(table, index);
        entry = &table->entries[index];
        table->persons -= !ledger_entry_is_gone(entry);
        digest_sum_subtract(&table->sum, entry->digest);
        if (digest)
                memcpy(entry->digest, digest, sizeof(entry->digest));
        else
                memset(entry->digest, 0, sizeof(entry->digest));
        table->persons += !ledger_entry_is_gone(entry);
        digest_sum_add(&table->sum, entry->digest);
        entry->place_seq = place.seq;
        entry->place_index = place.index;
        table->newest = place;
        table->is_point = false;
        list_append(table, index);
        return 0;
}

int ledger_table_set(LedgerTable *table, LedgerId id, const uint8_t *digest, uint64_t seq) {
        return table_put(table, id, digest, next_place(table, seq));
}

Place ledger_table_point(LedgerTable *table, uint64_t seq) {
        if (!table->is_point)
                table->newest = next_place(table, seq);
        table->is_point = true;
        return table->newest;
}

void ledger_cursor_add(LedgerTable *table, LedgerCursor *cursor, Place after) {
        uint32_t before = table->last;

        cursor->next = LEDGER_NONE;
        while (before != LEDGER_NONE && place_compare(ledger_entry_place(&table->entries[before]), after) > 0) {
                cursor->next = before;
                before = table->entries[before].before;
        }
        cursor->next_cursor = table->cursors;
        table->cursors = cursor;
}

void ledger_cursor_remove(LedgerTable *table, LedgerCursor *cursor) {
        for (LedgerCursor **link = &table->cursors; *link; link = &(*link)->next_cursor)
                if (*link == cursor) {
                        *link = cursor->next_cursor;
                        return;
                }
}

void ledger_cursor_advance(const LedgerTable *table, LedgerCursor *cursor) {
        if (cursor->next != LEDGER_NONE)
                cursor->next = table->entries[cursor->next].after;
}

void ledger_table_buckets(const LedgerTable *table, Place bound, DigestSum ret[DIGEST_BUCKETS]) {
        memset(ret, 0, DIGEST_BUCKETS * sizeof(*ret));
        for (uint32_t i = 0; i < table->n_entries; i++) {
                const LedgerEntry *entry = &table->entries[i];
                char id[LEDGER_ID_SIZE];

                if (ledger_entry_is_gone(entry) || place_compare(ledger_entry_place(entry), bound) > 0)
                        continue;
                ledger_id_format(ledger_entry_id(entry), id);
                digest_sum_add(&ret[digest_bucket(id)], entry->digest);
        }
}

/* ---- on disk: in the order of places ------------------------------------------------------------------------------------ */

void ledger_table_pack(const LedgerTable *table, Buffer *ret) {
        uint8_t head[16], bytes[PACKED_ENTRY];

        store_le64(head, table->newest.seq);
        store_le32(head + 8, table->newest.index);
        store_le32(head + 12, table->n_entries);
        buffer_append(ret, head, sizeof(head));
        if (!buffer_reserve(ret, (size_t)table->n_entries * PACKED_ENTRY))
                return;
        for (uint32_t i = table->first; i != LEDGER_NONE; i = table->entries[i].after) {
                const LedgerEntry *entry = &table->entries[i];

                store_le64(bytes, entry->id_seq);
                store_le64(bytes + 8, entry->place_seq);
                store_le32(bytes + 16, entry->id_index);
                store_le32(bytes + 20, entry->place_index);
                memcpy(bytes + 24, entry->digest, sizeof(entry->digest));
                buffer_append(ret, bytes, sizeof(bytes));
        }
}

static int entry_unpack(LedgerTable *table, Cursor *cursor) {
        LedgerId id = { .seq = cursor_le64(cursor) };
        Place place = { .seq = cursor_le64(cursor) };
        Bytes digest;

        id.index = cursor_le32(cursor);
        place.index = cursor_le32(cursor);
        digest = cursor_bytes(cursor, DIGEST_SUM_SIZE);
        if (cursor->error < 0 || place_compare(place, table->newest) <= 0 ||
            ledger_table_find(table, id) != LEDGER_NONE)
                return -EBADMSG;
        return table_put(table, id, digest.data, place);
}

int ledger_table_unpack(LedgerTable *table, Cursor *cursor) {
        Place newest = { .seq = cursor_le64(cursor) };
        uint32_t n_entries;
        int r = 0;

        newest.index = cursor_le32(cursor);
        n_entries = cursor_le32(cursor);
        if (cursor->error < 0 || cursor_left(cursor) / PACKED_ENTRY < n_entries)
                return -EBADMSG;
        r = entries_grow(table, n_entries);
        for (uint32_t i = 0; r == 0 && i < n_entries; i++)
                r = entry_unpack(table, cursor);
        if (r == 0 && place_compare(newest, table->newest) < 0)
                r = -EBADMSG;
        table->newest = newest;
        return r;
}
