/* What serve knows of the bus: how far teams and feeds are. Core knows the rest. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/serve/query-parts.h"

enum { REPLY_STATUS = 10 };

static uint32_t open_feeds(const Query *query, const char *team) {
        uint32_t n = 0;

        for (size_t i = 0; query->feeds && i < query->feeds->n_items; i++)
                n += query->feeds->items[i].open && strcmp(query->feeds->items[i].team, team) == 0;
        return n;
}

/* ---- the newest that a team sees: looked for backwards, and then only in what has come since -------------------------------- */

#define LOOKED_AT_MAX 4096 /* entries, for all teams together */

typedef struct QueryNewest {
        uint64_t until; /* up to here */
        Place places[];
} QueryNewest;

void query_newest_forget(Query *query) {
        free(query->newest);
        query->newest = NULL;
}

/* The last event of the entry that the team sees. */
static int newest_of_entry(Query *query, PublishedEntry *entry, size_t team, Place *ret) {
        for (size_t i = entry->n_events; i > 0; i--) {
                SightAnswer answer;
                int r = sight_of(query->sight, entry, i - 1, team, &answer);

                if (r < 0)
                        return r;
                if (answer.gives != SIGHT_NOTHING) {
                        *ret = (Place){ .seq = entry->seq, .index = (uint32_t)(i - 1) };
                        return 0;
                }
        }
        return 0;
}

static int newest_look(Query *query, uint64_t seq, uint64_t before, size_t *missing) {
        _cleanup_(published_entry_freep) PublishedEntry *entry = NULL;
        Place *places = query->newest->places;
        int r;

        r = publisher_entry(query->publisher, query->view, seq, &entry);
        if (r != 0)
                return r < 0 ? r : -EBADMSG;
        *missing = 0;
        for (size_t i = 0; i < query->config->n_teams; i++) {
                if (places[i].seq <= before)
                        r = newest_of_entry(query, entry, i, &places[i]);
                if (r < 0)
                        return r;
                *missing += places[i].seq <= before;
        }
        return 0;
}

static int newest_read(Query *query) {
        const uint64_t head = view_head(query->view);
        size_t missing = query->config->n_teams;
        uint64_t before;
        int r = 0;

        if (!query->newest)
                query->newest = calloc(1, sizeof(*query->newest) + query->config->n_teams * sizeof(Place));
        if (!query->newest)
                return -ENOMEM;
        before = query->newest->until;
        for (uint64_t seq = head; r == 0 && missing > 0 && seq > before && head - seq < LOOKED_AT_MAX; seq--)
                r = newest_look(query, seq, before, &missing);
        query->newest->until = head;
        return r;
}

/* ---- the answer --------------------------------------------------------------------------------------------------------------- */

static int fill_teams(Query *query, Carebus__V1__StatusReply *status) {
        int r;

        status->teams = (Carebus__V1__TeamStatus **)query_array(query, query->config->n_teams);
        if (!status->teams)
                return -ENOMEM;
        r = newest_read(query);
        if (r < 0)
                return r;
        for (size_t i = 0; i < query->config->n_teams; i++) {
                Carebus__V1__TeamStatus *team = arena_alloc(query->arena, sizeof(*team));

                if (!team)
                        return -ENOMEM;
                *team = (Carebus__V1__TeamStatus)CAREBUS__V1__TEAM_STATUS__INIT;
                team->name = query->config->teams[i].name;
                team->has_seq = team->has_index = team->has_readers = true;
                team->seq = query->newest->places[i].seq;
                team->index = query->newest->places[i].index;
                team->readers = open_feeds(query, team->name);
                status->teams[status->n_teams++] = team;
        }
        return 0;
}

/* Entries between what is acknowledged and the newest that the team sees: none when there is nothing for it to read. */
static uint64_t feed_lag(const Query *query, const FeedStatusItem *item) {
        ssize_t team = config_find_team(query->config, item->team);
        const uint64_t newest = team >= 0 ? query->newest->places[team].seq : 0;

        return newest > MAX(item->seq, item->level_seq) ? newest - item->seq : 0;
}

static int fill_feeds(Query *query, Carebus__V1__StatusReply *status) {
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
                feed->lag = feed_lag(query, item);
                feed->open = item->open;
                feed->has_acked_at = item->acked_at > 0;
                feed->acked_at = item->acked_at;
                status->feeds[status->n_feeds++] = feed;
        }
        return 0;
}

int query_status(Query *query, const Carebus__V1__Request *request, Buffer *out) {
        Carebus__V1__StatusReply status = CAREBUS__V1__STATUS_REPLY__INIT;
        int r = fill_teams(query, &status);

        if (r == 0)
                r = fill_feeds(query, &status);
        if (r < 0)
                return r;
        status.bus = query->config->bus;
        status.has_folded_seq = true;
        status.folded_seq = view_head(query->view);
        status.has_serve_up = status.serve_up = true;
        return query_put(out, REPLY_STATUS, &status.base);
}
