/*
 * A replica of a team's records: what came is handed out in order, and with each handing out the digests follow. What the program holds
 * already is passed over; whoever a snapshot did not name is handed out as gone when it ends.
 */
#include "sdk/records.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/text.h"
#include "proto/validate.h"

#define CREDIT_DEFAULT 256
#define CREDIT_MAX 65536
#define WRITE_EVERY (5 * USEC_PER_SEC)
#define ARENA_MAX (64U << 20)

static int64_t now(void) {
        return clock_monotonic(&clock_system);
}

/* ---- the file ------------------------------------------------------------------------------------------------------------ */

static bool is_worth_writing(const carebus_records *records) {
        return records->path && !records->in_snapshot && records->acked.seq > 0 &&
               place_compare(records->acked, records->handed) == 0;
}

static int write_held(carebus_records *records) {
        const HeldPlace place = { .seq = records->acked.seq,
                                  .index = records->acked.index,
                                  .lineage = records->lineage };

        records->written_at = now();
        return held_write(records->path, records->owner, &records->held, place);
}

/* A file that is not there, or not whole, is as none: all comes again. */
static int read_held(carebus_records *records) {
        HeldPlace place = { .seq = 0 };
        int r = held_read(records->path, records->owner, &records->held, &place);

        if (r == -ENOENT || r == -EBADMSG)
                return 0;
        if (r < 0)
                return r;
        records->queued = records->handed = records->acked = (Place){ .seq = place.seq, .index = place.index };
        records->lineage = place.lineage;
        records->has_place = place.seq > 0;
        return 0;
}

static int take_held(carebus_records *records, const carebus_records_options *options) {
        carebus_held held;
        int r;

        for (;;) {
                uint8_t digest[DIGEST_SUM_SIZE];

                held = (carebus_held){ .patient_id = NULL };
                r = options->next_held(options->owner, &held);
                if (r <= 0)
                        return r;
                if (!held.patient_id || (!held.record && !held.digest))
                        return -EINVAL;
                if (held.record)
                        digest_of_record(bytes_of(held.record, held.record_size), digest);
                else
                        memcpy(digest, held.digest, sizeof(digest));
                r = held_set(&records->held, held.patient_id, digest, held.seq);
                if (r < 0)
                        return r;
        }
}

/* ---- begin and end --------------------------------------------------------------------------------------------------------- */

carebus_records *carebus_records_free(carebus_records *records) {
        if (!records)
                return NULL;
        if (is_worth_writing(records))
                (void)write_held(records); /* what is not written is delivered again */
        connection_free(records->feed);
        records_clear(records);
        free(records->current);
        held_deinit(&records->held);
        arena_free(records->arena);
        free(records->team);
        free(records->consumer);
        free(records->reason);
        free(records->path);
        free(records->owner);
        free(records);
        return NULL;
}

DEFINE_CLEANUP(carebus_records *, carebus_records_free)

static int options_copy(carebus_records *records, const carebus_records_options *options) {
        if (!options->team || !options->consumer || !name_is_valid(options->team) ||
            !name_is_valid(options->consumer) || options->credit > CREDIT_MAX ||
            (options->digests_path && options->next_held))
                return -EINVAL;
        records->team = strdup(options->team);
        records->consumer = strdup(options->consumer);
        if (!records->team || !records->consumer ||
            text_format(&records->owner, "%s/%s", options->team, options->consumer) < 0)
                return -ENOMEM;
        if (options->digests_path) {
                records->path = strdup(options->digests_path);
                if (!records->path)
                        return -ENOMEM;
        }
        records->credit = options->credit > 0 ? options->credit : CREDIT_DEFAULT;
        return 0;
}

int carebus_records_new(carebus_records **ret, const carebus_records_options *options) {
        _cleanup_(carebus_records_freep) carebus_records *records = calloc(1, sizeof(*records));
        int r;

        if (!records)
                return -ENOMEM;
        r = options_copy(records, options);
        if (r == 0 && records->path)
                r = read_held(records);
        if (r == 0 && options->next_held)
                r = take_held(records, options);
        if (r == 0)
                r = arena_new(&records->arena, ARENA_MAX);
        if (r == 0)
                r = records_connect(records, &options->feed);
        if (r < 0)
                return r;
        records->resumes = options->next_held && records->held.n_persons > 0;
        *ret = TAKE_PTR(records);
        return 0;
}

/* ---- handing out -------------------------------------------------------------------------------------------------------------- */

static carebus_record shown(const carebus_records *records, carebus_record_kind kind) {
        return (carebus_record){ .kind = kind, .seq = records->handed.seq, .index = records->handed.index };
}

/* 1: *ret is to be handed out; 0: the program has it already. */
static int hand_record(carebus_records *records, const Item *item, carebus_record *ret) {
        HeldPerson *person = held_find(&records->held, item->patient_id);
        bool same = person && memcmp(person->digest, item->digest, sizeof(item->digest)) == 0;
        int r = held_set(&records->held, item->patient_id, item->digest, item->place.seq);

        if (r < 0)
                return r;
        if (same)
                return 0;
        *ret = shown(records, CAREBUS_RECORD);
        ret->patient_id = item->patient_id;
        ret->record = item->data;
        ret->record_size = item->size;
        return 1;
}

static int hand_gone(carebus_records *records, const Item *item, carebus_record *ret) {
        HeldPerson *person = held_find(&records->held, item->patient_id);

        /* What is corrected was handed out once: it is told whoever is held. */
        if (!person && !item->corrects)
                return 0;
        if (person)
                held_remove(&records->held, person);
        *ret = shown(records, CAREBUS_RECORD_GONE);
        ret->patient_id = item->patient_id;
        ret->not_kept_up_from = item->not_kept_up_from;
        ret->gone = item->data;
        ret->gone_size = item->size;
        ret->reason = item->merged ? "merged" : "withdrawn";
        ret->answered_by = item->answered_by[0] ? item->answered_by : NULL;
        return 1;
}

static int hand_snapshot(carebus_records *records, const Item *item, carebus_record *ret) {
        held_begin_snapshot(&records->held, item->forget);
        records->in_snapshot = true;
        records->sweep_at = 0;
        if (records->held.n_persons > 0)
                return 0;
        *ret = shown(records, CAREBUS_RECORDS_AFRESH);
        return 1;
}

static int hand_point(carebus_records *records, const Item *item, carebus_record *ret) {
        records->in_snapshot = false;
        records->point = item->place;
        records->point_sum = records->held.sum;
        *ret = shown(records, CAREBUS_AGREEMENT);
        ret->persons = item->persons;
        ret->equal = memcmp(item->digest, records->held.sum.bytes, sizeof(item->digest)) == 0 &&
                     item->persons == records->held.n_persons;
        return 1;
}

/* Somebody whom the snapshot that ends now did not name. */
static bool sweep(carebus_records *records, carebus_record *ret) {
        HeldPerson *person = held_unnamed(&records->held, &records->sweep_at);

        if (!person)
                return false;
        held_id(person, records->text);
        held_remove(&records->held, person);
        *ret = shown(records, CAREBUS_RECORD_GONE);
        ret->patient_id = records->text;
        ret->reason = "withdrawn";
        return true;
}

static int hand_out(carebus_records *records, carebus_record *ret) {
        static int (*const hand[])(carebus_records * records, const Item *item, carebus_record *ret) = {
                [ITEM_RECORD] = hand_record,
                [ITEM_GONE] = hand_gone,
                [ITEM_SNAPSHOT] = hand_snapshot,
                [ITEM_POINT] = hand_point,
        };
        int r = 0;

        while (r == 0 && records->first) {
                if (records->first->kind == ITEM_POINT && records->in_snapshot && sweep(records, ret))
                        return 1;
                free(records->current);
                records->current = records_pop(records);
                records->handed = records->current->place;
                r = hand[records->current->kind](records, records->current, ret);
        }
        return r;
}

static int wait_for_more(carebus_records *records, int64_t until) {
        struct pollfd item = { .fd = connection_fd(records->feed), .events = POLLIN };
        int connection = connection_timeout(records->feed);
        /* A second at most: the checks of dispatch go by the clock. */
        int timeout = connection < 0 ? 1000 : MIN(connection, 1000);
        int64_t left = until == INT64_MAX ? INT_MAX : MAX((until - now() + 999) / USEC_PER_MSEC, (int64_t)0);

        return poll(&item, 1, (int)MIN((int64_t)timeout, left)) < 0 && errno != EINTR ? -errno : 0;
}

int carebus_records_next(carebus_records *records, carebus_record *ret, int timeout_ms) {
        int64_t until = timeout_ms < 0 ? INT64_MAX : now() + timeout_ms * USEC_PER_MSEC;

        for (;;) {
                /* Answers of the bus's questions must not wait until the queue is empty. */
                int r = records_dispatch(records);

                if (r == 0)
                        r = hand_out(records, ret);
                records_grant_credit(records);
                if (r != 0)
                        return r;
                if (records->refused) {
                        /* Said once; whoever calls again waits for another answer. */
                        records->refused = false;
                        return -EACCES;
                }
                if (timeout_ms >= 0 && now() >= until)
                        return 0;
                r = wait_for_more(records, until);
                if (r < 0)
                        return r;
        }
}

int carebus_records_ack(carebus_records *records, uint64_t seq, uint32_t index) {
        const Place place = { .seq = seq, .index = index };

        if (place_compare(place, records->handed) > 0)
                /* Of before the bus had to begin further back: it comes again. */
                return place_compare(place, records->handed_before) > 0 ? -EINVAL : 0;
        if (place_compare(place, records->acked) != 0 || place_compare(place, records->point) == 0) {
                records->acked = place;
                records->ack_waits = seq > 0;
        }
        records_send_ack(records);
        if (is_worth_writing(records) && now() - records->written_at >= WRITE_EVERY)
                return write_held(records);
        return 0;
}

int carebus_records_again(carebus_records *records) {
        records->again = true;
        if (records->state == FEED_OPEN)
                records_open(records);
        return 0;
}

const char *carebus_records_reason(const carebus_records *records) {
        return records->reason;
}

int carebus_records_is_open(const carebus_records *records) {
        return records->state == FEED_OPEN;
}

int carebus_records_fd(const carebus_records *records) {
        return connection_fd(records->feed);
}
