#pragma once
/*
 * The feed thread from inside: its sessions, and what is said to them. For the files feed*.c only.
 */
#include "base/arena.h"
#include "base/clock.h"
#include "carebus/v1/feed.pb-c.h"
#include "daemon/peer/identity.h"
#include "daemon/serve/audit-say.h"
#include "daemon/serve/cursors.h"
#include "daemon/serve/endpoint.h"
#include "daemon/serve/feed.h"
#include "daemon/serve/ledger.h"
#include "daemon/serve/recent.h"
#include "daemon/serve/sight.h"

#define FEED_SOCKETS 2
#define FEED_CREDIT_MAX (1U << 30)      /* deliveries; more is cut to it */
#define FEED_FRAME_MAX (16 << 10)       /* bytes of a frame from a reader */
#define FEED_EVENT_FRAME_MAX (5U << 20) /* bytes of a Delivery: an event is part of a 4 MiB frame of intake */

typedef struct FeedConverge FeedConverge;

#define FEED_RECORDS_MEMORY (256U << 20) /* one record, while it is put together */

/* A ledger, for as long as somebody reads and a little longer. */
typedef struct FeedLedger FeedLedger;
struct FeedLedger {
        FeedLedger *next;
        char team[CURSOR_NAME_SIZE];
        Ledger *ledger;
        size_t n_sessions;
        int64_t idle_since; /* monotonic: when the last session went */
        bool failing;       /* its file cannot be written */
};

/* What a team held in sum when a reader was told so. */
typedef struct FeedPoint {
        Place place;
        uint64_t persons;
        DigestSum sum;
} FeedPoint;
#define FEED_POINTS 64 /* a reader acknowledges one of the last */

typedef enum FeedVerdict { FEED_UNKNOWN, FEED_EQUAL, FEED_DIFFERS } FeedVerdict;

/* What a feed of records has beside. */
typedef struct FeedRecords {
        FeedLedger *ledger; /* NULL: a feed of events */
        LedgerCursor cursor;
        Place opened_at; /* the newest change when it opened; */
        bool from_start; /* who begins before all need not hear of who was gone before */
        FeedPoint points[FEED_POINTS];
        size_t n_points;     /* ever */
        int64_t point_at;    /* monotonic: when the last was sent */
        bool point_due;      /* the next waits a little: the reader is still at the last */
        FeedVerdict verdict; /* of the point acknowledged last, */
        Place judged;
        uint64_t judged_persons, equal_until_seq;
} FeedRecords;

/* One open feed. Its address is the routing id of the connection, its right is the User-Id of each message. */
typedef struct FeedSession FeedSession;
struct FeedSession {
        FeedSession *next_in_bucket;
        size_t socket;
        ZRoute route;
        char user[IDENTITY_SIZE];
        Consumer *consumer;
        size_t team;       /* index in the configuration that is in force */
        Place sent;        /* the newest delivery, or where the deliveries began */
        Place audited;     /* what stands in the audit as given in this session */
        Place acked;       /* what an Ack has to be behind of to count */
        uint64_t next_seq; /* looked at next, */
        size_t next_index; /* from this event on */
        uint32_t credit;
        FeedRecords records;
        bool blocked;            /* the connection takes nothing now */
        bool answer_due;         /* AckAnswer, once the cursor is on disk, */
        uint64_t answer_after;   /* by this write */
        int64_t spoken_at;       /* monotonic: when something was sent last */
        struct FeedAgain *again; /* what goes out again, */
        uint64_t parked_seen;    /* as of this number */
};

#define FEED_BUCKETS 1024

typedef struct Feed {
        Worker *worker;
        View *view;
        Recent *recent;
        Sight *sight;
        AuditSay *say;
        Config *config;
        Sharing *sharing;
        uint64_t settings_mark;
        Endpoint sockets[FEED_SOCKETS]; /* ipc, tcp */
        FeedSession **sessions;
        size_t n_sessions, n_room;
        FeedSession *buckets[FEED_BUCKETS]; /* by route */
        Cursors *cursors;
        CursorWriter *writer;
        bool cursors_dirty, cursors_failing;
        uint64_t writes_begun, writes_done;
        int64_t written_at;      /* monotonic */
        uint64_t forgotten_seen; /* the newest decision by which a reader was forgotten */
        bool status_dirty;
        int64_t status_at;
        uint64_t status_head; /* the newest entry of which the status knows */
        Arena *arena;         /* of the message at hand */
        Arena *records_arena; /* of the record at hand; made with the first ledger */
        FeedLedger *ledgers;
        FeedConverge *converges;
        struct FeedCore *core; /* NULL before the first question to core */
        uint32_t compare_id;   /* given last */
        long converge_timeout; /* milliseconds; -1: none */
        Buffer scratch;
        Buffer frames, ready; /* of the share at hand: frames, Ready[] */
        int doorbell;
        bool stopping;
} Feed;

/* ---- feed-forget.c: readers whose place somebody gave up */

/* Forgets those of whom the state has it since the last look, and tells them where they are connected. 0 or negative. */
int feed_forget_look(Feed *feed);
/* Would this Open resume where there is no place any more? *ret_by: the entry by which it was given up; 0: it was not. `consumer` may be
 * NULL. 0 or negative. */
int feed_forgotten(Feed *feed, const Carebus__V1__Open *open, const Consumer *consumer, uint64_t *ret_by);

/* ---- feed-session.c: the table, and short messages */

FeedSession *feed_session_find(Feed *feed, size_t socket, const ZRoute *route);
int feed_session_new(Feed *feed, size_t socket, const ZRoute *route, FeedSession **ret);
/* It is over: what it sent and nobody acknowledged was sent once more. Before its consumer has another. */
void feed_session_count_sent(FeedSession *session);
/* Takes it out of the table; a consumer that never acknowledged is forgotten. */
void feed_session_free(Feed *feed, FeedSession *session);
/* 0, ZSOCK_E_AGAIN, ZSOCK_E_UNREACHABLE; negative is fatal. */
int feed_send_to(Feed *feed, size_t socket, const ZRoute *route, const Carebus__V1__ToReader *to);
int feed_send(Feed *feed, FeedSession *session, Carebus__V1__ToReader *to);
/* FeedRefused to whoever sits at this route; that it cannot be delivered is no matter. */
void feed_send_refused(Feed *feed, size_t socket, const ZRoute *route, const char *reason, const char *detail);
/* Refused, and over. */
void feed_session_end(Feed *feed, FeedSession *session, const char *reason, const char *detail);
/* To the audit: what follows is for this reader. */
void feed_say_begin(Feed *feed, const FeedSession *session, Carebus__V1__AuditWay way);
/* One delivery more has gone out. */
void feed_session_delivered(Feed *feed, FeedSession *session);
/* Moves to behind `place`. */
void feed_session_set_place(FeedSession *session, Place place);

/* ---- feed-open.c: one message of a reader */

/* May this user or key read as that team, by the consumer of this name? */
bool feed_may_open(const Feed *feed, const char *user, size_t team, const char *consumer);

int feed_handle(Feed *feed, size_t socket, const ZRoute *route, const ZFrame *frame);

/* ---- feed-records.c: feeds of records */

/* Of a team, made or read where it is not there. 0 or negative. */
int feed_ledger_get(Feed *feed, const char *team, FeedLedger **ret);
FeedLedger *feed_ledger_find(const Feed *feed, const char *team);
/* All ledgers: a slice of time for each, their files, and those that nobody reads. *ret_more: there is more to do at once. */
int feed_ledgers_work(Feed *feed, int64_t now, bool *ret_more);
/* Writes and frees them all. */
void feed_ledgers_end(Feed *feed);
/* For records; empty. 0 or -ENOMEM. */
int feed_records_arena(Feed *feed, Arena **ret);
/* What the ledger of this session's team looks with. */
LedgerEyes feed_eyes(const Feed *feed, size_t team);
/* The session reads records behind this place. */
void feed_records_begin(FeedSession *session, FeedLedger *ledger, Place place);
void feed_records_end(FeedSession *session);
/* Microseconds until a point that waits is due; INT64_MAX: none waits. */
int64_t feed_records_due(const FeedSession *session, int64_t now);
bool feed_records_can_go_on(const FeedSession *session);
/* A share of deliveries, and the point of agreement where there is nothing left. 0, ZSOCK_E_AGAIN, ZSOCK_E_UNREACHABLE, negative. */
int feed_records_deliver(Feed *feed, FeedSession *session, unsigned *ret_sent);
/* Judges the digest of an Ack that counts; `digest` may be absent. */
void feed_records_judge(FeedSession *session, Place place, Bytes digest);
const char *feed_verdict_name(FeedVerdict verdict);

/* ---- feed-converge.c: who holds what the bus holds */

/* Takes what the query thread asks, asks readers, and answers what is done. Milliseconds until it has to be called again, or -1. */
int feed_converge_work(Feed *feed, int64_t now, long *ret_timeout);
int feed_converge_take(Feed *feed, FeedSession *session, const Carebus__V1__Compared *compared);
void feed_converge_end(Feed *feed);

/* ---- feed-deliver.c: what goes out */

/* One round: every session gets its share. *ret_more: somebody could take more at once. */
int feed_deliver_round(Feed *feed, bool *ret_more);
