#pragma once
/*
 * Addresses as configurations write them: literal IPs and ports, never names. A name would make the start depend on a
 * resolver, and a daemon without a network of its own has none.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sockaddr;
struct sockaddr_storage;

typedef struct Address {
        int family;        /* AF_INET, AF_INET6 */
        uint8_t bytes[16]; /* network order; the first four for AF_INET */
        uint16_t port;
} Address;

/* 127.0.0.1:2575, [::1]:2575, with or without tcp:// before it as `is_endpoint` says. Port 1 to 65535. 0 or -EINVAL. */
int address_parse(const char *text, bool is_endpoint, Address *ret);
/* As bind and connect take it; returns the length of it that they ask for beside it. Any thread. */
size_t address_socket(const Address *address, struct sockaddr_storage *ret);
/* Two listeners cannot have both: the same port, and the same address or a wildcard of the family (of either for ::). */
bool address_clashes(const Address *a, const Address *b);

typedef struct Network {
        int family;
        uint8_t bytes[16];
        unsigned prefix; /* bits */
} Network;

/* 192.0.2.0/24, 2001:db8::/32, or one address. Bits behind the prefix must be zero. 0 or -EINVAL. */
int network_parse(const char *text, Network *ret);
/* An IPv4 peer on an IPv6 socket (::ffff:192.0.2.1) is its IPv4 address. */
bool network_contains(const Network *network, const struct sockaddr *peer);
