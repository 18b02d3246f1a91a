/* See address.h. */
#include "adapters/mllp/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

static int parse_v6(const char *text, uint16_t port, struct sockaddr_storage *ret, socklen_t *ret_size) {
        struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ret;

        *v6 = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_port = htons(port) };
        *ret_size = sizeof(*v6);
        return inet_pton(AF_INET6, text, &v6->sin6_addr) == 1 ? 0 : -EINVAL;
}

static int parse_v4(const char *text, uint16_t port, struct sockaddr_storage *ret, socklen_t *ret_size) {
        struct sockaddr_in *v4 = (struct sockaddr_in *)ret;

        *v4 = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(port) };
        *ret_size = sizeof(*v4);
        return inet_pton(AF_INET, text, &v4->sin_addr) == 1 ? 0 : -EINVAL;
}

int address_parse(const char *text, struct sockaddr_storage *ret, socklen_t *ret_size) {
        const char *colon = strrchr(text, ':');
        char host[INET6_ADDRSTRLEN + 2];
        size_t size = colon ? (size_t)(colon - text) : 0;
        uint64_t port;

        memset(ret, 0, sizeof(*ret));
        if (size == 0 || size >= sizeof(host) || text_to_u64(colon + 1, &port) < 0 || port > UINT16_MAX)
                return -EINVAL;
        memcpy(host, text, size);
        host[size] = '\0';
        if (host[0] != '[')
                return parse_v4(host, (uint16_t)port, ret, ret_size);
        if (host[size - 1] != ']')
                return -EINVAL;
        host[size - 1] = '\0';
        return parse_v6(host + 1, (uint16_t)port, ret, ret_size);
}

/* The address's bytes; 4 or 16 of them. */
static size_t address_bytes(const struct sockaddr_storage *address, const uint8_t **ret) {
        if (address->ss_family == AF_INET) {
                *ret = (const uint8_t *)&((const struct sockaddr_in *)address)->sin_addr;
                return 4;
        }
        const struct in6_addr *v6 = &((const struct sockaddr_in6 *)address)->sin6_addr;
        if (IN6_IS_ADDR_V4MAPPED(v6)) {
                *ret = v6->s6_addr + 12;
                return 4;
        }
        *ret = v6->s6_addr;
        return 16;
}

static bool same_prefix(const uint8_t *a, const uint8_t *b, size_t bits) {
        size_t whole = bits / 8;
        uint8_t mask = (uint8_t)(0xFF00u >> bits % 8);

        return memcmp(a, b, whole) == 0 && (bits % 8 == 0 || ((a[whole] ^ b[whole]) & mask) == 0);
}

static bool is_in_network(const uint8_t *peer, size_t size, const char *network) {
        char text[INET6_ADDRSTRLEN + 1];
        const char *slash = strchr(network, '/');
        size_t length = slash ? (size_t)(slash - network) : strlen(network);
        uint8_t bytes[16];
        uint64_t bits = size * 8;

        if (length >= sizeof(text))
                return false;
        memcpy(text, network, length);
        text[length] = '\0';
        if (inet_pton(size == 4 ? AF_INET : AF_INET6, text, bytes) != 1)
                return false;
        if (slash && (text_to_u64(slash + 1, &bits) < 0 || bits > size * 8))
                return false;
        return same_prefix(peer, bytes, (size_t)bits);
}

bool address_is_in(const struct sockaddr_storage *peer, char *const *networks, size_t n_networks) {
        const uint8_t *bytes;
        size_t size = address_bytes(peer, &bytes);

        for (size_t i = 0; i < n_networks; i++)
                if (is_in_network(bytes, size, networks[i]))
                        return true;
        return n_networks == 0;
}
