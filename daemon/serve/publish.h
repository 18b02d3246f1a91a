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
#include "daemon/sharing/sharing.h"

/* Free bytes in front of each event: keys, lengths and four numbers of a Delivery, and of a ToReader around it. */
#define PUBLISH_ROOM 64

/* A packed Event, PUBLISH_ROOM writable bytes before it. */
typedef struct PublishedBytes {
        uint8_t *data;
        size_t size;
        bool hashed; /* `digest` is SHA-256 of them */
        uint8_t digest[32];
} PublishedBytes;

typedef struct PublishedVariant PublishedVariant; /* sight.h */

/* `bytes.size` 0: the event waits in the quarantine while others of its entry are in use. It is given to nobody, and has its place.
 * Lists of texts stand one behind the other, each with its zero byte; an empty one ends them. NULL: none. */
typedef struct PublishedEvent {
        PublishedBytes bytes;
        const char *topic; /* <type>/<patient id> */
        /* What the rules look at. */
        const char *type;
        const char *patient_id; /* "": of nobody, or nobody is known */
        const char *team;       /* whose event it is; NULL: of the source's own team */
        const char *only;       /* a notice to this team alone */
        const char *section;    /* that a notice is about */
        const char *about;      /* event ids that a notice about a section names */
        const char *withdraws;  /* event ids that it takes back */
        bool from_bus;          /* said by the bus itself */
        bool names_others;      /* a notice that names persons beside the one it is of */
        bool echo;              /* it came back from where the bus had delivered it: given to nobody */
        bool unconfirmed;
        /* Of sight.c: found once, when somebody asks. */
        bool classified, is_bare;
        uint64_t sensitive;
        const char *kind; /* what the rules call it */
        /* Of sight.c: who it is of, and what was answered last, as long as sharing_people_generation() is this. */
        uint64_t generation; /* 0: of none */
        const SharingPerson *person;
        SharingMemo memo;
        PublishedVariant *variants;
        size_t n_variants;
} PublishedEvent;

/* One block of memory, and the variants that were made of it. */
typedef struct PublishedEntry {
        uint64_t seq;
        int64_t received_at;
        Bytes source;  /* whose events these are; empty where there are none */
        size_t memory; /* bytes of the block */
        size_t n_events;
        PublishedEvent events[];
} PublishedEntry;

PublishedEntry *published_entry_free(PublishedEntry *entry);
DEFINE_CLEANUP(PublishedEntry *, published_entry_free)
/* SHA-256 of the bytes as they are given, found once. */
const uint8_t *published_digest(PublishedBytes *bytes);
/* The text behind this one in a list; NULL behind the last. */
const char *published_next(const char *text);

typedef struct Publisher Publisher; /* one thread */

int publisher_new(Publisher **ret);
Publisher *publisher_free(Publisher *publisher);
DEFINE_CLEANUP(Publisher *, publisher_free)

/* Makes the entry out of the view (which is renewed). An entry without events gives one with n_events 0: it was a
 * duplicate, is in the quarantine, or is a tick. 0, VIEW_E_NOT_FOUND, negative. */
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
        Bytes echo_of;    /* event id; empty: it is none */
} PublishStamp;
/* Appends the stored event with the stamp to `ret`, in the order of field numbers: the bytes are those that packing the
 * whole event would give. *ret_seen is borrowed from `stored`; it may be NULL. 0 or -EBADMSG. */
typedef struct PublishSeen {
        Bytes type, team, notice; /* empty: it has none */
} PublishSeen;
int publish_stamp_event(Bytes stored, const PublishStamp *stamp, Buffer *ret, PublishSeen *ret_seen);

/* Room for the bytes of an event of this size, on the heap: *ret_room is what free() takes. */
int publish_make_room(size_t size, uint8_t **ret_room, uint8_t **ret_data);

/* Writes a Delivery around the event, in the room before it. The frame is borrowed from the event, until the next call on
 * the same bytes. For a feed it is the ToReader frame. */
typedef enum PublishFrame {
        PUBLISH_LIVE, /* a bare Delivery */
        PUBLISH_FEED, /* ToReader with the Delivery */
} PublishFrame;
/* Where in a stream it stands. */
typedef struct PublishAt {
        Place place, previous;
        uint32_t sent_before; /* a feed's: how often this reader was sent it, without having acknowledged it */
} PublishAt;
Bytes publish_frame(PublishFrame kind, const PublishedBytes *event, const PublishAt *at);
/* The same with the record so far beside the event, appended to `ret`. */
void publish_frame_so_far(PublishFrame kind, const PublishedBytes *event, const PublishAt *at, Bytes so_far,
                          Buffer *ret);
/* A Delivery that says only where the stream stands. */
void publish_place(Place place, Buffer *ret);
