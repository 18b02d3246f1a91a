/*
 * What a reader says: Open, Credit, Ack, Close. Who says it is looked at every time; a right may have gone meanwhile.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/error.h"
#include "base/log.h"
#include "base/text.h"
#include "daemon/serve/ask.h"
#include "daemon/serve/feed-core.h"
#include "daemon/serve/feed-session.h"
#include "proto/validate.h"

#define DETAIL_SIZE 256

/* Why not: a reason code and what to do about it. */
typedef struct Refusal {
        const char *reason;
        char detail[DETAIL_SIZE];
} Refusal;

static int refuse(Refusal *refusal, const char *reason, const char *format, ...) _printf_(3, 4);
static int refuse(Refusal *refusal, const char *reason, const char *format, ...) {
        va_list arguments;

        refusal->reason = reason;
        va_start(arguments, format);
        vsnprintf(refusal->detail, sizeof(refusal->detail), format, arguments);
        va_end(arguments);
        return 0;
}

#define KNOWN "-known"   /* the feed of records behind a destination's last-known list: its name, */
#define KNOWN_OF_NAME 26 /* as far as there is room for both */

static bool is_of_destination(const ConfigDestination *destination, const char *consumer) {
        const size_t n = strnlen(destination->name, KNOWN_OF_NAME);

        return text_equal(destination->name, consumer) ||
               (strncmp(destination->name, consumer, n) == 0 && text_equal(consumer + n, KNOWN));
}

/* The team's own programs; and of a destination, who runs its adapter, as the consumers of that name. */
bool feed_may_open(const Feed *feed, const char *user, size_t team, const char *consumer) {
        if (identity_is(user, &feed->config->teams[team].peer))
                return true;
        for (size_t i = 0; i < feed->config->n_destinations; i++) {
                const ConfigDestination *destination = &feed->config->destinations[i];

                if (destination->team == team && identity_is(user, &destination->peer) &&
                    is_of_destination(destination, consumer))
                        return true;
        }
        return false;
}

/* ---- Open: may it, and from where ---------------------------------------------------------------------------------- */

static void check_open(const Feed *feed, const char *user, const Carebus__V1__Open *open, size_t *ret_team,
                       Refusal *refusal) {
        ssize_t team = config_find_team(feed->config, open->team);

        if (team < 0)
                refuse(refusal, "unknown-team",
                       "the configuration has no team of this name: `carebusctl status` lists them");
        else if (!feed_may_open(feed, user, (size_t)team, open->consumer))
                refuse(refusal, "not-allowed",
                       "this user or key may not read as that team: see user: and key: of the team");
        else if (open->what == CAREBUS__V1__OPEN__WHAT__WHAT_EVENTS &&
                 open->from == CAREBUS__V1__OPEN__FROM__FROM_SNAPSHOT)
                refuse(refusal, "not-offered", "a snapshot is of records: open with what RECORDS");
        else if (open->what == CAREBUS__V1__OPEN__WHAT__WHAT_RECORDS && open->from == CAREBUS__V1__OPEN__FROM__FROM_NOW)
                refuse(refusal, "not-offered", "who reads records reads all of them: open from a snapshot, or resume");
        else
                *ret_team = (size_t)team;
}

/* A place of events says nothing to who reads records: the kind is the name's. */
static void check_kind(const Carebus__V1__Open *open, const Consumer *consumer, Refusal *refusal) {
        if (consumer && consumer->records != (open->what == CAREBUS__V1__OPEN__WHAT__WHAT_RECORDS))
                refuse(refusal, "other-kind", "the consumer of this name reads %s: choose another name for this one",
                       consumer->records ? "records" : "events");
}

/* The journal must hold what the reader says it has: after an older backup was put back it may not, or hold something else
 * under that number. Going on would leave out what came since, in silence. */
static int check_place(Feed *feed, Place place, const Consumer *resumed, Refusal *refusal) {
        int64_t received_at = 0;
        int r;

        if (place.seq == 0)
                return 0;
        if (place.seq > view_head(feed->view)) {
                r = view_has_unfolded(feed->view, place.seq, &received_at);
                if (r < 0)
                        return r;
                if (r == 0)
                        return refuse(refusal, "beyond-end",
                                      "place %" PRIu64 ".%" PRIu32
                                      " lies beyond the end of the journal: was an older backup put back? "
                                      "Open from a place or from now",
                                      place.seq, place.index);
        } else if (resumed) {
                ViewOutcome outcome;

                r = view_outcome(feed->view, place.seq, &outcome);
                if (r < 0)
                        return r;
                received_at = r == 0 ? outcome.received_at : 0;
        }
        if (!resumed || received_at == resumed->received_at)
                return 0;
        return refuse(refusal, "other-journal",
                      "entry %" PRIu64 " is not the one that this consumer acknowledged: was an older backup put back? "
                      "Open from a place or from now",
                      place.seq);
}

/* A restore gave numbers a second time: behind where it began, a place from before stands for another entry. */
static int check_lineage(const Feed *feed, const Carebus__V1__StreamPlace *after, Refusal *refusal) {
        const uint64_t until = after->has_lineage && after->lineage != 0
                                       ? lineage_holds_until(feed->worker->lineage, after->lineage)
                                       : UINT64_MAX;

        if (after->seq <= until)
                return 0;
        return refuse(refusal, "other-journal",
                      "an older backup was put back: behind entry %" PRIu64
                      " other messages have the numbers that you know. Open from a place at or before it, and take all "
                      "that comes",
                      until);
}

static int start_place(Feed *feed, const Carebus__V1__Open *open, const Consumer *consumer, Place *ret,
                       Refusal *refusal) {
        const Consumer *resumed = NULL;
        Place place = PLACE_NULL;
        int r;

        switch (open->from) {
        case CAREBUS__V1__OPEN__FROM__FROM_NOW:
                return place_of_bus(view_txn(feed->view), view_head(feed->view), ret);
        case CAREBUS__V1__OPEN__FROM__FROM_PLACE:
                place = (Place){ .seq = open->after->seq, .index = open->after->index };
                r = check_lineage(feed, open->after, refusal);
                if (r < 0 || refusal->reason)
                        return r;
                break;
        default:
                if (consumer && consumer->acked.seq > 0) {
                        resumed = consumer;
                        place = consumer->acked;
                }
                break;
        }
        r = check_place(feed, place, resumed, refusal);
        if (r < 0 || refusal->reason)
                return r;
        *ret = place;
        return 0;
}

/* Of records: behind which change, and out of which ledger. */
static int start_records(Feed *feed, const Carebus__V1__Open *open, const Consumer *consumer, FeedLedger **ret_ledger,
                         Place *ret, Refusal *refusal) {
        const bool resumes = open->from == CAREBUS__V1__OPEN__FROM__FROM_RESUME && consumer && consumer->acked.seq > 0;
        LedgerPlace from = { .lineage = 0 };
        Place newest;
        int r;

        if (resumes)
                from = (LedgerPlace){ .place = consumer->acked, .lineage = consumer->lineage };
        else if (open->from == CAREBUS__V1__OPEN__FROM__FROM_PLACE)
                from = (LedgerPlace){ .place = { .seq = open->after->seq, .index = open->after->index },
                                      .lineage = open->after->lineage };
        r = feed_ledger_get(feed, open->team, ret_ledger);
        /* A place of another life is no place of the journal as it is now: the ledger knows how far back it has to go. */
        if (r == 0 && (resumes || from.lineage == 0 || from.lineage == ledger_lineage((*ret_ledger)->ledger)))
                r = check_place(feed, from.place, resumes ? consumer : NULL, refusal);
        if (r < 0 || refusal->reason)
                return r;
        newest = ledger_table((*ret_ledger)->ledger)->newest;
        *ret = ledger_resume((*ret_ledger)->ledger, from);
        if (place_compare(*ret, newest) > 0)
                *ret = newest;
        return 0;
}

static int send_opened(Feed *feed, FeedSession *session, Place place) {
        Carebus__V1__StreamPlace at = CAREBUS__V1__STREAM_PLACE__INIT, newest = CAREBUS__V1__STREAM_PLACE__INIT;
        Carebus__V1__Opened opened = CAREBUS__V1__OPENED__INIT;
        Carebus__V1__ToReader to = CAREBUS__V1__TO_READER__INIT;
        Place head;
        int r;

        r = place_of_bus(view_txn(feed->view), view_head(feed->view), &head);
        if (r < 0)
                return r;
        if (session->records.ledger)
                head = session->records.opened_at;
        at.has_seq = at.has_index = newest.has_seq = newest.has_index = true;
        at.seq = place.seq;
        at.index = place.index;
        at.has_lineage = newest.has_lineage = true;
        at.lineage = newest.lineage = session->records.ledger ? ledger_lineage(session->records.ledger->ledger)
                                                              : feed->worker->lineage->id;
        newest.seq = head.seq;
        newest.index = head.index;
        opened.has_protocol = opened.has_max_message_bytes = true;
        opened.protocol = PROTOCOL_VERSION;
        opened.bus = feed->config->bus;
        opened.place = &at;
        opened.head = &newest;
        opened.max_message_bytes = FEED_EVENT_FRAME_MAX;
        r = session->records.ledger ? 0 : feed_park_list(feed, session, &opened.parked, &opened.n_parked);
        if (r < 0)
                return r;
        to.message_case = CAREBUS__V1__TO_READER__MESSAGE_OPENED;
        to.opened = &opened;
        return feed_send(feed, session, &to);
}

/* What an Open comes to, before there is a session. */
typedef struct Opening {
        size_t socket;
        const ZRoute *route;
        const char *user;
        const Carebus__V1__Open *open;
        size_t team;
        Consumer *consumer;
        FeedLedger *ledger; /* NULL: events */
        Place place;
} Opening;

static void take_over(Feed *feed, Consumer *consumer) {
        FeedSession *older = consumer->session;

        log_event(LOG_FEED_TAKEN_OVER, log_name("TEAM", consumer->team), log_name("CONSUMER", consumer->name));
        /* Not to be forgotten with its session. */
        feed_session_count_sent(older);
        older->consumer = NULL;
        feed_session_end(feed, older, "taken-over", "this consumer opened its feed on another connection");
}

/* Who goes back to read something again acknowledges from there; else an Ack counts that goes beyond the last. */
static Place acked_at_open(const Opening *opening) {
        const Place acked = opening->consumer->acked;

        if (opening->ledger)
                return opening->place;
        return opening->open->from == CAREBUS__V1__OPEN__FROM__FROM_PLACE && place_compare(opening->place, acked) < 0
                       ? opening->place
                       : acked;
}

static int begin_session(Feed *feed, const Opening *opening) {
        Consumer *consumer = opening->consumer;
        FeedSession *session;
        int r;

        if (consumer->session)
                take_over(feed, consumer);
        r = feed_session_new(feed, opening->socket, opening->route, &session);
        if (r < 0)
                return r;
        snprintf(session->user, sizeof(session->user), "%s", opening->user);
        session->consumer = consumer;
        consumer->session = session;
        consumer->records = opening->ledger != NULL;
        session->team = opening->team;
        session->credit = MIN(opening->open->credit, FEED_CREDIT_MAX);
        feed_session_set_place(session, opening->place);
        session->acked = acked_at_open(opening);
        if (opening->ledger)
                feed_records_begin(session, opening->ledger, opening->place);
        else
                sent_before_begin(&consumer->sent, opening->place);
        feed->status_dirty = true;
        log_event(LOG_FEED_OPENED, log_name("TEAM", consumer->team), log_name("CONSUMER", consumer->name),
                  log_number("SEQ", (int64_t)opening->place.seq), log_number("INDEX", opening->place.index));
        r = send_opened(feed, session, opening->place);
        if (r == ZSOCK_E_UNREACHABLE || r == ZSOCK_E_AGAIN) {
                feed_session_free(feed, session);
                return 0;
        }
        return r;
}

/* What came since may be gone: who resumes must not go on at the end, or from the beginning, as if nothing had been. */
static int check_forgotten(Feed *feed, const Carebus__V1__Open *open, const Consumer *consumer, Refusal *refusal) {
        const bool records = open->what == CAREBUS__V1__OPEN__WHAT__WHAT_RECORDS;
        uint64_t by;
        int r = feed_forgotten(feed, open, consumer, &by);

        if (r < 0 || by == 0)
                return r;
        return refuse(refusal, "forgotten",
                      "an operator gave up the place of this consumer by entry %" PRIu64
                      ", and what it missed may be gone: %s",
                      by,
                      records ? "open from a snapshot"
                              : "read the records from a snapshot once, then open from now, or from a place");
}

/* From where, and for whom. */
static int prepare(Feed *feed, Opening *opening, Refusal *refusal) {
        const Carebus__V1__Open *open = opening->open;
        const Consumer *known = cursors_find(feed->cursors, open->team, open->consumer);
        int r;

        check_kind(open, known, refusal);
        if (refusal->reason)
                return 0;
        r = check_forgotten(feed, open, known, refusal);
        if (r < 0 || refusal->reason)
                return r;
        r = open->what == CAREBUS__V1__OPEN__WHAT__WHAT_RECORDS
                    ? start_records(feed, open, known, &opening->ledger, &opening->place, refusal)
                    : start_place(feed, open, known, &opening->place, refusal);
        if (r < 0 || refusal->reason)
                return r;
        r = cursors_get(feed->cursors, open->team, open->consumer, &opening->consumer);
        if (r == 0 && !opening->consumer)
                refuse(refusal, "too-many", "a team has at most %d consumers: use the names again", CURSORS_PER_TEAM);
        return r;
}

static int feed_say_refused(Feed *feed, const char *user, const Carebus__V1__Open *open, const char *code) {
        const AuditRefused refused = { .team = open->team,
                                       .peer = user,
                                       .way = open->what == CAREBUS__V1__OPEN__WHAT__WHAT_RECORDS
                                                      ? CAREBUS__V1__AUDIT_WAY__AUDIT_WAY_RECORDS
                                                      : CAREBUS__V1__AUDIT_WAY__AUDIT_WAY_FEED,
                                       .code = code };

        return MIN(audit_say_refused(feed->say, &refused), 0);
}

static int handle_open(Feed *feed, size_t socket, const ZRoute *route, const char *user,
                       const Carebus__V1__Open *open) {
        FeedSession *before = feed_session_find(feed, socket, route);
        Opening opening = { .socket = socket, .route = route, .user = user, .open = open };
        Refusal refusal = { .reason = NULL };
        int r = 0;

        if (before)
                feed_session_free(feed, before);
        check_open(feed, user, open, &opening.team, &refusal);
        if (!refusal.reason)
                r = prepare(feed, &opening, &refusal);
        if (r < 0)
                return r;
        if (refusal.reason) {
                log_event(LOG_FEED_REFUSED, log_name("REASON", refusal.reason), log_name("USER", user),
                          log_name("TEAM", open->team), log_name("CONSUMER", open->consumer));
                feed_send_refused(feed, socket, route, refusal.reason, refusal.detail);
                return feed_say_refused(feed, user, open, refusal.reason);
        }
        return begin_session(feed, &opening);
}

/* ---- Ack ------------------------------------------------------------------------------------------------------------- */

/* Was this place delivered? By this feed, or by live, which the reader takes from as well: then it stands in the audit, or the team sees it
 * still. 1, 0 or negative. */
static int is_deliverable(Feed *feed, const FeedSession *session, Place place, int64_t *ret_received_at) {
        ViewOutcome outcome;
        SightAnswer answer;
        int r = 0;

        /* Live looks at the state with eyes of its own, and may have given out what came after our last look. */
        if (place.seq > view_head(feed->view))
                r = view_renew(feed->view);
        if (r == 0)
                r = view_outcome(feed->view, place.seq, &outcome);
        if (r != 0)
                return MIN(r, 0);
        *ret_received_at = outcome.received_at;
        if (place_compare(place, session->sent) <= 0)
                return 1;
        r = sight_of_event(feed->sight, place.seq, place.index, session->team, &answer, NULL);
        if (r != 0)
                return MIN(r, 0);
        if (answer.gives != SIGHT_NOTHING || !feed->worker->audit)
                return answer.gives != SIGHT_NOTHING;
        return audit_was_given(feed->worker->audit, session->consumer->team, place.seq, place.index);
}

/* The same of records, which live does not bring. */
static int is_delivered(Feed *feed, const FeedSession *session, Place place, int64_t *ret_received_at) {
        ViewOutcome outcome;
        int r;

        if (place_compare(place, session->sent) > 0)
                return 0;
        r = view_outcome(feed->view, place.seq, &outcome);
        if (r != 0)
                return MIN(r, 0);
        *ret_received_at = outcome.received_at;
        return 1;
}

static int handle_ack(Feed *feed, FeedSession *session, const Carebus__V1__Ack *ack) {
        const Place place = { .seq = ack->seq, .index = ack->index };
        FeedLedger *ledger = session->records.ledger;
        int64_t received_at = 0;
        int r;

        if (place.seq > 0 && place_compare(place, session->acked) > 0) {
                r = (ledger ? is_delivered : is_deliverable)(feed, session, place, &received_at);
                if (r < 0)
                        return r;
                if (r == 0) {
                        log_event(LOG_FEED_REFUSED, log_name("REASON", "bad-ack"),
                                  log_name("TEAM", session->consumer->team),
                                  log_name("CONSUMER", session->consumer->name));
                        feed_session_end(feed, session, "bad-ack",
                                         "this place was never delivered; open the feed again");
                        return 0;
                }
                session->acked = session->consumer->acked = place;
                sent_before_acknowledged(&session->consumer->sent, place);
                session->consumer->received_at = received_at;
                session->consumer->acked_at = clock_now_at(&clock_system);
                session->consumer->lineage = ledger ? ledger_lineage(ledger->ledger) : 0;
                feed->cursors_dirty = feed->status_dirty = true;
                /* Live brought it: no need to bring it again. */
                if (place_compare(place, session->sent) > 0)
                        feed_session_set_place(session, place);
        }
        if (ledger)
                feed_records_judge(session, place, bytes_of(ack->digest.data, ack->digest.len));
        session->answer_due = true;
        session->answer_after = feed->writes_begun + (feed->cursors_dirty ? 1 : 0);
        return 0;
}

/* ---- a question -------------------------------------------------------------------------------------------------------- */

static int send_answer(Feed *feed, size_t socket, const ZRoute *route, Carebus__V1__TeamAnswer *answer) {
        Carebus__V1__ToReader to = CAREBUS__V1__TO_READER__INIT;
        int r;

        to.message_case = CAREBUS__V1__TO_READER__MESSAGE_ANSWER;
        to.answer = answer;
        r = feed_send_to(feed, socket, route, &to);
        return MIN(r, 0); /* who does not wait for the answer does not get one */
}

static const char *patient_of_request(const Carebus__V1__TeamRequest *request) {
        if (request->command_case == CAREBUS__V1__TEAM_REQUEST__COMMAND_RECORD)
                return request->record->patient_id;
        if (request->command_case == CAREBUS__V1__TEAM_REQUEST__COMMAND_EVENTS)
                return request->events->patient_id;
        if (request->command_case == CAREBUS__V1__TEAM_REQUEST__COMMAND_BREAK_GLASS)
                return request->break_glass->patient_id;
        if (request->command_case == CAREBUS__V1__TEAM_REQUEST__COMMAND_OPEN_CONTACT)
                return request->open_contact->patient_id;
        return NULL;
}

/* Who asked, for the audit; the code of a refusal is the caller's to set. */
static AuditRefused refused_as(const char *user, const Carebus__V1__TeamRequest *request) {
        return (AuditRefused){ .team = request->team,
                               .peer = user,
                               .who = request->who,
                               .system = request->system,
                               .way = CAREBUS__V1__AUDIT_WAY__AUDIT_WAY_REQUEST,
                               .patient_id = patient_of_request(request) };
}

static int refuse_request(Feed *feed, size_t socket, const ZRoute *route, const char *user,
                          const Carebus__V1__TeamRequest *request, const char *error, const char *detail) {
        Carebus__V1__TeamAnswer answer = CAREBUS__V1__TEAM_ANSWER__INIT;
        AuditRefused refused = refused_as(user, request);
        int r;

        refused.code = error;
        answer.has_id = true;
        answer.id = request->id;
        answer.error = (char *)error;
        answer.detail = (char *)detail;
        log_event(LOG_QUERY_REFUSED, log_name("REASON", error), log_name("USER", user));
        r = audit_say_refused(feed->say, &refused);
        return r < 0 ? r : send_answer(feed, socket, route, &answer);
}

/* Who is looked for and not found is not told of: that somebody looked stands there as what was refused does. */
static int say_nobody_found(Feed *feed, const char *user, const Carebus__V1__TeamRequest *request, const char *advice) {
        AuditRefused refused = refused_as(user, request);

        refused.code = advice;
        return audit_say_refused(feed->say, &refused);
}

/* What is in the answer stands in the audit before it is sent. */
static int answer_request(Feed *feed, size_t socket, const ZRoute *route, const char *user, size_t team,
                          const Carebus__V1__TeamRequest *request) {
        const AuditReader reader = { .team = request->team,
                                     .way = CAREBUS__V1__AUDIT_WAY__AUDIT_WAY_REQUEST,
                                     .peer = user,
                                     .who = request->who,
                                     .system = request->system,
                                     .purpose = request->purpose };
        Ask ask = { .sight = feed->sight,
                    .view = feed->view,
                    .config = feed->config,
                    .sharing = feed->sharing,
                    .team = (ssize_t)team,
                    .say = feed->say };
        Carebus__V1__TeamAnswer *answer;
        int r = feed_records_arena(feed, &ask.arena);

        if (r < 0)
                return r;
        audit_say_begin(feed->say, &reader);
        r = ask_answer(&ask, request, &answer);
        if (r < 0)
                return r;
        if (answer->error)
                return refuse_request(feed, socket, route, user, request, answer->error, answer->detail);
        r = answer->answer_case == CAREBUS__V1__TEAM_ANSWER__ANSWER_FOUND && answer->found->n_candidates == 0
                    ? say_nobody_found(feed, user, request, answer->found->advice)
                    : audit_say_end(feed->say);
        if (r == AUDIT_SAY_E_WAIT)
                return refuse_request(feed, socket, route, user, request, "no-room",
                                      "the disk of the bus is full: what cannot be audited is not given out");
        return r < 0 ? r : send_answer(feed, socket, route, answer);
}

/* The team's own programs may ask anything. Who runs the adapter of one of its destinations asks for what it delivers: records,
 * events with what records leave out, and who was heard when; to look for people, to open a contact or to break the glass is for people of
 * the team. */
static bool may_ask(const Feed *feed, const char *user, size_t team, const Carebus__V1__TeamRequest *request) {
        if (identity_is(user, &feed->config->teams[team].peer))
                return true;
        if (request->command_case != CAREBUS__V1__TEAM_REQUEST__COMMAND_RECORD &&
            request->command_case != CAREBUS__V1__TEAM_REQUEST__COMMAND_EVENTS &&
            request->command_case != CAREBUS__V1__TEAM_REQUEST__COMMAND_SOURCES)
                return false;
        for (size_t i = 0; i < feed->config->n_destinations; i++)
                if (feed->config->destinations[i].team == team &&
                    identity_is(user, &feed->config->destinations[i].peer))
                        return true;
        return false;
}

/* Needs no open feed; the right is looked at like that of one. */
static int handle_request(Feed *feed, size_t socket, const ZRoute *route, const char *user,
                          const Carebus__V1__TeamRequest *request) {
        ssize_t team = config_find_team(feed->config, request->team);

        if (team < 0)
                return refuse_request(feed, socket, route, user, request, "unknown-team",
                                      "the configuration has no team of this name: `carebusctl status` lists them");
        if (!may_ask(feed, user, (size_t)team, request))
                return refuse_request(feed, socket, route, user, request, "not-allowed",
                                      "this user or key may not ask as that team: see user: and key: of the team");
        if (feed_request_is_for_core(request)) {
                const AuditRefused who = refused_as(user, request);
                const FeedCoreFor asker = {
                        .kind = FEED_CORE_GRANT, .socket = socket, .route = route, .id = request->id, .who = &who
                };

                return feed_request_take(feed, &asker, user, request);
        }
        return answer_request(feed, socket, route, user, (size_t)team, request);
}

/* ---- any message ------------------------------------------------------------------------------------------------------ */

static int handle_in_session(Feed *feed, FeedSession *session, const Carebus__V1__FromReader *from) {
        switch (from->message_case) {
        case CAREBUS__V1__FROM_READER__MESSAGE_ACK:
                return handle_ack(feed, session, from->ack);
        case CAREBUS__V1__FROM_READER__MESSAGE_CREDIT:
                session->credit = MIN(session->credit + from->credit->more, FEED_CREDIT_MAX);
                return 0;
        case CAREBUS__V1__FROM_READER__MESSAGE_COMPARED:
                return feed_converge_take(feed, session, from->compared);
        case CAREBUS__V1__FROM_READER__MESSAGE_PARK:
                return feed_park_take(feed, session, from->park);
        case CAREBUS__V1__FROM_READER__MESSAGE_RESUMED:
                return feed_park_resumed(feed, session, from->resumed);
        default:
                feed_session_free(feed, session);
                return 0;
        }
}

static void refuse_invalid(Feed *feed, size_t socket, const ZRoute *route, FeedSession *session,
                           const ValidateError *error) {
        char detail[VALIDATE_DETAIL_SIZE];

        validate_detail(error, detail);
        log_event(LOG_FEED_REFUSED, log_name("REASON", validate_reason(error)));
        if (session)
                feed_session_end(feed, session, validate_reason(error), detail);
        else
                feed_send_refused(feed, socket, route, validate_reason(error), detail);
}

int feed_handle(Feed *feed, size_t socket, const ZRoute *route, const ZFrame *frame) {
        FeedSession *session = feed_session_find(feed, socket, route);
        const char *user = zframe_user_id(frame);
        const Carebus__V1__FromReader *from;
        ValidateError error = VALIDATE_ERROR_NULL;
        int r;

        if (!user)
                return 0; /* nobody got past the handshake without one */
        arena_reset(feed->arena);
        r = validate_from_reader(zframe_bytes(frame), feed->arena, &from, &error);
        if (r < 0)
                return r;
        if (r > 0) {
                refuse_invalid(feed, socket, route, session, &error);
                return 0;
        }
        if (from->message_case == CAREBUS__V1__FROM_READER__MESSAGE_OPEN)
                return handle_open(feed, socket, route, user, from->open);
        if (from->message_case == CAREBUS__V1__FROM_READER__MESSAGE_REQUEST)
                return handle_request(feed, socket, route, user, from->request);
        if (!session) {
                if (from->message_case != CAREBUS__V1__FROM_READER__MESSAGE_CLOSE)
                        feed_send_refused(feed, socket, route, "not-open",
                                          "no feed is open on this connection: say Open");
                return 0;
        }
        if (!text_equal(user, session->user) || !feed_may_open(feed, user, session->team, session->consumer->name)) {
                feed_session_end(feed, session, "not-allowed", "this user or key may no longer read as that team");
                return 0;
        }
        return handle_in_session(feed, session, from);
}
