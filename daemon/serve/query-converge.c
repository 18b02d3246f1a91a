/* Who of the readers of records holds what the bus holds: asked of the feed thread, which alone speaks with readers. */
#include <errno.h>
#include <stdio.h>

#include "base/clock.h"
#include "daemon/serve/query-parts.h"
#include "proto/wire.h"

#define TIMEOUT_DEFAULT_MS 5000

enum { REPLY_ID = 1, REPLY_CONVERGE = 28 };

static QueryWaiting *waiting_with(Query *query, uint32_t ticket) {
        for (size_t i = 0; i < QUERY_WAITING_MAX; i++)
                if (query->waiting[i].ticket == ticket)
                        return &query->waiting[i];
        return NULL;
}

int query_converge(Query *query, const Carebus__V1__Request *request, Buffer *out) {
        const Carebus__V1__ConvergeRequest *converge = request->converge;
        QueryWaiting *waiting = waiting_with(query, 0);
        ConvergeAsked *asked;
        ssize_t team;
        int r;

        (void)out;
        r = query_team(query, converge->team, &team);
        if (r != 0)
                return r;
        if (!waiting)
                return query_refuse(query, "too-many", "others wait for the same answer: ask again in a moment");
        asked = calloc(1, sizeof(*asked));
        if (!asked)
                return -ENOMEM;
        if (++query->ticket == 0)
                query->ticket = 1;
        asked->ticket = query->ticket;
        asked->timeout = (int64_t)(converge->timeout_ms ?: TIMEOUT_DEFAULT_MS) * USEC_PER_MSEC;
        snprintf(asked->team, sizeof(asked->team), "%s", converge->team ?: "");
        snprintf(asked->consumer, sizeof(asked->consumer), "%s", converge->consumer ?: "");
        if (!ring_push(query->worker->converge_asked, asked)) {
                free(asked);
                return query_refuse(query, "too-many", "others wait for the same answer: ask again in a moment");
        }
        *waiting = (QueryWaiting){ .ticket = query->ticket, .id = request->id, .route = query->asker };
        return QUERY_E_LATER;
}

int query_tell_converge(Query *query) {
        ring_clear(query->worker->converge_told);
        for (;;) {
                _cleanup_(freep) ConvergeTold *told = ring_pop(query->worker->converge_told);
                QueryWaiting *waiting = told ? waiting_with(query, told->ticket) : NULL;

                if (!told)
                        return 0;
                if (!waiting)
                        continue;
                buffer_clear(&query->reply);
                wire_number(&query->reply, REPLY_ID, waiting->id);
                wire_bytes(&query->reply, REPLY_CONVERGE, bytes_of(told->packed, told->size));
                waiting->ticket = 0;
                if (query->reply.error < 0)
                        return query->reply.error;
                /* Who does not wait for the answer does not get one. */
                (void)zsocket_send_routed(query->socket.socket, &waiting->route, buffer_bytes(&query->reply));
        }
}
