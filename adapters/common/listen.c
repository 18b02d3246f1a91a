#include "adapters/common/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/service.h"
#include "config/address.h"

int listen_on(const char *where, int *ret) {
        struct sockaddr_storage storage;
        Address address;
        socklen_t size;
        const int on = 1;
        _cleanup_(closep) int fd = -1;
        int r = address_parse(where, /* is_endpoint= */ false, &address);

        if (r < 0)
                return r;
        size = (socklen_t)address_socket(&address, &storage);
        fd = socket(address.family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return -errno;
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
        if (bind(fd, (struct sockaddr *)&storage, size) < 0 || listen(fd, SOMAXCONN) < 0)
                return -errno;
        *ret = TAKE_FD(fd);
        return 0;
}

static bool is_same(const struct sockaddr_storage *a, const struct sockaddr_storage *b) {
        const struct sockaddr_in *a4 = (const struct sockaddr_in *)a, *b4 = (const struct sockaddr_in *)b;
        const struct sockaddr_in6 *a6 = (const struct sockaddr_in6 *)a, *b6 = (const struct sockaddr_in6 *)b;

        if (a->ss_family != b->ss_family)
                return false;
        if (a->ss_family == AF_INET)
                return a4->sin_port == b4->sin_port && a4->sin_addr.s_addr == b4->sin_addr.s_addr;
        return a->ss_family == AF_INET6 && a6->sin6_port == b6->sin6_port &&
               memcmp(&a6->sin6_addr, &b6->sin6_addr, sizeof(a6->sin6_addr)) == 0;
}

/* 0, or -EADDRNOTAVAIL: it is another address than the configuration's. */
static int check_inherited(int fd, const char *where) {
        struct sockaddr_storage said = { 0 }, bound = { 0 };
        socklen_t size = sizeof(bound);
        Address address;
        int r = address_parse(where, /* is_endpoint= */ false, &address);

        if (r < 0)
                return r;
        (void)address_socket(&address, &said);
        if (getsockname(fd, (struct sockaddr *)&bound, &size) < 0)
                return -errno;
        return is_same(&said, &bound) ? 0 : -EADDRNOTAVAIL;
}

int listen_open(const char *program, const char *name, const char *where, int *ret) {
        int r, fd = service_listener(name);

        if (fd < 0) {
                r = listen_on(where, ret);
                if (r < 0)
                        error_print(program, "cannot listen on %s for %s: %s", where, name, strerror(-r));
                return r;
        }
        r = check_inherited(fd, where);
        if (r < 0) {
                error_print(program,
                            "the socket unit of %s listens elsewhere than on %s, which the configuration says: make "
                            "ListenStream= "
                            "of %s@%s.socket and the configuration say the same",
                            name, where, program, name);
                close(fd);
                return r;
        }
        *ret = fd;
        return 0;
}

bool listen_may_connect(const ConfigSource *source, const struct sockaddr *peer) {
        for (size_t i = 0; i < source->n_allow_from; i++) {
                Network network;
                if (network_parse(source->allow_from[i], &network) == 0 && network_contains(&network, peer))
                        return true;
        }
        return source->n_allow_from == 0;
}

void listen_peer_text(const struct sockaddr_storage *peer, bool with_port, char text[LISTEN_PEER_MAX]) {
        char host[INET6_ADDRSTRLEN] = "?";
        unsigned port = 0;

        if (peer->ss_family == AF_INET) {
                const struct sockaddr_in *v4 = (const struct sockaddr_in *)peer;
                inet_ntop(AF_INET, &v4->sin_addr, host, sizeof(host));
                port = ntohs(v4->sin_port);
        } else if (peer->ss_family == AF_INET6) {
                const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)peer;
                inet_ntop(AF_INET6, &v6->sin6_addr, host, sizeof(host));
                port = ntohs(v6->sin6_port);
        }
        if (with_port)
                snprintf(text, LISTEN_PEER_MAX, "%s:%u", host, port);
        else
                snprintf(text, LISTEN_PEER_MAX, "%s", host);
}

#define KEEPALIVE_SECONDS 30
#define KEEPALIVE_INTERVAL_SECONDS 10
#define KEEPALIVE_TIMES 3

void listen_keep_alive(int fd, unsigned patience_ms) {
        const int on = 1, idle = KEEPALIVE_SECONDS, interval = KEEPALIVE_INTERVAL_SECONDS, times = KEEPALIVE_TIMES;

        (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
        (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
        (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof(interval));
        (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &times, sizeof(times));
        (void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &patience_ms, sizeof(patience_ms));
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

int connect_to(const char *where, unsigned patience_ms, int *ret) {
        struct sockaddr_storage storage;
        Address address;
        socklen_t size;
        _cleanup_(closep) int fd = -1;
        int r = address_parse(where, /* is_endpoint= */ false, &address);

        if (r < 0)
                return r;
        size = (socklen_t)address_socket(&address, &storage);
        fd = socket(address.family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return -errno;
        listen_keep_alive(fd, patience_ms);
        if (connect(fd, (struct sockaddr *)&storage, size) < 0 && errno != EINPROGRESS)
                return -errno;
        *ret = TAKE_FD(fd);
        return 0;
}
