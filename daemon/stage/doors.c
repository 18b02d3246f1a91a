/*
 * Frames in and out: who is there, what waits. Identity is the User-Id of each message, looked up in the configuration in
 * force; the address of an answer is the route of that very message.
 */
#include <stdio.h>

#include "base/error.h"
#include "base/log.h"
#include "base/text.h"
#include "daemon/peer/refused.h"
#include "daemon/stage/intake-parts.h"

#define DETAIL_SIZE 200

void pending_free(Pending *pending) {
        zframe_deinit(&pending->frame);
        free(pending->overflow);
        free(pending);
}

static Pending *pending_of_turn(Turn *turn) {
        return CONTAINER_OF(turn, Pending, turn);
}

static void say_refused(Intake *intake, const char *identity, const char *reason) {
        log_event(LOG_SOURCE_REFUSED, log_name("PEER", identity), log_name("REASON", reason));
        refused_tell_handshake(intake->options.refusals, "intake", identity, reason);
}

static void log_session(const Session *session, LogEvent event) {
        log_event(event, log_name("SOURCE", session->source->name), log_name("PEER", session->identity));
}

void intake_close(Intake *intake, Session *session) {
        Turn *turn;

        if (session->closed)
                return;
        while ((turn = turns_take_from(&intake->turns, &session->lane))) {
                session->source->unanswered += turn->count;
                pending_free(pending_of_turn(turn));
        }
        session->source->traffic.connections -= session->traffic.connections;
        session->source->traffic.waiting -= session->traffic.waiting;
        log_session(session, LOG_SOURCE_GONE);
        sessions_close(intake->sessions, session);
}

static int send_to(Intake *intake, uint8_t door, const ZRoute *route, Bytes message) {
        return zsocket_send_routed(intake->options.doors[door], route, message);
}

int intake_send(Intake *intake, Session *session, Bytes message) {
        int r;

        if (session->closed)
                return 0;
        r = send_to(intake, session->door, &session->route, message);
        if (r < 0)
                return r;
        /* Gone, or it does not read what it is owed: its next message finds no session, and it begins anew. */
        if (r > 0)
                intake_close(intake, session);
        return 0;
}

static int send_packed(Intake *intake, uint8_t door, const ZRoute *route, const Carebus__V1__ToSource *message) {
        size_t size = carebus__v1__to_source__get_packed_size(message);
        uint8_t *room;
        int r;

        buffer_clear(&intake->out);
        room = buffer_reserve(&intake->out, size);
        if (!room)
                return -ENOMEM;
        buffer_advance(&intake->out, carebus__v1__to_source__pack(message, room));
        r = send_to(intake, door, route, buffer_bytes(&intake->out));
        return r < 0 ? r : 0; /* whoever is gone need not know */
}

static int refuse_hello(Intake *intake, uint8_t door, const ZRoute *route, const char *reason, const char *detail) {
        Carebus__V1__ToSource message = CAREBUS__V1__TO_SOURCE__INIT;
        Carebus__V1__HelloRefused refused = CAREBUS__V1__HELLO_REFUSED__INIT;

        refused.reason = (char *)(uintptr_t)reason;
        refused.detail = (char *)(uintptr_t)detail;
        message.message_case = CAREBUS__V1__TO_SOURCE__MESSAGE_REFUSED;
        message.refused = &refused;
        return send_packed(intake, door, route, &message);
}

static int welcome(Intake *intake, Session *session) {
        const Config *config = intake->snapshot->config;
        Carebus__V1__ToSource message = CAREBUS__V1__TO_SOURCE__INIT;
        Carebus__V1__Welcome welcome = CAREBUS__V1__WELCOME__INIT;

        welcome.has_protocol = true;
        welcome.protocol = PROTOCOL_VERSION;
        welcome.bus = config->bus;
        welcome.environment = (char *)(uintptr_t)environment_name(config->environment);
        welcome.has_window = true;
        welcome.window = INTAKE_WINDOW;
        welcome.has_next_number = true;
        welcome.next_number = session->answering;
        welcome.has_max_message_bytes = true;
        welcome.max_message_bytes = (uint32_t)intake->options.max_frame;
        welcome.has_now_at = true;
        welcome.now_at = clock_now_at(intake->options.clock);
        message.message_case = CAREBUS__V1__TO_SOURCE__MESSAGE_WELCOME;
        message.welcome = &welcome;
        return send_packed(intake, session->door, &session->route, &message);
}

/* Why this identity may not come in as this source: a reason, and a sentence for whoever set it up; NULL when it may. */
static const char *hello_refusal(Intake *intake, const char *identity, const Carebus__V1__Hello *hello,
                                 char detail[DETAIL_SIZE]) {
        const Config *config = intake->snapshot->config;
        ssize_t index = config_find_source(config, hello->source);

        if (atomic_load(&intake->options.facts->stop_intake)) {
                snprintf(detail, DETAIL_SIZE, "the bus is stopping: try again");
                return "stopping";
        }
        if (index < 0) {
                snprintf(detail, DETAIL_SIZE,
                         "no source of that name: look under `sources:` in the bus's configuration");
                return "unknown-source";
        }
        if (!identity_is(identity, &config->sources[index].peer)) {
                snprintf(detail, DETAIL_SIZE, "%s may not speak for this source: look at its `user:` or `key:`",
                         identity);
                return "not-allowed";
        }
        if (sessions_count_identity(intake->sessions, identity) >= SESSIONS_PER_IDENTITY_MAX) {
                snprintf(detail, DETAIL_SIZE, "%s holds %d connections already", identity, SESSIONS_PER_IDENTITY_MAX);
                return "too-many";
        }
        return NULL;
}

static int take_hello(Intake *intake, uint8_t door, const ZRoute *route, const char *identity,
                      const Carebus__V1__Hello *hello) {
        Session *session = sessions_find(intake->sessions, door, route);
        char detail[DETAIL_SIZE];
        const char *reason;
        int r;

        if (session)
                intake_close(intake, session); /* what it has no receipt for it sends again, numbered anew */
        reason = hello_refusal(intake, identity, hello, detail);
        if (reason) {
                say_refused(intake, identity, reason);
                return refuse_hello(intake, door, route, reason, detail);
        }
        r = sessions_add(intake->sessions, door, route, identity, source_peers_find(&intake->sources, hello->source),
                         &session);
        if (r < 0)
                return r;
        session->can_retranslate = hello->has_can_retranslate && hello->can_retranslate;
        session->generation = intake->generation;
        session->heard_at = clock_monotonic(intake->options.clock);
        session->source->heard_at = clock_now_at(intake->options.clock);
        log_session(session, LOG_SOURCE_CONNECTED);
        return welcome(intake, session);
}

/* Whether what waits leaves room for this frame. */
static bool has_room(const Intake *intake, const Session *session, size_t bytes, size_t count) {
        if (session->lane.count == 0)
                return true;
        return session->lane.count + count <= INTAKE_WINDOW && session->lane.bytes + bytes <= SESSION_BYTES_MAX &&
               intake->turns.bytes + bytes <= WAITING_BYTES_MAX;
}

/* Of a frame that came over the window nothing is kept but what is needed to refuse it. */
static int pending_overflow(Pending *pending, size_t n_submissions) {
        size_t offset = 0;
        Bytes submission;

        pending->overflow = calloc(n_submissions + 1, sizeof(*pending->overflow));
        if (!pending->overflow)
                return -ENOMEM;
        while (pending->n_overflow < n_submissions &&
               submit_next(pending->submit, &offset, &submission, &pending->overflow[pending->n_overflow]))
                pending->n_overflow++;
        zframe_deinit(&pending->frame);
        pending->submit = BYTES_NULL;
        return 0;
}

/* Takes the frame over. */
static int take_submit(Intake *intake, Session *session, Pending *pending, const FromSource *message) {
        size_t bytes = message->submit.size;

        session->heard_at = clock_monotonic(intake->options.clock);
        session->source->heard_at = clock_now_at(intake->options.clock);
        session->source->arrived += message->n_submissions;
        pending->submit = message->submit;
        if (!has_room(intake, session, bytes, message->n_submissions)) {
                int r = pending_overflow(pending, message->n_submissions);
                if (r < 0) {
                        pending_free(pending);
                        return r;
                }
                bytes = pending->n_overflow * sizeof(*pending->overflow);
        }
        pending->turn = (Turn){ .bytes = bytes + sizeof(*pending), .count = message->n_submissions };
        turns_put(&intake->turns, &session->lane, &pending->turn);
        return 0;
}

static void take_more(uint64_t said, uint64_t *of_session, uint64_t *of_source) {
        const uint64_t now_said = MAX(said, *of_session);

        *of_source += now_said - *of_session;
        *of_session = now_said;
}

/* What stands now: it may go down. */
static void take_level(uint64_t said, uint64_t *of_session, uint64_t *of_source) {
        *of_source += said - *of_session;
        *of_session = said;
}

static void take_traffic(SourcePeer *source, Session *session, const Carebus__V1__Counts *counts) {
        SessionTraffic *was = &session->traffic, *all = &source->traffic;

        take_more(counts->received, &was->received, &all->received);
        take_more(counts->accepted, &was->accepted, &all->accepted);
        take_more(counts->failed, &was->failed, &all->failed);
        take_more(counts->rejected, &was->rejected, &all->rejected);
        take_level(counts->connections, &was->connections, &all->connections);
        take_level(counts->waiting, &was->waiting, &all->waiting);
        all->certificate_ends_at = counts->certificate_ends_at;
}

/* The newest counts, over what it said before; a number that goes down is not believed. */
static void take_counts(const Intake *intake, Session *session, const Carebus__V1__Counts *counts) {
        SourcePeer *source = session->source;
        uint64_t ignored = MAX(counts->ignored, session->ignored_there);
        uint64_t refused = MAX(counts->refused, session->refused_there);

        session->heard_at = clock_monotonic(intake->options.clock);
        source->heard_at = clock_now_at(intake->options.clock);
        source->ignored_there += ignored - session->ignored_there;
        source->refused_there += refused - session->refused_there;
        session->ignored_there = ignored;
        session->refused_there = refused;
        take_traffic(source, session, counts);
}

/* The right to speak is looked up each time, as of the configuration in force: it may have been taken away. */
static bool may_still_speak(Intake *intake, Session *session, const char *identity) {
        const Config *config = intake->snapshot->config;

        if (!text_equal(session->identity, identity))
                return false;
        if (session->generation == intake->generation)
                return true;
        if (!identity_is(identity, &config->sources[session->source->index].peer))
                return false;
        session->generation = intake->generation;
        return true;
}

static int take_message(Intake *intake, uint8_t door, const ZRoute *route, const char *identity, Pending **pending,
                        const FromSource *message) {
        Session *session;

        if (message->what == CAREBUS__V1__FROM_SOURCE__MESSAGE_HELLO)
                return take_hello(intake, door, route, identity, message->hello);
        session = sessions_find(intake->sessions, door, route);
        if (!session)
                return message->what == CAREBUS__V1__FROM_SOURCE__MESSAGE_GOODBYE
                               ? 0
                               : refuse_hello(intake, door, route, "not-greeted",
                                              "say Hello first: the bus knows no session of yours");
        if (!may_still_speak(intake, session, identity)) {
                say_refused(intake, identity, "not-allowed");
                intake_close(intake, session);
                return refuse_hello(intake, door, route, "not-allowed",
                                    "the right to speak for this source was taken away");
        }
        if (message->what == CAREBUS__V1__FROM_SOURCE__MESSAGE_GOODBYE) {
                session->leaving = true;
                if (session->lane.count == 0)
                        intake_close(intake, session);
                return 0;
        }
        if (message->what == CAREBUS__V1__FROM_SOURCE__MESSAGE_COUNTS) {
                take_counts(intake, session, message->counts);
                return 0;
        }
        if (message->what == CAREBUS__V1__FROM_SOURCE__MESSAGE_COVERAGE)
                return fields_take(intake, session->source, message->coverage);
        return take_submit(intake, session, TAKE_PTR(*pending), message);
}

/* A frame that is not the protocol: whoever sent it is told where it breaks, and nothing else happens. */
static int take_rubbish(Intake *intake, uint8_t door, const ZRoute *route, const char *identity,
                        const ValidateError *error) {
        Session *session = sessions_find(intake->sessions, door, route);
        char detail[VALIDATE_DETAIL_SIZE];

        if (session)
                session->source->refused++;
        say_refused(intake, identity, "protocol");
        validate_detail(error, detail);
        return refuse_hello(intake, door, route, "protocol", detail);
}

static void pending_release(Pending **pending) {
        if (*pending)
                pending_free(*pending);
}

/* One frame: 0, ZSOCK_E_AGAIN when there is none, or negative. */
static int receive_one(Intake *intake, uint8_t door) {
        _cleanup_(pending_release) Pending *pending = calloc(1, sizeof(*pending));
        ValidateError error = VALIDATE_ERROR_NULL;
        char identity[IDENTITY_SIZE];
        const char *user_id;
        FromSource message;
        ZRoute route;
        int r;

        if (!pending)
                return -ENOMEM;
        r = zsocket_recv_routed(intake->options.doors[door], &route, &pending->frame);
        if (r != 0)
                return r;
        user_id = zframe_user_id(&pending->frame);
        if (!user_id)
                return 0; /* nobody vouches for it: ZAP lets no such peer in */
        snprintf(identity, sizeof(identity), "%s", user_id);
        arena_reset(intake->arena);
        r = validate_from_source(zframe_bytes(&pending->frame), &intake->limits, intake->arena, &message, &error);
        if (r > 0)
                return take_rubbish(intake, door, &route, identity, &error);
        return r < 0 ? r : take_message(intake, door, &route, identity, &pending, &message);
}

int intake_receive(Intake *intake) {
        for (uint8_t door = 0; door < INTAKE_DOORS_MAX; door++) {
                if (!intake->options.doors[door])
                        continue;
                for (int i = 0; i < DRAIN_FRAMES_MAX; i++) {
                        int r = receive_one(intake, door);
                        if (r < 0)
                                return r;
                        if (r == ZSOCK_E_AGAIN)
                                break;
                }
        }
        return 0;
}

static void review_session(Session *session, void *owner) {
        Intake *intake = owner;

        if (!may_still_speak(intake, session, session->identity)) {
                say_refused(intake, session->identity, "not-allowed");
                (void)refuse_hello(intake, session->door, &session->route, "not-allowed",
                                   "the right to speak for this source was taken away");
                intake_close(intake, session);
        }
}

void intake_review_sessions(Intake *intake) {
        sessions_each(intake->sessions, review_session, intake);
}

static void probe_session(Session *session, void *owner) {
        Intake *intake = owner;
        int64_t now = clock_monotonic(intake->options.clock);
        Carebus__V1__ToSource message = CAREBUS__V1__TO_SOURCE__INIT;
        Carebus__V1__Receipts none = CAREBUS__V1__RECEIPTS__INIT;
        uint8_t packed[16];

        if (now - session->heard_at < SESSION_PROBE_AFTER)
                return;
        session->heard_at = now;
        message.message_case = CAREBUS__V1__TO_SOURCE__MESSAGE_RECEIPTS;
        message.receipts = &none;
        (void)intake_send(intake, session, bytes_of(packed, carebus__v1__to_source__pack(&message, packed)));
}

/* A ROUTER does not tell that a peer has gone, only that a message for it cannot be delivered. So those who have been silent
 * for a while get receipts of nothing. */
void intake_probe_sessions(Intake *intake, int64_t now) {
        if (now - intake->probed_at < USEC_PER_SEC)
                return;
        intake->probed_at = now;
        sessions_each(intake->sessions, probe_session, intake);
}
