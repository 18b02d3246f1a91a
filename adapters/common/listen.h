#pragma once
/* The door of an adapter that others connect to. */
#include <stdbool.h>
#include <sys/socket.h>

#include "config/config.h"

/* Binds and listens on 127.0.0.1:2575, [::1]:2575; not blocking, close-on-exec. 0 or a negative errno. */
int listen_on(const char *where, int *ret);
/* The listener that the service manager gives under that name, else one of our own. Both have to be where the configuration says: who may
 * speak goes by that. 0 or a negative errno; what is wrong is said on stderr, in the name of `program`. */
int listen_open(const char *program, const char *name, const char *where, int *ret);
/* Whether `allow_from:` lets this address in: one of its networks, or none is named. */
bool listen_may_connect(const ConfigSource *source, const struct sockaddr *peer);
/* Who connected, for the log: address:port; or the address alone, which is the same for all connections of one who is refused, so that
 * the log counts them together. */
#define LISTEN_PEER_MAX 64
void listen_peer_text(const struct sockaddr_storage *peer, bool with_port, char text[LISTEN_PEER_MAX]);
/* Begins to connect: the descriptor can be written to when it is, or when that failed (SO_ERROR). Keep-alives are on, and what is not
 * acknowledged for `patience_ms` ends it. 0, -EINVAL for an address that is none, or a negative errno. */
int connect_to(const char *where, unsigned patience_ms, int *ret);
/* For a connection that lasts: who vanished without a word is noticed within a minute, though nothing is sent; what is sent and not
 * acknowledged for `patience_ms` ends it; and nothing waits to be sent with something else. */
void listen_keep_alive(int fd, unsigned patience_ms);
