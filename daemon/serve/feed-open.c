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

/* ---- Open: may it, and from where ---------------------------------------------------------------------------------- */

static void check_open(const Feed *feed, const char *user, const Carebus__V1__Open *open, size_t *ret_team,
                       Refusal *refusal) {
        ssize_t team = config_find_team(feed->config, open->team);

        if (team < 0)
                refuse(refusal, "unknown-team", "there is no team of this name in the configuration");
        else if (!identity_is(user, &feed->config->teams[team].peer))
                refuse(refusal, "not-allowed",
                       "this user or key may not read as that team: see user: and key: of the team");
        else if (open->what == CAREBUS__V1__OPEN__WHAT__WHAT_RECORDS ||
                 open->from == CAREBUS__V1__OPEN__FROM__FROM_SNAPSHOT)
                refuse(refusal, "not-offered",
                       "this bus gives out events; records and snapshots come with the sharing rules");
        else
                *ret_team = (size_t)team;
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

static int start_place(Feed *feed, const Carebus__V1__Open *open, const Consumer *consumer, size_t team, Place *ret,
                       Refusal *refusal) {
        const Consumer *resumed = NULL;
        Place place = PLACE_NULL;
        int r;

        switch (open->from) {
        case CAREBUS__V1__OPEN__FROM__FROM_NOW:
                return place_newest(view_txn(feed->view), feed->sharing, team, PLACE_LAST, ret);
        case CAREBUS__V1__OPEN__FROM__FROM_PLACE:
                place = (Place){ .seq = open->after->seq, .index = open->after->index };
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
        if (place.seq == 0 || place.seq > view_head(feed->view))
                return 0;
        /* The newest that the team sees at or before it: prev of the first delivery is then the place that Opened says. */
        return place_newest(view_txn(feed->view), feed->sharing, team, place, ret);
}

static int send_opened(Feed *feed, FeedSession *session, Place place) {
        Carebus__V1__StreamPlace at = CAREBUS__V1__STREAM_PLACE__INIT, newest = CAREBUS__V1__STREAM_PLACE__INIT;
        Carebus__V1__Opened opened = CAREBUS__V1__OPENED__INIT;
        Carebus__V1__ToReader to = CAREBUS__V1__TO_READER__INIT;
        Place head;
        int r;

        r = place_newest(view_txn(feed->view), feed->sharing, session->team, PLACE_LAST, &head);
        if (r < 0)
                return r;
        at.has_seq = at.has_index = newest.has_seq = newest.has_index = true;
        at.seq = place.seq;
        at.index = place.index;
        newest.seq = head.seq;
        newest.index = head.index;
        opened.has_protocol = opened.has_max_message_bytes = true;
        opened.protocol = PROTOCOL_VERSION;
        opened.bus = feed->config->bus;
        opened.place = &at;
        opened.head = &newest;
        opened.max_message_bytes = FEED_EVENT_FRAME_MAX;
        to.message_case = CAREBUS__V1__TO_READER__MESSAGE_OPENED;
        to.opened = &opened;
        return feed_send(feed, session, &to);
}

static int begin_session(Feed *feed, size_t socket, const ZRoute *route, const char *user,
                         const Carebus__V1__Open *open, Consumer *consumer, size_t team, Place place) {
        FeedSession *session;
        int r;

        if (consumer->session) {
                FeedSession *older = consumer->session;
                log_event(LOG_FEED_TAKEN_OVER, log_name("TEAM", consumer->team), log_name("CONSUMER", consumer->name));
                /* Not to be forgotten with its session. */
                older->consumer = NULL;
                feed_session_end(feed, older, "taken-over", "this consumer opened its feed on another connection");
        }
        r = feed_session_new(feed, socket, route, &session);
        if (r < 0)
                return r;
        snprintf(session->user, sizeof(session->user), "%s", user);
        session->consumer = consumer;
        consumer->session = session;
        session->team = team;
        session->credit = MIN(open->credit, FEED_CREDIT_MAX);
        feed_session_set_place(session, place);
        /* Who goes back to read something again acknowledges from there; else an Ack counts that goes beyond the last. */
        session->acked = open->from == CAREBUS__V1__OPEN__FROM__FROM_PLACE && place_compare(place, consumer->acked) < 0
                                 ? place
                                 : consumer->acked;
        feed->status_dirty = true;
        log_event(LOG_FEED_OPENED, log_name("TEAM", consumer->team), log_name("CONSUMER", consumer->name),
                  log_number("SEQ", (int64_t)place.seq), log_number("INDEX", place.index));
        r = send_opened(feed, session, place);
        if (r == ZSOCK_E_UNREACHABLE || r == ZSOCK_E_AGAIN) {
                feed_session_free(feed, session);
                return 0;
        }
        return r;
}

static int handle_open(Feed *feed, size_t socket, const ZRoute *route, const char *user,
                       const Carebus__V1__Open *open) {
        FeedSession *before = feed_session_find(feed, socket, route);
        Refusal refusal = { .reason = NULL };
        Consumer *consumer = NULL;
        Place place = PLACE_NULL;
        size_t team = 0;
        int r = 0;

        if (before)
                feed_session_free(feed, before);
        check_open(feed, user, open, &team, &refusal);
        if (!refusal.reason)
                r = start_place(feed, open, cursors_find(feed->cursors, open->team, open->consumer), team, &place,
                                &refusal);
        if (r == 0 && !refusal.reason) {
                r = cursors_get(feed->cursors, open->team, open->consumer, &consumer);
                if (r == 0 && !consumer)
                        refuse(&refusal, "too-many", "a team has at most %d consumers: use the names again",
                               CURSORS_PER_TEAM);
        }
        if (r < 0)
                return r;
        if (refusal.reason) {
                log_event(LOG_FEED_REFUSED, log_name("REASON", refusal.reason), log_name("USER", user),
                          log_name("TEAM", open->team), log_name("CONSUMER", open->consumer));
                feed_send_refused(feed, socket, route, refusal.reason, refusal.detail);
                return 0;
        }
        return begin_session(feed, socket, route, user, open, consumer, team, place);
}

/* ---- Ack ------------------------------------------------------------------------------------------------------------- */

/* Was this place delivered? By this feed, or by live, which the reader takes from as well: then it is an event that stands
 * in the state and that the team sees. 1, 0 or negative. */
static int is_deliverable(Feed *feed, const FeedSession *session, Place place, int64_t *ret_received_at) {
        ViewOutcome outcome;
        Place newest;
        int r = 0;

        /* Live looks at the state with eyes of its own, and may have given out what came after our last look. */
        if (place.seq > view_head(feed->view))
                r = view_renew(feed->view);
        if (r == 0)
                r = view_outcome(feed->view, place.seq, &outcome);
        if (r != 0)
                return MIN(r, 0);
        *ret_received_at = outcome.received_at;
        if (place.index >= outcome.event_count)
                return 0;
        if (place_compare(place, session->sent) <= 0)
                return 1;
        r = place_newest(view_txn(feed->view), feed->sharing, session->team, place, &newest);
        return r < 0 ? r : place_compare(newest, place) == 0;
}

static int handle_ack(Feed *feed, FeedSession *session, const Carebus__V1__Ack *ack) {
        const Place place = { .seq = ack->seq, .index = ack->index };
        int64_t received_at = 0;
        int r;

        if (place.seq > 0 && place_compare(place, session->acked) > 0) {
                r = is_deliverable(feed, session, place, &received_at);
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
                session->consumer->received_at = received_at;
                session->consumer->acked_at = clock_now_at(&clock_system);
                feed->cursors_dirty = feed->status_dirty = true;
                /* Live brought it: no need to bring it again. */
                if (place_compare(place, session->sent) > 0)
                        feed_session_set_place(session, place);
        }
        session->answer_due = true;
        session->answer_after = feed->writes_begun + (feed->cursors_dirty ? 1 : 0);
        return 0;
}

/* ---- any message ------------------------------------------------------------------------------------------------------ */

static int handle_in_session(Feed *feed, FeedSession *session, const Carebus__V1__FromReader *from) {
        switch (from->message_case) {
        case CAREBUS__V1__FROM_READER__MESSAGE_ACK:
                return handle_ack(feed, session, from->ack);
        case CAREBUS__V1__FROM_READER__MESSAGE_CREDIT:
                session->credit = MIN(session->credit + from->credit->more, FEED_CREDIT_MAX);
                return 0;
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
        if (!session) {
                if (from->message_case != CAREBUS__V1__FROM_READER__MESSAGE_CLOSE)
                        feed_send_refused(feed, socket, route, "not-open",
                                          "no feed is open on this connection: say Open");
                return 0;
        }
        if (!text_equal(user, session->user) || !identity_is(user, &feed->config->teams[session->team].peer)) {
                feed_session_end(feed, session, "not-allowed", "this user or key may no longer read as that team");
                return 0;
        }
        return handle_in_session(feed, session, from);
}
