#pragma once
/*
 * A connection that comes back by itself: a DEALER or SUB socket with its monitor, made anew whenever the peer went away
 * or said no (libzmq never tries again after a refused key, and would send what was queued for the old session to the
 * new one). One descriptor to poll for as long as the object lives.
 */
#include "base/bytes.h"
#include "base/cleanup.h"
#include "sdk/carebus.h"

typedef struct Connection Connection;

typedef enum ConnectionKind {
        CONNECTION_DEALER,
        CONNECTION_SUB, /* every topic */
} ConnectionKind;

/* Called from connection_dispatch(). A callback may send and may call connection_restart(), but must not free. */
typedef struct ConnectionCallbacks {
        void (*up)(void *owner);
        void (*down)(void *owner, int not_allowed);
        int (*message)(void *owner, Bytes payload); /* negative ends the dispatch with it */
} ConnectionCallbacks;

int connection_new(ConnectionKind kind, const carebus_connection *to, const ConnectionCallbacks *callbacks, void *owner,
                   Connection **ret);
Connection *connection_free(Connection *connection);
DEFINE_CLEANUP(Connection *, connection_free)

int connection_fd(const Connection *connection);
/* Milliseconds until connection_dispatch() has something to do by itself, or -1. */
int connection_timeout(const Connection *connection);
int connection_dispatch(Connection *connection);
/* 0, or -EAGAIN when there is no room or no connection. */
int connection_send(Connection *connection, Bytes payload);
/* Gives this session up and begins another after a while that grows with each call in a row. */
void connection_restart(Connection *connection, int not_allowed);
/* The peer answered as it should: the next restart waits the shortest time again. */
void connection_settled(Connection *connection);
