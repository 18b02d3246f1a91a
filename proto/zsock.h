#pragma once
/*
 * ZeroMQ, all of it: the only file that includes <zmq.h> is zsock.c. One socket belongs to one thread.
 *
 * What libzmq 4.3.4 gets wrong by default is set here once: message size and handshake time are limited, heartbeats are
 * on, linger is 0, routing ids of peers are never chosen by them, ROUTER tells when it cannot deliver, rand() is seeded
 * (automatic routing ids come from it), the ZAP domain is enforced.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stddef.h>

#include "base/bytes.h"
#include "base/cleanup.h"

typedef struct ZContext ZContext;
typedef struct ZSocket ZSocket;

/* Positive returns. */
enum {
        _ZSOCK_E_SUCCESS,
        ZSOCK_E_AGAIN,       /* nothing there, or no room: try after zpoll() */
        ZSOCK_E_UNREACHABLE, /* ROUTER: that peer is gone */
        ZSOCK_E_NO_KEY,      /* CURVE is not built into libzmq, or a key is not 40 characters of Z85 */
        ZSOCK_E_IN_USE,      /* the endpoint is taken */
        ZSOCK_E_BAD_ENDPOINT,
};

typedef enum ZSocketKind {
        ZSOCKET_ROUTER,
        ZSOCKET_DEALER,
        ZSOCKET_PUB,
        ZSOCKET_XPUB, /* a PUB that tells what its subscribers ask for; SUB speaks with either */
        ZSOCKET_SUB,
        ZSOCKET_REP,
} ZSocketKind;

#define ZKEY_TEXT_SIZE 41 /* 40 characters of Z85 and a NUL */

typedef struct ZSocketOptions {
        const char *zap_domain;          /* servers: enforced; every handshake is asked of the ZAP handler */
        const char *curve_server_secret; /* servers on tcp: Z85 */
        const char *curve_server_public; /* clients on tcp: the bus's key */
        const char *curve_public;        /* clients on tcp: their own pair */
        const char *curve_secret;
        int64_t max_message_bytes; /* 0: 4 MiB */
        int high_water;            /* messages; 0: 1000 */
        int receive_high_water;    /* messages; 0: as high_water */
        int receive_buffer;        /* bytes that the kernel holds of a tcp connection; 0: as it likes */
        int handshake_ms;          /* 0: 3000 */
        int heartbeat_ms; /* 0: 5000; time-out is three of them. Pings of a DEALER, the kernel's probes of others */
        int reconnect_ms; /* 0: 100, growing to 5000 */
        int linger_ms;    /* 0: none */
} ZSocketOptions;

int zcontext_new(ZContext **ret);
/* Waits for all sockets to be closed. */
ZContext *zcontext_free(ZContext *context);
DEFINE_CLEANUP(ZContext *, zcontext_free)

int zsocket_new(ZContext *context, ZSocketKind kind, const ZSocketOptions *options, ZSocket **ret);
ZSocket *zsocket_free(ZSocket *socket);
DEFINE_CLEANUP(ZSocket *, zsocket_free)

/* ipc:// paths are made 0666 after the bind: ZAP decides who gets in, not the file mode. A dead socket file in the way
 * is removed; one that is alive is ZSOCK_E_IN_USE. */
int zsocket_bind(ZSocket *socket, const char *endpoint);
/* An inherited listening descriptor (tcp). The descriptor stays the caller's: libzmq gets a dup. */
int zsocket_bind_fd(ZSocket *socket, const char *endpoint, int fd);
int zsocket_connect(ZSocket *socket, const char *endpoint);
int zsocket_unbind(ZSocket *socket, const char *endpoint);
int zsocket_last_endpoint(ZSocket *socket, char *ret, size_t size);
int zsocket_subscribe(ZSocket *socket, const char *prefix);

/* Edge-triggered descriptor for a foreign loop: after every wake, send and receive ask zsocket_events() again. */
int zsocket_fd(ZSocket *socket);
enum { ZSOCKET_CAN_RECEIVE = 1, ZSOCKET_CAN_SEND = 2 };
int zsocket_events(ZSocket *socket); /* mask, or negative errno */

/* Level-triggered over sockets and descriptors. */
typedef struct ZPoll {
        ZSocket *socket; /* or */
        int fd;
        bool want_send; /* else: receive */
        bool ready;     /* set by zpoll() */
} ZPoll;
/* Number ready; 0 when the time is out or a signal came. timeout_ms < 0: for ever. At most 64 items. */
int zpoll(ZPoll *items, size_t n_items, long timeout_ms);

/* A received frame, borrowed memory until zframe_deinit(). */
typedef struct ZFrame {
        _Alignas(8) unsigned char storage[64];
        bool live;
} ZFrame;
#define ZFRAME_NULL ((ZFrame){ .live = false })
void zframe_deinit(ZFrame *frame);
Bytes zframe_bytes(const ZFrame *frame);
/* What ZAP said of the peer that sent it ("unix:1000", "key:..."), or NULL. Borrowed from the frame. */
const char *zframe_user_id(const ZFrame *frame);

#define ZROUTE_SIZE 16
/* Address of a ROUTER's peer: the routing id of a message. Comparable by memcmp over size. */
typedef struct ZRoute {
        uint8_t data[ZROUTE_SIZE];
        uint8_t size;
} ZRoute;
static inline bool zroute_equal(const ZRoute *a, const ZRoute *b) {
        return a->size == b->size && memcmp(a->data, b->data, a->size) == 0;
}

/* XPUB: the next thing that a subscriber said. */
typedef struct ZSubscription {
        bool is_new; /* a prefix that it asks for; else one that it no longer does, or nothing that can be understood */
        size_t size; /* of the prefix */
        int fd; /* of its connection, or -1 where that has ended. libzmq's: it may be closed, and another's, at any time */
} ZSubscription;
/* 0, ZSOCK_E_AGAIN, or negative. Never blocks. */
int zsocket_recv_subscription(ZSocket *socket, ZSubscription *ret);

/* Never block. A message with another number of frames than expected is thrown away and the next one is taken. */
int zsocket_recv(ZSocket *socket, ZFrame *ret_payload);                           /* DEALER, REP: one frame */
int zsocket_recv_routed(ZSocket *socket, ZRoute *ret_route, ZFrame *ret_payload); /* ROUTER: id and one frame */
int zsocket_recv_topic(ZSocket *socket, ZFrame *ret_topic, ZFrame *ret_payload);  /* SUB: two frames */
int zsocket_send(ZSocket *socket, Bytes payload);                                 /* copies */
int zsocket_send_routed(ZSocket *socket, const ZRoute *route, Bytes payload);
int zsocket_send_topic(ZSocket *socket, const char *topic, Bytes payload);
/* The same for many sockets: the payload is copied once, into a frame of its own, and each message that is sent holds it together with the
 * others. 0 or -ENOMEM. */
int zframe_make(Bytes payload, ZFrame *ret);
int zsocket_send_topic_frame(ZSocket *socket, const char *topic, const ZFrame *payload);
/* All frames of a message, for ZAP; at most `max` are kept. Returns the count or negative. */
int zsocket_recv_parts(ZSocket *socket, ZFrame *ret_frames, size_t max, size_t *ret_n);
int zsocket_send_parts(ZSocket *socket, const Bytes *parts, size_t n_parts);

/* Events of the connection, for a client: after ZSOCKET_EVENT_AUTH_FAILED libzmq never tries again; make a new socket. */
typedef enum ZSocketEvent {
        ZSOCKET_EVENT_NONE,
        ZSOCKET_EVENT_CONNECTED, /* handshake done */
        ZSOCKET_EVENT_DISCONNECTED,
        ZSOCKET_EVENT_AUTH_FAILED, /* ZAP said no, or the server's key is another */
} ZSocketEvent;
/* Starts watching; the monitor's socket belongs to the same thread and can be polled. Free the socket that is watched before the
 * monitor: libzmq's thread waits for room to tell of it, and holds the lock that closing needs. */
int zsocket_monitor(ZContext *context, ZSocket *socket, ZSocket **ret_monitor);
int zsocket_monitor_next(ZSocket *monitor, ZSocketEvent *ret); /* ZSOCK_E_AGAIN when there is none */

int zkey_new(char ret_public[ZKEY_TEXT_SIZE], char ret_secret[ZKEY_TEXT_SIZE]);
int zkey_public_of(const char *secret, char ret_public[ZKEY_TEXT_SIZE]);
int zkey_encode(const uint8_t key[32], char ret_text[ZKEY_TEXT_SIZE]); /* 32 bytes of a ZAP request to Z85 */
bool zkey_is_valid(const char *text);
