#pragma once
/*
 * A session is one connection that greeted the bus and was let in as a source. A source may have several; what it hands
 * in is counted and limited over all of them. All of this belongs to the intake thread.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "config/config.h"
#include "daemon/peer/identity.h"
#include "daemon/peer/quota.h"
#include "daemon/peer/turns.h"
#include "proto/zsock.h"

#define SOURCE_NAME_SIZE 33
#define SESSION_REASON_SIZE 65

/* What an adapter says of its own senders; all in this session. */
typedef struct SessionTraffic {
        uint64_t received, accepted, failed, rejected; /* only ever more */
        uint64_t connections, waiting;                 /* as of now */
        uint64_t certificate_ends_at;                  /* of its listener, as said last; 0: none */
} SessionTraffic;

typedef struct SourcePeer {
        char name[SOURCE_NAME_SIZE];
        size_t index; /* in the configuration that is in force */
        TurnGroup group;
        Quota quota;
        size_t n_sessions;
        int64_t heard_at;  /* since 1970; 0: not since the start */
        uint64_t received; /* submissions, since the start, whatever became of them */
        uint64_t stored;
        uint64_t stored_before; /* as the state said at the start */
        uint64_t duplicate;     /* answered without being written again */
        uint64_t refused;
        uint64_t ignored_there, refused_there;    /* by its adapters, over all their sessions */
        uint64_t arrived;                         /* counted as frames come in; `received` as they are worked on */
        uint64_t refused_ours, later, unanswered; /* of what arrived: for good, to be sent again, by nobody */
        uint64_t map_misses;
        SessionTraffic traffic; /* of its adapters, over all their sessions */
} SourcePeer;

typedef struct Session Session;
struct Session {
        uint8_t door; /* which of the intake sockets */
        ZRoute route;
        char identity[IDENTITY_SIZE];
        SourcePeer *source;
        TurnLane lane;
        uint64_t answering; /* number that is answered next */
        bool refusing;      /* `answering` was refused as later: all behind it too, until it comes again */
        char refusing_reason[SESSION_REASON_SIZE];
        bool can_retranslate;
        uint64_t ignored_there, refused_there; /* as the adapter last said; in the source's already */
        SessionTraffic traffic;                /* likewise */
        bool leaving;                          /* said goodbye: goes when what waits is answered */
        bool closed;                           /* out of the table; freed by sessions_sweep() */
        uint64_t generation;                   /* of the configuration that let it in */
        int64_t heard_at;                      /* monotonic */
        uint32_t first_answer, last_answer;    /* places + 1 in the batch's answers */
        Session *next_in_table;
        Session *next_closed;
        Session *next_answered; /* sessions that the batch has answers for */
};

static inline Session *session_of_lane(TurnLane *lane) {
        return CONTAINER_OF(lane, Session, lane);
}

typedef struct Sessions Sessions;

int sessions_new(Sessions **ret);
/* Lanes must be empty: what waits belongs to the caller. */
Sessions *sessions_free(Sessions *sessions);
DEFINE_CLEANUP(Sessions *, sessions_free)
/* NULL when that route has not greeted. */
Session *sessions_find(const Sessions *sessions, uint8_t door, const ZRoute *route);
int sessions_add(Sessions *sessions, uint8_t door, const ZRoute *route, const char *identity, SourcePeer *source,
                 Session **ret);
/* Takes a session out; its memory stays until sessions_sweep(), since a batch may still point to it. Twice is once. */
void sessions_close(Sessions *sessions, Session *session);
void sessions_sweep(Sessions *sessions);
size_t sessions_count(const Sessions *sessions);
size_t sessions_count_identity(const Sessions *sessions, const char *identity);
/* All open ones; the callback may close the one that it is given. */
void sessions_each(Sessions *sessions, void (*each)(Session *session, void *owner), void *owner);

/* Sources by name, kept over reloads: counts go on. */
typedef struct SourcePeers {
        SourcePeer **items; /* in the configuration's order */
        size_t n_items;
} SourcePeers;

#define SOURCE_PEERS_NULL ((SourcePeers){ .n_items = 0 })

/* The sources of a new configuration; those that went are handed to `gone` before they are freed. */
int source_peers_update(SourcePeers *peers, const Config *config, int64_t now,
                        void (*gone)(SourcePeer *peer, void *owner), void *owner);
void source_peers_deinit(SourcePeers *peers);
SourcePeer *source_peers_find(const SourcePeers *peers, const char *name);
