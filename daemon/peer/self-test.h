#pragma once
/*
 * The proof, at each start, that a key which nobody knows does not get in. libzmq lets every key in when its ZAP handler is
 * missing, and says nothing; so a daemon does not become ready before it has seen a random key refused.
 */
#include "proto/zsock.h"

/* Positive returns. */
enum {
        _SELF_TEST_E_SUCCESS,
        SELF_TEST_E_LET_IN,    /* a random key was let in */
        SELF_TEST_E_NO_ANSWER, /* nothing was said within the time */
        SELF_TEST_E_NO_CURVE,  /* libzmq was built without CURVE */
};

#define SELF_TEST_MS 5000

/* A handshake with a fresh random key pair at a listener of this process. `server_public` is the bus's key. Waits up to
 * SELF_TEST_MS. The calling thread makes and closes a socket of its own. */
int self_test_refuses(ZContext *context, const char *endpoint, const char *server_public);
/* The same on a private ipc socket at `endpoint`, made for it with a fresh server key and `zap_domain`, and removed: for a
 * bus without tcp listeners, and for listeners that are inherited and cannot be reached from inside a private network. */
int self_test_private(ZContext *context, const char *endpoint, const char *zap_domain);
