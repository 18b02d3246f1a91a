/*
 * A feed of records as its reader speaks it: Open, Credit, Ack, answers to Compare; what comes goes into the queue as it came. What is
 * held is changed by handing out alone, so that digests and places always belong together.
 */
#include "sdk/records.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/text.h"
#include "proto/validate.h"

#define OPENING_TIMEOUT (5 * USEC_PER_SEC)
#define COMPARED_PERSONS 128

static int64_t now(void) {
        return clock_monotonic(&clock_system);
}

/* ---- the queue ------------------------------------------------------------------------------------------------------- */

static Item *item_new(ItemKind kind, Place place, Bytes data) {
        Item *item = calloc(1, sizeof(*item) + data.size);

        if (!item)
                return NULL;
        item->kind = kind;
        item->place = place;
        item->size = data.size;
        if (data.size > 0)
                memcpy(item->data, data.data, data.size);
        return item;
}

static void push(carebus_records *records, Item *item) {
        if (records->last)
                records->last->next = item;
        else
                records->first = item;
        records->last = item;
        records->n_items++;
}

Item *records_pop(carebus_records *records) {
        Item *item = records->first;

        if (!item)
                return NULL;
        records->first = item->next;
        if (!records->first)
                records->last = NULL;
        records->n_items--;
        return item;
}

void records_clear(carebus_records *records) {
        for (Item *item = records_pop(records); item; item = records_pop(records))
                free(item);
}

/* ---- to the bus ---------------------------------------------------------------------------------------------------------- */

static int send_message(carebus_records *records, const Carebus__V1__FromReader *from) {
        _cleanup_(buffer_deinit) Buffer packed = BUFFER_NULL;
        size_t size = carebus__v1__from_reader__get_packed_size(from);
        uint8_t *room = buffer_reserve(&packed, size);

        if (!room)
                return -ENOMEM;
        carebus__v1__from_reader__pack(from, room);
        return connection_send(records->feed, bytes_of(room, size));
}

/* On from what came last; at first from what the file says, or the bus's own cursor; else all. */
static Carebus__V1__Open__From open_from(const carebus_records *records) {
        if (records->again)
                return CAREBUS__V1__OPEN__FROM__FROM_SNAPSHOT;
        if (records->has_place)
                return CAREBUS__V1__OPEN__FROM__FROM_PLACE;
        return records->resumes ? CAREBUS__V1__OPEN__FROM__FROM_RESUME : CAREBUS__V1__OPEN__FROM__FROM_SNAPSHOT;
}

void records_open(carebus_records *records) {
        Carebus__V1__StreamPlace after = CAREBUS__V1__STREAM_PLACE__INIT;
        Carebus__V1__Open open = CAREBUS__V1__OPEN__INIT;
        Carebus__V1__FromReader from = CAREBUS__V1__FROM_READER__INIT;

        records->credit_out = records->n_items < records->credit ? records->credit - (uint32_t)records->n_items : 0;
        after.has_seq = after.has_index = after.has_lineage = true;
        after.seq = records->queued.seq;
        after.index = records->queued.index;
        after.lineage = records->lineage;
        open.has_protocol = open.has_what = open.has_from = open.has_credit = true;
        open.protocol = PROTOCOL_VERSION;
        open.team = records->team;
        open.consumer = records->consumer;
        open.what = CAREBUS__V1__OPEN__WHAT__WHAT_RECORDS;
        open.from = open_from(records);
        if (open.from == CAREBUS__V1__OPEN__FROM__FROM_PLACE)
                open.after = &after;
        open.credit = records->credit_out;
        from.message_case = CAREBUS__V1__FROM_READER__MESSAGE_OPEN;
        from.open = &open;
        records->state = FEED_OPENING;
        records->opening_at = now();
        if (send_message(records, &from) < 0)
                connection_restart(records->feed, 0);
}

void records_grant_credit(carebus_records *records) {
        Carebus__V1__Credit credit = CAREBUS__V1__CREDIT__INIT;
        Carebus__V1__FromReader from = CAREBUS__V1__FROM_READER__INIT;
        size_t held = records->credit_out + records->n_items;

        if (records->state != FEED_OPEN || held > records->credit / 2)
                return;
        credit.has_more = true;
        credit.more = records->credit - (uint32_t)held;
        from.message_case = CAREBUS__V1__FROM_READER__MESSAGE_CREDIT;
        from.credit = &credit;
        if (send_message(records, &from) == 0)
                records->credit_out += credit.more;
}

/* At a point of agreement the sum goes with it. */
void records_send_ack(carebus_records *records) {
        Carebus__V1__Ack ack = CAREBUS__V1__ACK__INIT;
        Carebus__V1__FromReader from = CAREBUS__V1__FROM_READER__INIT;

        if (!records->ack_waits || records->state != FEED_OPEN)
                return;
        ack.has_seq = ack.has_index = true;
        ack.seq = records->acked.seq;
        ack.index = records->acked.index;
        if (place_compare(records->acked, records->point) == 0) {
                ack.has_digest = true;
                ack.digest = (ProtobufCBinaryData){ .len = sizeof(records->point_sum.bytes),
                                                    .data = records->point_sum.bytes };
        }
        from.message_case = CAREBUS__V1__FROM_READER__MESSAGE_ACK;
        from.ack = &ack;
        if (send_message(records, &from) == 0)
                records->ack_waits = false;
}

/* ---- whom do you hold? ------------------------------------------------------------------------------------------------------ */

static void compared_init(const carebus_records *records, uint32_t id, Carebus__V1__Compared *ret) {
        carebus__v1__compared__init(ret);
        ret->has_id = ret->has_seq = ret->has_index = true;
        ret->id = id;
        ret->seq = records->handed.seq;
        ret->index = records->handed.index;
}

static int send_compared(carebus_records *records, Carebus__V1__Compared *compared) {
        Carebus__V1__FromReader from = CAREBUS__V1__FROM_READER__INIT;

        from.message_case = CAREBUS__V1__FROM_READER__MESSAGE_COMPARED;
        from.compared = compared;
        return send_message(records, &from);
}

static int answer_sums(carebus_records *records, uint32_t id) {
        DigestSum sums[DIGEST_BUCKETS] = { 0 };
        ProtobufCBinaryData fields[DIGEST_BUCKETS];
        Carebus__V1__Compared compared;

        for (uint32_t i = 0; i < records->held.n_persons; i++)
                digest_sum_add(&sums[records->held.persons[i].bucket], records->held.persons[i].digest);
        for (unsigned i = 0; i < DIGEST_BUCKETS; i++)
                fields[i] = (ProtobufCBinaryData){ .len = sizeof(sums[i].bytes), .data = sums[i].bytes };
        compared_init(records, id, &compared);
        compared.n_sums = DIGEST_BUCKETS;
        compared.sums = fields;
        return send_compared(records, &compared);
}

/* Fills one message; *at moves on. */
static size_t take_page(carebus_records *records, unsigned bucket, uint32_t *at, Carebus__V1__PersonDigest *page) {
        size_t n = 0;

        for (; *at < records->held.n_persons && n < COMPARED_PERSONS; (*at)++) {
                HeldPerson *held = &records->held.persons[*at];
                char id[HELD_ID_SIZE];

                if (held->bucket != bucket)
                        continue;
                held_id(held, id);
                carebus__v1__person_digest__init(&page[n]);
                page[n].patient_id = arena_text(records->arena, id, strlen(id));
                page[n].has_digest = page[n].has_seq = true;
                page[n].digest = (ProtobufCBinaryData){ .len = sizeof(held->digest), .data = held->digest };
                page[n].seq = held->seq;
                if (page[n].patient_id)
                        n++;
        }
        return n;
}

static int answer_bucket(carebus_records *records, uint32_t id, unsigned bucket) {
        uint32_t at = 0;
        bool more = true;

        while (more) {
                Carebus__V1__PersonDigest page[COMPARED_PERSONS], *pages[COMPARED_PERSONS];
                Carebus__V1__Compared compared;
                int r;

                arena_reset(records->arena);
                compared_init(records, id, &compared);
                compared.has_bucket = true;
                compared.bucket = bucket;
                compared.n_persons = take_page(records, bucket, &at, page);
                for (size_t i = 0; i < compared.n_persons; i++)
                        pages[i] = &page[i];
                compared.persons = pages;
                more = at < records->held.n_persons;
                compared.has_more = compared.more = more;
                r = send_compared(records, &compared);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* Who cannot send now is asked again. */
static int on_compare(carebus_records *records, const Carebus__V1__Compare *compare) {
        const uint32_t id = compare->id;
        int r = compare->has_bucket ? answer_bucket(records, id, compare->bucket) : answer_sums(records, id);

        return r == -ENOMEM ? r : 0;
}

/* ---- what arrives ------------------------------------------------------------------------------------------------------------- */

enum {
        DELIVERY_SEQ = 1,
        DELIVERY_INDEX = 2,
        DELIVERY_PREV_SEQ = 3,
        DELIVERY_PREV_INDEX = 4,
        DELIVERY_PLACE_ONLY = 5,
        DELIVERY_RECORD = 11,
        DELIVERY_GONE = 12
};
enum { RECORD_PATIENT_ID = 1 };
enum { GONE_PATIENT_ID = 1, GONE_REASON = 2, GONE_ANSWERED_BY = 3, GONE_NOT_KEPT_UP_FROM = 4, GONE_CORRECTIONS = 6 };

typedef struct Delivered {
        Place place, prev;
        bool place_only;
        ItemKind kind;
        bool has_what;
        Bytes what;
} Delivered;

static void take_number(Delivered *delivered, const WireField *field) {
        if (field->number == DELIVERY_SEQ)
                delivered->place.seq = field->value;
        else if (field->number == DELIVERY_INDEX)
                delivered->place.index = (uint32_t)field->value;
        else if (field->number == DELIVERY_PREV_SEQ)
                delivered->prev.seq = field->value;
        else if (field->number == DELIVERY_PREV_INDEX)
                delivered->prev.index = (uint32_t)field->value;
        else if (field->number == DELIVERY_PLACE_ONLY)
                delivered->place_only = field->value != 0;
}

/* A Delivery, without unpacking the record inside: its bytes are what is digested. */
static int read_delivery(Bytes message, Delivered *ret) {
        WireField field;
        size_t offset = 0;
        int r;

        *ret = (Delivered){ .what = BYTES_NULL };
        while ((r = wire_field_next(message, &offset, &field)) == 0) {
                if (field.wire_type == 0)
                        take_number(ret, &field);
                if (field.wire_type != 2 || (field.number != DELIVERY_RECORD && field.number != DELIVERY_GONE))
                        continue;
                ret->kind = field.number == DELIVERY_RECORD ? ITEM_RECORD : ITEM_GONE;
                ret->what = field.bytes;
                ret->has_what = true;
        }
        return r == -ENODATA ? 0 : -EBADMSG;
}

static void copy_id(Bytes id, char ret[HELD_ID_SIZE]) {
        size_t size = MIN(id.size, (size_t)HELD_ID_SIZE - 1);

        memcpy(ret, id.data, size);
        ret[size] = '\0';
}

static int read_what(const Delivered *delivered, Item *item) {
        WireField field;
        size_t offset = 0;
        int r;

        while ((r = wire_field_next(delivered->what, &offset, &field)) == 0) {
                if (item->kind == ITEM_GONE && field.wire_type == 0 && field.number == GONE_NOT_KEPT_UP_FROM)
                        item->not_kept_up_from = (int64_t)field.value;
                if (field.wire_type != 2)
                        continue;
                if (field.number == RECORD_PATIENT_ID)
                        copy_id(field.bytes, item->patient_id);
                else if (item->kind == ITEM_GONE && field.number == GONE_REASON)
                        item->merged = bytes_equal_text(field.bytes, "merged");
                else if (item->kind == ITEM_GONE && field.number == GONE_ANSWERED_BY)
                        copy_id(field.bytes, item->answered_by);
                else if (item->kind == ITEM_GONE && field.number == GONE_CORRECTIONS)
                        item->corrects = true;
        }
        _Static_assert((int)RECORD_PATIENT_ID == (int)GONE_PATIENT_ID, "one reading for both");
        return r == -ENODATA && patient_id_is_valid(item->patient_id) ? 0 : -EBADMSG;
}

static int on_delivery(carebus_records *records, Bytes message) {
        Delivered delivered;
        Item *item;
        int r = read_delivery(message, &delivered);

        /* What was on the way before the last Open belongs to the place that we left. */
        if (r == 0 && (records->state != FEED_OPEN || delivered.place_only))
                return 0;
        if (r < 0 || !delivered.has_what) {
                connection_restart(records->feed, 0);
                return 0;
        }
        if (records->credit_out > 0)
                records->credit_out--;
        if (place_compare(delivered.place, records->queued) <= 0)
                return 0;
        if (place_compare(delivered.prev, records->queued) > 0) {
                records_open(records);
                return 0;
        }
        item = item_new(delivered.kind, delivered.place, delivered.what);
        if (!item)
                return -ENOMEM;
        if (read_what(&delivered, item) < 0) {
                free(item);
                connection_restart(records->feed, 0);
                return 0;
        }
        if (item->kind == ITEM_RECORD)
                digest_of_record(delivered.what, item->digest);
        records->queued = item->place;
        push(records, item);
        return 0;
}

/* The bus begins before what we have: what waits comes again, and what is acknowledged behind it would not be understood. */
static void go_back(carebus_records *records, Place place) {
        records_clear(records);
        if (place_compare(records->handed, records->handed_before) > 0)
                records->handed_before = records->handed;
        records->handed = place_compare(records->handed, place) > 0 ? place : records->handed;
        records->acked = place_compare(records->acked, place) > 0 ? place : records->acked;
        records->point = (Place){ .seq = 0 };
        records->ack_waits = false;
}

static int on_opened(carebus_records *records, const Carebus__V1__Opened *opened) {
        const Place place = { .seq = opened->place->seq, .index = opened->place->index };
        Item *item;

        records->state = FEED_OPEN;
        if (place_compare(place, records->queued) < 0)
                go_back(records, place);
        records->queued = place;
        records->lineage = opened->place->lineage;
        records->has_place = true;
        connection_settled(records->feed);
        if (place.seq == 0) {
                item = item_new(ITEM_SNAPSHOT, (Place){ .seq = 0 }, BYTES_NULL);
                if (!item)
                        return -ENOMEM;
                item->forget = records->again;
                push(records, item);
        }
        records->again = false;
        records_send_ack(records);
        return 0;
}

static int on_point(carebus_records *records, const Carebus__V1__SnapshotEnd *end) {
        const Place place = { .seq = end->seq, .index = end->index };
        Item *item;

        if (records->state != FEED_OPEN || place_compare(place, records->queued) < 0)
                return 0;
        item = item_new(ITEM_POINT, place, BYTES_NULL);
        if (!item)
                return -ENOMEM;
        item->persons = end->persons;
        memcpy(item->digest, end->digest.data, sizeof(item->digest));
        records->queued = place;
        push(records, item);
        return 0;
}

/* A place that the bus does not have any more, because an older backup was put back, somebody gave it up, or the bus was started anew. */
static int on_refused(carebus_records *records, const Carebus__V1__FeedRefused *refused) {
        const char *reason = refused->reason ? refused->reason : "refused";
        const bool lost = text_equal(reason, "beyond-end") || text_equal(reason, "other-journal") ||
                          text_equal(reason, "forgotten");

        if (lost || text_equal(reason, "not-open")) {
                if (lost)
                        records->has_place = records->resumes = false;
                connection_restart(records->feed, 0);
                return 0;
        }
        free(records->reason);
        records->reason = strdup(reason);
        records->refused = true;
        return 0;
}

static const ValidateLimits limits = { .max_frame = 64u << 20, .max_original = 64u << 20 };

static int on_message(void *owner, Bytes payload) {
        carebus_records *records = owner;
        const Carebus__V1__ToReader *to;
        WireField field;
        size_t offset = 0;
        int r;

        if (wire_field_next(payload, &offset, &field) == 0 && field.number == 2 && field.wire_type == 2)
                return on_delivery(records, field.bytes);
        arena_reset(records->arena);
        r = validate_to_reader(payload, &limits, records->arena, &to, NULL);
        if (r == VALIDATE_E_EMPTY)
                return 0; /* a later bus says more: what we do not know we need not */
        if (r != 0) {
                connection_restart(records->feed, 0);
                return 0;
        }
        switch (to->message_case) {
        case CAREBUS__V1__TO_READER__MESSAGE_OPENED:
                return on_opened(records, to->opened);
        case CAREBUS__V1__TO_READER__MESSAGE_SNAPSHOT_END:
                return on_point(records, to->snapshot_end);
        case CAREBUS__V1__TO_READER__MESSAGE_COMPARE:
                return on_compare(records, to->compare);
        case CAREBUS__V1__TO_READER__MESSAGE_REFUSED:
                return on_refused(records, to->refused);
        default:
                return 0;
        }
}

static void on_up(void *owner) {
        records_open(owner);
}

static void on_down(void *owner, int not_allowed) {
        carebus_records *records = owner;

        records->state = FEED_DOWN;
        if (not_allowed) {
                free(records->reason);
                records->reason = strdup("not-allowed");
                records->refused = true;
        }
}

int records_connect(carebus_records *records, const carebus_connection *feed) {
        static const ConnectionCallbacks callbacks = { .up = on_up, .down = on_down, .message = on_message };

        return connection_new(CONNECTION_DEALER, feed, &callbacks, records, &records->feed);
}

int records_dispatch(carebus_records *records) {
        if (records->state == FEED_OPENING && now() >= records->opening_at + OPENING_TIMEOUT)
                connection_restart(records->feed, 0);
        records_send_ack(records);
        records_grant_credit(records);
        return connection_dispatch(records->feed);
}
