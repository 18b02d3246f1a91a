#pragma once
/*
 * What really happened to events: to which teams and consumers they were sent, by the audit, and whether these have acknowledged them, by
 * their cursors. For `why` and receipts.
 */
#include "daemon/serve/query-parts.h"

/* One giving. Texts live in the query's arena. */
typedef struct Given {
        Place place;
        const char *team;
        const char *consumer; /* NULL: none, see `way` */
        Carebus__V1__AuditWay way;
        int64_t sent_at;
        Bytes digest;
        uint64_t audit;
        bool correction;
} Given;

typedef struct GivenList {
        Arena *arena;
        Given *items;
        size_t n, room;
} GivenList;

/* All givings of the events of these entries (ascending), oldest first. 0 or negative. */
int given_of_entries(Query *query, const uint64_t *seqs, size_t n, GivenList *ret);
/* What stands for a consumer where there is none: live, query, ... */
const char *given_consumer(const Given *given);
/* Has its consumer acknowledged it, as far as is known? `ret_at` is when it last acknowledged anything: no later was it. */
bool given_acknowledged(const Query *query, const Given *given, int64_t *ret_at);
