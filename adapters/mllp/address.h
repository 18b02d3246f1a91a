#pragma once
/* Addresses as configurations write them: 127.0.0.1:2575, [::1]:2575, and networks: 10.1.0.0/16, fd00::/8. */
#include <stdbool.h>
#include <sys/socket.h>

/* Literal host and port; -EINVAL. */
int address_parse(const char *text, struct sockaddr_storage *ret, socklen_t *ret_size);
/* Whether the peer is in one of the networks (a single address is one of its own). An IPv4 peer that came in over IPv6
 * (::ffff:10.0.0.1) is its IPv4 address. No networks: everybody is. */
bool address_is_in(const struct sockaddr_storage *peer, char *const *networks, size_t n_networks);
