/* The audit is asked once for all entries of a question; the cursors are those that the feed thread told last. */
#include "daemon/serve/query-given.h"

#include <errno.h>

#include "base/text.h"

static int given_add(GivenList *list, const Given *given) {
        if (list->n == list->room) {
                const size_t room = list->room ? 2 * list->room : 64;
                Given *items = arena_alloc(list->arena, room * sizeof(*items));

                if (!items)
                        return -ENOMEM;
                if (list->n > 0)
                        memcpy(items, list->items, list->n * sizeof(*items));
                list->items = items;
                list->room = room;
        }
        list->items[list->n++] = *given;
        return 0;
}

/* To operators nothing is delivered: they asked, and `audit who` says so. */
static int take_record(const Carebus__V1__AuditRecord *record, void *owner) {
        const Carebus__V1__Disclosure *disclosure = record->disclosure;
        int r = 0;

        if (record->what_case != CAREBUS__V1__AUDIT_RECORD__WHAT_DISCLOSURE || !disclosure->team)
                return 0;
        for (size_t i = 0; r == 0 && i < disclosure->n_items; i++) {
                const Carebus__V1__DisclosedItem *item = disclosure->items[i];
                const Given given = { .place = { .seq = item->seq, .index = item->index },
                                      .team = disclosure->team,
                                      .consumer = disclosure->consumer,
                                      .way = disclosure->way,
                                      .sent_at = record->at,
                                      .digest = bytes_of(item->digest.data, item->digest.len),
                                      .audit = record->number,
                                      .correction = item->correction };

                r = given_add(owner, &given);
        }
        return r;
}

int given_of_entries(Query *query, const uint64_t *seqs, size_t n, GivenList *ret) {
        *ret = (GivenList){ .arena = query->arena };
        return audit_of_entries(query->worker->audit, seqs, n, query->arena, take_record, ret);
}

const char *given_consumer(const Given *given) {
        static const char *const ways[] = {
                [CAREBUS__V1__AUDIT_WAY__AUDIT_WAY_FEED] = "feed",
                [CAREBUS__V1__AUDIT_WAY__AUDIT_WAY_LIVE] = "live",
                [CAREBUS__V1__AUDIT_WAY__AUDIT_WAY_RECORDS] = "records",
                [CAREBUS__V1__AUDIT_WAY__AUDIT_WAY_QUERY] = "query",
                [CAREBUS__V1__AUDIT_WAY__AUDIT_WAY_REQUEST] = "request",
                [CAREBUS__V1__AUDIT_WAY__AUDIT_WAY_REDELIVERY] = "redelivery",
                [CAREBUS__V1__AUDIT_WAY__AUDIT_WAY_QUARANTINE] = "quarantine",
        };

        if (given->consumer)
                return given->consumer;
        return (size_t)given->way < ELEMENTSOF(ways) && ways[given->way] ? ways[given->way] : "unknown";
}

bool given_acknowledged(const Query *query, const Given *given, int64_t *ret_at) {
        if (given->way != CAREBUS__V1__AUDIT_WAY__AUDIT_WAY_FEED &&
            given->way != CAREBUS__V1__AUDIT_WAY__AUDIT_WAY_REDELIVERY)
                return false;
        for (size_t i = 0; query->feeds && given->consumer && i < query->feeds->n_items; i++) {
                const FeedStatusItem *item = &query->feeds->items[i];
                const Place acked = { .seq = item->seq, .index = item->index };

                if (!text_equal(item->team, given->team) || !text_equal(item->consumer, given->consumer))
                        continue;
                *ret_at = item->acked_at;
                return place_compare(acked, given->place) >= 0 && item->acked_at >= given->sent_at;
        }
        return false;
}
