/* The table of open feeds, and the short messages to them. */
#include "daemon/serve/feed-session.h"

#include "daemon/serve/feed-core.h"

#include <errno.h>
#include <string.h>

static size_t bucket_of(size_t socket, const ZRoute *route) {
        uint32_t hash = 2166136261U ^ (uint32_t)socket;

        for (size_t i = 0; i < route->size; i++)
                hash = (hash ^ route->data[i]) * 16777619U;
        return hash % FEED_BUCKETS;
}

FeedSession *feed_session_find(Feed *feed, size_t socket, const ZRoute *route) {
        FeedSession *session = feed->buckets[bucket_of(socket, route)];

        while (session && (session->socket != socket || !zroute_equal(&session->route, route)))
                session = session->next_in_bucket;
        return session;
}

int feed_session_new(Feed *feed, size_t socket, const ZRoute *route, FeedSession **ret) {
        const size_t bucket = bucket_of(socket, route);
        FeedSession *session;

        if (feed->n_sessions == feed->n_room) {
                size_t n_room = feed->n_room ? 2 * feed->n_room : 16;
                FeedSession **sessions = reallocarray(feed->sessions, n_room, sizeof(*sessions));
                if (!sessions)
                        return -ENOMEM;
                feed->sessions = sessions;
                feed->n_room = n_room;
        }
        session = calloc(1, sizeof(*session));
        if (!session)
                return -ENOMEM;
        session->socket = socket;
        session->route = *route;
        session->next_in_bucket = feed->buckets[bucket];
        feed->buckets[bucket] = session;
        feed->sessions[feed->n_sessions++] = session;
        *ret = session;
        return 0;
}

void feed_session_count_sent(FeedSession *session) {
        /* A record is what it is now, however often it came. */
        if (!session->records.ledger)
                sent_before_end(&session->consumer->sent, session->sent);
}

void feed_session_free(Feed *feed, FeedSession *session) {
        FeedSession **link = &feed->buckets[bucket_of(session->socket, &session->route)];

        while (*link != session)
                link = &(*link)->next_in_bucket;
        *link = session->next_in_bucket;
        for (size_t i = 0; i < feed->n_sessions; i++)
                if (feed->sessions[i] == session) {
                        feed->sessions[i] = feed->sessions[--feed->n_sessions];
                        break;
                }
        if (session->consumer) {
                feed_session_count_sent(session);
                session->consumer->session = NULL;
                cursors_drop(feed->cursors, session->consumer);
        }
        feed_records_end(session);
        feed_park_end(session);
        feed->status_dirty = true;
        free(session);
}

void feed_session_delivered(Feed *feed, FeedSession *session) {
        session->credit--;
        session->consumer->delivered++;
        feed->status_dirty = true;
}

int feed_send_to(Feed *feed, size_t socket, const ZRoute *route, const Carebus__V1__ToReader *to) {
        size_t size = carebus__v1__to_reader__get_packed_size(to);
        uint8_t *room;

        buffer_clear(&feed->scratch);
        room = buffer_reserve(&feed->scratch, size);
        if (!room)
                return -ENOMEM;
        carebus__v1__to_reader__pack(to, room);
        return zsocket_send_routed(feed->sockets[socket].socket, route, bytes_of(room, size));
}

int feed_send(Feed *feed, FeedSession *session, Carebus__V1__ToReader *to) {
        int r = feed_send_to(feed, session->socket, &session->route, to);

        if (r == 0)
                session->spoken_at = clock_monotonic(&clock_system);
        return r;
}

void feed_send_refused(Feed *feed, size_t socket, const ZRoute *route, const char *reason, const char *detail) {
        Carebus__V1__FeedRefused refused = CAREBUS__V1__FEED_REFUSED__INIT;
        Carebus__V1__ToReader to = CAREBUS__V1__TO_READER__INIT;

        refused.reason = (char *)reason;
        refused.detail = (char *)detail;
        to.message_case = CAREBUS__V1__TO_READER__MESSAGE_REFUSED;
        to.refused = &refused;
        (void)feed_send_to(feed, socket, route, &to);
}

void feed_session_end(Feed *feed, FeedSession *session, const char *reason, const char *detail) {
        feed_send_refused(feed, session->socket, &session->route, reason, detail);
        feed_session_free(feed, session);
}

void feed_say_begin(Feed *feed, const FeedSession *session, Carebus__V1__AuditWay way) {
        const AuditReader reader = {
                .team = session->consumer->team, .consumer = session->consumer->name, .way = way, .peer = session->user
        };

        audit_say_begin(feed->say, &reader);
}

void feed_session_set_place(FeedSession *session, Place place) {
        session->sent = place;
        session->next_seq = place.seq > 0 ? place.seq : 1;
        session->next_index = place.seq > 0 ? (size_t)place.index + 1 : 0;
}
