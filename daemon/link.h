#pragma once
/*
 * What core and serve say to each other over their socketpair: a stream of frames, each a kind and a payload. Neither
 * side ever waits for the other: what cannot be written yet is kept, what has come in part is kept.
 *
 *   core                              serve
 *   CONFIG (config_text_pack)  -->          once at the start, once at each reload
 *                              <--  READY   the newest CONFIG is in force; the first one means: sockets are bound
 *                              <--  FAILED  the newest CONFIG cannot be used (a sentence for the log); the one before it
 *                                           stays in force, or, at the start, serve ends
 *                              <--  ALIVE   all of its threads have moved since it said so last
 *   STOP                       -->          finish what is begun and exit 0
 *
 * End of file ends serve at once: without core there is nothing to give out.
 *
 * Serve also inherits descriptors, named in CAREBUS_SERVE_FDS: `doorbell=N` (always: rung after each commit of the
 * state), `refusals=N` and `refuse=N` (always: the two ends of daemon/peer/refused.h), `figures=N` (always: those of core, to be
 * mapped), and listeners that a service manager handed to core: `feed=N`, `metrics=N`, `live-TEAM=N`.
 */
#include <stdint.h>

#include "base/bytes.h"
#include "base/cleanup.h"

/* Positive returns. */
enum {
        _LINK_E_SUCCESS,
        LINK_E_AGAIN, /* no whole frame there; or not all could be written: link_flush() when the descriptor can take more */
        LINK_E_CLOSED, /* the other side is gone */
};

typedef enum LinkKind {
        LINK_CONFIG = 1,
        LINK_READY = 2,
        LINK_FAILED = 3,
        LINK_STOP = 4,
        LINK_ALIVE = 5,
} LinkKind;

/* A frame is: length of the payload (u32, little-endian), kind (u32, little-endian), payload. */
#define LINK_HEADER_SIZE 8
#define LINK_PAYLOAD_MAX (64u << 20)

typedef struct Link Link; /* one thread */

/* Makes the descriptor non-blocking and owns it, also when it fails. */
int link_new(int fd, Link **ret);
Link *link_free(Link *link);
DEFINE_CLEANUP(Link *, link_free)
int link_fd(const Link *link);
/* Takes a frame to be sent and writes what can be written. 0 when all is written, LINK_E_AGAIN when a part is kept,
 * LINK_E_CLOSED, -EFBIG, -ENOMEM, or an errno of the socket. */
int link_send(Link *link, LinkKind kind, Bytes payload);
int link_flush(Link *link);
/* The next frame; the payload is borrowed until the next call. LINK_E_AGAIN, LINK_E_CLOSED, -EBADMSG. */
int link_receive(Link *link, LinkKind *ret_kind, Bytes *ret_payload);

#define LINK_FDS_ENVIRONMENT "CAREBUS_SERVE_FDS"
/* Descriptor of that name in CAREBUS_SERVE_FDS, or -ENOENT; -EINVAL when the variable cannot be read. */
int link_inherited(const char *name);
