#pragma once
/* Delivery outwards from inside; for the files destination*.c only. */
#include <sys/queue.h>

#include "adapters/common/destination.h"
#include "base/clock.h"
#include "sdk/carebus.h"

#define DESTINATION_ID_SIZE 21   /* of a message: 20 characters and a NUL */
#define DESTINATION_UUID_SIZE 37 /* likewise */
#define DESTINATION_PERSON_SIZE 64
#define DESTINATION_EVENT_ID_SIZE 32

typedef struct DestinationPlace {
        uint64_t seq;
        uint32_t index;
} DestinationPlace;

/* A delivery that came by, in the order in which it did: the cursor moves over those that are done. */
typedef struct Mark Mark;
struct Mark {
        STAILQ_ENTRY(Mark) next;
        DestinationPlace place;
        bool is_done;
};

typedef enum EntryKind {
        ENTRY_EVENT,
        ENTRY_STOP, /* here somebody was joined with a parked person: this one waits too, from here on */
        ENTRY_END,  /* all that was parked came again up to here */
} EntryKind;

typedef struct Lane Lane;
typedef struct Entry Entry;
struct Entry {
        DestinationItem item; /* what a language sees: first, so that an item is its entry */
        TAILQ_ENTRY(Entry) next;
        EntryKind kind;
        Lane *lane;
        Mark *mark; /* NULL: redelivered */
        Buffer packed;
        size_t event_size; /* of `packed`: behind it the record so far */
        Arena *arena;      /* while it is the first of its lane: what is unpacked */
        Buffer bytes;      /* rendered, once */
        bool is_rendered, is_sent, overtakes;
        bool is_reported;          /* it overtook, was delivered, and waits until the bus knows so, */
        uint32_t report;           /* asked under this id; 0: not asked yet */
        uint64_t parked_item;      /* ENTRY_END */
        int64_t answer_by;         /* monotonic; while it is sent */
        uint64_t delivered_before; /* items delivered in all when it was tried first */
        char message_id[DESTINATION_ID_SIZE], uuid[DESTINATION_UUID_SIZE], person[DESTINATION_PERSON_SIZE];
};

typedef enum LaneState {
        LANE_FREE,
        LANE_PARKING, /* the bus is asked to put it aside; nothing of it is sent */
        LANE_PARKED,  /* what comes by is done, but for what overtakes */
        LANE_AGAIN,   /* parked, and what waited comes again */
} LaneState;

typedef enum LaneList { LANE_RESTS, LANE_IS_READY, LANE_PAUSES, LANE_IS_UNDER_WAY } LaneList;

/* One person; or, where an event is of nobody, that event. */
struct Lane {
        Lane *next_in_bucket;
        TAILQ_ENTRY(Lane) all, in_list;
        LaneList list;
        LaneState state;
        char key[DESTINATION_PERSON_SIZE];
        bool of_nobody;
        TAILQ_HEAD(EntryHead, Entry) entries;
        int64_t pause_until; /* monotonic */
        /* What is parked. */
        DestinationPlace from;
        char code[32], answer[32];
        unsigned tries;
        uint32_t park_id; /* asked under this id; 0: not asked yet */
        char **overtaken; /* event ids that the bus knows of, */
        size_t n_overtaken;
        size_t n_reported; /* and entries that wait until it does */
};

TAILQ_HEAD(LaneHead, Lane);
#define DESTINATION_BUCKETS 4096

struct Destination {
        Loop *loop;
        const Config *config;
        const ConfigDestination *is;
        DestinationLanguage language;
        const Clock *clock;
        carebus_stream *stream;
        LoopSource *io, *prepare, *timer;
        Lane *buckets[DESTINATION_BUCKETS];
        struct LaneHead lanes, ready, paused, under_way;
        size_t n_under_way;
        STAILQ_HEAD(MarkHead, Mark) marks;
        size_t n_marks, n_entries, n_bytes;
        Arena *arena;                   /* of the delivery at hand */
        DestinationPlace passed, acked; /* all up to here is done; that the bus was told */
        int64_t level_at;               /* monotonic: a language that was not ready is asked again */
        uint64_t delivered;
        /* The receiver as a whole. */
        bool is_away;
        unsigned away_times;
        int64_t away_until;
        int64_t park_at; /* monotonic: what the bus would not put aside is asked again */
        bool feed_is_open, refusal_is_told;
};

/* ---- destination-ids.c */

/* SEQ.INDEX: the event's id. */
void destination_event_id(DestinationPlace place, char ret[DESTINATION_EVENT_ID_SIZE]);
void destination_message_id(const char *bus, DestinationPlace place, char ret[DESTINATION_ID_SIZE]);
void destination_uuid(const char *bus, DestinationPlace place, char ret[DESTINATION_UUID_SIZE]);
/* Is this type among those of the configuration (`encounter.admitted`, `encounter.*`)? */
bool destination_wants(const ConfigDestination *is, const char *type);
/* Is it told although somebody's queue is parked: an admission or a death, what takes them back, and that the queue is parked? */
bool destination_overtakes(const char *type);
/* What tells of parked queues parks none. */
bool destination_never_waits(const char *type);
/* Does this code speak of the receiver as a whole: a timeout, 408, 429, 5xx? */
bool destination_code_is_general(const char *code);
/* Microseconds before the next try, after `tries` of them: growing, at most `max` seconds, a quarter more or less by chance. */
int64_t destination_pause(unsigned tries, uint64_t max);

/* ---- destination-lane.c */

Lane *lane_find(const Destination *destination, const char *key);
/* Makes it where it is not there; NULL: no memory. */
Lane *lane_get(Destination *destination, const char *key, bool of_nobody);
/* Frees it where nothing holds it. */
void lane_drop(Destination *destination, Lane *lane);
void lane_put(Destination *destination, Lane *lane, LaneList list);
static inline DestinationPlace entry_place(const Entry *entry) {
        return (DestinationPlace){ .seq = entry->item.seq, .index = entry->item.index };
}

/* The first entry that does not only wait until the bus knows that it overtook; or NULL. */
Entry *lane_first(const Lane *lane);
/* Where it belongs now: ready when its first entry may go, else it rests. */
void lane_settle(Destination *destination, Lane *lane);
int lane_remember_overtaken(Lane *lane, const char *event_id);
bool lane_has_overtaken(const Lane *lane, const char *event_id);
void lane_forget_parked(Lane *lane);

/* In the lane's queue, with a mark unless it was redelivered. `packed` is copied. NULL: no memory. */
Entry *entry_new(Destination *destination, Lane *lane, EntryKind kind, DestinationPlace place);
/* Its mark is done, and it is gone. What is under way is cancelled. */
void entry_done(Destination *destination, Entry *entry);
int mark_new(Destination *destination, DestinationPlace place, Mark **ret);
/* Takes away what is done at the front. */
void marks_pass(Destination *destination);
void destination_clear(Destination *destination);

/* ---- destination-send.c */

/* Sends what may go. 0 or negative. */
int destination_send(Destination *destination);
/* Whom nobody answers in time. 0 or negative. */
int destination_expire(Destination *destination);
/* Microseconds until something is due here; INT64_MAX: nothing. */
int64_t destination_due(const Destination *destination, int64_t now);

/* ---- destination-park.c */

/* The lane waits from this entry, its first, on. */
void lane_park(Destination *destination, Lane *lane, const Entry *entry, const char *code, const char *answer);
/* Asks the bus for what it was not asked, or would not. */
int destination_ask_parks(Destination *destination);
int destination_take_park_answer(Destination *destination, const carebus_delivery *delivery);
int destination_take_opened(Destination *destination, const carebus_delivery *delivery);
int destination_take_redelivered(Destination *destination, const carebus_delivery *delivery);
