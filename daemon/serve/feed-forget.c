/*
 * Readers whose place somebody gave up. The fold keeps who they are; here the place goes, once, and whoever is connected by then is told. A
 * place that the reader has come to since is its own, so doing it again changes nothing.
 */
#include "base/error.h"
#include "base/log.h"
#include "daemon/record/forgotten.h"
#include "daemon/record/read.h"
#include "daemon/serve/feed-session.h"

static ReaderPlace place_of(const Consumer *consumer) {
        ReaderPlace place = { .seq = consumer->acked.seq,
                              .index = consumer->acked.index,
                              .acked_at = consumer->acked_at,
                              .records = consumer->records };

        snprintf(place.team, sizeof(place.team), "%s", consumer->team);
        snprintf(place.name, sizeof(place.name), "%s", consumer->name);
        return place;
}

static void consumer_forget(Feed *feed, Consumer *consumer) {
        FeedSession *session = consumer->session;

        log_event(LOG_FEED_FORGOTTEN, log_name("TEAM", consumer->team), log_name("CONSUMER", consumer->name),
                  log_number("SEQ", (int64_t)consumer->acked.seq));
        if (session) {
                session->consumer = NULL;
                consumer->session = NULL;
        }
        cursors_forget(feed->cursors, consumer);
        if (session)
                feed_session_end(feed, session, "forgotten",
                                 "an operator gave up the place of this consumer: open from now, from a place, or "
                                 "records from a snapshot");
        feed->cursors_dirty = feed->status_dirty = true;
}

int feed_forget_look(Feed *feed) {
        const uint64_t newest = forgotten_newest(view_txn(feed->view));
        size_t n = 0;

        if (newest == feed->forgotten_seen)
                return 0;
        while (cursors_at(feed->cursors, n))
                n++;
        for (size_t i = n; i > 0; i--) {
                Consumer *consumer = cursors_at(feed->cursors, i - 1);
                const ReaderPlace place = place_of(consumer);
                int r = place.seq > 0 ? forgotten_place(view_txn(feed->view), &place) : 0;

                if (r < 0)
                        return r;
                if (r > 0)
                        consumer_forget(feed, consumer);
        }
        feed->forgotten_seen = newest;
        return 0;
}

int feed_forgotten(Feed *feed, const Carebus__V1__Open *open, const Consumer *consumer, uint64_t *ret_by) {
        Carebus__V1__ReaderForgotten *forgotten;
        int r;

        *ret_by = 0;
        if (open->from != CAREBUS__V1__OPEN__FROM__FROM_RESUME || (consumer && consumer->acked.seq > 0))
                return 0;
        r = forgotten_read(view_txn(feed->view), open->team, open->consumer, feed->arena, &forgotten);
        if (r == 0)
                *ret_by = forgotten->by;
        return MIN(r, 0);
}
