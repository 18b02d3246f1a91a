/*
 * How far consumers are behind. A consumer that has all that its team may see has no lag, however many entries came
 * for others meanwhile; so what is looked for is the first event that it still has to acknowledge, forwards from
 * where it stands, a little at a time, and never twice.
 */
#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "daemon/serve/figures-parts.h"

#define SKIPPED 4096 /* outcomes, in a search for the next entry that may speak to a team */

static FeedLag *lag_find(Figures *figures, const FeedStatusItem *item) {
        for (size_t i = 0; i < figures->n_lags; i++)
                if (strcmp(figures->lags[i].team, item->team) == 0 &&
                    strcmp(figures->lags[i].consumer, item->consumer) == 0)
                        return &figures->lags[i];
        return NULL;
}

static void lag_move(FeedLag *lag, Place begin) {
        const int moved = place_compare(begin, lag->begin);

        if (moved == 0)
                return;
        lag->begin = begin;
        /* Backwards: it begins anew. Forwards: what was found may be done with. */
        if (moved < 0 || (lag->found && place_compare(begin, lag->first) >= 0)) {
                lag->found = false;
                lag->next_seq = begin.seq;
        }
        lag->next_seq = MAX(lag->next_seq, begin.seq);
}

int figures_lag_take(Figures *figures) {
        const size_t n = figures->feeds ? figures->feeds->n_items : 0;
        FeedLag *lags = calloc(n + 1, sizeof(*lags));

        if (!lags)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++) {
                const FeedStatusItem *item = &figures->feeds->items[i];
                const Place begin = { .seq = item->begin_seq, .index = item->begin_index };
                const FeedLag *before = lag_find(figures, item);

                if (before)
                        lags[i] = *before;
                else {
                        memcpy(lags[i].team, item->team, sizeof(lags[i].team));
                        memcpy(lags[i].consumer, item->consumer, sizeof(lags[i].consumer));
                        lags[i].begin = begin;
                        lags[i].next_seq = begin.seq;
                }
                lag_move(&lags[i], begin);
        }
        free(figures->lags);
        figures->lags = lags;
        figures->n_lags = n;
        return 0;
}

void figures_lag_forget(Figures *figures) {
        for (size_t i = 0; i < figures->n_lags; i++) {
                figures->lags[i].found = false;
                figures->lags[i].next_seq = figures->lags[i].begin.seq;
        }
}

static int look_at_entry(Figures *figures, FeedLag *lag, size_t team) {
        _cleanup_(published_entry_freep) PublishedEntry *entry = NULL;
        int r = publisher_entry(figures->publisher, figures->view, lag->next_seq, &entry);

        if (r != 0)
                return r < 0 ? r : -EBADMSG;
        for (size_t i = 0; i < entry->n_events; i++) {
                const Place place = { .seq = entry->seq, .index = (uint32_t)i };
                SightAnswer answer;

                if (place_compare(place, lag->begin) <= 0)
                        continue;
                r = sight_of(figures->sight, entry, i, team, &answer);
                if (r < 0)
                        return r;
                if (answer.gives == SIGHT_NOTHING)
                        continue;
                lag->found = true;
                lag->first = place;
                lag->received_at = entry->received_at;
                return 0;
        }
        lag->next_seq++;
        return 0;
}

static int lag_look(Figures *figures, FeedLag *lag, unsigned *left) {
        const uint64_t head = view_head(figures->view);
        const ssize_t team = config_find_team(figures->config, lag->team);
        int r = 0;

        lag->next_seq = MAX(lag->next_seq, UINT64_C(1));
        while (r == 0 && team >= 0 && !lag->found && lag->next_seq <= head && *left > 0) {
                --*left;
                r = place_next_seq(view_txn(figures->view), figures->sharing, (size_t)team, lag->next_seq, head,
                                   SKIPPED, &lag->next_seq);
                if (r == 0 && lag->next_seq <= head)
                        r = look_at_entry(figures, lag, (size_t)team);
        }
        return r;
}

int figures_lag_look(Figures *figures, unsigned entries) {
        int r = 0;

        for (size_t i = 0; r == 0 && i < figures->n_lags; i++)
                r = lag_look(figures, &figures->lags[i], &entries);
        return r;
}
