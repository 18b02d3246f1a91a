#pragma once
/* A stream from inside; for the files stream*.c only. */
#include "base/arena.h"
#include "base/bytes.h"
#include "carebus/v1/feed.pb-c.h"
#include "sdk/carebus.h"
#include "sdk/connection.h"

typedef struct Place {
        uint64_t seq;
        uint32_t index;
} Place;

static inline int place_compare(Place a, Place b) {
        if (a.seq != b.seq)
                return a.seq < b.seq ? -1 : 1;
        return a.index == b.index ? 0 : a.index < b.index ? -1 : 1;
}

/* What came and was not handed out yet. One block of memory: an event, and behind it the record so far; or, of another kind, the
 * message. */
typedef struct Item Item;
struct Item {
        Item *next;
        carebus_delivery_kind kind;
        Place place, prev;
        uint32_t sent_before;
        bool came_live, redelivered;
        size_t size, so_far_size;
        uint8_t data[];
};

typedef struct Queue {
        Item *first, *last;
        size_t n;
} Queue;

typedef enum Feed { FEED_DOWN, FEED_OPENING, FEED_OPEN } Feed;

struct carebus_stream {
        Connection *feed, *live;
        int epoll;
        Arena *arena;   /* of the message that came */
        Arena *handed;  /* of what was handed out last, where it is no event; NULL: this stream parks nothing */
        Buffer scratch; /* of what is sent */
        char *team, *consumer, *reason;
        carebus_from from;
        Place after;
        Feed feed_state;
        bool has_place, in_step, refused;
        Place queued, acked;
        uint64_t lineage; /* of all places; 0: not known yet */
        bool ack_waits;
        Queue ready, ahead;
        Item *current;
        uint32_t credit, credit_out, park_id;
        int64_t live_heard_at, opening_at; /* monotonic */
        uint64_t gaps_repaired;
};

/* ---- stream-items.c */

typedef struct Delivered {
        Place place, prev;
        bool place_only, redelivered;
        uint32_t sent_before;
        Bytes event, so_far;
} Delivered;

/* A Delivery, without unpacking what is inside. 0 or -EBADMSG. */
int stream_read_delivery(Bytes message, Delivered *ret);
/* NULL: no memory. */
Item *stream_item_new(const Delivered *delivered, bool came_live);
/* A message that is not a delivery, as it came. */
Item *stream_item_of(carebus_delivery_kind kind, Bytes payload);
void stream_push(Queue *queue, Item *item);
Item *stream_pop(Queue *queue);
void stream_clear(Queue *queue);

/* ---- stream-park.c */

/* Sends to the feed. 0, -EAGAIN or -ENOMEM. */
int stream_send(carebus_stream *stream, const Carebus__V1__FromReader *from);
/* A message about what is parked, into the queue, where the stream wants to hear of it. 0 or -ENOMEM. */
int stream_take_parking(carebus_stream *stream, const Carebus__V1__ToReader *to, Bytes payload);
/* Fills in what such an item says. 0, or negative: it cannot be read, which the queue has looked at before. */
int stream_hand_out_parking(carebus_stream *stream, const Item *item, carebus_delivery *ret);
