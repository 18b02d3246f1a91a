/* Who may somebody be? By the same hand as for a team's program. */
#include "daemon/serve/ask.h"
#include "daemon/serve/query-parts.h"

enum { REPLY_FOUND = 25 };

int query_find(Query *query, const Carebus__V1__Request *request, Buffer *out) {
        Carebus__V1__FindReply *found;
        Ask ask = query_ask(query);
        int r;

        r = query_team(query, request->find->team, &ask.team);
        query_say_begin(query, ask.team, CAREBUS__V1__AUDIT_WAY__AUDIT_WAY_QUERY);
        if (r == 0)
                r = query_asked(query, &ask, ask_find(&ask, request->find, &found));
        if (r == 0)
                r = found->n_candidates > 0 ? query_say_end(query) : query_say_refused(query, request, found->advice);
        return r == 0 ? query_put(out, REPLY_FOUND, &found->base) : r;
}
