/* What serve knows of the bus: how far teams and feeds are. Core knows the rest. */
#include <errno.h>

#include "daemon/serve/place.h"
#include "daemon/serve/query-parts.h"

enum { REPLY_STATUS = 10 };

static uint32_t open_feeds(const Query *query, const char *team) {
        uint32_t n = 0;

        for (size_t i = 0; query->feeds && i < query->feeds->n_items; i++)
                n += query->feeds->items[i].open && strcmp(query->feeds->items[i].team, team) == 0;
        return n;
}

static int fill_teams(Query *query, Carebus__V1__StatusReply *status, Place *newest) {
        status->teams = (Carebus__V1__TeamStatus **)query_array(query, query->config->n_teams);
        if (!status->teams)
                return -ENOMEM;
        for (size_t i = 0; i < query->config->n_teams; i++) {
                Carebus__V1__TeamStatus *team = arena_alloc(query->arena, sizeof(*team));
                int r;

                if (!team)
                        return -ENOMEM;
                r = place_newest(view_txn(query->view), query->sharing, i, PLACE_LAST, &newest[i]);
                if (r < 0)
                        return r;
                *team = (Carebus__V1__TeamStatus)CAREBUS__V1__TEAM_STATUS__INIT;
                team->name = query->config->teams[i].name;
                team->has_seq = team->has_index = team->has_readers = true;
                team->seq = newest[i].seq;
                team->index = newest[i].index;
                team->readers = open_feeds(query, team->name);
                status->teams[status->n_teams++] = team;
        }
        return 0;
}

/* Entries between what is acknowledged and the newest that the team sees: none when there is nothing for it to read. */
static uint64_t feed_lag(const Query *query, const FeedStatusItem *item, const Place *newest) {
        ssize_t team = config_find_team(query->config, item->team);

        return team >= 0 && newest[team].seq > item->seq ? newest[team].seq - item->seq : 0;
}

static int fill_feeds(Query *query, Carebus__V1__StatusReply *status, const Place *newest) {
        const size_t n = query->feeds ? query->feeds->n_items : 0;

        status->feeds = (Carebus__V1__FeedStatus **)query_array(query, n);
        if (!status->feeds)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++) {
                const FeedStatusItem *item = &query->feeds->items[i];
                Carebus__V1__FeedStatus *feed = arena_alloc(query->arena, sizeof(*feed));

                if (!feed)
                        return -ENOMEM;
                *feed = (Carebus__V1__FeedStatus)CAREBUS__V1__FEED_STATUS__INIT;
                feed->team = (char *)item->team;
                feed->consumer = (char *)item->consumer;
                feed->has_seq = feed->has_index = feed->has_lag = feed->has_open = true;
                feed->seq = item->seq;
                feed->index = item->index;
                feed->lag = feed_lag(query, item, newest);
                feed->open = item->open;
                feed->has_acked_at = item->acked_at > 0;
                feed->acked_at = item->acked_at;
                status->feeds[status->n_feeds++] = feed;
        }
        return 0;
}

int query_status(Query *query, const Carebus__V1__Request *request, Buffer *out) {
        Carebus__V1__StatusReply status = CAREBUS__V1__STATUS_REPLY__INIT;
        Place *newest = arena_alloc(query->arena, (query->config->n_teams + 1) * sizeof(*newest));
        int r;

        if (!newest)
                return -ENOMEM;
        r = fill_teams(query, &status, newest);
        if (r == 0)
                r = fill_feeds(query, &status, newest);
        if (r < 0)
                return r;
        status.bus = query->config->bus;
        status.has_folded_seq = true;
        status.folded_seq = view_head(query->view);
        status.has_serve_up = status.serve_up = true;
        return query_put(out, REPLY_STATUS, &status.base);
}
