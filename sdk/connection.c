/*
 * See connection.h. Sockets are polled through an epoll descriptor of our own, since they come and go while the caller's
 * loop wants one that stays.
 */
#include "sdk/connection.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/clock.h"
#include "proto/zsock.h"

#define RETRY_FIRST_MS 100
#define RETRY_MAX_MS 5000
#define DRAIN_MAX 1024

struct Connection {
        ConnectionKind kind;
        char *endpoint, *bus_key, *public_key, *secret_key;
        ConnectionCallbacks callbacks;
        void *owner;
        ZContext *context;
        ZSocket *socket, *monitor;
        int epoll;
        bool is_up, restart_wanted, not_allowed;
        int retry_ms;
        int64_t retry_at; /* monotonic; when there is no socket */
};

static int64_t now(void) {
        return clock_monotonic(&clock_system);
}

static char *copy_text(const char *text, int *error) {
        char *copy = text ? strdup(text) : NULL;
        if (text && !copy)
                *error = -ENOMEM;
        return copy;
}

static int watch(Connection *connection, ZSocket *socket) {
        struct epoll_event event = { .events = EPOLLIN };
        int fd = zsocket_fd(socket);

        if (fd < 0)
                return fd;
        return epoll_ctl(connection->epoll, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

static void unwatch(Connection *connection, ZSocket *socket) {
        int fd = socket ? zsocket_fd(socket) : -1;
        if (fd >= 0)
                (void)epoll_ctl(connection->epoll, EPOLL_CTL_DEL, fd, NULL);
}

static void disconnect(Connection *connection) {
        unwatch(connection, connection->monitor);
        unwatch(connection, connection->socket);
        connection->socket = zsocket_free(connection->socket); /* before who reads its monitor */
        connection->monitor = zsocket_free(connection->monitor);
}

static int connect_now(Connection *connection) {
        const ZSocketOptions options = {
                .curve_server_public = connection->bus_key,
                .curve_public = connection->public_key,
                .curve_secret = connection->secret_key,
                .max_message_bytes = 64 << 20,
                .high_water = connection->kind == CONNECTION_SUB ? 20000 : 2000,
                .linger_ms = 0,
        };
        int r = zsocket_new(connection->context, connection->kind == CONNECTION_SUB ? ZSOCKET_SUB : ZSOCKET_DEALER,
                            &options, &connection->socket);

        if (r == 0)
                r = zsocket_monitor(connection->context, connection->socket, &connection->monitor);
        if (r == 0 && connection->kind == CONNECTION_SUB)
                r = zsocket_subscribe(connection->socket, "");
        if (r == 0)
                r = watch(connection, connection->socket);
        if (r == 0)
                r = watch(connection, connection->monitor);
        if (r == 0)
                r = zsocket_connect(connection->socket, connection->endpoint);
        if (r != 0)
                disconnect(connection);
        return r > 0 ? -EINVAL : r;
}

Connection *connection_free(Connection *connection) {
        if (!connection)
                return NULL;
        disconnect(connection);
        zcontext_free(connection->context);
        if (connection->epoll >= 0)
                close(connection->epoll);
        free(connection->endpoint);
        free(connection->bus_key);
        free(connection->public_key);
        free(connection->secret_key);
        free(connection);
        return NULL;
}

int connection_new(ConnectionKind kind, const carebus_connection *to, const ConnectionCallbacks *callbacks, void *owner,
                   Connection **ret) {
        _cleanup_(connection_freep) Connection *connection = calloc(1, sizeof(*connection));
        int r = 0;

        if (!connection)
                return -ENOMEM;
        connection->epoll = -1;
        if (!to->endpoint)
                return -EINVAL;
        connection->kind = kind;
        connection->callbacks = *callbacks;
        connection->owner = owner;
        connection->retry_ms = RETRY_FIRST_MS;
        connection->endpoint = copy_text(to->endpoint, &r);
        connection->bus_key = copy_text(to->bus_key, &r);
        connection->public_key = copy_text(to->public_key, &r);
        connection->secret_key = copy_text(to->secret_key, &r);
        if (r < 0)
                return r;
        connection->epoll = epoll_create1(EPOLL_CLOEXEC);
        if (connection->epoll < 0)
                return -errno;
        r = zcontext_new(&connection->context);
        if (r == 0)
                r = connect_now(connection);
        if (r != 0)
                return r;
        *ret = TAKE_PTR(connection);
        return 0;
}

int connection_fd(const Connection *connection) {
        return connection->epoll;
}

int connection_timeout(const Connection *connection) {
        int64_t left;

        if (connection->socket)
                return -1;
        left = (connection->retry_at - now() + USEC_PER_MSEC - 1) / USEC_PER_MSEC;
        return left > 0 ? (int)left : 0;
}

void connection_restart(Connection *connection, int not_allowed) {
        connection->restart_wanted = true;
        connection->not_allowed |= not_allowed != 0;
}

void connection_settled(Connection *connection) {
        connection->retry_ms = RETRY_FIRST_MS;
}

/* A little earlier or later than others who lost the same bus at the same moment. */
static int64_t spread(int64_t ms) {
        return ms * (75 + (int64_t)(clock_now_at(&clock_system) / 7 % 50)) / 100;
}

static void restart(Connection *connection) {
        bool not_allowed = connection->not_allowed;

        connection->restart_wanted = connection->not_allowed = false;
        connection->is_up = false;
        disconnect(connection);
        connection->retry_at = now() + spread(connection->retry_ms) * USEC_PER_MSEC;
        connection->retry_ms = MIN(2 * connection->retry_ms, RETRY_MAX_MS);
        connection->callbacks.down(connection->owner, not_allowed);
}

static int drain_monitor(Connection *connection) {
        ZSocketEvent event;
        int r;

        while ((r = zsocket_monitor_next(connection->monitor, &event)) == 0) {
                if (event == ZSOCKET_EVENT_CONNECTED && !connection->is_up) {
                        connection->is_up = true;
                        connection->callbacks.up(connection->owner);
                } else if (event == ZSOCKET_EVENT_AUTH_FAILED) {
                        connection_restart(connection, 1);
                } else if (event == ZSOCKET_EVENT_DISCONNECTED) {
                        connection_restart(connection, 0);
                }
        }
        return r > 0 ? 0 : r;
}

static int receive(Connection *connection, ZFrame *payload) {
        _cleanup_(zframe_deinit) ZFrame topic = ZFRAME_NULL;

        if (connection->kind == CONNECTION_SUB)
                return zsocket_recv_topic(connection->socket, &topic, payload);
        return zsocket_recv(connection->socket, payload);
}

static int drain_messages(Connection *connection) {
        for (size_t i = 0; i < DRAIN_MAX && !connection->restart_wanted; i++) {
                _cleanup_(zframe_deinit) ZFrame payload = ZFRAME_NULL;
                int r = receive(connection, &payload);

                if (r != 0)
                        return r > 0 ? 0 : r;
                r = connection->callbacks.message(connection->owner, zframe_bytes(&payload));
                if (r < 0)
                        return r;
        }
        return 0;
}

static int reconnect_when_due(Connection *connection) {
        if (connection->socket || now() < connection->retry_at)
                return 0;
        return connect_now(connection);
}

/* Reading and sending can both swallow the edge of the descriptor, so look until nothing is left. */
int connection_dispatch(Connection *connection) {
        int r = reconnect_when_due(connection);

        while (r == 0 && connection->socket) {
                r = drain_messages(connection);
                if (r == 0)
                        r = drain_monitor(connection);
                if (r == 0 && connection->restart_wanted)
                        restart(connection);
                if (r < 0 || !connection->socket)
                        break;
                r = zsocket_events(connection->socket);
                if (r < 0)
                        break;
                if (!(r & ZSOCKET_CAN_RECEIVE) && !(zsocket_events(connection->monitor) & ZSOCKET_CAN_RECEIVE))
                        return 0;
                r = 0;
        }
        return r;
}

int connection_send(Connection *connection, Bytes payload) {
        int r;

        if (!connection->socket || !connection->is_up || connection->restart_wanted)
                return -EAGAIN;
        r = zsocket_send(connection->socket, payload);
        return r > 0 ? -EAGAIN : r;
}
