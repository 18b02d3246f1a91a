#pragma once
/* A reader of records from inside; for the files records*.c only. */
#include "base/arena.h"
#include "carebus/v1/feed.pb-c.h"
#include "sdk/carebus.h"
#include "sdk/connection.h"
#include "sdk/held.h"

typedef struct Place {
        uint64_t seq;
        uint32_t index;
} Place;

static inline int place_compare(Place a, Place b) {
        if (a.seq != b.seq)
                return a.seq < b.seq ? -1 : 1;
        return a.index == b.index ? 0 : a.index < b.index ? -1 : 1;
}

typedef enum ItemKind { ITEM_RECORD, ITEM_GONE, ITEM_SNAPSHOT, ITEM_POINT } ItemKind;

/* What came and was not handed out yet. One block of memory. */
typedef struct Item Item;
struct Item {
        Item *next;
        ItemKind kind;
        Place place;
        bool forget; /* snapshot: all comes anew */
        uint64_t persons;
        uint8_t digest[DIGEST_SUM_SIZE]; /* of the record, or the bus's sum */
        char patient_id[HELD_ID_SIZE], answered_by[HELD_ID_SIZE];
        bool merged, corrects;
        int64_t not_kept_up_from;
        size_t size;
        uint8_t data[];
};

typedef enum Feed { FEED_DOWN, FEED_OPENING, FEED_OPEN } Feed;

struct carebus_records {
        Connection *feed;
        Arena *arena;
        char *team, *consumer, *reason, *path, *owner;
        Feed state;
        bool refused;
        bool resumes;        /* the bus's own cursor says from where: the program handed in what it holds */
        bool has_place;      /* `queued` is a place of `lineage` */
        bool again;          /* a snapshot was asked for, whatever is held */
        Place queued;        /* newest that came, */
        Place handed;        /* that was handed out, */
        Place acked;         /* that was acknowledged */
        Place handed_before; /* before the bus had to begin further back */
        uint64_t lineage;
        Place point;         /* the newest point of agreement handed out, */
        DigestSum point_sum; /* and the sum there */
        bool ack_waits, in_snapshot;
        uint32_t sweep_at;
        Item *first, *last, *current;
        size_t n_items;
        uint32_t credit, credit_out;
        int64_t opening_at, written_at; /* monotonic */
        Held held;
        char text[HELD_ID_SIZE]; /* of who was swept */
};

/* ---- records-feed.c: with the bus */

int records_connect(carebus_records *records, const carebus_connection *feed);
/* Sends what waits and takes what came, into the queue. 0 or negative. */
int records_dispatch(carebus_records *records);
void records_open(carebus_records *records);
void records_grant_credit(carebus_records *records);
void records_send_ack(carebus_records *records);
Item *records_pop(carebus_records *records);
void records_clear(carebus_records *records);
