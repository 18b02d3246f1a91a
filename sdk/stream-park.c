/*
 * What cannot be delivered: a reader that brings events on to somebody else says so, and hears what becomes of it.
 */
#include <errno.h>
#include <limits.h>

#include "base/text.h"
#include "proto/validate.h"
#include "sdk/stream.h"

#define OVERTAKEN_MAX 64

int stream_send(carebus_stream *stream, const Carebus__V1__FromReader *from) {
        uint8_t *room;

        buffer_clear(&stream->scratch);
        room = buffer_reserve(&stream->scratch, carebus__v1__from_reader__get_packed_size(from));
        if (!room)
                return -ENOMEM;
        buffer_advance(&stream->scratch, carebus__v1__from_reader__pack(from, room));
        return connection_send(stream->feed, buffer_bytes(&stream->scratch));
}

/* protobuf-c's structures hold plain pointers; nothing of what they point to is written. */
static char *lend(const char *text) {
        return (char *)(uintptr_t)text;
}

int carebus_stream_park(carebus_stream *stream, const carebus_parked *parked, uint32_t *ret_id) {
        Carebus__V1__Parked what = CAREBUS__V1__PARKED__INIT;
        Carebus__V1__Park park = CAREBUS__V1__PARK__INIT;
        Carebus__V1__FromReader from = CAREBUS__V1__FROM_READER__INIT;
        int r;

        if (parked->seq == 0 || !parked->code || parked->n_overtaken > OVERTAKEN_MAX)
                return -EINVAL;
        if (stream->feed_state != FEED_OPEN)
                return -EAGAIN;
        what.patient_id = parked->patient_id && parked->patient_id[0] ? lend(parked->patient_id) : NULL;
        what.has_from_seq = what.has_from_index = what.has_tries = true;
        what.from_seq = parked->seq;
        what.from_index = parked->index;
        what.code = lend(parked->code);
        what.answer = lend(parked->answer);
        what.tries = parked->tries;
        what.overtaken = (char **)(uintptr_t)parked->overtaken;
        what.n_overtaken = parked->n_overtaken;
        park.parked = &what;
        park.has_id = true;
        park.id = stream->park_id + 1;
        from.message_case = CAREBUS__V1__FROM_READER__MESSAGE_PARK;
        from.park = &park;
        r = stream_send(stream, &from);
        if (r == 0)
                *ret_id = ++stream->park_id;
        return r;
}

int carebus_stream_resumed(carebus_stream *stream, const char *patient_id, uint64_t item) {
        Carebus__V1__Resumed resumed = CAREBUS__V1__RESUMED__INIT;
        Carebus__V1__FromReader from = CAREBUS__V1__FROM_READER__INIT;

        if (item == 0)
                return -EINVAL;
        if (stream->feed_state != FEED_OPEN)
                return -EAGAIN;
        resumed.patient_id = patient_id && patient_id[0] ? lend(patient_id) : NULL;
        resumed.has_seq = true;
        resumed.seq = item;
        from.message_case = CAREBUS__V1__FROM_READER__MESSAGE_RESUMED;
        from.resumed = &resumed;
        return stream_send(stream, &from);
}

int stream_take_parking(carebus_stream *stream, const Carebus__V1__ToReader *to, Bytes payload) {
        static const struct {
                Carebus__V1__ToReader__MessageCase message;
                carebus_delivery_kind kind;
        } kinds[] = {
                { CAREBUS__V1__TO_READER__MESSAGE_OPENED, CAREBUS_DELIVERY_OPENED },
                { CAREBUS__V1__TO_READER__MESSAGE_PARKED, CAREBUS_DELIVERY_PARKED },
                { CAREBUS__V1__TO_READER__MESSAGE_REDELIVERED, CAREBUS_DELIVERY_REDELIVERED },
        };

        for (size_t i = 0; stream->handed && i < ELEMENTSOF(kinds); i++) {
                Item *item;

                if (kinds[i].message != to->message_case)
                        continue;
                item = stream_item_of(kinds[i].kind, payload);
                if (!item)
                        return -ENOMEM;
                stream_push(&stream->ready, item);
        }
        return 0;
}

static int hand_out_opened(carebus_stream *stream, const Carebus__V1__Opened *opened, carebus_delivery *ret) {
        carebus_parked *all = arena_alloc(stream->handed, (opened->n_parked + 1) * sizeof(*all));

        if (!all)
                return -ENOMEM;
        for (size_t i = 0; i < opened->n_parked; i++) {
                const Carebus__V1__Parked *parked = opened->parked[i];

                all[i] = (carebus_parked){
                        .patient_id = parked->patient_id,
                        .seq = parked->from_seq,
                        .index = parked->from_index,
                        .code = parked->code,
                        .answer = parked->answer,
                        .tries = parked->tries,
                        .overtaken = (const char *const *)parked->overtaken,
                        .n_overtaken = parked->n_overtaken,
                        .item = parked->item,
                };
        }
        ret->seq = opened->place ? opened->place->seq : 0;
        ret->index = opened->place ? opened->place->index : 0;
        ret->bus = opened->bus;
        ret->parked = all;
        ret->n_parked = opened->n_parked;
        return 0;
}

int stream_hand_out_parking(carebus_stream *stream, const Item *item, carebus_delivery *ret) {
        static const ValidateLimits limits = { .max_frame = 64u << 20, .max_original = 64u << 20 };
        const Carebus__V1__ToReader *to;
        int r;

        *ret = (carebus_delivery){ .kind = item->kind };
        arena_reset(stream->handed);
        r = validate_to_reader(bytes_of(item->data, item->size), &limits, stream->handed, &to, NULL);
        if (r != 0)
                return r < 0 ? r : -EBADMSG;
        if (to->message_case == CAREBUS__V1__TO_READER__MESSAGE_OPENED)
                return hand_out_opened(stream, to->opened, ret);
        if (to->message_case == CAREBUS__V1__TO_READER__MESSAGE_PARKED) {
                ret->park_id = to->parked->id;
                ret->reason = to->parked->error;
                ret->item = to->parked->seq;
        } else {
                ret->patient_id = to->redelivered->patient_id;
                ret->item = to->redelivered->seq;
                ret->discarded = to->redelivered->discarded;
        }
        return 0;
}
