/* Questions with a team's rights, over the feed's socket: one at a time, each answered by its id. */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/text.h"
#include "carebus/v1/feed.pb-c.h"
#include "proto/check.h"
#include "proto/validate.h"
#include "proto/wire.h"
#include "sdk/carebus.h"
#include "sdk/connection.h"

#define ARENA_MAX (64U << 20)

/* Fields of FromReader and TeamRequest; of ToReader and TeamAnswer. */
enum { FROM_READER_REQUEST = 6 };
enum {
        REQUEST_ID = 1,
        REQUEST_TEAM = 2,
        REQUEST_WHO = 3,
        REQUEST_RECORD = 10,
        REQUEST_FIND = 11,
        REQUEST_BREAK_GLASS = 12,
        REQUEST_OPEN_CONTACT = 13,
        REQUEST_EVENTS = 14,
        REQUEST_SOURCES = 15,
};
#define ASKED_FOR 3 /* who, system and purpose: REQUEST_WHO and the two behind it */
#define ASKED_FOR_SIZE_MAX 128
enum { TO_READER_REFUSED = 5, TO_READER_ANSWER = 7 };
enum { ANSWER_ID = 1, ANSWER_ERROR = 2, ANSWER_FIRST = 10 }; /* from there on: what was asked for */
enum { REFUSED_REASON = 1 };

struct carebus_ask {
        Connection *feed;
        char *team, *reason;
        char *asked_for[ASKED_FOR]; /* NULL: not said */
        Buffer request, answer;
        Arena *arena;
        uint32_t id;
        bool is_up, sent, answered;
        int result;
};

static int64_t now(void) {
        return clock_monotonic(&clock_system);
}

/* ---- the connection ---------------------------------------------------------------------------------------------------- */

static void send_request(carebus_ask *ask) {
        if (ask->is_up && ask->request.size > 0 && !ask->sent)
                ask->sent = connection_send(ask->feed, buffer_bytes(&ask->request)) == 0;
}

static void on_up(void *owner) {
        carebus_ask *ask = owner;

        ask->is_up = true;
        ask->sent = false; /* what was asked before went with the connection */
        send_request(ask);
}

static void answered(carebus_ask *ask, int result) {
        ask->answered = true;
        ask->result = result;
        connection_settled(ask->feed);
}

static void refused(carebus_ask *ask, Bytes reason) {
        free(ask->reason);
        ask->reason = bytes_to_text(reason);
        answered(ask, -EACCES);
}

static void on_down(void *owner, int not_allowed) {
        carebus_ask *ask = owner;

        ask->is_up = false;
        if (not_allowed)
                refused(ask, BYTES_LITERAL("not-allowed"));
}

/* Answers to what we gave up waiting for have another id. */
static int on_answer(carebus_ask *ask, Bytes message) {
        Bytes error = BYTES_NULL, content = BYTES_NULL;
        uint64_t id = 0;
        WireField field;
        size_t offset = 0;
        int r;

        while ((r = wire_field_next(message, &offset, &field)) == 0) {
                if (field.wire_type == 0 && field.number == ANSWER_ID)
                        id = field.value;
                else if (field.wire_type == 2 && field.number == ANSWER_ERROR)
                        error = field.bytes;
                else if (field.wire_type == 2 && field.number >= ANSWER_FIRST)
                        content = field.bytes;
        }
        if (r != -ENODATA)
                return -EBADMSG;
        if (ask->answered || id != ask->id)
                return 0;
        if (error.size > 0) {
                refused(ask, error);
                return 0;
        }
        buffer_clear(&ask->answer);
        buffer_append_bytes(&ask->answer, content);
        answered(ask, 0);
        return ask->answer.error;
}

static int on_message(void *owner, Bytes payload) {
        carebus_ask *ask = owner;
        WireField field, inner;
        size_t offset = 0, inner_offset = 0;

        if (wire_field_next(payload, &offset, &field) != 0 || field.wire_type != 2)
                return 0;
        if (field.number == TO_READER_ANSWER)
                return on_answer(ask, field.bytes);
        if (field.number == TO_READER_REFUSED && !ask->answered &&
            wire_field_next(field.bytes, &inner_offset, &inner) == 0 && inner.number == REFUSED_REASON &&
            inner.wire_type == 2)
                refused(ask, inner.bytes);
        return 0;
}

/* ---- the public side ------------------------------------------------------------------------------------------------------- */

carebus_ask *carebus_ask_free(carebus_ask *ask) {
        if (!ask)
                return NULL;
        connection_free(ask->feed);
        arena_free(ask->arena);
        buffer_deinit(&ask->request);
        buffer_deinit(&ask->answer);
        free(ask->team);
        free(ask->reason);
        for (size_t i = 0; i < ASKED_FOR; i++)
                free(ask->asked_for[i]);
        free(ask);
        return NULL;
}

DEFINE_CLEANUP(carebus_ask *, carebus_ask_free)

int carebus_ask_new(carebus_ask **ret, const carebus_ask_options *options) {
        static const ConnectionCallbacks callbacks = { .up = on_up, .down = on_down, .message = on_message };
        _cleanup_(carebus_ask_freep) carebus_ask *ask = calloc(1, sizeof(*ask));
        int r;

        if (!ask)
                return -ENOMEM;
        if (!options->team || !name_is_valid(options->team))
                return -EINVAL;
        ask->answered = true;
        ask->team = strdup(options->team);
        if (!ask->team)
                return -ENOMEM;
        r = arena_new(&ask->arena, ARENA_MAX);
        if (r == 0)
                r = connection_new(CONNECTION_DEALER, &options->feed, &callbacks, ask, &ask->feed);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(ask);
        return 0;
}

int carebus_ask_for(carebus_ask *ask, const char *who, const char *system, const char *purpose) {
        const char *const said[ASKED_FOR] = { who, system, purpose };

        for (size_t i = 0; i < ASKED_FOR; i++)
                if (said[i] && strlen(said[i]) > ASKED_FOR_SIZE_MAX)
                        return -EINVAL;
        for (size_t i = 0; i < ASKED_FOR; i++) {
                char *copy = said[i] && said[i][0] ? strdup(said[i]) : NULL;

                if (said[i] && said[i][0] && !copy)
                        return -ENOMEM;
                free(ask->asked_for[i]);
                ask->asked_for[i] = copy;
        }
        return 0;
}

static int make_request(carebus_ask *ask, unsigned field, Bytes request) {
        const Carebus__V1__FromReader *checked;
        _cleanup_(buffer_deinit) Buffer inner = BUFFER_NULL;
        int r;

        wire_number(&inner, REQUEST_ID, ask->id);
        wire_text(&inner, REQUEST_TEAM, ask->team);
        for (unsigned i = 0; i < ASKED_FOR; i++)
                if (ask->asked_for[i])
                        wire_text(&inner, REQUEST_WHO + i, ask->asked_for[i]);
        wire_bytes(&inner, field, request);
        buffer_clear(&ask->request);
        wire_bytes(&ask->request, FROM_READER_REQUEST, buffer_bytes(&inner));
        if (inner.error < 0 || ask->request.error < 0)
                return -ENOMEM;
        arena_reset(ask->arena);
        r = validate_from_reader(buffer_bytes(&ask->request), ask->arena, &checked, NULL);
        return r > 0 ? -EINVAL : r;
}

static int wait_for_answer(carebus_ask *ask, int64_t until) {
        while (!ask->answered) {
                struct pollfd item = { .fd = connection_fd(ask->feed), .events = POLLIN };
                int64_t left = until == INT64_MAX ? INT_MAX : MAX((until - now() + 999) / USEC_PER_MSEC, (int64_t)0);
                int timeout = connection_timeout(ask->feed);
                int r = connection_dispatch(ask->feed);

                if (r < 0)
                        return r;
                send_request(ask);
                if (ask->answered)
                        break;
                if (now() >= until)
                        return -ETIMEDOUT;
                timeout = timeout < 0 ? 1000 : MIN(timeout, 1000);
                if (poll(&item, 1, (int)MIN((int64_t)timeout, left)) < 0 && errno != EINTR)
                        return -errno;
        }
        return ask->result;
}

typedef struct Answer {
        const void **data;
        size_t *size;
        int timeout_ms;
} Answer;

static int ask_for(carebus_ask *ask, unsigned field, Bytes request, Answer answer) {
        int r;

        ask->id++;
        r = make_request(ask, field, request);
        if (r < 0)
                return r;
        ask->answered = ask->sent = false;
        r = wait_for_answer(ask, answer.timeout_ms < 0 ? INT64_MAX : now() + answer.timeout_ms * USEC_PER_MSEC);
        ask->answered = true;
        buffer_clear(&ask->request);
        if (r < 0)
                return r;
        *answer.data = ask->answer.data;
        *answer.size = ask->answer.size;
        return 0;
}

int carebus_ask_record(carebus_ask *ask, const void *request, size_t size, const void **ret, size_t *ret_size,
                       int timeout_ms) {
        return ask_for(ask, REQUEST_RECORD, bytes_of(request, size), (Answer){ ret, ret_size, timeout_ms });
}

int carebus_ask_find(carebus_ask *ask, const void *request, size_t size, const void **ret, size_t *ret_size,
                     int timeout_ms) {
        return ask_for(ask, REQUEST_FIND, bytes_of(request, size), (Answer){ ret, ret_size, timeout_ms });
}

int carebus_ask_break_glass(carebus_ask *ask, const void *request, size_t size, const void **ret, size_t *ret_size,
                            int timeout_ms) {
        return ask_for(ask, REQUEST_BREAK_GLASS, bytes_of(request, size), (Answer){ ret, ret_size, timeout_ms });
}

int carebus_ask_open_contact(carebus_ask *ask, const void *request, size_t size, const void **ret, size_t *ret_size,
                             int timeout_ms) {
        return ask_for(ask, REQUEST_OPEN_CONTACT, bytes_of(request, size), (Answer){ ret, ret_size, timeout_ms });
}

int carebus_ask_events(carebus_ask *ask, const void *request, size_t size, const void **ret, size_t *ret_size,
                       int timeout_ms) {
        return ask_for(ask, REQUEST_EVENTS, bytes_of(request, size), (Answer){ ret, ret_size, timeout_ms });
}

int carebus_ask_sources(carebus_ask *ask, const void **ret, size_t *ret_size, int timeout_ms) {
        return ask_for(ask, REQUEST_SOURCES, BYTES_NULL, (Answer){ ret, ret_size, timeout_ms });
}

const char *carebus_ask_reason(const carebus_ask *ask) {
        return ask->reason;
}
