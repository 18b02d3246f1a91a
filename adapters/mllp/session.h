#pragma once
/*
 * One connection of a sender: bytes in, answers out in the order of the messages. What becomes of a message is decided by
 * the server that owns the session (SessionHost); an Exchange is one message that waits for its answer.
 */
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "adapters/mllp/ack.h"
#include "adapters/mllp/framer.h"
#include "adapters/mllp/tls.h"
#include "base/bytes.h"
#include "base/cleanup.h"

typedef struct Session Session;
typedef struct Exchange Exchange;

#define SESSION_TEXT_SIZE 64

/* What a message is answered. Texts are codes and places of ours. */
typedef struct SessionAnswer {
        AckOutcome outcome;
        AckError error;
        char reason[SESSION_TEXT_SIZE];
        char position[SESSION_TEXT_SIZE];
} SessionAnswer;

typedef struct SessionHost {
        void *owner;
        /* A whole message. The exchange is answered now or later, exactly once, by session_answer(). */
        int (*message)(void *owner, Exchange *exchange, Bytes message);
        /* A trailer of a batch that counts others than came: `position` is BTS-1 or FTS-1, static. Nobody waits for an answer to it. */
        int (*wrong_count)(void *owner, Bytes batch, Bytes trailer, const char *position);
        /* Anything else the framer found. */
        void (*noise)(void *owner, Session *session, const FramerItem *item);
        /* Whether another message may be taken now: what cannot be is left with the sender, by not reading on. */
        bool (*has_room)(void *owner);
        int64_t (*now_at)(void *owner);
        ConfigEnvironment environment; /* for the answers; may change while sessions are open */
} SessionHost;

typedef struct SessionOptions {
        const SessionHost *host; /* outlives the session */
        int fd;                  /* non-blocking; the session's from now on, also when session_new() fails */
        TlsContext *tls;         /* or NULL */
        size_t max_message_bytes;
        size_t max_waiting; /* messages without an answer */
        struct sockaddr_storage peer;
} SessionOptions;

int session_new(const SessionOptions *options, Session **ret);
/* Exchanges that are still on the way lose their session and answer nobody. */
Session *session_free(Session *session);
DEFINE_CLEANUP(Session *, session_free)

/* Reads, frames, hands over, writes: as far as it goes. 0 go on, 1 it is over, -ENOMEM. `scratch` is for reading, shared by all. */
int session_work(Session *session, Buffer *scratch);
/* What it waits for: EPOLLIN, EPOLLOUT. */
uint32_t session_wants(const Session *session);
int session_fd(const Session *session);
/* Whether there is more to do without waiting: kept input and room for it. */
bool session_can_go_on(const Session *session);
/* Stops taking in; what is on the way is still answered. */
void session_stop(Session *session);
size_t session_waiting(const Session *session);
/* Moments (monotonic) for the server's time limits; 0: does not apply. */
int64_t session_inside_since(const Session *session);   /* a message has begun and not ended, or the handshake */
int64_t session_oldest_waiting(const Session *session); /* the first unanswered message came then */
/* Answers everything that has waited since before `before` with `answer`. */
void session_expire(Session *session, int64_t before, const SessionAnswer *answer);
const char *session_tls_failure(const Session *session); /* why the handshake failed, a fixed text; NULL: it did not */
const char *session_peer_text(const Session *session);   /* address:port, for the log */
bool session_is_dirty(const Session *session);           /* answers wait to be written */

/* Whether its MSH can be read: else the answer is AR whatever became of the bytes. */
bool exchange_has_header(const Exchange *exchange);
/* Gives the answer and the exchange up. The answer goes out once all before it are answered. */
void session_answer(Exchange *exchange, const SessionAnswer *answer);
/* No answer at all: the message was an acknowledgement itself. */
void session_answer_nothing(Exchange *exchange);
