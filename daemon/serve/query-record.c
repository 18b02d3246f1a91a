/* The shared record of a person, whole or as a team may see it. */
#include "daemon/serve/ask.h"
#include "daemon/serve/query-parts.h"

enum { REPLY_RECORD = 22 };

Ask query_ask(const Query *query) {
        return (Ask){ .sight = query->sight,
                      .view = query->view,
                      .config = query->config,
                      .sharing = query->sharing,
                      .arena = query->arena,
                      .say = query->say,
                      .team = -1 };
}

int query_asked(Query *query, const Ask *ask, int r) {
        return r == ASK_E_REFUSED ? query_refuse(query, ask->error, ask->detail) : r;
}

int query_record(Query *query, const Carebus__V1__Request *request, Buffer *out) {
        Carebus__V1__Record *record;
        Ask ask = query_ask(query);
        int r;

        r = query_team(query, request->record->team, &ask.team);
        query_say_begin(query, ask.team, CAREBUS__V1__AUDIT_WAY__AUDIT_WAY_QUERY);
        if (r == 0)
                r = query_asked(query, &ask, ask_record(&ask, request->record, &record));
        if (r == 0)
                r = query_say_end(query);
        return r == 0 ? query_put(out, REPLY_RECORD, &record->base) : r;
}
