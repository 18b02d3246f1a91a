/*
 * Rounds: every session gets a share of deliveries in turn, each from its own place, within its credit. What a team sees is asked for each
 * event when its share is made ready; the share stands in the audit; then it is sent.
 */
#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "daemon/serve/disclose.h"
#include "daemon/serve/feed-core.h"
#include "daemon/serve/feed-session.h"
#include "daemon/serve/record-cut.h"

#define SHARE_EVENTS 128 /* deliveries of one session in one round */
#define SHARE_BYTES (512U << 10)
#define SHARE_LOOKED_AT 512                   /* entries, visible or not */
#define SHARE_SEARCHED 4096                   /* outcomes, in a search for the next entry that may speak to the team */
#define PASSED_BEFORE_SEARCH 16               /* entries that had nothing for the team, before it */
#define SILENT_SAYS_PLACE (15 * USEC_PER_SEC) /* a ROUTER learns that a peer is gone only by sending to it */

typedef struct Share {
        unsigned events, looked_at, passed;
        size_t bytes;
} Share;

/* One delivery that is ready, its frame a range of feed->frames. */
typedef struct Ready {
        size_t offset, size;
        Place place;
} Ready;

/* Where a session is while its share is made ready. */
typedef struct Reading {
        Feed *feed;
        FeedSession *session;
        Share *share;
        uint64_t next_seq;
        size_t next_index;
        Place sent;
} Reading;

/* ---- one event -------------------------------------------------------------------------------------------------------- */

/* The record so far beside the event that grants it, as the team sees it now; empty where it sees nothing any more. */
static int read_so_far(Reading *reading, const PublishedEvent *event, Place place, Bytes *ret) {
        Feed *feed = reading->feed;
        Carebus__V1__Record *record;
        Arena *arena;
        int r;

        *ret = BYTES_NULL;
        if (strcmp(event->type, "record.granted") != 0)
                return 0;
        r = feed_records_arena(feed, &arena);
        if (r == 0)
                r = record_for_team_packed(feed->sight, (ssize_t)reading->session->team, event->patient_id, arena,
                                           &record, ret);
        if (r != 0)
                return MIN(r, 0);
        if (place_compare(place, reading->session->audited) > 0)
                return disclose_record(feed->say, feed->sight, (ssize_t)reading->session->team, record);
        return 0;
}

/* Its frame goes to the others; nothing of it is sent before all of them stand in the audit. */
static int make_ready(Reading *reading, PublishedEntry *entry, size_t index, const SightAnswer *answer) {
        Feed *feed = reading->feed;
        PublishedEvent *event = &entry->events[index];
        Ready ready = { .offset = feed->frames.size, .place = { .seq = entry->seq, .index = (uint32_t)index } };
        const PublishAt at = { .place = ready.place,
                               .previous = reading->sent,
                               .sent_before = sent_before_times(&reading->session->consumer->sent, ready.place) };
        PublishedBytes *bytes;
        Bytes so_far;
        int r;

        r = sight_bytes(feed->sight, entry, index, reading->session->team, answer, &bytes);
        if (r == 0)
                r = read_so_far(reading, event, ready.place, &so_far);
        if (r < 0)
                return r;
        if (so_far.size)
                publish_frame_so_far(PUBLISH_FEED, bytes, &at, so_far, &feed->frames);
        else
                buffer_append_bytes(&feed->frames, publish_frame(PUBLISH_FEED, bytes, &at));
        if (place_compare(ready.place, reading->session->audited) > 0)
                disclose_event(feed->say, feed->sight, event, ready.place, bytes, answer);
        ready.size = feed->frames.size - ready.offset;
        buffer_append(&feed->ready, &ready, sizeof(ready));
        reading->sent = ready.place;
        reading->share->events++;
        reading->share->bytes += ready.size;
        return feed->frames.error ? feed->frames.error : feed->ready.error;
}

/* ---- a share ------------------------------------------------------------------------------------------------------------ */

static bool share_is_full(const Reading *reading) {
        const Share *share = reading->share;

        return share->events >= MIN(reading->session->credit, SHARE_EVENTS) || share->bytes >= SHARE_BYTES;
}

static int read_entry(Reading *reading, PublishedEntry *entry) {
        const unsigned before = reading->share->events;

        while (reading->next_index < entry->n_events) {
                SightAnswer answer;
                int r;

                if (share_is_full(reading))
                        return 0;
                r = sight_of(reading->feed->sight, entry, reading->next_index, reading->session->team, &answer);
                if (r == 0 && answer.gives != SIGHT_NOTHING)
                        r = make_ready(reading, entry, reading->next_index, &answer);
                if (r < 0)
                        return r;
                reading->next_index++;
        }
        reading->next_seq = entry->seq + 1;
        reading->next_index = 0;
        reading->share->passed = reading->share->events > before ? 0 : reading->share->passed + 1;
        return 0;
}

/* After some entries that had nothing for the team, over all that cannot have anything. */
static int read_over(Reading *reading) {
        Feed *feed = reading->feed;

        if (reading->share->passed < PASSED_BEFORE_SEARCH)
                return 0;
        reading->share->passed = 0;
        return place_next_seq(view_txn(feed->view), feed->sharing, reading->session->team, reading->next_seq,
                              view_head(feed->view), SHARE_SEARCHED, &reading->next_seq);
}

static bool session_can_go_on(const Feed *feed, const FeedSession *session) {
        if (session->records.ledger)
                return feed_records_can_go_on(session);
        return session->credit > 0 && session->next_seq <= view_head(feed->view);
}

static int read_share(Reading *reading) {
        while (reading->next_seq <= view_head(reading->feed->view) && !share_is_full(reading) &&
               reading->share->looked_at < SHARE_LOOKED_AT) {
                PublishedEntry *entry;
                int r;

                r = recent_get(reading->feed->recent, reading->next_seq, &entry);
                if (r != 0)
                        return error_fold(r);
                reading->share->looked_at++;
                r = read_entry(reading, entry);
                if (r == 0)
                        r = read_over(reading);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* What cannot be sent now is made ready again, by what is then to be seen; that it was going to be sent stands in the audit. */
static int send_share(const Reading *reading) {
        FeedSession *session = reading->session;
        Feed *feed = reading->feed;

        for (size_t offset = 0; offset < feed->ready.size; offset += sizeof(Ready)) {
                Ready ready;
                int r;

                memcpy(&ready, feed->ready.data + offset, sizeof(ready));
                r = zsocket_send_routed(feed->sockets[session->socket].socket, &session->route,
                                        bytes_of(feed->frames.data + ready.offset, ready.size));
                if (r != 0)
                        return r;
                feed_session_set_place(session, ready.place);
                feed_session_delivered(feed, session);
        }
        session->next_seq = reading->next_seq;
        session->next_index = reading->next_index;
        return 0;
}

static int session_deliver(Feed *feed, FeedSession *session, Share *share) {
        Reading reading = { .feed = feed,
                            .session = session,
                            .share = share,
                            .next_seq = session->next_seq,
                            .next_index = session->next_index,
                            .sent = session->sent };
        int r;

        if (!session_can_go_on(feed, session))
                return 0;
        buffer_clear(&feed->frames);
        buffer_clear(&feed->ready);
        feed_say_begin(feed, session, CAREBUS__V1__AUDIT_WAY__AUDIT_WAY_FEED);
        r = read_share(&reading);
        if (r == 0)
                r = audit_say_end(feed->say);
        if (r == AUDIT_SAY_E_WAIT)
                return ZSOCK_E_AGAIN;
        if (r < 0)
                return r;
        if (place_compare(reading.sent, session->audited) > 0)
                session->audited = reading.sent;
        return send_share(&reading);
}

/* To a reader to whom nothing was said for long: where its stream stands. One that is gone is noticed by it. */
static int session_say_place(Feed *feed, FeedSession *session, int64_t now) {
        Carebus__V1__Delivery delivery = CAREBUS__V1__DELIVERY__INIT;
        Carebus__V1__ToReader to = CAREBUS__V1__TO_READER__INIT;

        if (now - session->spoken_at < SILENT_SAYS_PLACE)
                return 0;
        delivery.has_seq = delivery.has_index = delivery.has_prev_seq = delivery.has_prev_index = true;
        delivery.seq = delivery.prev_seq = session->sent.seq;
        delivery.index = delivery.prev_index = session->sent.index;
        delivery.has_place_only = delivery.place_only = true;
        to.message_case = CAREBUS__V1__TO_READER__MESSAGE_DELIVERY;
        to.delivery = &delivery;
        return feed_send(feed, session, &to);
}

int feed_deliver_round(Feed *feed, bool *ret_more) {
        const int64_t now = clock_monotonic(&clock_system);
        bool more = false;

        for (size_t i = 0; i < feed->n_sessions;) {
                FeedSession *session = feed->sessions[i];
                Share share = { 0 };
                bool again = false;
                int r;

                session->blocked = false;
                r = session->records.ledger ? 0 : feed_park_deliver(feed, session, &again);
                more = more || again;
                if (r == 0)
                        r = session->records.ledger ? feed_records_deliver(feed, session, &share.events)
                                                    : session_deliver(feed, session, &share);
                if (share.events > 0)
                        session->spoken_at = now;
                if (r == 0)
                        r = session_say_place(feed, session, now);
                if (r < 0)
                        return r;
                if (r == ZSOCK_E_UNREACHABLE) {
                        feed_session_free(feed, session); /* another takes its place in the row */
                        continue;
                }
                if (r == ZSOCK_E_AGAIN)
                        session->blocked = true;
                else
                        more = more || session_can_go_on(feed, session);
                i++;
        }
        *ret_more = more;
        return 0;
}
