/*
 * ZeroMQ behind one door. What libzmq 4.3.4 leaves open by default is closed in zsocket_set_defaults(), with the reason
 * beside each setting.
 */
#include "proto/zsock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <zmq.h>

/* Behind the draft guard of zmq.h though 4.3.4 has them in every build (libzmq's own test uses the first without it). */
#define OPTION_ZAP_ENFORCE_DOMAIN 93
#define POLL_ITEMS_MAX 64

struct ZContext {
        void *zmq;
};

struct ZSocket {
        void *zmq;
        ZSocketKind kind;
        char *monitored_by; /* endpoint of its monitor, or NULL */
};

static const int kinds[] = {
        [ZSOCKET_ROUTER] = ZMQ_ROUTER, [ZSOCKET_DEALER] = ZMQ_DEALER, [ZSOCKET_PUB] = ZMQ_PUB,
        [ZSOCKET_XPUB] = ZMQ_XPUB,     [ZSOCKET_SUB] = ZMQ_SUB,       [ZSOCKET_REP] = ZMQ_REP,
};

_Static_assert(sizeof(((ZFrame *)0)->storage) >= sizeof(zmq_msg_t), "a frame must hold a zmq_msg_t");

int zcontext_new(ZContext **ret) {
        _cleanup_(freep) ZContext *context = calloc(1, sizeof(*context));
        unsigned seed;

        if (!context)
                return -ENOMEM;
        /* ROUTER makes routing ids from rand(), which libzmq never seeds: a peer that guesses the next id can end the
         * process. */
        if (getentropy(&seed, sizeof(seed)) < 0)
                return -errno;
        srand(seed);
        context->zmq = zmq_ctx_new();
        if (!context->zmq)
                return -errno;
        /* Thousands of peers, each a few descriptors; the default of 1023 sockets is about ours, not theirs. */
        zmq_ctx_set(context->zmq, ZMQ_BLOCKY, 0);
        *ret = TAKE_PTR(context);
        return 0;
}

ZContext *zcontext_free(ZContext *context) {
        if (!context)
                return NULL;
        while (zmq_ctx_term(context->zmq) < 0 && errno == EINTR)
                ;
        free(context);
        return NULL;
}

static int set_int(void *zmq, int option, int value) {
        return zmq_setsockopt(zmq, option, &value, sizeof(value)) < 0 ? -errno : 0;
}

static int set_text(void *zmq, int option, const char *text) {
        if (zmq_setsockopt(zmq, option, text, strlen(text)) == 0)
                return 0;
        return errno == EINVAL ? ZSOCK_E_NO_KEY : -errno;
}

static int or_default(int value, int otherwise) {
        return value > 0 ? value : otherwise;
}

/*
 * Only who connects and is answered pings. The timer of libzmq 4.3.4 aborts the process (`!_io_error`, `_input_stopped`; its issues
 * 3937 and 4767) where the peer went while a full queue kept it from reading, and that happens to who binds when many peers come and
 * go, and to a subscriber that is slow. Whoever is pinged tells from the pings that they stop; the kernel tells of hosts that went.
 */
static int zsocket_set_heartbeat(void *zmq, ZSocketKind kind, int every_ms) {
        const int lost_ms = 3 * every_ms; /* a peer that is stopped, not gone, is noticed then */
        const struct {
                int option, value;
        } pings[] = {
                { ZMQ_HEARTBEAT_IVL, every_ms },
                { ZMQ_HEARTBEAT_TIMEOUT, lost_ms },
                { ZMQ_HEARTBEAT_TTL, lost_ms },
        }, probes[] = {
                { ZMQ_TCP_KEEPALIVE, 1 },
                { ZMQ_TCP_KEEPALIVE_IDLE, MAX(every_ms / 1000, 1) },
                { ZMQ_TCP_KEEPALIVE_INTVL, MAX(every_ms / 1000, 1) },
                { ZMQ_TCP_KEEPALIVE_CNT, 3 },
                { ZMQ_TCP_MAXRT, lost_ms },
        };
        int r = 0;

        for (size_t i = 0; kind == ZSOCKET_DEALER && r == 0 && i < ELEMENTSOF(pings); i++)
                r = set_int(zmq, pings[i].option, pings[i].value);
        for (size_t i = 0; kind != ZSOCKET_DEALER && r == 0 && i < ELEMENTSOF(probes); i++)
                r = set_int(zmq, probes[i].option, probes[i].value);
        return r;
}

static int zsocket_set_defaults(void *zmq, const ZSocketOptions *o) {
        const int high_water = or_default(o->high_water, 1000), reconnect = or_default(o->reconnect_ms, 100);
        int64_t max_bytes = o->max_message_bytes > 0 ? o->max_message_bytes : 4 << 20;
        const struct {
                int option, value;
        } settings[] = {
                { ZMQ_LINGER, o->linger_ms },
                { ZMQ_HANDSHAKE_IVL,
                  or_default(o->handshake_ms, 3000) }, /* 30 s by default: a silent peer holds a slot */
                { ZMQ_SNDHWM, high_water },
                { ZMQ_RCVHWM, or_default(o->receive_high_water, high_water) },
                { ZMQ_RCVBUF, or_default(o->receive_buffer, -1) },
                { ZMQ_RECONNECT_IVL, reconnect },
                { ZMQ_RECONNECT_IVL_MAX,
                  MAX(reconnect, 5000) }, /* a wrong key is retried for ever, and logged over there */
                { ZMQ_IPV6, 1 },
        };

        for (size_t i = 0; i < ELEMENTSOF(settings); i++) {
                int r = set_int(zmq, settings[i].option, settings[i].value);
                if (r < 0)
                        return r;
        }
        /* Unlimited by default. */
        return zmq_setsockopt(zmq, ZMQ_MAXMSGSIZE, &max_bytes, sizeof(max_bytes)) < 0 ? -errno : 0;
}

static int zsocket_set_security(void *zmq, const ZSocketOptions *o) {
        int r = 0;

        if (o->zap_domain) {
                r = set_text(zmq, ZMQ_ZAP_DOMAIN, o->zap_domain);
                /* Without this a server whose ZAP handler is missing lets every key in. */
                if (r == 0)
                        r = set_int(zmq, OPTION_ZAP_ENFORCE_DOMAIN, 1);
        }
        if (r == 0 && o->curve_server_secret) {
                r = set_int(zmq, ZMQ_CURVE_SERVER, 1);
                if (r == 0)
                        r = set_text(zmq, ZMQ_CURVE_SECRETKEY, o->curve_server_secret);
        }
        if (r == 0 && o->curve_server_public) {
                const char *public = o->curve_public ? o->curve_public : "",
                           *secret = o->curve_secret ? o->curve_secret : "";
                r = set_text(zmq, ZMQ_CURVE_SERVERKEY, o->curve_server_public);
                if (r == 0)
                        r = set_text(zmq, ZMQ_CURVE_PUBLICKEY, public);
                if (r == 0)
                        r = set_text(zmq, ZMQ_CURVE_SECRETKEY, secret);
        }
        return r;
}

int zsocket_new(ZContext *context, ZSocketKind kind, const ZSocketOptions *options, ZSocket **ret) {
        static const ZSocketOptions none = { 0 };
        _cleanup_(zsocket_freep) ZSocket *socket = calloc(1, sizeof(*socket));
        int r;

        if (!socket)
                return -ENOMEM;
        if (!options)
                options = &none;
        socket->kind = kind;
        socket->zmq = zmq_socket(context->zmq, kinds[kind]);
        if (!socket->zmq)
                return -errno;
        r = zsocket_set_defaults(socket->zmq, options);
        if (r == 0)
                r = zsocket_set_heartbeat(socket->zmq, kind, or_default(options->heartbeat_ms, 5000));
        if (r == 0 && kind == ZSOCKET_ROUTER)
                /* Else what cannot be delivered is thrown away in silence. */
                r = set_int(socket->zmq, ZMQ_ROUTER_MANDATORY, 1);
        if (r == 0 && kind == ZSOCKET_XPUB)
                /* Else the second to ask for a prefix is not heard of. */
                r = set_int(socket->zmq, ZMQ_XPUB_VERBOSE, 1);
        if (r == 0)
                r = zsocket_set_security(socket->zmq, options);
        if (r != 0)
                return r;
        *ret = TAKE_PTR(socket);
        return 0;
}

ZSocket *zsocket_free(ZSocket *socket) {
        if (!socket)
                return NULL;
        if (socket->monitored_by && socket->zmq)
                zmq_socket_monitor(socket->zmq, NULL, 0);
        if (socket->zmq)
                zmq_close(socket->zmq);
        free(socket->monitored_by);
        free(socket);
        return NULL;
}

static const char *ipc_path(const char *endpoint) {
        return strncmp(endpoint, "ipc://", 6) == 0 ? endpoint + 6 : NULL;
}

/* libzmq removes whatever stands at an ipc path before it binds, a living daemon's socket included. So ask first. */
static int ipc_is_alive(const char *path) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        _cleanup_(closep) int fd = -1;

        if (strlen(path) >= sizeof(address.sun_path))
                return -ENAMETOOLONG;
        memcpy(address.sun_path, path, strlen(path));
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
                return -errno;
        return connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 || errno == EAGAIN;
}

static int bind_error(void) {
        switch (errno) {
        case EADDRINUSE:
                return ZSOCK_E_IN_USE;
        case EINVAL:
        case EPROTONOSUPPORT:
        case ENODEV:
        case EADDRNOTAVAIL:
                return ZSOCK_E_BAD_ENDPOINT;
        default:
                return -errno;
        }
}

/* Where a fence forbids sockets of the internet libzmq ends the process: asked before. */
static int may_open(const char *endpoint) {
        _cleanup_(closep) int fd = -1;

        if (strncmp(endpoint, "tcp://", 6) != 0)
                return 0;
        fd = socket(strchr(endpoint, '[') ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        return fd < 0 ? -errno : 0;
}

int zsocket_bind(ZSocket *socket, const char *endpoint) {
        const char *path = ipc_path(endpoint);
        int may = may_open(endpoint);

        if (may < 0)
                return may;
        if (path) {
                int r = ipc_is_alive(path);
                if (r < 0)
                        return r;
                if (r > 0)
                        return ZSOCK_E_IN_USE;
        }
        if (zmq_bind(socket->zmq, endpoint) < 0)
                return bind_error();
        /* Under UMask=0077 libzmq leaves 0700, and nobody but us could even ask. ZAP decides who gets in. */
        if (path && chmod(path, 0666) < 0)
                return -errno;
        return 0;
}

int zsocket_bind_fd(ZSocket *socket, const char *endpoint, int fd) {
        _cleanup_(closep) int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
        int r;

        if (copy < 0)
                return -errno;
        r = set_int(socket->zmq, ZMQ_USE_FD, copy);
        if (r < 0)
                return r;
        r = zmq_bind(socket->zmq, endpoint) < 0 ? bind_error() : 0;
        if (r == 0)
                copy = -1; /* libzmq closes it with the listener */
        /* A second bind with the option still set aborts the process. */
        (void)set_int(socket->zmq, ZMQ_USE_FD, -1);
        return r;
}

int zsocket_connect(ZSocket *socket, const char *endpoint) {
        return zmq_connect(socket->zmq, endpoint) < 0 ? bind_error() : 0;
}

int zsocket_unbind(ZSocket *socket, const char *endpoint) {
        return zmq_unbind(socket->zmq, endpoint) < 0 ? -errno : 0;
}

int zsocket_last_endpoint(ZSocket *socket, char *ret, size_t size) {
        return zmq_getsockopt(socket->zmq, ZMQ_LAST_ENDPOINT, ret, &size) < 0 ? -errno : 0;
}

int zsocket_subscribe(ZSocket *socket, const char *prefix) {
        return zmq_setsockopt(socket->zmq, ZMQ_SUBSCRIBE, prefix, strlen(prefix)) < 0 ? -errno : 0;
}

int zsocket_fd(ZSocket *socket) {
        int fd;
        size_t size = sizeof(fd);

        return zmq_getsockopt(socket->zmq, ZMQ_FD, &fd, &size) < 0 ? -errno : fd;
}

int zsocket_events(ZSocket *socket) {
        int events;
        size_t size = sizeof(events);

        if (zmq_getsockopt(socket->zmq, ZMQ_EVENTS, &events, &size) < 0)
                return -errno;
        return (events & ZMQ_POLLIN ? ZSOCKET_CAN_RECEIVE : 0) | (events & ZMQ_POLLOUT ? ZSOCKET_CAN_SEND : 0);
}

int zpoll(ZPoll *items, size_t n_items, long timeout_ms) {
        zmq_pollitem_t polled[POLL_ITEMS_MAX];
        int n;

        if (n_items > POLL_ITEMS_MAX)
                return -EINVAL;
        for (size_t i = 0; i < n_items; i++) {
                polled[i] = (zmq_pollitem_t){
                        .socket = items[i].socket ? items[i].socket->zmq : NULL,
                        .fd = items[i].fd,
                        .events = items[i].want_send ? ZMQ_POLLOUT : ZMQ_POLLIN,
                };
                items[i].ready = false;
        }
        n = zmq_poll(polled, (int)n_items, timeout_ms);
        if (n < 0)
                return errno == EINTR ? 0 : -errno;
        for (size_t i = 0; i < n_items; i++)
                items[i].ready = polled[i].revents != 0;
        return n;
}

static zmq_msg_t *frame_message(const ZFrame *frame) {
        return (zmq_msg_t *)(uintptr_t)frame->storage;
}

void zframe_deinit(ZFrame *frame) {
        if (!frame->live)
                return;
        zmq_msg_close(frame_message(frame));
        frame->live = false;
}

Bytes zframe_bytes(const ZFrame *frame) {
        zmq_msg_t *message = frame_message(frame);
        return frame->live ? bytes_of(zmq_msg_data(message), zmq_msg_size(message)) : BYTES_NULL;
}

const char *zframe_user_id(const ZFrame *frame) {
        return frame->live ? zmq_msg_gets(frame_message(frame), "User-Id") : NULL;
}

static int receive_error(void) {
        return errno == EAGAIN || errno == EINTR ? ZSOCK_E_AGAIN : -errno;
}

static int receive_frame(ZSocket *socket, ZFrame *frame) {
        zframe_deinit(frame);
        zmq_msg_init(frame_message(frame));
        if (zmq_msg_recv(frame_message(frame), socket->zmq, ZMQ_DONTWAIT) < 0)
                return receive_error();
        frame->live = true;
        return 0;
}

static bool has_more(const ZFrame *frame) {
        return zmq_msg_more(frame_message(frame)) != 0;
}

static void skip_rest(ZSocket *socket, ZFrame *frame) {
        while (has_more(frame) && receive_frame(socket, frame) == 0)
                ;
}

/* Exactly n frames, or the message is thrown away and the next one taken: a peer that speaks another framing costs
 * itself only. */
static int receive_exactly(ZSocket *socket, ZFrame **frames, size_t n) {
        for (;;) {
                size_t i = 0;
                int r;

                for (;;) {
                        r = receive_frame(socket, frames[i]);
                        if (r != 0)
                                return r;
                        i++;
                        if (i == n || !has_more(frames[i - 1]))
                                break;
                }
                if (i == n && !has_more(frames[n - 1]))
                        return 0;
                skip_rest(socket, frames[i - 1]);
        }
}

int zsocket_recv(ZSocket *socket, ZFrame *ret_payload) {
        return receive_exactly(socket, (ZFrame *[]){ ret_payload }, 1);
}

int zsocket_recv_routed(ZSocket *socket, ZRoute *ret_route, ZFrame *ret_payload) {
        _cleanup_(zframe_deinit) ZFrame route = ZFRAME_NULL;
        Bytes bytes;

        do {
                int r = receive_exactly(socket, (ZFrame *[]){ &route, ret_payload }, 2);
                if (r != 0)
                        return r;
                bytes = zframe_bytes(&route);
                /* Automatic ids are five bytes; a peer that chose a longer one is none of ours. */
        } while (bytes.size > ZROUTE_SIZE);
        memset(ret_route, 0, sizeof(*ret_route));
        memcpy(ret_route->data, bytes.data, bytes.size);
        ret_route->size = (uint8_t)bytes.size;
        return 0;
}

int zsocket_recv_subscription(ZSocket *socket, ZSubscription *ret) {
        _cleanup_(zframe_deinit) ZFrame frame = ZFRAME_NULL;
        int r = receive_frame(socket, &frame);
        Bytes said;

        if (r != 0)
                return r;
        said = zframe_bytes(&frame);
        *ret = (ZSubscription){
                .is_new = said.size > 0 && said.data[0] == 1,
                .size = said.size > 0 ? said.size - 1 : 0,
                .fd = zmq_msg_get(frame_message(&frame), ZMQ_SRCFD),
        };
        return 0;
}

int zsocket_recv_topic(ZSocket *socket, ZFrame *ret_topic, ZFrame *ret_payload) {
        return receive_exactly(socket, (ZFrame *[]){ ret_topic, ret_payload }, 2);
}

int zsocket_recv_parts(ZSocket *socket, ZFrame *ret_frames, size_t max, size_t *ret_n) {
        for (size_t n = 0; n < max; n++) {
                int r = receive_frame(socket, &ret_frames[n]);
                if (r != 0)
                        return r;
                if (!has_more(&ret_frames[n])) {
                        *ret_n = n + 1;
                        return 0;
                }
        }
        skip_rest(socket, &ret_frames[max - 1]);
        *ret_n = max;
        return 0;
}

static int send_error(void) {
        if (errno == EAGAIN || errno == EINTR)
                return ZSOCK_E_AGAIN;
        return errno == EHOSTUNREACH ? ZSOCK_E_UNREACHABLE : -errno;
}

static int send_part(ZSocket *socket, Bytes part, bool more) {
        if (zmq_send(socket->zmq, part.data, part.size, ZMQ_DONTWAIT | (more ? ZMQ_SNDMORE : 0)) >= 0)
                return 0;
        return send_error();
}

int zsocket_send_parts(ZSocket *socket, const Bytes *parts, size_t n_parts) {
        for (size_t i = 0; i < n_parts; i++) {
                int r = send_part(socket, parts[i], i + 1 < n_parts);
                if (r != 0)
                        return r;
        }
        return 0;
}

int zsocket_send(ZSocket *socket, Bytes payload) {
        return send_part(socket, payload, false);
}

int zsocket_send_routed(ZSocket *socket, const ZRoute *route, Bytes payload) {
        return zsocket_send_parts(socket, (Bytes[]){ bytes_of(route->data, route->size), payload }, 2);
}

int zsocket_send_topic(ZSocket *socket, const char *topic, Bytes payload) {
        return zsocket_send_parts(socket, (Bytes[]){ bytes_of_text(topic), payload }, 2);
}

int zframe_make(Bytes payload, ZFrame *ret) {
        zframe_deinit(ret);
        if (zmq_msg_init_size(frame_message(ret), payload.size) < 0)
                return -errno;
        if (payload.size > 0)
                memcpy(zmq_msg_data(frame_message(ret)), payload.data, payload.size);
        ret->live = true;
        return 0;
}

int zsocket_send_topic_frame(ZSocket *socket, const char *topic, const ZFrame *payload) {
        _cleanup_(zframe_deinit) ZFrame copy = ZFRAME_NULL;
        int r = send_part(socket, bytes_of_text(topic), /* more= */ true);

        if (r != 0)
                return r;
        zmq_msg_init(frame_message(&copy));
        copy.live = true;
        if (zmq_msg_copy(frame_message(&copy), frame_message(payload)) < 0)
                return -errno;
        if (zmq_msg_send(frame_message(&copy), socket->zmq, ZMQ_DONTWAIT) < 0)
                return send_error();
        return 0;
}

int zsocket_monitor(ZContext *context, ZSocket *socket, ZSocket **ret_monitor) {
        const int wanted = ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH |
                           ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_DISCONNECTED;
        _cleanup_(zsocket_freep) ZSocket *monitor = calloc(1, sizeof(*monitor));
        char endpoint[64];

        if (!monitor)
                return -ENOMEM;
        snprintf(endpoint, sizeof(endpoint), "inproc://monitor-%p", (void *)socket);
        if (zmq_socket_monitor(socket->zmq, endpoint, wanted) < 0)
                return -errno;
        socket->monitored_by = strdup(endpoint);
        if (!socket->monitored_by)
                return -ENOMEM;
        monitor->zmq = zmq_socket(context->zmq, ZMQ_PAIR);
        if (!monitor->zmq)
                return -errno;
        (void)set_int(monitor->zmq, ZMQ_LINGER, 0);
        if (zmq_connect(monitor->zmq, endpoint) < 0)
                return -errno;
        *ret_monitor = TAKE_PTR(monitor);
        return 0;
}

static ZSocketEvent monitor_event(uint16_t event) {
        switch (event) {
        case ZMQ_EVENT_HANDSHAKE_SUCCEEDED:
                return ZSOCKET_EVENT_CONNECTED;
        case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:
        case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
                return ZSOCKET_EVENT_AUTH_FAILED;
        case ZMQ_EVENT_DISCONNECTED:
                return ZSOCKET_EVENT_DISCONNECTED;
        default:
                return ZSOCKET_EVENT_NONE;
        }
}

int zsocket_monitor_next(ZSocket *monitor, ZSocketEvent *ret) {
        _cleanup_(zframe_deinit) ZFrame what = ZFRAME_NULL, where = ZFRAME_NULL;
        uint16_t event;
        Bytes bytes;
        int r = receive_exactly(monitor, (ZFrame *[]){ &what, &where }, 2);

        if (r != 0)
                return r;
        bytes = zframe_bytes(&what);
        if (bytes.size < sizeof(event))
                return -EBADMSG;
        memcpy(&event, bytes.data, sizeof(event));
        *ret = monitor_event(event);
        return 0;
}

int zkey_new(char ret_public[ZKEY_TEXT_SIZE], char ret_secret[ZKEY_TEXT_SIZE]) {
        if (zmq_curve_keypair(ret_public, ret_secret) == 0)
                return 0;
        return errno == ENOTSUP ? ZSOCK_E_NO_KEY : -errno;
}

int zkey_public_of(const char *secret, char ret_public[ZKEY_TEXT_SIZE]) {
        return zmq_curve_public(ret_public, secret) == 0 ? 0 : ZSOCK_E_NO_KEY;
}

int zkey_encode(const uint8_t key[32], char ret_text[ZKEY_TEXT_SIZE]) {
        return zmq_z85_encode(ret_text, key, 32) ? 0 : -EINVAL;
}

bool zkey_is_valid(const char *text) {
        uint8_t key[32];
        return text && strlen(text) == ZKEY_TEXT_SIZE - 1 && zmq_z85_decode(key, text);
}
