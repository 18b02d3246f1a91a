/*
 * The quarantine: what waits, page by page, and one item with its original bytes as they came.
 */
#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "base/sha256.h"
#include "base/text.h"
#include "daemon/record/read.h"
#include "daemon/serve/query-parts.h"
#include "proto/wire.h"
#include "daemon/store/state-keys.h"
#include "proto/check.h"

/* Fields of Reply, QuarantineListReply, QuarantineItem. */
enum {
        REPLY_QUARANTINE_LIST = 23,
        REPLY_QUARANTINE_ITEM = 24,
        LIST_ITEMS = 1,
        LIST_NEXT_AFTER_SEQ = 2,
        ITEM_SOURCE = 2,
        ITEM_REASON = 3,
        ITEM_CLASS = 4,
        ITEM_MESSAGE_ID = 6,
        ITEM_TRIGGER = 8,
        ITEM_ORIGINAL = 10,
        ITEM_EVENTS = 11,
        ITEM_RESOLUTION = 13,
        ITEM_COUNT = 16,
        ITEM_MATCHING = 19,
};

#define GROUPS_MAX 4096 /* kinds of trouble; beyond it what is new counts as one */
#define KEY_SIZE 256

/* ---- what is alike ---------------------------------------------------------------------------------------------------- */

void query_groups_deinit(QuarantineGroups *groups) {
        for (size_t i = 0; i < groups->n_items; i++)
                free(groups->items[i].key);
        free(groups->items);
        *groups = (QuarantineGroups){ 0 };
}

static Bytes item_text(Bytes item, uint32_t number) {
        WireField field;
        size_t offset = 0;

        while (wire_field_next(item, &offset, &field) == 0)
                if (field.number == number && field.wire_type == WIRE_BYTES)
                        return field.bytes;
        return BYTES_NULL;
}

static void group_key(Bytes item, char ret[KEY_SIZE]) {
        const Bytes source = item_text(item, ITEM_SOURCE), reason = item_text(item, ITEM_REASON);
        const Bytes class = item_text(item, ITEM_CLASS);

        snprintf(ret, KEY_SIZE, "%.*s %.*s %.*s", (int)source.size, (const char *)source.data, (int)reason.size,
                 (const char *)reason.data, (int)class.size, (const char *)class.data);
}

static QuarantineGroup *group_find(QuarantineGroups *groups, const char *key) {
        for (size_t i = 0; i < groups->n_items; i++)
                if (text_equal(groups->items[i].key, key))
                        return &groups->items[i];
        return NULL;
}

static int group_count(Bytes seq, Bytes item, void *owner) {
        QuarantineGroups *groups = owner;
        char key[KEY_SIZE];
        QuarantineGroup *group;

        group_key(item, key);
        group = group_find(groups, key);
        if (group) {
                group->count++;
                return 0;
        }
        if (groups->n_items == GROUPS_MAX)
                return 0;
        if (groups->n_items == groups->n_room) {
                size_t n_room = groups->n_room ? 2 * groups->n_room : 16;
                QuarantineGroup *items = reallocarray(groups->items, n_room, sizeof(*items));
                if (!items)
                        return -ENOMEM;
                groups->items = items;
                groups->n_room = n_room;
        }
        group = &groups->items[groups->n_items];
        *group = (QuarantineGroup){ .key = strdup(key), .count = 1 };
        if (!group->key)
                return -ENOMEM;
        groups->n_items++;
        return 0;
}

/* Counted once for each number that the state stands at: a list comes in many pages. */
static int groups_make(Query *query) {
        QuarantineGroups *groups = &query->groups;
        int r;

        if (groups->made && groups->at == view_head(query->view))
                return 0;
        query_groups_deinit(groups);
        r = state_walk(view_txn(query->view), STATE_QUARANTINE, BYTES_NULL, BYTES_NULL, group_count, groups);
        if (r != 0)
                return error_fold(r);
        groups->at = view_head(query->view);
        groups->made = true;
        return 0;
}

/* ---- list --------------------------------------------------------------------------------------------------------------- */

typedef struct ListItem {
        uint64_t seq;
        Bytes packed; /* in the state, borrowed */
} ListItem;

typedef struct Gather {
        const char *source;
        ListItem *items;
        size_t n_items, max;
} Gather;

static int gather_item(Bytes key, Bytes value, void *owner) {
        Gather *gather = owner;

        if (key.size != sizeof(uint64_t))
                return -EBADMSG;
        if (gather->source && !bytes_equal_text(item_text(value, ITEM_SOURCE), gather->source))
                return 0;
        if (gather->n_items == gather->max)
                return 1;
        gather->items[gather->n_items++] = (ListItem){ .seq = load_be64(key.data), .packed = value };
        return 0;
}

/* The items of one table behind `after`, one more than asked for: so it shows whether there are more. */
static int gather_table(Query *query, StateTable table, const Carebus__V1__QuarantineListRequest *list, size_t max,
                        Gather *ret) {
        StateKey from = state_key_seq(list->after_seq + 1);
        int r;

        *ret = (Gather){ .source = list->source,
                         .max = max,
                         .items = arena_alloc(query->arena, max * sizeof(ListItem)) };
        if (!ret->items)
                return -ENOMEM;
        r = state_walk(view_txn(query->view), table, BYTES_NULL, state_key_all(&from), gather_item, ret);
        return r > 0 ? 0 : r;
}

static bool is_code(Bytes text, size_t least, size_t most) {
        for (size_t i = 0; i < text.size; i++)
                if (!(text.data[i] >= 'A' && text.data[i] <= 'Z') && !(text.data[i] >= '0' && text.data[i] <= '9') &&
                    text.data[i] != '_')
                        return false;
        return text.size >= least && text.size <= most;
}

/* ADT, ADT^A01 or ADT^A01^ADT_A01. A sender can write anything there, a name too. */
static bool is_trigger(Bytes text) {
        static const size_t most[] = { 3, 3, 7 };

        for (size_t i = 0; i < ELEMENTSOF(most); i++) {
                const uint8_t *end = text.size > 0 ? memchr(text.data, '^', text.size) : NULL;
                size_t size = end ? (size_t)(end - text.data) : text.size;

                if (!is_code(bytes_of(text.data, size), 3, most[i]))
                        return false;
                if (!end)
                        return true;
                text = bytes_of(end + 1, text.size - size - 1);
        }
        return false;
}

/* A list is looked at over shoulders and pasted into tickets: what is content, or may be, only `show` gives. */
static bool is_for_list(const WireField *field) {
        switch (field->number) {
        case ITEM_MESSAGE_ID:
        case ITEM_ORIGINAL:
        case ITEM_EVENTS:
        case ITEM_COUNT:
        case ITEM_MATCHING:
                return false;
        case ITEM_TRIGGER:
                return field->wire_type == WIRE_BYTES && is_trigger(field->bytes);
        default:
                return true;
        }
}

static void put_list_item(Query *query, Bytes packed, Buffer *items) {
        Buffer *item = &query->scratch;
        const QuarantineGroup *group;
        char key[KEY_SIZE];
        WireField field;

        buffer_clear(item);
        for (size_t offset = 0, start = 0; wire_field_next(packed, &offset, &field) == 0; start = offset)
                if (is_for_list(&field))
                        buffer_append(item, packed.data + start, offset - start);
        group_key(packed, key);
        group = group_find(&query->groups, key);
        wire_number(item, ITEM_COUNT, group ? group->count : 1);
        if (item->error < 0)
                items->error = item->error;
        wire_bytes(items, LIST_ITEMS, buffer_bytes(item));
}

int query_quarantine_list(Query *query, const Carebus__V1__Request *request, Buffer *out) {
        const Carebus__V1__QuarantineListRequest *list = request->quarantine_list;
        const size_t limit = list->limit ? MIN(list->limit, (uint32_t)QUERY_PAGE_ITEMS_MAX) : QUERY_PAGE_ITEMS;
        _cleanup_(buffer_deinit) Buffer items = BUFFER_NULL;
        Gather open, resolved = { 0 };
        size_t i = 0, j = 0, n = 0;
        uint64_t last = 0;
        int r;

        if (list->source && config_find_source(query->config, list->source) < 0)
                return query_refuse(query, "unknown-source",
                                    "the configuration has no source of this name: `carebusctl status` lists them");
        r = groups_make(query);
        if (r == 0)
                r = gather_table(query, STATE_QUARANTINE, list, limit + 1, &open);
        if (r == 0 && list->all)
                r = gather_table(query, STATE_RESOLVED, list, limit + 1, &resolved);
        if (r < 0)
                return r;
        for (; n < limit && items.size < QUERY_PAGE_BYTES && (i < open.n_items || j < resolved.n_items); n++) {
                const bool from_open = j == resolved.n_items ||
                                       (i < open.n_items && open.items[i].seq < resolved.items[j].seq);
                const ListItem *item = from_open ? &open.items[i++] : &resolved.items[j++];

                put_list_item(query, item->packed, &items);
                last = item->seq;
        }
        if (i < open.n_items || j < resolved.n_items)
                wire_number(&items, LIST_NEXT_AFTER_SEQ, last);
        wire_bytes(out, REPLY_QUARANTINE_LIST, buffer_bytes(&items));
        return items.error;
}

/* ---- show ------------------------------------------------------------------------------------------------------------------- */

static int know_dictionary(Query *query, uint64_t seq) {
        StateKey key = state_key_seq(seq);
        Bytes dictionary;
        int r;

        r = state_get(view_txn(query->view), STATE_DICTIONARY, state_key_all(&key), &dictionary);
        if (r == STATE_E_NOT_FOUND)
                return -EBADMSG;
        return r == 0 ? original_codec_add_dictionary(query->codec, seq, dictionary) : error_fold(r);
}

/* The bytes as they came, in the arena. */
static int read_original(Query *query, const Carebus__V1__Original *original, ProtobufCBinaryData *ret) {
        const Bytes stored = bytes_of(original->data.data, original->data.len);
        _cleanup_(buffer_deinit) Buffer plain = BUFFER_NULL;
        int r;

        if (!original->compressed) {
                *ret = original->data;
                return 0;
        }
        r = original_decompress(query->codec, stored, original->size, original->dictionary, &plain);
        if (r == -ENOENT) {
                r = know_dictionary(query, original->dictionary);
                if (r == 0)
                        r = original_decompress(query->codec, stored, original->size, original->dictionary, &plain);
        }
        if (r < 0)
                return r;
        ret->data = (uint8_t *)arena_text(query->arena, plain.data, plain.size);
        ret->len = plain.size;
        return ret->data ? 0 : -ENOMEM;
}

/* Whoever sees the bytes as they came sees all of them: of everybody whom the bus knows to be spoken of, or of whom it knows nothing. */
static int say_that_it_is_shown(Query *query, uint64_t seq, const Carebus__V1__QuarantineItem *item) {
        Carebus__V1__Outcome *outcome;
        uint8_t digest[SHA256_SIZE];
        AuditItem said = { .place = { .seq = seq }, .digest = item->has_original ? digest : NULL, .rule = -1 };
        const char *last = NULL;
        int r = outcome_read(view_txn(query->view), seq, query->arena, &outcome);

        if (r < 0)
                return r;
        sha256(item->original.data, item->has_original ? item->original.len : 0, digest);
        query_say_begin(query, -1, CAREBUS__V1__AUDIT_WAY__AUDIT_WAY_QUARANTINE);
        for (size_t i = 0; r == 0 && i < outcome->n_patient_ids; i++) {
                if (!outcome->patient_ids[i][0] || text_equal(outcome->patient_ids[i], last))
                        continue;
                last = outcome->patient_ids[i];
                said.patient_id = bytes_of_text(last);
                audit_say_item(query->say, &said);
        }
        if (!last)
                audit_say_item(query->say, &said);
        return query_say_end(query);
}

int query_quarantine_show(Query *query, const Carebus__V1__Request *request, Buffer *out) {
        const uint64_t seq = request->quarantine_show->seq;
        Carebus__V1__QuarantineItem *item;
        Carebus__V1__Entry *entry;
        ViewOutcome outcome;
        JournalRecord record;
        int r;

        r = quarantine_read(view_txn(query->view), seq, query->arena, &item);
        if (r == RECORD_E_NOT_FOUND)
                return query_refuse(query, "not-found",
                                    "nothing of this number is or was in the quarantine: see quarantine list --all");
        if (r == 0)
                r = view_outcome(query->view, seq, &outcome);
        if (r == 0)
                r = query_entry(query, seq, &outcome.place, &entry, &record);
        if (r == JOURNAL_E_EXPIRED)
                return query_refuse(query, "expired",
                                    "the original was removed by rule; its hash stands in the journal");
        if (r != 0)
                return r < 0 ? r : -EBADMSG;
        if (entry->kind_case == CAREBUS__V1__ENTRY__KIND_SUBMISSION && entry->submission->original &&
            !entry->submission->original->has_gone) {
                item->has_original = true;
                r = read_original(query, entry->submission->original, &item->original);
                if (r < 0)
                        return r;
        }
        item->n_matching = 0; /* for the fold alone */
        r = say_that_it_is_shown(query, seq, item);
        return r != 0 ? r : query_put(out, REPLY_QUARANTINE_ITEM, &item->base);
}
