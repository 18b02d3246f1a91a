#pragma once
/*
 * What is given out of an entry: its events as teams get them. event_id, received_at, source, message id, patient_id, belated,
 * confirms and loaded follow from the entry and its outcome and are put into the stored bytes without unpacking them; an event is
 * made once and shared by all teams, and what differs from team to team (the place before it) is written in front of it.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "daemon/serve/place.h"
#include "daemon/serve/view.h"

/* Free bytes in front of each event: keys, lengths and four numbers of a Delivery, and of a ToReader around it. */
#define PUBLISH_ROOM 64

/* `size` 0: the event waits in the quarantine while others of its entry are in use. It is given to nobody, and has its place. */
typedef struct PublishedEvent {
        uint8_t *data; /* a packed Event, PUBLISH_ROOM writable bytes before it */
        size_t size;
        const char *topic; /* <type>/<patient id> */
} PublishedEvent;

/* One block of memory. */
typedef struct PublishedEntry {
        uint64_t seq;
        int64_t received_at;
        Bytes source;  /* whose events these are; empty where there are none */
        size_t memory; /* bytes of the block */
        size_t n_events;
        PublishedEvent events[];
} PublishedEntry;

typedef struct Publisher Publisher; /* one thread */

int publisher_new(Publisher **ret);
Publisher *publisher_free(Publisher *publisher);
DEFINE_CLEANUP(Publisher *, publisher_free)

/* Makes the entry out of the view (which is renewed). An entry without events gives one with n_events 0: it was a
 * duplicate, is in the quarantine, or is a tick. Free it with free(). 0, VIEW_E_NOT_FOUND, negative. */
int publisher_entry(Publisher *publisher, View *view, uint64_t seq, PublishedEntry **ret);

/* What the bus sets in an event. */
typedef struct PublishStamp {
        const char *event_id;
        int64_t received_at;
        Bytes source;
        Bytes message_id; /* of the submission: for an event that does not name its own */
        Bytes patient_id; /* empty: none */
        bool belated;
        bool confirms;    /* its source said the same before */
        bool loaded;      /* history */
        bool unconfirmed; /* a join of its person is in review */
} PublishStamp;
/* Appends the stored event with the stamp to `ret`, in the order of field numbers: the bytes are those that packing the
 * whole event would give. ret_type (borrowed from `stored`) may be NULL. 0 or -EBADMSG. */
int publish_stamp_event(Bytes stored, const PublishStamp *stamp, Buffer *ret, Bytes *ret_type);

/* Writes a Delivery around the event, in the room before it. The frame is borrowed from the entry, until the next call on
 * the same event. For a feed it is the ToReader frame. */
typedef enum PublishFrame {
        PUBLISH_LIVE, /* a bare Delivery */
        PUBLISH_FEED, /* ToReader with the Delivery */
} PublishFrame;
Bytes publish_frame(PublishFrame kind, const PublishedEvent *event, Place place, Place previous);
/* A Delivery that says only where the stream stands. */
void publish_place(Place place, Buffer *ret);
