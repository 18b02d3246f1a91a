#pragma once
/* The door of an adapter that others connect to. */
#include <stdbool.h>
#include <sys/socket.h>

#include "config/config.h"

/* Binds and listens on 127.0.0.1:2575, [::1]:2575; not blocking, close-on-exec. 0 or a negative errno. */
int listen_on(const char *where, int *ret);
/* Whether `allow_from:` lets this address in: one of its networks, or none is named. */
bool listen_may_connect(const ConfigSource *source, const struct sockaddr *peer);
