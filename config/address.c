#include "config/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"

#define HOST_SIZE (INET6_ADDRSTRLEN + 1)

static int port_parse(const char *text, uint16_t *ret) {
        uint64_t port = 0;
        if (text_to_u64(text, &port) < 0 || port < 1 || port > UINT16_MAX)
                return -EINVAL;
        *ret = (uint16_t)port;
        return 0;
}

static int copy_part(char *part, const char *start, const char *end) {
        if (end - start >= HOST_SIZE)
                return -EINVAL;
        memcpy(part, start, (size_t)(end - start));
        part[end - start] = '\0';
        return 0;
}

int address_parse(const char *text, bool is_endpoint, Address *ret) {
        if (is_endpoint) {
                if (!text_starts_with(text, "tcp://"))
                        return -EINVAL;
                text += strlen("tcp://");
        }
        char host[HOST_SIZE];
        Address address = { .family = AF_INET };
        const char *colon = strrchr(text, ':');
        if (!colon || port_parse(colon + 1, &address.port) < 0)
                return -EINVAL;
        const char *end = colon;
        if (text[0] == '[') {
                address.family = AF_INET6;
                if (end[-1] != ']')
                        return -EINVAL;
                text++;
                end--;
        }
        if (end < text || copy_part(host, text, end) < 0 || inet_pton(address.family, host, address.bytes) != 1)
                return -EINVAL;
        *ret = address;
        return 0;
}

size_t address_socket(const Address *address, struct sockaddr_storage *ret) {
        struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(address->port) };
        struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(address->port) };

        memset(ret, 0, sizeof(*ret));
        if (address->family == AF_INET) {
                memcpy(&v4.sin_addr, address->bytes, sizeof(v4.sin_addr));
                memcpy(ret, &v4, sizeof(v4));
                return sizeof(v4);
        }
        memcpy(&v6.sin6_addr, address->bytes, sizeof(v6.sin6_addr));
        memcpy(ret, &v6, sizeof(v6));
        return sizeof(v6);
}

static bool is_wildcard(const Address *address) {
        static const uint8_t zero[16];
        return memcmp(address->bytes, zero, address->family == AF_INET ? 4 : 16) == 0;
}

bool address_clashes(const Address *a, const Address *b) {
        if (a->port != b->port)
                return false;
        if ((a->family == AF_INET6 && is_wildcard(a)) || (b->family == AF_INET6 && is_wildcard(b)))
                return true;
        if (a->family != b->family)
                return false;
        return is_wildcard(a) || is_wildcard(b) || memcmp(a->bytes, b->bytes, a->family == AF_INET ? 4 : 16) == 0;
}

static bool prefix_equal(const uint8_t *a, const uint8_t *b, unsigned prefix) {
        if (memcmp(a, b, prefix / 8) != 0)
                return false;
        unsigned rest = prefix % 8;
        return rest == 0 || ((a[prefix / 8] ^ b[prefix / 8]) >> (8 - rest)) == 0;
}

int network_parse(const char *text, Network *ret) {
        char host[HOST_SIZE];
        const char *slash = strchr(text, '/');
        if (copy_part(host, text, slash ? slash : text + strlen(text)) < 0)
                return -EINVAL;
        Network network = { .family = strchr(host, ':') ? AF_INET6 : AF_INET };
        unsigned bits = network.family == AF_INET ? 32 : 128;
        if (inet_pton(network.family, host, network.bytes) != 1)
                return -EINVAL;
        uint64_t prefix = bits;
        if (slash && (text_to_u64(slash + 1, &prefix) < 0 || prefix > bits))
                return -EINVAL;
        network.prefix = (unsigned)prefix;
        for (unsigned bit = network.prefix; bit < bits; bit++)
                if (network.bytes[bit / 8] & (0x80u >> (bit % 8)))
                        return -EINVAL;
        *ret = network;
        return 0;
}

bool network_contains(const Network *network, const struct sockaddr *peer) {
        if (peer->sa_family == AF_INET && network->family == AF_INET) {
                struct sockaddr_in in;
                memcpy(&in, peer, sizeof(in));
                return prefix_equal(network->bytes, (const uint8_t *)&in.sin_addr, network->prefix);
        }
        if (peer->sa_family != AF_INET6)
                return false;
        struct sockaddr_in6 in6;
        memcpy(&in6, peer, sizeof(in6));
        if (network->family == AF_INET6)
                return prefix_equal(network->bytes, in6.sin6_addr.s6_addr, network->prefix);
        return IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr) &&
               prefix_equal(network->bytes, in6.sin6_addr.s6_addr + 12, network->prefix);
}
