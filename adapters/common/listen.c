#include "adapters/common/listen.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

#include "config/address.h"

static socklen_t socket_address(const Address *address, struct sockaddr_storage *ret) {
        struct sockaddr_in *v4 = (struct sockaddr_in *)ret;
        struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ret;

        *ret = (struct sockaddr_storage){ .ss_family = (sa_family_t)address->family };
        if (address->family == AF_INET) {
                v4->sin_port = htons(address->port);
                memcpy(&v4->sin_addr, address->bytes, sizeof(v4->sin_addr));
                return sizeof(*v4);
        }
        v6->sin6_port = htons(address->port);
        memcpy(&v6->sin6_addr, address->bytes, sizeof(v6->sin6_addr));
        return sizeof(*v6);
}

int listen_on(const char *where, int *ret) {
        struct sockaddr_storage storage;
        Address address;
        socklen_t size;
        const int on = 1;
        _cleanup_(closep) int fd = -1;
        int r = address_parse(where, /* is_endpoint= */ false, &address);

        if (r < 0)
                return r;
        size = socket_address(&address, &storage);
        fd = socket(address.family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return -errno;
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
        if (bind(fd, (struct sockaddr *)&storage, size) < 0 || listen(fd, SOMAXCONN) < 0)
                return -errno;
        *ret = TAKE_FD(fd);
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

#define KEEPALIVE_SECONDS 30
#define KEEPALIVE_INTERVAL_SECONDS 10
#define KEEPALIVE_TIMES 3

/* Who vanished without a word is noticed within a minute, though nothing is sent. */
static void keep_alive(int fd, unsigned patience_ms) {
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
        size = socket_address(&address, &storage);
        fd = socket(address.family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return -errno;
        keep_alive(fd, patience_ms);
        if (connect(fd, (struct sockaddr *)&storage, size) < 0 && errno != EINPROGRESS)
                return -errno;
        *ret = TAKE_FD(fd);
        return 0;
}
