/*
 * The source's side: a queue of submissions without a receipt. The front part of it is on the way (numbered), the rest
 * waits to be sent. A lost connection makes everything wait again; the next session numbers it anew.
 */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/text.h"
#include "carebus/v1/intake.pb-c.h"
#include "proto/validate.h"
#include "proto/wire.h"
#include "sdk/carebus.h"
#include "sdk/connection.h"
#include "sdk/coverage.h"

#define HELD_BYTES_DEFAULT (64u << 20)
#define FRAME_SUBMISSIONS_MAX 64
#define FRAME_BYTES_MAX (256u << 10)
#define SUBMISSION_BYTES_MAX (16u << 20) /* until the bus has said what it takes */
#define GREETING_TIMEOUT (5 * USEC_PER_SEC)
#define UNKNOWN_TIME INT64_MIN
#define COUNTS_EVERY USEC_PER_SEC
#define COUNT_MAX (UINT64_C(1) << 53)
/* Figures of fields: nobody waits for them. */
#define COVERAGE_EVERY (5 * USEC_PER_SEC)

typedef struct Held Held;
struct Held {
        Held *next;
        void *cookie;
        uint64_t number; /* when it is on the way */
        size_t size;
        uint8_t data[]; /* fields of a carebus.v1.Submission but `number` */
};

/* What the program answered itself. */
typedef struct Tally {
        uint64_t ignored, refused;
        carebus_traffic traffic;
        uint64_t waiting;
} Tally;

typedef enum Greeting { GREETING_DOWN, GREETING_SENT, GREETING_DONE } Greeting;

struct carebus_source {
        carebus_source_options options;
        char *name, *adapter;
        Connection *connection;
        Arena *arena;
        Buffer frame, body;
        Greeting greeting;
        carebus_state state;
        int64_t greeted_at;                 /* monotonic */
        Held *first, *last, *first_waiting; /* first..before first_waiting are on the way */
        size_t n_held, n_on_way, held_bytes, max_held_bytes, max_submission_bytes;
        uint64_t next_number;
        uint32_t window;
        Tally reported, told, told_before; /* by the program; to the bus; of that in earlier sessions */
        bool tells_traffic;
        int64_t told_at;    /* monotonic */
        Coverage *coverage; /* NULL until the first field */
        int64_t covered_at; /* monotonic */
};

static int64_t now(void) {
        return clock_monotonic(&clock_system);
}

static void set_state(carebus_source *source, carebus_state state, const char *reason) {
        if (source->state == state)
                return;
        source->state = state;
        if (source->options.on_state)
                source->options.on_state(source->options.owner, state, reason);
}

/* ---- sending ---- */

static void append_submission(Buffer *frame, const Held *held, uint64_t number) {
        size_t size = held->size + 1 + wire_varint_size(number);

        wire_length(frame, 1, size); /* Submit.submissions */
        buffer_append(frame, held->data, held->size);
        wire_number(frame, 1, number); /* Submission.number */
}

/* As many as fit a frame and the window. Returns how many it took; the numbers count once the frame is sent. */
static size_t build_frame(carebus_source *source) {
        size_t n = 0;
        Held *held = source->first_waiting;

        buffer_clear(&source->body);
        while (held && n < FRAME_SUBMISSIONS_MAX && source->n_on_way + n < source->window &&
               (n == 0 || source->body.size + held->size < FRAME_BYTES_MAX)) {
                append_submission(&source->body, held, source->next_number + n);
                held = held->next;
                n++;
        }
        buffer_clear(&source->frame);
        wire_bytes(&source->frame, 2, buffer_bytes(&source->body)); /* FromSource.submit */
        return n;
}

static int send_waiting(carebus_source *source) {
        while (source->greeting == GREETING_DONE && source->first_waiting && source->n_on_way < source->window) {
                size_t n = build_frame(source);
                int r = source->body.error ? source->body.error : source->frame.error;

                if (r == 0)
                        r = connection_send(source->connection, buffer_bytes(&source->frame));
                if (r < 0)
                        return r == -EAGAIN ? 0 : r;
                for (size_t i = 0; i < n; i++) {
                        source->first_waiting->number = source->next_number++;
                        source->first_waiting = source->first_waiting->next;
                }
                source->n_on_way += n;
        }
        return 0;
}

static bool has_news(const carebus_source *source) {
        return source->greeting == GREETING_DONE &&
               (memcmp(&source->reported, &source->told, sizeof(source->told)) != 0 ||
                (source->tells_traffic && source->n_held != source->told.waiting));
}

/* In a session counts all since its beginning, so what earlier sessions were told is left out. */
static int send_counts(carebus_source *source) {
        Carebus__V1__Counts counts = CAREBUS__V1__COUNTS__INIT;
        Carebus__V1__FromSource from = CAREBUS__V1__FROM_SOURCE__INIT;
        const carebus_traffic *traffic = &source->reported.traffic, *before = &source->told_before.traffic;
        uint8_t packed[128]; /* nine numbers of ten bytes and their keys */
        int r;

        if (!has_news(source) || now() < source->told_at + COUNTS_EVERY)
                return 0;
        source->reported.waiting = source->tells_traffic ? source->n_held : 0;
        counts.has_ignored = counts.has_refused = true;
        counts.ignored = source->reported.ignored - source->told_before.ignored;
        counts.refused = source->reported.refused - source->told_before.refused;
        counts.has_received = counts.has_accepted = counts.has_failed = counts.has_rejected = true;
        counts.received = traffic->received - before->received;
        counts.accepted = traffic->accepted - before->accepted;
        counts.failed = traffic->failed - before->failed;
        counts.rejected = traffic->rejected - before->rejected;
        counts.has_connections = counts.has_waiting = true;
        counts.connections = traffic->connections;
        counts.waiting = source->reported.waiting;
        counts.has_certificate_ends_at = traffic->certificate_ends_at != 0;
        counts.certificate_ends_at = traffic->certificate_ends_at;
        from.message_case = CAREBUS__V1__FROM_SOURCE__MESSAGE_COUNTS;
        from.counts = &counts;
        r = connection_send(source->connection, bytes_of(packed, carebus__v1__from_source__pack(&from, packed)));
        if (r < 0)
                return r == -EAGAIN ? 0 : r;
        source->told = source->reported;
        source->told_at = now();
        return 0;
}

static bool has_coverage(const carebus_source *source) {
        return source->greeting == GREETING_DONE && source->coverage && coverage_has_news(source->coverage);
}

static int send_coverage(carebus_source *source) {
        int r;

        if (!has_coverage(source) || now() < source->covered_at + COVERAGE_EVERY)
                return 0;
        coverage_encode(source->coverage, &source->body);
        buffer_clear(&source->frame);
        wire_bytes(&source->frame, 5, buffer_bytes(&source->body)); /* FromSource.coverage */
        r = source->body.error ? source->body.error : source->frame.error;
        if (r == 0)
                r = connection_send(source->connection, buffer_bytes(&source->frame));
        if (r < 0)
                return r == -EAGAIN ? 0 : r;
        coverage_sent(source->coverage);
        /* What did not fit the frame comes with the next dispatch. */
        if (!coverage_has_news(source->coverage))
                source->covered_at = now();
        return 0;
}

static void say_hello(carebus_source *source) {
        Carebus__V1__Hello hello = CAREBUS__V1__HELLO__INIT;
        Carebus__V1__FromSource from = CAREBUS__V1__FROM_SOURCE__INIT;
        uint8_t packed[512];

        hello.has_protocol = true;
        hello.protocol = PROTOCOL_VERSION;
        hello.source = source->name;
        hello.adapter = source->adapter;
        hello.has_can_retranslate = true;
        hello.can_retranslate = source->options.on_retranslate != NULL;
        from.message_case = CAREBUS__V1__FROM_SOURCE__MESSAGE_HELLO;
        from.hello = &hello;
        /* Name and adapter were limited when the object was made. */
        size_t size = carebus__v1__from_source__pack(&from, packed);
        source->greeting = GREETING_SENT;
        source->greeted_at = now();
        if (connection_send(source->connection, bytes_of(packed, size)) < 0)
                connection_restart(source->connection, 0);
}

/* ---- the connection's callbacks ---- */

static void on_up(void *owner) {
        say_hello(owner);
}

static void on_down(void *owner, int not_allowed) {
        carebus_source *source = owner;

        source->greeting = GREETING_DOWN;
        source->first_waiting = source->first;
        source->n_on_way = 0;
        set_state(source, not_allowed ? CAREBUS_NOT_ALLOWED : CAREBUS_CONNECTING, not_allowed ? "not-allowed" : NULL);
}

/* Version, window and first number were checked by the validator. */
static int on_welcome(carebus_source *source, const Carebus__V1__Welcome *welcome) {
        source->greeting = GREETING_DONE;
        source->next_number = welcome->next_number;
        source->window = welcome->window;
        if (welcome->max_message_bytes > 1024)
                source->max_submission_bytes = welcome->max_message_bytes - 64; /* the frame's own fields */
        source->first_waiting = source->first;
        source->n_on_way = 0;
        source->told_before = source->told;
        if (source->tells_traffic)
                source->told.waiting = UINT64_MAX; /* what stands now is said anew in each session */
        connection_settled(source->connection);
        set_state(source, CAREBUS_READY, NULL);
        return send_waiting(source);
}

static Held *take_first(carebus_source *source) {
        Held *held = source->first;

        source->first = held->next;
        if (!source->first)
                source->last = NULL;
        source->n_held--;
        source->n_on_way--;
        source->held_bytes -= held->size;
        return held;
}

static carebus_receipt receipt_from(const Carebus__V1__Receipt *receipt) {
        carebus_receipt result = { .result = CAREBUS_REFUSED_LATER, .reason = "unknown-receipt" };

        if (receipt->result_case == CAREBUS__V1__RECEIPT__RESULT_STORED)
                result = (carebus_receipt){ .result = CAREBUS_STORED,
                                            .seq = receipt->stored->seq,
                                            .reason = receipt->stored->quarantined };
        else if (receipt->result_case == CAREBUS__V1__RECEIPT__RESULT_DUPLICATE)
                result = (carebus_receipt){ .result = CAREBUS_DUPLICATE, .seq = receipt->duplicate->of };
        else if (receipt->result_case == CAREBUS__V1__RECEIPT__RESULT_REFUSED)
                result = (carebus_receipt){
                        .result = receipt->refused->permanent ? CAREBUS_REFUSED : CAREBUS_REFUSED_LATER,
                        .reason = receipt->refused->reason,
                        .retry_after_ms = receipt->refused->retry_after_ms,
                };
        return result;
}

/* Receipts come in the order of what was sent. One that does not fit means that the two sides disagree about the session:
 * begin another, in which everything without a receipt is sent again. */
static int on_receipt(carebus_source *source, const Carebus__V1__Receipt *receipt) {
        carebus_receipt result;
        Held *held;

        if (source->greeting != GREETING_DONE || source->n_on_way == 0 || source->first->number != receipt->number) {
                connection_restart(source->connection, 0);
                return 0;
        }
        result = receipt_from(receipt);
        held = take_first(source);
        /* The bus refuses all behind this number until it comes again: so the next to be sent takes it. */
        if (result.result == CAREBUS_REFUSED_LATER && held->number < source->next_number)
                source->next_number = held->number;
        source->options.on_receipt(source->options.owner, held->cookie, &result);
        free(held);
        return 0;
}

static int on_receipts(carebus_source *source, const Carebus__V1__Receipts *receipts) {
        for (size_t i = 0; i < receipts->n_receipts; i++) {
                int r = on_receipt(source, receipts->receipts[i]);
                if (r < 0)
                        return r;
        }
        return send_waiting(source);
}

static int on_refused(carebus_source *source, const Carebus__V1__HelloRefused *refused) {
        /* After a restart of the bus it does not know this session: greet again, nothing is wrong. */
        if (text_equal(refused->reason, "not-greeted")) {
                if (source->greeting == GREETING_DONE)
                        connection_restart(source->connection, 0);
                return 0;
        }
        set_state(source, CAREBUS_NOT_ALLOWED, refused->reason);
        connection_restart(source->connection, 1);
        return 0;
}

static void on_retranslate(carebus_source *source, const Carebus__V1__Retranslate *asked) {
        if (source->options.on_retranslate)
                source->options.on_retranslate(source->options.owner, asked->seq, asked->message_id, asked->media_type,
                                               asked->original.data, asked->original.len);
}

static const ValidateLimits limits = { .max_frame = 64u << 20, .max_original = 64u << 20 };

static int on_message(void *owner, Bytes payload) {
        carebus_source *source = owner;
        const Carebus__V1__ToSource *to;
        int r;

        arena_reset(source->arena);
        r = validate_to_source(payload, &limits, source->arena, &to, NULL);
        if (r == VALIDATE_E_EMPTY)
                return 0; /* a later bus says more: what we do not know we need not */
        if (r != 0) {
                connection_restart(source->connection, 0);
                return 0;
        }
        switch (to->message_case) {
        case CAREBUS__V1__TO_SOURCE__MESSAGE_WELCOME:
                return on_welcome(source, to->welcome);
        case CAREBUS__V1__TO_SOURCE__MESSAGE_RECEIPTS:
                return on_receipts(source, to->receipts);
        case CAREBUS__V1__TO_SOURCE__MESSAGE_REFUSED:
                return on_refused(source, to->refused);
        case CAREBUS__V1__TO_SOURCE__MESSAGE_RETRANSLATE:
                on_retranslate(source, to->retranslate);
                return 0;
        default:
                return 0;
        }
}

/* ---- the public side ---- */

carebus_source *carebus_source_free(carebus_source *source) {
        if (!source)
                return NULL;
        connection_free(source->connection);
        coverage_free(source->coverage);
        while (source->first) {
                Held *held = source->first;
                source->first = held->next;
                free(held);
        }
        buffer_deinit(&source->frame);
        buffer_deinit(&source->body);
        arena_free(source->arena);
        free(source->name);
        free(source->adapter);
        free(source);
        return NULL;
}

DEFINE_CLEANUP(carebus_source *, carebus_source_free)

int carebus_source_new(carebus_source **ret, const carebus_source_options *options) {
        static const ConnectionCallbacks callbacks = { .up = on_up, .down = on_down, .message = on_message };
        _cleanup_(carebus_source_freep) carebus_source *source = calloc(1, sizeof(*source));
        int r;

        if (!source)
                return -ENOMEM;
        if (!options->on_receipt || !options->source || !name_is_valid(options->source))
                return -EINVAL;
        if (options->adapter && strlen(options->adapter) > MESSAGE_ID_MAX)
                return -EINVAL;
        source->options = *options;
        source->max_held_bytes = options->max_held_bytes > 0 ? options->max_held_bytes : HELD_BYTES_DEFAULT;
        source->max_submission_bytes = SUBMISSION_BYTES_MAX;
        source->name = strdup(options->source);
        source->adapter = strdup(options->adapter ? options->adapter : "libcarebus");
        if (!source->name || !source->adapter)
                return -ENOMEM;
        source->options.source = source->name;
        source->options.adapter = source->adapter;
        r = arena_new(&source->arena, 128u << 20);
        if (r == 0)
                r = connection_new(CONNECTION_DEALER, &options->connection, &callbacks, source, &source->connection);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(source);
        return 0;
}

static void append_when(Buffer *body, const carebus_submission *submission) {
        _cleanup_(buffer_deinit) Buffer when = BUFFER_NULL;

        if (submission->message_time == UNKNOWN_TIME && !submission->message_time_text)
                return;
        if (submission->message_time != UNKNOWN_TIME)
                wire_number(&when, 1, (uint64_t)submission->message_time); /* When.utc_at */
        wire_text(&when, 2, submission->message_time_text);                /* When.text */
        wire_bytes(body, 3, buffer_bytes(&when));
        if (when.error)
                body->error = when.error;
}

static void append_problem(Buffer *body, const carebus_submission *submission) {
        _cleanup_(buffer_deinit) Buffer problem = BUFFER_NULL;

        if (!submission->problem_code)
                return;
        wire_text(&problem, 1, submission->problem_code);
        wire_text(&problem, 2, submission->problem_position);
        if (submission->problem_urgent)
                wire_number(&problem, 3, 1);
        wire_bytes(body, 7, buffer_bytes(&problem));
        if (problem.error)
                body->error = problem.error;
}

static int encode(Buffer *body, const carebus_submission *submission) {
        buffer_clear(body);
        wire_text(body, 2, submission->message_id);
        append_when(body, submission);
        wire_text(body, 4, submission->media_type);
        wire_bytes(body, 5, bytes_of(submission->original, submission->original_size));
        for (size_t i = 0; i < submission->n_events; i++)
                wire_bytes(body, 6, bytes_of(submission->events[i].data, submission->events[i].size));
        append_problem(body, submission);
        if (submission->retranslates)
                wire_number(body, 8, submission->retranslates);
        wire_text(body, 9, submission->trigger);
        if (submission->history)
                wire_number(body, 10, 1);
        return body->error;
}

/* The bus ends a connection over a frame that is too large, and what was queued behind it is lost: so ask here. */
static int check_submission(const carebus_source *source, const carebus_submission *submission) {
        size_t size = submission->original_size;

        for (size_t i = 0; i < submission->n_events; i++)
                size += submission->events[i].size + 16;
        if (submission->message_id && strlen(submission->message_id) > MESSAGE_ID_MAX)
                return -EINVAL;
        if (submission->original_size > 0 && !submission->original)
                return -EINVAL;
        if (size + 1024 > source->max_submission_bytes)
                return -EMSGSIZE;
        return source->held_bytes > 0 && source->held_bytes + size > source->max_held_bytes ? -EAGAIN : 0;
}

int carebus_source_submit(carebus_source *source, const carebus_submission *submission, void *cookie) {
        Held *held;
        int r = check_submission(source, submission);

        if (r == 0)
                r = encode(&source->body, submission);
        if (r < 0)
                return r;
        held = malloc(sizeof(*held) + source->body.size);
        if (!held)
                return -ENOMEM;
        *held = (Held){ .cookie = cookie, .size = source->body.size };
        memcpy(held->data, source->body.data, source->body.size);
        if (source->last)
                source->last->next = held;
        else
                source->first = held;
        source->last = held;
        if (!source->first_waiting)
                source->first_waiting = held;
        source->n_held++;
        source->held_bytes += held->size;
        return 0;
}

int carebus_source_report(carebus_source *source, uint64_t ignored, uint64_t refused) {
        if (ignored < source->reported.ignored || refused < source->reported.refused || ignored > COUNT_MAX ||
            refused > COUNT_MAX)
                return -EINVAL;
        source->reported.ignored = ignored;
        source->reported.refused = refused;
        return 0;
}

int carebus_source_report_traffic(carebus_source *source, const carebus_traffic *traffic) {
        const carebus_traffic *before = &source->reported.traffic;

        if (traffic->received < before->received || traffic->accepted < before->accepted ||
            traffic->failed < before->failed || traffic->rejected < before->rejected ||
            MAX(MAX(traffic->received, traffic->accepted), MAX(traffic->failed, traffic->rejected)) > COUNT_MAX ||
            MAX(traffic->connections, traffic->certificate_ends_at) > COUNT_MAX)
                return -EINVAL;
        source->reported.traffic = *traffic;
        source->tells_traffic = true;
        return 0;
}

int carebus_source_cover(carebus_source *source, const char *path, carebus_field_use use) {
        if (!source->coverage) {
                int r = coverage_new(&source->coverage);

                if (r < 0)
                        return r;
        }
        return coverage_add(source->coverage, path, use);
}

int carebus_source_fd(const carebus_source *source) {
        return connection_fd(source->connection);
}

/* `timeout` in milliseconds, -1 none; `at` monotonic. */
static int sooner(int timeout, int64_t at) {
        int64_t left = (at - now()) / USEC_PER_MSEC + 1;
        int own = left > 0 ? (int)left : 0;

        return timeout < 0 ? own : MIN(timeout, own);
}

int carebus_source_timeout(const carebus_source *source) {
        int timeout = connection_timeout(source->connection);

        if (source->greeting == GREETING_SENT)
                timeout = sooner(timeout, source->greeted_at + GREETING_TIMEOUT);
        if (has_news(source))
                timeout = sooner(timeout, source->told_at + COUNTS_EVERY);
        if (has_coverage(source))
                timeout = sooner(timeout, source->covered_at + COVERAGE_EVERY);
        return timeout;
}

int carebus_source_dispatch(carebus_source *source) {
        int r;

        if (source->greeting == GREETING_SENT && now() >= source->greeted_at + GREETING_TIMEOUT)
                connection_restart(source->connection, 0);
        r = send_waiting(source);
        if (r == 0)
                r = send_counts(source);
        if (r == 0)
                r = send_coverage(source);
        if (r == 0)
                r = connection_dispatch(source->connection);
        /* What the receipts made room for; the descriptor's edge may have gone by with the last send. */
        if (r == 0 && source->first_waiting && source->n_on_way < source->window) {
                r = send_waiting(source);
                if (r == 0)
                        r = connection_dispatch(source->connection);
        }
        return r;
}

static int time_left(int64_t until) {
        int64_t left = until == INT64_MAX ? INT_MAX : (until - now()) / USEC_PER_MSEC;
        return left <= 0 ? 0 : (int)MIN(left, (int64_t)INT_MAX);
}

int carebus_source_flush(carebus_source *source, int timeout_ms) {
        int64_t until = timeout_ms < 0 ? INT64_MAX : now() + timeout_ms * USEC_PER_MSEC;

        for (;;) {
                struct pollfd item = { .fd = connection_fd(source->connection), .events = POLLIN };
                int own, left, r = carebus_source_dispatch(source);

                if (r < 0)
                        return r;
                if (source->n_held == 0)
                        return 0;
                left = time_left(until);
                if (left == 0 && timeout_ms >= 0)
                        return -ETIMEDOUT;
                own = carebus_source_timeout(source);
                /* A second at most: an edge that libzmq swallowed costs no more than that. */
                left = MIN(left, own < 0 ? 1000 : MIN(own, 1000));
                if (poll(&item, 1, left) < 0 && errno != EINTR)
                        return -errno;
        }
}

size_t carebus_source_in_flight(const carebus_source *source) {
        return source->n_held;
}

carebus_state carebus_source_state(const carebus_source *source) {
        return source->state;
}
