/*
 * Tail: entry by entry. Without a team every entry has at least one item, so that the numbers have no gaps; with a team
 * only what that team sees, by the same function as its feed.
 */
#include <errno.h>

#include "base/error.h"
#include "daemon/serve/disclose.h"
#include "daemon/serve/query-parts.h"
#include "proto/wire.h"
#include "proto/check.h"

/* Fields of Reply, TailReply, TailItem. */
enum {
        REPLY_TAIL = 20,
        TAIL_ITEMS = 1,
        TAIL_NEXT_SEQ = 2,
        TAIL_HEAD_SEQ = 3,
        ITEM_SEQ = 1,
        ITEM_INDEX = 2,
        ITEM_TYPE = 3,
        ITEM_SOURCE = 4,
        ITEM_MESSAGE_ID = 5,
        ITEM_RECEIVED_AT = 6,
        ITEM_DUPLICATE_OF = 7,
        ITEM_REASON = 8,
        ITEM_EVENT = 10,
        ENTRY_SUBMISSION = 1,
        SUBMISSION_MESSAGE_ID = 3,
        EVENT_TYPE = 2,
        EVENT_SOURCE = 7,
        EVENT_SOURCE_MESSAGE_ID = 8,
};

static Bytes event_field(Bytes packed, unsigned number) {
        WireField field;

        for (size_t offset = 0; wire_field_next(packed, &offset, &field) == 0;)
                if (field.number == number && field.wire_type == WIRE_BYTES)
                        return field.bytes;
        return BYTES_NULL;
}

/* It waits, and has its number. */
static void put_held_item(Query *query, const PublishedEntry *entry, size_t index, Buffer *items) {
        Buffer *item = &query->scratch;

        buffer_clear(item);
        wire_number(item, ITEM_SEQ, entry->seq);
        wire_number(item, ITEM_INDEX, index);
        wire_text(item, ITEM_TYPE, "bus.held");
        wire_bytes(item, ITEM_SOURCE, entry->source);
        wire_number(item, ITEM_RECEIVED_AT, (uint64_t)entry->received_at);
        if (item->error < 0)
                items->error = item->error;
        wire_bytes(items, TAIL_ITEMS, buffer_bytes(item));
}

/* A team is told no more of an event than it would be given of it. */
static void put_event_item(Query *query, const PublishedEntry *entry, size_t index, const PublishedBytes *given,
                           Buffer *items) {
        const Bytes packed = bytes_of(given->data, given->size);
        const Bytes id = event_field(packed, EVENT_SOURCE_MESSAGE_ID), source = event_field(packed, EVENT_SOURCE);
        Buffer *item = &query->scratch;

        buffer_clear(item);
        wire_number(item, ITEM_SEQ, entry->seq);
        wire_number(item, ITEM_INDEX, index);
        wire_bytes(item, ITEM_TYPE, event_field(packed, EVENT_TYPE));
        if (source.size)
                wire_bytes(item, ITEM_SOURCE, source);
        if (id.size)
                wire_bytes(item, ITEM_MESSAGE_ID, id);
        wire_number(item, ITEM_RECEIVED_AT, (uint64_t)entry->received_at);
        wire_bytes(item, ITEM_EVENT, packed);
        if (item->error < 0)
                items->error = item->error;
        wire_bytes(items, TAIL_ITEMS, buffer_bytes(item));
}

#define SEARCHED 65536 /* outcomes, in a search for the next entry that may speak to the team */

/* What an entry is that published nothing. */
static const char *item_type(const ViewOutcome *outcome) {
        if (!bytes_equal_text(outcome->kind, "submission")) {
                static const struct {
                        const char *kind, *type;
                } types[] = {
                        { "tick", "bus.tick" },
                        { "settings", "bus.settings" },
                        { "decision", "bus.decision" },
                        { "dictionary", "bus.dictionary" },
                };
                for (size_t i = 0; i < ELEMENTSOF(types); i++)
                        if (bytes_equal_text(outcome->kind, types[i].kind))
                                return types[i].type;
        }
        return outcome->duplicate_of ? "bus.duplicate" : "bus.quarantined";
}

/* The message id of a submission, straight from the journal; empty for other entries. */
static int message_id(Query *query, const ViewOutcome *outcome, Bytes *ret) {
        JournalRecord record;
        WireField field;
        size_t offset = 0;
        int r;

        *ret = BYTES_NULL;
        r = view_record(query->view, outcome->seq, &outcome->place, &record);
        if (r == JOURNAL_E_EXPIRED)
                return 0;
        if (r != 0)
                return error_fold(r);
        while (wire_field_next(record.payload, &offset, &field) == 0)
                if (field.number == ENTRY_SUBMISSION && field.wire_type == WIRE_BYTES) {
                        Bytes submission = field.bytes;
                        for (size_t inner = 0; wire_field_next(submission, &inner, &field) == 0;)
                                if (field.number == SUBMISSION_MESSAGE_ID && field.wire_type == WIRE_BYTES)
                                        *ret = field.bytes;
                        return 0;
                }
        return 0;
}

static int put_entry_item(Query *query, const ViewOutcome *outcome, Buffer *items) {
        Buffer *item = &query->scratch;
        Bytes id;
        int r = message_id(query, outcome, &id);

        if (r < 0)
                return r;
        buffer_clear(item);
        wire_number(item, ITEM_SEQ, outcome->seq);
        wire_number(item, ITEM_INDEX, 0);
        wire_text(item, ITEM_TYPE, item_type(outcome));
        if (outcome->source.size)
                wire_bytes(item, ITEM_SOURCE, outcome->source);
        if (id.size)
                wire_bytes(item, ITEM_MESSAGE_ID, id);
        wire_number(item, ITEM_RECEIVED_AT, (uint64_t)outcome->received_at);
        if (outcome->duplicate_of)
                wire_number(item, ITEM_DUPLICATE_OF, outcome->duplicate_of);
        if (outcome->quarantined.size || outcome->refused.size)
                wire_bytes(item, ITEM_REASON, outcome->quarantined.size ? outcome->quarantined : outcome->refused);
        if (item->error < 0)
                return item->error;
        wire_bytes(items, TAIL_ITEMS, buffer_bytes(item));
        return items->error;
}

/* Without a team all of it; with one what it would be given now, or nothing. */
static int put_event(Query *query, PublishedEntry *entry, size_t index, ssize_t team, Buffer *items) {
        const Place place = { .seq = entry->seq, .index = (uint32_t)index };
        PublishedEvent *event = &entry->events[index];
        PublishedBytes *given = &event->bytes;
        SightAnswer answer = { .gives = SIGHT_WHOLE, .verdict = { .rule = -1 } };
        int r = 0;

        if (team < 0 && event->bytes.size == 0) {
                put_held_item(query, entry, index, items);
                return items->error;
        }
        if (team >= 0)
                r = sight_of(query->sight, entry, index, (size_t)team, &answer);
        if (r == 0 && answer.gives == SIGHT_NOTHING)
                return 0;
        if (r == 0 && team >= 0)
                r = sight_bytes(query->sight, entry, index, (size_t)team, &answer, &given);
        if (r < 0)
                return r;
        disclose_event(query->say, query->sight, event, place, given, &answer);
        put_event_item(query, entry, index, given, items);
        return items->error;
}

static int put_entry(Query *query, uint64_t seq, ssize_t team, Buffer *items) {
        _cleanup_(published_entry_freep) PublishedEntry *entry = NULL;
        ViewOutcome outcome;
        int r;

        r = publisher_entry(query->publisher, query->view, seq, &entry);
        if (r != 0)
                return r < 0 ? r : -EBADMSG;
        if (entry->n_events == 0) {
                if (team >= 0)
                        return 0;
                r = view_outcome(query->view, seq, &outcome);
                return r == 0 ? put_entry_item(query, &outcome, items) : r < 0 ? r : -EBADMSG;
        }
        for (size_t i = 0; r == 0 && i < entry->n_events; i++)
                r = put_event(query, entry, i, team, items);
        return r;
}

static int put_entries(Query *query, const Carebus__V1__TailRequest *tail, ssize_t team, uint64_t *next,
                       Buffer *items) {
        const uint32_t limit = tail->limit ? MIN(tail->limit, (uint32_t)QUERY_PAGE_ITEMS_MAX) : QUERY_PAGE_ITEMS;
        const uint64_t head = view_head(query->view);
        int r = 0;

        for (uint32_t n = 0; r == 0 && n < limit && *next <= head && items->size < QUERY_PAGE_BYTES; n++) {
                if (team >= 0) /* over what cannot have anything for the team */
                        r = place_next_seq(view_txn(query->view), query->sharing, (size_t)team, *next, head, SEARCHED,
                                           next);
                if (r == 0 && *next <= head)
                        r = put_entry(query, (*next)++, team, items);
        }
        return r;
}

int query_tail(Query *query, const Carebus__V1__Request *request, Buffer *out) {
        _cleanup_(buffer_deinit) Buffer items = BUFFER_NULL;
        uint64_t next = MAX(request->tail->from_seq, UINT64_C(1));
        ssize_t team;
        int r;

        r = query_team(query, request->tail->team, &team);
        if (r != 0)
                return r;
        query_say_begin(query, team, CAREBUS__V1__AUDIT_WAY__AUDIT_WAY_QUERY);
        r = put_entries(query, request->tail, team, &next, &items);
        if (r == 0)
                r = query_say_end(query);
        if (r != 0)
                return r;
        wire_number(&items, TAIL_NEXT_SEQ, next);
        wire_number(&items, TAIL_HEAD_SEQ, view_head(query->view));
        wire_bytes(out, REPLY_TAIL, buffer_bytes(&items));
        return items.error;
}
