/* See session.h. */
#include "adapters/mllp/session.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>

#include "adapters/common/listen.h"
#include "adapters/mllp/batch.h"
#include "base/clock.h"

#define READ_SIZE (64u << 10)
#define READS_PER_TURN 4 /* then the others have theirs */
#define OUT_MAX (1u << 20)
#define MSH_MAX 2048

/* Held by its session's queue and by whoever will answer: gone when both have let go. */
struct Exchange {
        Exchange *next;
        Session *session;
        unsigned references;
        bool answered, silent;
        SessionAnswer answer;
        int64_t came; /* monotonic */
        size_t msh_size;
        uint8_t msh[]; /* the message's MSH segment: all that the answer needs */
};

struct Session {
        const SessionHost *host;
        int fd;
        Tls *tls;
        bool handshake_done, handshake_failed, tls_wants_write, stopped, ended, dirty;
        Framer framer;
        Buffer rest; /* read, but not yet taken: no room */
        Buffer out;
        Exchange *first, *last;
        size_t n_waiting, max_waiting;
        int64_t inside_since;
        uint64_t n_answers;
        char peer[LISTEN_PEER_MAX];
};

static int64_t now(void) {
        return clock_monotonic(&clock_system);
}

int session_new(const SessionOptions *options, Session **ret) {
        _cleanup_(session_freep) Session *session = calloc(1, sizeof(*session));

        if (!session) {
                close(options->fd);
                return -ENOMEM;
        }
        session->fd = options->fd;
        session->host = options->host;
        session->framer = FRAMER_INIT(options->max_message_bytes);
        session->max_waiting = options->max_waiting;
        session->inside_since = now();
        listen_peer_text(&options->peer, /* with_port= */ true, session->peer);
        if (options->tls) {
                int r = tls_new(options->tls, session->fd, &session->tls);
                if (r < 0)
                        return r;
        } else {
                session->handshake_done = true;
                session->inside_since = 0;
        }
        *ret = TAKE_PTR(session);
        return 0;
}

static void exchange_unref(Exchange *exchange) {
        if (--exchange->references == 0)
                free(exchange);
}

Session *session_free(Session *session) {
        if (!session)
                return NULL;
        while (session->first) {
                Exchange *exchange = session->first;
                session->first = exchange->next;
                exchange->session = NULL;
                exchange_unref(exchange);
        }
        if (session->tls) {
                tls_close(session->tls);
                tls_free(session->tls);
        }
        if (session->fd >= 0)
                close(session->fd);
        framer_deinit(&session->framer);
        buffer_deinit(&session->rest);
        buffer_deinit(&session->out);
        free(session);
        return NULL;
}

/* ---- answers ---- */

static void append_answer(Session *session, const Exchange *exchange) {
        Hl7Header header;
        Hl7Error error;
        /* Refuses an empty MSH too: then the answer is in default separators and echoes nothing. */
        bool readable = hl7_header_read(bytes_of(exchange->msh, exchange->msh_size), &header, &error) == 0;
        AckRequest request = {
                .header = readable ? &header : NULL,
                .outcome = exchange->answer.outcome,
                .error = exchange->answer.error,
                .position = exchange->answer.position[0] ? exchange->answer.position : NULL,
                .reason = exchange->answer.reason[0] ? exchange->answer.reason : NULL,
                .now_at = session->host->now_at(session->host->owner),
                .number = ++session->n_answers,
                .environment = session->host->environment,
        };

        (void)ack_append_frames(&session->out, &request);
        session->dirty = true;
}

/* A sender matches answers by their order as much as by MSA-2: what is answered early waits for what came before it. */
static void give_answers(Session *session) {
        while (session->first && session->first->answered) {
                Exchange *exchange = session->first;

                session->first = exchange->next;
                if (!session->first)
                        session->last = NULL;
                session->n_waiting--;
                if (!exchange->silent)
                        append_answer(session, exchange);
                exchange->session = NULL;
                exchange_unref(exchange);
        }
}

static void answer(Exchange *exchange, const SessionAnswer *given) {
        if (!exchange->session || exchange->answered)
                return;
        exchange->answered = true;
        exchange->silent = given == NULL;
        if (given)
                exchange->answer = *given;
        give_answers(exchange->session);
}

void session_answer(Exchange *exchange, const SessionAnswer *given) {
        answer(exchange, given);
        exchange_unref(exchange);
}

void session_answer_nothing(Exchange *exchange) {
        answer(exchange, NULL);
        exchange_unref(exchange);
}

void session_expire(Session *session, int64_t before, const SessionAnswer *given) {
        for (Exchange *exchange = session->first; exchange && exchange->came < before; exchange = exchange->next)
                if (!exchange->answered) {
                        exchange->answered = true;
                        exchange->answer = *given;
                }
        give_answers(session);
}

/* ---- messages ---- */

static size_t msh_size(Bytes message) {
        size_t limit = MIN(message.size, (size_t)MSH_MAX), start = 0;

        /* White space and a byte order mark may stand before it; hl7_header_read() passes over the same. */
        while (start < limit && (message.data[start] <= ' ' || message.data[start] >= 0xBB))
                start++;
        for (size_t i = start; i < limit; i++)
                if (message.data[i] == '\r' || message.data[i] == '\n')
                        return i;
        return limit;
}

static Exchange *exchange_new(Session *session, Bytes message) {
        size_t size = msh_size(message);
        Exchange *exchange = malloc(sizeof(*exchange) + size);

        if (!exchange)
                return NULL;
        *exchange = (Exchange){ .session = session, .references = 2, .came = now(), .msh_size = size };
        if (size > 0)
                memcpy(exchange->msh, message.data, size);
        if (session->last)
                session->last->next = exchange;
        else
                session->first = exchange;
        session->last = exchange;
        session->n_waiting++;
        return exchange;
}

static int take_message(Session *session, Bytes message) {
        Exchange *exchange = exchange_new(session, message);
        return exchange ? session->host->message(session->host->owner, exchange, message) : -ENOMEM;
}

/* Whose head came in a frame of its own counts what came in others: nobody can say whether that is right. */
static int tell_count(Session *session, Bytes batch, Bytes *trailer, const char *position) {
        Bytes wrong = *trailer;

        *trailer = BYTES_NULL;
        return wrong.data && batch_has_head(batch)
                       ? session->host->wrong_count(session->host->owner, batch, wrong, position)
                       : 0;
}

static int tell_counts(Session *session, Bytes batch, BatchReader *reader) {
        int r = tell_count(session, batch, &reader->wrong_batch, "BTS-1");

        return r < 0 ? r : tell_count(session, batch, &reader->wrong_file, "FTS-1");
}

/* An envelope with nothing in it: there is nothing to store, and its sender waits. */
static int answer_empty(Session *session, Bytes envelope) {
        static const SessionAnswer empty = { .outcome = ACK_STORED };
        Exchange *exchange = exchange_new(session, envelope);

        if (!exchange)
                return -ENOMEM;
        session_answer(exchange, &empty);
        return 0;
}

/* Several messages in one frame: each is a message of its own, with an answer of its own. */
static int take_batch(Session *session, Bytes batch) {
        BatchReader reader = BATCH_READER_INIT(batch);
        bool is_empty = true;
        Bytes message;
        int r = 0;

        while (r == 0 && batch_next(&reader, &message)) {
                is_empty = false;
                r = tell_counts(session, batch, &reader);
                if (r == 0)
                        r = take_message(session, message);
        }
        if (r == 0)
                r = tell_counts(session, batch, &reader);
        return r == 0 && is_empty ? answer_empty(session, batch) : r;
}

static int take_too_large(Session *session, Bytes head) {
        static const SessionAnswer too_large = { .outcome = ACK_NEVER,
                                                 .error = ACK_ERROR_INTERNAL,
                                                 .reason = "too-large" };
        Exchange *exchange = exchange_new(session, head);

        if (!exchange)
                return -ENOMEM;
        session_answer(exchange, &too_large);
        return 0;
}

static int take_item(Session *session, const FramerItem *item) {
        if (item->kind == FRAMER_MESSAGE)
                return batch_is_batch(item->bytes) ? take_batch(session, item->bytes)
                                                   : take_message(session, item->bytes);
        session->host->noise(session->host->owner, session, item);
        return item->kind == FRAMER_TOO_LARGE ? take_too_large(session, item->bytes) : 0;
}

static bool has_room(const Session *session) {
        return session->n_waiting < session->max_waiting && session->out.size < OUT_MAX &&
               session->host->has_room(session->host->owner);
}

static void note_inside(Session *session) {
        if (!framer_is_inside(&session->framer))
                session->inside_since = 0;
        else if (session->inside_since == 0)
                session->inside_since = now();
}

/* Frames as long as there is room; what is left of the input is given back. */
static int take_input(Session *session, Bytes *input) {
        while (input->size > 0 && has_room(session)) {
                FramerItem item;
                int r = framer_next(&session->framer, input, &item);

                if (r < 0)
                        return r;
                if (r == FRAMER_MORE)
                        break;
                session->inside_since = 0;
                r = take_item(session, &item);
                if (r < 0)
                        return r;
        }
        note_inside(session);
        return 0;
}

static int take_rest(Session *session) {
        Bytes input = buffer_bytes(&session->rest);
        int r = take_input(session, &input);

        buffer_consume(&session->rest, session->rest.size - input.size);
        return r;
}

/* ---- the socket ---- */

/* 0 with ret_n > 0; TLS_E_WANT_READ: nothing there; TLS_E_CLOSED, TLS_E_FAILED: it is over. */
static int read_some(Session *session, Buffer *scratch, size_t *ret_n) {
        ssize_t n;

        if (!buffer_reserve(scratch, READ_SIZE))
                return -ENOMEM;
        if (session->tls)
                return tls_read(session->tls, scratch->data, READ_SIZE, ret_n);
        n = recv(session->fd, scratch->data, READ_SIZE, 0);
        if (n > 0) {
                *ret_n = (size_t)n;
                return 0;
        }
        if (n == 0)
                return TLS_E_CLOSED;
        return errno == EAGAIN || errno == EINTR ? TLS_E_WANT_READ : TLS_E_FAILED;
}

static int write_some(Session *session, size_t *ret_n) {
        ssize_t n;

        if (session->tls)
                return tls_write(session->tls, session->out.data, session->out.size, ret_n);
        n = send(session->fd, session->out.data, session->out.size, MSG_NOSIGNAL);
        if (n >= 0) {
                *ret_n = (size_t)n;
                return 0;
        }
        return errno == EAGAIN || errno == EINTR ? TLS_E_WANT_WRITE : TLS_E_FAILED;
}

static void finish_input(Session *session) {
        FramerItem item;

        session->ended = true;
        while (framer_finish(&session->framer, &item) > 0)
                session->host->noise(session->host->owner, session, &item);
}

static int shake_hands(Session *session) {
        int r = tls_handshake(session->tls);

        session->tls_wants_write = r == TLS_E_WANT_WRITE;
        if (r == 0) {
                session->handshake_done = true;
                session->inside_since = 0;
        }
        session->handshake_failed = r == TLS_E_FAILED;
        return r;
}

static int read_turn(Session *session, Buffer *scratch) {
        for (unsigned i = 0;
             i < READS_PER_TURN && !session->ended && !session->stopped && session->rest.size == 0 && has_room(session);
             i++) {
                size_t n = 0;
                Bytes input;
                int r = read_some(session, scratch, &n);

                if (r < 0)
                        return r;
                if (r == TLS_E_WANT_READ)
                        return 0;
                session->tls_wants_write = r == TLS_E_WANT_WRITE;
                if (r == TLS_E_WANT_WRITE)
                        return 0;
                if (r != 0) {
                        finish_input(session);
                        return 0;
                }
                input = bytes_of(scratch->data, n);
                r = take_input(session, &input);
                buffer_append_bytes(&session->rest, input);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int write_turn(Session *session) {
        while (session->out.size > 0) {
                size_t n = 0;
                int r = write_some(session, &n);

                if (r == TLS_E_WANT_READ || r == TLS_E_WANT_WRITE)
                        return 0;
                if (r != 0)
                        return 1;
                buffer_consume(&session->out, n);
        }
        session->dirty = false;
        return 0;
}

int session_work(Session *session, Buffer *scratch) {
        int r;

        if (!session->handshake_done) {
                r = shake_hands(session);
                if (r == TLS_E_WANT_READ || r == TLS_E_WANT_WRITE)
                        return 0;
                if (r != 0)
                        return r < 0 ? r : 1;
        }
        r = session->rest.size > 0 && !session->stopped ? take_rest(session) : 0;
        if (r == 0)
                r = read_turn(session, scratch);
        if (r == 0)
                r = session->out.error ? session->out.error : session->rest.error;
        if (r == 0)
                r = write_turn(session);
        if (r != 0)
                return r;
        /* The sender closed its side; it may still read what it asked for. */
        return session->ended && session->n_waiting == 0 && session->out.size == 0 && session->rest.size == 0;
}

uint32_t session_wants(const Session *session) {
        bool reads = !session->ended && !session->stopped && session->rest.size == 0 && has_room(session);
        uint32_t events = reads || !session->handshake_done ? EPOLLIN : 0;

        if (session->out.size > 0 || session->tls_wants_write)
                events |= EPOLLOUT;
        return events;
}

bool session_can_go_on(const Session *session) {
        return !session->stopped && session->handshake_done && session->rest.size > 0 && has_room(session);
}

int session_fd(const Session *session) {
        return session->fd;
}

void session_stop(Session *session) {
        session->stopped = true;
}

size_t session_waiting(const Session *session) {
        return session->n_waiting;
}

int64_t session_inside_since(const Session *session) {
        return session->inside_since;
}

int64_t session_oldest_waiting(const Session *session) {
        for (const Exchange *exchange = session->first; exchange; exchange = exchange->next)
                if (!exchange->answered)
                        return exchange->came;
        return 0;
}

const char *session_tls_failure(const Session *session) {
        return session->handshake_failed ? tls_reason(session->tls) : NULL;
}

const char *session_peer_text(const Session *session) {
        return session->peer;
}

bool session_is_dirty(const Session *session) {
        return session->dirty;
}

bool exchange_has_header(const Exchange *exchange) {
        Hl7Header header;
        Hl7Error error;
        return hl7_header_read(bytes_of(exchange->msh, exchange->msh_size), &header, &error) == 0;
}
