#pragma once
/*
 * Refusals that core, or a handshake, comes to, on their way to the audit, which serve keeps: packed carebus.v1.Refusal, one a datagram of
 * a socket pair of core's. Serve inherits both ends; what was said while serve is down waits in the socket.
 */
#include "base/arena.h"
#include "carebus/v1/audit.pb-c.h"

/* [0] is read, [1] is written. 0 or a negative errno. */
int refused_pair(int ret_fds[2]);
/* Never waits: where the audit does not keep up for long (hundreds are waiting) it is lost there, and stands in the log alone. `fd` -1:
 * nobody keeps an audit. Any thread. */
void refused_tell(int fd, const Carebus__V1__Refusal *refusal);
/* Who did not get past the handshake of `domain` (intake, control, query, feed,
 * live/TEAM; of others nothing is said), and why. Any thread. */
void refused_tell_handshake(int fd, const char *domain, const char *identity, const char *code);
/* The next one, in the arena. 0; 1: there is none; negative. One thread. */
int refused_take(int fd, Arena *arena, Carebus__V1__Refusal **ret);
