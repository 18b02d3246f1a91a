/*
 * Rounds: every session gets a share of deliveries in turn, each from its own place, within its credit. What a team does
 * not see is passed over; where much lies between, the index says where to go on.
 */
#include <errno.h>

#include "base/error.h"
#include "daemon/serve/feed-core.h"
#include "daemon/serve/feed-session.h"

#define SHARE_EVENTS 128 /* deliveries of one session in one round */
#define SHARE_BYTES (512U << 10)
#define SHARE_LOOKED_AT 512                   /* entries, visible or not */
#define PASSED_BEFORE_SEARCH 16               /* entries that the team does not see, before the index is asked */
#define SILENT_SAYS_PLACE (15 * USEC_PER_SEC) /* a ROUTER learns that a peer is gone only by sending to it */

typedef struct Share {
        unsigned events, looked_at, passed;
        size_t bytes;
} Share;

static int session_send_entry(Feed *feed, FeedSession *session, PublishedEntry *entry, Share *share) {
        while (session->next_index < entry->n_events) {
                const PublishedEvent *event = &entry->events[session->next_index];
                const Place place = { .seq = entry->seq, .index = (uint32_t)session->next_index };
                Bytes frame;
                int r;

                if (event->size == 0) { /* it waits */
                        session->next_index++;
                        continue;
                }
                if (session->credit == 0 || share->events >= SHARE_EVENTS || share->bytes >= SHARE_BYTES)
                        return 0;
                frame = publish_frame(PUBLISH_FEED, event, place, session->sent);
                r = zsocket_send_routed(feed->sockets[session->socket].socket, &session->route, frame);
                if (r != 0)
                        return r;
                session->sent = place;
                session->next_index++;
                session->credit--;
                share->events++;
                share->bytes += frame.size;
        }
        session->next_seq = entry->seq + 1;
        session->next_index = 0;
        return 0;
}

/* Passes over an entry that the team does not see; after some of them, over all up to the next that it sees. */
static int session_pass(Feed *feed, FeedSession *session, Share *share) {
        session->next_seq++;
        session->next_index = 0;
        if (++share->passed < PASSED_BEFORE_SEARCH)
                return 0;
        share->passed = 0;
        {
                uint64_t next, beyond = view_head(feed->view) + 1;
                int r = place_next_seq(view_txn(feed->view), feed->sharing, session->team, session->next_seq, &next);
                if (r < 0)
                        return r;
                session->next_seq = MAX(session->next_seq, MIN(next, beyond));
        }
        return 0;
}

static bool session_can_go_on(const Feed *feed, const FeedSession *session) {
        if (session->records.ledger)
                return feed_records_can_go_on(session);
        return session->credit > 0 && session->next_seq <= view_head(feed->view);
}

static int session_deliver(Feed *feed, FeedSession *session, Share *share) {
        while (session_can_go_on(feed, session) && share->events < SHARE_EVENTS && share->bytes < SHARE_BYTES &&
               share->looked_at < SHARE_LOOKED_AT) {
                PublishedEntry *entry;
                int r;

                r = recent_get(feed->recent, session->next_seq, &entry);
                if (r != 0)
                        return error_fold(r);
                share->looked_at++;
                if (entry->n_events == 0 || !sharing_may_read(feed->sharing, session->team, entry->source))
                        r = session_pass(feed, session, share);
                else {
                        share->passed = 0;
                        r = session_send_entry(feed, session, entry, share);
                }
                if (r != 0)
                        return r;
        }
        return 0;
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
