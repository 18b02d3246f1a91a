#pragma once
/*
 * One connection to a receiver: frames out, frames in, TLS where it is configured. Nothing is tried again in here: who owns it decides
 * when to call again.
 */
#include <stdbool.h>

#include "adapters/mllp/tls.h"
#include "base/bytes.h"
#include "base/loop.h"

typedef struct Link Link;

/* None of these may free the link; all may close it. */
typedef struct LinkOwner {
        void (*on_up)(void *owner);
        /* A whole frame. Borrowed until it returns. */
        void (*on_frame)(void *owner, Bytes frame);
        /* It is gone: `code` is connection-refused, unreachable, tls-failed, connection-lost, bad-answer. `was_sent`: bytes of the last
         * message had left by then. */
        void (*on_down)(void *owner, const char *code, bool was_sent);
        void *owner;
} LinkOwner;

typedef struct LinkOptions {
        const char *address; /* IP:PORT, borrowed */
        TlsContext *tls;     /* borrowed; NULL: none */
        unsigned patience_ms;
} LinkOptions;

int link_new(Loop *loop, const LinkOptions *options, const LinkOwner *owner, Link **ret);
Link *link_free(Link *link);
DEFINE_CLEANUP(Link *, link_free)

typedef enum LinkState {
        LINK_DOWN,
        LINK_CONNECTING, /* up to the end of the handshake */
        LINK_UP,
} LinkState;
LinkState link_state(const Link *link);
/* Begins; on_up() or on_down() follows, later. 0 or -ENOMEM. */
int link_open(Link *link);
/* One message in its frame, while it is up. 0 or -ENOMEM. */
int link_send(Link *link, Bytes message);
/* At once, without on_down(): what comes after is not heard. */
void link_close(Link *link);
/* Why TLS failed, OpenSSL's short text; NULL: it did not. */
const char *link_tls_reason(const Link *link);
